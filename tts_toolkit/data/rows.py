"""Faults of single rows of a manifest: raised at the first, or collected."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from tts_toolkit.data.intake import intake
from tts_toolkit.system.errors import UserError


@dataclass(frozen=True)
class RowFault:
    """A row without a usable clip."""

    source: str  # "file:line"
    message: str


def parsed_json(line: str) -> Any:
    """Return the value of a line of JSON.

    Raises ValueError with a one-line message for invalid JSON, too deep nesting, a number too long for Python, or half
    of a surrogate pair, which no file can hold.
    """
    try:
        value = json.loads(line, object_pairs_hook=_once)
        json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg} at column {error.colno}") from None
    except UnicodeEncodeError:
        raise ValueError("half of a surrogate pair") from None
    except RecursionError:
        raise ValueError("nested too deep") from None
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; raises ValueError for a repeated name, of which one value would be lost."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the name {next(name for name in names if names.count(name) > 1)!r} appears twice")
    return found


# pandas's missing values, as text; never words of a transcript in exactly this spelling.
MISSING = frozenset(("nan", "NaN", "NaT", "<NA>", "None"))


def cell(row: dict[str, Any], column: str) -> str:
    """Return a value as text: empty where it is missing, "0" for a zero, "7" for the 7.0 of a column with gaps.

    Raises ValueError for a list, an object or bytes.
    """
    value = row.get(column)
    if isinstance(value, (dict, list, tuple, bytes)):
        kind = "bytes" if isinstance(value, bytes) else "an object" if isinstance(value, dict) else "a list"
        raise ValueError(f"the column {column!r} holds {kind}, not text")
    if isinstance(value, float) and math.isfinite(value) and value == int(value):
        value = int(value)
    text = "" if value is None else str(value).strip()
    return "" if text in MISSING else text


_collected: ContextVar[list[RowFault] | None] = ContextVar("collected", default=None)
_remedy: ContextVar[str] = ContextVar("remedy", default="")


@contextmanager
def row_remedy(remedy: str) -> Iterator[None]:
    """Append, to errors about single rows, the setting that leaves such rows out."""
    token = _remedy.set(remedy)
    try:
        yield
    finally:
        _remedy.reset(token)


@contextmanager
def collected_faults() -> Iterator[list[RowFault]]:
    """Collect the faults of unusable rows inside the context, instead of raising at the first."""
    faults: list[RowFault] = []
    token = _collected.set(faults)
    try:
        yield faults
    finally:
        _collected.reset(token)


def refuse_row(source: str, message: str, reason: str = "that give no clip") -> None:
    """Raise UserError about a row, or record it where faults are collected; the caller then skips the row."""
    faults = _collected.get()
    if faults is None:
        remedy = _remedy.get()
        raise UserError(f"{source}: {message}{f'; {remedy}' if remedy else ''}")
    faults.append(RowFault(source, message))
    intake().leave_out("rows", reason, [source])


Row = tuple[str, dict[str, Any]]  # "file:line", and cells by column
