"""The state of a batch of utterances in SpeechT5's decoder, step by step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch

from tts_toolkit.models.speecht5.decoder import DecoderEngine, StaticDecoderState

if TYPE_CHECKING:
    from transformers import SpeechT5ForTextToSpeech

DRAWN_STEPS = 32  # steps whose dropout is drawn at once
N_WARM_UPS = 3  # before a CUDA graph is captured (PyTorch's notes on CUDA graphs)


def _encoded(model: SpeechT5ForTextToSpeech, input_ids: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the encoded texts (B, L, dim) and their mask (B, L); a CPU encodes each alone, as fast and unpadded."""
    padded_batch = torch.nn.utils.rnn.pad_sequence
    rows = [torch.tensor(ids, device=model.device) for ids in input_ids]
    mask = padded_batch([torch.ones_like(row) for row in rows], batch_first=True)
    encoder = model.speecht5.encoder
    if model.device.type == "cpu":
        alone = [encoder(input_values=row[None]).last_hidden_state[0] for row in rows]
        return padded_batch(alone, batch_first=True), mask
    padded = padded_batch(rows, batch_first=True, padding_value=model.config.pad_token_id)
    return encoder(input_values=padded, attention_mask=mask).last_hidden_state, mask


class DecodingState:
    """The running batch: caches and last frames of unfinished utterances."""

    static = False  # whether the decoder's caches have fixed addresses

    def __init__(
        self,
        model: SpeechT5ForTextToSpeech,
        engine: DecoderEngine,
        input_ids: Sequence[Sequence[int]],
        speaker_embeddings: torch.Tensor,
        seeds: Sequence[int],
        keep_attention: bool,
    ) -> None:
        self.model, self.engine, self.keep_attention = model, engine, keep_attention
        self.prenet = model.speecht5.decoder.prenet
        self.lengths = [len(ids) for ids in input_ids]
        encoded, mask = _encoded(model, input_ids)
        self.state = engine.read(
            encoded, mask, model.config.guided_attention_loss_num_heads if keep_attention else None, self.static
        )
        self.speakers = torch.nn.functional.normalize(speaker_embeddings.to(encoded.dtype))
        self.generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        self.scales = encoded.new_empty(0)
        self.active = list(range(len(input_ids)))  # unfinished utterances
        self.rows = self.active  # the utterance in each row of the batch
        self.last = encoded.new_zeros(len(input_ids), model.config.num_mel_bins)
        self.frames: list[list[torch.Tensor]] = [[] for _ in input_ids]  # each (n, 80)
        self._attention: list[list[torch.Tensor]] = [[] for _ in input_ids]

    def advance(self) -> list[float]:
        """Decode one step of every active utterance and return their stop probabilities."""
        positions = self.prenet.encode_positions.pe[0, self.state.n_steps]
        hidden, attention = self.state.step(self._prenet(self._scales_now(), positions))
        frames, stops = self._postnet(hidden)
        self.last = frames[:, -1]
        for row, utterance in enumerate(self.active):
            self.frames[utterance].append(frames[row])
            if attention is not None:
                self._attention[utterance].append(attention[row, : self.lengths[utterance]].float().cpu())
        return stops.tolist()

    def _scales_now(self) -> torch.Tensor:
        """Return the dropout scale of each pre-net unit in this step, (n_layers, n_rows, units), by each row's seed.

        SpeechT5 keeps a unit with probability p and scales by 1 / (1 - p): the same only at its 0.5.
        """
        at, config = self.state.n_steps % DRAWN_STEPS, self.model.config
        if at == 0:
            p = config.speech_decoder_prenet_dropout
            shape = (DRAWN_STEPS, len(self.prenet.layers), config.speech_decoder_prenet_units)
            draws = [torch.rand(shape, generator=self.generators[utterance]) for utterance in self.rows]
            self.scales = ((torch.stack(draws, dim=2) < p).to(self.last.dtype) / (1 - p)).to(self.last.device)
        return self.scales[at]

    def _prenet(self, scales: torch.Tensor, position: torch.Tensor) -> torch.Tensor:
        """Return the pre-net's output (n_rows, hidden) for the last frames at a `position` (dim,)."""
        hidden = self.last
        for layer, scale in zip(self.engine.prenet_layers, scales, strict=True):
            hidden = torch.relu(layer(hidden)) * scale
        hidden = self.engine.prenet_final(hidden) + self.prenet.encode_positions.alpha * position
        return torch.relu(self.engine.with_speaker(torch.cat([hidden, self.speakers], dim=-1)))

    def _postnet(self, hidden: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the frames (n_rows, reduction_factor, 80) and the stop probabilities (n_rows,) of a step."""
        config = self.model.config
        frames = self.engine.feat_out(hidden).view(len(hidden), config.reduction_factor, config.num_mel_bins)
        return frames, torch.sigmoid(self.engine.prob_out(hidden)).sum(dim=-1)

    def keep(self, rows: list[int]) -> None:
        """Continue with these rows of the batch only."""
        index = torch.tensor(rows, dtype=torch.long, device=self.last.device)
        self.active = self.rows = [self.active[row] for row in rows]
        self.last, self.speakers, self.scales = self.last[index], self.speakers[index], self.scales[:, :, index]
        self.state.keep(index)

    def attentions(self) -> list[torch.Tensor | None]:
        """Return the attention of each utterance, (n_steps, n_tokens), where it was kept."""
        return [torch.stack(rows) if rows else None for rows in self._attention]


class GraphDecodingState(DecodingState):
    """A batch decoded in buffers of fixed shape; without a GPU the same step runs without a graph.

    Finished utterances stay in their rows: capturing a graph of another shape costs more.
    """

    static = True
    state: StaticDecoderState

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        n_rows, config = len(self.rows), self.model.config
        self.graph: Callable[[], None] | None = None
        self.scale = self.last.new_zeros(len(self.prenet.layers), n_rows, config.speech_decoder_prenet_units)
        self.generated_frames = self.last.new_zeros(
            self.state.capacity, n_rows, config.reduction_factor, config.num_mel_bins
        )
        self.stops = self.last.new_zeros(n_rows)
        self.attended = self.last.new_zeros(n_rows, self.state.text_keys[0].shape[2])

    def advance(self) -> list[float]:
        """Decode one step of every active utterance and return their stop probabilities."""
        if self.state.n_steps == self.state.capacity:
            self.state.grow()
            self.generated_frames = torch.cat([self.generated_frames, torch.zeros_like(self.generated_frames)])
            self.graph = None
        self.scale.copy_(self._scales_now())
        self.state.now.fill_(self.state.n_steps)
        if self.graph is None:
            self.graph = self._captured()
        self.graph()
        self.state.n_steps += 1
        if self.keep_attention:
            attended = self.attended.float().cpu().clone()
            for utterance in self.active:
                self._attention[utterance].append(attended[utterance, : self.lengths[utterance]])
        stops = self.stops.tolist()
        return [stops[utterance] for utterance in self.active]

    def _captured(self) -> Callable[[], None]:
        """Return the function that runs one step: on a GPU the replay of a graph."""
        if self.last.device.type != "cuda":
            return self._step
        before = self.last.clone()
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(N_WARM_UPS):
                self._step()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self._step()
        self.last.copy_(before)  # undo the warm-ups; their cache entries are overwritten
        return graph.replay

    def _step(self) -> None:
        """Decode one step from the buffers into the buffers."""
        position = self.prenet.encode_positions.pe[0].index_select(0, self.state.now)[0]
        hidden, attention = self.state.step(self._prenet(self.scale, position))
        frames, stops = self._postnet(hidden)
        self.last.copy_(frames[:, -1])
        self.generated_frames.index_copy_(0, self.state.now, frames[None])
        self.stops.copy_(stops)
        if attention is not None:
            self.attended.copy_(attention)

    def keep(self, rows: list[int]) -> None:
        """Continue with these of the active utterances only."""
        unfinished = [self.active[row] for row in rows]
        for utterance in set(self.active) - set(unfinished):
            self.frames[utterance] = [self.generated_frames[: self.state.n_steps, utterance].flatten(end_dim=1).clone()]
        self.active = unfinished
