"""Resumable synthesis of a list of texts: existing files with the same inputs are kept."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from tts_toolkit.evaluation.stage_log import Row, Stage
from tts_toolkit.synthesis.backend import Backend, Written
from tts_toolkit.synthesis.jobs import Job, make_folder, raise_all
from tts_toolkit.system.errors import UserError
from tts_toolkit.system.files import file_hash

log = logging.getLogger(__name__)
LOG = ".tts-synthesize"  # in the folder of a list: the inputs of each file


def synthesize_list(backend: Backend, jobs: Sequence[Job]) -> int:
    """Write the files of a list and return the number of files kept from before.

    Each file is written as soon as it is synthesized, then its row in the folder's log. Raises UserError, once all
    others are written, for those that could not be; Ctrl-C keeps the files written so far.
    """
    folder = jobs[0].output.parent
    make_folder(folder)
    stage = Stage(folder / LOG, {job.id: backend.key(job) for job in jobs})
    rows = stage.rows()
    todo = [job for job in jobs if not _is_current(job, rows)]
    faults: list[str] = []
    try:
        for written in backend.synthesize(todo) if todo else ():
            _write(written, stage, faults)
    except KeyboardInterrupt:
        n_there = len(stage.rows())
        raise KeyboardInterrupt(
            f"interrupted: {n_there} of {len(jobs)} texts are in {folder}; the same command goes on with the others"
        ) from None
    raise_all(faults)
    if todo:
        stage.finish()
    return len(jobs) - len(todo)


def _is_current(job: Job, rows: Mapping[str, Row]) -> bool:
    """Whether a job's file exists and has the content that was written."""
    row = rows.get(job.id)
    there = row is not None and row["file"] == job.output.name and job.output.is_file()
    return there and row is not None and file_hash(job.output) == row["sha256"]


def _write(written: Written, stage: Stage, faults: list[str]) -> None:
    job, write, truncated = written
    try:
        write()
    except UserError as error:
        faults.append(str(error))
        return
    stage.append([{"id": job.id, "file": job.output.name, "sha256": file_hash(job.output), "text": job.text}])
    _warn_if_cut_off(job, truncated)


def synthesize_one(backend: Backend, job: Job) -> None:
    """Write the file of a single text."""
    make_folder(job.output.parent)
    for _, write, truncated in backend.synthesize([job]):
        write()
        _warn_if_cut_off(job, truncated)


def _warn_if_cut_off(job: Job, truncated: bool) -> None:
    """Warn that a text was cut off."""
    if truncated:
        log.warning("%s: the model did not stop by itself and was cut off", job.output)
