"""Model files that other packages ship: found without importing them, and checked before use."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

from tts_toolkit.errors import UserError


def packaged_file(package: str, path: str, sha256: str, install: str) -> Path:
    """Return the file `path` of an installed package whose content has this SHA-256.

    Raises UserError, saying what to `install`, when the package is missing or its file is another one.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise UserError(f"the package {package!r} is not installed; run: {install}")
    file = Path(spec.submodule_search_locations[0]) / path
    if not file.is_file():
        raise UserError(f"the package {package!r} lacks the file {path}; run: {install}")
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != sha256:
        raise UserError(f"{file} has the SHA-256 {found}, expected {sha256}; run: {install}")
    return file
