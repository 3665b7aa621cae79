"""Speaker encoders of SpeechBrain: x-vectors, ECAPA and ResNet, from a hub id or a folder."""

from __future__ import annotations

import hashlib
import importlib
import logging
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from tts_toolkit.assets import asset_path
from tts_toolkit.audio.torchaudio_stand_in import ensure_torchaudio
from tts_toolkit.audio.waveforms import SAMPLE_RATE_HZ
from tts_toolkit.hub.snapshots import HubError, snapshot
from tts_toolkit.nn import reflect_padding
from tts_toolkit.nn.devices import exact_convolutions, pick_device
from tts_toolkit.speakers.hyperpyyaml_guard import check_hyperparams
from tts_toolkit.system.errors import UserError, one_line
from tts_toolkit.system.files import read_text

TALKATIVE = ("speechbrain.utils.fetching", "speechbrain.utils.parameter_transfer")
MIN_SECONDS = 0.1  # shorter sound leaves the time-delay layers without a frame


class SpeakerEncoder(Protocol):
    """Maps a waveform to a vector that identifies its speaker.

    It may have `embed_batch`, which returns the embeddings (n, dim) of a list of waveforms, each the same as alone.
    """

    @property
    def name(self) -> str:
        """The name, for messages and reports."""

    @property
    def version(self) -> str:
        """The identity of the weights, a hub revision or a hash; part of cache keys and cards."""

    def embed(self, waveform: np.ndarray) -> np.ndarray:
        """Return the L2-normalized embedding (dim,), float32, of a waveform (n,) at 16 kHz."""


def embed_all(encoder: SpeakerEncoder, waveforms: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return the embedding (dim,) of each waveform, equal to `embed` alone, in a batch where supported."""
    embed_batch = getattr(encoder, "embed_batch", None)
    return list(embed_batch(waveforms)) if embed_batch else [encoder.embed(waveform) for waveform in waveforms]


@dataclass(frozen=True)
class SpeechBrainEncoder:
    """An encoder that `EncoderClassifier.from_hparams` loads, of known parts only: see `check_hyperparams`.

    Embeddings are those of each utterance alone, in batches too (see `nn.reflect_padding`), and without the Gaussian
    noise that SpeechBrain's statistics pooling adds even in evaluation.
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
        if self._folder.parent.name == "snapshots":
            return self._folder.name
        digest = hashlib.blake2b(digest_size=8)
        for file in sorted(path for path in self._folder.iterdir() if path.is_file()):
            digest.update(file.name.encode() + file.read_bytes())
        return digest.hexdigest()

    @cached_property
    def _folder(self) -> Path:
        """The folder of the files; hub snapshots are fetched here, as SpeechBrain's own fetch waits for all ranks."""
        folder = asset_path(self.source)
        if folder.is_dir():
            return folder
        try:
            return snapshot(self.source, self.revision).fetch(_of_an_encoder, self.revision)
        except HubError as error:
            raise self._unusable(error) from error

    def _unusable(self, error: Exception) -> UserError:
        reason = one_line(error) if isinstance(error, HubError) else f"{type(error).__name__}: {one_line(error)}"
        return UserError(
            f"the speaker encoder {self.source!r} cannot be loaded ({reason}); give a hub id, a folder of "
            "SpeechBrain's layout or 'xvector-mini'"
        )

    @cached_property
    def _model(self) -> Any:
        ensure_torchaudio()
        from speechbrain.inference.classifiers import EncoderClassifier

        _forget_lazy_modules()
        for module in TALKATIVE:
            importlib.import_module(module)  # which sets SpeechBrain's log level
            logging.getLogger(module).setLevel(logging.WARNING)
        hyperparams = self._folder / "hyperparams.yaml"
        if not hyperparams.is_file():
            raise self._unusable(FileNotFoundError(f"no hyperparams.yaml in {self._folder}"))
        # A hub encoder names its own repository as the source of its weights, and would be fetched again.
        named = re.search(r"^pretrained_path:", read_text(hyperparams), re.MULTILINE)
        overrides = {"pretrained_path": str(self._folder)} if named else {}
        check_hyperparams(hyperparams, overrides)
        try:
            model = EncoderClassifier.from_hparams(
                source=str(self._folder), run_opts={"device": pick_device(self.device)}, overrides=overrides
            )
        except Exception as error:  # SpeechBrain raises any error of its YAML and its modules
            raise self._unusable(error) from error
        for module in model.modules():
            # Checked against speechbrain 1.1.2: the noise that its statistics pooling adds, even when it evaluates.
            if hasattr(module, "_get_gauss_noise"):
                module._get_gauss_noise = lambda shape, device="cpu": torch.zeros(shape, device=device)
        return model

    def embed(self, waveform: np.ndarray) -> np.ndarray:
        """Return the L2-normalized embedding (dim,); raises UserError below 0.1 s of sound."""
        return self.embed_batch([waveform])[0]

    @torch.no_grad()
    def embed_batch(self, waveforms: Sequence[np.ndarray]) -> np.ndarray:
        """Return the L2-normalized embeddings (n, dim); raises UserError when a waveform is below 0.1 s."""
        shortest = min(map(len, waveforms))
        if shortest < MIN_SECONDS * SAMPLE_RATE_HZ:
            raise UserError(f"{shortest / SAMPLE_RATE_HZ:.3f} s of sound are too short for a speaker embedding")
        model = self._model
        with exact_convolutions():
            if len(waveforms) > 1 and self._reach is not None:
                embeddings = reflect_padding.embed_batch(model, waveforms, self._reach)
            else:
                embeddings = torch.stack([model.encode_batch(torch.from_numpy(w)[None]).flatten() for w in waveforms])
        return torch.nn.functional.normalize(embeddings, dim=1).cpu().numpy()

    @cached_property
    def _reach(self) -> int | None:
        return reflect_padding.reach(self._model.mods.embedding_model)


def _of_an_encoder(names: Sequence[str]) -> list[str]:
    """Return the files that SpeechBrain reads, without example recordings and pictures."""
    return [name for name in names if "/" not in name and name.endswith((".yaml", ".ckpt", ".txt", ".safetensors"))]


def _forget_lazy_modules() -> None:
    """Remove SpeechBrain's placeholders for absent packages from `sys.modules`.

    Code that inspects the loaded modules (inspect, doctest, hypothesis) would make them import missing packages.
    """
    for name, module in list(sys.modules.items()):
        if type(module).__module__ == "speechbrain.utils.importutils":
            del sys.modules[name]
