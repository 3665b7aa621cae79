"""Rows of all stages joined into one table, and what it sums up to: the only place that aggregates a benchmark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tts_toolkit.benchmark.prompts import Prompt
from tts_toolkit.benchmark.rows import Row
from tts_toolkit.benchmark.stages import embedding
from tts_toolkit.scoring.cues import without_cues
from tts_toolkit.scoring.health import n_repeats, stopped_early
from tts_toolkit.scoring.intervals import Interval, ratio_interval
from tts_toolkit.scoring.protocols import PROTOCOLS, Counts, Protocol
from tts_toolkit.scoring.verification import SimilarityScale

STRICT = PROTOCOLS["strict"]
GROUPS = ("category", "speaker", "language")
MAX_GROUPS = 20  # of one kind that are told apart in summaries
HEALTH = ("silence_share", "clipped_share", "peak", "hit_ceiling")


@dataclass(frozen=True)
class Measured:
    """What the heavy stages found out about one system, by prompt id."""

    spoken: Mapping[str, Row]
    hypotheses: Mapping[str, Row]
    embeddings: Mapping[str, Row]
    qualities: Mapping[str, Row] = field(default_factory=dict)


def score_rows(
    prompts: Sequence[Prompt], measured: Measured, references: Mapping[str, np.ndarray], language: str = "en"
) -> list[dict[str, Any]]:
    """Return the table's row for each prompt of one system, scored or failed.

    `references` are the judge's embeddings (dim,) that each prompt's speech is compared with, by id.
    """
    return [_score(prompt, measured, references.get(prompt.id), prompt.language or language) for prompt in prompts]


def _score(prompt: Prompt, measured: Measured, reference: np.ndarray | None, language: str) -> dict[str, Any]:
    spoken = measured.spoken[prompt.id]
    heard = measured.hypotheses.get(prompt.id, {})
    reason = spoken["reason"] or heard.get("error", "")
    scored = not reason
    expected, hypothesis = without_cues(prompt.text), without_cues(heard.get("hypothesis", ""))
    words = STRICT.words(expected, hypothesis, language)
    characters = STRICT.characters(expected, hypothesis, language)
    vector = embedding(measured.embeddings.get(prompt.id))
    return {
        "id": prompt.id,
        "category": prompt.category,
        "speaker": prompt.speaker,
        "language": language,
        "text": prompt.text,
        "expected": expected,
        "status": "scored" if scored else "failed",
        "reason": reason,
        "hypothesis": hypothesis,
        "wer": words.errors / words.n_reference if words.n_reference else None,
        "cer": characters.errors / characters.n_reference if characters.n_reference else None,
        "substitutions": words.substitutions,
        "deletions": words.deletions,
        "insertions": words.insertions,
        "n_words": words.n_reference,
        "character_errors": characters.errors,
        "n_characters": characters.n_reference,
        "similarity": None if vector is None or reference is None else float(vector @ reference),
        "signal_quality": measured.qualities.get(prompt.id, {}).get("signal_quality"),
        "seconds": spoken["seconds"],
        "synthesis_seconds": spoken["batch_seconds"] / spoken["batch_size"],
        "latency_seconds": spoken["batch_seconds"],
        **{name: spoken.get(name) for name in HEALTH},
        "seconds_per_character": spoken["seconds"] / len(expected) if scored and expected else None,
        "stopped_early": scored and stopped_early(_n_missing_at_end(expected, hypothesis, language), words.n_reference),
        "n_repeats": n_repeats(*(STRICT.normalize(said, language).split() for said in (hypothesis, expected))),
        "dropped": " ".join(spoken["dropped"]),
        "unknown": " ".join(spoken["unknown"]),
        "n_truncated": spoken["n_truncated"],
        "wav": spoken.get("wav"),
    }


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
) -> dict[str, Any]:
    """Return the figures of one system, as `summary.json` holds them: fractions, seconds, counts and intervals.

    Strict figures count a failed row as all of its words deleted; `*_scored_only` leave it out. Intervals resample
    whole clusters of rows that share `cluster_by` (id or speaker). A system that only plays recordings back has no
    cost.
    """
    scored = [row for row in rows if row["status"] == "scored"]
    similarities = [row for row in rows if row["similarity"] is not None]
    figures: dict[str, Any] = {
        **_rates(rows, cluster_by),
        "similarity": _mean([row["similarity"] for row in similarities]),
        "similarity_ci": _interval(similarities, "similarity", None, cluster_by),
        "n_similarity": len(similarities),
        "similarity_normalised": None,
        "n_planned": len(rows),
        "n_scored": len(scored),
        "n_failed": len(rows) - len(scored),
        "protocols": {protocol.name: under_protocol(rows, protocol, cluster_by) for protocol in protocols},
        "health": _health(scored),
        **_cost([] if played_back else rows),
        "signal_quality": _mean([row["signal_quality"] for row in scored if row["signal_quality"] is not None]),
    }
    if scale is not None:
        figures["similarity_normalised"] = scale.normalised(figures["similarity"])
    groups = {name: sorted({row[name] for row in rows} - {""}) for name in GROUPS}
    figures["groups"] = {
        name: {value: _group([row for row in rows if row[name] == value], cluster_by) for value in values}
        for name, values in groups.items()
        if 1 < len(values) <= MAX_GROUPS
    }
    return figures


def _rates(rows: Sequence[Mapping[str, Any]], cluster_by: str) -> dict[str, Any]:
    scored = [row for row in rows if row["status"] == "scored"]
    counted = [{**row, "exact": float(row["wer"] == 0), "one": 1.0} for row in rows if row["wer"] is not None]
    table = [{**row, "errors": row["substitutions"] + row["deletions"] + row["insertions"]} for row in rows]
    return {
        "wer": _ratio(table, "errors", "n_words"),
        "wer_ci": _interval(table, "errors", "n_words", cluster_by),
        "wer_scored_only": _ratio([row for row in table if row["status"] == "scored"], "errors", "n_words"),
        "wer_utterance_mean": _mean([row["wer"] for row in rows if row["wer"] is not None]),
        "cer": _ratio(rows, "character_errors", "n_characters"),
        "cer_ci": _interval(rows, "character_errors", "n_characters", cluster_by),
        "cer_scored_only": _ratio(scored, "character_errors", "n_characters"),
        "exact_match": _ratio(counted, "exact", "one"),
        "exact_match_ci": _interval(counted, "exact", "one", cluster_by),
        **{name: sum(row[name] for row in rows) for name in ("substitutions", "deletions", "insertions", "n_words")},
    }


def _group(rows: Sequence[Mapping[str, Any]], cluster_by: str) -> dict[str, Any]:
    rates, similarities = _rates(rows, cluster_by), [row for row in rows if row["similarity"] is not None]
    return {
        **{name: rates[name] for name in ("wer", "wer_ci", "cer", "cer_ci")},
        "similarity": _mean([row["similarity"] for row in similarities]),
        "similarity_ci": _interval(similarities, "similarity", None, cluster_by),
        "n_planned": len(rows),
        "n_scored": sum(row["status"] == "scored" for row in rows),
        "n_failed": sum(row["status"] == "failed" for row in rows),
    }


def under_protocol(rows: Sequence[Mapping[str, Any]], protocol: Protocol, cluster_by: str = "id") -> dict[str, Any]:
    """Return one protocol's error rates over the hypotheses of one system, with how many rows they rest on."""
    used = [row for row in rows if row["status"] == "scored" or protocol.failures == "deletions"]
    texts = [(row["expected"], row["hypothesis"], row["language"]) for row in used]
    words = [protocol.words(*text) for text in texts]
    characters = [protocol.characters(*text) for text in texts]
    same = [
        protocol.normalize(a, language).split() == protocol.normalize(b, language).split() for a, b, language in texts
    ]
    clusters = [row[cluster_by] for row in used]
    wer, wer_ci, n_rows = _aggregate(words, clusters, protocol)
    return {
        "wer": wer,
        "wer_ci": wer_ci,
        "cer": _aggregate(characters, clusters, protocol)[0],
        "exact_match": _mean([float(equal) for equal in same]),
        "aggregate": protocol.aggregate,
        "failures": protocol.failures,
        "n_rows": n_rows,
        "source": protocol.source,
    }


def _aggregate(
    counts: Sequence[Counts], clusters: Sequence[str], protocol: Protocol
) -> tuple[float | None, tuple[float, float] | None, int]:
    """Return the rate as the protocol averages, its interval, and the rows that it rests on: those with words."""
    pairs = [(count, cluster) for count, cluster in zip(counts, clusters, strict=True) if count.n_reference]
    if protocol.aggregate == "corpus":
        tops, bottoms = [float(count.errors) for count, _ in pairs], [count.n_reference for count, _ in pairs]
    else:
        tops, bottoms = [count.errors / count.n_reference for count, _ in pairs], [1 for _ in pairs]
    if not pairs:
        return None, None, 0
    interval = ratio_interval(tops, bottoms, [cluster for _, cluster in pairs])
    return sum(tops) / sum(bottoms), None if interval is None else (interval.low, interval.high), len(pairs)


def _health(scored: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    per_character = [row["seconds_per_character"] for row in scored if row["seconds_per_character"] is not None]
    return {
        "seconds": sum(row["seconds"] for row in scored),
        "seconds_per_character_median": float(np.median(per_character)) if per_character else None,
        "silence_share": _mean([row["silence_share"] for row in scored]),
        "clipped_share": _mean([row["clipped_share"] for row in scored]),
        "n_silent": sum(row["silence_share"] == 1.0 for row in scored),
        "n_stopped_early": sum(bool(row["stopped_early"]) for row in scored),
        "n_hit_ceiling": sum(bool(row["hit_ceiling"]) for row in scored),
        "n_repeating": sum(row["n_repeats"] > 0 for row in scored),
        "n_not_said_as_written": sum(bool(row["dropped"] or row["unknown"] or row["n_truncated"]) for row in scored),
    }


def _cost(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    seconds = sum(row["seconds"] for row in rows)
    latencies = [row["latency_seconds"] for row in rows if row["status"] == "scored"]
    p50, p95 = (float(np.quantile(latencies, q)) if latencies else None for q in (0.5, 0.95))
    return {
        "rtf": sum(row["synthesis_seconds"] for row in rows) / seconds if seconds else None,
        "latency_seconds_p50": p50,
        "latency_seconds_p95": p95,
    }


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if len(values) else None


def _ratio(rows: Sequence[Mapping[str, Any]], top: str, bottom: str) -> float | None:
    n_reference = sum(row[bottom] for row in rows)
    return sum(row[top] for row in rows) / n_reference if n_reference else None


def _interval(
    rows: Sequence[Mapping[str, Any]], top: str, bottom: str | None, cluster_by: str
) -> tuple[float, float] | None:
    if not rows or (bottom and not sum(row[bottom] for row in rows)):
        return None
    below = [row[bottom] if bottom else 1.0 for row in rows]
    found: Interval | None = ratio_interval([row[top] for row in rows], below, [row[cluster_by] for row in rows])
    return None if found is None else (found.low, found.high)
