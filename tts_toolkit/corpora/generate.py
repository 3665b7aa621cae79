"""Speak a list of sentences with several voices into an AudioFolder."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tts_toolkit.audio import SAMPLE_RATE_HZ, resample, write_flac
from tts_toolkit.corpora.voices import Share, Voice
from tts_toolkit.data.splits import stable_fraction
from tts_toolkit.errors import UserError
from tts_toolkit.progress import progress


def choose_voice(sentence: str, shares: Sequence[Share]) -> Voice:
    """Return the voice that speaks `sentence`: a weighted draw that depends on the sentence alone."""
    left = stable_fraction(sentence) * sum(share.weight for share in shares)
    for share in shares:
        left -= share.weight
        if left < 0:
            return share.voice
    return shares[-1].voice


def speak_corpus(
    sentences: Sequence[str], shares: Sequence[Share], output_dir: str | Path, parts: Mapping[str, int] | None = None
) -> Path:
    """Return the path of `metadata.jsonl` after every sentence was spoken to a 16 kHz FLAC beside it.

    Rows (`file_name`, `text`, `speaker`, `licence`) are appended as they come; a second call goes on where the first
    stopped. `parts` gives how many sentences, in order, are of the `split` train, dev and test; None leaves the column
    out.
    """
    output_dir = Path(output_dir)
    splits = [part for part, n in (parts or {}).items() for _ in range(n)]
    if splits and len(splits) != len(sentences):
        raise UserError(f"parts sum up to {len(splits)} sentences, there are {len(sentences)}")
    manifest = output_dir / "metadata.jsonl"
    (output_dir / "audio").mkdir(parents=True, exist_ok=True)
    done = {json.loads(line)["file_name"] for line in manifest.read_text().splitlines()} if manifest.exists() else set()

    def speak(numbered: tuple[int, str]) -> dict[str, str] | None:
        number, sentence = numbered
        voice = choose_voice(sentence, shares)
        file_name = f"audio/{voice.name}_{number:05d}.flac"
        if file_name in done:
            return None
        waveform, sample_rate_hz = voice(sentence)
        write_flac(output_dir / file_name, resample(waveform, sample_rate_hz, SAMPLE_RATE_HZ))
        row = {"file_name": file_name, "text": sentence, "speaker": voice.name, "licence": voice.licence}
        return row | {"split": splits[number]} if splits else row

    with manifest.open("a") as rows, ThreadPoolExecutor(os.cpu_count()) as pool:
        for row in progress(pool.map(speak, enumerate(sentences)), "speaking", unit="sentence", total=len(sentences)):
            if row is not None:
                rows.write(json.dumps(row) + "\n")
                rows.flush()
    return manifest


def sentence_file(path: str) -> list[str]:
    """Return the lines of a text file, or of `tts_toolkit/corpora/NAME.txt` for a bare name."""
    file = Path(path) if "." in path else Path(__file__).with_name(f"{path}.txt")
    if not file.is_file():
        raise UserError(f"sentences.path={path}: no such file")
    return [line.strip() for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
