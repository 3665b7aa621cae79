"""Parquet and Arrow tables and hub datasets: sound is read where it lies, from any folder, by any process."""

import io
import json
import logging
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow
import pytest
import soundfile
from conftest import REVISION, add_to_hub, tone
from pyarrow import parquet

from tts_toolkit.audio.table_cells import Cell, cell_of, is_there, opened, sound_hash
from tts_toolkit.audio.waveforms import load_waveform
from tts_toolkit.data import hub_files as datasets_hub
from tts_toolkit.data import sources
from tts_toolkit.data.clips import Clip
from tts_toolkit.data.features import content_key
from tts_toolkit.data.intake import counting
from tts_toolkit.data.rows import collected_faults
from tts_toolkit.data.test_sets import hub_prompts, recorded_prompts
from tts_toolkit.system.errors import UserError


def sound(n, kind="WAV"):
    buffer = io.BytesIO()
    soundfile.write(buffer, tone(0.5 + 0.01 * n, seed=n), 16_000, format=kind)
    return buffer.getvalue()


def write(file, audio, row_group_size=None, **columns):
    file.parent.mkdir(parents=True, exist_ok=True)
    texts = {"text": [f"Text number {n}." for n in range(len(audio))]}
    parquet.write_table(pyarrow.table({"audio": audio, **texts, **columns}), file, row_group_size=row_group_size)


@pytest.fixture
def table(tmp_path):
    """Two files of ten rows, in groups of three."""
    for shard in range(2):
        audio = [{"bytes": sound(10 * shard + n), "path": f"{n}.sh"} for n in range(10)]
        ids = [f"s{10 * shard + n}" for n in range(10)]
        write(tmp_path / f"made/train-0000{shard}.parquet", audio, 3, id=ids)
    return tmp_path / "made"


def test_sound_is_read_from_the_table_with_the_defaults_and_from_another_folder(table, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    clips = sources.parquet("made")
    assert [clip.audio for clip in clips] == [clip.audio for clip in sources.hub("made")] and len(clips) == 20
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    for n, clip in enumerate(clips):
        with opened(clip.audio) as content:
            assert content.read() == sound(n)
    assert {path.name for path in tmp_path.iterdir()} == {"made", "elsewhere"}
    assert load_waveform(clips[3].audio).shape == (int(16_000 * 0.53),)


def test_rows_are_found_in_any_order_by_many_threads(table):
    clips = sources.parquet(str(table))
    order = np.random.default_rng(0).permutation(np.arange(20).repeat(4))
    with ThreadPoolExecutor(8) as pool:
        read = list(pool.map(lambda n: load_waveform(clips[n].audio), order))
    assert all(len(waveform) == int(16_000 * (0.5 + 0.01 * n)) for n, waveform in zip(order, read, strict=True))


def test_a_manifest_of_a_table_is_read_by_another_process(table, tmp_path):
    rows = [
        {"id": clip.id, "audio": str(clip.audio.absolute()), "text": clip.transcript}
        for clip in sources.parquet(str(table))
    ]
    (tmp_path / "manifest.jsonl").write_text("\n".join(map(json.dumps, rows)))
    clips = sources.jsonl(str(tmp_path / "manifest.jsonl"), allow_outside=True)
    assert [clip.audio for clip in clips] == [clip.audio for clip in sources.parquet(str(table))]
    assert content_key(clips[0], 1) == content_key(sources.parquet(str(table))[0], 1) != content_key(clips[1], 1)
    code = "import sys; from tts_toolkit.audio.table_cells import opened; from pathlib import Path; print(len(opened(Path(sys.argv[1])).read()))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(clips[7].audio)], cwd="/", capture_output=True, text=True, check=True
    )
    assert int(done.stdout) == len(sound(7))
    shutil.move(tmp_path / "manifest.jsonl", table.parent / "other.jsonl")
    (tmp_path / "in").mkdir()
    shutil.move(table.parent / "other.jsonl", tmp_path / "in/manifest.jsonl")
    with pytest.raises(UserError, match="leads out of"):
        sources.jsonl(str(tmp_path / "in/manifest.jsonl"))


def test_a_table_that_changes_is_found_out(table):
    clip, other = sources.parquet(str(table))[:2]
    write(table / "train-00000.parquet", [{"bytes": sound(99), "path": "x.wav"}] * 2)
    with pytest.raises(UserError, match=r"row 0 holds other sound than when it was listed"):
        load_waveform(clip.audio)
    write(table / "train-00000.parquet", [{"bytes": sound(0), "path": "x.wav"}])
    assert len(load_waveform(clip.audio)) == 8000
    with pytest.raises(UserError, match=r"row 1 cannot be read"):
        load_waveform(other.audio)
    (table / "train-00000.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(UserError, match=r"train-00000.parquet: row 0 cannot be read"):
        load_waveform(clip.audio)
    (table / "train-00000.parquet").unlink()
    assert not is_there(clip.audio)
    with pytest.raises(UserError, match="no such audio file"):
        load_waveform(clip.audio)


@pytest.mark.parametrize("column", ["audio", "a/b: ö", "x::1"])
def test_the_path_of_a_cell_names_it(column):
    cell = Cell(Path("/a b/t.parquet"), column, 7, "0" * 32, 16_000)
    assert cell_of(cell.path) == cell == cell_of(str(cell.path)) and sound_hash(cell.path) == "0" * 32
    assert cell_of("/a/t.parquet") is None and cell_of("/a/b.wav") is None


WAVE = tone(0.5)


@pytest.mark.parametrize(
    ("audio", "columns"),
    [
        ([WAVE.tolist()], {"sampling_rate": [16_000]}),
        ([WAVE.astype(np.float32)], {"sample_rate": [16_000]}),
        ([(WAVE * 2**15).astype(np.int16)], {"sr": [16_000]}),
        ([{"array": WAVE.tolist(), "sampling_rate": 16_000}], {}),
        ([{"array": WAVE.tolist(), "sampling_rate": 16_000, "path": None}], {}),
        ([{"array": [WAVE.tolist(), WAVE.tolist()], "sampling_rate": 16_000}], {}),
        ([sound(0)], {}),
    ],
    ids=["doubles", "floats", "integers", "struct", "struct with path", "stereo", "bytes"],
)
def test_every_form_of_sound_is_read(tmp_path, audio, columns):
    write(tmp_path / "set.parquet", audio, **columns)
    (clip,) = sources.parquet(str(tmp_path / "set.parquet"))
    assert np.abs(load_waveform(clip.audio) - WAVE).max() < 2e-4
    assert np.array_equal(load_waveform(clip.audio), load_waveform(sources.parquet(str(tmp_path))[0].audio))


def test_numbers_are_the_same_sound_a_second_later(tmp_path):
    """A file of 32-bit floats may hold the time when it was written."""
    write(tmp_path / "set.parquet", [WAVE.tolist()], sampling_rate=[16_000])
    (clip,) = sources.parquet(str(tmp_path / "set.parquet"))
    time.sleep(1.1)
    assert np.abs(load_waveform(clip.audio) - WAVE).max() < 2e-4


def test_numbers_without_a_rate_ask_for_it(tmp_path):
    write(tmp_path / "set.parquet", [WAVE.tolist()])
    with pytest.raises(
        UserError, match=r"holds numbers, and no column says their sample rate: set data.sample_rate_hz"
    ):
        sources.parquet(str(tmp_path / "set.parquet"))
    (clip,) = sources.parquet(str(tmp_path / "set.parquet"), sample_rate_hz=16_000)
    assert len(load_waveform(clip.audio)) == 8000


@pytest.mark.parametrize(
    ("audio", "message"),
    [
        ([None, {"bytes": None, "path": None}, {"bytes": b"", "path": None}], ":1: the audio column 'audio' is empty"),
        ([{"array": [], "sampling_rate": 16_000}], ":1: the audio column 'audio' holds no list of numbers"),
        ([1.5], "the audio column 'audio' holds double; wanted are bytes of a sound file, the path of one, or numbers"),
    ],
)
def test_what_holds_no_sound_is_one_line(tmp_path, audio, message):
    write(tmp_path / "set.parquet", audio)
    with pytest.raises(UserError, match=message):
        sources.parquet(str(tmp_path / "set.parquet"))
    if message.startswith(":1"):
        with counting() as intake, collected_faults() as faults:
            assert not sources.parquet(str(tmp_path / "set.parquet"))
        assert len(faults) == len(audio) and intake.summary()["rows"]["left_out"]["without a sound"]["n"] == len(audio)


def test_missing_values_of_a_table_are_missing(tmp_path):
    import pandas

    rows = {"audio": [sound(0)] * 3, "text": ["One.", None, "nan"], "speaker": [1.0, 2.0, 2.0], "id": ["x", "y", None]}
    pandas.DataFrame(rows).to_parquet(tmp_path / "set.parquet")
    with collected_faults() as faults:
        (clip,) = sources.parquet(str(tmp_path / "set.parquet"))
    assert (clip.id, clip.speaker, len(faults)) == ("x", "1", 2)


def test_files_named_after_parts_are_parts_and_paths_are_relative_to_the_table(tmp_path):
    soundfile.write(tmp_path / "a.wav", WAVE, 16_000)
    for part in ("train", "validation", "test"):
        write(tmp_path / f"{part}-00000-of-00001.parquet", ["a.wav"], id=[part])
    assert {(clip.id, clip.split) for clip in sources.parquet(str(tmp_path))} == {
        ("train", "train"),
        ("validation", "dev"),
        ("test", "test"),
    }
    assert sources.parquet(str(tmp_path))[0].audio == tmp_path / "a.wav"
    with counting() as intake:
        sources.parquet(str(tmp_path))
    assert intake.n_in["files"] == 4 and intake.summary()["files"]["left_out"]["no table"]["examples"] == ["a.wav"]


def test_folders_of_save_to_disk_are_read(tmp_path):
    from datasets import Dataset

    Dataset.from_dict({"audio": [sound(0), sound(1)], "text": ["One.", "Two."]}).save_to_disk(tmp_path / "saved")
    clips = sources.parquet(str(tmp_path / "saved"))
    assert [len(load_waveform(clip.audio)) for clip in clips] == [8000, 8160]


def test_the_column_that_holds_sound_goes_before_one_of_names(tmp_path):
    write(tmp_path / "set.parquet", [{"bytes": sound(0), "path": "a.wav"}], path=["gone.mp3"], client_id=["kim"])
    (clip,) = sources.parquet(str(tmp_path / "set.parquet"))
    assert cell_of(clip.audio) and clip.speaker == "kim"


def in_hub(folder, name):
    add_to_hub(name, folder, kind="datasets")


def test_splits_of_a_hub_dataset_are_cut_and_joined(table):
    write(table / "test-00000.parquet", [sound(50)] * 2)
    with pytest.raises(UserError, match=r"dataset_name=.*: has no split valid; it has train, test: set split to one"):
        sources.hub(str(table), split="valid")
    (table / "test-00000.parquet").unlink()
    write(table / "test-00000.parquet", [{"bytes": sound(50 + n), "path": ""} for n in range(2)], 3, id=["t0", "t1"])
    in_hub(table, "somebody/shards")
    ids = lambda split: [clip.id for clip in sources.hub("somebody/shards", split=split)]  # noqa: E731
    assert ids("train[8:12]") == ["s8", "s9", "s10", "s11"] and ids("test") == ["t0", "t1"]
    assert ids("train[:10%]+test") == ["s0", "s1", "t0", "t1"]
    assert {clip.split for clip in sources.hub("somebody/shards", split=None)} == {"train", "test"}
    with pytest.raises(UserError, match="split=train"):
        sources.hub("somebody/shards", split="train[x:]")


def test_a_hub_dataset_of_folders_is_read_without_torchcodec(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torchcodec", None)
    for part in ("train", "test"):
        (tmp_path / part).mkdir()
        for n in range(2):
            soundfile.write(tmp_path / part / f"{n}.wav", tone(0.5), 16_000)
        (tmp_path / part / "metadata.csv").write_text("file_name,sentence,client_id\n0.wav,Hi.,kim\n1.wav,,lee\n")
    in_hub(tmp_path, "somebody/folders")
    with counting() as intake, collected_faults():
        (clip,) = sources.hub("somebody/folders")
    assert (clip.id, clip.speaker, clip.split) == ("train/0", "kim", "") and len(load_waveform(clip.audio)) == 8000
    assert intake.n_in == {"rows": 2, "files": 3} and intake.n_kept("files") == 2
    with collected_faults():
        assert {clip.split for clip in sources.hub("somebody/folders", split=None)} == {"train", "test"}
    prompts = hub_prompts("somebody/folders", "test", text_column_name="sentence", audio_column_name="file_name")
    assert prompts[0].text == "Hi." and Path(prompts[0].reference).is_file() and prompts[1].fault == "the text is empty"


def test_a_hub_dataset_of_a_script_is_read_in_its_conversion(tmp_path, monkeypatch, caplog):
    from huggingface_hub import HfApi

    write(tmp_path / "default/train/0000.parquet", [sound(0)])
    in_hub(tmp_path, "somebody/script")
    monkeypatch.setattr(
        datasets_hub, "_built", lambda *_: (_ for _ in ()).throw(RuntimeError("Dataset scripts are no"))
    )

    info = SimpleNamespace(sha=REVISION, siblings=[SimpleNamespace(rfilename="default/train/0000.parquet")])
    monkeypatch.setattr(HfApi, "dataset_info", lambda *_, **__: info)
    with caplog.at_level(logging.INFO):
        (clip,) = sources.hub("somebody/script")
    assert len(load_waveform(clip.audio)) == 8000 and "revision=refs/convert/parquet" in caplog.text


def test_what_the_hub_said_serves_when_it_cannot_be_asked(table, monkeypatch):
    in_hub(table, "somebody/again")
    listing = datasets_hub._cached("somebody/again", None, None)
    monkeypatch.setattr(datasets_hub, "_from_hub", lambda *_: listing)
    first = sources.hub("somebody/again")

    def refuse(*_):
        raise ConnectionError("no way out")

    monkeypatch.setattr(datasets_hub, "_from_hub", refuse)
    monkeypatch.setattr(datasets_hub, "_cached", refuse)
    assert sources.hub("somebody/again") == first
    with pytest.raises(
        UserError, match=r"somebody/again: cannot be loaded: it is not in the cache, and HF_HUB_OFFLINE"
    ):
        sources.hub("somebody/again", revision="other")


def test_a_hub_dataset_speaks_its_test_set(table):
    prompts = hub_prompts(str(table), "train[:3]", id_column_name="id", audio_column_name="audio")
    assert [prompt.id for prompt in prompts] == ["s0", "s1", "s2"]
    assert prompts[0].reference == str(sources.parquet(str(table))[0].audio) and is_there(Path(prompts[0].reference))
    with pytest.raises(UserError, match="has no column 'words'"):
        hub_prompts(str(table), "train", text_column_name="words", audio_column_name="audio")


def test_clips_of_other_splits_are_counted_as_left_out():
    clips = [Clip(str(n), Path("x.wav"), f"text {n}", "s", f"f:{n}", "test" if n else "train") for n in range(3)]
    with counting() as intake:
        intake.add("rows", 3)
        assert len(recorded_prompts(clips)) == 2
    assert intake.n_in["rows"] == 3 and intake.n_kept("rows") == 2
