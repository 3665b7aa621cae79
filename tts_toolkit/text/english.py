"""English text as it is spoken: numbers, dates, times, money, units, addresses and abbreviations become words.

One normaliser serves training transcripts, synthesis and the references and hypotheses of WER, so that all three
mean the same words. It is idempotent: what it returns holds nothing more to replace. The rules are applied in the order
of `_RULES`; each sees what the ones before it left. It takes time linear in the text, which is read in parts.
"""

from __future__ import annotations

from functools import lru_cache

from tts_toolkit.text.english_addresses import ADDRESSES, PHONES
from tts_toolkit.text.english_dates import DATES, HALVES, TIMES
from tts_toolkit.text.english_marks import LINES, MARKUP, SIGNS, fold_marks
from tts_toolkit.text.english_measures import FRACTIONS, MEASURES, NUMBERS, RANGES
from tts_toolkit.text.english_money import MONEY
from tts_toolkit.text.english_words import ABBREVIATED, ACRONYMS, ROMANS, WORDS
from tts_toolkit.text.parts import Rule, apply, in_parts

NAMES = ("", "en", "eng", "english")  # of the language; what names none is in English

_RULES: list[Rule] = [
    *MARKUP, *ADDRESSES, *WORDS, *HALVES, *DATES, *PHONES, *ROMANS, *ABBREVIATED, *MONEY, *TIMES, *FRACTIONS, *RANGES,
    *MEASURES, *ACRONYMS, *NUMBERS, *SIGNS,
]  # fmt: skip


def is_english(language: str) -> bool:
    """Return whether a language's name or tag, in whichever case, is English."""
    return language.lower().replace("_", "-").split("-")[0] in NAMES


@lru_cache(maxsize=65536)
def normalize_english(text: str) -> str:
    """Return `text` with what is not written as words spelled out, punctuation and case kept."""
    for pattern, replace in LINES:
        text = pattern.sub(replace, text)
    return " ".join(filter(None, (apply(_RULES, part) for part in in_parts(fold_marks(text)))))
