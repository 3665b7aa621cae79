"""The front door, `import tts_toolkit as tts`: quick to import, and the same results as the commands."""

import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import CHECKOUT, tone
from fakes import TEXTS, Verifier, finished
from hydra import compose, initialize_config_dir
from tts_toolkit.eval.synthesize import synthesize

import tts_toolkit as tts
from tts_toolkit.assets import ASSETS
from tts_toolkit.audio.waveforms import write_wav
from tts_toolkit.evaluation.metrics.asr import FasterWhisper, Pocketsphinx, TransformersRecognizer
from tts_toolkit.speakers.embedding_files import find_voice
from tts_toolkit.speakers.registry import open_encoder

TEXT = "Two red apples. They were cold."
HEAVY = ("torch", "transformers", "numpy", "datasets", "evaluate", "soundfile", "pyarrow", "hydra", "huggingface_hub")


@pytest.fixture(scope="module")
def model():
    return tts.load_synthesizer("speecht5-mini", voice="slt", device="cpu")


@pytest.fixture(scope="module")
def speech(model):
    return model.synthesize(TEXT, seed=7)


def test_the_import_loads_nothing_heavy_and_knows_its_names():
    code = f"""
import sys
import tts_toolkit as tts

assert set(tts.__all__) <= set(dir(tts)) and tts.__version__
print(sorted({{name.partition(".")[0] for name in sys.modules}} & set({HEAVY})))
assert tts.UserError.__module__ == "tts_toolkit.system.errors" and tts.load_synthesizer.__doc__
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_every_name_is_there_and_no_other():
    assert all(getattr(tts, name) is not None for name in tts.__all__)
    with pytest.raises(AttributeError, match="module 'tts_toolkit' has no attribute 'load_synthesiser'"):
        tts.load_synthesiser  # noqa: B018


def test_the_version_is_that_of_the_package():
    with (CHECKOUT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)
    assert "version" in project["project"]["dynamic"] and "version" not in project["project"], "one source"
    assert version("tts-toolkit") == tts.__version__


def test_a_text_sounds_as_by_the_command(speech, tmp_path):
    overrides = ["model=speecht5-mini", "voice=slt", f"text='{TEXT}'", "seed=7", f"output={tmp_path / 'command.wav'}"]
    with initialize_config_dir(version_base="1.3", config_dir=str(CHECKOUT / "conf")):
        (command,) = synthesize(compose("synthesize", overrides=[*overrides, "device=cpu"]))
    file = speech.save(str(tmp_path / "new" / "python.wav"))
    assert isinstance(file, Path) and file.read_bytes() == command.read_bytes()
    assert speech.waveform.dtype == np.float32 and speech.waveform.ndim == 1 and not speech.truncated


def test_a_list_sounds_as_its_texts_alone_and_voices_may_differ(model, speech):
    first, second = model.synthesize([TEXTS[0], TEXT], seed=7)
    np.testing.assert_array_equal(second.waveform, speech.waveform)
    assert len(first.waveform) and model.synthesize([]) == []
    other = tts.load_synthesizer(ASSETS / "speecht5-mini", device="cpu")
    np.testing.assert_array_equal(other.synthesize(TEXT, 7, voice="slt").waveform, speech.waveform)
    assert not np.array_equal(other.synthesize(TEXT, 8, voice="slt").waveform, speech.waveform)


@pytest.mark.parametrize(("text", "voice", "message"), [
    (["one", 2], None, "the text 2 is of type int; give a string, or a list of strings"),
    (["one", "..."], None, "nothing in the text '...' can be spoken"),
    ("one", "nobody", "unknown voice 'nobody'"),
])  # fmt: skip
def test_what_cannot_be_spoken_is_refused(model, text, voice, message):
    with pytest.raises(tts.UserError, match=message):
        model.synthesize(text, voice=voice)


def test_what_the_model_does_not_know_is_told(model, caplog):
    model.synthesize("one red \u4e00 apple")
    assert "the model cannot speak \u4e00: skipped" in caplog.text


def test_speech_is_saved_and_plays_in_a_notebook(tmp_path):
    speech = tts.Speech(tone(0.5), 16_000)
    for name in ("a.wav", "a.flac"):
        samples, rate_hz = soundfile.read(speech.save(tmp_path / name))
        assert rate_hz == 16_000
        np.testing.assert_allclose(samples, speech.waveform, atol=1e-4)
    with pytest.raises(tts.UserError, match=r"a\.mp3: the name must end in \.wav or \.flac"):
        speech.save(tmp_path / "a.mp3")
    with pytest.raises(tts.UserError, match="non-finite"):
        tts.Speech(np.full(10, np.nan, np.float32), 16_000).save(tmp_path / "b.wav")
    shown = speech._repr_html_()
    assert shown.startswith("<audio controls src") and shown.endswith("Speech(0.50 s at 16000 Hz)")
    assert repr(tts.Speech(tone(0.5), 16_000, truncated=True)) == "Speech(0.50 s at 16000 Hz, truncated)"


def test_an_embedding_is_that_of_the_recording_as_a_voice(tmp_path):
    file, silence = tmp_path / "me.wav", np.zeros(8_000, np.float32)
    write_wav(file, np.concatenate([silence, tone(1.0), silence]))
    encoder = tts.load_speaker_encoder("xvector-mini", device="cpu")
    vector = encoder.embed(str(file))
    assert vector.shape == (512,) and vector.dtype == np.float32
    np.testing.assert_array_equal(vector, find_voice(str(file), tmp_path, open_encoder("xvector-mini", "cpu"))[0])
    samples = soundfile.read(file, dtype="float32")[0]
    for sound in (file, samples, samples.astype(np.float64), tts.Speech(samples, 16_000)):
        np.testing.assert_allclose(encoder.embed(sound), vector, atol=1e-6)
    twice = tts.Speech(np.repeat(samples, 2), 32_000)
    assert float(encoder.embed(twice) @ vector) > 0.9, "sound of another rate is resampled"


@pytest.mark.parametrize(("sound", "message"), [
    (np.zeros((2, 16_000), np.float32), r"an array \(2, 16000\) of float32 is not a waveform"),
    (np.zeros(16_000, np.int16), "of int16 is not a waveform; give finite floats"),
    (np.full(16_000, np.nan), "is not a waveform"),
    (np.zeros(16_000, np.float32), "the sound is silent"),
    ("gone.wav", "gone.wav: no such audio file"),
])  # fmt: skip
def test_what_is_no_sound_is_refused(sound, message):
    with pytest.raises(tts.UserError, match=message):
        tts.load_speaker_encoder().embed(sound)


@pytest.mark.parametrize(("given", "expected"), [
    ({"name": "pocketsphinx"}, Pocketsphinx()),
    ({"name": "large-v3"}, FasterWhisper("large-v3", "en", device="auto")),
    ({"name": "small", "language": "de", "device": "cpu"}, FasterWhisper("small", "de", device="cpu")),
    ({"name": "user/asr", "revision": "v2", "language": "de"}, TransformersRecognizer("user/asr", "v2", "de")),
    ({"name": CHECKOUT}, TransformersRecognizer(str(CHECKOUT))),
])  # fmt: skip
def test_recognizers_are_found_by_name(given, expected):
    assert tts.load_recognizer(**given).recognizer == expected


def test_a_recognizer_reads_files_and_arrays(tmp_path):
    write_wav(tmp_path / "a.wav", tone(1.0))

    class Counting:
        name = version = "counting"

        def transcribe(self, waveform):
            return f"{len(waveform)} samples"

    recognizer = tts.Recognizer(Counting())
    assert recognizer.transcribe(tmp_path / "a.wav") == recognizer.transcribe(tone(1.0)) == "16000 samples"
    assert recognizer.transcribe(np.zeros(16_000, np.float32)) == ""


def test_the_offline_recognizer_hears_words():
    pytest.importorskip("faster_whisper")
    heard = tts.load_recognizer().transcribe(next((ASSETS / "demo-voice/audio").iterdir()))
    assert len(heard.split()) >= 2


def test_error_rates_are_those_of_a_benchmark(tmp_path):
    rates = tts.error_rates(["It costs $5.", "one red apple"], ["it costs five dollars", "one rod apple"])
    assert (rates.wer, rates.words.substitutions, rates.words.n_reference) == (pytest.approx(1 / 7), 1, 7)
    assert rates.characters.substitutions == 1
    assert rates.cer == pytest.approx(1 / 34)
    assert tts.error_rates(["今天天气"], ["今天天汽"], language="zh").wer == pytest.approx(1 / 4)
    rows = tts.read_results(finished(tmp_path)).rows
    figures = tts.read_results(str(tmp_path)).summary["systems"]["levels"]
    again = tts.error_rates([row["text"] for row in rows], [row["hypothesis"] for row in rows])
    assert (again.wer, again.cer) == (figures["wer"], figures["cer"])


@pytest.mark.parametrize(("references", "hypotheses", "message"), [
    (["a"], [], "lists of equal length"), ("a", "b", "give two lists"), ([], [], "hold no words"), (["..."], ["a"], "hold no words"),
])  # fmt: skip
def test_error_rates_of_nothing_are_refused(references, hypotheses, message):
    with pytest.raises(tts.UserError, match=message):
        tts.error_rates(references, hypotheses)


def test_results_are_read(tmp_path):
    results = tts.read_results(str(finished(tmp_path / "run", speaker_verifier=Verifier())))
    assert results.summary["systems"]["levels"]["n_scored"] == 5
    table = results.table()
    assert table.num_rows == 5 and table.column("text").to_pylist() == TEXTS == [row["text"] for row in results.rows]
    with pytest.raises(tts.UserError, match="holds no finished benchmark"):
        tts.read_results(tmp_path)
