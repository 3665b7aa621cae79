"""Checkpoints that are written atomically, and resume to equal weights.

`checkpoints/step_00001200/` holds what `Accelerator.save_state` writes (model.safetensors, the optimizer and each
process's random states, both read back with `weights_only=True`) and `progress.json`, with a hash of each file.
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tts_toolkit.system.errors import UserError, first_line
from tts_toolkit.system.files import file_hash
from tts_toolkit.system.reading import read_json, reading, sealed_json, typed

if TYPE_CHECKING:
    from accelerate import Accelerator

PROGRESS = "progress.json"
WAY_OUT = "give resume= an older one, or start again with overwrite=true"
FOLDER = re.compile(r"step_(\d{8})")


@dataclass
class Progress:
    """State of a checkpoint besides weights, optimizer and random states."""

    step: int = 0  # optimizer steps done
    epoch: int = 0
    batch_in_epoch: int = 0  # batches of this process already used in this epoch
    best_step: int = 0
    best_value: float | None = None  # of the metric that chooses the best checkpoint
    n_evaluations_without_gain: int = 0
    n_skipped_steps: int = 0  # with non-finite or exploding loss or gradients
    batches: str = ""  # the loader's fingerprint, for which `batch_in_epoch` holds
    recent_grad_norms: list[float] = field(default_factory=list)  # of the last optimizer
    grad_norms_of_others: dict[str, list[float]] = field(default_factory=dict)  # by place before the last


def checkpoints(run_dir: Path) -> list[Path]:
    """Return the complete checkpoints of a run, oldest first."""
    folder = run_dir / "checkpoints"
    return sorted(p for p in folder.glob("step_*") if FOLDER.fullmatch(p.name)) if folder.is_dir() else []


def find_checkpoint(resume: str, run_dir: Path) -> Path | None:
    """Return the checkpoint that `resume` names: a path, or `latest` of this run (None when there is none yet).

    Raises UserError when the path holds no complete checkpoint.
    """
    if resume == "latest":
        return checkpoints(run_dir)[-1] if checkpoints(run_dir) else None
    path = Path(resume)
    if not (path / PROGRESS).is_file():
        raise UserError(
            f"resume={resume}: no checkpoint there; give resume=latest or a folder .../checkpoints/step_..."
        )
    return path


def is_of_run(checkpoint: Path | None, run_dir: Path) -> bool:
    """Whether a checkpoint is one of a run's."""
    return checkpoint is not None and checkpoint.resolve().parent == (run_dir / "checkpoints").resolve()


def save_checkpoint(accelerator: Accelerator, progress: Progress, run_dir: Path, save_total_limit: int) -> None:
    """Write the checkpoint of this step, then remove the oldest beyond `save_total_limit`, never the best one."""
    name = f"step_{progress.step:08d}"
    final, temporary = run_dir / "checkpoints" / name, run_dir / "checkpoints" / f".{name}.tmp"
    if accelerator.is_main_process:
        shutil.rmtree(temporary, ignore_errors=True)
    accelerator.wait_for_everyone()
    accelerator.save_state(str(temporary))
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        hashes = {file.name: file_hash(file) for file in sorted(temporary.iterdir()) if file.is_file()}
        (temporary / PROGRESS).write_bytes(sealed_json({**asdict(progress), "sha256": hashes}))
        for file in temporary.iterdir():
            with file.open("rb") as written:
                os.fsync(written.fileno())
        shutil.rmtree(final, ignore_errors=True)
        temporary.replace(final)
        for old in checkpoints(run_dir)[:-save_total_limit]:
            if old.name != f"step_{progress.best_step:08d}":
                shutil.rmtree(old)
    accelerator.wait_for_everyone()


def begin(accelerator: Accelerator, checkpoint: Path | None, run_dir: Path) -> Progress:
    """Return the initial progress of a run: zero, or that of a checkpoint, which `load_checkpoint` restores.

    Later checkpoints of the run are removed: their steps are repeated, and they would count as its latest. The best
    one of another run cannot be exported here, so a run that starts from it chooses again.
    """
    if checkpoint is None:
        return Progress()
    progress = load_checkpoint(accelerator, checkpoint)
    if not is_of_run(checkpoint, run_dir):
        progress.best_step, progress.best_value, progress.n_evaluations_without_gain = 0, None, 0
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        for later in (found for found in checkpoints(run_dir) if found.name > f"step_{progress.step:08d}"):
            shutil.rmtree(later)
    return progress


def load_checkpoint(accelerator: Accelerator, folder: Path) -> Progress:
    """Restore model, optimizer and random states of this process in place and return the progress.

    Raises UserError when a file of the checkpoint is damaged, or it is one of another model.
    """
    try:
        progress = checked_progress(folder)
        accelerator.load_state(str(folder))
    except UserError:
        raise
    except Exception as error:  # accelerate and torch raise any type for another model
        raise UserError(
            f"{folder}: is damaged, or the checkpoint of another model ({first_line(error)}); {WAY_OUT}"
        ) from error
    return progress


def checked_progress(folder: Path) -> Progress:
    """Return the progress of a checkpoint; raises UserError where one of its files is damaged."""
    content = read_json(folder / PROGRESS, WAY_OUT)
    with reading(folder, WAY_OUT):
        if absent := {"step", "epoch", "batch_in_epoch", "best_step", "sha256"} - set(content):
            raise ValueError(f"{', '.join(sorted(absent))} is missing")
        for name, expected in content.pop("sha256").items():
            if file_hash(folder / name) != expected:
                raise ValueError(f"{name} differs from what was written")
        return typed(Progress, content)
