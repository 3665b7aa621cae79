"""Signal measures of a recording: level, offset, noise, echo, bandwidth, pauses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tts_toolkit.audio.log_mel import HOP_LENGTH
from tts_toolkit.audio.waveforms import SAMPLE_RATE_HZ, frame_powers

N_FFT = 512  # samples, 32 ms: 31 Hz per bin
BAND_BINS = 8  # 250 Hz
MAX_ROLL_OFF_DB = 62.0  # below the loudest band: lower bands were filtered out
ECHO_DB = -0.45  # mean change per quiet frame where the quiet frames are the decay of an echo


@dataclass(frozen=True)
class Sound:
    """Measures of a recording, silent ends cut."""

    level_db: float  # of the loud frames, below full scale
    offset: float  # of the mean from zero, of full scale
    snr_db: float
    echoes: bool  # the pauses hold decaying speech, not noise
    bandwidth_hz: float
    pause_seconds: float  # the longest


def measured(speech: np.ndarray) -> Sound:
    """Return the measures of a recording (n,) without its silent ends."""
    powers = frame_powers(speech) if len(speech) >= HOP_LENGTH else np.full(1, 1e-12)
    loud = float(powers[powers > powers.max() * 1e-3].mean())
    return Sound(
        level_db=float(10 * np.log10(loud)),
        offset=abs(float(speech.mean(dtype=np.float64))) if len(speech) else 0.0,
        snr_db=_snr_db(powers),
        echoes=_echoes(powers),
        bandwidth_hz=bandwidth_hz(speech),
        pause_seconds=_longest_pause(powers, loud),
    )


def signal_to_noise_db(waveform: np.ndarray) -> float:
    """Return the level in dB of a recording's (n,) loud frames over its quietest tenth, at most 100.

    The mean of each frame is removed. The quietest frames must be pauses: 0.1 s per second suffices.
    """
    return _snr_db(frame_powers(np.resize(waveform, max(HOP_LENGTH, len(waveform)))))


def _snr_db(powers: np.ndarray) -> float:
    noise = float(np.quantile(powers, 0.1))
    loud = float(powers[powers > powers.max() * 1e-3].mean())  # within 30 dB of the loudest
    return float(np.clip(10 * np.log10(max(loud - noise, 1e-12) / noise), -20.0, 100.0))


def _echoes(powers: np.ndarray) -> bool:
    """Whether quiet frames keep falling, as an echo does; the level of noise is constant."""
    levels = 10 * np.log10(powers)
    quiet = np.flatnonzero(levels[1:-1] < np.quantile(levels, 0.25)) + 1
    quiet = quiet[levels[quiet + 1] < np.quantile(levels, 0.4)] if len(quiet) else quiet  # no onset
    return len(quiet) >= 8 and float((levels[quiet + 1] - levels[quiet - 1]).mean() / 2) < ECHO_DB


def bandwidth_hz(speech: np.ndarray) -> float:
    """Return the upper edge, in Hz, of the highest band of a recording (n,) that comes within 62 dB of the loudest."""
    if len(speech) < 2 * N_FFT:
        return SAMPLE_RATE_HZ / 2
    frames = np.lib.stride_tricks.sliding_window_view(speech, N_FFT)[:: N_FFT // 2]
    powers = np.abs(np.fft.rfft(frames * np.hanning(N_FFT).astype(np.float32), axis=1)[:, 1:]) ** 2
    bands = powers.reshape(len(powers), -1, BAND_BINS).mean(axis=2)
    loudest = np.quantile(bands, 0.97, axis=0)
    audible = np.flatnonzero(loudest > loudest.max() * 10 ** (-MAX_ROLL_OFF_DB / 10))
    return float((audible[-1] + 1) * BAND_BINS * SAMPLE_RATE_HZ / N_FFT) if len(audible) else SAMPLE_RATE_HZ / 2


def _longest_pause(powers: np.ndarray, loud: float) -> float:
    """Return the seconds of the longest stretch near the noise floor, clicks within it allowed."""
    floor = float(np.quantile(powers, 0.1))
    quiet = powers < min(loud * 1e-2, max(loud * 1e-4, 4 * floor))
    if len(quiet) >= 5:
        quiet = np.lib.stride_tricks.sliding_window_view(np.pad(quiet, 2, mode="edge"), 5).sum(axis=1) >= 3
    return _longest_run(quiet) * HOP_LENGTH / SAMPLE_RATE_HZ


def _longest_run(flags: np.ndarray) -> int:
    return max((end - start for start, end in _runs(flags)), default=0)


def _runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """Return the runs of set flags: the first index, and one past the last."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]
