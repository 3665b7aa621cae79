"""A progress bar that stays silent for work of under two seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, TypeVar

from tqdm.auto import tqdm

T = TypeVar("T")


def progress(items: Iterable[T], description: str, unit: str = "it", total: int | None = None) -> Iterator[T]:
    """Yield `items` unchanged, drawing a bar on standard error once two seconds have passed.

    Where standard error is a file, it writes one line every 30 s.
    """
    yield from tqdm(items, desc=description, unit=unit, total=total, **_looks())


class AudioProgress:
    """A bar that also shows the seconds of audio processed per second."""

    def __init__(self, description: str, unit: str, total: int) -> None:
        self._bar = tqdm(desc=description, unit=unit, total=total, **_looks())
        self._started, self._audio_seconds = time.perf_counter(), 0.0

    def __enter__(self) -> AudioProgress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()

    def update(self, n_items: int, audio_seconds: float) -> None:
        """Count finished items and their seconds of sound."""
        self._audio_seconds += audio_seconds
        rate = self._audio_seconds / (time.perf_counter() - self._started)
        self._bar.set_postfix_str(f"{rate:.1f} s of audio/s", refresh=False)
        self._bar.update(n_items)


def _looks() -> dict[str, Any]:
    return {"delay": 2, "mininterval": 0.2 if sys.stderr.isatty() else 30.0, "leave": False}
