"""Log-mels computed once and kept by content: a changed recording or setting never meets a stale file."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tts_toolkit.audio import SAMPLE_RATE_HZ, load_waveform, log_mel, trim_silence
from tts_toolkit.data.clips import Clip
from tts_toolkit.errors import UserError
from tts_toolkit.files import write_whole
from tts_toolkit.progress import progress

FRONT_END = "log-mel-1"  # part of every key; a change to the front end changes it


@dataclass(frozen=True)
class ClipLimits:
    """Which recordings may be trained on, and how their silent ends are cut."""

    min_duration_in_seconds: float = 0.4
    max_duration_in_seconds: float = 20.0
    trim_silence_db: float | None = 40.0  # below the loudest frame; None keeps the ends

    def read(self, clip: Clip) -> np.ndarray:
        """Return the clip's waveform, ends trimmed; raises UserError when it is silent, too short or too long."""
        try:
            waveform = load_waveform(clip.audio)
        except UserError as error:
            raise UserError(f"{clip.source}: {error}") from None
        trimmed = trim_silence(waveform, self.trim_silence_db or 200.0)
        if not len(trimmed):
            raise UserError(f"{clip.source}: {clip.audio} is silent; remove the row or record the clip again")
        if self.trim_silence_db is not None:
            waveform = trimmed
        seconds = len(waveform) / SAMPLE_RATE_HZ
        if not self.min_duration_in_seconds <= seconds <= self.max_duration_in_seconds:
            raise UserError(
                f"{clip.source}: {clip.audio} lasts {seconds:.2f} s without its silent ends; allowed are "
                f"{self.min_duration_in_seconds:g} to {self.max_duration_in_seconds:g} s: cut or remove it, or change "
                "limits.min_duration_in_seconds or limits.max_duration_in_seconds"
            )
        return waveform


def content_key(clip: Clip, *settings: object) -> str:
    """Return a hex key of the recording's bytes and the settings applied to them (BLAKE2b, 128 bits).

    Raises UserError, naming the row, when the recording is missing.
    """
    if not clip.audio.is_file():
        raise UserError(f"{clip.source}: no audio file at {clip.audio}; correct the row or add the file")
    digest = hashlib.blake2b(repr(settings).encode(), digest_size=16)
    with clip.audio.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def keep_array(path: Path, array: np.ndarray) -> None:
    """Write `array` to `path` whole or not at all, so that processes may race for it."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    write_whole(path, buffer.getvalue(), durable=False)


def is_kept(path: Path) -> bool:
    """Return whether `path` holds a whole array; what a power cut left half written is removed."""
    try:
        np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        return False
    except (ValueError, EOFError, OSError):
        path.unlink(missing_ok=True)
        return False
    return True


def log_mel_files(clips: Sequence[Clip], limits: ClipLimits, cache_dir: Path) -> list[Path]:
    """Return one `.npy` file a clip, each a log-mel (n_frames, 80) float32, computing those that are missing.

    Raises UserError at the first clip that cannot be used, naming its row.
    """
    files = []
    for clip in progress(clips, "log-mels", "clip"):
        key = content_key(clip, FRONT_END, limits)
        file = cache_dir / "log_mels" / key[:2] / f"{key}.npy"
        if not is_kept(file):
            keep_array(file, log_mel(limits.read(clip)).numpy())
        files.append(file)
    return files
