"""Curves of a training, from its metrics.jsonl."""

from __future__ import annotations

import json
from pathlib import Path

from tts_toolkit.report.plots import curves_svg


def training_curves(metrics_file: Path) -> dict[str, str]:
    """Return SVG plots of a run's losses and dev scores, by title."""
    lines = metrics_file.read_bytes().splitlines() if metrics_file.is_file() else []
    rows = [row for line in lines if (row := _metrics(line))]

    def curve(name: str) -> tuple[list[float], list[float]]:
        points = [(row["step"], row[name]) for row in rows if name in row]
        return [x for x, _ in points], [y for _, y in points]

    pictures = {
        "Loss": {"training": curve("loss"), "dev": curve("dev_loss")},
        "Dev sentences, synthesized and scored": {"WER": curve("dev_wer"), "similarity": curve("dev_similarity")},
    }
    return {
        title: curves_svg({name: points for name, points in curves.items() if points[0]}, "step")
        for title, curves in pictures.items()
        if any(points[0] for points in curves.values())
    }


def _metrics(line: bytes) -> dict[str, float]:
    """Return the numbers of a row of metrics; nothing for a truncated or damaged one."""
    try:
        row = json.loads(line)
    except ValueError:
        return {}
    if not isinstance(row, dict) or not isinstance(row.get("step"), int | float):
        return {}
    return {name: value for name, value in row.items() if isinstance(value, int | float)}
