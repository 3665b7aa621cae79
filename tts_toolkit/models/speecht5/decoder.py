"""SpeechT5's decoder, one step at a time: fused attention, text keys computed once, weights float32 or int8.

The same numbers as transformers' own layers to rounding (their eager attention and its caches), several times faster.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import torch
from torch.nn.functional import pad, scaled_dot_product_attention

from tts_toolkit.nn.packed_linear import packed
from tts_toolkit.nn.plain_modules import check_plain
from tts_toolkit.system.compat import int8_product
from tts_toolkit.system.errors import UserError

if TYPE_CHECKING:
    from transformers import SpeechT5ForTextToSpeech

Weights = Literal["float32", "bfloat16", "int8"]
ROOM = 128  # steps; caches hold a multiple
TOKENS_TOGETHER = 16  # a CPU's attention sums in blocks of this size: texts padded to any multiple give equal sums
STEPS_PER_TOKEN = 3  # first size of a cache; SpeechT5 takes about two


@dataclass(frozen=True)
class _Layer:
    """One decoder layer's parts; the three projections of self-attention are one."""

    qkv: torch.nn.Module
    out: torch.nn.Module
    norm: torch.nn.Module
    text_q: torch.nn.Module
    text_k: torch.nn.Module
    text_v: torch.nn.Module
    text_out: torch.nn.Module
    text_norm: torch.nn.Module
    feed_forward: torch.nn.Module
    last_norm: torch.nn.Module


class DecoderEngine:
    """A model's decoder layers, arranged for single steps. It holds copies: build it again when weights change.

    Raises UserError for a decoder that is more than its weights, such as one with a LoRA that is not merged.
    """

    def __init__(self, model: SpeechT5ForTextToSpeech, weights: Weights = "float32") -> None:
        if weights not in get_args(Weights) or (weights == "int8" and model.device.type != "cpu"):
            raise UserError(f"decoding.weights={weights}: allowed are float32, bfloat16, and on a CPU int8")
        check_plain(model.speecht5.decoder, "speecht5.decoder")
        check_plain(model.speech_decoder_postnet, "speech_decoder_postnet")
        self.n_heads = model.config.decoder_attention_heads
        self.dtype = torch.bfloat16 if weights == "bfloat16" else model.dtype
        self.on_cpu = model.device.type == "cpu"
        decoder, layers = model.speecht5.decoder, model.speecht5.decoder.wrapped_decoder.layers
        if weights == "bfloat16":
            layers = copy.deepcopy(layers).bfloat16()
        self.layers = [_layer(layer, Int8Linear if weights == "int8" else packed) for layer in layers]
        self.prenet_layers = [packed(layer) for layer in decoder.prenet.layers]
        self.prenet_final = packed(decoder.prenet.final_layer)
        self.with_speaker = packed(decoder.prenet.speaker_embeds_layer)
        self.feat_out = packed(model.speech_decoder_postnet.feat_out)
        self.prob_out = packed(model.speech_decoder_postnet.prob_out)

    def read(
        self, encoded: torch.Tensor, mask: torch.Tensor, n_guided: int | None = None, static: bool = False
    ) -> DecoderState:
        """Return the state before the first step for encoded texts (B, L, dim) whose `mask` (B, L) is 1 at tokens.

        The attention of `n_guided` heads is returned; None returns none and is faster.
        """
        encoded = encoded.to(self.dtype)
        n_missing = -encoded.shape[1] % TOKENS_TOGETHER if self.on_cpu else 0
        encoded, mask = pad(encoded, (0, 0, 0, n_missing)), pad(mask, (0, n_missing))
        keys = [self._heads(layer.text_k(encoded)) for layer in self.layers]
        values = [self._heads(layer.text_v(encoded)) for layer in self.layers]
        attention_bias = None if bool(mask.all()) else _attention_bias(mask[:, None, None].bool(), self.dtype)
        return (StaticDecoderState if static else DecoderState)(self, keys, values, attention_bias, n_guided)

    def _heads(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return (B, T, dim) as (B, n_heads, T, dim / n_heads)."""
        return hidden.unflatten(-1, (self.n_heads, -1)).transpose(1, 2).contiguous()


class DecoderState:
    """KV cache of one batch: fixed cross-attention and growing self-attention keys and values."""

    def __init__(
        self,
        engine: DecoderEngine,
        text_keys: list[torch.Tensor],
        text_values: list[torch.Tensor],
        attention_bias: torch.Tensor | None,
        n_guided: int | None,
    ) -> None:
        self.engine, self.text_keys, self.text_values, self.attention_bias = (
            engine,
            text_keys,
            text_values,
            attention_bias,
        )
        self.n_guided, self.n_steps = n_guided, 0
        n_rows, n_heads, n_tokens, dim = text_keys[0].shape
        shape = (2, n_rows, n_heads, math.ceil(n_tokens * STEPS_PER_TOKEN / ROOM) * ROOM, dim)
        self.self_attention_cache = [text_keys[0].new_empty(shape) for _ in text_keys]  # keys, values

    def step(self, hidden: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return the decoder's output (B, dim) for the pre-net's, and the guided heads' mean attention (B, L)."""
        self._start_step()
        attention, given = [], hidden.dtype
        hidden = hidden.to(self.engine.dtype)
        for number, layer in enumerate(self.engine.layers):
            hidden = layer.norm(hidden + layer.out(self._self_attention(layer, number, hidden)))
            query = layer.text_q(hidden).unflatten(-1, (self.engine.n_heads, -1))[:, :, None]
            keys, values = self.text_keys[number], self.text_values[number]
            read = _attended(query, keys, values, self.attention_bias)
            if self.n_guided is not None:
                attention.append(self._guided_attention(query, keys))
            hidden = layer.text_norm(hidden + layer.text_out(read.flatten(1)))
            hidden = layer.last_norm(hidden + layer.feed_forward(hidden))
        return hidden.to(given), torch.stack(attention).mean(dim=0) if attention else None

    def _start_step(self) -> None:
        if self.n_steps == self.self_attention_cache[0].shape[3]:
            self.self_attention_cache = [
                torch.cat([cache, torch.empty_like(cache)], dim=3) for cache in self.self_attention_cache
            ]
        self.n_steps += 1

    def _self_attention(self, layer: _Layer, number: int, hidden: torch.Tensor) -> torch.Tensor:
        query, key, value = layer.qkv(hidden).unflatten(-1, (3, self.engine.n_heads, -1)).unbind(1)
        cache = self.self_attention_cache[number]
        cache[0, :, :, self.n_steps - 1], cache[1, :, :, self.n_steps - 1] = key, value
        keys, values = cache[:, :, :, : self.n_steps]
        return _attended(query[:, :, None], keys, values).flatten(1)

    def _guided_attention(self, query: torch.Tensor, keys: torch.Tensor) -> torch.Tensor:
        """Return the mean attention (B, L) of the guided heads."""
        guided = slice(self.n_guided)
        scores = (query[:, guided] @ keys[:, guided].transpose(2, 3)) / math.sqrt(query.shape[-1])
        if self.attention_bias is not None:
            scores = scores + self.attention_bias
        return scores.softmax(dim=-1)[:, :, 0].mean(dim=1)

    def keep(self, rows: torch.Tensor) -> None:
        """Continue with these rows of the batch only."""
        self.text_keys = [keys[rows] for keys in self.text_keys]
        self.text_values = [values[rows] for values in self.text_values]
        self.self_attention_cache = [cache[:, rows] for cache in self.self_attention_cache]
        if self.attention_bias is not None:
            self.attention_bias = self.attention_bias[rows]


class StaticDecoderState(DecoderState):
    """The same cache at fixed addresses, zeroed so that masked values are finite, for replay as a CUDA graph."""

    def __init__(self, *state: Any) -> None:
        super().__init__(*state)
        self.now = torch.zeros(1, dtype=torch.long, device=self.self_attention_cache[0].device)
        self.self_attention_cache = [cache.zero_() for cache in self.self_attention_cache]
        self.future = torch.empty(0)

    @property
    def capacity(self) -> int:
        """Steps that fit."""
        return self.self_attention_cache[0].shape[3]

    def grow(self) -> None:
        """Make room for twice as many steps, at other addresses."""
        self.self_attention_cache = [
            torch.cat([cache, torch.zeros_like(cache)], dim=3) for cache in self.self_attention_cache
        ]

    def _start_step(self) -> None:
        """Mask the steps after this one; the caller counts the steps."""
        past = torch.arange(self.capacity, device=self.now.device) <= self.now
        self.future = _attention_bias(past[None, None, None], self.engine.dtype)

    def _self_attention(self, layer: _Layer, number: int, hidden: torch.Tensor) -> torch.Tensor:
        query, key, value = layer.qkv(hidden).unflatten(-1, (3, self.engine.n_heads, -1)).unbind(1)
        keys, values = self.self_attention_cache[number]
        keys.index_copy_(2, self.now, key[:, :, None])
        values.index_copy_(2, self.now, value[:, :, None])
        return _attended(query[:, :, None], keys, values, self.future).flatten(1)


def _attended(
    query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, attention_bias: torch.Tensor | None = None
) -> torch.Tensor:
    """Return the attended values (B, n_heads, 1, dim) of one query (B, n_heads, 1, dim) over T steps.

    Fused on a GPU. On a CPU the fused kernel splits a row's sum among threads depending on the number of rows; products
    and a softmax are as fast, and independent of the batch.
    """
    if query.device.type != "cpu":
        return scaled_dot_product_attention(query, keys, values, attn_mask=attention_bias)
    scores = (query @ keys.transpose(2, 3)) / math.sqrt(query.shape[-1])
    return (scores if attention_bias is None else scores + attention_bias).softmax(dim=-1) @ values


def _attention_bias(visible: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Return the bias added to attention scores: 0 where `visible`, else minus infinity."""
    return torch.zeros_like(visible, dtype=dtype).masked_fill_(~visible, -torch.inf)


def _layer(layer: Any, prepared: Callable[[torch.nn.Linear], torch.nn.Module]) -> _Layer:
    own, text, feed_forward = layer.self_attn, layer.encoder_attn, layer.feed_forward
    return _Layer(
        qkv=prepared(_joined([own.q_proj, own.k_proj, own.v_proj])),
        out=prepared(own.out_proj),
        norm=layer.self_attn_layer_norm,
        text_q=prepared(text.q_proj),
        text_k=text.k_proj,
        text_v=text.v_proj,
        text_out=prepared(text.out_proj),
        text_norm=layer.encoder_attn_layer_norm,
        feed_forward=torch.nn.Sequential(
            prepared(feed_forward.intermediate_dense),
            feed_forward.intermediate_act_fn,
            prepared(feed_forward.output_dense),
        ),
        last_norm=layer.final_layer_norm,
    )


def _joined(layers: Sequence[torch.nn.Linear]) -> torch.nn.Linear:
    """Return one linear layer whose outputs are those of several, one after the other."""
    first = layers[0]
    weight = torch.cat([layer.weight for layer in layers])
    joined = torch.nn.Linear(first.in_features, len(weight), device="meta")
    joined.weight = torch.nn.Parameter(weight, requires_grad=False)
    joined.bias = torch.nn.Parameter(torch.cat([layer.bias for layer in layers]), requires_grad=False)
    return joined


class Int8Linear(torch.nn.Module):
    """A linear layer with int8 weights and one scale per output; inputs are rounded to bfloat16.

    Each row is multiplied separately, so that its result does not depend on the batch.
    """

    def __init__(self, layer: torch.nn.Linear) -> None:
        super().__init__()
        scales = layer.weight.detach().abs().amax(dim=1) / 127
        self.weight = (layer.weight.detach() / scales[:, None]).round().to(torch.int8)
        self.scales, self.bias = scales.bfloat16(), layer.bias.detach()

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return (B, n_out) for (B, n_in)."""
        return int8_product(hidden.bfloat16(), self.weight, self.scales).float() + self.bias
