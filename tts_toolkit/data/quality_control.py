"""Quality control of every row of a data set before training: kept, or rejected with reasons."""

from __future__ import annotations

import hashlib
import logging
import operator
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from tts_toolkit.audio.waveforms import FULL_SCALE, SAMPLE_RATE_HZ, Recording, load_recording, trim_silence
from tts_toolkit.data.clips import Clip
from tts_toolkit.data.embeddings import clip_voices
from tts_toolkit.data.features import NO_TRIM_DB, ClipLimits, counted
from tts_toolkit.data.intake import Intake
from tts_toolkit.data.rows import RowFault
from tts_toolkit.data.signal_checks import Sound, measured, signal_to_noise_db
from tts_toolkit.speakers.encoders import SpeakerEncoder
from tts_toolkit.speakers.outliers import profiles, unparted
from tts_toolkit.system.errors import UserError
from tts_toolkit.system.formatting import apart, n_of
from tts_toolkit.system.progress import AudioProgress
from tts_toolkit.text.frontend import TextFrontEnd
from tts_toolkit.text.frontend import listed as listed_characters

__all__ = ["signal_to_noise_db"]
log = logging.getLogger(__name__)
REASONS = {
    "bad_row": "the manifest's row gives no clip",
    "unreadable": "the sound cannot be read",
    "silent": "no audible sound",
    "too_short": "too short",
    "too_long": "too long",
    "clipped": "clipped",
    "quiet": "too quiet",
    "offset": "not centered on zero (DC offset)",
    "channels": "channels that do not go together",
    "bandwidth": "no sound in the upper band",
    "noisy": "too noisy",
    "echo": "too much echo",
    "holes": "holes in the sound",
    "pauses": "a long pause inside",
    "speed": "too fast or too slow for its text",
    "duplicate_audio": "the same sound as another row",
    "duplicate_text": "the same text by the same voice as another row",
    "unspeakable": "characters that the model cannot speak",
    "long_text": "more text than the model reads at once",
    "transcript": "the transcript does not match the sound",
    "foreign_voice": "another voice",
}
UNUSABLE = ("bad_row", "unreadable", "silent", "too_short", "too_long", "unspeakable", "long_text")  # not trainable
REMEDIES = {  # other than correcting the rows
    "silent": "limits.channel=auto takes the louder of channels that cancel",
    "too_short": "limits.min_duration_in_seconds and limits.max_duration_in_seconds say how long a clip may be",
    "too_long": "limits.min_duration_in_seconds and limits.max_duration_in_seconds say how long a clip may be",
    "unspeakable": "text.unspeakable=warn skips such characters, text.extend_vocabulary=true learns letters",
}
MIN_FOR_SPEED = 5  # clips of a voice from which on its usual speed is known
EXTRA_CHARACTERS = 4  # added to every text's length, as very short texts vary most


@dataclass(frozen=True)
class Thresholds:
    """Limits from which on a recording is rejected; None never rejects."""

    max_clipped_share: float | None = 0.001  # of samples at full scale
    min_level_db: float | None = -45.0  # of the loud frames, below full scale
    max_offset: float | None = 0.03  # of the mean from zero, of full scale
    channels: bool = True  # reject two voices in two channels, or averaged channels that cancel
    min_bandwidth_hz: float | None = 5500.0
    min_snr_db: float | None = 12.0  # below it a clip is too noisy, or has too much echo
    max_holes: int | None = 0  # where sound breaks off into digital silence and comes back
    max_pause_seconds: float | None = 2.5
    max_speed_ratio: float | None = 2.0  # of seconds per character to the voice's median, either way
    max_cer: float | None = 0.5  # of the recognizer's transcript
    duplicates: bool = True


@dataclass
class InspectedClip:
    """Findings about a row; quantities are nan where the sound could not be read."""

    clip: Clip
    reasons: dict[str, str] = field(default_factory=dict)  # messages by the keys of REASONS
    seconds: float = float("nan")  # without silent ends
    cut_seconds: float = 0.0  # of silent ends
    clipped_share: float = float("nan")
    level_db: float = float("nan")
    offset: float = float("nan")
    bandwidth_hz: float = float("nan")
    pause_seconds: float = float("nan")
    snr_db: float = float("nan")
    note: str = ""  # on its channels
    seconds_per_character: float = float("nan")
    sound: str = ""  # a hash of the waveform
    recognized: str | None = None  # transcript of the recognizer
    cer: float | None = None

    @property
    def keep(self) -> bool:
        """Whether the row may be trained on."""
        return not self.reasons


@dataclass(frozen=True)
class Inspection:
    """Findings about a data set."""

    rows: Sequence[InspectedClip]
    faults: Sequence[RowFault]  # rows without a usable clip
    unparted: str = ""  # why no foreign voice is reported, where the encoder does not separate the voices

    @property
    def notes(self) -> dict[str, int]:
        """Notes on channels, with the number of kept clips."""
        return counted(row.note for row in self.rows if row.keep)

    @property
    def kept(self) -> list[Clip]:
        """The clips that may be trained on."""
        return [row.clip for row in self.rows if row.keep]

    def by_reason(self, reasons: Collection[str] = tuple(REASONS)) -> dict[str, int]:
        """Return the number of rejected rows by reason, each row under its first."""
        counts = Counter(next((r for r in row.reasons if r in reasons), "") for row in self.rows if row.reasons)
        counts["bad_row"] += len(self.faults)
        return {reason: counts[reason] for reason in REASONS if counts[reason] and reason in reasons}

    def by_speaker(self) -> dict[str, dict[str, float]]:
        """Return the clips and minutes per voice, kept and rejected."""
        table: dict[str, dict[str, float]] = {}
        for row in self.rows:
            entry = table.setdefault(row.clip.speaker, {"n_kept": 0, "minutes_kept": 0.0, "n_rejected": 0})
            entry["n_kept" if row.keep else "n_rejected"] += 1
            entry["minutes_kept"] += row.seconds / 60 if row.keep else 0.0
        return dict(sorted(table.items()))


@dataclass(frozen=True)
class RejectedShare:
    """Maximum share of rejected rows, above which a run stops."""

    largest: float  # share of the rows
    reasons: Collection[str] = tuple(REASONS)  # that are counted

    def counts(self, row: InspectedClip) -> bool:
        """Whether a row is rejected for one of the reasons."""
        return any(reason in self.reasons for reason in row.reasons)

    def check(self, rows: Sequence[InspectedClip], faults: Sequence[RowFault], n_clips: int) -> None:
        """Raise UserError when more rows than allowed are rejected so far, of `n_clips` clips and the faults."""
        n_allowed = self.largest * (n_clips + len(faults))
        counts = Inspection(rows, faults).by_reason(self.reasons)
        n_rejected = sum(counts.values())
        if n_rejected <= n_allowed:
            return
        n_inspected = len(rows) + len(faults)
        share, largest = apart(100 * n_rejected / (n_clips + len(faults)), 100 * self.largest)
        so_far = "" if len(rows) == n_clips else f" inspected so far, of {n_clips + len(faults)} rows"
        worst = _first(rows, faults, self.reasons)
        remedies = [REMEDIES[reason] for reason in counts if reason in REMEDIES]
        remedies += [] if set(counts) <= set(UNUSABLE) else ["quality_control.on_reject=warn trains on doubtful rows"]
        advice = "".join(f"; {remedy}" for remedy in dict.fromkeys(remedies))
        raise UserError(
            f"quality control: {n_rejected} of {n_inspected} rows{so_far} are rejected ({_listed(counts)}; the first: "
            f"{worst}), {share} % of all, and quality_control.max_rejected_share allows {largest} %: tts-prepare "
            f"lists them; correct them, or raise quality_control.max_rejected_share{advice}"
        )


@dataclass(frozen=True)
class TranscriptCheck:
    """A recognizer, and how far off a transcript is from what it recognizes."""

    transcribe: Callable[[np.ndarray], str]  # of a waveform at 16 kHz
    error_rate: Callable[[str, str], float]  # of characters: the transcript, then the recognized text


@dataclass(frozen=True)
class QualityControl:
    """Everything that the rows of a data set are inspected with."""

    front_end: TextFrontEnd
    limits: ClipLimits
    thresholds: Thresholds
    cache_dir: Path
    encoder: SpeakerEncoder | None = None  # finds foreign voices; None: they are not looked for
    transcripts: TranscriptCheck | None = None  # None: transcripts are taken at their word
    skip_characters: bool = False  # let characters pass that the model cannot speak
    max_rejected: RejectedShare = RejectedShare(1.0)  # of the rows; more end the inspection

    def inspect(
        self,
        clips: Sequence[Clip],
        faults: Sequence[RowFault] = (),
        use: Callable[[Clip, np.ndarray], None] | None = None,
    ) -> Inspection:
        """Return what is wrong with each clip; rows are rejected for every reason that holds, the gravest first.

        Each recording is decoded once: `use` gets each clip that may be kept with its waveform, while it is there.
        Raises UserError as soon as more rows are rejected than allowed, before anything is embedded as long as the
        sound fits into memory.
        """
        rows = self._each(clips, faults, use)
        if self.thresholds.max_speed_ratio is not None:
            _check_speed(rows, self.thresholds.max_speed_ratio)
        if self.thresholds.duplicates:
            _check_duplicates(rows)
        self.max_rejected.check(rows, faults, len(clips))
        return Inspection(rows, faults, self._check_voices([row for row in rows if row.keep]))

    def _each(
        self,
        clips: Sequence[Clip],
        faults: Sequence[RowFault],
        use: Callable[[Clip, np.ndarray], None] | None,
    ) -> list[InspectedClip]:
        """Return the findings about each clip alone; raises UserError once too many are rejected."""
        rows, waiting = list[InspectedClip](), list[Clip]()
        n_rejected, n_allowed = len(faults), self.max_rejected.largest * (len(clips) + len(faults))
        with AudioProgress("quality_control", "clip", len(clips)) as bar:
            for clip in clips:
                row, waveform = self._inspected(clip)
                rows.append(row)
                self._hold(clip, waveform, waiting)
                if row.keep:
                    waiting.append(clip)
                    if use is not None:
                        use(clip, waveform)
                n_rejected += self.max_rejected.counts(row)
                if n_rejected > n_allowed:
                    self.max_rejected.check(rows, faults, len(clips))
                bar.update(1, np.nan_to_num(row.seconds))
        return rows

    def _inspected(self, clip: Clip) -> tuple[InspectedClip, np.ndarray]:
        """Return the findings about one clip alone, and its waveform for training, empty where there is none."""
        row = InspectedClip(clip)
        try:
            recording = load_recording(clip.audio, self.limits.channel)
        except UserError as error:
            row.reasons["unreadable"] = str(error)
            return row, np.zeros(0, np.float32)
        row.note = recording.note
        waveform = self.limits.trimmed(recording)
        if not len(waveform):
            cancel = f": {recording.note}" if recording.note else ""
            row.reasons["silent"] = f"is silent{cancel}"
            return row, waveform
        is_trimmed = self.limits.trim_silence_db is not None
        sound = _measure(row, recording, waveform if is_trimmed else trim_silence(waveform, NO_TRIM_DB))
        n_characters = sum(c.isalnum() for c in self.front_end.normalize(clip.transcript))
        row.seconds_per_character = row.seconds / (n_characters + EXTRA_CHARACTERS)
        _check_duration(row, len(waveform) / SAMPLE_RATE_HZ, self.limits)
        _check_sound(row, recording, sound, self.thresholds)
        self._check_text(row)
        if row.keep:
            self._check_transcript(row, waveform)
        return row, waveform

    def _hold(self, clip: Clip, waveform: np.ndarray, waiting: list[Clip]) -> None:
        """Hold a waveform for later steps; a full memory is emptied once the clips `waiting` in it are embedded."""
        if not len(waveform) or self.limits.held.put(clip, waveform):
            return
        if self.encoder is not None and waiting:
            clip_voices(waiting, self.encoder, self.limits, self.cache_dir)
        waiting.clear()
        self.limits.held.only(())
        self.limits.held.put(clip, waveform)

    def _check_text(self, row: InspectedClip) -> None:
        front_end, transcript = self.front_end, row.clip.transcript
        if not front_end.has_words(transcript):
            row.reasons["unspeakable"] = f"nothing in {transcript!r} can be spoken"
            return
        missing = Counter[str]() if self.skip_characters else Counter(front_end.unspeakable(transcript))
        if missing:
            row.reasons["unspeakable"] = f"cannot speak {missing.total()} characters: {listed_characters(missing)}"
        if front_end.max_tokens is None:
            return
        n_tokens = len(front_end.tokens(transcript))
        if n_tokens > front_end.max_tokens:
            row.reasons["long_text"] = f"{n_tokens} tokens, the model reads {front_end.max_tokens}"

    def _check_transcript(self, row: InspectedClip, waveform: np.ndarray) -> None:
        if self.transcripts is None or self.thresholds.max_cer is None:
            return
        row.recognized = self.transcripts.transcribe(waveform)
        row.cer = self.transcripts.error_rate(self.front_end.normalize(row.clip.transcript), row.recognized)
        if row.cer > self.thresholds.max_cer:
            shown, allowed = apart(100 * row.cer, 100 * self.thresholds.max_cer)
            row.reasons["transcript"] = f"recognized as {row.recognized!r} (CER {shown} %, {allowed} are allowed)"

    def _check_voices(self, rows: Sequence[InspectedClip]) -> str:
        """Reject clips of another voice; return a note where the encoder does not separate the voices."""
        if self.encoder is None or not rows:
            return ""
        clips = [row.clip for row in rows]
        embeddings = clip_voices(clips, self.encoder, self.limits, self.cache_dir).embeddings
        by_id = {row.clip.id: row for row in rows}
        found = profiles([clip.id for clip in clips], [clip.speaker for clip in clips], embeddings)
        for profile in found:
            for outlier in profile.outliers:
                by_id[outlier.id].reasons["foreign_voice"] = outlier.reason
        return unparted(found)


def _first(rows: Sequence[InspectedClip], faults: Sequence[RowFault], reasons: Collection[str]) -> str:
    """Return the source and the message of the first row that is rejected for one of the reasons."""
    of_faults = (f"{fault.source}: {fault.message}" for fault in faults)
    of_rows = (f"{row.clip.source}: {why}" for row in rows for name, why in row.reasons.items() if name in reasons)
    return next(chain(of_faults, of_rows), "")


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{REASONS[reason]} {n}" for reason, n in counts.items())


def _measure(row: InspectedClip, recording: Recording, speech: np.ndarray) -> Sound:
    """Fill in the quantities of a row from its speech (n,), silent ends cut; return what the sound is checked by."""
    row.seconds = len(speech) / SAMPLE_RATE_HZ
    row.cut_seconds = (len(recording.waveform) - len(speech)) / SAMPLE_RATE_HZ
    row.sound = hashlib.blake2b((speech * 32767).astype(np.int16).tobytes(), digest_size=16).hexdigest()
    row.clipped_share = float((np.abs(recording.waveform) >= FULL_SCALE).mean())
    sound = measured(speech)
    row.level_db, row.offset, row.snr_db = sound.level_db, sound.offset, sound.snr_db
    row.bandwidth_hz, row.pause_seconds = sound.bandwidth_hz, sound.pause_seconds
    return sound


def _check_duration(row: InspectedClip, seconds: float, limits: ClipLimits) -> None:
    shortest, longest = limits.min_duration_in_seconds, limits.max_duration_in_seconds
    if seconds < shortest:
        row.reasons["too_short"] = f"lasts {limits.formatted(seconds)} s, at least {shortest:g} are wanted"
    if seconds > longest:
        row.reasons["too_long"] = f"lasts {limits.formatted(seconds)} s, at most {longest:g} are allowed"


def _check_sound(row: InspectedClip, recording: Recording, sound: Sound, thresholds: Thresholds) -> None:
    """Add the reasons that the sound gives, the gravest first."""

    def check(
        name: str,
        value: float,
        message: str,
        at_least: float | None = None,
        at_most: float | None = None,
        digits: int = 0,
    ) -> None:
        for limit, beyond in ((at_least, operator.lt), (at_most, operator.gt)):
            if limit is not None and beyond(value, limit):
                row.reasons[name] = message.format(*apart(value, limit, digits))

    check("clipped", 100 * row.clipped_share, "{} % of the samples are at full scale, {} are allowed",
          at_most=_percent(thresholds.max_clipped_share), digits=2)  # fmt: skip
    check("quiet", sound.level_db, "speech is at {} dB of full scale, {} are wanted: record it louder",
          at_least=thresholds.min_level_db)  # fmt: skip
    check("offset", 100 * sound.offset, "the mean is {} % of full scale off zero, {} are allowed",
          at_most=_percent(thresholds.max_offset), digits=1)  # fmt: skip
    if thresholds.channels and recording.used_channel == "mix" and recording.note:
        row.reasons["channels"] = recording.note
    check("bandwidth", sound.bandwidth_hz, "there is no sound above {} Hz, as over a telephone; {} are wanted",
          at_least=thresholds.min_bandwidth_hz)  # fmt: skip
    pauses = "the sound in the pauses is echo, {} dB below speech; {} are wanted"
    noise = "speech is {} dB above the noise, {} are wanted"
    name, message = ("echo", pauses) if sound.echoes else ("noisy", noise)
    check(name, sound.snr_db, message, at_least=thresholds.min_snr_db)
    check("holes", recording.n_holes, "the sound breaks off into digital silence {} times, {} are allowed",
          at_most=thresholds.max_holes)  # fmt: skip
    check("pauses", sound.pause_seconds, "{} s of silence between words, {} are allowed",
          at_most=thresholds.max_pause_seconds, digits=1)  # fmt: skip


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _check_speed(rows: Sequence[InspectedClip], max_ratio: float) -> None:
    by_speaker: dict[str, list[InspectedClip]] = defaultdict(list)
    for row in rows:
        if row.keep:
            by_speaker[row.clip.speaker].append(row)
    for of_one in by_speaker.values():
        usual = float(np.median([row.seconds_per_character for row in of_one]))
        for row in of_one if len(of_one) >= MIN_FOR_SPEED else ():
            ratio = row.seconds_per_character / usual
            if not 1 / max_ratio <= ratio <= max_ratio:
                times, allowed = apart(max(ratio, 1 / ratio), max_ratio, 1)
                row.reasons["speed"] = (
                    f"{times} times as {'slow' if ratio > 1 else 'fast'} as this voice usually speaks, {allowed} times "
                    "is allowed: are words missing from the text or sound?"
                )


def _check_duplicates(rows: Sequence[InspectedClip]) -> None:
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


OnReject = Literal["drop", "warn"]


def rejected_share(on_reject: OnReject, largest: float) -> RejectedShare:
    """Return the maximum share of rejected rows; `warn` rejects only what cannot be trained on.

    Raises UserError for another `on_reject`, or a share outside 0 to 1.
    """
    if on_reject not in get_args(OnReject):
        raise UserError(f"quality_control.on_reject={on_reject}: allowed are drop, warn and ignore")
    if not 0 <= largest <= 1:
        raise UserError(f"quality_control.max_rejected_share={largest}: a share of the rows, 0 to 1")
    return RejectedShare(largest, tuple(REASONS) if on_reject == "drop" else UNUSABLE)


def note_rejected(found: Inspection, intake: Intake, reasons: Collection[str] = tuple(REASONS)) -> None:
    """Count the rows that are rejected for one of the reasons as left out, each under its first one."""
    for row in found.rows:
        if reason := next((name for name in row.reasons if name in reasons), None):
            intake.leave_out("rows", REASONS[reason], [row.clip.source])


def usable(found: Inspection, share: RejectedShare) -> list[Clip]:
    """Return the clips to train on, and log the numbers of clips left out and of doubtful ones, with reasons.

    Raises UserError when more than the share allowed is left out, or nothing is left.
    """
    share.check(found.rows, found.faults, len(found.rows))
    kept = [row.clip for row in found.rows if not share.counts(row)]
    n_rows = len(found.rows) + len(found.faults)
    _log_findings(found, share.reasons, n_rows, n_rows - len(kept))
    if not kept:
        listed = _listed(found.by_reason(share.reasons))
        raise UserError(f"quality_control: none of {n_rows} clips can be trained on ({listed}); tts-prepare lists why")
    return kept


def _log_findings(found: Inspection, reasons: Collection[str], n_rows: int, n_left_out: int) -> None:
    if n_left_out:
        log.info(
            "quality_control: %d of %d clips are left out (%s); the first: %s",
            n_left_out,
            n_rows,
            _listed(found.by_reason(reasons)),
            _first(found.rows, found.faults, reasons),
        )
    if n_doubtful := sum(not row.keep for row in found.rows) + len(found.faults) - n_left_out:
        log.warning(
            "quality_control: %d of %d clips are doubtful (%s); tts-prepare lists them, and "
            "quality_control.on_reject=drop leaves them out",
            n_doubtful,
            n_rows,
            _listed(found.by_reason(set(REASONS) - set(reasons))),
        )
    for note, n in found.notes.items():
        log.info("quality_control: %s: %s", note, n_of(n, "clip"))
    if found.unparted:
        log.info("quality_control: %s", found.unparted)


def summary(found: Inspection) -> dict[str, object]:
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
        "notes": [*(f"{note}: {n_of(n, 'clip')}" for note, n in found.notes.items()), *filter(None, [found.unparted])],
        "speakers": speakers,
    }
