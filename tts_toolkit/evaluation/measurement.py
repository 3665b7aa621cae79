"""Measurements of synthesized speech: transcripts and speaker embeddings, one model at a time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from tts_toolkit.components import PROBE
from tts_toolkit.data.test_sets import Prompt
from tts_toolkit.evaluation.aggregation import Reference
from tts_toolkit.evaluation.metrics.speaker_similarity import SimilarityScale, similarity_scale, speaker_references
from tts_toolkit.evaluation.plan import Plan
from tts_toolkit.evaluation.stage_log import Row, key_of
from tts_toolkit.evaluation.stages import Measure, embedding, embedding_of, hypothesis_of, identity, measure, synthesize
from tts_toolkit.evaluation.validation import background_files, described
from tts_toolkit.models.recordings import Recordings
from tts_toolkit.system.processes import Processes

log = logging.getLogger(__name__)
TRANSCRIBING = "hearing-2"  # part of every key; to be changed with the way recognizers are called
EMBEDDING = "embedding-2"  # part of every key; to be changed with the contents of an embedding's row


def transcribe_all(
    plan: Plan, spoken: Mapping[str, Mapping[str, Row]], processes: Processes
) -> tuple[dict[str, dict[str, Row]] | None, dict[str, str] | None]:
    """Transcripts of every system's speech, and the recognizer's name and version; None without a recognizer."""
    if plan.recognizer is None:
        return None, None
    recognizer = plan.recognizer()
    who = key_of(TRANSCRIBING, identity(recognizer, recognizer.version))
    one = hypothesis_of(recognizer)
    return _measure_all(plan, "transcripts", who, spoken, lambda: one, processes), described(recognizer)


def _measure_all(
    plan: Plan,
    stage: str,
    who: str,
    spoken: Mapping[str, Mapping[str, Row]],
    open_measure: Callable[[], Measure],
    processes: Processes,
) -> dict[str, dict[str, Row]]:
    """Return the rows of one measuring stage for every system."""
    return {
        name: measure(plan.folder(name) / stage, who, rows, plan.folder(name) / "wavs", open_measure, processes)
        for name, rows in spoken.items()
    }


@dataclass(frozen=True)
class Similarities:
    """Speaker embeddings of every system, and the references that they are compared with."""

    embeddings: Mapping[str, Mapping[str, Row]]
    compared: Mapping[str, Reference]  # by prompt id
    compared_with_others: Mapping[str, Reference]  # without texts whose speaker has no other recording
    scale: SimilarityScale | None
    speaker_verifier: Mapping[str, str] | None
    references: str  # a hash of the recordings; empty without any


def measure_similarity(plan: Plan, spoken: Mapping[str, Mapping[str, Row]], processes: Processes) -> Similarities:
    """Return the embeddings of every system's speech and of the reference recordings."""
    if plan.speaker_verifier is None or not plan.measures_similarity:
        return Similarities({}, {}, {}, None, None, "")
    encoder = plan.speaker_verifier()
    who = key_of(EMBEDDING, identity(encoder, encoder.version))

    @cache
    def open_measure() -> Measure:
        encoder.embed(PROBE)  # loads it: a failure here is the verifier's, a later one the clip's
        return embedding_of(encoder)

    embedded = _measure_all(plan, "embeddings", who, spoken, open_measure, processes)
    recorded, rows = _embed_recordings(plan, "references", _references(plan), who, open_measure, processes)
    vectors = {id_: vector for id_, row in rows.items() if (vector := embedding(row)) is not None}
    absent = {
        id_: Reference(None, reason=_missing_reason(row, rows.get(id_)))
        for id_, row in recorded.items()
        if id_ not in vectors
    }
    if not vectors:  # the rows hold the reasons; speech and transcripts are kept
        log.warning("no reference recording can be embedded; the first: %s", next(iter(absent.values())).reason)
        return Similarities(embedded, absent, absent, None, described(encoder), "")
    background = _background(plan, vectors, who, open_measure, processes)
    compared, with_others, scale = _compared(plan, vectors, recorded, background)
    references = key_of(sorted((id_, recorded[id_]["sha256"]) for id_ in vectors))
    return Similarities(embedded, compared | absent, with_others | absent, scale, described(encoder), references)


def _embed_recordings(
    plan: Plan,
    name: str,
    prompts: Sequence[Prompt],
    who: str,
    open_measure: Callable[[], Measure],
    processes: Processes,
) -> tuple[dict[str, Row], dict[str, Row]]:
    """Return the synthesis rows and the embedding rows of recordings outside the systems."""
    folder = plan.output_dir / name
    recorded = synthesize(Recordings(name, channel=plan.channel), prompts, folder, 0, 1, processes)
    return recorded, measure(folder / "embeddings", who, recorded, folder / "wavs", open_measure, processes)


def _missing_reason(recorded: Row, embedded: Row | None) -> str:
    """Return the reason for a recording's missing embedding."""
    return str(recorded["reason"] or (embedded or {}).get("error") or (embedded or {}).get("reason"))


def _references(plan: Plan) -> list[Prompt]:
    """Return prompts whose reference is that of similarity: the voice to imitate, if any."""
    chosen = [replace(prompt, reference=prompt.voice_reference or prompt.reference) for prompt in plan.prompts]
    return [prompt for prompt in chosen if prompt.reference and not prompt.fault]


def _compared(
    plan: Plan, vectors: Mapping[str, np.ndarray], recorded: Mapping[str, Row], background: np.ndarray | None
) -> tuple[dict[str, Reference], dict[str, Reference], SimilarityScale]:
    """Return the reference of each prompt, those made of other recordings only, and the scale.

    A recording of the text itself is left out of its own comparison; a recording that many prompts share counts once.
    """
    chosen = [prompt for prompt in plan.prompts if prompt.id in vectors]
    digests = {id_: recorded[id_]["sha256"] for id_ in vectors}
    first = {digests[prompt.id]: prompt for prompt in reversed(chosen)}
    recordings = list(first)
    stacked = np.stack([vectors[first[digest].id] for digest in recordings])
    speakers = [first[digest].speaker for digest in recordings]
    others = dict(zip(recordings, speaker_references(stacked, speakers), strict=True))
    alone = {digest for digest, name in zip(recordings, speakers, strict=True) if speakers.count(name) == 1}
    of_speaker: dict[str, list[str]] = {}
    for digest, name in zip(recordings, speakers, strict=True):
        of_speaker.setdefault(name, []).append(digest)

    def reference(prompt: Prompt) -> Reference:
        digest = digests[prompt.id]
        if prompt.voice_reference:
            return Reference(vectors[prompt.id], key_of(digest), wav=recorded[prompt.id]["wav"])
        mean_of = sorted(set(of_speaker[first[digest].speaker]) - {digest}) or [digest]
        return Reference(others[digest], key_of(*mean_of))

    compared = {prompt.id: reference(prompt) for prompt in chosen}
    with_others = {
        prompt.id: compared[prompt.id] for prompt in chosen if prompt.voice_reference or digests[prompt.id] not in alone
    }
    return compared, with_others, similarity_scale(stacked, speakers, background)


def _background(
    plan: Plan, vectors: Mapping[str, np.ndarray], who: str, open_measure: Callable[[], Measure], processes: Processes
) -> np.ndarray | None:
    """Return the embeddings (n, dim) of recordings outside the set, where the set has one speaker only."""
    speakers = {prompt.speaker for prompt in plan.prompts if prompt.id in vectors}
    if plan.background is None or len(speakers) > 1:
        return None
    prompts = [Prompt(file.stem, file.stem, reference=str(file)) for file in background_files(plan.background)]
    recorded, rows = _embed_recordings(plan, "background", prompts, who, open_measure, processes)
    found = [vector for row in rows.values() if (vector := embedding(row)) is not None]
    if not found:
        reasons = [_missing_reason(row, rows.get(id_)) for id_, row in recorded.items()]
        log.warning("background=%s: no recording can be embedded; the first: %s", plan.background, reasons[0])
        return None
    return np.stack(found)
