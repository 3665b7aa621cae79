"""Synthesize a list of sentences with several voices into an AudioFolder."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tts_toolkit.audio.waveforms import SAMPLE_RATE_HZ, resample, write_flac
from tts_toolkit.data.splits import stable_fraction
from tts_toolkit.pretraining.voices import Share, Voice
from tts_toolkit.system.errors import UserError
from tts_toolkit.system.files import read_lines, write_whole
from tts_toolkit.system.progress import progress


def choose_voice(sentence: str, shares: Sequence[Share]) -> Voice:
    """Return the voice of `sentence`: a weighted draw that depends on the sentence alone."""
    left = stable_fraction(sentence) * sum(share.weight for share in shares)
    for share in shares:
        left -= share.weight
        if left < 0:
            return share.voice
    return shares[-1].voice


def speak_corpus(
    sentences: Sequence[str], shares: Sequence[Share], output_dir: str | Path, parts: Mapping[str, int] | None = None
) -> Path:
    """Return the path of `metadata.jsonl` once every sentence is a 16 kHz FLAC next to it.

    Rows (`file_name`, `text`, `speaker`, `license`) are appended as they come; a second call resumes where the first
    stopped. `parts` gives the numbers of sentences, in order, of the `split` train, dev and test; None omits the
    column.
    """
    output_dir = Path(output_dir)
    splits = [part for part, n in (parts or {}).items() for _ in range(n)]
    if splits and len(splits) != len(sentences):
        raise UserError(f"parts sum up to {len(splits)} sentences, there are {len(sentences)}")
    manifest = output_dir / "metadata.jsonl"
    voices = [choose_voice(sentence, shares) for sentence in sentences]
    rows = [_row(number, sentence, voices[number], splits) for number, sentence in enumerate(sentences)]
    there = _earlier_rows(manifest, rows)
    write_whole(manifest, "".join(json.dumps(row) + "\n" for row in there).encode())

    def synthesize(number: int) -> dict[str, str]:
        waveform, sample_rate_hz = voices[number](sentences[number])
        write_flac(output_dir / rows[number]["file_name"], resample(waveform, sample_rate_hz, SAMPLE_RATE_HZ))
        return rows[number]

    spoken = {row["file_name"] for row in there}
    todo = [number for number, row in enumerate(rows) if row["file_name"] not in spoken]
    with manifest.open("a") as file, ThreadPoolExecutor(os.cpu_count()) as pool:
        for row in progress(pool.map(synthesize, todo), "speaking", unit="sentence", total=len(todo)):
            file.write(json.dumps(row) + "\n")
            file.flush()
    return manifest


def _row(number: int, sentence: str, voice: Voice, splits: Sequence[str]) -> dict[str, str]:
    file_name = f"audio/{voice.name}_{number:05d}.flac"
    row = {"file_name": file_name, "text": sentence, "speaker": voice.name, "license": voice.license}
    return row | {"split": splits[number]} if splits else row


def _earlier_rows(manifest: Path, rows: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """Return an earlier call's rows of the same sentences whose sound exists, in order."""
    planned = {row["file_name"]: row for row in rows}
    found: dict[str, Mapping[str, str]] = {}
    for line in manifest.read_bytes().splitlines() if manifest.is_file() else ():
        try:
            row = json.loads(line)
            wanted = planned[row["file_name"]]
        except (ValueError, TypeError, KeyError):  # half a line of a killed call, or another corpus
            continue
        same = all(row.get(name) == wanted[name] for name in ("text", "speaker", "license"))
        if same and (manifest.parent / wanted["file_name"]).is_file():
            found[wanted["file_name"]] = wanted
    return list(found.values())


def sentence_file(path: str) -> list[str]:
    """Return the lines of a text file, or of `tts_toolkit/corpora/NAME.txt` for a bare name."""
    file = Path(path) if "." in path else Path(__file__).with_name(f"{path}.txt")
    if not file.is_file():
        raise UserError(f"sentences.path={path}: no such file")
    return [line.strip() for line in read_lines(file) if line.strip()]
