"""Small discriminators for adversarial vocoder training: HiFi-GAN's periods (Kong et al. 2020, section 2.3)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch.nn.functional import leaky_relu, pad
from torch.nn.utils.parametrizations import weight_norm

SLOPE = 0.1
Scores = tuple[torch.Tensor, list[torch.Tensor]]  # scores, and the features of each layer


class PeriodDiscriminator(torch.nn.Module):
    """A discriminator of every `period`-th sample."""

    def __init__(self, period: int, channels: Sequence[int]) -> None:
        super().__init__()
        self.period = period
        widths = [1, *channels]
        self.layers = torch.nn.ModuleList(
            weight_norm(torch.nn.Conv2d(a, b, (5, 1), (3, 1), padding=(2, 0))) for a, b in pairwise(widths)
        )
        self.last = weight_norm(torch.nn.Conv2d(widths[-1], 1, (3, 1), padding=(1, 0)))

    def forward(self, waveforms: torch.Tensor) -> Scores:
        """Return scores and features of waveforms (batch, samples)."""
        waveforms = pad(waveforms, (0, -waveforms.shape[1] % self.period), mode="reflect")
        hidden = waveforms.view(len(waveforms), 1, -1, self.period)
        features = []
        for layer in self.layers:
            hidden = leaky_relu(layer(hidden), SLOPE)
            features.append(hidden)
        return self.last(hidden).flatten(1), features


class SpectrogramDiscriminator(torch.nn.Module):
    """A discriminator of the magnitudes of one short-time Fourier transform (UnivNet, Jang et al. 2021)."""

    def __init__(self, n_fft: int, channels: int) -> None:
        super().__init__()
        self.n_fft = n_fft
        strides = [(1, 1), (1, 2), (1, 2), (1, 1)]
        widths = [1] + [channels] * len(strides)
        self.layers = torch.nn.ModuleList(
            weight_norm(torch.nn.Conv2d(a, b, (3, 7), stride, padding=(1, 3)))
            for a, b, stride in zip(widths[:-1], widths[1:], strides, strict=True)
        )
        self.last = weight_norm(torch.nn.Conv2d(channels, 1, (3, 3), padding=(1, 1)))
        self.register_buffer("window", torch.hann_window(n_fft))

    def forward(self, waveforms: torch.Tensor) -> Scores:
        """Return scores and features of waveforms (batch, samples)."""
        spectrum = torch.stft(waveforms, self.n_fft, self.n_fft // 4, window=self.window, return_complex=True)
        hidden = spectrum.abs().transpose(1, 2)[:, None]
        features = []
        for layer in self.layers:
            hidden = leaky_relu(layer(hidden), SLOPE)
            features.append(hidden)
        return self.last(hidden).flatten(1), features


class Discriminators(torch.nn.Module):
    """Several discriminators in one module."""

    def __init__(self, periods: Sequence[int], channels: Sequence[int], n_ffts: Sequence[int]) -> None:
        super().__init__()
        self.discriminators = torch.nn.ModuleList(
            [PeriodDiscriminator(period, channels) for period in periods]
            + [SpectrogramDiscriminator(n_fft, channels[0]) for n_fft in n_ffts]
        )

    def forward(self, waveforms: torch.Tensor) -> list[Scores]:
        """Return the output of each discriminator for waveforms (batch, samples)."""
        return [discriminator(waveforms) for discriminator in self.discriminators]
