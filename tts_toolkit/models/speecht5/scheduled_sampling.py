"""Scheduled sampling: decoder inputs in training that are the model's own predictions.

With teacher forcing a decoder learns to continue recorded speech; in synthesis it continues its own output, which is
blurred and drifts. Scheduled sampling closes that gap; for Transformers, in passes over whole utterances (Mihaylova and
Martins, "Scheduled Sampling for Transformers", 2019).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from transformers import SpeechT5ForTextToSpeech


@dataclass(frozen=True)
class ScheduledSampling:
    """Number of passes behind the decoder's inputs; the default of 0 is plain teacher forcing."""

    max_passes: int = 0  # each batch draws 0 to max_passes passes without gradient before its update

    def __call__(self, batch: dict[str, torch.Tensor], model: SpeechT5ForTextToSpeech) -> dict[str, Any]:
        """Return the batch, with `decoder_input_values` (B, T / reduction_factor, 80) where they are the model's own.

        The first pass reads the true frames, every other the previous pass's prediction.
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
