"""The way of a folder to the hub."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from tts_toolkit.errors import UserError

# Checkpoints whose licence binds what is made from them, by how their ids begin; from their model cards.
BINDING = {"facebook/mms-": "cc-by-nc-4.0"}


def without_token(text: str) -> str:
    """Return `text` with the hub token of this machine, should it hold it, taken out."""
    from huggingface_hub import get_token

    token = get_token()
    return text.replace(token, "[hub token]") if token else text


def check_licence(folder: Path) -> None:
    """Raise UserError when the card of a model names a base whose licence binds it, and another licence."""
    from huggingface_hub import ModelCard

    if not (folder / "README.md").is_file():
        return
    about = ModelCard.load(folder / "README.md").data
    bases = about.base_model if isinstance(about.base_model, list) else [about.base_model or ""]
    for base in bases:
        for beginning, licence in BINDING.items():
            if str(base).startswith(beginning) and str(about.license).lower() != licence:
                raise UserError(
                    f"{folder}: is made from {base}, whose licence {licence} it must keep; its card says "
                    f"{about.license}: set licence={licence}"
                )


def push_folder(
    folder: Path, repo_id: str | None, setting: str, private: bool = True, kind: Literal["model", "dataset"] = "model"
) -> str:
    """Upload exactly this folder and return the address of the commit.

    The token is the hub client's own (`hf auth login` or HF_TOKEN). `setting` is the option that names the
    repository. Raises UserError without a name, when the model's base binds it to another licence, or when the hub
    refuses.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HTTPError  # of the client's transport: timeouts and broken connections too

    if not repo_id:
        raise UserError(f"push_to_hub=true needs {setting}=USER/NAME")
    check_licence(folder)
    api = HfApi()
    try:
        api.create_repo(repo_id, private=private, exist_ok=True, repo_type=kind)
        return str(
            api.upload_folder(repo_id=repo_id, folder_path=folder, commit_message=f"Upload {kind}", repo_type=kind)
        )
    except (HTTPError, OSError, ValueError, RuntimeError) as error:  # what was trained must not end in a traceback
        told = without_token(" ".join(str(error).split()) or type(error).__name__)
        raise UserError(f"the hub did not take {repo_id}: {told}; the folder is at {folder.absolute()}") from None
