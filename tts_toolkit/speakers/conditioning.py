"""The embedding that conditions each training clip, and the one of a voice in synthesis."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal

import numpy as np

from tts_toolkit.system.errors import UserError

Conditioning = Literal["speaker_mean", "leave_one_out", "utterance"]


def mean_embedding(embeddings: np.ndarray) -> np.ndarray:
    """Return the normalized mean (dim,) of normalized embeddings (n, dim)."""
    normalized = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    mean = normalized.mean(axis=0)
    return (mean / np.linalg.norm(mean)).astype(np.float32)


def mean_of_each(embeddings: np.ndarray, of_clip: np.ndarray) -> np.ndarray:
    """Return the normalized mean (n_voices, dim) of each voice's embeddings (n, dim); clip i is of voice `of_clip[i]`.

    One pass over the clips, however many voices there are.
    """
    normalized = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    sums = np.zeros((int(of_clip.max(initial=-1)) + 1, embeddings.shape[1]))
    np.add.at(sums, of_clip, normalized)
    return (sums / np.linalg.norm(sums, axis=1, keepdims=True)).astype(np.float32)


def mean_embeddings(speakers: Sequence[str], embeddings: np.ndarray) -> dict[str, np.ndarray]:
    """Return the normalized mean (dim,) of each speaker's embeddings (n, dim), sorted by name."""
    names, of_clip = np.unique(np.asarray(speakers), return_inverse=True)
    return {str(name): mean for name, mean in zip(names, mean_of_each(embeddings, of_clip), strict=True)}


def leave_one_out(embeddings: np.ndarray, speakers: Sequence[str]) -> np.ndarray:
    """Return the normalized mean (n, dim) over each clip's speaker's other clips; its own where there is none."""
    normalized = (embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)).astype(np.float64)
    names, of_clip = np.unique(np.asarray(speakers), return_inverse=True)
    sums = np.zeros((len(names), embeddings.shape[1]))
    np.add.at(sums, of_clip, normalized)
    alone = np.bincount(of_clip)[of_clip] == 1
    others = np.where(alone[:, None], normalized, sums[of_clip] - normalized)
    return (others / np.linalg.norm(others, axis=1, keepdims=True)).astype(np.float32)


def condition(embeddings: np.ndarray, speakers: Sequence[str], how: Conditioning) -> np.ndarray:
    """Return the embedding (n, dim) that conditions each clip, from the clips' own (n, dim).

    `speaker_mean`: the mean over the speaker's clips, as in synthesis. `leave_one_out`: the mean over the speaker's
    other clips. `utterance`: the clip's own. Raises UserError when leaving one out leaves none.
    """
    if how == "utterance":
        return embeddings
    if how not in ("speaker_mean", "leave_one_out"):
        raise UserError(f"speaker.conditioning={how}: allowed are speaker_mean, leave_one_out and utterance")
    if how == "leave_one_out":
        if alone := sorted(name for name, n in Counter(speakers).items() if n < 2):
            raise UserError(f"leave_one_out needs two clips per speaker; {alone[0]!r} has one: use speaker_mean")
        return leave_one_out(embeddings, speakers)
    means = mean_embeddings(speakers, embeddings)
    return np.stack([means[name] for name in speakers])
