"""From a text as written to the tokens a model can speak, with an account of what it cannot."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from tts_toolkit.data.clips import Clip
from tts_toolkit.errors import UserError

log = logging.getLogger(__name__)
Unspeakable = Literal["error", "warn", "drop"]


@dataclass(frozen=True)
class TextFrontEnd:
    """Normalises a text, then tells which of its characters a tokenizer maps to unknown."""

    tokenizer: Any
    normalize: Callable[[str], str]
    max_tokens: int | None = None  # that the model reads at once

    def tokens(self, text: str) -> list[int]:
        """Return the token ids of the normalised text, end mark included."""
        return list(self.tokenizer(self.normalize(text))["input_ids"])

    def unspeakable(self, text: str) -> list[str]:
        """Return the characters of the normalised text that the tokenizer does not know, in order, with repeats."""
        unknown = self.tokenizer.unk_token_id
        normalised = self.normalize(text)
        if unknown not in self.tokens(text):
            return []
        known = {c: unknown not in self.tokenizer(c, add_special_tokens=False)["input_ids"] for c in set(normalised)}
        return [c for c in normalised if not known[c]]

    def speakable(self, text: str) -> str:
        """Return the normalised text without the characters that the tokenizer does not know."""
        missing = set(self.unspeakable(text))
        return "".join(c for c in self.normalize(text) if c not in missing) if missing else self.normalize(text)

    def has_words(self, text: str) -> bool:
        """Return whether anything but punctuation is left to say."""
        return any(c.isalnum() for c in self.speakable(text))


def check_transcripts(clips: Sequence[Clip], front_end: TextFrontEnd, unspeakable: Unspeakable) -> list[Clip]:
    """Return the clips whose transcripts may be used.

    What cannot be spoken is listed with counts before anything is trained. `error` raises UserError, `warn` keeps
    the clips and lets the tokenizer skip the characters, `drop` leaves these clips out. A transcript with no word
    to say raises UserError whatever the setting, and so does an unknown setting.
    """
    if unspeakable not in get_args(Unspeakable):
        raise UserError(f"text.unspeakable={unspeakable}: allowed are {', '.join(get_args(Unspeakable))}")
    kept, counts, first = [], Counter[str](), ""
    for clip in clips:
        if not front_end.has_words(clip.transcript):
            raise UserError(f"{clip.source}: nothing in {clip.transcript!r} can be spoken; write what the clip says")
        missing = front_end.unspeakable(clip.transcript)
        counts.update(missing)
        first = first or (clip.source if missing else "")
        if not (missing and unspeakable == "drop"):
            kept.append(clip)
    if counts:
        listed = ", ".join(f"{char!r} (U+{ord(char):04X}) {n}" for char, n in counts.most_common())
        message = f"the tokenizer cannot speak {sum(counts.values())} characters, first at {first}: {listed}"
        if unspeakable == "error":
            raise UserError(
                f"{message}; rewrite them, or set text.unspeakable=warn to skip them or =drop to leave the clips out"
            )
        n_left_out = len(clips) - len(kept)
        log.warning("%s; %s", message, f"{n_left_out} clips are left out" if n_left_out else "they are skipped")
    if not kept:
        raise UserError("no clip is left: every transcript holds characters that the tokenizer cannot speak")
    return kept
