"""Manifests as people, spreadsheets and pandas write them: each is read, or one line says what is wrong."""

import json
import logging
import os

import pytest

from tts_toolkit.data import sources
from tts_toolkit.data.clips import Clip
from tts_toolkit.data.intake import counting
from tts_toolkit.data.rows import collected_faults, row_remedy
from tts_toolkit.data.splits import letters, split_clips
from tts_toolkit.system.errors import UserError


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def folder(root, content, name="metadata.csv"):
    touch(root, "a.wav", "b.wav", "c.wav", "d.wav")
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(root)


def read(root, content, name="metadata.csv"):
    return [(clip.audio.name, clip.transcript) for clip in sources.folder(folder(root, content, name))]


BOTH = [("a.wav", "Hi, you."), ("b.wav", "No.")]


@pytest.mark.parametrize(
    "content",
    [
        'file_name,text\na.wav,"Hi, you."\nb.wav,No.\n',
        '\ufefffile_name,text\r\na.wav,"Hi, you."\r\nb.wav,No.\r\n',
        'file_name,text\ra.wav,"Hi, you."\rb.wav,No.',
        '"file_name";"text"\na.wav;Hi, you.\nb.wav;No.\n',
        "sep=;\nfile_name;text\na.wav;Hi, you.\nb.wav;No.\n",
        "file_name\ttext\na.wav\tHi, you.\nb.wav\tNo.\n",
        "file_name|text\na.wav|Hi, you.\nb.wav|No.\n",
        "file_name\ttext\na.wav\tHi, you.\nb.wav\tNo.\n".encode("utf-16"),
        'File Name , Text,,\na.wav,"Hi, you.",,\nb.wav,No.,,\n\n',
        'text,AUDIO-PATH\n"Hi, you.",a.wav\nNo.,b.wav\n',
        'file_name,transcription,text.1\na.wav,"Hi, you.",x\nb.wav,No.,x\n',
    ],
    ids=["plain", "mark and CRLF", "CR", "semicolons", "sep", "tabs", "bars", "UTF-16", "spelling", "hyphen", "more"],
)
def test_whatever_a_spreadsheet_saves_is_read(tmp_path, content):
    assert read(tmp_path, content) == BOTH


STRAY = {
    "never closed": (
        'a.wav,"Good morning.\nb.wav,Two.\nc.wav,Three.\n',
        ":2: a double quote opens a field and is never",
    ),
    "closed in another row": (
        'a.wav,"One.\nb.wav,Two.\nc.wav,Three."\n',
        ":2: a double quote opens a field and is closed in",
    ),
    "opened again": ('a.wav,"One.\nb.wav,"Two.\nc.wav,Three.\n', ":2: a quoted field goes on after its quote"),
    "after a word": ('b.wav,Two.\na.wav,"One" he said.\nc.wav,Three.\n', ":3: a quoted field goes on after its quote"),
}


@pytest.mark.parametrize("case", STRAY)
def test_a_stray_quote_costs_its_own_row_alone_and_names_its_line(tmp_path, case):
    rows, message = STRAY[case]
    with pytest.raises(UserError, match=message):
        read(tmp_path, f"file_name,text\n{rows}")
    with collected_faults() as faults:
        clips = sources.folder(str(tmp_path))
    assert clips[-1].transcript.startswith("Three.") and len(clips) + len(faults) == 3


def test_quotes_that_are_right_or_mean_nothing_stay(tmp_path):
    rows = 'a.wav,"He said ""no"", twice."\nb.wav,5" of snow\nc.wav,"two\nlines"\n'
    assert [text for _, text in read(tmp_path, f"file_name,text\n{rows}")] == [
        'He said "no", twice.',
        '5" of snow',
        "two\nlines",
    ]
    assert read(tmp_path / "tabs", 'file_name\ttext\na.wav\t"Open\nb.wav\tNo.\n') == [
        ("a.wav", '"Open'),
        ("b.wav", "No."),
    ]


@pytest.mark.parametrize("missing", ["NaN", "nan", "None", "NaT", "<NA>", "  ", ""])
def test_what_pandas_leaves_where_nothing_is_counts_as_missing(tmp_path, missing):
    with pytest.raises(UserError, match=r"metadata.csv:2: the text column 'text' is empty"):
        read(tmp_path, f"file_name,text\na.wav,{missing}\n")
    with pytest.raises(UserError, match=r"metadata.jsonl:1: the speaker column 'speaker' is empty"):
        read(tmp_path / "j", json.dumps({"file_name": "a.wav", "text": "Hi.", "speaker": missing}), "metadata.jsonl")


def test_missing_numbers_and_whole_ones_of_pandas(tmp_path):
    rows = [
        {
            "file_name": "a.wav",
            "text": "Hi.",
            "speaker": 7.0,
            "id": float("nan"),
            "session": None,
            "split": float("nan"),
        },
        {"file_name": "b.wav", "text": 12.0, "speaker": 7, "id": 3.0},
    ]
    touch(tmp_path, "a.wav", "b.wav")
    (tmp_path / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    first, second = sources.folder(str(tmp_path))
    assert (first.id, first.speaker, first.session, first.split) == ("a", "7", "", "")
    assert (second.id, second.speaker, second.transcript) == ("3", "7", "12")
    (tmp_path / "metadata.jsonl").write_text(json.dumps({"file_name": "a.wav", "text": ["Hi."]}))
    with pytest.raises(UserError, match=r"metadata.jsonl:1: the column 'text' holds a list, not text"):
        sources.folder(str(tmp_path))


def test_words_that_look_like_nothing_stay(tmp_path):
    assert read(tmp_path, "file_name,text\na.wav,Nan\nb.wav,None.\nc.wav,null\nd.wav,NA\n")[0] == ("a.wav", "Nan")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("file_name,text,text\na.wav,Hi.,Ho.\n", "has 2 columns 'text'; rename or remove all but one"),
        ("a.wav,Hi.\nb.wav,Ho.\n", "write the header file_name,text as the first line"),
        ("LJ1|Hi.|Hi.\nLJ2|Ho.|Ho.\n", "an LJSpeech list is read by data=ljspeech"),
        ("", "holds no rows"),
        ("file_name,text\n", "holds no rows"),
        ("\n\n", "holds no rows"),
    ],
)
def test_what_cannot_be_read_is_one_line(tmp_path, content, message):
    with pytest.raises(UserError, match=message) as caught:
        read(tmp_path, content)
    assert "\n" not in str(caught.value)


def test_a_name_that_stands_twice_in_an_object_is_told(tmp_path):
    with pytest.raises(UserError, match=r"metadata.jsonl:1: is not JSON \(the name 'text' appears twice\)"):
        read(tmp_path, '{"file_name": "a.wav", "text": "Hi.", "text": "Ho."}', "metadata.jsonl")


def test_parts_of_an_audiofolder_are_named_splits(tmp_path):
    for part in ("train", "validation", "test"):
        folder(tmp_path / part, f"file_name,text\na.wav,Hello {part}.\n")
    with counting() as intake:
        clips = sources.folder(str(tmp_path))
    assert [(clip.id, clip.split) for clip in clips] == [
        ("test/a", "test"),
        ("train/a", "train"),
        ("validation/a", "dev"),
    ]
    assert {clip.speaker for clip in clips} == {"speaker"} and all(clip.audio.is_file() for clip in clips)
    assert intake.summary()["files"]["left_out"]["sound of no row that is kept"]["n"] == 9
    assert sources.audio(str(tmp_path)) == clips
    import pandas

    pandas.DataFrame({"file_name": ["b.wav"], "text": ["From Parquet."]}).to_parquet(tmp_path / "test/metadata.parquet")
    (tmp_path / "test/metadata.csv").unlink()
    assert sources.folder(str(tmp_path))[0].transcript == "From Parquet."


def test_parts_without_a_dev_one_draw_it_from_training(tmp_path, caplog):
    clips = [Clip(f"{n}", None, f"sentence {n}", "s", "f:1", "train" if n else "test") for n in range(40)]
    parts = split_clips(clips)
    assert len(parts["test"]) == 1 and 0 < len(parts["dev"]) < 12 and sum(map(len, parts.values())) == 40
    assert [clip.id for clip in split_clips([*clips, *clips[:0]])["dev"]] == [clip.id for clip in parts["dev"]]


def test_texts_beside_recordings_are_read(tmp_path, caplog):
    for name in ("anna/a", "ben/b"):
        touch(tmp_path, f"{name}.wav")
        (tmp_path / f"{name}.txt").write_text(f"Text of\n{name}.")
    touch(tmp_path, "anna/untold.wav")
    with counting() as intake, caplog.at_level(logging.INFO):
        clips = sources.folder(str(tmp_path))
    assert [(c.id, c.speaker, c.transcript) for c in clips] == [
        ("anna/a", "anna", "Text of anna/a."),
        ("ben/b", "ben", "Text of ben/b."),
    ]
    assert "texts next to 2 recordings are read" in caplog.text
    assert intake.summary()["files"]["left_out"] == {
        "sound of no row that is kept": {"n": 1, "examples": ["anna/untold.wav"]}
    }


def test_a_list_beside_the_one_that_is_read_is_told(tmp_path):
    (tmp_path / "metadata.jsonl").write_text("{}")
    with counting() as intake:
        read(tmp_path, "file_name,text\na.wav,Hi.\n")
    left = intake.summary()["files"]["left_out"]
    assert left["a list next to the one that is read"]["examples"] == ["metadata.jsonl"]
    assert left["sound of no row that is kept"]["n"] == 3


def test_recordings_can_be_listed_without_texts(tmp_path):
    folder(tmp_path, "file_name,speaker\na.wav,anna\n")
    assert [(clip.speaker, clip.transcript) for clip in sources.audio(str(tmp_path))] == [("anna", "")]


def test_a_set_without_speakers_is_told_once(tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        read(tmp_path, "file_name,text\na.wav,Hi.\nb.wav,Ho.\n")
    assert caplog.text.count("no column names the speaker (file_name, text), so every row is of one voice") == 1


@pytest.mark.parametrize("column", ["client_id", "speaker_id", "Speaker ID", "spk_id", "reader", "narrator"])
def test_columns_of_speakers_are_known(tmp_path, column):
    folder(tmp_path, f"file_name,text,{column}\na.wav,Hi.,kim\n")
    assert sources.folder(str(tmp_path))[0].speaker == "kim"


def test_one_voice_in_two_unicode_forms_is_one(tmp_path):
    folder(tmp_path, "file_name,text,speaker\na.wav,Hi.,Ren\u00e9\nb.wav,Ho.,Rene\u0301\n")
    assert len({clip.speaker for clip in sources.folder(str(tmp_path))}) == 1


LJSPEECH = {
    "endings": ("a.wav|Hi 1.|Hi one.\nb.wav|Ho.|Ho.\n", [("a", "Hi one.", "speaker"), ("b", "Ho.", "speaker")]),
    "header": ("id|text\na|Hi.\nb|Ho.\n", [("a", "Hi.", "speaker"), ("b", "Ho.", "speaker")]),
    "speakers": ("a|anna|Hi you.\nb|ben|Ho there.\n", [("a", "Hi you.", "anna"), ("b", "Ho there.", "ben")]),
    "speakers last": ("a|Hi you.|anna\nb|Ho there.|ben\n", [("a", "Hi you.", "anna"), ("b", "Ho there.", "ben")]),
    "paths": ("wavs/a.wav|7|Hi you.\nwavs/b.wav|8|Ho there.\n", [("wavs/a", "Hi you.", "7"), ("wavs/b", "Ho there.", "8")]),
    "empty third": ("a|Hi.|\nb|Ho.|\n", [("a", "Hi.", "speaker"), ("b", "Ho.", "speaker")]),
    "numbers": ("a|1455.|fourteen fifty-five.\nb|Ho.|Ho.\n", [("a", "fourteen fifty-five.", "speaker"), ("b", "Ho.", "speaker")]),
}  # fmt: skip


@pytest.mark.parametrize("habit", LJSPEECH)
def test_habits_of_ljspeech_lists(tmp_path, habit):
    content, expected = LJSPEECH[habit]
    touch(tmp_path, "wavs/a.wav", "wavs/b.flac")
    (tmp_path / "metadata.csv").write_text(content)
    with counting() as intake:
        clips = sources.ljspeech(str(tmp_path))
    assert [(clip.id, clip.transcript, clip.speaker) for clip in clips] == expected
    assert [clip.audio for clip in clips] == [tmp_path / "wavs/a.wav", tmp_path / "wavs/b.flac"]
    assert intake.n_in == {"rows": 2, "files": 3} and not intake.lines()


def test_sound_beside_an_ljspeech_list(tmp_path):
    touch(tmp_path, "a.ogg")
    (tmp_path / "metadata.csv").write_text("a|Hi.\n")
    assert sources.ljspeech(str(tmp_path))[0].audio == tmp_path / "a.ogg"


def test_errors_about_rows_name_what_leaves_them_out(tmp_path):
    message = r"metadata.csv:2: .* is empty; .*; quality_control.on_reject=drop leaves"
    with row_remedy("quality_control.on_reject=drop leaves such rows out"), pytest.raises(UserError, match=message):
        read(tmp_path, "file_name,text\na.wav,\n")


SAME = [("Hello there", "hello there."), ("Don't go!", "Dont go"), ("Caf\u00e9", "CAFE\u0301"), ("\u4f60\u597d\uff0c\u4e16\u754c", "\u4f60\u597d \u4e16\u754c")]  # fmt: skip


@pytest.mark.parametrize(("first", "second"), SAME)
def test_what_is_spoken_alike_falls_into_one_part(first, second):
    assert letters(first) == letters(second)
    for seed in range(20):
        more = [Clip(f"{n}", None, f"sentence {n}", "s", "f:1") for n in range(30)]
        parts = split_clips([Clip("x", None, first, "s", "f:1"), Clip("y", None, second, "s", "f:2"), *more], seed=seed)
        assert sum({"x", "y"} <= {clip.id for clip in of_part} for of_part in parts.values()) == 1


def test_what_reads_alike_may_be_told_by_a_front_end():
    clips = [Clip(text, None, text, "s", "f:1") for text in ("3 cats", "three cats", *map(str, range(30)))]
    spoken = lambda text: text.replace("3 cats", "three cats")  # noqa: E731
    for seed in range(10):
        parts = split_clips(clips, seed=seed, spoken=spoken)
        assert sum({"3 cats", "three cats"} <= {clip.id for clip in of_part} for of_part in parts.values()) == 1


def test_named_parts_that_share_sentences_are_told(caplog):
    rows = [("Hello there", "train"), ("Hello there.", "test"), ("Something else", "dev")]
    split_clips([Clip(str(n), None, text, "s", f"f:{n}", part) for n, (text, part) in enumerate(rows)])
    assert "1 of 1 sentences of test are in train too, such as 'Hello there.' (f:1)" in caplog.text


@pytest.mark.parametrize("n", range(3, 12))
def test_few_clips_leave_no_part_empty_and_it_is_told(n, caplog):
    for seed in range(8):
        clips = [Clip(str(i), None, f"sentence {i}", "s", "f:1") for i in range(n)]
        parts = split_clips(clips, seed=seed)
        assert all(parts.values()) and sum(map(len, parts.values())) == n
        assert {part: [c.id for c in own] for part, own in parts.items()} == {
            part: [c.id for c in own] for part, own in split_clips(clips, seed=seed).items()
        }
    assert "it gets what was nearest" in caplog.text


def test_speakers_apart_leave_no_part_empty():
    clips = [Clip(str(n), None, f"sentence {n}", f"s{n % 3}", "f:1") for n in range(9)]
    parts = split_clips(clips, disjoint_by="speaker")
    assert sorted(len({clip.speaker for clip in of_part}) for of_part in parts.values()) == [1, 1, 1]


def test_a_list_of_objects_is_read_and_numbered(tmp_path):
    touch(tmp_path, "a.wav", "b.wav")
    rows = [{"audio_filepath": "a.wav", "text": "Hi."}, {"audio_filepath": "b.wav", "text": None}]
    (tmp_path / "all.json").write_text(json.dumps(rows, indent=1))
    with counting() as intake, collected_faults() as faults:
        (clip,) = sources.jsonl(str(tmp_path / "all.json"))
    assert clip.audio == tmp_path / "a.wav" and faults[0].source.endswith("all.json:2")
    assert intake.n_in["rows"] == 2


def test_a_person_may_be_called_as_a_part_is(tmp_path):
    touch(tmp_path, "Val/a.wav", "anna/b.wav")
    assert [(clip.speaker, clip.split) for clip in sources.audio(str(tmp_path))] == [("Val", ""), ("anna", "")]
    touch(tmp_path / "parts", "train/anna/a.wav", "train/b.wav", "val/anna/c.wav")
    found = [(clip.id, clip.speaker, clip.split) for clip in sources.audio(str(tmp_path / "parts"))]
    assert found == [("train/anna/a", "anna", "train"), ("train/b", "speaker", "train"), ("val/anna/c", "anna", "dev")]


def test_names_in_an_old_encoding_are_told(tmp_path):
    touch(tmp_path, "a.wav")
    with open(os.path.join(os.fsencode(tmp_path), b"caf\xe9.wav"), "wb"):  # noqa: PTH123, PTH118
        pass
    with counting() as intake:
        assert [clip.id for clip in sources.audio(str(tmp_path))] == ["a"]
    left = intake.summary()["files"]["left_out"]
    assert left == {"a name that is no UTF-8 (rename it)": {"n": 1, "examples": ["caf\\xe9.wav"]}}
    json.dumps(left, ensure_ascii=False).encode()
