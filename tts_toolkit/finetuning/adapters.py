"""Adapters: small trainable modules added to frozen weights, and merged into them before synthesis and export."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from tts_toolkit.hub.packaged import install_command
from tts_toolkit.system.errors import UserError


class Adapter(Protocol):
    """The trained part of a model."""

    def attach(self, model: torch.nn.Module) -> None:
        """Insert the adapter into `model`, in place, and freeze all other weights."""

    def merged(self, model: torch.nn.Module) -> AbstractContextManager[None]:
        """Context in which `model` is plain, with the adapter merged into its weights; afterwards it is as before."""

    def merge(self, model: torch.nn.Module) -> None:
        """Merge the adapter into the weights of `model` permanently."""


@dataclass(frozen=True)
class NoAdapter:
    """No adapter: all weights are trained."""

    def attach(self, model: torch.nn.Module) -> None:
        """Leave the model unchanged."""

    def merged(self, model: torch.nn.Module) -> AbstractContextManager[None]:
        """Context without effect."""
        return nullcontext()

    def merge(self, model: torch.nn.Module) -> None:
        """Leave the model unchanged."""


@dataclass(frozen=True)
class Lora:
    """Low-rank adaptation (Hu et al. 2021) by peft: W + alpha / rank * B A, of which A and B are trained."""

    rank: int = 16
    alpha: int = 32
    dropout: float = 0.0  # of the adapter's input
    target_modules: Sequence[str] = ("q_proj", "k_proj", "v_proj", "out_proj")  # suffixes of names of linear layers

    def attach(self, model: torch.nn.Module) -> None:
        """Wrap the target modules; raises UserError when peft is missing or no module matches."""
        try:
            from peft import LoraConfig, inject_adapter_in_model
        except ImportError:
            raise UserError(f"adapter=lora: peft is missing; run: {install_command('lora')}") from None
        config = LoraConfig(
            r=self.rank, lora_alpha=self.alpha, lora_dropout=self.dropout, target_modules=list(self.target_modules)
        )
        try:
            inject_adapter_in_model(config, model)
        except ValueError as error:
            linear = (name for name, module in model.named_modules() if isinstance(module, torch.nn.Linear))
            ends = ", ".join(sorted({name.rpartition(".")[2] for name in linear}))
            named = f"adapter.target_modules={list(self.target_modules)}"
            raise UserError(f"{named}: no such linear layers; there are {ends}") from error

    @contextmanager
    def merged(self, model: torch.nn.Module) -> Iterator[None]:
        """Context in which `model` is plain; afterwards its weights are bit-identical to those before."""
        wrapped = _wrapped(model)
        before = {name: layer.get_base_layer().weight.detach().clone() for name, layer in wrapped.items()}
        self.merge(model)
        try:
            yield
        finally:
            for name, layer in wrapped.items():
                layer.get_base_layer().weight.data.copy_(before[name])
                layer.merged_adapters.clear()
                model.set_submodule(name, layer)

    @torch.no_grad()
    def merge(self, model: torch.nn.Module) -> None:
        """Add the updates to the weights and remove the wrappers."""
        for name, layer in _wrapped(model).items():
            layer.merge()
            base = layer.get_base_layer()
            base.requires_grad_(True)
            model.set_submodule(name, base)


def _wrapped(model: torch.nn.Module) -> dict[str, Any]:
    """The layers that peft has wrapped, by name."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    return {name: module for name, module in model.named_modules() if isinstance(module, BaseTunerLayer)}
