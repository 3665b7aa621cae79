"""The training loop: counts optimizer steps, and knows nothing of text, speech or configuration."""

from __future__ import annotations

import json
import logging
import math
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import DataLoader

from tts_toolkit.compat import copy_tensors
from tts_toolkit.data.batches import IGNORED_FRAME, Batch, fingerprint, model_inputs
from tts_toolkit.errors import UserError
from tts_toolkit.files import write_whole
from tts_toolkit.nn.devices import attention_of_any_shape
from tts_toolkit.progress import progress as progress_bar
from tts_toolkit.training.checkpoints import Progress, begin, save_checkpoint
from tts_toolkit.training.interruption import Interrupted, StopRequests

if TYPE_CHECKING:
    from accelerate import Accelerator

log = logging.getLogger(__name__)
Prepare = Callable[[dict[str, torch.Tensor]], dict[str, Any]]
N_RECENT = 50  # gradient norms whose median is the usual one


@dataclass(frozen=True)
class Schedule:
    """When things happen, in optimizer steps."""

    max_steps: int
    eval_every: int
    save_every: int
    log_every: int = 10
    max_grad_norm: float = 1.0
    max_skipped_steps: int = 10  # of a run, for numbers that are no good; one more ends it
    max_grad_growth: float = 100.0  # over the usual gradient norm; what exceeds it is skipped
    save_total_limit: int = 2
    best_metric: str = "wer"
    greater_is_better: bool = False
    early_stopping_patience: int | None = None  # evaluations without gain; None never stops early
    max_seconds: float | None = None  # of training by this process, after which it saves and stops

    def __post_init__(self) -> None:
        """Raise UserError for what happens every zero steps."""
        for name in ("max_steps", "eval_every", "save_every", "log_every", "save_total_limit"):
            if getattr(self, name) < 1:
                raise UserError(f"schedule.{name}={getattr(self, name)}: at least 1")


def fit(
    accelerator: Accelerator,
    model: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    loader: DataLoader[Batch],
    schedule: Schedule,
    lr_factor: Callable[[int], float],
    evaluate: Callable[[int], dict[str, float]],
    run_dir: Path,
    resume_from: Path | None = None,
    prepare_batch: Prepare = lambda batch: batch,
) -> Progress:
    """Train to `schedule.max_steps` and return the progress, `best_step` naming the best checkpoint.

    `model` and `optimizer` come prepared by the accelerator; `loader` has a FrameBudgetBatches sampler, already
    sharded; `prepare_batch` makes of a batch what the model takes. `evaluate(step)` runs on every process and returns
    the same numbers there. One flat row a logged step goes to `metrics.jsonl` and to the trackers. Raises Interrupted
    after a requested stop, and UserError when more steps than allowed had a loss or gradients that are no good, or no
    evaluation gave a number.
    """
    base_lrs = [group["lr"] for group in optimizer.param_groups]
    progress = begin(accelerator, resume_from, run_dir)
    metrics = MetricsFile(run_dir / "metrics.jsonl", progress.step, accelerator)
    stream = endless_batches(loader, progress, accelerator.device)
    statistics, speed = RunningStatistics(model), _Speed()
    with StopRequests(accelerator, schedule.max_seconds) as stop:
        for step in progress_bar(range(progress.step, schedule.max_steps), "training", "step"):
            for group, base_lr in zip(optimizer.param_groups, base_lrs, strict=True):
                group["lr"] = base_lr * lr_factor(step)
            statistics.keep()
            model.train()  # from_pretrained, and whoever evaluates, leave it without dropout
            row = train_step(accelerator, model, optimizer, stream, schedule, progress, prepare_batch)
            if not row.pop("updated"):
                statistics.restore()
            progress.step = step + 1
            speed.add(row)
            if progress.step % schedule.log_every == 0:
                metrics.write(progress.step, row | {"lr": optimizer.param_groups[0]["lr"]} | speed.shares())
                speed = _Speed()
            last = progress.step == schedule.max_steps
            gained = False
            if progress.step % schedule.eval_every == 0 or last:
                gained = _evaluate(evaluate, schedule, progress, metrics)
                speed = _Speed()
            stopping = stop.requested()
            if gained or last or stopping or progress.step % schedule.save_every == 0:
                save_checkpoint(accelerator, progress, run_dir, schedule.save_total_limit)
            if stopping and not last:
                raise Interrupted(f"stopped at step {progress.step}; continue with resume=latest")
            patience = schedule.early_stopping_patience
            if patience is not None and progress.n_evaluations_without_gain >= patience:
                log.info("no gain in %s over %d evaluations: stopping early", schedule.best_metric, patience)
                break
    if progress.best_value is None:
        raise UserError(f"no evaluation gave a number for {schedule.best_metric}: there is no checkpoint to choose")
    return progress


def endless_batches(loader: DataLoader[Batch], progress: Progress, device: torch.device) -> Iterator[Batch]:
    """Yield batches forever from where `progress` stopped inside an epoch, keeping count in it.

    Where the data, or how it is shared, is no longer what that count was kept in, the next epoch begins.
    """
    sampler: Any = loader.batch_sampler
    batches = fingerprint(loader)
    if progress.batches not in ("", batches):
        log.warning("the clips, their batches or the processes are not those of the checkpoint: a new epoch begins")
        progress.epoch, progress.batch_in_epoch = progress.epoch + 1, 0
    progress.batches = batches
    while True:
        sampler.resume_at(progress.epoch, progress.batch_in_epoch)
        for batch in loader:
            progress.batch_in_epoch += 1
            yield {"ids": batch["ids"], **model_inputs(batch, device)}
        progress.epoch, progress.batch_in_epoch = progress.epoch + 1, 0


def train_step(
    accelerator: Accelerator,
    model: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    stream: Iterator[Batch],
    schedule: Schedule,
    progress: Progress,
    prepare_batch: Prepare = lambda batch: batch,
) -> dict[str, float]:
    """Do one update from as many micro-batches as the accelerator accumulates, unless its numbers are no good.

    Returns `loss`, `grad_norm`, `n_frames` of the padded batches, `n_padded` of them, `wait_seconds` for the data, and
    whether the weights were `updated`.
    """
    losses, ids, n_frames, n_spoken, wait_seconds, updated = [], [], 0, [], 0.0, False
    for _ in range(accelerator.gradient_accumulation_steps):
        started = time.perf_counter()
        batch = next(stream)
        wait_seconds += time.perf_counter() - started
        ids += batch.pop("ids")
        with accelerator.accumulate(model):
            with accelerator.autocast(), attention_of_any_shape():
                loss = model(**prepare_batch(batch), use_cache=False).loss
            accelerator.backward(loss)
            losses.append(loss.detach())
            if accelerator.sync_gradients:
                grad_norm = float(accelerator.clip_grad_norm_(model.parameters(), schedule.max_grad_norm))
                mean = accelerator.reduce(torch.stack(losses).mean(), "mean").item()
                updated = _usable(accelerator, mean, grad_norm, ids, schedule, progress)
                if updated:
                    optimizer.step()
                elif accelerator.scaler is not None:
                    accelerator.scaler.update()  # it has unscaled these gradients, and would refuse the next ones
            optimizer.zero_grad()
        n_frames += batch["labels"].shape[0] * batch["labels"].shape[1]
        n_spoken.append((batch["labels"][:, :, 0] != IGNORED_FRAME).sum())
    return {
        "loss": mean,
        "grad_norm": grad_norm,
        "n_frames": n_frames,
        "n_padded": n_frames - int(torch.stack(n_spoken).sum()),
        "wait_seconds": wait_seconds,
        "updated": updated,
    }


class RunningStatistics:
    """The running means and variances of batch normalization: a step's forward pass moves them, be it good or not."""

    def __init__(self, model: torch.nn.Module) -> None:
        norms = (module for module in model.modules() if isinstance(module, torch.nn.modules.batchnorm._BatchNorm))
        self.live = [b for norm in norms for b in norm.buffers() if b.is_floating_point()]
        self.kept = [buffer.clone() for buffer in self.live]

    def keep(self) -> None:
        """Note them before a step."""
        if self.live:
            copy_tensors(self.kept, self.live)

    def restore(self) -> None:
        """Go back to what was noted."""
        if self.live:
            copy_tensors(self.live, self.kept)


def _usable(
    accelerator: Accelerator, loss: float, grad_norm: float, ids: list[str], schedule: Schedule, progress: Progress
) -> bool:
    """Return whether to update with these gradients: every process sees the same numbers and decides alike.

    In float16 gradients overflow until the loss scale has settled, which is above one: the scaler leaves such a step
    out by itself.
    """
    recent = progress.recent_grad_norms
    usual = statistics.median(recent) if len(recent) == N_RECENT else math.inf
    if not math.isfinite(loss):
        fault = f"the loss is {loss}"
    elif not math.isfinite(grad_norm):
        if accelerator.scaler is not None and accelerator.scaler.get_scale() > 1.0:
            log.info("step %d: gradients overflow float16, the loss scale goes down", progress.step + 1)
            return True
        fault = f"the gradient norm is {grad_norm}"
    elif grad_norm > schedule.max_grad_growth * usual:
        fault = f"the gradient norm is {grad_norm:.3g}, usual is {usual:.3g}"
    else:
        progress.recent_grad_norms = [*recent[1 - N_RECENT :], grad_norm]
        return True
    from accelerate.utils import gather_object

    progress.n_skipped_steps += 1
    ids = gather_object(ids)
    clips = ", ".join(ids[:20]) + (f" and {len(ids) - 20} more" if len(ids) > 20 else "")
    message = f"step {progress.step + 1}: {fault} (clips {clips})"
    if progress.n_skipped_steps > schedule.max_skipped_steps:
        raise UserError(
            f"{message}; {progress.n_skipped_steps} such steps are more than schedule.max_skipped_steps="
            f"{schedule.max_skipped_steps}: look at these clips or lower optimizer.lr, then go on with resume=latest"
        )
    log.warning("%s: skipped", message)
    return False


class _Speed:
    """What this process went through since the last logged step, and how much of it was no use."""

    def __init__(self) -> None:
        self.started, self.n_frames, self.n_padded, self.wait_seconds = time.perf_counter(), 0, 0, 0.0

    def add(self, row: dict[str, float]) -> None:
        """Take the counts out of a step's row."""
        self.n_frames += int(row.pop("n_frames"))
        self.n_padded += int(row.pop("n_padded"))
        self.wait_seconds += row.pop("wait_seconds")

    def shares(self) -> dict[str, float]:
        """Return `frames_per_second` of this process, padding included, `padding_share` and `data_wait_share`."""
        seconds = time.perf_counter() - self.started
        return {
            "frames_per_second": self.n_frames / seconds,
            "padding_share": self.n_padded / self.n_frames,
            "data_wait_share": self.wait_seconds / seconds,
        }


def _evaluate(
    evaluate: Callable[[int], dict[str, float]], schedule: Schedule, progress: Progress, metrics: MetricsFile
) -> bool:
    """Evaluate with random states of its own, record the numbers, and say whether the chosen metric gained."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        row = evaluate(progress.step)
    metrics.write(progress.step, {f"dev_{name}": value for name, value in row.items()})
    value = row.get(schedule.best_metric, math.nan)  # a similarity of no clip is none
    sign = 1 if schedule.greater_is_better else -1
    gained = math.isfinite(value) and (progress.best_value is None or sign * value > sign * progress.best_value)
    if gained:
        progress.best_step, progress.best_value, progress.n_evaluations_without_gain = progress.step, value, 0
    else:
        progress.n_evaluations_without_gain += 1
    return gained


class MetricsFile:
    """Appends one flat JSON row a call, on the main process, and hands the row to the trackers."""

    def __init__(self, path: Path, last_step: int, accelerator: Accelerator) -> None:
        """Keep the rows up to `last_step`: those beyond it belong to steps that a resumed run does again."""
        self.path, self.accelerator = path, accelerator
        if accelerator.is_main_process:
            lines = path.read_bytes().splitlines() if path.exists() else []
            kept = [line for line in lines if _step_of(line) <= last_step]
            write_whole(path, b"".join(line + b"\n" for line in kept))

    def write(self, step: int, row: dict[str, float]) -> None:
        """Record `row` for `step`."""
        self.accelerator.log(row, step=step)
        if self.accelerator.is_main_process:
            with self.path.open("a") as file:
                file.write(json.dumps({"step": step, **row}) + "\n")


def _step_of(line: bytes) -> float:
    """Return the step of a row; infinity for one that was cut off while it was written."""
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return math.inf
