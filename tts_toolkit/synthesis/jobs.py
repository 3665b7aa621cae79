"""The texts, voices and files of a synthesis command."""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tts_toolkit.audio.waveforms import SAMPLE_RATE_HZ, write_flac, write_wav
from tts_toolkit.data.test_sets import read_prompts
from tts_toolkit.system.errors import UserError
from tts_toolkit.system.files import file_names, write_whole

SOUND_SUFFIXES = (".wav", ".flac")
SPECTROGRAM_SUFFIX = ".npy"
N_FAULTS = 10  # lines that an error names
MAX_BYTES_OF_NAME = 255  # on common file systems
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """One text to speak."""

    id: str
    text: str
    voice: str | None  # a name for find_voice
    output: Path
    source: str = ""  # file and line that it was read from; empty for a single text
    fault: str = ""  # why no synthesizer can say the text


def plan(text: str | None, texts: str | None, output: str | None, voice: str | None, spectrogram: bool) -> list[Job]:
    """Return the jobs of a single text or of a file of texts; raises UserError when neither, or both, are given."""
    if (text is None) == (texts is None):
        raise UserError('give either text="..." or texts=FILE')
    suffixes = (SPECTROGRAM_SUFFIX,) if spectrogram else SOUND_SUFFIXES
    if (n_bytes := max((len(part.encode()) for part in Path(output or "").parts), default=0)) > MAX_BYTES_OF_NAME:
        raise UserError(f"output={output}: a name has {n_bytes} bytes; at most {MAX_BYTES_OF_NAME} fit")
    if text is not None:
        target = Path(output or f"speech{suffixes[0]}")
        if target.suffix not in suffixes:
            raise UserError(f"output={target}: the name must end in {' or '.join(suffixes)}")
        if target.is_dir():
            raise UserError(f"output={target}: is a folder; choose another name")
        return [Job("text", str(text), voice, target)]
    assert texts is not None
    folder = Path(output or "speech")
    if folder.suffix in (*SOUND_SUFFIXES, SPECTROGRAM_SUFFIX) or folder.is_file():
        raise UserError(f"output={folder}: texts=FILE needs a folder to write to")
    return _read_texts(texts, folder, suffixes[0], voice)


def _read_texts(texts: str, folder: Path, suffix: str, voice: str | None) -> list[Job]:
    prompts = read_prompts(texts, allow_outside=True)
    names = file_names(prompt.id for prompt in prompts)
    jobs = [Job(p.id, p.text, p.voice or voice, folder / f"{names[p.id]}{suffix}", p.source, p.fault) for p in prompts]
    check_jobs(jobs, _check_line)
    if renamed := [job for job in jobs if job.output.stem != job.id]:
        one = renamed[0]
        log.warning(
            "%d ids are not valid file names everywhere, such as %r, written as %s", len(renamed), one.id, one.output
        )
    return jobs


def _check_line(job: Job) -> None:
    """Raise UserError for a faulty job, an id that is a path, or sound that would replace its voice."""
    if job.fault:
        raise UserError(f"{job.fault}; correct the line or remove it")
    if job.id != Path(job.id).name or job.id.startswith("."):
        raise UserError(f"the id {job.id!r} is no file name")
    if job.voice and job.output.is_file() and Path(job.voice).is_file() and job.output.samefile(job.voice):
        raise UserError(f"{job.output} is the recording of its voice; choose another output")


def make_folder(folder: Path) -> None:
    """Make a folder to write to; raises UserError when it cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"output={folder}: cannot be made ({error.strerror}); choose another folder") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UserError(f"output={folder}: may not be written to; choose another folder")


def check_jobs(jobs: Sequence[Job], check: Callable[[Job], None]) -> None:
    """Raise one UserError that names every job that `check` refuses, before any synthesis."""
    faults = []
    for job in jobs:
        try:
            check(job)
        except UserError as error:
            faults.append(f"{job.source}: {error}" if job.source else str(error))
    raise_all(faults)


def raise_all(faults: Sequence[str]) -> None:
    """Raise one UserError of several faults, quoting the first ones; none for none."""
    if faults:
        more = f"; and {len(faults) - N_FAULTS} more" if len(faults) > N_FAULTS else ""
        raise UserError("; ".join(faults[:N_FAULTS]) + more)


def write_speech(output: Path, waveform: np.ndarray, sample_rate_hz: int = SAMPLE_RATE_HZ) -> None:
    """Write a waveform (n,) as WAV or FLAC, by the file's ending; raises UserError for non-finite values."""
    _check_finite(output, waveform)
    output.parent.mkdir(parents=True, exist_ok=True)
    (write_flac if output.suffix == ".flac" else write_wav)(output, waveform, sample_rate_hz)


def write_spectrogram(output: Path, log_mel: np.ndarray) -> None:
    """Write a log-mel (n_frames, 80) as a `.npy` array; raises UserError for non-finite values."""
    buffer = io.BytesIO()
    _check_finite(output, log_mel)
    np.save(buffer, log_mel, allow_pickle=False)
    write_whole(output, buffer.getvalue())


def _check_finite(output: Path, made: np.ndarray) -> None:
    if not np.isfinite(made).all():
        raise UserError(
            f"{output}: is not written: the model's output has non-finite values; its weights or the voice's "
            "embedding are damaged, or too coarse a number type was chosen"
        )
