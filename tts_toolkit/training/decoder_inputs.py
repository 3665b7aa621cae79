"""What the decoder is told of the past while it trains: less than the truth, so that it learns to listen to the text.

With the true past before it, a small decoder learns how speech goes on from speech, and babbles when it has to go on
from its own. Hiding stretches of the past and blurring the rest makes the text the better witness.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True)
class DecoderInputs:
    """How much of the true past is hidden; nothing by default, which is plain teacher forcing."""

    hidden_share: float = 0.0  # of the decoder's steps, at most; each clip draws its own share below it
    hidden_steps: int = 8  # in one stretch; a step is reduction_factor frames of 16 ms
    noise: float = 0.0  # standard deviation, in the log-mel's decades

    def __call__(self, batch: dict[str, torch.Tensor], reduction_factor: int) -> dict[str, Any]:
        """Return the batch with `decoder_input_values` (B, T / reduction_factor, 80), if anything is to be hidden."""
        if not self.hidden_share and not self.noise:
            return batch
        from transformers.models.speecht5.modeling_speecht5 import shift_spectrograms_right

        past, _ = shift_spectrograms_right(batch["labels"], reduction_factor)
        past[:, 1:] += self.noise * torch.randn_like(past[:, 1:])
        n_clips, n_steps, _ = past.shape
        share = self.hidden_share * torch.rand(n_clips, 1, device=past.device)
        starts = torch.rand(n_clips, n_steps, device=past.device) < share / self.hidden_steps
        # a stretch covers its start and the steps after it
        hidden = torch.nn.functional.max_pool1d(
            torch.nn.functional.pad(starts.float(), (self.hidden_steps - 1, 0))[:, None], self.hidden_steps, stride=1
        )[:, 0]
        past = past * (1 - hidden)[..., None]  # zeros are what the decoder starts from
        return {**batch, "decoder_input_values": past}
