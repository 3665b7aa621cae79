"""Files that appear whole or not at all."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file's content, read block by block, as hex."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


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
