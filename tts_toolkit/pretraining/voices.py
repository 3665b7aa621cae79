"""Synthesizers that other packages ship, each as a callable `text -> (waveform, sample_rate_hz)`."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import soundfile

from tts_toolkit.hub.packaged import install_command
from tts_toolkit.system.errors import UserError


class Voice(Protocol):
    """A voice that synthesizes text."""

    @property
    def name(self) -> str:
        """The name, for rows of a corpus."""

    @property
    def license(self) -> str:
        """License of its speech."""

    def __call__(self, text: str) -> tuple[np.ndarray, int]:
        """Return float32 samples (n,) in [-1, 1] and their sample rate in Hz."""


@dataclass(frozen=True)
class Flite:
    """A voice of the Debian package `flite`."""

    name: str
    license: str = "CMU flite (BSD style)"

    def __call__(self, text: str) -> tuple[np.ndarray, int]:
        """Synthesize `text`; raises UserError when flite is missing or refuses."""
        if shutil.which("flite") is None:
            raise UserError("the program 'flite' was not found; install it (Debian: apt-get install flite)")
        with tempfile.TemporaryDirectory() as folder:
            wav = Path(folder) / "speech.wav"
            done = subprocess.run(
                ["flite", "-voice", self.name, "-t", text, "-o", str(wav)], capture_output=True, text=True
            )
            if done.returncode or not wav.exists():
                raise UserError(f"flite -voice {self.name} failed on {text!r}: {done.stderr.strip()}")
            waveform, sample_rate_hz = soundfile.read(wav, dtype="float32")
        return waveform, sample_rate_hz


@dataclass(frozen=True)
class Hibari:
    """The American English voice `heart` of the package `hibari-tts` (Apache-2.0), 24 kHz."""

    name: str = "heart"
    seed: int = 0
    license: str = "apache-2.0"

    @cached_property
    def _engine(self) -> Any:
        try:
            from hibari import Hibari as Engine
        except ImportError:
            raise UserError(f"the package 'hibari-tts' is missing; run: {install_command('corpora')}") from None
        return Engine()

    def __call__(self, text: str) -> tuple[np.ndarray, int]:
        """Synthesize `text`, sample for sample the same each time."""
        return np.asarray(self._engine(text, seed=self.seed), dtype=np.float32), 24_000


@dataclass(frozen=True)
class Perturbed:
    """A voice played `speed` times as fast: pitch and formants move along, which gives another speaker.

    Ko et al. 2015, "Audio augmentation for speech recognition", section 2.
    """

    voice: Voice
    speed: float

    @property
    def name(self) -> str:
        """The voice and its speed in percent."""
        return f"{self.voice.name}-{round(100 * self.speed)}"

    @property
    def license(self) -> str:
        """That of the voice."""
        return self.voice.license

    def __call__(self, text: str) -> tuple[np.ndarray, int]:
        """Return the voice's own samples, at a sample rate that plays them at that speed."""
        waveform, sample_rate_hz = self.voice(text)
        return waveform, round(sample_rate_hz * self.speed)


@dataclass(frozen=True)
class Share:
    """A voice's share of the sentences."""

    voice: Voice
    weight: float = field(default=1.0)
