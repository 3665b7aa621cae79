"""Interpolation between the weights of the base model and the trained ones.

Fine-tuning on few recordings costs some intelligibility of the base model; interpolation recovers it and
keeps most of the voice (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models").
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from tts_toolkit.system.errors import UserError


def check_base_weight(base_weight: float) -> None:
    """Raise UserError for a weight outside [0, 1)."""
    if not 0.0 <= base_weight < 1.0:
        raise UserError(f"base_weight={base_weight}: allowed are 0 (the trained weights) to below 1 (the base model's)")


def weights_of(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Return a copy of all weights and buffers, on the CPU."""
    return {name: tensor.detach().cpu().clone() for name, tensor in model.state_dict().items()}


@torch.no_grad()
def mix(model: torch.nn.Module, base: Mapping[str, torch.Tensor], base_weight: float) -> None:
    """Replace each weight of `model`, in place, by its mean with the base's, of which `base_weight` is the share.

    Counters and other integers stay.
    """
    for name, tensor in model.state_dict().items():
        if tensor.is_floating_point():
            tensor.lerp_(base[name].to(tensor), base_weight)
