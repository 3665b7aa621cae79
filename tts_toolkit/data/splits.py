"""Train, dev and test parts that stay the same when rows are added."""

from __future__ import annotations

import hashlib
import logging
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, get_args

from tts_toolkit.data.clips import Clip
from tts_toolkit.system.errors import UserError

log = logging.getLogger(__name__)
Unit = Literal["transcript", "speaker", "session"]
PARTS = ("train", "dev", "test")


def stable_fraction(text: str) -> float:
    """Return a number in [0, 1) that depends on `text` alone (BLAKE2b), for splits and draws that stay the same."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") / 2**64


def letters(text: str) -> str:
    """Return the letters, combining marks and digits of a text in one form and case, equal for two spellings."""
    folded = unicodedata.normalize("NFKC", text.casefold())
    return "".join(c for c in folded if unicodedata.category(c)[0] in "LMN") or folded


def split_clips(
    clips: Sequence[Clip],
    dev_fraction: float = 0.1,
    test_fraction: float = 0.1,
    seed: int = 0,
    disjoint_by: Unit = "transcript",
    spoken: Callable[[str], str] = letters,
) -> dict[str, list[Clip]]:
    """Return the clips by part: `train`, `dev` and `test`.

    Splits that the source names are kept, and it need not name test clips; where it names no dev clips, they are drawn
    from those for training. Otherwise a clip's part depends only on the seed and its unit (the letters of `spoken`, its
    speaker or its session), so that no unit is in two parts and no clip moves when others are added. A part that the
    draw leaves empty gets the nearest unit. Raises UserError when there are too few units, or a clip has no session.
    """
    if disjoint_by not in get_args(Unit):
        raise UserError(f"split.disjoint_by={disjoint_by}: allowed are {', '.join(get_args(Unit))}")
    named = any(clip.split for clip in clips)
    fixed = [clip for clip in clips if clip.split and (clip.split != "train" or _names(clips, "dev"))]
    drawn: dict[str, list[Clip]] = {}  # by unit
    kept = {id(clip) for clip in fixed}
    for clip in (clip for clip in clips if id(clip) not in kept):
        drawn.setdefault(_unit(clip, disjoint_by, spoken), []).append(clip)
    if named and _names(clips, "dev"):
        parts = dict.fromkeys(drawn, "train")
    else:
        shares = {"test": 0.0 if named else test_fraction, "dev": dev_fraction}
        parts = _drawn(list(drawn), shares, seed)
    found: dict[str, list[Clip]] = {part: [] for part in PARTS}
    of = {id(clip): parts[unit] for unit, own in drawn.items() for clip in own}
    for clip in clips:
        found[of.get(id(clip), clip.split)].append(clip)
    _check(found, {"train": True, "dev": named or dev_fraction > 0, "test": not named and test_fraction > 0})
    _log_shared(found, spoken)
    return found


def _names(clips: Sequence[Clip], part: str) -> bool:
    return any(clip.split == part for clip in clips)


def _unit(clip: Clip, disjoint_by: Unit, spoken: Callable[[str], str]) -> str:
    if disjoint_by == "transcript":
        return letters(spoken(clip.transcript))
    unit = str(getattr(clip, disjoint_by)).casefold()
    if not unit:
        raise UserError(f"{clip.source}: names no {disjoint_by}, which split.disjoint_by={disjoint_by} goes by")
    return unit


def _drawn(units: Sequence[str], shares: Mapping[str, float], seed: int) -> dict[str, str]:
    """Return the part of each unit: test up to its share of [0, 1), then dev, then train; none left empty."""
    fractions = {unit: stable_fraction(f"{seed}:{unit}") for unit in units}
    test, dev = shares["test"], shares["test"] + shares["dev"]
    parts = {unit: "test" if at < test else "dev" if at < dev else "train" for unit, at in fractions.items()}
    ordered = sorted(units, key=lambda unit: fractions[unit])
    wanted = [part for part in ("test", "dev") if shares[part] > 0] + ["train"]
    if len(units) < len(wanted):
        return parts
    for part in wanted:
        if part not in parts.values():
            unit = _nearest(part, ordered, parts)
            log.warning("split: nothing fell into %s of %d; it gets what was nearest: %.60s", part, len(units), unit)
            parts[unit] = part
    return parts


def _nearest(part: str, ordered: Sequence[str], parts: Mapping[str, str]) -> str:
    """Return the unit nearest to an empty part, from a part that has more than one."""
    counts = {other: sum(found == other for found in parts.values()) for other in PARTS}
    spare = [unit for unit in ordered if counts[parts[unit]] > 1]
    later = [unit for unit in spare if PARTS.index(parts[unit]) < PARTS.index(part)]  # test, dev, train in this order
    return later[0] if later else spare[-1]


def _check(found: Mapping[str, Sequence[Clip]], wanted: Mapping[str, bool]) -> None:
    empty = [part for part, asked in wanted.items() if asked and not found[part]]
    if empty:
        counts = ", ".join(f"{part} {len(of_part)}" for part, of_part in found.items())
        raise UserError(
            f"no clip fell into {' and '.join(empty)} ({sum(map(len, found.values()))} clips: {counts}); add "
            "recordings, name the part of each row in a column 'split', or change split.dev_fraction and "
            "split.test_fraction"
        )


def _log_shared(found: Mapping[str, Sequence[Clip]], spoken: Callable[[str], str]) -> None:
    """Log the number of sentences in more than one part: such dev and test sentences are trained on."""
    texts = {part: {letters(spoken(clip.transcript)): clip for clip in of_part} for part, of_part in found.items()}
    for part, other in (("dev", "train"), ("test", "train"), ("test", "dev")):
        shared = [clip for unit, clip in texts[part].items() if unit in texts[other]]
        if shared:
            log.warning(
                "split: %d of %d sentences of %s are in %s too, such as %r (%s)",
                len(shared),
                len(texts[part]),
                part,
                other,
                shared[0].transcript,
                shared[0].source,
            )
