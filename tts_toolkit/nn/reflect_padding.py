"""Batches for SpeechBrain's time-delay networks whose results do not depend on padding.

Their convolutions reflect at the end of the *batch*, so that a shorter utterance is followed by padding where alone it
would be reflected (speechbrain #1374). Here each utterance's own end is reflected into its padding before every layer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch


def reach(network: torch.nn.Module) -> int | None:
    """Return the reach, in frames past an end, of the widest layer; None for networks that cannot be batched so."""
    from speechbrain.nnet.CNN import Conv1d

    if any(isinstance(module, torch.nn.Conv2d) for module in network.modules()):
        return None  # ResNet layers stride over time
    layers = [module for module in network.modules() if isinstance(module, Conv1d)]
    if any((layer.padding, layer.padding_mode, layer.stride) != ("same", "reflect", 1) for layer in layers):
        return None
    return max((_reach_of(layer) for layer in layers), default=None)


def _reach_of(layer: Any) -> int:
    return int(layer.dilation * (layer.kernel_size - 1) // 2)


def embed_batch(model: Any, waveforms: Sequence[np.ndarray], n_reach: int) -> torch.Tensor:
    """Return the embeddings (n, dim) of waveforms by an EncoderClassifier, each as if it were alone."""
    padded = torch.nn.utils.rnn.pad_sequence([torch.from_numpy(w).float() for w in waveforms], batch_first=True)
    features = model.mods.compute_features(padded.to(model.device))
    hop = model.mods.compute_features.compute_STFT.hop_length
    n_frames = torch.tensor([1 + len(w) // hop for w in waveforms], device=features.device)
    features = torch.nn.functional.pad(features, (0, 0, 0, n_reach))
    lengths = (n_frames - 0.25) / features.shape[1]  # relative, for SpeechBrain; off the rounding and comparison limits
    features = model.mods.mean_var_norm(features, lengths)
    with _reflected_ends(model.mods.embedding_model, n_frames):
        return model.mods.embedding_model(features, lengths).flatten(1)


@contextmanager
def _reflected_ends(network: torch.nn.Module, n_frames: torch.Tensor) -> Iterator[None]:
    from speechbrain.nnet.CNN import Conv1d

    def reflect(layer: Any, inputs: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
        n_reach = _reach_of(layer)
        if n_reach == 0:
            return inputs
        hidden = inputs[0] if layer.skip_transpose else inputs[0].transpose(1, 2)  # (batch, channels, time)
        steps = torch.arange(n_reach, device=hidden.device)
        shape = (len(hidden), hidden.shape[1], n_reach)
        after = (n_frames[:, None] + steps)[:, None].expand(shape)
        before = (n_frames[:, None] - 2 - steps)[:, None].expand(shape)
        hidden = hidden.scatter(2, after, hidden.gather(2, before))
        return (hidden if layer.skip_transpose else hidden.transpose(1, 2),)

    hooks = [module.register_forward_pre_hook(reflect) for module in network.modules() if isinstance(module, Conv1d)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
