"""A finished benchmark read from disk: no system, recognizer or speaker verifier is opened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from tts_toolkit.data.test_sets import Prompt
from tts_toolkit.evaluation.aggregation import headline, sum_up
from tts_toolkit.evaluation.metrics.base import columns_of, declared_in
from tts_toolkit.evaluation.metrics.protocols import protocol
from tts_toolkit.evaluation.metrics.speaker_similarity import SimilarityScale
from tts_toolkit.evaluation.pipeline import Results, intervals, notes
from tts_toolkit.evaluation.plan import NATURAL
from tts_toolkit.evaluation.stage_log import read_rows
from tts_toolkit.evaluation.validation import check_clusters
from tts_toolkit.system.errors import UserError
from tts_toolkit.system.files import file_hash
from tts_toolkit.system.reading import read_json, reading

SUMMARY, TABLE = "summary.json", "scores.parquet"
AGAIN = "run tts-benchmark or tts-score with this output_dir again: speech and transcripts are kept"
TABLE_SHA256 = "scores_sha256"  # in the summary: the hash of its table


def read_finished(folder: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the summary and the rows of all systems.

    Raises UserError when the folder holds no finished benchmark, or when rows and summary disagree.
    """
    if not (folder / SUMMARY).is_file() or not (folder / TABLE).is_file():
        raise UserError(f"{folder}: holds no finished benchmark ({SUMMARY} and {TABLE}); run tts-benchmark")
    from pyarrow.parquet import read_table

    summary = read_json(folder / SUMMARY, AGAIN)
    if summary.get(TABLE_SHA256, (known := file_hash(folder / TABLE))) != known:
        raise _mismatch(folder)
    with reading(folder / TABLE, AGAIN):
        table = read_table(folder / TABLE).to_pylist()
        n_rows = Counter(row["system"] for row in table)
    with reading(folder / SUMMARY, AGAIN):
        planned = {name: figures["n_planned"] for name, figures in summary["systems"].items() if figures["n_planned"]}
    if n_rows != planned:
        raise _mismatch(folder)
    return summary, table


def _mismatch(folder: Path) -> UserError:
    return UserError(f"{folder / TABLE}: does not belong to {SUMMARY}; {AGAIN}")


def speech_of_run(folder: Path, system: str | None = None) -> tuple[Path, list[Prompt]]:
    """Folder of one system's speech in a benchmark or fine-tune, and its prompts.

    `system` None means `finetuned`, or the only system. Raises UserError when the folder holds no plan or no such
    system.
    """
    columns = {field.name for field in fields(Prompt)}
    rows = read_rows(folder / "plan")
    prompts = [Prompt(**{name: value for name, value in row.items() if name in columns}) for row in rows]
    names = sorted(place.parent.name for place in folder.glob("systems/*/wavs") if place.parent.name != NATURAL)
    name = system or ("finetuned" if "finetuned" in names else names[0] if len(names) == 1 else None)
    if not prompts or name not in [*names, NATURAL]:
        raise UserError(f"wavs={folder}: holds the systems {', '.join(names) or 'none'}: choose with system=NAME")
    return folder / "systems" / str(name) / "wavs", [replace(prompt, source=f"{folder}/plan") for prompt in prompts]


def reaggregate(folder: Path, protocols: Sequence[str] | None = None, cluster_by: str | None = None) -> Results:
    """Return the results of a finished benchmark, aggregated again under `protocols` and `cluster_by`, if given."""
    summary, table = read_finished(folder)
    with reading(folder / SUMMARY, AGAIN):
        return _summed_up(summary, table, protocols, cluster_by)


def _summed_up(
    summary: dict[str, Any], table: list[dict[str, Any]], protocols: Sequence[str] | None, cluster_by: str | None
) -> Results:
    cluster_by = cluster_by or summary["cluster_by"]
    rows = {name: [row for row in table if row["system"] == name] for name in summary["systems"]}
    check_clusters(cluster_by, {row["speaker"] for row in table})
    used = [protocol(name) for name in protocols or next(iter(summary["systems"].values()))["protocols"]]
    known = summary["similarity_scale"]
    scale = known and SimilarityScale(**{field.name: known[field.name] for field in fields(SimilarityScale)})
    metrics = declared_in(summary)
    systems = {
        name: facts | sum_up(rows[name], used, scale, cluster_by, facts["played_back"], columns_of(metrics))
        for name, facts in summary["systems"].items()
    }
    described = {
        "metrics": [metric.described() for metric in metrics],
        "intervals": intervals(cluster_by),
        "interval_notes": notes(systems, cluster_by),
    }
    return Results(
        rows, summary | {"systems": systems, "cluster_by": cluster_by, "headline": headline(table), **described}
    )
