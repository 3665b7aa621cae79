"""The hub token, kept out of everything that is written."""

from __future__ import annotations


def without_token(text: str) -> str:
    """Return `text` with the hub token of this machine, should it hold it, taken out."""
    from huggingface_hub import get_token

    token = get_token()
    return text.replace(token, "[hub token]") if token else text
