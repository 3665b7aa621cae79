"""What ships with the toolkit: small models and a demo voice, each in a folder of its own."""

from __future__ import annotations

from pathlib import Path

ASSETS = Path(__file__).parent


def asset_path(name: str) -> Path:
    """Return the folder of the built-in asset `name`, with - or _ in its name, or `name` as a path."""
    built_in = {path.name: path for path in ASSETS.iterdir() if path.is_dir() and path.name[0] not in "_."}
    return built_in.get(name.replace("_", "-"), Path(name))
