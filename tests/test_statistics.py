"""Intervals and tests keep their promises where the truth is known."""

import numpy as np
import pytest

from benchmarks.statistics import alarms, coverage
from tts_toolkit.evaluation.compare import Run, compare_runs, table
from tts_toolkit.evaluation.metrics.speaker_similarity import equal_error_rate, similarity_scale, speaker_references
from tts_toolkit.evaluation.statistics.intervals import cluster_note, ratio_interval
from tts_toolkit.evaluation.statistics.paired_tests import (
    holm,
    mean_difference,
    rate_difference,
    sign_flips,
    wer_difference,
)
from tts_toolkit.evaluation.statistics.variance_components import (
    Noise,
    components,
    linearized,
    noise_of_difference,
    prompts_needed,
)


def names(n):
    return [str(number) for number in range(n)]


@pytest.mark.parametrize(
    ("world", "n_clusters"), [("prompts", 10), ("readings", 50), ("speakers", 10), ("similarity", 10)]
)
def test_intervals_cover_the_truth_about_as_often_as_they_say(world, n_clusters):
    assert 0.90 <= coverage(world, n_clusters, 400) <= 0.99  # four standard errors of 400 trials around 0.95


@pytest.mark.slow
@pytest.mark.parametrize("n_clusters", [10, 20, 50, 200])
@pytest.mark.parametrize("world", ["prompts", "readings", "speakers", "unequal speakers", "similarity"])
def test_intervals_cover_the_truth_93_to_97_times_out_of_100(world, n_clusters):
    assert 0.925 <= coverage(world, n_clusters, 2000) <= 0.975, "a standard error of 2,000 trials is 0.005"


@pytest.mark.parametrize("n_clusters", [6, 10, 20])
@pytest.mark.parametrize("world", ["prompts", "speakers", "similarity of speakers"])
def test_equal_systems_seldom_alarm(world, n_clusters):
    assert alarms(world, n_clusters, 200) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)


@pytest.mark.slow
@pytest.mark.parametrize("n_clusters", [6, 10, 20, 50, 200])
@pytest.mark.parametrize("world", ["prompts", "readings", "speakers", "similarity of speakers"])
def test_equal_systems_alarm_in_one_of_twenty(world, n_clusters):
    assert alarms(world, n_clusters, 2000) <= 0.06


def test_clusters_are_drawn_whole():
    """Ten copies of each prompt say no more than one does."""
    rng = np.random.default_rng(0)
    words = rng.integers(4, 16, 60)
    errors = rng.binomial(words, rng.beta(0.8, 7.2, 60))
    once = ratio_interval(errors, words, names(60))
    copies = ratio_interval(np.tile(errors, 10), np.tile(words, 10), names(60) * 10)
    pretended = ratio_interval(np.tile(errors, 10), np.tile(words, 10), names(600))
    assert (copies.low, copies.high) == (pytest.approx(once.low), pytest.approx(once.high))
    assert pretended.high - pretended.low < 0.5 * (once.high - once.low)


def test_no_error_is_no_certainty():
    interval = ratio_interval([0] * 20, [8] * 20, names(20))
    assert interval.low == 0 and interval.high == pytest.approx(1 - 0.025 ** (1 / 20))
    only_errors = ratio_interval([8] * 20, [8] * 20, names(20))
    assert only_errors.low == pytest.approx(0.025 ** (1 / 20)) and only_errors.high == 1
    assert ratio_interval([2] * 6, [8] * 6, names(6)).low == 0.25


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_there_is_no_interval_and_no_p_of_a_handful(n):
    assert ratio_interval([1] * n, [8] * n, names(n)) is None
    assert ratio_interval(np.ones(9 * n), np.full(9 * n, 8), names(n) * 9) is None, "rows are no clusters"
    for found in (
        wer_difference([1] * n, [0] * n, [8] * n, names(n)),
        mean_difference("similarity", [0.5] * n, [0.6] * n),
        mean_difference("similarity", [0.5] * 9 * n, [0.6] * 9 * n, names(n) * 9),
    ):
        assert found.p is None and found.interval is None and found.detectable is None and found.n_clusters == n


def test_few_clusters_are_said():
    assert "no intervals and no p over 5 speakers: 6 are needed" in cluster_note(5, "speakers")
    assert (
        "rough" in cluster_note(6, "prompts") and "rough" in cluster_note(19, "prompts") and not cluster_note(20, "x")
    )


def test_intervals_stay_where_their_figures_can_be():
    few = ratio_interval([3, 0, 0, 0, 0, 0, 0], [8] * 7, names(7))
    assert 0 < few.low < 3 / 56 < few.high < 1
    beyond = ratio_interval([12, 6, 9, 15, 8, 7, 11], [8] * 7, names(7))
    assert 0 < beyond.low < 68 / 56 < beyond.high
    below_zero = ratio_interval([-0.2, 0.1, -0.3, 0.05, -0.1, -0.15], [1] * 6, names(6))
    assert below_zero.low < -0.1 < below_zero.high and below_zero.low < 0


@pytest.mark.parametrize(("n_hits", "low", "high"), [
    (0, 0.0, 0.3085), (1, 0.0025, 0.4450), (5, 0.1871, 0.8129), (9, 0.5550, 0.9975), (10, 0.6915, 1.0),
])  # fmt: skip
def test_shares_get_the_exact_interval(n_hits, low, high):
    """Clopper and Pearson's for ten trials, as their tables have it."""
    hits = [1.0] * n_hits + [0.0] * (10 - n_hits)
    interval = ratio_interval(hits, [1] * 10, names(10))
    assert (interval.low, interval.high) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


@pytest.mark.parametrize("n", [6, 8, 12])
def test_p_is_exact_up_to_twelve_clusters(n):
    """One error fewer in each of n prompts: of 2^n assignments of signs two lie as far from zero."""
    assert wer_difference([1] * n, [0] * n, [8] * n, names(n)).p == pytest.approx(2 / 2**n)
    assert sign_flips(np.r_[5.0, np.zeros(n - 1)]) == 1.0, "one prompt shows nothing"


def test_beyond_twelve_clusters_p_is_never_below_its_draws():
    assert sign_flips(np.ones(13)) >= 1 / 10_001
    assert sign_flips(np.ones(60)) == pytest.approx(1 / 10_001)


def test_equal_changes_leave_no_spread_for_an_interval():
    assert wer_difference([1] * 8, [0] * 8, [8] * 8, names(8)).interval is None


def test_a_real_difference_is_found_and_a_small_one_is_beyond_the_set():
    rng = np.random.default_rng(1)
    words = np.full(300, 10)
    first, second = rng.binomial(10, 0.2, 300), rng.binomial(10, 0.1, 300)
    found = wer_difference(first, second, words, names(300))
    assert found.p < 0.001 and found.interval.high < 0 and abs(found.difference) > found.detectable
    same = wer_difference(first, first, words, names(300))
    assert same.p == 1.0 and same.difference == 0 and same.detectable == 0
    characters = rate_difference("cer", first, second, words * 5, names(300))
    assert characters.metric == "cer" and characters.difference == pytest.approx(found.difference / 5)
    assert characters.p == found.p


def test_similarities_are_compared_over_clusters():
    rng = np.random.default_rng(0)
    first = rng.normal(0.8, 0.05, 60)
    found = mean_difference("similarity", first, first + rng.normal(0.03, 0.02, 60))
    assert found.p < 0.001 and found.interval.low < 0.03 < found.interval.high and found.n_clusters == 60
    assert mean_difference("similarity", first, first).p == 1.0
    speakers = np.repeat(names(6), 10)
    shifted = first + np.repeat(rng.normal(0, 0.02, 6), 10)
    within = mean_difference("similarity", first, shifted, list(speakers))
    assert (within.n_clusters, within.n_pairs) == (6, 60) and within.p > mean_difference("s", first, shifted).p


def test_each_cluster_counts_once_in_a_mean():
    found = mean_difference("similarity", [0.0] * 8, [1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0], list("aaabcdef"))
    assert found.difference == pytest.approx(1 / 6) and found.n_clusters == 6


VARIANCES = {"prompts": 4.0, "training runs": 1.0, "recognizers": 0.25, "prompts by runs": 0.49, "readings": 1.44}


def scattered(rng, n_prompts, n_runs, n_recognizers, n_readings, residual=0.81):
    shapes = {
        "prompts": (n_prompts, 1, 1, 1), "training runs": (1, n_runs, 1, 1), "recognizers": (1, 1, n_recognizers, 1),
        "prompts by runs": (n_prompts, n_runs, 1, 1), "readings": (n_prompts, n_runs, 1, n_readings),
    }  # fmt: skip
    parts = [rng.normal(0, np.sqrt(VARIANCES[name]), shape) for name, shape in shapes.items()]
    return sum(parts) + rng.normal(0, np.sqrt(residual), (n_prompts, n_runs, n_recognizers, n_readings))


def test_variance_is_parted_into_what_it_was_made_of():
    found = [components("x", scattered(np.random.default_rng(seed), 30, 4, 3, 3)).variances for seed in range(150)]
    for name, variance in {**VARIANCES, "residual": 0.81}.items():
        values = [variances[name] for variances in found]
        error = np.std(values) / np.sqrt(len(values))
        assert np.mean(values) == pytest.approx(variance, abs=4 * error + 0.03), name


def test_what_cannot_be_told_apart_is_not_made_up():
    values = scattered(np.random.default_rng(0), 200, 2, 2, 2)
    alone = components("x", values[:, :1, :1, :1])
    assert [name for name, variance in alone.variances.items() if variance is not None] == ["residual"]
    read = components("x", values[:, :1, :1])
    assert {name for name, v in read.variances.items() if v is not None} == {"prompts", "readings"}
    assert any("one recognizer" in remark for remark in read.remarks())
    runs = components("x", values[:, :, :1, :1])
    assert {n for n, v in runs.variances.items() if v is not None} == {"prompts", "training runs", "residual"}
    assert any("read once" in remark for remark in runs.remarks())


def test_the_parts_of_a_rate_have_its_variance():
    rng = np.random.default_rng(0)
    words = rng.integers(4, 16, 400).astype(float)
    errors = rng.binomial(words.astype(int), rng.beta(0.8, 7.2, 400)).astype(float)
    width = ratio_interval(errors, words, names(400))
    error = linearized(errors, words).std(ddof=1) / 20
    assert (width.high - width.low) / 2 == pytest.approx(1.97 * error, rel=0.05)


def test_more_readings_need_fewer_prompts():
    rng = np.random.default_rng(0)
    hard = rng.normal(0, 0.1, 400)
    first, second = ([hard[n] + rng.normal(0, 0.2, 3) for n in range(400)] for _ in range(2))
    noise = noise_of_difference(first, second)
    assert noise.within == pytest.approx(2 * 0.2**2, rel=0.1) and noise.between < 0.01
    once, thrice = prompts_needed(0.01, noise, 1), prompts_needed(0.01, noise, 3)
    assert thrice < once and once == pytest.approx(2.8016**2 * (noise.between + noise.within) / 0.01**2, rel=0.01)
    unparted = noise_of_difference([values[:1] for values in first], [values[:1] for values in second])
    assert unparted.within is None and prompts_needed(0.01, unparted, 3) is None
    assert prompts_needed(1e-9, noise, 1) is None, "no set is that large"
    assert prompts_needed(100.0, Noise(0.01, None), 1) == 6


EAR = {"name": "ear", "version": "1"}


def spoken(rng, difficulty, words, n_readings=1, **facts):
    """A finished run of one system: the errors of each prompt, each read so often."""
    rows = {}
    for number, (chance, n_words) in enumerate(zip(difficulty, words, strict=True)):
        for reading in range(1, n_readings + 1):
            id_ = f"p{number}" + f"~{reading}" * (reading > 1)
            errors = int(rng.binomial(n_words, np.clip(chance * np.exp(rng.normal(0, 0.5)), 0, 1)))
            rows[id_] = {
                "id": id_, "prompt": f"p{number}", "reading": reading, "expected": f"text {number}", "category": "",
                "speaker": f"s{number % 3}", "language": "en", "word_errors": errors, "n_words": int(n_words),
                "character_errors": 4 * errors, "n_characters": 5 * int(n_words), "similarity": rng.normal(0.8, 0.03),
                "compared_with": "x", "hypothesis": "x",
            }  # fmt: skip
    known = {"name": "run", "recognizer": EAR, "speaker_verifier": EAR, "scale": None, "identity": "1"}
    return Run(rows=rows, **{**known, **facts})


@pytest.fixture
def difficulty():
    rng = np.random.default_rng(0)
    return rng.beta(0.8, 7.2, 80), rng.integers(4, 16, 80)


def test_every_row_of_a_comparison_is_over_the_same_clusters(difficulty):
    rng = np.random.default_rng(1)
    runs = [spoken(rng, *difficulty, name=name) for name in ("a", "b")]
    by_prompt, by_speaker = (compare_runs(*runs, cluster_by=by) for by in ("id", "speaker"))
    assert {(d.metric, d.n_clusters) for d in by_prompt.differences} == {("wer", 80), ("cer", 80), ("similarity", 80)}
    assert {(d.metric, d.n_clusters, d.p) for d in by_speaker.differences} == {
        ("wer", 3, None), ("cer", 3, None), ("similarity", 3, None),
    }  # fmt: skip
    assert "No intervals and no p over 3 speakers" in table(by_speaker)
    assert "hold for these 3 speakers" in table(by_prompt)
    wer, cer = by_prompt.differences[:2]
    assert cer.difference == pytest.approx(0.8 * wer.difference) and by_prompt.adjusted["wer"] >= wer.p


def test_readings_are_averaged_before_systems_are_compared(difficulty):
    rng = np.random.default_rng(2)
    once, often = spoken(rng, *difficulty, name="once"), spoken(rng, *difficulty, 4, name="often")
    found = compare_runs(once, often).differences[0]
    words = difficulty[1].sum()
    expected = sum(r["word_errors"] for r in often.rows.values()) / 4 - sum(
        r["word_errors"] for r in once.rows.values()
    )
    assert found.difference == pytest.approx(expected / words) and (found.n_pairs, found.n_clusters) == (80, 80)


def test_a_comparison_says_how_many_prompts_and_readings_show_a_point(difficulty):
    rng = np.random.default_rng(3)
    first, second = (spoken(rng, *difficulty, 3, name=name) for name in ("a", "b"))
    found = {one.metric: one for one in compare_runs(first, second, shows=0.02).needed}
    assert found["wer"].by_readings[1] > found["wer"].by_readings[3] > found["wer"].by_readings[10] >= 6
    shown = table(compare_runs(first, second, shows=0.02))
    assert f"| 2 % of wer | {found['wer'].by_readings[1]:,} prompts |" in shown and "with n_seeds=2" not in shown
    once = compare_runs(spoken(rng, *difficulty, name="a"), spoken(rng, *difficulty, name="b"))
    assert once.needed[0].by_readings[3] is None and "with n_seeds=2 or more" in table(once)


def test_the_number_of_prompts_that_is_named_shows_the_difference():
    """Simulated: sets of that size find it four times out of five, give or take."""
    rng = np.random.default_rng(4)
    words = np.full(400, 10)
    noise = noise_of_difference(*([errors[None] / 10 for errors in rng.binomial(10, 0.05, 400)] for _ in range(2)))
    n = prompts_needed(0.05, noise, 1)
    found = [
        wer_difference(rng.binomial(10, 0.05, n), rng.binomial(10, 0.1, n), words[:n], names(n)).p < 0.05
        for _ in range(150)
    ]
    assert 20 < n < 60 and 0.55 < np.mean(found) < 0.95, "of twice the rate, twice the noise"


def test_scatter_is_parted_by_training_runs_and_recognizers(difficulty):
    rng = np.random.default_rng(5)
    runs = [
        spoken(rng, difficulty[0] * (1 + seed), difficulty[1], 2, name=f"{seed}", identity=f"{seed}",
               recognizer={"name": f"ear{ear}", "version": "1"})
        for seed in range(3) for ear in range(2)
    ]  # fmt: skip
    comparison = compare_runs(runs[0], runs[0], others=runs[1:])
    wer = comparison.scatter["0"][0]
    assert (wer.n_prompts, wer.n_runs, wer.n_recognizers, wer.n_readings) == (80, 3, 2, 2)
    assert all(variance is not None for variance in wer.variances.values()) and wer.variances["training runs"] > 0
    shown = table(comparison)
    assert "80 prompts, 3 training runs, 2 recognizers, 2 readings" in shown and "| similarity |" in shown


def test_a_run_that_one_recognizer_did_not_hear_is_left_out(difficulty):
    rng = np.random.default_rng(6)
    runs = [
        spoken(rng, *difficulty, identity=n, recognizer={"name": ear, "version": "1"}) for n, ear in ("1a", "1b", "2a")
    ]
    wer = compare_runs(runs[0], runs[0], others=runs[1:]).scatter["run"][0]
    assert (wer.n_runs, wer.n_recognizers) == (1, 2)


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
    assert alone.ceiling is None and alone.n_same == 0 and alone.normalized(0.5) is None
    one_voice = similarity_scale(vectors, ["a"] * 4)
    assert one_voice.floor is None and one_voice.ceiling is not None
    with_others = similarity_scale(np.stack([vectors[0]] * 4), ["a"] * 4, background=vectors[1:3])
    assert with_others.normalized(0.5) == pytest.approx(0.5)


def test_a_recording_is_no_part_of_its_own_reference():
    vectors = np.eye(3, dtype=np.float32)
    references = speaker_references(vectors, ["a", "a", "b"])
    np.testing.assert_allclose(references, vectors[[1, 0, 2]])
