"""Paired tests of two systems on the same prompts, corrected for multiple testing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from tts_toolkit.evaluation.statistics.intervals import LEVEL, MIN_CLUSTERS, Interval, by_cluster, effective_clusters

N_DRAWS = 10_000
MAX_EXACT = 12  # clusters for which all 4,096 sign assignments are enumerated
ROWS_AT_ONCE = 500  # draws held in memory together
POWER = 0.8  # of the smallest difference that the set could have shown


@dataclass(frozen=True)
class Difference:
    """Difference of the second system from the first, with its interval and test."""

    metric: str
    difference: float  # second minus first
    interval: Interval | None  # None below MIN_CLUSTERS, as p and detectable
    p: float | None  # two-sided
    test: str
    n_pairs: int
    n_clusters: int  # of sign flips and intervals
    detectable: float | None  # the smallest true difference shown with a power of 80 % at the 5 % level


def rate_difference(
    metric: str,
    first_errors: Sequence[float],
    second_errors: Sequence[float],
    n_units: Sequence[float],
    clusters: Sequence[str],
    seed: int = 0,
) -> Difference:
    """Return the difference of the corpus error rates of two systems on the same prompts.

    `n_units` are the words or characters of each prompt. p is that of `sign_flips`, the
    interval Student's over clusters.
    """
    changes = by_cluster(np.subtract(second_errors, first_errors), clusters)
    return _difference(metric, changes, by_cluster(n_units, clusters), len(n_units), seed)


def wer_difference(
    first_errors: Sequence[float],
    second_errors: Sequence[float],
    n_words: Sequence[float],
    clusters: Sequence[str],
    seed: int = 0,
) -> Difference:
    """Return the difference of the corpus word error rates of two systems on the same prompts."""
    return rate_difference("wer", first_errors, second_errors, n_words, clusters, seed)


def mean_difference(
    metric: str,
    first: Sequence[float],
    second: Sequence[float],
    clusters: Sequence[str] | None = None,
    seed: int = 0,
) -> Difference:
    """Return the mean difference of paired values, such as similarities: the mean over clusters of their means.

    Without `clusters` each pair is a cluster.
    """
    names = [str(number) for number in range(len(first))] if clusters is None else clusters
    changes = by_cluster(np.subtract(second, first), names) / by_cluster(np.ones(len(names)), names)
    return _difference(metric, changes, np.ones(len(changes)), len(names), seed)


def _difference(metric: str, changes: np.ndarray, weights: np.ndarray, n_pairs: int, seed: int) -> Difference:
    n = len(changes)
    difference = float(changes.sum() / weights.sum())
    if n < MIN_CLUSTERS:
        return Difference(metric, difference, None, None, "none", n_pairs, n, None)
    test = "sign flips, exact" if n <= MAX_EXACT else f"sign flips, {N_DRAWS:,} draws"
    error = standard_error(changes, weights)
    return Difference(
        metric,
        difference,
        _student(difference, error, effective_clusters(weights))
        if error or not difference
        else None,  # equal changes have no spread
        sign_flips(changes, seed),
        test,
        n_pairs,
        n,
        detectable_difference(error, n),
    )


def _student(difference: float, error: float, n_clusters: float) -> Interval:
    from scipy.stats import t

    reach = float(t.ppf((1 + LEVEL) / 2, n_clusters - 1)) * error
    return Interval(difference - reach, difference + reach)


def sign_flips(changes: np.ndarray, seed: int = 0) -> float:
    """Return p of no difference, from the sum of changes over each cluster (n_clusters,).

    If the systems are equal, a cluster's change is as likely as its opposite: p is the share of all assignments of
    signs (Fisher 1935) whose sum is as far from zero, up to MAX_EXACT clusters; beyond, of N_DRAWS random ones and
    the observed one.
    """
    total, tolerance = abs(changes.sum()), 1e-9 * np.abs(changes).sum()
    n_as_far, n_signs = 0, 0
    for signs in _signs(len(changes), seed):
        n_as_far += int((np.abs(signs @ changes) >= total - tolerance).sum())
        n_signs += len(signs)
    return n_as_far / n_signs


def _signs(n: int, seed: int) -> Iterator[np.ndarray]:
    """Yield assignments of signs (n_signs, n) in parts, the observed one among them."""
    if n <= MAX_EXACT:
        yield np.array(list(product((1.0, -1.0), repeat=n)))
        return
    rng = np.random.default_rng(seed)
    yield np.ones((1, n))
    for _ in range(0, N_DRAWS, ROWS_AT_ONCE):
        bits = np.frombuffer(rng.bytes(ROWS_AT_ONCE * (-(-n // 8))), dtype=np.uint8).reshape(ROWS_AT_ONCE, -1)
        yield 1.0 - 2.0 * np.unpackbits(bits, axis=1, count=n)


def standard_error(changes: np.ndarray, weights: np.ndarray) -> float:
    """Return the standard error of sum(changes) / sum(weights) over clusters, by linearization."""
    residuals = changes - changes.sum() / weights.sum() * weights
    return float(np.sqrt(len(changes) / (len(changes) - 1) * (residuals @ residuals)) / weights.sum())


def detectable_difference(standard_error: float, n_clusters: int) -> float:
    """Return the smallest true difference found at the 5 % level with a power of 80 %."""
    from scipy.stats import t

    quantiles = t.ppf((1 + LEVEL) / 2, n_clusters - 1) + t.ppf(POWER, n_clusters - 1)
    return float(quantiles * standard_error)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Return the p-values adjusted for multiple testing, by name (Holm 1979)."""
    ordered = sorted(p_values, key=lambda name: p_values[name])
    adjusted, highest = {}, 0.0
    for position, name in enumerate(ordered):
        highest = max(highest, min(1.0, (len(ordered) - position) * p_values[name]))
        adjusted[name] = highest
    return {name: adjusted[name] for name in p_values}
