"""Normalization of texts for error rates."""

from __future__ import annotations

import re
import unicodedata

from tts_toolkit.text.english import is_english
from tts_toolkit.text.english_spelling import one_spelling
from tts_toolkit.text.languages import lower_case, normalizer
from tts_toolkit.text.units import is_unspaced, joined, mixed_units

_BARE_APOSTROPHE = re.compile(r"(?<!\w)'|'(?!\w)")


def scored_words(text: str, language: str = "en") -> str:
    """Return `text` normalized for error rates: composed (NFC), lower case, hyphens as spaces, no other punctuation.

    Accents and vowel signs belong to their words, composed or not. Numbers become words first, as `normalizer` reads
    the language; English homophones have one spelling. Each character of a script without blanks is
    a word of its own, so that texts that mix scripts get the mixed error rate.
    """
    plain = unicodedata.normalize("NFKC", text) if is_unspaced(language) else text
    lower = unicodedata.normalize("NFC", lower_case(normalizer(language)(plain), language))
    kept = "".join(char if _is_in_words(char) else " " for char in lower)
    words = " ".join(mixed_units(_BARE_APOSTROPHE.sub(" ", kept)))
    return one_spelling(words) if is_english(language) else words


def scored_characters(text: str, language: str = "en") -> str:
    """Return the string whose characters are counted: `scored_words` without blanks that separate no words."""
    return joined(scored_words(text, language).split())


def _is_in_words(char: str) -> bool:
    return char.isalnum() or char in "' " or unicodedata.category(char).startswith("M")
