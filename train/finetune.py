"""Fine-tune SpeechT5 on a voice: recordings in; checkpoint, speech and scores out.

tts-finetune data=folder data.path=my_recordings
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from tts_toolkit.cli import command

if TYPE_CHECKING:
    from omegaconf import DictConfig

log = logging.getLogger("tts_toolkit.finetune")


def finetune(cfg: DictConfig) -> Path:
    """Run the recipe and return the folder of the exported model."""
    import numpy as np
    from accelerate import Accelerator
    from hydra.utils import instantiate

    from tts_toolkit.data.batches import Example, make_loader
    from tts_toolkit.data.features import log_mel_files
    from tts_toolkit.data.splits import split_clips
    from tts_toolkit.speakers.conditioning import clip_embeddings, condition
    from tts_toolkit.training.checkpoints import find_checkpoint
    from tts_toolkit.training.evaluation import mean_loss
    from tts_toolkit.training.loop import fit

    output_dir, cache_dir = Path(cfg.output_dir), Path(cfg.cache_dir)
    accelerator = Accelerator(**cfg.accelerator, project_dir=str(output_dir))
    clips = instantiate(cfg.data)
    parts = split_clips(clips, **cfg.split)
    speech = instantiate(cfg.model, _convert_="all")
    encoder = instantiate(cfg.encoder)
    limits = instantiate(cfg.limits)

    def examples(part: str) -> list[Example]:
        of_part = parts[part]
        files = log_mel_files(of_part, limits, cache_dir)
        tokenizer = speech.processor.tokenizer
        return [
            Example(c.id, tuple(tokenizer(c.transcript)["input_ids"]), f, np.load(f, mmap_mode="r").shape[0], voices[c.speaker])
            for c, f in zip(of_part, files, strict=True)
        ]

    by_speaker = {}
    for clip in parts["train"]:
        by_speaker.setdefault(clip.speaker, []).append(clip)
    chosen = [c for of_one in by_speaker.values() for c in of_one[: cfg.speaker.max_clips]]
    embeddings = clip_embeddings(chosen, encoder, limits, cache_dir)
    means = condition(embeddings, [c.speaker for c in chosen], "speaker_mean")
    voices = {c.speaker: mean for c, mean in zip(chosen, means, strict=True)}

    def loader(part: str, shuffle: bool):
        return make_loader(
            examples(part), cfg.loader.max_frames, speech.model.config.reduction_factor, speech.processor.tokenizer.pad_token_id,
            cfg.seed, shuffle, accelerator.process_index, accelerator.num_processes, cfg.loader.n_workers,
        )

    train_loader, dev_loader = loader("train", True), loader("dev", False)
    log.info("training on %d clips, %d parameters", len(parts["train"]), speech.model.num_parameters())
    model, optimizer = accelerator.prepare(speech.model, instantiate(cfg.optimizer)(speech.model.parameters()))
    accelerator.init_trackers("tensorboard")
    fit(
        accelerator, model, optimizer, train_loader, instantiate(cfg.schedule), instantiate(cfg.lr_schedule),
        lambda step: {"loss": mean_loss(accelerator, model, dev_loader)}, output_dir,
        find_checkpoint(cfg.resume, output_dir) if cfg.resume else None,
    )
    return output_dir


def main() -> None:
    """Run as a command."""
    command("finetune", finetune)


if __name__ == "__main__":
    main()
