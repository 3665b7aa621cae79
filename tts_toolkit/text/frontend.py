"""From a text as written to the tokens a model can speak, with an account of what it cannot."""

from __future__ import annotations

import logging
import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

SAID = "%\u2030\u00b0\u00a7#@+=<>\u00b1\u00d7\u00f7"  # signs that stand for words, which a reader says
JOINED = "\"'`\u00b4^"  # marks that part no words
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TextFrontEnd:
    """Normalizes a text, then tells which of its characters a tokenizer maps to unknown."""

    tokenizer: Any
    normalize: Callable[[str], str]
    max_tokens: int | None = None  # that the model reads at once

    def tokens(self, text: str) -> list[int]:
        """Return the token ids of the text as it is spoken, end mark included."""
        return list(self.tokenizer(self.spoken(text))["input_ids"])

    def spoken(self, text: str) -> str:
        """Return the normalized text in which marks that nobody says and the tokenizer does not know are taken out.

        Brackets and dashes become the pause that they are read as, others nothing or a space. Letters, digits and
        signs that stand for words stay as they are.
        """
        silent = set(self.silent(text))
        if not silent:
            return self.normalize(text)
        pause = ", " if self._knows(",") else " "
        return _tidy("".join(_instead(c, pause) if c in silent else c for c in self.normalize(text)))

    def silent(self, text: str) -> list[str]:
        """Return the marks of the normalized text that `spoken` takes out, in order, with repeats."""
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
        """Return whether anything but punctuation is left to say."""
        return any(c.isalnum() for c in self.speakable(text))


def listed(counts: Counter[str]) -> str:
    """Characters with their code points and counts, most frequent first, for a message."""
    return ", ".join(f"{char!r} (U+{ord(char):04X}) {n}" for char, n in counts.most_common())


@lru_cache(maxsize=4096)
def _knows(tokenizer: Any, character: str) -> bool:
    return tokenizer.unk_token_id not in tokenizer(character, add_special_tokens=False)["input_ids"]


def is_silent(character: str) -> bool:
    """Return whether a character is a mark that nobody says: a quote, a bracket, an emoji, a control character."""
    if character.isspace() or character in SAID:
        return False
    kind = unicodedata.category(character)
    return kind[0] in "PC" or kind in ("So", "Sk", "Sm") or "\ufe00" <= character <= "\ufe0f" or character == "\u20e3"


def is_control(character: str) -> bool:
    """Return whether a character is a control or format character, which no text is made of."""
    return unicodedata.category(character)[0] == "C"


def _instead(character: str, pause: str) -> str:
    """Return what is read in place of a silent mark."""
    if unicodedata.category(character) in ("Ps", "Pe", "Pd"):
        return pause
    return "" if character in JOINED or unicodedata.category(character) in ("Cf", "Pi", "Pf", "Mn") else " "


def _tidy(text: str) -> str:
    """Return a text with one pause where there were several, and none at its beginning or beside another mark."""
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r"(\s*,)+", ",", text)
    text = re.sub(r"\s+([,.;:?!])", r"\1", text)
    text = re.sub(r",+([.;:?!])", r"\1", text)
    text = re.sub(r"([.;:?!]),", r"\1", text)
    return text.strip(" ,")
