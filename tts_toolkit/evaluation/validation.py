"""Fail-fast validation of a benchmark plan, before any synthesis."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Set
from pathlib import Path
from typing import Any

from tts_toolkit.assets import asset_path
from tts_toolkit.audio.table_cells import is_there
from tts_toolkit.audio.waveforms import sound_files
from tts_toolkit.components import PROBE, open_parts
from tts_toolkit.evaluation.aggregation import reserved_names
from tts_toolkit.evaluation.metrics.base import Declared, Metric, Sample, check_names, declared, values_of
from tts_toolkit.evaluation.plan import Plan
from tts_toolkit.evaluation.stages import reason_of
from tts_toolkit.models.base import Synthesizer
from tts_toolkit.speakers.encoders import SpeakerEncoder
from tts_toolkit.speakers.registry import is_same_encoder
from tts_toolkit.system.errors import UserError
from tts_toolkit.system.memory import free_memory
from tts_toolkit.system.reading import read_json

log = logging.getLogger(__name__)
CLUSTERS = ("id", "speaker")


def check(plan: Plan, planned: str) -> None:
    """Raise UserError for unusable settings, recordings, recognizers, verifiers and metrics.

    `planned` is the hash of the prompts: models that already scored a finished run of them are not loaded again.
    """
    check_clusters(plan.cluster_by, {prompt.speaker for prompt in plan.prompts})
    _check_readings(plan)
    _check_recordings(plan)
    known = _finished(plan, planned)
    parts: dict[str, Callable[[], Any]] = {
        "asr": _opening("recognizer", plan.recognizer, lambda worker: worker.transcribe(PROBE), known)
    }
    if plan.measures_similarity:
        parts["speaker_verifier"] = _opening(
            "speaker_verifier", plan.speaker_verifier, lambda worker: worker.embed(PROBE), known
        )
    parts |= {
        _option(name): _opening_metric(_option(name), plan, open_metric, known)
        for name, open_metric in plan.metrics.items()
    }
    opened = open_parts(parts)
    check_names([opened[_option(name)] for name in plan.metrics], reserved_names() if plan.metrics else ())
    if not plan.measures_similarity:
        return
    if plan.speaker_verifier is not None and not plan.allow_same_encoder:
        speaker_verifier = plan.speaker_verifier()
        for name, open_synthesizer in plan.systems.items():
            _check_independent(name, conditioned_by(open_synthesizer), speaker_verifier)


def check_clusters(cluster_by: str, speakers: Set[str]) -> None:
    """Raise UserError when texts of these speakers do not form such clusters."""
    if cluster_by not in CLUSTERS:
        raise UserError(f"cluster_by={cluster_by}: allowed are {' and '.join(CLUSTERS)}")
    if cluster_by == "speaker" and len(speakers) < 2:
        raise UserError("cluster_by=speaker: the texts are of one speaker, and intervals need several; use id")


def _check_readings(plan: Plan) -> None:
    """Refuse a number of readings below one, and ids that collide with the id of another text's reading."""
    if plan.n_seeds < 1:
        raise UserError(f"n_seeds={plan.n_seeds}: each text is read at least once; give 1 or more")
    ids = [utterance.id for utterance in plan.utterances]
    if len(set(ids)) < len(ids):
        taken = next(id_ for id_ in ids if ids.count(id_) > 1)
        raise UserError(f"n_seeds={plan.n_seeds}: the id {taken!r} is also that of another text's reading; rename it")


def _check_recordings(plan: Plan) -> None:
    """Refuse references that are all missing, a sign of a wrong path; a single missing one fails its row."""
    compares = plan.speaker_verifier is not None
    named = [p.voice_reference or p.reference if compares else p.reference for p in plan.prompts]
    referred = [name for name in named if name]
    if referred and not any(is_there(Path(name)) for name in referred):
        raise UserError(f"none of the {len(referred)} reference recordings exists, such as {referred[0]}")
    if referred and compares and plan.background is not None:
        background_files(plan.background)


def background_files(folder: str, n_files: int = 20) -> list[Path]:
    """Return recordings of a speaker outside the set; raises UserError where there are none."""
    place = asset_path(folder)
    found = list(sound_files(place).values())[:n_files] if place.is_dir() else []
    if not found:
        raise UserError(f"background={folder}: no recordings there; give a folder of them, or null")
    return found


def _finished(plan: Plan, planned: str) -> Mapping[str, Any]:
    """Return the summary of a finished run of the same texts and systems, or nothing."""
    file = plan.output_dir / "summary.json"
    try:
        summary = read_json(file, "it is written again") if file.is_file() else {}
    except UserError as error:
        log.warning("%s", error)
        return {}
    systems = summary.get("systems")
    same = summary.get("plan") == planned and isinstance(systems, dict) and set(plan.systems) <= set(systems)
    return summary if same else {}


def _opening(
    role: str, open_worker: Callable[[], Any] | None, try_out: Callable[[Any], object], known: Mapping[str, Any]
) -> Callable[[], None]:
    """A check that loads a recognizer or verifier and frees it; it raises UserError if that fails.

    One that already scored a finished run is not loaded again.
    """

    def check() -> None:
        if open_worker is None:
            return
        worker = open_worker()
        if known.get(role) != described(worker):
            _try_out(worker, try_out)
        del worker
        free_memory()

    return check


def _try_out(worker: Any, try_out: Callable[[Any], object]) -> None:
    """Use a recognizer, verifier or metric once; raises UserError if that fails."""
    try:
        try_out(worker)
    except UserError:
        raise
    except Exception as error:  # libraries raise any type of error
        raise UserError(f"{worker.name} cannot be used ({reason_of(error)})") from error


def _option(name: str) -> str:
    """The option that selects a metric."""
    return f"metrics=[{name}]"


def _opening_metric(
    option: str, plan: Plan, open_metric: Callable[[], Metric], known: Mapping[str, Any]
) -> Callable[[], Declared]:
    """A check that loads a metric, measures a second of noise, frees it and returns its declaration."""

    def check() -> Declared:
        metric = open_metric()
        found = declared(metric)
        if found.needs_reference and not any(prompt.reference for prompt in plan.prompts):
            raise UserError(
                f"{option}: {found.name} compares with the natural recording of each text, and no text has one; give "
                "references=FOLDER or leave it out"
            )
        if found.described() not in known.get("metrics", ()):
            _try_out(metric, lambda worker: values_of(worker, noise, noise if found.needs_reference else None))
        del metric
        free_memory()
        return found

    noise = Sample(PROBE, "a second of noise", plan.language)
    return check


def described(worker: Any) -> dict[str, str]:
    """Return the entry of a recognizer or a speaker verifier in a summary."""
    return {"name": worker.name, "version": worker.version}


def conditioned_by(open_synthesizer: Callable[[], Synthesizer]) -> str | None:
    """Return the encoder that conditions a system; None for one that cannot be opened: its rows hold the reason."""
    try:
        return open_synthesizer().conditioned_by
    except Exception:
        return None


def _check_independent(system: str, encoder: str | None, speaker_verifier: SpeakerEncoder) -> None:
    """Refuse a system's conditioning encoder as its speaker verifier, by name or as a copy of its weights."""
    if encoder is None:
        return
    if is_same_encoder(encoder, speaker_verifier):
        raise UserError(
            f"the system {system!r} is conditioned by the encoder {encoder!r}"
            + (
                ""
                if encoder in (speaker_verifier.name, speaker_verifier.version)
                else f", of which {speaker_verifier.name} is a copy"
            )
            + ", which would score its own work; choose another speaker verifier, or set allow_same_encoder=true"
        )
