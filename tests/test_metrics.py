"""Metrics: declared columns in rows, summaries, comparisons and pages; references, reuse, and one from outside."""

import importlib.metadata
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from conftest import CHECKOUT, tone
from fakes import CALLS, MEASURED, PROMPTS, TEXTS, Levels, Loudness, Mumbling, Sparkle, finished, plan_of
from hydra import compose, initialize_config_module
from pyarrow.parquet import read_table

from tts_toolkit.audio.waveforms import write_wav
from tts_toolkit.evaluation.aggregation import FACTS
from tts_toolkit.evaluation.compare import compare_runs, read_run, table, verdict
from tts_toolkit.evaluation.metrics.base import Column, Sample, declared, declared_in
from tts_toolkit.evaluation.metrics.dnsmos import Dnsmos
from tts_toolkit.evaluation.metrics.speaking_rate import SpeakingRate
from tts_toolkit.evaluation.pipeline import _facts, run
from tts_toolkit.evaluation.reaggregate import reaggregate
from tts_toolkit.evaluation.statistics.intervals import median_interval
from tts_toolkit.report.benchmark import leaderboard
from tts_toolkit.system.errors import UserError
from tts_toolkit.system.processes import Processes

LOUDNESS = {"metrics": {"loudness": Loudness}, "ear": Mumbling()}


def planted(n):
    """The level of `Levels` and of the natural recording of the fixture's n-th text."""
    return 0.1 + 0.05 * (n % 5), (0.1 if n < 4 else 0.9) + 0.004 * (n % 4)


def test_a_metric_is_given_the_natural_recording_of_the_text(tmp_path, recordings):
    results = run(plan_of(tmp_path / "out", recordings, **LOUDNESS), Processes())
    levels = np.array([planted(n) for n in range(8)])
    errors = np.abs(20 * np.log10(levels[:, 0] / levels[:, 1]))
    rows = results.rows["levels"]
    assert [row["level_error"] for row in rows] == pytest.approx(errors.tolist(), abs=0.01)
    assert [row["level_ratio"] for row in rows] == pytest.approx((levels[:, 0] / levels[:, 1]).tolist(), rel=1e-3)
    figures = results.summary["systems"]["levels"]
    assert figures["level_error"] == pytest.approx(errors.mean(), abs=0.01)
    assert figures["level_median"] == pytest.approx(np.median(levels[:, 0]), rel=1e-3)
    assert figures["level_ratio"] == pytest.approx(levels[:, 0].sum() / levels[:, 1].sum(), rel=1e-3)
    for name in ("level_error", "level_median", "level_ratio"):
        low, high = figures[f"{name}_ci"]
        assert low < figures[name] < high, name
    natural = results.rows["natural"]
    assert all(row["level_error"] is None and not row["not_measured"] for row in natural), "not with itself"
    assert results.summary["systems"]["natural"]["level_error"] is None
    assert {row["natural_sha256"] for row in rows} == {row["wav_sha256"] for row in natural}


def test_only_what_rests_on_something_else_is_measured_again(tmp_path, recordings):
    plan = plan_of(tmp_path / "out", recordings, **LOUDNESS)
    MEASURED.clear()
    run(plan, Processes())
    assert len(MEASURED) == 8 + 1  # and noise, before synthesis
    MEASURED.clear()
    run(plan, Processes())
    assert len(MEASURED) == 1
    write_wav(Path(recordings[3].reference), np.full(16_000, 0.5, dtype=np.float32))
    MEASURED.clear()
    results = run(plan, Processes())
    assert [call[1] for call in MEASURED] == ["a second of noise", TEXTS[3]]
    assert results.rows["levels"][3]["level_error"] == pytest.approx(20 * np.log10(0.5 / 0.25), abs=0.01)
    MEASURED.clear()
    run(replace(plan, metrics={"loudness": partial(Loudness, version="2")}), Processes())
    assert len(MEASURED) == 8 + 1
    assert len((tmp_path / "out/systems/levels/loudness/rows.jsonl").read_text().splitlines()) == 8


def test_a_metric_of_a_finished_run_is_not_tried_again(tmp_path, recordings):
    finished(tmp_path / "out", prompts=recordings, **LOUDNESS)
    MEASURED.clear()
    run(plan_of(tmp_path / "out", recordings, **LOUDNESS), Processes())
    assert not MEASURED


def test_two_processes_measure_a_part_each(tmp_path, recordings):
    plan = plan_of(tmp_path / "out", recordings, **LOUDNESS)
    whole = run(plan, Processes()).rows["levels"]
    rows = tmp_path / "out/systems/levels/loudness"
    for file in rows.iterdir():
        file.unlink()
    MEASURED.clear()
    with pytest.raises(RuntimeError, match="4 planned rows were never made"):  # the second process did not start
        run(plan, Processes(0, 2))
    assert len(MEASURED) == 4 + 1
    run(plan, Processes(1, 2))
    assert len(MEASURED) == 2 * (4 + 1)
    assert run(plan, Processes()).rows["levels"] == whole


def test_what_cannot_be_compared_with_a_recording_says_why(tmp_path, recordings):
    missing = replace(recordings[0], reference="nowhere/r0.wav")
    without = replace(recordings[1], reference="")
    rows = run(plan_of(tmp_path / "out", [missing, without, *recordings[2:]], **LOUDNESS), Processes()).rows["levels"]
    assert rows[0]["not_measured"].startswith("loudness: the natural recording: nowhere/r0.wav")
    assert rows[1]["not_measured"] == "" and rows[0]["level_error"] is rows[1]["level_error"] is None
    assert rows[2]["level_error"] is not None
    CALLS.clear()
    with pytest.raises(UserError, match=r"metrics=\[loudness\]: loudness compares with the natural .* references="):
        run(plan_of(tmp_path / "none", **LOUDNESS), Processes())
    assert not CALLS


@dataclass(frozen=True)
class Wrong(Sparkle):
    def measure(self, speech, reference):
        return {"shine": 1.0}


def with_columns(**changes):
    column = Column(**{"name": "shine", "title": "shine", **changes})
    measure = {"measure": lambda self, speech, reference: {column.name: 1.0}}
    return type("Other", (Sparkle,), {"columns": (column,), **measure})


@pytest.mark.parametrize(("metrics", "message"), [
    ([Wrong], "the metric sparkle returned shine; its columns need sparkle_score"),
    ([lambda: Sparkle(name="wavs")], "metric 'wavs': a name is lower-case .* none of synthesis, transcripts"),
    ([Sparkle, partial(Sparkle, version="2")], "two are called sparkle"),
    ([Sparkle, partial(Sparkle, name="other")], "the column sparkle_score of other is also one of sparkle; rename it"),
    ([lambda: with_columns(name="wer")()], "the column wer of sparkle is also one of every benchmark"),
    ([lambda: with_columns(name="checkpoint")()], "the column checkpoint of sparkle is also one of every benchmark"),
    ([lambda: with_columns(name="My score")()], "column 'My score': a name is lower-case letters"),
    ([lambda: with_columns(direction="up")()], "column shine: direction 'up'; allowed are higher, lower, none"),
    ([lambda: with_columns(aggregate="ratio")()], "column shine: `of` names the two values of a ratio"),
    ([lambda: type("None", (Sparkle,), {"columns": ()})()], "the metric sparkle declares no column"),
])  # fmt: skip
def test_what_no_table_could_hold_ends_the_run_before_synthesis(tmp_path, metrics, message):
    CALLS.clear()
    with pytest.raises(UserError, match=message):
        run(plan_of(tmp_path, metrics={f"m{n}": metric for n, metric in enumerate(metrics)}), Processes())
    assert not CALLS


def test_what_a_system_is_said_of_is_taken():
    assert set(_facts(None, "x")) == set(FACTS)


def rated(tmp_path, name, prompts, **sparkle):
    return read_run(
        finished(tmp_path / name, prompts=prompts, metrics={"s": partial(Sparkle, **sparkle)}, ear=Mumbling()), None
    )


def test_comparisons_speak_of_a_metric_by_its_title_and_direction(tmp_path, recordings):
    prompts = [replace(prompt, reference="") for prompt in recordings]
    low, high = rated(tmp_path, "low", prompts), rated(tmp_path, "high", prompts, value=3.5)
    found = compare_runs(low, high)
    assert [d.metric for d in found.differences] == ["wer", "cer", "sparkle_score"]
    assert "sparkle better by 0.50 (p = " in verdict(found) and "| sparkle_score | +0.500 |" in table(found)
    assert "sparkle worse by 0.50" in verdict(compare_runs(high, low))
    neutral = replace(Sparkle.columns[0], direction="none", unit="stars", scale=2.0)
    changed = [replace(run, metrics=[replace(run.metrics[0], columns=(neutral,))]) for run in (low, high)]
    found = compare_runs(*changed)
    assert "sparkle higher by 1.00 stars (p = " in verdict(found) and "| sparkle_score | +1.000 stars |" in table(found)
    only = compare_runs(replace(low, metrics=()), high)
    assert f"sparkle_score is not compared: only {high.name} has it" in only.notes
    assert json.loads(found.to_json())["columns"][0]["title"] == "sparkle"


def test_texts_with_other_natural_recordings_are_left_out(tmp_path, recordings):
    runs = [read_run(finished(tmp_path / "first", prompts=recordings, **LOUDNESS), "levels")]
    write_wav(Path(recordings[3].reference), np.full(16_000, 0.5, dtype=np.float32))
    runs.append(read_run(finished(tmp_path / "second", prompts=recordings, **LOUDNESS), "levels"))
    found = compare_runs(*runs)
    assert {d.metric: d.n_pairs for d in found.differences}["level_error"] == 7
    assert "level_error of 1 texts is left out: measured against different recordings" in found.notes
    assert "level_median is not compared: it is a median, and only means are tested" in found.notes
    assert "level_ratio is not compared: it is a ratio, and only means are tested" in found.notes


def test_the_files_alone_tell_what_is_shown(tmp_path, recordings):
    folder = finished(tmp_path / "out", prompts=recordings, **LOUDNESS)
    summary = json.loads((folder / "summary.json").read_text())
    assert declared_in(summary) == [declared(Loudness())]
    again = reaggregate(folder)
    assert json.loads(json.dumps(again.summary["metrics"])) == summary["metrics"]
    assert again.summary["systems"]["levels"]["level_error"] == summary["systems"]["levels"]["level_error"]
    board = leaderboard(again.summary)
    assert "| level error, dB | median level, % | level ratio | RTF |" in board
    page = (folder / "report.html").read_text()
    assert "level error, dB<br>" in page and "lower is better" in page and "loudness (1)" in page
    assert all(line.count("|") == board.split("\n")[0].count("|") for line in board.split("\n")[:4])


def test_a_run_without_metrics_has_no_column_of_them(tmp_path):
    folder = finished(tmp_path)
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["metrics"] == [] and "<h2>Metrics</h2>" not in (folder / "report.html").read_text()


def test_a_rater_of_release_0_1_is_read_as_a_metric():
    column = declared_in({"quality": {"name": "dnsmos", "version": "speechmos 0.0.1.1"}})[0].columns[0]
    assert (column.name, column.direction) == ("signal_quality", "higher")
    assert declared_in({"quality": None}) == declared_in({}) == []


def test_the_interval_of_a_median_covers_it():
    rng = np.random.default_rng(0)
    values = np.exp(rng.normal(0, 1, (400, 30)))
    intervals = [median_interval(of_set, [str(n) for n in range(30)]) for of_set in values]
    assert 0.92 <= np.mean([one.low <= 1.0 <= one.high for one in intervals]) <= 0.98
    shared = rng.normal(0, 1, (400, 20, 1)) + rng.normal(0, 0.3, (400, 20, 5))
    clusters = [str(n // 5) for n in range(100)]
    intervals = [median_interval(of_set.ravel(), clusters) for of_set in shared]
    assert 0.91 <= np.mean([one.low <= 0.0 <= one.high for one in intervals]) <= 0.98, "clusters are drawn whole"
    assert median_interval([], []) is None and median_interval([1.0, 2.0], ["a", "b"]) is None


def test_speaking_rate_leaves_silence_out():
    silence = np.zeros(8_000, dtype=np.float32)
    speech = Sample(np.concatenate([silence, tone(2.0), silence]), "x" * 30, "en")
    assert SpeakingRate().measure(speech, None)["speaking_rate"] == pytest.approx(15, rel=0.01)
    assert SpeakingRate().measure(replace(speech, waveform=silence), None) == {"speaking_rate": None}


def test_dnsmos_is_the_overall_value_of_its_package(monkeypatch):
    def rate(waveform, sr):
        assert sr == 16_000 and np.abs(waveform).max() <= 1
        return {"ovrl_mos": np.float32(3.25), "sig_mos": 1.0}

    monkeypatch.setitem(sys.modules, "speechmos", SimpleNamespace(dnsmos=SimpleNamespace(run=rate)))
    sample = Sample(np.full(16_000, 1.5, dtype=np.float32), "x", "en")
    assert Dnsmos().measure(sample, None) == {"signal_quality": 3.25}


@pytest.mark.skipif(
    any(name == "speechmos" for name in importlib.metadata.packages_distributions()), reason="speechmos is installed"
)
def test_a_metric_whose_package_is_missing_ends_the_run_in_one_line(tmp_path):
    with pytest.raises(UserError, match=r"^metrics=\[dnsmos\]: its packages are missing; run: .*speechmos==") as caught:
        run(plan_of(tmp_path, PROMPTS, metrics={"dnsmos": Dnsmos}, family=Levels()), Processes())
    assert "\n" not in str(caught.value)


def test_metrics_are_a_list_of_choices():
    with initialize_config_module("tts_toolkit.conf", version_base="1.3"):
        assert compose("benchmark").metrics == {}
        chosen = compose("score", overrides=["metrics=[speaking_rate,dnsmos]"]).metrics
    assert list(chosen) == ["speaking_rate", "dnsmos"]


@pytest.mark.parametrize(("given", "told"), [
    ("quality=dnsmos", "quality=dnsmos: is now called metrics: metrics=[dnsmos]"),
    ("quality=null", "quality=null: is now called metrics: metrics=[]"),
    ("metrics=[dnsmoss]", "there is no 'dnsmoss'; did you mean metrics=dnsmos? allowed are dnsmos, speaking_rate"),
])  # fmt: skip
def test_wrong_choices_end_in_one_line(given, told):
    command = [sys.executable, "-m", "tts_toolkit.eval.benchmark", given]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2 and told in done.stderr and done.stderr.count("\n") == 1, done.stderr


PAGE = (CHECKOUT / "docs/benchmark.md").read_text(encoding="utf-8").partition("## Metrics")[2]


def benchmark(tmp_path, folder, *arguments):
    """The command that the page shows, on espeak-ng."""
    command = [sys.executable, "-m", "tts_toolkit.eval.benchmark", "--config-dir", str(tmp_path / "mine/conf")]
    settings = ["systems=[espeak_ng]", "asr=pocketsphinx", "speaker_verifier=null", "metrics=[level_difference]"]
    inputs = [f"texts={tmp_path / 'sentences.tsv'}", f"references={tmp_path / 'references'}"]
    done = subprocess.run(
        [*command, *settings, *inputs, f"output_dir={folder}", *arguments],
        capture_output=True, text=True, timeout=300, env={**os.environ, "PYTHONPATH": str(tmp_path / "mine")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_the_metric_of_the_page_is_two_files_outside_the_package(tmp_path):
    code, settings = (re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)[0] for language in ("python", "yaml"))
    (tmp_path / "mine/conf/metrics").mkdir(parents=True)
    (tmp_path / "mine/level.py").write_text(code)
    (tmp_path / "mine/conf/metrics/level_difference.yaml").write_text(settings)
    assert sum(file.is_file() for file in (tmp_path / "mine").rglob("*")) == 2
    (tmp_path / "sentences.tsv").write_text("a\tthe cat sat\nb\ta bird sang\n")
    (tmp_path / "references").mkdir()
    for name in "ab":
        soundfile.write(tmp_path / f"references/{name}.wav", 0.1 * np.sign(tone(1.0)), 16_000)
    board = benchmark(tmp_path, tmp_path / "normal")
    benchmark(tmp_path, tmp_path / "quiet", "systems.espeak_ng.words_per_minute=300")
    rows = [row for row in read_table(tmp_path / "normal/scores.parquet").to_pylist() if row["system"] == "espeak_ng"]
    wavs = [tmp_path / f"normal/systems/espeak_ng/wavs/{row['wav']}" for row in rows]
    assert "| level error, dB |" in board and all(row["level_error"] is not None for row in rows)
    for row, wav in zip(rows, wavs, strict=True):
        here = 10 * np.log10(np.mean(soundfile.read(wav)[0] ** 2))
        assert row["level_error"] == pytest.approx(abs(here + 20), abs=0.2)
    summary = json.loads((tmp_path / "normal/summary.json").read_text())
    assert summary["systems"]["espeak_ng"]["level_error"] == pytest.approx(np.mean([r["level_error"] for r in rows]))
    assert [metric["name"] for metric in summary["metrics"]] == ["level_difference"]
    assert "level error, dB<br>" in (tmp_path / "normal/report.html").read_text()
    assert "level" not in sys.modules, "what is compared is read from the files"
    runs = [read_run(tmp_path / name, "espeak_ng") for name in ("normal", "quiet")]
    assert re.search(r"\| level_error \| [+-]\d+\.\d{3} dB \|", table(compare_runs(*runs)))
