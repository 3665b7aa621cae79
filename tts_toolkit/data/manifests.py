"""Rows of hand-written and spreadsheet manifests (CSV, JSON lines), and the clips they describe."""

# ruff: noqa: PTH118 -- a Path per row dominates the reading time of a million rows
from __future__ import annotations

import csv
import io
import logging
import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tts_toolkit.audio.table_cells import cell_of
from tts_toolkit.data.clips import Clip
from tts_toolkit.data.intake import intake
from tts_toolkit.data.rows import Row, cell, parsed_json, refuse_row
from tts_toolkit.data.table_rows import plain_rows
from tts_toolkit.system.errors import UserError
from tts_toolkit.system.files import read_text
from tts_toolkit.system.folders import Finder, is_file, is_sound

log = logging.getLogger(__name__)
TEXT_COLUMNS = (
    "text", "transcription", "transcript", "normalized_text", "sentence", "text_normalized", "transcript_normalized",
    "transcription_normalized", "transcription_normalized", "raw_text", "text_original", "original_text", "caption",
)  # fmt: skip
AUDIO_COLUMNS = (
    "file_name", "audio", "audio_path", "path", "file", "filename", "audio_file", "audio_filepath", "wav", "wav_path",
    "filepath",
)  # fmt: skip
SPEAKER_COLUMNS = (
    "speaker", "speaker_id", "client_id", "speaker_name", "speakerid", "spk_id", "spk", "speaker_idx", "reader",
    "reader_id", "voice", "narrator", "narrator_id",
)  # fmt: skip
USUAL = {"audio": AUDIO_COLUMNS, "text": TEXT_COLUMNS, "speaker": SPEAKER_COLUMNS}
NOUNS = {"audio": "sound", "text": "a text", "speaker": "a speaker"}
MORE_COLUMNS = ("id", "split", "license", "licence", "consent", "session")
SPLITS = ("train", "dev", "test")
SPLIT_NAMES = {
    "": "", "training": "train", "validation": "dev", "valid": "dev", "val": "dev", "eval": "dev",
    "evaluation": "dev", "development": "dev", "testing": "test",
} | {split: split for split in SPLITS}  # fmt: skip
ONE_SPEAKER = "speaker"  # the name where a source gives none
DELIMITERS = ",\t;|"
UNQUOTED = "\t|"  # delimiters that texts do not hold, so such tables are often written without quotes
MAX_LINES = 50  # of a quoted field


def csv_rows(file: Path) -> tuple[list[str], Iterator[Row]]:
    """Return the columns and the rows of a CSV file as any spreadsheet writes it.

    Fields are separated by commas, semicolons, tabs or bars, detected from the header. A quote that is never closed, or
    that encloses lines which are rows themselves, refuses only the line where it opens.
    """
    lines = physical_lines(file)
    first = next((at for at, line in enumerate(lines) if line.strip()), len(lines))
    if first < len(lines) and re.fullmatch(r"sep=.", lines[first].strip()):  # a spreadsheet's own separator line
        first += 1
    if first >= len(lines):
        return [], iter(())
    delimiter = max(DELIMITERS, key=lambda mark: len(_usual(_header(lines[first], mark))))
    columns = _header(lines[first], delimiter)
    return columns, _csv_rows(file, lines, first + 1, columns, delimiter)


def _header(line: str, delimiter: str) -> list[str]:
    try:
        fields = _fields(line, delimiter)
    except ValueError:  # quotes broken by another delimiter
        fields = None
    return [name.strip() for name in fields or line.split(delimiter)]


def _usual(names: Iterable[str]) -> set[str]:
    known = {name for usual in USUAL.values() for name in usual} | set(MORE_COLUMNS)
    return {folded(name) for name in names} & known


def _csv_rows(file: Path, lines: Sequence[str], at: int, columns: Sequence[str], delimiter: str) -> Iterator[Row]:
    while at < len(lines):
        if not lines[at].strip():
            at += 1
            continue
        where = f"{file}:{at + 1}"
        intake().add("rows", 1)
        try:
            fields, n_lines = _record(lines, at, columns, delimiter)
        except ValueError as error:
            refuse_row(where, str(error), "whose quotes do not end")
            at += 1
            continue
        at += n_lines
        while len(fields) > len(columns) and not fields[-1]:
            fields.pop()
        if len(fields) != len(columns):
            refuse_row(
                where,
                f"has another number of fields than the header ({len(fields)}, not {len(columns)}: "
                f"{', '.join(columns)}); put double quotes around a text that holds commas",
                "with another number of fields than the header",
            )
        else:
            yield where, dict(zip(columns, fields, strict=True))


def _record(lines: Sequence[str], at: int, columns: Sequence[str], delimiter: str) -> tuple[list[str], int]:
    """Return the fields of the record that starts at a line, and its number of lines.

    Raises ValueError for misplaced quotes.
    """
    try:
        for n_lines in range(1, min(MAX_LINES, len(lines) - at) + 1):
            fields = _fields("\n".join(lines[at : at + n_lines]), delimiter)
            if fields is not None:
                _check_swallows_none(lines[at + 1 : at + n_lines], columns, delimiter)
                return fields, n_lines
        raise ValueError("a double quote opens a field and is never closed; close it, or write a quote twice")
    except ValueError:
        literal = lines[at].split(delimiter)
        if delimiter in UNQUOTED and len(literal) == len(columns):
            return literal, 1
        raise


def _fields(record: str, delimiter: str) -> list[str] | None:
    """Return the fields of a record, None while a quote is open; raises ValueError for a quote in the wrong place."""
    try:
        return next(csv.reader(io.StringIO(record, newline=""), delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        if "unexpected end of data" in str(error):
            return None
        if "expected after" in str(error):
            raise ValueError("a quoted field goes on after its quote; write a quote within a text twice") from None
        raise ValueError(f"cannot be read as CSV ({error})") from None


def _check_swallows_none(swallowed: Sequence[str], columns: Sequence[str], delimiter: str) -> None:
    """Raise ValueError when a line within a quoted field is itself a row: as many fields, one of them a sound file."""
    for line in swallowed:
        fields = line.split(delimiter)
        if len(fields) >= len(columns) > 1 and any(is_sound(Path(field.strip(' "'))) for field in fields[:-1]):
            raise ValueError(
                "a double quote opens a field and is closed in another row only; close it, or write a quote twice"
            )


def physical_lines(file: Path) -> list[str]:
    """Return the lines of a text file; only a newline ends one, or a carriage return where there is no newline."""
    text = read_text(file)
    if "\n" not in text:
        text = text.replace("\r", "\n")
    return [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")]


def jsonl_rows(file: Path) -> Iterator[Row]:
    """Yield the objects of a file of JSON lines, or of one list of them."""
    if (listed := _json_list(file)) is not None:
        for number, row in enumerate(listed, start=1):
            intake().add("rows", 1)
            yield f"{file}:{number}", row
        return
    for number, line in enumerate(physical_lines(file), start=1):
        if not line.strip():
            continue
        where = f"{file}:{number}"
        intake().add("rows", 1)
        try:
            row = parsed_json(line)
        except ValueError as error:
            refuse_row(where, f"is not JSON ({error})", "that are not JSON")
            continue
        if isinstance(row, dict):
            yield where, row
        else:
            refuse_row(where, "is not a JSON object; write one {...} a line", "that are not JSON")


def _json_list(file: Path) -> list[dict[str, Any]] | None:
    """Return the objects of a file that is one JSON list of them, as pandas writes; None for any other file."""
    text = read_text(file).strip()
    if not text.startswith("["):
        return None
    try:
        rows = parsed_json(text)
    except ValueError:
        return None
    return rows if isinstance(rows, list) and rows and all(isinstance(row, dict) for row in rows) else None


def listed_rows(file: Path) -> tuple[list[str], list[Row]]:
    """Return the columns and the accepted rows of a .csv, .tsv, .jsonl or .parquet list.

    Raises UserError for a list without rows.
    """
    suffix = file.suffix.lower()
    if suffix == ".parquet":
        rows = list(plain_rows(file))
        columns = list(rows[0][1]) if rows else []
    elif suffix in (".csv", ".tsv", ".txt"):
        columns, of_csv = csv_rows(file)
        rows = list(of_csv)
    else:
        rows = list(jsonl_rows(file))
        columns = list(dict.fromkeys(name for _, row in rows for name in row))
    header = int(suffix != ".jsonl")
    if not rows and (suffix == ".parquet" or sum(bool(line.strip()) for line in physical_lines(file)) <= header):
        raise UserError(f"{file}: holds no rows")
    return columns, rows


def folded(name: str) -> str:
    """Return a column's name in its form for comparison: `File Name` is `file_name`."""
    return re.sub(r"[\s-]+", "_", name.strip().casefold())


@dataclass(frozen=True)
class Names:
    """Column names that a user gives; None selects the first usual one that exists."""

    audio: str | None = None
    text: str | None = None
    speaker: str | None = None
    needs_text: bool = True


def choose_columns(
    file: Path, there: Sequence[str], names: Names, usual: Mapping[str, Sequence[str]] = USUAL
) -> dict[str, str]:
    """Return the column of each role; raises UserError for one that is missing or double."""
    chosen = {}
    for role, wanted in usual.items():
        given = getattr(names, role)
        found = _matching(file, there, [given] if given else wanted)
        if found:
            chosen[role] = found
        elif given or role == "audio" or (role == "text" and names.needs_text):
            setting = "speaker_id_column_name" if role == "speaker" else f"{role}_column_name"
            raise UserError(
                f"{file}: has no column {given or ' or '.join(wanted)} for the {role}; its columns are "
                f"{', '.join(sorted(there))}: {_advice(there)}set data.{setting} to one of them"
            )
    chosen |= {role: found for role in MORE_COLUMNS if (found := _matching(file, there, [role]))}
    if "speaker" not in chosen:
        log.info(
            "%s: no column names the speaker (%s), so every row is of one voice; data.speaker_id_column_name names one",
            file,
            ", ".join(there),
        )
    return chosen


def _advice(there: Sequence[str]) -> str:
    if any("|" in name for name in there):
        return "an LJSpeech list is read by data=ljspeech, or "
    if any(is_sound(Path(name)) for name in there):
        return "write the header file_name,text as the first line, or "
    return ""


def _matching(file: Path, there: Sequence[str], wanted: Sequence[str]) -> str:
    """Return the first wanted column that exists, as it is spelled there; raises UserError for a doubled one."""
    spellings: dict[str, list[str]] = {}
    for name in there:
        spellings.setdefault(folded(name), []).append(name)
    for name in wanted:
        same = spellings.get(folded(name), [])
        if exact := [other for other in same if other == name]:
            same = exact
        if len(same) > 1:
            raise UserError(f"{file}: has {len(same)} columns {same[0]!r}; rename or remove all but one")
        if same:
            return same[0]
    return ""


Place = Callable[[str], Path]  # the file that a name means; raises ValueError where it may not be read


def placed_in(root: Path, allow_outside: bool = False, subfolders: Sequence[str] = ("",)) -> Place:
    """Return a finder of files by name in a folder's `subfolders`; paths outside only if `allow_outside`."""
    finder, top = Finder(root, subfolders), os.path.normpath(root.absolute())

    def place(name: str) -> Path:
        inside = "\0" not in name and (allow_outside or _is_below(os.path.join(top, name), top))
        if inside and cell_of(name):
            return root / name
        direct = [os.path.join(root, folder, name) for folder in subfolders] if inside else []
        found = next((Path(path) for path in direct if is_file(path)), None) or finder.find(name)
        if found is None and not inside:
            raise ValueError(
                f"the path {name!r} leads out of {root}; move the sound there, or set data.allow_outside=true",
                "whose sound lies outside the folder",
            )
        return found or Path(direct[0])

    return place


def leads_inside(path: Path, folder: Path) -> bool:
    """Whether a path, its `..` resolved by name, is below `folder`; links in the folder may lead anywhere."""
    return _is_below(str(path.absolute()), os.path.normpath(folder.absolute()))


def _is_below(path: str, top: str) -> bool:
    return os.path.normpath(path) == top or os.path.normpath(path).startswith(top.rstrip(os.sep) + os.sep)


@dataclass(frozen=True)
class Defaults:
    """Values of clips whose rows do not name their own."""

    speaker: str = ONE_SPEAKER
    split: str = ""
    id_prefix: str = ""  # of ids made from the names of files
    needs_text: bool = True


def add_clips(
    clips: dict[str, Clip], rows: Iterable[Row], columns: Mapping[str, str], place: Place, defaults: Defaults
) -> None:
    """Add the clips of rows to `clips`, by id; unusable rows are refused."""
    for where, row in rows:
        try:
            clip = _clip(where, row, columns, place, defaults)
        except ValueError as error:
            refuse_row(where, *error.args)
            continue
        if clip.id in clips:
            message = f"the id {clip.id!r} is already used at {clips[clip.id].source}; ids must differ"
            refuse_row(where, message, "whose id is taken")
        else:
            clips[clip.id] = clip


def _clip(where: str, row: dict[str, Any], columns: Mapping[str, str], place: Place, defaults: Defaults) -> Clip:
    """Return the clip of a row; raises ValueError(message, reason to count it under)."""
    cells = dict.fromkeys((*USUAL, *MORE_COLUMNS), "") | {role: cell(row, column) for role, column in columns.items()}
    for role in (role for role in USUAL if role in columns and not cells[role]):
        if role != "text" or defaults.needs_text:
            raise ValueError(
                f"the {role} column {columns[role]!r} is empty; fill it or remove the row", f"without {NOUNS[role]}"
            )
    name = cells["audio"]
    return Clip(
        id=_nfc(cells["id"] or defaults.id_prefix + Path(name.replace("\\", "/")).with_suffix("").as_posix()),
        audio=place(name),
        transcript=cells["text"],
        speaker=_nfc(cells["speaker"] or defaults.speaker),
        source=where,
        split=split_named(cells["split"]) or defaults.split,
        license=cells["license"] or cells["licence"],
        consent=cells["consent"],
        session=cells["session"],
    )


def split_named(name: str) -> str:
    """Return the split that a name means: `validation` is dev, `train-clean-100` is train.

    Raises ValueError for other names.
    """
    lowered = name.lower()
    first = re.split(r"[^a-z]", lowered)[0] if lowered else ""
    if lowered not in SPLIT_NAMES and first not in SPLIT_NAMES.keys() - {""}:
        raise ValueError(
            f"the split {name!r} is none of {', '.join(SPLITS)} (validation counts as dev)", "of an unknown split"
        )
    return SPLIT_NAMES.get(lowered) or SPLIT_NAMES[first]


def _nfc(name: str) -> str:
    """Return a name in one Unicode form, so that one voice does not count as two."""
    return unicodedata.normalize("NFC", name)
