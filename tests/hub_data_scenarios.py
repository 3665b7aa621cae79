"""What the recipes make of each form of dataset on a hub, with their default settings, all in one process.

    HF_ENDPOINT=... HF_HOME=... python hub_data_scenarios.py FOLDER

prints JSON: for each scenario what went wrong with it, or nothing. Each starts in an empty folder, as users do.
"""

import json
import os
import sys
import time
import traceback
from pathlib import Path

from hub_scenarios import asked, endpoint, faults, new_process, offline, refused, token, told
from hydra import compose, initialize_config_module

from tts_toolkit.system.errors import UserError, causes

SCENARIOS = {}
N = 12


def scenario(function):
    SCENARIOS[function.__name__] = function
    return function


def composed(recipe, *overrides):
    with initialize_config_module("tts_toolkit.conf", version_base="1.3"):
        return compose(recipe, overrides=["data=hub", *overrides])


def run(recipe, cfg):
    """Run a recipe; a mistake of the user's comes as such, out of what Hydra wraps it in."""
    try:
        recipe(cfg)
    except Exception as error:
        for cause in causes(error):
            if isinstance(cause, UserError):
                raise cause from error
        raise


def prepare(name, *options):
    from tts_toolkit.train.prepare import prepare as recipe

    options = (f"data.dataset_name={name}", "base_model.source=speecht5-mini", "~encoder", *options)
    run(recipe, composed("prepare", *options))
    return [json.loads(line) for line in Path("outputs/prepared/manifest.jsonl").read_text().splitlines()]


def embed(name, *options):
    from tts_toolkit.train.embed import embed as recipe

    run(recipe, composed("embed", f"data.dataset_name={name}", "encoder=xvector_mini", *options))
    return json.loads(Path("outputs/embeddings/summary.json").read_text())["speakers"]


def rows_of(name, *options):
    """Let tts-prepare look at a dataset and return the clips that it was given, whatever it thinks of them."""
    try:
        prepare(name, *options)
    except UserError as error:
        assert "can be trained on" in str(error), error
    return [json.loads(line) for line in Path("outputs/prepared/rows.jsonl").read_text().splitlines()]


def speakers(rows):
    return sorted({row["speaker"] for row in rows})


def copies():
    """Sound that was written into the working folder: a second copy takes twice the disk."""
    return [
        file for file in Path().rglob("*") if file.suffix in (".wav", ".mp3", ".flac") and "outputs" not in file.parts
    ]


@scenario
def parquet_in_shards_is_read_with_the_default_cache():
    rows = rows_of("user/parquet")
    assert len(rows) == N and speakers(rows) == ["anna", "ben"], rows
    assert rows[0]["text"] == "the cat sat on the mat" and not copies()
    assert not asked("/fr/"), "another configuration was fetched"


@scenario
def parquet_is_embedded_and_again_offline():
    first = embed("user/parquet")
    assert sorted(first) == ["anna", "ben"] and not copies()
    new_process(), faults()
    Path("later").mkdir()
    os.chdir("later")
    with offline():
        again = embed("user/parquet")
    assert first == again


@scenario
def a_configuration_is_chosen_and_an_unknown_one_is_named():
    assert len(rows_of("user/parquet", "data.dataset_config_name=fr")) == 1
    refused(lambda: prepare("user/parquet", "data.dataset_config_name=de"), "de", "en", "fr")


@scenario
def an_unknown_split_is_named():
    refused(lambda: prepare("user/parquet", "data.split=validation"), "validation", "train")


@scenario
def an_audiofolder_is_read_without_a_decoder():
    rows = rows_of("user/audiofolder")
    assert len(rows) == N and speakers(rows) == ["anna", "ben"]
    assert sorted(embed("user/audiofolder")) == ["anna", "ben"]


@scenario
def a_script_is_not_run_and_its_conversion_is_read():
    assert len(rows_of("user/script")) == N
    assert asked("refs%2Fconvert%2Fparquet") or asked("main/train/0000.parquet")


@scenario
def the_conversion_of_a_script_can_be_asked_for():
    assert len(rows_of("user/script", "data.revision=refs/convert/parquet")) == N


@scenario
def a_script_without_a_conversion_is_a_line():
    refused(lambda: prepare("user/script-alone"), "user/script-alone", "refs/convert/parquet")


@scenario
def common_voice_has_its_speakers():
    rows = rows_of("user/common-voice")
    assert len(rows) == N and len(speakers(rows)) == 3, speakers(rows)


@scenario
def a_dataset_without_speakers_says_so():
    assert len(speakers(rows_of("user/no-speaker"))) == 1
    assert any("speaker" in line for line in told), told


@scenario
def an_empty_text_is_a_row_that_is_left_out():
    assert len(rows_of("user/empty-text")) == N, "eleven clips and a row that is none"


@scenario
def a_gated_dataset_is_a_line():
    refused(lambda: prepare("user/gated-set"), "user/gated-set", "gated", "authenticated")
    with token("hf_good"):
        assert len(rows_of("user/gated-set")) == N


@scenario
def a_missing_dataset_and_a_wrong_token_are_lines():
    refused(lambda: prepare("nobody/none"), "nobody/none")
    with token("hf_wrong"):
        refused(lambda: prepare("user/parquet"), "user/parquet", "Invalid credentials")


@scenario
def a_hub_out_of_reach_is_a_line_or_the_cache():
    with endpoint("http://127.0.0.1:9"):
        refused(lambda: prepare("user/no-speaker"), "user/no-speaker")
    first = rows_of("user/no-speaker")
    new_process()
    with endpoint("http://127.0.0.1:9"):
        assert rows_of("user/no-speaker", "output_dir=outputs/again") == first


@scenario
def texts_of_a_dataset_are_a_test_set():
    from tts_toolkit.data.test_sets import hub_prompts

    prompts = hub_prompts("user/parquet", split="train", speaker_id_column_name="speaker_id")
    assert len(prompts) == N and {prompt.speaker for prompt in prompts} == {"anna", "ben"}


def main():
    import datasets
    from huggingface_hub import constants

    folder = Path(sys.argv[1])
    import logging

    import hub_scenarios

    logging.getLogger("tts_toolkit").addHandler(hub_scenarios.Listener())
    logging.getLogger("tts_toolkit").setLevel(logging.INFO)
    sleep = time.sleep
    time.sleep = lambda seconds: sleep(min(seconds, 0.001))
    outcomes = {}
    for name, function in SCENARIOS.items():
        new_process()
        home = folder / name
        (home / "work").mkdir(parents=True)
        constants.HF_HUB_CACHE, constants.HF_HOME = str(home / "hub"), str(home)
        datasets.config.HF_DATASETS_CACHE = home / "datasets"
        os.chdir(home / "work")
        faults()
        started = time.monotonic()
        try:
            function()
            outcomes[name] = ""
        except BaseException:
            outcomes[name] = traceback.format_exc(chain=False)
        print(f"{time.monotonic() - started:6.2f} s  {'failed' if outcomes[name] else 'ok'}  {name}", file=sys.stderr)
    print(json.dumps(outcomes))


if __name__ == "__main__":
    main()
