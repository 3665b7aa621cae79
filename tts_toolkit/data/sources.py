"""Where recordings come from: each function returns clips, or raises UserError naming file and line."""

from __future__ import annotations

import csv
import hashlib
import io
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tts_toolkit.assets import asset_path
from tts_toolkit.audio import SOUND_SUFFIXES
from tts_toolkit.data.clips import Clip
from tts_toolkit.data.rows import parsed_json, refuse_row
from tts_toolkit.errors import UserError, first_line
from tts_toolkit.files import read_lines, read_text, write_whole
from tts_toolkit.progress import progress

TEXT_COLUMNS = ("text", "transcription", "transcript", "normalized_text", "sentence")
AUDIO_COLUMNS = ("file_name", "audio", "audio_path", "path", "file")
SPEAKER_COLUMNS = ("speaker", "speaker_id")
SPLITS = ("train", "dev", "test")
SPLIT_NAMES = {"": "", "validation": "dev", "valid": "dev", "eval": "dev"} | {split: split for split in SPLITS}
ONE_SPEAKER = "speaker"  # the name where a source tells none


def folder(
    path: str,
    audio_column_name: str | None = None,
    text_column_name: str | None = None,
    speaker_id_column_name: str | None = None,
    allow_outside: bool = False,
) -> list[Clip]:
    """Return the clips of an AudioFolder: `metadata.csv` or `metadata.jsonl` with `file_name` and a text column.

    A column name of None takes the first usual one that is there (see TEXT_COLUMNS and its sisters). The columns
    `id`, `split`, `licence` (or `license`), `consent` and `session` are heeded when present. A row whose path leads
    out of the folder is refused unless `allow_outside`.
    """
    root = _folder(path)
    for name, read in (("metadata.csv", _csv_rows), ("metadata.jsonl", _jsonl_rows)):
        if (root / name).is_file():
            rows = list(read(root / name))
            columns = _columns(root / name, rows, audio_column_name, text_column_name, speaker_id_column_name)
            return _clips(root / name, root, rows, columns, allow_outside)
    raise UserError(
        f"{root}: holds neither metadata.csv nor metadata.jsonl; write one with the columns file_name and text, "
        "or choose data=ljspeech or data=jsonl"
    )


def jsonl(
    path: str,
    audio_column_name: str | None = None,
    text_column_name: str | None = None,
    speaker_id_column_name: str | None = None,
    allow_outside: bool = False,
) -> list[Clip]:
    """Return the clips of one JSON-lines file; audio paths are relative to its folder.

    A row whose path leads out of that folder is refused unless `allow_outside`.
    """
    file = Path(path)
    if not file.is_file():
        raise UserError(f"data.path={path}: no such file; give the path of a .jsonl manifest")
    rows = list(_jsonl_rows(file))
    columns = _columns(file, rows, audio_column_name, text_column_name, speaker_id_column_name)
    return _clips(file, file.parent, rows, columns, allow_outside)


def ljspeech(path: str, speaker: str = ONE_SPEAKER) -> list[Clip]:
    """Return the clips of an LJSpeech folder: `metadata.csv` of `id|text|normalized text`, sound in `wavs/`."""
    root = _folder(path)
    file = root / "metadata.csv"
    if not file.is_file():
        raise UserError(f"{root}: holds no metadata.csv of lines id|text|normalized text")
    rows = []
    for number, line in enumerate(read_lines(file), start=1):
        if not line.strip():
            continue
        fields = line.split("|")
        if len(fields) not in (2, 3):
            refuse_row(f"{file}:{number}", f"found {len(fields)} fields, expected id|text or id|text|normalized text")
            continue
        rows.append(
            (number, {"id": fields[0], "audio": f"wavs/{fields[0]}.wav", "text": fields[-1], "speaker": speaker})
        )
    return _clips(file, root, rows, {"audio": "audio", "text": "text", "speaker": "speaker"})


def hub(
    dataset_name: str,
    cache_dir: str,
    dataset_config_name: str | None = None,
    split: str = "train",
    revision: str | None = None,
    audio_column_name: str | None = None,
    text_column_name: str | None = None,
    speaker_id_column_name: str | None = None,
) -> list[Clip]:
    """Return the clips of a hub dataset (or a local Parquet folder); its sound is kept as files under `cache_dir`.

    The audio column is never decoded by `datasets`, so neither torchcodec nor FFmpeg is needed.
    """
    from datasets import load_dataset
    from datasets.exceptions import DatasetsError

    try:
        table = load_dataset(dataset_name, dataset_config_name, split=split, revision=revision)
    except (OSError, ValueError, RuntimeError, DatasetsError) as error:
        raise UserError(f"data.dataset_name={dataset_name}: cannot be loaded: {first_line(error)}") from None
    where, inside = Path(f"{dataset_name}[{split}]"), hub_folders(dataset_name)
    return _table_clips(where, table, cache_dir, inside, audio_column_name, text_column_name, speaker_id_column_name)


def parquet(
    path: str,
    cache_dir: str,
    audio_column_name: str | None = None,
    text_column_name: str | None = None,
    speaker_id_column_name: str | None = None,
) -> list[Clip]:
    """Return the clips of a Parquet file, or of all in a folder, whose audio column holds `bytes` and `path`."""
    from datasets import load_dataset

    files = [str(file) for file in sorted(Path(path).rglob("*.parquet"))] if Path(path).is_dir() else [path]
    if not files or not all(Path(file).is_file() for file in files):
        raise UserError(f"data.path={path}: no such Parquet file, nor a folder that holds any")
    try:
        table = load_dataset("parquet", data_files=files, split="train")
    except Exception as error:  # datasets wraps what pyarrow raises in errors of its own
        raise UserError(f"data.path={path}: cannot be read as Parquet: {first_line(error)}") from None
    inside = [Path(path) if Path(path).is_dir() else Path(path).parent]
    return _table_clips(
        Path(path), table, cache_dir, inside, audio_column_name, text_column_name, speaker_id_column_name
    )


def _table_clips(
    where: Path,
    table: Any,
    cache_dir: str,
    inside: Sequence[Path],
    audio_column: str | None,
    text_column: str | None,
    speaker_column: str | None,
) -> list[Clip]:
    """Return the clips of a `datasets` table, its sound kept as files."""
    from datasets import Audio

    columns = _choose_columns(where, set(table.column_names), audio_column, text_column, speaker_column)
    table = table.cast_column(columns["audio"], Audio(decode=False))
    rows = []
    for number, row in enumerate(progress(table, "rows", "clip", len(table)), start=1):
        audio = row[columns["audio"]] or {"bytes": None, "path": None}
        if not audio["bytes"] and not audio["path"]:
            refuse_row(f"{where}:{number}", f"the audio column {columns['audio']!r} is empty")
            continue
        try:
            row[columns["audio"]] = str(stored_audio(audio, Path(cache_dir), inside))
        except UserError as error:
            refuse_row(f"{where}:{number}", str(error))
            continue
        rows.append((number, {**row, "id": _cell(row, "id") or f"row{number - 1:08d}"}))
    return _clips(where, Path("/"), rows, columns, allow_outside=True)


def hub_folders(dataset_name: str) -> list[Path]:
    """Return where the files of a hub dataset may lie: in the caches of the hub, or in its own folder."""
    from datasets.config import HF_CACHE_HOME

    return [Path(HF_CACHE_HOME), Path(dataset_name)]


def stored_audio(audio: dict[str, Any], cache_dir: Path, inside: Sequence[Path]) -> Path:
    """Return the file of a dataset's undecoded audio: its own, or its bytes kept by content below `cache_dir`.

    Raises UserError for a file of its own that lies outside all of the folders `inside`.
    """
    if not audio["bytes"]:
        if not any(leads_inside(Path(audio["path"]), folder) for folder in inside):
            raise UserError(
                f"the audio path {audio['path']!r} leads out of {inside[-1]}: datasets name files of their own only"
            )
        return Path(audio["path"]).absolute()
    suffix = Path(audio["path"] or "clip.wav").suffix
    file = cache_dir / "hub_audio" / f"{hashlib.blake2b(audio['bytes'], digest_size=16).hexdigest()}{suffix}"
    if not file.is_file() or file.read_bytes() != audio["bytes"]:
        write_whole(file, audio["bytes"], durable=False)
    return file


def leads_inside(path: Path, folder: Path) -> bool:
    """Return whether a path, its `..` resolved by name, lies below `folder`; links in the folder may lead anywhere."""
    return Path(os.path.normpath(path.absolute())).is_relative_to(os.path.normpath(folder.absolute()))


def _folder(path: str) -> Path:
    root = asset_path(path)
    if not root.is_dir():
        raise UserError(f"data.path={path}: no such folder")
    return root


def _csv_rows(file: Path) -> Iterable[tuple[int, dict[str, str]]]:
    reader = csv.DictReader(io.StringIO(read_text(file), newline=""))
    for row in _whole_rows(file, reader):
        if None in row or None in row.values():
            refuse_row(
                f"{file}:{reader.line_num}",
                "has another number of fields than the header "
                f"({', '.join(reader.fieldnames or [])}); put double quotes around a text that holds commas",
            )
        else:
            yield reader.line_num, row


def _whole_rows(file: Path, reader: csv.DictReader[str]) -> Iterable[dict[str, Any]]:
    try:
        yield from reader
    except csv.Error as error:
        raise UserError(f"{file}:{reader.line_num}: cannot be read as CSV ({error})") from None


def _jsonl_rows(file: Path) -> Iterable[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(read_lines(file), start=1):
        if not line.strip():
            continue
        try:
            row = parsed_json(line)
        except ValueError as error:
            refuse_row(f"{file}:{number}", f"is not JSON ({error})")
            continue
        if isinstance(row, dict):
            yield number, row
        else:
            refuse_row(f"{file}:{number}", "is not a JSON object; write one {...} a line")


def _columns(
    file: Path, rows: Sequence[tuple[int, dict[str, Any]]], audio: str | None, text: str | None, speaker: str | None
) -> dict[str, str]:
    if not rows:
        raise UserError(f"{file}: holds no rows")
    return _choose_columns(file, {name for _, row in rows for name in row}, audio, text, speaker)


def _choose_columns(
    file: Path, there: set[str], audio: str | None, text: str | None, speaker: str | None
) -> dict[str, str]:
    """Return which column holds what; raises UserError when a named column, or any usual one, is missing."""
    chosen = {}
    for role, given, usual in (
        ("audio", audio, AUDIO_COLUMNS),
        ("text", text, TEXT_COLUMNS),
        ("speaker", speaker, SPEAKER_COLUMNS),
    ):
        found = [name for name in ([given] if given else usual) if name in there]
        if found:
            chosen[role] = found[0]
        elif given or role != "speaker":
            setting = "speaker_id_column_name" if role == "speaker" else f"{role}_column_name"
            raise UserError(
                f"{file}: has no column {given or ' or '.join(usual)} for the {role}; its columns are "
                f"{', '.join(sorted(there))}: set data.{setting} to one of them"
            )
    return chosen


def _clips(
    file: Path,
    root: Path,
    rows: Iterable[tuple[int, dict[str, Any]]],
    columns: dict[str, str],
    allow_outside: bool = False,
) -> list[Clip]:
    clips: dict[str, Clip] = {}
    for number, row in rows:
        where = f"{file}:{number}"
        empty = [(role, column) for role, column in columns.items() if not _cell(row, column)]
        if empty:
            refuse_row(where, f"the {empty[0][0]} column {empty[0][1]!r} is empty; fill it or remove the row")
            continue
        named = _cell(row, "split").lower()
        if named not in SPLIT_NAMES:
            allowed = f"{', '.join(SPLITS)} (validation counts as dev)"
            refuse_row(where, f"the split {row['split']!r} is none of {allowed}")
            continue
        name = str(row[columns["audio"]])
        if "\0" in name or not (allow_outside or leads_inside(root / name, root)):
            refuse_row(
                where, f"the path {name!r} leads out of {root}; move the sound there, or set data.allow_outside=true"
            )
            continue
        clip = Clip(
            id=_cell(row, "id") or Path(name).with_suffix("").as_posix(),
            audio=root / name,
            transcript=_cell(row, columns["text"]),
            speaker=_cell(row, columns["speaker"]) if "speaker" in columns else ONE_SPEAKER,
            source=where,
            split=SPLIT_NAMES[named],
            licence=_cell(row, "licence") or _cell(row, "license"),
            consent=_cell(row, "consent"),
            session=_cell(row, "session"),
        )
        if clip.id in clips:
            refuse_row(where, f"the id {clip.id!r} stands already at {clips[clip.id].source}; ids must differ")
            continue
        clips[clip.id] = clip
    return list(clips.values())


def _cell(row: dict[str, Any], column: str) -> str:
    """Return a value as text: empty where there is none, "0" for a zero."""
    return "" if row.get(column) is None else str(row[column]).strip()


def audio(path: str) -> list[Clip]:
    """Return the clips of a folder for work that needs no transcripts.

    A metadata file or LJSpeech list is heeded where there is one. Otherwise every sound file counts, and the
    sub-folder it lies in names its speaker. Raises UserError when there is no sound, or two files have one id.
    """
    root = _folder(path)
    listed = root / "metadata.csv"
    if listed.is_file() and (root / "wavs").is_dir() and "|" in read_lines(listed)[0]:
        return ljspeech(path)
    if listed.is_file() or (root / "metadata.jsonl").is_file():
        return folder(path)
    files = sorted(p for p in root.rglob("*") if p.suffix.lower() in SOUND_SUFFIXES and p.is_file())
    if not files:
        raise UserError(f"data.path={path}: holds no sound files ({', '.join(SOUND_SUFFIXES)})")
    clips: dict[str, Clip] = {}
    for file in files:
        inside = file.relative_to(root)
        speaker = inside.parts[0] if len(inside.parts) > 1 else ONE_SPEAKER
        clip = Clip(inside.with_suffix("").as_posix(), file, "", speaker, str(file))
        if clip.id in clips:
            raise UserError(f"{file}: {clips[clip.id].audio} has the same name but for its ending; rename one of them")
        clips[clip.id] = clip
    return list(clips.values())
