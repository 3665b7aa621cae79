"""Recordings with every fault that the quality control detects, for tests and benchmarks."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import soundfile

from tts_toolkit.audio.waveforms import SAMPLE_RATE_HZ, load_waveform, resample, trim_silence
from tts_toolkit.data.clips import Clip
from tts_toolkit.data.signal_checks import measured

ADDED = "and a great deal more that nobody has ever said in front of this microphone"
FaultySample = tuple[np.ndarray | bytes | None, str]  # the sound (None: no file), the text


def _loud(waveform: np.ndarray) -> np.ndarray:
    return np.clip(20 * waveform / np.abs(waveform).max(), -1, 1)


def _noisy(waveform: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    level = np.sqrt((trim_silence(waveform) ** 2).mean()) * 10 ** (-5 / 20)
    return waveform + level * rng.standard_normal(len(waveform)).astype(np.float32)


def _quiet(waveform: np.ndarray) -> np.ndarray:
    return waveform * 10 ** ((-50 - measured(trim_silence(waveform)).level_db) / 20)


def _telephone(waveform: np.ndarray) -> np.ndarray:
    return resample(resample(waveform, SAMPLE_RATE_HZ, 8_000), 8_000, SAMPLE_RATE_HZ)


def _holed(waveform: np.ndarray) -> np.ndarray:
    holed = waveform.copy()
    loudest = int(np.abs(waveform).argmax())
    holed[max(0, loudest - 400) : loudest + 400] = 0
    return holed


def _paused(waveform: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    middle, room = len(waveform) // 2, 3e-4 * rng.standard_normal(3 * SAMPLE_RATE_HZ)
    return np.concatenate([waveform[:middle], room, waveform[middle:]])


def _conversation(waveform: np.ndarray, other: np.ndarray) -> bytes:
    """Return a file of two channels, one voice in each."""
    channels = [np.concatenate([waveform, 0 * other]), np.concatenate([0 * waveform, other])]
    buffer = io.BytesIO()
    soundfile.write(buffer, np.stack(channels, axis=1), SAMPLE_RATE_HZ, format="FLAC")
    return buffer.getvalue()


FAULTS: dict[str, Sequence[Callable[[np.ndarray, str, np.random.Generator, tuple[np.ndarray, str]], FaultySample]]] = {
    "unreadable": (lambda w, text, rng, other: (b"not a sound", text), lambda w, text, rng, other: (None, text)),
    "silent": (lambda w, text, rng, other: (np.zeros(2 * SAMPLE_RATE_HZ), text),),
    "too_short": (lambda w, text, rng, other: (trim_silence(w)[2000:5000], text),),
    "too_long": (lambda w, text, rng, other: (np.tile(w, 1 + 21 * SAMPLE_RATE_HZ // len(w)), text),),
    "clipped": (lambda w, text, rng, other: (_loud(w), text),),
    "quiet": (lambda w, text, rng, other: (_quiet(w), text),),
    "offset": (lambda w, text, rng, other: (0.8 * w + 0.1, text),),
    "channels": (lambda w, text, rng, other: (_conversation(w, other[0]), text),),
    "bandwidth": (lambda w, text, rng, other: (_telephone(w), text),),
    "holes": (lambda w, text, rng, other: (_holed(w), text),),
    "pauses": (lambda w, text, rng, other: (_paused(w, rng), text),),
    "noisy": (lambda w, text, rng, other: (_noisy(w, rng), text),),
    "speed": (lambda w, text, rng, other: (w, f"{text} {ADDED}"), lambda w, text, rng, other: (w, "No.")),
    "duplicate_audio": (lambda w, text, rng, other: (other[0], f"{text} really"),),
    "duplicate_text": (lambda w, text, rng, other: (w, other[1].upper()),),
    "unspeakable": (lambda w, text, rng, other: (w, f"{text} \u0416\u0436"), lambda w, text, rng, other: (w, "?!")),
    "foreign_voice": (lambda w, text, rng, other: (resample(w, SAMPLE_RATE_HZ, 12_000), text),),
}
BAD_ROWS = ('{"file_name": "oops', '{"file_name": "audio/none.flac", "text": ""}')


def write_faulty(clips: Sequence[Clip], folder: Path, n_faults: int, seed: int = 0) -> dict[str, str]:
    """Write a data folder of these clips, `n_faults` of them with one fault each in turn, and return the reason by id.

    Two of the faults are rows of the manifest without a clip: their ids are `:` and the line.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(clips)).tolist()
    chosen, clean = order[: n_faults - len(BAD_ROWS)], order[n_faults - len(BAD_ROWS) :]
    expected, lines = {}, []
    kinds = [(reason, how) for reason in FAULTS for how in FAULTS[reason]]
    (folder / "audio").mkdir(parents=True)
    room = 3e-4 * rng.standard_normal(SAMPLE_RATE_HZ // 2)  # the sound of pauses
    for position in sorted(range(len(clips)), key=lambda at: at in chosen):  # the clean ones first: they are kept
        clip = clips[position]
        sound: np.ndarray | bytes | None = load_waveform(clip.audio)
        text, name = clip.transcript, f"audio/{position:04d}.flac"
        if position in chosen:
            reason, how = kinds[chosen.index(position) % len(kinds)]
            other = clips[clean[chosen.index(position)]]
            sound, text = how(load_waveform(clip.audio), text, rng, (load_waveform(other.audio), other.transcript))
            expected[f"audio/{position:04d}"] = reason
        if isinstance(sound, bytes):
            (folder / name).write_bytes(sound)
        elif sound is not None:
            quiet = room if np.any(sound) else 0 * room
            soundfile.write(folder / name, np.concatenate([quiet, sound, quiet]), SAMPLE_RATE_HZ)
        lines.append(json.dumps({"file_name": name, "text": text, "speaker": clip.speaker}, ensure_ascii=False))
    lines += BAD_ROWS
    expected |= {f":{len(lines) - n}": "bad_row" for n in range(len(BAD_ROWS))}
    (folder / "metadata.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return expected
