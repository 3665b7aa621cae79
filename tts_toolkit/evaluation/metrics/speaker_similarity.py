"""The scale of speaker similarity: same speaker, different speaker, and their separation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tts_toolkit.speakers.conditioning import leave_one_out, mean_embedding, mean_of_each

MAX_COMPARED = 100  # speakers per recording: time and memory stay linear in the set
MIN_GAP = 0.05  # between floor and ceiling: below, the verifier does not separate the voices


@dataclass(frozen=True)
class SimilarityScale:
    """Scores of natural recordings under the same speaker verifier, compared in the same way."""

    ceiling: float | None  # mean cosine to the own speaker's reference; None: no speaker has two recordings
    floor: float | None  # mean cosine to other speakers' references
    equal_error_rate: float | None
    n_same: int
    n_different: int

    def normalized(self, similarity: float | None) -> float | None:
        """Return a similarity between the floor (0) and the ceiling (1); None where they are unknown or too close."""
        if similarity is None or self.ceiling is None or self.floor is None or self.ceiling - self.floor < MIN_GAP:
            return None
        return (similarity - self.floor) / (self.ceiling - self.floor)


def scale_line(scale: Mapping[str, float | None]) -> str:
    """Return the scale of a summary in words, for the foot of a table."""
    shown = {name: "unknown" if value is None else f"{value:.3f}" for name, value in scale.items()}
    rate = scale["equal_error_rate"]
    return (
        f"natural recordings score {shown['ceiling']} for the same speaker (ceiling) and {shown['floor']} for "
        f"different ones (floor); equal error rate {'unknown' if rate is None else f'{100 * rate:.1f} %'}"
    )


def speaker_references(embeddings: np.ndarray, speakers: Sequence[str]) -> np.ndarray:
    """Return each recording's reference, (n, dim): the mean over the speaker's *other* recordings.

    The recording of the sentence itself is excluded for every system, so that natural speech is not compared with
    itself. A speaker's only recording is its own reference.
    """
    return leave_one_out(embeddings, speakers)


def similarity_scale(
    embeddings: np.ndarray, speakers: Sequence[str], background: np.ndarray | None = None
) -> SimilarityScale:
    """Return the scale from the natural recordings' embeddings (n, dim).

    See `trials` for the comparisons.
    """
    same, different = trials(embeddings, speakers, background)
    return SimilarityScale(
        float(same.mean()) if len(same) else None,
        float(different.mean()) if len(different) else None,
        equal_error_rate(same, different) if len(same) and len(different) else None,
        len(same),
        len(different),
    )


def trials(
    embeddings: np.ndarray, speakers: Sequence[str], background: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the cosines of same-speaker and of different-speaker trials between recordings (n, dim).

    Same-speaker trials compare a recording with the mean over its speaker's others; different-speaker trials with
    the mean of each other speaker, of `MAX_COMPARED` speakers evenly spread where there are more, and with `background`
    (n, dim), recordings of people outside the set.
    """
    _, of_clip = np.unique(np.asarray(speakers), return_inverse=True)
    several = np.bincount(of_clip)[of_clip] > 1 if len(of_clip) else np.zeros(0, dtype=bool)
    same = np.einsum("nd,nd->n", embeddings, speaker_references(embeddings, speakers))[several]
    means = mean_of_each(embeddings, of_clip)
    compared = np.linspace(0, len(means) - 1, min(len(means), MAX_COMPARED)).astype(int)
    impostors = [(means[compared] @ embeddings.T)[of_clip[None, :] != compared[:, None]]]
    if background is not None:
        impostors += [embeddings @ mean_embedding(background)]
    return same, np.concatenate(impostors)


def equal_error_rate(same: np.ndarray, different: np.ndarray) -> float:
    """Return the rate at which false rejections and false acceptances are equal."""
    thresholds = np.unique(np.concatenate([same, different]))
    refused = np.searchsorted(np.sort(same), thresholds, side="left") / len(same)
    accepted = 1 - np.searchsorted(np.sort(different), thresholds, side="left") / len(different)
    nearest = int(np.argmin(np.abs(refused - accepted)))
    return float((refused[nearest] + accepted[nearest]) / 2)
