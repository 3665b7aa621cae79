"""Speak texts with a SpeechT5 checkpoint.

tts-synthesize model=outputs/.../model text="Hello there." output=hello.wav
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from tts_toolkit.cli import command

if TYPE_CHECKING:
    from omegaconf import DictConfig

log = logging.getLogger("tts_toolkit.synthesize")


def synthesize(cfg: DictConfig) -> list[Path]:
    """Run the recipe and return the files it wrote."""
    import numpy as np
    from hydra.utils import instantiate

    from tts_toolkit.assets import asset_path
    from tts_toolkit.devices import pick_device
    from tts_toolkit.models.speecht5 import load_speecht5
    from tts_toolkit.speakers.encoders import SpeechBrainEncoder
    from tts_toolkit.speakers.store import find_voice
    from tts_toolkit.synthesis.jobs import plan, write_speech
    from tts_toolkit.synthesis.speecht5 import SpeechT5Synthesizer
    from tts_toolkit.synthesis.vocoders import open_vocoder

    jobs = plan(cfg.text, cfg.texts, cfg.output, cfg.voice, spectrogram=cfg.vocoder == "none")
    speech = load_speecht5(cfg.model, cfg.revision)
    speech.model.to(pick_device(cfg.device))
    encoder = instantiate(cfg.encoder) or SpeechBrainEncoder(speech.settings.encoder, device=cfg.device)
    voices = {job.voice: find_voice(job.voice, asset_path(cfg.model), encoder) for job in jobs}
    vocoder = None if cfg.vocoder == "none" else open_vocoder(cfg.vocoder or speech.settings.vocoder, cfg.device)
    synthesizer = SpeechT5Synthesizer(speech, vocoder, instantiate(cfg.decoding), cfg.batch_size)
    embeddings = np.concatenate([voices[job.voice] for job in jobs])
    utterances = synthesizer.speak([job.text for job in jobs], embeddings, cfg.seed)
    for job, utterance in zip(jobs, utterances, strict=True):
        write_speech(job.output, utterance)
        if utterance.skipped:
            log.warning("%s: the model cannot speak %s: skipped", job.output, " ".join(sorted(set(utterance.skipped))))
        if utterance.cut_off:
            log.warning("%s: the model did not stop by itself and was cut off", job.output)
    print(f"{len(jobs)} spoken: {jobs[0].output if len(jobs) == 1 else jobs[0].output.parent}")
    return [job.output for job in jobs]


def main() -> None:
    """Run as a command."""
    command("synthesize", synthesize, free_text=("text", "voice"))


if __name__ == "__main__":
    main()
