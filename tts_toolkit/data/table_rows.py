"""Rows of Parquet and Arrow files, a few in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tts_toolkit.audio.table_cells import BUFFER_BYTES, arrow_table
from tts_toolkit.data.intake import intake
from tts_toolkit.data.rows import Row
from tts_toolkit.system.errors import UserError, first_line

ROWS_AT_ONCE = 16


@dataclass(frozen=True)
class Part:
    """Some rows of a table's file."""

    file: Path
    split: str = ""  # that its rows belong to
    rows: range | None = None  # None: all


def schema_of(file: Path) -> Any:
    """Return the Arrow schema of a Parquet or Arrow file; raises UserError for any other file."""
    from pyarrow.parquet import read_schema

    try:
        return arrow_table(file).schema if file.suffix.lower() == ".arrow" else read_schema(file)
    except (OSError, ValueError) as error:  # pyarrow's own errors are these as well
        raise UserError(f"{file}: cannot be read as Parquet: {first_line(error)}") from None


def n_rows(file: Path) -> int:
    """Return the number of rows of a table; raises UserError for any other file."""
    from pyarrow.parquet import read_metadata

    schema_of(file)
    return int(arrow_table(file).num_rows if file.suffix.lower() == ".arrow" else read_metadata(file).num_rows)


def read_rows(part: Part, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield rows of a file with their numbers in it, a few in memory at once."""
    missing = sorted(set(columns) - set(schema_of(part.file).names) - {"id"})
    if missing:
        raise UserError(f"{part.file}: has no column {', '.join(missing)}, unlike the other tables")
    rows = part.rows if part.rows is not None else range(n_rows(part.file))
    at = 0
    try:
        for batch in _batches(part.file, [name for name in columns if name in schema_of(part.file).names]):
            if at + len(batch) > rows.start and at < rows.stop:
                for offset, row in enumerate(batch.to_pylist()):
                    if at + offset in rows:
                        yield at + offset, row
            at += len(batch)
    except (OSError, ValueError) as error:
        raise UserError(f"{part.file}: cannot be read as Parquet: {first_line(error)}") from None


def _batches(file: Path, columns: Sequence[str]) -> Iterator[Any]:
    if file.suffix.lower() == ".arrow":
        return iter(arrow_table(file).select(columns).to_batches(max_chunksize=ROWS_AT_ONCE))
    from pyarrow.parquet import ParquetFile

    return iter(
        ParquetFile(file, pre_buffer=False, buffer_size=BUFFER_BYTES).iter_batches(ROWS_AT_ONCE, columns=list(columns))
    )


def plain_rows(file: Path) -> Iterator[Row]:
    """Yield the rows of a Parquet list, such as the `metadata.parquet` of an AudioFolder."""
    for at, row in read_rows(Part(file), schema_of(file).names):
        intake().add("rows", 1)
        yield f"{file}:{at + 1}", row
