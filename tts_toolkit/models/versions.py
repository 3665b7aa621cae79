"""Loading from a hub id or a folder with clear errors, and what identifies the weights that were loaded."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from tts_toolkit.assets import asset_path
from tts_toolkit.errors import UserError
from tts_toolkit.files import file_hash
from tts_toolkit.torch_audio import ensure_torchaudio


def load(cls: Any, source: str, revision: str | None, wanted: str, **options: Any) -> Any:
    """Return `cls.from_pretrained(source)`; raises UserError when it is not there or is another model."""
    from safetensors import SafetensorError

    found = model_type(source, revision)
    if found != wanted:
        raise UserError(f"model {source!r} is a {found} checkpoint; a {wanted} checkpoint is wanted here")
    try:
        return cls.from_pretrained(str(asset_path(source)), revision=revision, **options)
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:  # what a broken file of weights raises
        raise _unusable(source, error) from error


def model_type(source: str, revision: str | None = None) -> str:
    """Return what a checkpoint's configuration calls it: speecht5, bark, vits; raises UserError without one."""
    ensure_torchaudio()
    from transformers import AutoConfig

    try:
        return str(AutoConfig.from_pretrained(str(asset_path(source)), revision=revision).model_type)
    except (OSError, ValueError) as error:
        raise _unusable(source, error) from error


def _unusable(source: str, error: Exception) -> UserError:
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    return UserError(
        f"model {source!r} cannot be loaded ({reason}); give a hub id, a folder that "
        "holds config.json and model.safetensors, or speecht5-mini"
    )


def model_version(source: str, revision: str | None = None) -> str:
    """Return the hub commit of a repository or a hash of a folder; raises UserError where there is neither."""
    folder = asset_path(source)
    if folder.is_dir():
        return folder_hash(folder)
    from transformers.utils import cached_file
    from transformers.utils.hub import extract_commit_hash

    try:
        file = cached_file(source, "config.json", revision=revision)
    except OSError as error:
        raise UserError(
            f"model {source!r} cannot be found ({str(error).strip().splitlines()[0]}); give a hub id or a folder"
        ) from error
    return extract_commit_hash(file, None) or folder_hash(Path(file).parent)


def folder_hash(folder: Path) -> str:
    """Return a hash over the names and contents of the files in `folder`, hidden ones left out."""
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")):
        stat = file.stat()
        digest.update(
            f"{file.relative_to(folder)}\0{_known_file_hash(file, stat.st_mtime_ns, stat.st_size)}\0".encode()
        )
    return digest.hexdigest()[:16]


@lru_cache(maxsize=1024)
def _known_file_hash(file: Path, mtime_ns: int, size: int) -> str:
    return file_hash(file)
