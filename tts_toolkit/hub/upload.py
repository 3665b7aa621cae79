"""Uploading a folder to the hub."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from tts_toolkit.system.errors import UserError
from tts_toolkit.system.reading import reading

NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9_][\w.-]{0,95}")
# Checkpoints whose license also covers derived models, by prefix of their ids; from their model cards.
BINDING = {"facebook/mms-": "cc-by-nc-4.0"}


def check_license(folder: Path) -> None:
    """Raise UserError when a model card names a base whose license covers it, and another license."""
    from huggingface_hub import ModelCard

    if not (folder / "README.md").is_file():
        return
    with reading(folder / "README.md", "correct the card"):
        about = ModelCard.load(folder / "README.md").data
    bases = about.base_model if isinstance(about.base_model, list) else [about.base_model or ""]
    for base in bases:
        for beginning, license in BINDING.items():
            if str(base).startswith(beginning) and str(about.license).lower() != license:
                raise UserError(
                    f"{folder}: is made from {base}, whose license {license} it must keep; its card says "
                    f"{about.license}: set license={license}"
                )


def check_push(repo_id: str | None, setting: str) -> None:
    """Raise UserError, before any work, where a push would be refused: for its name, the token or its rights."""
    from huggingface_hub import HfApi, get_token, is_offline_mode

    from tts_toolkit.hub.snapshots import explained, is_of_the_hub, log_in

    if not repo_id:
        raise UserError(f"push_to_hub=true needs {setting}=USER/NAME")
    if not NAME.fullmatch(repo_id) or "--" in repo_id or ".." in repo_id or repo_id.endswith(".git"):
        raise UserError(
            f"{setting}={repo_id}: wanted is USER/NAME of letters, digits, -, _ and ., as in {setting}=anna/my-voice"
        )
    if is_offline_mode():
        raise UserError("push_to_hub=true: HF_HUB_OFFLINE is set, so nothing can be pushed; unset it")
    if get_token() is None:
        raise UserError(f"push_to_hub=true: there is no token for the hub; run: {log_in()}")
    try:
        who = HfApi().whoami()
    except Exception as error:
        if not is_of_the_hub(error):
            raise
        raise UserError(f"push_to_hub=true: the hub refuses the token: {explained(error)}") from error
    _check_rights(who, repo_id, setting)


def _check_rights(who: Mapping[str, Any], repo_id: str, setting: str) -> None:
    """Raise UserError where a token, by whoami, may not write to the repository's owner."""
    owner = repo_id.partition("/")[0]
    own = [str(who.get("name")), *(str(org.get("name")) for org in who.get("orgs", ()))]
    if owner not in own:
        raise UserError(f"{setting}={repo_id}: the token is of {own[0]} and may write to {', '.join(own)} only")
    about = who.get("auth", {}).get("accessToken", {})
    if about.get("role") == "read" or (about.get("role") == "fineGrained" and not _may_write(about, owner)):
        raise UserError(
            f"{setting}={repo_id}: the token of {own[0]} may read only; make one that may write to {owner} and run: "
            "hf auth login"
        )


def _may_write(about: Mapping[str, Any], owner: str) -> bool:
    """Whether a fine-grained token may write to repositories of an owner."""
    scopes = about.get("fineGrained", {}).get("scoped", ())
    named = [scope for scope in scopes if scope.get("entity", {}).get("name") in (owner, None)]
    return any("repo.write" in scope.get("permissions", ()) for scope in named)


def push_folder(
    folder: Path, repo_id: str | None, setting: str, private: bool = True, kind: Literal["model", "dataset"] = "model"
) -> str:
    """Upload exactly this folder and return the address of the commit.

    The token is the hub client's own (`hf auth login` or HF_TOKEN). `setting` is the option that names the repository.
    Raises UserError without a name, when the base's license requires another one, or when the hub refuses.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HTTPError  # of the client's transport: timeouts and broken connections too

    from tts_toolkit.hub.snapshots import explained

    if not repo_id:
        raise UserError(f"push_to_hub=true needs {setting}=USER/NAME")
    check_license(folder)
    api = HfApi()
    try:
        api.create_repo(repo_id, private=private, exist_ok=True, repo_type=kind)
        return str(
            api.upload_folder(repo_id=repo_id, folder_path=folder, commit_message=f"Upload {kind}", repo_type=kind)
        )
    except (HTTPError, OSError, ValueError, RuntimeError) as error:  # a trained model must not end in a traceback
        raise UserError(
            f"the hub did not take {repo_id}: {explained(error, repo_id, kind)}; the folder is at {folder.absolute()}"
        ) from None
