"""What a set of recordings says about its voices: how well each holds together, and which clips do not belong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tts_toolkit.speakers.conditioning import leave_one_out, mean_embedding

MIN_CLIPS = 5  # of a voice before one can stand out
# A clip stands out by its distance, 1 - cosine, to the others' mean: so many robust deviations of log distances above
# the median, and so many times the median distance. Measured on four voices: see docs/results.md.
MAX_DEVIATIONS = 3.2
MIN_RATIO = 3.0
NEARER = 1.5  # times as near as its own voice is another one, to which a clip is then said to belong


@dataclass(frozen=True)
class Outlier:
    """A clip that does not sound like the voice it is filed under."""

    id: str
    cosine: float  # to the mean of the voice's other clips
    reason: str


@dataclass(frozen=True)
class Profile:
    """One voice of a set."""

    speaker: str
    rows: np.ndarray  # (n,) of the set
    embedding: np.ndarray  # (dim,), the normalised mean over all its clips
    cosines: np.ndarray  # (n,) of each clip to the mean of the others; nan for a voice of one clip
    outliers: tuple[Outlier, ...]


def profiles(ids: Sequence[str], speakers: Sequence[str], embeddings: np.ndarray) -> list[Profile]:
    """Return the profile of each voice, sorted by name, of clips with L2-normalised embeddings (n, dim)."""
    names = np.asarray(speakers)
    means = {name: mean_embedding(embeddings[names == name]) for name in sorted(set(speakers))}
    return [_profile(name, np.flatnonzero(names == name), ids, embeddings, means) for name in means]


def _profile(
    speaker: str, rows: np.ndarray, ids: Sequence[str], embeddings: np.ndarray, means: dict[str, np.ndarray]
) -> Profile:
    own = embeddings[rows]
    if len(rows) < 2:
        return Profile(speaker, rows, means[speaker], np.full(len(rows), np.nan), ())
    cosines = np.einsum("nd,nd->n", own, leave_one_out(own, [speaker] * len(rows)))
    outliers = []
    limit = _limit(cosines)
    for position in np.argsort(cosines) if len(rows) >= MIN_CLIPS else ():
        cosine = float(cosines[position])
        reason = _reason(cosine, limit, cosines, own[position], speaker, means)
        if reason:
            outliers.append(Outlier(ids[rows[position]], cosine, reason))
    return Profile(speaker, rows, means[speaker], cosines, tuple(outliers))


def _limit(cosines: np.ndarray) -> float:
    """Return the cosine below which a clip stands out, from medians, which outliers cannot move."""
    distances = np.log(np.maximum(1 - cosines, 1e-6))
    median = np.median(distances)
    deviation = 1.4826 * np.median(np.abs(distances - median))
    return float(1 - np.exp(median + max(MAX_DEVIATIONS * deviation, np.log(MIN_RATIO))))


def _reason(
    cosine: float,
    limit: float,
    cosines: np.ndarray,
    embedding: np.ndarray,
    speaker: str,
    means: dict[str, np.ndarray],
) -> str:
    """Return why a clip stands out, or nothing."""
    to_others = {name: float(embedding @ mean) for name, mean in means.items() if name != speaker}
    nearest = max(to_others, key=to_others.__getitem__, default=None)
    if nearest is not None and NEARER * (1 - to_others[nearest]) < 1 - cosine:
        return f"nearer to the voice {nearest!r} (cosine {to_others[nearest]:.2f}) than to its own ({cosine:.2f})"
    if cosine < limit:
        return f"unlike the voice's other clips: cosine {cosine:.2f}, half of them lie above {np.median(cosines):.2f}"
    return ""
