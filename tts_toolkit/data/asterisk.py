"""Recordings of a human voice: the English prompts of Asterisk, as Debian packages install them (CC-BY-SA-3.0)."""

from __future__ import annotations

import gzip
import re
import shutil
import subprocess
from pathlib import Path
from typing import TypedDict, Unpack

from tts_toolkit.data.clips import Clip
from tts_toolkit.data.splits import stable_fraction
from tts_toolkit.system.errors import UserError
from tts_toolkit.system.files import file_hash, kept_file
from tts_toolkit.system.progress import progress

PACKAGES = "apt-get install asterisk-core-sounds-en-g722 asterisk-core-sounds-en ffmpeg"
SPEAKER = "allison"
_SENTENCE = re.compile(r"(?!.*\.\.)[A-Za-z][A-Za-z0-9 ,.'?!;-]*")  # no brackets, no ellipses


class SplitSizes(TypedDict):
    """Number of clips per split."""

    n_train: int
    n_dev: int
    n_test: int


def asterisk_prompts(
    cache_dir: str,
    sounds: str = "/usr/share/asterisk/sounds/en_US_f_Allison",
    transcripts: str = "/usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz",
    min_words: int = 4,
    max_words: int = 20,
    **sizes: Unpack[SplitSizes],
) -> list[Clip]:
    """Return prompts that are plain words and numbers, in an order drawn by a hash of the text: test, dev, then train.

    The sound is G.722 at 16 kHz, decoded by FFmpeg into `cache_dir`. Raises UserError when packages are missing or
    hold too few sentences.
    """
    if not Path(transcripts).is_file() or not Path(sounds).is_dir() or shutil.which("ffmpeg") is None:
        raise UserError(f"the Asterisk prompts or FFmpeg are not installed; run: {PACKAGES}")
    texts: dict[Path, tuple[str, int]] = {}
    seen: set[str] = set()  # some prompts have the same text
    lines = gzip.decompress(Path(transcripts).read_bytes()).decode().splitlines()
    for number, line in enumerate(lines, start=1):
        name, _, text = line.partition(":")
        text = " ".join(text.split())
        source = Path(sounds) / f"{name.strip()}.g722"
        usable = _SENTENCE.fullmatch(text) and min_words <= len(text.split()) <= max_words and source.is_file()
        if usable and text.casefold() not in seen:
            seen.add(text.casefold())
            texts[source] = (text, number)
    wanted = _split_order(**sizes)
    if len(texts) < len(wanted):
        raise UserError(f"{len(wanted)} prompts were asked for, {transcripts} holds {len(texts)} usable sentences")
    drawn = sorted(texts, key=lambda source: stable_fraction(texts[source][0]))
    chosen = list(zip(drawn, wanted, strict=False))
    return [
        Clip(
            id=source.relative_to(sounds).with_suffix("").as_posix(),
            audio=decoded(source, Path(cache_dir) / "asterisk"),
            transcript=texts[source][0],
            speaker=SPEAKER,
            source=f"{transcripts}:{texts[source][1]}",
            split=split,
        )
        for source, split in progress(chosen, "decoding", "clip")
    ]


def _split_order(n_train: int, n_dev: int, n_test: int) -> list[str]:
    return ["test"] * n_test + ["dev"] * n_dev + ["train"] * n_train


def decoded(source: Path, folder: Path) -> Path:
    """Return a G.722 recording as FLAC at 16 kHz in `folder`, decoded once; raises UserError when FFmpeg cannot.

    The file name includes a hash of its content: prompt folders share file names, and packages change their files.
    """

    def decode(temporary: Path) -> None:
        command = ["ffmpeg", "-v", "error", "-y", "-f", "g722", "-i", str(source), "-ar", "16000", "-f", "flac"]
        done = subprocess.run([*command, str(temporary)], capture_output=True, text=True)
        if done.returncode:
            raise UserError(f"{source}: FFmpeg cannot decode it: {done.stderr.strip()}")

    return kept_file(folder / f"{source.stem}-{file_hash(source)[:16]}.flac", decode)
