"""Loading from a hub id or a folder with clear errors, and what identifies the weights that were loaded."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from tts_toolkit.assets import asset_path
from tts_toolkit.errors import UserError, first_line
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
        raise unusable(f"model {source!r}", error) from error


def model_type(source: str, revision: str | None = None, what: str = "model") -> str:
    """Return what a checkpoint's configuration calls it: speecht5, bark, vits, hifigan; raises UserError without one.

    Read from config.json itself: transformers opens no configuration of a vocoder by its type.
    """
    ensure_torchaudio()
    from transformers import PreTrainedConfig

    named = f"{what} {source!r}"
    try:
        found, _ = PreTrainedConfig.get_config_dict(str(asset_path(source)), revision=revision)
    except (OSError, ValueError) as error:
        raise unusable(named, error) from error
    if "model_type" not in found:
        raise unusable(named, ValueError("no config.json with a model_type"))
    return str(found["model_type"])


def unusable(named: str, error: Exception) -> UserError:
    """Return the error, of one line, that a checkpoint cannot be loaded; `named` says which: model 'user/name'."""
    return UserError(
        f"{named} cannot be loaded ({first_line(error)}); give a hub id, a folder that "
        "holds config.json and model.safetensors, or a built-in name such as speecht5-mini"
    )


def checkpoint_file(source: str, name: str, revision: str | None = None) -> Path | None:
    """Return where a file of a hub repository or a folder lies, None where it verifiably holds none of that name.

    Raises UserError when there is no such repository or folder, or when the hub cannot be asked and the repository
    is not in its cache either: that a file is missing is then unknown.
    """
    folder = asset_path(source)
    if folder.is_dir():
        return folder / name if (folder / name).is_file() else None
    from huggingface_hub import _CACHED_NO_EXIST, hf_hub_download, is_offline_mode, try_to_load_from_cache
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    try:
        return Path(hf_hub_download(source, name, revision=revision))
    except LocalEntryNotFoundError as error:  # the hub was not asked, or did not answer
        if try_to_load_from_cache(source, name, revision=revision) is _CACHED_NO_EXIST:
            return None  # it said so before
        if is_offline_mode() and isinstance(try_to_load_from_cache(source, "config.json", revision=revision), str):
            return None
        raise unusable(f"model {source!r}", error) from error
    except EntryNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise unusable(f"model {source!r}", error) from error


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
        raise UserError(f"model {source!r} cannot be found ({first_line(error)}); give a hub id or a folder") from error
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
