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


def test_there_are_enough_scenarios():
    assert len(SCENARIOS) >= 40
