"""The parts of a run, opened before anything slow, so that all that are missing are told at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tts_toolkit.audio import SAMPLE_RATE_HZ
from tts_toolkit.errors import UserError, UserErrors, causes, one_line
from tts_toolkit.memory import free_memory
from tts_toolkit.progress import progress

PROBE = (0.1 * np.random.default_rng(0).standard_normal(SAMPLE_RATE_HZ)).astype(np.float32)  # a second of hiss


def open_parts(parts: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
    """Return what each part opens as, by the option that chooses it.

    All are tried. Raises UserError, a line for each part that cannot be opened, each beginning with its option.
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
    """Return a part's error with its option; what is no UserError is our own mistake, and raised."""
    told = next((str(cause) for cause in causes(error) if isinstance(cause, UserError)), None)
    if told is None:
        raise error
    named = UserError(told if told.startswith((f"{option}=", f"{option}.")) else f"{option}: {told}")
    named.__cause__ = error
    return named


def tried(worker: Any, try_out: Callable[[Any], object]) -> Any:
    """Return what listens, embeds or rates once it has done so for a second of hiss, and let go of what it loaded."""
    try:
        try_out(worker)
    except UserError:
        raise
    except Exception as error:  # whatever the libraries behind it raise for weights of another shape
        raise UserError(f"{worker.name} cannot be used ({type(error).__name__}: {one_line(error)})") from error
    free_memory()
    return worker


def working_recognizer(recognizer: Any) -> Any:
    """Return a recognizer that works; raises UserError for one that does not load."""
    return tried(recognizer, lambda worker: worker.transcribe(PROBE))


def working_encoder(encoder: Any) -> Any:
    """Return a speaker encoder that works; raises UserError for one that does not load."""
    return tried(encoder, lambda worker: worker.embed(PROBE))
