"""English text normalization: numbers, dates, times, money, units, addresses and abbreviations become words.

One normalizer serves training transcripts, synthesis and the references and hypotheses of WER, so that all three mean
the same words. It is idempotent. The rules are applied in the order of `_RULES`, each to the result of those before it.
Its time is linear in the text, which is read in parts.
"""

from __future__ import annotations

import re
from functools import lru_cache

from tts_toolkit.text.english_addresses import ADDRESSES, PHONES
from tts_toolkit.text.english_dates import DATES, HALVES, NAMED_RANGES, TIMES
from tts_toolkit.text.english_measures import FRACTIONS, LETTER_RANGES, MEASURES, NUMBERS, RANGES
from tts_toolkit.text.english_money import MONEY
from tts_toolkit.text.english_numbers import spell_digits
from tts_toolkit.text.english_signs import SIGNS
from tts_toolkit.text.english_words import ABBREVIATED, ACRONYMS, ROMANS, WORDS
from tts_toolkit.text.markup import MARKUP, fold_marks, unlisted
from tts_toolkit.text.parts import Rule, apply, read

NAMES = ("", "en", "eng", "english")  # of the language; an empty name is English

_RULES: list[Rule] = [
    *MARKUP, *ADDRESSES, *WORDS, *HALVES, *NAMED_RANGES, *DATES, *PHONES, *ROMANS, *ABBREVIATED, *MONEY, *TIMES,
    *FRACTIONS,
    *RANGES, *MEASURES, *ACRONYMS, *NUMBERS, *SIGNS,
]  # fmt: skip
_WITHOUT_DIGITS: list[Rule] = [
    *MARKUP, *ADDRESSES, *WORDS, *HALVES, *NAMED_RANGES, *ROMANS, *ABBREVIATED, *ACRONYMS, *LETTER_RANGES, *SIGNS,
]  # fmt: skip
_ONLY_WORDS = re.compile(r"(?:[a-z']{2,} |[ai] )*[a-z']{2,}[!?]?")
_SHORTENED = re.compile(r"\b(?:vs|etc|approx|al|[ivxl]{2,})\b|\w\.|'{2}")


def is_english(language: str) -> bool:
    """Whether a language's name or tag, in any case, is English."""
    return language.lower().replace("_", "-").split("-")[0] in NAMES


@lru_cache(maxsize=65536)
def normalize_english(text: str) -> str:
    """Return `text` with everything spelled out in words, punctuation and case kept."""
    return unlisted(read(fold_marks(unlisted(text)), _spoken, spell_digits))


def _spoken(part: str) -> str:
    if _ONLY_WORDS.fullmatch(part) and not _SHORTENED.search(part):
        return part
    return apply(_RULES, _WITHOUT_DIGITS, part)
