"""SpeechT5 with a vocoder, as a synthesizer of the benchmark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from tts_toolkit.audio.waveforms import SAMPLE_RATE_HZ
from tts_toolkit.hub.loading import model_version
from tts_toolkit.models.base import Coverage, Speech, SynthesisRequest
from tts_toolkit.models.speecht5.checkpoint import SpeechSettings, SpeechT5, load_speecht5, speech_settings
from tts_toolkit.models.speecht5.generation import Decoding
from tts_toolkit.models.speecht5.pipeline import SpeechT5Pipeline
from tts_toolkit.models.vocoders import Vocoder, open_vocoder
from tts_toolkit.nn.devices import pick_device
from tts_toolkit.speakers.arctic import PREFIX, arctic_version
from tts_toolkit.speakers.embedding_files import find_voice, is_recording, voices_folder
from tts_toolkit.speakers.encoders import SpeakerEncoder
from tts_toolkit.speakers.registry import open_encoder
from tts_toolkit.system.errors import UserError

REFERENCE = "reference"
AS_GIVEN = 1_000_000  # requests come as one batch


@dataclass(frozen=True)
class SpeechT5Synthesizer:
    """A SpeechT5 checkpoint with the vocoder that belongs to it.

    `voice` is an embedding file, a recording, the name of a voice saved with the model, or `cmu-arctic/slt` and
    `cmu-arctic/7306` for a speaker or a row of Matthijs/cmu-arctic-xvectors, or `reference`: each request's own
    recording.
    """

    model: str = "microsoft/speecht5_tts"  # hub id, folder or speecht5-mini
    revision: str | None = None
    voice: str | None = None  # where a request names none
    vocoder: str | Vocoder | None = None  # None: the one that belongs to the model
    decoding: Decoding = field(default_factory=Decoding)
    device: str | None = None  # None: a GPU where there is one
    language: str | None = None  # of the texts; None: that of the model
    model_options: Mapping[str, Any] = field(default_factory=dict, hash=False)  # further arguments of load_speecht5

    @property
    def name(self) -> str:
        """The checkpoint and the voice."""
        return self.model if self.voice is None else f"{self.model} {self.voice}"

    @cached_property
    def version(self) -> str:
        """The hub commits or hashes of model and vocoder."""
        versions = (model_version(self.model, self.revision), self._vocoder.version)
        return "+".join(version for version in versions if version)

    @property
    def conditioned_by(self) -> str:
        """The encoder of its speaker embeddings."""
        return self._settings.encoder

    speaks_cues = False

    @property
    def n_parameters(self) -> int:
        """Those of the model and of a neural vocoder."""
        return sum(p.numel() for p in self._speech.model.parameters()) + self._vocoder.n_parameters

    @cached_property
    def _settings(self) -> SpeechSettings:
        return speech_settings(self.model, self.revision)

    @cached_property
    def _speech(self) -> SpeechT5:
        speech = load_speecht5(self.model, self.revision, **self.model_options)
        if self.language is not None:
            speech = replace(speech, settings=replace(speech.settings, language=self.language))
        speech.model.to(pick_device(self.device)).eval()
        return speech

    @cached_property
    def _vocoder(self) -> Vocoder:
        given = self.vocoder or self._settings.vocoder
        return open_vocoder(given, self.device) if isinstance(given, str) else given

    @cached_property
    def _synthesizer(self) -> SpeechT5Pipeline:
        return SpeechT5Pipeline(self._speech, self._vocoder, self.decoding, batch_size=AS_GIVEN)

    @cached_property
    def _encoder(self) -> SpeakerEncoder:
        return open_encoder(self._settings.encoder, self.device)

    @cached_property
    def _voices_folder(self) -> Path:
        return voices_folder(self.model, self.revision)

    @cached_property
    def _embeddings(self) -> dict[str | None, np.ndarray]:
        return {}

    def _embedding(self, voice: str | None) -> np.ndarray:
        """Return the embedding (dim,) of a voice, found once."""
        if voice not in self._embeddings:
            found = find_voice(voice, self._voices_folder, self._encoder)
            self._embeddings[voice] = self._synthesizer.checked(found)[0]
        return self._embeddings[voice]

    def recording_for(self, id_: str, reference: str, voice_reference: str, voice: str | None = None) -> str | None:
        """Return the recording that gives the voice, None where a file does."""
        return voice_reference or reference if (voice or self.voice) == REFERENCE else None

    def voice_version(self, request: SynthesisRequest) -> str:
        """Return the identity of the encoder of a request's voice, in addition to its files."""
        voice = request.recording or request.voice or self.voice or ""
        try:
            if voice.startswith(PREFIX):
                return arctic_version(voice.removeprefix(PREFIX))
            return self._encoder.version if is_recording(voice) else ""
        except UserError:  # raised again in synthesis
            return ""

    def coverage(self, text: str) -> Coverage:
        """Return the characters that the tokenizer maps to unknown, and that are therefore left out."""
        return Coverage(dropped=tuple(self._synthesizer.front_end.unspeakable(text)))

    def check(self, request: SynthesisRequest) -> None:
        """Raise UserError for a text without a word, a word that is too long or an unknown voice."""
        self._embedding(self._voice(request))
        self._synthesizer.check(request.text)

    def _voice(self, request: SynthesisRequest) -> str | None:
        """Return the name of a request's voice for `find_voice`."""
        voice = request.voice or self.voice
        if voice != REFERENCE:
            return voice
        if request.recording is None:
            raise UserError(f"voice=reference: there is no recording with {request.text!r} to take the voice from")
        return request.recording

    def synthesize(self, requests: Sequence[SynthesisRequest]) -> list[Speech]:
        """Return the speech of each request; raises UserError when a text has no word or a voice is unknown."""
        embeddings = np.stack([self._embedding(self._voice(request)) for request in requests])
        utterances = self._synthesizer.synthesize(
            [request.text for request in requests], embeddings, [request.seed for request in requests]
        )
        return [Speech(u.waveform, SAMPLE_RATE_HZ, u.truncated) for u in utterances]
