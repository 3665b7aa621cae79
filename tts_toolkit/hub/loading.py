"""Loading from a hub id or a folder with clear errors, and identifying the loaded weights."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from tts_toolkit.assets import asset_path
from tts_toolkit.audio.torchaudio_stand_in import ensure_torchaudio
from tts_toolkit.hub.snapshots import COMMIT, HubError, of_a_model, snapshot
from tts_toolkit.system.compat import quiet
from tts_toolkit.system.errors import UserError, one_line
from tts_toolkit.system.files import file_hash, read_text

# Weights that published checkpoints lack and inference never uses: of masked training, and counters.
OTHER_SOURCES = "or give a folder that holds such a checkpoint"
NEVER_USED = re.compile(r"(^|\.)(masked_spec_embed|num_batches_tracked|position_ids)$")


def load(cls: Any, source: str, revision: str | None, *wanted: str, named: str = "", **options: Any) -> Any:
    """Return `cls.from_pretrained(source)`; raises UserError when it is missing, is another model or lacks weights.

    `wanted` are the types that its config.json may name; `named` is its name in errors.
    """
    named = named or f"model {source!r}"
    found = model_type(source, revision, named)
    if found not in wanted:
        raise UserError(f"{named} is a {found} checkpoint; a {wanted[0]} checkpoint is wanted here")
    return load_folder(cls, checkpoint_folder(source, revision, named), named, **options)


def load_folder(cls: Any, folder: Path, named: str, **options: Any) -> Any:
    """Return `cls.from_pretrained(folder)`; raises UserError where it cannot be loaded or lacks weights.

    No code of the folder is run, and missing weights are not initialized at random.
    """
    ensure_torchaudio()
    from transformers import PreTrainedModel
    from transformers.utils import logging

    logging.disable_progress_bar()  # of weights read from disk, too short to display
    without_conversion()
    has_weights = isinstance(cls, type) and issubclass(cls, PreTrainedModel)
    if has_weights:
        options["output_loading_info"] = True
    try:
        with quiet():
            loaded = cls.from_pretrained(str(folder), trust_remote_code=False, **options)
    except Exception as error:  # transformers raises errors of any type for broken files
        raise unusable(named, error) from error
    if not has_weights:
        return loaded
    model, about = loaded
    check_whole(named, about["missing_keys"], about.get("unexpected_keys", ()))
    return model


def check_whole(named: str, missing: Sequence[str], unknown: Sequence[str] = ()) -> None:
    """Raise UserError where used weights are missing; transformers has initialized them at random."""
    lacking = sorted(name for name in missing if not NEVER_USED.search(name))
    if lacking:
        others = f"; it holds {sorted(unknown)[0]}, which is not of such a model" if unknown else ""
        raise UserError(
            f"{named} lacks {len(lacking)} of its weights, such as {lacking[0]}{others}: it cannot be loaded; give the "
            "checkpoint as save_pretrained writes it"
        )


def without_conversion() -> None:
    """Stop transformers from having weights converted on the hub and fetched a second time."""
    os.environ.setdefault("DISABLE_SAFETENSORS_CONVERSION", "1")


def model_config(source: str, revision: str | None = None, named: str = "") -> dict[str, Any]:
    """Return the config.json of a hub id or folder, which names its type; raises UserError without one."""
    named = named or f"model {source!r}"
    file = checkpoint_file(source, "config.json", revision, named)
    try:
        found = json.loads(read_text(file)) if file else {}
    except (OSError, ValueError) as error:
        raise unusable(named, ValueError(f"its config.json is not JSON: {error}")) from error
    if not isinstance(found, dict) or not isinstance(found.get("model_type"), str):
        raise unusable(named, ValueError("no config.json with a model_type"))
    return found


def model_type(source: str, revision: str | None = None, named: str = "") -> str:
    """Return the model type in a checkpoint's config.json: speecht5, bark, vits, hifigan; raises UserError without one.

    Read from the file itself: transformers opens no configuration of a vocoder by its type.
    """
    return str(model_config(source, revision, named)["model_type"])


def unusable(named: str, error: Exception) -> UserError:
    """Return the error, of one line, that a checkpoint cannot be loaded; `named` is its name: model 'user/name'."""
    if isinstance(error, HubError):
        return UserError(f"{named} cannot be loaded: {error}; {OTHER_SOURCES}")
    return UserError(
        f"{named} cannot be loaded ({one_line(error)}); give a hub id, or a folder that "
        "holds config.json and model.safetensors"
    )


def checkpoint_folder(source: str, revision: str | None = None, named: str = "") -> Path:
    """Return the folder of a checkpoint's configuration, tokenizer and weights, fetched if need be.

    Raises UserError where there is no such repository or folder, or the hub refuses it.
    """
    folder = asset_path(source)
    if folder.is_dir():
        return folder
    try:
        return snapshot(source, revision).fetch(of_a_model, revision)
    except HubError as error:
        raise unusable(named or f"model {source!r}", error) from error


def checkpoint_file(
    source: str, name: str, revision: str | None = None, named: str = "", optional: bool = True
) -> Path | None:
    """Return the path of a file of a hub repository or a folder, None where it verifiably has no such file.

    Raises UserError when there is no such repository or folder, or when the hub cannot be reached and the repository is
    not in its cache: whether the file exists is then unknown, as it is offline for a missing file that is not
    `optional`.
    """
    folder = asset_path(source)
    if folder.is_dir():
        return folder / name if (folder / name).is_file() else None
    try:
        return snapshot(source, revision).file(name, optional)
    except HubError as error:
        raise unusable(named or f"model {source!r}", error) from error


def model_version(source: str, revision: str | None = None) -> str:
    """Return the hub commit of a repository or a hash of a folder; raises UserError where there is neither."""
    folder = asset_path(source)
    if folder.is_dir():
        return folder_hash(folder)
    try:
        return snapshot(source, revision).commit
    except HubError as error:
        raise unusable(f"model {source!r}", error) from error


def folder_version(folder: Path) -> str:
    """Return the commit of a snapshot in the hub's cache, or a hash of any other folder."""
    if folder.parent.name == "snapshots" and COMMIT.fullmatch(folder.name):
        return folder.name
    return folder_hash(folder)


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
