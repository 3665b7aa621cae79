"""The unit of every data source: one recording with its transcript."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from pathlib import Path

from tts_toolkit.data.intake import intake
from tts_toolkit.system.errors import UserError


@dataclass(frozen=True)
class Clip:
    """A recording and its transcript."""

    id: str  # unique within a data set, stable when rows are added
    audio: Path  # of a sound file
    transcript: str  # as written in the source
    speaker: str
    source: str  # "file:line" of the row, for messages
    split: str = ""  # "train", "dev" or "test" where the source names one
    license: str = ""  # of the recording, where the source names one
    consent: str = ""  # of the speaker, in the source's words
    session: str = ""  # recorded together with others of the same name


def distinct(values: Iterable[str]) -> list[str]:
    """Return the distinct values that are not empty, sorted, such as the licenses that rows name."""
    return sorted(set(values) - {""})


def of_speakers(clips: Sequence[Clip], names: Sequence[str] | None) -> list[Clip]:
    """Return the clips of the speakers named, all of them for None; raises UserError where one has no clip."""
    if names is None:
        return list(clips)
    wanted = {str(name) for name in names}  # a command line parses 84 as a number
    known = sorted({clip.speaker for clip in clips})
    if unknown := sorted(wanted - set(known)):
        raise UserError(
            f"speaker.names: no recording of {', '.join(unknown)}; the data has {len(known)} speakers: "
            f"{', '.join(known[:10])}{', ...' if len(known) > 10 else ''}"
        )
    left = [clip.source for clip in clips if clip.speaker not in wanted]
    if left:
        intake().leave_out("rows", "of speakers that speaker.names does not name", left)
    return [clip for clip in clips if clip.speaker in wanted]


def in_turns(clips: Sequence[Clip], n: int) -> list[Clip]:
    """Return at most `n` of the clips, two per speaker in turn, so that one can be compared with the other."""
    by_speaker: dict[str, list[Clip]] = {}
    for clip in clips:
        by_speaker.setdefault(clip.speaker, []).append(clip)
    pairs = ([own[first : first + 2] for first in range(0, len(own), 2)] for own in by_speaker.values())
    turns = (clip for turn in zip_longest(*pairs, fillvalue=()) for pair in turn for clip in pair)
    return list(islice(turns, n))
