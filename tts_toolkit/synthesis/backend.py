"""From the jobs of the synthesis command to a synthesizer's requests and to files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, partial

import numpy as np

from tts_toolkit.components import open_parts
from tts_toolkit.evaluation.stage_log import key_of
from tts_toolkit.evaluation.stages import FRONT_END, identity, request_key
from tts_toolkit.hub.loading import model_version
from tts_toolkit.models.base import Coverage, Speech, SynthesisRequest, Synthesizer, request_for, synthesize_each
from tts_toolkit.models.speecht5.synthesizer import SpeechT5Synthesizer
from tts_toolkit.synthesis.jobs import SPECTROGRAM_SUFFIX, Job, write_spectrogram, write_speech

Written = tuple[Job, Callable[[], None], bool]  # the job, the writer of its file, whether it was cut off


@dataclass(frozen=True)
class Backend:
    """Synthesizes the jobs of one run with one seed."""

    synthesizer: Synthesizer
    seed: int
    batch_size: int

    def _request(self, job: Job) -> SynthesisRequest:
        return request_for(self.synthesizer, job.text, self.seed, job.voice)

    def open(self) -> None:
        """Load the models that the synthesizer's options choose; raises UserError that names all that do not load."""
        open_parts(getattr(self.synthesizer, "parts", {}))

    def check(self, job: Job) -> None:
        """Raise UserError, as the synthesizer does, for a job that cannot be synthesized."""
        self.synthesizer.check(self._request(job))

    def coverage(self, job: Job) -> Coverage:
        """Return the parts of a job's text that will not be said."""
        return self.synthesizer.coverage(job.text)

    def key(self, job: Job) -> str:
        """Return a hash of everything that a job's sound depends on.

        The voice of a SpeechT5 counts by its embedding, so that another name of the same voice keeps the file.
        """
        request = self._request(job)
        if isinstance(self.synthesizer, SpeechT5Synthesizer):
            voice = hashlib.sha256(self.synthesizer.embedding(request).tobytes()).hexdigest()
            return key_of(FRONT_END, self._who, job.text, self.seed, voice)
        return request_key(self.synthesizer, self._who, request)

    @cached_property
    def _who(self) -> str:
        if isinstance(self.synthesizer, SpeechT5Synthesizer):
            return _identity_without_voice(self.synthesizer)
        return identity(self.synthesizer, self.synthesizer.version)

    def synthesize(self, jobs: Sequence[Job]) -> Iterator[Written]:
        """Yield finished jobs, in the synthesizer's order."""
        requests = [self._request(job) for job in jobs]
        for index, speech in synthesize_each(self.synthesizer, requests, self.batch_size):
            yield jobs[index], _writer(jobs[index], speech), speech.truncated


def _writer(job: Job, speech: Speech) -> Callable[[], None]:
    """Writer of a job's file: speech, or the spectrogram that its name asks for."""
    if job.output.suffix == SPECTROGRAM_SUFFIX:
        return partial(write_spectrogram, job.output, np.concatenate(speech.log_mels))
    return partial(write_speech, job.output, speech.waveform, speech.sample_rate_hz)


def _identity_without_voice(synthesizer: SpeechT5Synthesizer) -> str:
    """Identity of a SpeechT5's weights, vocoder and decoding."""
    vocoder = synthesizer.vocoder_model
    of_vocoder = vocoder.version if vocoder else ""
    of_model = model_version(synthesizer.model, synthesizer.revision)
    return key_of(of_model, identity(vocoder, of_vocoder), asdict(synthesizer.decoding))
