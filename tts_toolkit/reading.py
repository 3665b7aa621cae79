"""Files of the toolkit's own, read back: what is damaged is told with the file and the way out, and never used."""

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

from tts_toolkit.errors import UserError, one_line
from tts_toolkit.files import read_text

SEAL = "seal"  # of a JSON object: the hash of everything else in it
KINDS: dict[str, Any] = {"str": str, "int": int, "float": (int, float), "bool": bool, "None": type(None)}
# What the libraries behind a file raise for one that is cut, flipped, of another kind or of another shape.
DAMAGED = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, EOFError, RuntimeError, SyntaxError,
           UnpicklingError, zipfile.BadZipFile, zlib.error, YAMLError)  # fmt: skip
T = TypeVar("T")


@contextmanager
def reading(file: Path, way_out: str) -> Iterator[None]:
    """Raise UserError, with the file and the way out, for whatever goes wrong with what a file holds."""
    from safetensors import SafetensorError

    try:
        yield
    except FileNotFoundError:
        raise UserError(f"{file}: is not there; {way_out}") from None
    except IsADirectoryError:
        raise UserError(f"{file}: is a folder, where a file is wanted; {way_out}") from None
    except (*DAMAGED, SafetensorError) as error:
        raise UserError(
            f"{file}: is damaged, or another file ({type(error).__name__}: {one_line(error)}); {way_out}"
        ) from error


def sealed_json(content: Mapping[str, Any]) -> bytes:
    """Return an object as JSON, readable, with a hash of its content at the end."""
    whole = {name: value for name, value in content.items() if name != SEAL}
    text = json.dumps({**whole, SEAL: _seal(whole)}, indent=2, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode()


def read_json(file: Path, way_out: str) -> dict[str, Any]:
    """Return the object of a JSON file, without its seal.

    Raises UserError, with the way out, when there is none, or when it is not what was sealed.
    """
    with reading(file, way_out):
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

    What the dataclass does not know is left out: a later release may have written it.
    """
    known = {field.name: str(field.type) for field in fields(kind)}  # type: ignore[arg-type]
    for name, annotation in known.items():
        if name in found and not _is_of(found[name], annotation):
            raise ValueError(f"{name} is {str(found[name])[:40]!r}, wanted is {annotation}")
    return kind(**{name: value for name, value in found.items() if name in known})


def _is_of(value: Any, annotation: str) -> bool:
    """Return whether a value of JSON is of an annotated type."""
    for one in re.split(r"\s\|\s", annotation):
        outer, _, inner = one.partition("[")
        if outer in KINDS and isinstance(value, KINDS[outer]) and (outer == "bool" or not isinstance(value, bool)):
            return True
        if outer in ("list", "Sequence", "tuple") and isinstance(value, list | tuple):
            return all(_is_of(item, inner.removesuffix("]")) for item in value)
        if outer in ("dict", "Mapping") and isinstance(value, dict):
            return True
        if outer not in KINDS and outer not in ("list", "Sequence", "tuple", "dict", "Mapping"):
            return True  # a type of which nothing is known here
    return False
