"""Variance components of finished runs, and the prompts and readings needed to show a difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tts_toolkit.evaluation.aggregation import UNITS, cluster_of
from tts_toolkit.evaluation.statistics.variance_components import (
    SOURCES,
    Components,
    components,
    linearized,
    noise_of_difference,
    prompts_needed,
)

READINGS = (1, 3, 5, 10)  # per prompt and system, in tables of needed prompts
Readings = Sequence[Mapping[str, Any]]  # the rows of one prompt by one system
RATES = {"wer": ("word_errors", "n_words"), "cer": ("character_errors", "n_characters")}  # by columns of the table


@dataclass(frozen=True)
class Needed:
    """Number of prompts (or speakers) that show a difference at the 5 % level with a power of 80 %."""

    metric: str
    difference: float  # in the metric's unit
    unit: str
    by_readings: dict[int, int | None]  # None: unknown, or more than MAX_PROMPTS


def needed(
    metric: str, pairs: Sequence[tuple[Readings, Readings]], difference: float, cluster_by: str = "id"
) -> Needed:
    """Return the number of prompts that show a difference of a metric, from readings by two systems."""
    systems = [_values(metric, [pair[n] for pair in pairs]) for n in (0, 1)]
    if cluster_by == "speaker":  # with this set's number of prompts each
        names = [cluster_of(ours[0], cluster_by) for ours, _ in pairs]
        systems = [_of_clusters(values, names) for values in systems]
    noise = noise_of_difference(*systems)
    found = {n: prompts_needed(difference, noise, n) for n in (READINGS if cluster_by == "id" else READINGS[:1])}
    return Needed(metric, difference, UNITS[cluster_by], found)


def _values(metric: str, system: Sequence[Readings]) -> list[np.ndarray]:
    """Return each reading's contribution to a figure, by prompt: values, or linearized errors."""
    if metric not in RATES:
        return [np.array([row[metric] for row in rows if row[metric] is not None]) for rows in system]
    top, bottom = RATES[metric]
    errors = np.array([float(row[top]) for rows in system for row in rows])
    units = np.array([float(row[bottom]) for rows in system for row in rows])
    return np.split(linearized(errors, units), np.cumsum([len(rows) for rows in system])[:-1])


def _of_clusters(values: Sequence[np.ndarray], names: Sequence[str]) -> list[np.ndarray]:
    means: dict[str, list[float]] = {}
    for name, of_prompt in zip(names, values, strict=True):
        means.setdefault(name, []).append(float(of_prompt.mean()))
    return [np.array([np.mean(of_cluster)]) for of_cluster in means.values()]


def scatter(metric: str, runs: Mapping[tuple[str, str], Mapping[str, Readings]]) -> Components | None:
    """Return a metric's variance components over runs by (system, recognizer), each with its readings by prompt.

    Systems not transcribed by every recognizer are left out, as are prompts that a run lacks, and readings beyond the
    smallest number of any prompt. None where fewer than two prompts are left.
    """
    recognizers = list(dict.fromkeys(recognizer for _, recognizer in runs))
    systems = [s for s in dict.fromkeys(s for s, _ in runs) if all((s, r) in runs for r in recognizers)]
    grid = [[runs[system, recognizer] for recognizer in recognizers] for system in systems]
    cells = [{id_: _measured(metric, rows) for id_, rows in run.items()} for line in grid for run in line]
    common = [id_ for id_ in cells[0] if all(cell.get(id_) for cell in cells)] if cells else []
    if len(common) < 2:
        return None
    n_readings = min(len(cell[id_]) for cell in cells for id_ in common)
    table = [[cell[id_][:n_readings] for cell in cells] for id_ in common]
    shape = (len(common), len(systems), len(recognizers), n_readings)
    if metric not in RATES:
        return components(metric, np.array([[[row[metric] for row in c] for c in p] for p in table]).reshape(shape))
    errors, units = (
        np.array([[[float(row[column]) for row in c] for c in p] for p in table]).reshape(shape)
        for column in RATES[metric]
    )
    return components(metric, linearized(errors, units))


def _measured(metric: str, rows: Readings) -> list[Mapping[str, Any]]:
    if metric in RATES:
        return [row for row in rows if row[RATES[metric][1]]]
    return [row for row in rows if row[metric] is not None]


def scatter_table(found: Sequence[Components]) -> list[str]:
    """Return components as the lines of a Markdown table: standard deviations, and shares of the variance."""
    lines = [f"| metric | {' | '.join(SOURCES)} |", "|---" * (len(SOURCES) + 1) + "|"]
    for one in found:
        whole = sum(variance or 0.0 for variance in one.variances.values())
        cells = [_deviation(one.metric, one.variances[source], whole) for source in SOURCES]
        lines.append(f"| {one.metric} | {' | '.join(cells)} |")
    return lines


def _deviation(metric: str, variance: float | None, whole: float) -> str:
    if variance is None:
        return "–"
    deviation, share = float(np.sqrt(variance)), variance / whole if whole else 0.0
    shown = f"{100 * deviation:.1f} %" if metric in RATES else f"{deviation:.4f}"
    return f"{shown} ({100 * share:.0f} %)"


def needed_table(found: Sequence[Needed]) -> list[str]:
    """Return needed prompts as the lines of a Markdown table."""
    readings = sorted({n for one in found for n in one.by_readings})
    titles = ["read once" if n == 1 else f"read {n} times" for n in readings]
    lines = [f"| a difference of | {' | '.join(titles)} |", "|---" * (len(readings) + 1) + "|"]
    for one in found:
        size = (
            f"{100 * one.difference:g} % of {one.metric}"
            if one.metric in RATES
            else f"{one.difference:g} of {one.metric}"
        )
        counts = [one.by_readings.get(n) for n in readings]
        cells = ["–" if count is None else f"{count:,} {one.unit}" for count in counts]
        lines.append(f"| {size} | {' | '.join(cells)} |")
    return lines
