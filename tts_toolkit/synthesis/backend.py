"""Backends of the synthesis command: SpeechT5 with all options (vocoder or none), or any other synthesizer."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Protocol

import numpy as np

from tts_toolkit.assets import asset_path
from tts_toolkit.evaluation.stage_log import key_of
from tts_toolkit.evaluation.stages import FRONT_END, identity, request_key
from tts_toolkit.hub.loading import model_version
from tts_toolkit.models.base import Coverage, SynthesisRequest, Synthesizer, request_for
from tts_toolkit.models.speecht5.pipeline import SpeechT5Pipeline
from tts_toolkit.speakers.embedding_files import find_card, find_voice
from tts_toolkit.speakers.encoders import SpeakerEncoder
from tts_toolkit.synthesis.jobs import Job, write_spectrogram, write_speech
from tts_toolkit.system.progress import progress

log = logging.getLogger(__name__)
Written = tuple[Job, Callable[[], None], bool]  # the job, the writer of its file, whether it was cut off


class Speaker(Protocol):
    """Synthesizes the jobs of one run with one seed."""

    def check(self, job: Job) -> None:
        """Raise UserError for a job that cannot be synthesized."""

    def coverage(self, job: Job) -> Coverage:
        """Return the parts of a job's text that will not be said."""

    def key(self, job: Job) -> str:
        """Return a hash of everything that a job's sound depends on."""

    def synthesize(self, jobs: Sequence[Job]) -> Iterator[Written]:
        """Yield finished jobs, in any order."""


@dataclass(frozen=True)
class SpeechT5Backend:
    """SpeechT5, with voices from `encoder` and `voices_folder`."""

    synthesizer: SpeechT5Pipeline
    model: str
    revision: str | None
    encoder: SpeakerEncoder | None
    voices_folder: Path
    seed: int
    voices: dict[str | None, np.ndarray] = field(default_factory=dict)  # (1, dim), a cache

    def check(self, job: Job) -> None:
        """Raise UserError for a text without a word, a word that is too long, or an unknown voice."""
        self.synthesizer.check(job.text)
        if job.voice not in self.voices:
            found = find_voice(job.voice, self.voices_folder, self.encoder)
            self.voices[job.voice] = self.synthesizer.checked(found)
            self._warn_of_another_encoder(job.voice)

    def _warn_of_another_encoder(self, voice: str | None) -> None:
        card, wanted = find_card(voice or "", self.voices_folder), self.synthesizer.speech.settings.encoder
        if card is not None and asset_path(card.encoder) != asset_path(wanted):
            log.warning("voice=%s: was made by %s; the model knows voices by %s", voice, card.encoder, wanted)

    def coverage(self, job: Job) -> Coverage:
        """Return the characters that are left out."""
        return Coverage(dropped=tuple(self.synthesizer.front_end.unspeakable(job.text)))

    def key(self, job: Job) -> str:
        """Return a hash of model, vocoder, settings, seed, text and the voice's embedding."""
        voice = hashlib.sha256(self.voices[job.voice].tobytes()).hexdigest()
        return key_of(FRONT_END, self._version, job.text, self.seed, voice)

    @cached_property
    def _version(self) -> str:
        vocoder = self.synthesizer.vocoder
        of_vocoder = vocoder.version if vocoder else ""
        decoding = asdict(self.synthesizer.decoding)
        return key_of(model_version(self.model, self.revision), identity(vocoder, of_vocoder), decoding)

    def synthesize(self, jobs: Sequence[Job]) -> Iterator[Written]:
        """Yield finished jobs, short texts first; spectrograms where there is no vocoder."""
        embeddings = np.concatenate([self.voices[job.voice] for job in jobs])
        for number, utterance in self.synthesizer.synthesize_each([job.text for job in jobs], embeddings, self.seed):
            job = jobs[number]
            write = (
                partial(write_speech, job.output, utterance.waveform)
                if self.synthesizer.vocoder
                else partial(write_spectrogram, job.output, utterance.log_mels)
            )
            yield job, write, utterance.truncated


@dataclass(frozen=True)
class SynthesizerBackend:
    """Any synthesizer with its default options."""

    synthesizer: Synthesizer
    seed: int
    batch_size: int

    def _request(self, job: Job) -> SynthesisRequest:
        return request_for(self.synthesizer, job.text, self.seed, job.voice)

    def check(self, job: Job) -> None:
        """Raise UserError, as the synthesizer does."""
        self.synthesizer.check(self._request(job))

    def coverage(self, job: Job) -> Coverage:
        """Return the parts that the synthesizer cannot say."""
        return self.synthesizer.coverage(job.text)

    def key(self, job: Job) -> str:
        """Return the key of this text's row in a benchmark."""
        return request_key(self.synthesizer, self._who, self._request(job))

    @cached_property
    def _who(self) -> str:
        return identity(self.synthesizer, self.synthesizer.version)

    def synthesize(self, jobs: Sequence[Job]) -> Iterator[Written]:
        """Yield finished jobs, batch by batch."""
        starts = range(0, len(jobs), self.batch_size)
        for start in progress(starts, "speaking", "batch", len(starts)):
            batch = jobs[start : start + self.batch_size]
            for job, speech in zip(
                batch, self.synthesizer.synthesize([self._request(job) for job in batch]), strict=True
            ):
                yield job, partial(write_speech, job.output, speech.waveform, speech.sample_rate_hz), speech.truncated
