"""A benchmark from prompts to tables: plan, synthesize, transcribe, embed, score, report, each stage on disk."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import Any

from tts_toolkit.data.test_sets import Prompt
from tts_toolkit.evaluation.aggregation import UNITS, Measured, headline, score_rows, sum_up
from tts_toolkit.evaluation.measurement import Similarities, measure_similarity, transcribe_all
from tts_toolkit.evaluation.metric_stages import MeasuredMetric, measure_metrics, natural_hashes
from tts_toolkit.evaluation.metrics.base import columns_of
from tts_toolkit.evaluation.plan import NATURAL as NATURAL
from tts_toolkit.evaluation.plan import Plan
from tts_toolkit.evaluation.stage_log import SUM, Row, Stage, has_failed, key_of
from tts_toolkit.evaluation.stages import failed_row, identity, reason_of, synthesize
from tts_toolkit.evaluation.statistics.intervals import cluster_note
from tts_toolkit.evaluation.validation import check
from tts_toolkit.hub.tokens import without_token
from tts_toolkit.models.base import Synthesizer
from tts_toolkit.models.recordings import Recordings
from tts_toolkit.nn.devices import hardware
from tts_toolkit.system.files import write_whole
from tts_toolkit.system.memory import free_memory
from tts_toolkit.system.processes import Processes

log = logging.getLogger(__name__)
FACTS = "facts-2"  # part of their key; to be changed with the facts of a system


@dataclass(frozen=True)
class Results:
    """The rows of every system, and their summary."""

    rows: Mapping[str, list[dict[str, Any]]]
    summary: Mapping[str, Any]


def run(plan: Plan, processes: Processes) -> Results | None:
    """Return the results, or None on all processes but the first; raises UserError for a plan that cannot be run.

    The recognizer, the speaker verifier and the metrics load before synthesis. A system that cannot be
    opened becomes failed rows.
    """
    planned = key_of(plan.planned)
    check(plan, planned)
    systems = dict(plan.systems)
    if any(prompt.reference for prompt in plan.prompts) and NATURAL not in systems:
        systems = {NATURAL: lambda: Recordings(NATURAL, channel=plan.channel), **systems}
    _plan_stage(plan, processes)
    spoken, facts = {}, {}
    for name, open_synthesizer in systems.items():
        spoken[name], facts[name] = _synthesize_system(plan, name, open_synthesizer, processes)
        free_memory()
    hypotheses, recognizer = transcribe_all(plan, spoken, processes)
    free_memory()
    similarities = measure_similarity(plan, spoken, processes)
    free_memory()
    metrics = measure_metrics(plan, spoken, processes)
    if not processes.is_first:
        return None
    found = _Found(spoken, facts, hypotheses, recognizer, similarities, metrics)
    rows = {name: _scored(plan, name, found) for name in systems}
    return Results(rows, {**_summed_up(plan, rows, found), "plan": planned})


@dataclass(frozen=True)
class _Found:
    """Results of the stages, by system."""

    spoken: Mapping[str, Mapping[str, Row]]
    facts: Mapping[str, Mapping[str, Any]]
    hypotheses: Mapping[str, Mapping[str, Row]] | None  # None: without a recognizer
    recognizer: Mapping[str, str] | None
    similarities: Similarities
    metrics: Sequence[MeasuredMetric]


def _scored(plan: Plan, system: str, found: _Found) -> list[dict[str, Any]]:
    """The table's rows of a system."""
    similarities = found.similarities
    measured = Measured(
        found.spoken[system],
        None if found.hypotheses is None else found.hypotheses[system],
        similarities.embeddings.get(system, {}),
        [(one.metric, one.rows[system]) for one in found.metrics],
        natural_hashes(found.spoken),
    )
    compared = similarities.compared if system != NATURAL else similarities.compared_with_others
    return score_rows(_prompts_of(plan, system), measured, compared, plan.language)


def _summed_up(plan: Plan, rows: Mapping[str, list[dict[str, Any]]], found: _Found) -> dict[str, Any]:
    """The summary of all systems' rows."""
    metrics, scale = [one.metric for one in found.metrics], found.similarities.scale
    columns = columns_of(metrics)
    systems = {
        name: {
            **sum_up(of_system, plan.protocols, scale, plan.cluster_by, found.facts[name]["played_back"], columns),
            **found.facts[name],
        }
        for name, of_system in rows.items()
    }
    return {
        "systems": systems,
        "recognizer": found.recognizer,
        "speaker_verifier": found.similarities.speaker_verifier,
        "metrics": [metric.described() for metric in metrics],
        "similarity_scale": asdict(scale) if scale else None,
        "references": found.similarities.references,
        "seed": plan.seed,
        "language": plan.language,
        "n_seeds": plan.n_seeds,
        "headline": headline([row for of_system in rows.values() for row in of_system]),
        "interval_notes": notes(systems, plan.cluster_by),
        "intervals": intervals(plan.cluster_by),
        "cluster_by": plan.cluster_by,
        "config": json.loads(without_token(json.dumps(plan.config, default=str))),
    }


def intervals(cluster_by: str) -> str:
    """Return the method of intervals, for reports."""
    unit = UNITS[cluster_by]
    return f"95 %, Student's t over {unit} on the scale of log-odds, exact binomial for shares of texts"


def notes(systems: Mapping[str, Mapping[str, Any]], cluster_by: str) -> list[str]:
    """Return notes on intervals over few clusters, or too few."""
    sizes = {figures["n_clusters"] for figures in systems.values()}
    return [note for n in sorted(sizes) if (note := cluster_note(n, UNITS[cluster_by]))]


def _prompts_of(plan: Plan, system: str) -> list[Prompt]:
    """Return the prompts of a system, in its voices; of the natural one, those with a recording, once each."""
    if system == NATURAL:
        return [prompt.for_system(system) for prompt in plan.prompts if prompt.reference]
    return [prompt.for_system(system) for prompt in plan.utterances]


def _plan_stage(plan: Plan, processes: Processes) -> None:
    """Write the plan."""
    planned = plan.planned
    if processes.is_first:
        stage = Stage(plan.output_dir / "plan", {row["id"]: key_of(row) for row in planned})
        if not stage.complete:
            stage.append(planned)
            stage.finish()


def _synthesize_system(
    plan: Plan, name: str, open_synthesizer: Callable[[], Synthesizer], processes: Processes
) -> tuple[dict[str, Row], dict[str, Any]]:
    """Return a system's rows and the facts about it. The synthesizer is freed when this returns."""
    prompts = _prompts_of(plan, name)
    faulty = {p.id: failed_row(p.id, f"{p.source}: {p.fault}") for p in prompts if p.fault}
    prompts = [prompt for prompt in prompts if not prompt.fault]
    try:
        synthesizer = open_synthesizer()
        key = key_of(FACTS, identity(synthesizer, synthesizer.version))
    except Exception as error:  # of a constructor or a broken checkpoint; the other systems go on
        reason = reason_of(_of_the_constructor(error))
        log.warning("%s cannot be opened: %s", name, reason)
        return {prompt.id: failed_row(prompt.id, reason) for prompt in prompts} | faulty, _facts(None, name)
    folder = plan.folder(name)
    rows = synthesize(synthesizer, prompts, folder, plan.seed, plan.batch_size, processes)
    facts = _known_facts(synthesizer, key, folder / "facts.json", rows) if processes.is_first else _facts(None, name)
    peaks = [row["peak_memory_bytes"] for row in rows.values() if row.get("peak_memory_bytes")]
    sizes = sorted({row["batch_size"] for row in rows.values() if "batch_size" in row})
    measured = None if facts["n_parameters"] is None else max(peaks, default=None)
    machines = sorted({row["synthesized_on"] for row in rows.values() if "synthesized_on" in row})
    return rows | faulty, facts | {"peak_memory_bytes": measured, "batch_sizes": sizes, "synthesized_on": machines}


def _of_the_constructor(error: Exception) -> Exception:
    """Return the error of a constructor, where a config system has wrapped it."""
    return error.__cause__ if isinstance(error.__cause__, Exception) else error


def _known_facts(synthesizer: Synthesizer, key: str, file: Path, rows: Mapping[str, Row]) -> dict[str, Any]:
    """Return the facts kept by an earlier run, or new ones, kept once any synthesis succeeded."""
    known = _kept_facts(file)
    if known.get("key") != key:
        has_speech = any(not has_failed(row) for row in rows.values())
        known = {"key": key} | _facts(synthesizer, synthesizer.name, synthesizer.n_parameters if has_speech else None)
        if has_speech:  # a system that failed throughout is not fully known
            write_whole(file, json.dumps(known | {SUM: key_of(known)}, indent=2).encode())
    return {fact: value for fact, value in known.items() if fact != "key"}


def _kept_facts(file: Path) -> dict[str, Any]:
    """Return the facts in a file; nothing where it is absent or damaged."""
    try:
        known = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    sum_ = known.pop(SUM, "") if isinstance(known, dict) else ""
    return known if sum_ and sum_ == key_of(known) else {}


def _facts(synthesizer: Synthesizer | None, name: str, n_parameters: int | None = None) -> dict[str, Any]:
    """Return the facts of a system for reports; of one that could not be opened, its name only."""
    return {
        "checkpoint": name,
        "version": "" if synthesizer is None else synthesizer.version,
        "n_parameters": n_parameters,
        "conditioned_by": None if synthesizer is None else synthesizer.conditioned_by,
        "played_back": isinstance(synthesizer, Recordings),
        "settings": _settings(synthesizer),
        "hardware": hardware(),
        "peak_memory_bytes": None,
        "batch_sizes": [],
        "synthesized_on": [],
    }


def _settings(synthesizer: Synthesizer | None) -> dict[str, Any]:
    """Return a synthesizer's options by name, without the hub token."""
    if synthesizer is None or not is_dataclass(synthesizer):
        return {}
    settings: dict[str, Any] = json.loads(without_token(json.dumps(asdict(synthesizer), default=str)))
    return settings
