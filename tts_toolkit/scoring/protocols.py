"""Error-rate protocols: the same hypotheses, read the way each benchmark reads them.

Only what happens to texts is a protocol here; which recogniser wrote the hypotheses is stated beside every table.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from tts_toolkit.errors import UserError
from tts_toolkit.scoring.metrics import scored_words


@dataclass(frozen=True)
class Counts:
    """Edits between what was to be said and what was heard; several add up."""

    substitutions: int
    deletions: int
    insertions: int
    n_reference: int

    @property
    def errors(self) -> int:
        """All edits."""
        return self.substitutions + self.deletions + self.insertions


@dataclass(frozen=True)
class Protocol:
    """How a benchmark turns texts and hypotheses into one number."""

    name: str
    normalize: Callable[[str, str], str]  # of a text and its language; published protocols are for English
    aggregate: Literal["corpus", "utterance_mean"]
    failures: Literal["deletions", "left_out"]  # a row without speech: all its words deleted, or not in the average
    source: str  # where the definition stands
    merge_compounds: bool = False  # "wal mart" for "walmart" is no error

    def words(self, text: str, hypothesis: str, language: str = "en") -> Counts:
        """Return the word edits between a text and a hypothesis, both as written."""
        expected, heard = (self.normalize(said, language).split() for said in (text, hypothesis))
        if self.merge_compounds:
            return _compound_counts(expected, heard)
        return _counts(" ".join(expected), " ".join(heard), "words")

    def characters(self, text: str, hypothesis: str, language: str = "en") -> Counts:
        """Return the character edits, single spaces included."""
        expected, heard = (" ".join(self.normalize(said, language).split()) for said in (text, hypothesis))
        return _counts(expected, heard, "characters")


def _counts(expected: str, heard: str, unit: Literal["words", "characters"]) -> Counts:
    import jiwer

    if not expected:  # jiwer refuses, the benchmarks crash: what was heard is inserted, over nothing
        return Counts(0, 0, len(heard.split() if unit == "words" else heard), 0)
    aligned: Any = (jiwer.process_words if unit == "words" else jiwer.process_characters)(expected, heard)
    n_reference = aligned.hits + aligned.substitutions + aligned.deletions
    return Counts(aligned.substitutions, aligned.deletions, aligned.insertions, n_reference)


def _compound_counts(expected: list[str], heard: list[str]) -> Counts:
    from kaldialign import edit_distance

    found = edit_distance(expected, heard, merge_compounds=True)
    return Counts(found["sub"], found["del"], found["ins"], len(expected))


@cache
def _seed_punctuation() -> str:
    from zhon import hanzi

    return str(hanzi.punctuation) + string.punctuation


def seed_tts_normalize(text: str, language: str = "en") -> str:
    """Return `text` as seed-tts-eval reads English: punctuation deleted, which joins hyphenated words; ' is kept.

    A curly apostrophe is in its list of Chinese punctuation, and goes. Numbers stay as they are written.
    """
    kept = "".join(char for char in text if char == "'" or char not in _seed_punctuation())
    return kept.replace("  ", " ").lower()


def f5_normalize(text: str, language: str = "en") -> str:
    """Return `text` as F5-TTS reads English: as seed-tts-eval does, the apostrophe deleted too."""
    return "".join(char for char in text if char not in _seed_punctuation()).replace("  ", " ").lower()


@cache
def _whisper_normalizer() -> Any:
    from whisper_normalizer.english import EnglishTextNormalizer

    return EnglishTextNormalizer()


def whisper_normalize(text: str, language: str = "en") -> str:
    """Return `text` by whisper-normalizer 0.1.12, Whisper's English rules with four contractions added."""
    return str(_whisper_normalizer()(text)).strip()


_FILLERS = "hmm mm mhm mmm uh um ah aha ahh ahm eh ehehe em hm huh hum mhum uhm umm uhuh"  # Open TTS Leaderboard's list
_IS_AFTER = "it he she what that who here there how when where why this"
_COMPOUNDS = {
    "wi fi": "wifi", "all right": "alright", "et cetera": "etc", "a m": "am", "p m": "pm", "o k": "okay",
    "e mail": "email", "x ray": "xray",
}  # fmt: skip


@cache
def _leaderboard_normalizer() -> Any:
    from whisper_normalizer.english import EnglishTextNormalizer

    normalizer = EnglishTextNormalizer()
    normalizer.ignore_patterns = rf"\b({'|'.join(_FILLERS.split())})\b"
    added = (r"\bkinda\b", r"\bsorta\b", r"\bdunno\b", r"\bcause\b")  # by whisper-normalizer
    replacers = {pattern: words for pattern, words in normalizer.replacers.items() if pattern not in added}
    replacers.pop(r"'s\b")
    normalizer.replacers = {**replacers, **{rf"\b{word}'s\b": f"{word} is" for word in _IS_AFTER.split()}}
    return normalizer


def open_tts_leaderboard_normalize(text: str, language: str = "en") -> str:
    """Return `text` by the Open TTS Leaderboard's variant of Whisper's English rules.

    Possessive 's stays a word of its own, hyphens part words, common compounds and spelt-out letters are joined. Its
    table of 152 variant spellings of names, and eight of its sixteen compounds, are not reproduced here.
    """
    words = str(_leaderboard_normalizer()(text)).replace("-", " ")
    for parted, joined in _COMPOUNDS.items():
        words = re.sub(rf"\b{parted}\b", joined, words)
    words = re.sub(r"\bok\b", "okay", words)
    return " ".join(_letters_joined(words.split()))


def _letters_joined(words: Sequence[str]) -> list[str]:
    """Return the words with runs of single letters made one: two letters, or three where "a" or "i" is among them."""
    joined: list[str] = []
    run: list[str] = []
    for word in [*words, ""]:
        if len(word) == 1 and word.isalpha():
            run.append(word)
            continue
        long_enough = len(run) >= (3 if {"a", "i"} & set(run) else 2)
        joined += ["".join(run)] if long_enough else run
        run = []
        joined += [word] if word else []
    return joined


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol("strict", scored_words, "corpus", "deletions", "tts-toolkit, docs/benchmark.md"),
        Protocol(
            "seed_tts_eval", seed_tts_normalize, "utterance_mean", "left_out",
            "BytedanceSpeech/seed-tts-eval 752f4297, run_wer.py, average_wer.py",
        ),
        Protocol(
            "f5", f5_normalize, "utterance_mean", "left_out",
            "SWivid/F5-TTS 2ae2c9bd, eval/utils_eval.py",
        ),
        Protocol(
            "open_tts_leaderboard", open_tts_leaderboard_normalize, "corpus", "deletions",
            "huggingface/open-tts-leaderboard 1645e630, normalizer/, scripts/", merge_compounds=True,
        ),
        Protocol(
            "voicehub_arena", whisper_normalize, "corpus", "left_out",
            "kadirnar/voicehub-arena c4e83cc4, metrics.py",
        ),
    )
}  # fmt: skip


def protocol(name: str) -> Protocol:
    """Return the protocol of that name; raises UserError, listing those there are, for another."""
    if name not in PROTOCOLS:
        raise UserError(f"protocols: {name!r} is unknown; allowed are {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]
