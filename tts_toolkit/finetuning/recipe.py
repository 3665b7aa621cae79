"""The stages of a fine-tune, of any trainable model."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from tts_toolkit.components import open_parts, working_encoder, working_recognizer
from tts_toolkit.data.batches import BatchLayout, make_loader
from tts_toolkit.data.clips import Clip, in_turns, of_speakers
from tts_toolkit.data.features import ClipLimits
from tts_toolkit.data.intake import intake
from tts_toolkit.data.quality_control import OnReject, QualityControl, Thresholds, note_rejected, rejected_share, usable
from tts_toolkit.data.rows import RowFault, collected_faults, row_remedy
from tts_toolkit.data.splits import split_clips
from tts_toolkit.data.transcripts import Unspeakable, check_transcripts
from tts_toolkit.evaluation.metrics.asr import Recognizer
from tts_toolkit.evaluation.metrics.protocols import protocol
from tts_toolkit.evaluation.pipeline import Results, run
from tts_toolkit.evaluation.plan import Plan
from tts_toolkit.finetuning.adapters import Adapter
from tts_toolkit.finetuning.dev_synthesis import DevEvaluation, dev_metrics, held_out_references
from tts_toolkit.finetuning.export import export_model, model_card, title_of
from tts_toolkit.finetuning.final_evaluation import BASE, FINETUNED, prompts_of, with_comparison
from tts_toolkit.finetuning.run_folder import (
    check_metric,
    check_speaker_verifier,
    describe,
    flat_settings,
    load_weights,
    release,
)
from tts_toolkit.finetuning.tasks import Prepared, TrainingTask
from tts_toolkit.models.base import Synthesizer
from tts_toolkit.report.benchmark import ReportOptions, leaderboard, write_benchmark
from tts_toolkit.speakers.encoders import SpeakerEncoder
from tts_toolkit.system.errors import UserError
from tts_toolkit.system.files import write_whole
from tts_toolkit.system.formatting import n_of
from tts_toolkit.system.processes import Processes
from tts_toolkit.text.languages import warn_where_foreign
from tts_toolkit.training.checkpoints import Progress
from tts_toolkit.training.evaluation import mean_loss
from tts_toolkit.training.freezing import freeze
from tts_toolkit.training.loop import Schedule, Training, fit
from tts_toolkit.training.weight_averaging import check_base_weight, mix, weights_of

if TYPE_CHECKING:
    from accelerate import Accelerator

log = logging.getLogger("tts_toolkit.finetune")
MAX_LISTED = 20  # voices


@dataclass(frozen=True)
class TextOptions:
    """What is done with transcripts."""

    language: str = "en"  # whose numbers and abbreviations become words
    extend_vocabulary: bool = False  # letters that the tokenizer does not know become new tokens
    unspeakable: Unspeakable = "error"  # for characters that it does not know; warn: skip them


@dataclass(frozen=True)
class EvaluationOptions:
    """How often the model speaks, and how it is scored."""

    n_sentences: int = 16  # dev sentences, at each evaluation; 0: the loss only
    n_test_sentences: int = 100  # at most, in the end
    score_base: bool = True
    batch_size: int = 16
    seed: int = 1234
    protocols: Sequence[str] = ("strict",)
    cluster_by: str = "id"
    background: str | None = "demo-voice"

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise UserError(f"evaluation.batch_size={self.batch_size}: at least 1")


@dataclass(frozen=True)
class DataOptions:
    """Where the recordings come from, and which of them are used."""

    read: Callable[[], Sequence[Clip]]
    speakers: Sequence[str] | None = None  # None: all
    split: Mapping[str, Any] = field(default_factory=dict)  # arguments of split_clips
    limits: ClipLimits = field(default_factory=ClipLimits)
    thresholds: Thresholds = field(default_factory=Thresholds)
    on_reject: OnReject | Literal["ignore"] = "warn"
    max_rejected_share: float = 0.2
    cache_dir: Path = Path(".cache/tts_toolkit")


@dataclass(frozen=True)
class TrainingOptions:
    """How the weights are updated."""

    schedule: Schedule
    lr_schedule: Callable[[int], float]
    optimizer: Callable[[Sequence[torch.nn.Parameter]], torch.optim.Optimizer]
    adapter: Adapter
    batches: BatchLayout = field(default_factory=BatchLayout)
    freeze: Sequence[str] = ()  # patterns of module names
    base_weight: float = 0.0  # of the base model's weights in the exported ones
    seed: int = 0


@dataclass(frozen=True)
class Publication:
    """The name, the license and the place of the exported model."""

    name: str
    license: str = "other"
    half_precision: bool = False
    hub_model_id: str | None = None  # names the model
    is_pushed: bool = False  # to that id


@dataclass(frozen=True)
class FineTune:
    """A fine-tune, with every component of it."""

    task: TrainingTask
    data: DataOptions
    text: TextOptions
    training: TrainingOptions
    evaluation: EvaluationOptions
    publication: Publication
    output_dir: Path
    open_encoder: Callable[[], SpeakerEncoder]  # of the speaker embeddings, for foreign voices in the data
    open_recognizer: Callable[[], Recognizer] | None = None
    open_speaker_verifier: Callable[[], SpeakerEncoder] | None = None
    report: ReportOptions = field(default_factory=ReportOptions)
    config: Mapping[str, Any] = field(default_factory=dict)  # the settings it was made from, for summary and trackers

    def check(self) -> None:
        """Raise UserError for settings that would otherwise fail after hours of training."""
        names: tuple[str, ...] = ()
        missing = [
            group
            for group, there in (("asr", self.open_recognizer), ("speaker_verifier", self.open_speaker_verifier))
            if not there
        ]
        if self.evaluation.n_sentences:
            names = (*dev_metrics("asr" not in missing, "speaker_verifier" not in missing), *self.task.dev_metrics)
        check_metric(self.training.schedule.best_metric, names, missing)
        check_base_weight(self.training.base_weight)

    def open(self) -> None:
        """Open all parts of the run, so that all missing ones are reported at once, each in one line."""
        parts = {**self.task.parts(), "encoder": lambda: working_encoder(self.open_encoder())}
        if self.open_speaker_verifier:
            parts["speaker_verifier"] = lambda: working_encoder(self._speaker_verifier)
        if open_recognizer := self.open_recognizer:
            parts["asr"] = lambda: working_recognizer(open_recognizer())
        opened = open_parts(parts)
        if self.open_speaker_verifier:
            check_speaker_verifier(opened["speaker_verifier"], opened["encoder"])

    @cached_property
    def _speaker_verifier(self) -> SpeakerEncoder | None:
        return self.open_speaker_verifier() if self.open_speaker_verifier else None

    def clips(self) -> list[Clip]:
        """The recordings to train and evaluate on; those that cannot be used are left out, counted by reason."""
        data = self.data
        share = None if data.on_reject == "ignore" else rejected_share(data.on_reject, data.max_rejected_share)
        remedy = row_remedy("quality_control.on_reject=drop leaves such rows out")
        collecting: AbstractContextManager[list[RowFault]] = collected_faults() if share else nullcontext([])
        with remedy, collecting as faults:
            clips = of_speakers(data.read(), data.speakers)
        warn_where_foreign([clip.transcript for clip in clips], self.text.language)
        if self.text.extend_vocabulary:
            self.task.extend_vocabulary(clip.transcript for clip in clips)
        if share is None:
            return clips
        control = QualityControl(
            front_end=self.task.front_end,
            limits=data.limits,
            thresholds=data.thresholds,
            cache_dir=data.cache_dir,
            encoder=self.open_encoder(),
            skip_characters=self.text.unspeakable == "warn",
            max_rejected=share,
        )
        keep = partial(self.task.keep, limits=data.limits, cache_dir=data.cache_dir)
        found = control.inspect(clips, faults, use=keep)
        note_rejected(found, intake(), share.reasons)
        return usable(found, share)

    def prepare(self, clips: Sequence[Clip]) -> Prepared:
        """The clips by part, and their examples; raises UserError, naming the row, for a clip that cannot be used."""
        data, front_end = self.data, self.task.front_end
        split = split_clips(clips, **data.split, spoken=front_end.normalize)
        parts = {
            part: check_transcripts(of_part, front_end, self.text.unspeakable)
            for part, of_part in split.items()
            if of_part
        }
        if "dev" not in parts:
            raise UserError("there is no dev clip to choose the checkpoint by; set split.dev_fraction above 0")
        examples = self.task.prepare(parts, data.limits, data.cache_dir, self.training.batches.pad_to_multiple_of)
        prepared = Prepared(parts, examples, data.limits)
        data.limits.held.only([*self._dev_clips(prepared), *self.test_clips(prepared)])  # read again when scored
        _leave_out_unspeakable(clips, prepared)
        counts = ", ".join(f"{len(of_part)} {part}" for part, of_part in parts.items())
        names = list(dict.fromkeys(clip.speaker for of_part in parts.values() for clip in of_part))
        listed = ", ".join(names[:MAX_LISTED]) + (", ..." if len(names) > MAX_LISTED else "")
        log.info("%s clips; %s: %s", counts, n_of(len(names), "voice"), listed)
        return prepared

    def _dev_clips(self, prepared: Prepared) -> list[Clip]:
        return in_turns(prepared.clips["dev"], self.evaluation.n_sentences)

    def test_clips(self, prepared: Prepared) -> list[Clip]:
        """The clips of the final scores."""
        return in_turns(prepared.clips.get("test", ()), self.evaluation.n_test_sentences)

    def train(self, accelerator: Accelerator, prepared: Prepared, resume_from: Path | None) -> int:
        """Train, leave the best weights in the task's model and return their step."""
        model, training = self.task.model, self.training
        base = weights_of(model) if training.base_weight else {}
        training.adapter.attach(model)
        with self.task.training():
            progress = self._fit(accelerator, prepared, resume_from)
        release(accelerator)
        load_weights(model, self.output_dir, progress.best_step)
        training.adapter.merge(model)
        if training.base_weight:
            mix(model, base, training.base_weight)
        metric = f"{training.schedule.best_metric} {progress.best_value:.3f}"
        log.info("best checkpoint: step %d, dev %s", progress.best_step, metric)
        return progress.best_step

    def _fit(self, accelerator: Accelerator, prepared: Prepared, resume_from: Path | None) -> Progress:
        """Train and return the progress; what distributed training holds is released on return."""
        from accelerate.utils import set_seed

        task, training = self.task, self.training
        synthesis = self.dev_evaluation(prepared)
        set_seed(training.seed)  # again: neither the state of the cache nor the evaluation decides what training draws
        freeze(task.model, training.freeze)
        accelerator.init_trackers("tracking", config=flat_settings(self.config))
        train_loader, dev_loader = (self._loader(accelerator, prepared, part) for part in ("train", "dev"))
        model, *optimizers = accelerator.prepare(task.model, *map(training.optimizer, task.parameter_groups()))

        def evaluate(step: int) -> dict[str, float]:
            metrics = {"loss": mean_loss(accelerator, model, dev_loader, task.dev_loss)}
            if synthesis:
                with training.adapter.merged(task.model):
                    metrics |= synthesis(accelerator, step)
            log.info("step %d: dev %s", step, ", ".join(f"{name} {value:.3f}" for name, value in metrics.items()))
            return metrics

        plan = Training(training.schedule, training.lr_schedule, evaluate, self.output_dir)
        return fit(accelerator, model, optimizers, train_loader, task.losses, plan, resume_from)

    def _loader(self, accelerator: Accelerator, prepared: Prepared, part: str) -> Any:
        return make_loader(
            self.task.training_set(prepared.examples[part]),
            self.training.batches,
            seed=self.training.seed,
            shuffle=part == "train",
            rank=accelerator.process_index,
            n_ranks=accelerator.num_processes,
        )

    def dev_evaluation(self, prepared: Prepared) -> DevEvaluation | None:
        """The evaluation that synthesizes dev sentences; None without any."""
        clips = self._dev_clips(prepared)
        if not clips:
            return None
        verifier, references = self._speaker_verifier, list[np.ndarray | None]([None] * len(clips))
        if verifier:
            waveforms = [prepared.limits.read(clip) for clip in clips]
            references = [*held_out_references(verifier, waveforms, [clip.speaker for clip in clips])]
        return DevEvaluation(
            clips=clips,
            references=references,
            task=self.task,
            open_recognizer=self.open_recognizer,
            speaker_verifier=verifier,
            seed=self.evaluation.seed,
            language=self.text.language,
        )

    @property
    def model_dir(self) -> Path:
        """The folder of the exported model."""
        return self.output_dir / "model"

    def facts(self, prepared: Prepared, best_step: int) -> dict[str, Any]:
        """What report and model card say of the run."""
        return describe(
            self.task,
            prepared,
            name=self.publication.name,
            license=self.publication.license,
            best_step=best_step,
            recognizer=self.open_recognizer() if self.open_recognizer else None,
            speaker_verifier=self._speaker_verifier,
        )

    def export(self, facts: Mapping[str, Any], resolved_config: str) -> None:
        """Write the model's folder, whose card has no scores yet."""
        card = self._card(facts, "Not measured.")

        def save(folder: Path) -> None:
            self.task.save(folder, self.publication.half_precision)

        export_model(self.model_dir, save, resolved_config, card)

    def _card(self, facts: Mapping[str, Any], scores: str) -> str:
        """The model card, whose code loads the model from where it will be."""
        voices, published = self.task.voices, self.publication
        place = str(published.hub_model_id if published.is_pushed else self.model_dir)
        title = title_of(published.name, published.hub_model_id, self.task.base_name, voices)
        return model_card(facts, scores, voices, place=place, code=self.task.code(place), title=title)

    def score(self, accelerator: Accelerator, prepared: Prepared, facts: Mapping[str, Any]) -> Results | None:
        """Natural recordings, the base and the fine-tuned model on the test clips; None without any, and on helpers."""
        clips, voices = self.test_clips(prepared), self.output_dir / "voices"
        if not clips:
            return None
        if accelerator.is_main_process:
            self.task.save_voices(voices)
        accelerator.wait_for_everyone()
        options, language = self.evaluation, self.text.language
        names = {clip.speaker: self.task.voice(clip.speaker, voices) for clip in clips}
        plan = Plan(
            systems=self._systems(),
            prompts=prompts_of(clips, names, language),
            recognizer=self.open_recognizer,
            speaker_verifier=self.open_speaker_verifier,
            protocols=[protocol(name) for name in options.protocols],
            output_dir=self.output_dir,
            seed=options.seed,
            batch_size=options.batch_size,
            cluster_by=options.cluster_by,
            background=options.background,
            language=language,
            channel=self.data.limits.channel,
            config=self.config,
        )
        wait = accelerator.wait_for_everyone
        results = run(plan, Processes(accelerator.process_index, accelerator.num_processes, wait))
        return results and with_comparison(results, plan.output_dir, plan.cluster_by, facts)

    def _systems(self) -> dict[str, Callable[[], Synthesizer]]:
        """The base and the fine-tuned model, opened when their turn comes."""
        systems: dict[str, Callable[[], Synthesizer]] = {}
        base = self.task.base_synthesizer() if self.evaluation.score_base else None
        if base is not None:
            systems[BASE] = lambda: base
        systems[FINETUNED] = lambda: self.task.synthesizer(self.model_dir)
        return systems

    def write_report(self, facts: Mapping[str, Any], results: Results) -> None:
        """Write the page and the scores of the card, and print them."""
        page, scores = write_benchmark(self.output_dir, results, self.report), leaderboard(results.summary)
        verdict = results.summary.get("comparison", {}).get("verdict", "")
        write_whole(self.model_dir / "README.md", self._card(facts, f"{scores}\n\n{verdict}".rstrip()).encode())
        print(f"{scores}\n{verdict}\nreport: {page}")


def _leave_out_unspeakable(clips: Sequence[Clip], prepared: Prepared) -> None:
    """Count the clips that were left out for characters of their transcripts."""
    kept = {clip.id for of_part in prepared.clips.values() for clip in of_part}
    left = [clip.source for clip in clips if clip.id not in kept]
    if left:
        intake().leave_out("rows", "with characters that the model cannot speak", left)
