"""The encoder that a checkpoint's settings name, and whether another is the same."""

from __future__ import annotations

from pathlib import Path

from tts_toolkit.assets import asset_path
from tts_toolkit.speakers.encoders import SpeakerEncoder, SpeechBrainEncoder
from tts_toolkit.speakers.ge2e import Ge2eEncoder
from tts_toolkit.system.files import file_hash

WEIGHTS = ("embedding_model.ckpt", "model.safetensors", "pytorch_model.bin")  # files that identify an encoder


def open_encoder(name: str, device: str | None = None) -> SpeakerEncoder:
    """Return the encoder of this `name`: the packaged GE2E, or SpeechBrain's of a hub id, folder or built-in.

    Nothing is loaded before the encoder is first used.
    """
    packaged = Ge2eEncoder()
    return packaged if name == packaged.name else SpeechBrainEncoder(name, device=device)


def is_same_encoder(name: str, encoder: SpeakerEncoder) -> bool:
    """Whether an encoder is the one of this name: by name, by version or as a copy of its weights."""
    by_name = name in (encoder.name, encoder.version)
    return by_name or bool(_weights(name) & _weights(getattr(encoder, "source", encoder.name)))


def _weights(source: str) -> set[str]:
    """Return the hashes of an encoder's weights; empty where they are not on this machine."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    folder = asset_path(source)
    if not folder.is_dir():
        try:
            folder = Path(snapshot_download(source, local_files_only=True))
        except (OSError, ValueError, HFValidationError):
            return set()
    return {file_hash(folder / name) for name in WEIGHTS if (folder / name).is_file()}
