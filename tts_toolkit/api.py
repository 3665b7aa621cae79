"""The Python interface: models, metrics and finished runs, for scripts and notebooks.

Everything here is a thin layer over the library: the commands and these functions give the same results.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from tts_toolkit.models.base import Speech, SynthesisRequest, Synthesizer, request_for
from tts_toolkit.system.errors import UserError

if TYPE_CHECKING:
    import pyarrow

    from tts_toolkit.evaluation.metrics import asr
    from tts_toolkit.evaluation.metrics.protocols import Counts
    from tts_toolkit.speakers import encoders

log = logging.getLogger(__name__)
PathLike = str | os.PathLike[str]
Sound = PathLike | np.ndarray | Speech  # a file, samples at 16 kHz, or synthesized speech
Texts = list[str] | tuple[str, ...]
BATCH_SIZE = 16  # texts synthesized at once; it does not affect the waveforms


@dataclass(frozen=True)
class TextToSpeech:
    """A speech synthesis checkpoint; its weights are loaded on first use."""

    synthesizer: Synthesizer
    voice: str | None = None  # the default voice

    @overload
    def synthesize(self, text: str, seed: int = 0, voice: PathLike | None = None) -> Speech: ...

    @overload
    def synthesize(self, text: Texts, seed: int = 0, voice: PathLike | None = None) -> list[Speech]: ...

    def synthesize(self, text: str | Texts, seed: int = 0, voice: PathLike | None = None) -> Speech | list[Speech]:
        """Speech of a text, or one for each text of a list.

        The same text, voice, seed and model give the same waveform as in `tts-synthesize`, in any list.
        Raises UserError for a text that cannot be synthesized, before any synthesis; characters unknown to the model
        are skipped, with a warning.
        """
        texts = [text] if isinstance(text, str) else list(text)
        requests = [request_for(self.synthesizer, _text(one), seed, self._voice(voice)) for one in texts]
        for request in requests:
            self.synthesizer.check(request)
            self._warn_of_losses(request)
        batches = [requests[start : start + BATCH_SIZE] for start in range(0, len(requests), BATCH_SIZE)]
        speech = [one for batch in batches for one in self.synthesizer.synthesize(batch)]
        return speech[0] if isinstance(text, str) else speech

    def _voice(self, voice: PathLike | None) -> str | None:
        return self.voice if voice is None else os.fspath(voice)

    def _warn_of_losses(self, request: SynthesisRequest) -> None:
        coverage = self.synthesizer.coverage(request.text)
        if lost := {*coverage.dropped, *coverage.unknown}:
            log.warning("%r: the model cannot speak %s: skipped", request.text, " ".join(sorted(lost)))
        if coverage.n_truncated:
            log.warning("%r: the model does not read the last %d tokens", request.text, coverage.n_truncated)


@dataclass(frozen=True)
class SpeakerEncoder:
    """A speaker encoder."""

    encoder: encoders.SpeakerEncoder

    def embed(self, sound: Sound) -> np.ndarray:
        """L2-normalized speaker embedding (dim,), float32, the same as that of the sound as a `voice`.

        `sound` is a file, a waveform (n,) at 16 kHz or a Speech; silence at its ends is trimmed. Raises UserError for
        sound that is silent, or too short for the encoder.
        """
        from tts_toolkit.audio.waveforms import trim_silence

        trimmed = trim_silence(_waveform(sound))
        if not len(trimmed):
            raise UserError("the sound is silent; give a recording of a voice")
        return self.encoder.embed(trimmed)


@dataclass(frozen=True)
class Recognizer:
    """A speech recognizer."""

    recognizer: asr.Recognizer

    def transcribe(self, sound: Sound) -> str:
        """Words of a file, a waveform (n,) at 16 kHz or a Speech; the empty string for silence."""
        from tts_toolkit.evaluation.metrics.asr import transcribe

        return transcribe(self.recognizer, [_waveform(sound)])[0]


@dataclass(frozen=True)
class ErrorRates:
    """Word and character errors over a corpus, under the protocol `strict`."""

    words: Counts
    characters: Counts

    @property
    def wer(self) -> float:
        """Word error rate, a fraction of the reference words; may exceed 1."""
        return self.words.rate

    @property
    def cer(self) -> float:
        """Character error rate, a fraction of the reference characters; may exceed 1."""
        return self.characters.rate


@dataclass(frozen=True)
class BenchmarkResults:
    """Summary and rows of a finished benchmark."""

    folder: Path
    summary: dict[str, Any]  # as in summary.json
    rows: list[dict[str, Any]]  # one per text and system

    def table(self) -> pyarrow.Table:
        """The rows as a pyarrow table; `.to_pandas()` where pandas is installed."""
        return self._table

    @cached_property
    def _table(self) -> pyarrow.Table:
        from pyarrow.parquet import read_table

        from tts_toolkit.evaluation.reaggregate import TABLE

        return read_table(self.folder / TABLE)


def load_synthesizer(
    name: PathLike, voice: PathLike | None = None, revision: str | None = None, device: str | None = None
) -> TextToSpeech:
    """Open a SpeechT5, Bark or MMS/VITS checkpoint: a hub id, a folder, or the built-in speecht5-mini.

    `voice` is as in the commands: an embedding file, a recording, the name of a voice saved with the model or
    cmu-arctic/slt for SpeechT5, a preset for Bark. `device` defaults to a GPU where there is one. Raises
    UserError for a missing checkpoint, or one of another kind.
    """
    from tts_toolkit.hub.loading import without_conversion
    from tts_toolkit.models import auto

    without_conversion()
    synthesizer = auto.load_synthesizer(os.fspath(name), revision, device)
    return TextToSpeech(synthesizer, None if voice is None else os.fspath(voice))


def load_speaker_encoder(name: PathLike = "xvector-mini", device: str | None = None) -> SpeakerEncoder:
    """Open a SpeechBrain encoder by hub id or folder, the packaged GE2E by its name, or the built-in xvector-mini."""
    from tts_toolkit.speakers.registry import open_encoder

    return SpeakerEncoder(open_encoder(os.fspath(name), device))


def load_recognizer(
    name: PathLike = "offline", language: str | None = None, revision: str | None = None, device: str | None = None
) -> Recognizer:
    """Open a recognizer: offline, pocketsphinx, a Whisper size such as large-v3, a hub id or a folder.

    A size is run by faster-whisper, a hub id or folder by transformers; `language` is for multilingual ones. Raises
    UserError when a required package is missing.
    """
    from tts_toolkit.evaluation.metrics import asr

    source = os.fspath(name)
    if source == "offline":
        return Recognizer(asr.offline_recognizer())
    if source == "pocketsphinx":
        return Recognizer(asr.Pocketsphinx())
    if "/" in source or Path(source).is_dir():
        return Recognizer(asr.TransformersRecognizer(source, revision, language, device))
    return Recognizer(asr.FasterWhisper(source, language or "en", device=device or "auto", revision=revision))


def error_rates(references: Sequence[str], hypotheses: Sequence[str], language: str = "en") -> ErrorRates:
    """Error rates of hypotheses against reference texts, summed over the corpus; both as written.

    Raises UserError when their numbers differ, or the references hold no words.
    """
    from tts_toolkit.evaluation.metrics.protocols import protocol

    if isinstance(references, str) or isinstance(hypotheses, str) or len(references) != len(hypotheses):
        raise UserError("error_rates: give two lists of equal length")
    strict = protocol("strict")
    pairs = list(zip(references, hypotheses, strict=True))
    words = _sum([strict.words(*pair, language) for pair in pairs])
    if not words.n_reference:
        raise UserError("error_rates: the references hold no words")
    return ErrorRates(words, _sum([strict.characters(*pair, language) for pair in pairs]))


def read_results(folder: PathLike) -> BenchmarkResults:
    """Read the output folder of a finished `tts-benchmark` or `tts-score`.

    Raises UserError for a folder without results, or when table and summary are of different runs.
    """
    from tts_toolkit.evaluation.reaggregate import read_finished

    path = Path(folder)
    return BenchmarkResults(path, *read_finished(path))


def _sum(counts: Sequence[Counts]) -> Counts:
    """Sum of counts."""
    from tts_toolkit.evaluation.metrics.protocols import Counts

    return Counts(
        sum(c.substitutions for c in counts),
        sum(c.deletions for c in counts),
        sum(c.insertions for c in counts),
        sum(c.n_reference for c in counts),
    )


def _text(text: object) -> str:
    if not isinstance(text, str):
        raise UserError(f"the text {text!r} is of type {type(text).__name__}; give a string, or a list of strings")
    return text


def _waveform(sound: Sound) -> np.ndarray:
    """Samples (n,) at 16 kHz; raises UserError for other arrays."""
    from tts_toolkit.audio.waveforms import SAMPLE_RATE_HZ, load_waveform, resample

    if isinstance(sound, Speech):
        return resample(sound.waveform, sound.sample_rate_hz, SAMPLE_RATE_HZ)
    if isinstance(sound, str | os.PathLike):
        return load_waveform(os.fspath(sound))
    found = np.asarray(sound)
    if found.ndim != 1 or found.dtype.kind != "f" or not np.isfinite(found).all():
        raise UserError(
            f"an array {found.shape} of {found.dtype} is not a waveform; give finite floats (n,) in [-1, 1] at 16 kHz"
        )
    return found.astype(np.float32)
