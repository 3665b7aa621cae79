"""Error-rate protocols: the same hypotheses, normalized and counted as each benchmark does.

A protocol covers texts only; the recognizer of the hypotheses is stated with every table, and
which one the benchmark itself used in `scoring.measurements`.
"""

from __future__ import annotations

import logging
import re
import string
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from typing import Any, Literal

from tts_toolkit.evaluation.metrics.words import scored_words
from tts_toolkit.system.errors import UserError
from tts_toolkit.text.english import is_english
from tts_toolkit.text.units import base_language, is_unspaced, joined

log = logging.getLogger(__name__)
Unit = Literal["words", "characters"]


@dataclass(frozen=True)
class Counts:
    """Edits between reference texts and hypotheses."""

    substitutions: int
    deletions: int
    insertions: int
    n_reference: int

    @property
    def errors(self) -> int:
        """All edits."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float:
        """Errors divided by the length of the text; for an empty text, the number of insertions, as in jiwer 4."""
        return self.errors / self.n_reference if self.n_reference else float(self.errors)


def _words(text: str, language: str) -> list[str]:
    """Return jiwer's words: split at spaces and at runs of blanks, not at a single blank of another kind."""
    return [word for word in re.sub(r"\s\s+", " ", text).strip().split(" ") if word]


def _words_or_characters(text: str, language: str) -> list[str]:
    return _characters(text) if is_unspaced(language) else _words(text, language)


def _characters(text: str) -> list[str]:
    return [char for char in text if not char.isspace()]


def _as_written(hypothesis: str, language: str) -> str:
    return hypothesis


def _fewest(expected: list[str], hypothesis: list[str], language: str) -> Counts:
    """Return the minimal edits of words, by jiwer."""
    import jiwer

    found = jiwer.process_words(" ".join(expected), " ".join(hypothesis))
    return Counts(found.substitutions, found.deletions, found.insertions, len(expected))


@dataclass(frozen=True)
class Protocol:
    """Rules by which a benchmark turns texts and hypotheses into one number."""

    name: str
    normalize: Callable[[str, str], str]  # of a text and its language
    aggregate: Literal["corpus", "utterance_mean"]
    failures: Literal["deletions", "left_out"]  # a failed row: all its words deleted, or not in the average
    source: str  # of the definition
    languages: frozenset[str] = frozenset({"en"})  # covered by the definition; empty: all
    by_characters: Callable[[str], bool] = is_unspaced  # whether a language's errors are of characters
    parts: Callable[[str, str], list[str]] = _words_or_characters  # of a normalized text
    count: Callable[[list[str], list[str], str], Counts] = _fewest  # of the parts of a text and of a hypothesis
    convert: Callable[[str, str], str] = _as_written  # applied to hypotheses only, before all else
    no_words: Literal["counted", "left_out"] = "counted"  # texts that normalize to nothing: all insertions

    def unit(self, language: str) -> Unit:
        """Return the unit of errors: with characters, CER is the headline."""
        return "characters" if self.by_characters(language) else "words"

    def defines(self, language: str) -> bool:
        """Whether the published definition covers a language."""
        return not self.languages or base_language(language) in self.languages

    def units(self, text: str, language: str = "en") -> list[str]:
        """Return the words of a text as written, or its characters: the units of errors."""
        return self.parts(self.normalize(text, language), language)

    def words(self, text: str, hypothesis: str, language: str = "en") -> Counts:
        """Return the edits of `units` between a text and a hypothesis, both as written."""
        return self.count(self.units(text, language), self.units(hypothesis, language), language)

    def characters(self, text: str, hypothesis: str, language: str = "en") -> Counts:
        """Return the character edits; single spaces between words count, between characters that are units none."""
        import jiwer

        expected, found_text = (self._text(one, language) for one in (text, hypothesis))
        found = jiwer.process_characters(expected, found_text)
        return Counts(found.substitutions, found.deletions, found.insertions, len(expected))

    def _text(self, text: str, language: str) -> str:
        units = self.units(text, language)
        return (
            "".join(units) if all(len(unit) == 1 for unit in units) and self.by_characters(language) else joined(units)
        )

    def is_exact_match(self, text: str, hypothesis: str, language: str = "en") -> bool:
        """Whether text and hypothesis are equal after normalization."""
        return self.units(text, language) == self.units(hypothesis, language)


def _compounds_merged(expected: list[str], hypothesis: list[str], language: str) -> Counts:
    """Return the minimal edits, where "wal mart" for "walmart" is none."""
    from kaldialign import edit_distance

    if leaderboard_by_characters(language):
        found = edit_distance(expected, hypothesis)
    else:
        if not is_english(language):
            expected, hypothesis = _joined_alike(expected, hypothesis)
        found = edit_distance(expected, hypothesis, merge_compounds=True)
    return Counts(found["sub"], found["del"], found["ins"], len(expected))


def _joined_alike(expected: list[str], hypothesis: list[str]) -> tuple[list[str], list[str]]:
    """Return the words, with stretches that differ only in blanks joined."""
    ours: list[str] = []
    theirs: list[str] = []
    for _, i, j, m, n in SequenceMatcher(None, expected, hypothesis).get_opcodes():
        a, b = expected[i:j], hypothesis[m:n]
        same = "".join(a) == "".join(b) and a != b
        ours += ["".join(a)] if same else a
        theirs += ["".join(b)] if same else b
    return ours, theirs


@cache
def _seed_punctuation() -> str:
    from zhon import hanzi

    return str(hanzi.punctuation) + string.punctuation


def seed_tts_normalize(text: str, language: str = "en") -> str:
    """Return `text` as seed-tts-eval reads it: punctuation deleted, which joins hyphenated words; ' is kept.

    A curly apostrophe is in its list of Chinese punctuation, and is deleted. Numbers stay as written. Chinese keeps
    its capitals.
    """
    return _without_marks(text, "'", language)


def f5_normalize(text: str, language: str = "en") -> str:
    """Return `text` as F5-TTS reads it: as seed-tts-eval does, the apostrophe deleted too."""
    return _without_marks(text, "", language)


def _without_marks(text: str, kept: str, language: str) -> str:
    bare = "".join(char for char in text if char in kept or char not in _seed_punctuation()).replace("  ", " ")
    return bare if base_language(language) in CHINESE else bare.lower()


CHINESE = frozenset({"zh", "zho", "chi", "cmn"})


def simplified(text: str, language: str = "zh") -> str:
    """Return a Chinese text in simplified characters by zhconv; unchanged where zhconv is not installed.

    zhconv is GPL-licensed and therefore not a dependency; a warning is logged once where it is missing.
    """
    if base_language(language) not in CHINESE:
        return text
    convert = _zhconv()
    return text if convert is None else str(convert(text, "zh-cn"))


@cache
def _zhconv() -> Callable[[str, str], str] | None:
    try:
        from zhconv import convert
    except ImportError:
        log.warning(
            "traditional characters in Chinese hypotheses count as errors, where the published protocols convert them "
            "to simplified ones: pip install zhconv"
        )
        return None
    return convert


@cache
def _whisper_normalizer() -> Any:
    from whisper_normalizer.english import EnglishTextNormalizer

    return EnglishTextNormalizer()


def whisper_normalize(text: str, language: str = "en") -> str:
    """Return `text` by whisper-normalizer 0.1.12, Whisper's English rules with four contractions added."""
    return str(_whisper_normalizer()(text)).strip()


_FILLERS = "hmm mm mhm mmm uh um ah aha ahh ahm eh ehehe em hm huh hum mhum uhm umm uhuh"  # that the leaderboard drops
_IS_AFTER = "it he she what that who here there how when where why this"
_ONE_WORD = (
    "e-mail e-book e-commerce x-ray t-shirt wi-fi hi-fi lo-fi sci-fi how-ever a-m p-m"  # hyphenated, separate or joined
)
_COMPOUNDS = {"et cetera": "etc", "al right": "alright", "all right": "alright", "o k": "okay"} | {
    word.replace("-", " "): word.replace("-", "") for word in _ONE_WORD.split()
}
_SPELLINGS = {"ok": "okay", "kay": "okay", "mm": "hmm", "etcetera": "etc"}  # besides Whisper's


class _Leaderboard:
    """The Open TTS Leaderboard's English rules: Whisper's, in another order and with other tables."""

    def __init__(self) -> None:
        from whisper_normalizer.english import EnglishTextNormalizer

        self.rules = EnglishTextNormalizer()
        self.rules.ignore_patterns = rf"\b({'|'.join(_FILLERS.split())})\b"
        dropped = (r"\bkinda\b", r"\bsorta\b", r"\bdunno\b", r"\bcause\b")  # which whisper-normalizer added
        is_after = {rf"\b({'|'.join(_IS_AFTER.split())})'s\b": r"\1 is"}  # any other 's is a possessive
        replacers: dict[str, str] = {}
        for pattern, words in self.rules.replacers.items():
            replacers |= is_after if pattern == r"'s\b" else {} if pattern in dropped else {pattern: words}
        self.rules.replacers = replacers
        self.numbers, self.spellings = self.rules.standardize_numbers, dict(self.rules.standardize_spellings.mapping)
        self.rules.standardize_numbers, self.rules.standardize_spellings = self._numbers, self._spellings

    def __call__(self, text: str) -> str:
        return str(self.rules(text)).replace("-", " ")

    def _numbers(self, text: str) -> str:
        """Compounds become words before numbers are parsed."""
        for variant, word in _COMPOUNDS.items():
            text = re.sub(rf"\b{variant}\b".replace(" ", r"\s+"), word, text)
        return str(self.numbers(text))

    def _spellings(self, text: str) -> str:
        known = self.spellings | _SPELLINGS
        return " ".join(_spelled_out([known.get(word, word) for word in text.split()]))


@cache
def _leaderboard_normalizer() -> _Leaderboard:
    return _Leaderboard()


def _spelled_out(words: Sequence[str]) -> list[str]:
    """Return the words with runs of single letters and digits joined: of two, or of three with "a" or "i" in them."""
    found: list[str] = []
    run: list[str] = []
    for word in [*words, ""]:
        if len(word) == 1 and word.isalnum():
            run.append(word)
            continue
        long_enough = len(run) >= (3 if {"a", "i"} & set(run) else 2)
        found += ["".join(run)] if long_enough else run
        run = []
        found += [word] if word else []
    return found


_LEADERBOARD_CJK = CHINESE | {"yue", "ja", "jpn", "ko", "kor"}
_HOMOPHONES = {"zh": ("地得她它", "的的他他"), "digits": ("0123456789〇○", "零一二三四五六七八九零零")}
_KANA = {code: code - 0x60 for code in range(0x30A1, 0x30F7)}  # katakana to hiragana


def leaderboard_by_characters(language: str) -> bool:
    """Whether the Open TTS Leaderboard counts a language's characters: Korean too."""
    return base_language(language) in _LEADERBOARD_CJK or is_unspaced(language)


def open_tts_leaderboard_normalize(text: str, language: str = "en") -> str:
    """Return `text` by the Open TTS Leaderboard's rules: for English, for Chinese, Japanese and Korean, for the rest.

    In English, possessive 's stays a word of its own, hyphens separate words, common compounds and spellings are
    joined. Its table of variant spellings of names is not reproduced here.
    """
    if is_english(language):
        return _leaderboard_normalizer()(text)
    if base_language(language) in _LEADERBOARD_CJK:
        return _leaderboard_cjk(text, base_language(language))
    return _leaderboard_other(text, base_language(language))


def _leaderboard_cjk(text: str, language: str) -> str:
    """Return a text by its sound: homophones, kana and digits folded, no marks, no blanks."""
    text = unicodedata.normalize("NFKC", text)
    is_chinese = language not in ("ja", "jpn", "ko", "kor") and not re.search("[\u3040-\u30ff\uac00-\ud7af]", text)
    text = (simplified(text) if is_chinese else text).lower()
    text = "".join(char for char in text if char == "'" or unicodedata.category(char)[0] not in "MSP")
    text = text.translate(str.maketrans(*_HOMOPHONES["zh"]) if is_chinese else _KANA)
    return "".join(text.translate(str.maketrans(*_HOMOPHONES["digits"])).split())


def _leaderboard_other(text: str, language: str) -> str:
    """Return the words of another language: no brackets, no marks, digits in words by num2words."""
    text = re.sub(r"\(([^)]+?)\)", "", re.sub(r"[<\[][^>\]]*[>\]]", "", text.lower()))
    composed = unicodedata.normalize("NFKC", text)
    text = "".join(" " if unicodedata.category(char)[0] in "SP" else char for char in composed).lower()
    text = "".join(c for c in text if re.match(r"[\w\s]", c) or unicodedata.category(c)[0] == "M")
    text = re.sub(r"(\d)\s+(\d{3})\b", r"\1\2", " ".join(text.split()))
    return re.sub(r"\d+", lambda found: _number(found.group(), language), text).replace("-", " ")


def _number(digits: str, language: str) -> str:
    from num2words import num2words

    try:
        return str(num2words(int(digits), lang=language))
    except (NotImplementedError, ValueError, OverflowError):  # an unsupported language or number
        return digits


def _leaderboard_parts(text: str, language: str) -> list[str]:
    return _characters(text) if leaderboard_by_characters(language) else text.split()


def _scored_units(text: str, language: str) -> list[str]:
    return text.split()  # `scored_words` has separated them


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            "strict", scored_words, "corpus", "deletions", "tts-toolkit, docs/benchmark.md",
            languages=frozenset(), parts=_scored_units, no_words="left_out",
        ),
        Protocol(
            "seed_tts_eval", seed_tts_normalize, "utterance_mean", "left_out",
            "BytedanceSpeech/seed-tts-eval 752f4297, run_wer.py, average_wer.py",
            languages=frozenset({"en"}) | CHINESE, convert=simplified,
        ),
        Protocol(
            "f5", f5_normalize, "utterance_mean", "left_out",
            "SWivid/F5-TTS 2ae2c9bd, eval/utils_eval.py",
            languages=frozenset({"en"}) | CHINESE, convert=simplified,
        ),
        Protocol(
            "open_tts_leaderboard", open_tts_leaderboard_normalize, "corpus", "deletions",
            "huggingface/open-tts-leaderboard 1645e630, normalizer/, scripts/",
            languages=frozenset(), by_characters=leaderboard_by_characters, parts=_leaderboard_parts,
            count=_compounds_merged,
        ),
        Protocol(
            "voicehub_arena", whisper_normalize, "corpus", "left_out",
            "kadirnar/voicehub-arena c4e83cc4, metrics.py",
        ),
    )
}  # fmt: skip


def protocol(name: str) -> Protocol:
    """Return the protocol of that name; raises UserError for an unknown one."""
    if name not in PROTOCOLS:
        raise UserError(f"protocols: {name!r} is unknown; allowed are {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]
