"""A benchmark from prompts to tables: plan, synthesize, transcribe, embed, score, report, each stage on disk."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tts_toolkit.assets import asset_path
from tts_toolkit.audio import load_waveform, sound_files
from tts_toolkit.benchmark.processes import Processes
from tts_toolkit.benchmark.prompts import Prompt
from tts_toolkit.benchmark.rows import Row, Stage, key_of
from tts_toolkit.benchmark.score import Measured, score_rows, sum_up
from tts_toolkit.benchmark.stages import (
    embedding,
    embedding_of,
    file_name,
    hypothesis_of,
    identity,
    measure,
    synthesize,
)
from tts_toolkit.errors import UserError
from tts_toolkit.families.interface import Family
from tts_toolkit.families.recordings import Recordings
from tts_toolkit.files import write_whole
from tts_toolkit.scoring.protocols import Protocol
from tts_toolkit.scoring.recognisers import Recogniser
from tts_toolkit.scoring.verification import SimilarityScale, similarity_scale, speaker_references
from tts_toolkit.speakers.encoders import SpeakerEncoder

log = logging.getLogger(__name__)
NATURAL = "natural"


@dataclass(frozen=True)
class Plan:
    """What is to be done, by whom and how it is read."""

    systems: Mapping[str, Callable[[], Family]]  # opened when their turn comes, let go after it
    prompts: Sequence[Prompt]
    recogniser: Callable[[], Recogniser]
    judge: Callable[[], SpeakerEncoder] | None
    protocols: Sequence[Protocol]
    output_dir: Path
    seed: int = 0
    batch_size: int = 16
    cluster_by: str = "id"  # or speaker: what is drawn again for intervals
    background: str | None = "demo-voice"  # recordings of somebody else, for the different-speaker floor
    allow_same_encoder: bool = False
    quality: Callable[[], Callable[[np.ndarray], Mapping[str, float]]] | None = None


@dataclass(frozen=True)
class Results:
    """The table of every system with what it sums up to."""

    rows: Mapping[str, list[dict[str, Any]]]
    summary: Mapping[str, Any]


def run(plan: Plan, processes: Processes) -> Results | None:
    """Return the results, or None on processes that only helped; raises UserError when the plan cannot be judged."""
    systems = dict(plan.systems)
    if any(prompt.reference and prompt.same_text for prompt in plan.prompts) and NATURAL not in systems:
        systems = {NATURAL: lambda: Recordings(NATURAL), **systems}
    planned = _plan_stage(plan, processes)
    spoken, facts = {}, {}
    judge_name = plan.judge().name if plan.judge else None
    for name, open_family in systems.items():
        spoken[name], facts[name] = _speak(plan, name, open_family(), judge_name, processes)
    hypotheses, recogniser = _listen(plan, spoken, processes)
    embeddings, references, scale, judge = _judge(plan, spoken, processes)
    qualities = _rate_signals(plan, spoken, processes)
    if not processes.is_first:
        return None
    rows, summaries = {}, {}
    for name in systems:
        measured = Measured(spoken[name], hypotheses[name], embeddings.get(name, {}), qualities.get(name, {}))
        rows[name] = score_rows(plan.prompts, measured, references)
        figures = sum_up(rows[name], plan.protocols, scale, plan.cluster_by, facts[name]["played_back"])
        summaries[name] = figures | facts[name]
    return Results(
        rows,
        {
            "systems": summaries,
            "recogniser": recogniser,
            "judge": judge,
            "similarity_scale": asdict(scale) if scale else None,
            "seed": plan.seed,
            "batch_size": plan.batch_size,
            "intervals": f"95 %, bootstrap over {plan.cluster_by}, BCa",
            "plan": planned,
        },
    )


def _plan_stage(plan: Plan, processes: Processes) -> str:
    """Write what is planned and return its hash."""
    planned = [asdict(replace(prompt, source="")) for prompt in plan.prompts]
    if processes.is_first:
        stage = Stage(plan.output_dir / "plan", {row["id"]: key_of(row) for row in planned})
        if not stage.complete:
            stage.append(planned)
            stage.finish()
    return key_of(planned)


def _folder(plan: Plan, system: str) -> Path:
    return plan.output_dir / "systems" / file_name(system)


def _speak(
    plan: Plan, name: str, family: Family, judge: str | None, processes: Processes
) -> tuple[dict[str, Row], dict[str, Any]]:
    """Return a system's rows and the facts about it. The family is let go with the end of this call."""
    if judge is not None and family.conditioned_by == judge and not plan.allow_same_encoder:
        raise UserError(
            f"the system {name!r} is conditioned by the encoder {judge!r}, which would judge its own work; choose "
            "another judge, or set allow_same_encoder=true"
        )
    folder = _folder(plan, name)
    facts_file = folder / "facts.json"
    if processes.is_first:
        _report_coverage(name, family, plan.prompts)
    rows = synthesize(family, plan.prompts, folder, plan.seed, plan.batch_size, processes)
    key = key_of(identity(family, family.version))
    known = json.loads(facts_file.read_text()) if facts_file.is_file() else {}
    if known.get("key") != key:
        known = {
            "key": key,
            "checkpoint": family.name,
            "version": family.version,
            "n_parameters": family.n_parameters,
            "conditioned_by": family.conditioned_by,
            "played_back": isinstance(family, Recordings),
        }
        if processes.is_first:
            write_whole(facts_file, json.dumps(known, indent=2).encode())
    peaks = [row["peak_memory_bytes"] for row in rows.values() if row.get("peak_memory_bytes")]
    facts = {fact: value for fact, value in known.items() if fact != "key"}
    return rows, facts | {"peak_memory_bytes": max(peaks, default=None) if not facts["played_back"] else None}


def _report_coverage(name: str, family: Family, prompts: Sequence[Prompt]) -> None:
    """Log what a system cannot say, before it speaks."""
    reports = [family.coverage(prompt.text) for prompt in prompts]
    affected: dict[str, list[tuple[str, ...]]] = {
        "drops": [report.dropped for report in reports if report.dropped],
        "does not know": [report.unknown for report in reports if report.unknown],
        "cuts tokens off": [(str(report.n_truncated),) for report in reports if report.n_truncated],
    }
    for what, found in affected.items():
        if found:
            pieces = " ".join(sorted({piece for pieces in found for piece in pieces}))
            log.warning("%s %s in %d of %d texts: %s", name, what, len(found), len(prompts), pieces[:200])


def _listen(
    plan: Plan, spoken: Mapping[str, Mapping[str, Row]], processes: Processes
) -> tuple[dict[str, dict[str, Row]], dict[str, str]]:
    recogniser = plan.recogniser()
    who, one = identity(recogniser, recogniser.version), hypothesis_of(recogniser)
    heard = {
        name: measure(_folder(plan, name) / "transcripts", who, rows, _folder(plan, name) / "wavs", one, processes)
        for name, rows in spoken.items()
    }
    return heard, {"name": recogniser.name, "version": recogniser.version}


def _judge(
    plan: Plan, spoken: Mapping[str, Mapping[str, Row]], processes: Processes
) -> tuple[dict[str, dict[str, Row]], dict[str, np.ndarray], SimilarityScale | None, dict[str, str] | None]:
    """Return every system's embeddings, what each prompt is compared with, the scale, and who judged."""
    references = {prompt.id: prompt.reference for prompt in plan.prompts if prompt.reference}
    if plan.judge is None or not references:
        return {}, {}, None, None
    judge = plan.judge()
    who, one = identity(judge, judge.version), embedding_of(judge)
    embedded = {
        name: measure(_folder(plan, name) / "embeddings", who, rows, _folder(plan, name) / "wavs", one, processes)
        for name, rows in spoken.items()
    }
    recorded = synthesize(
        Recordings("references"), _with_references(plan), plan.output_dir / "references", 0, 1, processes
    )
    folder = plan.output_dir / "references"
    rows = measure(folder / "embeddings", who, recorded, folder / "wavs", one, processes)
    vectors = {id_: vector for id_, row in rows.items() if (vector := embedding(row)) is not None}
    if not vectors:
        raise UserError("no reference recording can be embedded; see the reasons in the rows of 'references'")
    compared, scale = _references(plan, vectors, judge)
    return embedded, compared, scale, {"name": judge.name, "version": judge.version}


def _with_references(plan: Plan) -> list[Prompt]:
    return [prompt for prompt in plan.prompts if prompt.reference]


def _references(
    plan: Plan, vectors: Mapping[str, np.ndarray], judge: SpeakerEncoder
) -> tuple[dict[str, np.ndarray], SimilarityScale]:
    chosen = [prompt for prompt in plan.prompts if prompt.id in vectors]
    stacked, speakers = np.stack([vectors[prompt.id] for prompt in chosen]), [prompt.speaker for prompt in chosen]
    others = speaker_references(stacked, speakers)
    compared = {prompt.id: others[row] if prompt.same_text else stacked[row] for row, prompt in enumerate(chosen)}
    background = _background(plan.background, judge)
    return compared, similarity_scale(stacked, speakers, background)


def _background(folder: str | None, judge: SpeakerEncoder, n_clips: int = 20) -> np.ndarray | None:
    """Return the embeddings (n, dim) of recordings of somebody outside the set."""
    if folder is None:
        return None
    clips = list(sound_files(asset_path(folder)).values())[:n_clips]
    if not clips:
        raise UserError(f"background={folder}: no recordings there; give a folder of them, or null")
    return np.stack([judge.embed(load_waveform(clip)) for clip in clips])


def _rate_signals(
    plan: Plan, spoken: Mapping[str, Mapping[str, Row]], processes: Processes
) -> dict[str, dict[str, Row]]:
    if plan.quality is None:
        return {}
    one = plan.quality()
    return {
        name: measure(_folder(plan, name) / "quality", "dnsmos", rows, _folder(plan, name) / "wavs", one, processes)
        for name, rows in spoken.items()
    }
