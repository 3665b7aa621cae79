"""Fine-tune SpeechT5 on a voice: recordings in; checkpoint, speech and scores out.

tts-finetune data=folder data.path=my_recordings
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tts_toolkit.cli import command
from tts_toolkit.system.errors import UserError, WrongOption
from tts_toolkit.system.formatting import n_of

if TYPE_CHECKING:
    import numpy as np
    from accelerate import Accelerator
    from omegaconf import DictConfig
    from torch.utils.data import DataLoader

    from tts_toolkit.data.clips import Clip
    from tts_toolkit.data.features import ClipLimits
    from tts_toolkit.evaluation.pipeline import Results
    from tts_toolkit.finetuning.dev_synthesis import SpokenEvaluation
    from tts_toolkit.finetuning.examples import Prepared
    from tts_toolkit.models.speecht5.checkpoint import SpeechT5
    from tts_toolkit.models.speecht5.pipeline import SpeechT5Pipeline
    from tts_toolkit.training.checkpoints import Progress

log = logging.getLogger("tts_toolkit.finetune")


def finetune(cfg: DictConfig) -> Path:
    """Run the recipe and return the folder of the exported model."""
    from accelerate.utils import set_seed

    from tts_toolkit.data.intake import counting, keep_figures
    from tts_toolkit.finetuning.examples import leave_out_unspoken
    from tts_toolkit.finetuning.run_folder import accelerator_of, claim_run, clear_run
    from tts_toolkit.hub.upload import check_push

    if cfg.push_to_hub:
        check_push(cfg.hub_model_id, "hub_model_id")
    output_dir = Path(cfg.output_dir)
    resume_from = claim_run(output_dir, cfg.resume, cfg.overwrite)
    set_seed(cfg.seed)  # for layers that start anew
    accelerator = accelerator_of(cfg.accelerator, output_dir, cfg.process_timeout_seconds)
    with accelerator.main_process_first(), counting() as intake:  # the others find everything in the cache
        _check(cfg)
        speech = _opened(cfg)
        speech, clips, limits = _clips(cfg, speech)
        prepared = _prepare(cfg, speech, clips, limits)
        leave_out_unspoken(clips, prepared)
        for line in intake.lines():
            log.info("%s", line)
        speech = _with_settings(cfg, speech, prepared)
        if cfg.overwrite and accelerator.is_main_process:
            clear_run(output_dir, resume_from)
    best_step = _train(cfg, accelerator, speech, prepared, output_dir, resume_from)
    model_dir, facts = output_dir / "model", _facts(cfg, speech, prepared, best_step)
    if accelerator.is_main_process:
        _export(cfg, speech, prepared, facts)
    accelerator.wait_for_everyone()
    scores = _score(cfg, accelerator, prepared, model_dir, facts)
    accelerator.end_training()
    if accelerator.is_main_process:
        _finish(cfg, speech, prepared, facts, scores)
        keep_figures(output_dir / "summary.json", intake)
    return model_dir


def _speech(cfg: DictConfig) -> SpeechT5:
    """Return the base model, which is to speak the language of the data."""
    from dataclasses import replace

    from hydra.utils import instantiate

    speech: SpeechT5 = instantiate(cfg.base_model, _convert_="all")
    return replace(speech, settings=replace(speech.settings, language=cfg.text.language))


def _opened(cfg: DictConfig) -> SpeechT5:
    """Return the base model once every part of the run is there; raises UserError, a line for each that is not."""
    from hydra.utils import instantiate

    from tts_toolkit.components import open_parts, working_encoder, working_recognizer
    from tts_toolkit.finetuning.run_folder import check_speaker_verifier
    from tts_toolkit.models.speecht5.checkpoint import SpeechSettings
    from tts_toolkit.models.vocoders import open_vocoder

    settings = [SpeechSettings()]  # of a base model that cannot be opened

    def base_model() -> SpeechT5:
        speech = _speech(cfg)
        settings.append(speech.settings)
        return speech

    def vocoder() -> int:
        return open_vocoder(cfg.vocoder or settings[-1].vocoder).n_parameters

    parts: dict[str, Callable[[], Any]] = {"base_model": base_model, "vocoder": vocoder}
    parts["encoder"] = lambda: working_encoder(instantiate(cfg.encoder))
    if cfg.speaker_verifier:
        parts["speaker_verifier"] = lambda: working_encoder(instantiate(cfg.speaker_verifier))
    if cfg.asr:
        parts["asr"] = lambda: working_recognizer(instantiate(cfg.asr))
    found = open_parts(parts)
    if cfg.speaker_verifier:
        check_speaker_verifier(found["speaker_verifier"], found["encoder"])
    speech: SpeechT5 = found["base_model"]
    return speech


def _check(cfg: DictConfig) -> None:
    """Raise UserError for settings that would otherwise be found out when hours of training are over."""
    from hydra.utils import instantiate
    from omegaconf import OmegaConf

    from tts_toolkit.finetuning.run_folder import check_metric
    from tts_toolkit.training.weight_averaging import check_base_weight

    if missing := sorted(OmegaConf.missing_keys(cfg)):
        raise WrongOption("; ".join(f"{key} must be given: {key}=..." for key in missing))
    instantiate(cfg.schedule)
    for name in ("evaluation.batch_size", "loader.max_frames", "loader.pad_to_multiple_of"):
        if OmegaConf.select(cfg, name) < 1:
            raise UserError(f"{name}={OmegaConf.select(cfg, name)}: at least 1")
    check_metric(cfg.schedule.best_metric, cfg.evaluation.n_sentences, bool(cfg.asr), bool(cfg.speaker_verifier))
    check_base_weight(cfg.base_weight)


def _clips(cfg: DictConfig, speech: SpeechT5) -> tuple[SpeechT5, list[Clip], ClipLimits]:
    """Return the model with the letters that it was to learn, the clips to train on, and what reads them."""
    from contextlib import AbstractContextManager, nullcontext

    from hydra.utils import instantiate

    from tts_toolkit.data.clips import of_speakers
    from tts_toolkit.data.features import keep_log_mel
    from tts_toolkit.data.intake import intake
    from tts_toolkit.data.quality_control import inspect_clips, note_rejected, rejected_share, usable
    from tts_toolkit.data.rows import RowFault, collected_faults, row_remedy
    from tts_toolkit.models.speecht5.pipeline import front_end
    from tts_toolkit.models.speecht5.vocabulary import extend_vocabulary, new_letters, report
    from tts_toolkit.text.languages import warn_where_foreign

    look, limits, cache_dir = cfg.quality_control.on_reject != "ignore", instantiate(cfg.limits), Path(cfg.cache_dir)
    share = rejected_share(cfg.quality_control.on_reject, cfg.quality_control.max_rejected_share) if look else None
    remedy = row_remedy("quality_control.on_reject=drop leaves such rows out")
    collecting: AbstractContextManager[list[RowFault]] = collected_faults() if look else nullcontext([])
    with remedy, collecting as faults:
        clips = of_speakers(instantiate(cfg.data), cfg.speaker.names)
    warn_where_foreign([clip.transcript for clip in clips], cfg.text.language)
    if cfg.text.extend_vocabulary:
        letters = new_letters((clip.transcript for clip in clips), front_end(speech, cfg.text.language))
        log.info("new letters: %s", report(letters) or "none")
        speech = extend_vocabulary(speech, letters)
    if share is None:
        return speech, clips, limits
    found = inspect_clips(
        clips,
        faults,
        front_end(speech, cfg.text.language),
        limits,
        instantiate(cfg.quality_control.thresholds),
        cache_dir,
        instantiate(cfg.encoder),
        skip_characters=cfg.text.unspeakable == "warn",
        share=share,
        use=partial(keep_log_mel, limits=limits, cache_dir=cache_dir),
    )
    note_rejected(found, intake(), share.reasons)
    return speech, usable(found, share), limits


def _prepare(cfg: DictConfig, speech: SpeechT5, clips: Sequence[Clip], limits: ClipLimits) -> Prepared:
    from hydra.utils import instantiate

    from tts_toolkit.data.splits import split_clips
    from tts_toolkit.finetuning.examples import prepare
    from tts_toolkit.models.speecht5.pipeline import front_end

    reader = front_end(speech, cfg.text.language)
    prepared = prepare(
        split_clips(clips, **cfg.split, spoken=reader.normalize),
        reader,
        instantiate(cfg.encoder),
        limits,
        cfg.speaker.conditioning,
        cfg.speaker.max_clips,
        speech.model.config,
        cfg.text.unspeakable,
        Path(cfg.cache_dir),
        cfg.loader.pad_to_multiple_of,
    )
    limits.held.only([*_dev_sentences(cfg, prepared), *_test_sentences(cfg, prepared)])  # to be heard again
    counts = ", ".join(f"{len(clips)} {part}" for part, clips in prepared.clips.items())
    names = list(prepared.voices)
    shown = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
    log.info("%s clips; %s: %s", counts, n_of(len(names), "voice"), shown)
    return prepared


def _dev_sentences(cfg: DictConfig, prepared: Prepared) -> list[Clip]:
    from tts_toolkit.data.clips import in_turns

    return in_turns(prepared.clips["dev"], cfg.evaluation.n_sentences)


def _test_sentences(cfg: DictConfig, prepared: Prepared) -> list[Clip]:
    from tts_toolkit.data.clips import in_turns

    return in_turns(prepared.clips.get("test", ()), cfg.evaluation.n_test_sentences)


def _with_settings(cfg: DictConfig, speech: SpeechT5, prepared: Prepared) -> SpeechT5:
    """Return the model with the settings that it is exported with, so that it is evaluated as it will be used."""
    from dataclasses import replace

    from hydra.utils import instantiate

    from tts_toolkit.finetuning.export import settings_for

    encoder = instantiate(cfg.encoder).name
    return replace(speech, settings=settings_for(speech.settings, cfg.vocoder, encoder, cfg.text.language, prepared))


def _train(
    cfg: DictConfig,
    accelerator: Accelerator,
    speech: SpeechT5,
    prepared: Prepared,
    output_dir: Path,
    resume_from: Path | None,
) -> int:
    """Train, leave the best weights in `speech.model` and return their step."""
    from hydra.utils import instantiate

    from tts_toolkit.finetuning.run_folder import load_weights, release
    from tts_toolkit.training.weight_averaging import mix, weights_of

    base, adapter = weights_of(speech.model) if cfg.base_weight else {}, instantiate(cfg.adapter)
    adapter.attach(speech.model)
    progress = _fit(cfg, accelerator, speech, prepared, output_dir, resume_from)
    release(accelerator)
    if cfg.gradient_checkpointing:  # its hook on the embeddings is none of the model
        speech.model.activation_checkpointing_disable()
        speech.model.disable_input_require_grads()
    load_weights(speech.model, output_dir, progress.best_step)
    adapter.merge(speech.model)
    if cfg.base_weight:
        mix(speech.model, base, cfg.base_weight)
    metric = f"{cfg.schedule.best_metric} {progress.best_value:.3f}"
    log.info("best checkpoint: step %d, dev %s", progress.best_step, metric)
    return progress.best_step


def _fit(
    cfg: DictConfig,
    accelerator: Accelerator,
    speech: SpeechT5,
    prepared: Prepared,
    output_dir: Path,
    resume_from: Path | None,
) -> Progress:
    """Train and return the progress; what distributed training holds is let go on return."""
    from accelerate.utils import set_seed
    from hydra.utils import instantiate
    from omegaconf import OmegaConf

    from tts_toolkit.finetuning.run_folder import flat_settings
    from tts_toolkit.finetuning.tasks import SpeechT5Task
    from tts_toolkit.models.speecht5.loss import fuse
    from tts_toolkit.training.evaluation import mean_loss
    from tts_toolkit.training.freezing import freeze
    from tts_toolkit.training.loop import Training, fit

    set_seed(cfg.seed)  # again, or what the cache lacked would decide what training draws
    freeze(speech.model, cfg.freeze)
    fuse(speech.model)
    accelerator.init_trackers("tracking", config=flat_settings(OmegaConf.to_container(cfg, resolve=True)))
    if cfg.gradient_checkpointing:
        speech.model.activation_checkpointing_enable()
    train_loader, dev_loader = (_loader(cfg, accelerator, speech, prepared, part) for part in ("train", "dev"))
    task, new_optimizer = SpeechT5Task(speech, instantiate(cfg.scheduled_sampling)), instantiate(cfg.optimizer)
    model, *optimizers = accelerator.prepare(task.model, *map(new_optimizer, task.parameter_groups()))
    spoken, adapter = _spoken_evaluation(cfg, speech, prepared), instantiate(cfg.adapter)

    def evaluate(step: int) -> dict[str, float]:
        metrics = {"loss": mean_loss(accelerator, model, dev_loader, task.dev_loss)}
        if spoken:
            with adapter.merged(speech.model):
                metrics |= spoken(accelerator, step)
        shown = ", ".join(f"{name} {value:.3f}" for name, value in metrics.items())
        log.info("step %d: dev %s", step, shown)
        return metrics

    training = Training(instantiate(cfg.schedule), instantiate(cfg.lr_schedule), evaluate, output_dir)
    return fit(accelerator, model, optimizers, train_loader, task.losses, training, resume_from)


def _loader(
    cfg: DictConfig, accelerator: Accelerator, speech: SpeechT5, prepared: Prepared, part: str
) -> DataLoader[Any]:
    from tts_toolkit.data.batches import make_loader

    return make_loader(
        prepared.examples[part],
        cfg.loader.max_frames,
        speech.model.config.reduction_factor,
        speech.processor.tokenizer.pad_token_id,
        cfg.seed,
        part == "train",
        n_workers=cfg.loader.n_workers,
        pad_to_multiple_of=cfg.loader.pad_to_multiple_of,
        rank=accelerator.process_index,
        n_ranks=accelerator.num_processes,
    )


def _spoken_evaluation(cfg: DictConfig, speech: SpeechT5, prepared: Prepared) -> SpokenEvaluation | None:
    """Return the evaluation that speaks dev sentences, or None when none are asked for."""
    from hydra.utils import instantiate

    from tts_toolkit.finetuning.dev_synthesis import Sentence, SpokenEvaluation, held_out_references

    clips = _dev_sentences(cfg, prepared)
    if not clips:
        return None
    speaker_verifier, limits = instantiate(cfg.speaker_verifier), prepared.limits
    references: Sequence[np.ndarray | None] = (
        held_out_references(speaker_verifier, [limits.read(c) for c in clips], [c.speaker for c in clips])
        if speaker_verifier
        else [None] * len(clips)
    )
    sentences = [
        Sentence(clip.id, clip.transcript, prepared.voices[clip.speaker], reference)
        for clip, reference in zip(clips, references, strict=True)
    ]
    open_recognizer, seed = partial(instantiate, cfg.asr), cfg.evaluation.seed
    return SpokenEvaluation(
        sentences, _synthesizer(cfg, speech), open_recognizer, speaker_verifier, seed, cfg.text.language
    )


def _synthesizer(cfg: DictConfig, speech: SpeechT5) -> SpeechT5Pipeline:
    from hydra.utils import instantiate

    from tts_toolkit.models.speecht5.pipeline import SpeechT5Pipeline
    from tts_toolkit.models.vocoders import open_vocoder

    vocoder = open_vocoder(cfg.vocoder or speech.settings.vocoder)
    return SpeechT5Pipeline(speech, vocoder, instantiate(cfg.decoding), cfg.evaluation.batch_size)


def _facts(cfg: DictConfig, speech: SpeechT5, prepared: Prepared, step: int) -> dict[str, Any]:
    from hydra.utils import instantiate

    from tts_toolkit.finetuning.run_folder import describe

    encoder, recognizer, speaker_verifier = (instantiate(part) for part in (cfg.encoder, cfg.asr, cfg.speaker_verifier))
    return describe(cfg.name, speech, prepared, encoder, recognizer, speaker_verifier, step, cfg.license)


def _export(cfg: DictConfig, speech: SpeechT5, prepared: Prepared, facts: dict[str, Any]) -> None:
    """Write the model's folder, whose card is without scores until they are measured."""
    from omegaconf import OmegaConf

    from tts_toolkit.finetuning.export import export_model
    from tts_toolkit.hub.tokens import without_token

    trained = {card.speaker: prepared.voices[card.speaker] for card in prepared.cards}
    export_model(
        speech,
        Path(cfg.output_dir) / "model",
        trained,
        list(prepared.cards),
        without_token(OmegaConf.to_yaml(cfg, resolve=True)),
        _card(cfg, speech, facts, "Not measured.", list(trained)),
        cfg.export.half_precision,
    )


def _score(
    cfg: DictConfig, accelerator: Accelerator, prepared: Prepared, model_dir: Path, facts: dict[str, Any]
) -> Results | None:
    """Natural recordings, the base and the fine-tuned model on the test clips; None without any, and on helpers."""
    from hydra.utils import instantiate

    from tts_toolkit.evaluation.metrics.protocols import protocol
    from tts_toolkit.evaluation.pipeline import run
    from tts_toolkit.evaluation.plan import Plan
    from tts_toolkit.finetuning.final_evaluation import BASE, FINETUNED, prompts_of, with_comparison
    from tts_toolkit.models.speecht5.synthesizer import SpeechT5Synthesizer
    from tts_toolkit.speakers.embedding_files import FILE_NAME, save_embeddings
    from tts_toolkit.system.compat import settings_of
    from tts_toolkit.system.processes import Processes

    clips, voices = _test_sentences(cfg, prepared), Path(cfg.output_dir) / "voices" / FILE_NAME
    if not clips:
        return None
    if accelerator.is_main_process:
        save_embeddings(voices, prepared.voices, prepared.cards)
    accelerator.wait_for_everyone()
    synthesizer = partial(
        SpeechT5Synthesizer, vocoder=cfg.vocoder, decoding=instantiate(cfg.decoding), language=cfg.text.language
    )
    systems = {FINETUNED: partial(synthesizer, str(model_dir), vocoder=None)}
    options = {name: value for name, value in cfg.base_model.items() if name not in ("_target_", "source", "revision")}
    if cfg.evaluation.score_base and "source" in cfg.base_model:
        base = partial(synthesizer, cfg.base_model.source, cfg.base_model.revision, model_options=options)
        systems = {BASE: base, **systems}
    plan = Plan(
        systems=systems,
        prompts=prompts_of(clips, voices, cfg.text.language),
        recognizer=partial(instantiate, cfg.asr) if cfg.asr else None,
        speaker_verifier=partial(instantiate, cfg.speaker_verifier) if cfg.speaker_verifier else None,
        protocols=[protocol(name) for name in cfg.evaluation.protocols],
        output_dir=Path(cfg.output_dir),
        seed=cfg.evaluation.seed,
        batch_size=cfg.evaluation.batch_size,
        cluster_by=cfg.evaluation.cluster_by,
        background=cfg.evaluation.background,
        language=cfg.text.language,
        channel=cfg.limits.channel,
        config=settings_of(cfg),
    )
    results = run(plan, Processes(accelerator.process_index, accelerator.num_processes, accelerator.wait_for_everyone))
    return results and with_comparison(results, plan.output_dir, plan.cluster_by, facts)


def _finish(
    cfg: DictConfig, speech: SpeechT5, prepared: Prepared, facts: dict[str, Any], results: Results | None
) -> None:
    """Write the page and the scores of the card, and upload the model's folder if asked to."""
    from hydra.utils import instantiate

    from tts_toolkit.hub.upload import push_folder
    from tts_toolkit.report.benchmark import leaderboard, write_benchmark
    from tts_toolkit.system.files import write_whole

    output_dir = Path(cfg.output_dir)
    if results:
        report = write_benchmark(output_dir, results, instantiate(cfg.report))
        scores = leaderboard(results.summary)
        verdict = results.summary.get("comparison", {}).get("verdict", "")
        card = _card(cfg, speech, facts, f"{scores}\n\n{verdict}".rstrip(), [card.speaker for card in prepared.cards])
        write_whole(output_dir / "model" / "README.md", card.encode())
        print(f"{scores}\n{verdict}\nreport: {report}")
    print(f"model:  {output_dir / 'model'}")
    if cfg.push_to_hub:
        print(f"hub:    {push_folder(output_dir / 'model', cfg.hub_model_id, 'hub_model_id', cfg.hub_private)}")


def _card(cfg: DictConfig, speech: SpeechT5, facts: dict[str, Any], scores: str, voices: list[str]) -> str:
    """Return the model card, whose code loads the model from where it will be."""
    from tts_toolkit.finetuning.export import model_card, title_of

    place = cfg.hub_model_id if cfg.push_to_hub else str(Path(cfg.output_dir) / "model")
    title = title_of(cfg.name, cfg.hub_model_id, speech.name, voices)
    return model_card(facts, scores, voices, place, speech.settings.vocoder, title)


def main() -> None:
    """Run as a command."""
    command("finetune", finetune, optional=("asr", "speaker_verifier"))


if __name__ == "__main__":
    main()
