"""Long recordings without transcripts, cut at silences (Silero VAD) into clips that can be transcribed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tts_toolkit.audio.waveforms import SAMPLE_RATE_HZ, load_waveform, write_flac
from tts_toolkit.data.clips import Clip
from tts_toolkit.hub.packaged import install_command
from tts_toolkit.system.errors import UserError
from tts_toolkit.system.files import file_names
from tts_toolkit.system.progress import progress

log = logging.getLogger(__name__)
MARGIN_SECONDS = 0.1  # of silence kept at either end
COLUMNS = ("file_name", "text", "speaker", "session")  # of the pieces' metadata.csv


@dataclass(frozen=True)
class Cut:
    """Where a recording may be cut, and how long a piece may be."""

    min_duration_in_seconds: float = 1.0
    max_duration_in_seconds: float = 12.0
    min_silence_in_seconds: float = 0.3
    speech_threshold: float = 0.5  # of the detector's probability

    def __call__(self, waveform: np.ndarray) -> list[np.ndarray]:
        """Return the spoken pieces of a waveform (n,) at 16 kHz, in order.

        Neighbors are joined while they stay within the longest piece; shorter ones than the shortest are left out.
        """
        detector, timestamps = _detector()
        spans = timestamps(
            torch.from_numpy(waveform),
            detector,
            threshold=self.speech_threshold,
            sampling_rate=SAMPLE_RATE_HZ,
            min_silence_duration_ms=int(1000 * self.min_silence_in_seconds),
            max_speech_duration_s=self.max_duration_in_seconds - 2 * MARGIN_SECONDS,
            speech_pad_ms=int(1000 * MARGIN_SECONDS),
        )
        pieces = [waveform[start:end] for start, end in self._joined([(span["start"], span["end"]) for span in spans])]
        return [piece for piece in pieces if len(piece) >= self.min_duration_in_seconds * SAMPLE_RATE_HZ]

    def _joined(self, spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        longest = self.max_duration_in_seconds * SAMPLE_RATE_HZ
        current: tuple[int, int] | None = None
        for start, end in spans:
            if current is not None and end - current[0] <= longest:
                current = (current[0], end)
                continue
            if current is not None:
                yield current
            current = (start, end)
        if current is not None:
            yield current


@lru_cache(maxsize=1)
def _detector() -> tuple[Any, Any]:
    try:
        from silero_vad import get_speech_timestamps, load_silero_vad
    except ImportError:
        raise UserError(f"cutting raw recordings needs silero-vad; run: {install_command('raw')}") from None
    return load_silero_vad(onnx=True), get_speech_timestamps


def transcribed_pieces(
    clips: Sequence[Clip],
    cut: Callable[[np.ndarray], Sequence[np.ndarray]],
    transcribe: Callable[[np.ndarray], str],
    folder: Path,
) -> Iterator[dict[str, str]]:
    """Yield a row of `metadata.csv` for each piece of the recordings, once it is a FLAC in `folder/audio`.

    A recording that cannot be read is left out with a warning.
    """
    (folder / "audio").mkdir(parents=True, exist_ok=True)
    names = file_names(clip.id for clip in clips)
    for clip in progress(clips, "cutting", "recording"):
        try:
            pieces = cut(load_waveform(clip.audio))
        except UserError as error:  # one recording that cannot be read leaves the others as they are
            log.warning("left out: %s", error)
            continue
        for number, piece in enumerate(pieces):
            file = Path("audio") / f"{names[clip.id]}_{number:04d}.flac"
            write_flac(folder / file, piece)
            values = file.as_posix(), transcribe(piece).strip(), clip.speaker, clip.id
            yield dict(zip(COLUMNS, values, strict=True))
