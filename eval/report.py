"""Write a finished benchmark's report again from what lies on disk; no model is opened.

tts-report output_dir=outputs/eval/benchmark report.n_sentences=20 cluster_by=speaker
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tts_toolkit.cli import command

if TYPE_CHECKING:
    from omegaconf import DictConfig


def report(cfg: DictConfig) -> Path:
    """Run the recipe and return the report."""
    from hydra.utils import instantiate

    from tts_toolkit.evaluation.reaggregate import reaggregate
    from tts_toolkit.report.benchmark import write_benchmark

    output_dir = Path(cfg.output_dir)
    written = write_benchmark(
        output_dir, reaggregate(output_dir, cfg.protocols, cfg.cluster_by), instantiate(cfg.report)
    )
    print(f"{(output_dir / 'leaderboard.md').read_text()}\nreport: {written}")
    return written


def main() -> None:
    """Run as a command."""
    command("report", report)


if __name__ == "__main__":
    main()
