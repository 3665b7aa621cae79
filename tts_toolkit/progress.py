"""A progress bar that stays silent for work of under two seconds."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm.auto import tqdm

T = TypeVar("T")


def progress(items: Iterable[T], description: str, unit: str = "it", total: int | None = None) -> Iterator[T]:
    """Yield `items` unchanged, drawing a bar on standard error once two seconds have passed.

    Where standard error is a file, a line comes every half minute.
    """
    pause_seconds = 0.2 if sys.stderr.isatty() else 30.0
    yield from tqdm(items, desc=description, unit=unit, total=total, delay=2, mininterval=pause_seconds, leave=False)
