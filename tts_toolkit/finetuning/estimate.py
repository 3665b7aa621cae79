"""Estimate of a training run's time and memory, measured on a few updates of full batches."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from tts_toolkit.data.batches import FrameBudgetBatches
from tts_toolkit.models.speecht5.checkpoint import SpeechT5
from tts_toolkit.models.speecht5.loss import fuse
from tts_toolkit.nn.devices import pick_device
from tts_toolkit.system.memory import PeakMemory
from tts_toolkit.system.progress import progress

N_TIMED = 2  # updates, after one that warms up
TOKENS_PER_FRAME = 0.25  # of a text: about 15 characters per second of speech


@dataclass(frozen=True)
class Estimate:
    """Time and memory of `n_steps` updates on one device, without evaluations."""

    n_steps: int
    n_epochs: float
    hours: float
    seconds_per_step: float
    padding_share: float  # of a batch's frames
    peak_memory_bytes: int | None
    device: str


def estimate(
    speech: SpeechT5,
    n_frames: Sequence[int],
    max_frames: int,
    n_steps: int,
    n_accumulated: int = 1,
    mixed_precision: str = "no",
    gradient_checkpointing: bool = False,
) -> Estimate:
    """Return the estimate for training on clips of these lengths, from updates on random frames of a full batch.

    Changes `speech.model` as the fine-tune does.
    """
    sampler = FrameBudgetBatches(n_frames, max_frames)
    batches = list(sampler)
    lengths = [sampler.n_frames[batch] for batch in batches]
    padded = sum(len(batch) * int(batch.max()) for batch in lengths)
    largest = max(lengths, key=lambda batch: len(batch) * int(batch.max()))
    device = pick_device(None)
    fuse(speech.model)
    model = speech.model.to(device).train()
    if gradient_checkpointing:
        model.activation_checkpointing_enable()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.0)  # moves nothing
    batch = _random_batch(speech, len(largest), int(largest.max()), device)
    with PeakMemory() as peak:
        turns = progress(range(1 + N_TIMED), "measuring", "update")
        seconds = [_timed_update(model, optimizer, batch, device, mixed_precision) for _ in turns][1:]
    per_step = float(np.mean(seconds)) * n_accumulated
    return Estimate(
        n_steps=n_steps,
        n_epochs=n_steps * n_accumulated / len(batches),
        hours=n_steps * per_step / 3600,
        seconds_per_step=per_step,
        padding_share=1 - float(sum(n_frames)) / padded,
        peak_memory_bytes=peak.bytes(),
        device=str(device),
    )


def _random_batch(speech: SpeechT5, n_clips: int, n_frames: int, device: str) -> dict[str, torch.Tensor]:
    config = speech.model.config
    n_frames += n_frames % config.reduction_factor
    n_tokens = max(2, min(int(TOKENS_PER_FRAME * n_frames), config.max_text_positions))
    batch = {
        "input_ids": torch.randint(4, config.vocab_size, (n_clips, n_tokens)),
        "attention_mask": torch.ones(n_clips, n_tokens, dtype=torch.long),
        "labels": torch.randn(n_clips, n_frames, config.num_mel_bins),
        "speaker_embeddings": torch.randn(n_clips, config.speaker_embedding_dim),
    }
    return {name: tensor.to(device) for name, tensor in batch.items()}


def _timed_update(
    model: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    batch: dict[str, torch.Tensor],
    device: str,
    mixed_precision: str,
) -> float:
    started = time.perf_counter()
    half = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(mixed_precision)
    with torch.autocast(device.split(":")[0], dtype=half, enabled=half is not None):
        loss = model(**batch, use_cache=False).loss
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    if device.startswith("cuda"):
        torch.cuda.synchronize()
    return time.perf_counter() - started
