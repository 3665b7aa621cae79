"""The doctor names what is wrong and what to do, and never shows a token."""

import json
import re
import shlex
import subprocess
import sys
import time
import tomllib
from importlib import metadata

import pytest
from conftest import CHECKOUT
from packaging.requirements import Requirement

import tts_toolkit.doctor as doctor


def by_name(found):
    return {finding.name: finding for finding in found}


def test_this_machine_is_fit_to_run_the_tests():
    found = by_name(doctor.findings())
    assert found["python"].status == "ok" and found["torch"].status == "ok" and found["audio files"].status == "ok"
    assert not [finding for finding in found.values() if finding.status == "fail"]
    assert all(finding.fix for finding in found.values() if finding.status == "fail")


def test_json_is_for_programs():
    done = subprocess.run([sys.executable, "-m", "tts_toolkit.doctor", "--json"], capture_output=True, text=True)
    rows = json.loads(done.stdout)
    assert done.returncode == 0 and {"name", "status", "found", "fix"} == set(rows[0])
    assert "torch" in {row["name"] for row in rows}


def with_versions(monkeypatch, **versions):
    real = metadata.version

    def version(name):
        found = versions.get(name.replace("-", "_"), real(name))
        if found is None:
            raise metadata.PackageNotFoundError(name)
        return found

    monkeypatch.setattr(metadata, "version", version)


BAD = [
    ({"torch": "2.15.0"}, "torch with torchaudio", "fail", "pip install 'torch<2.15'"),
    ({"torch": "2.13.0"}, "torch", "warn", "pip install 'torch==2.14.*'"),
    ({"transformers": "4.40.0"}, "transformers", "fail", "pip install 'transformers<6,>=5.20'"),
    ({"jiwer": None}, "jiwer", "fail", "pip install 'jiwer<5,>=4'"),
    ({"pocketsphinx": None}, "pocketsphinx", "warn", "pip install 'pocketsphinx>=5.1'"),
]  # fmt: skip


@pytest.mark.parametrize(("versions", "name", "status", "fix"), BAD)
def test_known_bad_versions_come_with_their_fix(monkeypatch, versions, name, status, fix):
    with_versions(monkeypatch, **versions)
    found = [finding for finding in doctor.findings() if finding.name == name and finding.status != "ok"]
    assert (found[0].status, found[0].fix) == (status, fix)


def test_a_gpu_is_described_with_the_precision_it_trains_in(monkeypatch):
    monkeypatch.setattr(
        doctor, "_run", lambda *command: "NVIDIA H100, 81559 MiB, 9.0, 550.1\nTesla T4, 15360 MiB, 7.5, 550.1\n"
    )
    first, second = doctor.devices()
    assert "mixed_precision=bf16" in first.found and "mixed_precision=fp16" in second.found


def test_little_room_is_a_warning(monkeypatch):
    monkeypatch.setattr(doctor, "_memory", lambda: 10**9)
    found = by_name(doctor.room())["memory"]
    assert found.status == "warn" and "loader.max_frames" in found.fix and "microsoft/speecht5_tts" in found.found


def test_room_is_that_of_the_chosen_recipe_and_of_its_gpu(monkeypatch):
    usual, more, small = doctor.need(), doctor.need(["loader.max_frames=24000"]), doctor.need(["experiment=demo"])
    assert small.name == "speecht5-mini" and small.memory_bytes < usual.memory_bytes / 2 < more.memory_bytes / 3
    assert doctor.need(["schedule.save_total_limit=9"]).disk_bytes > 2 * usual.disk_bytes
    monkeypatch.setattr(doctor, "_run", lambda *command: "4000\n80000\n")
    found = by_name(doctor.room(["loader.max_frames=24000"]))
    assert (
        found["GPU memory"].status == "warn" and by_name(doctor.room(["experiment=demo"]))["GPU memory"].status == "ok"
    )


def test_a_hub_that_refuses_is_told_as_such(monkeypatch, capsys):
    from huggingface_hub import constants

    def refuse(address):
        raise ConnectionRefusedError("no")

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(doctor, "_answers", refuse)
    (finding,) = doctor.hub()
    assert "does not answer (ConnectionRefusedError)" in finding.found and "Traceback" not in capsys.readouterr().err


def test_a_hub_that_does_not_answer_is_told_in_time(monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(doctor, "_answers", lambda address: time.sleep(60))
    started = time.monotonic()
    (finding,) = doctor.hub()
    assert finding.status == "warn" and "does not answer (TimeoutError)" in finding.found
    assert "experiment=offline" in finding.fix
    assert time.monotonic() - started < 30


def test_a_check_that_breaks_is_a_finding_itself(monkeypatch):
    def broken():
        raise RuntimeError("no such thing")
        yield

    monkeypatch.setattr(doctor, "CHECKS", (broken, doctor.system))
    found = list(doctor.findings())
    assert found[0].status == "warn" and "no such thing" in found[0].found and found[1].name == "python"


def test_the_token_is_never_shown(monkeypatch, capsys):
    import huggingface_hub
    from huggingface_hub import constants

    class Api:
        def __init__(self, token):
            pass

        def whoami(self, cache):
            return {"name": "somebody", "auth": {"accessToken": {"role": "read"}}}

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: "hf_secret")
    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    monkeypatch.setattr(doctor, "_answers", lambda address: None)
    monkeypatch.setattr(sys, "argv", ["tts-doctor"])
    with pytest.raises(SystemExit):
        doctor.main()
    out = capsys.readouterr().out
    assert "of somebody, role read  ->  a write token, to push" in out and "hf_secret" not in out


@pytest.mark.parametrize(("rights", "status", "told"), [
    (["repo.content.read"], "warn", "role fineGrained (repo.content.read)"), ([], "warn", "no rights to repositories"),
    (["repo.content.read", "repo.write"], "ok", "repo.content.read, repo.write"),
])  # fmt: skip
def test_a_fine_grained_token_is_told_by_its_rights(monkeypatch, rights, status, told):
    about = {"role": "fineGrained", "fineGrained": {"scoped": [{"entity": {"name": "me"}, "permissions": rights}]}}

    import huggingface_hub
    from huggingface_hub import constants

    class Api:
        def __init__(self, token):
            pass

        def whoami(self, cache):
            return {"name": "me", "auth": {"accessToken": about}}

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: "hf_secret")
    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    monkeypatch.setattr(doctor, "_answers", lambda address: None)
    found = by_name(doctor.hub())["hub token"]
    assert found.status == status and told in found.found


def test_the_disk_is_that_of_the_run(monkeypatch, tmp_path):
    asked = []
    usage = doctor.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda folder: asked.append(folder) or usage)
    list(doctor.room([f"output_dir={tmp_path / 'not/yet'}"]))
    assert asked == [tmp_path]


def test_remedies_name_packages_that_there_are():
    """The toolkit's own name is in no index: whoever took it would be installed by whoever pastes such a line."""
    from tts_toolkit.hub.packaged import install_command

    for folder, pattern in (("tts_toolkit", "*.py"), ("train", "*.py"), ("eval", "*.py"), ("conf", "*.yaml"),
                            ("docs", "*.md"), (".", "*.md"), ("benchmarks", "*.py")):  # fmt: skip
        files = list((CHECKOUT / folder).rglob(pattern) if folder != "." else (CHECKOUT).glob(pattern))
        assert files
        found = [
            file
            for file in files
            if re.search(r"tts[-_]toolkit\[|pip install ['\"]?tts[-_]toolkit\b", file.read_text())
        ]
        assert not found, found
    extras = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for extra in ("offline", "quality", "uroman", "raw", "sweep", "corpora"):
        command = shlex.split(install_command(extra))
        assert command[:2] == ["pip", "install"]
        wanted = {Requirement(line) for line in extras[extra]}
        assert {(r.name, r.specifier) for r in map(Requirement, command[2:])} == {(r.name, r.specifier) for r in wanted}
    with pytest.raises(ValueError, match="no extra 'nothing'"):
        install_command("nothing")
