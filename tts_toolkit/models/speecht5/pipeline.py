"""SpeechT5 with a vocoder: texts to waveforms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch

from tts_toolkit.audio.waveforms import SAMPLE_RATE_HZ, joined
from tts_toolkit.models.base import Speech
from tts_toolkit.models.seeds import piece_seed
from tts_toolkit.models.speecht5.checkpoint import SpeechT5
from tts_toolkit.models.speecht5.decoder import DecoderEngine
from tts_toolkit.models.speecht5.generation import DecodedMel, Decoding, decode
from tts_toolkit.models.vocoders import Vocoder, vocode
from tts_toolkit.system.errors import UserError
from tts_toolkit.system.progress import progress
from tts_toolkit.text.cues import without_cues
from tts_toolkit.text.frontend import TextFrontEnd
from tts_toolkit.text.languages import normalizer
from tts_toolkit.text.sentences import split_text

_Piece = tuple[DecodedMel, np.ndarray]  # of a text, with its waveform


@dataclass(frozen=True)
class Utterance:
    """A synthesized text."""

    waveform: np.ndarray  # (n,) at 16 kHz, true length
    log_mels: tuple[torch.Tensor, ...]  # (n_frames, 80) for each piece of the text
    attentions: tuple[torch.Tensor | None, ...]  # (n_steps, n_tokens) for each piece, where kept
    skipped: tuple[str, ...]  # characters of the text that the tokenizer does not know
    truncated: bool  # the stop token never came

    def speech(self) -> Speech:
        """As any synthesizer's, with log-mels and what was kept of the attention."""
        mels = tuple(mel.numpy() for mel in self.log_mels)
        attentions = tuple(attention.numpy() for attention in self.attentions if attention is not None)
        return Speech(self.waveform, SAMPLE_RATE_HZ, self.truncated, mels, attentions)


def front_end(speech: SpeechT5, language: str) -> TextFrontEnd:
    """Return the front end from texts of a language to a model's tokens."""
    return TextFrontEnd(speech.processor.tokenizer, normalizer(language), speech.model.config.max_text_positions)


@dataclass(frozen=True)
class SpeechT5Pipeline:
    """Synthesizes texts with voices; a seed gives the same waveform in any batch."""

    speech: SpeechT5
    vocoder: Vocoder | None = None  # None: spectrograms only, waveforms empty
    decoding: Decoding = field(default_factory=Decoding)
    batch_size: int = 16

    @cached_property
    def front_end(self) -> TextFrontEnd:
        """The front end from texts to tokens."""
        return front_end(self.speech, self.speech.settings.language)

    def synthesize(
        self,
        texts: Sequence[str],
        embeddings: np.ndarray,
        seed: int | Sequence[int] = 0,
        keep_attention: bool = False,
    ) -> list[Utterance]:
        """Return an utterance for each text, with the speaker embeddings (n_texts, dim) or (1, dim) for all.

        `seed` is one for all texts, or one for each; random draws depend on it and the text. Cues such as [laughter],
        which the model would read out, are removed. Raises UserError for a text without words or an embedding of the
        wrong size.
        """
        return list(dict(sorted(self.synthesize_each(texts, embeddings, seed, keep_attention))).values())

    def synthesize_each(
        self,
        texts: Sequence[str],
        embeddings: np.ndarray,
        seed: int | Sequence[int] = 0,
        keep_attention: bool = False,
    ) -> Iterator[tuple[int, Utterance]]:
        """Yield the results of `synthesize` as they are ready, with their index in `texts`, short texts first."""
        embeddings, texts = self.checked(embeddings, len(texts)), [without_cues(text) for text in texts]
        seeds = [seed] * len(texts) if isinstance(seed, int) else seed
        pieces = [self._pieces(text) for text in texts]
        jobs = [(text, part, tokens) for text, parts in enumerate(pieces) for part, tokens in enumerate(parts)]
        jobs.sort(key=lambda job: len(job[2]))
        spoken: dict[int, dict[int, _Piece]] = {text: {} for text in range(len(texts))}
        starts = range(0, len(jobs), self.batch_size)
        engine = DecoderEngine(self.speech.model.eval(), self.decoding.weights)
        for start in progress(starts, "speaking", "batch", len(starts)):
            batch = jobs[start : start + self.batch_size]
            results = decode(
                self.speech.model,
                [tokens for _, _, tokens in batch],
                torch.from_numpy(np.stack([embeddings[text] for text, _, _ in batch])),
                [piece_seed(seeds[text], texts[text], part) for text, part, _ in batch],
                self.decoding,
                keep_attention,
                engine,
            )
            for (text, part, _), piece in zip(batch, self._vocoded(results), strict=True):
                spoken[text][part] = piece
            for text in dict.fromkeys(text for text, _, _ in batch):
                if len(spoken[text]) == len(pieces[text]):
                    yield text, self._utterance(texts[text], [piece for _, piece in sorted(spoken.pop(text).items())])

    def _vocoded(self, results: Sequence[DecodedMel]) -> list[_Piece]:
        """Return the decoder's log-mels with their waveforms, which are empty without a vocoder."""
        mels = [result.log_mel for result in results]
        waveforms = vocode(self.vocoder, mels) if self.vocoder else [np.zeros(0, dtype=np.float32)] * len(mels)
        return list(zip(results, waveforms, strict=True))

    def check(self, text: str) -> None:
        """Raise UserError where a text has no words, or one that is too long."""
        self._pieces(without_cues(text))

    def _pieces(self, text: str) -> list[list[int]]:
        if not self.front_end.has_words(text):
            raise UserError(f"nothing in the text {text!r} can be spoken; give a text with words")
        tokenizer, n_positions = self.speech.processor.tokenizer, self.speech.model.config.max_text_positions

        def fits(piece: str) -> bool:
            return (
                len(piece) <= self.speech.settings.max_characters and len(tokenizer(piece)["input_ids"]) <= n_positions
            )

        try:
            pieces = split_text(self.front_end.speakable(text), fits)
        except ValueError as error:
            raise UserError(str(error)) from None
        return [list(tokenizer(piece)["input_ids"]) for piece in pieces]

    def _utterance(self, text: str, pieces: Sequence[_Piece]) -> Utterance:
        return Utterance(
            waveform=joined([waveform for _, waveform in pieces if self.vocoder]),
            log_mels=tuple(piece.log_mel for piece, _ in pieces),
            attentions=tuple(piece.attention for piece, _ in pieces),
            skipped=tuple(self.front_end.unspeakable(text)),
            truncated=any(piece.truncated for piece, _ in pieces),
        )

    def checked(self, embeddings: np.ndarray, n_texts: int = 1) -> np.ndarray:
        """Return embeddings (n_texts, dim), one for each text, of as many or of one; raises UserError for others."""
        dim = self.speech.model.config.speaker_embedding_dim
        if embeddings.ndim != 2 or embeddings.shape[1] != dim or len(embeddings) not in (1, n_texts):
            raise UserError(
                f"speaker embeddings of shape {embeddings.shape} do not fit: {self.speech.name} takes (1, {dim}) or "
                f"({n_texts}, {dim}); take them with the encoder {self.speech.settings.encoder}"
            )
        return np.broadcast_to(embeddings, (n_texts, dim))
