"""Dev sentences synthesized and scored while a model trains: intelligibility and likeness, which the loss misses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from tts_toolkit.data.clips import Clip
from tts_toolkit.data.test_sets import Prompt
from tts_toolkit.evaluation.aggregation import Measured, Reference, score_rows, sum_up
from tts_toolkit.evaluation.metrics.asr import Recognizer
from tts_toolkit.evaluation.metrics.speaker_similarity import speaker_references
from tts_toolkit.evaluation.stage_log import Row
from tts_toolkit.evaluation.stages import Measure, embedding_of, hypothesis_of, measured, speech_row
from tts_toolkit.finetuning.tasks import TrainingTask
from tts_toolkit.models.base import Speech, SynthesisRequest
from tts_toolkit.report.plots import attention_picture, spectrogram_picture
from tts_toolkit.speakers.encoders import SpeakerEncoder

if TYPE_CHECKING:
    from accelerate import Accelerator

NOT_TIMED = {"batch_size": 1, "batch_seconds": 0.0}


def dev_metrics(has_recognizer: bool, has_speaker_verifier: bool) -> tuple[str, ...]:
    """The metrics of an evaluation by synthesis, by name, without those of the task."""
    rates, similarity = ("wer", "cer") * has_recognizer, ("similarity",) * has_speaker_verifier
    return (*rates, *similarity, *("score",) * (has_recognizer or has_speaker_verifier), "n_cut_off")


def held_out_references(
    verifier: SpeakerEncoder, waveforms: Sequence[np.ndarray], speakers: Sequence[str]
) -> list[np.ndarray]:
    """The vectors (dim,) that sentences are compared with: the mean over the speaker's other held-out recordings."""
    return list(speaker_references(np.stack([verifier.embed(waveform) for waveform in waveforms]), speakers))


@dataclass(frozen=True)
class DevEvaluation:
    """Synthesizes the same sentences with the same seed each time, in the voices of their speakers.

    The recognizer is opened for each evaluation and released after it: it would hold memory that training needs, and
    where CTranslate2 keeps its threads, PyTorch's own sleep until each other wakes them (libgomp counts them all).
    """

    clips: Sequence[Clip]
    references: Sequence[np.ndarray | None]  # (dim,) per clip, of the speaker verifier
    task: TrainingTask
    open_recognizer: Callable[[], Recognizer] | None
    speaker_verifier: SpeakerEncoder | None
    seed: int
    language: str = "en"

    def __call__(self, accelerator: Accelerator, step: int) -> dict[str, float]:
        """`wer`, `cer`, `similarity`, `score`, `n_cut_off` and the task's own metrics, the same on every process.

        Metrics that need a recognizer or a speaker verifier are left out without one. Each process synthesizes its
        share. The first sentence goes to the trackers as sound and pictures.
        """
        from accelerate.utils import gather_object

        share = slice(accelerator.process_index, None, accelerator.num_processes)
        clips = self.clips[share]
        speeches = self._synthesized(clips)
        rows = self._rows(clips, self.references[share], speeches)
        extras = [{"n_cut_off": float(speech.truncated)} for speech in speeches]
        extras = [{**extra, **own} for extra, own in zip(extras, self.task.dev_metrics_of(speeches), strict=True)]
        if accelerator.is_main_process:
            _show(accelerator, speeches[0], step)
        rows, extras = gather_object(rows), gather_object(extras)
        figures = sum_up(rows, [], None)
        found = {name: figures[name] for name in ("wer", "cer", "similarity") if figures[name] is not None}
        return {
            **found,
            **({"score": found.get("similarity", 0.0) - found.get("wer", 0.0)} if found else {}),
            "n_cut_off": float(sum(extra["n_cut_off"] for extra in extras)),
            **{name: float(np.mean([extra[name] for extra in extras])) for name in self.task.dev_metrics},
        }

    def _synthesized(self, clips: Sequence[Clip]) -> list[Speech]:
        requests = [SynthesisRequest(clip.transcript, self.seed, clip.speaker) for clip in clips]
        return self.task.synthesize(requests) if requests else []

    def _rows(
        self, clips: Sequence[Clip], references: Sequence[np.ndarray | None], speeches: Sequence[Speech]
    ) -> list[Row]:
        """Rows scored as in the final evaluation; an error of a measurement fails its row only."""
        recognizer = self.open_recognizer() if self.open_recognizer else None
        made = {clip.id: speech for clip, speech in zip(clips, speeches, strict=True)}

        def by_id(measure: Measure) -> dict[str, Row]:
            return {id_: {"id": id_, **measured(measure, speech.waveform)} for id_, speech in made.items()}

        found = Measured(
            {id_: speech_row(id_, speech) | NOT_TIMED for id_, speech in made.items()},
            by_id(hypothesis_of(recognizer)) if recognizer else None,
            by_id(embedding_of(self.speaker_verifier)) if self.speaker_verifier else {},
        )
        prompts = [Prompt(clip.id, clip.transcript, language=self.language) for clip in clips]
        compared = {clip.id: Reference(vector) for clip, vector in zip(clips, references, strict=True)}
        return score_rows(prompts, found, compared, self.language)


def _show(accelerator: Accelerator, speech: Speech, step: int) -> None:
    """Log a sentence to all trackers that take pictures and sound."""
    pictures = {}
    if speech.log_mels:
        pictures["spectrogram"] = spectrogram_picture(speech.log_mels[0])
    if speech.attentions:
        pictures["attention"] = attention_picture(speech.attentions[0])
    for tracker in accelerator.trackers:
        if hasattr(tracker, "log_images") and pictures:
            images = {f"dev/{name}": picture[None] for name, picture in pictures.items()}
            options: dict[str, Any] = {"dataformats": "NHWC"} if tracker.name == "tensorboard" else {}
            tracker.log_images(images, step=step, **options)
        if not len(speech.waveform):
            continue
        if tracker.name == "tensorboard":
            sound = torch.from_numpy(speech.waveform).clamp(-1, 1)
            tracker.tracker.add_audio("dev/speech", sound, step, sample_rate=speech.sample_rate_hz)
        if tracker.name == "wandb":
            import wandb

            tracker.log({"dev/speech": wandb.Audio(speech.waveform, speech.sample_rate_hz)}, step=step)
