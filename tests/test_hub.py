"""A hub on loopback, asked by the real client: what comes, how often it is asked for, and what is told when it fails."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import CHECKOUT, as_a_user

SCENARIOS = [
    node.name
    for node in ast.parse((Path(__file__).parent / "hub_scenarios.py").read_text()).body
    if isinstance(node, ast.FunctionDef) and any(getattr(d, "id", "") == "scenario" for d in node.decorator_list)
]


@pytest.fixture(scope="module")
def outcomes(hub_server, tmp_path_factory):
    """What went wrong with each scenario, all of them run in one process."""
    folder = tmp_path_factory.mktemp("scenarios")
    command = [sys.executable, str(Path(__file__).parent / "hub_scenarios.py"), str(folder / "caches")]
    environment = as_a_user(hub_server, folder / "home")
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(outcomes, name):
    assert not outcomes[name], outcomes[name]


def calls(*names):
    """Yield (where, call) of every call of a function or method of these names in the package, the recipes' too."""
    files = [f for folder in ("tts_toolkit", "train", "eval") for f in sorted((CHECKOUT / folder).rglob("*.py"))]
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if called in names:
                    yield f"{file.relative_to(CHECKOUT)}:{node.lineno}", node


def test_no_library_is_allowed_to_run_code_that_came_with_a_model():
    """`datasets` runs none since its version 4: load_dataset has no such argument any more."""
    found = list(calls("from_pretrained", "pipeline", "from_config"))
    assert len(found) >= 2
    allowed = [where for where, call in found if not any(
        word.arg == "trust_remote_code" and getattr(word.value, "value", None) is False for word in call.keywords)]  # fmt: skip
    assert allowed == [], "trust_remote_code=False is missing"
    mentions = [
        where for where, call in calls("load_dataset") for word in call.keywords if word.arg == "trust_remote_code"
    ]
    assert not mentions


def test_the_hub_is_asked_in_one_place():
    """What is fetched past it would be looked up again, converted, or end in a traceback."""
    asking = ("hf_hub_download", "snapshot_download", "cached_file", "list_repo_files", "repo_info", "model_info")
    elsewhere = {where.partition(":")[0] for where, _ in calls(*asking)} - {"tts_toolkit/fetching.py"}
    assert elsewhere == {"tts_toolkit/speakers/opening.py"}, "which looks into the cache only"


def test_there_are_enough_scenarios():
    assert len(SCENARIOS) >= 40
