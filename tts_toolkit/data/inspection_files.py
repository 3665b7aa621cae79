"""Findings of the quality control on disk: the manifest of what is kept, a row per clip, and the figures."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tts_toolkit.data.clips import Clip
from tts_toolkit.data.quality_control import InspectedClip, Inspection
from tts_toolkit.system.files import write_whole

QUANTITIES = (
    "seconds", "cut_seconds", "clipped_share", "level_db", "offset", "bandwidth_hz", "pause_seconds", "snr_db",
    "seconds_per_character",
)  # fmt: skip


def write_inspection(folder: Path, found: Inspection, figures: Mapping[str, Any]) -> Path:
    """Return `manifest.jsonl` of what is kept, once it, `rows.jsonl` of all rows and `summary.json` are in `folder`."""
    manifest = folder / "manifest.jsonl"
    write_whole(manifest, _lines(_manifest_row(clip) for clip in found.kept))
    write_whole(folder / "rows.jsonl", _lines([*map(_row, found.rows), *map(asdict, found.faults)]))
    write_whole(folder / "summary.json", json.dumps(figures, indent=2, ensure_ascii=False).encode())
    return manifest


def _manifest_row(clip: Clip) -> dict[str, Any]:
    row = {"id": clip.id, "audio": str(clip.audio.absolute()), "text": clip.transcript, "speaker": clip.speaker}
    more = {name: getattr(clip, name) for name in ("split", "license", "consent", "session")}
    return row | {name: value for name, value in more.items() if value}


def _row(row: InspectedClip) -> dict[str, Any]:
    measured = {name: None if math.isnan(value := getattr(row, name)) else round(value, 5) for name in QUANTITIES}
    recognized = {} if row.recognized is None else {"recognized": row.recognized, "cer": row.cer}
    decision = {"decision": "keep" if row.keep else "reject", "reasons": row.reasons}
    decision |= {"note": row.note} if row.note else {}
    return {"source": row.clip.source, **_manifest_row(row.clip), **decision, **measured, **recognized}


def _lines(rows: Iterable[Mapping[str, Any]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
