"""What this toolkit needs of other libraries that they do not offer publicly, in one place.

Each function says which release it was checked against; a new release of that library is where to look first.
"""

from __future__ import annotations

import logging
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


@contextmanager
def quiet(name: str = "transformers") -> Iterator[None]:
    """Limit a library's loggers to errors, unless they are configured for more than warnings."""
    logger = logging.getLogger(name)
    before = logger.level
    if before in (logging.NOTSET, logging.WARNING):
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def settings_of(config: Any) -> dict[str, Any]:
    """A configuration as plain dicts and lists, its interpolations resolved."""
    from omegaconf import OmegaConf

    found = OmegaConf.to_container(config, resolve=True)
    assert isinstance(found, dict)
    return {str(key): value for key, value in found.items()}


def node_of(config: Any, key: Any) -> Any:
    """Node below `key`, neither resolved nor refused where it is missing. omegaconf 2.3.1."""
    return config._get_node(key)


def is_null(node: Any) -> bool:
    """Whether a configuration's node is null. omegaconf 2.3.1."""
    return bool(node._is_none())


def is_empty(node: Any) -> bool:
    """Whether a configuration's node is null or is still to be given (???). omegaconf 2.3.1."""
    return is_null(node) or bool(node._is_missing())


def hydra_parser() -> ArgumentParser:
    """Parser of the flags that `hydra.main` takes. hydra-core 1.3.8."""
    from hydra._internal.utils import get_args_parser

    parser: ArgumentParser = get_args_parser()
    return parser


def whisper_repositories() -> Mapping[str, str]:
    """Hub ids of Whisper's sizes, as faster-whisper lists them; none where it keeps them elsewhere. 1.2.1."""
    from faster_whisper import utils

    return getattr(utils, "_MODELS", {})


def vits_characters(tokenizer: Any, text: str) -> str:
    """Text as a VitsTokenizer without phonemes splits it, before it drops unknown characters. transformers 5.23.0."""
    return str(tokenizer._preprocess_char(tokenizer.normalize_text(text) if tokenizer.normalize else text))


def copy_tensors(to: Sequence[torch.Tensor], given: Sequence[torch.Tensor]) -> None:
    """Copy tensors into others by as few kernels as there are devices and types. torch 2.14.1."""
    import torch

    torch._foreach_copy_(to, given)


def int8_product(rows: torch.Tensor, weight: torch.Tensor, scales: torch.Tensor) -> torch.Tensor:
    """Product of bfloat16 rows (B, n_in) and int8 weights (n_out, n_in) with one scale per output. torch 2.14.1."""
    import torch

    return torch._weight_int8pack_mm(rows, weight, scales)


def cpu_packs_bfloat16() -> bool:
    """Whether oneDNN multiplies bfloat16 on this processor. torch 2.14.1."""
    import torch

    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def packed_weight(weight: torch.Tensor) -> torch.Tensor:
    """Weights (n_out, n_in) in the layout that oneDNN multiplies by. torch 2.14.1."""
    import torch

    return torch.ops.mkldnn._reorder_linear_weight(weight, None)


def packed_product(rows: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    """Product of rows (..., n_in) and the weights of `packed_weight`, plus the bias. torch 2.14.1."""
    import torch

    return torch.ops.mkldnn._linear_pointwise(rows, weight, bias, "none", [], "")
