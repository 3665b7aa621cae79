"""DNSMOS, as a column called signal quality: how clean the sound is, not how natural the speech."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from tts_toolkit.audio import SAMPLE_RATE_HZ
from tts_toolkit.errors import UserError


def dnsmos() -> Callable[[np.ndarray], Mapping[str, float]]:
    """Return what rates a waveform (n,) at 16 kHz: the overall DNSMOS P.835 value (1 to 5) as `signal_quality`.

    Raises UserError when the package speechmos, which ships the model, is missing.
    """
    try:
        from speechmos import dnsmos as model
    except ImportError:
        raise UserError("quality=dnsmos: run: pip install 'tts-toolkit[quality]'") from None

    def rate(waveform: np.ndarray) -> Mapping[str, float]:
        return {"signal_quality": float(model.run(waveform.clip(-1, 1), sr=SAMPLE_RATE_HZ)["ovrl_mos"])}

    return rate
