"""Fine-tune SpeechT5 on a voice: recordings in; checkpoint, speech and scores out.

tts-finetune data=folder data.path=my_recordings
"""

from __future__ import annotations

import logging
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tts_toolkit.cli import command

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from tts_toolkit.finetuning.recipe import FineTune

log = logging.getLogger("tts_toolkit.finetune")


def finetune(cfg: DictConfig) -> Path:
    """Run the recipe and return the folder of the exported model."""
    from accelerate.utils import set_seed
    from omegaconf import OmegaConf

    from tts_toolkit.data.intake import counting, keep_figures
    from tts_toolkit.finetuning.run_folder import accelerator_of, claim_run, clear_run
    from tts_toolkit.hub.tokens import without_token
    from tts_toolkit.hub.upload import check_push, push_folder

    if cfg.push_to_hub:
        check_push(cfg.hub_model_id, "hub_model_id")
    resume_from = claim_run(Path(cfg.output_dir), cfg.resume, cfg.overwrite)
    run = fine_tune(cfg)
    set_seed(cfg.seed)  # for layers with new weights
    accelerator = accelerator_of(cfg.accelerator, run.output_dir, cfg.process_timeout_seconds)
    with accelerator.main_process_first(), counting() as intake:  # the others find everything in the cache
        run.check()
        run.open()
        prepared = run.prepare(run.clips())
        for line in intake.lines():
            log.info("%s", line)
        if cfg.overwrite and accelerator.is_main_process:
            clear_run(run.output_dir, resume_from)
    best_step = run.train(accelerator, prepared, resume_from)
    facts = run.facts(prepared, best_step)
    if accelerator.is_main_process:
        run.export(facts, without_token(OmegaConf.to_yaml(cfg, resolve=True)))
    accelerator.wait_for_everyone()
    results = run.score(accelerator, prepared, facts)
    accelerator.end_training()
    if accelerator.is_main_process:
        if results:
            run.write_report(facts, results)
        print(f"model:  {run.model_dir}")
        if cfg.push_to_hub:
            print(f"hub:    {push_folder(run.model_dir, cfg.hub_model_id, 'hub_model_id', cfg.hub_private)}")
        keep_figures(run.output_dir / "summary.json", intake)
    return run.model_dir


def fine_tune(cfg: DictConfig) -> FineTune:
    """The fine-tune of a configuration, nothing of it opened; raises UserError for values that are not allowed."""
    from hydra.utils import instantiate
    from omegaconf import OmegaConf

    from tts_toolkit.data.batches import BatchLayout
    from tts_toolkit.finetuning.recipe import (
        DataOptions,
        EvaluationOptions,
        FineTune,
        Publication,
        TextOptions,
        TrainingOptions,
    )
    from tts_toolkit.system.compat import settings_of
    from tts_toolkit.system.errors import WrongOption

    if missing := sorted(OmegaConf.missing_keys(cfg)):
        raise WrongOption("; ".join(f"{key} must be given: {key}=..." for key in missing))

    def opener(group: str) -> Any:
        """A function that opens the component of a group; None for null."""
        return partial(instantiate, cfg[group], _convert_="all") if cfg[group] else None

    open_encoder, new_task = cache(opener("encoder")), instantiate(cfg.task)
    return FineTune(
        task=new_task(open_base_model=opener("base_model"), open_encoder=open_encoder),
        data=DataOptions(
            read=opener("data"),
            speakers=cfg.speaker.names,
            split=cfg.split,
            limits=instantiate(cfg.limits),
            thresholds=instantiate(cfg.quality_control.thresholds),
            on_reject=cfg.quality_control.on_reject,
            max_rejected_share=cfg.quality_control.max_rejected_share,
            cache_dir=Path(cfg.cache_dir),
        ),
        text=TextOptions(**cfg.text),
        training=TrainingOptions(
            schedule=instantiate(cfg.schedule),
            lr_schedule=instantiate(cfg.lr_schedule),
            optimizer=instantiate(cfg.optimizer),
            adapter=instantiate(cfg.adapter),
            batches=BatchLayout(**cfg.loader),
            freeze=cfg.freeze,
            base_weight=cfg.base_weight,
            seed=cfg.seed,
        ),
        evaluation=EvaluationOptions(**cfg.evaluation),
        publication=Publication(
            name=cfg.name,
            license=cfg.license,
            half_precision=cfg.export.half_precision,
            hub_model_id=cfg.hub_model_id,
            is_pushed=cfg.push_to_hub,
        ),
        output_dir=Path(cfg.output_dir),
        open_encoder=open_encoder,
        open_recognizer=opener("asr"),
        open_speaker_verifier=opener("speaker_verifier"),
        report=instantiate(cfg.report),
        config=settings_of(cfg),
    )


def main() -> None:
    """Run as a command."""
    command("finetune", finetune, optional=("asr", "speaker_verifier"))


if __name__ == "__main__":
    main()
