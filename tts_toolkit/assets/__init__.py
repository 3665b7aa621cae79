"""What ships with the toolkit: small models and a demo voice, each in a folder of its own."""

from __future__ import annotations

from pathlib import Path

ASSETS = Path(__file__).parent


def asset_path(name: str) -> Path:
    """Return the folder of the built-in asset `name`, or `name` itself as a path where there is none."""
    built_in = ASSETS / name
    return built_in if "/" not in name and (built_in.is_dir() or built_in.is_file()) else Path(name)
