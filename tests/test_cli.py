import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from importlib.metadata import entry_points

import pytest
from conftest import CHECKOUT
from omegaconf import OmegaConf

from tts_toolkit import cli
from tts_toolkit.cli import quoted
from tts_toolkit.command_line import own_groups
from tts_toolkit.system.formatting import n_of


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


OPTIONAL = {"finetune": ("asr", "speaker_verifier"), "embed": ("encoder",), "prepare": ("encoder", "asr"), "benchmark": ("speaker_verifier", "metrics"),
            "score": ("speaker_verifier", "metrics")}  # fmt: skip


def invoke(config, arguments, monkeypatch, capsys, free_text=("text",)):
    """Run a command whose recipe keeps its configuration: return the exit status, standard error and what it got."""
    from hydra.core.global_hydra import GlobalHydra

    kept = []
    monkeypatch.setattr(sys, "argv", ["tts-command", *arguments])
    GlobalHydra.instance().clear()
    status = 0
    try:
        cli.command(config, kept.append, free_text, OPTIONAL.get(config, ()))
    except SystemExit as exit_:
        status = exit_.code or 0
    return status, capsys.readouterr().err, kept


HYDRAS_OWN = re.compile(
    r"hydra(?!\.\w|/\w)|To append|Config search path|full_key|LexerNoViable|Error executing|Traceback|struct|usage:",
    re.IGNORECASE,
)
MISTAKES = {  # what is typed, and what the one line says
    "max_steps=10": "max_steps=10: there is no such setting; did you mean schedule.max_steps=10?",
    "+max_steps=10": "did you mean schedule.max_steps=10?",
    "++max_steps=10": "did you mean schedule.max_steps=10?",
    "schedule.max_stepz=5": "did you mean schedule.max_steps=5?",
    "lr=1e-4": "did you mean optimizer.lr=1e-4?",
    "model=x": "did you mean base_model=x?",
    "evaluation.nsentences=1": "did you mean evaluation.n_sentences=1?",
    "nothing_like_it=1": "there is no such setting; --help lists them",
    "++x=1": "there is no such setting",
    "~nothing": "~nothing: there is no such setting",
    "~seed": "a setting cannot be removed",
    "~schedule.max_steps": "a setting cannot be removed",
    "+seed=3": "leave out the +: seed=3",
    "+experiment=demo": "leave out the +: experiment=demo",
    "+data=folder": "leave out the +: data=folder",
    "data.dataset_name=a/b": "data=hub has: data=hub data.dataset_name=a/b",
    "data=foldr": "did you mean data=folder? allowed are folder, asterisk",
    "data=demo,folder": "takes one choice; --multirun runs several",
    "limits=5": "limits holds settings of its own, given as limits.NAME=VALUE",
    "decoding=null": "decoding=null: the command needs one",
    "data={a:1": "there is no '{a:1'",
    "speaker_verifier=none": "there is no 'none'; allowed are ecapa, ge2e, wavlm_sv",
    "speaker_verifier@x=ecapa": "did you mean speaker_verifier=ecapa?",
    "data/inner=x": "there is no such setting",
    "experiment=nope": "there is no 'nope'; allowed are demo",
    "experiment=dmo": "did you mean experiment=demo?",
    "my_recordings": "settings are given as KEY=VALUE; did you mean data.path=my_recordings?",
    "x y=3": "settings are given as KEY=VALUE",
    "=3": "settings are given as KEY=VALUE",
    'data.path="x': "the quotation mark is not closed",
    "data.path='x": "the quotation mark is not closed",
    "name='": "the quotation mark is not closed",
    "seed=1,2": "a list is seed=[1,2]",
    "seed=range(1,3)": "--multirun runs each in turn",
    "seed=": "a whole number is wanted, such as 0",
    "seed=[1]": "a whole number is wanted, such as 0",
    "freeze=[a": "a list is wanted: freeze=[a]",
    "freeze=a": "a list is wanted: freeze=[a]",
    "speaker.names=anna": "a list is wanted: speaker.names=[anna]",
    "schedule=5": "holds settings of its own, such as schedule.max_steps=...",
    "text=hello": "holds settings of its own, such as text.language=...",
    "schedule=null": "settings of its own are wanted",
    "seed=null": "a whole number is wanted, such as 0",
    "schedule.max_steps=null": "a whole number is wanted, such as 1000",
    "output_dir=null": "a text is wanted",
    "seed=${nope}": "seed: refers to the setting nope, which does not exist",
    "seed=${oc.env:NOT_SET_HERE}": "NOT_SET_HERE",
    "name=${": "the reference is not closed",
    "accelerator.dispatch=true": "is added with +accelerator.dispatch=true",
    "encoder=null": "encoder=null: the command needs one; allowed are ecapa",
    "data=null": "data=null: the command needs one",
    "optimizer=null": "the command needs one; allowed are adamw",
    "~lr_schedule": "lr_schedule=null: the command needs one",
    "base_model=null": "base_model=null: the command needs one",
    "systems=bark": "systems=bark: there is no such setting",
    "speaker_verifier=glob(*)": "there is no 'glob(*)'",
    "hydra/launcher=nothing": "Could not find 'hydra/launcher/nothing'",
    "--max-steps=3": "no such flag; settings have no dashes: max_steps=3",
    "--cfg": "expected one argument",
    "--config-dir=/nowhere/at/all": "--config-dir /nowhere/at/all: no such folder",
    "--config-name=other": "each command has its own configuration",
    "hydra.nothing=1": "hydra.nothing",
    "asr._target_=no.such.Ear": "asr._target_=no.such.Ear: there is no module no; put its folder on the PYTHONPATH, or install it",
    "report._target_=${nothing}": "report._target_: refers to the setting nothing, which does not exist",
}  # fmt: skip


@pytest.mark.parametrize("argument", MISTAKES)
def test_a_mistake_on_the_command_line_is_one_line_of_our_own(argument, monkeypatch, capsys):
    status, told, kept = invoke("finetune", [argument], monkeypatch, capsys, ())
    assert status == 2 and not kept and told.startswith("error: ") and told.count("\n") == 1
    assert MISTAKES[argument] in told and not HYDRAS_OWN.search(told), told


def test_mistakes_in_a_class_or_its_settings_are_one_line(monkeypatch, capsys):
    from hydra.utils import instantiate

    for settings, message in {
        (
            "speaker_verifier._target_=tts_toolkit.no.Such",
        ): "speaker_verifier: Error locating target 'tts_toolkit.no.Such'",
        ("speaker_verifier=ge2e", "+speaker_verifier.source=x"): "unexpected keyword argument 'source'",
    }.items():
        status, told, (cfg,) = invoke("finetune", settings, monkeypatch, capsys)
        assert status == 0
        with pytest.raises(SystemExit) as exit_:
            cli._run(lambda cfg: instantiate(cfg.speaker_verifier), cfg)
        told = capsys.readouterr().err
        assert exit_.value.code == 2 and message in told and told.count("\n") == 1 and not HYDRAS_OWN.search(told)


OWN_EXPERIMENTS = {
    "fine": ("# @package _global_\nschedule: {max_steps: 7}\n", 0, ""),
    "unpacked": ("schedule: {max_steps: 7}\n", 2, "must begin with the line '# @package _global_'"),
    "misplaced": ("# @package _global_\nmax_steps: 7\n", 2, "sets max_steps, and there is no such setting; did you mean schedule.max_steps?"),
    "misspelt": ("# @package _global_\nevaluation: {n_sentence: 7}\n", 2, "did you mean evaluation.n_sentences?"),
    "broken": ("# @package _global_\nschedule: {max_steps: 7\n", 2, "broken.yaml:3: is not YAML"),
    "no_such": ("# @package _global_\ndefaults:\n  - override /speaker_verifier: nobody\n", 2, "speaker_verifier/nobody"),
    "refers": ("# @package _global_\nseed: ${nope}\n", 2, "refers to the setting nope"),
}  # fmt: skip


@pytest.mark.parametrize("name", OWN_EXPERIMENTS)
def test_experiments_of_the_users_own(name, tmp_path, monkeypatch, capsys):
    content, expected, message = OWN_EXPERIMENTS[name]
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / f"{name}.yaml").write_text(content)
    monkeypatch.chdir(tmp_path.parent)
    arguments = [f"experiment={name}", "--config-dir", tmp_path.name]
    status, told, kept = invoke("finetune", arguments, monkeypatch, capsys)
    assert status == expected and message in told and not HYDRAS_OWN.search(told), told
    assert told.count("\n") == bool(expected) and [cfg.schedule.max_steps for cfg in kept] == [7] * (not expected)


def groups():
    return [(config, group) for config in CONFIGS for group in own_groups(config)]


CONFIGS = ("finetune", "embed", "prepare", "synthesize", "benchmark", "score", "coverage", "corpus", "train_encoder",
           "train_vocoder")  # fmt: skip


@pytest.mark.parametrize(("config", "group"), groups())
def test_any_group_of_any_command_may_be_null_or_is_told_to_be_needed(config, group, monkeypatch, capsys):
    needed = own_groups(config)[group] is not None and group not in OPTIONAL.get(config, ())
    others = ["data.path=x"] if config == "embed" and group != "data" else []
    others += ["wavs=x", "texts=y"] if config == "score" else []
    for way in (f"{group}=null", f"~{group}")[: 1 + (config == "finetune")]:
        status, told, kept = invoke(config, [*others, way], monkeypatch, capsys)
        assert (status, len(kept)) == ((2, 0) if needed else (0, 1)), told
        assert not needed or (told.startswith(f"error: {group}=null: the command needs one") and told.count("\n") == 1)
        assert needed or group == "experiment" or kept[0][group] is None


def settings_that_say_null():
    """Settings of the commands with a default of their own, whose comment says what null does."""
    for file in sorted((CHECKOUT / "conf").glob("*.yaml")):
        above = ""
        for indent, key, value, comment in re.findall(r"^( *)(\w+):([^#\n]*)(#.*)?$", file.read_text(), re.MULTILINE):
            above = above if indent else f"{key}."
            if value.strip() not in ("", "null") and re.search(r"\bnull\b", comment):
                yield file.stem, f"{above}{key}" if indent else key


@pytest.mark.parametrize(("config", "key"), [*settings_that_say_null()])
def test_null_is_taken_where_a_comment_offers_it(config, key, monkeypatch, capsys):
    _, told, (cfg,) = invoke(config, [f"{key}=null"], monkeypatch, capsys)
    assert OmegaConf.select(cfg, key) is None, told


def test_a_group_is_null_beside_an_experiment_that_chooses_it(monkeypatch, capsys):
    _, _, (cfg,) = invoke("finetune", ["experiment=demo", "speaker_verifier=null", "asr=null"], monkeypatch, capsys)
    assert cfg.speaker_verifier is None and cfg.asr is None and cfg.encoder.source == "xvector-mini"


def test_what_the_tables_of_optional_groups_say_is_what_the_recipes_say():
    for config, optional in OPTIONAL.items():
        folder = "train" if config in ("finetune", "embed", "prepare") else "eval"
        named = ", ".join(f'"{group}"' for group in optional) + ("," if len(optional) == 1 else "")
        assert f"optional=({named})" in (CHECKOUT / folder / f"{config}.py").read_text()


def test_settings_that_are_right_reach_the_recipe(monkeypatch, capsys):
    arguments = ["base_model=speecht5-mini", "quality_control.thresholds.min_snr_db=null", "+accelerator.dispatch_batches=true",
                 "schedule.max_seconds=null", "data=folder", "data.path=2024", "freeze=[a,b]", "accelerator.log_with=null"]  # fmt: skip
    status, _, (cfg,) = invoke("finetune", arguments, monkeypatch, capsys)
    assert status == 0 and cfg.base_model.source == "speecht5-mini" and cfg.data.path == "2024"
    assert (
        cfg.quality_control.thresholds.min_snr_db is None
        and cfg.accelerator.dispatch_batches
        and cfg.freeze == ["a", "b"]
    )
    for config, given in {"embed": ["data.path=x"], "finetune": [], "score": ["wavs=x", "texts=y"]}.items():
        status, _, (cfg,) = invoke(config, ["experiment=offline", *given], monkeypatch, capsys)
        assert status == 0
        assert "mini" in str(cfg.get("encoder")) or cfg.asr._target_.endswith("offline_recognizer")
    _, _, (cfg,) = invoke("synthesize", ['text="Hello, (you', "voice='x"], monkeypatch, capsys, ("text", "voice"))
    assert (cfg.text, cfg.voice) == ('"Hello, (you', "'x")


def test_help_and_version_are_our_own(monkeypatch, capsys):
    for config in ("finetune", "report"):
        for flag in ("--help", "--version"):
            monkeypatch.setattr(sys, "argv", ["tts-command", flag])
            with contextlib.suppress(SystemExit):
                cli.command(config, lambda cfg: None)
            told = capsys.readouterr().out
            assert told and not HYDRAS_OWN.search(told), told
    assert told.startswith("tts-toolkit ")


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


def test_one_of_a_thing_is_told_as_one():
    assert [n_of(n, "clip") for n in (0, 1, 2, 2000)] == ["0 clips", "1 clip", "2 clips", "2,000 clips"]


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


@pytest.mark.parametrize(
    "module", ["evaluation.compare", "evaluation.aggregation", "evaluation.reaggregate", "evaluation.metrics.words"]
)
def test_what_counts_errors_of_texts_loads_no_library_of_models(module):
    """They take seconds to load, in which a command says nothing."""
    code = f"import sys, tts_toolkit.{module}; print(sorted({{'transformers', 'datasets', 'evaluate'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_opening_models_is_seen_on_a_terminal_and_leaves_no_line_elsewhere(monkeypatch, capfd):
    """It takes ten seconds and more, in which nothing else is said."""
    from tts_toolkit import components as parts
    from tts_toolkit.system import progress

    monkeypatch.setattr(progress, "_looks", lambda: {"delay": 0, "mininterval": 0, "leave": False})
    assert parts.open_parts({"a": lambda: 1, "b": lambda: 2}) == {"a": 1, "b": 2}
    assert "opening models" in capfd.readouterr().err
    monkeypatch.undo()
    parts.open_parts({"a": lambda: 1})
    assert capfd.readouterr().err == ""


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


def test_what_the_hubs_client_warns_of_is_printed_once():
    code = """
import logging
from tts_toolkit import cli
cli._log_to_stderr()
from huggingface_hub.utils import logging as of_the_hub
of_the_hub.get_logger("huggingface_hub.file_download").warning("it is late")
logging.getLogger("tts_toolkit.x").warning("so it is")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.splitlines() == ["it is late", "so it is"]


def test_an_error_of_the_hubs_transport_is_a_line_wherever_it_comes_from(capsys):
    import huggingface_hub.errors as errors

    def recipe(cfg):
        try:
            raise errors.HTTPError("the proxy says 403")
        except errors.HTTPError as error:
            raise RuntimeError("in a library") from error

    with pytest.raises(SystemExit) as exit_:
        cli._run(recipe, {})
    told = capsys.readouterr().err
    assert exit_.value.code == 1 and told.startswith("error: the hub cannot be reached (HTTPError: the proxy says 403)")
    assert told.count("\n") == 1


def test_a_setting_of_hydras_own_is_left_to_hydra(monkeypatch, capsys):
    _, _, configs = invoke("finetune", ["experiment=demo", "hydra.job.name=mine"], monkeypatch, capsys)
    assert [cfg.name for cfg in configs] == ["demo"]
