"""espeak-ng through its command line: a formant synthesizer, the baseline that runs anywhere."""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import soundfile

from tts_toolkit.models.base import Coverage, Speech, SynthesisRequest
from tts_toolkit.system.errors import UserError

TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class EspeakNg:
    """The program `espeak-ng`; `voice` is one of `espeak-ng --voices`."""

    voice: str = "en-us"
    words_per_minute: int = 175
    program: str = "espeak-ng"

    conditioned_by = None
    speaks_cues = False
    n_parameters = None

    @property
    def name(self) -> str:
        """The program and its voice."""
        return f"espeak-ng {self.voice}"

    @cached_property
    def version(self) -> str:
        """The output of `espeak-ng --version`."""
        return self._run("--version").decode().split("Data at")[0].strip()

    @cached_property
    def _known_voices(self) -> list[str]:
        """The languages that `espeak-ng --voices` lists: the second of its columns, below their titles."""
        listed = self._run("--voices").decode(errors="replace").splitlines()[1:]
        return list(dict.fromkeys(request.split()[1] for request in listed if len(request.split()) > 1))

    def _run(self, *arguments: str, text: str = "") -> bytes:
        if shutil.which(self.program) is None:
            raise UserError(f"the program {self.program!r} is missing; run: apt-get install espeak-ng")
        command = [self.program, *arguments]
        try:
            done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            raise UserError(f"{' '.join(command)}: did not end within {TIMEOUT_SECONDS} s") from None
        if done.returncode:
            raise UserError(f"{' '.join(command)}: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout

    def recording_for(self, id_: str, reference: str, voice_reference: str, voice: str | None = None) -> str | None:
        """Return None: its only input is text."""
        return None

    def coverage(self, text: str) -> Coverage:
        """Return nothing: espeak-ng says something for every character."""
        return Coverage()

    def check(self, request: SynthesisRequest) -> None:
        """Raise nothing: an unknown voice is reported in synthesis."""

    def synthesize(self, requests: Sequence[SynthesisRequest]) -> list[Speech]:
        """Return the speech of each request, synthesized one by one."""
        return [self._speak(request) for request in requests]

    def _speak(self, request: SynthesisRequest) -> Speech:
        voice = request.voice or self.voice
        options = ("-v", voice, "-s", str(self.words_per_minute), "--stdin", "--stdout")
        try:
            wav = self._run(*options, text=request.text)
        except UserError:
            if voice.partition("+")[0] in self._known_voices:
                raise
            raise UserError(
                f"unknown voice {voice!r} of {self.program}: allowed are {', '.join(self._known_voices)}"
            ) from None
        waveform, sample_rate_hz = soundfile.read(io.BytesIO(wav), dtype="float32")
        return Speech(waveform, sample_rate_hz)
