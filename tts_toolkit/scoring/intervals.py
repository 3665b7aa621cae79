"""Confidence intervals of corpus rates and means, by the bootstrap over independent clusters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LEVEL = 0.95
N_RESAMPLES = 2000
ROWS_AT_ONCE = 100  # resamples held in memory together
MAX_CORRECTED = 2000  # clusters; the correction takes their number squared, and beyond it corrects nothing


@dataclass(frozen=True)
class Interval:
    """The ends of a 95 % confidence interval."""

    low: float
    high: float


def by_cluster(values: Sequence[float] | np.ndarray, clusters: Sequence[str]) -> np.ndarray:
    """Return the sum of `values` (n,) over each cluster, (n_clusters,), in order of first appearance."""
    number = {name: position for position, name in enumerate(dict.fromkeys(clusters))}
    sums = np.zeros(len(number))
    np.add.at(sums, [number[name] for name in clusters], np.asarray(values, dtype=float))
    return sums


def ratio_interval(
    numerators: Sequence[float] | np.ndarray,
    denominators: Sequence[float] | np.ndarray,
    clusters: Sequence[str],
    seed: int = 0,
) -> Interval | None:
    """Return the interval of sum(numerators) / sum(denominators): a corpus error rate, or a mean with ones below.

    Whole clusters (prompts, or speakers) are drawn with replacement; bias-corrected and accelerated (Efron 1987,
    through scipy) up to MAX_CORRECTED clusters, percentiles beyond. None below two clusters. Where every cluster
    agrees the bootstrap sees no spread; an error rate of 0 then gets the exact binomial bound on the share of
    clusters with an error (Clopper and Pearson 1934).
    """
    from scipy.stats import binomtest, bootstrap

    tops, bottoms = by_cluster(numerators, clusters), by_cluster(denominators, clusters)
    if len(tops) < 2:
        return None
    estimate = tops.sum() / bottoms.sum()
    if np.ptp(tops - estimate * bottoms) < 1e-12 * max(1.0, bottoms.sum()):
        if estimate == 0:
            return Interval(0.0, float(binomtest(0, len(tops)).proportion_ci(LEVEL).high))
        return Interval(float(estimate), float(estimate))
    result = bootstrap(
        (tops, bottoms),
        lambda top, bottom, axis: top.sum(axis=axis) / bottom.sum(axis=axis),
        n_resamples=N_RESAMPLES,
        batch=ROWS_AT_ONCE,
        paired=True,
        vectorized=True,
        confidence_level=LEVEL,
        method="BCa" if len(tops) <= MAX_CORRECTED else "percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    if not np.isfinite([result.low, result.high]).all():
        return None
    return Interval(float(result.low), float(result.high))
