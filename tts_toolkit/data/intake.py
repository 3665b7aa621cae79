"""Counts of everything that is read: rows and files kept, and rows and files left out, by reason."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tts_toolkit.system.files import write_whole
from tts_toolkit.system.folders import Found, is_sound, why_no_sound
from tts_toolkit.system.reading import sealed_json

LISTS = ("metadata.csv", "metadata.jsonl", "metadata.parquet")  # of an AudioFolder; the first that exists is read
UNLISTED = "sound of no row that is kept"
SECOND_LIST = "a list next to the one that is read"
Kind = Literal["rows", "files"]
N_EXAMPLES = 5


@dataclass
class LeftOut:
    """Rows or files left out for one reason."""

    n: int = 0
    examples: list[str] = field(default_factory=list)  # the first few

    def add(self, examples: Iterable[str]) -> None:
        """Count each of `examples`, and keep the first few."""
        for example in examples:
            self.n += 1
            if len(self.examples) < N_EXAMPLES:
                self.examples.append(os.fsencode(example).decode(errors="backslashreplace"))


@dataclass
class Intake:
    """Numbers read by sources and left out of it; n_in = n_kept + left out, for each kind."""

    n_in: dict[Kind, int] = field(default_factory=lambda: {"rows": 0, "files": 0})
    left_out: dict[Kind, dict[str, LeftOut]] = field(default_factory=lambda: {"rows": {}, "files": {}})

    def add(self, kind: Kind, n: int) -> None:
        """Count `n` items as read."""
        self.n_in[kind] += n

    def leave_out(self, kind: Kind, reason: str, examples: Iterable[str]) -> None:
        """Count each of `examples`, which were read, as left out."""
        if listed := list(examples):
            self.left_out[kind].setdefault(reason, LeftOut()).add(listed)

    def n_kept(self, kind: Kind) -> int:
        """Return the number kept."""
        return self.n_in[kind] - sum(left.n for left in self.left_out[kind].values())

    def summary(self) -> dict[str, Any]:
        """Return the figures for `summary.json`."""
        return {
            kind: {
                "n_in": self.n_in[kind],
                "n_kept": self.n_kept(kind),
                "left_out": {reason: {"n": left.n, "examples": left.examples} for reason, left in reasons.items()},
            }
            for kind, reasons in self.left_out.items()
        }

    def lines(self) -> list[str]:
        """Return the printed report, one line per reason; empty where everything is kept."""
        report = []
        for kind, reasons in self.left_out.items():
            if reasons:
                report.append(f"{self.n_kept(kind)} of {self.n_in[kind]} {kind} kept; left out:")
            for reason, left in reasons.items():
                more = ", ..." if left.n > len(left.examples) else ""
                report.append(f"  {left.n} {reason}: {', '.join(map(_printable, left.examples))}{more}")
        return report


def _printable(name: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in name)


_intake: ContextVar[Intake | None] = ContextVar("intake", default=None)


@contextmanager
def counting() -> Iterator[Intake]:
    """Count what sources read and leave out inside the context."""
    intake = Intake()
    token = _intake.set(intake)
    try:
        yield intake
    finally:
        _intake.reset(token)


def intake() -> Intake:
    """Return the current counts; they are discarded outside `counting`."""
    return _intake.get() or Intake()


def count_files(
    root: Path, found: Found, kept: Iterable[Path], lists: Sequence[Path] = (), unlisted: str = UNLISTED
) -> None:
    """Count every file below a folder: `kept` and `lists` as kept, all others as left out, by reason."""
    used = {os.path.normpath(file) for file in (*kept, *lists)}
    read = {file.parent for file in lists if file.name.casefold() in LISTS}
    left: dict[str, list[str]] = {}
    for file in found.files:
        if os.path.normpath(file) not in used:
            second = file.name.casefold() in LISTS and file.parent in read
            reason = SECOND_LIST if second else unlisted if is_sound(file) else why_no_sound(file)
            left.setdefault(reason, []).append(str(file.relative_to(root)))
    for reason, names in found.passed_over.items():
        left.setdefault(reason, []).extend(str(name.relative_to(root)) for name in names)
    intake().add("files", len(found.files) + sum(map(len, found.passed_over.values())))
    for reason, examples in left.items():
        intake().leave_out("files", reason, examples)


def keep_figures(file: Path, intake: Intake) -> None:
    """Add the counts to a `summary.json` as `data`; the file is created if missing."""
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    summary = {**known, "data": intake.summary()} if isinstance(known, dict) else {"data": intake.summary()}
    write_whole(file, sealed_json(summary))


def conclude(file: Path, intake: Intake) -> None:
    """Print what was left out, if anything, and add the counts to a `summary.json`."""
    for line in intake.lines():
        print(line)
    keep_figures(file, intake)
