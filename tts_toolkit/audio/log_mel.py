"""The log-mel front end of SpeechT5.

A log-mel is float32, shape (n_frames, 80): the base-10 logarithm of the magnitude mel spectrogram of a waveform (n,).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch

from tts_toolkit.audio.waveforms import SAMPLE_RATE_HZ

N_MELS = 80
N_FFT = 1024  # samples; 64 ms Hann window
HOP_LENGTH = 256  # samples; 16 ms, 62.5 frames per second
MEL_MIN_HZ, MEL_MAX_HZ = 80, 7600
MEL_FLOOR = 1e-10  # source of all six: preprocessor_config.json of microsoft/speecht5_tts


@lru_cache(maxsize=1)
def mel_filters() -> torch.Tensor:
    """Return the Slaney-style mel filter bank, (n_fft // 2 + 1, 80)."""
    from transformers.audio_utils import mel_filter_bank

    filters = mel_filter_bank(
        num_frequency_bins=N_FFT // 2 + 1,
        num_mel_filters=N_MELS,
        min_frequency=MEL_MIN_HZ,
        max_frequency=MEL_MAX_HZ,
        sampling_rate=SAMPLE_RATE_HZ,
        norm="slaney",
        mel_scale="slaney",
    )
    return torch.from_numpy(filters).float()


def log_mel(waveform: np.ndarray | torch.Tensor) -> torch.Tensor:
    """Return the log-mel (1 + n // 256, 80) of a waveform (n,), equal to SpeechT5FeatureExtractor's targets."""
    samples = torch.as_tensor(waveform, dtype=torch.float32)
    window = torch.hann_window(N_FFT, periodic=True)
    spectrum = torch.stft(
        samples, N_FFT, HOP_LENGTH, window=window, center=True, pad_mode="reflect", return_complex=True
    )
    squares = torch.view_as_real(spectrum).square_()
    magnitude = (squares[..., 0] + squares[..., 1]).sqrt_()  # abs() takes as long as all other steps
    return (magnitude.T @ mel_filters()).clamp_(min=MEL_FLOOR).log10_()
