"""A run's folder: claimed before, described after."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from tts_toolkit.data.clips import Clip, distinct
from tts_toolkit.finetuning.export import license_of
from tts_toolkit.hub.tokens import without_token
from tts_toolkit.speakers.registry import is_same_encoder
from tts_toolkit.system.errors import UserError, first_line
from tts_toolkit.system.reading import reading
from tts_toolkit.training.checkpoints import checked_progress, checkpoints, find_checkpoint, is_of_run

if TYPE_CHECKING:
    from accelerate import Accelerator

    from tts_toolkit.evaluation.metrics.asr import Recognizer
    from tts_toolkit.finetuning.tasks import Prepared, TrainingTask
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


def check_metric(metric: str, measured: Sequence[str], missing: Sequence[str] = ()) -> None:
    """Raise UserError when no evaluation will measure `metric`; `missing` are the groups that are null."""
    if metric not in (found := ("loss", *measured)):
        without = f" with {' '.join(f'{group}=null' for group in missing)}" if missing else ""
        raise UserError(
            f"schedule.best_metric={metric}: measured are {', '.join(found)}{without}; to choose by the loss: "
            "schedule.best_metric=loss schedule.greater_is_better=false"
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
    task: TrainingTask,
    prepared: Prepared,
    name: str,
    license: str,
    best_step: int,
    recognizer: Recognizer | None,
    speaker_verifier: SpeakerEncoder | None,
) -> dict[str, Any]:
    """What a reader of the report and of the model card must know of how the figures came about."""
    trained = prepared.clips["train"]
    frames = sum(example.n_frames for example in prepared.examples["train"])
    return {
        "name": name,
        "architecture": task.architecture,
        "base_model": task.base_name,
        "license": license,
        "license_of_the_base_model": license_of(task.base_name),
        "licenses_of_the_recordings": ", ".join(distinct(clip.license for clip in trained)) or "not stated",
        "consent_of_the_speakers": _consents(trained),
        "steps": best_step,
        "training_clips": len(trained),
        "test_clips": len(prepared.clips.get("test", ())),
        "seconds_of_speech": round(frames / task.audio.frames_per_second, 1),
        **task.facts(),
        "recognizer": recognizer.name if recognizer else "none",
        "speaker_verifier": f"{speaker_verifier.name} ({speaker_verifier.version})" if speaker_verifier else "none",
    }


def _consents(clips: Sequence[Clip]) -> str:
    """The consent of each speaker, by name."""
    stated: dict[str, list[str]] = {}
    for clip in clips:
        stated.setdefault(clip.speaker, []).append(clip.consent)
    return "; ".join(
        f"{name}: {', '.join(distinct(of_one)) or 'not stated'}" for name, of_one in sorted(stated.items())
    )
