"""Whether a model is nothing but its weights: what is read or exported by weight leaves adapters and hooks out."""

from __future__ import annotations

import torch

from tts_toolkit.errors import UserError

KNOWN = ("torch.nn.modules.", "transformers.models.", "transformers.activations")  # whose modules are what they seem
OWN = "tts_toolkit."  # forwards of our own, which compute the same: `training.fused`


def check_plain(module: torch.nn.Module, name: str = "") -> None:
    """Raise UserError, naming it, for the first part of a module that its weights alone do not tell.

    That is a module of another library's (LoRA and other adapters, quantised layers), one with hooks, with a forward
    that somebody put in its place, or with parametrizations. `name` is what the module is called in its model.
    """
    for inner, part in module.named_modules(prefix=name):
        if why := _wrapped(part):
            raise UserError(
                f"{inner or type(module).__name__} {why}, which synthesis and export read by its weights alone would "
                "leave out; merge it into the weights first (peft: merge_and_unload()), or remove it"
            )


def _wrapped(part: torch.nn.Module) -> str:
    """Return in what a module is more than its class and weights; empty for a plain one."""
    kind = type(part)
    if not f"{kind.__module__}.".startswith(KNOWN):
        return f"is a {kind.__module__}.{kind.__qualname__}"
    if torch.nn.utils.parametrize.is_parametrized(part):
        return "has a parametrization"
    forward = part.__dict__.get("forward")
    if forward is not None and not str(getattr(forward, "__module__", "")).startswith(OWN):
        return "has a forward of its own"
    hooks = part._forward_hooks or part._forward_pre_hooks
    return "has a hook" if hooks else ""


def is_plain(part: torch.nn.Module) -> bool:
    """Return whether a module, what is in it left aside, is told by its class and weights."""
    return not _wrapped(part)
