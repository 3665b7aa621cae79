"""SpeechT5 with a vocoder, as a synthesizer."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from tts_toolkit.assets import asset_path
from tts_toolkit.audio.waveforms import SAMPLE_RATE_HZ
from tts_toolkit.hub.loading import model_version
from tts_toolkit.models.base import NOT_IN_IDENTITY, Coverage, Speech, SynthesisRequest
from tts_toolkit.models.speecht5.checkpoint import SpeechSettings, SpeechT5, load_speecht5, speech_settings
from tts_toolkit.models.speecht5.generation import Decoding
from tts_toolkit.models.speecht5.pipeline import SpeechT5Pipeline, Utterance
from tts_toolkit.models.vocoders import Vocoder, open_vocoder
from tts_toolkit.nn.devices import pick_device
from tts_toolkit.speakers.arctic import PREFIX, arctic_version
from tts_toolkit.speakers.embedding_files import find_card, find_voice, is_recording, voices_folder
from tts_toolkit.speakers.encoders import SpeakerEncoder
from tts_toolkit.speakers.registry import open_encoder
from tts_toolkit.system.errors import UserError

log = logging.getLogger(__name__)
REFERENCE = "reference"
NO_VOCODER = "none"  # spectrograms only
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
    vocoder: str | Vocoder | None = None  # None: the one that belongs to the model; none: log-mels (`synthesize_each`)
    decoding: Decoding = field(default_factory=Decoding)
    device: str | None = None  # None: a GPU where there is one
    language: str | None = None  # of the texts; None: that of the model
    model_options: Mapping[str, Any] = field(default_factory=dict, hash=False)  # further arguments of load_speecht5
    # Embeds recordings given as the voice; None: the encoder that the model was trained with. `voice_version` holds it.
    encoder: SpeakerEncoder | None = field(default=None, metadata=NOT_IN_IDENTITY)

    @property
    def name(self) -> str:
        """The checkpoint and the voice."""
        return self.model if self.voice is None else f"{self.model} {self.voice}"

    @cached_property
    def version(self) -> str:
        """The hub commits or hashes of model and vocoder."""
        versions = (model_version(self.model, self.revision), self.vocoder_model.version if self.vocoder_model else "")
        return "+".join(version for version in versions if version)

    @property
    def conditioned_by(self) -> str:
        """The encoder of its speaker embeddings."""
        return self._settings.encoder

    speaks_cues = False

    @property
    def n_parameters(self) -> int:
        """Those of the model and of a neural vocoder."""
        vocoder = self.vocoder_model
        return sum(p.numel() for p in self._speech.model.parameters()) + (vocoder.n_parameters if vocoder else 0)

    @property
    def parts(self) -> dict[str, Callable[[], object]]:
        """The model, and the vocoder where one is chosen, by option; a call loads it, or raises UserError."""
        vocoder = self.vocoder_model if self.vocoder else None
        return {"model": lambda: self._speech, "vocoder": lambda: 0 if vocoder is None else vocoder.n_parameters}

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
    def vocoder_model(self) -> Vocoder | None:
        """The vocoder, None for spectrograms only."""
        if self.vocoder == NO_VOCODER:
            return None
        given = self.vocoder or self._settings.vocoder
        return open_vocoder(given, self.device) if isinstance(given, str) else given

    @cached_property
    def _synthesizer(self) -> SpeechT5Pipeline:
        return SpeechT5Pipeline(self._speech, self.vocoder_model, self.decoding, batch_size=AS_GIVEN)

    @cached_property
    def _encoder(self) -> SpeakerEncoder:
        return self.encoder or open_encoder(self._settings.encoder, self.device)

    @cached_property
    def _voices_folder(self) -> Path:
        return voices_folder(self.model, self.revision)

    @cached_property
    def _embeddings(self) -> dict[str | None, np.ndarray]:
        return {}

    def embedding(self, request: SynthesisRequest) -> np.ndarray:
        """Speaker embedding (dim,) of a request's voice, found once; raises UserError for an unknown voice."""
        voice = self._voice(request)
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
        """Raise UserError for a text without a word, a word that is too long or an unknown voice.

        Logs a warning for a voice that was embedded by another encoder than the model's.
        """
        voice = self._voice(request)
        if voice not in self._embeddings:
            self.embedding(request)
            self._warn_of_another_encoder(voice)
        self._synthesizer.check(request.text)

    def _warn_of_another_encoder(self, voice: str | None) -> None:
        card, wanted = find_card(voice or "", self._voices_folder), self.conditioned_by
        if card is not None and asset_path(card.encoder) != asset_path(wanted):
            log.warning("voice=%s: was made by %s; the model knows voices by %s", voice, card.encoder, wanted)

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
        if self.vocoder == NO_VOCODER:
            raise UserError("vocoder=none makes spectrograms, not speech; leave it out, or choose griffin_lim")
        return [speech for _, speech in sorted(self.synthesize_each(requests, AS_GIVEN), key=lambda pair: pair[0])]

    def synthesize_each(self, requests: Sequence[SynthesisRequest], batch_size: int) -> Iterator[tuple[int, Speech]]:
        """Yield the speech of each request with its index, as it is ready: in batches of sentences, short ones first.

        Without a vocoder the waveforms are empty and the log-mels are given.
        """
        pipeline, seeds = replace(self._synthesizer, batch_size=batch_size), [request.seed for request in requests]
        embeddings = np.stack([self.embedding(request) for request in requests])
        texts = [request.text for request in requests]
        for index, utterance in pipeline.synthesize_each(texts, embeddings, seeds):
            yield index, self._speech_of(utterance)

    def _speech_of(self, utterance: Utterance) -> Speech:
        if self.vocoder_model is None:
            return utterance.speech()
        return Speech(utterance.waveform, SAMPLE_RATE_HZ, utterance.truncated)
