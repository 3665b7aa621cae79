"""From written text to a model's tokens, with a report of unknown characters."""

from __future__ import annotations

import logging
import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

READ_AS_WORDS = "%\u2030\u00b0\u00a7#@+=<>\u00b1\u00d7\u00f7"  # signs that are read as words
JOINED = "\"'`\u00b4^"  # marks that separate no words
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TextFrontEnd:
    """Normalizes a text, and finds the characters that a tokenizer maps to unknown."""

    tokenizer: Any
    normalize: Callable[[str], str]
    max_tokens: int | None = None  # that the model reads at once

    def tokens(self, text: str) -> list[int]:
        """Return the token ids of the text as it is spoken, end mark included."""
        return list(self.tokenizer(self.spoken(text))["input_ids"])

    def spoken(self, text: str) -> str:
        """Return the normalized text without silent marks that the tokenizer does not know.

        Brackets and dashes become a pause, others a space or nothing. Letters, digits and signs that are read as words
        stay.
        """
        silent = set(self.silent(text))
        if not silent:
            return self.normalize(text)
        pause = ", " if self._knows(",") else " "
        return _tidy("".join(_instead(c, pause) if c in silent else c for c in self.normalize(text)))

    def silent(self, text: str) -> list[str]:
        """Return the marks of the normalized text that `spoken` removes, in order, with repeats."""
        return [c for c in self.normalize(text) if is_silent(c) and (is_control(c) or not self._knows(c))]

    def _knows(self, character: str) -> bool:
        return _knows(self.tokenizer, character)

    def unspeakable(self, text: str) -> list[str]:
        """Return the characters to be spoken that the tokenizer does not know, in order, with repeats."""
        if self.tokenizer.unk_token_id not in self.tokens(text):
            return []
        return [c for c in self.spoken(text) if not self._knows(c)]

    def speakable(self, text: str) -> str:
        """Return the text to be spoken without the characters that the tokenizer does not know."""
        missing = set(self.unspeakable(text))
        return "".join(c for c in self.spoken(text) if c not in missing) if missing else self.spoken(text)

    def has_words(self, text: str) -> bool:
        """Whether the spoken text has more than punctuation."""
        return any(c.isalnum() for c in self.speakable(text))


def listed(counts: Counter[str]) -> str:
    """Return characters with their code points and counts, most frequent first, for a message."""
    return ", ".join(f"{char!r} (U+{ord(char):04X}) {n}" for char, n in counts.most_common())


@lru_cache(maxsize=4096)
def _knows(tokenizer: Any, character: str) -> bool:
    return tokenizer.unk_token_id not in tokenizer(character, add_special_tokens=False)["input_ids"]


def is_silent(character: str) -> bool:
    """Whether a character is a silent mark: a quote, a bracket, an emoji, a control character."""
    if character.isspace() or character in READ_AS_WORDS:
        return False
    kind = unicodedata.category(character)
    return kind[0] in "PC" or kind in ("So", "Sk", "Sm") or "\ufe00" <= character <= "\ufe0f" or character == "\u20e3"


def is_control(character: str) -> bool:
    """Whether a character is a control or format character."""
    return unicodedata.category(character)[0] == "C"


def _instead(character: str, pause: str) -> str:
    """Return the replacement of a silent mark."""
    if unicodedata.category(character) in ("Ps", "Pe", "Pd"):
        return pause
    return "" if character in JOINED or unicodedata.category(character) in ("Cf", "Pi", "Pf", "Mn") else " "


def _tidy(text: str) -> str:
    """Return a text with single pauses, and none at its beginning or next to another mark."""
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r"(\s*,)+", ",", text)
    text = re.sub(r"\s+([,.;:?!])", r"\1", text)
    text = re.sub(r",+([.;:?!])", r"\1", text)
    text = re.sub(r"([.;:?!]),", r"\1", text)
    return text.strip(" ,")
