"""Comparison of two systems on the same texts, from the tables of finished benchmarks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tts_toolkit.evaluation.aggregation import GROUPS, UNITS, cluster_of, prompt_of
from tts_toolkit.evaluation.metrics.base import Column, Declared, declared_in
from tts_toolkit.evaluation.metrics.speaker_similarity import scale_line
from tts_toolkit.evaluation.pipeline import NATURAL
from tts_toolkit.evaluation.reaggregate import AGAIN, SUMMARY, read_finished
from tts_toolkit.evaluation.statistics.intervals import cluster_note
from tts_toolkit.evaluation.statistics.paired_tests import Difference, holm, mean_difference, rate_difference
from tts_toolkit.evaluation.statistics.variance_components import Components
from tts_toolkit.evaluation.validation import CLUSTERS
from tts_toolkit.evaluation.variance import RATES, Needed, needed, needed_table, scatter, scatter_table
from tts_toolkit.system.errors import UserError
from tts_toolkit.system.formatting import markdown
from tts_toolkit.system.reading import reading

SIMILARITY = Column("similarity", "similarity", direction="higher")
WER_IN_WORDS = Column("wer", "word error rate", "points", "lower", digits=1, scale=100)

Pair = tuple[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]]  # a prompt's readings by the two systems


@dataclass(frozen=True)
class Run:
    """One system of a finished benchmark."""

    name: str
    rows: Mapping[str, Mapping[str, Any]]  # by id
    recognizer: Mapping[str, str]
    speaker_verifier: Mapping[str, str] | None
    scale: Mapping[str, float | None] | None  # of similarity
    identity: str = ""  # of the system: its weights and settings; empty: its name
    metrics: Sequence[Declared] = ()


@dataclass(frozen=True)
class Comparison:
    """Differences over the whole set, with p-values adjusted over the metrics, and within each group."""

    first: str
    second: str
    differences: Sequence[Difference]
    adjusted: Mapping[str, float]  # Holm over the metrics
    groups: Mapping[str, Mapping[str, Sequence[Difference]]]
    n_common: int
    n_left_out: int  # rows that only one of the two has
    notes: Sequence[str]  # on metrics that are not compared
    scales: Mapping[str, Mapping[str, float | None]]  # of similarity, by run
    needed: Sequence[Needed] = ()  # how many prompts and readings show a difference of a given size
    scatter: Mapping[str, Sequence[Components]] = field(default_factory=dict)  # variance components, by run
    columns: Sequence[Column] = ()  # of the metrics that both runs measured

    def to_json(self) -> str:
        """Return everything as JSON."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"


def read_run(folder: Path, system: str | None, preferred: str = "") -> Run:
    """One system's rows; without `system`, `preferred` is used where the folder holds several.

    Raises UserError when the folder holds no benchmark or leaves the choice open.
    """
    summary, table = read_finished(folder)
    with reading(folder / SUMMARY, AGAIN):
        return run_of(folder, summary, table, system or (preferred if preferred in summary["systems"] else None))


def run_of(folder: Path, summary: Mapping[str, Any], table: Sequence[Mapping[str, Any]], system: str | None) -> Run:
    """One system of a summary and its table of rows, each with its `system`."""
    names = [name for name in summary["systems"] if name != NATURAL or system == NATURAL]
    if system is None and len(names) != 1:
        raise UserError(f"{folder} holds {', '.join(names)}: choose with first_system=NAME or second_system=NAME")
    name = system or names[0]
    if name not in summary["systems"]:
        raise UserError(f"{folder}: there is no system {name!r}; it holds {', '.join(summary['systems'])}")
    rows = {row["id"]: row for row in table if row["system"] == name}
    scale = summary["similarity_scale"]
    facts = summary["systems"][name]
    identity = json.dumps([facts["version"], facts["settings"]], sort_keys=True) if facts.get("version") else ""
    return Run(
        f"{folder}:{name}",
        rows,
        summary["recognizer"],
        summary["speaker_verifier"],
        scale,
        identity,
        declared_in(summary),
    )


def compare_runs(
    first: Run, second: Run, cluster_by: str = "id", seed: int = 0, shows: float = 0.01, others: Sequence[Run] = ()
) -> Comparison:
    """Return the paired differences, second minus first; raises UserError for runs that cannot be compared.

    Different recognizers or speaker verifiers are refused, since their figures have no common scale; so are
    equal ids with different texts. Rows that only one run planned are left out and counted; a similarity is
    left out, with a note, where the two were measured against different recordings. `shows` is the difference
    for which the needed prompts and readings are estimated. `others` are more runs of the second system, with other
    training seeds or recognizers: they give its variance components, and are in no test.
    """
    if cluster_by not in CLUSTERS:
        raise UserError(f"cluster_by={cluster_by}: allowed are {' and '.join(CLUSTERS)}")
    for what in ("recognizer", "speaker_verifier"):
        ours, theirs = getattr(first, what), getattr(second, what)
        if ours != theirs:
            raise UserError(
                f"{first.name} was scored with {what}={_model(ours)}, {second.name} with {_model(theirs)}: their "
                "figures have no common scale; score both with the same"
            )
    prompts = by_prompt(first), by_prompt(second)
    common = [id_ for id_ in prompts[0] if id_ in prompts[1]]
    differing = [id_ for id_ in common if prompts[0][id_][0]["expected"] != prompts[1][id_][0]["expected"]]
    if differing or not common:
        raise UserError(
            f"{first.name} and {second.name} are not of the same texts"
            + (f": {differing[0]!r} differs" if differing else ": no id is in both")
        )
    pairs = [(prompts[0][id_], prompts[1][id_]) for id_ in common]
    columns, against_natural, not_compared = _common_columns(first, second)
    pairing = _Pairing([SIMILARITY, *columns], against_natural, cluster_by, seed)
    differences, notes = _differences(pairs, pairing)
    notes += not_compared
    n_speakers = len({str(ours[0]["speaker"]) for ours, _ in pairs})
    if cluster_by == "id" and n_speakers > 1:
        notes.append(
            f"over prompts, results hold for these {n_speakers} speakers; cluster_by=speaker generalizes to others"
        )
    groups: dict[str, dict[str, list[Difference]]] = {}
    for group in GROUPS:
        values = sorted({str(ours[0][group]) for ours, _ in pairs} - {""})
        for value in values if len(values) > 1 else []:
            members = [(ours, theirs) for ours, theirs in pairs if ours[0][group] == value]
            groups.setdefault(group, {})[value], of_group = _differences(members, pairing)
            notes += [f"{group} {value}: {note}" for note in of_group if note not in notes]
    return Comparison(
        first.name,
        second.name,
        differences,
        holm({difference.metric: difference.p for difference in differences if difference.p is not None}),
        groups,
        len(common),
        len(set(prompts[0]) ^ set(prompts[1])),
        notes,
        {run.name: run.scale for run in (first, second) if run.scale},
        [
            needed(d.metric, _measured_pairs(d.metric, pairs, pairing), shows, cluster_by)
            for d in differences
            if d.p is not None
        ],
        {first.name: _scatter([first]), second.name: _scatter([second, *others])},
        columns,
    )


@dataclass(frozen=True)
class _Pairing:
    """Metrics compared besides error rates, and the clusters."""

    means: Sequence[Column]
    against_natural: frozenset[str]  # columns measured against a natural recording
    cluster_by: str
    seed: int


def _common_columns(first: Run, second: Run) -> tuple[list[Column], frozenset[str], list[str]]:
    """Columns measured alike by both runs, those against natural recordings, and notes on the others."""
    ours, theirs = _measured_by(first), _measured_by(second)
    columns, against_natural, notes = [], set(), []
    for name in dict.fromkeys([*ours, *theirs]):
        if name not in ours or name not in theirs:
            notes.append(f"{name} is not compared: only {first.name if name in ours else second.name} has it")
            continue
        (metric, column), (other, _) = ours[name], theirs[name]
        if (metric.name, metric.version) != (other.name, other.version):
            notes.append(f"{name} is not compared: measured by {_named(metric)} and by {_named(other)}")
        elif column.aggregate != "mean":
            notes.append(f"{name} is not compared: it is a {column.aggregate}, and only means are tested")
        else:
            columns.append(column)
            against_natural |= {name} if metric.needs_reference else set()
    return columns, frozenset(against_natural), notes


def _measured_by(run: Run) -> dict[str, tuple[Declared, Column]]:
    return {column.name: (metric, column) for metric in run.metrics for column in metric.columns}


def _named(metric: Declared) -> str:
    return f"{metric.name} ({metric.version})"


def _measured_pairs(metric: str, pairs: Sequence[Pair], pairing: _Pairing) -> list[Pair]:
    if metric in RATES:
        return [pair for pair in pairs if pair[0][0]["n_words"]]
    return _both(metric, pairs, pairing)[0]


def _scatter(runs: Sequence[Run]) -> list[Components]:
    """Variance components of a system; similarity only with one speaker verifier and the same recordings."""
    cells = {(run.identity or run.name, _model(run.recognizer)): by_prompt(run) for run in runs}
    heard_once = {(system, ""): rows for (system, _), rows in reversed(cells.items())}
    same_verifier = len({_model(run.speaker_verifier) for run in runs}) == 1
    found = [scatter(metric, cells) for metric in RATES if _has(metric, runs[0])]
    return [c for c in [*found, scatter("similarity", heard_once) if same_verifier else None] if c is not None]


def _has(metric: str, run: Run) -> bool:
    return all(row.get(column) is not None for row in run.rows.values() for column in RATES[metric])


def by_prompt(run: Run) -> dict[str, list[Mapping[str, Any]]]:
    """Return the rows of each prompt: one per reading."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in run.rows.values():
        found.setdefault(prompt_of(row), []).append(row)
    return found


def _model(worker: Mapping[str, str] | None) -> str:
    return "null" if worker is None else f"{worker['name']} ({worker['version']})"


def _differences(pairs: Sequence[Pair], pairing: _Pairing) -> tuple[list[Difference], list[str]]:
    """Return the differences over these prompts, and notes on metrics that cannot be compared.

    Readings of a prompt are averaged first, so that runs with different numbers of readings compare.
    """
    found: list[Difference] = []
    notes: list[str] = []
    worded = [pair for pair in pairs if pair[0][0]["n_words"] and pair[0][0].get("hypothesis", "") is not None]
    if not worded:
        transcribed = any(ours[0].get("hypothesis", "") is not None for ours, _ in pairs)
        notes.append(f"wer is not compared: {'the texts hold no words' if transcribed else 'nothing was transcribed'}")
    for metric, columns in RATES.items():
        if worded and all(column in worded[0][0][0] for column in columns):
            found += _compared(metric, worded, pairing, notes)
    for column in pairing.means:
        both, left_out = _both(column.name, pairs, pairing)
        notes += left_out
        if both:
            found += _compared(column.name, both, pairing, notes)
    n_clusters = sorted({difference.n_clusters for difference in found})
    notes += [note for n in n_clusters if (note := cluster_note(n, UNITS[pairing.cluster_by]))]
    return found, notes


def _compared(metric: str, pairs: Sequence[Pair], pairing: _Pairing, notes: list[str]) -> list[Difference]:
    """Return the difference of a metric; nothing, with a note, where all prompts are of one cluster."""
    cluster_by, seed = pairing.cluster_by, pairing.seed
    clusters = [cluster_of(ours[0], cluster_by) for ours, _ in pairs]
    if len(set(clusters)) < 2:
        notes.append(f"{metric} is not compared: the rows are of one {cluster_by}, and a test needs several")
        return []
    top, bottom = RATES.get(metric, (metric, ""))
    first, second = ([_mean(rows, top) for rows in system] for system in zip(*pairs, strict=True))
    if not bottom:
        return [mean_difference(metric, first, second, clusters, seed)]
    return [rate_difference(metric, first, second, [ours[0][bottom] for ours, _ in pairs], clusters, seed)]


def _mean(rows: Sequence[Mapping[str, Any]], column: str) -> float:
    values = [row[column] for row in rows if row[column] is not None]
    return sum(values) / len(values)


def _both(metric: str, pairs: Sequence[Pair], pairing: _Pairing) -> tuple[list[Pair], list[str]]:
    """Return the prompts whose values of a metric are comparable, and notes on those left out."""
    both = [pair for pair in pairs if all(any(row[metric] is not None for row in rows) for rows in pair)]
    compared_with = "compared_with" if metric == "similarity" else "natural_sha256"
    if metric != "similarity" and metric not in pairing.against_natural:
        return both, []
    same = [(a, b) for a, b in both if a[0][compared_with] == b[0][compared_with]]
    n_other = len(both) - len(same)
    return same, (
        [f"{metric} of {n_other} texts is left out: measured against different recordings"] if n_other else []
    )


def table(comparison: Comparison) -> str:
    """Return the comparison as Markdown."""
    columns = {column.name: column for column in comparison.columns}
    lines = [
        f"{comparison.second} against {comparison.first}: {comparison.n_common} texts in both"
        + (f", {comparison.n_left_out} in one only and left out" if comparison.n_left_out else ""),
        "",
        "| metric | difference | 95 % interval | p | p, Holm | detectable | pairs | clusters | test |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for d in comparison.differences:
        lines.append(f"| {_cells(d, comparison.adjusted.get(d.metric), columns.get(d.metric))} |")
    for group, values in comparison.groups.items():
        for value, differences in values.items():
            lines += [
                f"| {group} {markdown(value)}: {_cells(d, None, columns.get(d.metric), in_group=True)} |"
                for d in differences
            ]
    scales = {name: scale_line(scale) for name, scale in comparison.scales.items()}
    if len(set(scales.values())) == 1:
        lines += ["", f"Similarity: {next(iter(scales.values()))}."]
    elif scales:
        lines += ["", *(f"Similarity in {name}: {line}." for name, line in scales.items())]
    lines += ["", *(f"{note[0].upper()}{note[1:]}." for note in comparison.notes)] if comparison.notes else []
    lines += ["", *_planning(comparison)]
    return "\n".join(lines)


LEVEL = 0.05  # of p-values, Holm-corrected


def verdict(comparison: Comparison) -> str:
    """One sentence: gains and losses of the second system against the first, and metrics without a difference."""
    names = [name.rpartition(":")[2] for name in (comparison.second, comparison.first)]
    by_name = {column.name: column for column in (WER_IN_WORDS, SIMILARITY, *comparison.columns)}
    found = [
        _in_words(d, comparison.adjusted.get(d.metric), by_name[d.metric])
        for d in comparison.differences
        if d.metric in by_name
    ]
    return f"{names[0]} against {names[1]}: {'; '.join(found) or 'nothing can be compared'}."


def _in_words(d: Difference, p: float | None, column: Column) -> str:
    size = f"{abs(d.difference) * column.scale:.{column.digits}f}{_unit(column)}"
    higher = "higher" if d.difference > 0 else "lower"
    if not d.difference:
        return f"{column.title} the same"
    if p is None:
        return f"{column.title} {higher} by {size}, on too few texts for a test"
    if p >= LEVEL:
        sign = "+" if d.difference >= 0 else "-"
        return f"no difference in {column.title} can be shown ({sign}{size}, p = {p:.2g})"
    better = "better" if higher == column.direction else "worse"
    return f"{column.title} {higher if column.direction == 'none' else better} by {size} (p = {max(p, 1e-4):.2g})"


def _planning(comparison: Comparison) -> list[str]:
    """Return the needed size of a set, and the variance components, as lines of Markdown."""
    lines = []
    if comparison.needed:
        lines += ["Shown at the 5 % level four times out of five over:", "", *needed_table(comparison.needed)]
        if any(None in one.by_readings.values() for one in comparison.needed if one.unit == "prompts"):
            lines += ["", "The effect of more readings per prompt can be estimated from runs with n_seeds=2 or more."]
    for name, found in comparison.scatter.items():
        if found and any(c.n_runs * c.n_recognizers * c.n_readings > 1 for c in found):
            lines += [
                "",
                f"Where the scatter of {name} comes from, as the standard deviation of one utterance (and",
            ]
            lines[-1] += f" share of the variance); {_sizes(found[0])}:"
            lines += ["", *scatter_table(found)]
            lines += ["", *dict.fromkeys(f"{r[0].upper()}{r[1:]}." for c in found for r in c.remarks())]
    return lines


def _sizes(c: Components) -> str:
    counts = {
        "prompts": c.n_prompts,
        "training runs": c.n_runs,
        "recognizers": c.n_recognizers,
        "readings": c.n_readings,
    }
    return ", ".join(f"{n} {what if n != 1 else what[:-1]}" for what, n in counts.items())


def _unit(column: Column) -> str:
    return f" {column.unit}" if column.unit else ""


def _cells(d: Difference, adjusted: float | None, column: Column | None, in_group: bool = False) -> str:
    """Cells of a difference; `column` is that of a metric, None for error rates and similarity."""
    scale, unit = (100.0, " %") if d.metric in RATES else (1.0, "")
    if column is not None:
        scale, unit = column.scale, _unit(column)
    ends = "–"
    if d.interval is not None:
        ends = f"{scale * d.interval.low:+.3f} to {scale * d.interval.high:+.3f}{unit}"
    p, p_holm = ("–" if value is None else f"{value:.4f}" for value in (d.p, adjusted))
    detectable = "–" if d.detectable is None else f"{scale * d.detectable:.3f}{unit}"
    cells = [d.metric, f"{scale * d.difference:+.3f}{unit}", ends, p, "" if in_group else p_holm, detectable,
             str(d.n_pairs), str(d.n_clusters), d.test]  # fmt: skip
    return " | ".join(cells)
