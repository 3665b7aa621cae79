"""What data holds is shown as text: in terminals, cards, tables, pages and pictures."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest
import yaml
from conftest import tone

from tts_toolkit import cli
from tts_toolkit.audio.waveforms import write_wav
from tts_toolkit.speakers.embedding_files import EmbeddingCard
from tts_toolkit.system.files import file_name
from tts_toolkit.system.formatting import markdown, printable

HOSTILE = {
    "a terminal's color": "\x1b[31manna\x1b[0m",
    "a terminal's title": "\x1b]0;owned\x07",
    "a carriage return": "anna\rerror: all is well",
    "backspaces": "anna\b\b\b\bben",
    "a C1 control": "\x9b31manna",
    "a turned text": "anna\u202egnp.exe",
    "half a character": "anna\udcff",
    "a new line of YAML": "anna\n---\nlicense: mit\n---\n# owned",
    "a script": "<script>alert(1)</script>",
    "an image": "<img src=x onerror=alert(1)>",
    "an attribute": "\" onmouseover=\"alert(1)",
    "a link": "[anna](javascript:alert(1))",
    "a picture": "![anna](http://example.invalid/x.png)",
    "another cell": "anna | 100 % | best",
    "a heading": "# owned",
    "code": "`rm -rf ~`",
    "an entity": "&lt;script&gt;",
    "quotes of Python": '"]; import os; os.system("true") #',
    "quotes of a shell": "'; touch owned; '",
    "mathematics": "$\\frac{a$ b_",
    "a template": "{{ 7 * 7 }}{% raw %}",
    "a path": "../../etc/passwd",
    "the end of a comment": "--><script>alert(1)</script><!--",
    "markup of XML": "]]></text><script>alert(1)</script>",
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_of_data_steers_a_terminal(name, capsys):
    text = HOSTILE[name]

    def recipe(cfg):
        print(f"{text}: 3 clips")
        cli.log.warning("left out: %s", text)
        raise cli.UserError(f"{text}: is silent")

    cli._log_to_stderr()
    with pytest.raises(SystemExit):
        cli._run(recipe, {})
    for told in capsys.readouterr():
        assert all(c in "\n\t" or c.isprintable() or c == "\xad" for c in told), told
        told.encode()
    assert printable("Bjørn \N{GRINNING FACE}\tč") == "Bjørn \N{GRINNING FACE}\tč"


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_of_data_is_markup_in_cards_and_tables(name, tmp_path):
    from tts_toolkit.evaluation.coverage import table as coverage_table
    from tts_toolkit.finetuning.export import model_card
    from tts_toolkit.speakers.xvector_dataset import _card

    text = HOSTILE[name]
    card = EmbeddingCard(text, "encoder", "1", 1, 1.0, "speaker_mean", licenses=["mit"], consents=[text])
    facts = {
        "name": text,
        "architecture": "SpeechT5",
        "base_model": "a/b",
        "license": "mit",
        "consent_of_the_speakers": text,
        "embedding_size": 512,
    }
    cards = [_card([card], "."), model_card(facts, "", [text])]
    for written in cards:
        head, body = written.split("\n---\n", 1)[0].removeprefix("---\n"), written.split("---\n", 2)[2]
        assert yaml.safe_load(head)["license"] == "mit"
        prose = re.sub(r"```.*?```", "", body, flags=re.DOTALL)
        assert not re.search(r"(?<!\\)<|(?<!\\)\]\(|(?<!\\)`", prose), prose
        rows = [line for line in prose.splitlines() if line.startswith("|")]
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) <= 1
        code = re.search(r"```python\n(.*?)```", body, re.DOTALL)[1]
        compile(code, "card", "exec")
        assert "os" not in compile(code, "card", "exec").co_names
    counted = {"n_in_full": 1, "n_texts": 1, "dropped": {text: 1}, "unknown": {}, "n_truncated_tokens": 0}
    lines = coverage_table({text: counted}).splitlines()
    assert len(lines) == 3 and len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1
    assert "\n" not in markdown(text) and file_name(text) and not re.search(r"[/\\\x00-\x1f]", file_name(text))


class Tags(HTMLParser):
    """The tags that a browser finds, with their attributes."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


def test_nothing_of_data_is_markup_in_pages_and_pictures(tmp_path):
    from test_scoring import Parrot

    from tts_toolkit.data.test_sets import Prompt
    from tts_toolkit.evaluation.metrics.protocols import PROTOCOLS
    from tts_toolkit.evaluation.pipeline import run
    from tts_toolkit.evaluation.plan import Plan
    from tts_toolkit.finetuning.final_evaluation import with_comparison
    from tts_toolkit.models.recordings import Recordings
    from tts_toolkit.report.benchmark import ReportOptions, write_benchmark
    from tts_toolkit.report.plots import curves_svg, groups_svg, intervals_svg
    from tts_toolkit.system.processes import Processes

    texts = [text.encode("utf-8", "replace").decode() for text in HOSTILE.values()]  # no list holds half a character
    write_wav(tmp_path / "a.wav", tone(1.0))
    natural = {"reference": str(tmp_path / "a.wav")}
    prompts = [Prompt(f"{n}{text}", f"said {text}", speaker=text, **natural) for n, text in enumerate(texts)]
    prompts += [Prompt(f"no {text}", text) for text in texts]
    systems = {"base": lambda: Recordings("said"), "finetuned": lambda: Recordings(" ".join(texts))}
    heard = [f"said {text}" for text in texts]
    plan = Plan(systems, prompts, lambda: Parrot(*heard * 4), None, [PROTOCOLS["strict"]], tmp_path)
    results = with_comparison(run(plan, Processes()), tmp_path, "id", dict(zip(texts, texts, strict=True)))
    write_benchmark(tmp_path, results, ReportOptions(title=" ".join(texts)))
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    page = re.sub(r'<script>\n"use strict";.*?</script>', "", page, flags=re.DOTALL)  # the page's own
    pictures = [
        curves_svg({text: ([1, 2], [1.0, 2.0])}, "step")
        + groups_svg(np.zeros((2, 2)), [text, "b"])
        + intervals_svg({text: (1.0, None)}, "x")
        for text in HOSTILE.values()
    ]
    for written in (page, *pictures):
        tags = Tags()
        tags.feed(written)
        assert tags.found and not [
            (tag, attributes) for tag, attributes in tags.found
            if tag == "script" or "onmouseover" in attributes or attributes.get("src") == "x"
        ]  # fmt: skip
