"""A list of texts is spoken file by file, and what is there already is not spoken again."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import CHECKOUT
from hydra import compose, initialize_config_dir
from tts_toolkit.eval.synthesize import synthesize

from tts_toolkit.assets import asset_path
from tts_toolkit.models.base import Speech, SynthesisRequest
from tts_toolkit.models.recordings import Recordings
from tts_toolkit.models.speecht5.pipeline import SpeechT5Pipeline
from tts_toolkit.models.speecht5.synthesizer import SpeechT5Synthesizer
from tts_toolkit.models.vits import Vits
from tts_toolkit.speakers.embedding_files import FILE_NAME, EmbeddingCard, load_embeddings, save_embeddings
from tts_toolkit.synthesis import keeping
from tts_toolkit.synthesis.backend import Backend
from tts_toolkit.synthesis.jobs import Job
from tts_toolkit.system.errors import UserError, UserErrors
from tts_toolkit.system.files import file_name, file_names

SHORT = ["decoding.max_frames_per_token=1", "decoding.stop_threshold=2.0", "vocoder=griffin_lim", "voice=slt"]
LINES = {"a": "hello", "b": "the cat sat on the mat", "c": "a bird", "d": "we walked to the old town"}


def run_synthesize(folder, lines, *overrides, model="speecht5-mini", batch_size=1):
    file = folder.parent / "texts.tsv"
    file.write_text("".join(f"{id_}\t{text}\n" for id_, text in lines.items()))
    options = SHORT if "speecht5" in model else []
    with initialize_config_dir(version_base="1.3", config_dir=str(CHECKOUT / "conf")):
        given = [f"model={model}", f"texts={file}", f"output={folder}", f"batch_size={batch_size}", *options]
        return synthesize(compose("synthesize", overrides=[*given, *overrides]))


@pytest.fixture
def spoken(monkeypatch):
    """The texts that the model was asked for."""
    texts = []
    for cls, method in ((SpeechT5Pipeline, "synthesize_each"), (Vits, "synthesize")):
        original = getattr(cls, method)

        def watched(self, asked, *more, original=original):
            texts.extend(getattr(one, "text", one) for one in asked)
            return original(self, asked, *more)

        monkeypatch.setattr(cls, method, watched)
    return texts


def contents(folder):
    return {file.name: file.read_bytes() for file in folder.glob("*.*") if file.is_file()}


@pytest.mark.parametrize("model", ["speecht5-mini", "facebook/mms-tts-eng"])
def test_what_is_interrupted_is_kept_and_the_next_run_goes_on(tmp_path, hub_vits, spoken, monkeypatch, capsys, model):
    run_synthesize(tmp_path / "straight", LINES, model=model)
    write = keeping._write

    def interrupted(written, stage, faults):
        if len(list((tmp_path / "out").glob("*.wav"))) == 2:
            raise KeyboardInterrupt
        write(written, stage, faults)

    monkeypatch.setattr(keeping, "_write", interrupted)
    with pytest.raises(KeyboardInterrupt, match="2 of 4 texts are in .*out; the same command goes on"):
        run_synthesize(tmp_path / "out", LINES, model=model)
    there = contents(tmp_path / "out")
    assert len(there) == 2
    monkeypatch.setattr(keeping, "_write", write)
    spoken.clear()
    run_synthesize(tmp_path / "out", LINES, model=model)
    assert len(spoken) == 2 and "2 spoken, 2 there already" in capsys.readouterr().out
    assert contents(tmp_path / "out") == contents(tmp_path / "straight")
    spoken.clear()
    run_synthesize(tmp_path / "out", LINES, model=model)
    assert not spoken and "0 spoken, 4 there already" in capsys.readouterr().out


CHANGES = {
    "a text": (lambda folder: None, LINES | {"b": "another text"}, [], ["another text"]),
    "the seed": (lambda folder: None, LINES, ["seed=1"], list(LINES.values())),
    "the voice": (lambda folder: None, LINES, ["voice=rms"], list(LINES.values())),
    "a setting": (lambda folder: None, LINES, ["decoding.max_frames_per_token=2"], list(LINES.values())),
    "the vocoder": (lambda folder: None, LINES, ["vocoder=hifigan-mini"], list(LINES.values())),
    "the batch": (lambda folder: None, LINES, ["batch_size=3"], []),
    "a file gone": (lambda folder: (folder / "a.wav").unlink(), LINES, [], ["hello"]),
    "half a file": (lambda folder: os.truncate(folder / "a.wav", 300), LINES, [], ["hello"]),
    "another sound": (lambda folder: soundfile.write(folder / "a.wav", np.zeros(9), 16_000), LINES, [], ["hello"]),
    "a line more": (lambda folder: None, LINES | {"e": "a ship"}, [], ["a ship"]),
    "the log gone": (lambda folder: (folder / ".tts-synthesize/rows.jsonl").unlink(), LINES, [], list(LINES.values())),
}


@pytest.mark.parametrize(("change", "lines", "options", "again"), CHANGES.values(), ids=CHANGES)
def test_only_what_changed_is_spoken_again(tmp_path, spoken, change, lines, options, again):
    run_synthesize(tmp_path / "out", LINES, batch_size=4)
    change(tmp_path / "out")
    spoken.clear()
    run_synthesize(tmp_path / "out", lines, *options, batch_size=4)
    assert spoken == again
    assert sorted(contents(tmp_path / "out")) == sorted(f"{id_}.wav" for id_ in lines)


def test_one_text_that_comes_to_nothing_leaves_the_others(tmp_path, spoken, monkeypatch):
    original = keeping.Stage.append
    write = keeping._write

    def broken(written, stage, faults):
        job, _, truncated = written

        def nan():
            raise UserError(f"{job.output}: is not written")

        write((job, nan, truncated) if job.id == "c" else written, stage, faults)

    monkeypatch.setattr(keeping, "_write", broken)
    with pytest.raises(UserError, match=r"c\.wav: is not written"):
        run_synthesize(tmp_path / "out", LINES)
    assert sorted(contents(tmp_path / "out")) == ["a.wav", "b.wav", "d.wav"]
    monkeypatch.setattr(keeping, "_write", write)
    spoken.clear()
    run_synthesize(tmp_path / "out", LINES)
    assert spoken == ["a bird"] and original is keeping.Stage.append


def test_ids_that_are_no_file_names_everywhere_have_files_of_their_own(tmp_path, caplog):
    ids = ["Anna", "anna", "caf\u00e9", "cafe\u0301", "x" * 300, "con", "-rf", "a:b", "a_b", "\u00e9" * 90, "end."]
    files = run_synthesize(tmp_path / "out", dict.fromkeys(ids, "hi"), batch_size=16)
    names = [file.name for file in files]
    assert len({name.casefold() for name in names}) == len(ids) and all(file.is_file() for file in files)
    assert all(len(name.encode()) < 120 and not name.startswith(("-", ".")) for name in names)
    assert "ids are not valid file names everywhere, such as 'Anna', written as" in caplog.text
    assert "a_b.wav" in names
    played = Recordings("wavs", str(tmp_path / "out"))
    assert [Path(played.recording_for(id_, "", "")) for id_ in ids] == files, "which tts-score finds by their ids"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("texts=T output=FILE/out", "output=file/out: cannot be made .*; choose another folder"),
        (f"texts=T output={'x' * 300}", "a name has 300 bytes; at most 255 fit"),
        (f"text=hello output={'x' * 252}.wav", "a name has 256 bytes; at most 255 fit"),
        ("text=hello output=D.wav", "D.wav: is a folder"),
    ],
)
def test_places_that_cannot_be_written_to_are_named_before_anything_is_spoken(
    tmp_path, spoken, monkeypatch, override, message
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    (tmp_path / "D.wav").mkdir()
    (tmp_path / "T").with_suffix(".txt").write_text("hello\n")
    options = override.replace("FILE", "file").replace("texts=T", "texts=T.txt").split(" ")
    with initialize_config_dir(version_base="1.3", config_dir=str(CHECKOUT / "conf")):
        cfg = compose("synthesize", overrides=["model=speecht5-mini", *SHORT, *options])
    with pytest.raises(UserError, match=message):
        synthesize(cfg)
    assert not spoken


def test_a_recorded_voice_is_never_written_over(tmp_path, spoken):
    (tmp_path / "out").mkdir()
    me = tmp_path / "out/me.wav"
    soundfile.write(me, np.random.default_rng(0).normal(0, 0.1, 16_000), 16_000)
    with pytest.raises(UserError, match=r"texts\.tsv:1: .*me\.wav is the recording of its voice"):
        run_synthesize(tmp_path / "out", {"me": "hello"}, f"voice={me}")


def test_a_voice_by_another_encoder_than_the_models_is_told(tmp_path, caplog):
    card = EmbeddingCard("me", "somebody/ecapa", "1", 1, 1.0, "speaker_mean")
    save_embeddings(tmp_path / "me.safetensors", {"me": np.ones(512, dtype=np.float32)}, [card])
    run_synthesize(tmp_path / "out", {"a": "hello"}, f"voice={tmp_path / 'me.safetensors'}")
    assert "was made by somebody/ecapa; the model knows voices by xvector-mini" in caplog.text
    caplog.clear()
    run_synthesize(tmp_path / "out", {"a": "hello"})
    assert "was made by" not in caplog.text


def test_another_name_of_the_same_voice_keeps_the_files(tmp_path, spoken):
    run_synthesize(tmp_path / "out", LINES)
    vector = load_embeddings(asset_path("speecht5-mini") / FILE_NAME)["slt"]
    save_embeddings(tmp_path / "copy.safetensors", {"copy": vector}, [])
    spoken.clear()
    run_synthesize(tmp_path / "out", LINES, f"voice={tmp_path / 'copy.safetensors'}")
    assert not spoken


@pytest.mark.usefixtures("hub_vits")
@pytest.mark.parametrize("option", ["vocoder=griffin_lim", "vocoder=none", "encoder=ge2e"])
def test_options_of_speecht5_are_refused_for_other_models(tmp_path, option):
    with pytest.raises(UserError, match="facebook/mms-tts-eng: vocoder and encoder are for SpeechT5 only; leave them"):
        run_synthesize(tmp_path / "out", LINES, option, model="facebook/mms-tts-eng")


def test_all_parts_that_are_missing_are_named_at_once(tmp_path):
    shutil.copytree(asset_path("speecht5-mini"), tmp_path / "model")
    (tmp_path / "model/model.safetensors").unlink()
    with pytest.raises(UserErrors) as error:
        run_synthesize(tmp_path / "out", LINES, f"vocoder={tmp_path / 'no'}", model=str(tmp_path / "model"))
    model, vocoder = map(str, error.value.errors)
    assert model.startswith("model") and vocoder.startswith("vocoder")


def test_spectrograms_are_of_the_command_only():
    with pytest.raises(UserError, match="vocoder=none makes spectrograms, not speech; leave it out"):
        SpeechT5Synthesizer("speecht5-mini", voice="slt", vocoder="none").synthesize([SynthesisRequest("hello", 0)])


def test_names_of_a_set_do_not_depend_on_its_order():
    ids = ["Anna", "anna", "ANNA", "ben", "a/b", "a_b", "", ".", "nul.txt", "COM1", "é", "e\u0301"]
    names = file_names(ids)
    assert names == {id_: file_names(ids[::-1])[id_] for id_ in ids}
    assert len({name.casefold() for name in names.values()}) == len(ids) and names["ben"] == "ben"
    assert names["nul.txt"].startswith("_nul.txt-") and names["COM1"].startswith("_COM1-") and names["a_b"] == "a_b"
    assert file_name("anna") == "anna" and Path(file_name("..")).name.startswith("_-")


@pytest.mark.parametrize(("name", "is_sound"), [("a.wav", True), ("a.flac", True), ("a.npy", False)])
def test_the_name_of_a_file_says_whether_sound_or_a_spectrogram_is_written(tmp_path, name, is_sound):
    """A synthesizer may keep log-mels of speech that it has a waveform of."""
    job = Job("a", "some text", None, tmp_path / name)
    mels = (np.zeros((4, 80), np.float32), np.ones((2, 80), np.float32))

    class Both:
        speaks_cues = False

        def synthesize(self, requests):
            return [Speech(np.full(800, 0.1, np.float32), 16_000, log_mels=mels) for _ in requests]

    ((written, write, truncated),) = Backend(Both(), 0, 1).synthesize([job])
    write()
    assert written is job and not truncated
    if is_sound:
        assert soundfile.info(job.output).frames == 800
    else:
        assert np.array_equal(np.load(job.output), np.concatenate(mels))
