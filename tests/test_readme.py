"""What the documentation says to type must be there: options compose, targets and files exist."""

import re
import shlex
from pathlib import Path

import pytest
from conftest import tone
from fakes import finished
from hydra import compose, initialize_config_module

from tts_toolkit.audio.waveforms import write_wav
from tts_toolkit.cli import quoted
from tts_toolkit.command_line import Known, renamed

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
CONFIG_OF = {
    "tts-finetune": "finetune", "train/finetune.py": "finetune", "tts-embed": "embed", "train/embed.py": "embed",
    "tts-synthesize": "synthesize", "eval/synthesize.py": "synthesize", "tts-corpus": "corpus",
    "tts-train-encoder": "train_encoder", "tts-train-vocoder": "train_vocoder",
    "tts-prepare": "prepare", "train/prepare.py": "prepare", "tts-coverage": "coverage", "eval/coverage.py": "coverage",
    "tts-benchmark": "benchmark", "eval/benchmark.py": "benchmark", "tts-score": "score", "eval/score.py": "score",
    "tts-compare": "compare", "eval/compare.py": "compare", "tts-download-test-set": "download_test_set",
    "tts-report": "report", "eval/report.py": "report",
}  # fmt: skip


def commands():
    """Yield (page, words) of every command in a code block of the documentation."""
    for page in PAGES:
        text = re.sub(r"\\\n\s*", " ", page.read_text())
        blocks = re.findall(r"```bash\n(.*?)```", text, re.DOTALL) + re.findall(r"(?:^    \S.*\n)+", text, re.MULTILINE)
        for line in (line.strip() for block in blocks for line in block.splitlines()):
            if line and not line.startswith("#"):
                yield page.name, shlex.split(line, comments=True)


RECIPES = [
    (page, words)
    for page, words in commands()
    if any(Path(w).name in {Path(c).name for c in CONFIG_OF} for w in words) and "--config-dir" not in words
]  # those with choices of the user's own run in test_extending.py


def test_enough_commands_were_found():
    assert len(RECIPES) >= 12


@pytest.mark.parametrize(
    ("page", "words"), RECIPES, ids=lambda value: value if isinstance(value, str) else " ".join(value)[:60]
)
def test_recipe_commands_compose(page, words):
    at = next(i for i, word in enumerate(words) if word in CONFIG_OF or Path(word).name in CONFIG_OF)
    name = words[at] if words[at] in CONFIG_OF else Path(words[at]).name
    if "/" in name:
        assert (ROOT / name).is_file()
    given = [word for word in words[at + 1 :] if "=" in word]
    if "--multirun" in words:  # the launcher is Hydra's own, and of each sweep one value must do
        given = [word.split(",")[0] for word in given if not word.startswith("hydra")]
    with initialize_config_module("tts_toolkit.conf", version_base="1.3"):
        given = renamed(given, Known(CONFIG_OF[name]))
        overrides = [quoted(word, ("text", "voice")) for word in given]
        compose(CONFIG_OF[name], overrides=overrides)


def test_make_targets_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    used = {words[1] for _, words in commands() if words[0] == "make"}
    assert {"demo", "test"} <= used <= targets


def test_the_options_in_tables_compose():
    rows = re.findall(r"^\|[^|]*\| `([^|]*)` \|$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert len(rows) >= 5
    for row in rows:
        for example in row.split("`, `"):
            if "=" in example:
                overrides = [quoted(word, ()) for word in shlex.split(example.replace("...", "somewhere"))]
                with initialize_config_module("tts_toolkit.conf", version_base="1.3"):
                    compose("finetune", overrides=overrides)


def test_links_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\((?!http)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), (page.name, target)


def python_blocks(page):
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.usefixtures("hub_arctic", "tiny_speecht5_dir", "tiny_hifigan_dir", "hub_xvector")
def test_python_on_the_front_page_runs(tmp_path, monkeypatch):
    pytest.importorskip("faster_whisper")
    monkeypatch.chdir(tmp_path)
    write_wav(tmp_path / "me.wav", tone(1.0))
    finished(tmp_path / "outputs/eval/three_families")
    (block,) = python_blocks("README.md")
    names: dict = {}
    exec(compile(block, "README.md", "exec"), names)
    assert names["vector"].shape == (512,) and names["table"].num_rows == 5 and Path("days.wav").is_file()


def test_python_on_its_page_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (block,) = python_blocks("docs/python.md")
    names: dict = {}
    exec(compile(block, "docs/python.md", "exec"), names)
    assert names["similarity"] > 0.99 and names["rates"].wer == names["rates"].words.substitutions / 6
    assert "16000 False" in capsys.readouterr().out
