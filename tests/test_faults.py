"""Every fault of a user's or a machine's making, by area: how many there are, and those of the disk, which are real."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import test_cli
import test_damaged
import test_faults_models
import test_pipeline_stages
import test_recipes
import test_similarity
import test_sources
import test_test_sets
from conftest import CHECKOUT

# Tables of faults, each entry of which is a test elsewhere in this folder, and how many an area has at least.
TABLES = {
    "audio": (test_recipes.BAD_CLIPS, test_pipeline_stages.FAULTS),
    "manifests": (test_sources.FAULTS, test_test_sets.MISTAKES),
    "configs": (test_recipes.MISTAKES, test_cli.MISTAKES),
    "damaged files": (test_damaged.CASES,),
    "hyperparameters": (test_faults_models.BOMBS,),
    "checkpoints and embeddings": (
        test_faults_models.VOICES,
        test_faults_models.EVIL,
        test_similarity.EMBEDDING_FAULTS,
    ),
    "hub": (test_faults_models.HUB_FAULTS,),
}
AT_LEAST = {
    "audio": 10,
    "manifests": 20,
    "configs": 70,
    "damaged files": 300,
    "hyperparameters": 20,
    "checkpoints and embeddings": 20,
    "hub": 10,
}


def test_every_area_has_its_faults():
    counts = {area: sum(map(len, tables)) for area, tables in TABLES.items()}
    assert all(counts[area] >= least for area, least in AT_LEAST.items()), counts
    assert sum(counts.values()) + len(DISK_FAULTS) >= 90


TRAIN = ["train/finetune.py", "data=folder", "data.path=VOICE", *test_recipes.FAST]
SPEAK = ["eval/synthesize.py", "model=speecht5-mini", "voice=slt", "text=hello there", "output=DISK/a.wav"]
EMBED = ["train/embed.py", "data=audio", "data.path=VOICE", "encoder=xvector_mini"]
DISK_FAULTS = {
    "no room for a checkpoint": ("size=200k", [*TRAIN, "output_dir=DISK/run"]),
    "no room for features": ("size=40k", [*TRAIN, "cache_dir=DISK/cache"]),
    "no room for speech": ("size=4k", SPEAK),
    "no room for embeddings": ("size=16k", [*EMBED, "output_dir=DISK/out"]),
    "a run where nothing may be written": ("ro", [*TRAIN, "output_dir=DISK/run"]),
    "speech where nothing may be written": ("ro", SPEAK),
    "embeddings where nothing may be written": ("ro", [*EMBED, "output_dir=DISK/out"]),
    "a cache where nothing may be written": ("ro", [*TRAIN, "cache_dir=DISK/cache"]),
}


def on_a_disk_of(options, folder, command, **keywords):
    """Run a command that sees a small or read-only disk at `folder`, which nobody else sees."""
    mounted = ["unshare", "-m", "sh", "-c", f'mount -t tmpfs -o {options} none {folder} && exec "$@"', "sh"]
    return subprocess.run([*mounted, *command], capture_output=True, text=True, timeout=250, **keywords)


@pytest.mark.slow
@pytest.mark.parametrize("fault", DISK_FAULTS)
def test_a_disk_that_takes_no_more_is_told_in_a_line(hub, voice_folder, tmp_path, fault):
    disk = tmp_path / "disk"
    disk.mkdir()
    if shutil.which("unshare") is None or on_a_disk_of("size=4k", disk, ["true"]).returncode:
        pytest.skip("a disk of one's own needs root and unshare")
    options, (script, *arguments) = DISK_FAULTS[fault]
    given = [text.replace("VOICE", str(voice_folder)).replace("DISK", str(disk)) for text in arguments]
    done = on_a_disk_of(options, disk, [sys.executable, str(CHECKOUT / script), *given], cwd=tmp_path, env=os.environ)
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert done.returncode == 1 and len(errors) == 1 and "Traceback" not in done.stderr, done.stderr[-2000:]
    told = (
        ("Read-only file system", "may not be written to", "writing")
        if options == "ro"
        else ("No space left", "writing")
    )
    assert any(text in errors[0] for text in told)
    assert not list(Path(disk).iterdir())
