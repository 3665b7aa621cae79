"""DNSMOS, as a column called signal quality: how clean the sound is, not how natural the speech."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tts_toolkit.audio.waveforms import SAMPLE_RATE_HZ
from tts_toolkit.evaluation.metrics.base import SIGNAL_QUALITY, Sample
from tts_toolkit.hub.packaged import install_command
from tts_toolkit.system.errors import UserError

MISSING = "its packages are missing; run: "


@dataclass(frozen=True)
class Dnsmos:
    """Overall DNSMOS P.835 value (1 to 5) by the model that the package speechmos ships."""

    name: str = "dnsmos"

    columns = (SIGNAL_QUALITY,)
    needs_reference = False

    @property
    def version(self) -> str:
        """The release of the package; raises UserError when it is missing."""
        from importlib.metadata import PackageNotFoundError, version

        try:
            return f"speechmos {version('speechmos')}"
        except PackageNotFoundError:
            raise UserError(MISSING + install_command("quality")) from None

    @cached_property
    def _model(self) -> Any:
        try:
            from speechmos import dnsmos
        except ImportError:
            raise UserError(MISSING + install_command("quality")) from None
        return dnsmos

    def measure(self, speech: Sample, reference: Sample | None) -> Mapping[str, float]:
        """Signal quality; raises UserError when the package, or one that it needs, is missing."""
        return {"signal_quality": float(self._model.run(speech.waveform.clip(-1, 1), sr=SAMPLE_RATE_HZ)["ovrl_mos"])}
