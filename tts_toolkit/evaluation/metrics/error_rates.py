"""Word and character error rates as `evaluate.Metric` classes, used offline: pure functions of texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import evaluate
import jiwer
from datasets import Features, Value

from tts_toolkit.evaluation.metrics.words import scored_characters, scored_words

__all__ = ["Cer", "Wer", "scored_characters", "scored_words"]


class _ErrorRate(evaluate.Metric):
    """Edit distance over the corpus, divided by the length of its references."""

    unit = ""

    def __init__(self, language: str = "en", **options: Any) -> None:
        """Set the language of text normalization, and the options of `evaluate.Metric`."""
        super().__init__(**options)
        self.language = language

    def _info(self) -> evaluate.MetricInfo:
        text = Value("string")
        return evaluate.MetricInfo(
            description=self.__doc__,
            citation="",
            inputs_description="predictions: hypotheses; references: the texts. Both as written.",
            features=Features({"predictions": text, "references": text}),
        )

    def _compute(self, predictions: Sequence[str], references: Sequence[str]) -> dict[str, Any]:
        """Return the rate (a fraction, may exceed 1), and its counts."""
        read = scored_words if self.unit == "word" else scored_characters
        expected = [read(text, self.language) for text in references]
        hypotheses = [read(text, self.language) for text in predictions]
        if not all(expected):
            raise ValueError("a reference without words has no error rate")
        process = jiwer.process_words if self.unit == "word" else jiwer.process_characters
        counts = process(expected, hypotheses)
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
