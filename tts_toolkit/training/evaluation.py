"""The loss on held-out batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch.utils.data import DataLoader

from tts_toolkit.data.batches import Batch, model_inputs

if TYPE_CHECKING:
    from accelerate import Accelerator


DevLoss = Callable[[torch.nn.Module, dict[str, torch.Tensor]], torch.Tensor]  # of a held-out batch


@torch.no_grad()
def mean_loss(accelerator: Accelerator, model: torch.nn.Module, loader: DataLoader[Batch], dev_loss: DevLoss) -> float:
    """Return the mean loss over all processes' batches, weighted by clips; leaves the model in evaluation mode."""
    model.eval()
    totals = torch.zeros(2, dtype=torch.float64, device=accelerator.device)
    for batch in loader:
        n_clips = len(batch["ids"])
        loss = dev_loss(model, model_inputs(batch, accelerator.device))
        totals += torch.tensor([loss.item() * n_clips, n_clips], dtype=torch.float64, device=accelerator.device)
    total, n_clips = accelerator.reduce(totals, "sum").tolist()
    return float(total / n_clips)
