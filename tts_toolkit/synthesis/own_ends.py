"""Batches of convolutional networks in which padding changes no number: each row meets zeros past its own end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

CONVOLUTIONS = (torch.nn.Conv1d, torch.nn.ConvTranspose1d)


@contextmanager
def own_ends(network: torch.nn.Module, n_steps: torch.Tensor, n_padded: int) -> Iterator[None]:
    """While entered, every convolution over time sees each row end where it ends.

    `n_steps` (batch,) are the rows' own lengths in steps of the network's input, which is padded to `n_padded`. Layers
    in between may upsample by whole factors. What lies past a row's end is overwritten with zeros in place.
    """
    beyond: dict[int, torch.Tensor] = {}

    def silence(layer: Any, inputs: tuple[torch.Tensor, ...]) -> None:
        factor, rest = divmod(inputs[0].shape[-1], n_padded)
        if rest or not factor:
            return  # not over time: what tells the speaker, say
        if factor not in beyond:
            steps = torch.arange(factor * n_padded, device=n_steps.device)
            beyond[factor] = (steps >= factor * n_steps[:, None])[:, None]
        inputs[0].masked_fill_(beyond[factor], 0.0)

    layers = (module for module in network.modules() if isinstance(module, CONVOLUTIONS))
    hooks = [layer.register_forward_pre_hook(silence) for layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
