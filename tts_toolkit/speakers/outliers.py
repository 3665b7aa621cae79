"""Consistency of the voices of a data set, and clips that do not belong to their voice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tts_toolkit.speakers.conditioning import leave_one_out, mean_of_each
from tts_toolkit.system.formatting import apart

MIN_CLIPS = 5  # of a voice, before one can be an outlier
MIN_VOICES = 5  # before the mean of all voices is removed
# A clip is an outlier by its distance, 1 - cosine, to the mean of the voice's other clips: so many robust deviations of
# log distances above the voice's median, and so many times the median. Measured on 115 people: see docs/results.md.
MAX_DEVIATIONS = 2.9
MAX_DEVIATIONS_ALONE = 3.2  # where there is no other voice to compare with
MIN_RATIO = 2.25
PRIOR_CLIPS = 20  # weight of all voices' deviation against a voice's own
# Share of clips that must be outliers in other voices, for the encoder to separate the voices.
MIN_PARTED = 0.7
MAX_COMPARED = 200  # voices that a clip is compared with, so that the time stays linear


@dataclass(frozen=True)
class Outlier:
    """A clip that does not sound like its voice."""

    id: str
    cosine: float  # to the mean of the voice's other clips
    reason: str


@dataclass(frozen=True)
class Profile:
    """One voice of a set."""

    speaker: str
    rows: np.ndarray  # (n,) of the set
    embedding: np.ndarray  # (dim,), the normalized mean over all its clips
    cosines: np.ndarray  # (n,) of each clip to the mean of the others; nan for a voice of one clip
    outliers: tuple[Outlier, ...]
    parted: float | None = None  # share of clips that are outliers in other voices; None: not measured

    @property
    def checked(self) -> bool:
        """Whether outliers were searched for: there are enough clips, and the encoder separates the set's voices."""
        return len(self.rows) >= MIN_CLIPS and (self.parted is None or self.parted >= MIN_PARTED)


def profiles(ids: Sequence[str], speakers: Sequence[str], embeddings: np.ndarray) -> list[Profile]:
    """Return the profile of each voice, sorted by name, of clips with L2-normalized embeddings (n, dim).

    Where there are enough voices, their common mean is removed before clips are compared, as it identifies no voice.
    """
    names, of_clip = np.unique(np.asarray(speakers), return_inverse=True)
    rows = np.split(np.argsort(of_clip, kind="stable"), np.cumsum(np.bincount(of_clip))[:-1]) if len(names) else []
    means = mean_of_each(embeddings, of_clip)
    cosines = np.einsum("nd,nd->n", embeddings, leave_one_out(embeddings, speakers)) if len(names) else np.zeros(0)
    cosines[np.bincount(of_clip)[of_clip] < 2] = np.nan
    found, parted = _outliers(ids, names, of_clip, rows, embeddings)
    outliers = [tuple(Outlier(ids[row], float(cosines[row]), reason) for row, reason in of_one) for of_one in found]
    return [
        Profile(str(name), own, mean, cosines[own], of_one, parted)
        for name, own, mean, of_one in zip(names, rows, means, outliers, strict=True)
    ]


def unparted(found: Sequence[Profile]) -> str:
    """Return a note about voices that the encoder does not separate; empty where it does."""
    parted = next((profile.parted for profile in found if len(profile.rows) >= MIN_CLIPS), None)
    if parted is None or parted >= MIN_PARTED:
        return ""
    share, wanted = apart(100 * parted, 100 * MIN_PARTED)
    return (
        f"the encoder does not separate the voices of this set ({share} % of clips are outliers in another voice, "
        f" {wanted} are wanted): no clip is called another voice; another encoder may separate them"
    )


def _outliers(
    ids: Sequence[str], names: np.ndarray, of_clip: np.ndarray, rows: Sequence[np.ndarray], embeddings: np.ndarray
) -> tuple[list[list[tuple[int, str]]], float | None]:
    """Return the outlier rows of each voice, farthest first, with the reason; and the separation of the voices."""
    nothing: list[list[tuple[int, str]]] = [[] for _ in names]
    checked = np.asarray([len(own) >= MIN_CLIPS for own in rows], dtype=bool)
    if not checked.any():
        return nothing, None
    clips = _centered(embeddings, of_clip, len(names))
    others = leave_one_out(clips, of_clip.tolist())
    distances = _log_distance(np.einsum("nd,nd->n", clips, others))
    medians = np.asarray([np.median(distances[own]) for own in rows])
    limits = _limits(distances, medians, of_clip, rows, checked)
    parted = _parted(clips, of_clip, limits, checked)
    if parted is not None and parted < MIN_PARTED:
        return nothing, parted
    standing = np.flatnonzero(checked[of_clip] & (distances > limits[of_clip]))
    nearest = _nearest(clips, of_clip, standing, len(names))
    for row in standing[np.argsort(-distances[standing])]:
        voice = of_clip[row]
        ratio, allowed = (float(np.exp(value - medians[voice])) for value in (distances[row], limits[voice]))
        nearer = nearest.get(int(row))
        closer = nearer is not None and _log_distance(nearer[1]) < distances[row]
        nothing[voice].append((int(row), _reason(ratio, allowed, str(names[nearer[0]]) if nearer and closer else "")))
    return nothing, parted


def _reason(ratio: float, allowed: float, nearer: str) -> str:
    shown, limit = apart(ratio, allowed, 1)
    far = f"{shown} times as far from their mean as half of them are ({limit} times is usual)"
    nearer = f", and nearer to the voice {nearer!r}" if nearer else ""
    return f"unlike the voice's other clips: {far}{nearer}"


def _log_distance(cosines: np.ndarray | float) -> np.ndarray:
    return np.log(np.maximum(1 - np.asarray(cosines, dtype=np.float64), 1e-6))


def _centered(embeddings: np.ndarray, of_clip: np.ndarray, n_voices: int) -> np.ndarray:
    """Return the embeddings without the mean over the voices, normalized; as they are where voices are few."""
    if n_voices < MIN_VOICES:
        return embeddings
    centered = embeddings - mean_of_each(embeddings, of_clip).mean(axis=0)
    return centered / np.maximum(np.linalg.norm(centered, axis=1, keepdims=True), 1e-9)


def _limits(
    distances: np.ndarray, medians: np.ndarray, of_clip: np.ndarray, rows: Sequence[np.ndarray], checked: np.ndarray
) -> np.ndarray:
    """Return the log distance (n_voices,) beyond which a clip of each voice is an outlier; outliers hardly move it."""
    off = np.abs(distances - medians[of_clip])
    n_clips = np.bincount(of_clip)
    spread = np.median(off[checked[of_clip]]) / np.sqrt(
        1 - 1 / np.median(n_clips[checked])
    )  # its own median is part of it
    own = np.asarray([np.median(off[rows_]) for rows_ in rows])
    together = np.sqrt((own**2 * n_clips + spread**2 * PRIOR_CLIPS) / (n_clips + PRIOR_CLIPS))
    n_deviations = MAX_DEVIATIONS if len(rows) > 1 else MAX_DEVIATIONS_ALONE
    return np.asarray(medians + np.maximum(n_deviations * 1.4826 * together, np.log(MIN_RATIO)))


def _parted(clips: np.ndarray, of_clip: np.ndarray, limits: np.ndarray, checked: np.ndarray) -> float | None:
    """Return the share of clips that would be outliers in other voices, None where there is no other voice."""
    known = np.flatnonzero(checked)
    if len(limits) < 2:
        return None
    chosen = _spread(known)
    against = _log_distance(clips @ mean_of_each(clips, of_clip)[chosen].T)
    trials = of_clip[:, None] != chosen[None, :]
    return float((against > limits[chosen])[trials].mean()) if trials.any() else None


def _nearest(
    clips: np.ndarray, of_clip: np.ndarray, standing: np.ndarray, n_voices: int
) -> dict[int, tuple[int, float]]:
    """Return the nearest other voice of outlier rows, and its cosine."""
    if n_voices < 2 or not len(standing):
        return {}
    chosen = _spread(np.arange(n_voices))
    cosines = clips[standing] @ mean_of_each(clips, of_clip)[chosen].T
    cosines[of_clip[standing][:, None] == chosen[None, :]] = -2
    best = cosines.argmax(axis=1)
    return {
        int(row): (int(chosen[at]), float(of_row[at])) for row, at, of_row in zip(standing, best, cosines, strict=True)
    }


def _spread(voices: np.ndarray) -> np.ndarray:
    """Return at most `MAX_COMPARED` of the voices, evenly spread."""
    return voices[np.linspace(0, len(voices) - 1, min(len(voices), MAX_COMPARED)).astype(int)]
