import os
import re
import signal
import subprocess
import sys
import time
from importlib.metadata import entry_points

import pytest

from tts_toolkit import cli
from tts_toolkit.cli import quoted


@pytest.mark.parametrize(
    "text",
    ["Hello there.", "Hello, you (two)!", "it's", "'quoted'", 'say "hi"', "back\\slash", "ends with \\", "\\' both",
     "42", "null", "true", "a=b", "[x]", "${oc.env:HOME}", "æøå €5", "", "tab\there", "{a: 1}", "x,y,z", "trailing '"],
)  # fmt: skip
def test_free_text_reaches_the_recipe_to_the_letter(text):
    from hydra import compose, initialize_config_module

    with initialize_config_module("tts_toolkit.conf", version_base="1.3"):
        cfg = compose("synthesize", overrides=[quoted(f"text={text}", ("text",))])
    assert cfg.text == text


@pytest.mark.parametrize(
    ("argument", "expected"),
    [("data.path=plain/path", "data.path=plain/path"), ("data.path=my (2)", "data.path='my (2)'"),
     ("experiment=demo", "experiment=demo"), ("schedule.max_steps=5", "schedule.max_steps=5"),
     ("--help", "--help"), ("freeze=[a,b]", "freeze=[a,b]"), ("data.path=años", "data.path='años'")],
)  # fmt: skip
def test_other_options_keep_hydras_grammar_where_it_takes_them(argument, expected):
    assert quoted(argument, ("text",)) == expected


@pytest.mark.parametrize(
    ("argument", "config", "expected"),
    [("encoder=null", "prepare", ["~encoder"]), ("asr=null", "prepare", []), ("raw=null", "prepare", ["raw=null"]),
     ("judge=null", "benchmark", ["~judge"]), ("encoder=xvector", "prepare", ["encoder=xvector"])],
)  # fmt: skip
def test_a_group_can_be_null(argument, config, expected):
    assert cli.without_group(argument, config) == expected
    from hydra import compose, initialize_config_module

    with initialize_config_module("tts_toolkit.conf", version_base="1.3"):
        compose(config, overrides=expected)


HEAVY = {
    "torch",
    "transformers",
    "numpy",
    "speechbrain",
    "datasets",
    "accelerate",
    "evaluate",
    "soundfile",
    "matplotlib",
}
COMMANDS = sorted(e.value for e in entry_points(group="console_scripts") if e.value.startswith("tts_toolkit."))


@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_heavy_is_imported_for_help(command):
    """`--help` and `import tts_toolkit` must not load torch: checked by the modules, not by the clock."""
    module, function = command.split(":")
    code = (
        f"import sys, {module}; sys.argv = ['x', '--help']\n"
        f"try: {module}.{function}()\n"
        f"except SystemExit: pass\nprint(sorted({HEAVY} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert re.search(r"^\[\]$", done.stdout, re.MULTILINE), done.stdout[-300:]


def test_every_command_is_looked_at():
    assert len(COMMANDS) == 14


def test_every_command_takes_sigterm_as_ctrl_c(capsys):
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as exit_:
        cli._run(lambda cfg: os.kill(os.getpid(), signal.SIGTERM) or time.sleep(5), {})
    assert exit_.value.code == 130 and capsys.readouterr().err == "error: interrupted\n"
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_full_gpu_is_told_with_what_to_do(capsys):
    import torch

    def recipe(cfg):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    with pytest.raises(SystemExit) as exit_:
        cli._run(recipe, {})
    assert exit_.value.code == 1 and "lower loader.max_frames" in capsys.readouterr().err


HOLD = """
import sys, time
from tts_toolkit import cli
cli._run(lambda cfg: (print("held", flush=True), time.sleep(float(sys.argv[2]))), {"output_dir": sys.argv[1]})
"""


def test_two_runs_do_not_write_into_one_folder(tmp_path, capsys, monkeypatch):
    first = subprocess.Popen([sys.executable, "-c", HOLD, tmp_path / "run", "60"], stdout=subprocess.PIPE, text=True)
    try:
        assert first.stdout.readline() == "held\n"
        monkeypatch.chdir(tmp_path)
        done = []
        with pytest.raises(SystemExit) as exit_:
            cli._run(done.append, {"output_dir": "run"})
        assert exit_.value.code == cli.EXIT_USER_ERROR and not done
        assert "error: output_dir=run: another run is writing there" in capsys.readouterr().err
        cli._run(done.append, {"output_dir": "other"})
        monkeypatch.setenv("RANK", "1")  # helps the run that has it
        cli._run(done.append, {"output_dir": "run"})
        monkeypatch.delenv("RANK")
    finally:
        first.kill()
        first.wait()
    cli._run(done.append, {"output_dir": "run"})  # the dead hold nothing
    assert len(done) == 3 and not list(tmp_path.iterdir())
