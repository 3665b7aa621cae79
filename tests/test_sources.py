import json
from pathlib import Path

import pytest
import soundfile
from conftest import tone

from tts_toolkit.assets import asset_path
from tts_toolkit.audio.table_cells import opened
from tts_toolkit.data import layouts, sources
from tts_toolkit.data.clips import Clip, in_turns, of_speakers
from tts_toolkit.data.splits import split_clips
from tts_toolkit.system.errors import UserError


def write(folder, name, content):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(content, encoding="utf-8")


def test_audiofolder_csv_with_commas_and_quotes(tmp_path):
    write(
        tmp_path,
        "metadata.csv",
        'file_name,transcription,speaker_id,split\na.wav,"Yes, ""now"".",kim,validation\nsub/b.wav,No.,lee,test\n',
    )
    first, second = sources.folder(str(tmp_path))
    assert (first.id, first.transcript, first.speaker, first.split) == ("a", 'Yes, "now".', "kim", "dev")
    assert second.audio == tmp_path / "sub/b.wav" and second.source.endswith("metadata.csv:3")


@pytest.mark.parametrize("name", ["../secret.wav", "sub/../../secret.wav", "/etc/passwd", "a\0.wav"])
def test_a_row_may_not_lead_out_of_its_folder(tmp_path, name):
    write(tmp_path, "data/metadata.jsonl", json.dumps({"file_name": name, "text": "Hello."}))
    for read, path in ((sources.folder, tmp_path / "data"), (sources.jsonl, tmp_path / "data/metadata.jsonl")):
        with pytest.raises(UserError, match=r"metadata.jsonl:1: the path .* leads out of .*data.allow_outside=true"):
            read(str(path))
        if "\0" not in name:
            assert read(str(path), allow_outside=True)[0].audio == tmp_path / "data" / name


def test_links_and_absolute_paths_within_the_folder_are_followed(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / "data/wavs").symlink_to(tmp_path / "elsewhere")
    rows = [{"file_name": "wavs/a.wav", "text": "One."}, {"file_name": f"{tmp_path}/data/b.wav", "text": "Two."}]
    write(tmp_path, "data/metadata.jsonl", "\n".join(map(json.dumps, rows)))
    assert [clip.audio.name for clip in sources.folder(str(tmp_path / "data"))] == ["a.wav", "b.wav"]


def test_a_dataset_names_no_files_but_its_own(tmp_path):
    import pyarrow
    from pyarrow import parquet

    (tmp_path / "set").mkdir()
    audio = [{"bytes": None, "path": str(tmp_path / "secret.wav")}]
    parquet.write_table(pyarrow.table({"audio": audio, "text": ["Hi."]}), tmp_path / "set/rows.parquet")
    with pytest.raises(UserError, match=r"secret.wav' leads out of .*set: datasets name files of their own only"):
        sources.parquet(str(tmp_path / "set"), str(tmp_path / "cache"))
    parquet.write_table(
        pyarrow.table({"audio": [{"bytes": None, "path": str(tmp_path / "set/a.wav")}], "text": ["Hi."]}),
        tmp_path / "set/rows.parquet",
    )
    assert sources.parquet(str(tmp_path / "set"), str(tmp_path / "cache"))[0].audio == tmp_path / "set/a.wav"


def test_audiofolder_jsonl_and_jsonl_manifest_agree(tmp_path):
    write(
        tmp_path, "metadata.jsonl", '{"file_name": "a.wav", "text": "One."}\n\n{"file_name": "b.wav", "text": "Two."}\n'
    )
    assert sources.folder(str(tmp_path)) == sources.jsonl(str(tmp_path / "metadata.jsonl"))
    assert [clip.source.rpartition(":")[2] for clip in sources.folder(str(tmp_path))] == ["1", "3"]


def test_named_columns_win(tmp_path):
    write(tmp_path, "m.jsonl", json.dumps({"snd": "a.wav", "text": "wrong", "words": "right", "who": "kim"}))
    (clip,) = sources.jsonl(str(tmp_path / "m.jsonl"), "snd", "words", "who")
    assert (clip.audio.name, clip.transcript, clip.speaker) == ("a.wav", "right", "kim")


def test_ljspeech_takes_the_normalized_text_and_odd_quotes(tmp_path):
    write(tmp_path, "metadata.csv", 'LJ1|He said "no|He said "no\nLJ2|NA|null\n')
    first, second = sources.ljspeech(str(tmp_path), speaker="lj")
    assert first.transcript == 'He said "no' and first.audio == tmp_path / "wavs/LJ1.wav"
    assert second.transcript == "null" and second.speaker == "lj"


def test_hub_dataset_from_parquet_with_embedded_sound(tmp_path):
    from datasets import Audio, Dataset
    from datasets.table import embed_table_storage

    soundfile.write(tmp_path / "a.flac", tone(0.3), 16_000)
    rows = {"audio": [str(tmp_path / "a.flac")], "text": ["One."], "speaker_id": [7]}
    table = Dataset.from_dict(rows).cast_column("audio", Audio(decode=False)).with_format("arrow")
    (tmp_path / "data").mkdir()
    table.map(embed_table_storage, batched=True).with_format(None).to_parquet(tmp_path / "data/train.parquet")
    (clip,) = sources.hub(str(tmp_path / "data"), str(tmp_path / "cache"))
    assert clip.speaker == "7" and clip.transcript == "One."
    with opened(clip.audio) as sound:
        assert sound.read() == (tmp_path / "a.flac").read_bytes()
    assert not (tmp_path / "cache").exists()


def test_unknown_hub_dataset_is_a_users_mistake(tmp_path):
    with pytest.raises(UserError, match=r"data.dataset_name=nobody/nothing: cannot be loaded"):
        sources.hub("nobody/nothing", str(tmp_path))


def test_audio_without_transcripts_names_speakers_by_folder(tmp_path):
    for name in ("kim/a.wav", "lee/b.wav", "lee/notes.txt"):
        write(tmp_path, name, "")
    assert [(c.id, c.speaker) for c in sources.audio(str(tmp_path))] == [("kim/a", "kim"), ("lee/b", "lee")]


FAULTS = {
    "no metadata": ({}, "neither metadata.csv nor metadata.jsonl"),
    "no rows": ({"metadata.csv": "file_name,text\n"}, "holds no rows"),
    "no text column": ({"metadata.csv": "file_name,words\na.wav,Hi\n"}, "no column text or transcription.*its columns are file_name, words.*data.text_column_name"),
    "no audio column": ({"metadata.csv": "clip,text\na.wav,Hi\n"}, "no column file_name or audio"),
    "ragged row": ({"metadata.csv": "file_name,text\na.wav,Hi, you\n"}, r"metadata.csv:2: has another number of fields"),
    "short row": ({"metadata.csv": "file_name,text\na.wav\n"}, r"metadata.csv:2: has another number of fields"),
    "bad json": ({"metadata.jsonl": '{"file_name": "a.wav", "text": "Hi"}\n{oops\n'}, r"metadata.jsonl:2: is not JSON"),
    "json list": ({"metadata.jsonl": "[1]\n"}, r"metadata.jsonl:1: is not a JSON object"),
    "empty text": ({"metadata.csv": "file_name,text\na.wav,  \n"}, r"metadata.csv:2: the text column 'text' is empty"),
    "missing key": ({"metadata.jsonl": '{"file_name": "a.wav", "text": "Hi"}\n{"file_name": "b.wav"}\n'}, r"metadata.jsonl:2: the text column"),
    "duplicate": ({"metadata.csv": "file_name,text\na.wav,Hi\na.wav,Ho\n"}, r"metadata.csv:3: the id 'a' is already used at .*metadata.csv:2"),
    "split": ({"metadata.csv": "file_name,text,split\na.wav,Hi,later\n"}, r"metadata.csv:2: the split 'later' is none of train, dev, test"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_faulty_manifests_name_file_and_line(tmp_path, fault):
    files, message = FAULTS[fault]
    for name, content in files.items():
        write(tmp_path, name, content)
    with pytest.raises(UserError, match=message):
        sources.folder(str(tmp_path))


def test_wrong_encoding_names_the_line(tmp_path):
    (tmp_path / "metadata.csv").write_bytes("file_name,text\na.wav,Hi\nb.wav,caf\xe9\n".encode("latin-1"))
    with pytest.raises(UserError, match=r"metadata.csv:3: is not UTF-8"):
        sources.folder(str(tmp_path))


def test_named_column_that_is_missing(tmp_path):
    write(tmp_path, "metadata.csv", "file_name,text\na.wav,Hi\n")
    with pytest.raises(UserError, match="no column who for the speaker.*data.speaker_id_column_name"):
        sources.folder(str(tmp_path), speaker_id_column_name="who")


def test_ljspeech_with_a_wrong_separator(tmp_path):
    write(tmp_path, "metadata.csv", "LJ1,Hi\n")
    with pytest.raises(UserError, match=r"metadata.csv:1: found 1 fields"):
        sources.ljspeech(str(tmp_path))


def test_zero_is_a_name(tmp_path):
    rows = [{"file_name": "a.wav", "text": "One.", "speaker_id": 0, "id": 0}, {"file_name": "b.wav", "text": "Two.", "speaker_id": 1, "id": 1}]  # fmt: skip
    write(tmp_path, "metadata.jsonl", "\n".join(map(json.dumps, rows)))
    assert [(clip.id, clip.speaker) for clip in sources.folder(str(tmp_path))] == [("0", "0"), ("1", "1")]
    assert [clip.id for clip in of_speakers(sources.folder(str(tmp_path)), [1])] == ["1"]
    with pytest.raises(UserError, match="no recording of 7; the data has 2 speakers: 0, 1"):
        of_speakers(sources.folder(str(tmp_path)), [7])


def test_a_column_that_the_first_row_lacks_counts(tmp_path):
    rows = [{"file_name": "a.wav", "text": "One."}, {"file_name": "b.wav", "text": "Two.", "speaker": "kim"}]
    write(tmp_path, "metadata.jsonl", "\n".join(map(json.dumps, rows)))
    with pytest.raises(UserError, match="metadata.jsonl:1: the speaker column 'speaker' is empty"):
        sources.folder(str(tmp_path))


def test_only_a_newline_ends_a_line(tmp_path):
    write(tmp_path, "metadata.jsonl", '{"file_name": "a.wav", "text": "one\u2028two\x85three"}\r\n')
    assert sources.folder(str(tmp_path))[0].transcript == "one\u2028two\x85three"
    write(tmp_path / "csv", "metadata.csv", 'file_name,text\r\na.wav,"one\ntwo"\r\nb.wav,three\r\n')
    assert [clip.transcript for clip in sources.folder(str(tmp_path / "csv"))] == ["one\ntwo", "three"]
    write(tmp_path / "lj", "metadata.csv", "a|One|one\n\nb|Two|two\n")
    assert [clip.transcript for clip in sources.ljspeech(str(tmp_path / "lj"))] == ["one", "two"]


def test_a_folder_of_sound_with_its_own_lists(tmp_path):
    write(tmp_path, "metadata.jsonl", '{"file_name": "wavs/a.wav", "text": "One."}')
    write(tmp_path, "wavs/a.wav", "")
    assert sources.audio(str(tmp_path))[0].transcript == "One."
    write(tmp_path, "metadata.csv", "")
    with pytest.raises(UserError, match="holds no rows"):
        sources.audio(str(tmp_path))
    write(tmp_path / "two", "a.wav", "")
    write(tmp_path / "two", "a.flac", "")
    with pytest.raises(UserError, match="a.wav: .*a.flac has the same name but for its ending"):
        sources.audio(str(tmp_path / "two"))


def test_this_folder_is_not_a_built_in_one(tmp_path, monkeypatch):
    write(tmp_path, "a.wav", "")
    monkeypatch.chdir(tmp_path)
    assert [clip.id for clip in sources.audio(".")] == ["a"]
    assert asset_path("demo-voice").is_dir() and asset_path("..") == Path("..")


def test_common_voice_rows_stay_in_their_folder(tmp_path):
    write(tmp_path, "validated.tsv", "client_id\tpath\tsentence\nkim\t../../secret.wav\tHi.\n")
    with pytest.raises(UserError, match=r"validated.tsv:2: the path '../../secret.wav' leads out of"):
        layouts.common_voice(str(tmp_path))
    write(tmp_path, "validated.tsv", 'client_id\tpath\tsentence\nkim\ta.mp3\tSay "hi\nkim\tb.mp3\n')
    with pytest.raises(UserError, match=r"validated.tsv:3: has 2 fields, the header 3"):
        layouts.common_voice(str(tmp_path))


@pytest.mark.parametrize(
    ("read", "file", "content"),
    [(layouts.common_voice, "validated.tsv", "client_id\tpath\tsentence\nk\ta.mp3\tna\xefve\n"),
     (layouts.libritts, "84/1/84_1_0.normalized.txt", "na\xefve"), (sources.ljspeech, "metadata.csv", "a|na\xefve\n")],
)  # fmt: skip
def test_other_encodings_are_told(tmp_path, read, file, content):
    write(tmp_path, file, "")
    (tmp_path / file).write_bytes(content.encode("latin-1"))
    with pytest.raises(UserError, match=r":\d+: is not UTF-8; save the file as UTF-8"):
        read(str(tmp_path))


def test_sentences_come_from_every_voice_in_pairs():
    clips = [Clip(f"{s}{n}", Path("x"), "t", s, "s") for s in "abc" for n in range(3)]
    assert [clip.id for clip in in_turns(clips, 7)] == ["a0", "a1", "b0", "b1", "c0", "c1", "a2"]


def test_a_source_need_not_name_test_clips():
    clips = [Clip(str(n), Path("x"), "t", "s", "s", split="dev" if n else "train") for n in range(3)]
    assert {part: len(of_part) for part, of_part in split_clips(clips).items()} == {"train": 1, "dev": 2, "test": 0}
