"""Word and character error rates as `evaluate.Metric` classes, used offline: pure functions of texts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

import evaluate
import jiwer
from datasets import Features, Value

from tts_toolkit.text.english import is_english
from tts_toolkit.text.english_spelling import one_spelling
from tts_toolkit.text.languages import lower_case, normalizer
from tts_toolkit.text.units import is_unspaced, joined, mixed_units

_BARE_APOSTROPHE = re.compile(r"(?<!\w)'|'(?!\w)")


def scored_words(text: str, language: str = "en") -> str:
    """Return `text` as error rates see it: composed (NFC), lower case, hyphens as spaces, no other punctuation.

    Accents and vowel signs belong to their words, composed or not. Numbers become words first, as `normalizer` reads
    the language; English words that sound the same come in one spelling. Each character of a script without blanks is
    a word of its own, so that texts that mix scripts get the mixed error rate.
    """
    plain = unicodedata.normalize("NFKC", text) if is_unspaced(language) else text
    lower = unicodedata.normalize("NFC", lower_case(normalizer(language)(plain), language))
    kept = "".join(char if _is_in_words(char) else " " for char in lower)
    words = " ".join(mixed_units(_BARE_APOSTROPHE.sub(" ", kept)))
    return one_spelling(words) if is_english(language) else words


def scored_characters(text: str, language: str = "en") -> str:
    """Return the string whose characters are counted: `scored_words` without the blanks that part no words."""
    return joined(scored_words(text, language).split())


def _is_in_words(char: str) -> bool:
    return char.isalnum() or char in "' " or unicodedata.category(char).startswith("M")


class _ErrorRate(evaluate.Metric):
    """Edit distance over the corpus, divided by the length of its references."""

    unit = ""

    def __init__(self, language: str = "en", **options: Any) -> None:
        """Take the language whose rules turn texts into words, and the options of `evaluate.Metric`."""
        super().__init__(**options)
        self.language = language

    def _info(self) -> evaluate.MetricInfo:
        text = Value("string")
        return evaluate.MetricInfo(
            description=self.__doc__,
            citation="",
            inputs_description="predictions: hypotheses; references: what was to be said. Both as written.",
            features=Features({"predictions": text, "references": text}),
        )

    def _compute(self, predictions: Sequence[str], references: Sequence[str]) -> dict[str, Any]:
        """Return the rate (a fraction, may exceed 1), and the counts it is made of."""
        read = scored_words if self.unit == "word" else scored_characters
        expected = [read(text, self.language) for text in references]
        heard = [read(text, self.language) for text in predictions]
        if not all(expected):
            raise ValueError("a reference without words has no error rate")
        process = jiwer.process_words if self.unit == "word" else jiwer.process_characters
        counts = process(expected, heard)
        n_reference = counts.hits + counts.substitutions + counts.deletions
        errors = counts.substitutions + counts.deletions + counts.insertions
        return {
            self.name: errors / n_reference,
            "substitutions": counts.substitutions,
            "deletions": counts.deletions,
            "insertions": counts.insertions,
            f"n_reference_{self.unit}s": n_reference,
        }


class Wer(_ErrorRate):
    """Corpus word error rate: (substitutions + deletions + insertions) / reference words."""

    unit = "word"


class Cer(_ErrorRate):
    """Corpus character error rate: (substitutions + deletions + insertions) / reference characters, spaces included."""

    unit = "character"
