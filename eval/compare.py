"""Is the second system better than the first, on the same texts: paired tests on two finished benchmarks.

tts-compare outputs/eval/base outputs/eval/finetuned
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tts_toolkit.cli import command

if TYPE_CHECKING:
    from omegaconf import DictConfig


def compare(cfg: DictConfig) -> str:
    """Run the recipe and return the table it prints."""
    from tts_toolkit.benchmark.compare import compare_runs, read_run, table
    from tts_toolkit.files import write_whole

    first = read_run(Path(cfg.first), cfg.first_system)
    second = read_run(Path(cfg.second), cfg.second_system)
    comparison = compare_runs(first, second, cfg.cluster_by, cfg.seed)
    if cfg.output:
        write_whole(Path(cfg.output), comparison.to_json().encode())
    text = table(comparison)
    print(text)
    return text


def main() -> None:
    """Run as a command; two words without `=` are the folders."""
    names = ["second", "first"]
    for position, word in enumerate(sys.argv[1:], start=1):
        if names and "=" not in word and not word.startswith("-"):
            sys.argv[position] = f"{names.pop()}={word}"
    command("compare", compare)


if __name__ == "__main__":
    main()
