"""Natural recordings and the systems that imitate them, scored on the same held-out sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from tts_toolkit.audio import write_wav
from tts_toolkit.data.clips import Clip
from tts_toolkit.data.features import ClipLimits
from tts_toolkit.errors import UserError
from tts_toolkit.evaluation.metrics.asr import Recognizer
from tts_toolkit.evaluation.results import held_out_references, score_rows, sum_up
from tts_toolkit.files import file_names
from tts_toolkit.models.speecht5.pipeline import SpeechT5Pipeline
from tts_toolkit.report.html import SystemReport
from tts_toolkit.speakers.encoders import SpeakerEncoder

NATURAL = "natural"


def speak_and_score(
    clips: Sequence[Clip],
    systems: Mapping[str, Callable[[], SpeechT5Pipeline]],
    voices: Mapping[str, np.ndarray],
    limits: ClipLimits,
    recognizer: Recognizer | None,
    speaker_verifier: SpeakerEncoder | None,
    seed: int,
    wav_dir: Path,
    language: str = "en",
) -> list[SystemReport]:
    """Scores of natural recordings and of each system by one recognizer and one speaker verifier; None skips a score.

    A system is opened when its turn comes and let go after it; its speech is kept as `wav_dir/SYSTEM/ID.wav`.
    """
    ids, texts = [clip.id for clip in clips], [clip.transcript for clip in clips]
    names = file_names(ids)
    natural = [limits.read(clip) for clip in clips]
    references = (
        held_out_references(speaker_verifier, natural, [clip.speaker for clip in clips]) if speaker_verifier else []
    )

    def report(name: str, waveforms: Sequence[np.ndarray | None], reasons: Mapping[str, str]) -> SystemReport:
        rows = score_rows(ids, texts, waveforms, recognizer, speaker_verifier, references, reasons)
        return SystemReport(name, sum_up(rows, language), rows, waveforms)

    reports = [report(NATURAL, natural, {})]
    embeddings = np.stack([voices[clip.speaker] for clip in clips])
    for name, open_system in systems.items():
        waveforms, reasons = _speak_all(open_system(), ids, texts, embeddings, seed)
        for id_, waveform in zip(ids, waveforms, strict=True):
            if waveform is not None:
                file = wav_dir / name / f"{names[id_]}.wav"
                file.parent.mkdir(parents=True, exist_ok=True)
                write_wav(file, waveform)
        reports.append(report(name, waveforms, reasons))
    return reports


def _speak_all(
    synthesizer: SpeechT5Pipeline, ids: Sequence[str], texts: Sequence[str], embeddings: np.ndarray, seed: int
) -> tuple[list[np.ndarray | None], dict[str, str]]:
    """Return a waveform a text, None where it failed, and the reasons of failures by id."""
    try:
        return [utterance.waveform for utterance in synthesizer.synthesize(texts, embeddings, seed)], {}
    except (UserError, RuntimeError):
        pass  # one text spoils its batch: each alone tells which
    waveforms: list[np.ndarray | None] = []
    reasons: dict[str, str] = {}
    for id_, text, embedding in zip(ids, texts, embeddings, strict=True):
        try:
            waveforms.append(synthesizer.synthesize([text], embedding[None], seed)[0].waveform)
        except Exception as error:  # a row fails with its reason, the others go on
            waveforms.append(None)
            reasons[id_] = f"{type(error).__name__}: {error}"
    return waveforms, reasons
