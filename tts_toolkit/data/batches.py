"""Batches of a bounded number of frames, of any model's examples."""

from __future__ import annotations

import hashlib
import math
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice
from typing import Any, Protocol, cast

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from tts_toolkit.system.errors import UserError

Batch = dict[str, Any]  # tensors, and the clips' ids under `ids`


class Example(Protocol):
    """A clip that is ready for a model."""

    @property
    def id(self) -> str:
        """That of the clip."""

    @property
    def n_frames(self) -> int:
        """Length of its spectrogram."""


class TrainingSet(Protocol):
    """Examples as tensors, read on access, and how they become batches."""

    @property
    def examples(self) -> Sequence[Example]:
        """In the order of the indices."""

    @property
    def frame_multiple(self) -> int:
        """A number that the frames of a padded batch are a multiple of."""

    def __len__(self) -> int:
        """Number of examples."""

    def __getitem__(self, index: int) -> Batch:
        """The tensors of an example, and its `ids`."""

    def collate(self, items: Sequence[Batch], pad_to_multiple_of: int) -> Batch:
        """A padded batch: `ids`, `n_frames` with padding, of which `n_padded` are padding, and tensors (B, ...)."""


@dataclass(frozen=True)
class BatchLayout:
    """The size and the padding of batches."""

    max_frames: int = 6000  # of a padded batch on one device
    n_workers: int = 0  # processes that read ahead
    pad_to_multiple_of: int = 1  # of frames and tokens

    def __post_init__(self) -> None:
        for name in ("max_frames", "pad_to_multiple_of"):
            if getattr(self, name) < 1:
                raise UserError(f"loader.{name}={getattr(self, name)}: at least 1")


def model_inputs(batch: Batch, device: torch.device | str) -> dict[str, torch.Tensor]:
    """Return the tensors of a batch on a device."""
    return {
        name: value.to(device, non_blocking=True) for name, value in batch.items() if isinstance(value, torch.Tensor)
    }


class FrameBudgetBatches:
    """Batches of similar lengths with a maximum padded number of frames, sharded over processes.

    The order depends on (seed, epoch) alone, every process sees its own share of one global order, and all shares have
    the same number of batches, so that distributed steps never wait for a missing one.
    """

    def __init__(
        self,
        n_frames: Sequence[int],
        max_frames: int,
        seed: int = 0,
        shuffle: bool = True,
        rank: int = 0,
        n_ranks: int = 1,
        pad_to_multiple_of: int = 1,
    ) -> None:
        self.n_frames = -(-np.asarray(n_frames) // pad_to_multiple_of) * pad_to_multiple_of
        self.max_frames, self.seed, self.shuffle, self.rank, self.n_ranks = max_frames, seed, shuffle, rank, n_ranks
        self.epoch = 0
        self.n_skipped = 0

    def resume_at(self, epoch: int, n_batches_done: int) -> None:
        """Start the next iteration in `epoch`, at this process's batch `n_batches_done`."""
        self.epoch, self.n_skipped = epoch, n_batches_done

    def __iter__(self) -> Iterator[list[int]]:
        batches = self._global_batches()[self.rank :: self.n_ranks]
        yield from batches[self.n_skipped :]

    def __len__(self) -> int:
        return max(0, len(self._global_batches()) // self.n_ranks - self.n_skipped)

    def _global_batches(self) -> list[list[int]]:
        rng = np.random.default_rng([self.seed, self.epoch])
        # Lengths blurred by a tenth: neighbors stay alike, but no epoch groups the same clips again.
        blur = rng.uniform(0.95, 1.05, len(self.n_frames)) if self.shuffle else 1.0
        order = np.argsort(self.n_frames * blur, kind="stable")
        batches: list[list[int]] = []
        batch: list[int] = []
        longest = 0
        for index in order.tolist():
            grown = max(longest, int(self.n_frames[index]))
            if batch and grown * (len(batch) + 1) > self.max_frames:
                batches.append(batch)
                batch, grown = [], int(self.n_frames[index])
            batch.append(index)
            longest = grown
        batches.append(batch)
        if self.shuffle:
            rng.shuffle(batches)
        return list(islice(cycle(batches), -(-len(batches) // self.n_ranks) * self.n_ranks))


def fingerprint(loader: DataLoader[Batch]) -> str:
    """Return a hash of everything that determines the clips of a loader's n-th batch of an epoch."""
    sampler: Any = loader.batch_sampler
    clips = [(example.id, example.n_frames) for example in cast(TrainingSet, loader.dataset).examples]
    parts = (clips, sampler.n_frames.tolist(), sampler.max_frames, sampler.seed, sampler.shuffle, sampler.n_ranks)
    return hashlib.blake2b(repr(parts).encode(), digest_size=8).hexdigest()


def outlive_signals(worker: int) -> None:
    """Keep a loader's worker alive after a signal to the whole process group (Ctrl-C, Slurm preemption).

    The main process needs batches until the checkpoint is saved and then ends the worker; after 30 s it exits by
    itself.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: signal.alarm(30))


def make_loader(
    data: TrainingSet, layout: BatchLayout, seed: int = 0, shuffle: bool = True, rank: int = 0, n_ranks: int = 1
) -> DataLoader[Batch]:
    """Return a loader of padded batches; its own generator keeps iteration from advancing the global one."""
    multiple = math.lcm(layout.pad_to_multiple_of, data.frame_multiple)
    lengths = [example.n_frames for example in data.examples]
    sampler = FrameBudgetBatches(lengths, layout.max_frames, seed, shuffle, rank, n_ranks, multiple)
    return DataLoader(
        cast(Dataset[Batch], data),
        batch_sampler=sampler,
        collate_fn=partial(data.collate, pad_to_multiple_of=multiple),
        num_workers=layout.n_workers,
        worker_init_fn=outlive_signals,
        generator=torch.Generator().manual_seed(seed),
        persistent_workers=False,
    )
