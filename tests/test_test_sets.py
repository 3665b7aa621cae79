"""Test sets: the formats they are read from, their references, and mistakes in them."""

from pathlib import Path

import numpy as np
import pytest
from fakes import PROMPTS

from tts_toolkit.audio.waveforms import write_wav
from tts_toolkit.data.clips import Clip
from tts_toolkit.data.test_sets import Prompt, read_prompts, recorded_prompts, with_recordings
from tts_toolkit.models.recordings import Recordings
from tts_toolkit.system.errors import UserError

READ = [
    ("t.txt", "one\n\ntwo\n", [("0001", "one"), ("0003", "two")]),
    ("t.tsv", "a\tone\nb\ttwo\n", [("a", "one"), ("b", "two")]),
    ("t.tsv", "a\tone\nb\ttwo\tslt\n", [("a", "one"), ("b", "two")]),
    ("t.txt", "a\tone\n", [("a", "one")]),
    ("t.tsv", "id\ttext\tcategory\na\tone\tx\n", [("a", "one")]),
    ("t.jsonl", '{"id": "a", "text": "one"}\n{"text": "two"}\n', [("a", "one"), ("0002", "two")]),
    ("meta.lst", "u1|prompt|w/p.wav|say this\n", [("u1", "say this")]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "expected"), READ)
def test_test_sets_are_read(tmp_path, name, content, expected):
    (tmp_path / name).write_text(content)
    assert [(p.id, p.text) for p in read_prompts(str(tmp_path / name))] == expected


def test_seed_tts_lists_name_the_prompt_recording(tmp_path):
    (tmp_path / "meta.lst").write_text("u1|prompt|w/p.wav|say this|w/u1.wav\n")
    (prompt,) = read_prompts(str(tmp_path / "meta.lst"))
    assert prompt.voice_reference == str(tmp_path / "w/p.wav") and prompt.speaker == "p"
    assert prompt.reference == str(tmp_path / "w/u1.wav")


def test_the_built_in_set_holds_a_hundred_sentences_in_six_categories():
    prompts = read_prompts("builtin")
    assert len(prompts) == 100 and len({p.text for p in prompts}) == 100 and len({p.category for p in prompts}) == 6


MISTAKES = [
    ("t.tsv", "a\t\n", "the test set holds no text"),
    ("t.tsv", "\tone\n", r"t\.tsv:1: the id is empty"),
    ("t.tsv", "a\tone\tslt\tmore\n", r"t\.tsv:1: has 4 fields; wanted are id<TAB>text\[<TAB>voice\]"),
    ("t.tsv", "id\ttext\na\tone\tslt\n", r"t\.tsv:2: has 3 fields; wanted are 2: id, text"),
    ("t.tsv", "id\ttext\tcolor\na\tone\tred\n", r"t\.tsv:2: unknown column color; allowed are id, text"),
    ("t.jsonl", "{oops\n", r"t\.jsonl:1: is not JSON"),
    ("t.jsonl", "[1]\n", r"t\.jsonl:1: is a JSON list"),
    ("t.lst", "a|b\n", r"t\.lst:1: has 2 fields"),
    ("t.csv", "a,b\n", r"a \.csv file; allowed are \.txt"),
    ("t.txt", "\n", "holds no text"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "message"), MISTAKES)
def test_mistakes_in_test_sets_are_named(tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(UserError, match=message):
        read_prompts(str(tmp_path / name))


def test_references_without_a_match_are_refused(tmp_path):
    write_wav(tmp_path / "other.wav", np.zeros(100, dtype=np.float32))
    ways = "leave references out, or name a recording of the voice in a column voice_reference of the texts"
    with pytest.raises(UserError, match=f"none called by an id of the texts, such as p0.wav; {ways}"):
        with_recordings(PROMPTS, tmp_path)


def test_recordings_are_found_in_either_unicode_form(tmp_path):
    for name in ("cafe\u0301", "na\u00efve"):
        write_wav(tmp_path / f"{name}.wav", np.zeros(100, dtype=np.float32))
    ids = ["caf\u00e9", "nai\u0308ve"]
    assert all(prompt.reference for prompt in with_recordings([Prompt(id_, "text") for id_ in ids], tmp_path))
    played = Recordings("wavs", str(tmp_path))
    assert all(Path(played.recording_for(id_, "", "")).is_file() for id_ in ids)


def test_recordings_of_a_split_are_prompts_with_references():
    clips = [Clip(f"c{n}", Path(f"c{n}.wav"), text, "somebody", f"m.csv:{n}", split) for n, (text, split) in
             enumerate([("one", "train"), ("two", "test"), ("three", "test")])]  # fmt: skip
    prompts = recorded_prompts(clips)
    assert [(p.id, p.text, p.reference, p.speaker) for p in prompts] == [
        ("c1", "two", "c1.wav", "somebody"),
        ("c2", "three", "c2.wav", "somebody"),
    ]
    assert len(recorded_prompts(clips, None)) == 3
    with pytest.raises(UserError, match=r"test_set\.split=dev: no recording is in it; the source names test, train"):
        recorded_prompts(clips, "dev")


OUTSIDE = [
    ("t.tsv", "id\ttext\treference\na\tone\t../other.wav\n", "t.tsv:2"),
    ("t.tsv", "id\ttext\tvoice_reference\na\tone\t/etc/hostname\n", "t.tsv:2"),
    ("t.jsonl", '{"text": "one", "reference": "x/../../other.wav"}\n', "t.jsonl:1"),
    ("t.lst", "a|said|../other.wav|one\n", "t.lst:1"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "place"), OUTSIDE)
def test_a_list_names_recordings_of_its_own_folder_only(tmp_path, name, content, place):
    (tmp_path / name).write_text(content)
    with pytest.raises(UserError, match=f"{place}: the recording .* lies outside .*test_set.allow_outside=true"):
        read_prompts(str(tmp_path / name))
    assert len(read_prompts(str(tmp_path / name), allow_outside=True)) == 1
