"""Speak texts with a SpeechT5, Bark, MMS or other VITS checkpoint.

tts-synthesize model=outputs/.../model text="Hello there." output=hello.wav
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from tts_toolkit.cli import command

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from tts_toolkit.models.base import Coverage
    from tts_toolkit.synthesis.jobs import Job
    from tts_toolkit.synthesis.speakers import Speaker

log = logging.getLogger("tts_toolkit.synthesize")


def synthesize(cfg: DictConfig) -> list[Path]:
    """Run the recipe and return the files that are there."""
    from tts_toolkit.hub.loading import model_type
    from tts_toolkit.synthesis.jobs import check_jobs, plan
    from tts_toolkit.synthesis.keeping import synthesize_list, synthesize_one

    jobs = plan(cfg.text, cfg.texts, cfg.output, cfg.voice, spectrogram=cfg.vocoder == "none")
    speaker = _speecht5(cfg) if model_type(cfg.model, cfg.revision) == "speecht5" else _synthesizer(cfg)
    check_jobs(jobs, speaker.check)
    for job in jobs:
        _warn_of_losses(job, speaker.coverage(job))
    if cfg.texts is None:
        synthesize_one(speaker, jobs[0])
        print(f"1 spoken: {jobs[0].output}")
    else:
        n_kept = synthesize_list(speaker, jobs)
        kept = f", {n_kept} there already" if n_kept else ""
        print(f"{len(jobs) - n_kept} spoken{kept}: {jobs[0].output.parent}")
    return [job.output for job in jobs]


def _speecht5(cfg: DictConfig) -> Speaker:
    from hydra.utils import instantiate

    from tts_toolkit.components import open_parts
    from tts_toolkit.models.speecht5.checkpoint import load_speecht5
    from tts_toolkit.models.speecht5.pipeline import SpeechT5Pipeline
    from tts_toolkit.models.vocoders import open_vocoder
    from tts_toolkit.nn.devices import pick_device
    from tts_toolkit.speakers.embedding_files import voices_folder
    from tts_toolkit.speakers.registry import open_encoder
    from tts_toolkit.synthesis.speakers import SpeechT5Backend

    opened = open_parts(
        {
            "model": lambda: load_speecht5(cfg.model, cfg.revision),
            "vocoder": lambda: cfg.vocoder and cfg.vocoder != "none" and open_vocoder(cfg.vocoder).n_parameters,
        }
    )
    speech = opened["model"]
    speech.model.to(pick_device(cfg.device))
    encoder = instantiate(cfg.encoder) or open_encoder(speech.settings.encoder, cfg.device)
    vocoder = None if cfg.vocoder == "none" else open_vocoder(cfg.vocoder or speech.settings.vocoder, cfg.device)
    synthesizer = SpeechT5Pipeline(speech, vocoder, instantiate(cfg.decoding), cfg.batch_size)
    voices = voices_folder(cfg.model, cfg.revision)
    return SpeechT5Backend(synthesizer, cfg.model, cfg.revision, encoder, voices, cfg.seed)


def _synthesizer(cfg: DictConfig) -> Speaker:
    from tts_toolkit.models.auto import load_synthesizer
    from tts_toolkit.synthesis.speakers import SynthesizerBackend
    from tts_toolkit.system.errors import UserError

    if cfg.vocoder is not None or cfg.encoder is not None:
        raise UserError(f"model={cfg.model}: vocoder and encoder are for SpeechT5 only; leave them out")
    return SynthesizerBackend(load_synthesizer(cfg.model, cfg.revision, cfg.device), cfg.seed, cfg.batch_size)


def _warn_of_losses(job: Job, coverage: Coverage) -> None:
    """Tell, before anything is spoken, what of a text will not be heard."""
    if lost := {*coverage.dropped, *coverage.unknown}:
        log.warning("%s: the model cannot speak %s: skipped", job.output, " ".join(sorted(lost)))
    if coverage.n_truncated:
        log.warning("%s: the model does not read the last %d tokens of a word", job.output, coverage.n_truncated)


def main() -> None:
    """Run as a command."""
    command("synthesize", synthesize, free_text=("text", "voice"))


if __name__ == "__main__":
    main()
