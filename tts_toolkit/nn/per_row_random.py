"""Random draws per row of a batch, so that a row's result does not depend on its neighbors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch.overrides import TorchFunctionMode


class RowNoise(TorchFunctionMode):
    """Inside the context, `torch.randn`, `randn_like` and `multinomial` draw each row from its own generator.

    Normal noise of shape (rows, channels, time) or (rows, time) is drawn time step by time step, so that a row padded
    to a longer batch starts with the same noise as alone. A multinomial draw inverts the cumulative distribution at one
    uniform number per row. All other functions of torch are unchanged.
    """

    def __init__(self, seeds: Sequence[int]) -> None:
        super().__init__()
        self._seeds = list(seeds)
        self._n_draws = 0

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the result of `func`, with random numbers drawn per row."""
        kwargs = kwargs or {}
        if func is torch.randn:
            size = args[0] if len(args) == 1 and not isinstance(args[0], int) else args
            return self._normal(tuple(size)).to(device=kwargs.get("device"), dtype=kwargs.get("dtype"))
        if func is torch.randn_like:
            return self._normal(tuple(args[0].shape)).to(args[0])
        if func is torch.multinomial:
            return self._multinomial(args[0])
        return func(*args, **kwargs)

    def _normal(self, shape: tuple[int, ...]) -> torch.Tensor:
        size = (shape[-1], *shape[1:-1])
        rows = [generator.standard_normal(size, dtype=np.float32) for generator in self._generators(shape[0])]
        return torch.from_numpy(np.stack([np.moveaxis(row, 0, -1) for row in rows]))

    def _multinomial(self, probabilities: torch.Tensor) -> torch.Tensor:
        drawn = np.asarray([generator.random() for generator in self._generators(len(probabilities))], np.float32)
        cumulative = probabilities.float().cumsum(dim=-1)
        points = torch.from_numpy(drawn).to(cumulative.device)[:, None] * cumulative[:, -1:]
        chosen = torch.searchsorted(cumulative, points, right=True)
        last = probabilities.shape[-1] - 1 - (probabilities.flip(-1) > 0).int().argmax(dim=-1, keepdim=True)
        return torch.minimum(chosen, last)  # rounding never picks an outcome of probability zero

    def _generators(self, n_rows: int) -> list[np.random.Generator]:
        """Return one generator per row, keyed by (row seed, draw index), so that no earlier draw shifts its noise."""
        if n_rows != len(self._seeds):
            raise RuntimeError(f"a draw for {n_rows} rows while {len(self._seeds)} rows have seeds")
        self._n_draws += 1
        return [np.random.default_rng((seed, self._n_draws)) for seed in self._seeds]
