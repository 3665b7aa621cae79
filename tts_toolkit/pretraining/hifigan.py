"""Train a SpeechT5HifiGan from scratch: spectral losses first, then discriminators as well."""

from __future__ import annotations

import hashlib
import io
import json
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.functional import l1_loss
from torch.nn.utils.parametrize import is_parametrized, remove_parametrizations

from tts_toolkit.audio.log_mel import HOP_LENGTH, MEL_FLOOR, N_FFT, log_mel, mel_filters
from tts_toolkit.audio.torchaudio_stand_in import ensure_torchaudio
from tts_toolkit.audio.waveforms import load_waveform
from tts_toolkit.data.clips import Clip
from tts_toolkit.data.features import read_each
from tts_toolkit.nn.devices import pick_device
from tts_toolkit.pretraining.discriminators import Discriminators, Scores
from tts_toolkit.system.errors import UserError
from tts_toolkit.system.files import kept, sealed, write_whole
from tts_toolkit.system.progress import progress
from tts_toolkit.system.reading import reading

STFT_SIZES = (512, 1024, 256)  # samples; hops are a quarter
NO_PART_OF_IT = ("n_steps", "save_every", "device")  # settings that may change when a run is resumed
WEIGHTS = {"mel": 15.0, "stft": 1.0, "features": 2.0, "adversarial": 1.0}


@dataclass(frozen=True)
class VocoderTraining:
    """Hyperparameters of the vocoder's training."""

    n_steps: int
    n_spectral_steps: int  # before the discriminators join
    batch_size: int = 16
    crop_frames: int = 32
    learning_rate: float = 1e-3
    discriminator_learning_rate: float = 4e-4
    periods: tuple[int, ...] = (2, 3, 5, 7)
    discriminator_channels: tuple[int, ...] = (8, 16, 32, 64)
    discriminator_n_ffts: tuple[int, ...] = (512,)
    max_clips: int = 4000
    save_every: int = 500
    seed: int = 0
    device: str | None = None  # None: a GPU where there is one


def train_vocoder(
    clips: Sequence[Clip], config: dict[str, Any], training: VocoderTraining, output_dir: str | Path
) -> dict[str, float]:
    """Write the trained vocoder to `output_dir` and return the mean losses of its last steps.

    `config` are values of SpeechT5HifiGanConfig. The state is saved every `save_every` steps; a run that finds one
    resumes from it, and raises UserError where it is of other recordings or settings.
    """
    ensure_torchaudio()
    from transformers import SpeechT5HifiGan, SpeechT5HifiGanConfig

    output_dir = Path(output_dir)
    torch.manual_seed(training.seed)
    chosen = clips[: training.max_clips]
    read = read_each(progress(chosen, "reading", "clip"), lambda clip: load_waveform(clip.audio))
    waveforms = [torch.from_numpy(waveform) for waveform in read]
    mels = [log_mel(waveform) for waveform in waveforms]
    generator = SpeechT5HifiGan(SpeechT5HifiGanConfig(**config))
    some = torch.cat(mels[:200])
    generator.mean.copy_(some.mean(dim=0))
    generator.scale.copy_(some.std(dim=0).clamp(min=0.1))
    generator.apply_weight_norm()
    discriminators = Discriminators(training.periods, training.discriminator_channels, training.discriminator_n_ffts)
    device = pick_device(training.device)
    trainer = _Trainer(generator.to(device).train(), discriminators.to(device), training)
    losses: dict[str, float] = {}
    run = _identity(waveforms, config, training)
    done = trainer.restore(output_dir / "state.pt", run)
    crops = _crops(waveforms, mels, training, done)
    for step, batch in progress(crops, "vocoder", "step", training.n_steps - done):
        losses = trainer.step(step, *(part.to(device) for part in batch))
        if (step + 1) % training.save_every == 0 or step + 1 == training.n_steps:
            trainer.save(output_dir / "state.pt", step + 1, run)
            trainer.log(output_dir / "metrics.jsonl", step + 1)
    for module in generator.modules():
        if is_parametrized(module, "weight"):  # by weight norm, which transformers cannot remove again
            remove_parametrizations(module, "weight")
    generator.cpu().eval().save_pretrained(output_dir)
    return losses


def _identity(waveforms: Sequence[torch.Tensor], config: dict[str, Any], training: VocoderTraining) -> str:
    """Return a hash of a run's recordings and settings."""
    settings = {name: value for name, value in asdict(training).items() if name not in NO_PART_OF_IT}
    digest = hashlib.blake2b(json.dumps([settings, config], sort_keys=True).encode(), digest_size=16)
    for waveform in waveforms:
        digest.update(waveform.numpy())
    return digest.hexdigest()


def _crops(
    waveforms: Sequence[torch.Tensor], mels: Sequence[torch.Tensor], training: VocoderTraining, done: int
) -> Iterator[tuple[int, tuple[torch.Tensor, torch.Tensor]]]:
    """Yield steps with batches: waveforms (batch, samples) and their log-mels (batch, frames, 80).

    Each step draws from its own generator, so that a resumed run equals an uninterrupted one.
    """
    n_frames = training.crop_frames
    long_enough = [n for n, waveform in enumerate(waveforms) if len(waveform) > n_frames * HOP_LENGTH]
    for step in range(done, training.n_steps):
        rng = np.random.default_rng([training.seed, step])
        crops = []
        for clip in rng.choice(long_enough, size=training.batch_size):
            first = int(rng.integers(len(waveforms[clip]) // HOP_LENGTH - n_frames + 1))
            sound = waveforms[clip][first * HOP_LENGTH :][: n_frames * HOP_LENGTH]
            crops.append((sound, mels[clip][first : first + n_frames]))
        sounds, their_mels = zip(*crops, strict=True)
        yield step, (torch.stack(sounds), torch.stack(their_mels))


class _Trainer:
    """The networks, their optimizers and their losses."""

    def __init__(self, generator: torch.nn.Module, discriminators: Discriminators, training: VocoderTraining) -> None:
        self.generator, self.discriminators, self.training = generator, discriminators, training
        self.optimizer = torch.optim.AdamW(generator.parameters(), lr=training.learning_rate, betas=(0.8, 0.99))
        self.discriminator_optimizer = torch.optim.AdamW(
            discriminators.parameters(), lr=training.discriminator_learning_rate, betas=(0.8, 0.99)
        )
        self.recent: list[dict[str, float]] = []
        self.started = time.monotonic()

    def step(self, step: int, waveforms: torch.Tensor, mels: torch.Tensor) -> dict[str, float]:
        """Do one update of the generator, and of the discriminators once they have joined; return the losses."""
        decay = 0.5 * (1 + math.cos(math.pi * step / self.training.n_steps))
        for optimizer, rate in (
            (self.optimizer, self.training.learning_rate),
            (self.discriminator_optimizer, self.training.discriminator_learning_rate),
        ):
            optimizer.param_groups[0]["lr"] = rate * (0.05 + 0.95 * decay)
        spoken = self.generator(mels)
        losses = {"mel": _mel_loss(spoken, waveforms), "stft": _stft_loss(spoken, waveforms)}
        if step >= self.training.n_spectral_steps:
            losses["discriminators"] = self._update_discriminators(spoken.detach(), waveforms)
            with torch.no_grad():
                true = self.discriminators(waveforms)
            of_fake = self.discriminators(spoken)
            losses["adversarial"] = torch.stack([((1 - scores) ** 2).mean() for scores, _ in of_fake]).mean()
            losses["features"] = _feature_loss(of_fake, true)
        total = torch.stack([WEIGHTS[name] * loss for name, loss in losses.items() if name in WEIGHTS]).sum()
        if not torch.isfinite(total):
            raise UserError(
                f"step {step + 1}: the loss is {total.item()}; go on from the last state with lower learning rates"
            )
        self.optimizer.zero_grad()
        total.backward()
        torch.nn.utils.clip_grad_norm_(self.generator.parameters(), 10.0)
        self.optimizer.step()
        self.recent.append({name: loss.item() for name, loss in losses.items()})
        return self.recent[-1]

    def _update_discriminators(self, spoken: torch.Tensor, waveforms: torch.Tensor) -> torch.Tensor:
        """Update the discriminators by least squares (Mao et al. 2017) and return their loss."""
        pairs = zip(self.discriminators(waveforms), self.discriminators(spoken), strict=True)
        loss = torch.stack([((1 - true[0]) ** 2).mean() + (false[0] ** 2).mean() for true, false in pairs]).mean()
        self.discriminator_optimizer.zero_grad()
        loss.backward()
        self.discriminator_optimizer.step()
        return loss.detach()

    def _parts(self) -> dict[str, Any]:
        return {"generator": self.generator, "discriminators": self.discriminators, "optimizer": self.optimizer,
                "discriminator_optimizer": self.discriminator_optimizer}  # fmt: skip

    def save(self, file: Path, step: int, run: str) -> None:
        """Write the state whole, with its hash."""
        state = {"step": step, "run": run, **{name: part.state_dict() for name, part in self._parts().items()}}
        torch.save(state, buffer := io.BytesIO())
        write_whole(file, sealed(file, buffer.getvalue()))

    def restore(self, file: Path, run: str) -> int:
        """Load the state, if there is one, and return the steps done.

        Raises UserError for the state of another run, and for a damaged one.
        """
        if not file.exists():
            return 0
        content = kept(file)
        if content is None:
            raise UserError(f"{file}: is damaged, or of an earlier version; remove it to start again")
        with reading(file, "remove it to start again"):
            state = dict(torch.load(io.BytesIO(content), map_location="cpu", weights_only=True))
        if state.get("run") != run:
            raise UserError(
                f"{file}: is of a run with other recordings or settings; remove it, or set another output_dir"
            )
        for name, part in self._parts().items():
            part.load_state_dict(state[name])
        return int(state["step"])

    def log(self, file: Path, step: int) -> None:
        """Append the mean losses since the last call."""
        means = {name: float(np.mean([row[name] for row in self.recent if name in row])) for name in self.recent[-1]}
        seconds_per_step = (time.monotonic() - self.started) / len(self.recent)
        before = file.read_text() if file.exists() else ""
        row = json.dumps({"step": step, "seconds_per_step": round(seconds_per_step, 3), **means})
        write_whole(file, f"{before}{row}\n".encode())
        self.recent, self.started = self.recent[-1:], time.monotonic()


def _spectrum(waveforms: torch.Tensor, n_fft: int, hop: int) -> torch.Tensor:
    window = torch.hann_window(n_fft, device=waveforms.device)
    return torch.stft(waveforms, n_fft, hop, window=window, return_complex=True).abs().clamp(min=1e-6)


def _stft_loss(spoken: torch.Tensor, waveforms: torch.Tensor) -> torch.Tensor:
    """Spectral convergence and log magnitudes at several sizes (Parallel WaveGAN, Yamamoto et al. 2020)."""
    losses = []
    for n_fft in STFT_SIZES:
        ours, true = (_spectrum(sound, n_fft, n_fft // 4) for sound in (spoken, waveforms))
        losses.append(torch.linalg.norm(true - ours) / torch.linalg.norm(true) + l1_loss(ours.log(), true.log()))
    return torch.stack(losses).mean()


def _mel_loss(spoken: torch.Tensor, waveforms: torch.Tensor) -> torch.Tensor:
    filters = mel_filters().to(spoken.device)
    ours, true = (
        (_spectrum(sound, N_FFT, HOP_LENGTH).transpose(1, 2) @ filters).clamp(min=MEL_FLOOR).log10()
        for sound in (spoken, waveforms)
    )
    return l1_loss(ours, true)


def _feature_loss(of_fake: list[Scores], true: list[Scores]) -> torch.Tensor:
    pairs = [
        (a, b) for (_, ours), (_, theirs) in zip(of_fake, true, strict=True) for a, b in zip(ours, theirs, strict=True)
    ]
    return torch.stack([l1_loss(a, b) for a, b in pairs]).mean()
