"""SpeechT5's decoder loop: the same log-mel for an utterance in any batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from tts_toolkit.models.speecht5.decoder import DecoderEngine, Weights
from tts_toolkit.models.speecht5.decoding_state import DecodingState, GraphDecodingState
from tts_toolkit.nn.devices import attention_of_any_shape
from tts_toolkit.nn.zero_padding import batched
from tts_toolkit.system.errors import UserError

if TYPE_CHECKING:
    from transformers import SpeechT5ForTextToSpeech


@dataclass(frozen=True)
class Decoding:
    """Stopping rules of the decoder, and the type of its weights."""

    stop_threshold: float = 0.5  # of the stop probability
    max_frames_per_token: float = 20.0  # then it is cut off
    min_frames_per_token: float = 0.0
    weights: Weights = "float32"  # bfloat16, or on a CPU int8: faster, and only nearly the same
    replay: bool | None = None  # the steps as one CUDA graph; None: on a GPU


@dataclass(frozen=True)
class DecodedMel:
    """Decoder output of one utterance."""

    log_mel: torch.Tensor  # (n_frames, 80), float32, true length
    truncated: bool  # the stop token never came
    attention: torch.Tensor | None = None  # (n_decoder_steps, n_tokens), mean over guided heads


@torch.inference_mode()
@attention_of_any_shape()
def decode(
    model: SpeechT5ForTextToSpeech,
    input_ids: Sequence[Sequence[int]],
    speaker_embeddings: torch.Tensor,
    seeds: Sequence[int],
    decoding: Decoding = Decoding(),
    keep_attention: bool = False,
    engine: DecoderEngine | None = None,
) -> list[DecodedMel]:
    """Return the log-mel of each utterance, decoded as one batch; `engine` is the model's, built here for None.

    `speaker_embeddings` is (n, dim). The pre-net's dropout, which SpeechT5 keeps in synthesis, is drawn per utterance
    from its own seed; length limits depend on each utterance's own tokens; finished utterances leave the batch; the
    post-net treats each utterance as if alone. In distribution this is `SpeechT5ForTextToSpeech.generate_speech`.
    Raises UserError when a text exceeds the model's positions.
    """
    config, device = model.config, model.device
    for ids in input_ids:
        if len(ids) > config.max_text_positions:
            raise UserError(
                f"a text of {len(ids)} tokens exceeds the model's {config.max_text_positions}: split it at sentences"
            )
    engine = engine or DecoderEngine(model, decoding.weights)
    replay = device.type == "cuda" if decoding.replay is None else decoding.replay
    state = (GraphDecodingState if replay else DecodingState)(
        model, engine, input_ids, speaker_embeddings.to(device), seeds, keep_attention
    )
    n_limits = [_step_limits(len(ids), decoding, config) for ids in input_ids]
    truncated = [False] * len(input_ids)
    for step in range(max(longest for _, longest in n_limits)):
        stop_probabilities = state.advance()
        keep = []
        for row, utterance in enumerate(state.active):
            shortest, longest = n_limits[utterance]
            stops = step + 1 >= shortest and stop_probabilities[row] >= decoding.stop_threshold
            truncated[utterance] = not stops and step + 1 >= longest
            if not stops and not truncated[utterance]:
                keep.append(row)
        if len(keep) < len(state.active):
            state.keep(keep)
        if not keep:
            break
    postnet, rows = model.speech_decoder_postnet, [torch.cat(frames) for frames in state.frames]
    mels = [mel.float().cpu() for mel in batched(postnet, rows, postnet.postnet)]
    return [
        DecodedMel(mel, cut, attention) for mel, cut, attention in zip(mels, truncated, state.attentions(), strict=True)
    ]


def _step_limits(n_tokens: int, decoding: Decoding, config: Any) -> tuple[int, int]:
    """Return the least and the most decoder steps of an utterance of `n_tokens`."""
    per_step = n_tokens / config.reduction_factor
    longest = min(int(decoding.max_frames_per_token * per_step), config.max_speech_positions - 1)
    return int(decoding.min_frames_per_token * per_step), max(1, longest)
