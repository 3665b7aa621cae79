"""The measuring stages of declared metrics: for each metric, one folder of rows per system."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tts_toolkit.audio.waveforms import load_waveform
from tts_toolkit.data.test_sets import Prompt
from tts_toolkit.evaluation.metrics.base import Declared, Metric, Sample, declared, values_of
from tts_toolkit.evaluation.plan import NATURAL, Plan
from tts_toolkit.evaluation.stage_log import Row, key_of
from tts_toolkit.evaluation.stages import RowMeasure, finite, identity, measure_rows
from tts_toolkit.system.memory import free_memory
from tts_toolkit.system.processes import Processes
from tts_toolkit.text.cues import without_cues

METRIC = "metric-1"  # part of every key; to be changed with the input of metrics
Rows = Mapping[str, Row]  # by prompt id


@dataclass(frozen=True)
class MeasuredMetric:
    """The declaration of a metric, and its rows by system."""

    metric: Declared
    rows: Mapping[str, Rows]


def measure_metrics(plan: Plan, spoken: Mapping[str, Rows], processes: Processes) -> list[MeasuredMetric]:
    """Rows of every metric for every system; a metric is freed before the next one is opened."""
    found = []
    for open_metric in plan.metrics.values():
        found.append(_measure_metric(plan, open_metric(), spoken, processes))
        free_memory()
    return found


def natural_hashes(spoken: Mapping[str, Rows]) -> dict[str, str]:
    """Hash of each text's natural recording, by prompt id; texts without one are left out."""
    return {id_: str(row["sha256"]) for id_, row in _synthesized(spoken.get(NATURAL, {})).items()}


def _synthesized(rows: Rows) -> dict[str, Row]:
    return {id_: row for id_, row in rows.items() if row["status"] == "spoken"}


def _measure_metric(plan: Plan, metric: Metric, spoken: Mapping[str, Rows], processes: Processes) -> MeasuredMetric:
    known = declared(metric)
    who = key_of(METRIC, identity(metric, metric.version), known.values)
    prompts = {prompt.id: prompt for prompt in plan.utterances}
    rows = {}
    for system, speech in spoken.items():
        inputs = _inputs(
            plan, system, _synthesized(speech), prompts, spoken.get(NATURAL, {}) if known.needs_reference else {}
        )
        todo = inputs.compared if known.needs_reference else inputs.made
        keys = {id_: inputs.key(id_, who) for id_ in todo}
        folder = plan.folder(system) / metric.name
        found = measure_rows(folder, keys, inputs.made, _opening(metric, inputs), processes)
        rows[system] = {**inputs.absent, **found} if known.needs_reference else found
    return MeasuredMetric(known, rows)


def _opening(metric: Metric, inputs: _Inputs) -> Callable[[], RowMeasure]:
    """Opener of a row's measure: the metric on the row's speech and the natural recording of its text."""

    def measure(id_: str) -> Mapping[str, Any]:
        return finite(values_of(metric, inputs.speech(id_), inputs.reference(id_)))

    return lambda: measure


@dataclass(frozen=True)
class _Inputs:
    """The speech of one system, with the natural recordings that it is compared with."""

    plan: Plan
    system: str
    made: Rows
    prompts: Mapping[str, Prompt]
    compared: Rows  # row of the natural recording, by id of the speech; empty unless the metric needs a reference
    absent: Rows  # with the reason, for speech that is not compared

    def key(self, id_: str, who: str) -> str:
        """Key of a row: the metric, both waveforms, and the text."""
        natural = self.compared[id_]["sha256"] if id_ in self.compared else None
        return key_of(who, self.made[id_]["sha256"], natural, *self._text(id_))

    def speech(self, id_: str) -> Sample:
        return self._sample(id_, self.system, self.made[id_])

    def reference(self, id_: str) -> Sample | None:
        return self._sample(id_, NATURAL, self.compared[id_]) if id_ in self.compared else None

    def _sample(self, id_: str, system: str, row: Row) -> Sample:
        return Sample(load_waveform(self.plan.folder(system) / "wavs" / row["wav"]), *self._text(id_))

    def _text(self, id_: str) -> tuple[str, str]:
        prompt = self.prompts[id_]
        return without_cues(prompt.text), prompt.language or self.plan.language


def _inputs(plan: Plan, system: str, made: Rows, prompts: Mapping[str, Prompt], natural: Rows) -> _Inputs:
    """Inputs of a metric for one system; natural recordings are not compared with themselves."""
    of_text = {id_: natural.get(prompts[id_].prompt_id) for id_ in made if system != NATURAL}
    compared = {id_: row for id_, row in of_text.items() if row and row["status"] == "spoken"}
    absent = {
        id_: {"id": id_, "reason": f"the natural recording: {row['reason']}" if row else ""}
        for id_, row in of_text.items()
        if id_ not in compared
    }
    return _Inputs(plan, system, made, prompts, compared, absent)
