"""Transcripts that a tokenizer can speak, and those that it cannot."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from typing import Literal, get_args

from tts_toolkit.data.clips import Clip
from tts_toolkit.system.errors import UserError
from tts_toolkit.text.frontend import TextFrontEnd, listed

log = logging.getLogger(__name__)
Unspeakable = Literal["error", "warn", "drop"]


def check_transcripts(clips: Sequence[Clip], front_end: TextFrontEnd, unspeakable: Unspeakable) -> list[Clip]:
    """Return the clips whose transcripts may be used.

    Unknown characters are listed with counts, before any training. `error` raises UserError, `warn` keeps the clips and
    lets the tokenizer skip the characters, `drop` leaves these clips out. A transcript without words raises UserError
    whatever the setting, and so does an unknown setting.
    """
    if unspeakable not in get_args(Unspeakable):
        raise UserError(f"text.unspeakable={unspeakable}: allowed are {', '.join(get_args(Unspeakable))}")
    kept, counts, first, silent = [], Counter[str](), "", Counter[str]()
    for clip in clips:
        silent.update(front_end.silent(clip.transcript))
        if not front_end.has_words(clip.transcript):
            raise UserError(f"{clip.source}: nothing in {clip.transcript!r} can be spoken; write what the clip says")
        missing = front_end.unspeakable(clip.transcript)
        counts.update(missing)
        first = first or (clip.source if missing else "")
        if not (missing and unspeakable == "drop"):
            kept.append(clip)
    if silent:
        log.info("marks that are not spoken are left out of the transcripts: %s", listed(silent))
    if counts:
        characters = listed(counts)
        message = f"the tokenizer cannot speak {sum(counts.values())} characters, first at {first}: {characters}"
        if unspeakable == "error":
            raise UserError(
                f"{message}; rewrite them, or set text.unspeakable=warn to skip them or =drop to leave the clips out"
            )
        n_left_out = len(clips) - len(kept)
        log.warning("%s; %s", message, f"{n_left_out} clips are left out" if n_left_out else "they are skipped")
    if not kept:
        raise UserError("no clip is left: every transcript holds characters that the tokenizer cannot speak")
    return kept
