"""What every data source gives: one recording with its transcript."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tts_toolkit.errors import UserError


@dataclass(frozen=True)
class Clip:
    """A recording and what it says."""

    id: str  # unique within a data set, stable when rows are added
    audio: Path  # of a sound file
    transcript: str  # as written in the source
    speaker: str
    source: str  # "file:line" of the row, for messages
    split: str = ""  # "train", "dev" or "test" when the source says so
    licence: str = ""  # of the recording, when the source says so
    consent: str = ""  # of the person who speaks, in the source's words
    session: str = ""  # recorded together with others of the same name


def told(values: Iterable[str]) -> list[str]:
    """Return the distinct values that are not empty, sorted: what the rows of a source say of a licence, say."""
    return sorted(set(values) - {""})


def of_speakers(clips: Sequence[Clip], names: Sequence[str] | None) -> list[Clip]:
    """Return the clips of the speakers named, all of them for None; raises UserError where one has no clip."""
    if names is None:
        return list(clips)
    known = sorted({clip.speaker for clip in clips})
    if unknown := sorted(set(names) - set(known)):
        raise UserError(
            f"speaker.names: no recording of {', '.join(unknown)}; the data has {len(known)} speakers: "
            f"{', '.join(known[:10])}{', ...' if len(known) > 10 else ''}"
        )
    return [clip for clip in clips if clip.speaker in names]
