"""Measurement of the benchmarks: warm-up, alternating order, several rounds, ratios with an interval, one table."""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from tts_toolkit.nn.devices import hardware, pick_device
from tts_toolkit.system.memory import PeakMemory, free_memory

N_RESAMPLES = 2000


@dataclass(frozen=True)
class Options:
    """Command-line options of every benchmark."""

    quick: bool
    rounds: int
    device: str


@dataclass(frozen=True)
class Row:
    """One task, with the peer's time over ours: above 1 we are faster."""

    work: str
    peer: str
    device: str
    ratio: float  # median over the rounds
    ratio_ci: tuple[float, float]  # 95 %, bootstrap of the median over the rounds
    peer_seconds: tuple[float, ...]
    seconds: tuple[float, ...]
    peer_peak_memory_bytes: int | None
    peak_memory_bytes: int | None
    note: str = ""  # the physical limit of the figure, or exclusions


def measure(
    work: str,
    peer: str,
    run_peer: Callable[[], object],
    run_ours: Callable[[], object],
    options: Options,
    note: str = "",
) -> Row:
    """Return the row of a task of both sides, each warmed up once, then run in turn."""
    peaks = [_warm_up(run) for run in (run_peer, run_ours)]
    seconds: list[list[float]] = [[], []]
    for turn in range(options.rounds):
        for which in (0, 1) if turn % 2 == 0 else (1, 0):
            seconds[which].append(_timed((run_peer, run_ours)[which], options.device))
    ratios = [theirs / ours for theirs, ours in zip(*seconds, strict=True)]
    row = Row(
        work, peer, options.device, statistics.median(ratios), _interval(ratios), tuple(seconds[0]), tuple(seconds[1]),
        peaks[0], peaks[1], note,
    )  # fmt: skip
    print(_line(row), file=sys.stderr, flush=True)  # as the next row may take long
    return row


def _warm_up(run: Callable[[], object]) -> int | None:
    free_memory()
    with PeakMemory() as peak:
        run()
        return peak.bytes()


def _timed(run: Callable[[], object], device: str) -> float:
    import torch

    started = time.perf_counter()
    run()
    if device.startswith("cuda"):
        torch.cuda.synchronize()
    return time.perf_counter() - started


def _interval(ratios: Sequence[float]) -> tuple[float, float]:
    drawn = np.random.default_rng(0).choice(ratios, (N_RESAMPLES, len(ratios)))
    low, high = np.quantile(np.median(drawn, axis=1), [0.025, 0.975])
    return float(low), float(high)


def table(rows: Sequence[Row]) -> str:
    """Return the rows as Markdown."""
    names = ("work", "peer", "device", "ratio", "95 %", "peer s", "ours s", "peer MB", "ours MB", "note")
    return "\n".join([f"| {' | '.join(names)} |", "|---" * len(names) + "|", *map(_line, rows)])


def _line(row: Row) -> str:
    low, high = row.ratio_ci
    theirs, ours = statistics.median(row.peer_seconds), statistics.median(row.seconds)
    return (
        f"| {row.work} | {row.peer} | {row.device} | {row.ratio:.2f} | {low:.2f} to {high:.2f} | {theirs:.2f} "
        f"| {ours:.2f} | {_megabytes(row.peer_peak_memory_bytes)} | {_megabytes(row.peak_memory_bytes)} | {row.note} |"
    )


def _megabytes(n_bytes: int | None) -> str:
    return "–" if n_bytes is None else f"{n_bytes / 1e6:.0f}"


Curve = Sequence[tuple[float, float]]  # the amount, and its median seconds


def curve(run: Callable[[int], object], amounts: Sequence[int], options: Options) -> Curve:
    """Return the median seconds of `run(amount)` for each amount, after a warm-up with the largest."""
    run(amounts[-1])
    seconds = [[_timed(partial(run, amount), options.device) for _ in range(3)] for amount in amounts]
    return [(amount, statistics.median(taken)) for amount, taken in zip(amounts, seconds, strict=True)]


def curve_table(what: str, points: Curve) -> str:
    """Return a curve as Markdown, with the cost of one unit: linear growth is a level last row."""
    cells = [[f"{amount:g}" for amount, _ in points], [f"{seconds:.2f}" for _, seconds in points],
             [f"{1000 * seconds / amount:.1f}" for amount, seconds in points]]  # fmt: skip
    lines = [f"| {name} | {' | '.join(row)} |" for name, row in zip((what, "seconds", "ms each"), cells, strict=True)]
    return "\n".join([lines[0], "|---" * (len(points) + 1) + "|", *lines[1:]])


def main(
    description: str | None,
    rows_of: Callable[[Options], Sequence[Row]],
    curves_of: Callable[[Options], dict[str, Curve]] | None = None,
) -> None:
    """Run a benchmark as a command."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="less work, under ten minutes on 2 cores")
    parser.add_argument("--rounds", type=int, help="5; 3 with --quick")
    parser.add_argument("--device", default=None, help="a GPU where there is one")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    options = Options(chosen.quick, chosen.rounds or (3 if chosen.quick else 5), pick_device(chosen.device))
    rows = rows_of(options)
    print(table(rows))
    curves = curves_of(options) if curves_of else {}
    for what, points in curves.items():
        print(f"\n{curve_table(what, points)}")
    if chosen.json:
        content = {"rows": [asdict(row) for row in rows], "curves": curves, "hardware": hardware()}
        chosen.json.write_text(json.dumps(content, indent=2) + "\n")
