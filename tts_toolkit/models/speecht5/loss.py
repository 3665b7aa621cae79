"""SpeechT5's training loss with fused attention: the numbers of transformers' own forward, faster.

Transformers computes every attention map in eager mode because the guided loss uses two heads per layer, selects masked
elements one by one and builds the guide in a loop over the batch. Here the maps of guided heads are computed, all other
heads go through PyTorch's fused attention, and the loss is a few sums under masks.
"""

from __future__ import annotations

from types import MethodType
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.functional import binary_cross_entropy_with_logits, dropout, scaled_dot_product_attention

IGNORED_FRAME = -100.0  # label value that SpeechT5SpectrogramLoss ignores

if TYPE_CHECKING:
    from transformers import SpeechT5ForTextToSpeech

STOP_WEIGHT = 5.0  # of positive stop labels (SpeechT5SpectrogramLoss)


def fuse(model: SpeechT5ForTextToSpeech) -> None:
    """Give `model`, in place, a forward that returns `loss` for a batch with `labels`; its other behavior stays.

    Decoder padding must be on the right, as the batches of `data.batches` are: there the causal mask is enough.
    """
    from transformers.models.speecht5.modeling_speecht5 import SpeechT5Attention

    n_guided = model.config.guided_attention_loss_num_heads if model.config.use_guided_attention_loss else 0
    for module in model.modules():
        if isinstance(module, SpeechT5Attention):
            module.forward = MethodType(_attend, module)
    for layer in model.speecht5.decoder.wrapped_decoder.layers:
        layer.encoder_attn.n_guided_heads = n_guided
    model.forward = MethodType(_forward, model)


def _attend(
    self: Any,
    hidden_states: torch.Tensor,
    key_value_states: torch.Tensor | None = None,
    past_key_values: Any = None,
    attention_mask: torch.Tensor | None = None,
    position_bias: torch.Tensor | None = None,
    output_attentions: bool = False,
    **kwargs: Any,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Return the attended values (B, T, dim), and the maps (B, n_guided_heads, T, L) where requested."""
    if past_key_values is not None:
        return type(self).forward(
            self,
            hidden_states,
            key_value_states,
            past_key_values,
            attention_mask,
            position_bias,
            output_attentions,
            **kwargs,
        )
    source = hidden_states if key_value_states is None else key_value_states
    query, key, value = (
        projection(states).unflatten(-1, (self.num_heads, self.head_dim)).transpose(1, 2)
        for projection, states in ((self.q_proj, hidden_states), (self.k_proj, source), (self.v_proj, source))
    )
    causal = self.is_decoder and key_value_states is None
    bias = None if causal else attention_mask
    if position_bias is not None:
        relative = torch.einsum("bhtd,tsd->bhts", query * self.scaling, position_bias.to(query.dtype))
        bias = relative if bias is None else relative + _additive(bias, relative.dtype)
    n_mapped = getattr(self, "n_guided_heads", 0) if output_attentions else 0
    p, parts, maps = self.dropout if self.training else 0.0, [], None
    if n_mapped:
        scores = (query[:, :n_mapped] * self.scaling) @ key[:, :n_mapped].transpose(2, 3)
        maps = (scores if bias is None else scores + _additive(bias, scores.dtype)).softmax(dim=-1)
        parts.append(dropout(maps, p) @ value[:, :n_mapped])
    if n_mapped < self.num_heads:
        rest = slice(n_mapped, None)
        if bias is not None and bias.dtype != torch.bool:
            bias = bias.to(query.dtype)
        parts.append(
            scaled_dot_product_attention(query[:, rest], key[:, rest], value[:, rest], bias, p, is_causal=causal)
        )
    return self.out_proj(torch.cat(parts, dim=1).transpose(1, 2).flatten(2)), maps


def _additive(mask: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Return a mask that is added to scores."""
    if mask.dtype != torch.bool:
        return mask
    return torch.zeros_like(mask, dtype=dtype).masked_fill_(~mask, torch.finfo(dtype).min)


def _forward(self: Any, **batch: Any) -> Any:
    """Return an output whose `loss` is SpeechT5ForTextToSpeech's own; without `labels`, the class's own output."""
    from transformers.modeling_outputs import Seq2SeqSpectrogramOutput
    from transformers.models.speecht5.modeling_speecht5 import shift_spectrograms_right

    labels = batch.pop("labels", None)
    if labels is None:
        return type(self).forward(self, **batch)
    past = batch.pop("decoder_input_values", None)
    if past is None:
        past, _ = shift_spectrograms_right(labels, self.config.reduction_factor)
    outputs = self.speecht5(
        input_values=batch.pop("input_ids"),
        decoder_input_values=past,
        output_attentions=self.config.use_guided_attention_loss,
        return_dict=True,
        **batch,
    )
    before, after, stop_logits = self.speech_decoder_postnet(outputs.last_hidden_state)
    with torch.autocast(labels.device.type, enabled=False):
        loss = spectrogram_loss(
            self.config, batch["attention_mask"], before, after, stop_logits, labels, outputs.cross_attentions
        )
    return Seq2SeqSpectrogramOutput(loss=loss, spectrogram=after)


def spectrogram_loss(
    config: Any,
    attention_mask: torch.Tensor,
    before: torch.Tensor,
    after: torch.Tensor,
    stop_logits: torch.Tensor,
    labels: torch.Tensor,
    cross_attentions: tuple[torch.Tensor, ...] | None,
) -> torch.Tensor:
    """Return the loss of SpeechT5SpectrogramLoss: L1 before and after the post-net, stops, guided attention.

    `before`, `after` and `labels` are (B, T, 80), `stop_logits` (B, T), `attention_mask` (B, L); each element of
    `cross_attentions` is (B, n_heads, T / reduction_factor, L).
    """
    valid = labels[:, :, 0] != IGNORED_FRAME
    n_values = valid.sum() * labels.shape[-1]
    valid_values = valid[:, :, None]
    errors = (before.float() - labels).abs() + (after.float() - labels).abs()
    loss = torch.where(valid_values, errors, 0.0).sum() / n_values
    last = valid & ~torch.nn.functional.pad(valid[:, 1:], (0, 1))
    weights = torch.where(last, STOP_WEIGHT, 1.0) * valid
    stops = binary_cross_entropy_with_logits(stop_logits.float(), last.float(), weights, reduction="sum")
    loss = loss + stops / valid.sum()
    if config.use_guided_attention_loss and cross_attentions:
        steps = valid[:, config.reduction_factor - 1 :: config.reduction_factor]
        guide = _guide(attention_mask == 1, steps, config.guided_attention_loss_sigma)
        maps = torch.cat([maps[:, : config.guided_attention_loss_num_heads] for maps in cross_attentions], dim=1)
        away = (guide * maps.float().sum(dim=1)).sum()
        n_cells = (attention_mask.sum(dim=1) * steps.sum(dim=1)).sum() * maps.shape[1]
        loss = loss + config.guided_attention_loss_scale * away / n_cells
    return loss


def _guide(tokens: torch.Tensor, steps: torch.Tensor, sigma: float) -> torch.Tensor:
    """Return the distance of each (step, token) from the diagonal, (B, T, L) in [0, 1), 0 in padding.

    Tachibana et al. 2018, equation 6, `tokens` (B, L) and `steps` (B, T) being true outside padding.
    """
    along = torch.arange(tokens.shape[1], device=tokens.device) / tokens.sum(dim=1, keepdim=True)
    down = torch.arange(steps.shape[1], device=steps.device) / steps.sum(dim=1, keepdim=True)
    off = 1.0 - torch.exp(-((along[:, None, :] - down[:, :, None]) ** 2) / (2 * sigma**2))
    return off * (tokens[:, None, :] & steps[:, :, None])
