"""Clips of Parquet and Arrow tables and of hub datasets; their sound is read in place."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypedDict, Unpack

from tts_toolkit.audio.table_cells import TABLE_SUFFIXES, Cell, digest_of, sound_bytes
from tts_toolkit.data.audio_folders import folder_clips
from tts_toolkit.data.clips import Clip
from tts_toolkit.data.hub_files import HubFiles, hub_files, sliced
from tts_toolkit.data.intake import intake
from tts_toolkit.data.manifests import (
    AUDIO_COLUMNS,
    SPLIT_NAMES,
    USUAL,
    Defaults,
    Names,
    Place,
    add_clips,
    choose_columns,
    folded,
    leads_inside,
    placed_in,
)
from tts_toolkit.data.rows import Row, refuse_row
from tts_toolkit.data.rows import cell as cell_text
from tts_toolkit.data.table_rows import Part, n_rows, read_rows, schema_of
from tts_toolkit.system.errors import UserError
from tts_toolkit.system.folders import found_below
from tts_toolkit.system.progress import progress

log = logging.getLogger(__name__)
RATE_COLUMNS = ("sampling_rate", "sample_rate", "sampling_rate_hz", "sample_rate_hz", "sr", "rate")
WANTED = "bytes of a sound file, the path of one, or numbers with a sampling_rate"


def parquet(
    path: str,
    cache_dir: str | None = None,
    audio_column_name: str | None = None,
    text_column_name: str | None = None,
    speaker_id_column_name: str | None = None,
    sample_rate_hz: int | None = None,
) -> list[Clip]:
    """Return the clips of a Parquet (or Arrow) file, or of all in a folder.

    The audio column holds `{"bytes", "path"}`, bytes, paths, or numbers with their rate, in a column `sampling_rate` or
    else `sample_rate_hz`. Nothing is copied; `cache_dir` is not used any more.
    """
    root = Path(path)
    files = _table_files(root) if root.is_dir() else [root]
    if not files or not all(file.is_file() for file in files):
        raise UserError(f"data.path={path}: no such Parquet file, nor a folder that holds any")
    names = Names(audio_column_name, text_column_name, speaker_id_column_name)
    inside = root if root.is_dir() else root.parent
    splits = [_split_of(file, inside) for file in files]
    parts: list[Part] = [Part(file, split) for file, split in zip(files, splits, strict=True)]
    if not (all(splits) and len(set(splits)) > 1):  # one table named train is split by hash
        parts = [replace(part, split="") for part in parts]
    return table_clips(str(root), parts, names, inside, sample_rate_hz)


class ColumnNames(TypedDict, total=False):
    """Names of a table's columns; None or absent selects the first usual one that exists."""

    audio_column_name: str | None
    text_column_name: str | None
    speaker_id_column_name: str | None


def _names(
    audio_column_name: str | None = None,
    text_column_name: str | None = None,
    speaker_id_column_name: str | None = None,
) -> Names:
    return Names(audio_column_name, text_column_name, speaker_id_column_name)


def hub(
    dataset_name: str,
    cache_dir: str | None = None,
    dataset_config_name: str | None = None,
    split: str | None = "train",
    revision: str | None = None,
    sample_rate_hz: int | None = None,
    **columns: Unpack[ColumnNames],
) -> list[Clip]:
    """Return the clips of a dataset of the hub, or of a local folder in the layout of one.

    Parquet and AudioFolder datasets are read as they were downloaded, others in the hub's own conversion to Parquet;
    nothing is decoded or copied, so neither torchcodec nor FFmpeg is needed. A split may be sliced (`train[:100]`) or
    joined (`train+validation`); None takes all, as parts of their names. `cache_dir` is not used any more.
    """
    names = _names(**columns)
    found = hub_files(dataset_name, dataset_config_name, split, revision, "data.")
    where = f"{dataset_name}[{split or 'all'}]"
    if found.kind == "audiofolder":
        return _of_folders(where, found, split, names)
    intake().add("files", sum(map(len, found.files.values())))
    parts = _sliced(found, split)
    return table_clips(where, parts, names, found.root, sample_rate_hz)


def hub_rows(
    dataset_name: str, config: str | None, split: str, revision: str | None, columns: Mapping[str, str]
) -> list[dict[str, str]]:
    """Return the rows of a hub dataset, by role: `audio` is the path of the sound, empty where a row has none.

    Raises UserError for a missing column.
    """
    found = hub_files(dataset_name, config, split, revision)
    where = f"{dataset_name}[{split}]"
    names = Names(columns["audio"], columns.get("text"), columns.get("speaker"), needs_text=False)
    if found.kind == "audiofolder":
        clips = _of_folders(where, found, split, names)
        cells = [{"audio": str(c.audio), "text": c.transcript, "speaker": c.speaker, "id": c.id} for c in clips]
        return [{role: row[role] for role in columns} for row in cells]
    parts = _sliced(found, split)
    there = schema_of(parts[0].file).names if parts else []
    for column in (column for column in columns.values() if column not in there):
        raise UserError(f"dataset {dataset_name!r} has no column {column!r}; it has {', '.join(there)}")
    layout = replace(_layout(where, parts[0].file, names, None), columns=columns, needs_sound=False)
    rows = _rows(where, parts, layout, found.root)
    return [{role: cell_text(row, column) for role, column in columns.items()} for _, (_, row) in rows]


def _sliced(found: HubFiles, split: str | None) -> list[Part]:
    """Return the rows of the files that a split selects."""
    sizes = {name: [n_rows(file) for file in files] for name, files in found.files.items()}
    parts: list[Part] = []
    for name, first, last in sliced(split, {name: sum(of_split) for name, of_split in sizes.items()}):
        part = "" if split else SPLIT_NAMES.get(name, "")
        parts += _parts(found.files[name], sizes[name], first, last, part)
    return parts


def _of_folders(where: str, found: HubFiles, split: str | None, names: Names) -> list[Clip]:
    """Return the clips of an AudioFolder dataset."""
    of_splits = {name: folder_clips(where, found.root, files, names) for name, files in found.files.items()}
    if split is None:
        parts = {name: SPLIT_NAMES.get(name, "") for name in of_splits}
        return [replace(clip, split=clip.split or parts[name]) for name, clips in of_splits.items() for clip in clips]
    wanted = sliced(split, {name: len(clips) for name, clips in of_splits.items()})
    return [clip for name, first, last in wanted for clip in of_splits[name][first:last]]


def _table_files(root: Path) -> list[Path]:
    """Return the Parquet files below a folder, or else Arrow ones, as `save_to_disk` writes them."""
    found = found_below(root)
    by_suffix = {
        suffix: [file for file in found.files if file.suffix.lower() == suffix and not file.name.startswith("cache-")]
        for suffix in TABLE_SUFFIXES
    }
    files = next((files for files in by_suffix.values() if files), [])
    intake().add("files", len(found.files) + sum(map(len, found.passed_over.values())))
    left = [str(file.relative_to(root)) for file in found.files if file not in set(files)]
    if left:
        intake().leave_out("files", "no table", left)
    for reason, passed in found.passed_over.items():
        intake().leave_out("files", reason, [str(file.relative_to(root)) for file in passed])
    return files


def _split_of(file: Path, inside: Path) -> str:
    """Return the split that a file, or its folder, is named after: `test-00000-of-00001.parquet`."""
    for name in (file.name, *reversed(file.relative_to(inside).parts[:-1])):
        if part := SPLIT_NAMES.get(re.split(r"[^a-z]", name.lower())[0], ""):
            return part
    return ""


def _parts(files: Sequence[Path], sizes: Sequence[int], first: int, last: int, split: str) -> Iterator[Part]:
    """Yield rows `first` to `last` of a split, by file."""
    start = 0
    for file, size in zip(files, sizes, strict=True):
        if start < last and first < start + size:
            yield Part(file, split, range(max(first - start, 0), min(last - start, size)))
        start += size


def table_clips(
    where: str, parts: Sequence[Part], names: Names, inside: Path, sample_rate_hz: int | None = None
) -> list[Clip]:
    """Return the clips of tables that are one dataset; files that they name must be `inside`, or in the hub's cache."""
    if not parts:
        raise UserError(f"{where}: holds no rows")
    layout = _layout(where, parts[0].file, names, sample_rate_hz)
    columns = {**layout.columns, "id": layout.columns.get("id", "id")}
    clips: dict[str, Clip] = {}
    total = sum(len(part.rows) if part.rows is not None else n_rows(part.file) for part in parts)
    rows = progress(_rows(where, parts, layout, inside), "rows", "clip", total)
    by_split: dict[str, list[Row]] = {}
    for split, row in rows:
        by_split.setdefault(split, []).append(row)
    for split, of_split in by_split.items():
        add_clips(clips, of_split, columns, Path, Defaults(split=split))
    return list(clips.values())


@dataclass(frozen=True)
class Layout:
    """The columns of a table by role, and the rate of its numbers."""

    columns: Mapping[str, str]  # by role
    sample_rate_hz: int | str | None = None  # of lists of numbers, or the column that holds it
    needs_sound: bool = True


def _layout(where: str, file: Path, names: Names, sample_rate_hz: int | None) -> Layout:
    schema = schema_of(file)
    kinds = {name: _kind(schema.field(name).type) for name in schema.names}
    ranks = {None: 2, "path": 1}  # a column of sound precedes one of paths
    usual = {**USUAL, "audio": sorted(AUDIO_COLUMNS, key=lambda name: ranks.get(kinds.get(name), 0))}
    columns = choose_columns(Path(where), schema.names, names, usual)
    audio = columns["audio"]
    if kinds[audio] is None:
        raise UserError(f"{where}: the audio column {audio!r} holds {schema.field(audio).type}; wanted are {WANTED}")
    if kinds[audio] != "numbers":
        return Layout(columns)
    rate = sample_rate_hz or next((name for name in schema.names if folded(name) in RATE_COLUMNS), None)
    if rate is None:
        raise UserError(
            f"{where}: the audio column {audio!r} holds numbers, and no column says their sample rate: set "
            "data.sample_rate_hz, or add a column sampling_rate"
        )
    return Layout(columns, rate)


def _kind(type_: Any) -> str | None:
    """Return the form of sound in a column of an Arrow type: `sound`, `numbers` or `path`; None for any other type."""
    from pyarrow import types

    if types.is_struct(type_):
        fields = {type_.field(at).name for at in range(type_.num_fields)}
        return "sound" if fields & {"bytes", "path", "array"} else None
    if types.is_binary(type_) or types.is_large_binary(type_):
        return "sound"
    if types.is_string(type_) or types.is_large_string(type_):
        return "path"
    while types.is_list(type_) or types.is_large_list(type_) or types.is_fixed_size_list(type_):
        type_ = type_.value_type
        if types.is_integer(type_) or types.is_floating(type_):
            return "numbers"
    return None


def _rows(where: str, parts: Sequence[Part], layout: Layout, inside: Path) -> Iterator[tuple[str, Row]]:
    """Yield the rows by part, the path of its sound in each; rows without any are refused."""
    column, number = layout.columns["audio"], 0
    wanted = [*layout.columns.values(), *([layout.sample_rate_hz] if isinstance(layout.sample_rate_hz, str) else [])]
    for part in parts:
        place = placed_in(part.file.parent, allow_outside=True)
        for at, row in read_rows(part, list(dict.fromkeys(wanted))):
            number += 1
            intake().add("rows", 1)
            id_ = layout.columns.get("id", "id")
            if not cell_text(row, id_):
                row[id_] = f"{part.split}{'/' if part.split else ''}row{number - 1:08d}"
            try:
                row[column] = str(_sound(row, part.file, at, layout, place, inside))
            except ValueError as error:
                if not layout.needs_sound:
                    row[column] = ""
                    yield part.split, (f"{where}:{number}", row)
                    continue
                refuse_row(f"{where}:{number}", f"the audio column {column!r}{error}", "without a sound")
                continue
            yield part.split, (f"{where}:{number}", row)


def _sound(row: Mapping[str, Any], file: Path, at: int, layout: Layout, place: Place, inside: Path) -> Path:
    """Return the path of a row's sound, in the table or a file of its own; raises ValueError where there is none."""
    column = layout.columns["audio"]
    value = row[column]
    if isinstance(value, dict) and not value.get("bytes") and value.get("array") is None:
        value = value.get("path")
    if value is None or (isinstance(value, (str, bytes, list)) and not len(value)):
        raise ValueError(" is empty")
    if isinstance(value, str):
        found = place(value)
        if not any(leads_inside(found, folder) for folder in (inside, *_cache())):
            raise ValueError(f": the path {value!r} leads out of {inside}: datasets name files of their own only")
        return found.absolute()
    source = layout.sample_rate_hz
    rate = row[source] if isinstance(source, str) else source
    cell = Cell(file.absolute(), column, at, "", int(rate) if rate else None)
    try:
        return replace(cell, digest=digest_of(sound_bytes(value, cell))).path
    except ValueError as error:
        raise ValueError(f" {error}") from None


def _cache() -> list[Path]:
    """Return the folders that may hold files of hub datasets."""
    from huggingface_hub.constants import HF_HOME

    return [Path(HF_HOME)]
