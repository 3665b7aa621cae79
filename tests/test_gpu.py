"""What only a GPU shows: graphs that are replayed, padded calls, mixed precision. Skipped where there is none."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import run, tone
from test_recipes import FAST
from test_synthesizers import NOT_AT_ONCE, lines
from test_vocoding import TINY_VOCODER, clips, training

from tts_toolkit.assets import ASSETS
from tts_toolkit.audio.waveforms import load_waveform
from tts_toolkit.models.bark import Bark
from tts_toolkit.models.speecht5.checkpoint import load_speecht5
from tts_toolkit.models.speecht5.generation import Decoding, decode
from tts_toolkit.models.speecht5.synthesizer import SpeechT5Synthesizer
from tts_toolkit.models.vits import Vits
from tts_toolkit.models.vocoders import HifiGan, vocode
from tts_toolkit.pretraining.hifigan import train_vocoder
from tts_toolkit.speakers.encoders import SpeechBrainEncoder, embed_all

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
GPU = "cuda:0"
FORCED = Decoding(stop_threshold=2.0, max_frames_per_token=3.0)  # each ends at its own length
TEXTS = ["hello there", "the boat came slowly into the old harbour", "yes", "she had your dark suit in wash water"]


def synthesize(device, **how):
    speech = load_speecht5("speecht5-mini")
    speech.model.to(device).eval()
    ids = [speech.processor.tokenizer(text)["input_ids"] for text in TEXTS]
    recording = load_waveform(sorted((ASSETS / "demo-voice/audio").glob("*.flac"))[0])
    voice = torch.tensor(
        np.array(embed_all(SpeechBrainEncoder(str(ASSETS / "xvector-mini"), device="cpu"), [recording]))
    )
    return decode(speech.model, ids, voice.expand(4, -1), [5, 6, 7, 8], replace(FORCED, **how), keep_attention=True)


@pytest.mark.parametrize("replay", [False, True])
def test_a_gpu_speaks_what_a_cpu_speaks(replay):
    for ours, theirs in zip(synthesize(GPU, replay=replay), synthesize("cpu"), strict=True):
        torch.testing.assert_close(ours.log_mel, theirs.log_mel, atol=3e-2, rtol=3e-2)  # what it said comes back
        torch.testing.assert_close(ours.attention, theirs.attention, atol=5e-3, rtol=5e-3)


def test_replayed_bfloat16_says_nearly_the_same():
    for rough, exact in zip(synthesize(GPU, replay=True, weights="bfloat16"), synthesize(GPU), strict=True):
        assert np.corrcoef(rough.log_mel.flatten(), exact.log_mel.flatten())[0, 1] > 0.9


def test_padded_vocoder_calls_equal_single_ones(tiny_hifigan_dir):
    mels = [torch.from_numpy(np.random.default_rng(n).normal(-3, 1, (n, 80))).float() for n in (40, 11, 90)]
    vocoder = HifiGan(str(tiny_hifigan_dir), device=GPU)
    for together, mel in zip(vocode(vocoder, mels), mels, strict=True):
        np.testing.assert_allclose(together, vocode(vocoder, [mel])[0], atol=1e-4)
        np.testing.assert_allclose(together, HifiGan(str(tiny_hifigan_dir), device="cpu")(mel), atol=1e-3)


@pytest.mark.parametrize("family", [
    Vits("facebook/mms-tts-eng", device=GPU), Bark("suno/bark-small", voice="v2/en_speaker_2", device=GPU),
    SpeechT5Synthesizer("microsoft/speecht5_tts", voice="cmu-arctic/slt", decoding=NOT_AT_ONCE, device=GPU),
    SpeechT5Synthesizer("microsoft/speecht5_tts", voice="cmu-arctic/slt", decoding=replace(NOT_AT_ONCE, replay=True), device=GPU),
])  # fmt: skip
def test_a_line_sounds_the_same_alone_and_in_any_batch(
    family, hub_vits, hub_bark, hub_arctic, tiny_speecht5_dir, tiny_hifigan_dir
):
    for together, line in zip(family.synthesize(lines()), lines(), strict=True):
        alone = family.synthesize([line])[0].waveform
        assert len(together.waveform) == len(alone) > 0
        np.testing.assert_allclose(together.waveform, alone, atol=1e-2)


def test_embeddings_equal_those_of_a_cpu():
    waveforms = [tone(seconds, hz=100 + 40 * seconds) for seconds in (1.0, 3.5, 2.0)]
    on_gpu, on_cpu = (
        embed_all(SpeechBrainEncoder(str(ASSETS / "xvector-mini"), device=device), waveforms) for device in (GPU, "cpu")
    )
    np.testing.assert_allclose(on_gpu, on_cpu, atol=1e-3)


@pytest.mark.parametrize("mixed_precision", ["no", "bf16", "fp16"])
def test_a_fine_tune_on_a_gpu_leaves_a_model_that_speaks(
    hub, hub_whisper, hub_ecapa, voice_folder, tmp_path, mixed_precision
):
    without = [argument for argument in FAST if not argument.startswith(("asr", "speaker_verifier"))]
    run("train/finetune.py", "data=folder", f"data.path={voice_folder}", *without, "decoding.replay=true",
        f"accelerator.mixed_precision={mixed_precision}", cwd=tmp_path, ACCELERATE_USE_CPU="false")  # fmt: skip
    summary = json.loads((tmp_path / "outputs/finetune/summary.json").read_text())
    assert summary["systems"]["finetuned"]["n_scored"] + summary["systems"]["finetuned"]["n_failed"] == 2
    rows = [json.loads(line) for line in (tmp_path / "outputs/finetune/metrics.jsonl").open()]
    assert all(np.isfinite(row["loss"]) for row in rows if "loss" in row)


def test_a_vocoder_learns_on_a_gpu(tmp_path):
    train_vocoder(clips(tmp_path), TINY_VOCODER, training(30, device=GPU), tmp_path / "run")
    rows = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").open()]
    assert rows[-1]["mel"] < 0.8 * rows[0]["mel"]
