"""Speaker-verification models of transformers, such as microsoft/wavlm-base-plus-sv, as verifiers of similarity."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch

from tts_toolkit.audio.torchaudio_stand_in import ensure_torchaudio
from tts_toolkit.audio.waveforms import SAMPLE_RATE_HZ
from tts_toolkit.hub.loading import load, model_version
from tts_toolkit.nn.devices import pick_device
from tts_toolkit.system.errors import UserError

MIN_SECONDS = 0.35  # shorter sound leaves the time-delay layers too few frames for a deviation


@dataclass(frozen=True)
class WavlmEncoder:
    """A WavLM with an x-vector head. Its cosine between different people is about 0.8."""

    source: str = "microsoft/wavlm-base-plus-sv"  # hub id or folder
    revision: str | None = None
    device: str | None = None  # None: a GPU where there is one

    @property
    def name(self) -> str:
        """The source as it was given."""
        return self.source

    @cached_property
    def version(self) -> str:
        """The hub commit or the hash of the folder."""
        return model_version(self.source, self.revision)

    @cached_property
    def _model(self) -> tuple[Any, Any]:
        ensure_torchaudio()
        from transformers import AutoFeatureExtractor, WavLMForXVector

        model = load(WavLMForXVector, self.source, self.revision, "wavlm").to(pick_device(self.device)).eval()
        return model, load(AutoFeatureExtractor, self.source, self.revision, "wavlm")

    @torch.inference_mode()
    def embed(self, waveform: np.ndarray) -> np.ndarray:
        """Return the L2-normalized embedding (dim,); raises UserError below 0.35 s of sound."""
        if len(waveform) < MIN_SECONDS * SAMPLE_RATE_HZ:
            raise UserError(f"{len(waveform) / SAMPLE_RATE_HZ:.3f} s of sound are too short for a speaker embedding")
        model, extractor = self._model
        inputs = extractor(waveform, sampling_rate=SAMPLE_RATE_HZ, return_tensors="pt").to(model.device)
        return torch.nn.functional.normalize(model(**inputs).embeddings[0], dim=0).float().cpu().numpy()
