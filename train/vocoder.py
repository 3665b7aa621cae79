"""Train a HiFi-GAN vocoder from scratch.

tts-train-vocoder
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tts_toolkit.cli import command

if TYPE_CHECKING:
    from omegaconf import DictConfig


def train_vocoder(cfg: DictConfig) -> Path:
    """Run the recipe and return the vocoder's folder."""
    from hydra.utils import instantiate

    from tts_toolkit.data.intake import conclude, counting
    from tts_toolkit.pretraining.hifigan import train_vocoder
    from tts_toolkit.system.compat import settings_of

    training = instantiate(cfg.training, _convert_="all")
    with counting() as intake:
        clips = instantiate(cfg.data)
    losses = train_vocoder(clips, settings_of(cfg.config), training, cfg.output_dir)
    print(", ".join(f"{name} {loss:.3f}" for name, loss in losses.items()))
    print(f"vocoder: {cfg.output_dir}")
    conclude(Path(cfg.output_dir) / "summary.json", intake)
    return Path(cfg.output_dir)


def main() -> None:
    """Run as a command."""
    command("train_vocoder", train_vocoder)


if __name__ == "__main__":
    main()
