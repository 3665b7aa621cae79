"""The encoder that a checkpoint's settings name."""

from __future__ import annotations

from tts_toolkit.speakers.encoders import SpeakerEncoder, SpeechBrainEncoder
from tts_toolkit.speakers.ge2e import Ge2eEncoder


def open_encoder(name: str, device: str | None = None) -> SpeakerEncoder:
    """Return the encoder whose `name` this is: the packaged GE2E, or SpeechBrain's of a hub id, folder or built-in.

    Nothing is loaded before the encoder is first used.
    """
    packaged = Ge2eEncoder()
    return packaged if name == packaged.name else SpeechBrainEncoder(name, device=device)
