import gzip
import json
import stat

import numpy as np
import pytest
import soundfile
from conftest import tone

from tts_toolkit.data.asterisk import asterisk_prompts
from tts_toolkit.pretraining.corpus import choose_voice, sentence_file, speak_corpus
from tts_toolkit.pretraining.voices import Flite, Perturbed, Share
from tts_toolkit.pretraining.wordnet import wordnet_examples
from tts_toolkit.system.errors import UserError


class Hum:
    def __init__(self, name):
        self.name, self.n, self.license = name, 0, "free"

    def __call__(self, text):
        self.n += 1
        return tone(0.1 + 0.01 * len(text)), 16_000


def test_a_corpus_goes_on_where_it_stopped(tmp_path):
    sentences = [f"sentence {n}" for n in range(12)]
    high, low = Hum("high"), Hum("low")
    shares = [Share(high, 1), Share(low, 3)]
    speak_corpus(sentences[:5], shares, tmp_path)
    manifest = speak_corpus(sentences, shares, tmp_path, {"train": 8, "dev": 2, "test": 2})
    rows = [json.loads(line) for line in manifest.read_text().splitlines()]
    assert [row["text"] for row in rows] == sentences and high.n + low.n == 12
    assert [row.get("split") for row in rows[5:]] == ["train"] * 3 + ["dev"] * 2 + ["test"] * 2
    for row in rows:
        assert row["speaker"] == choose_voice(row["text"], shares).name
        assert soundfile.info(tmp_path / row["file_name"]).samplerate == 16_000


def test_a_corpus_keeps_what_is_of_the_same_sentences_and_whole(tmp_path):
    sentences, high = [f"sentence {n}" for n in range(6)], Hum("high")
    manifest = speak_corpus(sentences, [Share(high, 1)], tmp_path)
    lines = manifest.read_text().splitlines(keepends=True)
    (tmp_path / "audio/high_00001.flac").unlink()
    manifest.write_text("".join([*lines[:4], lines[0], lines[4][:20]]))  # killed within the fifth row
    sentences[2] = "another sentence"
    speak_corpus(sentences, [Share(high, 1)], tmp_path)
    rows = [json.loads(line) for line in manifest.read_text().splitlines()]
    assert sorted(row["text"] for row in rows) == sorted(sentences) and high.n == 6 + 4
    speak_corpus(sentences, [Share(high, 1)], tmp_path)
    assert high.n == 10


def test_a_perturbed_voice_is_another_speaker_who_is_as_much_faster(tmp_path):
    shares = [Share(Perturbed(Hum("a"), 1.25), 1)]
    manifest = speak_corpus(["a sentence"], shares, tmp_path)
    row = json.loads(manifest.read_text())
    assert (row["speaker"], row["license"]) == ("a-125", "free")
    assert soundfile.info(tmp_path / row["file_name"]).duration == pytest.approx((0.1 + 0.01 * 10) / 1.25, abs=1e-3)


def test_voices_get_their_share():
    shares = [Share(Hum("a"), 1), Share(Hum("b"), 3)]
    drawn = [choose_voice(f"sentence {n}", shares).name for n in range(4000)]
    assert 0.22 < drawn.count("a") / 4000 < 0.28


def test_parts_must_sum_up(tmp_path):
    with pytest.raises(UserError, match="parts sum up to 3 sentences, there are 2"):
        speak_corpus(["a", "b"], [Share(Hum("a"))], tmp_path, {"train": 3})


def test_wordnet_examples_are_plain_sentences(tmp_path):
    gloss = (
        '00001 n | a thing; "he said it twice, slowly"; "in 1984 it was new"; "too short"; "He said it twice, slowly"\n'
    )
    for part in ("noun", "verb", "adj", "adv"):
        (tmp_path / f"data.{part}").write_text(gloss if part == "noun" else "")
    assert wordnet_examples(str(tmp_path)) == ["he said it twice, slowly."]
    with pytest.raises(UserError, match="wordnet-base"):
        wordnet_examples(str(tmp_path / "nowhere"))


def test_the_demo_has_140_different_sentences_that_training_never_saw():
    sentences = sentence_file("demo_sentences")
    assert len(sentences) == len(set(sentences)) == 140
    manifest = [json.loads(line) for line in open_asset("demo-voice/metadata.jsonl").read_text().splitlines()]
    assert [row["text"] for row in manifest] == sentences
    assert [row["split"] for row in manifest].count("train") == 100


def open_asset(path):
    from tts_toolkit.assets import ASSETS

    return ASSETS / path


def test_a_missing_synthesizer_says_what_to_install(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match="apt-get install flite"):
        Flite("slt")("hello")


def test_asterisk_prompts_from_installed_packages(tmp_path, monkeypatch):
    """Their layout, with a stand-in for FFmpeg that hands out one recording."""
    (tmp_path / "sounds/sub").mkdir(parents=True)
    lines = ["; a comment", "one: Please hold the line.", "two: [a beep]", "sub/three: You are now muted", "four: and then...",
             "five: PLEASE hold the line.", "six: No sound for this one.", "seven: press 1 to go on."]  # fmt: skip
    (tmp_path / "texts.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    for name in ("one", "two", "sub/three", "four", "five", "seven"):
        (tmp_path / f"sounds/{name}.g722").write_bytes(b"\0" * 100)
    soundfile.write(tmp_path / "sound.flac", tone(1.0), 16_000)
    ffmpeg = tmp_path / "bin/ffmpeg"
    ffmpeg.parent.mkdir()
    ffmpeg.write_text(f'#!/bin/sh\nfor last; do :; done\ncp {tmp_path}/sound.flac "$last"\n')
    ffmpeg.chmod(ffmpeg.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setenv("PATH", f"{ffmpeg.parent}:/usr/bin:/bin")
    where = {"sounds": str(tmp_path / "sounds"), "transcripts": str(tmp_path / "texts.gz")}
    clips = asterisk_prompts(str(tmp_path / "cache"), n_train=1, n_dev=1, n_test=1, **where)
    assert {clip.id for clip in clips} == {"one", "sub/three", "seven"}
    assert sorted(clip.split for clip in clips) == ["dev", "test", "train"]
    assert all(np.isfinite(soundfile.read(clip.audio)[0]).all() for clip in clips)
    with pytest.raises(UserError, match="holds 3 usable sentences"):
        asterisk_prompts(str(tmp_path / "cache"), n_train=2, n_dev=1, n_test=1, **where)
    with pytest.raises(UserError, match="apt-get install asterisk"):
        asterisk_prompts(str(tmp_path / "cache"), n_train=1, n_dev=1, n_test=1, sounds=str(tmp_path / "none"))
