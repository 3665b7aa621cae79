"""docs/extending.md: its files are written to a folder as they are printed, and its commands run there."""

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from importlib import import_module

import numpy as np
import pytest
import soundfile
import torch
from conftest import CHECKOUT, TINY
from hydra import compose, initialize_config_module
from hydra.utils import instantiate
from pyarrow.parquet import read_table
from safetensors.torch import load_file

from tts_toolkit.assets import ASSETS
from tts_toolkit.models.base import SynthesisRequest
from tts_toolkit.models.speecht5.checkpoint import SpeechSettings, build_speecht5
from tts_toolkit.models.speecht5.decoder import DecoderEngine
from tts_toolkit.models.speecht5.loss import fuse
from tts_toolkit.models.vocoders import vocode
from tts_toolkit.system.errors import UserError
from tts_toolkit.text import languages

PAGE = (CHECKOUT / "docs/extending.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"\n\n((?:[^\n]+\n)+)\n```(\w+)\n(.*?)```", re.DOTALL)
FILES = {
    re.findall(r"`([\w/]+\.(?:py|yaml|toml))`", before)[-1]: text
    for before, language, text in BLOCK.findall(PAGE)
    if language != "bash"
}
COMMANDS = [
    shlex.split(line)
    for block in re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)
    for line in block.replace("\\\n", "").splitlines()
]
MODULES = [name.removesuffix(".py") for name in FILES if name.endswith(".py")]


def command(*words):
    """The only command of the page that has these words, without the assignment before it."""
    (found,) = [line for line in COMMANDS if set(words) <= set(line)]
    return [word for word in found if not word.startswith("PYTHONPATH=")]


def write_takes(folder, n_clips=4):
    """The built-in recordings as takes of two readers, the second of them higher; and a take that is no good."""
    rows = [json.loads(line) for line in (ASSETS / "demo-voice/metadata.jsonl").open()][: 2 * n_clips]
    sheet = ["take;reader;line;verdict"]
    (folder / "takes").mkdir()
    for number, row in enumerate(rows, start=1):
        waveform, rate = soundfile.read(ASSETS / "demo-voice" / row["file_name"])
        reader = "awb" if number <= n_clips else "ben"
        if reader == "ben":
            waveform = np.interp(np.arange(0, len(waveform), 1.3), np.arange(len(waveform)), waveform)
        soundfile.write(folder / f"takes/{number:03d}.flac", waveform, rate)
        sheet.append(f"{number:03d};{reader};{row['text']};good")
    sheet += ["900;awb;Not this one.;too loud", "901;awb;Nobody recorded this.;good"]
    (folder / "sheet.csv").write_text("\n".join(sheet) + "\n")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The files of the page, the recordings that its commands take, and nothing of the checkout."""
    made = tmp_path_factory.mktemp("mine")
    for name, text in FILES.items():
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text(text, encoding="utf-8")
    (made / "sentences.tsv").write_text("a\tthe cat sat on a mat\nb\ta bird sang, loudly\n")
    write_takes(made)
    return made


def install(folder):
    """What `pip install` leaves of the page's pyproject.toml for importlib.metadata."""
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    left = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    left.mkdir(exist_ok=True)
    groups = project["entry-points"].items()
    lines = [line for group, entries in groups for line in (f"[{group}]", *(f"{k} = {v}" for k, v in entries.items()))]
    (left / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    (left / "entry_points.txt").write_text("\n".join(lines) + "\n")


@pytest.fixture
def mine(folder, monkeypatch):
    """The folder as the working directory and on the path, as PYTHONPATH=. puts it there."""
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    yield folder
    for name in MODULES:
        sys.modules.pop(name, None)


@pytest.fixture
def run(mine, monkeypatch, capsys):
    """A command in this process: what it prints."""

    def run(arguments, *more):
        program = arguments[0].removeprefix("tts-")
        part = "eval" if program in ("benchmark", "coverage") else "train"
        monkeypatch.setattr(sys, "argv", [arguments[0], *arguments[1:], *more])
        capsys.readouterr()
        import_module(f"tts_toolkit.{part}.{program}").main()
        return capsys.readouterr().out

    return run


def test_the_page_holds_every_seam():
    assert len(FILES) == 20 and len(COMMANDS) == 10
    groups = {name.split("/")[1] for name in FILES if name.startswith("conf/")}
    assert groups == {"systems", "asr", "data", "encoder", "adapter", "task", "optimizer", "lr_schedule",
                      "experiment"}  # fmt: skip
    assert max(len(line) for text in FILES.values() for line in text.splitlines()) <= 120


def test_a_synthesizer_and_a_recognizer_of_ones_own_are_benchmarked(run, mine):
    said = run(command("tts-coverage"))
    assert json.loads((mine / "outputs/coverage/coverage.json").read_text())["morse"]["dropped"] == {",": 1}, said
    board = run(command("tts-benchmark", "asr=morse"))
    assert "morse" in board
    summary = json.loads((mine / "outputs/eval/benchmark/summary.json").read_text())
    assert summary["systems"]["morse"]["wer"] == 0 and summary["systems"]["morse"]["n_scored"] == 2
    assert summary["systems"]["morse"]["settings"] == {"words_per_minute": 20, "tone_hz": 600.0}
    assert summary["recognizer"]["name"] == "morse reader"
    slower = mine / "outputs/eval/benchmark/systems/morse/wavs/a.wav"
    before = soundfile.info(slower).frames
    run(command("tts-benchmark", "asr=morse"), "systems.morse.words_per_minute=10", "asr.words_per_minute=10")
    assert soundfile.info(slower).frames == 2 * before, "a field that changed speaks again"


def test_a_data_source_of_ones_own_is_inspected(run, mine):
    said = run(command("tts-prepare", "data.path=sheet.csv"))
    rows = [json.loads(line) for line in (mine / "outputs/prepared/manifest.jsonl").open()]
    assert [row["id"] for row in rows] == [f"{number:03d}" for number in range(1, 9)]
    assert {row["speaker"] for row in rows} == {"awb", "ben"}
    assert "reject sheet.csv:11: there is no takes/901.flac" in said and "1 of another verdict: sheet.csv:10" in said


def test_an_encoder_of_ones_own_embeds_and_compares(run, mine):
    run(command("tts-embed", "data=takes"))
    saved = load_file(mine / "outputs/embeddings/speaker_embeddings.safetensors")
    assert {name: tuple(vector.shape) for name, vector in saved.items()} == {"awb": (1, 40), "ben": (1, 40)}
    card = json.loads((mine / "outputs/embeddings/speaker_embeddings.json").read_text())["ben"]
    assert card["encoder"] == "cepstra" and card["encoder_revision"] == "1-20"
    assert run(command("tts-embed", "nearest=takes/001.flac")).startswith("awb: cosine 0.9")


def test_a_vocoder_of_ones_own_speaks_for_speecht5(run, mine):
    pytest.importorskip("faster_whisper")
    line = command("tts-benchmark", "systems=[whispering]")
    run(line, "asr=morse")
    found = mine / "outputs/eval/whispering"
    system = json.loads((found / "summary.json").read_text())["systems"]["whispering"]
    assert system["n_failed"] == 0 and system["version"].endswith("+1")
    whispered, rate = soundfile.read(found / "systems/whispering/wavs/a.wav")
    assert rate == 16_000 and 0.001 < np.sqrt(np.mean(whispered**2)) < 0.5
    from breath import Breath

    mels = [torch.full((20, 80), -2.0), torch.full((30, 80), -3.0)]
    alone = [Breath()(mel) for mel in mels]
    assert all(np.array_equal(*pair) for pair in zip(vocode(Breath(), mels), alone, strict=True))


def test_a_trainable_model_of_ones_own_is_fine_tuned_and_speaks(run, mine):
    """With two files: the recipe, the loop, the evaluation and the card take it as they take SpeechT5."""
    quick = [
        "asr=null", "speaker_verifier=null", "schedule.best_metric=loss", "schedule.greater_is_better=false",
        "schedule.max_steps=12", "schedule.eval_every=6", "schedule.save_every=6", "split.dev_fraction=0.3",
        "split.test_fraction=0.3", "evaluation.n_sentences=1", "quality_control.max_rejected_share=0.5",
        "lr_schedule.n_warmup_steps=1", "lr_schedule.n_decay_steps=1", "evaluation.background=null",
    ]  # fmt: skip
    said = run(command("tts-finetune", "task=letters"), *quick)
    output_dir = mine / "outputs/letters"
    losses = [row["dev_loss"] for row in map(json.loads, (output_dir / "metrics.jsonl").open()) if "dev_loss" in row]
    assert len(losses) == 2 and losses[1] < losses[0]
    summary = json.loads((output_dir / "summary.json").read_text())
    assert summary["systems"]["finetuned"]["n_failed"] == 0 and summary["training"]["architecture"] == "Letters", said
    assert "A Letters model fine-tuned with" in (output_dir / "model/README.md").read_text()
    speech = import_module("letters").LetterSynthesizer(str(output_dir / "model"))
    (made,) = speech.synthesize([SynthesisRequest("two words", seed=0)])
    assert len(made.waveform) == 256 * (5 * len("_two_words.") - 1) and np.abs(made.waveform).max() > 0


READINGS = [
    ("5 km", "kvin kilometroj"), ("1 km", "unu kilometro"), ("La 3-a domo", "La tria domo"),
    ("je la 14:30", "je la dek kvara tridek"), ("3 majo 2024", "la tria de majo du mil dudek kvar"),
    ("2,50 €", "du eŭroj kaj kvindek cendoj"), ("100 %", "cent elcentoj"), ("-4 °C", "minus kvar celsiaj gradoj"),
]  # fmt: skip


@pytest.fixture
def esperanto(mine):
    """The page's language, installed."""
    install(mine)
    languages.installed.cache_clear()
    languages._common.cache_clear()
    yield languages
    languages.installed.cache_clear()
    languages._common.cache_clear()


def test_a_language_of_ones_own_is_read_by_name(esperanto):
    assert {esperanto.language(name).name for name in ("eo", "epo", "Esperanto", "eo-XX")} == {"Esperanto"}
    read = esperanto.normalizer("eo")
    assert {text: read(text) for text, _ in READINGS} == dict(READINGS)
    assert esperanto.looks_foreign(["Kaj la domo de ili estas tre granda en la urbo"], "en")
    assert esperanto.language("de").name == "German" and esperanto.language("xyz") is None


def test_a_language_of_ones_own_is_one_of_a_command(esperanto, run, mine):
    (mine / "esperanto.csv").write_text("take;reader;line;verdict\n001;awb;Ni vidis 12 ĉevalojn.;good\n")
    said = run(command("tts-prepare", "text.language=eo"))
    row = json.loads((mine / "outputs/esperanto/rows.jsonl").read_text())
    assert "ĉ" in said.partition("new letters: ")[2].splitlines()[0]
    assert "cannot_speak" not in row["reasons"] and "ĉevalojn" in row["text"], row


def chosen(folder, group, name):
    """A part of the fine-tune that a choice in the folder makes."""
    with initialize_config_module("tts_toolkit.conf", version_base="1.3"):
        search = f"hydra.searchpath=['file://{folder / 'conf'}']"
        return instantiate(compose("finetune", overrides=[search, f"{group}={name}"])[group])


@pytest.fixture
def model():
    made = build_speecht5(SpeechSettings(), seed=0, **TINY).model.eval()
    fuse(made)
    return made


def loss_of(model):
    torch.manual_seed(1)
    return model(
        input_ids=torch.tensor([[4, 5, 6, 2]]), attention_mask=torch.ones(1, 4, dtype=torch.long),
        labels=torch.randn(1, 8, 80), speaker_embeddings=torch.randn(1, 512), use_cache=False,
    ).loss  # fmt: skip


def test_other_layers_and_another_rank_are_a_yaml_file(mine, model):
    pytest.importorskip("peft")
    chosen(mine, "adapter", "attention").attach(model)
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    assert trained and {re.search(r"(\w+)\.lora_[AB]", name)[1] for name in trained} == {"q_proj", "v_proj"}
    assert {min(p.shape) for p in trained.values()} == {4}


def test_an_adapter_of_ones_own_trains_merges_and_comes_back(mine, model):
    adapter, before = chosen(mine, "adapter", "scales"), loss_of(model).item()
    names = set(model.state_dict())
    adapter.attach(model)
    trained = [p for p in model.parameters() if p.requires_grad]
    assert loss_of(model).item() == pytest.approx(before, rel=1e-6)
    assert sum(p.numel() for p in trained) < 0.02 * sum(p.numel() for p in model.parameters())
    loss_of(model).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in trained)
    for scale in trained:
        scale.data.uniform_(0.5, 1.5)
    expected = loss_of(model).item()
    assert expected != pytest.approx(before, rel=1e-5)
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.raises(UserError, match="merge it into the weights"):
        DecoderEngine(model)
    with adapter.merged(model):
        DecoderEngine(model)
        assert set(model.state_dict()) == names and loss_of(model).item() == pytest.approx(expected, rel=1e-5)
    after = model.state_dict()
    assert set(after) == set(state) and all(torch.equal(after[name], state[name]) for name in state)
    adapter.merge(model)
    assert set(model.state_dict()) == names and loss_of(model).item() == pytest.approx(expected, rel=1e-5)


def test_a_schedule_and_an_optimizer_of_ones_own(mine):
    factor = chosen(mine, "lr_schedule", "cosine")  # of 1,000 steps
    assert [round(factor(step), 3) for step in (0, 99, 500, 1000)] == [0.01, 0.976, 0.5, 0.0]
    optimizer = chosen(mine, "optimizer", "radam")([torch.nn.Parameter(torch.zeros(1))])
    assert isinstance(optimizer, torch.optim.RAdam) and optimizer.defaults["betas"] == [0.9, 0.98]


def terminal(folder, arguments, *more):
    """A command in a process of its own, in the folder and with PYTHONPATH=. as the page has it."""
    program = arguments[0].removeprefix("tts-")
    part = "eval" if program in ("benchmark", "coverage") else "train"
    return subprocess.run(
        [sys.executable, "-m", f"tts_toolkit.{part}.{program}", *arguments[1:], *more],
        cwd=folder, capture_output=True, text=True, timeout=280, env={**os.environ, "PYTHONPATH": "."},
    )  # fmt: skip


def test_a_choice_whose_module_is_not_there_ends_in_one_line(folder):
    done = terminal(folder, command("tts-coverage"), "systems.morse._target_=mourse.Morse")
    assert done.stderr == (
        "error: systems.morse._target_=mourse.Morse: there is no module mourse; put its folder on the PYTHONPATH, or "
        "install it\n"
    )
    assert done.returncode == 2


@pytest.mark.slow
def test_all_of_it_fine_tunes_from_a_terminal(folder):
    pytest.importorskip("faster_whisper")
    quick = [
        "schedule.max_steps=4", "schedule.eval_every=2", "schedule.save_every=2", "schedule.log_every=1",
        "lr_schedule.n_warmup_steps=1", "loader.max_frames=600", "evaluation.n_sentences=1",
        "evaluation.n_test_sentences=1", "split.dev_fraction=0.3", "split.test_fraction=0.3",
        "decoding.max_frames_per_token=2", "quality_control.max_rejected_share=0.5",
    ]  # fmt: skip
    done = terminal(folder, command("tts-finetune", "experiment=studio"), *quick)
    assert done.returncode == 0, done.stderr[-3000:]
    output_dir = folder / "outputs/finetune"
    rows = [json.loads(line) for line in (output_dir / "metrics.jsonl").open()]
    rates = [row["lr"] for row in rows if "loss" in row]
    assert rates == pytest.approx([1e-3 * factor for factor in (1.0, 0.8536, 0.5, 0.1464)], rel=1e-3), rates
    before, after = (load_file(file / "model.safetensors") for file in (ASSETS / "speecht5-mini", output_dir / "model"))
    assert set(before) == set(after), "the adapter is merged"
    changed = {name.split(".")[-2] for name in before if not before[name].equal(after[name])}
    assert changed == {"k_proj", "v_proj", "intermediate_dense"}
    assert {row["system"] for row in read_table(output_dir / "scores.parquet").to_pylist()} >= {"base", "finetuned"}
