"""Letters unknown to a SpeechT5, added to its tokenizer and initialized from the nearest known letters."""

from __future__ import annotations

import importlib
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from tts_toolkit.models.speecht5.checkpoint import SpeechT5
from tts_toolkit.text.frontend import TextFrontEnd

# Letters that do not decompose into a letter and a mark, and the letter closest in sound or shape.
NEAREST = {
    "\u00e6": "a", "\u00f8": "o", "\u0153": "o", "\u00df": "s", "\u0142": "l", "\u0111": "d", "\u00f0": "d",
    "\u00fe": "t", "\u0131": "i", "\u0127": "h", "\u014b": "n", "\u0259": "e", "\u0138": "k", "\u0167": "t",
}  # fmt: skip
SENTENCEPIECE_NORMAL, SENTENCEPIECE_UNUSED = 1, 5  # of sentencepiece_model.proto


@dataclass(frozen=True)
class NewLetter:
    """A letter of the data that the tokenizer does not know."""

    letter: str
    n: int  # occurrences in the texts
    nearest: str  # known letter; empty where there is none


def new_letters(texts: Iterable[str], front_end: TextFrontEnd) -> list[NewLetter]:
    """Return the letters that the tokenizer cannot speak, in the case that it reads them in, sorted."""
    tokenize = front_end.tokenizer.tokenize
    missing = Counter(c for text in texts for c in front_end.unspeakable(text) if c.isalpha())
    counts = Counter[str]()
    for c, n in missing.items():
        counts[tokenize(c)[-1].removeprefix("\u2581")] += n
    return [NewLetter(c, n, _nearest(c, front_end)) for c, n in sorted(counts.items())]


def _nearest(letter: str, front_end: TextFrontEnd) -> str:
    lower = letter.lower()
    base = unicodedata.normalize("NFD", lower)[0]
    for candidate in (base.upper() if letter.isupper() else base, base, NEAREST.get(lower, "")):
        if candidate and candidate != letter and not front_end.unspeakable(candidate):
            return candidate
    return ""


def extend_vocabulary(speech: SpeechT5, letters: Sequence[NewLetter]) -> SpeechT5:
    """Return the model with these letters in its tokenizer, and a row of the embedding for each.

    A row is initialized from its nearest letter's, or from the mean of all letters. The letters join the SentencePiece
    model itself: as added tokens they would split words, and each part would get a word mark. Existing ids stay.
    """
    if not letters:
        return speech
    tokenizer = _extended(speech.processor.tokenizer, [new.letter for new in letters])
    _extend_embedding(speech.model, tokenizer, letters)
    speech.processor.tokenizer = tokenizer
    return replace(speech, processor=speech.processor)


def _extended(tokenizer: Any, letters: Sequence[str]) -> Any:
    sentencepiece_model: Any = importlib.import_module("sentencepiece.sentencepiece_model_pb2")
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save_pretrained(folder)
        file = Path(folder) / "spm_char.model"
        model = sentencepiece_model.ModelProto()
        model.ParseFromString(file.read_bytes())
        lowest = min(piece.score for piece in model.pieces)
        for id_ in range(len(model.pieces), len(tokenizer)):  # <mask>, <ctc_blank>: their ids must not change
            model.pieces.add(piece=tokenizer.convert_ids_to_tokens(id_), score=0.0, type=SENTENCEPIECE_UNUSED)
        for letter in letters:
            model.pieces.add(piece=letter, score=lowest, type=SENTENCEPIECE_NORMAL)
        file.write_bytes(model.SerializeToString())
        return type(tokenizer).from_pretrained(folder, trust_remote_code=False)


def _extend_embedding(model: Any, tokenizer: Any, letters: Sequence[NewLetter]) -> None:
    prenet = model.speecht5.encoder.prenet
    old: torch.nn.Embedding = prenet.embed_tokens
    known = [id_ for id_ in range(old.num_embeddings) if _is_letter(tokenizer, id_)]
    new = torch.nn.Embedding(tokenizer.vocab_size, old.embedding_dim, old.padding_idx)
    with torch.no_grad():
        new.weight[: old.num_embeddings] = old.weight
        for letter in letters:
            near = [tokenizer.convert_tokens_to_ids(letter.nearest)] if letter.nearest else known
            new.weight[tokenizer.convert_tokens_to_ids(letter.letter)] = old.weight[near].mean(dim=0)
    prenet.embed_tokens = new.to(old.weight.device, old.weight.dtype)
    model.config.vocab_size = tokenizer.vocab_size


def _is_letter(tokenizer: Any, id_: int) -> bool:
    token = tokenizer.convert_ids_to_tokens(id_)
    return len(token) == 1 and token.isalpha()


def with_new_letters(speech: SpeechT5, transcripts: Iterable[str], front_end: TextFrontEnd) -> tuple[SpeechT5, str]:
    """The model with the unknown letters of transcripts in its vocabulary, and these as one line for logs."""
    letters = new_letters(transcripts, front_end)
    return extend_vocabulary(speech, letters), report(letters) or "none"


def report(letters: Sequence[NewLetter]) -> str:
    """Return the letters as one line for logs: the occurrences of each, and the letter that initializes it."""
    return ", ".join(f"{new.letter} {new.n} (from {new.nearest or 'the mean of all letters'})" for new in letters)
