"""Sound files as strangers have them: every codec that libsndfile reads, streams, and what was cut short."""

import io
import struct

import numpy as np
import pytest
import soundfile
from conftest import tone

from tts_toolkit.audio.waveforms import load_recording, load_waveform
from tts_toolkit.data.clips import Clip
from tts_toolkit.data.features import read_each
from tts_toolkit.system.errors import UserError

SECONDS, RATE = 2.0, 16_000
RETRO = {"RAW", "SD2", "XI", "WVE", "HTK"}  # headerless, resource forks, fixed rates
NO_PROMISE = {"AVR", "MPC2K", "PAF", "PVF", "IRCAM", "MAT5", "SDS"}  # or none that libsndfile compares
KINDS = [(kind, subtype) for kind in soundfile.available_formats() if kind not in RETRO
         for subtype in soundfile.available_subtypes(kind) if "DWVW" not in subtype and (kind, subtype) != ("VOC", "PCM_U8")]  # fmt: skip


def encoded(kind, subtype=None, seconds=SECONDS):
    """The tone as a file of some kind, or None where libsndfile reads it only."""
    buffer = io.BytesIO()
    try:
        soundfile.write(buffer, tone(seconds), RATE, format=kind, subtype=subtype)
    except soundfile.LibsndfileError:
        return None
    return buffer.getvalue()


@pytest.mark.parametrize("kind", sorted({kind for kind, _ in KINDS}))
def test_every_codec_that_can_be_written_is_read_to_its_end(kind, tmp_path):
    for subtype in (subtype for of, subtype in KINDS if of == kind):
        if (content := encoded(kind, subtype)) is None:
            continue
        (tmp_path / "clip").write_bytes(content)
        waveform = load_waveform(tmp_path / "clip")
        assert abs(len(waveform) - SECONDS * RATE) <= 600, subtype  # blocks are filled up
        heard, meant = (np.abs(np.fft.rfft(sound, 2 * RATE))[:4000] for sound in (waveform, tone(SECONDS)))
        assert np.corrcoef(heard, meant)[0, 1] > 0.9, subtype


@pytest.mark.parametrize("kind", sorted({kind for kind, _ in KINDS} - NO_PROMISE))
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_what_ends_before_its_header_says_is_refused(kind, share, tmp_path):
    for subtype in (subtype for of, subtype in KINDS if of == kind):
        if (content := encoded(kind, subtype)) is None:
            continue
        file = tmp_path / f"clip.{kind.lower()}"
        file.write_bytes(content[: int(share * len(content))])
        with pytest.raises(UserError, match=r"cut short|cannot be decoded") as error:
            load_waveform(file)
        assert str(error.value).startswith(f"{file}: ") and "\n" not in str(error.value)


def patched(content, at, fmt, *values):
    copy = bytearray(content)
    struct.pack_into(fmt, copy, at, *values)
    return bytes(copy)


def streams():
    """Files written to a pipe, or by a recorder that crashed: the length was never filled in."""
    wav, rf64, au, caf, flac, w64, aiff = map(encoded, ("WAV", "RF64", "AU", "CAF", "FLAC", "W64", "AIFF"))
    data = wav.index(b"data") + 4
    for size in (0, 0xFFFFFFFF, 0xFFFFFFFE, 0x7FFFF000, 0x7FFFFFFF):
        yield f"wav-{size:x}", patched(wav, data, "<I", size)
        yield f"wav-{size:x}-both", patched(patched(wav, data, "<I", size), 4, "<I", size)
    ds64 = rf64.index(b"ds64") + 8
    yield "rf64-0", patched(rf64, ds64, "<QQQ", 0, 0, 0)
    yield "rf64-ones", patched(rf64, ds64, "<QQQ", 2**64 - 1, 2**64 - 1, 2**64 - 1)
    for size in (0, 0xFFFFFFFF):
        yield f"au-{size:x}", patched(au, 8, ">I", size)
    for size in (-1, 0, 4):
        yield f"caf-{size}", patched(caf, caf.index(b"data") + 4, ">q", size)
    yield "flac", patched(patched(flac, 21, "B", flac[21] & 0xF0), 22, ">I", 0)
    for size in (0, 24, 2**63 - 1):
        yield f"w64-{size:x}", patched(w64, w64.index(b"data") + 16, "<Q", size)
    for size, frames in ((0, 0), (8, 0), (0x7F000008, 0x3F800000), (0xFFFFFFFF, 0x7FFFFFFF)):
        sized = patched(aiff, aiff.index(b"SSND") + 4, ">I", size)
        yield f"aiff-{size:x}", patched(sized, aiff.index(b"COMM") + 10, ">I", frames)


STREAMS = dict(streams())


@pytest.mark.parametrize("name", STREAMS)
def test_streams_of_unknown_length_are_read_to_their_end(name, tmp_path):
    (tmp_path / "stream").write_bytes(STREAMS[name])
    waveform = load_waveform(tmp_path / "stream")
    np.testing.assert_allclose(waveform, tone(SECONDS), atol=2e-4)


def test_an_empty_sound_chunk_before_another_chunk_is_empty(tmp_path):
    wav = encoded("WAV", seconds=0.0)
    (tmp_path / "a.wav").write_bytes(wav + b"LIST" + struct.pack("<I", 4) + b"INFO")
    with pytest.raises(UserError, match="holds no samples"):
        load_waveform(tmp_path / "a.wav")


def mpeg_frames(content):
    """The frames of an MP3 of libsndfile, the first of which counts the others."""
    starts = [at for at in range(len(content) - 1) if content[at : at + 2] == content[:2]]
    frames, at = [], 0
    rates = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160]  # kbit/s of MPEG-2 layer 3
    while at in starts:
        length = 72 * rates[content[at + 2] >> 4] * 1000 // RATE + (content[at + 2] >> 1 & 1)
        frames.append(content[at : at + length])
        at += length
    return frames


def test_mp3_files_are_read_to_their_end_whatever_the_first_frame_says(tmp_path):
    sounds = [np.concatenate(parts) for parts in (
        (tone(3.0) + 0.3 * np.random.default_rng(0).standard_normal(3 * RATE).astype(np.float32), np.zeros(6 * RATE)),
        (np.zeros(6 * RATE), tone(3.0)),
    )]  # fmt: skip
    whole = []
    for sound in sounds:
        buffer = io.BytesIO()
        with soundfile.SoundFile(buffer, "w", RATE, 1, format="MP3", bitrate_mode="VARIABLE") as file:
            file.write(0.5 * sound)
        content = buffer.getvalue()
        whole.append(content)
        frames = mpeg_frames(content)
        assert b"Xing" in frames[0] and len({len(frame) for frame in frames}) > 3
        (tmp_path / "whole.mp3").write_bytes(content)
        assert len(load_waveform(tmp_path / "whole.mp3")) == 9 * RATE
        for beginning in (b"", b"ID3\x04\0\0\0\0\0\x0a" + b"\0" * 10):  # without the frame that counts, tagged or not
            (tmp_path / "uncounted.mp3").write_bytes(beginning + b"".join(frames[1:]))
            assert len(load_waveform(tmp_path / "uncounted.mp3")) == pytest.approx(9 * RATE, abs=2500)
    (tmp_path / "joined.mp3").write_bytes(b"".join(whole))
    assert len(load_waveform(tmp_path / "joined.mp3")) == pytest.approx(18 * RATE, abs=6000)


def test_sound_without_a_header_is_told(tmp_path):
    (tmp_path / "a.raw").write_bytes(b"\0\1" * 8000)
    with pytest.raises(UserError, match=r"a\.raw: cannot be decoded"):
        load_waveform(tmp_path / "a.raw")


def stereo(tmp_path, left, right, **settings):
    file = tmp_path / "stereo.wav"
    soundfile.write(file, np.stack([left, right], axis=1), RATE, subtype="FLOAT")
    return load_recording(file, **settings)


def test_a_channel_is_taken_where_averaging_would_lose_the_sound(tmp_path):
    speech, rng = tone(1.0), np.random.default_rng(0)
    for right, loss in ((-speech, 100), (-0.9 * speech, 20), (0 * speech, 6)):
        recording = stereo(tmp_path, speech, right)
        assert recording.used_channel == "the left channel" and recording.mix_loss_db > loss - 0.1
        assert "averaging its 2 channels loses" in recording.note
        np.testing.assert_allclose(recording.waveform, speech, atol=1e-6)
    for right in (speech, 0.5 * speech, rng.standard_normal(RATE).astype(np.float32) * 0.1):
        recording = stereo(tmp_path, speech, right)
        assert recording.used_channel == "mix" and not recording.note
    np.testing.assert_allclose(stereo(tmp_path, speech, -speech, channel="right").waveform, -speech, atol=1e-6)
    mixed = stereo(tmp_path, speech, -speech, channel="mix")
    assert np.abs(mixed.waveform).max() < 1e-6 and "limits.channel=auto" in mixed.note
    with pytest.raises(UserError, match=r"limits\.channel=middle: allowed are auto, mix, left, right"):
        stereo(tmp_path, speech, speech, channel="middle")


def test_two_voices_in_two_channels_are_told(tmp_path):
    turn, quiet = tone(1.0), 1e-4 * np.random.default_rng(0).standard_normal(RATE).astype(np.float32)
    recording = stereo(tmp_path, np.concatenate([turn, quiet]), np.concatenate([quiet, turn]))
    assert recording.two_voices and "two different voices" in recording.note
    assert not stereo(tmp_path, np.concatenate([turn, quiet]), np.concatenate([0.3 * turn, quiet])).two_voices


def test_one_recording_that_cannot_be_read_leaves_the_others(tmp_path, caplog):
    soundfile.write(tmp_path / "a.wav", tone(1.0), RATE)
    (tmp_path / "b.wav").write_bytes((tmp_path / "a.wav").read_bytes()[:20_000])
    clips = [Clip(name, tmp_path / f"{name}.wav", "", "s", f"f:{name}") for name in ("a", "b", "c")]
    (waveform,) = read_each(clips, lambda clip: load_waveform(clip.audio))
    assert len(waveform) == RATE and "b.wav: is cut short" in caplog.text and "c.wav: no such audio" in caplog.text
    with pytest.raises(UserError, match="none of 2 recordings can be read; the first: .*b.wav: is cut short"):
        read_each(clips[1:], lambda clip: load_waveform(clip.audio))
