"""What a trainable model offers to the training loop and to the recipe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from tts_toolkit.audio.log_mel import HOP_LENGTH, N_MELS
from tts_toolkit.audio.waveforms import SAMPLE_RATE_HZ
from tts_toolkit.models.speecht5.checkpoint import SpeechT5
from tts_toolkit.models.speecht5.scheduled_sampling import ScheduledSampling

Tensors = dict[str, torch.Tensor]


@dataclass(frozen=True)
class AudioFormat:
    """The sound that a model is trained on and generates."""

    sample_rate_hz: int = SAMPLE_RATE_HZ
    hop_length: int = HOP_LENGTH  # samples per frame
    n_bins: int = N_MELS  # of the spectrogram that it is trained on

    @property
    def frames_per_second(self) -> float:
        """Frames of the spectrogram per second of sound."""
        return self.sample_rate_hz / self.hop_length


class TrainingTask(Protocol):
    """A model with its losses; the loop knows nothing else of it."""

    @property
    def audio(self) -> AudioFormat:
        """The format of its recordings and of its speech."""

    @property
    def model(self) -> torch.nn.Module:
        """Everything that is trained, as one module, which the accelerator may wrap."""

    def parameter_groups(self) -> Sequence[Sequence[torch.nn.Parameter]]:
        """The trained parameters, one list per optimizer, in the order of `losses`."""

    def losses(self, model: torch.nn.Module, batch: Tensors) -> Iterator[Tensors]:
        """Yield the losses of a training batch by name, once per optimizer; `model` is `self.model`, maybe wrapped."""

    def dev_loss(self, model: torch.nn.Module, batch: Tensors) -> torch.Tensor:
        """The loss of a held-out batch, by which checkpoints may be chosen."""


@dataclass(frozen=True)
class SpeechT5Task:
    """SpeechT5 on log-mels, with teacher forcing or scheduled sampling."""

    speech: SpeechT5
    scheduled_sampling: ScheduledSampling = ScheduledSampling()  # noqa: RUF009  frozen

    audio = AudioFormat()

    @property
    def model(self) -> Any:
        """SpeechT5ForTextToSpeech."""
        return self.speech.model

    def parameter_groups(self) -> list[list[torch.nn.Parameter]]:
        """All parameters that are not frozen, for one optimizer."""
        return [[parameter for parameter in self.model.parameters() if parameter.requires_grad]]

    def losses(self, model: torch.nn.Module, batch: Tensors) -> Iterator[Tensors]:
        """Yield SpeechT5's loss: spectrogram L1, stop token and guided attention."""
        yield {"loss": model(**self.scheduled_sampling(batch, model=self.model), use_cache=False).loss}

    def dev_loss(self, model: torch.nn.Module, batch: Tensors) -> torch.Tensor:
        """The same loss with teacher forcing."""
        loss: torch.Tensor = model(**batch, use_cache=False).loss
        return loss
