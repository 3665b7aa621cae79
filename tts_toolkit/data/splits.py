"""Train, dev and test parts that stay the same when rows are added."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Literal, get_args

from tts_toolkit.data.clips import Clip
from tts_toolkit.errors import UserError


def stable_fraction(text: str) -> float:
    """Return a number in [0, 1) that depends on `text` alone (BLAKE2b), for splits and draws that never move."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") / 2**64


Unit = Literal["transcript", "speaker", "session"]


def split_clips(
    clips: Sequence[Clip],
    dev_fraction: float = 0.1,
    test_fraction: float = 0.1,
    seed: int = 0,
    disjoint_by: Unit = "transcript",
) -> dict[str, list[Clip]]:
    """Return the clips by part: `train`, `dev` and `test`.

    A split that the source names stands, and it need not name test clips. Otherwise a clip's part depends on the seed
    and its transcript alone (or its speaker, or its session), so that none of these is in two parts and no clip moves
    when others come. Raises UserError when a part that was asked for stays empty, or a clip has no session to go by.
    """
    if disjoint_by not in get_args(Unit):
        raise UserError(f"split.disjoint_by={disjoint_by}: allowed are {', '.join(get_args(Unit))}")
    parts: dict[str, list[Clip]] = {"train": [], "dev": [], "test": []}
    named = any(clip.split for clip in clips)
    for clip in clips:
        unit = str(getattr(clip, disjoint_by)).casefold()
        if not unit:
            raise UserError(f"{clip.source}: names no {disjoint_by}, which split.disjoint_by={disjoint_by} goes by")
        fraction = stable_fraction(f"{seed}:{unit}")
        drawn = "test" if fraction < test_fraction else "dev" if fraction < test_fraction + dev_fraction else "train"
        parts[clip.split or ("train" if named else drawn)].append(clip)
    wanted = {"train": True, "dev": named or dev_fraction > 0, "test": not named and test_fraction > 0}
    empty = [part for part, asked in wanted.items() if asked and not parts[part]]
    if empty:
        counts = ", ".join(f"{part} {len(of_part)}" for part, of_part in parts.items())
        raise UserError(
            f"no clip fell into {' and '.join(empty)} ({len(clips)} clips: {counts}); add recordings, name the part "
            "of each row in a column 'split', or change split.dev_fraction and split.test_fraction"
        )
    return parts
