"""What is kept by content is checked when it is read: damage is made again, or refused, and never used."""

import shutil

import numpy as np
import pytest
import soundfile
import torch
from conftest import tone
from fakes import CountingEncoder

from tts_toolkit.audio.log_mel import log_mel
from tts_toolkit.audio.waveforms import load_waveform
from tts_toolkit.data import sources
from tts_toolkit.data.asterisk import decoded
from tts_toolkit.data.clips import Clip
from tts_toolkit.data.embeddings import clip_voices, usable_clips
from tts_toolkit.data.features import ClipLimits, keep_array, kept_array, log_mel_files, read_array
from tts_toolkit.finetuning.speecht5_examples import SpeechT5Example, SpeechT5Examples
from tts_toolkit.system.errors import UserError
from tts_toolkit.system.files import kept, kept_file, sealed

N_CLIPS = 3


def flipped(file, other):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def halved(file, other):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def longer(file, other):
    file.write_bytes(file.read_bytes() + b"\0")


def reshaped(file, other):
    array = np.load(file).T.ravel()[:7]
    with file.open("wb") as content:
        np.save(content, array)


def not_numbers(file, other):
    array = np.load(file)
    array.flat[0] = np.nan
    with file.open("wb") as content:
        np.save(content, array)


def anothers(file, other):
    shutil.copy(other, file)


DAMAGES = [flipped, halved, longer, reshaped, not_numbers, anothers, lambda file, _: file.write_bytes(b"")]


@pytest.fixture
def clips(tmp_path):
    found = []
    for number in range(N_CLIPS):
        file = tmp_path / f"{number}.wav"
        soundfile.write(file, tone(0.6 + 0.1 * number, hz=200 + 30 * number), 16_000)
        found.append(Clip(str(number), file, "text", "s", f"f:{number}"))
    return found


def lengths(waveform):
    return np.full(4, len(waveform), dtype=np.float32)


def not_numbers(waveform):
    return np.full(4, np.nan, dtype=np.float32)


@pytest.mark.parametrize("damage", DAMAGES)
def test_kept_log_mels_and_embeddings_that_are_damaged_are_made_again(clips, tmp_path, damage):
    cache, encoder, limits = tmp_path / "cache", CountingEncoder(lengths), ClipLimits()
    mels = log_mel_files(clips, limits, cache)
    wanted = [read_array(file) for file in mels]
    np.testing.assert_array_equal(wanted[0], log_mel(limits.read(clips[0])).numpy())
    first = clip_voices(clips, encoder, limits, cache)
    embeddings = sorted((cache / "embeddings").rglob("*.npy"))
    assert len(encoder.lengths) == N_CLIPS == len(embeddings)
    for files in (mels, embeddings):
        damage(files[0], files[1])
    assert usable_clips(clips, encoder, limits, cache)[0] == clips
    again = clip_voices(clips, encoder, limits, cache)
    assert len(encoder.lengths) == N_CLIPS + 1, "the damaged one alone"
    np.testing.assert_array_equal(again.embeddings, first.embeddings)
    np.testing.assert_array_equal(again.seconds, first.seconds)
    assert log_mel_files(clips, limits, cache) == mels
    assert all(np.array_equal(read_array(file), mel) for file, mel in zip(mels, wanted, strict=True))


@pytest.mark.parametrize("damage", [flipped, halved, longer, anothers])
def test_a_log_mel_that_is_damaged_while_training_is_refused_in_one_line(clips, tmp_path, damage):
    files = log_mel_files(clips, ClipLimits(), tmp_path / "cache")
    n_frames = len(read_array(files[0]))
    examples = SpeechT5Examples([SpeechT5Example("a", (4, 2), files[0], n_frames, np.zeros(8, np.float32))], 2)
    assert torch.isfinite(examples[0]["labels"]).all()
    damage(files[0], files[1])
    with pytest.raises(UserError, match=r"\.npy: .*; remove it: the next run makes it again") as error:
        examples[0]
    assert "\n" not in str(error.value)


def test_no_byte_can_change_unseen(tmp_path):
    keep_array(tmp_path / "a.npy", np.arange(5, dtype=np.float32))
    whole = (tmp_path / "a.npy").read_bytes()
    for position in range(len(whole)):
        (tmp_path / "a.npy").write_bytes(whole[:position] + bytes([whole[position] ^ 4]) + whole[position + 1 :])
        assert kept_array(tmp_path / "a.npy") is None
    for length in range(len(whole)):
        (tmp_path / "a.npy").write_bytes(whole[:length])
        assert kept_array(tmp_path / "a.npy") is None
    (tmp_path / "b.npy").write_bytes(whole)
    assert kept_array(tmp_path / "b.npy") is None, "which was kept under another name"


def test_embeddings_of_no_numbers_are_not_kept(clips, tmp_path):
    with pytest.raises(UserError, match="the encoder counting returns non-finite embeddings"):
        clip_voices(clips, CountingEncoder(not_numbers), ClipLimits(), tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob("*.npy"))


@pytest.mark.parametrize("damage", [flipped, halved, longer, anothers, lambda file, _: file.unlink()])
@pytest.mark.parametrize("of", ["content", "seal"])
def test_a_file_that_was_made_once_is_checked(tmp_path, damage, of):
    made = []

    def make(text):
        return lambda file: made.append(text) or file.write_text(text)

    file, other = tmp_path / "a.txt", tmp_path / "b.txt"
    kept_file(other, make("another sound"))
    for _ in range(2):
        assert kept_file(file, make("the sound")).read_text() == "the sound"
    assert made == ["another sound", "the sound"]
    seal = ".blake2b" if of == "seal" else ""
    damage(tmp_path / f"a.txt{seal}", tmp_path / f"b.txt{seal}")
    assert kept_file(file, make("the sound")).read_text() == "the sound" and len(made) == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "a.txt.blake2b", "b.txt", "b.txt.blake2b"]


def test_what_fails_to_be_made_leaves_nothing(tmp_path):
    def broken(file):
        file.write_text("half")
        raise UserError("no")

    with pytest.raises(UserError):
        kept_file(tmp_path / "a.txt", broken)
    assert not list(tmp_path.iterdir()) and kept(tmp_path / "a.txt") is None
    assert sealed(tmp_path / "a", b"x") != sealed(tmp_path / "b", b"x")


@pytest.mark.parametrize("damage", [flipped, halved])
def test_the_sound_of_a_table_that_was_damaged_is_not_read(tmp_path, damage):
    import pyarrow
    from pyarrow import parquet

    soundfile.write(tmp_path / "a.wav", tone(0.3), 16_000)
    audio = [{"bytes": (tmp_path / "a.wav").read_bytes(), "path": "a.wav"}]
    parquet.write_table(pyarrow.table({"audio": audio, "text": ["Hi."]}), tmp_path / "t.parquet", compression="none")
    (clip,) = sources.parquet(str(tmp_path / "t.parquet"))
    assert load_waveform(clip.audio).shape == (4800,)
    damage(tmp_path / "t.parquet", None)
    with pytest.raises(UserError, match=r"t.parquet: row 0 (cannot be read|holds other sound than when it was listed)"):
        load_waveform(clip.audio)


def test_recordings_of_one_name_are_decoded_apart(tmp_path, monkeypatch):
    """Two folders of prompts hold a "1.g722"; a new release of the package replaces one."""
    (tmp_path / "ffmpeg").write_text('#!/bin/sh\nfor last; do :; done\ncp "$7" "$last"\n')
    (tmp_path / "ffmpeg").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    sources = [tmp_path / folder / "1.g722" for folder in ("digits", "letters")]
    for source in sources:
        source.parent.mkdir()
        source.write_text(source.parent.name)
    files = [decoded(source, tmp_path / "cache") for source in sources]
    assert [file.read_text() for file in files] == ["digits", "letters"]
    sources[0].write_text("new digits")
    assert decoded(sources[0], tmp_path / "cache").read_text() == "new digits"
    assert files[1] == decoded(sources[1], tmp_path / "cache")
