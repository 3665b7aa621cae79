"""Speaking rate: characters per second between the first and the last sound."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tts_toolkit.audio.waveforms import SAMPLE_RATE_HZ
from tts_toolkit.evaluation.metrics.artifacts import SILENT_DB
from tts_toolkit.evaluation.metrics.base import Column, Sample


@dataclass(frozen=True)
class SpeakingRate:
    """Characters of the text, blanks included, per second, without the silence before and after."""

    silent_db: float = SILENT_DB  # below full scale

    name = "speaking_rate"
    version = "1"
    columns = (Column("speaking_rate", "speaking rate", unit="characters/s", digits=1),)
    needs_reference = False

    def measure(self, speech: Sample, reference: Sample | None) -> Mapping[str, float | None]:
        """The speaking rate; None for silence."""
        sounding = np.flatnonzero(np.abs(speech.waveform) >= 10 ** (self.silent_db / 20))
        if not len(sounding):
            return {"speaking_rate": None}
        return {"speaking_rate": len(speech.text) * SAMPLE_RATE_HZ / float(sounding[-1] + 1 - sounding[0])}
