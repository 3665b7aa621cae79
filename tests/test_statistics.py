"""Intervals and tests keep their promises where the truth is known."""

import numpy as np
import pytest

from tts_toolkit.scoring.comparison import holm, mean_difference, wer_difference
from tts_toolkit.scoring.intervals import ratio_interval
from tts_toolkit.scoring.verification import equal_error_rate, similarity_scale, speaker_references

TRUE_RATE = 0.1


def corpus(rng, n_prompts, rate=TRUE_RATE):
    """Return errors and words of prompts whose difficulty varies, as that of real ones does: their mean is `rate`."""
    words = rng.integers(4, 16, n_prompts)
    difficulty = rng.beta(0.8, 0.8 * (1 - rate) / rate, n_prompts)
    return rng.binomial(words, difficulty), words


def coverage(n_trials, n_prompts):
    names = [str(n) for n in range(n_prompts)]
    hits = 0
    for trial in range(n_trials):
        errors, words = corpus(np.random.default_rng(trial), n_prompts)
        interval = ratio_interval(errors, words, names)
        hits += interval.low <= TRUE_RATE <= interval.high
    return hits / n_trials


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    assert 0.89 <= coverage(150, 150) <= 0.99  # five standard errors of 150 trials around 0.94


@pytest.mark.slow
def test_intervals_cover_the_truth_93_to_97_times_out_of_100():
    assert 0.93 <= coverage(2000, 200) <= 0.97


def test_clusters_are_drawn_whole():
    """Ten copies of each prompt say no more than one does."""
    errors, words = corpus(np.random.default_rng(0), 60)
    names = [str(n) for n in range(60)]
    once = ratio_interval(errors, words, names)
    copies = ratio_interval(np.tile(errors, 10), np.tile(words, 10), names * 10)
    pretended = ratio_interval(np.tile(errors, 10), np.tile(words, 10), [str(n) for n in range(600)])
    assert copies == once and pretended.high - pretended.low < 0.5 * (once.high - once.low)


def test_no_error_is_no_certainty():
    interval = ratio_interval([0] * 20, [8] * 20, [str(n) for n in range(20)])
    assert interval.low == 0 and interval.high == pytest.approx(1 - 0.025 ** (1 / 20))
    assert ratio_interval([1], [8], ["a"]) is None
    only_errors = ratio_interval([8] * 20, [8] * 20, [str(n) for n in range(20)])
    assert only_errors.low == pytest.approx(0.025 ** (1 / 20)) and only_errors.high == 1
    assert ratio_interval([2] * 3, [8] * 3, ["a", "b", "c"]).low == 0.25


@pytest.mark.parametrize(("n_hits", "low", "high"), [
    (0, 0.0, 0.3085), (1, 0.0025, 0.4450), (5, 0.1871, 0.8129), (9, 0.5550, 0.9975), (10, 0.6915, 1.0),
])  # fmt: skip
def test_shares_get_the_exact_interval(n_hits, low, high):
    """Clopper and Pearson's for ten trials, as their tables have it."""
    hits = [1.0] * n_hits + [0.0] * (10 - n_hits)
    interval = ratio_interval(hits, [1] * 10, [str(n) for n in range(10)])
    assert (interval.low, interval.high) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


def p_values(n_trials, n_prompts):
    """Return p of systems that are equally good: each prompt has one difficulty for both."""
    found = []
    for trial in range(n_trials):
        rng = np.random.default_rng(trial)
        words = rng.integers(4, 16, n_prompts)
        difficulty = rng.beta(0.8, 7.2, n_prompts)
        first, second = (rng.binomial(words, difficulty) for _ in range(2))
        found.append(wer_difference(first, second, words, [str(n) for n in range(n_prompts)]).p)
    return np.asarray(found)


@pytest.mark.slow
def test_equal_systems_give_uniform_p_values():
    from scipy.stats import kstest

    found = p_values(600, 200)
    assert kstest(found, "uniform").pvalue > 0.01
    assert 0.03 <= (found < 0.05).mean() <= 0.07


def test_a_real_difference_is_found_and_a_small_one_is_beyond_the_set():
    rng = np.random.default_rng(1)
    words, names = np.full(300, 10), [str(n) for n in range(300)]
    first, second = rng.binomial(10, 0.2, 300), rng.binomial(10, 0.1, 300)
    found = wer_difference(first, second, words, names)
    assert found.p < 0.001 and found.interval.high < 0 and abs(found.difference) > found.detectable
    same = wer_difference(first, first, words, names)
    assert same.p == 1.0 and same.difference == 0 and same.detectable == 0


def test_similarities_are_compared_by_their_ranks():
    rng = np.random.default_rng(0)
    first = rng.normal(0.8, 0.05, 60)
    found = mean_difference("similarity", first, first + rng.normal(0.03, 0.02, 60))
    assert found.p < 0.001 and found.interval.low < 0.03 < found.interval.high
    assert mean_difference("similarity", first, first).p == 1.0


def test_holm_raises_p_values_in_steps():
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03}) == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06})
    assert holm({"a": 0.9, "b": 0.8}) == {"a": 1.0, "b": 1.0}


@pytest.mark.parametrize(
    ("same", "different", "rate"),
    [([0.9, 0.8], [0.1, 0.2], 0.0), ([0.9, 0.3], [0.4, 0.1], 0.5), ([0.1, 0.2], [0.8, 0.9], 1.0)],
)
def test_equal_error_rate(same, different, rate):
    assert equal_error_rate(np.asarray(same), np.asarray(different)) == pytest.approx(rate)


def test_a_scale_needs_two_recordings_and_somebody_else():
    vectors = np.eye(4, dtype=np.float32)
    alone = similarity_scale(vectors, ["a", "b", "c", "d"])
    assert alone.ceiling is None and alone.n_same == 0 and alone.normalised(0.5) is None
    one_voice = similarity_scale(vectors, ["a"] * 4)
    assert one_voice.floor is None and one_voice.ceiling is not None
    with_others = similarity_scale(np.stack([vectors[0]] * 4), ["a"] * 4, background=vectors[1:3])
    assert with_others.normalised(0.5) == pytest.approx(0.5)


def test_a_recording_is_no_part_of_its_own_reference():
    vectors = np.eye(3, dtype=np.float32)
    references = speaker_references(vectors, ["a", "a", "b"])
    np.testing.assert_allclose(references, vectors[[1, 0, 2]])
