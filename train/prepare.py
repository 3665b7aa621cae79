"""Look over recordings before training: a decision with its reason for every row, a clean manifest, an estimate.

tts-prepare data.path=my_recordings
tts-prepare raw=long_recordings asr=whisper
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tts_toolkit.cli import command
from tts_toolkit.system.errors import UserError
from tts_toolkit.system.formatting import n_of

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from tts_toolkit.data.features import ClipLimits
    from tts_toolkit.data.intake import Intake
    from tts_toolkit.data.quality_control import Inspection, TranscriptCheck
    from tts_toolkit.evaluation.metrics.asr import Recognizer
    from tts_toolkit.finetuning.estimate import Estimate
    from tts_toolkit.models.speecht5.checkpoint import SpeechT5


def prepare(cfg: DictConfig) -> Path:
    """Run the recipe and return the manifest of what can be trained on, or the metadata of what was cut."""
    if cfg.raw:
        return _cut(cfg)
    from hydra.utils import instantiate

    from tts_toolkit.components import open_parts, working_encoder, working_recognizer
    from tts_toolkit.data.clips import of_speakers
    from tts_toolkit.data.intake import counting
    from tts_toolkit.data.quality_control import QualityControl, note_rejected
    from tts_toolkit.data.rows import collected_faults
    from tts_toolkit.models.speecht5.pipeline import front_end
    from tts_toolkit.models.speecht5.vocabulary import with_new_letters
    from tts_toolkit.text.languages import warn_where_foreign

    language = cfg.text.language
    parts: dict[str, Callable[[], Any]] = {
        "base_model": partial(instantiate, cfg.base_model, _convert_="all"),
        "encoder": lambda: working_encoder(instantiate(cfg.encoder)),
        "asr": lambda: working_recognizer(instantiate(cfg.asr)),
    }
    opened = open_parts({name: part for name, part in parts.items() if cfg[name]})
    with counting() as intake, collected_faults() as faults:
        clips = of_speakers(instantiate(cfg.data), cfg.speaker.names)
    warn_where_foreign([clip.transcript for clip in clips], language)
    speech: SpeechT5 = opened["base_model"]
    if cfg.text.extend_vocabulary:
        transcripts = (clip.transcript for clip in clips)
        speech, letters = with_new_letters(speech, transcripts, front_end(speech, language))
        print(f"new letters: {letters}")
    limits = instantiate(cfg.limits)
    control = QualityControl(
        front_end=front_end(speech, language),
        limits=limits,
        thresholds=instantiate(cfg.thresholds),
        cache_dir=Path(cfg.cache_dir),
        encoder=opened.get("encoder"),
        transcripts=_transcript_check(opened["asr"], language) if cfg.asr else None,
    )
    found = control.inspect(clips, faults)
    note_rejected(found, intake)
    estimate = _estimate(speech, found, cfg.estimate) if cfg.estimate and found.kept else None
    return _conclude(Path(cfg.output_dir), found, intake, estimate, limits=limits, n_players=cfg.n_players)


def _transcript_check(recognizer: Recognizer, language: str) -> TranscriptCheck:
    from tts_toolkit.data.quality_control import TranscriptCheck
    from tts_toolkit.evaluation.metrics.protocols import PROTOCOLS

    def error_rate(expected: str, recognized: str) -> float:
        return PROTOCOLS["strict"].characters(expected, recognized, language).rate

    return TranscriptCheck(recognizer.transcribe, error_rate)


def _estimate(speech: SpeechT5, found: Inspection, settings: Mapping[str, Any]) -> Estimate:
    """Return what a fine-tune on the rows that are kept takes."""
    from tts_toolkit.audio.log_mel import HOP_LENGTH
    from tts_toolkit.audio.waveforms import SAMPLE_RATE_HZ
    from tts_toolkit.finetuning.estimate import estimate

    return estimate(
        speech,
        n_frames=[int(row.seconds * SAMPLE_RATE_HZ / HOP_LENGTH) + 1 for row in found.rows if row.keep],
        max_frames=settings["max_frames"],
        n_steps=settings["max_steps"],
        n_accumulated=settings["gradient_accumulation_steps"],
        mixed_precision=settings["mixed_precision"],
        gradient_checkpointing=settings["gradient_checkpointing"],
    )


def _conclude(
    output_dir: Path, found: Inspection, intake: Intake, estimate: Estimate | None, limits: ClipLimits, n_players: int
) -> Path:
    """Write and print the findings; return the manifest, or raise UserError where nothing is kept."""
    from dataclasses import asdict

    from tts_toolkit.data.inspection_files import write_inspection
    from tts_toolkit.data.quality_control import summary
    from tts_toolkit.report.data_quality import write_data_report

    figures, line = summary(found) | {"data": intake.summary()}, ""
    if estimate is not None:
        figures, line = figures | {"estimate": asdict(estimate)}, _in_words(estimate)
    manifest, page = write_inspection(output_dir, found, figures), output_dir / "report.html"
    write_data_report(page, found, figures, estimate=line, n_players=n_players, limits=limits)
    _print_figures(found, figures, line)
    for left_out in intake.lines():
        print(left_out)
    settings = f"data=jsonl {shlex.quote(f'data.path={manifest}')} data.allow_outside=true"
    print(f"manifest: {manifest} ({settings})\nreport: {page}")
    if not found.kept:
        raise UserError(f"none of {figures['n_rows']} rows can be trained on; {page} tells why")
    return manifest


def _in_words(made: Estimate) -> str:
    memory = "" if made.peak_memory_bytes is None else f", {made.peak_memory_bytes / 1e9:.1f} GB of memory"
    return (
        f"{made.n_steps} steps are {made.n_epochs:.1f} epochs and take about {made.hours:.1f} hours on one "
        f"{made.device} ({made.seconds_per_step:.2f} s a step, {100 * made.padding_share:.0f} % padding{memory})."
    )


def _print_figures(found: Inspection, figures: Any, estimate: str) -> None:
    for fault in found.faults:
        print(f"reject {fault.source}: {fault.message}")
    for row in (row for row in found.rows if not row.keep):
        reasons = "; ".join(f"{reason}: {details}" for reason, details in row.reasons.items())
        print(f"reject {row.clip.source}: {reasons}")
    for name, of_one in figures["speakers"].items():
        print(f"{name}: {n_of(of_one['n_kept'], 'clip')}, {of_one['minutes_kept']:.1f} minutes kept")
    for note in figures["notes"]:
        print(f"note: {note}")
    if figures["n_kept"] == figures["n_rows"]:  # where not, a line a reason follows
        print(f"{figures['n_kept']} of {figures['n_rows']} rows kept.")
    if estimate:
        print(estimate)


def _cut(cfg: DictConfig) -> Path:
    """Cut long recordings at silences and write their recognized text into a metadata.csv to be reviewed."""
    import csv
    import io

    from hydra.utils import instantiate

    from tts_toolkit.data.cutting import COLUMNS, transcribed_pieces
    from tts_toolkit.data.sources import audio
    from tts_toolkit.system.files import write_whole

    if not cfg.asr:
        raise UserError("raw recordings have no transcripts: choose who writes them, e.g. asr=whisper")
    recognizer, cut, output_dir = instantiate(cfg.asr), instantiate(cfg.cut), Path(cfg.output_dir)
    rows = list(transcribed_pieces(audio(cfg.raw), cut, recognizer.transcribe, output_dir))
    if not rows:
        raise UserError(f"raw={cfg.raw}: no speech is found in the recordings")
    table, metadata = io.StringIO(), output_dir / "metadata.csv"
    writer = csv.DictWriter(table, COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    write_whole(metadata, table.getvalue().encode())
    print(f"{len(rows)} clips; read and correct {metadata}, then: tts-prepare data.path={output_dir}")
    return metadata


def main() -> None:
    """Run as a command."""
    command("prepare", prepare, optional=("encoder", "asr"))


if __name__ == "__main__":
    main()
