"""Requests to stop a run, handled between two steps."""

from __future__ import annotations

import logging
import signal
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from accelerate import Accelerator

log = logging.getLogger(__name__)


class Interrupted(Exception):
    """The run was asked to stop (Ctrl-C, SIGTERM or its time limit) and saved a checkpoint first."""


class StopRequests:
    """SIGINT, SIGTERM and a time limit as a flag polled once per step; a second signal ends at once."""

    def __init__(self, accelerator: Accelerator, max_seconds: float | None) -> None:
        self.accelerator = accelerator
        self.deadline = time.monotonic() + max_seconds if max_seconds else float("inf")
        self.received = False

    def __enter__(self) -> StopRequests:
        self.previous = {s: signal.signal(s, self._receive) for s in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self.previous.items():
            signal.signal(number, handler)

    def _receive(self, number: int, frame: object) -> None:
        if self.received:
            raise KeyboardInterrupt
        self.received = True
        log.warning("stop requested: saving a checkpoint after this step")

    def requested(self) -> bool:
        """Whether any process was asked to stop: all of them stop at the same step."""
        mine = self.received or time.monotonic() > self.deadline
        if self.accelerator.num_processes == 1:
            return mine
        import torch

        votes = self.accelerator.reduce(torch.tensor(float(mine), device=self.accelerator.device), "sum")
        return bool(votes.item())
