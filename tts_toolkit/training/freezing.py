"""Freezing of parameters, and of what follows them."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

import torch

from tts_toolkit.system.errors import UserError


def freeze(model: torch.nn.Module, patterns: Sequence[str]) -> int:
    """Turn off the gradients of parameters whose names match a pattern (`*` as in a shell) and return their number.

    A pattern may name a module: `speecht5.encoder` means all below it. Raises UserError for a pattern that
    matches nothing, and when nothing is left to train.
    """
    names = dict(model.named_parameters())
    frozen: set[str] = set()
    for pattern in patterns:
        matches = {name for name in names if fnmatchcase(name, pattern) or fnmatchcase(name, f"{pattern}.*")}
        if not matches:
            modules = ", ".join(name for name, _ in model.named_modules() if name.count(".") == 1)
            raise UserError(f"freeze: no parameter matches {pattern!r}; modules are {modules}, ...")
        frozen |= matches
    if len(frozen) == len(names):
        raise UserError("freeze: every parameter is frozen; leave some to train")
    for name in frozen:
        names[name].requires_grad_(False)
    return len(frozen)


def train_mode(model: torch.nn.Module) -> None:
    """Put a model into training mode, except batch normalization whose parameters are frozen.

    Its running statistics would follow the data, so that frozen layers change.
    """
    model.train()
    for module in model.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm) and module.affine:
            module.train(any(parameter.requires_grad for parameter in module.parameters()))
