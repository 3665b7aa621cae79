"""Small models and recordings, and a hub cache that holds them under the real repository ids."""

import os
import tempfile
from pathlib import Path

HUB = tempfile.TemporaryDirectory(prefix="hub-")
os.environ.update(HF_HOME=HUB.name, HF_HUB_OFFLINE="1", ACCELERATE_USE_CPU="true", TOKENIZERS_PARALLELISM="false")

import json
import shutil

import numpy as np
import pytest
import soundfile
import torch

from tts_toolkit.models.speecht5 import SpeechSettings, build_speecht5

REVISION = "0123456789abcdef0123456789abcdef01234567"
TINY = dict(
    hidden_size=32,
    encoder_layers=1,
    encoder_attention_heads=2,
    encoder_ffn_dim=32,
    decoder_layers=2,
    decoder_attention_heads=2,
    decoder_ffn_dim=32,
    max_text_positions=120,
    max_speech_positions=200,
    speech_decoder_prenet_units=16,
    speech_decoder_postnet_units=16,
    speech_decoder_postnet_layers=2,
    num_mel_bins=80,
    encoder_layerdrop=0.0,
    decoder_layerdrop=0.0,
    hidden_dropout=0.1,
)


def add_to_hub(repo_id: str, folder: Path) -> None:
    """Put a folder into the hub cache as the snapshot of a repository."""
    repo = Path(HUB.name) / "hub" / f"models--{repo_id.replace('/', '--')}"
    shutil.copytree(folder, repo / "snapshots" / REVISION, dirs_exist_ok=True)
    (repo / "refs").mkdir(exist_ok=True)
    (repo / "refs" / "main").write_text(REVISION)


def tone(seconds: float, hz: float = 220.0, sample_rate_hz: int = 16_000, seed: int = 0) -> np.ndarray:
    """Return a voiced-like sound: a tone with harmonics, a slow envelope and a little noise."""
    t = np.arange(int(seconds * sample_rate_hz)) / sample_rate_hz
    sound = sum(np.sin(2 * np.pi * hz * k * t) / k for k in range(1, 6)) * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * t))
    return (0.2 * sound + 0.002 * np.random.default_rng(seed).standard_normal(len(t))).astype(np.float32)


@pytest.fixture(scope="session")
def tiny_speecht5_dir(tmp_path_factory):
    """A SpeechT5 with random weights, as microsoft/speecht5_tts lies in the hub cache."""
    folder = tmp_path_factory.mktemp("speecht5")
    speech = build_speecht5(SpeechSettings(), seed=1, **TINY)
    # The hub's tokenizer keeps case and knows no digits; a tiny one with both cases will do.
    speech.model.save_pretrained(folder)
    speech.processor.save_pretrained(str(folder))
    add_to_hub("microsoft/speecht5_tts", folder)
    return folder


@pytest.fixture(scope="session")
def tiny_hifigan_dir(tmp_path_factory):
    """A HiFi-GAN with random weights that are loud enough to hear, as microsoft/speecht5_hifigan."""
    from transformers import SpeechT5HifiGan, SpeechT5HifiGanConfig

    folder = tmp_path_factory.mktemp("hifigan")
    torch.manual_seed(0)
    config = SpeechT5HifiGanConfig(
        upsample_initial_channel=16,
        resblock_kernel_sizes=[3],
        resblock_dilation_sizes=[[1, 3]],
        initializer_range=0.2,
    )
    SpeechT5HifiGan(config).save_pretrained(folder)
    add_to_hub("microsoft/speecht5_hifigan", folder)
    return folder


@pytest.fixture(scope="session")
def hub_xvector(tmp_path_factory):
    """The built-in x-vector encoder in the layout of speechbrain/spkrec-xvect-voxceleb: pickle-free .ckpt, own paths."""
    from safetensors.torch import load_file

    from tts_toolkit.assets import ASSETS

    folder = tmp_path_factory.mktemp("xvect")
    built_in = ASSETS / "xvector-mini"
    yaml = (built_in / "hyperparams.yaml").read_text().split("    custom_hooks:")[0]
    yaml += "        mean_var_norm_emb: !ref <mean_var_norm_emb>\n    paths:\n" + "".join(
        f"        {name}: !ref <pretrained_path>/{file}\n"
        for name, file in {
            "embedding_model": "embedding_model.ckpt",
            "mean_var_norm_emb": "mean_var_norm_emb.ckpt",
            "classifier": "classifier.ckpt",
            "label_encoder": "label_encoder.txt",
        }.items()
    )
    (folder / "hyperparams.yaml").write_text("pretrained_path: speechbrain/spkrec-xvect-voxceleb\n" + yaml)
    for name in ("embedding_model", "classifier"):
        torch.save(load_file(built_in / f"{name}.ckpt"), folder / f"{name}.ckpt")
    statistics = {"count": 1, "glob_mean": torch.zeros(512), "glob_std": torch.ones(512)}
    torch.save(statistics, folder / "mean_var_norm_emb.ckpt")
    shutil.copy(built_in / "label_encoder.ckpt", folder / "label_encoder.txt")
    add_to_hub("speechbrain/spkrec-xvect-voxceleb", folder)
    return "speechbrain/spkrec-xvect-voxceleb"


SENTENCES = [
    "the cat sat on the mat", "a bird sang in the tree", "we walked to the old town", "she gave him a red book",
    "they saw a ship at sea", "he ran down the long hill", "snow fell on the roof", "the door was left open",
    "bring me a cup of tea", "the sun is warm today", "a dog barked all night", "the train was very late",
]  # fmt: skip


@pytest.fixture(scope="session")
def voice_folder(tmp_path_factory):
    """Twelve recordings of a tone that speaks, in AudioFolder layout with named splits."""
    folder = tmp_path_factory.mktemp("voice")
    rows = []
    for number, text in enumerate(SENTENCES):
        name = f"clip_{number:02d}.wav"
        soundfile.write(folder / name, tone(1.0 + 0.07 * number, hz=150 + 5 * number, seed=number), 16_000)
        split = "test" if number >= 10 else "dev" if number >= 8 else "train"
        rows.append({"file_name": name, "text": text, "speaker": "tone", "split": split})
    (folder / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder
