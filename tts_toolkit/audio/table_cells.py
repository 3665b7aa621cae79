"""Sound read in place: from a file, or from a cell of a Parquet or Arrow table that a path names.

The path of a cell is `TABLE::COLUMN::ROW::DIGEST`, with `::HZ` where the cell holds bare numbers: it can be in a
manifest and be read by another process. The digest is that of the sound, so that a replaced table is detected rather
than read at the wrong row.
"""

from __future__ import annotations

import hashlib
import io
import re
import tempfile
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote, unquote

import numpy as np

from tts_toolkit.system.errors import UserError, first_line
from tts_toolkit.system.files import file_hash

TABLE_SUFFIXES = (".parquet", ".arrow")
CELL = re.compile(
    r"(?P<table>.+\.(?:parquet|arrow))::(?P<column>[^:/]+)::(?P<row>\d+)::(?P<digest>[0-9a-f]{32})(?:::(?P<hz>\d+))?",
    re.DOTALL | re.IGNORECASE,
)
ROWS_AT_ONCE = 8  # of a Parquet file, read and held together
BUFFER_BYTES = 1 << 20  # else pyarrow reads a whole row group, which may be the file
ROWS_KEPT = 64  # for threads that read slightly out of order


@dataclass(frozen=True)
class Cell:
    """A cell of a table that holds sound."""

    table: Path
    column: str
    row: int  # of the file, from 0
    digest: str  # of its `sound_bytes`
    sample_rate_hz: int | None = None  # where the cell does not hold it

    @property
    def path(self) -> Path:
        """The path that names the cell."""
        rate = f"::{self.sample_rate_hz}" if self.sample_rate_hz else ""
        return Path(f"{self.table}::{quote(self.column, safe='')}::{self.row}::{self.digest}{rate}")

    def read(self) -> bytes:
        """Return the sound as the content of a file; raises UserError when the table has changed."""
        try:
            content = sound_bytes(_column(self.table, self.column, *_stamp(self.table)).value(self.row), self)
        except (OSError, ValueError, KeyError, IndexError) as error:  # pyarrow's own errors are these as well
            raise UserError(f"{self.table}: row {self.row} cannot be read ({first_line(error)})") from None
        if digest_of(content) != self.digest:
            raise UserError(
                f"{self.table}: row {self.row} holds other sound than when it was listed; read the data again"
            )
        return content


def cell_of(path: str | Path) -> Cell | None:
    """Return the cell that a path names; None for a path of a file."""
    match = CELL.fullmatch(str(path))
    if match is None:
        return None
    hz = int(match["hz"]) if match["hz"] else None
    return Cell(Path(match["table"]), unquote(match["column"]), int(match["row"]), match["digest"].lower(), hz)


def is_there(path: Path) -> bool:
    """Whether the sound file of a path, or the table of its cell, exists."""
    cell = cell_of(path)
    return path.is_file() if cell is None else cell.table.is_file()


def opened(path: Path) -> IO[bytes]:
    """Return the sound's file, or a cell's content as a file; raises UserError when the cell has changed."""
    cell = cell_of(path)
    return path.open("rb") if cell is None else io.BytesIO(cell.read())


@contextmanager
def as_file(path: Path) -> Iterator[Path]:
    """Yield the path of a file with the sound: its own, or a temporary one."""
    cell = cell_of(path)
    if cell is None:
        yield path
        return
    content = cell.read()
    with tempfile.TemporaryDirectory(prefix="tts-toolkit-") as folder:
        file = Path(folder) / "sound"
        file.write_bytes(content)
        yield file


def sound_hash(path: Path) -> str:
    """Return the identity of a path's sound: a file's SHA-256, or the digest in the path of a cell."""
    cell = cell_of(path)
    return file_hash(path) if cell is None else cell.digest


def digest_of(content: bytes) -> str:
    """Return the digest of sound for the path of its cell (BLAKE2b, 128 bits)."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def sound_bytes(value: Any, cell: Cell | None = None) -> bytes:
    """Return a cell's value as the content of a sound file: bytes unchanged, numbers as 32-bit WAV.

    A value is bytes, `{"bytes": ...}`, a list of numbers or `{"array": [...], "sampling_rate": ...}`. Whole numbers are
    16-bit, or 32-bit where one is larger. Raises ValueError for anything else.
    """
    hz = cell.sample_rate_hz if cell else None
    if isinstance(value, dict):
        if value.get("bytes"):
            return bytes(value["bytes"])
        value, hz = value.get("array"), value.get("sampling_rate") or hz
    if isinstance(value, bytes):
        return value
    if value is None or hz is None:
        raise ValueError("holds no sound" if value is None else "holds numbers without a sample rate")
    samples = np.asarray(value)
    if samples.dtype.kind not in "fiu" or samples.ndim not in (1, 2) or not samples.size:
        raise ValueError("holds no list of numbers")
    if samples.ndim == 2 and samples.shape[0] < samples.shape[1]:  # channels first
        samples = samples.T
    if samples.dtype.kind != "f":
        samples = samples / (2.0**15 if np.abs(samples.astype(np.int64)).max() <= 2**15 else 2.0**31)
    from scipy.io import wavfile

    buffer = io.BytesIO()  # libsndfile would add a PEAK chunk with the time of writing, and the digest would change
    wavfile.write(buffer, int(hz), samples.astype(np.float32))
    return buffer.getvalue()


def _stamp(table: Path) -> tuple[int, int]:
    stat = table.stat()
    return stat.st_mtime_ns, stat.st_size


@lru_cache(maxsize=16)
def _column(table: Path, column: str, _modified: int, _size: int) -> _Column:
    """Return the reader of a column, kept open; a changed table gets a new one."""
    return (_ArrowColumn if table.suffix.lower() == ".arrow" else _ParquetColumn)(table, column)


class _Column:
    """Values of a column, by row."""

    def __init__(self, table: Path, column: str) -> None:
        self.table, self.column = table, column
        self.lock = threading.Lock()

    def value(self, row: int) -> Any:
        raise NotImplementedError


class _ArrowColumn(_Column):
    """A column of a mapped Arrow file: any row at once."""

    def __init__(self, table: Path, column: str) -> None:
        super().__init__(table, column)
        self.values = arrow_table(table).column(column)

    def value(self, row: int) -> Any:
        return self.values[row].as_py()


class _ParquetColumn(_Column):
    """A column of a Parquet file, read forward: rows come in order, apart from threads and parts of a set."""

    def __init__(self, table: Path, column: str) -> None:
        from pyarrow.parquet import ParquetFile

        super().__init__(table, column)
        self.file = ParquetFile(table, pre_buffer=False, buffer_size=BUFFER_BYTES)
        sizes = [self.file.metadata.row_group(group).num_rows for group in range(self.file.metadata.num_row_groups)]
        self.starts = [0, *np.cumsum(sizes).tolist()]
        self.group, self.next = -1, 0  # of the stream, and its next row
        self.stream: Iterator[Any] = iter(())
        self.kept: OrderedDict[int, Any] = OrderedDict()

    def value(self, row: int) -> Any:
        if not 0 <= row < self.starts[-1]:
            raise IndexError(f"the table has {self.starts[-1]} rows")
        with self.lock:
            if row not in self.kept:
                self._read_to(row)
            return self.kept[row].as_py()

    def _read_to(self, row: int) -> None:
        group = bisect_right(self.starts, row) - 1
        if group != self.group or row < self.next:
            self.group, self.next = group, self.starts[group]
            self.stream = self.file.iter_batches(ROWS_AT_ONCE, row_groups=[group], columns=[self.column])
        while self.next <= row:
            for value in next(self.stream).column(0):
                self.kept[self.next] = value
                self.next += 1
            while len(self.kept) > ROWS_KEPT:
                self.kept.popitem(last=False)


def arrow_table(file: Path) -> Any:
    """Return an Arrow file, of either of its two formats, as a table mapped from disk."""
    import pyarrow

    source = pyarrow.memory_map(str(file))
    try:
        return pyarrow.ipc.open_file(source).read_all()
    except pyarrow.ArrowInvalid:
        return pyarrow.ipc.open_stream(pyarrow.memory_map(str(file))).read_all()
