"""Complete published measurements: text rules, recognizer and speaker verifier of a benchmark's figures."""

from __future__ import annotations

from dataclasses import dataclass

from tts_toolkit.text.units import base_language


@dataclass(frozen=True)
class Worker:
    """A model that a benchmark measures with, and its nearest equivalent here."""

    name: str  # as the benchmark calls it
    revision: str  # of its weights on a hub; empty: the benchmark pins none
    settings: str = ""
    nearest: str = ""  # its replacement here; empty: the same


@dataclass(frozen=True)
class Measurement:
    """Models behind a benchmark's error rate and similarity, in one language."""

    protocol: str
    language: str
    recognizer: Worker
    verifier: Worker | None
    source: str


_WHISPER = "openai/whisper-large-v3", "06f233fe06e710322aca913c1bc4249a0d71fce1"
_PARAFORMER = Worker("funasr/paraformer-zh", "", nearest="openai/whisper-large-v3, language zh")
_WAVLM = Worker(
    "wavlm_large_finetune.pth, UniSpeech's WavLM-large with an ECAPA-TDNN head", "", nearest="speaker_verifier=wavlm_sv"
)
_SEED, _F5 = (
    "BytedanceSpeech/seed-tts-eval 752f4297, README.md, run_wer.py",
    "SWivid/F5-TTS 2ae2c9bd, eval/utils_eval.py",
)
_FASTER = "Systran/faster-whisper-large-v3", "", "float16, beam 5"

MEASUREMENTS = (
    Measurement("seed_tts_eval", "en", Worker(*_WHISPER, "greedy, language en"), _WAVLM, _SEED),
    Measurement("seed_tts_eval", "zh", _PARAFORMER, _WAVLM, _SEED),
    Measurement("f5", "en", Worker(*_FASTER), _WAVLM, _F5),
    Measurement("f5", "zh", _PARAFORMER, _WAVLM, _F5),
    Measurement("voicehub_arena", "en", Worker(*_FASTER), None, "kadirnar/voicehub-arena c4e83cc4"),
    Measurement(
        "open_tts_leaderboard", "en", Worker("Qwen3-ASR", "", nearest="openai/whisper-large-v3"), _WAVLM,
        "huggingface/open-tts-leaderboard 1645e630",
    ),
)  # fmt: skip


def measurement(protocol: str, language: str = "en") -> Measurement | None:
    """Return the published measurement that a protocol's text rules belong to, or None for a language without one."""
    found = [m for m in MEASUREMENTS if (m.protocol, m.language) == (protocol, base_language(language))]
    return found[0] if found else None
