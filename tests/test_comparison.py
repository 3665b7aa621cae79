"""Comparing two finished runs: pairs of rows, common texts, and what has no common scale."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from fakes import PROMPTS, Ear, Levels, Mumbling, Sparkle, Verifier, finished, plan_of
from pyarrow import Table
from pyarrow.parquet import read_table, write_table

from tts_toolkit.audio.waveforms import write_wav
from tts_toolkit.data.test_sets import Prompt
from tts_toolkit.evaluation.compare import compare_runs, read_run, table
from tts_toolkit.evaluation.pipeline import run
from tts_toolkit.evaluation.reaggregate import reaggregate
from tts_toolkit.report.benchmark import ReportOptions, write_benchmark
from tts_toolkit.system.errors import UserError
from tts_toolkit.system.processes import Processes


def test_two_runs_are_compared_pair_by_pair(tmp_path):
    base = finished(tmp_path / "base", family=Levels(faults=(("red", ValueError("x")), ("figs", ValueError("x")))))
    better = finished(tmp_path / "better")
    comparison = compare_runs(read_run(base, None), read_run(better, None))
    wer = comparison.differences[0]
    assert wer.metric == "wer" and wer.difference == pytest.approx(-5 / 19) and wer.n_pairs == 5
    assert (wer.interval, wer.p, wer.n_clusters) == (None, None, 5) and not comparison.adjusted
    assert comparison.notes[0].startswith("no intervals and no p over 5 prompts: 6 are needed")
    assert set(comparison.groups["category"]) == {"long", "short"}
    assert "against" in table(comparison) and json.loads(comparison.to_json())["n_common"] == 5


def test_what_has_no_common_scale_is_not_compared(tmp_path):
    base = read_run(finished(tmp_path / "base"), None)
    with pytest.raises(UserError, match="no common scale"):
        compare_runs(base, read_run(finished(tmp_path / "other", ear=Ear(version="2")), None))
    other = finished(tmp_path / "texts", prompts=[replace(PROMPTS[0], text="five figs"), *PROMPTS[1:]])
    with pytest.raises(UserError, match="are not of the same texts: 'p0' differs"):
        compare_runs(base, read_run(other, None))
    with pytest.raises(UserError, match="there is no system 'x'; it holds levels"):
        read_run(tmp_path / "base", "x")
    with pytest.raises(UserError, match="holds no finished benchmark"):
        read_run(tmp_path, None)


def test_runs_that_share_part_of_their_texts_are_compared_over_those(tmp_path, recordings):
    settings = {"speaker_verifier": Verifier(), "ear": Mumbling()}
    extra = Prompt("extra", "one red apple", speaker="high", reference=recordings[4].reference.replace("r4", "more"))
    write_wav(Path(extra.reference), np.full(16_000, 0.97, dtype=np.float32))
    base = finished(tmp_path / "base", prompts=recordings, **settings)
    more = finished(tmp_path / "more", prompts=[*recordings, extra], **settings)
    comparison = compare_runs(read_run(base, "levels"), read_run(more, "levels"))
    assert (comparison.n_common, comparison.n_left_out) == (8, 1) and comparison.differences[0].metric == "wer"
    shown = table(comparison)
    assert "Similarity of 4 texts is left out: measured against different recordings." in shown
    assert "(ceiling)" in shown and "equal error rate 0.0 %" in shown


def test_what_is_not_compared_is_said(tmp_path, recordings):
    settings = {"ear": Mumbling(), "prompts": [replace(p, speaker="one", reference="") for p in recordings]}
    runs = [
        read_run(finished(tmp_path / name, metrics={"sparkle": partial(Sparkle, version=version)}, **settings), None)
        for name, version in {"a": "1", "b": "2"}.items()
    ]
    with pytest.raises(UserError, match="cluster_by=x: allowed are id and speaker"):
        compare_runs(*runs, cluster_by="x")
    shown = table(compare_runs(*runs, cluster_by="speaker"))
    assert "Wer is not compared: the rows are of one speaker, and a test needs several." in shown
    assert "Sparkle_score is not compared: measured by sparkle (1) and by sparkle (2)." in shown


def fewer_rows(folder):
    table = read_table(folder / "scores.parquet")
    write_table(table.slice(0, table.num_rows - 1), folder / "scores.parquet")


def other_rows(folder):
    table = read_table(folder / "scores.parquet").to_pylist()
    write_table(Table.from_pylist([{**row, "word_errors": 3} for row in table]), folder / "scores.parquet")


@pytest.mark.parametrize("damage", [fewer_rows, other_rows])
def test_a_table_that_is_not_the_summarys_is_refused(tmp_path, damage):
    write_benchmark(tmp_path, run(plan_of(tmp_path), Processes()), ReportOptions(n_sentences=0))
    damage(tmp_path)
    for read in (partial(reaggregate, tmp_path), partial(read_run, tmp_path, "levels")):
        with pytest.raises(UserError, match="scores.parquet: does not belong to summary.json; run"):
            read()
