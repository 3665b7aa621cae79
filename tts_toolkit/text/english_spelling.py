"""One spelling for words of English that sound the same, so that error rates ignore a recognizer's spelling."""

from __future__ import annotations

import re
from functools import cache

_SAME = {
    "ok": "okay", "missus": "misses", "miz": "miss", "centre": "center", "theatre": "theater", "kilometre": "kilometer",
    "kilometres": "kilometers", "metre": "meter", "metres": "meters", "centimetre": "centimeter",
    "centimetres": "centimeters", "millimetre": "millimeter", "millimetres": "millimeters", "litre": "liter",
    "litres": "liters", "millilitre": "milliliter", "millilitres": "milliliters", "gramme": "gram", "grammes": "grams",
    "kilogramme": "kilogram", "kilogrammes": "kilograms", "whilst": "while", "grey": "gray", "rouble": "ruble",
    "roubles": "rubles", "alright": "all right", 
}  # fmt: skip
_COMPOUNDS = re.compile(r"\b(e mail|wi fi|per cent|x ray|any more|some day|tee shirt|web site|on line|all right)(s?)\b")
_AND = re.compile(
    r"\b(hundred|thousand|million|billion|trillion) and (?=(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|"
    r"twelve|"
    r"\w+teen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:th|st|nd|rd)?\b|first\b|second\b|third\b|"
    r"fifth\b)"
)
_LETTERS = re.compile(r"\b[a-z](?: [a-z]\b(?!'))+")
_POSSESSIVE = re.compile(
    r"(?<=[a-z]{2})'s\b(?<!\bit's)(?<!\bhe's)(?<!\bshe's)(?<!that's)(?<!what's)(?<!let's)(?<!here's)(?<!who's)"
)


@cache
def _american() -> dict[str, str]:
    from whisper_normalizer.english import EnglishSpellingNormalizer

    return dict(EnglishSpellingNormalizer().mapping)


def one_spelling(words: str) -> str:
    """Return lower-case English words, without punctuation, in one of the spellings that sound the same.

    Single letters are joined (u s a, usa), British spellings become American, a possessive loses its apostrophe,
    compounds lose their blank, and "and" after hundred or thousand goes.
    """
    words = _COMPOUNDS.sub(lambda found: found[1].replace(" ", "") + found[2], words)
    words = _LETTERS.sub(lambda found: found[0].replace(" ", ""), words)
    words = _POSSESSIVE.sub("s", _AND.sub(r"\1 ", words))
    american = _american()
    return " ".join(_SAME.get(word, american.get(word, word)) for word in words.split())
