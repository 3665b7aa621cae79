"""Examples, batches of a bounded number of frames, and their padding."""

from __future__ import annotations

import hashlib
import math
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from tts_toolkit.data.features import read_array

IGNORED_FRAME = -100.0  # label value that SpeechT5's loss ignores (SpeechT5SpectrogramLoss)


@dataclass(frozen=True)
class Example:
    """One clip, ready for the model."""

    id: str
    input_ids: tuple[int, ...]  # with the end mark
    log_mel: Path  # .npy, (n_frames, 80)
    n_frames: int
    speaker_embedding: np.ndarray  # (dim,)


Batch = dict[str, Any]  # tensors, and the clips' ids under `ids`


class Examples(Dataset[Batch]):
    """Log-mels read on access, cut to a multiple of the reduction factor."""

    def __init__(self, examples: Sequence[Example], reduction_factor: int) -> None:
        self.examples = list(examples)
        self.reduction_factor = reduction_factor

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int) -> Batch:
        example = self.examples[index]
        n_frames = example.n_frames - example.n_frames % self.reduction_factor
        return {
            "ids": example.id,
            "input_ids": torch.tensor(example.input_ids),
            "labels": torch.from_numpy(read_array(example.log_mel)[:n_frames]),
            "speaker_embeddings": torch.from_numpy(example.speaker_embedding).float(),
        }


def collate(items: Sequence[Batch], pad_token_id: int, pad_to_multiple_of: int = 1) -> Batch:
    """Return a padded batch, L and T multiples of `pad_to_multiple_of`.

    `ids` of the B clips, `n_frames` of the padded batch, of which `n_padded` are padding, `input_ids` and
    `attention_mask` (B, L), `labels` (B, T, 80) padded with -100, `speaker_embeddings` (B, dim).
    """

    def pad(tensors: Sequence[torch.Tensor], value: float) -> torch.Tensor:
        missing = -max(map(len, tensors)) % pad_to_multiple_of
        padded = torch.nn.utils.rnn.pad_sequence(list(tensors), batch_first=True, padding_value=value)
        return torch.nn.functional.pad(padded, (0, 0) * (padded.ndim - 2) + (0, missing), value=value)

    input_ids = [item["input_ids"] for item in items]
    labels = pad([item["labels"] for item in items], IGNORED_FRAME)
    n_frames = labels.shape[0] * labels.shape[1]
    return {
        "ids": [item["ids"] for item in items],
        "n_frames": n_frames,
        "n_padded": n_frames - sum(len(item["labels"]) for item in items),
        "input_ids": pad(input_ids, pad_token_id),
        "attention_mask": pad([torch.ones_like(ids) for ids in input_ids], 0),
        "labels": labels,
        "speaker_embeddings": torch.stack([item["speaker_embeddings"] for item in items]),
    }


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
    clips = [(example.id, example.n_frames) for example in cast(Examples, loader.dataset).examples]
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
    examples: Sequence[Example],
    max_frames: int,
    reduction_factor: int,
    pad_token_id: int,
    seed: int = 0,
    shuffle: bool = True,
    rank: int = 0,
    n_ranks: int = 1,
    n_workers: int = 0,
    pad_to_multiple_of: int = 1,
) -> DataLoader[Batch]:
    """Return a loader of padded batches; its own generator keeps iteration from advancing the global one."""
    lengths = [example.n_frames for example in examples]
    multiple = math.lcm(pad_to_multiple_of, reduction_factor)
    sampler = FrameBudgetBatches(lengths, max_frames, seed, shuffle, rank, n_ranks, multiple)
    return DataLoader(
        Examples(examples, reduction_factor),
        batch_sampler=sampler,
        collate_fn=partial(collate, pad_token_id=pad_token_id, pad_to_multiple_of=multiple),
        num_workers=n_workers,
        worker_init_fn=outlive_signals,
        generator=torch.Generator().manual_seed(seed),
        persistent_workers=False,
    )
