"""Confidence intervals of corpus rates and means over independent clusters: prompts and their readings, or speakers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

LEVEL = 0.95
MIN_CLUSTERS = 6  # below, no method covers 95 % of the time, and no sign-flip test reaches 5 %
FEW_CLUSTERS = 20  # below, intervals cover, but their ends are rough


@dataclass(frozen=True)
class Interval:
    """The ends of a 95 % confidence interval."""

    low: float
    high: float


def cluster_note(n_clusters: int, unit: str) -> str:
    """Return a note on intervals over few clusters (`unit`: "prompts", "speakers"), or nothing."""
    if n_clusters < MIN_CLUSTERS:
        return f"no intervals and no p over {n_clusters} {unit}: {MIN_CLUSTERS} are needed, {FEW_CLUSTERS} are better"
    if n_clusters < FEW_CLUSTERS:
        return f"intervals over {n_clusters} {unit} are rough: {FEW_CLUSTERS} or more are better"
    return ""


def by_cluster(values: Sequence[float] | np.ndarray, clusters: Sequence[str]) -> np.ndarray:
    """Return the sum of `values` (n,) over each cluster, (n_clusters,), in order of first appearance."""
    number = {name: position for position, name in enumerate(dict.fromkeys(clusters))}
    positions = np.fromiter((number[name] for name in clusters), dtype=np.intp, count=len(clusters))
    return np.bincount(positions, weights=np.asarray(values, dtype=float), minlength=len(number))


def ratio_interval(
    numerators: Sequence[float] | np.ndarray,
    denominators: Sequence[float] | np.ndarray,
    clusters: Sequence[str],
    seed: int = 0,
    exact: bool = True,
) -> Interval | None:
    """Return the interval of sum(numerators) / sum(denominators): a corpus error rate, or a mean with ones below.

    Student's t over whole clusters (prompts, or speakers) with the jackknife's standard error, on the scale of
    log-odds (or of logarithms, where a cluster exceeds one; values as they are, where one is negative), and Hall's
    correction (1992) of the skewness that the scale leaves. `benchmarks.statistics` measures its coverage. None below
    MIN_CLUSTERS. A column of zeros and ones, one per cluster, gets the exact binomial interval (Clopper and Pearson
    1934). Where all clusters agree there is no spread to estimate; a rate of 0 or 1 then gets the exact bound on the
    share of clusters that differ. Both are for shares of clusters, and left out without `exact`. No resampling:
    `seed` is without effect.
    """
    tops, bottoms = by_cluster(numerators, clusters), by_cluster(denominators, clusters)
    if len(tops) < MIN_CLUSTERS or not bottoms.sum():
        return None
    rate = float(tops.sum() / bottoms.sum())
    if exact and np.isin(tops, (0, 1)).all() and (bottoms == 1).all():
        return _exact(int(tops.sum()), len(tops))
    if np.ptp(tops - rate * bottoms) < 1e-12 * max(1.0, bottoms.sum()):
        return _exact(int(rate) * len(tops), len(tops)) if exact and rate in (0, 1) else Interval(rate, rate)
    return _student(tops, bottoms, rate)


def median_interval(values: Sequence[float] | np.ndarray, clusters: Sequence[str]) -> Interval | None:
    """Return the interval of a median over clusters of any size, by inverting that of a share (Woodruff 1952).

    The ends are the quantiles of `values` at the ends of the interval of the share at or below the median, taken as a
    half. None below MIN_CLUSTERS.
    """
    if not len(values):
        return None
    ranks = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    below = np.clip(len(ranks) / 2 - ranks, 0, 1)  # one for the lower half, a half for a value in the middle
    share = ratio_interval(below, np.ones(len(ranks)), clusters, exact=False)
    if share is None:
        return None
    low, high = np.quantile(values, [share.low, share.high])
    return Interval(float(low), float(high))


@dataclass(frozen=True)
class _Scale:
    """The scale on which an interval is computed: a transformation of the rate."""

    there: Callable[[float], float]
    back: Callable[[float], float]
    slope: float  # at the rate
    curvature: float  # second derivative by the first, at the rate
    leaning: int  # 1: only skewness to the right is corrected, -1: only to the left, 0: both


def _scale(rate: float, is_negative: bool, exceeds_one: bool) -> _Scale:
    if is_negative or rate <= 0:
        return _Scale(lambda value: value, lambda value: value, 1.0, 0.0, 0)
    if exceeds_one or rate >= 1:
        return _Scale(lambda value: float(np.log(value)), lambda value: float(np.exp(value)), 1 / rate, -1 / rate, 1)
    spread = rate * (1 - rate)
    return _Scale(
        lambda value: float(np.log(value / (1 - value))),
        lambda value: float(1 / (1 + np.exp(-value))),
        1 / spread,
        -(1 - 2 * rate) / spread,
        1 if rate < 0.5 else -1,
    )


def _student(tops: np.ndarray, bottoms: np.ndarray, rate: float) -> Interval:
    from scipy.stats import t

    n = len(tops)
    scale = _scale(rate, bool((tops < 0).any()), bool((tops > bottoms).any()))
    deviation = _jackknife_error(tops, bottoms) * np.sqrt(n)
    skewness = _skewness(tops - rate * bottoms) + 1.5 * scale.curvature * deviation
    if scale.leaning * skewness < 0:  # no correction of what the scale overcorrects: the wider end stays wide
        skewness = 0.0
    quantile = float(t.ppf((1 + LEVEL) / 2, effective_clusters(bottoms) - 1)) / np.sqrt(n)
    middle, step = scale.there(rate), scale.slope * deviation
    ends = [scale.back(middle - step * _hall(sign * quantile, skewness, n)) for sign in (1, -1)]
    return Interval(min(ends), max(ends))


def effective_clusters(sizes: np.ndarray) -> float:
    """Return the effective number of clusters of equal size (Kish 1965)."""
    return float(sizes.sum() ** 2 / (sizes**2).sum())


def _hall(value: float, skewness: float, n: int) -> float:
    """Return the inverse of Hall's cubic transformation (1992), which removes the skewness from Student's t."""
    if abs(skewness) < 1e-6:
        return value
    return float(3 / skewness * (np.cbrt(1 + skewness * (value - skewness / (6 * n))) - 1))


def _jackknife_error(tops: np.ndarray, bottoms: np.ndarray) -> float:
    """Return the standard error of the ratio of the sums, each cluster left out once."""
    without = (tops.sum() - tops) / np.maximum(bottoms.sum() - bottoms, 1e-12)
    return float(np.sqrt((len(tops) - 1) * without.var()))


def _skewness(values: np.ndarray) -> float:
    centered = values - values.mean()
    return float((centered**3).mean() / max((centered**2).mean() ** 1.5, 1e-300))


def _exact(n_hits: int, n_clusters: int) -> Interval:
    """Return the exact binomial interval of a share."""
    from scipy.stats import binomtest

    ends = binomtest(n_hits, n_clusters).proportion_ci(LEVEL, method="exact")
    return Interval(float(ends.low), float(ends.high))
