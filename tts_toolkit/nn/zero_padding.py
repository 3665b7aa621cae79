"""Batches of convolutional networks whose results do not depend on padding: every row is followed by zeros."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from tts_toolkit.nn.devices import exact_convolutions

CONVOLUTIONS = (torch.nn.Conv1d, torch.nn.ConvTranspose1d)


def batched(
    network: torch.nn.Module, rows: Sequence[torch.Tensor], call: Callable[[torch.Tensor], torch.Tensor]
) -> list[torch.Tensor]:
    """Return the result of `call`, a pass through `network`, for each row (n_steps, channels), at its own length.

    `call` takes the padded rows (batch, n_padded, channels) and returns (batch, factor * n_padded, ...). On a GPU all
    rows are one call; a CPU is twice as fast with single rows, which fit its caches.
    """
    if rows[0].device.type == "cpu":
        return [call(row[None])[0] for row in rows]
    with exact_convolutions():
        return padded(network, rows, call)


def padded(
    network: torch.nn.Module, rows: Sequence[torch.Tensor], call: Callable[[torch.Tensor], torch.Tensor]
) -> list[torch.Tensor]:
    """Return the result of `batched`, in one call on any device."""
    together = torch.nn.utils.rnn.pad_sequence(list(rows), batch_first=True)
    n_steps = torch.tensor([len(row) for row in rows], device=together.device)
    with zeros_past_ends(network, n_steps, together.shape[1]):
        results = call(together)
    factor = results.shape[1] // together.shape[1]
    return [result[: factor * len(row)] for result, row in zip(results, rows, strict=True)]


@contextmanager
def zeros_past_ends(network: torch.nn.Module, n_steps: torch.Tensor, n_padded: int) -> Iterator[None]:
    """Inside the context, every convolution over time reads zeros past each row's end.

    `n_steps` (batch,) are the rows' own lengths in steps of the network's input, which is padded to `n_padded`. Layers
    in between may upsample by whole factors. Values past a row's end are overwritten in place.
    """
    beyond: dict[int, torch.Tensor] = {}

    def zero_out(layer: Any, inputs: tuple[torch.Tensor, ...]) -> None:
        factor, rest = divmod(inputs[0].shape[-1], n_padded)
        if rest or not factor:
            return  # not over time, such as a speaker embedding
        if factor not in beyond:
            steps = torch.arange(factor * n_padded, device=n_steps.device)
            beyond[factor] = (steps >= factor * n_steps[:, None])[:, None]
        inputs[0].masked_fill_(beyond[factor], 0.0)

    layers = (module for module in network.modules() if isinstance(module, CONVOLUTIONS))
    hooks = [layer.register_forward_pre_hook(zero_out) for layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
