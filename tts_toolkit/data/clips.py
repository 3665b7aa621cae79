"""What every data source gives: one recording with its transcript."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Clip:
    """A recording and what it says."""

    id: str  # unique within a data set, stable when rows are added
    audio: Path  # of a sound file
    transcript: str  # as written in the source
    speaker: str
    source: str  # "file:line" of the row, for messages
    split: str = ""  # "train", "dev" or "test" when the source says so
