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

log = logging.getLogger("tts_toolkit.synthesize")


def synthesize(cfg: DictConfig) -> list[Path]:
    """Run the recipe and return the files that are there."""
    from hydra.utils import instantiate

    from tts_toolkit.models.auto import load_synthesizer
    from tts_toolkit.synthesis.backend import Backend
    from tts_toolkit.synthesis.jobs import check_jobs, plan
    from tts_toolkit.synthesis.keeping import synthesize_list, synthesize_one

    jobs = plan(cfg.text, cfg.texts, cfg.output, cfg.voice, spectrogram=cfg.vocoder == "none")
    encoder, decoding = instantiate(cfg.encoder), instantiate(cfg.decoding)
    synthesizer = load_synthesizer(
        cfg.model, cfg.revision, cfg.device, vocoder=cfg.vocoder, encoder=encoder, decoding=decoding
    )
    backend = Backend(synthesizer, cfg.seed, cfg.batch_size)
    backend.open()
    check_jobs(jobs, backend.check)
    for job in jobs:
        _warn_of_losses(job, backend.coverage(job))
    if cfg.texts is None:
        synthesize_one(backend, jobs[0])
        print(f"1 spoken: {jobs[0].output}")
    else:
        n_kept = synthesize_list(backend, jobs)
        kept = f", {n_kept} there already" if n_kept else ""
        print(f"{len(jobs) - n_kept} spoken{kept}: {jobs[0].output.parent}")
    return [job.output for job in jobs]


def _warn_of_losses(job: Job, coverage: Coverage) -> None:
    """Warn, before synthesis, of parts of a text that will be missing."""
    if lost := {*coverage.dropped, *coverage.unknown}:
        log.warning("%s: the model cannot speak %s: skipped", job.output, " ".join(sorted(lost)))
    if coverage.n_truncated:
        log.warning("%s: the model does not read the last %d tokens of a word", job.output, coverage.n_truncated)


def main() -> None:
    """Run as a command."""
    command("synthesize", synthesize, free_text=("text", "voice"))


if __name__ == "__main__":
    main()
