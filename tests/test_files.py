"""Files appear whole or not at all, under names that nobody else has."""

import os
import re
import threading
from pathlib import Path

import pytest

from tts_toolkit.system.files import temporary_name, whole_file, write_whole

PACKAGE = Path(__file__).parents[1]


def test_two_containers_with_equal_process_ids_write_the_same_file(tmp_path, monkeypatch):
    """As on a cache that they share: each moves its own file, at the same moment."""
    monkeypatch.setattr(os, "getpid", lambda: 1)
    barrier, replace, faults = threading.Barrier(8), Path.replace, []

    def together(self, target):
        barrier.wait(10)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", together)

    def write(number):
        try:
            write_whole(tmp_path / "a.npy", bytes([number]) * 100_000, durable=False)
        except Exception as error:
            faults.append(error)
            barrier.abort()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    content = (tmp_path / "a.npy").read_bytes()
    assert not faults and len(content) == 100_000 and len(set(content)) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["a.npy"]


def test_a_write_that_fails_leaves_what_was_there(tmp_path):
    write_whole(tmp_path / "a.txt", b"before")
    with pytest.raises(KeyboardInterrupt), whole_file(tmp_path / "a.txt") as temporary:
        temporary.write_bytes(b"half")
        raise KeyboardInterrupt
    assert (tmp_path / "a.txt").read_bytes() == b"before" and len(list(tmp_path.iterdir())) == 1


def test_names_as_long_as_file_systems_take_can_be_written(tmp_path):
    for name in ("x" * 255, "\u00e9" * 127):
        write_whole(tmp_path / name, b"content")
        assert temporary_name(tmp_path / name).name.startswith(".") and (tmp_path / name).read_bytes() == b"content"


def test_nothing_else_in_the_package_makes_names_for_temporary_files():
    """But for the folders of a run, which the lock on its output_dir keeps to one process of one machine."""
    folders = {"training/checkpoints.py", "finetuning/export.py"}
    made = re.compile(r"getpid\(|\.tmp\b|mkstemp|mktemp\(|NamedTemporaryFile")
    files = [file for name in ("tts_toolkit", "train", "eval") for file in (PACKAGE / name).rglob("*.py")]
    found = {file.relative_to(PACKAGE / file.relative_to(PACKAGE).parts[0]).as_posix() for file in files
             if made.search(file.read_text())}  # fmt: skip
    assert len(files) > 100 and found == {"system/files.py"} | folders
