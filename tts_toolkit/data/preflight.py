"""Every row of a set looked at once, before anything is trained: keep, or reject because."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from tts_toolkit.audio import HOP_LENGTH, SAMPLE_RATE_HZ, load_waveform, trim_silence
from tts_toolkit.data.clips import Clip
from tts_toolkit.data.features import ClipLimits
from tts_toolkit.data.rows import RowFault
from tts_toolkit.errors import UserError
from tts_toolkit.progress import AudioProgress
from tts_toolkit.scoring.health import FULL_SCALE
from tts_toolkit.speakers.encoders import SpeakerEncoder
from tts_toolkit.speakers.extraction import clip_voices
from tts_toolkit.speakers.profile import profiles
from tts_toolkit.text.frontend import TextFrontEnd

log = logging.getLogger(__name__)
REASONS = {
    "bad_row": "the manifest's row gives no clip",
    "unreadable": "the sound cannot be read",
    "silent": "nothing is heard",
    "too_short": "too short",
    "too_long": "too long",
    "clipped": "clipped",
    "noisy": "too noisy",
    "speed": "too fast or too slow for its text",
    "duplicate_audio": "the same sound as another row",
    "duplicate_text": "the same text by the same voice as another row",
    "unspeakable": "characters that the model cannot speak",
    "long_text": "more text than the model reads at once",
    "transcript": "the transcript is not what is said",
    "foreign_voice": "another voice",
}
MIN_FOR_SPEED = 5  # clips of a voice before its usual speed is known
EXTRA_CHARACTERS = 4  # that a text counts as longer than it is: very short ones vary most


@dataclass(frozen=True)
class Thresholds:
    """From where on a recording is rejected; None never rejects."""

    max_clipped_share: float | None = 0.001  # of samples at full scale
    min_snr_db: float | None = 12.0
    max_speed_ratio: float | None = 2.0  # of seconds a character to the voice's median, either way
    max_cer: float | None = 0.5  # of what a recogniser hears
    duplicates: bool = True


@dataclass
class Looked:
    """A row and what was found out about it; quantities are nan where the sound could not be read."""

    clip: Clip
    reasons: dict[str, str] = field(default_factory=dict)  # what is wrong, by the keys of REASONS
    seconds: float = float("nan")  # without silent ends
    cut_seconds: float = 0.0  # of silent ends
    clipped_share: float = float("nan")
    snr_db: float = float("nan")
    seconds_per_character: float = float("nan")
    sound: str = ""  # a hash of the waveform
    heard: str | None = None  # by the recogniser
    cer: float | None = None

    @property
    def keep(self) -> bool:
        """Whether the row may be trained on."""
        return not self.reasons


@dataclass(frozen=True)
class Preflight:
    """What a set comes to."""

    rows: Sequence[Looked]
    faults: Sequence[RowFault]  # rows that gave no clip

    @property
    def kept(self) -> list[Clip]:
        """The clips that may be trained on."""
        return [row.clip for row in self.rows if row.keep]

    def by_reason(self) -> dict[str, int]:
        """Return how many rows each reason rejects, the first reason of a row counting."""
        counts = Counter(next(iter(row.reasons)) for row in self.rows if row.reasons)
        counts["bad_row"] += len(self.faults)
        return {reason: counts[reason] for reason in REASONS if counts[reason]}

    def by_speaker(self) -> dict[str, dict[str, float]]:
        """Return clips and minutes of each voice, kept and rejected."""
        table: dict[str, dict[str, float]] = {}
        for row in self.rows:
            entry = table.setdefault(row.clip.speaker, {"n_kept": 0, "minutes_kept": 0.0, "n_rejected": 0})
            entry["n_kept" if row.keep else "n_rejected"] += 1
            entry["minutes_kept"] += row.seconds / 60 if row.keep else 0.0
        return dict(sorted(table.items()))


def look_over(
    clips: Sequence[Clip],
    faults: Sequence[RowFault],
    front_end: TextFrontEnd,
    limits: ClipLimits,
    thresholds: Thresholds,
    cache_dir: Path,
    encoder: SpeakerEncoder | None = None,
    hear: Callable[[np.ndarray], str] | None = None,
    cer: Callable[[str, str], float] | None = None,
) -> Preflight:
    """Return what is wrong with each clip. Its sound is read once, by an `encoder` (foreign voices) once more.

    `hear` writes down what a waveform says, `cer` (expected, heard) tells how far off that is; without them
    transcripts are taken at their word. Rows are rejected for every reason that holds, the gravest first.
    """
    rows = []
    with AudioProgress("preflight", "clip", len(clips)) as bar:
        for clip in clips:
            rows.append(_listen(clip, front_end, limits, thresholds, hear, cer))
            bar.update(1, np.nan_to_num(rows[-1].seconds))
    if thresholds.max_speed_ratio is not None:
        _check_speed(rows, thresholds.max_speed_ratio)
    if thresholds.duplicates:
        _check_duplicates(rows)
    if encoder is not None:
        _check_voices([row for row in rows if row.keep], encoder, limits, cache_dir)
    return Preflight(rows, faults)


def _listen(
    clip: Clip,
    front_end: TextFrontEnd,
    limits: ClipLimits,
    thresholds: Thresholds,
    hear: Callable[[np.ndarray], str] | None,
    cer: Callable[[str, str], float] | None,
) -> Looked:
    """Return what one clip tells by itself."""
    row = Looked(clip)
    try:
        waveform = load_waveform(clip.audio)
    except UserError as error:
        row.reasons["unreadable"] = str(error)
        return row
    speech = trim_silence(waveform, limits.trim_silence_db or 200.0)
    if not len(speech):
        row.reasons["silent"] = "nothing is heard"
        return row
    row.seconds = len(speech) / SAMPLE_RATE_HZ
    row.cut_seconds = (len(waveform) - len(speech)) / SAMPLE_RATE_HZ
    row.sound = hashlib.blake2b((speech * 32767).astype(np.int16).tobytes(), digest_size=16).hexdigest()
    row.clipped_share = float((np.abs(waveform) >= FULL_SCALE).mean())
    row.snr_db = signal_to_noise_db(speech)
    n_characters = sum(c.isalnum() for c in front_end.normalize(clip.transcript))
    row.seconds_per_character = row.seconds / (n_characters + EXTRA_CHARACTERS)
    if row.seconds < limits.min_duration_in_seconds:
        row.reasons["too_short"] = f"{row.seconds:.2f} s, at least {limits.min_duration_in_seconds:g} are wanted"
    if row.seconds > limits.max_duration_in_seconds:
        row.reasons["too_long"] = f"{row.seconds:.1f} s, at most {limits.max_duration_in_seconds:g} are allowed"
    if thresholds.max_clipped_share is not None and row.clipped_share > thresholds.max_clipped_share:
        row.reasons["clipped"] = f"{100 * row.clipped_share:.2f} % of the samples are at full scale"
    if thresholds.min_snr_db is not None and row.snr_db < thresholds.min_snr_db:
        row.reasons["noisy"] = f"speech is {row.snr_db:.0f} dB above the noise, {thresholds.min_snr_db:g} are wanted"
    _check_text(row, front_end)
    if hear is not None and cer is not None and row.keep and thresholds.max_cer is not None:
        row.heard = hear(speech)
        row.cer = cer(front_end.normalize(clip.transcript), row.heard)
        if row.cer > thresholds.max_cer:
            row.reasons["transcript"] = f"heard is {row.heard!r} (CER {100 * row.cer:.0f} %)"
    return row


def signal_to_noise_db(waveform: np.ndarray) -> float:
    """Return by how many dB the loud frames of a recording (n,) stand above its quietest tenth, at most 100.

    The quietest frames hold the pauses, so the figure needs some: 0.1 s in a second will do.
    """
    n_frames = max(1, len(waveform) // HOP_LENGTH)
    frames = np.resize(waveform, n_frames * HOP_LENGTH).reshape(n_frames, HOP_LENGTH).astype(np.float64)
    power = (frames**2).mean(axis=1) + 1e-12
    noise = float(np.quantile(power, 0.1))
    loud = float(power[power > power.max() * 1e-3].mean())  # within 30 dB of the loudest
    return float(np.clip(10 * np.log10(max(loud - noise, 1e-12) / noise), -20.0, 100.0))


def _check_text(row: Looked, front_end: TextFrontEnd) -> None:
    if not front_end.has_words(row.clip.transcript):
        row.reasons["unspeakable"] = f"nothing in {row.clip.transcript!r} can be spoken"
        return
    missing = Counter(front_end.unspeakable(row.clip.transcript))
    if missing:
        row.reasons["unspeakable"] = ", ".join(f"{c!r} (U+{ord(c):04X}) {n}" for c, n in missing.most_common())
    if front_end.max_tokens is None:
        return
    n_tokens = len(front_end.tokens(row.clip.transcript))
    if n_tokens > front_end.max_tokens:
        row.reasons["long_text"] = f"{n_tokens} tokens, the model reads {front_end.max_tokens}"


def _check_speed(rows: Sequence[Looked], max_ratio: float) -> None:
    by_speaker: dict[str, list[Looked]] = defaultdict(list)
    for row in rows:
        if row.keep:
            by_speaker[row.clip.speaker].append(row)
    for of_one in by_speaker.values():
        usual = float(np.median([row.seconds_per_character for row in of_one]))
        for row in of_one if len(of_one) >= MIN_FOR_SPEED else ():
            ratio = row.seconds_per_character / usual
            if not 1 / max_ratio <= ratio <= max_ratio:
                how = f"{ratio:.1f} times as slow" if ratio > 1 else f"{1 / ratio:.1f} times as fast"
                row.reasons["speed"] = f"{how} as this voice usually speaks: are words missing from the text or sound?"


def _check_duplicates(rows: Sequence[Looked]) -> None:
    """Reject all but the first of equal rows."""
    sounds: dict[str, str] = {}
    texts: dict[tuple[str, str], str] = {}
    for row in rows:
        if not row.keep:
            continue
        text = (row.clip.speaker, " ".join(row.clip.transcript.casefold().split()))
        if row.sound in sounds:
            row.reasons["duplicate_audio"] = f"the same sound as {sounds[row.sound]}"
        elif text in texts:
            row.reasons["duplicate_text"] = f"the same text as {texts[text]}"
        else:
            sounds[row.sound] = texts[text] = row.clip.source


def _check_voices(rows: Sequence[Looked], encoder: SpeakerEncoder, limits: ClipLimits, cache_dir: Path) -> None:
    if not rows:
        return
    clips = [row.clip for row in rows]
    embeddings = clip_voices(clips, encoder, limits, cache_dir).embeddings
    by_id = {row.clip.id: row for row in rows}
    for profile in profiles([clip.id for clip in clips], [clip.speaker for clip in clips], embeddings):
        for outlier in profile.outliers:
            by_id[outlier.id].reasons["foreign_voice"] = outlier.reason


def usable(found: Preflight, on_reject: Literal["warn", "drop"]) -> list[Clip]:
    """Return the clips to train on: `drop` leaves the rejected ones out, `warn` says how many there are and keeps them.

    Raises UserError for another `on_reject`, or when nothing is left.
    """
    if on_reject not in ("warn", "drop"):
        raise UserError(f"preflight.on_reject={on_reject}: allowed are warn, drop and ignore")
    if not found.by_reason():
        return [row.clip for row in found.rows]
    counts = ", ".join(f"{REASONS[reason]} {n}" for reason, n in found.by_reason().items())
    n_rejected = sum(found.by_reason().values())
    n_rows = len(found.rows) + len(found.faults)
    if on_reject == "warn":
        log.warning(
            "preflight: %d of %d clips had better be left out (%s); tts-prepare tells which, and "
            "preflight.on_reject=drop leaves them out",
            n_rejected,
            n_rows,
            counts,
        )
        return [row.clip for row in found.rows]
    log.info("preflight: %d of %d clips are left out (%s)", n_rejected, n_rows, counts)
    if not found.kept:
        raise UserError(f"preflight: none of {n_rows} clips can be trained on ({counts}); tts-prepare tells more")
    return found.kept


def summary(found: Preflight) -> dict[str, object]:
    """Return the figures of `summary.json`."""
    kept = [row for row in found.rows if row.keep]
    speakers: Mapping[str, object] = found.by_speaker()
    return {
        "n_rows": len(found.rows) + len(found.faults),
        "n_kept": len(kept),
        "n_rejected": len(found.rows) + len(found.faults) - len(kept),
        "minutes_kept": sum(row.seconds for row in kept) / 60,
        "minutes_of_silent_ends": sum(row.cut_seconds for row in kept) / 60,
        "rejected": found.by_reason(),
        "speakers": speakers,
    }
