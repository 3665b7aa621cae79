"""The final scores of a fine-tune: a plan of `natural`, `base` and `finetuned`, run by the evaluation pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from tts_toolkit.data.clips import Clip
from tts_toolkit.data.test_sets import Prompt
from tts_toolkit.evaluation.compare import compare_runs, run_of, verdict
from tts_toolkit.evaluation.pipeline import Results
from tts_toolkit.system.errors import UserError

BASE, FINETUNED = "base", "finetuned"


def prompts_of(clips: Sequence[Clip], voices: Mapping[str, str], language: str) -> list[Prompt]:
    """Prompts of held-out clips, each in its speaker's voice."""
    return [
        Prompt(
            clip.id,
            clip.transcript,
            speaker=clip.speaker,
            language=language,
            voice=voices[clip.speaker],
            reference=str(clip.audio),
            source=clip.source,
        )
        for clip in clips
    ]


def with_comparison(results: Results, output_dir: Path, cluster_by: str, training: Mapping[str, Any]) -> Results:
    """The results with `training`, and with the paired test of the base against the fine-tuned model."""
    summary = {**results.summary, "training": dict(training)}
    if BASE in results.rows:
        table = [{"system": name, **row} for name, rows in results.rows.items() for row in rows]
        base, finetuned = (run_of(output_dir, summary, table, name) for name in (BASE, FINETUNED))
        try:
            comparison = compare_runs(base, finetuned, cluster_by)
            summary["comparison"] = {"verdict": verdict(comparison), **asdict(comparison)}
        except UserError as error:  # such as one speaker where speakers are compared
            summary["comparison"] = {"verdict": f"The base and the fine-tuned model are not compared: {error}."}
    return replace(results, summary=summary)
