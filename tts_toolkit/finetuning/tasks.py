"""The interface of a trainable model: its data, its losses, its speech and its files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from tts_toolkit.audio.log_mel import HOP_LENGTH, N_MELS
from tts_toolkit.audio.waveforms import SAMPLE_RATE_HZ
from tts_toolkit.data.batches import Example, TrainingSet
from tts_toolkit.data.clips import Clip
from tts_toolkit.data.features import ClipLimits
from tts_toolkit.models.base import Speech, SynthesisRequest, Synthesizer
from tts_toolkit.system.errors import UserError
from tts_toolkit.text.frontend import TextFrontEnd

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


@dataclass(frozen=True)
class Prepared:
    """The clips of a run, and what the model reads of them."""

    clips: Mapping[str, Sequence[Clip]]  # by part: train, dev, test
    examples: Mapping[str, Sequence[Example]]  # of train and dev
    limits: ClipLimits  # reads the clips; what was read before is held


class TrainingTask(Protocol):
    """A trainable model. Recipe and training loop know nothing else of it.

    A factory in a YAML of the config group `task` returns it. The recipe passes `open_base_model` and `open_encoder`,
    which open the components of the groups `base_model` and `encoder`, to the factory. A subclass needs only what has
    no default here.
    """

    architecture: str  # for people, such as SpeechT5
    audio: AudioFormat = AudioFormat()
    dev_metrics: Sequence[str] = ()  # names of what `dev_metrics_of` measures

    def parts(self) -> Mapping[str, Callable[[], object]]:
        """Functions that open what the task needs, by the option that selects each; the base model comes first."""
        return {}

    @property
    def front_end(self) -> TextFrontEnd:
        """The front end from transcripts to tokens."""

    def extend_vocabulary(self, transcripts: Iterable[str]) -> None:
        """Add the letters that the tokenizer does not know to the model; raises UserError where it cannot learn any."""
        raise UserError(f"text.extend_vocabulary=true: {self.architecture} cannot learn letters; set it to false")

    def keep(self, clip: Clip, waveform: np.ndarray, limits: ClipLimits, cache_dir: Path) -> None:
        """Cache what `prepare` will need of a clip (n,), whose waveform is in memory now."""
        return

    def prepare(
        self, clips: Mapping[str, Sequence[Clip]], limits: ClipLimits, cache_dir: Path, pad_to_multiple_of: int
    ) -> Mapping[str, Sequence[Example]]:
        """The examples of the parts `train` and `dev`, and, kept in the task, the voices of all speakers.

        Raises UserError, naming the row, for a clip that cannot be used, or that is too long when padded to a multiple.
        """

    def training_set(self, examples: Sequence[Example]) -> TrainingSet:
        """Examples as tensors and batches."""

    @property
    def model(self) -> torch.nn.Module:
        """Everything that is trained, as one module, which the accelerator may wrap."""

    def training(self) -> AbstractContextManager[None]:
        """Context in which the model is trained, for what is switched on for that time only."""
        return nullcontext()

    def parameter_groups(self) -> Sequence[Sequence[torch.nn.Parameter]]:
        """The trained parameters, one list per optimizer, in the order of `losses`."""

    def losses(self, model: torch.nn.Module, batch: Tensors) -> Iterator[Tensors]:
        """Yield the losses of a training batch by name, once per optimizer; `model` is `self.model`, maybe wrapped."""

    def dev_loss(self, model: torch.nn.Module, batch: Tensors) -> torch.Tensor:
        """The loss of a held-out batch, by which checkpoints may be chosen."""

    def synthesize(self, requests: Sequence[SynthesisRequest]) -> list[Speech]:
        """The speech of requests, whose voices are names of speakers, with the weights as they are."""

    def dev_metrics_of(self, speeches: Sequence[Speech]) -> list[dict[str, float]]:
        """What only this model tells of its speech, such as the diagonality of its attention."""
        return [{} for _ in speeches]

    @property
    def voices(self) -> Sequence[str]:
        """The names of the trained voices."""

    def save(self, folder: Path, half_precision: bool) -> None:
        """Write the files that `synthesizer` loads; raises UserError for weights that are not finite."""

    def synthesizer(self, folder: Path) -> Synthesizer:
        """The synthesizer of a saved folder."""

    def base_synthesizer(self) -> Synthesizer | None:
        """The synthesizer of the base model as it was; None for one that was built from scratch."""
        return None

    def save_voices(self, folder: Path) -> None:
        """Write what both synthesizers need to speak in the voices of all speakers, of the test clips too."""
        return

    def voice(self, speaker: str, folder: Path) -> str:
        """A speaker's voice in requests to both synthesizers, after `save_voices` to that folder; "": the default."""
        return ""

    def facts(self) -> dict[str, Any]:
        """What the model card says of this architecture, in addition to what it says of every model."""
        return {}

    @property
    def base_name(self) -> str:
        """The base model, as the user named it."""
        return "scratch"

    def code(self, place: str) -> str:
        """Python code that loads the saved model from a folder or hub id and writes a WAV file."""
