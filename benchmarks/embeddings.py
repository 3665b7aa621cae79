"""Speed of speaker embeddings against SpeechBrain's example loop, with the x-vector's own sizes.

python -m benchmarks.embeddings [--quick] [--rounds N] [--device cuda:0] [--json FILE]

Both sides read the same files. Random weights: the time is the same, and no hub is needed.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import soundfile
import torch

from benchmarks.harness import Options, Row, main, measure
from tts_toolkit.assets import ASSETS
from tts_toolkit.data.clips import Clip
from tts_toolkit.data.embeddings import clip_voices
from tts_toolkit.data.features import ClipLimits
from tts_toolkit.speakers.encoders import SpeechBrainEncoder


def encoder_of(folder: Path, device: str) -> SpeechBrainEncoder:
    """Return an encoder of the sizes of speechbrain/spkrec-xvect-voxceleb."""
    from speechbrain.lobes.models.Xvector import Xvector

    shutil.copytree(ASSETS / "xvector-mini", folder)
    encoder = SpeechBrainEncoder(str(folder), device=device)
    network = Xvector(
        device=device, in_channels=24, activation=torch.nn.LeakyReLU, tdnn_blocks=5,
        tdnn_channels=[512, 512, 512, 512, 1500], tdnn_kernel_sizes=[5, 3, 3, 1, 1], tdnn_dilations=[1, 2, 3, 1, 1],
        lin_neurons=512,
    )  # fmt: skip
    encoder._model.mods.embedding_model = network.eval().to(device)
    return encoder


def example_loop(model: Any, clips: list[Clip]) -> None:
    """Embed file by file, as SpeechBrain's documentation shows."""
    for clip in clips:
        signal, _ = soundfile.read(clip.audio, dtype="float32")
        model.encode_batch(torch.from_numpy(signal)[None])


def rows(options: Options) -> list[Row]:
    """Return the row."""
    files = sorted((ASSETS / "demo-voice/audio").glob("*.flac"))
    n_clips = 140 if options.quick else 1000
    clips = [Clip(f"{n}", files[n % len(files)], "", f"{n}", f"{n}") for n in range(n_clips)]
    with tempfile.TemporaryDirectory() as name:
        encoder = encoder_of(Path(name) / "encoder", options.device)

        def ours() -> None:
            shutil.rmtree(Path(name) / "cache", ignore_errors=True)
            for start in range(0, n_clips, len(files)):  # the same file twice at once would be cached
                part = clips[start : start + len(files)]
                clip_voices(part, encoder, ClipLimits(trim_silence_db=None), Path(name) / "cache" / str(start))

        with torch.no_grad():
            found = measure(
                f"x-vectors of {n_clips} clips", "SpeechBrain, one file at a time",
                lambda: example_loop(encoder._model, clips), ours, options,
            )  # fmt: skip
    return [found]


if __name__ == "__main__":
    main(__doc__, rows)
