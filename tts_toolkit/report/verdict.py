"""Verdict on a finished benchmark: completeness, and agreement with expected figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tts_toolkit.evaluation.pipeline import Results, run
from tts_toolkit.evaluation.plan import Plan
from tts_toolkit.report.benchmark import ReportOptions, write_benchmark
from tts_toolkit.system.files import file_hash
from tts_toolkit.system.processes import launched_processes

EXIT_MISSED, EXIT_INCOMPLETE = 1, 3


def complete(
    plan: Plan, options: ReportOptions, min_coverage: float, expected: Mapping[str, Any] | None = None
) -> tuple[Path | None, int]:
    """Run a plan to its report and verdict; return the report, None on all processes but the first, and exit status."""
    results = run(plan, launched_processes())
    if results is None:
        return None, 0
    report = write_benchmark(plan.output_dir, results, options)
    return report, conclude(plan.output_dir, report, results, min_coverage, expected)


def conclude(
    output_dir: Path, report: Path, results: Results, min_coverage: float, expected: Mapping[str, Any] | None
) -> int:
    """Print the leaderboard and the verdicts; return the exit status: 3 for too few rows, 1 for a missed rate."""
    print(f"{(output_dir / 'leaderboard.md').read_text()}\nreport: {report}")
    summary = results.summary
    incomplete = [
        f"{name}: {s['n_scored']} of {s['n_planned']} rows scored, fewer than min_coverage={min_coverage}"
        + _why(results.rows.get(name, []))
        for name, s in summary["systems"].items()
        if s["n_scored"] < min_coverage * s["n_planned"] or not s["n_scored"]
    ]
    print("\n".join(incomplete), end="\n" if incomplete else "")
    missed = [] if expected is None else _missed(summary, expected)
    if incomplete:
        return EXIT_INCOMPLETE
    return EXIT_MISSED if missed else 0


def _why(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the most frequent reason of a system's failed rows, as the end of a line."""
    reasons = Counter(str(row["reason"]) for row in rows if row["status"] == "failed")
    if not reasons:
        return ""
    (reason, n), n_failed = reasons.most_common(1)[0], reasons.total()
    which = "every row" if n_failed == len(rows) else f"{n_failed} rows"
    return f": {which} failed" + (f", {n} of them" if n < n_failed else "") + f": {' '.join(reason.split())}"


def _missed(summary: Mapping[str, Any], expected: Mapping[str, Any]) -> list[str]:
    """Print each system's error rate against its band and return the systems that do not pass."""
    missed = []
    other_texts = _other_texts(summary, expected["published"]) if "published" in expected else ""
    print(other_texts, end="\n" if other_texts else "")
    for name, rate in expected["wer"].items():
        measured = summary["systems"].get(name, {}).get("protocols", {}).get(expected["protocol"], {}).get("wer")
        within = expected["within"][name]
        inside = measured is not None and abs(measured - rate) <= within
        shown = "–" if measured is None else f"{100 * measured:.2f} %"
        band = f"{100 * rate:.2f} ± {100 * within:.2f} %"
        verdict = "FAIL" if not inside else "within the band, but on other texts" if other_texts else "pass"
        print(f"{name}: WER {shown} under {expected['protocol']}, expected {band}: {verdict}")
        if verdict != "pass":
            missed.append(name)
    return missed


def _other_texts(summary: Mapping[str, Any], published: Mapping[str, Any]) -> str:
    """Return a note that the texts are not the complete published list; empty where they are."""
    file = Path(published["list"])
    n_texts = max(s["n_planned"] for s in summary["systems"].values()) // summary.get("n_seeds", 1)
    if file.is_file() and file_hash(file) == published["sha256"] and n_texts == published["n_texts"]:
        return ""
    return (
        f"{file} ({n_texts} texts) is not the published list of {published['n_texts']:,} texts: "
        "these figures cannot reproduce its table"
    )
