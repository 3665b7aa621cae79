"""SpeechT5 for text to speech: loaded from a hub id or a folder, or built small from scratch."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tts_toolkit.torch_audio import ensure_torchaudio

if TYPE_CHECKING:
    from transformers import SpeechT5ForTextToSpeech, SpeechT5Processor

MINI_CHARACTERS = "abcdefghijklmnopqrstuvwxyz'-,.;:?!"


@dataclass(frozen=True)
class SpeechT5:
    """A model with the processor that belongs to it, and where they came from."""

    model: SpeechT5ForTextToSpeech
    processor: SpeechT5Processor
    name: str


def build_speecht5(characters: str = MINI_CHARACTERS, seed: int = 0, **config: Any) -> SpeechT5:
    """Return a SpeechT5 with random weights, a case-folding character tokenizer and the given SpeechT5Config values."""
    ensure_torchaudio()
    from transformers import (
        SpeechT5Config,
        SpeechT5FeatureExtractor,
        SpeechT5ForTextToSpeech,
        SpeechT5Processor,
        set_seed,
    )

    tokenizer = build_tokenizer(characters, int(config["max_text_positions"]))
    set_seed(seed)
    model = SpeechT5ForTextToSpeech(SpeechT5Config(vocab_size=len(tokenizer), **config))
    return SpeechT5(model, SpeechT5Processor(SpeechT5FeatureExtractor(), tokenizer), "scratch")


def build_tokenizer(characters: Sequence[str], max_length: int) -> Any:
    """Return a SpeechT5Tokenizer of these characters, laid out as microsoft/speecht5_tts lays out its own.

    `<s>` 0, `<pad>` 1, `</s>` 2, `<unk>` 3, the word mark, the characters, `<mask>`, `<ctc_blank>`. SentencePiece
    folds case and compatibility forms before it looks characters up (rule nmt_nfkc_cf).
    """
    import sentencepiece
    from transformers import SpeechT5Tokenizer

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "spm_char.model"
        with file.open("wb") as writer:
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=iter([" ".join(characters)] * 10), model_writer=writer, model_type="char",
                vocab_size=len(characters) + 5, hard_vocab_limit=False, character_coverage=1.0,
                required_chars="".join(characters), bos_id=0, pad_id=1, eos_id=2, unk_id=3, pad_piece="<pad>",
                normalization_rule_name="nmt_nfkc_cf", add_dummy_prefix=True, minloglevel=2,
            )
        tokenizer = SpeechT5Tokenizer(str(file), model_max_length=max_length)
    tokenizer.add_tokens(["<mask>", "<ctc_blank>"], special_tokens=True)
    return tokenizer
