"""The synthesizer of a checkpoint, by the model type in its configuration."""

from __future__ import annotations

from tts_toolkit.hub.loading import model_type
from tts_toolkit.models.bark import Bark
from tts_toolkit.models.base import Synthesizer
from tts_toolkit.models.speecht5.generation import Decoding
from tts_toolkit.models.speecht5.synthesizer import SpeechT5Synthesizer
from tts_toolkit.models.vits import Vits
from tts_toolkit.speakers.encoders import SpeakerEncoder
from tts_toolkit.system.errors import UserError


def load_synthesizer(
    model: str,
    revision: str | None = None,
    device: str | None = None,
    *,
    vocoder: str | None = None,
    encoder: SpeakerEncoder | None = None,
    decoding: Decoding | None = None,
) -> Synthesizer:
    """Return the synthesizer of a hub id or folder; raises UserError for another model.

    `vocoder`, `encoder` and `decoding` are those of a `SpeechT5Synthesizer`; for another model the first two raise
    UserError, and `decoding` is not read.
    """
    kind = model_type(model, revision)
    if kind == "speecht5":
        return SpeechT5Synthesizer(
            model, revision, vocoder=vocoder, decoding=decoding or Decoding(), device=device, encoder=encoder
        )
    if vocoder is not None or encoder is not None:
        raise UserError(f"model={model}: vocoder and encoder are for SpeechT5 only; leave them out")
    if kind == "bark":
        return Bark(model, revision, device=device)
    if kind == "vits":
        return Vits(model, revision, device=device)
    raise UserError(f"model {model!r} is a {kind} checkpoint; allowed are speecht5, bark and vits (MMS)")
