"""A hub on loopback, asked by the real client: what comes, how often it is asked for, and what is told when it fails."""

import ast
import json
import subprocess
import sys
import time
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


TEXT = "text=the boat is here"


def synthesize(server, folder, *arguments, **environment):
    """Run tts-synthesize as a user of this hub would, in a folder of his own; with its seconds."""
    command = [sys.executable, str(CHECKOUT / "eval/synthesize.py"), *arguments]
    settings = as_a_user(server, folder / "home") | environment
    started = time.monotonic()
    done = subprocess.run(command, cwd=folder, env=settings, capture_output=True, text=True, timeout=280)
    return done, time.monotonic() - started


def said(done):
    """The lines on standard error that are no progress of a download."""
    return [line for line in done.stderr.replace("\r", "\n").splitlines() if line.strip() and "%|" not in line]


@pytest.fixture(scope="module")
def spoken(hub_server, tmp_path_factory):
    """A folder in which SpeechT5 spoke once, its files fetched for that; what was asked, and what was said."""
    folder = tmp_path_factory.mktemp("user")
    hub_server.hub.faults.clear()
    hub_server.hub.log.clear()
    done, _ = synthesize(hub_server, folder, TEXT, "voice=cmu-arctic/slt", "output=first.wav")
    assert done.returncode == 0, done.stderr[-3000:]
    return folder, list(hub_server.hub.log), done


def test_a_first_run_says_nothing_of_other_libraries_and_asks_little(spoken):
    folder, asked, done = spoken
    assert said(done) == [] and (folder / "first.wav").stat().st_size > 44
    assert not [line for line in asked if "/discussions" in line or "refs%2Fpr" in line]
    files = [line.split()[1] for line in asked if line.startswith("GET") and "/api/" not in line]
    assert len(files) == len(set(files)), "something came twice"
    assert len([line for line in asked if "/api/" in line and "harness" not in line]) == 3, "a look-up a repository"


def test_a_second_run_offline_and_one_without_a_hub_speak_the_same_in_the_same_time(hub_server, spoken):
    folder, *_ = spoken
    offline, seconds = synthesize(
        hub_server, folder, TEXT, "voice=cmu-arctic/slt", "output=offline.wav", HF_HUB_OFFLINE="1"
    )
    alone, alone_seconds = synthesize(
        hub_server, folder, TEXT, "voice=cmu-arctic/slt", "output=alone.wav", HF_ENDPOINT="http://127.0.0.1:9"
    )
    assert (folder / "first.wav").read_bytes() == (folder / "offline.wav").read_bytes()
    assert (folder / "first.wav").read_bytes() == (folder / "alone.wav").read_bytes()
    assert said(offline) == [] and len(said(alone)) == 1 and "is taken from the cache" in said(alone)[0]
    assert alone_seconds < 1.5 * seconds + 3, (alone_seconds, seconds)


def test_what_the_hub_refuses_is_one_line_of_a_command(hub_server, tmp_path):
    done, _ = synthesize(hub_server, tmp_path, TEXT, "output=a.wav", HF_TOKEN="hf_wrong")
    assert done.returncode == 1 and len(said(done)) == 1, done.stderr[-3000:]
    assert (
        said(done)[0].startswith("error: ")
        and "Invalid credentials" in said(done)[0]
        and "hf auth login" in said(done)[0]
    )


@pytest.mark.slow
def test_a_voice_is_trained_pushed_pulled_back_and_speaks(hub_server, voice_folder, tmp_path):
    def command(script, *arguments, home="home", **environment):
        settings = as_a_user(hub_server, tmp_path / home) | environment
        run = [sys.executable, str(CHECKOUT / script), *arguments]
        return subprocess.run(run, cwd=tmp_path, env=settings, capture_output=True, text=True, timeout=280)

    fast = ["asr=offline", "speaker_verifier=ge2e", "lr_schedule.n_warmup_steps=1", "lr_schedule.n_decay_steps=1", "schedule.max_steps=2",
            "schedule.eval_every=2", "schedule.save_every=2", "evaluation.n_sentences=1", "evaluation.n_test_sentences=1",
            "decoding.max_frames_per_token=3.0", "loader.max_frames=800", "license=mit"]  # fmt: skip
    train = ["train/finetune.py", "data=folder", f"data.path={voice_folder}", *fast, "push_to_hub=true"]
    for options, told in {
        ("hub_model_id=tone", "hf_good"): "wanted is USER/NAME", ("hub_model_id=user/tone", "hf_reader"): "may read only",
        ("hub_model_id=else/tone", "hf_good"): "may write to user only", ("hub_model_id=user/tone", "hf_wrong"): "Invalid",
    }.items():  # fmt: skip
        done = command(*train, options[0], HF_TOKEN=options[1])
        assert done.returncode == 1 and len(said(done)) == 1 and told in said(done)[0], done.stderr[-3000:]
    done = command(*train, "hub_model_id=user/tone", HF_TOKEN="hf_good")
    assert done.returncode == 0, done.stderr[-3000:]
    assert f"hub:    {hub_server.url}/user/tone" in done.stdout
    foreign = [
        line for line in said(done) if "REPORT" in line or "[transformers]" in line or "Loading pretrained" in line
    ]
    assert not foreign, foreign
    spoken = command("eval/synthesize.py", "model=user/tone", TEXT, "output=pulled.wav", "decoding.max_frames_per_token=3.0",
                     home="another", HF_TOKEN="hf_good")  # fmt: skip
    assert spoken.returncode == 0 and (tmp_path / "pulled.wav").stat().st_size > 44, spoken.stderr[-3000:]
    here = command("eval/synthesize.py", "model=outputs/finetune/model", TEXT, "output=here.wav",
                   "decoding.max_frames_per_token=3.0", home="another")  # fmt: skip
    assert here.returncode == 0 and (tmp_path / "pulled.wav").read_bytes() == (tmp_path / "here.wav").read_bytes()
    print(done.stderr, done.stdout)


FETCH = "from tts_toolkit.hub.snapshots import *; print(snapshot('suno/bark-small').fetch(of_a_model))"


def test_two_processes_fetch_each_file_once(hub_server, tmp_path):
    hub_server.hub.faults.clear()
    hub_server.hub.log.clear()
    hub_server.hub.faults.append({"match": "GET /_store", "delay": 1.0, "times": 1})  # both want it by then
    environment = as_a_user(hub_server, tmp_path / "home") | {"PYTHONPATH": str(CHECKOUT)}
    both = [subprocess.Popen([sys.executable, "-c", FETCH], env=environment, stdout=subprocess.PIPE) for _ in range(2)]
    assert len({process.communicate(timeout=100)[0] for process in both}) == 1
    assert [process.returncode for process in both] == [0, 0]
    files = [line.split()[1] for line in hub_server.hub.log if line.startswith("GET") and "/api/" not in line]
    assert files and len(files) == len(set(files))


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
    elsewhere = {where.partition(":")[0] for where, _ in calls(*asking)} - {"tts_toolkit/hub/snapshots.py"}
    known = {"tts_toolkit/speakers/registry.py", "tts_toolkit/data/hub_files.py"}  # the cache only; data sets
    assert elsewhere <= known, elsewhere - known


def test_there_are_enough_scenarios():
    assert len(SCENARIOS) >= 40
