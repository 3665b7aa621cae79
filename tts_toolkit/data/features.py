"""Log-mels computed once and cached by content, so that a changed recording or setting never reuses a stale file."""

from __future__ import annotations

import hashlib
import io
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tts_toolkit.audio.log_mel import log_mel
from tts_toolkit.audio.table_cells import cell_of, is_there
from tts_toolkit.audio.waveforms import SAMPLE_RATE_HZ, Channel, Recording, load_recording, trim_silence
from tts_toolkit.data.clips import Clip
from tts_toolkit.system.errors import UserError, first_line
from tts_toolkit.system.files import kept, sealed, write_whole
from tts_toolkit.system.formatting import apart
from tts_toolkit.system.progress import progress

log = logging.getLogger(__name__)
MAX_HELD_SECONDS = 7200.0  # of sound kept in memory for later steps of a run: 460 MB
NO_TRIM_DB = 200.0  # below the loudest frame: cuts digital silence only
FRONT_END = "log-mel-2"  # part of every key; a change to the front end changes it
AGAIN = "remove it: the next run makes it again"


def _as_it_is(clip: Clip) -> str:
    """Return the key of a clip's held sound: its id, and the size and time of its file, which may change."""
    if cell_of(clip.audio) or not clip.audio.is_file():
        return clip.id
    stat = clip.audio.stat()
    return f"{clip.id}\0{stat.st_size}\0{stat.st_mtime_ns}"


@dataclass
class HeldSound:
    """Waveforms of clips as their files are now, up to MAX_HELD_SECONDS, so that none is decoded twice."""

    waveforms: dict[str, np.ndarray] = field(default_factory=dict)
    n_samples: int = 0
    notes: dict[str, str] = field(default_factory=dict)  # on the channels of decoded clips, by id

    def get(self, clip: Clip) -> np.ndarray | None:
        """Return the held waveform of a clip's file as it is now, or None."""
        return self.waveforms.get(_as_it_is(clip))

    def put(self, clip: Clip, waveform: np.ndarray) -> bool:
        """Hold a clip's waveform; False if there is no room."""
        if self.n_samples + len(waveform) > MAX_HELD_SECONDS * SAMPLE_RATE_HZ:
            return False
        if (known := _as_it_is(clip)) not in self.waveforms:
            self.waveforms[known] = waveform
            self.n_samples += len(waveform)
        return True

    def only(self, clips: Iterable[Clip]) -> None:
        """Release all waveforms but those of some clips."""
        keys = map(_as_it_is, clips)
        kept = {key: self.waveforms[key] for key in keys if key in self.waveforms}
        self.waveforms, self.n_samples = kept, sum(map(len, kept.values()))


@dataclass(frozen=True)
class ClipLimits:
    """Which recordings may be trained on, and how their silent ends are cut."""

    min_duration_in_seconds: float = 0.4
    max_duration_in_seconds: float = 20.0
    trim_silence_db: float | None = 40.0  # below the loudest frame; None keeps the ends
    channel: Channel = "auto"  # of multichannel recordings: mix, left, right; auto mixes where that loses nothing
    held: HeldSound = field(default_factory=HeldSound, repr=False, compare=False)

    def recording(self, clip: Clip) -> Recording:
        """Return the recording of a clip; raises UserError, naming the row, when it cannot be read."""
        try:
            recording = load_recording(clip.audio, self.channel)
        except UserError as error:
            raise UserError(f"{clip.source}: {error}") from None
        if recording.note:
            self.held.notes[clip.id] = recording.note
        return recording

    def trimmed(self, recording: Recording) -> np.ndarray:
        """Return a recording's waveform, ends trimmed; empty when it is silent throughout."""
        speech = trim_silence(recording.waveform, self.trim_silence_db or NO_TRIM_DB)
        return recording.waveform if len(speech) and self.trim_silence_db is None else speech

    def read(self, clip: Clip) -> np.ndarray:
        """Return the clip's waveform, ends trimmed; raises UserError when it is silent, too short or too long."""
        waveform = self.held.get(clip)
        if waveform is None:
            recording = self.recording(clip)
            waveform = self.trimmed(recording)
            if not len(waveform):
                why = f" ({recording.note})" if recording.note else ""
                raise UserError(f"{clip.source}: {clip.audio} is silent{why}; remove the row or record the clip again")
            self.held.put(clip, waveform)
        seconds = len(waveform) / SAMPLE_RATE_HZ
        if not self.min_duration_in_seconds <= seconds <= self.max_duration_in_seconds:
            raise UserError(
                f"{clip.source}: {clip.audio} lasts {self.formatted(seconds)} s without its silent ends; allowed are "
                f"{self.min_duration_in_seconds:g} to {self.max_duration_in_seconds:g} s: cut or remove it, or change "
                "limits.min_duration_in_seconds or limits.max_duration_in_seconds"
            )
        return waveform

    def formatted(self, seconds: float) -> str:
        """Return a duration with enough digits to show on which side of the limits it is."""
        near = min((self.min_duration_in_seconds, self.max_duration_in_seconds), key=lambda limit: abs(limit - seconds))
        return apart(seconds, near, 2)[0]


def read_each(clips: Iterable[Clip], read: Callable[[Clip], np.ndarray]) -> list[np.ndarray]:
    """Return the waveforms of the readable clips, with a warning for each other one; raises UserError for none."""
    waveforms, faults = list[np.ndarray](), list[str]()
    for clip in clips:
        try:
            waveforms.append(read(clip))
        except UserError as error:
            faults.append(str(error))
            log.warning("left out: %s", error)
    if faults and not waveforms:
        raise UserError(f"none of {len(faults)} recordings can be read; the first: {faults[0]}")
    return waveforms


def counted(notes: Iterable[str]) -> dict[str, int]:
    """Return the number of notes of each kind, most frequent first, whatever figures they hold."""
    return dict(Counter(_kind(note) for note in notes if note).most_common())


def _kind(note: str) -> str:
    if " is taken" in note:
        return "averaging their channels would cancel the sound, so the loudest channel is taken (limits.channel)"
    return note.partition(";")[0] if "voices" in note else "averaging their channels cancels much of the sound"


def content_key(clip: Clip, *settings: object) -> str:
    """Return a hex key of the recording's bytes and the settings applied to them (BLAKE2b, 128 bits).

    For a cell of a table, its digest replaces the bytes: reading the cell checks them against it. Raises UserError,
    naming the row, when the recording is missing.
    """
    if not is_there(clip.audio):
        raise UserError(f"{clip.source}: no audio file at {clip.audio}; correct the row or add the file")
    digest = hashlib.blake2b(repr(settings).encode(), digest_size=16)
    if cell := cell_of(clip.audio):
        digest.update(cell.digest.encode())
        return digest.hexdigest()
    with clip.audio.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def keep_array(path: Path, array: np.ndarray) -> None:
    """Write `array` to `path` whole or not at all, with its hash at the end, so that several processes may write it."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    write_whole(path, sealed(path, buffer.getvalue()), durable=False)


def kept_array(path: Path) -> np.ndarray | None:
    """Return the array that `keep_array` wrote; None where there is none, or not what was written."""
    content = kept(path)
    return None if content is None else np.load(io.BytesIO(content), allow_pickle=False)


def read_array(path: Path) -> np.ndarray:
    """Return a required array, `keep_array`'s or any other `.npy`; raises UserError when it is damaged.

    Raises FileNotFoundError when it is missing.
    """
    buffer = io.BytesIO(path.read_bytes())
    try:
        array = np.load(buffer, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise UserError(f"{path}: cannot be read ({first_line(error)}); {AGAIN}") from None
    if buffer.read() and kept(path) is None:
        raise UserError(f"{path}: is not what was written there; {AGAIN}")
    return np.asarray(array)


def keep_log_mel(clip: Clip, waveform: np.ndarray, limits: ClipLimits, cache_dir: Path) -> None:
    """Cache the log-mel of a clip, its waveform read under `limits`, unless it is cached already."""
    file = _log_mel_file(clip, limits, cache_dir)
    if kept(file) is None:
        keep_array(file, log_mel(waveform).numpy())


def _log_mel_file(clip: Clip, limits: ClipLimits, cache_dir: Path) -> Path:
    key = content_key(clip, FRONT_END, limits)
    return cache_dir / "log_mels" / key[:2] / f"{key}.npy"


def log_mel_files(clips: Sequence[Clip], limits: ClipLimits, cache_dir: Path) -> list[Path]:
    """Return one `.npy` file per clip, each a log-mel (n_frames, 80) float32, computing those that are missing.

    Existing files are read and checked. Raises UserError at the first clip that cannot be used, naming its row.
    """
    files = []
    for clip in progress(clips, "log-mels", "clip"):
        file = _log_mel_file(clip, limits, cache_dir)
        if kept(file) is None:
            keep_array(file, log_mel(limits.read(clip)).numpy())
        files.append(file)
    return files
