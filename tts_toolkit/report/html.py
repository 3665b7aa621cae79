"""The report: one HTML file that opens from disk, with players, spectrograms, curves and word differences."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from tts_toolkit.audio import N_FFT, SAMPLE_RATE_HZ, log_mel
from tts_toolkit.evaluation.results import Row, Scores
from tts_toolkit.files import write_whole
from tts_toolkit.formatting import printable
from tts_toolkit.report.plots import png, spectrogram_picture


@dataclass(frozen=True)
class SystemReport:
    """A system as the report shows it."""

    name: str
    scores: Scores
    rows: Sequence[Row]
    waveforms: Sequence[np.ndarray | None]  # (n,) at 16 kHz, one a row


@dataclass(frozen=True)
class Difference:
    """A stretch of words: what was to be said and what was heard."""

    kind: str  # equal, substitute, delete or insert
    expected: str
    heard: str


def word_differences(text: str, hypothesis: str, language: str = "en") -> list[Difference]:
    """Return the alignment that the word error rate of a language counts (jiwer), as stretches in order."""
    import jiwer

    from tts_toolkit.evaluation.metrics.error_rates import scored_words

    expected, heard = scored_words(text, language), scored_words(hypothesis, language)
    aligned = jiwer.process_words(expected, heard)
    words, heard_words = aligned.references[0], aligned.hypotheses[0]
    return [
        Difference(
            chunk.type,
            " ".join(words[chunk.ref_start_idx : chunk.ref_end_idx]),
            " ".join(heard_words[chunk.hyp_start_idx : chunk.hyp_end_idx]),
        )
        for chunk in aligned.alignments[0]
    ]


def write_report(
    file: Path,
    title: str,
    systems: Sequence[SystemReport],
    facts: Mapping[str, str],
    curves: Mapping[str, str],
    language: str = "en",
) -> None:
    """Write the report of systems that spoke the same sentences, in a language.

    `facts` are shown as a list (recognizer, encoders, data), `curves` are SVG pictures by title. Everything that
    comes from data is escaped.
    """
    from jinja2 import Environment, PackageLoader

    environment = Environment(loader=PackageLoader("tts_toolkit", "report"), autoescape=True)
    sentences = [
        {
            "id": systems[0].rows[index].id,
            "text": systems[0].rows[index].text,
            "takes": [_take(system, index, language) for system in systems],
        }
        for index in range(len(systems[0].rows))
    ]
    html = environment.get_template("report.html.j2").render(
        title=title, systems=systems, facts=facts, curves=curves, sentences=sentences
    )
    write_whole(file, printable(html).encode())


def _take(system: SystemReport, index: int, language: str) -> dict[str, object]:
    row, waveform = system.rows[index], system.waveforms[index]
    take: dict[str, object] = {"system": system.name, "row": row}
    if waveform is not None and len(waveform) > N_FFT:
        take["audio"] = data_uri("audio/mpeg", mp3(waveform))
        take["picture"] = data_uri("image/png", png(spectrogram_picture(log_mel(waveform).numpy())))
    if row.status == "scored" and row.hypothesis is not None:
        take["differences"] = word_differences(row.text, row.hypothesis, language)
    return take


def mp3(waveform: np.ndarray, sample_rate_hz: int = SAMPLE_RATE_HZ) -> bytes:
    """Return a waveform (n,) as an MP3 file, which every browser plays."""
    buffer = io.BytesIO()
    soundfile.write(buffer, waveform.clip(-1, 1), sample_rate_hz, format="MP3", subtype="MPEG_LAYER_III")
    return buffer.getvalue()


def data_uri(media_type: str, content: bytes) -> str:
    """Return content as an address that needs no network."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"
