"""Look over recordings before training: a decision with its reason for every row, a clean manifest, an estimate.

tts-prepare data.path=my_recordings
tts-prepare raw=long_recordings asr=whisper
"""

from __future__ import annotations

import logging
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tts_toolkit.cli import command
from tts_toolkit.system.errors import UserError
from tts_toolkit.system.formatting import n_of

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from tts_toolkit.data.clips import Clip
    from tts_toolkit.data.quality_control import InspectedClip, Inspection, TranscriptCheck
    from tts_toolkit.evaluation.metrics.asr import Recognizer

log = logging.getLogger("tts_toolkit.prepare")


def prepare(cfg: DictConfig) -> Path:
    """Run the recipe and return the manifest of what can be trained on, or the metadata of what was cut."""
    if cfg.raw:
        return _cut(cfg)
    import json

    from hydra.utils import instantiate

    from tts_toolkit.components import open_parts, working_encoder, working_recognizer
    from tts_toolkit.data.clips import of_speakers
    from tts_toolkit.data.intake import counting
    from tts_toolkit.data.quality_control import QualityControl, note_rejected, summary
    from tts_toolkit.data.rows import collected_faults
    from tts_toolkit.models.speecht5.pipeline import front_end
    from tts_toolkit.models.speecht5.vocabulary import extend_vocabulary, new_letters, report
    from tts_toolkit.report.data_quality import write_data_report
    from tts_toolkit.system.files import write_whole
    from tts_toolkit.text.languages import warn_where_foreign

    parts: dict[str, Any] = {"base_model": lambda: instantiate(cfg.base_model, _convert_="all")}
    if cfg.encoder:
        parts["encoder"] = lambda: working_encoder(instantiate(cfg.encoder))
    if cfg.asr:
        parts["asr"] = lambda: working_recognizer(instantiate(cfg.asr))
    opened = open_parts(parts)
    speech = opened["base_model"]
    with counting() as intake, collected_faults() as faults:
        clips = of_speakers(instantiate(cfg.data), cfg.speaker.names)
    warn_where_foreign([clip.transcript for clip in clips], cfg.text.language)
    if cfg.text.extend_vocabulary:
        letters = new_letters((clip.transcript for clip in clips), front_end(speech, cfg.text.language))
        print(f"new letters: {report(letters) or 'none'}")
        speech = extend_vocabulary(speech, letters)
    limits = instantiate(cfg.limits)
    control = QualityControl(
        front_end=front_end(speech, cfg.text.language),
        limits=limits,
        thresholds=instantiate(cfg.thresholds),
        cache_dir=Path(cfg.cache_dir),
        encoder=opened.get("encoder"),
        transcripts=_transcript_check(opened["asr"], cfg.text.language) if cfg.asr else None,
    )
    found = control.inspect(clips, faults)
    note_rejected(found, intake)
    output_dir, figures = Path(cfg.output_dir), summary(found) | {"data": intake.summary()}
    told = ""
    if cfg.estimate and found.kept:
        figures["estimate"], told = _estimate(cfg, speech, found)
    write_whole(output_dir / "manifest.jsonl", _lines(_manifest_row(clip) for clip in found.kept))
    write_whole(output_dir / "rows.jsonl", _lines([*map(_row, found.rows), *({**vars(f)} for f in found.faults)]))
    write_whole(output_dir / "summary.json", json.dumps(figures, indent=2, ensure_ascii=False).encode())
    page = write_data_report(output_dir / "report.html", found, figures, told, cfg.n_players, limits)
    _tell(found, figures, told)
    print("\n".join(intake.lines()), end="\n" if intake.lines() else "")
    manifest = output_dir / "manifest.jsonl"
    settings = f"data=jsonl {shlex.quote(f'data.path={manifest}')} data.allow_outside=true"
    print(f"manifest: {manifest} ({settings})\nreport: {page}")
    if not found.kept:
        raise UserError(f"none of {figures['n_rows']} rows can be trained on; {page} tells why")
    return manifest


def _transcript_check(recognizer: Recognizer, language: str) -> TranscriptCheck:
    from tts_toolkit.data.quality_control import TranscriptCheck
    from tts_toolkit.evaluation.metrics.protocols import PROTOCOLS

    def error_rate(expected: str, recognized: str) -> float:
        return PROTOCOLS["strict"].characters(expected, recognized, language).rate

    return TranscriptCheck(recognizer.transcribe, error_rate)


def _estimate(cfg: DictConfig, speech: Any, found: Inspection) -> tuple[dict[str, Any], str]:
    from dataclasses import asdict

    from tts_toolkit.audio.log_mel import HOP_LENGTH
    from tts_toolkit.audio.waveforms import SAMPLE_RATE_HZ
    from tts_toolkit.finetuning.estimate import estimate

    n_frames = [int(row.seconds * SAMPLE_RATE_HZ / HOP_LENGTH) + 1 for row in found.rows if row.keep]
    settings = cfg.estimate
    made = estimate(
        speech,
        n_frames,
        settings.max_frames,
        settings.max_steps,
        settings.gradient_accumulation_steps,
        settings.mixed_precision,
        settings.gradient_checkpointing,
    )
    memory = "" if made.peak_memory_bytes is None else f", {made.peak_memory_bytes / 1e9:.1f} GB of memory"
    told = (
        f"{made.n_steps} steps are {made.n_epochs:.1f} epochs and take about {made.hours:.1f} hours on one "
        f"{made.device} ({made.seconds_per_step:.2f} s a step, {100 * made.padding_share:.0f} % padding{memory})."
    )
    return asdict(made), told


def _manifest_row(clip: Clip) -> dict[str, Any]:
    row = {"id": clip.id, "audio": str(clip.audio.absolute()), "text": clip.transcript, "speaker": clip.speaker}
    more = {name: getattr(clip, name) for name in ("split", "license", "consent", "session")}
    return row | {name: value for name, value in more.items() if value}


def _row(row: InspectedClip) -> dict[str, Any]:
    import math

    numbers = (
        "seconds", "cut_seconds", "clipped_share", "level_db", "offset", "bandwidth_hz", "pause_seconds", "snr_db",
        "seconds_per_character",
    )  # fmt: skip
    measured = {name: None if math.isnan(value := getattr(row, name)) else round(value, 5) for name in numbers}
    heard = {} if row.heard is None else {"heard": row.heard, "cer": row.cer}
    decision = {"decision": "keep" if row.keep else "reject", "reasons": row.reasons}
    decision |= {"note": row.note} if row.note else {}
    return {"source": row.clip.source, **_manifest_row(row.clip), **decision, **measured, **heard}


def _lines(rows: Any) -> bytes:
    import json

    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def _tell(found: Inspection, figures: Any, estimate: str) -> None:
    for fault in found.faults:
        print(f"reject {fault.source}: {fault.message}")
    for row in (row for row in found.rows if not row.keep):
        print(f"reject {row.clip.source}: {'; '.join(f'{why}: {told}' for why, told in row.reasons.items())}")
    for name, of_one in figures["speakers"].items():
        print(f"{name}: {n_of(of_one['n_kept'], 'clip')}, {of_one['minutes_kept']:.1f} minutes kept")
    for note in figures["notes"]:
        print(f"note: {note}")
    if figures["n_kept"] == figures["n_rows"]:  # where not, a line a reason follows
        print(f"{figures['n_kept']} of {figures['n_rows']} rows kept.")
    if estimate:
        print(estimate)


def _cut(cfg: DictConfig) -> Path:
    """Cut long recordings at silences and write what a recognizer hears into a metadata.csv to be reviewed."""
    import csv
    import io

    from hydra.utils import instantiate

    from tts_toolkit.audio.waveforms import load_waveform, write_flac
    from tts_toolkit.data.sources import audio
    from tts_toolkit.system.files import file_names, write_whole
    from tts_toolkit.system.progress import progress

    if not cfg.asr:
        raise UserError("raw recordings have no transcripts: choose who writes them, e.g. asr=whisper")
    recognizer, cut, output_dir = instantiate(cfg.asr), instantiate(cfg.cut), Path(cfg.output_dir)
    (output_dir / "audio").mkdir(parents=True, exist_ok=True)
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(["file_name", "text", "speaker", "session"])
    clips, n_pieces = audio(cfg.raw), 0
    names = file_names(clip.id for clip in clips)
    for clip in progress(clips, "cutting", "recording"):
        try:
            pieces = list(cut(load_waveform(clip.audio)))
        except UserError as error:  # one recording that cannot be read leaves the others as they are
            log.warning("left out: %s", error)
            continue
        for number, piece in enumerate(pieces):
            file = Path("audio") / f"{names[clip.id]}_{number:04d}.flac"
            write_flac(output_dir / file, piece)
            writer.writerow([file.as_posix(), recognizer.transcribe(piece).strip(), clip.speaker, clip.id])
            n_pieces += 1
    if not n_pieces:
        raise UserError(f"raw={cfg.raw}: no speech is found in the recordings")
    write_whole(output_dir / "metadata.csv", table.getvalue().encode())
    print(f"{n_pieces} clips; read and correct {output_dir / 'metadata.csv'}, then: tts-prepare data.path={output_dir}")
    return output_dir / "metadata.csv"


def main() -> None:
    """Run as a command."""
    command("prepare", prepare, optional=("encoder", "asr"))


if __name__ == "__main__":
    main()
