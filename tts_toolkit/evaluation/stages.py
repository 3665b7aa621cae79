"""Stages that run models: synthesis, recognition, embedding; only rows that changed are made again."""

from __future__ import annotations

import base64
import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tts_toolkit.audio.table_cells import is_there, sound_hash
from tts_toolkit.audio.waveforms import SAMPLE_RATE_HZ, SILENCE_RMS, load_waveform, write_wav
from tts_toolkit.data.test_sets import Prompt
from tts_toolkit.evaluation.metrics.artifacts import waveform_health
from tts_toolkit.evaluation.metrics.asr import Recognizer, transcribe
from tts_toolkit.evaluation.stage_log import Row, Stage, key_of, share
from tts_toolkit.models.base import Coverage, Speech, SynthesisRequest, Synthesizer, request_for
from tts_toolkit.nn.devices import hardware
from tts_toolkit.speakers.encoders import SpeakerEncoder
from tts_toolkit.system.errors import UserError
from tts_toolkit.system.files import file_hash, file_names, write_whole
from tts_toolkit.system.memory import PeakMemory, free_memory
from tts_toolkit.system.processes import Processes
from tts_toolkit.system.progress import AudioProgress

log = logging.getLogger(__name__)
FRONT_END = "synthesis-2"  # part of every key; to be changed with the way texts are synthesized
NO_EFFECT = ("device", "cpu_offload", "n_threads")  # settings that change no result
ALL_SPOKEN = Coverage()
SHORT_SECONDS = 1.0  # shorter sound may be too short for an encoder; none needs more
Measure = Callable[[np.ndarray], Mapping[str, Any]]  # of a waveform (n,) at 16 kHz
RowMeasure = Callable[[str], Mapping[str, Any]]  # of the speech of a row, by its id


def identity(worker: Any, version: str) -> str:
    """Return the identity of a model: its class, its settings and the version of its weights."""
    settings = (
        {
            f.name: getattr(worker, f.name)
            for f in fields(worker)
            if f.name not in NO_EFFECT and f.metadata.get("identity", True)
        }
        if is_dataclass(worker)
        else {}
    )
    return key_of(type(worker).__qualname__, settings, version)


def synthesize(
    synthesizer: Synthesizer, prompts: Sequence[Prompt], folder: Path, seed: int, batch_size: int, processes: Processes
) -> dict[str, Row]:
    """Return one row per prompt, synthesized or failed with its reason; waveforms are in `folder/wavs`.

    Batches hold texts of similar length. A batch that does not fit into memory is halved; a batch that fails is
    synthesized text by text, so that only faulty texts fail. A system whose weights do not load fails all rows.
    """
    requests = {prompt.id: _request(prompt, synthesizer, seed) for prompt in prompts}
    who = identity(synthesizer, synthesizer.version)
    stage = Stage(
        folder / "synthesis",
        {id_: request_key(synthesizer, who, request) for id_, request in requests.items()},
        processes.rank,
    )
    missing = stage.missing() | _without_waveform(stage.rows(), folder / "wavs")
    is_done = stage.complete and not missing
    processes.wait()  # all read before any writes: otherwise they could disagree and wait for each other
    if not is_done:
        by_length = sorted(requests, key=lambda id_: (len(requests[id_].text), id_))
        todo = [id_ for id_ in share(by_length, processes.rank, processes.n) if id_ in missing]
        with PeakMemory() as peak:
            _synthesize_share(
                synthesizer, requests, todo, batch_size, stage, peak, processes.is_first and bool(missing)
            )
        _finish(stage, processes)
    return stage.rows()


def request_key(synthesizer: Synthesizer, who: str, request: SynthesisRequest) -> str:
    """Return the key of a request's waveform; `who` is the synthesizer's `identity`."""
    return key_of(who, FRONT_END, asdict(request), *_voice_versions(request, synthesizer))


def _without_waveform(rows: Mapping[str, Row], wav_dir: Path) -> set[str]:
    """Return the ids of rows whose waveform is missing or another, such as that of a killed run with other settings."""
    return {id_ for id_, row in rows.items() if "wav" in row and not _holds(wav_dir / row["wav"], row["sha256"])}


def _holds(wav: Path, sha256: str) -> bool:
    return wav.is_file() and file_hash(wav) == sha256


def _request(prompt: Prompt, synthesizer: Synthesizer, seed: int) -> SynthesisRequest:
    voice = prompt.voice or None
    recording = synthesizer.recording_for(prompt.prompt_id, prompt.reference, prompt.voice_reference, voice)
    return request_for(synthesizer, prompt.text, seed + prompt.reading - 1, voice, recording or None)


def _voice_versions(request: SynthesisRequest, synthesizer: Synthesizer) -> list[str]:
    """Return the versions of a request's voice: hashes of its recording and voice file, and of the encoder."""
    voice = (request.voice or getattr(synthesizer, "voice", None) or "").split(".safetensors:")
    files = [request.recording, voice[0] + ".safetensors" * (len(voice) - 1)]
    versions = [sound_hash(Path(file)) for file in files if file and is_there(Path(file))]
    if hasattr(synthesizer, "voice_version"):
        versions.append(synthesizer.voice_version(request))
    return versions


def _synthesize_share(
    synthesizer: Synthesizer,
    requests: Mapping[str, SynthesisRequest],
    todo: list[str],
    batch_size: int,
    stage: Stage,
    peak: PeakMemory,
    report: bool,
) -> None:
    """Synthesize this process's share; all its rows fail at once when the synthesizer cannot be loaded."""
    if not todo and not report:
        return
    coverage = _coverage(synthesizer, requests)
    if isinstance(coverage, str):
        log.warning("%s cannot synthesize: %s", synthesizer.name, coverage)
        stage.append(failed_row(id_, coverage) for id_ in todo)
        return
    if report:
        _report_coverage(synthesizer.name, coverage, stage.folder.parent / "coverage.jsonl")
    if todo:
        _synthesize_all(synthesizer, requests, todo, coverage, batch_size, stage, peak)


def _coverage(synthesizer: Synthesizer, requests: Mapping[str, SynthesisRequest]) -> dict[str, Coverage] | str:
    """Return the coverage of each text, or the reason why there is none: the synthesizer fails to load, or fails here.

    A single text that cannot be synthesized at all fails during synthesis, with its own reason.
    """
    reports, reasons = {}, []
    try:
        _ = synthesizer.n_parameters  # counting the weights loads them
        for id_, request in requests.items():
            try:
                reports[id_] = synthesizer.coverage(request.text)
            except UserError as error:
                reports[id_] = Coverage()
                reasons.append(str(error))
    except Exception as error:
        free_memory()
        return reason_of(error)
    all_the_same = len(reasons) == len(requests) > 1 and len(set(reasons)) == 1
    return reasons[0] if all_the_same else reports


def _report_coverage(name: str, reports: Mapping[str, Coverage], file: Path) -> None:
    """Write dropped characters and unknown words, text by text, and log a summary, before synthesis."""
    requests = [json.dumps({"id": id_, **asdict(report)}, ensure_ascii=False) for id_, report in reports.items()]
    write_whole(file, ("\n".join(requests) + "\n").encode())
    affected: dict[str, list[tuple[str, ...]]] = {
        "drops": [report.dropped for report in reports.values() if report.dropped],
        "does not know": [report.unknown for report in reports.values() if report.unknown],
        "cuts tokens off": [(str(report.n_truncated),) for report in reports.values() if report.n_truncated],
    }
    for what, found in affected.items():
        if found:
            pieces = " ".join(sorted({piece for pieces in found for piece in pieces}))
            log.warning("%s %s in %d of %d texts: %s", name, what, len(found), len(reports), pieces[:200])


def _synthesize_all(
    synthesizer: Synthesizer,
    requests: Mapping[str, SynthesisRequest],
    todo: list[str],
    coverage: Mapping[str, Coverage],
    batch_size: int,
    stage: Stage,
    peak: PeakMemory,
) -> None:
    _attempt(synthesizer, [requests[todo[0]]])  # warm-up: loading and compiling are not timed
    names, here = file_names(requests), hardware()
    machine = str(here["gpu"] or here["processor"])
    with AudioProgress(f"synthesizing ({synthesizer.name})", "text", len(todo)) as bar:
        while todo:
            ids, todo = todo[:batch_size], todo[batch_size:]
            for spoken, speeches, wall_seconds, halved in _attempts(synthesizer, ids, requests):
                if halved:  # so that the rest fits at once
                    batch_size = min(batch_size, len(spoken))
                rows = [
                    _written_row(id_, speech, coverage[id_], stage.folder.parent / "wavs" / f"{names[id_]}.wav")
                    | {"batch_size": len(spoken), "batch_seconds": wall_seconds, "peak_memory_bytes": peak.bytes()}
                    | {"synthesized_on": machine}
                    for id_, speech in zip(spoken, speeches, strict=True)
                ]
                stage.append(rows)
                bar.update(len(rows), sum(row["seconds"] for row in rows))


def _batches(ids: Sequence[str], batch_size: int) -> Iterator[list[str]]:
    for start in range(0, len(ids), batch_size):
        yield list(ids[start : start + batch_size])


def _attempts(
    synthesizer: Synthesizer, ids: list[str], requests: Mapping[str, SynthesisRequest], halved: bool = False
) -> Iterator[tuple[list[str], list[Speech | str], float, bool]]:
    """Yield synthesized batches: ids, speech or reasons of failure, wall-clock seconds, whether it was halved."""
    started = time.perf_counter()
    speeches = _attempt(synthesizer, [requests[id_] for id_ in ids])
    wall_seconds = time.perf_counter() - started
    if isinstance(speeches, list):
        yield ids, list(speeches), wall_seconds, halved
    elif len(ids) == 1:
        yield ids, [speeches], wall_seconds, halved
    else:
        out_of_memory = speeches.startswith(OUT_OF_MEMORY)
        if out_of_memory:
            log.warning("%s: a batch of %d does not fit into memory: halved", synthesizer.name, len(ids))
        for part in _batches(ids, (len(ids) + 1) // 2 if out_of_memory else 1):
            yield from _attempts(synthesizer, part, requests, halved or out_of_memory)


OUT_OF_MEMORY = "out of memory"


def _attempt(synthesizer: Synthesizer, requests: Sequence[SynthesisRequest]) -> list[Speech] | str:
    """Return the speech of a batch, or the reason of its failure: a row fails with it and the others go on."""
    try:
        return synthesizer.synthesize(requests)
    except Exception as error:
        message = reason_of(error)
        if isinstance(error, MemoryError) or "out of memory" in message.lower() or "can't allocate" in message:
            free_memory()
            return f"{OUT_OF_MEMORY}: {message}"
        return message


def speech_row(id_: str, speech: Speech | str, coverage: Coverage = ALL_SPOKEN) -> Row:
    """Row of synthesized speech, without a file; or of a failure, given by its reason."""
    reason = speech if isinstance(speech, str) else _unusable(speech.waveform)
    row: Row = {
        "id": id_,
        "status": "failed" if reason else "spoken",
        "reason": reason,
        "seconds": 0.0,
        "dropped": list(coverage.dropped),
        "unknown": list(coverage.unknown),
        "n_truncated": coverage.n_truncated,
    }
    if reason or isinstance(speech, str):
        return row
    return row | {
        "seconds": len(speech.waveform) / speech.sample_rate_hz,
        "sample_rate_hz": speech.sample_rate_hz,
        "hit_ceiling": speech.truncated,
        **waveform_health(speech.waveform),
    }


def _written_row(id_: str, speech: Speech | str, coverage: Coverage, wav: Path) -> Row:
    """`speech_row` with the name and the hash of the file that the waveform is written to."""
    row = speech_row(id_, speech, coverage)
    if row["reason"] or isinstance(speech, str):
        return row
    wav.parent.mkdir(parents=True, exist_ok=True)
    write_wav(wav, speech.waveform, speech.sample_rate_hz)
    return row | {"wav": wav.name, "sha256": file_hash(wav)}


def failed_row(id_: str, reason: str) -> Row:
    """The row of a text that was not synthesized."""
    return {**speech_row(id_, reason), "batch_size": 1, "batch_seconds": 0.0}


def _unusable(waveform: np.ndarray) -> str:
    if not len(waveform):
        return "no sound was generated"
    return "" if np.isfinite(waveform).all() else "the sound holds non-finite values"


def measure(
    folder: Path,
    who: str,
    spoken: Mapping[str, Row],
    wav_dir: Path,
    open_measure: Callable[[], Measure],
    processes: Processes,
) -> dict[str, Row]:
    """Return the measurements of each synthesized row's waveform; their keys are made of `who` and the sound.

    The measure is opened only for missing rows: a finished run loads no model.
    """
    made = {id_: row for id_, row in spoken.items() if row["status"] == "spoken"}
    keys = {id_: key_of(who, row["sha256"]) for id_, row in made.items()}

    def open_row_measure() -> RowMeasure:
        measure_one = open_measure()
        return lambda id_: measured(measure_one, load_waveform(wav_dir / made[id_]["wav"]))

    return measure_rows(folder, keys, made, open_row_measure, processes)


def measure_rows(
    folder: Path,
    keys: Mapping[str, str],
    made: Mapping[str, Row],
    open_measure: Callable[[], RowMeasure],
    processes: Processes,
) -> dict[str, Row]:
    """Rows of one measuring stage, for each id of `keys`, the hashes of the rows' inputs.

    `made` are the rows of the speech, by id. Each process measures its share, shortest speech first; a clip that
    cannot be measured gets an `error`.
    """
    stage = Stage(folder, keys, processes.rank)
    if not stage.complete:
        by_length = sorted(keys, key=lambda id_: (made[id_]["seconds"], id_))
        missing = stage.missing()
        todo = [id_ for id_ in share(by_length, processes.rank, processes.n) if id_ in missing]
        with AudioProgress(f"{folder.name} ({folder.parent.name})", "clip", len(todo)) as bar:
            measure_one = open_measure() if todo else _nothing
            for id_ in todo:
                stage.append([{"id": id_, **_or_error(measure_one, id_)}])
                bar.update(1, made[id_]["seconds"])
        _finish(stage, processes)
    return stage.rows()


def _nothing(id_: str) -> dict[str, Any]:
    return {}


def _or_error(measure_one: RowMeasure, id_: str) -> Mapping[str, Any]:
    """Return the measurements, or the error in their place, so that one clip affects no other."""
    try:
        return measure_one(id_)
    except Exception as error:
        return {"error": reason_of(error)}


def measured(measure_one: Measure, waveform: np.ndarray) -> Mapping[str, Any]:
    """Measurements of a waveform (n,) at 16 kHz, or `error`, so that one clip cannot end a run."""
    try:
        return finite(measure_one(waveform))
    except Exception as error:
        return {"error": reason_of(error)}


def finite(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """The measurements; raises ValueError for a non-finite one."""
    numbers = {name: value for name, value in found.items() if isinstance(value, float)}
    if not np.isfinite(list(numbers.values())).all():
        raise ValueError(f"the measurement is not finite: {numbers}")
    return found


def reason_of(error: Exception) -> str:
    """Return an error as a row's reason: one line, the UserError's message where there is one."""
    if isinstance(error, UserError):
        return str(error)
    return f"{type(error).__name__}: {(str(error).strip() or 'no message').splitlines()[0]}"


def _finish(stage: Stage, processes: Processes) -> None:
    processes.wait()
    if processes.is_first:
        stage.finish()
    processes.wait()


def hypothesis_of(recognizer: Recognizer) -> Measure:
    """Return the measure that transcribes a waveform; silence never reaches the recognizer."""
    return lambda waveform: {"hypothesis": transcribe(recognizer, [waveform])[0]}


def embedding_of(speaker_verifier: SpeakerEncoder) -> Measure:
    """Return the measure that embeds a waveform, as base64 of float32; empty, with its reason, for too little sound.

    Other errors, such as weights that do not load, are raised: the next run makes the row again.
    """

    def embed(waveform: np.ndarray) -> dict[str, str]:
        try:
            vector = speaker_verifier.embed(waveform)
        except UserError as error:
            if len(waveform) >= SHORT_SECONDS * SAMPLE_RATE_HZ:
                raise
            return {"embedding": "", "reason": str(error)}
        if not np.isfinite(vector).all():
            if float(np.abs(waveform).max()) > SILENCE_RMS:
                raise ValueError("the embedding holds non-finite values")
            return {"embedding": "", "reason": "silence has no voice"}
        return {"embedding": base64.b64encode(vector.astype("<f4").tobytes()).decode()}

    return embed


def embedding(row: Mapping[str, Any] | None) -> np.ndarray | None:
    """Return the vector (dim,) of a row that `embedding_of` made, or None where there is none."""
    if row is None or not row.get("embedding"):
        return None
    return np.frombuffer(base64.b64decode(row["embedding"]), dtype="<f4")
