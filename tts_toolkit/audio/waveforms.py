"""Waveforms in and out of files.

A waveform is float32, mono, shape (n_samples,), in [-1, 1], at 16 kHz.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import soundfile
import soxr

from tts_toolkit.audio.containers import read_sound
from tts_toolkit.audio.table_cells import as_file, is_there
from tts_toolkit.system.errors import UserError
from tts_toolkit.system.files import write_whole
from tts_toolkit.system.folders import found_below

SAMPLE_RATE_HZ = 16_000
MAX_VALUES, MAX_CHANNELS = 2**30, 32  # of a file: six hours of mono at 48 kHz, 4 GiB as float32
MIN_RATE_HZ, MAX_RATE_HZ = 1_000, 768_000
Channel = Literal["auto", "mix", "left", "right"]
CHANNEL_NAMES = ("the left channel", "the right channel", *(f"channel {n}" for n in range(3, MAX_CHANNELS + 1)))
MAX_MIX_LOSS_DB = 5.5  # of the loudest channel by averaging; a silent second channel costs 6
MEAN_FRAMES = 15  # frames whose means give a frame's offset: 0.24 s
HOLE_POWER = 1e-9  # -90 dB of full scale in 4 ms: no microphone is that quiet
FULL_STEPS = 2**15  # of a 16-bit sample
SILENCE_DB = -60.0  # of full scale: quieter than this throughout counts as silent
SILENCE_RMS = 10 ** (SILENCE_DB / 20)
PAUSE_SECONDS = 0.15  # between the pieces of a long text
FRAME_SAMPLES = 256  # of which a level is taken: 16 ms, a hop of the log-mels
FULL_SCALE = 0.999  # of a sample, and above: clipped


@dataclass(frozen=True)
class Recording:
    """The content of a sound file, as one channel."""

    waveform: np.ndarray  # at 16 kHz
    sample_rate_hz: int  # of the file
    n_channels: int
    used_channel: str = "mix"  # or the name of the selected channel
    mix_loss_db: float = 0.0  # level of the channels' average below the loudest
    two_voices: bool = False  # each channel is loud where the other is not
    n_holes: int = 0  # where sound breaks off into digital silence and comes back as suddenly

    @property
    def note(self) -> str:
        """A note on the channels, empty where there is none."""
        if self.two_voices and self.used_channel == "mix":
            return "two different voices in its two channels are mixed; limits.channel=left or right takes one"
        if self.mix_loss_db < MAX_MIX_LOSS_DB:
            return ""
        cancel = f"averaging its {self.n_channels} channels loses {self.mix_loss_db:.1f} dB"
        return (
            f"{cancel}: {self.used_channel} is taken"
            if self.used_channel != "mix"
            else f"{cancel}; limits.channel=auto does not"
        )


def load_waveform(path: str | Path, channel: Channel = "auto") -> np.ndarray:
    """Return the file's sound as a waveform, one channel of those it has: see `load_recording`."""
    return load_recording(path, channel).waveform


def load_recording(path: str | Path, channel: Channel = "auto") -> Recording:
    """Return the file's sound, resampled to 16 kHz (soxr, high quality).

    `mix` averages the channels; `auto` does too, but selects the loudest alone where averaging would lose more than
    `MAX_MIX_LOSS_DB`, as where channels cancel. Raises UserError when the file is missing, unreadable, empty, cut
    short, larger than `MAX_VALUES` once decoded, has no such channel, or holds non-finite values.
    """
    path = Path(path)
    if channel not in get_args(Channel):
        raise UserError(f"limits.channel={channel}: allowed are {', '.join(get_args(Channel))}")
    if not is_there(path):
        raise UserError(f"{path}: no such audio file")
    try:
        with as_file(path) as file:
            samples, sample_rate_hz = read_sound(file, partial(_check_size, path))
    except UserError as error:
        text = str(error)
        raise UserError(text if text.startswith(f"{path}: ") else f"{path}: {text}") from error.__cause__
    if not len(samples):
        raise UserError(f"{path}: holds no samples; remove the row or record the clip again")
    if not np.isfinite(samples).all():
        raise UserError(f"{path}: holds values that are not numbers (NaN or infinity); export the clip again")
    used_channel, loss_db = _chosen(samples, channel)
    mono = samples.mean(axis=1) if used_channel == "mix" else samples[:, CHANNEL_NAMES.index(used_channel)]
    two = samples.shape[1] == 2 and _two_voices(samples, sample_rate_hz)
    waveform = resample(mono, sample_rate_hz, SAMPLE_RATE_HZ)
    holes = n_holes(mono, sample_rate_hz)
    return Recording(waveform, sample_rate_hz, samples.shape[1], used_channel, loss_db, two, holes)


def _chosen(samples: np.ndarray, channel: Channel) -> tuple[str, float]:
    """Return the channel to use, or "mix", and the loss of averaging against the loudest, in dB."""
    if samples.shape[1] == 1:
        return "mix", 0.0
    levels = samples.std(axis=0, dtype=np.float64)
    loss_db = float(20 * np.log10((levels.max() + 1e-12) / (samples.mean(axis=1).std(dtype=np.float64) + 1e-12)))
    if channel == "auto":
        return (CHANNEL_NAMES[int(levels.argmax())] if loss_db > MAX_MIX_LOSS_DB else "mix"), loss_db
    return {"mix": "mix", "left": CHANNEL_NAMES[0], "right": CHANNEL_NAMES[1]}[channel], loss_db


def n_holes(samples: np.ndarray, sample_rate_hz: int) -> int:
    """Return the number of times sound (n,) breaks off into digital silence, or one value, and comes back abruptly."""
    length = max(8, sample_rate_hz // 250)
    frames = samples[: len(samples) // length * length].reshape(-1, length)
    powers = frames.var(axis=1, dtype=np.float64)
    loudest = powers.max(initial=0.0)
    sudden = powers > loudest * 10**-3.5
    edges = np.flatnonzero(np.diff(np.pad(powers <= min(HOLE_POWER, loudest * 1e-7), 1).astype(np.int8)))
    return sum(
        bool(sudden[max(0, start - 2) : start].any() and sudden[end : end + 2].any())
        for start, end in edges.reshape(-1, 2).tolist()
    )


def _two_voices(samples: np.ndarray, sample_rate_hz: int) -> bool:
    """Whether each of two channels is often loud where the other is quiet, as in a recorded conversation."""
    if len(samples) < sample_rate_hz // 2:
        return False
    levels_db = [10 * np.log10(frame_powers(samples[:, side], sample_rate_hz // 50)) for side in (0, 1)]
    loudest = [float(np.quantile(levels, 0.98)) for levels in levels_db]
    if abs(loudest[0] - loudest[1]) > 25 or min(loudest) < SILENCE_DB:
        return False
    below = [top - levels for top, levels in zip(loudest, levels_db, strict=True)]
    alone = [((below[side] < 12) & (below[1 - side] > 18)).mean() for side in (0, 1)]
    return bool(min(alone) > 0.08)


def _check_size(path: Path, file: soundfile.SoundFile, n_frames: int | None) -> None:
    """Refuse a length that a header declares, before memory is allocated: a few bytes can encode days of silence."""
    n_values = (n_frames or 0) * file.channels
    if n_values > MAX_VALUES or file.channels > MAX_CHANNELS:
        hours = (n_frames or 0) / file.samplerate / 3600
        raise UserError(
            f"{path}: would decode to {hours:.1f} hours of {file.channels} channels; at most {MAX_CHANNELS} channels "
            f"and {MAX_VALUES} values are read: cut it or mix it down"
        )
    if not MIN_RATE_HZ <= file.samplerate <= MAX_RATE_HZ:
        raise UserError(
            f"{path}: has a sample rate of {file.samplerate} Hz; allowed are {MIN_RATE_HZ} to {MAX_RATE_HZ} Hz"
        )


def sound_files(folder: Path) -> dict[str, Path]:
    """Return the recordings below `folder` by their names without suffix; raises UserError when two share one.

    Hidden names are skipped and links followed, see `found_below`.
    """
    found: dict[str, Path] = {}
    for file in found_below(folder).sounds():
        if file.stem in found:
            raise UserError(f"{file} and {found[file.stem]} are both called {file.stem}; names must differ")
        found[file.stem] = file
    return found


def resample(waveform: np.ndarray, from_hz: int, to_hz: int) -> np.ndarray:
    """Return `waveform` (n,) at another sample rate, float32."""
    if from_hz == to_hz:
        return np.ascontiguousarray(waveform, dtype=np.float32)
    return soxr.resample(waveform.astype(np.float32), from_hz, to_hz, quality="HQ")


def joined(waveforms: Sequence[np.ndarray], sample_rate_hz: int = SAMPLE_RATE_HZ) -> np.ndarray:
    """Return the pieces of a text as one waveform, a short pause between them; empty for no pieces."""
    pause = np.zeros(int(PAUSE_SECONDS * sample_rate_hz), dtype=np.float32)
    parts = [part for waveform in waveforms for part in (pause, waveform)][1:]
    return np.concatenate(parts) if parts else pause[:0]


def write_flac(path: Path, waveform: np.ndarray, sample_rate_hz: int = SAMPLE_RATE_HZ) -> None:
    """Write a waveform as 16-bit FLAC; louder than full scale is scaled down, never clipped."""
    _write(path, waveform, sample_rate_hz, "FLAC")


def write_wav(path: Path, waveform: np.ndarray, sample_rate_hz: int = SAMPLE_RATE_HZ) -> None:
    """Write a waveform as 16-bit WAV; louder than full scale is scaled down, never clipped."""
    _write(path, waveform, sample_rate_hz, "WAV")


def _write(path: Path, waveform: np.ndarray, sample_rate_hz: int, kind: str) -> None:
    write_whole(path, encoded(waveform, sample_rate_hz, kind), durable=False)


def encoded(waveform: np.ndarray, sample_rate_hz: int, kind: str) -> bytes:
    """Bytes of a 16-bit WAV or FLAC file; louder than full scale is scaled down, never clipped."""
    # Rounded here: libsndfile rounds down for WAV and to nearest for FLAC.
    steps = np.rint(_within_full_scale(np.asarray(waveform, dtype=np.float64)) * FULL_STEPS)
    buffer = io.BytesIO()
    soundfile.write(buffer, steps.clip(-FULL_STEPS, FULL_STEPS - 1).astype(np.int16), sample_rate_hz, format=kind)
    return buffer.getvalue()


def _within_full_scale(waveform: np.ndarray) -> np.ndarray:
    peak = float(np.abs(waveform).max(initial=0.0))
    return waveform if peak <= 1.0 else waveform / peak


def trim_silence(waveform: np.ndarray, threshold_db: float = 40.0, margin_seconds: float = 0.05) -> np.ndarray:
    """Return `waveform` without the ends that are `threshold_db` below its loudest frame, keeping a margin.

    Level is the RMS of 16 ms frames without their mean. A silent waveform gives an empty one.
    """
    if len(waveform) < FRAME_SAMPLES:
        return waveform
    rms = np.sqrt(frame_powers(waveform))
    if rms.max() < SILENCE_RMS:
        return waveform[:0]
    loud = np.flatnonzero(rms > rms.max() * 10 ** (-threshold_db / 20))
    margin = int(margin_seconds * SAMPLE_RATE_HZ)
    return waveform[max(0, loud[0] * FRAME_SAMPLES - margin) : (loud[-1] + 1) * FRAME_SAMPLES + margin]


def frame_powers(waveform: np.ndarray, frame_length: int = FRAME_SAMPLES) -> np.ndarray:
    """Return the power (n // frame_length,), at least 1e-12, of each whole frame of a waveform (n,), without its mean.

    The mean is the median over nearby frames: a constant, drifting or jumping offset is no sound.
    """
    frames = waveform[: len(waveform) // frame_length * frame_length].reshape(-1, frame_length).astype(np.float64)
    if not len(frames):
        return np.zeros(0)
    means = frames.mean(axis=1)
    around = np.lib.stride_tricks.sliding_window_view(np.pad(means, MEAN_FRAMES // 2, mode="reflect"), MEAN_FRAMES)
    offsets = np.median(around, axis=1) if len(means) > MEAN_FRAMES // 2 else np.median(means)
    return np.maximum(((frames - np.broadcast_to(offsets, means.shape)[:, None]) ** 2).mean(axis=1), 1e-12)
