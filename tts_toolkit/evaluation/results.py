"""Scores of a system that spoke a list of sentences: every planned row has a status, and counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tts_toolkit.audio import SAMPLE_RATE_HZ
from tts_toolkit.errors import UserError
from tts_toolkit.evaluation.metrics.asr import Recognizer, transcribe
from tts_toolkit.evaluation.metrics.speaker_similarity import speaker_references
from tts_toolkit.speakers.encoders import SpeakerEncoder

Status = Literal["scored", "failed"]


@dataclass(frozen=True)
class Row:
    """One sentence by one system."""

    id: str
    text: str
    status: Status
    reason: str  # of a failure, or of a missing similarity
    hypothesis: str | None  # what the recognizer wrote, empty for a failure; None without a recognizer
    similarity: float | None  # None for a failure, or without a speaker verifier
    seconds: float  # of sound


@dataclass(frozen=True)
class Scores:
    """What a system's rows sum up to. A failed row counts as all of its words deleted."""

    wer: float | None  # corpus, a fraction; None without a recognizer
    cer: float | None
    similarity: float | None  # mean over scored rows; None without a speaker verifier or without a scored row
    n_planned: int
    n_scored: int
    n_failed: int

    @property
    def score(self) -> float:
        """Similarity less word error rate: one number to choose checkpoints by. What is not measured counts nothing."""
        return (self.similarity or 0.0) - (self.wer or 0.0)


def score_rows(
    ids: Sequence[str],
    texts: Sequence[str],
    waveforms: Sequence[np.ndarray | None],
    recognizer: Recognizer | None,
    speaker_verifier: SpeakerEncoder | None = None,
    references: Sequence[np.ndarray] = (),
    reasons: Mapping[str, str] | None = None,
) -> list[Row]:
    """Return a row for each sentence; a waveform of None is a failure whose reason stands in `reasons` by id.

    `references` are embeddings (dim,) of `speaker_verifier`, one a sentence, that each waveform is compared with.
    """
    sound = [waveform for waveform in waveforms if waveform is not None]
    hypotheses = iter([None] * len(sound) if recognizer is None else transcribe(recognizer, sound))
    nothing = None if recognizer is None else ""
    rows = []
    for number, (id_, text, waveform) in enumerate(zip(ids, texts, waveforms, strict=True)):
        if waveform is None:
            rows.append(Row(id_, text, "failed", (reasons or {}).get(id_, "no speech was made"), nothing, None, 0.0))
            continue
        similarity, reason = _similarity(speaker_verifier, waveform, references[number] if speaker_verifier else None)
        hypothesis = next(hypotheses)
        rows.append(Row(id_, text, "scored", reason, hypothesis, similarity, len(waveform) / SAMPLE_RATE_HZ))
    return rows


def _similarity(
    speaker_verifier: SpeakerEncoder | None, waveform: np.ndarray, reference: np.ndarray | None
) -> tuple[float | None, str]:
    if speaker_verifier is None or reference is None:
        return None, ""
    try:
        return float(speaker_verifier.embed(waveform) @ reference), ""  # both of length one: their cosine
    except UserError as error:
        return None, str(error)


def sum_up(rows: Sequence[Row], language: str = "en") -> Scores:
    """Return the scores of a system's rows, in a language; raises ValueError when there are none."""
    from tts_toolkit.evaluation.metrics.error_rates import Cer, Wer

    if not rows:
        raise ValueError("no rows to sum up")
    texts = [row.text for row in rows]
    heard = [row.hypothesis or "" if row.status == "scored" else "" for row in rows]
    transcribed = any(row.hypothesis is not None for row in rows)
    similarities = [row.similarity for row in rows if row.status == "scored" and row.similarity is not None]
    n_scored = sum(row.status == "scored" for row in rows)
    return Scores(
        wer=Wer(language, keep_in_memory=True).compute(predictions=heard, references=texts)["wer"]
        if transcribed
        else None,
        cer=Cer(language, keep_in_memory=True).compute(predictions=heard, references=texts)["cer"]
        if transcribed
        else None,
        similarity=float(np.mean(similarities)) if similarities else None,
        n_planned=len(rows),
        n_scored=n_scored,
        n_failed=len(rows) - n_scored,
    )


def held_out_references(
    speaker_verifier: SpeakerEncoder, waveforms: Sequence[np.ndarray], speakers: Sequence[str]
) -> list[np.ndarray]:
    """Return what each sentence is compared with, (dim,): the mean over the speaker's other held-out recordings."""
    return list(speaker_references(np.stack([speaker_verifier.embed(waveform) for waveform in waveforms]), speakers))
