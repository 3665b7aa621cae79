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

    from tts_toolkit.families.interface import Coverage
    from tts_toolkit.synthesis.jobs import Job

log = logging.getLogger("tts_toolkit.synthesize")


def synthesize(cfg: DictConfig) -> list[Path]:
    """Run the recipe and return the files it wrote."""
    from tts_toolkit.models.versions import model_type
    from tts_toolkit.synthesis.jobs import plan

    jobs = plan(cfg.text, cfg.texts, cfg.output, cfg.voice, spectrogram=cfg.vocoder == "none")
    if model_type(cfg.model, cfg.revision) == "speecht5":
        _speak_speecht5(cfg, jobs)
    else:
        _speak_family(cfg, jobs)
    print(f"{len(jobs)} spoken: {jobs[0].output if len(jobs) == 1 else jobs[0].output.parent}")
    return [job.output for job in jobs]


def _speak_speecht5(cfg: DictConfig, jobs: list[Job]) -> None:
    import numpy as np
    from hydra.utils import instantiate

    from tts_toolkit.devices import pick_device
    from tts_toolkit.families.interface import Coverage
    from tts_toolkit.models.speecht5 import load_speecht5
    from tts_toolkit.speakers.opening import open_encoder
    from tts_toolkit.speakers.store import find_voice, voices_folder
    from tts_toolkit.synthesis.jobs import check_jobs, write_spectrogram, write_speech
    from tts_toolkit.synthesis.speecht5 import SpeechT5Synthesizer
    from tts_toolkit.synthesis.vocoders import open_vocoder

    speech = load_speecht5(cfg.model, cfg.revision)
    speech.model.to(pick_device(cfg.device))
    encoder = instantiate(cfg.encoder) or open_encoder(speech.settings.encoder, cfg.device)
    folder, voices = voices_folder(cfg.model, cfg.revision), dict[str | None, np.ndarray]()
    vocoder = None if cfg.vocoder == "none" else open_vocoder(cfg.vocoder or speech.settings.vocoder, cfg.device)
    synthesizer = SpeechT5Synthesizer(speech, vocoder, instantiate(cfg.decoding), cfg.batch_size)

    def check(job: Job) -> None:
        synthesizer.check(job.text)
        if job.voice not in voices:
            voices[job.voice] = synthesizer.checked(find_voice(job.voice, folder, encoder))

    check_jobs(jobs, check)
    for job in jobs:
        _warn_of_losses(job, Coverage(dropped=tuple(synthesizer.front_end.unspeakable(job.text))))
    embeddings = np.concatenate([voices[job.voice] for job in jobs])
    utterances = synthesizer.speak([job.text for job in jobs], embeddings, cfg.seed)
    for job, utterance in zip(jobs, utterances, strict=True):
        if vocoder is None:
            write_spectrogram(job.output, utterance.log_mels)
        else:
            write_speech(job.output, utterance.waveform)
        _warn_if_cut_off(job, utterance.cut_off)


def _speak_family(cfg: DictConfig, jobs: list[Job]) -> None:
    from tts_toolkit.errors import UserError
    from tts_toolkit.families.interface import line_for
    from tts_toolkit.families.opening import open_family
    from tts_toolkit.progress import progress
    from tts_toolkit.synthesis.jobs import check_jobs, write_speech

    if cfg.vocoder is not None or cfg.encoder is not None:
        raise UserError(f"model={cfg.model}: vocoder and encoder are for SpeechT5 only; leave them out")
    family = open_family(cfg.model, cfg.revision, cfg.device)
    check_jobs(jobs, lambda job: family.check(line_for(family, job.text, cfg.seed, job.voice)))
    for job in jobs:
        _warn_of_losses(job, family.coverage(job.text))
    starts = range(0, len(jobs), cfg.batch_size)
    for start in progress(starts, "speaking", "batch", len(starts)):
        batch = jobs[start : start + cfg.batch_size]
        takes = family.speak([line_for(family, job.text, cfg.seed, job.voice) for job in batch])
        for job, take in zip(batch, takes, strict=True):
            write_speech(job.output, take.waveform, take.sample_rate_hz)
            _warn_if_cut_off(job, take.cut_off)


def _warn_of_losses(job: Job, coverage: Coverage) -> None:
    """Tell, before anything is spoken, what of a text will not be heard."""
    if lost := {*coverage.dropped, *coverage.unknown}:
        log.warning("%s: the model cannot speak %s: skipped", job.output, " ".join(sorted(lost)))
    if coverage.n_truncated:
        log.warning("%s: the model does not read the last %d tokens of a word", job.output, coverage.n_truncated)


def _warn_if_cut_off(job: Job, cut_off: bool) -> None:
    if cut_off:
        log.warning("%s: the model did not stop by itself and was cut off", job.output)


def main() -> None:
    """Run as a command."""
    command("synthesize", synthesize, free_text=("text", "voice"))


if __name__ == "__main__":
    main()
