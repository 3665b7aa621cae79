"""What a model family offers: it says what it cannot say, and speaks lines as a batch."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from tts_toolkit.errors import UserError
from tts_toolkit.text.cues import without_cues


@dataclass(frozen=True)
class SynthesisRequest:
    """A text to speak; a synthesizer gives the same waveform for equal lines, whatever else is in the batch.

    What it draws follows from `piece_seed(seed, text)`, so that every command speaks a text alike.
    """

    text: str
    seed: int  # as the user gave it, one for all texts
    voice: str | None = None  # in the synthesizer's own terms; None: its default
    recording: str | None = None  # the path of one that it is spoken from


@dataclass(frozen=True, eq=False)
class Speech:
    """A spoken text; in a notebook it shows as a player."""

    waveform: np.ndarray  # (n,) float32, true length
    sample_rate_hz: int
    truncated: bool = False  # the model hit its ceiling instead of stopping by itself

    @property
    def seconds(self) -> float:
        """Duration."""
        return len(self.waveform) / self.sample_rate_hz

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write a 16-bit `.wav` or `.flac` file; raises UserError for another name or values that are not finite."""
        from tts_toolkit.audio import write_flac, write_wav

        file = Path(path)
        write = {".wav": write_wav, ".flac": write_flac}.get(file.suffix.lower())
        if write is None:
            raise UserError(f"{file}: the name must end in .wav or .flac; rename it")
        if not np.isfinite(self.waveform).all():
            raise UserError(f"{file}: is not written: the waveform holds non-finite values; check the model's weights")
        file.parent.mkdir(parents=True, exist_ok=True)
        write(file, self.waveform, self.sample_rate_hz)
        return file

    def __repr__(self) -> str:
        """Duration and sample rate instead of the samples."""
        cut = ", truncated" if self.truncated else ""
        return f"Speech({self.seconds:.2f} s at {self.sample_rate_hz} Hz{cut})"

    def _repr_html_(self) -> str:
        """A player that holds the sound, for notebooks."""
        import base64

        from tts_toolkit.audio import encoded

        data = base64.b64encode(encoded(self.waveform, self.sample_rate_hz, "WAV")).decode()
        return f'<audio controls src="data:audio/wav;base64,{data}"></audio> {self!r}'


@dataclass(frozen=True)
class Coverage:
    """What of a text is not said as written."""

    dropped: tuple[str, ...] = ()  # characters or cues that never reach the model
    unknown: tuple[str, ...] = ()  # characters or words that the tokenizer maps to its unknown token
    n_truncated: int = 0  # tokens beyond what the model reads


class Synthesizer(Protocol):
    """A checkpoint that speaks; a frozen dataclass whose weights are loaded when first used.

    Where a line's voice rests on more than the files it names, `voice_version(line)` may say on what.
    """

    @property
    def name(self) -> str:
        """The checkpoint, for reports."""

    @property
    def version(self) -> str:
        """What identifies the weights: a hub commit, a hash or a release; part of what decides on reuse."""

    @property
    def n_parameters(self) -> int | None:
        """How many weights speak; None where there are none to count."""

    @property
    def conditioned_by(self) -> str | None:
        """The speaker encoder that conditions it, which must not score it; None without one."""

    @property
    def speaks_cues(self) -> bool:
        """Whether it acts out cues such as [laughter]; from the texts of others they are taken out."""

    def recording_for(self, id_: str, reference: str, voice_reference: str, voice: str | None = None) -> str | None:
        """Return the path of the recording that a prompt is spoken from, None for text alone.

        `reference` is a recording of the very text, `voice_reference` one of the voice to imitate; both may be empty.
        `voice` is the line's own, None for the synthesizer's default.
        """

    def coverage(self, text: str) -> Coverage:
        """Return what of `text` this synthesizer cannot say."""

    def check(self, request: SynthesisRequest) -> None:
        """Raise UserError, as `speak` would, for a line that cannot be spoken at all; nothing is spoken."""

    def synthesize(self, requests: Sequence[SynthesisRequest]) -> list[Speech]:
        """Return a take for each line; raises UserError for a line that cannot be spoken at all."""


def request_for(
    synthesizer: Synthesizer, text: str, seed: int, voice: str | None = None, recording: str | None = None
) -> SynthesisRequest:
    """Return a text as a synthesizer is to speak it: with cues only where it acts them out."""
    return SynthesisRequest(text if synthesizer.speaks_cues else without_cues(text), seed, voice, recording)
