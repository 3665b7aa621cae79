"""What ships with the toolkit: small models and a demo voice, each in a folder of its own."""

from __future__ import annotations

from pathlib import Path

ASSETS = Path(__file__).parent


def asset_path(name: str) -> Path:
    """Return the folder of the built-in asset `name`, or `name` itself as a path where there is none."""
    built_in = {path.name: path for path in ASSETS.iterdir()}
    return built_in.get(name, Path(name))
