import re

import pytest

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


def test_nothing_heavy_is_imported_for_help():
    """`--help` and `import tts_toolkit` must not load torch: checked by the modules, not by the clock."""
    import subprocess
    import sys

    code = (
        "import sys, runpy; sys.argv = ['x', '--help']\n"
        "try: runpy.run_module('tts_toolkit.train.finetune', run_name='__main__')\n"
        "except SystemExit: pass\n"
        "print(sorted({'torch', 'transformers', 'numpy', 'speechbrain', 'datasets', 'accelerate'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert re.search(r"^\[\]$", done.stdout, re.MULTILINE), done.stdout[-300:]
