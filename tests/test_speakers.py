import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import REVISION, tone
from fakes import CountingEncoder
from hydra.utils import instantiate
from omegaconf import OmegaConf

from tts_toolkit.assets import ASSETS
from tts_toolkit.audio.waveforms import load_waveform, trim_silence
from tts_toolkit.data.clips import Clip
from tts_toolkit.data.embeddings import clip_voices
from tts_toolkit.data.features import ClipLimits, log_mel_files
from tts_toolkit.speakers.conditioning import condition, mean_embedding
from tts_toolkit.speakers.embedding_files import EmbeddingCard, find_voice, load_embeddings, save_embeddings
from tts_toolkit.speakers.encoders import SpeechBrainEncoder
from tts_toolkit.speakers.ge2e import Ge2eEncoder, partial_starts
from tts_toolkit.system.errors import UserError


@pytest.fixture(scope="module")
def encoder():
    return SpeechBrainEncoder("xvector-mini")


def test_embeddings_are_normalized_and_free_of_noise(encoder):
    first, second = encoder.embed(tone(1.5)), encoder.embed(tone(1.5))
    assert first.shape == (512,) and np.array_equal(first, second)
    assert np.linalg.norm(first) == pytest.approx(1.0, abs=1e-5)


def test_too_short_a_sound_is_refused(encoder):
    with pytest.raises(UserError, match="too short"):
        encoder.embed(tone(0.05))


def test_the_hub_encoder_takes_the_same_path_as_the_built_in_one(encoder, hub_xvector):
    from_hub = SpeechBrainEncoder(hub_xvector)
    np.testing.assert_allclose(from_hub.embed(tone(2.0)), encoder.embed(tone(2.0)), atol=1e-5)
    assert from_hub.version == REVISION and encoder.version != REVISION


def test_looking_through_loaded_modules_imports_nothing_that_is_missing(encoder):
    import sys

    encoder.embed(tone(1.0))
    for module in list(sys.modules.values()):
        getattr(module, "__file__", None)
        getattr(module, "no_such_name", None)


def test_an_unknown_encoder_is_a_users_mistake():
    with pytest.raises(UserError, match="speaker encoder 'nobody/none' cannot be loaded"):
        SpeechBrainEncoder("nobody/none").embed(tone(1.0))


def test_the_judge_ecapa_loads_and_embeds(hub_ecapa):
    speaker_verifier = instantiate(OmegaConf.load(Path(__file__).parents[1] / "conf/speaker_verifier/ecapa.yaml"))
    embedding = speaker_verifier.embed(tone(1.0))
    assert speaker_verifier == SpeechBrainEncoder(hub_ecapa) and speaker_verifier.version == REVISION
    assert embedding.shape == (192,) and np.linalg.norm(embedding) == pytest.approx(1.0, abs=1e-5)


def test_ge2e_embeds_by_resemblyzers_definition():
    """Against its mel from librosa and its network run on each part."""
    import librosa
    import torch

    waveform = load_waveform(next((ASSETS / "demo-voice/audio").glob("*.flac")))
    speaker_verifier = Ge2eEncoder()
    level = 20 * np.log10(np.sqrt((waveform**2).mean()))
    raised = waveform * 10 ** (max(0.0, -30 - level) / 20)
    starts = partial_starts(len(waveform))
    padded = np.pad(raised, (0, max(0, (starts[-1] + 160) * 160 - len(raised))))
    mel = librosa.feature.melspectrogram(y=padded, sr=16_000, n_fft=400, hop_length=160, n_mels=40).T
    with torch.no_grad():
        parts = speaker_verifier._network(
            torch.from_numpy(np.stack([mel[s : s + 160] for s in starts])).float()
        ).numpy()
    expected = parts.mean(axis=0) / np.linalg.norm(parts.mean(axis=0))
    np.testing.assert_allclose(speaker_verifier.embed(waveform), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("n_samples", "starts"),
    [(16_000, [0]), (25_600, [0]), (40_000, [0, 77]), (48_000, [0, 77, 154]), (64_000, [0, 77, 154, 231])],
)
def test_parts_of_an_utterance(n_samples, starts):
    assert partial_starts(n_samples) == starts


def test_the_judge_tells_speakers_apart():
    """The demo voice against the same man saying something else, and against a tone."""
    speaker_verifier = Ge2eEncoder()
    files = sorted((ASSETS / "demo-voice/audio").glob("*.flac"))[:6]
    embeddings = [speaker_verifier.embed(trim_silence(load_waveform(file))) for file in files]
    same = np.mean([a @ b for i, a in enumerate(embeddings) for b in embeddings[:i]])
    assert same > 0.8 > 0.75 > embeddings[0] @ speaker_verifier.embed(tone(3.0))


def embeddings(n, dim=6, seed=0):
    drawn = np.random.default_rng(seed).standard_normal((n, dim)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def test_conditioning_by_mean_by_others_and_by_itself():
    own, speakers = embeddings(5), ["a", "b", "a", "b", "a"]
    mean = condition(own, speakers, "speaker_mean")
    np.testing.assert_allclose(mean[0], mean_embedding(own[[0, 2, 4]]), atol=1e-6)
    assert np.array_equal(mean[0], mean[2]) and not np.allclose(mean[0], mean[1])
    others = condition(own, speakers, "leave_one_out")
    np.testing.assert_allclose(others[1], own[3], atol=1e-6)
    np.testing.assert_allclose(others[0], mean_embedding(own[[2, 4]]), atol=1e-6)
    assert np.array_equal(condition(own, speakers, "utterance"), own)
    with pytest.raises(UserError, match="two clips"):
        condition(own[:1], ["a"], "leave_one_out")
    with pytest.raises(UserError, match="allowed are speaker_mean"):
        condition(own, speakers, "average")


def test_embeddings_and_log_mels_are_cached_by_content(tmp_path, encoder):
    counting, limits, cache = CountingEncoder(encoder.embed), ClipLimits(), tmp_path / "cache"
    soundfile.write(tmp_path / "a.wav", tone(1.0), 16_000)
    clip = Clip("a", tmp_path / "a.wav", "text", "s", "f:1")
    first = clip_voices([clip], counting, limits, cache)
    mel = log_mel_files([clip], limits, cache)
    again = clip_voices([clip], counting, limits, cache)
    assert np.array_equal(first.embeddings, again.embeddings) and len(counting.lengths) == 1
    assert first.seconds == again.seconds == pytest.approx(1.0, abs=0.05)
    assert mel == log_mel_files([clip], limits, cache)
    assert mel != log_mel_files([clip], ClipLimits(trim_silence_db=None), cache)
    counting.version = "2"
    clip_voices([clip], counting, limits, cache)
    soundfile.write(tmp_path / "a.wav", tone(1.0, hz=330), 16_000)
    assert not np.allclose(first.embeddings, clip_voices([clip], counting, limits, cache).embeddings)
    assert len(counting.lengths) == 3 and mel != log_mel_files([clip], limits, cache)


@pytest.mark.parametrize(("sound", "message"), [
    (np.zeros(16_000), "is silent"), (tone(0.2), r"lasts 0.2\d* s.*0.4 to 20 s.*change limits.min"), (tone(21.0), r"lasts 21"),
])  # fmt: skip
def test_clips_outside_the_limits_name_their_row(tmp_path, sound, message):
    soundfile.write(tmp_path / "a.wav", sound, 16_000)
    with pytest.raises(UserError, match=message) as error:
        log_mel_files([Clip("a", tmp_path / "a.wav", "t", "s", "metadata.csv:7")], ClipLimits(), tmp_path)
    assert str(error.value).startswith("metadata.csv:7: ")


def test_a_missing_recording_names_its_row(tmp_path):
    with pytest.raises(UserError, match=r"metadata.csv:7: no audio file at .*gone.wav"):
        log_mel_files([Clip("a", tmp_path / "gone.wav", "t", "s", "metadata.csv:7")], ClipLimits(), tmp_path)


def test_saved_voices_come_back_with_their_cards(tmp_path):
    kim, lee = embeddings(2, 512)
    cards = [EmbeddingCard("kim", "enc", "rev", 3, 7.5, "speaker_mean", ["a", "b", "c"])]
    save_embeddings(tmp_path / "speaker_embeddings.safetensors", {"kim": kim, "lee": lee}, cards)
    loaded = load_embeddings(tmp_path / "speaker_embeddings.safetensors")
    assert loaded["kim"].shape == (1, 512) and np.array_equal(loaded["lee"][0], lee)
    card = json.loads((tmp_path / "speaker_embeddings.json").read_text())["kim"]
    assert (card["encoder"], card["encoder_revision"], card["n_clips"], card["seconds"]) == ("enc", "rev", 3, 7.5)


def test_a_voice_by_name_by_file_and_by_recording(tmp_path, encoder):
    kim, lee = embeddings(2, 512)
    saved = tmp_path / "speaker_embeddings.safetensors"
    save_embeddings(saved, {"kim": kim, "lee": lee}, [])
    soundfile.write(tmp_path / "me.wav", tone(1.0), 16_000)
    np.save(tmp_path / "one.npy", lee)
    assert np.array_equal(find_voice("kim", tmp_path, None)[0], kim)
    assert np.array_equal(find_voice(f"{saved}:lee", tmp_path / "elsewhere", None)[0], lee)
    assert np.array_equal(find_voice(str(tmp_path / "one.npy"), tmp_path, None)[0], lee)
    np.testing.assert_allclose(
        find_voice(str(tmp_path / "me.wav"), tmp_path, encoder)[0], encoder.embed(trim_silence(tone(1.0))), atol=1e-2
    )
    for voice, message in {
        "kin": "unknown voice 'kin'.*kim, lee",
        None: "holds 2 voices",
        str(tmp_path / "speaker_embeddings.json"): "neither a sound file",
    }.items():
        with pytest.raises(UserError, match=message):
            find_voice(voice, tmp_path, encoder)


def test_a_file_that_is_no_embedding_is_refused(tmp_path):
    from safetensors.numpy import save_file

    (tmp_path / "a.safetensors").write_text("nonsense")
    save_file({"weight": np.ones((4, 5), dtype=np.float32)}, tmp_path / "b.safetensors")
    for name, message in {"a": "not a safetensors file", "b": r"one vector per speaker, found weight \(4, 5\)"}.items():
        with pytest.raises(UserError, match=message):
            find_voice(str(tmp_path / f"{name}.safetensors"), tmp_path, None)
