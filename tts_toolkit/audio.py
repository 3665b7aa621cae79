"""Waveforms in and out of files, and the log-mel front end of SpeechT5.

A waveform is float32, mono, shape (n_samples,), in [-1, 1], at 16 kHz. A log-mel is float32, shape
(n_frames, 80), base-10 logarithm of the magnitude mel spectrogram.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch

from tts_toolkit.errors import UserError
from tts_toolkit.files import write_whole

SAMPLE_RATE_HZ = 16_000
SOUND_SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".aif", ".au")
MAX_VALUES, MAX_CHANNELS = 2**30, 32  # of a file: six hours of mono at 48 kHz, 4 GiB as float32
MIN_RATE_HZ, MAX_RATE_HZ = 1_000, 768_000
PAUSE_SECONDS = 0.15  # between the pieces of a long text
N_MELS = 80
N_FFT = 1024  # samples; 64 ms Hann window
HOP_LENGTH = 256  # samples; 16 ms, 62.5 frames a second
MEL_MIN_HZ, MEL_MAX_HZ = 80, 7600
MEL_FLOOR = 1e-10  # source of all six: preprocessor_config.json of microsoft/speecht5_tts


def load_waveform(path: str | Path) -> np.ndarray:
    """Return the file's sound as a waveform: channels averaged, resampled to 16 kHz (soxr, high quality).

    Raises UserError when the file is missing, unreadable, empty, larger than `MAX_VALUES` once decoded, or holds
    values that are not finite.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such audio file")
    try:
        with soundfile.SoundFile(path) as file:
            _check_size(path, file)
            samples, sample_rate_hz = file.read(dtype="float32", always_2d=True), file.samplerate
    except (soundfile.LibsndfileError, RuntimeError, OSError) as error:
        raise UserError(f"{path}: cannot be decoded ({error}); convert it to WAV, FLAC, OGG or MP3") from error
    if not len(samples):
        raise UserError(f"{path}: holds no samples; remove the row or record the clip again")
    if not np.isfinite(samples).all():
        raise UserError(f"{path}: holds values that are not numbers (NaN or infinity); export the clip again")
    return resample(samples.mean(axis=1), sample_rate_hz, SAMPLE_RATE_HZ)


def _check_size(path: Path, file: soundfile.SoundFile) -> None:
    """Refuse what a header promises before memory is taken for it: a few bytes can stand for days of silence."""
    n_values = file.frames * file.channels
    if n_values > MAX_VALUES or file.channels > MAX_CHANNELS:
        raise UserError(
            f"{path}: would decode to {file.frames / file.samplerate / 3600:.1f} hours of {file.channels} channels; at "
            f"most {MAX_CHANNELS} channels and {MAX_VALUES} values are read: cut it or mix it down"
        )
    if not MIN_RATE_HZ <= file.samplerate <= MAX_RATE_HZ:
        raise UserError(
            f"{path}: has a sample rate of {file.samplerate} Hz; allowed are {MIN_RATE_HZ} to {MAX_RATE_HZ} Hz"
        )


def sound_files(folder: Path) -> dict[str, Path]:
    """Return the recordings below `folder` by their names without suffix; raises UserError when two share one."""
    found: dict[str, Path] = {}
    for file in sorted(path for path in folder.rglob("*") if path.suffix.lower() in SOUND_SUFFIXES):
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
    buffer = io.BytesIO()
    soundfile.write(buffer, _within_full_scale(waveform), sample_rate_hz, format=kind, subtype="PCM_16")
    write_whole(path, buffer.getvalue(), durable=False)


def _within_full_scale(waveform: np.ndarray) -> np.ndarray:
    peak = float(np.abs(waveform).max(initial=0.0))
    return waveform if peak <= 1.0 else waveform / peak


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
    magnitude = (squares[..., 0] + squares[..., 1]).sqrt_()  # abs() takes as long as all the rest
    return (magnitude.T @ mel_filters()).clamp_(min=MEL_FLOOR).log10_()


def trim_silence(waveform: np.ndarray, threshold_db: float = 40.0, margin_seconds: float = 0.05) -> np.ndarray:
    """Return `waveform` without the ends that lie `threshold_db` below its loudest frame, keeping a margin.

    Level is the RMS of 16 ms frames. A waveform that is silent throughout comes back empty.
    """
    n_frames = len(waveform) // HOP_LENGTH
    if n_frames == 0:
        return waveform
    rms = np.sqrt((waveform[: n_frames * HOP_LENGTH].reshape(n_frames, HOP_LENGTH) ** 2).mean(axis=1))
    if rms.max() < SILENCE_RMS:
        return waveform[:0]
    loud = np.flatnonzero(rms > rms.max() * 10 ** (-threshold_db / 20))
    margin = int(margin_seconds * SAMPLE_RATE_HZ)
    return waveform[max(0, loud[0] * HOP_LENGTH - margin) : (loud[-1] + 1) * HOP_LENGTH + margin]


SILENCE_RMS = 10 ** (-60 / 20)  # of full scale: quieter than this throughout counts as silent
