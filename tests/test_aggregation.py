"""From rows to figures: error rates by corpus and protocol, intervals, groups, languages and health."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from fakes import PROMPTS, Ear, Levels, Mumbling, Sparkle, Verifier, plan_of

import tts_toolkit.evaluation.stages as stages
from tts_toolkit.data.test_sets import Prompt
from tts_toolkit.evaluation.aggregation import LOST, Measured, score_rows
from tts_toolkit.evaluation.compare import compare_runs, read_run
from tts_toolkit.evaluation.metrics.base import declared
from tts_toolkit.evaluation.metrics.protocols import PROTOCOLS
from tts_toolkit.evaluation.pipeline import run
from tts_toolkit.models.base import Speech
from tts_toolkit.report.benchmark import ReportOptions, write_benchmark
from tts_toolkit.system.processes import Processes


def test_a_perfect_system_scores_no_error_and_knows_how_sure_it_is(tmp_path):
    results = run(plan_of(tmp_path), Processes())
    figures = results.summary["systems"]["levels"]
    assert (figures["wer"], figures["cer"], figures["exact_match"]) == (0.0, 0.0, 1.0)
    assert figures["wer_ci"] is None, "five prompts are too few"
    assert (figures["n_planned"], figures["n_scored"], figures["n_failed"]) == (5, 5, 0)
    assert figures["protocols"]["f5"]["n_rows"] == 5 and figures["rtf"] > 0 and figures["n_parameters"] == 7


def test_errors_are_counted_over_the_corpus(tmp_path):
    figures = run(plan_of(tmp_path, ear=Ear(deaf_to="red")), Processes()).summary["systems"]["levels"]
    assert figures["wer"] == pytest.approx(1 / 19) and figures["wer_utterance_mean"] == pytest.approx(1 / 15)
    assert figures["groups"]["category"]["short"]["wer"] == 0.0
    assert figures["groups"]["category"]["long"]["n_planned"] == 3


def test_every_rate_and_mean_has_an_interval_that_holds_it(tmp_path, recordings):
    figures = run(
        plan_of(
            tmp_path / "run",
            recordings,
            ear=Ear(deaf_to="red"),
            speaker_verifier=Verifier(),
            metrics={"sparkle": Sparkle},
        ),
        Processes(),
    )
    levels = figures.summary["systems"]["levels"]
    parts = [levels, levels["health"], *levels["protocols"].values(), *levels["groups"]["speaker"].values()]
    rates = [(part, name.removesuffix("_ci")) for part in parts for name in part if name.endswith("_ci")]
    assert {name for _, name in rates} == {
        "wer", "wer_scored_only", "wer_utterance_mean", "cer", "cer_scored_only", "cer_utterance_mean", "exact_match",
        "similarity", "similarity_normalized", "sparkle_score", "rtf", "silence_share", "clipped_share",
    }  # fmt: skip
    for part, name in rates:
        if part[f"{name}_ci"] is not None:
            low, high = part[f"{name}_ci"]
            assert low <= part[name] <= high, name
    assert levels["wer_utterance_mean_ci"][1] > levels["wer_utterance_mean"] > levels["wer_utterance_mean_ci"][0]


def test_every_protocol_counts_its_rows(tmp_path):
    family = Levels(faults=(("pears", ValueError("x")),))
    protocols = run(plan_of(tmp_path, family=family), Processes()).summary["systems"]["levels"]["protocols"]
    for rates in protocols.values():
        assert (rates["n_planned"], rates["n_scored"], rates["n_failed"]) == (5, 4, 1)
    assert [rates["n_rows"] for rates in protocols.values()] == [5, 4]


def test_languages_without_blanks_are_scored_by_characters(tmp_path):
    texts = ("今天天气很好。", "我们去公园散步")
    prompts = [Prompt(f"z{n}", text, language="zh") for n, text in enumerate(texts)]

    @dataclass(frozen=True)
    class Careless(Ear):
        def transcribe(self, waveform):
            said = super().transcribe(waveform)
            return said.replace("气", "汽").replace("我们", "我们 ").replace("。", "")

    results = run(plan_of(tmp_path, prompts, family=Levels(texts=texts), ear=Careless(texts=texts)), Processes())
    figures = results.summary["systems"]["levels"]
    assert figures["wer"] == figures["cer"] == pytest.approx(1 / 13) and results.summary["headline"] == "cer"
    assert figures["protocols"]["f5"]["units"] == ["characters"]
    assert figures["protocols"]["f5"]["wer"] == pytest.approx(1 / 12)
    write_benchmark(tmp_path, results, ReportOptions())
    assert "| CER % under | strict | f5 |" in (tmp_path / "leaderboard.md").read_text()


def test_other_languages_are_read_without_english_rules(tmp_path):
    texts = ("zwei Äpfel", "3 Birnen")
    prompts = [Prompt(f"d{n}", text, language="de") for n, text in enumerate(texts)]
    plan = plan_of(tmp_path, prompts, family=Levels(texts=texts), ear=Ear(texts=texts))
    assert run(plan, Processes()).summary["systems"]["levels"]["wer"] == 0.0
    assert PROTOCOLS["strict"].words("3 Birnen", "three Birnen", "de").errors == 1
    assert PROTOCOLS["strict"].words("3 pears", "three pears", "en").errors == 0


def test_a_text_of_cues_alone_has_nothing_to_be_heard(tmp_path):
    @dataclass(frozen=True)
    class Actor(Levels):
        speaks_cues = True

        def synthesize(self, lines):
            return [Speech(np.full(1600, 0.1, dtype=np.float32), 16_000) for _ in lines]

    results = run(
        plan_of(tmp_path, [Prompt("x", "[laughter]"), PROMPTS[0]], family=Actor(), ear=Mumbling()), Processes()
    )
    row = results.rows["levels"][0]
    assert (row["status"], row["n_words"], row["wer"], row["seconds_per_character"]) == ("scored", 0, None, None)
    figures, words = results.summary["systems"]["levels"], results.rows["levels"][1]
    assert figures["wer"] == figures["protocols"]["strict"]["wer"] == words["wer"], "what is heard is no error"
    assert figures["insertions"] == words["insertions"]
    write_benchmark(tmp_path, results, ReportOptions(n_sentences=0))
    whole = read_run(tmp_path, None)
    silent = replace(whole, rows={"x": whole.rows["x"]})
    assert compare_runs(silent, silent).notes[0] == "wer is not compared: the texts hold no words"


def test_health_of_a_system_is_counted(tmp_path):
    """A take that hit the ceiling, a clipped one, one that says a word twice and one that leaves its end out."""

    @dataclass(frozen=True)
    class Ill(Levels):
        def synthesize(self, lines):
            takes = super().synthesize(lines)
            return [replace(take, truncated="red" in line.text) for take, line in zip(takes, lines, strict=True)]

    class Hearing(Ear):
        def transcribe(self, waveform):
            if np.abs(waveform).max() > 0.99:
                return "five figs"
            heard = super().transcribe(waveform)
            return heard.replace("blue", "blue blue").replace(" in a bowl", "")

    family = Ill(faults=(("figs", lambda w: np.ones_like(w)),))
    health = run(plan_of(tmp_path, family=family, ear=Hearing()), Processes()).summary["systems"]["levels"]["health"]
    assert (health["n_hit_ceiling"], health["n_repeating"], health["n_stopped_early"]) == (1, 1, 1)
    assert health["clipped_share"] == pytest.approx(1 / 5) and health["n_silent"] == 0


def test_a_measure_that_is_not_a_number_is_the_reason_of_its_row(tmp_path):
    results = run(plan_of(tmp_path, metrics={"sparkle": lambda: Sparkle(value=float("nan"))}), Processes())
    assert results.summary["systems"]["levels"]["sparkle_score"] is None
    assert "the measurement is not finite" in results.rows["levels"][0]["not_measured"]


def test_what_no_stage_found_is_a_failed_row_and_never_silence():
    spoken = {"p0": {**stages.failed_row("p0", ""), "status": "spoken"}}
    rated = {"p9": {"sparkle_score": 4.0}}
    rows = score_rows(PROMPTS[:2], Measured(spoken, {}, rated, [(declared(Sparkle()), rated)]), {}, "en")
    assert [(row["status"], row["reason"]) for row in rows] == [("failed", LOST), ("failed", LOST)]
    assert rows[0]["not_measured"] == f"similarity: {LOST}; sparkle: {LOST}"
