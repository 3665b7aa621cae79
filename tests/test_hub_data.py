"""Datasets on a hub in the forms that they have, read by the recipes with the settings that users have."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import as_a_user

pytest.importorskip("tts_toolkit.data.tables", reason="sound of tables is read where it lies")
SCENARIOS = [
    node.name
    for node in ast.parse((Path(__file__).parent / "hub_data_scenarios.py").read_text()).body
    if isinstance(node, ast.FunctionDef) and any(getattr(d, "id", "") == "scenario" for d in node.decorator_list)
]


@pytest.fixture(scope="module")
def data_server():
    from hub_repositories import fill_with_datasets
    from hub_server import Hub, serve

    hub = Hub()
    hub.tokens |= {"hf_good": {"role": "write", "gated": True}}
    server = serve(fill_with_datasets(hub))
    yield server
    server.shutdown()


@pytest.fixture(scope="module")
def outcomes(data_server, tmp_path_factory):
    """What went wrong with each scenario, all of them run in one process."""
    folder = tmp_path_factory.mktemp("scenarios")
    command = [sys.executable, str(Path(__file__).parent / "hub_data_scenarios.py"), str(folder / "caches")]
    environment = as_a_user(data_server, folder / "home")
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(outcomes, name):
    assert not outcomes[name], outcomes[name]
