"""Existing speech: natural recordings, or a folder of files from any source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tts_toolkit.audio.waveforms import SAMPLE_RATE_HZ, Channel, load_waveform, sound_files
from tts_toolkit.models.base import Coverage, Speech, SynthesisRequest
from tts_toolkit.system.errors import UserError
from tts_toolkit.system.files import called


@dataclass(frozen=True)
class Recordings:
    """Returns each prompt's reference, or the file of a folder that is named by the prompt's id."""

    name: str = "recordings"
    folder: str | None = None
    channel: Channel = "auto"  # of recordings with several

    version = ""
    n_parameters = None
    conditioned_by = None
    speaks_cues = True

    def recording_for(self, id_: str, reference: str, voice_reference: str, voice: str | None = None) -> str | None:
        """Return the recording of a prompt; one that is missing becomes a failed row."""
        if self.folder is None:
            return reference or None
        return str(called(id_, self._files) or Path(self.folder) / f"{id_}.wav")

    @cached_property
    def _files(self) -> dict[str, Path]:
        return sound_files(Path(self.folder or "."))

    def coverage(self, text: str) -> Coverage:
        """Return nothing: the speech exists already."""
        return Coverage()

    def check(self, request: SynthesisRequest) -> None:
        """Raise UserError where a request has no recording."""
        _recording(request)

    def synthesize(self, requests: Sequence[SynthesisRequest]) -> list[Speech]:
        """Return each request's recording at 16 kHz; raises UserError where one is missing or unreadable."""
        return [self._speak(request) for request in requests]

    def _speak(self, request: SynthesisRequest) -> Speech:
        return Speech(load_waveform(Path(_recording(request)), self.channel), SAMPLE_RATE_HZ)


def _recording(request: SynthesisRequest) -> str:
    if request.recording is None:
        raise UserError(f"there is no recording of {request.text!r}")
    return request.recording
