"""Files that appear whole or not at all."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from tts_toolkit.errors import UserError

UNSAFE = re.compile(r"[^\w.-]+")  # in the name of a file


def read_text(file: Path) -> str:
    """Return a UTF-8 file's text without a byte order mark; raises UserError, naming the line, for another encoding."""
    content = file.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UserError(f"{file}:{line}: is not UTF-8; save the file as UTF-8") from None


def read_lines(file: Path) -> list[str]:
    """Return the lines of a UTF-8 file: only a newline ends one, not the separators that `splitlines` knows besides."""
    return [line.removesuffix("\r") for line in read_text(file).removesuffix("\n").split("\n")]


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file's content, read block by block, as hex."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def file_name(id_: str) -> str:
    """Return an id as a file name; ids that differ give names that differ."""
    safe = UNSAFE.sub("_", id_).lstrip(".")
    if safe == id_ and len(safe) < 100:
        return safe
    return f"{safe[:80]}-{hashlib.sha256(id_.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def write_whole(path: Path, content: bytes, durable: bool = True) -> None:
    """Write `content` to a temporary file beside `path`, then move it there in one step.

    `durable` waits for the disk; what can be computed again need not. Several processes may write the same path.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
