"""The training loop: counts optimizer steps; independent of text, speech and configuration."""

from __future__ import annotations

import json
import logging
import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import DataLoader

from tts_toolkit.data.batches import Batch, fingerprint, model_inputs
from tts_toolkit.nn.devices import attention_of_any_shape
from tts_toolkit.system.compat import copy_tensors
from tts_toolkit.system.errors import UserError
from tts_toolkit.system.files import write_whole
from tts_toolkit.system.progress import progress as progress_bar
from tts_toolkit.training.checkpoints import Progress, begin, save_checkpoint
from tts_toolkit.training.freezing import train_mode
from tts_toolkit.training.interruption import Interrupted, StopRequests

if TYPE_CHECKING:
    from accelerate import Accelerator

log = logging.getLogger(__name__)
# Losses of a batch: one dict per optimizer, in the order of the optimizers. Each is backpropagated as its sum and
# stepped before the next is computed, so that a generator sees its updated discriminator.
Losses = Callable[[torch.nn.Module, dict[str, torch.Tensor]], Iterator[dict[str, torch.Tensor]]]
N_RECENT = 50  # gradient norms whose median is the usual one


@dataclass(frozen=True)
class Schedule:
    """Length and intervals of a training, in optimizer steps, and its limits."""

    max_steps: int
    eval_every: int
    save_every: int
    log_every: int = 10
    max_grad_norm: float = 1.0
    max_skipped_steps: int = 10  # non-finite or exploding steps tolerated per run; the next one aborts training
    max_grad_growth: float = 100.0  # relative to the median gradient norm; steps above are skipped
    save_total_limit: int = 2
    best_metric: str = "wer"
    greater_is_better: bool = False
    early_stopping_patience: int | None = None  # evaluations without gain; None never stops early
    max_seconds: float | None = None  # of training by this process, after which it saves and stops

    def __post_init__(self) -> None:
        """Raise UserError for intervals below one step."""
        for name in ("max_steps", "eval_every", "save_every", "log_every", "save_total_limit"):
            if getattr(self, name) < 1:
                raise UserError(f"schedule.{name}={getattr(self, name)}: at least 1")


@dataclass(frozen=True)
class Training:
    """Schedule, learning rates, evaluation and folder of a run."""

    schedule: Schedule
    lr_factor: Callable[[int], float]  # applied to each optimizer's learning rate, by step
    evaluate: Callable[[int], dict[str, float]]  # runs on every process and returns the same numbers there
    run_dir: Path


def fit(
    accelerator: Accelerator,
    model: torch.nn.Module,
    optimizers: Sequence[torch.optim.Optimizer],
    loader: DataLoader[Batch],
    losses: Losses,
    training: Training,
    resume_from: Path | None = None,
) -> Progress:
    """Train to `schedule.max_steps` and return the progress, `best_step` naming the best checkpoint.

    `model` and `optimizers` are prepared by the accelerator; `loader` has a FrameBudgetBatches sampler, already
    sharded. `training.evaluate(step)` runs on every process and returns
    the same numbers there. One flat row per logged step goes to `metrics.jsonl` and to the trackers. Raises Interrupted
    after a requested stop, and UserError when more non-finite or exploding steps occurred than allowed, or no
    evaluation gave a finite value.
    """
    base_lrs = [[group["lr"] for group in optimizer.param_groups] for optimizer in optimizers]
    schedule, run_dir = training.schedule, training.run_dir
    progress = begin(accelerator, resume_from, run_dir)
    metrics = MetricsFile(run_dir / "metrics.jsonl", progress.step, accelerator)
    stream = endless_batches(loader, progress, accelerator.device)
    statistics, speed = RunningStatistics(model), _Speed()
    with StopRequests(accelerator, schedule.max_seconds) as stop:
        for step in progress_bar(range(progress.step, schedule.max_steps), "training", "step"):
            for optimizer, lrs in zip(optimizers, base_lrs, strict=True):
                for group, base_lr in zip(optimizer.param_groups, lrs, strict=True):
                    group["lr"] = base_lr * training.lr_factor(step)
            statistics.keep()
            train_mode(model)  # from_pretrained and evaluations leave it in evaluation mode
            row = train_step(accelerator, model, optimizers, stream, losses, schedule, progress)
            if not row.pop("updated"):
                statistics.restore()
            progress.step = step + 1
            speed.add(row)
            if progress.step % schedule.log_every == 0:
                metrics.write(progress.step, row | {"lr": optimizers[-1].param_groups[0]["lr"]} | speed.shares())
                speed = _Speed()
            last = progress.step == schedule.max_steps
            gained = False
            if progress.step % schedule.eval_every == 0 or last:
                gained = _evaluate(training.evaluate, schedule, progress, metrics)
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
        raise UserError(f"no evaluation gave a finite {schedule.best_metric}: there is no checkpoint to choose")
    return progress


def endless_batches(loader: DataLoader[Batch], progress: Progress, device: torch.device) -> Iterator[Batch]:
    """Yield batches forever from where `progress` stopped inside an epoch, keeping count in it.

    Where the data or their sharding have changed since, the next epoch begins.
    """
    sampler: Any = loader.batch_sampler
    batches = fingerprint(loader)
    if progress.batches not in ("", batches):
        log.warning("clips, batches or processes have changed since the checkpoint: a new epoch begins")
        progress.epoch, progress.batch_in_epoch = progress.epoch + 1, 0
    progress.batches = batches
    while True:
        sampler.resume_at(progress.epoch, progress.batch_in_epoch)
        for batch in loader:
            progress.batch_in_epoch += 1
            counts = {name: batch[name] for name in ("ids", "n_frames", "n_padded")}
            yield {**counts, **model_inputs(batch, device)}
        progress.epoch, progress.batch_in_epoch = progress.epoch + 1, 0


def train_step(
    accelerator: Accelerator,
    model: torch.nn.Module,
    optimizers: Sequence[torch.optim.Optimizer],
    stream: Iterator[Batch],
    losses: Losses,
    schedule: Schedule,
    progress: Progress,
) -> dict[str, float]:
    """Do one update per optimizer from as many micro-batches as the accelerator accumulates.

    An update whose loss or gradients are non-finite or explode is skipped. Returns each loss by name and their sum as
    `loss`, `grad_norm` (of the last optimizer), `n_frames` of the padded batches, `n_padded` of them, `wait_seconds`
    for the data, and whether all weights were `updated`.
    """
    turns = [_Turn(accelerator, model, optimizer, len(optimizers)) for optimizer in optimizers]
    ids, counts, wait_seconds = list[str](), {"n_frames": 0, "n_padded": 0}, 0.0
    for _ in range(accelerator.gradient_accumulation_steps):
        started = time.perf_counter()
        batch = next(stream)
        wait_seconds += time.perf_counter() - started
        ids += batch.pop("ids")
        counts = {name: n + batch.pop(name) for name, n in counts.items()}
        with accelerator.accumulate(model):
            found = losses(model, batch)
            for number, turn in enumerate(turns):
                turn.backward(found)
                if accelerator.sync_gradients:
                    turn.update(ids, schedule, progress, number - len(turns))
                turn.optimizer.zero_grad()
    row = {name: value for turn in turns for name, value in turn.means.items()}
    return {
        "loss": sum(row.values()),
        **row,
        "grad_norm": turns[-1].grad_norm,
        **counts,
        "wait_seconds": wait_seconds,
        "updated": all(turn.updated for turn in turns),
    }


class _Turn:
    """One optimizer's part of a step."""

    def __init__(
        self, accelerator: Accelerator, model: torch.nn.Module, optimizer: torch.optim.Optimizer, n_optimizers: int
    ) -> None:
        self.accelerator, self.optimizer = accelerator, optimizer
        alone = n_optimizers == 1
        self.own = list(model.parameters()) if alone else [p for g in optimizer.param_groups for p in g["params"]]
        kept = {id(parameter) for parameter in self.own}
        self.others = [p for p in model.parameters() if p.requires_grad and id(p) not in kept]
        self.losses: dict[str, list[torch.Tensor]] = {}
        self.means: dict[str, float] = {}
        self.grad_norm, self.updated = 0.0, False

    def backward(self, found: Iterator[dict[str, torch.Tensor]]) -> None:
        """Compute this optimizer's losses and the gradients of its own parameters."""
        with self.accelerator.autocast(), attention_of_any_shape():
            parts = next(found)
        # A generator's losses leave no gradients in its discriminator.
        only = {"inputs": [parameter for parameter in self.own if parameter.requires_grad]} if self.others else {}
        self.accelerator.backward(sum(parts.values()), **only)
        for name, loss in parts.items():
            self.losses.setdefault(name, []).append(loss.detach())

    def update(self, ids: list[str], schedule: Schedule, progress: Progress, place: int) -> None:
        """Step, unless loss or gradients are unusable; `place` is that of this optimizer, -1 for the last."""
        self.grad_norm = self._clipped(schedule.max_grad_norm)
        means = torch.stack([torch.stack(losses).mean() for losses in self.losses.values()])
        values = self.accelerator.reduce(means, "mean").tolist()
        self.means = dict(zip(self.losses, values, strict=True))
        recent = _RecentNorms(progress, place)
        self.updated = _usable(self.accelerator, sum(values), self.grad_norm, ids, schedule, recent)
        if self.updated:
            self.optimizer.step()
        elif self.accelerator.scaler is not None:
            self.accelerator.scaler.update()  # after unscaling, it would refuse the next gradients

    def _clipped(self, max_norm: float) -> float:
        if not self.others:
            return float(self.accelerator.clip_grad_norm_(self.own, max_norm))
        self.accelerator.unscale_gradients(self.optimizer)
        return float(torch.nn.utils.clip_grad_norm_(self.own, max_norm))


@dataclass(frozen=True)
class _RecentNorms:
    """Gradient norms of one optimizer's last steps, stored in the progress."""

    progress: Progress
    place: int  # counted from the last optimizer, which is -1

    def read(self) -> list[float]:
        """Norms of at most N_RECENT last usable steps."""
        if self.place == -1:
            return self.progress.recent_grad_norms
        return self.progress.grad_norms_of_others.get(str(self.place), [])

    def add(self, norm: float) -> None:
        """Append the norm of a usable step."""
        norms = [*self.read()[1 - N_RECENT :], norm]
        if self.place == -1:
            self.progress.recent_grad_norms = norms
        else:
            self.progress.grad_norms_of_others[str(self.place)] = norms


class RunningStatistics:
    """Running means and variances of batch normalization, which change in every forward pass, of skipped steps too."""

    def __init__(self, model: torch.nn.Module) -> None:
        norms = (module for module in model.modules() if isinstance(module, torch.nn.modules.batchnorm._BatchNorm))
        self.live = [b for norm in norms for b in norm.buffers() if b.is_floating_point()]
        self.kept = [buffer.clone() for buffer in self.live]

    def keep(self) -> None:
        """Copy them before a step."""
        if self.live:
            copy_tensors(self.kept, self.live)

    def restore(self) -> None:
        """Restore the copy."""
        if self.live:
            copy_tensors(self.live, self.kept)


def _usable(
    accelerator: Accelerator, loss: float, grad_norm: float, ids: list[str], schedule: Schedule, norms: _RecentNorms
) -> bool:
    """Whether to update with these gradients; the inputs, and so the result, are equal on all processes.

    In float16, gradients overflow until the loss scale has settled, above one: the scaler skips such a step
    by itself.
    """
    progress, recent = norms.progress, norms.read()
    usual = statistics.median(recent) if len(recent) == N_RECENT else math.inf
    if not math.isfinite(loss):
        fault = f"the loss is {loss}"
    elif not math.isfinite(grad_norm):
        if accelerator.scaler is not None and accelerator.scaler.get_scale() > 1.0:
            log.info("step %d: gradients overflow float16, the loss scale is reduced", progress.step + 1)
            return True
        fault = f"the gradient norm is {grad_norm}"
    elif grad_norm > schedule.max_grad_growth * usual:
        fault = f"the gradient norm is {grad_norm:.3g}, usual is {usual:.3g}"
    else:
        norms.add(grad_norm)
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
    """Throughput of this process since the last logged step, padding and waiting."""

    def __init__(self) -> None:
        self.started, self.n_frames, self.n_padded, self.wait_seconds = time.perf_counter(), 0, 0, 0.0

    def add(self, row: dict[str, float]) -> None:
        """Move the counts from a step's row to the totals."""
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
    """Evaluate with separate random states, record the numbers, and return whether the chosen metric improved."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        row = evaluate(progress.step)
    metrics.write(progress.step, {f"dev_{name}": value for name, value in row.items()})
    value = row.get(schedule.best_metric, math.nan)  # no similarity without clips
    sign = 1 if schedule.greater_is_better else -1
    gained = math.isfinite(value) and (progress.best_value is None or sign * value > sign * progress.best_value)
    if gained:
        progress.best_step, progress.best_value, progress.n_evaluations_without_gain = progress.step, value, 0
    else:
        progress.n_evaluations_without_gain += 1
    return gained


class MetricsFile:
    """Appends one flat JSON row per call, on the main process, and passes it to the trackers."""

    def __init__(self, path: Path, last_step: int, accelerator: Accelerator) -> None:
        """Keep the rows up to `last_step`: a resumed run repeats later steps."""
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
    """Return the step of a row; infinity for a truncated one."""
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return math.inf
