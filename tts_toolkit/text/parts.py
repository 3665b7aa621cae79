"""Long texts in parts of bounded length, so that rules with context take time linear in the text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

PART_CHARACTERS = 400  # a longer sentence is cut between words
MAX_PASSES = 8  # a rule's result can match an earlier rule
LONG_NUMBER = 25  # digits too many for one number
_SPACES = re.compile(r"\s+")
_SENTENCE_END = re.compile(r"[a-z]{3}[.!?][\"')\]]*\s+(?=[\"'(]?[A-Z])|[。！？؟।]\s*")
_BETWEEN_WORDS = re.compile(r"(?<=[^\W\d_]{3})\s+(?=[^\W\d_]{2})")
_REPEATED = re.compile(r"([^\w\s])\1{3,}")
_LONG_NUMBER = re.compile(rf"(\d{{{LONG_NUMBER},}})")

Rule = tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]


def read(
    text: str, synthesize: Callable[[str], str], spell_digits: Callable[[str], str], limit: int = PART_CHARACTERS
) -> str:
    """Return `text` with each of its parts read, spaces single and marks repeated at most three times.

    Digits too many for a number are spelled in place first, so that no rule scans them.
    """
    text = _REPEATED.sub(r"\1\1\1", _SPACES.sub(" ", text)).strip()
    pieces = _LONG_NUMBER.split(text)
    spoken: list[str] = []
    for n, piece in enumerate(pieces):
        spoken += [spell_digits(piece)] if n % 2 else [synthesize(part.strip()) for part in _parts(piece, limit)]
    joined = " ".join(filter(None, spoken))
    # Signs next to spelled digits are now between words, where the rules match.
    return joined if len(pieces) == 1 else read(joined, synthesize, spell_digits, limit)


def _parts(text: str, limit: int) -> list[str]:
    """Cut at the last sentence end that fits, else between two words, else at a blank, else anywhere."""
    parts = []
    start = 0
    while len(text) - start > limit:
        end = _cut(text, start, start + limit)
        parts.append(text[start:end])
        start = end
    return [*parts, text[start:]]


def _cut(text: str, start: int, end: int) -> int:
    for pattern in (_SENTENCE_END, _BETWEEN_WORDS, _SPACES):
        ends = [found.end() for found in pattern.finditer(text, start + 1, end)]
        if ends:
            return ends[-1]
    return end


def apply(rules: Sequence[Rule], without_digits: Sequence[Rule], text: str) -> str:
    """Return `text` with the rules applied in order until nothing changes; spaces become single.

    `without_digits` are the rules that may change a text without digits.
    """
    for _ in range(MAX_PASSES):
        before = text
        for pattern, replace in rules if _DIGIT.search(text) else without_digits:
            text = pattern.sub(replace, text)
        text = _SPACES.sub(" ", text).strip()
        if text == before:
            break
    return text


_DIGIT = re.compile(r"\d")
