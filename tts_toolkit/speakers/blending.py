"""Voices beside each other: how near two are, which known one is nearest, and a mixture of several."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tts_toolkit.errors import UserError


def cosine(first: np.ndarray, second: np.ndarray) -> float:
    """Return the cosine of two voices, (dim,) or (1, dim); raises UserError for those of different encoders."""
    a, b = first.ravel(), second.ravel()
    if a.shape != b.shape:
        raise UserError(f"the voices have {len(a)} and {len(b)} numbers: they come from different encoders")
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def nearest(voice: np.ndarray, known: Mapping[str, np.ndarray], n: int = 5) -> dict[str, float]:
    """Return the names of the `n` nearest known voices with their cosines, the nearest first."""
    cosines = {name: cosine(voice, embedding) for name, embedding in known.items()}
    return dict(sorted(cosines.items(), key=lambda item: -item[1])[:n])


def mixture(voices: Mapping[str, np.ndarray], weights: Mapping[str, float]) -> np.ndarray:
    """Return the normalised weighted mean (1, dim) of normalised voices; raises UserError for weights of no use."""
    if min(weights.values()) < 0 or sum(weights.values()) <= 0:
        raise UserError(f"weights {dict(weights)}: none may be below 0, and their sum must be above")
    rows = np.stack([voices[name].ravel() / np.linalg.norm(voices[name]) for name in weights])
    total = sum(weights.values())
    mixed = rows.T @ np.asarray([weight / total for weight in weights.values()])
    return (mixed / np.linalg.norm(mixed))[None].astype(np.float32)
