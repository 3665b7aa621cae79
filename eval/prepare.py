"""Fetch Seed-TTS-Eval for those who may use it; nothing of it ships with the toolkit.

tts-download-test-set accept_terms=true
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tts_toolkit.cli import command

if TYPE_CHECKING:
    from omegaconf import DictConfig


def prepare(cfg: DictConfig) -> Path:
    """Run the recipe and return the list of the test set."""
    from tts_toolkit.data.seed_tts_eval import TERMS, from_archive, from_hub
    from tts_toolkit.data.test_sets import read_prompts
    from tts_toolkit.system.errors import UserError

    if not cfg.accept_terms:
        raise UserError(f"{TERMS}; if you may use it, say accept_terms=true")
    output_dir = Path(cfg.output_dir)
    if cfg.archive:
        listing = from_archive(Path(cfg.archive), cfg.language, output_dir)
    else:
        listing = from_hub(cfg.dataset_name, cfg.revision, cfg.language, output_dir)
    print(f"{len(read_prompts(str(listing)))} texts: {listing}")
    return listing


def main() -> None:
    """Run as a command."""
    command("download_test_set", prepare)


if __name__ == "__main__":
    main()
