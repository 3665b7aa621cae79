"""The interface of a synthesizer: texts that it cannot say, and synthesis in batches."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from tts_toolkit.system.errors import UserError
from tts_toolkit.system.progress import progress
from tts_toolkit.text.cues import without_cues

NOT_IN_IDENTITY = {"identity": False}  # metadata of a field whose effect on results is identified elsewhere


@dataclass(frozen=True)
class SynthesisRequest:
    """A text to synthesize; equal requests give the same waveform, whatever else is in the batch.

    Random draws depend on `piece_seed(seed, text)`, so that every command gives the same waveform for a text.
    """

    text: str
    seed: int  # as the user gave it, one for all texts
    voice: str | None = None  # in the synthesizer's own terms; None: its default
    recording: str | None = None  # the path of the recording that gives the voice


@dataclass(frozen=True, eq=False)
class Speech:
    """Synthesized speech; in a notebook it shows as a player."""

    waveform: np.ndarray  # (n,) float32, true length; empty where no vocoder was used
    sample_rate_hz: int
    truncated: bool = False  # the model reached its length limit instead of stopping by itself
    log_mels: tuple[np.ndarray, ...] = ()  # (n_frames, n_bins) per piece of the text, where kept
    attentions: tuple[np.ndarray, ...] = ()  # (n_steps, n_tokens) per piece of the text, where kept

    @property
    def seconds(self) -> float:
        """Duration."""
        return len(self.waveform) / self.sample_rate_hz

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write a 16-bit `.wav` or `.flac` file; raises UserError for another name or values that are not finite."""
        from tts_toolkit.audio.waveforms import write_flac, write_wav

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

        from tts_toolkit.audio.waveforms import encoded

        data = base64.b64encode(encoded(self.waveform, self.sample_rate_hz, "WAV")).decode()
        return f'<audio controls src="data:audio/wav;base64,{data}"></audio> {self!r}'


@dataclass(frozen=True)
class Coverage:
    """Parts of a text that are not said as written."""

    dropped: tuple[str, ...] = ()  # characters or cues that never reach the model
    unknown: tuple[str, ...] = ()  # characters or words that the tokenizer maps to its unknown token
    n_truncated: int = 0  # tokens beyond what the model reads


class Synthesizer(Protocol):
    """A synthesis model: a frozen dataclass whose weights are loaded on first use.

    Optional methods: where a request's voice depends on more than the files it names, `voice_version(request)`
    identifies the rest; `synthesize_each(requests, batch_size)` forms batches by itself (`synthesize_each` below);
    `parts` are its models by option, each loaded by a call.
    """

    @property
    def name(self) -> str:
        """The checkpoint, for reports."""

    @property
    def version(self) -> str:
        """The identity of the weights: a hub commit, a hash or a release; speech is reused only if it matches."""

    @property
    def n_parameters(self) -> int | None:
        """Number of weights used in synthesis; None where there are none."""

    @property
    def conditioned_by(self) -> str | None:
        """The speaker encoder that conditions it, which must not score it; None without one."""

    @property
    def speaks_cues(self) -> bool:
        """Whether it performs cues such as [laughter]; for other synthesizers they are removed from texts."""

    def recording_for(self, id_: str, reference: str, voice_reference: str, voice: str | None = None) -> str | None:
        """Return the path of the recording that a prompt is spoken from, None for text alone.

        `reference` is a recording of the very text, `voice_reference` one of the voice to imitate; both may be empty.
        `voice` is the request's, None for the synthesizer's default.
        """

    def coverage(self, text: str) -> Coverage:
        """Return the parts of `text` that this synthesizer cannot say."""

    def check(self, request: SynthesisRequest) -> None:
        """Raise UserError, as `synthesize` would, for a request that cannot be synthesized, without synthesis."""

    def synthesize(self, requests: Sequence[SynthesisRequest]) -> list[Speech]:
        """Return the speech of each request; raises UserError for one that cannot be synthesized."""


def request_for(
    synthesizer: Synthesizer, text: str, seed: int, voice: str | None = None, recording: str | None = None
) -> SynthesisRequest:
    """Return a text as a synthesizer's request: with cues only where it performs them."""
    return SynthesisRequest(text if synthesizer.speaks_cues else without_cues(text), seed, voice, recording)


def synthesize_each(
    synthesizer: Synthesizer, requests: Sequence[SynthesisRequest], batch_size: int
) -> Iterator[tuple[int, Speech]]:
    """Yield the speech of each request with its index, as it is ready; raises UserError as `synthesize` does.

    In batches of requests, in their order, unless the synthesizer has a `synthesize_each` of its own.
    """
    if hasattr(synthesizer, "synthesize_each"):
        yield from synthesizer.synthesize_each(requests, batch_size)
        return
    starts = range(0, len(requests), batch_size)
    for start in progress(starts, "speaking", "batch", len(starts)):
        yield from enumerate(synthesizer.synthesize(requests[start : start + batch_size]), start)
