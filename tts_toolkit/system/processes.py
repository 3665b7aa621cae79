"""The processes of an `accelerate launch`, which share heavy work."""

from __future__ import annotations

import atexit
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta


def _alone() -> None:
    """Do not wait."""


@dataclass(frozen=True)
class Processes:
    """One of the processes that share the work."""

    rank: int = 0
    n: int = 1
    wait: Callable[[], None] = _alone  # until all processes call it

    @property
    def is_first(self) -> bool:
        """Whether this process writes the shared files."""
        return self.rank == 0


ALONE = Processes()


def launched_processes() -> Processes:
    """Return the processes of `accelerate launch`, or this process alone."""
    import torch
    from accelerate import PartialState

    # A process that finishes early waits for the others as long as a stage may take.
    state = PartialState(cpu=not torch.cuda.is_available(), timeout=timedelta(days=7))
    atexit.register(state.destroy_process_group)
    return Processes(state.process_index, state.num_processes, state.wait_for_everyone)
