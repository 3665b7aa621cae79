"""Coverage of many texts by several systems."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tts_toolkit.models.base import Coverage
from tts_toolkit.system.formatting import markdown

N_SHOWN = 12  # characters or words per table cell


def coverage_figures(found: Sequence[Coverage]) -> dict[str, Any]:
    """Return the number of fully covered texts, and dropped characters and unknown words, most frequent first."""
    dropped = Counter(c for coverage in found for c in coverage.dropped)
    unknown = Counter(word for coverage in found for word in coverage.unknown)
    return {
        "n_texts": len(found),
        "n_in_full": sum(not (c.dropped or c.unknown or c.n_truncated) for c in found),
        "dropped": dict(dropped.most_common()),
        "unknown": dict(unknown.most_common()),
        "n_truncated_tokens": sum(c.n_truncated for c in found),
    }


def table(systems: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the systems side by side as Markdown."""
    lines = ["| system | fully covered | dropped | unknown | tokens cut off |", "|---|---|---|---|---|"]
    for name, figures in systems.items():
        cells = [
            markdown(name), f"{figures['n_in_full']} of {figures['n_texts']}", _listed(figures["dropped"]),
            _listed(figures["unknown"]), str(figures["n_truncated_tokens"]),
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _listed(counts: Mapping[str, int]) -> str:
    shown = ", ".join(f"{markdown(what)} {n}" for what, n in list(counts.items())[:N_SHOWN])
    return (shown + (f" and {len(counts) - N_SHOWN} more" if len(counts) > N_SHOWN else "")) or "nothing"
