"""Signs that are read as words in English."""

from __future__ import annotations

import re

from tts_toolkit.text.english_numbers import Match
from tts_toolkit.text.english_tables import GREEK, SYMBOLS
from tts_toolkit.text.parts import Rule


def _sign(match: Match) -> str:
    return f" {SYMBOLS[match[0]]} "


def _hashtag(match: Match) -> str:
    return "hashtag " + re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", match["tag"])


SIGNS: list[Rule] = [
    (re.compile(r"\b([A-G])[#\u266f](?!\w)"), r"\1 sharp"),
    (re.compile(r"\+/-|\+-"), " plus or minus "),
    (re.compile(r"<="), " less than or equal to "),
    (re.compile(r">="), " greater than or equal to "),
    (re.compile(r"!="), " not equal to "),
    (re.compile(r"[-=]>"), " to "),
    (re.compile(r"={2,}"), "="),
    (re.compile(r"-{2,}"), " - "),
    (re.compile(r"(?<!\w)#(?P<tag>[A-Za-z]\w*)"), _hashtag),
    (re.compile(r"(?<=\d)!(?=\s*[=+*/-])"), " factorial"),
    (re.compile(rf"(?<![^\W_])[{''.join(GREEK)}](?![^\W_])"), lambda m: GREEK[m[0]]),
    (re.compile("[" + "".join(map(re.escape, SYMBOLS)) + "]"), _sign),
    (re.compile(r"(?<=\w)\s?[/\\]\s?(?=\w)"), " "),
    (re.compile(r"_{1,}"), " "),
    (re.compile(r" (?=[,.;:!?])(?!\.\w)"), ""),
]
