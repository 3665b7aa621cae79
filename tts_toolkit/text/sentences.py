"""Long texts cut at sentences and clauses."""

from __future__ import annotations

import re
from collections.abc import Callable

_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=\S)")
_CLAUSE_END = re.compile(r"(?<=[,;:])\s+")


def split_text(text: str, fits: Callable[[str], bool]) -> list[str]:
    """Return pieces of `text` that fit, as few as possible: cut at sentences, then clauses, then words.

    Sentences are joined as long as the piece fits. Call it with normalized text: "Dr. Smith" has no sentence end
    once it is written as words. Raises ValueError when a single word does not fit.
    """
    if fits(text):
        return [text]
    for pieces in (_SENTENCE_END.split(text), _CLAUSE_END.split(text), text.split()):
        if len(pieces) > 1:
            return _join([part for piece in pieces for part in split_text(piece, fits)], fits)
    raise ValueError(f"the word {text[:40]!r} is too long to be spoken at once")


def _join(pieces: list[str], fits: Callable[[str], bool]) -> list[str]:
    joined = [pieces[0]]
    for piece in pieces[1:]:
        together = f"{joined[-1]} {piece}"
        if fits(together):
            joined[-1] = together
        else:
            joined.append(piece)
    return joined
