"""Voices that exist already, by name: compared, looked up and mixed, each only with voices of the same encoder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tts_toolkit.speakers.arctic import ENCODER, PREFIX
from tts_toolkit.speakers.embedding_files import EmbeddingCard, find_card, find_voice, is_recording, load_embeddings
from tts_toolkit.speakers.encoders import SpeakerEncoder
from tts_toolkit.speakers.interpolation import check_encoders, cosine, makers, mixture, mixture_card, nearest


@dataclass(frozen=True)
class KnownVoices:
    """Voices named as for `find_voice`; its methods raise UserError for unknown ones, or those of several encoders."""

    folder: Path  # of saved embeddings
    encoder: SpeakerEncoder | None = None  # of recordings

    def cosine(self, first: str, second: str) -> float:
        """Return the cosine of two voices."""
        self._check([first, second])
        return cosine(self._embedding(first), self._embedding(second))

    def nearest(self, voice: str, file: Path) -> dict[str, float]:
        """Return the nearest other voices of a file of embeddings with their cosines, the nearest first."""
        known = load_embeddings(file)
        self._check([voice, f"{file}:{next(iter(known))}"])
        return nearest(self._embedding(voice), {name: one for name, one in known.items() if name != voice})

    def mixture(self, name: str, weights: Mapping[str, float]) -> tuple[np.ndarray, EmbeddingCard]:
        """Return the weighted mean (1, dim) of voices, and its card under the name given."""
        self._check(weights)
        mixed = mixture({voice: self._embedding(voice) for voice in weights}, weights)
        cards = {voice: find_card(voice, self.folder) for voice in weights}
        return mixed, mixture_card(name, weights, cards, self.encoder)

    def _embedding(self, voice: str) -> np.ndarray:
        return find_voice(voice, self.folder, self.encoder)

    def _check(self, voices: Iterable[str]) -> None:
        check_encoders(makers({voice: self._made_by(voice) for voice in voices}))

    def _made_by(self, voice: str) -> tuple[str, str] | None:
        """Return name and revision of the encoder that made a voice, None where unknown."""
        if card := find_card(voice, self.folder):
            return card.encoder, card.encoder_revision
        if voice.startswith(PREFIX):
            return ENCODER, ""
        return (self.encoder.name, self.encoder.version) if self.encoder and is_recording(voice) else None
