"""What the decoder is told of the past while it trains: what it said itself, so that it can go on from that.

With the true past before it, a decoder learns how speech goes on from speech; in synthesis it has to go on from its
own, which is blurred and drifts. Scheduled sampling closes that gap; for Transformers, in passes over whole utterances
(Mihaylova and Martins, "Scheduled Sampling for Transformers", 2019).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from transformers import SpeechT5ForTextToSpeech


@dataclass(frozen=True)
class ScheduledSampling:
    """How far the decoder's inputs are its own; not at all by default, which is plain teacher forcing."""

    max_passes: int = 0  # at most; each batch draws how many passes without gradient come before its update

    def __call__(self, batch: dict[str, torch.Tensor], model: SpeechT5ForTextToSpeech) -> dict[str, Any]:
        """Return the batch, with `decoder_input_values` (B, T / reduction_factor, 80) where they are the model's own.

        The first pass is told the true past, every other what the pass before it said.
        """
        from transformers.models.speecht5.modeling_speecht5 import shift_spectrograms_right

        n_passes = int(torch.randint(self.max_passes + 1, ()))
        if n_passes == 0:
            return batch
        factor = model.config.reduction_factor
        past, _ = shift_spectrograms_right(batch["labels"], factor)
        with torch.no_grad():
            encoded = model.speecht5.encoder(input_values=batch["input_ids"], attention_mask=batch["attention_mask"])
            for _ in range(n_passes):
                output = model.speecht5(
                    attention_mask=batch["attention_mask"],
                    decoder_input_values=past,
                    encoder_outputs=encoded,
                    speaker_embeddings=batch["speaker_embeddings"],
                    use_cache=False,
                )
                frames = model.speech_decoder_postnet.feat_out(output.last_hidden_state)
                past, _ = shift_spectrograms_right(frames.view(len(past), -1, past.shape[-1]), factor)
        return {**batch, "decoder_input_values": past}
