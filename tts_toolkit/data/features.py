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
from tts_toolkit.errors import UserError, first_line
from tts_toolkit.files import kept, sealed, write_whole
from tts_toolkit.progress import progress

FRONT_END = "log-mel-1"  # part of every key; a change to the front end changes it
AGAIN = "remove it: the next run makes it again"


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
    """Write `array` to `path` whole or not at all, with its hash at the end, so that processes may race for it."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    write_whole(path, sealed(path, buffer.getvalue()), durable=False)


def kept_array(path: Path) -> np.ndarray | None:
    """Return the array that `keep_array` wrote; None where there is none, or not what was written."""
    content = kept(path)
    return None if content is None else np.load(io.BytesIO(content), allow_pickle=False)


def read_array(path: Path) -> np.ndarray:
    """Return an array that must be there, `keep_array`'s or any other `.npy`; raises UserError when it is damaged.

    Raises FileNotFoundError when it is not there.
    """
    buffer = io.BytesIO(path.read_bytes())
    try:
        array = np.load(buffer, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise UserError(f"{path}: cannot be read ({first_line(error)}); {AGAIN}") from None
    if buffer.read() and kept(path) is None:
        raise UserError(f"{path}: is not what was written there; {AGAIN}")
    return np.asarray(array)


def log_mel_files(clips: Sequence[Clip], limits: ClipLimits, cache_dir: Path) -> list[Path]:
    """Return one `.npy` file a clip, each a log-mel (n_frames, 80) float32, computing those that are missing.

    What is there is read and checked. Raises UserError at the first clip that cannot be used, naming its row.
    """
    files = []
    for clip in progress(clips, "log-mels", "clip"):
        key = content_key(clip, FRONT_END, limits)
        file = cache_dir / "log_mels" / key[:2] / f"{key}.npy"
        if kept(file) is None:
            keep_array(file, log_mel(limits.read(clip)).numpy())
        files.append(file)
    return files
