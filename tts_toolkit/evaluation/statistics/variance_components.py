"""Variance components of a figure, and the prompts and readings needed to show a difference of a given size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tts_toolkit.evaluation.statistics.intervals import LEVEL, MIN_CLUSTERS
from tts_toolkit.evaluation.statistics.paired_tests import POWER

SOURCES = ("prompts", "training runs", "recognizers", "prompts by runs", "readings", "residual")
MAX_PROMPTS = 10_000_000  # limit of the search


@dataclass(frozen=True)
class Components:
    """Variances of one utterance's value by source; None for one that these runs cannot identify."""

    metric: str
    variances: dict[str, float | None]  # by SOURCES, in the metric's unit squared
    n_prompts: int
    n_runs: int
    n_recognizers: int
    n_readings: int

    def remarks(self) -> list[str]:
        """Return notes on components confounded with others, for lack of runs that separate them."""
        found = []
        if self.n_readings == 1:
            by_runs, separate = self.n_runs > 1 and self.n_recognizers > 1, self.n_recognizers > 1
            holder = "prompts by runs" if by_runs else "prompts" if separate else "residual"
            found.append(f'each prompt was read once: the scatter between readings is part of "{holder}"')
        elif self.n_recognizers == 1:
            found.append('one recognizer: its own noise is part of "readings"')
        if self.n_prompts > 1 and self.variances["prompts"] is None:
            found.append('prompts and readings cannot be separated: "residual" holds both; run again with n_seeds=3')
        return found


def components(metric: str, values: np.ndarray) -> Components:
    """Return variance components of `values` (n_prompts, n_runs, n_recognizers, n_readings), by analysis of variance.

    Prompts, training runs and recognizers are crossed and random, readings are nested in prompts and runs, and every
    recognizer transcribes the same readings; mean squares are equated with their expectations (Searle, Casella and
    McCulloch 1992), and negative estimates are zero. With one recognizer, its noise on a reading is part of the
    reading: the residual is None, and "readings" hold both. With one of everything but prompts, nothing is separable:
    the residual is the whole variance.
    """
    n_prompts, n_runs, n_recognizers, n_readings = values.shape
    utterances = values.mean(axis=2)  # (n_prompts, n_runs, n_readings)
    cells = utterances.mean(axis=2)  # (n_prompts, n_runs)
    grand = values.mean()
    found: dict[str, float | None] = dict.fromkeys(SOURCES)
    below = None  # the mean square that holds everything below the present level
    if n_recognizers > 1:
        by_recognizer = values.mean(axis=(0, 1, 3))
        rest = values - utterances[:, :, None] - by_recognizer[None, None, :, None] + grand
        below = found["residual"] = float((rest**2).sum() / ((utterances.size - 1) * (n_recognizers - 1)))
        found["recognizers"] = _less(by_recognizer.var(ddof=1), below / utterances.size)
    if n_readings > 1:
        square = n_recognizers * float(utterances.var(axis=2, ddof=1).mean())
        found["readings"] = _less(square, below) / n_recognizers
        below = square
    per_cell = n_recognizers * n_readings
    if n_runs > 1:
        by_prompt, by_run = cells.mean(axis=1), cells.mean(axis=0)
        rest = cells - by_prompt[:, None] - by_run[None] + grand
        square = per_cell * float((rest**2).sum() / ((n_prompts - 1) * (n_runs - 1)))
        found["prompts by runs" if below is not None else "residual"] = _less(square, below) / per_cell
        found["training runs"] = _less(by_run.var(ddof=1), square / (n_prompts * per_cell))
        below = square
    of_prompts = float(cells.mean(axis=1).var(ddof=1))
    found["residual" if below is None else "prompts"] = _less(of_prompts, (below or 0.0) / (n_runs * per_cell))
    return Components(metric, found, n_prompts, n_runs, n_recognizers, n_readings)


def _less(whole: float, part: float | None) -> float:
    return max(0.0, float(whole) - (part or 0.0))


def linearized(errors: np.ndarray, n_units: np.ndarray) -> np.ndarray:
    """Return each utterance's contribution to a corpus rate: its errors beyond the corpus rate's, by the mean length.

    The variance of the corpus rate is that of the mean of these. `n_units` has the shape of `errors`.
    """
    return (errors - errors.sum() / n_units.sum() * n_units) / n_units.mean()


@dataclass(frozen=True)
class Noise:
    """Variance of the difference of two systems over one prompt, between prompts and within."""

    between: float  # between prompts, whatever the number of readings
    within: float | None  # of one reading by each system; None where each was read once: it is part of `between`


def noise_of_difference(first: Sequence[np.ndarray], second: Sequence[np.ndarray]) -> Noise:
    """Return the noise of the difference of two systems, each given per prompt as the values of its readings (n,)."""
    changes = np.array([b.mean() - a.mean() for a, b in zip(first, second, strict=True)])
    whole = float(changes.var(ddof=1))
    within = [_within(first), _within(second)]
    if None in within:
        return Noise(whole, None)
    of_reading = [variance or 0.0 for variance in within]
    per_prompt = [np.mean([1 / len(values) for values in system]) for system in (first, second)]
    return Noise(_less(whole, float(np.dot(of_reading, per_prompt))), sum(of_reading))


def _within(readings: Sequence[np.ndarray]) -> float | None:
    """Return the variance between readings of a prompt, or None where each was read once."""
    freedom = sum(len(values) - 1 for values in readings)
    squares = sum(float(((values - values.mean()) ** 2).sum()) for values in readings)
    return squares / freedom if freedom else None


def prompts_needed(difference: float, noise: Noise, n_readings: int) -> int | None:
    """Return the number of prompts, each read `n_readings` times, that show a difference at 5 % with a power of 80 %.

    None where readings were not separable, where nothing varied, or where it takes more than MAX_PROMPTS.
    """
    if noise.within is None and n_readings > 1:
        return None
    variance = noise.between + (noise.within or 0.0) / n_readings
    few, many = MIN_CLUSTERS, MAX_PROMPTS
    if not variance or _detectable(variance, many) > difference:
        return None
    while few < many:
        middle = (few + many) // 2
        few, many = (few, middle) if _detectable(variance, middle) <= difference else (middle + 1, many)
    return few


def _detectable(variance: float, n_clusters: int) -> float:
    from scipy.stats import t

    quantiles = t.ppf((1 + LEVEL) / 2, n_clusters - 1) + t.ppf(POWER, n_clusters - 1)
    return float(quantiles * np.sqrt(variance / n_clusters))
