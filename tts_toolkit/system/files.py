"""Files that are written whole or not at all."""

from __future__ import annotations

import codecs
import hashlib
import os
import re
import secrets
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tts_toolkit.system.errors import UserError

UNSAFE = re.compile(r"[^\w.-]+")  # in the name of a file
MAX_NAME_BYTES = 100  # of a name made from an id: 255, the limit of most file systems, less room for endings
SEAL_BYTES = 16  # of the hash of sealed content
RESERVED = {"CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(10))}  # by Windows


def read_text(file: Path) -> str:
    """Return a text file's content without its byte order mark; UTF-8, or UTF-16 with a mark, as spreadsheets save.

    Raises UserError, naming the line, for another encoding.
    """
    content = file.read_bytes()
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return content.decode("utf-16")
        except UnicodeDecodeError:
            raise UserError(f"{file}:1: starts as UTF-16 and is not; save the file as UTF-8") from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UserError(f"{file}:{line}: is not UTF-8; save the file as UTF-8") from None


def read_lines(file: Path) -> list[str]:
    """Return the lines of a UTF-8 file: only a newline ends one, not the other separators of `splitlines`."""
    return [line.removesuffix("\r") for line in read_text(file).removesuffix("\n").split("\n")]


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file's content, read block by block, as hex."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def file_name(id_: str) -> str:
    """Return an id as a name that every file system accepts; different ids give different names.

    An invalid id (too long, a path, hidden, an option, reserved by Windows) is written as closely as possible, with its
    hash. Without case or Unicode distinctions names may still be one file: see `file_names`.
    """
    safe = _safe(id_)
    fits = len(safe.encode()) < MAX_NAME_BYTES and safe.split(".")[0].upper() not in RESERVED
    return safe if safe == id_ and safe and fits else hashed_name(id_)


def hashed_name(id_: str) -> str:
    """Return an id as a name, with its hash, that every file system accepts and no other id has."""
    short = _safe(id_).encode()[: MAX_NAME_BYTES - 20].decode(errors="ignore")
    digest = hashlib.sha256(id_.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{'_' * (not short or short.split('.')[0].upper() in RESERVED)}{short}-{digest}"


def _safe(id_: str) -> str:
    return UNSAFE.sub("_", id_).lstrip(".-").rstrip(".")


def file_names(ids: Iterable[str]) -> dict[str, str]:
    """Return a file name for each id; ids that differ only in case, "Anna" and "anna", get different ones.

    All that are alike get their hashes, so that the order of the ids does not matter.
    """
    names = {id_: file_name(id_) for id_ in ids}
    alike = Counter(unicodedata.normalize("NFC", name).casefold() for name in names.values())
    return {
        id_: name if alike[unicodedata.normalize("NFC", name).casefold()] == 1 else hashed_name(id_)
        for id_, name in names.items()
    }


def called(id_: str, files: Mapping[str, Path]) -> Path | None:
    """Return the file named by an id, in either Unicode form or as `file_names` writes it; None for none."""
    forms = (unicodedata.normalize(form, id_) for form in ("NFC", "NFD"))
    return next((files[name] for name in (id_, file_name(id_), hashed_name(id_), *forms) if name in files), None)


@contextmanager
def whole_file(path: Path, durable: bool = True) -> Iterator[Path]:
    """Yield a temporary path of a unique name next to `path`; a file written there is moved in one step.

    It is removed when the block raises. `durable` waits for the disk, which recomputable files do not need. Several
    processes, on several machines, may write the same path: the last one stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_name(path)
    try:
        yield temporary
        if durable:
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def temporary_name(path: Path) -> Path:
    """Return a hidden name next to `path`, unique among processes of all machines, as process ids are not."""
    shown = path.name.encode()[:80].decode(errors="ignore")
    return path.with_name(f".{shown}.{secrets.token_hex(8)}.tmp")


def write_whole(path: Path, content: bytes, durable: bool = True) -> None:
    """Write `content` to `path` whole or not at all (see `whole_file`)."""
    with whole_file(path, durable) as temporary:
        temporary.write_bytes(content)


def sealed(path: Path, content: bytes) -> bytes:
    """Return the recomputable content of `path`, with a hash of it and of the name at its end."""
    return content + _seal(path, content)


def kept(path: Path) -> bytes | None:
    """Return the content that was `sealed` for this path; None where it is missing or damaged."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    content, seal = content[:-SEAL_BYTES], content[-SEAL_BYTES:]
    return content if seal == _seal(path, content) else None


def _seal(path: Path, content: bytes) -> bytes:
    digest = hashlib.blake2b(content, digest_size=SEAL_BYTES)
    digest.update(path.name.encode())
    return digest.digest()


def kept_file(path: Path, make: Callable[[Path], object]) -> Path:
    """Return `path` once it holds the output of `make`, called with a temporary path; an existing file is checked.

    Its hash is in a file of its name and `.blake2b`, as readers of the content may not accept anything else in it.
    """
    seal = path.with_name(f"{path.name}.blake2b")
    if not path.is_file() or kept(seal) != _content_hash(path):
        with whole_file(path, durable=False) as temporary:
            make(temporary)
            content = _content_hash(temporary)
        write_whole(seal, sealed(seal, content), durable=False)
    return path


def _content_hash(path: Path) -> bytes:
    with path.open("rb") as content:
        return hashlib.file_digest(content, lambda: hashlib.blake2b(digest_size=SEAL_BYTES)).hexdigest().encode()
