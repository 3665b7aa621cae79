"""The page of a quality control: kept and rejected clips, reasons, and players of the worst."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tts_toolkit.audio.waveforms import SAMPLE_RATE_HZ
from tts_toolkit.data.features import ClipLimits
from tts_toolkit.data.quality_control import REASONS, InspectedClip, Inspection
from tts_toolkit.report.html import data_uri, mp3
from tts_toolkit.report.plots import histograms_svg
from tts_toolkit.system.files import write_whole
from tts_toolkit.system.formatting import printable

QUANTITIES = {
    "seconds": "seconds per clip, silent ends cut",
    "seconds_per_character": "seconds per character",
    "snr_db": "speech above noise, dB",
    "level_db": "level of speech, dB of full scale",
    "bandwidth_hz": "highest frequency present, Hz",
    "pause_seconds": "seconds of the longest inner pause",
}
MAX_SECONDS = 15  # of a player
MAX_LISTED = 1000  # rejected rows


def write_data_report(
    file: Path,
    found: Inspection,
    figures: Mapping[str, object],
    estimate: str,
    n_players: int,
    limits: ClipLimits,
) -> Path:
    """Write the page, with players of the recordings read by `limits`, and return `file`."""
    from jinja2 import Environment, PackageLoader

    environment = Environment(loader=PackageLoader("tts_toolkit", "report"), autoescape=True)
    rejected = [row for row in found.rows if not row.keep]
    doubtful = sorted((row for row in found.rows if row.keep), key=lambda row: row.snr_db)
    html = environment.get_template("data_quality.html.j2").render(
        figures=figures,
        reasons=REASONS,
        estimate=estimate,
        plots={title: svg for name, title in QUANTITIES.items() if (svg := _plot(found.rows, name, title))},
        faults=found.faults[:MAX_LISTED],
        rejected=rejected[:MAX_LISTED],
        players=[(row, sound) for row in [*rejected, *doubtful][:n_players] if (sound := _sound(row, limits))],
    )
    write_whole(file, printable(html).encode())
    return file


def _plot(rows: Sequence[InspectedClip], name: str, title: str) -> str:
    groups = {
        label: np.asarray([value for row in rows if row.keep is keep and not math.isnan(value := getattr(row, name))])
        for label, keep in (("kept", True), ("rejected", False))
    }
    drawn = {label: values for label, values in groups.items() if len(values)}
    return histograms_svg(drawn, title) if drawn else ""


def _sound(row: InspectedClip, limits: ClipLimits) -> str:
    """Return the sound as a data URI, silent ends cut; empty for unreadable or silent sound."""
    if math.isnan(row.seconds):
        return ""
    waveform = limits.held.get(row.clip)
    if waveform is None:
        waveform = limits.trimmed(limits.recording(row.clip))
    return data_uri("audio/mpeg", mp3(waveform[: MAX_SECONDS * SAMPLE_RATE_HZ]))
