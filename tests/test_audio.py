import numpy as np
import pytest
import soundfile
from conftest import tone

from tts_toolkit.audio import waveforms as audio
from tts_toolkit.audio.log_mel import log_mel
from tts_toolkit.audio.waveforms import load_waveform, resample, trim_silence, write_flac, write_wav
from tts_toolkit.system.errors import UserError


@pytest.mark.parametrize("n_samples", [1024, 16_000, 16_001, 40_123])
def test_log_mel_equals_the_feature_extractor(n_samples):
    from transformers import SpeechT5FeatureExtractor

    waveform = np.random.default_rng(n_samples).standard_normal(n_samples).astype(np.float32) * 0.1
    expected = SpeechT5FeatureExtractor()(audio_target=waveform, sampling_rate=16_000)["input_values"][0]
    ours = log_mel(waveform).numpy()
    assert ours.shape == expected.shape == (1 + n_samples // 256, 80)
    np.testing.assert_allclose(ours, expected, atol=1e-4)


@pytest.mark.parametrize(
    ("rate", "channels", "suffix"), [(16_000, 1, "wav"), (44_100, 2, "flac"), (8_000, 1, "ogg"), (48_000, 3, "wav")]
)
def test_any_rate_and_channel_count_becomes_16_khz_mono(tmp_path, rate, channels, suffix):
    sound = tone(0.5, sample_rate_hz=rate)
    file = tmp_path / f"clip.{suffix}"
    soundfile.write(file, np.stack([sound] * channels, axis=1), rate)
    waveform = load_waveform(file)
    assert waveform.dtype == np.float32 and waveform.ndim == 1
    assert abs(len(waveform) - 8_000) <= 2
    expected = resample(sound, rate, 16_000)[: len(waveform)]
    assert np.corrcoef(waveform[200:-200], expected[200:-200])[0, 1] > 0.99


def test_mixing_down_averages_the_channels(tmp_path):
    soundfile.write(tmp_path / "c.wav", np.array([[0.5, -0.1]] * 100), 16_000, subtype="FLOAT")
    np.testing.assert_allclose(load_waveform(tmp_path / "c.wav"), 0.2, atol=1e-6)


def broken_files(folder):
    (folder / "text.wav").write_text("not sound")
    (folder / "empty.wav").write_bytes(b"")
    soundfile.write(folder / "none.wav", np.zeros(0), 16_000)
    soundfile.write(folder / "nan.wav", np.array([0.1, np.nan]), 16_000, subtype="FLOAT")
    return {"text.wav": "cannot be decoded", "empty.wav": "cannot be decoded", "none.wav": "no samples",
            "nan.wav": "not numbers", "missing.wav": "no such audio file"}  # fmt: skip


def test_unusable_files_say_why(tmp_path):
    for name, reason in broken_files(tmp_path).items():
        with pytest.raises(UserError, match=reason) as error:
            load_waveform(tmp_path / name)
        assert name in str(error.value) and "\n" not in str(error.value)


def test_what_would_not_fit_into_memory_is_refused_before_it_is_read(tmp_path, monkeypatch):
    soundfile.write(tmp_path / "long.flac", np.zeros(40_000), 16_000)
    soundfile.write(tmp_path / "many.wav", np.zeros((10, 40)), 16_000)
    soundfile.write(tmp_path / "slow.wav", np.zeros(10), 100)
    monkeypatch.setattr(audio, "MAX_VALUES", 39_999)
    monkeypatch.setattr(soundfile.SoundFile, "read", lambda *_, **__: pytest.fail("it was read"))
    for name, reason in {
        "long.flac": "would decode to",
        "many.wav": "of 40 channels",
        "slow.wav": "rate of 100 Hz",
    }.items():
        with pytest.raises(UserError, match=reason):
            load_waveform(tmp_path / name)


def test_trimming_keeps_the_speech_and_a_margin():
    speech, silence = tone(1.0), np.zeros(16_000, dtype=np.float32)
    trimmed = trim_silence(np.concatenate([silence, speech, silence]))
    assert 16_000 <= len(trimmed) <= 16_000 + 2 * (800 + 256)
    assert len(trim_silence(silence)) == 0


@pytest.mark.parametrize("write", [write_wav, write_flac])
def test_loud_sound_is_scaled_not_clipped(tmp_path, write):
    loud = 3 * tone(0.2)
    write(tmp_path / "loud", loud)
    read = soundfile.read(tmp_path / "loud", dtype="float32")[0]
    np.testing.assert_allclose(read, loud / max(1.0, np.abs(loud).max()), atol=1e-3)


@pytest.mark.parametrize("write", [write_wav, write_flac])
def test_samples_are_rounded_to_the_nearest_step_and_round_trips_are_exact(tmp_path, write):
    sound = np.random.default_rng(0).uniform(-0.9, 0.9, 100_000).astype(np.float32)
    write(tmp_path / "a", sound)
    steps = soundfile.read(tmp_path / "a", dtype="int16")[0]
    errors = steps - sound.astype(np.float64) * 2**15
    assert abs(errors.mean()) < 0.01 and np.abs(errors).max() <= 0.5001
    write(tmp_path / "b", load_waveform(tmp_path / "a"))
    assert np.array_equal(soundfile.read(tmp_path / "b", dtype="int16")[0], steps)
