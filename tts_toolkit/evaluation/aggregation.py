"""The rows of all stages joined into one table, and its summary: the only place that aggregates a benchmark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from tts_toolkit.data.test_sets import Prompt
from tts_toolkit.evaluation.metrics.artifacts import n_repeats, stopped_early
from tts_toolkit.evaluation.metrics.base import Column, Declared
from tts_toolkit.evaluation.metrics.protocols import PROTOCOLS, Counts, Protocol
from tts_toolkit.evaluation.metrics.speaker_similarity import SimilarityScale
from tts_toolkit.evaluation.stage_log import Row
from tts_toolkit.evaluation.stages import embedding, failed_row
from tts_toolkit.evaluation.statistics.intervals import Interval, median_interval, ratio_interval
from tts_toolkit.text.cues import without_cues
from tts_toolkit.text.units import is_unspaced

STRICT = PROTOCOLS["strict"]
GROUPS = ("category", "speaker", "language")
MAX_GROUPS = 20  # of one kind, listed separately in summaries
HEALTH = ("silence_share", "clipped_share", "peak", "hit_ceiling")
IN_STAGES = ("id", "key", "sum", "error", "system")  # columns of rows on disk and in the table besides their values
FACTS = (
    "checkpoint", "version", "n_parameters", "conditioned_by", "played_back", "settings", "hardware",
    "peak_memory_bytes", "batch_sizes", "synthesized_on",
)  # fmt: skip  # of a system in a summary, besides its figures
LOST = "the stage left no row; run it again"  # never treated as silence


UNITS = {"id": "prompts", "speaker": "speakers"}  # of intervals, by `cluster_by`


def headline(rows: Sequence[Mapping[str, Any]]) -> Literal["wer", "cer"]:
    """Return the main error rate: of characters, where no row is in a language that separates words by spaces."""
    return "cer" if rows and all(is_unspaced(row["language"]) for row in rows) else "wer"


def prompt_of(row: Mapping[str, Any]) -> str:
    """Return the id of a row's prompt."""
    return str(row.get("prompt") or row["id"])


def cluster_of(row: Mapping[str, Any], cluster_by: str) -> str:
    """Return the cluster of a row: all readings of its prompt (`id`), or all rows of its speaker (`speaker`)."""
    return prompt_of(row) if cluster_by == "id" else str(row[cluster_by])


@dataclass(frozen=True)
class Measured:
    """Rows of the synthesis and measuring stages of one system, by prompt id."""

    spoken: Mapping[str, Row]
    hypotheses: Mapping[str, Row] | None  # None: without a recognizer
    embeddings: Mapping[str, Row]
    metrics: Sequence[tuple[Declared, Mapping[str, Row]]] = ()
    natural: Mapping[str, str] = field(default_factory=dict)  # the hash of each text's natural recording


@dataclass(frozen=True)
class Reference:
    """Reference of a text's speaker similarity."""

    embedding: np.ndarray | None  # (dim,), by the speaker verifier
    recordings: str = ""  # a hash of the recordings averaged in it
    reason: str = ""  # for a missing embedding
    wav: str = ""  # file of the voice to imitate, in the folder of references


def score_rows(
    prompts: Sequence[Prompt],
    measured: Measured,
    references: Mapping[str, Reference],
    language: str = "en",
) -> list[dict[str, Any]]:
    """Return one table row per prompt of one system, scored or failed.

    `references` are the references of speaker similarity, by prompt id.
    """
    nothing = Reference(None)
    return [_score(p, measured, references.get(p.prompt_id, nothing), p.language or language) for p in prompts]


def _score(prompt: Prompt, measured: Measured, reference: Reference, language: str) -> dict[str, Any]:
    spoken = measured.spoken.get(prompt.id) or failed_row(prompt.id, LOST)
    transcript = {"hypothesis": ""} if measured.hypotheses is None else measured.hypotheses.get(prompt.id, {})
    reason = spoken["reason"] or transcript.get("error") or ("" if "hypothesis" in transcript else LOST)
    scored, transcribed = not reason, measured.hypotheses is not None
    expected, hypothesis = without_cues(prompt.text), without_cues(transcript.get("hypothesis", ""))
    words = STRICT.words(expected, hypothesis, language)
    characters = STRICT.characters(expected, hypothesis, language)
    vector = embedding(measured.embeddings.get(prompt.id))
    return {
        "id": prompt.id,
        "prompt": prompt.prompt_id,
        "reading": prompt.reading,
        "category": prompt.category,
        "speaker": prompt.speaker,
        "language": language,
        "text": prompt.text,
        "expected": expected,
        "status": "scored" if scored else "failed",
        "reason": reason,
        "hypothesis": hypothesis if transcribed else None,
        "wer": words.rate if transcribed and words.n_reference else None,
        "cer": characters.rate if transcribed and characters.n_reference else None,
        "word_errors": words.errors if transcribed else None,
        "substitutions": words.substitutions if transcribed else None,
        "deletions": words.deletions if transcribed else None,
        "insertions": words.insertions if transcribed else None,
        "n_words": words.n_reference,
        "character_errors": characters.errors if transcribed else None,
        "n_characters": characters.n_reference,
        "similarity": None if vector is None or reference.embedding is None else float(vector @ reference.embedding),
        "compared_with": reference.recordings,
        **_metric_values(prompt.id, measured),
        "natural_sha256": measured.natural.get(prompt.prompt_id),
        "not_measured": _not_measured(prompt.id, measured, reference.reason),
        "seconds": spoken["seconds"],
        "synthesis_seconds": spoken["batch_seconds"] / spoken["batch_size"],
        "latency_seconds": spoken["batch_seconds"],
        **{name: spoken.get(name) for name in HEALTH},
        "seconds_per_character": spoken["seconds"] / len(expected) if scored and expected else None,
        "stopped_early": scored and transcribed and _stopped_early(expected, hypothesis, language, words),
        "n_repeats": n_repeats(*(STRICT.normalize(text, language).split() for text in (hypothesis, expected))),
        "dropped": " ".join(spoken["dropped"]),
        "unknown": " ".join(spoken["unknown"]),
        "n_truncated": spoken["n_truncated"],
        "wav": spoken.get("wav"),
        "wav_sha256": spoken.get("sha256"),
        "voice_reference": reference.wav or None,
    }


def _metric_values(id_: str, measured: Measured) -> dict[str, float | None]:
    """Values of a row by the names that metrics declare; a ratio is that of its two values in this row."""
    values: dict[str, float | None] = {}
    for metric, rows in measured.metrics:
        row = rows.get(id_, {})
        values |= {name: row.get(name) for name in metric.values}
        for column in metric.columns:
            if column.aggregate == "ratio":
                top, bottom = (row.get(name) for name in column.of)
                values[column.name] = top / bottom if top is not None and bottom else None
    return values


def _not_measured(id_: str, measured: Measured, no_reference: str) -> str:
    """Return the reasons for a row's missing similarity or metric values; empty without failures."""
    spoken = measured.spoken.get(id_, {}).get("status") == "spoken"
    stages = {"similarity": measured.embeddings, **{metric.name: rows for metric, rows in measured.metrics}}
    found = {"reference": no_reference}
    for what, rows in stages.items():
        row = rows.get(id_, {})
        found[what] = row.get("error") or row.get("reason") or _lost(spoken, rows, id_)
    return "; ".join(f"{what}: {why}" for what, why in found.items() if why)


def _lost(spoken: bool, found: Mapping[str, Row], id_: str) -> str:
    """Return the reason for a synthesized row that is missing from a stage which ran; else empty."""
    return LOST if spoken and found and id_ not in found else ""


def _stopped_early(expected: str, hypothesis: str, language: str, words: Counts) -> bool:
    return stopped_early(_n_missing_at_end(expected, hypothesis, language), words.n_reference)


def _n_missing_at_end(expected: str, hypothesis: str, language: str) -> int:
    import jiwer

    words = STRICT.normalize(expected, language)
    if not words:
        return 0
    last = jiwer.process_words(words, STRICT.normalize(hypothesis, language)).alignments[0][-1]
    return last.ref_end_idx - last.ref_start_idx if last.type == "delete" else 0


def sum_up(
    rows: Sequence[Mapping[str, Any]],
    protocols: Sequence[Protocol],
    scale: SimilarityScale | None,
    cluster_by: str = "id",
    played_back: bool = False,
    columns: Sequence[Column] = (),
) -> dict[str, Any]:
    """Return the figures of one system as in `summary.json`: fractions, seconds, counts and intervals.

    Strict figures count a failed row as all words deleted; `*_scored_only` leave it out. Intervals are over
    clusters of rows that share `cluster_by` (id or speaker). A system that plays recordings back has no
    cost. `columns` are those declared by the metrics.
    """
    scored = [row for row in rows if row["status"] == "scored"]
    figures: dict[str, Any] = {
        **_rates(rows, cluster_by),
        **_more_rates(rows, cluster_by),
        **_similarity(rows, cluster_by, scale),
        **_counts(rows),
        "n_clusters": len({cluster_of(row, cluster_by) for row in rows}),
        "protocols": {
            protocol.name: under_protocol(rows, protocol, cluster_by) for protocol in protocols if _is_transcribed(rows)
        },
        "health": _health(scored, cluster_by),
        **_cost([] if played_back else rows, cluster_by),
    }
    for column in columns:
        figures |= _declared_figure(column, scored, cluster_by)
    groups = {name: sorted({row[name] for row in rows} - {""}) for name in GROUPS}
    figures["groups"] = {
        name: {value: _group([row for row in rows if row[name] == value], cluster_by) for value in values}
        for name, values in groups.items()
        if 1 < len(values) <= MAX_GROUPS
    }
    return figures


def _declared_figure(column: Column, rows: Sequence[Mapping[str, Any]], cluster_by: str) -> dict[str, Any]:
    """Figure and interval of a metric's column over the rows that have its values."""
    valued = [row for row in rows if all(row[name] is not None for name in column.values)]
    if column.aggregate == "median":
        return _median(column.name, valued, cluster_by)
    top, bottom = column.of or (column.name, None)
    return _figure(column.name, valued, cluster_by, top, bottom, of_prompts=False)


def _median(name: str, rows: Sequence[Mapping[str, Any]], cluster_by: str) -> dict[str, Any]:
    values = [row[name] for row in rows]
    interval = median_interval(values, [cluster_of(row, cluster_by) for row in rows])
    ends = None if interval is None else (interval.low, interval.high)
    return {name: float(np.median(values)) if values else None, f"{name}_ci": ends}


def reserved_names() -> list[str]:
    """Names present in every row and system summary, which no metric's column may have."""
    row = _score(Prompt("", ""), Measured({}, None, {}), Reference(None), "en")
    return [*IN_STAGES, *FACTS, *row, *sum_up([row], [], None)]


def _is_transcribed(rows: Sequence[Mapping[str, Any]]) -> bool:
    return any(row["hypothesis"] is not None for row in rows)


def _rates(rows: Sequence[Mapping[str, Any]], cluster_by: str) -> dict[str, Any]:
    """Return the strict corpus rates."""
    return {
        **_figure("wer", _worded(rows), cluster_by, "word_errors", "n_words"),
        **_figure("cer", _worded(rows), cluster_by, "character_errors", "n_characters"),
    }


def _worded(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The transcribed rows whose text has words: only these can hold errors."""
    return [row for row in rows if row["n_words"] and row["hypothesis"] is not None]


def _more_rates(rows: Sequence[Mapping[str, Any]], cluster_by: str) -> dict[str, Any]:
    """Return further error figures: without failed rows, averaged over utterances, and counts by kind."""
    scored = [row for row in _worded(rows) if row["status"] == "scored"]
    worded = [{**row, "exact": float(row["wer"] == 0)} for row in _worded(rows)]
    return {
        **_figure("wer_scored_only", scored, cluster_by, "word_errors", "n_words"),
        **_figure("cer_scored_only", scored, cluster_by, "character_errors", "n_characters"),
        **_figure("wer_utterance_mean", worded, cluster_by, "wer"),
        **_figure("cer_utterance_mean", worded, cluster_by, "cer"),
        **_figure("exact_match", worded, cluster_by, "exact"),
        **{name: sum(row[name] for row in worded) for name in ("substitutions", "deletions", "insertions", "n_words")},
    }


def _similarity(rows: Sequence[Mapping[str, Any]], cluster_by: str, scale: SimilarityScale | None) -> dict[str, Any]:
    """Return the mean similarity, raw and normalized by floor and ceiling, both treated as known."""
    compared = [row for row in rows if row["similarity"] is not None]
    figure = _figure("similarity", compared, cluster_by)
    ends = figure["similarity_ci"]
    normalized = scale.normalized(figure["similarity"]) if scale else None
    return {
        **figure,
        "n_similarity": len(compared),
        "similarity_normalized": normalized,
        "similarity_normalized_ci": (
            None if scale is None or normalized is None or ends is None else tuple(map(scale.normalized, ends))
        ),
    }


def _group(rows: Sequence[Mapping[str, Any]], cluster_by: str) -> dict[str, Any]:
    return {
        **_rates(rows, cluster_by),
        **_figure("similarity", [row for row in rows if row["similarity"] is not None], cluster_by),
        **_counts(rows),
    }


def _counts(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    n_scored = sum(row["status"] == "scored" for row in rows)
    return {"n_planned": len(rows), "n_scored": n_scored, "n_failed": len(rows) - n_scored}


def under_protocol(rows: Sequence[Mapping[str, Any]], protocol: Protocol, cluster_by: str = "id") -> dict[str, Any]:
    """Return one protocol's error rates over the hypotheses of one system, with the number of rows used."""
    used = [row for row in rows if row["status"] == "scored" or protocol.failures == "deletions"]
    texts = [(row["expected"], protocol.convert(row["hypothesis"], row["language"]), row["language"]) for row in used]
    words = [protocol.words(*text) for text in texts]
    characters = [protocol.characters(*text) for text in texts]
    same = [{"exact": float(protocol.is_exact_match(*text)), **row} for row, text in zip(used, texts, strict=True)]
    return {
        **_rate("wer", words, used, cluster_by, protocol),
        **_rate("cer", characters, used, cluster_by, protocol),
        **_figure("exact_match", same, cluster_by, "exact"),
        "aggregate": protocol.aggregate,
        "failures": protocol.failures,
        **_counts(rows),
        "n_rows": sum(_is_counted(count, protocol) for count in words),
        "units": sorted({protocol.unit(row["language"]) for row in used}),
        "languages_not_defined": sorted({row["language"] for row in used if not protocol.defines(row["language"])}),
        "source": protocol.source,
    }


def _rate(
    name: str, counts: Sequence[Counts], rows: Sequence[Mapping[str, Any]], cluster_by: str, protocol: Protocol
) -> dict[str, Any]:
    """Return an error rate averaged as the protocol defines, over the rows that it counts."""
    counted = [
        {**row, "errors": count.errors, "n": count.n_reference, "rate": count.rate}
        for row, count in zip(rows, counts, strict=True)
        if _is_counted(count, protocol)
    ]
    columns = ("errors", "n") if protocol.aggregate == "corpus" else ("rate",)
    return _figure(name, counted, cluster_by, *columns)


def _is_counted(count: Counts, protocol: Protocol) -> bool:
    return bool(count.n_reference) or protocol.no_words == "counted"


def _health(scored: Sequence[Mapping[str, Any]], cluster_by: str) -> dict[str, Any]:
    per_character = [row["seconds_per_character"] for row in scored if row["seconds_per_character"] is not None]
    return {
        "seconds": sum(row["seconds"] for row in scored),
        "seconds_per_character_median": float(np.median(per_character)) if per_character else None,
        **_figure("silence_share", scored, cluster_by, of_prompts=False),
        **_figure("clipped_share", scored, cluster_by, of_prompts=False),
        "n_silent": sum(row["silence_share"] == 1.0 for row in scored),
        "n_stopped_early": sum(bool(row["stopped_early"]) for row in scored),
        "n_hit_ceiling": sum(bool(row["hit_ceiling"]) for row in scored),
        "n_repeating": sum(row["n_repeats"] > 0 for row in scored),
        "n_not_said_as_written": sum(bool(row["dropped"] or row["unknown"] or row["n_truncated"]) for row in scored),
    }


def _cost(rows: Sequence[Mapping[str, Any]], cluster_by: str) -> dict[str, Any]:
    latencies = [row["latency_seconds"] for row in rows if row["status"] == "scored"]
    p50, p95 = (float(np.quantile(latencies, q)) if latencies else None for q in (0.5, 0.95))
    return {
        **_figure("rtf", rows, cluster_by, "synthesis_seconds", "seconds"),
        "latency_seconds_p50": p50,
        "latency_seconds_p95": p95,
    }


def _figure(
    name: str,
    rows: Sequence[Mapping[str, Any]],
    cluster_by: str,
    top: str = "",
    bottom: str | None = None,
    of_prompts: bool = True,
) -> dict[str, Any]:
    """Return `name`, the ratio of two columns' sums or the mean of one column, and `name_ci`, its interval.

    `of_prompts` is false for shares of anything but prompts or their words.
    """
    tops = [row[top or name] for row in rows]
    bottoms = [row[bottom] if bottom else 1 for row in rows]
    if not sum(bottoms):
        return {name: None, f"{name}_ci": None}
    clusters = [cluster_of(row, cluster_by) for row in rows]
    interval: Interval | None = ratio_interval(tops, bottoms, clusters, exact=of_prompts)
    ends = None if interval is None else (interval.low, interval.high)
    return {name: sum(tops) / sum(bottoms), f"{name}_ci": ends}
