"""Log-mels to waveforms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from tts_toolkit.audio.log_mel import HOP_LENGTH, MEL_FLOOR, N_FFT, mel_filters
from tts_toolkit.audio.torchaudio_stand_in import ensure_torchaudio
from tts_toolkit.hub.loading import load, model_version
from tts_toolkit.nn.devices import pick_device
from tts_toolkit.nn.zero_padding import batched
from tts_toolkit.system.errors import UserError

HIFIGAN_TYPES = ("hifigan", "speecht5_hifigan")  # as in microsoft/speecht5_hifigan, and as transformers saves
MIN_FRAMES = N_FFT // HOP_LENGTH + 2


class Vocoder(Protocol):
    """Maps a log-mel (n_frames, 80) to a waveform of about n_frames * 256 samples.

    It may have `batch`, which returns the waveform of each log-mel of a list, the same as alone.
    """

    @property
    def name(self) -> str:
        """The name, for messages and reports."""

    @property
    def version(self) -> str:
        """The identity of the weights and of the algorithm; speech is reused only if it matches."""

    @property
    def n_parameters(self) -> int:
        """Number of weights."""

    def __call__(self, log_mel: torch.Tensor) -> np.ndarray:
        """Return the waveform (n,) float32 at 16 kHz; the same log-mel gives the same samples."""


@dataclass(frozen=True)
class GriffinLim:
    """Phase by the fast Griffin-Lim algorithm (torchaudio), magnitudes by least squares, none below zero."""

    n_iterations: int = 60
    momentum: float = 0.99  # Perraudin, Balazs and Soendergaard 2013
    name: str = "griffin_lim"

    version = ""
    n_parameters = 0

    def __call__(self, log_mel: torch.Tensor) -> np.ndarray:
        """Return (n_frames - 1) * 256 samples."""
        ensure_torchaudio()
        from torchaudio.functional import griffinlim

        n_missing = max(0, MIN_FRAMES - len(log_mel))  # the transform needs more samples than the shortest output
        mel = torch.pow(
            10.0, torch.nn.functional.pad(log_mel.float(), (0, 0, 0, n_missing), value=math.log10(MEL_FLOOR))
        )
        waveform = griffinlim(
            magnitudes(mel).T[None],
            window=torch.hann_window(N_FFT),
            n_fft=N_FFT,
            hop_length=HOP_LENGTH,
            win_length=N_FFT,
            power=1.0,
            n_iter=self.n_iterations,
            momentum=self.momentum,
            length=None,
            rand_init=False,
        )
        return waveform[0, : (len(log_mel) - 1) * HOP_LENGTH].numpy()


def magnitudes(mel: torch.Tensor, n_iterations: int = 50) -> torch.Tensor:
    """Return the magnitudes (n_frames, n_fft // 2 + 1), none below zero, whose mel bands are closest to `mel`.

    By multiplicative updates (Lee and Seung 2001) from the pseudo-inverse, which alone gives negative magnitudes.
    """
    filters = mel_filters()  # (n_fft // 2 + 1, 80)
    found, wanted = (mel @ torch.linalg.pinv(filters)).clamp(min=1e-6), mel @ filters.T
    for _ in range(n_iterations):
        found = found * wanted / ((found @ filters) @ filters.T).clamp(min=1e-12)
    return found


@dataclass(frozen=True)
class HifiGan:
    """A SpeechT5HifiGan from a hub id, a folder, or the built-in `hifigan-mini`."""

    source: str
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
    def _model(self) -> Any:
        ensure_torchaudio()
        from transformers import SpeechT5HifiGan

        try:
            named = f"the vocoder {self.source!r}"
            model = load(SpeechT5HifiGan, self.source, self.revision, *HIFIGAN_TYPES, named=named)
        except UserError as error:
            raise UserError(f"{error}; or set vocoder=griffin_lim") from error
        return model.to(pick_device(self.device)).eval()

    @property
    def n_parameters(self) -> int:
        """Number of weights."""
        return sum(p.numel() for p in self._model.parameters())

    def __call__(self, log_mel: torch.Tensor) -> np.ndarray:
        """Return n_frames * 256 samples."""
        return self.batch([log_mel])[0]

    @torch.inference_mode()
    def batch(self, log_mels: Sequence[torch.Tensor]) -> list[np.ndarray]:
        """Return the waveform of each log-mel, the same as alone; on a GPU in one call."""
        rows = [log_mel.to(self._model.device) for log_mel in log_mels]
        return [waveform.float().cpu().numpy() for waveform in batched(self._model, rows, self._model)]


def vocode(vocoder: Vocoder, log_mels: Sequence[torch.Tensor]) -> list[np.ndarray]:
    """Return the waveform of each log-mel (n_frames, 80), in a batch where the vocoder has one."""
    batch = getattr(vocoder, "batch", None)
    return list(batch(log_mels)) if batch else [vocoder(log_mel) for log_mel in log_mels]


def open_vocoder(source: str, device: str | None = None) -> Vocoder:
    """Return the vocoder of a name: `griffin_lim`, or the source of a HiFi-GAN; a hub id may end in @revision."""
    if source == GriffinLim.name:
        return GriffinLim()
    id_, _, revision = (source, "", "") if Path(source).exists() else source.partition("@")
    return HifiGan(id_, revision or None, device)
