"""Dev sentences spoken and scored while a model trains: what the loss does not say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from tts_toolkit.audio.waveforms import SAMPLE_RATE_HZ
from tts_toolkit.data.test_sets import Prompt
from tts_toolkit.evaluation.aggregation import Measured, Reference, score_rows, sum_up
from tts_toolkit.evaluation.metrics.asr import Recognizer
from tts_toolkit.evaluation.metrics.speaker_similarity import speaker_references
from tts_toolkit.evaluation.stage_log import Row
from tts_toolkit.evaluation.stages import Measure, embedding_of, hypothesis_of, measured, speech_row
from tts_toolkit.models.base import Speech
from tts_toolkit.models.speecht5.pipeline import SpeechT5Pipeline, Utterance
from tts_toolkit.report.plots import attention_picture, spectrogram_picture
from tts_toolkit.speakers.encoders import SpeakerEncoder

if TYPE_CHECKING:
    from accelerate import Accelerator

NOT_TIMED = {"batch_size": 1, "batch_seconds": 0.0}


def dev_metrics(has_recognizer: bool, has_speaker_verifier: bool) -> tuple[str, ...]:
    """The metrics of a spoken evaluation, by name."""
    rates, similarity = ("wer", "cer") * has_recognizer, ("similarity",) * has_speaker_verifier
    return (*rates, *similarity, *("score",) * (has_recognizer or has_speaker_verifier), "n_cut_off", "diagonality")


def held_out_references(
    verifier: SpeakerEncoder, waveforms: Sequence[np.ndarray], speakers: Sequence[str]
) -> list[np.ndarray]:
    """The vectors (dim,) that sentences are compared with: the mean over the speaker's other held-out recordings."""
    return list(speaker_references(np.stack([verifier.embed(waveform) for waveform in waveforms]), speakers))


@dataclass(frozen=True)
class Sentence:
    """A held-out sentence, the voice that says it, and what its sound is compared with."""

    id: str
    text: str
    voice: np.ndarray  # (dim,) that conditions the model
    reference: np.ndarray | None  # (dim,) of the speaker verifier


@dataclass(frozen=True)
class SpokenEvaluation:
    """Speaks the same sentences with the same seed each time.

    The recognizer is opened for each evaluation and let go after it: it would hold memory that training wants, and
    where CTranslate2 keeps its threads, PyTorch's own wait for each other in their sleep (libgomp counts them all).
    """

    sentences: Sequence[Sentence]
    synthesizer: SpeechT5Pipeline
    open_recognizer: Callable[[], Recognizer | None]
    speaker_verifier: SpeakerEncoder | None
    seed: int
    language: str = "en"

    def __call__(self, accelerator: Accelerator, step: int) -> dict[str, float]:
        """Return `wer`, `cer`, `similarity`, `score`, `n_cut_off` and `diagonality`, the same on every process.

        What takes a recognizer or a speaker verifier is left out without one.

        Each process speaks its share. The first sentence goes to the trackers as sound and pictures.
        """
        from accelerate.utils import gather_object

        share = self.sentences[accelerator.process_index :: accelerator.num_processes]
        utterances = self._speak(share)
        rows = self._rows(share, utterances)
        extras = [(float(u.truncated), diagonality(u)) for u in utterances]
        if accelerator.is_main_process:
            _show(accelerator, utterances[0], step)
        rows, extras = gather_object(rows), gather_object(extras)
        figures = sum_up(rows, [], None)
        found = {name: figures[name] for name in ("wer", "cer", "similarity") if figures[name] is not None}
        return {
            **found,
            **({"score": found.get("similarity", 0.0) - found.get("wer", 0.0)} if found else {}),
            "n_cut_off": float(sum(cut for cut, _ in extras)),
            "diagonality": float(np.mean([straight for _, straight in extras])),
        }

    def _rows(self, sentences: Sequence[Sentence], utterances: Sequence[Utterance]) -> list[Row]:
        """Rows scored as in the final evaluation; an error of a measurement fails its row only."""
        recognizer, verifier = self.open_recognizer(), self.speaker_verifier
        made = {
            s.id: Speech(u.waveform, SAMPLE_RATE_HZ, u.truncated) for s, u in zip(sentences, utterances, strict=True)
        }

        def by_id(measure: Measure) -> dict[str, Row]:
            return {id_: {"id": id_, **measured(measure, speech.waveform)} for id_, speech in made.items()}

        found = Measured(
            {id_: speech_row(id_, speech) | NOT_TIMED for id_, speech in made.items()},
            by_id(hypothesis_of(recognizer)) if recognizer else None,
            by_id(embedding_of(verifier)) if verifier else {},
        )
        prompts = [Prompt(s.id, s.text, language=self.language) for s in sentences]
        return score_rows(prompts, found, {s.id: Reference(s.reference) for s in sentences}, self.language)

    def _speak(self, sentences: Sequence[Sentence]) -> list[Utterance]:
        if not sentences:
            return []
        voices = np.stack([s.voice for s in sentences])
        return self.synthesizer.synthesize([s.text for s in sentences], voices, self.seed, keep_attention=True)


def diagonality(utterance: Utterance) -> float:
    """Return the share of decoder steps whose attention peak moves forward by at most a few tokens: 1 is a clean walk.

    Steps that jump more than four tokens, or back by more than one, are a word skipped or repeated.
    """
    shares = []
    for attention in utterance.attentions:
        if attention is not None and len(attention) > 1:
            moves = torch.diff(attention.argmax(dim=1))
            shares.append(((moves >= -1) & (moves <= 4)).float().mean().item())
    return float(np.mean(shares)) if shares else 0.0


def _show(accelerator: Accelerator, utterance: Utterance, step: int) -> None:
    pictures = {"spectrogram": spectrogram_picture(utterance.log_mels[0].numpy())}
    if utterance.attentions[0] is not None:
        pictures["attention"] = attention_picture(utterance.attentions[0].numpy())
    for tracker in accelerator.trackers:
        if hasattr(tracker, "log_images"):
            images = {f"dev/{name}": picture[None] for name, picture in pictures.items()}
            options: dict[str, Any] = {"dataformats": "NHWC"} if tracker.name == "tensorboard" else {}
            tracker.log_images(images, step=step, **options)
        if not len(utterance.waveform):
            continue
        if tracker.name == "tensorboard":
            sound = torch.from_numpy(utterance.waveform).clamp(-1, 1)
            tracker.tracker.add_audio("dev/speech", sound, step, sample_rate=SAMPLE_RATE_HZ)
        if tracker.name == "wandb":
            import wandb

            tracker.log({"dev/speech": wandb.Audio(utterance.waveform, SAMPLE_RATE_HZ)}, step=step)
