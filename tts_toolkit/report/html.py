"""Parts of HTML pages that open from disk: sound, pictures and word differences."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import numpy as np
import soundfile

from tts_toolkit.audio.waveforms import SAMPLE_RATE_HZ


@dataclass(frozen=True)
class Difference:
    """A stretch of words, in the text and in the hypothesis."""

    kind: str  # equal, substitute, delete or insert
    expected: str
    recognized: str


def word_differences(text: str, hypothesis: str, language: str = "en") -> list[Difference]:
    """Return the alignment behind the word error rate of a language (jiwer), as stretches in order."""
    import jiwer

    from tts_toolkit.evaluation.metrics.words import scored_words

    expected, recognized = scored_words(text, language), scored_words(hypothesis, language)
    aligned = jiwer.process_words(expected, recognized)
    words, heard_words = aligned.references[0], aligned.hypotheses[0]
    return [
        Difference(
            chunk.type,
            " ".join(words[chunk.ref_start_idx : chunk.ref_end_idx]),
            " ".join(heard_words[chunk.hyp_start_idx : chunk.hyp_end_idx]),
        )
        for chunk in aligned.alignments[0]
    ]


def mp3(waveform: np.ndarray, sample_rate_hz: int = SAMPLE_RATE_HZ) -> bytes:
    """Return a waveform (n,) as an MP3 file."""
    buffer = io.BytesIO()
    soundfile.write(buffer, waveform.clip(-1, 1), sample_rate_hz, format="MP3", subtype="MPEG_LAYER_III")
    return buffer.getvalue()


def data_uri(media_type: str, content: bytes) -> str:
    """Return content as a data URI."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"
