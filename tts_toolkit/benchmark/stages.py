"""The heavy stages: families speak, recognisers listen, encoders embed; only rows that changed are made again."""

from __future__ import annotations

import base64
import json
import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tts_toolkit.audio import load_waveform, write_wav
from tts_toolkit.benchmark.prompts import Prompt
from tts_toolkit.benchmark.rows import Row, Stage, key_of, share
from tts_toolkit.errors import UserError
from tts_toolkit.families.interface import Coverage, Family, Line, Take, line_seed
from tts_toolkit.files import file_hash, write_whole
from tts_toolkit.memory import PeakMemory, free_memory
from tts_toolkit.processes import Processes
from tts_toolkit.progress import AudioProgress
from tts_toolkit.scoring.cues import without_cues
from tts_toolkit.scoring.health import waveform_health
from tts_toolkit.scoring.recognisers import Recogniser, transcribe
from tts_toolkit.speakers.encoders import SpeakerEncoder

log = logging.getLogger(__name__)
FRONT_END = "synthesis-1"  # part of every key; a change to how texts are spoken changes it
WHERE_IT_RUNS = ("device", "cpu_offload", "n_threads")  # settings that change no result
UNSAFE = re.compile(r"[^\w.-]+")


def identity(worker: Any, version: str) -> str:
    """Return what a worker's results rest on: its class, its settings and the version of its weights."""
    settings = (
        {f.name: getattr(worker, f.name) for f in fields(worker) if f.name not in WHERE_IT_RUNS}
        if is_dataclass(worker)
        else {}
    )
    return key_of(type(worker).__qualname__, settings, version)


def synthesize(
    family: Family, prompts: Sequence[Prompt], folder: Path, seed: int, batch_size: int, processes: Processes
) -> dict[str, Row]:
    """Return a row for each prompt, spoken or failed with its reason; waveforms lie in `folder/wavs`.

    Batches are made of texts of like length. A batch that does not fit into memory is halved; a batch that fails is
    spoken line by line, so that one text spoils no other.
    """
    lines = {prompt.id: _line(prompt, family, seed) for prompt in prompts}
    who = identity(family, family.version)
    stage = Stage(
        folder / "synthesis",
        {id_: key_of(who, FRONT_END, asdict(line), *_sound_hashes(line, family)) for id_, line in lines.items()},
        processes.rank,
    )
    rows = stage.rows() if stage.complete else {}
    if not rows or any(not (folder / "wavs" / row["wav"]).is_file() for row in rows.values()):
        if processes.is_first:
            _report_coverage(family, prompts, folder / "coverage.jsonl")
        by_length = sorted(lines, key=lambda id_: (len(lines[id_].text), id_))
        missing = stage.missing() | {
            id_ for id_, row in stage.rows().items() if not (folder / "wavs" / row.get("wav", "")).is_file()
        }
        todo = [id_ for id_ in share(by_length, processes.rank, processes.n) if id_ in missing]
        with PeakMemory() as peak:
            _speak_all(family, lines, todo, batch_size, stage, peak)
        _finish(stage, processes)
    return stage.rows()


def _line(prompt: Prompt, family: Family, seed: int) -> Line:
    text = prompt.text if family.speaks_cues else without_cues(prompt.text)
    voice = prompt.voice or None
    recording = family.recording_for(prompt.id, prompt.reference, prompt.voice_reference)
    return Line(text, line_seed(seed, text, voice), voice, recording or None)


def _sound_hashes(line: Line, family: Family) -> list[str]:
    """Return what the files that a line is spoken from hold: its recording, and a voice that is a file."""
    voice = (line.voice or getattr(family, "voice", None) or "").split(".safetensors:")
    files = [line.recording, voice[0] + ".safetensors" * (len(voice) - 1)]
    return [file_hash(Path(file)) for file in files if file and Path(file).is_file()]


def _report_coverage(family: Family, prompts: Sequence[Prompt], file: Path) -> None:
    """Write what the family cannot say, text by text, and log what that comes to, before anything is spoken."""
    reports = {prompt.id: _coverage(family, _line(prompt, family, 0).text) for prompt in prompts}
    lines = [json.dumps({"id": id_, **asdict(report)}, ensure_ascii=False) for id_, report in reports.items()]
    write_whole(file, ("\n".join(lines) + "\n").encode())
    affected: dict[str, list[tuple[str, ...]]] = {
        "drops": [report.dropped for report in reports.values() if report.dropped],
        "does not know": [report.unknown for report in reports.values() if report.unknown],
        "cuts tokens off": [(str(report.n_truncated),) for report in reports.values() if report.n_truncated],
    }
    for what, found in affected.items():
        if found:
            pieces = " ".join(sorted({piece for pieces in found for piece in pieces}))
            log.warning("%s %s in %d of %d texts: %s", family.name, what, len(found), len(prompts), pieces[:200])


def _coverage(family: Family, text: str) -> Coverage:
    try:
        return family.coverage(text)
    except UserError:  # a text that cannot be said at all fails when it is spoken, with this reason
        return Coverage()


def _speak_all(
    family: Family,
    lines: Mapping[str, Line],
    todo: list[str],
    batch_size: int,
    stage: Stage,
    peak: PeakMemory,
) -> None:
    if not todo:
        return
    _attempt(family, [lines[todo[0]]])  # warm-up: what is loaded or compiled first is not timed
    with AudioProgress(f"speaking ({family.name})", "text", len(todo)) as bar:
        while todo:
            ids, todo = todo[:batch_size], todo[batch_size:]
            for spoken, takes, wall_seconds in _attempts(family, ids, lines):
                if 1 < len(spoken) < len(ids):  # it was halved: the rest need not fail first
                    batch_size = min(batch_size, len(spoken))
                rows = [
                    _row(id_, take, _coverage(family, lines[id_].text), stage.folder.parent / "wavs")
                    | {"batch_size": len(spoken), "batch_seconds": wall_seconds, "peak_memory_bytes": peak.bytes()}
                    for id_, take in zip(spoken, takes, strict=True)
                ]
                stage.append(rows)
                bar.update(len(rows), sum(row["seconds"] for row in rows))


def _batches(ids: Sequence[str], batch_size: int) -> Iterator[list[str]]:
    for start in range(0, len(ids), batch_size):
        yield list(ids[start : start + batch_size])


def _attempts(
    family: Family, ids: list[str], lines: Mapping[str, Line]
) -> Iterator[tuple[list[str], list[Take | str], float]]:
    """Yield batches that were spoken, with takes or reasons of failure, and the wall-clock seconds of each."""
    started = time.perf_counter()
    takes = _attempt(family, [lines[id_] for id_ in ids])
    wall_seconds = time.perf_counter() - started
    if isinstance(takes, list):
        yield ids, list(takes), wall_seconds
    elif len(ids) == 1:
        yield ids, [takes], wall_seconds
    else:
        out_of_memory = takes.startswith(OUT_OF_MEMORY)
        if out_of_memory:
            log.warning("%s: a batch of %d does not fit into memory: halved", family.name, len(ids))
        for part in _batches(ids, (len(ids) + 1) // 2 if out_of_memory else 1):
            yield from _attempts(family, part, lines)


OUT_OF_MEMORY = "out of memory"


def _attempt(family: Family, lines: Sequence[Line]) -> list[Take] | str:
    """Return the takes of a batch, or why there are none: a row fails with its reason and the others go on."""
    try:
        return family.speak(lines)
    except Exception as error:
        message = _reason(error)
        if isinstance(error, MemoryError) or "out of memory" in message.lower() or "can't allocate" in message:
            free_memory()
            return f"{OUT_OF_MEMORY}: {message}"
        return message


def _row(id_: str, take: Take | str, coverage: Coverage, wav_dir: Path) -> Row:
    """Return the row of a take, its waveform written; or of a failure."""
    reason = take if isinstance(take, str) else _unusable(take.waveform)
    row: Row = {
        "id": id_,
        "status": "failed" if reason else "spoken",
        "reason": reason,
        "seconds": 0.0,
        "dropped": list(coverage.dropped),
        "unknown": list(coverage.unknown),
        "n_truncated": coverage.n_truncated,
    }
    if reason or isinstance(take, str):
        return row
    wav = wav_dir / f"{file_name(id_)}.wav"
    wav.parent.mkdir(parents=True, exist_ok=True)
    write_wav(wav, take.waveform, take.sample_rate_hz)
    return row | {
        "wav": wav.name,
        "sha256": file_hash(wav),
        "seconds": len(take.waveform) / take.sample_rate_hz,
        "sample_rate_hz": take.sample_rate_hz,
        "hit_ceiling": take.cut_off,
        **waveform_health(take.waveform),
    }


def failed_row(id_: str, reason: str) -> Row:
    """Return the row of a text that no attempt was made to speak."""
    return {**_row(id_, reason, Coverage(), Path()), "batch_size": 1, "batch_seconds": 0.0}


def _unusable(waveform: np.ndarray) -> str:
    if not len(waveform):
        return "no sound was made"
    return "" if np.isfinite(waveform).all() else "the sound holds values that are not numbers"


def file_name(id_: str) -> str:
    """Return an id as a file name; ids that differ give names that differ."""
    safe = UNSAFE.sub("_", id_).lstrip(".")
    return safe if safe == id_ and len(safe) < 100 else f"{safe[:80]}-{key_of(id_)[:8]}"


def measure(
    folder: Path,
    who: str,
    spoken: Mapping[str, Row],
    wav_dir: Path,
    measure_one: Callable[[np.ndarray], Mapping[str, Any]],
    processes: Processes,
) -> dict[str, Row]:
    """Return what `measure_one` says of each spoken row's waveform (n,) at 16 kHz; rows rest on `who` and the sound."""
    made = {id_: row for id_, row in spoken.items() if row["status"] == "spoken"}
    stage = Stage(folder, {id_: key_of(who, row["sha256"]) for id_, row in made.items()}, processes.rank)
    if not stage.complete:
        by_length = sorted(made, key=lambda id_: (made[id_]["seconds"], id_))
        missing = stage.missing()
        todo = [id_ for id_ in share(by_length, processes.rank, processes.n) if id_ in missing]
        with AudioProgress(f"{folder.name} ({folder.parent.name})", "clip", len(todo)) as bar:
            for id_ in todo:
                stage.append([{"id": id_, **_measured(measure_one, wav_dir / made[id_]["wav"])}])
                bar.update(1, made[id_]["seconds"])
        _finish(stage, processes)
    return stage.rows()


def _measured(measure_one: Callable[[np.ndarray], Mapping[str, Any]], wav: Path) -> Mapping[str, Any]:
    """Return the findings, or the error that stands in their place: one clip spoils no other."""
    try:
        return measure_one(load_waveform(wav))
    except Exception as error:
        return {"error": _reason(error)}


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {(str(error).strip() or 'no message').splitlines()[0]}"


def _finish(stage: Stage, processes: Processes) -> None:
    processes.wait()
    if processes.is_first:
        stage.finish()
    processes.wait()


def hypothesis_of(recogniser: Recogniser) -> Callable[[np.ndarray], dict[str, str]]:
    """Return what writes down a waveform; silence is never shown to the recogniser."""
    return lambda waveform: {"hypothesis": transcribe(recogniser, [waveform])[0]}


def embedding_of(judge: SpeakerEncoder) -> Callable[[np.ndarray], dict[str, str]]:
    """Return what embeds a waveform, as base64 of float32; empty where there is too little sound."""

    def embed(waveform: np.ndarray) -> dict[str, str]:
        try:
            vector = judge.embed(waveform)
        except UserError:
            return {"embedding": ""}
        if not np.isfinite(vector).all():
            return {"embedding": ""}
        return {"embedding": base64.b64encode(vector.astype("<f4").tobytes()).decode()}

    return embed


def embedding(row: Mapping[str, Any] | None) -> np.ndarray | None:
    """Return the vector (dim,) of a row that `embedding_of` made, or None where there is none."""
    if row is None or not row.get("embedding"):
        return None
    return np.frombuffer(base64.b64decode(row["embedding"]), dtype="<f4")
