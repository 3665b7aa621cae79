"""What a scoring leaves behind: `report.html` for people, `summary.json` and `rows.jsonl` for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tts_toolkit.evaluation.results import Row, Scores
from tts_toolkit.files import write_whole
from tts_toolkit.formatting import markdown
from tts_toolkit.report.html import SystemReport, write_report


def write_results(
    output_dir: Path,
    title: str,
    reports: Sequence[SystemReport],
    facts: Mapping[str, Any],
    curves: Mapping[str, str],
    language: str = "en",
) -> Path:
    """Write all three files about speech in a language and return that of the report."""
    write_report(output_dir / "report.html", title, reports, facts, curves, language)
    write_rows(output_dir / "rows.jsonl", {report.name: report.rows for report in reports})
    write_summary(output_dir / "summary.json", {report.name: report.scores for report in reports}, facts)
    return output_dir / "report.html"


def write_summary(file: Path, systems: Mapping[str, Scores], facts: Mapping[str, Any]) -> None:
    """Write `systems.<name>` with each system's figures, and the facts they rest on."""
    content = {"systems": {name: asdict(scores) for name, scores in systems.items()}, **facts}
    write_whole(file, (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode())


def write_rows(file: Path, rows: Mapping[str, Sequence[Row]]) -> None:
    """Write one JSON line a sentence and system: text, hypothesis, similarity and status."""
    lines = [json.dumps({"system": name, **asdict(row)}, ensure_ascii=False) for name, of in rows.items() for row in of]
    write_whole(file, ("\n".join(lines) + "\n").encode())


def table(systems: Mapping[str, Scores]) -> str:
    """Return the figures as a Markdown table."""
    lines = ["| system | WER % | CER % | similarity | scored | failed |", "|---|---|---|---|---|---|"]
    for name, s in systems.items():
        similarity = "–" if s.similarity is None else f"{s.similarity:.3f}"
        wer, cer = ("–" if rate is None else f"{100 * rate:.1f}" for rate in (s.wer, s.cer))
        lines.append(
            f"| {markdown(name)} | {wer} | {cer} | {similarity} | {s.n_scored} of {s.n_planned} | {s.n_failed} |"
        )
    return "\n".join(lines)
