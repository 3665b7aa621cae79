"""Long texts in parts of bounded length, so that rules with context take time linear in the text."""

from __future__ import annotations

import re
from collections.abc import Callable

PART_CHARACTERS = 400  # a longer sentence is cut between words
MAX_PASSES = 8  # what one rule leaves can be work for an earlier one
_SPACES = re.compile(r"\s+")
_SENTENCE_END = re.compile(r"[a-z]{3}[.!?][\"')\]]*\s+(?=[\"'(]?[A-Z])|[。！？؟।]\s*")
_BETWEEN_WORDS = re.compile(r"(?<=[^\W\d_]{3})\s+(?=[^\W\d_]{2})")

Rule = tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]


def in_parts(text: str, limit: int = PART_CHARACTERS) -> list[str]:
    """Return `text`, its spaces single, in parts of at most `limit` characters.

    Cut at the last sentence end that fits, else between two words, else at a blank, else anywhere.
    """
    text = _SPACES.sub(" ", text).strip()
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


def apply(rules: list[Rule], text: str) -> str:
    """Return `text` with the rules applied in order until nothing changes; spaces become single."""
    for _ in range(MAX_PASSES):
        before = text
        for pattern, replace in rules:
            text = pattern.sub(replace, text)
        text = _SPACES.sub(" ", text).strip()
        if text == before:
            break
    return text
