"""SpeechT5's decoder loop: the same log-mel for an utterance whatever batch it is spoken in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from tts_toolkit.errors import UserError
from tts_toolkit.synthesis.engine import DecoderEngine, Weights

if TYPE_CHECKING:
    from transformers import SpeechT5ForTextToSpeech


@dataclass(frozen=True)
class Decoding:
    """When the decoder stops, and what its weights are kept in."""

    stop_threshold: float = 0.5  # of the stop probability
    max_frames_per_token: float = 20.0  # then it is cut off
    min_frames_per_token: float = 0.0
    weights: Weights = "float32"  # int8: faster on a CPU, and only nearly the same


@dataclass(frozen=True)
class Spoken:
    """What the decoder made of one utterance."""

    log_mel: torch.Tensor  # (n_frames, 80), float32, true length
    cut_off: bool  # the stop token never came
    attention: torch.Tensor | None = None  # (n_decoder_steps, n_tokens), mean over guided heads


@torch.inference_mode()
def decode(
    model: SpeechT5ForTextToSpeech,
    input_ids: Sequence[Sequence[int]],
    speaker_embeddings: torch.Tensor,
    seeds: Sequence[int],
    decoding: Decoding = Decoding(),
    keep_attention: bool = False,
    engine: DecoderEngine | None = None,
) -> list[Spoken]:
    """Return what the model says for each utterance, as one batch; `engine` is the model's, made here for None.

    `speaker_embeddings` is (n, dim). The pre-net's dropout, which SpeechT5 keeps in synthesis, is drawn for each
    utterance from its own seed; length limits follow each utterance's own tokens; finished utterances leave the
    batch; the post-net sees each utterance alone. In distribution this is
    `SpeechT5ForTextToSpeech.generate_speech`. Raises UserError when a text exceeds the model's positions.
    """
    config, device = model.config, model.device
    for ids in input_ids:
        if len(ids) > config.max_text_positions:
            raise UserError(
                f"a text of {len(ids)} tokens exceeds the model's {config.max_text_positions}: split it at sentences"
            )
    engine = engine or DecoderEngine(model, decoding.weights)
    state = _Speaking(model, engine, input_ids, speaker_embeddings.to(device), seeds, keep_attention)
    n_limits = [_step_limits(len(ids), decoding, config) for ids in input_ids]
    cut_off = [False] * len(input_ids)
    for step in range(max(longest for _, longest in n_limits)):
        stop_probabilities = state.advance()
        keep = []
        for row, utterance in enumerate(state.active):
            shortest, longest = n_limits[utterance]
            stops = step + 1 >= shortest and stop_probabilities[row] >= decoding.stop_threshold
            cut_off[utterance] = not stops and step + 1 >= longest
            if not stops and not cut_off[utterance]:
                keep.append(row)
        if not keep:
            break
        if len(keep) < len(state.active):
            state.keep(keep)
    postnet = model.speech_decoder_postnet.postnet
    mels = [postnet(torch.cat(frames)[None])[0].float().cpu() for frames in state.frames]
    return [Spoken(mel, cut, attention) for mel, cut, attention in zip(mels, cut_off, state.attentions(), strict=True)]


def _step_limits(n_tokens: int, decoding: Decoding, config: Any) -> tuple[int, int]:
    """Return the least and the most decoder steps of an utterance of `n_tokens`."""
    per_step = n_tokens / config.reduction_factor
    longest = min(int(decoding.max_frames_per_token * per_step), config.max_speech_positions - 1)
    return int(decoding.min_frames_per_token * per_step), max(1, longest)


class _Speaking:
    """The running batch: caches and last frames of the utterances that are still being spoken."""

    def __init__(
        self,
        model: SpeechT5ForTextToSpeech,
        engine: DecoderEngine,
        input_ids: Sequence[Sequence[int]],
        speaker_embeddings: torch.Tensor,
        seeds: Sequence[int],
        keep_attention: bool,
    ) -> None:
        self.model, self.keep_attention = model, keep_attention
        self.prenet = model.speecht5.decoder.prenet
        self.lengths = [len(ids) for ids in input_ids]
        padded = torch.nn.utils.rnn.pad_sequence(
            [torch.tensor(ids) for ids in input_ids], batch_first=True, padding_value=model.config.pad_token_id
        ).to(model.device)
        positions = torch.arange(padded.shape[1], device=model.device)
        mask = (positions[None] < torch.tensor(self.lengths, device=model.device)[:, None]).long()
        encoded = model.speecht5.encoder(input_values=padded, attention_mask=mask, return_dict=True).last_hidden_state
        self.state = engine.read(
            encoded, mask, model.config.guided_attention_loss_num_heads if keep_attention else None
        )
        self.speakers = torch.nn.functional.normalize(speaker_embeddings.to(encoded.dtype))
        self.generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        self.active = list(range(len(input_ids)))
        self.last = encoded.new_zeros(len(input_ids), model.config.num_mel_bins)
        self.frames: list[list[torch.Tensor]] = [[] for _ in input_ids]
        self._attention: list[list[torch.Tensor]] = [[] for _ in input_ids]

    def advance(self) -> list[float]:
        """Speak one step of every active utterance and return their stop probabilities."""
        config = self.model.config
        hidden, attention = self.state.step(self._prenet())
        postnet = self.model.speech_decoder_postnet
        frames = postnet.feat_out(hidden).view(len(hidden), config.reduction_factor, config.num_mel_bins)
        self.last = frames[:, -1]
        for row, utterance in enumerate(self.active):
            self.frames[utterance].append(frames[row])
            if attention is not None:
                self._attention[utterance].append(attention[row, : self.lengths[utterance]].float().cpu())
        return torch.sigmoid(postnet.prob_out(hidden)).sum(dim=-1).tolist()

    def _prenet(self) -> torch.Tensor:
        """Return the pre-net's output (n_active, hidden) for the last frames, dropping units by each one's seed."""
        p = self.model.config.speech_decoder_prenet_dropout
        hidden = self.last
        for layer in self.prenet.layers:
            hidden = torch.relu(layer(hidden))
            draws = [torch.rand(hidden.shape[1], generator=self.generators[u]) for u in self.active]
            # SpeechT5 keeps a unit with probability p and scales by 1 / (1 - p): the same only at its 0.5.
            kept = (torch.stack(draws) < p).to(hidden)
            hidden = hidden * kept / (1 - p)
        positions = self.prenet.encode_positions
        hidden = self.prenet.final_layer(hidden) + positions.alpha * positions.pe[0, self.state.n_steps]
        return torch.relu(self.prenet.speaker_embeds_layer(torch.cat([hidden, self.speakers], dim=-1)))

    def keep(self, rows: list[int]) -> None:
        """Go on with these rows of the batch only."""
        index = torch.tensor(rows, device=self.last.device)
        self.active = [self.active[row] for row in rows]
        self.last, self.speakers = self.last[index], self.speakers[index]
        self.state.keep(index)

    def attentions(self) -> list[torch.Tensor | None]:
        """Return the attention of each utterance, (n_steps, n_tokens), where it was kept."""
        return [torch.stack(rows) if rows else None for rows in self._attention]
