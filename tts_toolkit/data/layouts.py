"""Corpora in their published layouts, with their licenses: VCTK, LibriTTS and Common Voice."""

from __future__ import annotations

from pathlib import Path

from tts_toolkit.data.clips import Clip
from tts_toolkit.data.intake import count_files, intake
from tts_toolkit.data.manifests import leads_inside, physical_lines
from tts_toolkit.data.rows import refuse_row
from tts_toolkit.system.errors import UserError
from tts_toolkit.system.files import read_text
from tts_toolkit.system.folders import Found, found_below


def vctk(path: str, microphone: str = "mic1", license: str = "cc-by-4.0") -> list[Clip]:
    """Return the clips of VCTK 0.92: `wav48_silence_trimmed/p225/p225_001_mic1.flac` and `txt/p225/p225_001.txt`."""
    root = _root(path)
    found = found_below(root)
    within = root / "wav48_silence_trimmed"
    sounds = [f for f in found.files if f.parent.parent == within and f.name.endswith(f"_{microphone}.flac")]
    if not sounds:
        raise UserError(
            f"{root}: holds no wav48_silence_trimmed/SPEAKER/*_{microphone}.flac; give the folder of VCTK 0.92, or "
            "another data.microphone"
        )
    pairs = []
    for sound in sounds:
        name, speaker = sound.stem.removesuffix(f"_{microphone}"), sound.parent.name
        pairs.append((name, speaker, "", sound, root / "txt" / speaker / f"{name}.txt"))
    return _with_text_files(root, found, pairs, license)


def libritts(path: str, license: str = "cc-by-4.0") -> list[Clip]:
    """Return the clips of LibriTTS or LibriTTS-R, or of one of its subsets: `84/121123/*.wav`, `*.normalized.txt`.

    A chapter is a session.
    """
    root = _root(path)
    found = found_below(root)
    texts = [file for file in found.files if file.name.endswith(".normalized.txt")]
    if not texts:
        raise UserError(f"{root}: holds no *.normalized.txt; give the folder of LibriTTS or of one of its subsets")
    pairs = []
    for text in texts:
        name = text.name.removesuffix(".normalized.txt")
        speaker, chapter = name.split("_")[0], text.parent.name
        pairs.append((name, speaker, f"{speaker}/{chapter}", text.with_name(f"{name}.wav"), text))
    return _with_text_files(root, found, pairs, license)


def common_voice(path: str, table: str = "validated.tsv", license: str = "cc0-1.0") -> list[Clip]:
    """Return the clips of one table of a Common Voice language folder: columns client_id, path and sentence."""
    root = _root(path)
    file = root / table
    if not file.is_file():
        known = ", ".join(sorted(found.name for found in root.glob("*.tsv"))) or "none"
        raise UserError(f"{file}: no such table; the folder holds {known}: set data.table to one of them")
    header, *lines = [line.split("\t") for line in physical_lines(file)]  # fields are never quoted
    if missing := {"client_id", "path", "sentence"} - set(header):
        raise UserError(f"{file}: has no column {', '.join(sorted(missing))}; it has {', '.join(header)}")
    clips = []
    for number, fields in enumerate(lines, start=2):
        where = f"{file}:{number}"
        if fields == [""]:
            continue
        intake().add("rows", 1)
        if len(fields) != len(header):
            refuse_row(where, f"has {len(fields)} fields, the header {len(header)}", "with another number of fields")
            continue
        row = dict(zip(header, fields, strict=True))
        sentence, sound = row["sentence"].strip(), root / "clips" / row["path"]
        if not sentence or not row["path"]:
            refuse_row(
                where, "the sentence or the path is empty; fill it or remove the row", "without a text or a path"
            )
        elif not leads_inside(sound, root / "clips"):
            refuse_row(where, f"the path {row['path']!r} leads out of {root / 'clips'}")
        else:
            clips.append(Clip(sound.stem, sound, sentence, row["client_id"], where, license=license))
    if not clips:
        raise UserError(f"{file}: holds no rows")
    count_files(root, found_below(root), [clip.audio for clip in clips], [file])
    return clips


def _root(path: str) -> Path:
    root = Path(path)
    if not root.is_dir():
        raise UserError(f"data.path={path}: no such folder")
    return root


def _with_text_files(
    root: Path, found: Found, pairs: list[tuple[str, str, str, Path, Path]], license: str
) -> list[Clip]:
    """Return the clip of each (id, speaker, session, sound, text file); rows without text are refused."""
    clips, used = [], []
    for name, speaker, session, sound, file in pairs:
        intake().add("rows", 1)
        try:
            text = read_text(file).strip() if file.is_file() else ""
        except UserError as error:  # another encoding
            line, _, why = str(error).rpartition(": ")
            refuse_row(line, why, "in another encoding")
            continue
        if text:
            clips.append(
                Clip(name, sound, " ".join(text.split()), speaker, str(file), license=license, session=session)
            )
            used += [sound, file]
        else:
            message = f"holds no transcript of {sound.name}; write it, or remove the recording"
            refuse_row(str(file), message, "without a text")
    count_files(root, found, used)
    return clips
