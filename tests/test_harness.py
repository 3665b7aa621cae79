"""The benchmarks' measure: who is timed, in which order, and what is said of it."""

import json
import sys

import pytest

from benchmarks import harness
from benchmarks.harness import Options, Row, curve, curve_table, measure, table


@pytest.fixture
def clock(monkeypatch):
    """A clock that only `wait` moves."""
    now = [0.0]
    monkeypatch.setattr(harness.time, "perf_counter", lambda: now[0])

    def wait(seconds):
        now[0] += seconds

    return wait


def test_both_are_warmed_up_then_timed_in_turn(clock):
    calls = []

    def work(name, seconds):
        def run():
            calls.append(name)
            clock(seconds)

        return run

    row = measure("work", "peer", work("peer", 6.0), work("ours", 2.0), Options(False, 3, "cpu"), "a note")
    assert calls[:2] == ["peer", "ours"], "no warm-up"
    assert calls[2:] == ["peer", "ours", "ours", "peer", "peer", "ours"], "always the same first"
    assert row.ratio == 3.0 and row.ratio_ci == (3.0, 3.0)
    assert row.peer_seconds == (6.0,) * 3 and row.seconds == (2.0,) * 3
    assert "| work | peer | cpu | 3.00 | 3.00 to 3.00 | 6.00 | 2.00 |" in table([row]) and "a note" in table([row])


def test_the_interval_spans_what_rounds_disagree_on(clock):
    seconds = iter([9.0, 1.0, 2.0, 4.0, 6.0])  # the warm-up's first

    row = measure("work", "peer", lambda: clock(next(seconds)), lambda: clock(1.0), Options(False, 4, "cpu"))
    assert row.ratio == 3.0 and row.ratio_ci == (1.0, 6.0)


def test_a_curve_tells_the_cost_of_one(clock):
    points = curve(lambda amount: clock(0.5 * amount), (2, 4), Options(False, 1, "cpu"))
    assert points == [(2, 1.0), (4, 2.0)]
    assert curve_table("texts", points).splitlines()[-1] == "| ms each | 500.0 | 500.0 |"


def test_a_benchmark_prints_its_rows_and_writes_them(monkeypatch, capsys, tmp_path):
    row = Row("work", "peer", "cpu", 2.0, (1.5, 2.5), (4.0,), (2.0,), None, 5_000_000)
    monkeypatch.setattr(sys, "argv", ["benchmark", "--rounds", "7", "--device", "cpu", "--json", str(tmp_path / "out")])
    asked = []
    harness.main("what for", lambda options: asked.append(options) or [row])
    assert asked == [Options(False, 7, "cpu")]
    assert "| 2.00 | 1.50 to 2.50 | 4.00 | 2.00 | – | 5 |" in capsys.readouterr().out
    assert json.loads((tmp_path / "out").read_text())["rows"][0]["ratio_ci"] == [1.5, 2.5]
