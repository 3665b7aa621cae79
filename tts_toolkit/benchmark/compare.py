"""Two systems on the same texts, from the tables that benchmarks left behind."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tts_toolkit.benchmark.checks import CLUSTERS
from tts_toolkit.benchmark.reread import AGAIN, SUMMARY, read_finished
from tts_toolkit.benchmark.run import NATURAL
from tts_toolkit.benchmark.score import GROUPS
from tts_toolkit.errors import UserError
from tts_toolkit.reading import reading
from tts_toolkit.scoring.comparison import Difference, holm, mean_difference, wer_difference
from tts_toolkit.scoring.verification import scale_line

MIN_PAIRS = 6  # Wilcoxon's test cannot reach 5 % with fewer


@dataclass(frozen=True)
class Run:
    """One system of a finished benchmark."""

    name: str
    rows: Mapping[str, Mapping[str, Any]]  # by id
    recogniser: Mapping[str, str]
    judge: Mapping[str, str] | None
    quality: Mapping[str, str] | None  # who rated the sound
    scale: Mapping[str, float | None] | None  # of similarity


@dataclass(frozen=True)
class Comparison:
    """Differences over the whole set, with p-values adjusted over the metrics, and within each group."""

    first: str
    second: str
    differences: Sequence[Difference]
    adjusted: Mapping[str, float]  # Holm over the metrics
    groups: Mapping[str, Mapping[str, Sequence[Difference]]]
    n_common: int
    n_left_out: int  # rows that only one of the two planned
    notes: Sequence[str]  # what is not compared, and why
    scales: Mapping[str, Mapping[str, float | None]]  # of similarity, by run

    def to_json(self) -> str:
        """Return everything as JSON."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"


def read_run(folder: Path, system: str | None) -> Run:
    """Return one system's rows; raises UserError when the folder holds no benchmark or leaves the choice open."""
    summary, table = read_finished(folder)
    with reading(folder / SUMMARY, AGAIN):
        return _run(folder, summary, table, system)


def _run(folder: Path, summary: Mapping[str, Any], table: Sequence[Mapping[str, Any]], system: str | None) -> Run:
    names = [name for name in summary["systems"] if name != NATURAL or system == NATURAL]
    if system is None and len(names) != 1:
        raise UserError(f"{folder} holds {', '.join(names)}: choose with first_system=NAME or second_system=NAME")
    name = system or names[0]
    if name not in summary["systems"]:
        raise UserError(f"{folder}: there is no system {name!r}; it holds {', '.join(summary['systems'])}")
    rows = {row["id"]: row for row in table if row["system"] == name}
    scale = summary["similarity_scale"]
    return Run(f"{folder}:{name}", rows, summary["recogniser"], summary["judge"], summary["quality"], scale)


def compare_runs(first: Run, second: Run, cluster_by: str = "id", seed: int = 0) -> Comparison:
    """Return the paired differences, second less first; raises UserError for what cannot be compared.

    Different recognisers or judges are refused, since their figures have no common scale, and so are equal ids
    with different texts. Rows that only one run planned are left out and counted; a similarity is left out, and
    noted, where the two were measured against different recordings.
    """
    if cluster_by not in CLUSTERS:
        raise UserError(f"cluster_by={cluster_by}: allowed are {' and '.join(CLUSTERS)}")
    for what in ("recogniser", "judge"):
        ours, theirs = getattr(first, what), getattr(second, what)
        if ours != theirs:
            raise UserError(
                f"{first.name} was scored by the {what} {_who(ours)}, {second.name} by {_who(theirs)}: their figures "
                "have no common scale; score both with the same"
            )
    common = [id_ for id_ in first.rows if id_ in second.rows]
    differing = [id_ for id_ in common if first.rows[id_]["expected"] != second.rows[id_]["expected"]]
    if differing or not common:
        raise UserError(
            f"{first.name} and {second.name} do not say the same texts"
            + (f": {differing[0]!r} differs" if differing else ": no id is in both")
        )
    differences, notes = _differences(first, second, common, cluster_by, seed)
    groups: dict[str, dict[str, list[Difference]]] = {}
    for group in GROUPS:
        values = sorted({str(first.rows[id_][group]) for id_ in common} - {""})
        if len(values) > 1:
            members = {value: [id_ for id_ in common if first.rows[id_][group] == value] for value in values}
            groups[group] = {}
            for value, ids in members.items():
                groups[group][value], of_group = _differences(first, second, ids, cluster_by, seed)
                notes += [f"{group} {value}: {note}" for note in of_group if note not in notes]
    n_left_out = len(set(first.rows) ^ set(second.rows))
    return Comparison(
        first.name,
        second.name,
        differences,
        holm({difference.metric: difference.p for difference in differences}),
        groups,
        len(common),
        n_left_out,
        notes,
        {run.name: run.scale for run in (first, second) if run.scale},
    )


def _who(worker: Mapping[str, str] | None) -> str:
    return "nobody" if worker is None else f"{worker['name']} ({worker['version']})"


def _differences(
    first: Run, second: Run, ids: Sequence[str], cluster_by: str, seed: int
) -> tuple[list[Difference], list[str]]:
    """Return what can be compared over these rows, and notes on what cannot."""
    pairs = [(first.rows[id_], second.rows[id_]) for id_ in ids]
    worded = [pair for pair in pairs if pair[0]["n_words"]]
    clusters = [str(row[cluster_by]) for row, _ in worded]
    found, notes = [], []
    if len(set(clusters)) > 1:
        errors = [[row["word_errors"] for row in rows] for rows in zip(*worded, strict=True)]
        found.append(wer_difference(errors[0], errors[1], [row["n_words"] for row, _ in worded], clusters, seed))
    elif not worded:
        notes.append("wer is not compared: the texts hold no words")
    else:
        notes.append(f"wer is not compared: the rows are of one {cluster_by}, which leaves nothing to draw from")
    for metric in ("similarity", "signal_quality"):
        both, why_not = _both(metric, first, second, pairs)
        if len(both) >= MIN_PAIRS:
            found.append(mean_difference(metric, [a for a, _ in both], [b for _, b in both], seed))
        elif both:
            why_not.append(f"{metric} is not compared: {len(both)} pairs, of which the test needs {MIN_PAIRS}")
        notes += why_not
    return found, notes


def _both(
    metric: str, first: Run, second: Run, pairs: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]
) -> tuple[list[tuple[float, float]], list[str]]:
    """Return the values of a metric that have a common scale, and notes on those left out."""
    both = [(a, b) for a, b in pairs if a[metric] is not None and b[metric] is not None]
    if metric == "signal_quality" and both and first.quality != second.quality:
        return [], [f"{metric} is not compared: rated by {_who(first.quality)} and by {_who(second.quality)}"]
    same = [(a, b) for a, b in both if metric != "similarity" or a["compared_with"] == b["compared_with"]]
    n_other = len(both) - len(same)
    notes = [f"{metric} of {n_other} texts is left out: measured against different recordings"] if n_other else []
    return [(a[metric], b[metric]) for a, b in same], notes


def table(comparison: Comparison) -> str:
    """Return the comparison as Markdown."""
    lines = [
        f"{comparison.second} against {comparison.first}: {comparison.n_common} texts in both"
        + (f", {comparison.n_left_out} in one only and left out" if comparison.n_left_out else ""),
        "",
        "| metric | difference | 95 % interval | p | p, Holm | detectable | pairs | test |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for d in comparison.differences:
        lines.append(f"| {_cells(d, f'{comparison.adjusted[d.metric]:.4f}')} |")
    for group, values in comparison.groups.items():
        for value, differences in values.items():
            lines += [f"| {group} {value}: {_cells(d, '')} |" for d in differences]
    scales = {name: scale_line(scale) for name, scale in comparison.scales.items()}
    if len(set(scales.values())) == 1:
        lines += ["", f"Similarity: {next(iter(scales.values()))}."]
    elif scales:
        lines += ["", *(f"Similarity in {name}: {line}." for name, line in scales.items())]
    lines += ["", *(f"{note[0].upper()}{note[1:]}." for note in comparison.notes)] if comparison.notes else []
    return "\n".join(lines)


def _cells(d: Difference, adjusted: str) -> str:
    scale, unit = (100, " %") if d.metric == "wer" else (1, "")
    ends = f"{scale * d.interval.low:+.3f} to {scale * d.interval.high:+.3f}{unit}"
    cells = [d.metric, f"{scale * d.difference:+.3f}{unit}", ends, f"{d.p:.4f}", adjusted,
             f"{scale * d.detectable:.3f}{unit}", str(d.n_pairs), d.test]  # fmt: skip
    return " | ".join(cells)
