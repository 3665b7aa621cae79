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
    exact: bool = True,
) -> Interval | None:
    """Return the interval of sum(numerators) / sum(denominators): a corpus error rate, or a mean with ones below.

    Whole clusters (prompts, or speakers) are drawn with replacement; bias-corrected and accelerated (Efron 1987,
    through scipy) up to MAX_CORRECTED clusters, percentiles beyond. None below two clusters. A column of zeros and
    ones, one a cluster, gets the exact binomial interval (Clopper and Pearson 1934). Where every cluster agrees the
    bootstrap sees no spread; a rate of 0 or 1 then gets the exact bound on the share of clusters that differ. Both are
    for shares of clusters, and left out without `exact`.
    """
    from scipy.stats import bootstrap

    tops, bottoms = by_cluster(numerators, clusters), by_cluster(denominators, clusters)
    if len(tops) < 2:
        return None
    estimate = tops.sum() / bottoms.sum()
    if exact and np.isin(tops, (0, 1)).all() and (bottoms == 1).all():
        return _exact(int(tops.sum()), len(tops))
    if np.ptp(tops - estimate * bottoms) < 1e-12 * max(1.0, bottoms.sum()):
        if exact and estimate in (0, 1):
            return _exact(int(estimate) * len(tops), len(tops))
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


def _exact(n_hits: int, n_clusters: int) -> Interval:
    """Return the exact binomial interval of a share."""
    from scipy.stats import binomtest

    ends = binomtest(n_hits, n_clusters).proportion_ci(LEVEL, method="exact")
    return Interval(float(ends.low), float(ends.high))
