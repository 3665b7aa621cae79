"""Speak a corpus with voices that packages ship, for training small models.

tts-corpus
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tts_toolkit.cli import command

if TYPE_CHECKING:
    from omegaconf import DictConfig


def corpus(cfg: DictConfig) -> Path:
    """Run the recipe and return the manifest."""
    from hydra.utils import instantiate

    from tts_toolkit.pretraining.corpus import speak_corpus

    sentences = instantiate(cfg.sentences, _convert_="all")
    manifest = speak_corpus(sentences, instantiate(cfg.voices, _convert_="all"), cfg.output_dir, cfg.parts)
    print(f"{len(sentences)} sentences: {manifest}")
    return manifest


def main() -> None:
    """Run as a command."""
    command("corpus", corpus)


if __name__ == "__main__":
    main()
