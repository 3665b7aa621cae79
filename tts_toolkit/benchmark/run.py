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
from tts_toolkit.benchmark.prompts import Prompt
from tts_toolkit.benchmark.rows import Row, Stage, has_failed, key_of
from tts_toolkit.benchmark.score import Measured, score_rows, sum_up
from tts_toolkit.benchmark.stages import (
    embedding,
    embedding_of,
    failed_row,
    file_name,
    hypothesis_of,
    identity,
    measure,
    synthesize,
)
from tts_toolkit.devices import hardware
from tts_toolkit.errors import UserError
from tts_toolkit.families.interface import Family
from tts_toolkit.families.recordings import Recordings
from tts_toolkit.files import write_whole
from tts_toolkit.memory import free_memory
from tts_toolkit.processes import Processes
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
    language: str = "en"  # of texts that name none: whose words the strict protocol reads
    quality: Callable[[], Callable[[np.ndarray], Mapping[str, float]]] | None = None


@dataclass(frozen=True)
class Results:
    """The table of every system with what it sums up to."""

    rows: Mapping[str, list[dict[str, Any]]]
    summary: Mapping[str, Any]


def run(plan: Plan, processes: Processes) -> Results | None:
    """Return the results, or None on processes that only helped; raises UserError when the plan cannot be judged.

    What judges and listens is looked up before anything speaks. A system that cannot be opened becomes failed rows.
    """
    _check(plan)
    systems = dict(plan.systems)
    if any(prompt.reference for prompt in plan.prompts) and NATURAL not in systems:
        systems = {NATURAL: lambda: Recordings(NATURAL), **systems}
    planned = _plan_stage(plan, processes)
    spoken, facts = {}, {}
    for name, open_family in systems.items():
        spoken[name], facts[name] = _speak(plan, name, open_family, processes)
        free_memory()
    hypotheses, recogniser = _listen(plan, spoken, processes)
    free_memory()
    judged = _judge(plan, spoken, processes)
    free_memory()
    qualities = _rate_signals(plan, spoken, processes)
    if not processes.is_first:
        return None
    rows, summaries = {}, {}
    for name in systems:
        measured = Measured(spoken[name], hypotheses[name], judged.embeddings.get(name, {}), qualities.get(name, {}))
        compared = judged.compared if name != NATURAL else judged.compared_with_others
        rows[name] = score_rows(_prompts_of(plan, name), measured, compared, plan.language)
        figures = sum_up(rows[name], plan.protocols, judged.scale, plan.cluster_by, facts[name]["played_back"])
        summaries[name] = figures | facts[name]
    return Results(
        rows,
        {
            "systems": summaries,
            "recogniser": recogniser,
            "judge": judged.judge,
            "similarity_scale": asdict(judged.scale) if judged.scale else None,
            "references": judged.references,
            "seed": plan.seed,
            "language": plan.language,
            "intervals": f"95 %, bootstrap over {plan.cluster_by}, BCa",
            "plan": planned,
        },
    )


def _check(plan: Plan) -> None:
    """Raise UserError for what would come to nothing after hours."""
    if plan.cluster_by not in ("id", "speaker"):
        raise UserError(f"cluster_by={plan.cluster_by}: allowed are id and speaker")
    n_speakers = len({prompt.speaker for prompt in plan.prompts})
    if plan.cluster_by == "speaker" and n_speakers < 2:
        raise UserError("cluster_by=speaker: the texts are of one speaker, which leaves nothing to draw from; use id")
    _ = plan.recogniser().version
    if plan.judge is None:
        return
    judge = plan.judge()
    for name, open_family in plan.systems.items():
        encoder = _conditioned_by(open_family)
        if encoder is not None and encoder in (judge.name, judge.version) and not plan.allow_same_encoder:
            raise UserError(
                f"the system {name!r} is conditioned by the encoder {judge.name!r}, which would judge its own work; "
                "choose another judge, or set allow_same_encoder=true"
            )


def _conditioned_by(open_family: Callable[[], Family]) -> str | None:
    try:
        return open_family().conditioned_by
    except UserError:  # told when it is to speak
        return None


def _prompts_of(plan: Plan, system: str) -> list[Prompt]:
    """Return what a system is to say, in its voices: the natural one only what it was recorded with."""
    return [prompt.for_system(system) for prompt in plan.prompts if system != NATURAL or prompt.reference]


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
    plan: Plan, name: str, open_family: Callable[[], Family], processes: Processes
) -> tuple[dict[str, Row], dict[str, Any]]:
    """Return a system's rows and the facts about it. The family is let go with the end of this call."""
    prompts = _prompts_of(plan, name)
    try:
        family = open_family()
        key = key_of(identity(family, family.version))
    except UserError as error:
        return {prompt.id: failed_row(prompt.id, str(error)) for prompt in prompts}, _facts(None, name)
    folder = _folder(plan, name)
    rows = synthesize(family, prompts, folder, plan.seed, plan.batch_size, processes)
    facts_file = folder / "facts.json"
    known = json.loads(facts_file.read_text()) if facts_file.is_file() else {}
    if known.get("key") != key:
        known = {"key": key} | _facts(
            family if any(not has_failed(row) for row in rows.values()) else None, family.name
        )
        if processes.is_first:
            write_whole(facts_file, json.dumps(known, indent=2).encode())
    peaks = [row["peak_memory_bytes"] for row in rows.values() if row.get("peak_memory_bytes")]
    sizes = sorted({row["batch_size"] for row in rows.values() if "batch_size" in row})
    facts = {fact: value for fact, value in known.items() if fact != "key"}
    measured = None if facts["n_parameters"] is None else max(peaks, default=None)
    return rows, facts | {"peak_memory_bytes": measured, "batch_sizes": sizes}


def _facts(family: Family | None, name: str) -> dict[str, Any]:
    """Return what a report says of a system: of one that could not be opened, its name."""
    return {
        "checkpoint": name if family is None else family.name,
        "version": "" if family is None else family.version,
        "n_parameters": None if family is None else family.n_parameters,
        "conditioned_by": None if family is None else family.conditioned_by,
        "played_back": isinstance(family, Recordings),
        "hardware": hardware(),
        "peak_memory_bytes": None,
        "batch_sizes": [],
    }


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


@dataclass(frozen=True)
class Judged:
    """What the judge made of every system and of the recordings they are compared with."""

    embeddings: Mapping[str, Mapping[str, Row]]
    compared: Mapping[str, np.ndarray]  # (dim,) by prompt id: what each text's speech is compared with
    compared_with_others: Mapping[str, np.ndarray]  # the same without texts whose only recording is their own
    scale: SimilarityScale | None
    judge: Mapping[str, str] | None
    references: str  # a hash of the recordings; empty without any


def _judge(plan: Plan, spoken: Mapping[str, Mapping[str, Row]], processes: Processes) -> Judged:
    if plan.judge is None or not any(prompt.reference or prompt.voice_reference for prompt in plan.prompts):
        return Judged({}, {}, {}, None, None, "")
    judge = plan.judge()
    who, one = identity(judge, judge.version), embedding_of(judge)
    embedded = {
        name: measure(_folder(plan, name) / "embeddings", who, rows, _folder(plan, name) / "wavs", one, processes)
        for name, rows in spoken.items()
    }
    folder = plan.output_dir / "references"
    recorded = synthesize(Recordings("references"), _references(plan), folder, 0, 1, processes)
    rows = measure(folder / "embeddings", who, recorded, folder / "wavs", one, processes)
    vectors = {id_: vector for id_, row in rows.items() if (vector := embedding(row)) is not None}
    if not vectors:
        raise UserError(f"no reference recording can be embedded; the reasons stand in {folder}")
    if not processes.is_first:
        return Judged(embedded, {}, {}, None, None, "")
    digests = {id_: recorded[id_]["sha256"] for id_ in vectors}
    compared, with_others, scale = _compared(plan, vectors, digests, judge)
    who_judged = {"name": judge.name, "version": judge.version}
    return Judged(embedded, compared, with_others, scale, who_judged, key_of(sorted(digests.items())))


def _references(plan: Plan) -> list[Prompt]:
    """Return prompts whose reference is what similarity is measured against: the voice to imitate, if any."""
    chosen = [replace(prompt, reference=prompt.voice_reference or prompt.reference) for prompt in plan.prompts]
    return [prompt for prompt in chosen if prompt.reference]


def _compared(
    plan: Plan, vectors: Mapping[str, np.ndarray], digests: Mapping[str, str], judge: SpeakerEncoder
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], SimilarityScale]:
    """Return what each prompt is compared with, the same where that is another recording, and the scale.

    A recording of the text itself is left out of its own comparison; a recording that many prompts share counts once.
    """
    chosen = [prompt for prompt in plan.prompts if prompt.id in vectors]
    first = {digests[prompt.id]: prompt for prompt in reversed(chosen)}
    recordings = list(first)
    stacked = np.stack([vectors[first[digest].id] for digest in recordings])
    speakers = [first[digest].speaker for digest in recordings]
    others = dict(zip(recordings, speaker_references(stacked, speakers), strict=True))
    alone = {digest for digest, name in zip(recordings, speakers, strict=True) if speakers.count(name) == 1}
    compared = {
        prompt.id: vectors[prompt.id] if prompt.voice_reference else others[digests[prompt.id]] for prompt in chosen
    }
    with_others = {
        prompt.id: compared[prompt.id] for prompt in chosen if prompt.voice_reference or digests[prompt.id] not in alone
    }
    background = _background(plan.background, judge) if len(set(speakers)) == 1 else None
    return compared, with_others, similarity_scale(stacked, speakers, background)


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
