"""Weights between those of the base model and those that were trained.

A voice learnt from few recordings costs some of what the base model could say; part of the way back brings it again and
keeps most of the voice (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models").
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from tts_toolkit.system.errors import UserError


def check_base_weight(base_weight: float) -> None:
    """Raise UserError for a share outside [0, 1)."""
    if not 0.0 <= base_weight < 1.0:
        raise UserError(f"base_weight={base_weight}: allowed are 0 (the trained weights) to below 1 (the base model's)")


def weights_of(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Return a copy of all weights and buffers, on the CPU."""
    return {name: tensor.detach().cpu().clone() for name, tensor in model.state_dict().items()}


@torch.no_grad()
def mix(model: torch.nn.Module, base: Mapping[str, torch.Tensor], base_weight: float) -> None:
    """Replace each weight of `model` by its mean with the base's, which counts `base_weight` of it, in place.

    Counters and other whole numbers stay.
    """
    for name, tensor in model.state_dict().items():
        if tensor.is_floating_point():
            tensor.lerp_(base[name].to(tensor), base_weight)
