"""Checks of this machine for a run: versions, devices, codecs, programs, the hub, disk and memory.

Nothing heavy is imported: a finding comes from package metadata, the system's files and short commands.

tts-doctor [--json] [options of tts-finetune, whose run the disk and the memory are checked for]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from tts_toolkit.assets import asset_path
from tts_toolkit.nn.devices import system_memory_bytes

Status = Literal["ok", "warn", "fail"]
GIB = 2**30
TIMEOUT_SECONDS = 2  # of a command, or of a request to the hub
SPEECHT5_PARAMETERS = 144_400_000  # of microsoft/speecht5_tts
BYTES_TO_TRAIN = 16  # per parameter: weights, gradients and Adam's two moments in float32
BYTES_OF_A_CHECKPOINT = 12  # per parameter: weights and moments
BYTES_OF_A_FRAME = 360_000  # of a batch: SpeechT5's activations for the backward pass
CHECKPOINTS = (
    "microsoft/speecht5_tts",
    "microsoft/speecht5_hifigan",
    "speechbrain/spkrec-xvect-voxceleb",
    "speechbrain/spkrec-ecapa-voxceleb",
    "suno/bark-small",
    "facebook/mms-tts-eng",
)


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    name: str
    status: Status
    found: str
    fix: str = ""


def findings(recipe: Sequence[str] = ()) -> Iterator[Finding]:
    """Yield the findings, check by check; a check that raises is itself a finding.

    `recipe` are options of tts-finetune, for whose run disk and memory are checked.
    """

    def room_for_it() -> Iterator[Finding]:
        return room(recipe)

    for check in (*CHECKS, room_for_it):
        try:
            yield from check()
        except Exception as error:  # an error of one check must not hide the others
            yield Finding(check.__name__, "warn", f"could not be checked ({type(error).__name__}: {error})")


def system() -> Iterator[Finding]:
    """Report Python and the system; older Pythons cannot install the toolkit."""
    yield Finding("python", "ok", f"{platform.python_version()} on {platform.system()} {platform.machine()}")


def packages() -> Iterator[Finding]:
    """Check every dependency against the range that the toolkit declares."""
    from packaging.requirements import Requirement

    for line in metadata.requires("tts-toolkit") or []:
        requirement = Requirement(line)
        extra = re.search(r"extra == ['\"](\w+)['\"]", str(requirement.marker or ""))
        if extra and extra[1] not in ("offline",):
            continue
        try:
            found = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            fix = f"pip install '{requirement.name}{requirement.specifier}'"
            yield Finding(requirement.name, "warn" if extra else "fail", "not installed", fix)
            continue
        if requirement.specifier.contains(found.split("+")[0], prereleases=True):
            yield Finding(requirement.name, "ok", found)
        else:
            fix = f"pip install '{requirement.name}{requirement.specifier}'"
            yield Finding(requirement.name, "fail", f"{found}, required {requirement.specifier}", fix)


def known_bad() -> Iterator[Finding]:
    """Check combinations that install and then fail at import or at exit."""
    torch, torchaudio = _version("torch"), _version("torchaudio")
    if torch and torchaudio and torch >= (2, 15) and torchaudio < (2, 12):
        yield Finding(
            "torch with torchaudio",
            "fail",
            "torch is built for another CUDA than torchaudio 2.11, which refuses to load",
            "pip install 'torch<2.15'",
        )
    elif torch == (2, 13):
        yield Finding(
            "torch", "warn", "2.13 can hang at the end of training on several processes", "pip install 'torch==2.14.*'"
        )
    else:
        yield Finding("torch with torchaudio", "ok", "no combination that is known to break")


def _version(package: str) -> tuple[int, int] | None:
    try:
        major, minor, *_ = metadata.version(package).split(".")
    except metadata.PackageNotFoundError:
        return None
    return int(major), int(minor)


def devices() -> Iterator[Finding]:
    """Check GPUs, and the training precision of them or of the processor."""
    output = _run("nvidia-smi", "--query-gpu=name,memory.total,compute_cap,driver_version", "--format=csv,noheader")
    if output:
        for number, line in enumerate(output.strip().splitlines()):
            name, memory, capability, driver = (part.strip() for part in line.split(","))
            precision = "bf16" if float(capability) >= 8 else "fp16"
            yield Finding(f"GPU {number}", "ok", f"{name}, {memory}, driver {driver}: mixed_precision={precision}")
        return
    flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    bf16 = (
        "bf16 in hardware"
        if "avx512_bf16" in flags or "amx_bf16" in flags
        else "no bf16 in hardware: mixed_precision=no"
    )
    yield Finding(
        "GPU",
        "warn",
        f"none; {os.cpu_count()} CPUs, {bf16}",
        "the built-in models train on a CPU; SpeechT5 needs a GPU",
    )


def codecs() -> Iterator[Finding]:
    """Check the readable audio formats."""
    import soundfile

    missing = [name for name in ("WAV", "FLAC", "OGG", "MP3") if name not in soundfile.available_formats()]
    version = soundfile.__libsndfile_version__
    if missing:
        yield Finding(
            "audio files", "warn", f"libsndfile {version} reads no {', '.join(missing)}", "pip install -U soundfile"
        )
    else:
        yield Finding("audio files", "ok", f"libsndfile {version}: WAV, FLAC, OGG, MP3")


def programs() -> Iterator[Finding]:
    """Check programs that some systems need."""
    from tts_toolkit.hub.packaged import install_command

    for program, purpose, package in (
        ("espeak-ng", "the baseline system, and VITS checkpoints that read phonemes", "apt-get install espeak-ng"),
        ("ffmpeg", "the human voice of `make human-voice` (G.722)", "apt-get install ffmpeg"),
    ):
        if shutil.which(program):
            yield Finding(program, "ok", shutil.which(program) or "")
        else:
            yield Finding(program, "warn", f"missing: {purpose}", package)
    try:
        yield Finding("uroman", "ok", metadata.version("uroman"))
    except metadata.PackageNotFoundError:
        yield Finding("uroman", "warn", "missing: MMS in languages read romanized", install_command("uroman"))


def verifier_weights() -> Iterator[Finding]:
    """Check the packaged speaker verifier by its hash."""
    from tts_toolkit.hub.packaged import GE2E_INSTALL as install
    from tts_toolkit.hub.packaged import GE2E_SHA256, packaged_file
    from tts_toolkit.system.errors import UserError

    try:
        packaged_file("resemblyzer", "pretrained.pt", GE2E_SHA256, install)
        yield Finding("packaged speaker verifier", "ok", "GE2E weights, hash as published")
    except UserError as error:
        yield Finding("packaged speaker verifier", "warn", str(error).splitlines()[0], install)


def hub() -> Iterator[Finding]:
    """Check that the hub answers, and the rights of the token, which is never printed."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        yield Finding("hub", "warn", "HF_HUB_OFFLINE is set: only cached checkpoints load", "unset HF_HUB_OFFLINE")
        return
    from huggingface_hub import HfApi, get_token

    from tts_toolkit.hub.snapshots import explained

    try:
        _in_time(lambda: _answers(constants.ENDPOINT))
    except Exception as error:
        without = "check the network and its proxy; without a hub, experiment=offline uses the built-in models"
        yield Finding("hub", "warn", f"does not answer ({type(error).__name__}): only cached checkpoints load", without)
        return
    yield Finding("hub", "ok", "answers")
    token = get_token()
    if token is None:
        yield Finding("hub token", "warn", "none: public checkpoints load, nothing can be pushed", "hf auth login")
        return
    try:
        who = _in_time(lambda: HfApi(token=token).whoami(cache=True))
    except Exception as error:
        yield Finding("hub token", "warn", f"refused ({type(error).__name__}: {explained(error)})", "hf auth login")
        return
    about = who.get("auth", {}).get("accessToken", {})
    role = about.get("role", "unknown")
    scopes = {right for entity in about.get("fineGrained", {}).get("scoped", ()) for right in entity["permissions"]}
    status: Status = "ok" if role == "write" or "repo.write" in scopes else "warn"
    if role == "fineGrained":
        role += f" ({', '.join(sorted(scopes)) or 'no rights to repositories'})"
    yield Finding(
        "hub token", status, f"of {who.get('name')}, role {role}", "" if status == "ok" else "a write token, to push"
    )


def _answers(address: str) -> None:
    with contextlib.suppress(urllib.error.HTTPError):  # is an answer too
        urllib.request.urlopen(urllib.request.Request(address, method="HEAD"), timeout=TIMEOUT_SECONDS).close()


def _in_time(call: Callable[[], Any]) -> Any:
    """Return the result of `call`, or raise its error, or TimeoutError: name resolution has no timeout."""
    answer: Future[Any] = Future()

    def ask() -> None:
        try:
            answer.set_result(call())
        except Exception as error:
            answer.set_exception(error)

    threading.Thread(target=ask, daemon=True).start()
    return answer.result(TIMEOUT_SECONDS)


def cached_checkpoints() -> Iterator[Finding]:
    """Check for the usual checkpoints on disk."""
    from huggingface_hub import constants

    cache = Path(constants.HF_HUB_CACHE)
    have = [c for c in CHECKPOINTS if (cache / f"models--{c.replace('/', '--')}" / "snapshots").is_dir()]
    missing = [c for c in CHECKPOINTS if c not in have]
    status: Status = "ok" if have else "warn"
    found = f"{len(have)} of {len(CHECKPOINTS)}" + (f"; not {', '.join(missing)}" if missing else "")
    yield Finding("cached checkpoints", status, found, "" if have else "they are downloaded on first use")


@dataclass(frozen=True)
class Need:
    """Approximate resources of a fine-tune."""

    name: str  # of the base model
    disk_bytes: int  # checkpoints and features
    memory_bytes: int  # of the device that trains
    folder: Path = Path()  # the output folder


def need(recipe: Sequence[str] = ()) -> Need:
    """Return the resources of a fine-tune with these options; raises Hydra's errors for unknown options."""
    from hydra import compose, initialize_config_module

    with initialize_config_module("tts_toolkit.conf", version_base="1.3"):
        cfg = compose("finetune", overrides=list(recipe))
    name = str(cfg.base_model.get("source", "speecht5-mini"))
    file = asset_path(name) / "model.safetensors"
    n_parameters = file.stat().st_size // 2 if file.is_file() else SPEECHT5_PARAMETERS
    share = n_parameters / SPEECHT5_PARAMETERS  # also of the activations
    return Need(
        name,
        (cfg.schedule.save_total_limit + 1) * n_parameters * BYTES_OF_A_CHECKPOINT + GIB,
        int(n_parameters * BYTES_TO_TRAIN + share * cfg.loader.max_frames * BYTES_OF_A_FRAME) + GIB,
        Path(cfg.output_dir),
    )


def room(recipe: Sequence[str] = ()) -> Iterator[Finding]:
    """Check disk and memory, the GPU's where there is one, against a fine-tune with these options."""
    wanted = need(recipe)
    there = next(folder for folder in (wanted.folder.absolute(), *wanted.folder.absolute().parents) if folder.exists())
    free = shutil.disk_usage(there).free
    yield _enough("disk", free, wanted.disk_bytes, wanted, "free some, or set output_dir and cache_dir elsewhere")
    of_gpu = _run("nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits").split()
    have = min(map(int, of_gpu)) * 2**20 if of_gpu else _memory()
    if have is not None:
        fix = "lower loader.max_frames, or freeze parts of the model"
        yield _enough("GPU memory" if of_gpu else "memory", have, wanted.memory_bytes, wanted, fix)


def _enough(name: str, have: int, need_bytes: int, wanted: Need, fix: str) -> Finding:
    found = f"{have / GIB:.1f} GiB, fine-tuning {wanted.name} needs about {need_bytes / GIB:.1f}"
    return Finding(name, "ok" if have >= need_bytes else "warn", found, "" if have >= need_bytes else fix)


def _memory() -> int | None:
    return system_memory_bytes("MemAvailable")


def _run(*command: str) -> str:
    if shutil.which(command[0]) is None:
        return ""
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
    return done.stdout if done.returncode == 0 else ""


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    system, packages, known_bad, devices, codecs, programs, verifier_weights, hub, cached_checkpoints,
)  # fmt: skip
MARKS = {"ok": "OK  ", "warn": "warn", "fail": "FAIL"}


def main() -> None:
    """Print the findings, or JSON with --json; exit with status 1 when something fails."""
    parser = argparse.ArgumentParser(prog="tts-doctor", description="Check this machine for a run.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("recipe", nargs="*", help="options of tts-finetune, to check the room for its run")
    options = parser.parse_args()
    found = []
    for finding in findings(options.recipe):
        found.append(finding)
        if not options.json:
            print(
                f"{MARKS[finding.status]}  {finding.name}: {finding.found}"
                + (f"  ->  {finding.fix}" if finding.fix else "")
            )
    if options.json:
        print(json.dumps([asdict(finding) for finding in found], indent=2))
    sys.exit(1 if any(finding.status == "fail" for finding in found) else 0)


if __name__ == "__main__":
    main()
