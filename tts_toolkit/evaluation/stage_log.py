"""Rows on disk that survive a kill: appended as they come, reused while their inputs are unchanged."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tts_toolkit.system.files import file_hash, write_whole

Row = dict[str, Any]
MARKER = "done.json"
ROWS = "rows.jsonl"
SUM = "sum"  # of a row on disk: the hash of everything else in it


def key_of(*parts: object) -> str:
    """Return a short hash of a row's inputs."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:20]


class Stage:
    """The rows of one stage of one system: a folder of `rows.jsonl` with a marker that is written last.

    `keys` are hashes of each row's inputs, by id. A row on disk counts only while its key is the planned one and its
    content is intact; all others are made again, as are failed rows, whose cause may be gone.
    Several processes append to files of their own; `finish` merges them.
    """

    def __init__(self, folder: Path, keys: Mapping[str, str], rank: int = 0) -> None:
        self.folder, self.keys, self.rank = folder, dict(keys), rank
        self.fingerprint = key_of(list(self.keys.items()))

    @property
    def complete(self) -> bool:
        """Whether the marker matches exactly these rows, none of them failed, and the rows on disk."""
        try:
            marker = json.loads((self.folder / MARKER).read_bytes())
            content = file_hash(self.folder / ROWS)
        except (OSError, ValueError):  # absent or damaged: `missing` names the rows to make again
            return False
        return bool(marker == self._marker(len(self.keys), 0, content))

    def _marker(self, n_rows: int, n_failed: int, content: str) -> dict[str, Any]:
        return {"fingerprint": self.fingerprint, "n_rows": n_rows, "n_failed": n_failed, "sha256": content}

    def rows(self) -> dict[str, Row]:
        """Return the rows on disk that still count, in planned order."""
        found: dict[str, Row] = {}
        whole = self.folder / ROWS
        for file in [whole] * whole.is_file() + sorted(self.folder.glob("part-*.jsonl")):  # later rows replace earlier
            content = file.read_text(encoding="utf-8", errors="replace")  # a kill may cut a character in two
            for line in content.split("\n"):  # texts may hold other ends of lines
                row = _parsed(line)
                if row is not None and self.keys.get(row["id"]) == row["key"]:
                    found[row["id"]] = row
        return {id_: found[id_] for id_ in self.keys if id_ in found}

    def missing(self) -> set[str]:
        """Return the ids of rows still to be made."""
        found = self.rows()
        return {id_ for id_ in self.keys if id_ not in found or has_failed(found[id_])}

    def append(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Add rows, each with an `id` of the plan, to this process's file."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / MARKER).unlink(missing_ok=True)
        lines = [_line({**row, "key": self.keys[row["id"]]}) for row in rows]
        with (self.folder / f"part-{self.rank:04d}.jsonl").open("a", encoding="utf-8") as file:
            if file.tell() and not _ends_with_newline(Path(file.name)):
                file.write("\n")  # after half a line left by a killed run
            file.write("".join(line + "\n" for line in lines))
            file.flush()
            os.fsync(file.fileno())

    def finish(self) -> None:
        """Write all rows as one file, then the marker. Raises RuntimeError when a planned row is missing."""
        rows = self.rows()
        if len(rows) != len(self.keys):
            raise RuntimeError(f"{self.folder}: {len(self.keys) - len(rows)} planned rows were never made")
        lines = [_line(row) for row in rows.values()]
        write_whole(self.folder / ROWS, ("\n".join(lines) + "\n").encode())
        for part in self.folder.glob("part-*.jsonl"):
            part.unlink()
        n_failed = sum(has_failed(row) for row in rows.values())
        marker = self._marker(len(rows), n_failed, file_hash(self.folder / ROWS))
        write_whole(self.folder / MARKER, json.dumps(marker).encode())


def read_rows(folder: Path) -> list[Row]:
    """Intact rows of a stage, in file order, whatever their keys; none without a file."""
    file = folder / ROWS
    lines = file.read_text(encoding="utf-8", errors="replace").split("\n") if file.is_file() else []
    return [row for line in lines if (row := _parsed(line))]


def has_failed(row: Mapping[str, Any]) -> bool:
    """Whether a row holds a failure instead of a result."""
    return row.get("status") == "failed" or bool(row.get("error"))


def _line(row: Mapping[str, Any]) -> str:
    """Return a row as written to disk, with its sum at the end."""
    content = json.dumps(row, ensure_ascii=False, allow_nan=False)
    return f'{content[:-1]}, "{SUM}": "{_sum(content)}"}}'


def _parsed(line: str) -> Row | None:
    """Return the row of a line; None for a truncated or damaged one."""
    content, _, sum_ = line.removesuffix('"}').rpartition(f', "{SUM}": "')
    if not content or _sum(content + "}") != sum_:
        return None
    row = json.loads(content + "}")
    return row if isinstance(row, dict) and {"id", "key"} <= set(row) else None


def _sum(content: str) -> str:
    return hashlib.blake2b(content.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _ends_with_newline(file: Path) -> bool:
    with file.open("rb") as content:
        content.seek(-1, os.SEEK_END)
        return content.read(1) == b"\n"


def share(items: Sequence[str], rank: int, n_processes: int) -> list[str]:
    """Return the part of `items` that process `rank` of `n_processes` works on."""
    return list(items[rank::n_processes])
