"""What other libraries say of themselves while nothing is wrong, left out."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet(name: str = "transformers") -> Iterator[None]:
    """Let a library's loggers tell errors only, unless somebody asked them for more than warnings."""
    logger = logging.getLogger(name)
    before = logger.level
    if before in (logging.NOTSET, logging.WARNING):
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
