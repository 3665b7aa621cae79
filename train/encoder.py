"""Train a SpeechBrain x-vector encoder from scratch.

tts-train-encoder
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tts_toolkit.cli import command

if TYPE_CHECKING:
    from omegaconf import DictConfig


def train_encoder(cfg: DictConfig) -> Path:
    """Run the recipe and return the encoder's folder."""
    from hydra.utils import instantiate

    from tts_toolkit.data.intake import conclude, counting
    from tts_toolkit.pretraining.xvector import train_xvector

    size, training = instantiate(cfg.size, _convert_="all"), instantiate(cfg.training, _convert_="all")
    with counting() as intake:
        clips = instantiate(cfg.data)
    figures = train_xvector(clips, size, training, cfg.output_dir)
    print(f"{figures['n_speakers']} speakers; accuracy on crops of unseen clips {figures['accuracy']:.3f}")
    print(f"encoder: {cfg.output_dir}")
    conclude(Path(cfg.output_dir) / "summary.json", intake)
    return Path(cfg.output_dir)


def main() -> None:
    """Run as a command."""
    command("train_encoder", train_encoder)


if __name__ == "__main__":
    main()
