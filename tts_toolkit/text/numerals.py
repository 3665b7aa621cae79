"""Cardinals and ordinals of num2words, with corrections, and of the languages that it lacks."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

_NEEDED = {  # (language, kind): corrections (pattern, words)
    "ar": [(r" و ", " و"), (r"(مئت|مائت|ألف)ا$", r"\1ان")],
    "cs": [(r"dvěstě", "dvě stě"), (r"(tři|čtyři)sta", r"\1 sta"), (r"(pět|šest|sedm|osm|devět)set\b", r"\1 set")],
    "fi": [(r"(?<=\w)(miljoona|miljardi)", r" \1")],
    "no": [(r"\ben (hundre|tusen)", r"ett \1"), (r"millard", "milliard"), (r"(?<!en )\b(million|milliard)\b", r"\1er")],
    "pt_BR": [(r",", "")],
    "ru": [(r"^одна (тысяча .*(?:ый|ой|ий))$", r"\1")],
}


@lru_cache(maxsize=16384)
def from_library(language: str, number: int, kind: str = "cardinal") -> str:
    """Return `number` in words by num2words: cardinal or ordinal."""
    from num2words import num2words

    words = str(num2words(number, lang=language, to=kind))
    for pattern, wanted in _NEEDED.get(language, []):
        words = re.sub(pattern, wanted, words)
    return " ".join(words.replace("\u00ad", "").split())


def words_of(listed: str, sep: str | None = None) -> list[str]:
    """Return the entries of a list that is written as one text."""
    return listed.split(sep)


Below = Callable[[int], str]


def by_thousands(
    number: int, below: Below, names: tuple[str, ...], joint: str = " ", link: str = " ", one: str = ""
) -> str:
    """Return a number read in groups of three digits, each followed by the name of its power of a thousand.

    `below` spells 1 to 999, `names` are those of 1000, 10**6, ...; `one` replaces "one thousand" where "one" is
    omitted.
    """
    groups = []
    while number:
        number, group = divmod(number, 1000)
        groups.append(group)
    parts = []
    for power in range(len(groups) - 1, -1, -1):
        group = groups[power]
        if not group:
            continue
        if power == 1 and group == 1 and one:
            parts.append(one)
        else:
            parts.append(below(group) + (joint + names[power - 1] if power else ""))
    return link.join(parts)
