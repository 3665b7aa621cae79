"""The components of a run, opened before anything slow, so that all missing ones are reported at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tts_toolkit.audio.waveforms import SAMPLE_RATE_HZ
from tts_toolkit.system.errors import UserError, UserErrors, causes, one_line
from tts_toolkit.system.memory import free_memory
from tts_toolkit.system.progress import progress

PROBE = (0.1 * np.random.default_rng(0).standard_normal(SAMPLE_RATE_HZ)).astype(np.float32)  # one second of noise


def open_parts(parts: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
    """Return the opened components, by the option that selects each.

    All are tried. Raises UserError, with one line per component that cannot be opened, beginning with its option.
    """
    opened, errors = dict[str, Any](), list[UserError]()
    for option, open_part in progress(parts.items(), "opening models", "model"):
        try:
            opened[option] = open_part()
        except Exception as error:
            errors.append(_of_option(option, error))
    if errors:
        raise errors[0] if len(errors) == 1 else UserErrors(errors)
    return opened


def _of_option(option: str, error: Exception) -> UserError:
    """Return a component's UserError with its option; any other error is raised."""
    message = next((str(cause) for cause in causes(error) if isinstance(cause, UserError)), None)
    if message is None:
        raise error
    named = UserError(message if message.startswith((f"{option}=", f"{option}.")) else f"{option}: {message}")
    named.__cause__ = error
    return named


def tried(worker: Any, try_out: Callable[[Any], object]) -> Any:
    """Return a recognizer, encoder or metric after a trial on one second of noise, and free unused memory."""
    try:
        try_out(worker)
    except UserError:
        raise
    except Exception as error:  # libraries raise any type of error for weights of another shape
        raise UserError(f"{worker.name} cannot be used ({type(error).__name__}: {one_line(error)})") from error
    free_memory()
    return worker


def working_recognizer(recognizer: Any) -> Any:
    """Return a recognizer that works; raises UserError for one that does not load."""
    return tried(recognizer, lambda worker: worker.transcribe(PROBE))


def working_encoder(encoder: Any) -> Any:
    """Return a speaker encoder that works; raises UserError for one that does not load."""
    return tried(encoder, lambda worker: worker.embed(PROBE))
