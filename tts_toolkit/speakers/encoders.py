"""Speaker encoders of SpeechBrain: x-vectors, ECAPA and ResNet, from a hub id or a folder."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from tts_toolkit.assets import asset_path
from tts_toolkit.audio import SAMPLE_RATE_HZ
from tts_toolkit.devices import pick_device
from tts_toolkit.errors import UserError
from tts_toolkit.torch_audio import ensure_torchaudio

MIN_SECONDS = 0.1  # shorter sound leaves the time-delay layers without a frame


class SpeakerEncoder(Protocol):
    """Turns a waveform into a vector that tells its speaker."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def version(self) -> str:
        """What identifies the weights: a hub revision or a hash; part of cache keys and cards."""

    def embed(self, waveform: np.ndarray) -> np.ndarray:
        """Return the L2-normalised embedding (dim,), float32, of a waveform (n,) at 16 kHz."""


@dataclass(frozen=True)
class SpeechBrainEncoder:
    """An encoder that `EncoderClassifier.from_hparams` loads.

    Embeddings are exact: one utterance at a time, since padding leaks through the time-delay layers, and without
    the Gaussian noise that SpeechBrain's statistics pooling adds even in evaluation.
    """

    source: str  # hub id, folder, or the name of a built-in encoder
    revision: str | None = None
    device: str | None = None  # None: a GPU where there is one

    @property
    def name(self) -> str:
        """The source as it was given."""
        return self.source

    @cached_property
    def version(self) -> str:
        """The commit of the hub snapshot, or a hash of the folder's files."""
        folder = asset_path(self.source)
        if not folder.is_dir():
            return self.revision or _snapshot(self.source, self._model is not None)
        digest = hashlib.blake2b(digest_size=8)
        for file in sorted(folder.iterdir()):
            digest.update(file.name.encode() + file.read_bytes())
        return digest.hexdigest()

    @cached_property
    def _model(self) -> Any:
        ensure_torchaudio()
        from speechbrain.inference.classifiers import EncoderClassifier
        from speechbrain.utils.fetching import FetchConfig

        logging.getLogger("speechbrain.utils.parameter_transfer").setLevel(logging.WARNING)
        folder = asset_path(self.source)
        overrides = {}
        if folder.is_dir() and "\npretrained_path:" in (folder / "hyperparams.yaml").read_text():
            overrides = {"pretrained_path": str(folder)}  # a copied hub folder would go to the hub otherwise
        try:
            model = EncoderClassifier.from_hparams(
                source=str(folder if folder.is_dir() else self.source),
                run_opts={"device": pick_device(self.device)},
                overrides=overrides,
                fetch_config=FetchConfig(revision=self.revision),
            )
        except Exception as error:  # SpeechBrain raises what its fetching and its YAML raise
            raise UserError(
                f"the speaker encoder {self.source!r} cannot be loaded ({type(error).__name__}: "
                f"{str(error).splitlines()[0] if str(error) else ''}); give a hub id, a folder or 'xvector-mini'"
            ) from error
        for module in model.modules():
            if hasattr(module, "_get_gauss_noise"):
                module._get_gauss_noise = lambda shape, device="cpu": torch.zeros(shape, device=device)
        return model

    def embed(self, waveform: np.ndarray) -> np.ndarray:
        """Return the L2-normalised embedding (dim,); raises UserError below 0.1 s of sound."""
        if len(waveform) < MIN_SECONDS * SAMPLE_RATE_HZ:
            raise UserError(f"{len(waveform) / SAMPLE_RATE_HZ:.3f} s of sound are too short for a speaker embedding")
        with torch.no_grad():
            embedding = self._model.encode_batch(torch.from_numpy(waveform)[None]).flatten()
        return torch.nn.functional.normalize(embedding, dim=0).cpu().numpy()


def _snapshot(repo_id: str, fetched: bool) -> str:
    """Return the commit that a fetched hub snapshot came from."""
    assert fetched
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(repo_id, "hyperparams.yaml")
    return Path(found).parent.name if isinstance(found, str) else "unknown"
