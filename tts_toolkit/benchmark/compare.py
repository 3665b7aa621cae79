"""Two systems on the same texts, from the tables that benchmarks left behind."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tts_toolkit.benchmark.run import NATURAL
from tts_toolkit.benchmark.score import GROUPS
from tts_toolkit.errors import UserError
from tts_toolkit.scoring.comparison import Difference, holm, mean_difference, wer_difference

MIN_PAIRS = 6  # Wilcoxon's test cannot reach 5 % with fewer


@dataclass(frozen=True)
class Run:
    """One system of a finished benchmark."""

    name: str
    rows: Mapping[str, Mapping[str, Any]]  # by id
    recogniser: Mapping[str, str]
    judge: Mapping[str, str] | None
    references: str  # a hash of the recordings that similarity is measured against


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

    def to_json(self) -> str:
        """Return everything as JSON."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"


def read_run(folder: Path, system: str | None) -> Run:
    """Return one system's rows; raises UserError when the folder holds no benchmark or leaves the choice open."""
    if not (folder / "summary.json").is_file() or not (folder / "scores.parquet").is_file():
        raise UserError(f"{folder}: holds no finished benchmark (summary.json and scores.parquet); run tts-benchmark")
    from pyarrow.parquet import read_table

    summary = json.loads((folder / "summary.json").read_text())
    names = [name for name in summary["systems"] if name != NATURAL or system == NATURAL]
    if system is None and len(names) != 1:
        raise UserError(f"{folder} holds {', '.join(names)}: choose with first_system=NAME or second_system=NAME")
    name = system or names[0]
    if name not in summary["systems"]:
        raise UserError(f"{folder}: there is no system {name!r}; it holds {', '.join(summary['systems'])}")
    rows = {row["id"]: row for row in read_table(folder / "scores.parquet").to_pylist() if row["system"] == name}
    return Run(f"{folder}:{name}", rows, summary["recogniser"], summary["judge"], summary["references"])


def compare_runs(first: Run, second: Run, cluster_by: str = "id", seed: int = 0) -> Comparison:
    """Return the paired differences, second less first; raises UserError for what cannot be compared.

    Different recognisers or judges are refused, since their figures have no common scale, and so are equal ids
    with different texts. Rows that only one run planned are left out and counted.
    """
    for what in ("recogniser", "judge"):
        ours, theirs = getattr(first, what), getattr(second, what)
        if ours != theirs:
            raise UserError(
                f"{first.name} was scored by the {what} {_who(ours)}, {second.name} by {_who(theirs)}: their figures "
                "have no common scale; score both with the same"
            )
    if first.references != second.references:
        raise UserError(
            f"{first.name} and {second.name} were compared with different reference recordings: their similarities "
            "have no common scale; score both with the same references"
        )
    common = [id_ for id_ in first.rows if id_ in second.rows]
    differing = [id_ for id_ in common if first.rows[id_]["expected"] != second.rows[id_]["expected"]]
    if differing or not common:
        raise UserError(
            f"{first.name} and {second.name} do not say the same texts"
            + (f": {differing[0]!r} differs" if differing else ": no id is in both")
        )
    differences = _differences(first, second, common, cluster_by, seed)
    groups: dict[str, dict[str, list[Difference]]] = {}
    for group in GROUPS:
        values = sorted({str(first.rows[id_][group]) for id_ in common} - {""})
        if len(values) > 1:
            members = {value: [id_ for id_ in common if first.rows[id_][group] == value] for value in values}
            groups[group] = {
                value: _differences(first, second, ids, cluster_by, seed) for value, ids in members.items()
            }
    n_left_out = len(set(first.rows) ^ set(second.rows))
    return Comparison(
        first.name,
        second.name,
        differences,
        holm({difference.metric: difference.p for difference in differences}),
        groups,
        len(common),
        n_left_out,
    )


def _who(worker: Mapping[str, str] | None) -> str:
    return "nobody" if worker is None else f"{worker['name']} ({worker['version']})"


def _differences(first: Run, second: Run, ids: Sequence[str], cluster_by: str, seed: int) -> list[Difference]:
    pairs = [(first.rows[id_], second.rows[id_]) for id_ in ids]
    clusters = [str(row[cluster_by]) for row, _ in pairs]
    found = []
    if len(set(clusters)) > 1:
        found.append(
            wer_difference(
                [row["word_errors"] for row, _ in pairs],
                [row["word_errors"] for _, row in pairs],
                [row["n_words"] for row, _ in pairs],
                clusters,
                seed,
            )
        )
    for metric in ("similarity", "signal_quality"):
        both = [(a[metric], b[metric]) for a, b in pairs if a[metric] is not None and b[metric] is not None]
        if len(both) >= MIN_PAIRS:
            found.append(mean_difference(metric, [a for a, _ in both], [b for _, b in both], seed))
    return found


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
    return "\n".join(lines)


def _cells(d: Difference, adjusted: str) -> str:
    scale, unit = (100, " %") if d.metric == "wer" else (1, "")
    ends = f"{scale * d.interval.low:+.3f} to {scale * d.interval.high:+.3f}{unit}"
    cells = [d.metric, f"{scale * d.difference:+.3f}{unit}", ends, f"{d.p:.4f}", adjusted,
             f"{scale * d.detectable:.3f}{unit}", str(d.n_pairs), d.test]  # fmt: skip
    return " | ".join(cells)
