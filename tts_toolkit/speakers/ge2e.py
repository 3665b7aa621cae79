"""The GE2E speaker encoder whose weights the package `resemblyzer` ships: an independent speaker verifier."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import torch

from tts_toolkit.audio.waveforms import SAMPLE_RATE_HZ
from tts_toolkit.hub.packaged import GE2E_INSTALL, GE2E_SHA256, packaged_file

# All sizes: the hyperparameters of resemblyzer 0.1.4 (GE2E, Wan et al. 2018).
WINDOW_SAMPLES, HOP_SAMPLES, N_MELS = 400, 160, 40  # 25 ms, 10 ms
PARTIAL_FRAMES = 160  # 1.6 s
PARTIAL_STEP_FRAMES = 77  # 1.3 partials per second
MIN_COVERAGE = 0.75  # share of the last partial that sound must cover
HIDDEN, DIM, N_LAYERS = 256, 256, 3
TARGET_DBFS = -30.0  # quieter sound is raised to this level


class _Network(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = torch.nn.LSTM(N_MELS, HIDDEN, N_LAYERS, batch_first=True)
        self.linear = torch.nn.Linear(HIDDEN, DIM)

    def forward(self, mels: torch.Tensor) -> torch.Tensor:
        """Return the normalized embeddings (n, 256) of partial mels (n, 160, 40)."""
        hidden = self.lstm(mels)[1][0][-1]
        return torch.nn.functional.normalize(torch.relu(self.linear(hidden)), dim=-1)


@dataclass(frozen=True)
class Ge2eEncoder:
    """GE2E embeddings: 256 numbers, the mean over overlapping parts of 1.6 s. Give it two seconds of speech or more."""

    name: str = "ge2e-resemblyzer"

    @property
    def version(self) -> str:
        """The hash of the packaged weights."""
        return GE2E_SHA256[:16]

    @cached_property
    def _network(self) -> _Network:
        file = packaged_file("resemblyzer", "pretrained.pt", GE2E_SHA256, GE2E_INSTALL)
        state = torch.load(file, map_location="cpu", weights_only=True)["model_state"]
        network = _Network()
        network.load_state_dict({k: v for k, v in state.items() if k.split(".")[0] in ("lstm", "linear")})
        return network.eval()

    @torch.inference_mode()
    def embed(self, waveform: np.ndarray) -> np.ndarray:
        """Return the L2-normalized embedding (256,) of a waveform (n,) at 16 kHz."""
        starts = partial_starts(len(waveform))
        samples = torch.from_numpy(_raised(waveform))
        missing = (starts[-1] + PARTIAL_FRAMES) * HOP_SAMPLES - len(samples)
        mel = _mel(torch.nn.functional.pad(samples, (0, max(0, missing))))
        partials = self._network(torch.stack([mel[start : start + PARTIAL_FRAMES] for start in starts]))
        return torch.nn.functional.normalize(partials.mean(dim=0), dim=0).numpy()


def partial_starts(n_samples: int) -> list[int]:
    """Return the first mel frame of each part; a last part covered by less than three quarters is left out."""
    n_frames = -(-(n_samples + 1) // HOP_SAMPLES)
    starts = list(range(0, max(1, n_frames - PARTIAL_FRAMES + PARTIAL_STEP_FRAMES + 1), PARTIAL_STEP_FRAMES))
    coverage = (n_samples / HOP_SAMPLES - starts[-1]) / PARTIAL_FRAMES
    return starts[:-1] if coverage < MIN_COVERAGE and len(starts) > 1 else starts


def _raised(waveform: np.ndarray) -> np.ndarray:
    level_dbfs = 20 * np.log10(np.sqrt((waveform**2).mean()) + 1e-12)
    return (waveform * 10 ** (max(0.0, TARGET_DBFS - level_dbfs) / 20)).astype(np.float32)


def _mel(samples: torch.Tensor) -> torch.Tensor:
    """Return the power mel spectrogram (n_frames, 40), no logarithm."""
    spectrum = torch.stft(
        samples,
        WINDOW_SAMPLES,
        HOP_SAMPLES,
        window=torch.hann_window(WINDOW_SAMPLES),
        center=True,
        pad_mode="constant",
        return_complex=True,
    )
    return (spectrum.abs() ** 2).T @ _filters()


@lru_cache(maxsize=1)
def _filters() -> torch.Tensor:
    from transformers.audio_utils import mel_filter_bank

    return torch.from_numpy(
        mel_filter_bank(WINDOW_SAMPLES // 2 + 1, N_MELS, 0.0, SAMPLE_RATE_HZ / 2, SAMPLE_RATE_HZ, "slaney", "slaney")
    ).float()
