"""Model files that other packages ship: found without importing them, and checked before use."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from tts_toolkit.system.errors import UserError
from tts_toolkit.system.files import file_hash

GE2E_SHA256 = "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e"  # resemblyzer 0.1.4, pretrained.pt
GE2E_INSTALL = "pip install --no-deps resemblyzer==0.1.4"


def install_command(extra: str) -> str:
    """Return the command that installs the packages of one of the toolkit's extras, by the packages' own names.

    Raises ValueError for an unknown extra.
    """
    from importlib.metadata import requires

    from packaging.requirements import Requirement

    found = [Requirement(line) for line in requires("tts-toolkit") or ()]
    marked = re.compile(rf"""\bextra == ['"]{re.escape(extra)}['"]""")
    own = [one for one in found if one.marker and marked.search(str(one.marker))]
    if not own:
        raise ValueError(f"the toolkit has no extra {extra!r}")
    return f"pip install {' '.join(repr(f'{one.name}{one.specifier}') for one in own)}"


def packaged_file(package: str, path: str, sha256: str, install: str) -> Path:
    """Return the file `path` of an installed package whose content has this SHA-256.

    Raises UserError, naming what to `install`, when the package is missing or its file differs.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise UserError(f"the package {package!r} is not installed; run: {install}")
    file = Path(spec.submodule_search_locations[0]) / path
    if not file.is_file():
        raise UserError(f"the package {package!r} lacks the file {path}; run: {install}")
    found = file_hash(file)
    if found != sha256:
        raise UserError(f"{file} has the SHA-256 {found}, expected {sha256}; run: {install}")
    return file
