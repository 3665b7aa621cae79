"""The layers of the library: imports point down this list, never up, and no two folders import each other."""

import ast
from pathlib import Path

import pytest

import tts_toolkit

ROOT = Path(tts_toolkit.__file__).parent
# From the bottom up; a folder stands for all that is in it. A module may import what stands before it.
LAYERS = (
    "system", "assets", "audio",
    "text", "nn", "hub", "components", "speakers", "data", "models", "training", "evaluation", "report",
    "synthesis", "finetuning", "pretraining", "command_line", "cli", "doctor", "api",
)  # fmt: skip


def arrows():
    """Yield (importing file, its layer, the layer that it imports)."""
    for file in sorted(ROOT.rglob("*.py")):
        place = file.relative_to(ROOT).parts[0].removesuffix(".py")
        if place in ("__init__", "train", "eval", "conf"):
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                parts = name.split(".")
                if parts[0] == "tts_toolkit" and len(parts) > 1 and parts[1] != place:
                    yield str(file.relative_to(ROOT)), place, parts[1]


def test_every_module_has_a_layer():
    places = {
        path.name.removesuffix(".py")
        for path in ROOT.iterdir()
        if path.suffix == ".py" or (path / "__init__.py").is_file()
    }
    assert places - {"__init__", "train", "eval", "conf"} == set(LAYERS)


def test_imports_point_down():
    height = {name: level for level, name in enumerate(LAYERS)}
    up = sorted({(file, to) for file, here, to in arrows() if to in height and height[to] >= height[here]})
    assert not up, "\n".join(f"{file} imports {to}" for file, to in up)


def test_the_library_imports_no_recipe():
    assert not [(file, to) for file, _, to in arrows() if to in ("train", "eval", "conf")]


@pytest.mark.parametrize("folder", ["training"])
def test_what_knows_no_model(folder):
    assert not [(file, to) for file, here, to in arrows() if here == folder and to in ("models", "speakers", "text")]
