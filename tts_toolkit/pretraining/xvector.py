"""Train SpeechBrain's x-vector network from scratch into a folder that `EncoderClassifier.from_hparams` loads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tts_toolkit.audio.torchaudio_stand_in import ensure_torchaudio
from tts_toolkit.audio.waveforms import SAMPLE_RATE_HZ, load_waveform, resample, trim_silence
from tts_toolkit.data.clips import Clip
from tts_toolkit.data.features import read_each
from tts_toolkit.system.errors import UserError
from tts_toolkit.system.files import whole_file, write_whole
from tts_toolkit.system.progress import progress

HYPERPARAMS = """\
# An x-vector encoder in SpeechBrain's recipe structure. Without `paths`, SpeechBrain takes the weights from next to
# this file under its own names (*.ckpt); what these hold is safetensors, read by the hooks below, never pickle.
sample_rate: 16000
n_mels: {n_mels}
compute_features: !new:speechbrain.lobes.features.Fbank
    n_mels: !ref <n_mels>
mean_var_norm: !new:speechbrain.processing.features.InputNormalization
    norm_type: sentence
    std_norm: False
embedding_model: !new:speechbrain.lobes.models.Xvector.Xvector
    in_channels: !ref <n_mels>
    activation: !name:torch.nn.LeakyReLU
    tdnn_blocks: 5
    tdnn_channels: {channels}
    tdnn_kernel_sizes: [5, 3, 3, 1, 1]
    tdnn_dilations: [1, 2, 3, 1, 1]
    lin_neurons: {dim}
classifier: !new:speechbrain.lobes.models.Xvector.Classifier
    input_shape: [null, null, {dim}]
    activation: !name:torch.nn.LeakyReLU
    lin_blocks: 1
    lin_neurons: {dim}
    out_neurons: {n_speakers}
mean_var_norm_emb: !new:speechbrain.processing.features.InputNormalization
    norm_type: global
    std_norm: False
modules:
    compute_features: !ref <compute_features>
    mean_var_norm: !ref <mean_var_norm>
    embedding_model: !ref <embedding_model>
    mean_var_norm_emb: !ref <mean_var_norm_emb>
    classifier: !ref <classifier>
label_encoder: !new:speechbrain.dataio.encoder.CategoricalEncoder
pretrainer: !new:speechbrain.utils.parameter_transfer.Pretrainer
    loadables:
        embedding_model: !ref <embedding_model>
        classifier: !ref <classifier>
        label_encoder: !ref <label_encoder>
    custom_hooks:
        embedding_model: !name:safetensors.torch.load_model
        classifier: !name:safetensors.torch.load_model
"""


@dataclass(frozen=True)
class XvectorSize:
    """The widths of the network; SpeechBrain's own is 24 mels, (512, 512, 512, 512, 1500), 512."""

    n_mels: int = 24
    channels: tuple[int, ...] = (256, 256, 256, 256, 768)
    dim: int = 512


@dataclass(frozen=True)
class XvectorTraining:
    """Hyperparameters of the network's training."""

    n_steps: int = 500
    batch_size: int = 32
    crop_seconds: float = 1.6
    speed_factors: tuple[float, ...] = (1.0, 0.8, 0.87, 0.94, 1.07, 1.15, 1.25)
    noise_probability: float = 0.5
    learning_rate: float = 2e-3
    max_clips_per_speaker: int = 400
    seed: int = 0


def train_xvector(
    clips: Sequence[Clip], size: XvectorSize, training: XvectorTraining, output_dir: str | Path
) -> dict[str, Any]:
    """Write the trained encoder folder and return its figures: `accuracy` on crops of unseen clips, `n_speakers`.

    A speed factor resamples a clip, moving pitch and formants together: each factor of each voice counts as a
    speaker of its own, as in the Kaldi x-vector recipes.
    """
    ensure_torchaudio()
    from hyperpyyaml import load_hyperpyyaml

    output_dir = Path(output_dir)
    torch.manual_seed(training.seed)
    speakers, train, held_out = _speaker_pools(clips, training)
    text = HYPERPARAMS.format(n_mels=size.n_mels, channels=list(size.channels), dim=size.dim, n_speakers=len(speakers))
    network = load_hyperpyyaml(text)
    model = torch.nn.ModuleList([network["embedding_model"], network["classifier"]]).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=training.learning_rate, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, training.learning_rate, training.n_steps)
    rng = np.random.default_rng(training.seed)
    for waveforms, labels in progress(_crops(train, training, rng), "x-vector", "step", training.n_steps):
        loss = torch.nn.functional.nll_loss(_log_posteriors(network, waveforms), labels)
        if not torch.isfinite(loss):
            raise UserError(f"the loss is {loss.item()}; start again with a lower training.learning_rate")
        loss.backward()
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    model.eval()
    with torch.no_grad():
        tests = XvectorTraining(**{**training.__dict__, "n_steps": 10, "noise_probability": 0.0})
        hits = [
            (_log_posteriors(network, waveforms).argmax(-1) == labels).float().mean().item()
            for waveforms, labels in _crops(held_out, tests, rng)
        ]
    _write_encoder(output_dir, text, network, speakers)
    return {"accuracy": float(np.mean(hits)), "n_speakers": len(speakers), "n_clips": len(clips)}


def _speaker_pools(
    clips: Sequence[Clip], training: XvectorTraining
) -> tuple[list[str], list[list[np.ndarray]], list[list[np.ndarray]]]:
    """Return speaker names, and per speaker the waveforms to train on and the last tenth, to test on."""
    by_voice: dict[str, list[Clip]] = {}
    for clip in clips:
        by_voice.setdefault(clip.speaker, []).append(clip)
    names, train, held_out = [], [], []
    for voice in sorted(by_voice):
        chosen = by_voice[voice][: training.max_clips_per_speaker]
        reading = progress(chosen, f"reading {voice}", "clip")
        waveforms = read_each(reading, lambda clip: trim_silence(load_waveform(clip.audio)))
        n_train = len(waveforms) * 9 // 10
        for factor in training.speed_factors:
            copies = [resample(w, SAMPLE_RATE_HZ, round(SAMPLE_RATE_HZ * factor)) for w in waveforms]
            names.append(f"{voice}*{factor:g}")
            train.append(copies[:n_train])
            held_out.append(copies[n_train:])
    return names, train, held_out


def _crops(
    pools: list[list[np.ndarray]], training: XvectorTraining, rng: np.random.Generator
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield `n_steps` batches: crops (batch, samples) of random speakers, and their labels (batch,)."""
    n_samples = int(training.crop_seconds * SAMPLE_RATE_HZ)
    for _ in range(training.n_steps):
        labels = rng.integers(len(pools), size=training.batch_size)
        crops = []
        for label in labels:
            waveform = pools[label][rng.integers(len(pools[label]))]
            waveform = np.pad(waveform, (0, max(0, n_samples - len(waveform))), mode="wrap")
            start = rng.integers(len(waveform) - n_samples + 1)
            crop = waveform[start : start + n_samples]
            if rng.random() < training.noise_probability:
                level = np.sqrt((crop**2).mean()) * 10 ** (-rng.uniform(10, 35) / 20)
                crop = crop + level * rng.standard_normal(n_samples)
            crops.append(crop)
        yield torch.from_numpy(np.stack(crops)).float(), torch.from_numpy(labels)


def _log_posteriors(network: dict[str, Any], waveforms: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        features = network["compute_features"](waveforms)
        features = network["mean_var_norm"](features, torch.ones(len(waveforms)))
    embeddings = network["embedding_model"](features)
    return network["classifier"](embeddings).squeeze(1)


def _write_encoder(output_dir: Path, hyperparams: str, network: dict[str, Any], speakers: list[str]) -> None:
    from safetensors.torch import save_model

    labels = network["label_encoder"]
    labels.update_from_iterable(speakers)
    for part in ("embedding_model", "classifier"):
        with whole_file(output_dir / f"{part}.ckpt") as temporary:
            save_model(network[part], str(temporary))
    with whole_file(output_dir / "label_encoder.ckpt") as temporary:
        labels.save(str(temporary))
    write_whole(output_dir / "hyperparams.yaml", hyperparams.encode())  # the last: without it there is no encoder
