"""Artifacts that error rates do not show: silence, clipping, early stops, repeated words."""

from __future__ import annotations

import numpy as np

from tts_toolkit.audio.log_mel import HOP_LENGTH
from tts_toolkit.audio.waveforms import FULL_SCALE

SILENT_DB = -50.0  # below full scale
MIN_TAIL_WORDS = 2  # missing at the end: fewer may be recognition errors
MAX_UNIT_WORDS = 4  # of a repeated stretch


def waveform_health(waveform: np.ndarray) -> dict[str, float]:
    """Return the shares of silent frames (256 samples under -50 dB) and of clipped samples, and the peak."""
    n_frames = max(1, len(waveform) // HOP_LENGTH)
    frames = np.resize(waveform, n_frames * HOP_LENGTH).reshape(n_frames, HOP_LENGTH)
    rms = np.sqrt((frames.astype(np.float64) ** 2).mean(axis=1))
    return {
        "silence_share": float((rms < 10 ** (SILENT_DB / 20)).mean()),
        "clipped_share": float((np.abs(waveform) >= FULL_SCALE).mean()),
        "peak": float(np.abs(waveform).max()),
    }


def stopped_early(n_missing_at_end: int, n_words: int) -> bool:
    """Whether the last words are missing: at least two, and a fifth of the text."""
    return n_missing_at_end >= MIN_TAIL_WORDS and n_missing_at_end >= n_words / 5


def n_repeats(hypothesis: list[str], expected: list[str]) -> int:
    """Return the number of immediate repetitions of up to four words, beyond those of the text."""
    return max(0, _n_repeats(hypothesis) - _n_repeats(expected))


def _n_repeats(words: list[str]) -> int:
    count, position = 0, 0
    while position < len(words):
        for size in range(MAX_UNIT_WORDS, 0, -1):
            unit = words[position : position + size]
            if len(unit) == size and words[position + size : position + 2 * size] == unit:
                count += 1
                position += size
                break
        else:
            position += 1
    return count
