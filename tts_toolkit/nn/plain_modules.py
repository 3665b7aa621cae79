"""Checks that a model is fully described by its weights, as reading or exporting weights drops adapters and hooks."""

from __future__ import annotations

import torch

from tts_toolkit.system.errors import UserError

PLAIN_LIBRARIES = ("torch.nn.modules.", "transformers.models.", "transformers.activations")
THIS_LIBRARY = "tts_toolkit."  # its forwards compute the same: `models.speecht5.loss`


def check_plain(module: torch.nn.Module, name: str = "") -> None:
    """Raise UserError, naming it, for the first part of a module that its weights do not fully describe.

    That is a module of another library (LoRA and other adapters, quantized layers), or one with hooks, a replaced
    forward or parametrizations. `name` is the module's name in its model.
    """
    for inner, part in module.named_modules(prefix=name):
        if why := _wrapped(part):
            raise UserError(
                f"{inner or type(module).__name__} {why}, which synthesis and export read by its weights alone would "
                "leave out; merge it into the weights first (peft: merge_and_unload()), or remove it"
            )


def _wrapped(part: torch.nn.Module) -> str:
    """Return the reason why class and weights do not describe a module; empty for a plain one."""
    kind = type(part)
    if not f"{kind.__module__}.".startswith(PLAIN_LIBRARIES):
        return f"is a {kind.__module__}.{kind.__qualname__}"
    if torch.nn.utils.parametrize.is_parametrized(part):
        return "has a parametrization"
    forward = part.__dict__.get("forward")
    if forward is not None and not str(getattr(forward, "__module__", "")).startswith(THIS_LIBRARY):
        return "has a forward of its own"
    hooks = part._forward_hooks or part._forward_pre_hooks
    return "has a hook" if hooks else ""


def is_plain(part: torch.nn.Module) -> bool:
    """Whether class and weights describe a module, its submodules aside."""
    return not _wrapped(part)
