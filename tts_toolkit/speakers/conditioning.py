"""Which embedding each training clip is conditioned on, and the one a voice is spoken with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from tts_toolkit.audio import SAMPLE_RATE_HZ
from tts_toolkit.data.clips import Clip
from tts_toolkit.data.features import ClipLimits, content_key, keep_array
from tts_toolkit.errors import UserError
from tts_toolkit.progress import progress
from tts_toolkit.speakers.encoders import SpeakerEncoder

Conditioning = Literal["speaker_mean", "leave_one_out", "utterance"]


def clip_embeddings(clips: Sequence[Clip], encoder: SpeakerEncoder, limits: ClipLimits, cache_dir: Path) -> np.ndarray:
    """Return the embeddings (n_clips, dim) of the clips' sound, computing those that the cache lacks."""
    rows = []
    for clip in progress(clips, "speaker embeddings", "clip"):
        key = content_key(clip, "embedding-1", encoder.version, limits)
        file = cache_dir / "embeddings" / key[:2] / f"{key}.npy"
        if not file.exists():
            keep_array(file, encoder.embed(limits.read(clip)))
        rows.append(np.load(file, allow_pickle=False))
    return np.stack(rows)


def clip_seconds(clips: Sequence[Clip], limits: ClipLimits) -> np.ndarray:
    """Return the seconds (n_clips,) of sound that each embedding was taken from."""
    return np.asarray([len(limits.read(clip)) / SAMPLE_RATE_HZ for clip in clips])


def mean_embedding(embeddings: np.ndarray) -> np.ndarray:
    """Return the normalised mean (dim,) of normalised embeddings (n, dim)."""
    normalised = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    mean = normalised.mean(axis=0)
    return (mean / np.linalg.norm(mean)).astype(np.float32)


def condition(embeddings: np.ndarray, speakers: Sequence[str], how: Conditioning) -> np.ndarray:
    """Return the embedding (n, dim) that conditions each clip, from the clips' own (n, dim).

    `speaker_mean`: the mean over the speaker's clips, which is what synthesis will have. `leave_one_out`: the mean
    over the speaker's other clips. `utterance`: the clip's own. Raises UserError when leaving one out leaves none.
    """
    if how == "utterance":
        return embeddings
    if how not in ("speaker_mean", "leave_one_out"):
        raise UserError(f"speaker.conditioning={how}: allowed are speaker_mean, leave_one_out and utterance")
    conditioned = np.empty_like(embeddings)
    names = np.asarray(speakers)
    for speaker in sorted(set(speakers)):
        rows = np.flatnonzero(names == speaker)
        if how == "speaker_mean":
            conditioned[rows] = mean_embedding(embeddings[rows])
            continue
        if len(rows) < 2:
            raise UserError(f"leave_one_out needs two clips of a speaker; {speaker!r} has one: use speaker_mean")
        for row in rows:
            conditioned[row] = mean_embedding(embeddings[rows[rows != row]])
    return conditioned
