"""The hub token, removed from all output."""

from __future__ import annotations


def without_token(text: str) -> str:
    """Return `text` without the hub token of this machine."""
    from huggingface_hub import get_token

    token = get_token()
    return text.replace(token, "[hub token]") if token else text
