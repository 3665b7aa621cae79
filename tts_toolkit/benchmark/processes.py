"""The processes of an `accelerate launch`, which share the work of every heavy stage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


def _alone() -> None:
    """Wait for nobody."""


@dataclass(frozen=True)
class Processes:
    """One process among those that run the benchmark together."""

    rank: int = 0
    n: int = 1
    wait: Callable[[], None] = _alone  # until all have come here

    @property
    def is_first(self) -> bool:
        """Whether this one writes what is written once."""
        return self.rank == 0


def launched_processes() -> Processes:
    """Return what `accelerate launch` started, or this process alone."""
    from accelerate import PartialState

    state = PartialState()
    return Processes(state.process_index, state.num_processes, state.wait_for_everyone)
