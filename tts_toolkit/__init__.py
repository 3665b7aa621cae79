"""Fine-tune SpeechT5 on new voices and benchmark speech synthesis honestly.

The names below are the library's front door; each is imported when it is first used, so that the import is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tts_toolkit.api import (
        BenchmarkResults,
        ErrorRates,
        Recognizer,
        SpeakerEncoder,
        TextToSpeech,
        error_rates,
        load_recognizer,
        load_speaker_encoder,
        load_synthesizer,
        read_results,
    )
    from tts_toolkit.models.base import Speech
    from tts_toolkit.system.errors import UserError

__version__ = "0.1.0"
__all__ = [
    "BenchmarkResults",
    "ErrorRates",
    "Recognizer",
    "SpeakerEncoder",
    "Speech",
    "TextToSpeech",
    "UserError",
    "error_rates",
    "load_recognizer",
    "load_speaker_encoder",
    "load_synthesizer",
    "read_results",
]
_ELSEWHERE = {"Speech": "tts_toolkit.models.base", "UserError": "tts_toolkit.system.errors"}


def __getattr__(name: str) -> Any:
    """Import the object called `name`."""
    if name not in __all__:
        raise AttributeError(f"module 'tts_toolkit' has no attribute {name!r}")
    found = getattr(import_module(_ELSEWHERE.get(name, "tts_toolkit.api")), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """Names for completion, before any of them is imported."""
    return sorted({*globals(), *__all__})
