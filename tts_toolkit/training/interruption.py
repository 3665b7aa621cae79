"""Requests to stop a run, answered between two steps."""

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
    """Turns SIGINT, SIGTERM and a time limit into a question asked once a step; a second signal ends at once."""

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
        log.warning("asked to stop: saving a checkpoint after this step")

    def requested(self) -> bool:
        """Return whether any process was asked to stop: all of them stop at the same step."""
        mine = self.received or time.monotonic() > self.deadline
        if self.accelerator.num_processes == 1:
            return mine
        import torch

        votes = self.accelerator.reduce(torch.tensor(float(mine), device=self.accelerator.device), "sum")
        return bool(votes.item())
