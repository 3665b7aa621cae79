"""Peak memory of a block of work."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from types import TracebackType

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def free_memory() -> None:
    """Free the memory of released models, on the GPU too."""
    import gc

    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


class PeakMemory:
    """Measures inside its context: the GPU's allocations where a GPU is used, else the resident set (Linux only)."""

    def __enter__(self) -> PeakMemory:
        import torch

        self._cuda = torch.cuda.is_available() and torch.cuda.is_initialized()
        if self._cuda:
            torch.cuda.reset_peak_memory_stats()
        elif _CLEAR.exists():
            with contextlib.suppress(OSError):  # then the peak is that of the whole process
                _CLEAR.write_text("5")  # resets VmHWM, see proc(5)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def bytes(self) -> int | None:
        """Return the peak so far in bytes, or None where the system does not report it."""
        import torch

        if torch.cuda.is_available() and torch.cuda.is_initialized():
            return int(torch.cuda.max_memory_allocated())
        found = re.search(r"^VmHWM:\s+(\d+) kB", _STATUS.read_text(), re.MULTILINE) if _STATUS.exists() else None
        return 1024 * int(found[1]) if found else None
