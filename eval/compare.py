"""Is the second system better than the first, on the same texts: paired tests on two finished benchmarks.

tts-compare outputs/eval/base outputs/eval/finetuned
tts-compare outputs/demo  # a fine-tune: its base against itself
tts-compare outputs/eval/base outputs/eval/seed1 'others=[outputs/eval/seed2,outputs/eval/seed3]'  # training seeds
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tts_toolkit.cli import command

if TYPE_CHECKING:
    from omegaconf import DictConfig

# Hydra's own options that are followed by a value.
TAKE_A_VALUE = (
    "--config-dir", "-cd", "--config-path", "-cp", "--config-name", "-cn", "--package", "-p", "--cfg", "-c", "--info",
    "-i", "--experimental-rerun",
)  # fmt: skip


def compare(cfg: DictConfig) -> str:
    """Run the recipe and return the table it prints."""
    from tts_toolkit.evaluation.compare import compare_runs, read_run, table
    from tts_toolkit.system.files import write_whole

    one_folder = cfg.second in (None, cfg.first)  # of a fine-tune, which holds its base and itself
    first = read_run(Path(cfg.first), cfg.first_system, "base" if one_folder else "finetuned")
    second = read_run(Path(cfg.second or cfg.first), cfg.second_system, "finetuned")
    others = [read_run(Path(folder), cfg.second_system) for folder in cfg.others]
    comparison = compare_runs(first, second, cfg.cluster_by, cfg.seed, cfg.shows, others)
    if cfg.output:
        write_whole(Path(cfg.output), comparison.to_json().encode())
    text = table(comparison)
    print(text)
    return text


def main() -> None:
    """Run as a command; one or two words without `=` are the folders."""
    sys.argv[1:] = named_folders(sys.argv[1:])
    command("compare", compare)


def named_folders(words: Sequence[str]) -> list[str]:
    """Return a command line whose first two words of their own are `first=` and `second=`; values of options stay."""
    names, named = ["second", "first"], []
    for before, word in zip(["", *words], words, strict=False):
        is_folder = names and "=" not in word and not word.startswith("-") and before not in TAKE_A_VALUE
        named.append(f"{names.pop()}={word}" if is_folder else word)
    return named


if __name__ == "__main__":
    main()
