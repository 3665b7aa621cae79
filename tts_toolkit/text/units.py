"""Units of error rates: words where a script separates them by blanks, characters where it does not."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tts_toolkit.text.languages import counts_characters

# Han with its iteration marks and zero, kana (also of half width), bopomofo, Thai, Lao, Burmese, Khmer.
_SCRIPTS = (
    "\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3105-\u312f\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff\u0e01-\u0e3a\u0e40-\u0e5b\u0e81-\u0eff"
    "\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f\u1780-\u17ff\u19e0-\u19ff"
)
_UNIT = re.compile(rf"[{_SCRIPTS}]|[^\s{_SCRIPTS}]+")
_BLANK = re.compile(rf"(?<=[{_SCRIPTS}])\s+|\s+(?=[{_SCRIPTS}])")


def base_language(language: str) -> str:
    """Return the language of a code that may include a script or a country: "zh" of "zh-Hans_CN"."""
    return re.split("[-_]", language.strip().lower())[0]


def is_unspaced(language: str) -> bool:
    """Whether a language is written without blanks between words."""
    return counts_characters(language)


def mixed_units(text: str) -> list[str]:
    """Return the units of a text: each character of a script without blanks, each word of any other.

    Their errors make the mixed error rate of texts that mix scripts; of a text in one script, words or characters.
    """
    return _UNIT.findall(text)


def joined(units: Sequence[str]) -> str:
    """Return units as the text whose characters are counted: single spaces, none next to one-character units."""
    return _BLANK.sub("", " ".join(units))
