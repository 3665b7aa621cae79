"""MMS and other VITS checkpoints: characters to waveforms in one pass."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from unicodedata import category

import torch

from tts_toolkit.audio.torchaudio_stand_in import ensure_torchaudio
from tts_toolkit.hub.loading import load, model_version
from tts_toolkit.hub.packaged import install_command
from tts_toolkit.models.base import Coverage, Speech, SynthesisRequest
from tts_toolkit.models.seeds import piece_seed
from tts_toolkit.nn.devices import exact_convolutions, pick_device
from tts_toolkit.nn.per_row_random import RowNoise
from tts_toolkit.nn.zero_padding import batched
from tts_toolkit.system.compat import vits_characters
from tts_toolkit.system.errors import UserError
from tts_toolkit.text.english_tables import SYMBOLS
from tts_toolkit.text.languages import normalizer

SIGNS_WITH_WORDS = frozenset(SYMBOLS)  # some of them, such as % and &, are punctuation in Unicode
MMS = "facebook/mms-tts-"  # followed by the language's ISO 639-3 code


class _NoDecoder(torch.nn.Module):
    """Replaces the decoder: the model's forward then ends at the latents, and padding is never decoded."""

    def forward(self, latents: torch.Tensor, speaker: torch.Tensor | None = None) -> torch.Tensor:
        return latents[:, :1]


def _in_float32(module: torch.nn.Module) -> None:
    """Make a module of a half-precision model compute in float32, for any input."""

    def upcast(
        _: torch.nn.Module, inputs: tuple[Any, ...], options: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return tuple(map(_float32, inputs)), {name: _float32(value) for name, value in options.items()}

    module.float().register_forward_pre_hook(upcast, with_kwargs=True)


def _float32(value: Any) -> Any:
    return value.float() if isinstance(value, torch.Tensor) and value.is_floating_point() else value


def _is_pronounced(char: str) -> bool:
    """Whether a dropped character is a loss: not for spaces, invisible characters and punctuation."""
    return char in SIGNS_WITH_WORDS or not (char.isspace() or category(char)[0] in "PC")


@dataclass(frozen=True)
class Vits:
    """A VitsModel with its tokenizer. `voice` is a speaker number, for checkpoints of several speakers."""

    model: str  # hub id or folder; facebook/mms-tts-eng, -deu, ...
    revision: str | None = None
    speaker_id: int | None = None
    speaking_rate: float | None = None  # None: the checkpoint's
    noise_scale: float | None = None
    noise_scale_duration: float | None = None
    normalize: bool = True  # English numbers and abbreviations to words
    dtype: str = "float32"
    device: str | None = None  # None: a GPU where there is one

    @property
    def name(self) -> str:
        """The checkpoint."""
        return self.model

    @cached_property
    def version(self) -> str:
        """The hub commit or the hash of the folder."""
        return model_version(self.model, self.revision)

    conditioned_by = None
    speaks_cues = False

    @property
    def n_parameters(self) -> int:
        """Those used in synthesis, without the posterior encoder."""
        speaking = {name: p for name, p in self._vits.named_parameters() if not name.startswith("posterior_encoder")}
        return sum(p.numel() for p in speaking.values()) + sum(p.numel() for p in self._decoder.parameters())

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        ensure_torchaudio()
        from transformers import VitsModel

        vits = load(VitsModel, self.model, self.revision, "vits", dtype=getattr(torch, self.dtype))
        vits = vits.to(pick_device(self.device)).eval()
        vits.noise_scale = vits.noise_scale if self.noise_scale is None else self.noise_scale
        if self.noise_scale_duration is not None:
            vits.noise_scale_duration = self.noise_scale_duration
        if self.dtype != "float32":  # half precision is too coarse for its splines and sums of frames
            _in_float32(vits.duration_predictor)
        decoder, vits.decoder = vits.decoder, _NoDecoder()
        return vits, decoder

    @property
    def _vits(self) -> Any:
        return self._loaded[0]

    @property
    def _decoder(self) -> Any:
        return self._loaded[1]

    @cached_property
    def _tokenizer(self) -> Any:
        ensure_torchaudio()
        from transformers import VitsTokenizer

        return load(VitsTokenizer, self.model, self.revision, "vits")

    @cached_property
    def _uroman(self) -> Any:
        """The romanizer, built once, as each Uroman() takes seconds."""
        try:
            import uroman
        except ImportError:
            raise UserError(f"{self.model} reads romanized text; run: {install_command('uroman')}") from None
        return uroman.Uroman()

    def _written(self, text: str) -> str:
        """Return `text` in the letters that the tokenizer reads, before it drops unknown ones."""
        spoken = normalizer(self._tokenizer.language or "other")(text) if self.normalize else text
        if self._tokenizer.is_uroman and not spoken.isascii():
            return str(self._uroman.romanize_string(spoken))
        return spoken

    def _tokens(self, text: str) -> list[int]:
        try:
            tokens = self._tokenizer(self._written(text))["input_ids"]
        except ImportError:
            raise self._no_phonemizer() from None
        if len(tokens) < 2:  # only the blank, or nothing
            raise UserError(f"nothing in the text {text!r} can be spoken by {self.model}")
        return list(tokens)

    def _no_phonemizer(self) -> UserError:
        return UserError(f"{self.model} reads phonemes; run: pip install phonemizer, and install espeak-ng")

    def recording_for(self, id_: str, reference: str, voice_reference: str, voice: str | None = None) -> str | None:
        """Return None: its only input is text."""
        return None

    def coverage(self, text: str) -> Coverage:
        """Return the letters, vowel signs, digits and symbols outside the vocabulary, or phonemes where it reads these.

        Punctuation and spaces are left out by design of MMS. Phonemes become the unknown token, letters vanish.
        """
        tokenizer = self._tokenizer
        missing = tuple(c for c in self._prepared(text) if c not in tokenizer.encoder and _is_pronounced(c))
        return Coverage(unknown=missing) if tokenizer.phonemize else Coverage(dropped=missing)

    def _prepared(self, text: str) -> str:
        """Return the characters, or phonemes, that the tokenizer looks up, by its own steps, before it drops any."""
        tokenizer, written = self._tokenizer, self._written(text)
        if tokenizer.phonemize:
            try:
                return str(tokenizer.prepare_for_tokenization(written)[0])
            except ImportError:
                raise self._no_phonemizer() from None
        return vits_characters(tokenizer, written)

    def _speaker(self, voice: str | None) -> int | None:
        n_speakers = self._vits.config.num_speakers
        known = f"0 to {n_speakers - 1}" if n_speakers > 1 else "none: it has a single speaker"
        chosen = voice if voice is not None else None if self.speaker_id is None else str(self.speaker_id)
        if chosen is None and n_speakers > 1:
            raise UserError(f"{self.model} has several speakers: choose one with speaker_id, {known}")
        if chosen is None:
            return None
        if n_speakers < 2 or not chosen.isdecimal() or int(chosen) >= n_speakers:
            raise UserError(f"unknown voice {chosen!r} of {self.model}: allowed are {known}")
        return int(chosen)

    def check(self, request: SynthesisRequest) -> None:
        """Raise UserError for a text without a character of the vocabulary, or an unknown speaker."""
        self._speaker(request.voice)
        self._tokens(request.text)

    @torch.inference_mode()
    def synthesize(self, requests: Sequence[SynthesisRequest]) -> list[Speech]:
        """Return the speech of each request; requests of one speaker are one batch."""
        speeches: dict[int, Speech] = {}
        for voice in dict.fromkeys(request.voice for request in requests):
            chosen = [number for number, request in enumerate(requests) if request.voice == voice]
            spoken = self._speak([requests[number] for number in chosen], self._speaker(voice))
            speeches |= dict(zip(chosen, spoken, strict=True))
        return [speeches[number] for number in range(len(requests))]

    def _speak(self, requests: Sequence[SynthesisRequest], speaker: int | None) -> list[Speech]:
        vits = self._vits
        ids = [self._tokens(request.text) for request in requests]
        batch = self._tokenizer.pad({"input_ids": ids}, padding=True, return_tensors="pt").to(vits.device)
        with RowNoise([piece_seed(request.seed, request.text) for request in requests]), exact_convolutions():
            out = vits(**batch, speaker_id=speaker, speaking_rate=self.speaking_rate, return_dict=True)
        hop = math.prod(vits.config.upsample_rates)
        embedded = (
            None if speaker is None else vits.embed_speaker(torch.tensor([speaker], device=vits.device))[..., None]
        )
        lengths = (out.sequence_lengths // hop).tolist()
        rows = [latents[:, : int(length)].T for latents, length in zip(out.spectrogram, lengths, strict=True)]
        waveforms = batched(self._decoder, rows, lambda rows: self._decoder(rows.transpose(1, 2), embedded)[:, 0])
        return [Speech(waveform.float().cpu().numpy(), vits.config.sampling_rate) for waveform in waveforms]
