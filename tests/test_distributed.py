"""Several processes, several hosts, and what happens when one of them is lost."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import CHECKOUT
from test_recipes import FAST, free_port

pytestmark = pytest.mark.slow
HOSTS = {"a": "10.77.0.1", "b": "10.77.0.2"}
LAUNCH = ["-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--mixed_precision", "no",
          "--dynamo_backend", "no"]  # fmt: skip


def ip(*arguments, check=True):
    return subprocess.run(["ip", *arguments], check=check, capture_output=True, text=True)


@pytest.fixture(scope="module")
def hosts():
    """Two network namespaces that see each other over a cable: as much of two machines as one can make."""
    if shutil.which("ip") is None or ip("netns", "add", "tts-a", check=False).returncode:
        pytest.skip("network namespaces need iproute2 and root")
    try:
        ip("netns", "add", "tts-b")
        ip("link", "add", "tts-va", "type", "veth", "peer", "name", "tts-vb")
        for host, address in HOSTS.items():
            ip("link", "set", f"tts-v{host}", "netns", f"tts-{host}")
            ip("-n", f"tts-{host}", "addr", "add", f"{address}/24", "dev", f"tts-v{host}")
            for device in ("lo", f"tts-v{host}"):
                ip("-n", f"tts-{host}", "link", "set", device, "up")
        yield HOSTS
    finally:
        for host in HOSTS:
            ip("netns", "del", f"tts-{host}", check=False)


def start(command, cwd, log, prefix=(), **environment):
    with (cwd / log).open("w") as told:
        return subprocess.Popen([*prefix, sys.executable, *command], cwd=cwd, stdout=told, stderr=subprocess.STDOUT,
                                env={**os.environ, **environment}, start_new_session=True)  # fmt: skip


def on_two_hosts(arguments, cwd):
    """Start one process on each host and return them."""
    launch = [*LAUNCH, "--num_machines", "2", "--main_process_ip", HOSTS["a"], "--main_process_port", free_port()]
    return [
        start(
            [*launch, "--machine_rank", str(rank), str(CHECKOUT / "tests/distributed_finetune.py"), *arguments], cwd,
            f"{host}.log", ["ip", "netns", "exec", f"tts-{host}"], GLOO_SOCKET_IFNAME=f"tts-v{host}",
        )
        for rank, host in enumerate(HOSTS)
    ]  # fmt: skip


def arguments_of(voice_folder, *more):
    return [
        "data=folder",
        f"data.path={voice_folder}",
        *FAST,
        "accelerator.cpu=true",
        "evaluation.n_test_sentences=1",
        *more,
    ]


def stop(processes):
    """Kill what is left, the launchers' own processes first: they are in groups of their own."""
    for process in processes:
        if process.poll() is None:
            below = [found for rank in (0, 1) if (found := process_of_rank(rank, process)) is not None]
            for number in (*below, process.pid):
                os.kill(number, signal.SIGKILL)
            process.wait()


def test_two_hosts_train_to_the_weights_of_one_with_two_processes(hub, voice_folder, tmp_path, hosts):
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir(), two.mkdir()
    arguments = arguments_of(voice_folder)
    command = [
        *LAUNCH,
        "--num_machines",
        "1",
        "--main_process_port",
        free_port(),
        str(CHECKOUT / "tests/distributed_finetune.py"),
    ]
    alone = start([*command, *arguments], one, "log")
    assert alone.wait(timeout=280) == 0, (one / "log").read_text()[-3000:]
    processes = on_two_hosts(arguments, two)
    try:
        codes = [process.wait(timeout=280) for process in processes]
    finally:
        stop(processes)
    assert codes == [0, 0], "".join((two / f"{host}.log").read_text()[-2000:] for host in HOSTS)
    digests = [{file.name: file.read_text() for file in folder.glob("weights-*")} for folder in (one, two)]
    assert digests[0] == digests[1] and len(digests[0]) == 2 and len(set(digests[0].values())) == 1


def process_of_rank(rank, launcher):
    """Return the id of the process below `launcher` that was started as this rank."""
    parent_of, ranked = {}, []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent_of[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if f"RANK={rank}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                ranked.append(int(folder.name))
        except OSError:  # it is gone, or somebody else's
            continue

    def is_below(process):
        return process == launcher.pid or (process in parent_of and is_below(parent_of[process]))

    return next((process for process in ranked if is_below(process)), None)


def checkpointed(cwd, processes):
    deadline = time.monotonic() + 240
    while not list(cwd.glob("outputs/finetune/checkpoints/step_*")) and time.monotonic() < deadline:
        assert all(process.poll() is None for process in processes)
        time.sleep(0.1)


@pytest.mark.parametrize("where", ["one host", "two hosts"])
def test_a_lost_process_ends_the_run_soon_and_is_named(hub, voice_folder, tmp_path, hosts, where):
    arguments = arguments_of(voice_folder, "schedule.max_steps=100000", "schedule.eval_every=100000")
    if where == "one host":
        command = [
            *LAUNCH,
            "--num_machines",
            "1",
            "--main_process_port",
            free_port(),
            str(CHECKOUT / "train/finetune.py"),
        ]
        processes = [start([*command, *arguments], tmp_path, "a.log")]
    else:
        processes = on_two_hosts(arguments, tmp_path)
    try:
        checkpointed(tmp_path, processes)
        lost = process_of_rank(1, processes[-1])
        assert lost is not None
        os.kill(lost, signal.SIGKILL)
        started = time.monotonic()
        codes = [process.wait(timeout=90) for process in processes]
    finally:
        stop(processes)
    assert all(codes) and time.monotonic() - started < 90
    told = (tmp_path / ("a.log" if where == "one host" else "b.log")).read_text()
    assert re.search(r"rank\s*: 1 \(local_rank: [01]\)", told) and "Signal 9 (SIGKILL)" in told, told[-3000:]
    if where == "two hosts":
        assert "error: process 0 lost another process of this run" in (tmp_path / "a.log").read_text()
    assert list((tmp_path / "outputs/finetune/checkpoints").glob("step_*"))


def test_submitit_runs_a_sweep(hub, voice_folder, tmp_path):
    """Two jobs through hydra-submitit-launcher's local executor: the launcher that Slurm users name differs in a word."""
    command = [
        str(CHECKOUT / "train/finetune.py"), "--multirun", "hydra/launcher=submitit_local", "hydra.launcher.cpus_per_task=1",
        "hydra.launcher.timeout_min=10", "data=folder", f"data.path={voice_folder}", *FAST, "evaluation.n_test_sentences=1",
        "optimizer.lr=0.001,0.0001", "output_dir=outputs/lr_${optimizer.lr}",
    ]  # fmt: skip
    done = subprocess.run([sys.executable, *command], cwd=tmp_path, capture_output=True, text=True, timeout=290)
    assert done.returncode == 0, done.stderr[-3000:]
    scores = [json.loads((tmp_path / f"outputs/lr_{lr}/summary.json").read_text()) for lr in ("0.001", "0.0001")]
    assert all(score["systems"]["finetuned"]["n_scored"] == 1 for score in scores)
