"""Is one system better than another on the same prompts: paired tests, corrected for how many there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tts_toolkit.scoring.intervals import Interval, by_cluster

N_RESAMPLES = 10_000
ROWS_AT_ONCE = 100
POWER = 0.8  # of the smallest difference that the set could have shown


@dataclass(frozen=True)
class Difference:
    """How far the second system lies from the first, and what that is worth."""

    metric: str
    difference: float  # second less first
    interval: Interval
    p: float  # two-sided
    test: str
    n_pairs: int
    detectable: float  # the smallest true difference shown with a power of 80 % at the 5 % level


def wer_difference(
    first_errors: Sequence[int],
    second_errors: Sequence[int],
    n_words: Sequence[int],
    clusters: Sequence[str],
    seed: int = 0,
) -> Difference:
    """Return the difference of the corpus error rates of two systems that spoke the same prompts.

    Paired bootstrap over clusters: its percentiles are the interval, and p is twice the smaller share of resampled
    differences on either side of zero (Bisani and Ney 2004, made two-sided).
    """
    changes = by_cluster(np.subtract(second_errors, first_errors), clusters)
    words = by_cluster(n_words, clusters)
    rng, resampled = np.random.default_rng(seed), []
    for _ in range(0, N_RESAMPLES, ROWS_AT_ONCE):
        drawn = rng.integers(0, len(changes), (ROWS_AT_ONCE, len(changes)))
        resampled.append(changes[drawn].sum(axis=1) / words[drawn].sum(axis=1))
    differences = np.concatenate(resampled)
    low, high = np.quantile(differences, [0.025, 0.975])
    ties = (differences == 0).mean() / 2
    tail = min((differences < 0).mean() + ties, (differences > 0).mean() + ties)
    return Difference(
        "wer",
        float(changes.sum() / words.sum()),
        Interval(float(low), float(high)),
        float(min(1.0, max(2 * tail, 1 / N_RESAMPLES))),
        "paired bootstrap",
        len(n_words),
        detectable_difference(float(differences.std(ddof=1))),
    )


def mean_difference(metric: str, first: Sequence[float], second: Sequence[float], seed: int = 0) -> Difference:
    """Return the mean difference of paired values, such as similarities, with Wilcoxon's signed-rank test."""
    from scipy.stats import bootstrap, wilcoxon

    changes = np.subtract(second, first)
    if not np.any(changes):
        return Difference(metric, 0.0, Interval(0.0, 0.0), 1.0, "Wilcoxon signed-rank", len(changes), 0.0)
    result = bootstrap(
        (changes,), np.mean, n_resamples=2000, batch=ROWS_AT_ONCE, method="percentile", rng=np.random.default_rng(seed)
    )
    return Difference(
        metric,
        float(changes.mean()),
        Interval(float(result.confidence_interval.low), float(result.confidence_interval.high)),
        float(wilcoxon(changes, zero_method="zsplit").pvalue),
        "Wilcoxon signed-rank",
        len(changes),
        detectable_difference(float(result.standard_error)),
    )


def detectable_difference(standard_error: float) -> float:
    """Return the smallest true difference that is found at the 5 % level four times out of five."""
    from scipy.stats import norm

    return float((norm.ppf(0.975) + norm.ppf(POWER)) * standard_error)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Return the p-values adjusted for how many there are, by name (Holm 1979)."""
    ordered = sorted(p_values, key=lambda name: p_values[name])
    adjusted, highest = {}, 0.0
    for position, name in enumerate(ordered):
        highest = max(highest, min(1.0, (len(ordered) - position) * p_values[name]))
        adjusted[name] = highest
    return {name: adjusted[name] for name in p_values}
