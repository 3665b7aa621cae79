"""Reading the toolkit's own files: a damaged one raises UserError with its name and the remedy, and is never used."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, TypeVar

from yaml import YAMLError

from tts_toolkit.system.errors import UserError, one_line
from tts_toolkit.system.files import read_text

SEAL = "seal"  # of a JSON object: the hash of everything else in it
KINDS: dict[str, Any] = {"str": str, "int": int, "float": (int, float), "bool": bool, "None": type(None)}
# Errors of libraries for a file that is truncated, corrupted, of another kind or of another shape.
DAMAGED = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, EOFError, RuntimeError, SyntaxError,
           UnpicklingError, zipfile.BadZipFile, zlib.error, YAMLError)  # fmt: skip
T = TypeVar("T")


@contextmanager
def reading(file: Path, remedy: str) -> Iterator[None]:
    """Raise UserError, with the file and the remedy, for any error about a file's content."""
    from safetensors import SafetensorError

    try:
        yield
    except FileNotFoundError:
        raise UserError(f"{file}: is not there; {remedy}") from None
    except IsADirectoryError:
        raise UserError(f"{file}: is a folder, where a file is wanted; {remedy}") from None
    except (*DAMAGED, SafetensorError) as error:
        raise UserError(
            f"{file}: is damaged, or another file ({type(error).__name__}: {one_line(error)}); {remedy}"
        ) from error


def sealed_json(content: Mapping[str, Any]) -> bytes:
    """Return an object as JSON, readable, with a hash of its content at the end."""
    whole = {name: value for name, value in content.items() if name != SEAL}
    text = json.dumps({**whole, SEAL: _seal(whole)}, indent=2, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode()


def read_json(file: Path, remedy: str) -> dict[str, Any]:
    """Return the object of a JSON file, without its seal.

    Raises UserError, with the remedy, when it is missing or damaged.
    """
    with reading(file, remedy):
        found = json.loads(read_text(file))
        if not isinstance(found, dict):
            raise ValueError(f"an object is wanted, found is {str(found)[:40]!r}")
        if SEAL in found and found.pop(SEAL) != _seal(found):
            raise ValueError("the content is not what was written")
        return found


def _seal(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.blake2b(json.dumps(json.loads(text), sort_keys=True).encode(), digest_size=8).hexdigest()


def typed(kind: type[T], found: Mapping[str, Any]) -> T:
    """Return the dataclass `kind` of an object; raises ValueError for a field that is missing or of another type.

    Unknown fields are ignored: a later release may have written them.
    """
    known = {field.name: str(field.type) for field in fields(kind)}  # type: ignore[arg-type]
    for name, annotation in known.items():
        if name in found and not _is_of(found[name], annotation):
            raise ValueError(f"{name} is {str(found[name])[:40]!r}, wanted is {annotation}")
    return kind(**{name: value for name, value in found.items() if name in known})


def _is_of(value: Any, annotation: str) -> bool:
    """Whether a value of JSON is of an annotated type."""
    for one in re.split(r"\s\|\s", annotation):
        outer, _, inner = one.partition("[")
        if outer in KINDS and isinstance(value, KINDS[outer]) and (outer == "bool" or not isinstance(value, bool)):
            return True
        if outer in ("list", "Sequence", "tuple") and isinstance(value, list | tuple):
            return all(_is_of(item, inner.removesuffix("]")) for item in value)
        if outer in ("dict", "Mapping") and isinstance(value, dict):
            return True
        if outer not in KINDS and outer not in ("list", "Sequence", "tuple", "dict", "Mapping"):
            return True  # a type that is not checked here
    return False
