"""What is wrong with single rows of a manifest: raised at the first, or collected where all are wanted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from tts_toolkit.errors import UserError


@dataclass(frozen=True)
class RowFault:
    """A row that gives no clip."""

    source: str  # "file:line"
    message: str


def parsed_json(line: str) -> Any:
    """Return the value of a line of JSON.

    Raises ValueError, its message one line, for what is no JSON, nests too deep, holds a number too long for Python,
    or half of a surrogate pair, which no file can hold.
    """
    try:
        value = json.loads(line)
        json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg} at column {error.colno}") from None
    except UnicodeEncodeError:
        raise ValueError("half of a surrogate pair") from None
    except RecursionError:
        raise ValueError("nested too deep") from None
    return value


_collected: ContextVar[list[RowFault] | None] = ContextVar("collected", default=None)


@contextmanager
def collected_faults() -> Iterator[list[RowFault]]:
    """Let sources pass over rows of no use for the time being, and collect why."""
    faults: list[RowFault] = []
    token = _collected.set(faults)
    try:
        yield faults
    finally:
        _collected.reset(token)


def refuse_row(source: str, message: str) -> None:
    """Raise UserError about a row, or note it where faults are collected: the caller then passes over the row."""
    faults = _collected.get()
    if faults is None:
        raise UserError(f"{source}: {message}")
    faults.append(RowFault(source, message))
