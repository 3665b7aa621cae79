"""A run's folder: claimed before, described after."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from tts_toolkit.data.clips import distinct
from tts_toolkit.finetuning.dev_synthesis import dev_metrics
from tts_toolkit.finetuning.export import license_of
from tts_toolkit.hub.tokens import without_token
from tts_toolkit.speakers.registry import is_same_encoder
from tts_toolkit.system.errors import UserError, first_line
from tts_toolkit.system.reading import reading
from tts_toolkit.training.checkpoints import checked_progress, checkpoints, find_checkpoint, is_of_run

if TYPE_CHECKING:
    from accelerate import Accelerator

    from tts_toolkit.evaluation.metrics.asr import Recognizer
    from tts_toolkit.finetuning.examples import Prepared
    from tts_toolkit.models.speecht5.checkpoint import SpeechT5
    from tts_toolkit.speakers.encoders import SpeakerEncoder


def claim_run(output_dir: Path, resume: str | None, overwrite: bool) -> Path | None:
    """Return the checkpoint to go on from, or None for a new run.

    Raises UserError when the folder holds a run that the new one would mix with.
    """
    found = find_checkpoint(resume, output_dir) if resume else None
    if checkpoints(output_dir) and not overwrite and not (resume and is_of_run(found, output_dir)):
        raise UserError(
            f"output_dir={output_dir} holds a run already: continue it with resume=latest, choose another "
            "output_dir, or start again with overwrite=true"
        )
    return found


def clear_run(output_dir: Path, resume_from: Path | None = None) -> None:
    """Remove what an earlier run left in its folder, unless it is that run which goes on."""
    if is_of_run(resume_from, output_dir):
        return
    for folder in (
        "checkpoints", "model", "tracking", "plan", "systems", "references", "background",
    ):  # fmt: skip
        shutil.rmtree(output_dir / folder, ignore_errors=True)


def accelerator_of(settings: Mapping[str, Any], output_dir: Path, patience_seconds: float) -> Accelerator:
    """Return the accelerator of the configuration's `accelerator`; raises UserError for what it does not take."""
    from accelerate import Accelerator
    from accelerate.utils import GradientAccumulationPlugin, InitProcessGroupKwargs

    others = dict(settings)
    n_accumulated = others.pop("gradient_accumulation_steps", 1)
    if not isinstance(n_accumulated, int) or n_accumulated < 1:
        raise UserError(f"accelerator.gradient_accumulation_steps={n_accumulated}: a whole number of 1 or more")
    # what another training left half read in this process would end our accumulation, too
    accumulation = GradientAccumulationPlugin(num_steps=n_accumulated, sync_with_dataloader=False)
    try:
        return Accelerator(
            **others,
            gradient_accumulation_plugin=accumulation,
            project_dir=str(output_dir),
            kwargs_handlers=[InitProcessGroupKwargs(timeout=timedelta(seconds=patience_seconds))],
        )
    except ValueError as error:
        raise UserError(f"accelerator: {first_line(error)}") from error


def check_metric(
    metric: str, n_spoken_sentences: int, has_recognizer: bool = True, has_speaker_verifier: bool = True
) -> None:
    """Raise UserError when no evaluation will measure `metric`."""
    found = ("loss", *(dev_metrics(has_recognizer, has_speaker_verifier) if n_spoken_sentences else ()))
    if metric not in found:
        missing = [
            f"{group}=null"
            for group, there in (("asr", has_recognizer), ("speaker_verifier", has_speaker_verifier))
            if not there
        ]
        raise UserError(
            f"schedule.best_metric={metric}: measured are {', '.join(found)}{' with ' * bool(missing)}"
            f"{' '.join(missing)}; to choose by the loss: schedule.best_metric=loss schedule.greater_is_better=false"
        )


def check_speaker_verifier(speaker_verifier: SpeakerEncoder, encoder: SpeakerEncoder) -> None:
    """Raise UserError when the encoder that conditions the model would verify its voice, too."""
    if is_same_encoder(encoder.name, speaker_verifier):
        raise UserError(
            f"speaker_verifier={speaker_verifier.name} is the encoder that conditions the model, which would score "
            "its own work: choose "
            "another, e.g. speaker_verifier=ecapa or speaker_verifier=ge2e"
        )


def load_weights(model: torch.nn.Module, output_dir: Path, step: int) -> None:
    """Load the weights of a checkpoint of this run into `model`."""
    from safetensors.torch import load_model

    folder = output_dir / "checkpoints" / f"step_{step:08d}"
    checked_progress(folder)
    with reading(folder / "model.safetensors", "start again with overwrite=true"):
        load_model(model, folder / "model.safetensors")


def release(accelerator: Accelerator) -> None:
    """Free what training held on every process.

    DDP objects must be gone before the process group is: torch 2.13 with gloo can deadlock otherwise.
    """
    accelerator.wait_for_everyone()
    accelerator.free_memory()
    gc.collect()


def flat_settings(settings: Any, prefix: str = "") -> dict[str, str | int | float | bool]:
    """Return nested settings as one flat dict of the types that trackers take; the hub token is taken out of texts."""
    if isinstance(settings, Mapping):
        items = [(f"{prefix}{key}", value) for key, value in settings.items()]
        return {name: v for key, value in items for name, v in flat_settings(value, f"{key}.").items()}
    value = settings if isinstance(settings, int | float | bool) else without_token(str(settings))
    return {prefix.rstrip("."): value}


def describe(
    name: str,
    speech: SpeechT5,
    prepared: Prepared,
    encoder: SpeakerEncoder,
    recognizer: Recognizer | None,
    speaker_verifier: SpeakerEncoder | None,
    best_step: int,
    license: str,
) -> dict[str, Any]:
    """Return what a reader of the report and the model card must know of how the figures came about."""
    seconds = sum(card.seconds for card in prepared.cards)
    licenses = distinct(license for card in prepared.cards for license in card.licenses)
    consents = [f"{card.speaker}: {', '.join(card.consents) or 'not told'}" for card in prepared.cards]
    return {
        "name": name,
        "base_model": speech.name,
        "license": license,
        "license_of_the_base_model": license_of(speech.name),
        "licenses_of_the_recordings": ", ".join(licenses) or "not told",
        "consent_of_the_speakers": "; ".join(consents),
        "steps": best_step,
        "training_clips": len(prepared.clips["train"]),
        "test_clips": len(prepared.clips.get("test", ())),
        "seconds_of_speech": round(seconds, 1),
        "speaker_encoder": f"{encoder.name} ({encoder.version})",
        "embedding_size": int(speech.model.config.speaker_embedding_dim),
        "recognizer": recognizer.name if recognizer else "none",
        "speaker_verifier": f"{speaker_verifier.name} ({speaker_verifier.version})" if speaker_verifier else "none",
    }
