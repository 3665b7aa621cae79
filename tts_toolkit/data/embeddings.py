"""Speaker embeddings of many recordings: in batches, shared between processes, cached by content."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tts_toolkit.audio.waveforms import SAMPLE_RATE_HZ
from tts_toolkit.data.clips import Clip
from tts_toolkit.data.features import ClipLimits, content_key, keep_array, kept_array, read_array
from tts_toolkit.speakers.encoders import SpeakerEncoder, embed_all
from tts_toolkit.system.errors import UserError
from tts_toolkit.system.processes import ALONE, Processes
from tts_toolkit.system.progress import AudioProgress, progress

FORMAT = "embedding-3"  # of a cached file: the seconds of sound, then the embedding
MAX_READ_SECONDS = 1200.0  # of sound held in memory together, to be sorted by length
READ_AT_ONCE = 8  # files, by as many threads, in memory beyond that
MAX_BATCH_SECONDS = 15.0  # padding included; larger batches are hardly faster, and fragment memory


@dataclass(frozen=True)
class ClipVoices:
    """Embeddings of clips, in their order."""

    embeddings: np.ndarray  # (n_clips, dim), float32, L2-normalized
    seconds: np.ndarray  # (n_clips,) of sound behind each embedding, silent ends cut


def clip_voices(
    clips: Sequence[Clip],
    encoder: SpeakerEncoder,
    limits: ClipLimits,
    cache_dir: Path,
    processes: Processes = ALONE,
) -> ClipVoices:
    """Return the embeddings of the clips, computing those that the cache lacks.

    Processes share the missing ones, and each returns all. Raises UserError at the first clip that cannot be used.
    """
    files = [_cache_file(clip, encoder, limits, cache_dir) for clip in progress(clips, "recordings", "clip")]
    found = dict(zip(files, map(kept_array, files), strict=True))  # each read once, and checked
    share = list(zip(clips, files, strict=True))[processes.rank :: processes.n]
    todo = [(clip, file) for clip, file in share if found[file] is None]
    with AudioProgress("speaker embeddings", "clip", len(todo)) as bar:
        for read in _read_ahead(todo, limits):
            for batch in _batches(sorted(read, key=lambda item: len(item[0]))):
                waveforms = [waveform for waveform, _ in batch]
                seconds = [len(waveform) / SAMPLE_RATE_HZ for waveform in waveforms]
                for embedding, length, (_, file) in zip(embed_all(encoder, waveforms), seconds, batch, strict=True):
                    made = _row(encoder, length, embedding)
                    keep_array(file, made)
                    found[file] = made
                bar.update(len(batch), sum(seconds))
    processes.wait()
    rows = np.stack([read_array(file) if (row := found[file]) is None else row for file in files])
    return ClipVoices(rows[:, 1:], rows[:, 0])


def _row(encoder: SpeakerEncoder, seconds: float, embedding: np.ndarray) -> np.ndarray:
    """Return the cached row of a clip; raises UserError for a non-finite embedding, which would stay in the cache."""
    if not np.isfinite(embedding).all():
        raise UserError(f"the encoder {encoder.name} returns non-finite embeddings: its weights are damaged")
    return np.concatenate([[seconds], embedding]).astype(np.float32)


def usable_clips(
    clips: Sequence[Clip], encoder: SpeakerEncoder, limits: ClipLimits, cache_dir: Path
) -> tuple[list[Clip], dict[str, str]]:
    """Return the clips that can be embedded, and the reasons against the others by id.

    Cached clips are not read again. Raises UserError when none can be used, or the encoder cannot.
    """
    _ = encoder.version  # computed once; an error here is no clip's fault
    usable, reasons = [], dict[str, str]()
    with ThreadPoolExecutor(READ_AT_ONCE) as pool:
        found = pool.map(lambda clip: _fault(clip, encoder, limits, cache_dir), clips)
        for clip, fault in zip(clips, progress(found, "checking", "clip", len(clips)), strict=True):
            if fault:
                reasons[clip.id] = fault
            else:
                usable.append(clip)
    if not usable:
        raise UserError(f"no clip can be used; the first: {next(iter(reasons.values()), 'there is none')}")
    return usable, reasons


def _fault(clip: Clip, encoder: SpeakerEncoder, limits: ClipLimits, cache_dir: Path) -> str:
    try:
        if not _cache_file(clip, encoder, limits, cache_dir).is_file():  # a cached file is read and checked later
            limits.read(clip)
    except UserError as error:
        return str(error)
    return ""


def _cache_file(clip: Clip, encoder: SpeakerEncoder, limits: ClipLimits, cache_dir: Path) -> Path:
    key = content_key(clip, FORMAT, encoder.version, limits)
    return cache_dir / "embeddings" / key[:2] / f"{key}.npy"


def _read_ahead(todo: Sequence[tuple[Clip, Path]], limits: ClipLimits) -> Iterator[list[tuple[np.ndarray, Path]]]:
    """Yield waveforms with their files, up to MAX_READ_SECONDS at once."""
    read: list[tuple[np.ndarray, Path]] = []
    n_samples = 0
    with ThreadPoolExecutor(READ_AT_ONCE) as pool:
        for start in range(0, len(todo), READ_AT_ONCE):
            part = todo[start : start + READ_AT_ONCE]
            for waveform, (_, file) in zip(pool.map(limits.read, [clip for clip, _ in part]), part, strict=True):
                read.append((waveform, file))
                n_samples += len(waveform)
            if n_samples > MAX_READ_SECONDS * SAMPLE_RATE_HZ:
                yield read
                read, n_samples = [], 0
    if read:
        yield read


def _batches(read: Sequence[tuple[np.ndarray, Path]]) -> Iterator[list[tuple[np.ndarray, Path]]]:
    """Yield waveforms, sorted by length, in batches of at most MAX_BATCH_SECONDS; a longer one alone."""
    batch: list[tuple[np.ndarray, Path]] = []
    for item in read:
        if batch and (len(batch) + 1) * len(item[0]) > MAX_BATCH_SECONDS * SAMPLE_RATE_HZ:
            yield batch
            batch = []
        batch.append(item)
    if batch:
        yield batch
