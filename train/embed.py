"""Speaker embeddings of recordings, one voice a speaker.

tts-embed data.path=my_recordings
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tts_toolkit.cli import command

if TYPE_CHECKING:
    from omegaconf import DictConfig


def embed(cfg: DictConfig) -> Path:
    """Run the recipe and return the file of embeddings."""
    import numpy as np
    from hydra.utils import instantiate

    from tts_toolkit.speakers.conditioning import clip_embeddings, clip_seconds, mean_embedding
    from tts_toolkit.speakers.store import FILE_NAME, EmbeddingCard, save_embeddings

    clips, encoder, limits = instantiate(cfg.data), instantiate(cfg.encoder), instantiate(cfg.limits)
    embeddings = clip_embeddings(clips, encoder, limits, Path(cfg.cache_dir))
    seconds = clip_seconds(clips, limits)
    speakers = np.asarray([clip.speaker for clip in clips])
    voices, cards = {}, []
    for speaker in sorted(set(speakers.tolist())):
        rows = np.flatnonzero(speakers == speaker)
        voices[speaker] = mean_embedding(embeddings[rows])
        ids = [clips[row].id for row in rows]
        total = round(float(seconds[rows].sum()), 2)
        cards.append(EmbeddingCard(speaker, encoder.name, encoder.version, len(rows), total, "speaker_mean", ids))
    output_dir = Path(cfg.output_dir)
    save_embeddings(output_dir / FILE_NAME, voices, cards)
    save_embeddings(
        output_dir / "clip_embeddings.safetensors", {c.id: e for c, e in zip(clips, embeddings, strict=True)}, []
    )
    for card in cards:
        print(f"{card.speaker}: {card.n_clips} clips, {card.seconds:.1f} s")
    print(f"embeddings: {output_dir / FILE_NAME}")
    return output_dir / FILE_NAME


def main() -> None:
    """Run as a command."""
    command("embed", embed)


if __name__ == "__main__":
    main()
