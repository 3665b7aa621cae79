"""Fake synthesizers, recognizers, verifiers and metrics, and the benchmark plans that the tests run with them."""

from dataclasses import dataclass, replace

import numpy as np

from tts_toolkit.data.test_sets import Prompt
from tts_toolkit.evaluation.metrics.base import Column
from tts_toolkit.evaluation.metrics.protocols import PROTOCOLS
from tts_toolkit.evaluation.pipeline import run
from tts_toolkit.evaluation.plan import Plan
from tts_toolkit.models.base import Coverage, Speech
from tts_toolkit.report.benchmark import ReportOptions, write_benchmark
from tts_toolkit.system.processes import Processes

TEXTS = ["one red apple", "two green pears are here", "three blue plums", "four old nuts in a bowl", "five figs"]
PROMPTS = [Prompt(f"p{n}", text, category="short" if n % 2 else "long") for n, text in enumerate(TEXTS)]
CALLS, VOICES, HEARD = [], [], []  # texts of each call of `Levels`, their voices, lengths that `Ear` transcribed
MEASURED = []  # metric, text and reference of each measurement


@dataclass(frozen=True)
class Levels:
    """Says a text as a constant level that `Ear` reads back; `faults` are raised or spoken for texts that hold them."""

    texts: tuple = tuple(TEXTS)
    faults: tuple = ()
    version: str = "1"
    name = "levels"
    n_parameters = 7
    conditioned_by = None
    speaks_cues = False

    def recording_for(self, id_, reference, voice_reference, voice=None):
        return None

    def coverage(self, text):
        return Coverage(dropped=tuple(c for c in text if c == "ø"))

    def synthesize(self, lines):
        takes = []
        for line in lines:
            for word, fault in self.faults:
                if word in line.text and isinstance(fault, Exception):
                    raise fault
            level = 0.1 + 0.05 * self.texts.index(line.text) if line.text in self.texts else 0.0
            waveform = np.full(1600 * len(line.text.split()), level, dtype=np.float32)
            for word, fault in self.faults:
                if word in line.text and not isinstance(fault, Exception):
                    waveform = fault(waveform)
            takes.append(Speech(waveform, 16_000))
        CALLS.append([line.text for line in lines])
        VOICES.extend(line.voice for line in lines)
        return takes


@dataclass(frozen=True)
class Ear:
    """Reads the level of `Levels` back; `deaf_to` is heard as another word."""

    texts: tuple = tuple(TEXTS)
    deaf_to: str = ""
    name: str = "ear"
    version: str = "1"

    def transcribe(self, waveform):
        if np.ptp(waveform):
            return "hiss"  # which it is tried out with; `Levels` speaks in constants
        HEARD.append(len(waveform))
        text = self.texts[round((float(np.median(waveform)) - 0.1) / 0.05)]
        return text.replace(self.deaf_to, "something") if self.deaf_to else text


@dataclass(frozen=True)
class Verifier:
    """Two numbers from the level."""

    name: str = "speaker_verifier"
    version: str = "1"

    def embed(self, waveform):
        level = float(np.median(waveform))
        return np.asarray([np.cos(level), np.sin(level)], dtype=np.float32)


@dataclass(frozen=True)
class Mumbling(Ear):
    """Hears the same in every sound."""

    def transcribe(self, waveform):
        return "mumbling"


@dataclass(frozen=True)
class Moody(Levels):
    """Speaks one of its texts, whichever the seed chooses."""

    def synthesize(self, lines):
        takes = super().synthesize([replace(line, text=self.texts[line.seed % len(self.texts)]) for line in lines])
        CALLS[-1] = [(line.text, line.seed) for line in lines]
        return takes


@dataclass(frozen=True)
class Sparkle:
    """Rates every sound the same."""

    value: float = 3.0
    name: str = "sparkle"
    version: str = "1"

    columns = (Column("sparkle_score", "sparkle", direction="higher", digits=2),)
    needs_reference = False

    def measure(self, speech, reference):
        MEASURED.append((self.name, speech.text, reference and len(reference.waveform)))
        return {"sparkle_score": self.value}


@dataclass(frozen=True)
class Loudness:
    """The level of `Levels`, against that of the natural recording: a mean, a median and a ratio."""

    name: str = "loudness"
    version: str = "1"

    columns = (
        Column("level_error", "level error", unit="dB", direction="lower", digits=1),
        Column("level_median", "median level", unit="%", aggregate="median", digits=1, scale=100),
        Column("level_ratio", "level ratio", aggregate="ratio", of=("level_here", "level_there")),
    )
    needs_reference = True

    def measure(self, speech, reference):
        here, there = (float(np.sqrt(np.mean(sample.waveform**2))) for sample in (speech, reference))
        MEASURED.append((self.name, speech.text, reference.text))
        error = abs(20 * np.log10(here / there))
        return {"level_error": error, "level_median": here, "level_here": here, "level_there": there}


def plan_of(tmp_path, prompts=PROMPTS, family=Levels(), ear=Ear(), speaker_verifier=None, **settings):
    """A plan of one system over `prompts`, in batches of two."""
    settings = {"protocols": [PROTOCOLS["strict"], PROTOCOLS["f5"]], "background": None, "batch_size": 2} | settings
    return Plan(
        {"levels": lambda: family},
        prompts,
        lambda: ear,
        speaker_verifier and (lambda: speaker_verifier),
        output_dir=tmp_path,
        **settings,
    )


def spoken_texts():
    """What was synthesized, the warm-up left out."""
    return sorted(text for call in CALLS[1:] for text in call)


def finished(folder, **settings):
    """The folder of a run that is over and reported."""
    write_benchmark(folder, run(plan_of(folder, **settings), Processes()), ReportOptions(n_sentences=0))
    return folder


class CountingEncoder:
    """An encoder of another function of the waveform that remembers the lengths it was asked for."""

    name, version = "counting", "1"

    def __init__(self, embed=lambda waveform: np.ones(4, dtype=np.float32)):
        self._embed, self.lengths = embed, []

    def embed(self, waveform):
        self.lengths.append(len(waveform))
        return self._embed(waveform)
