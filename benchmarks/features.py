"""Speed of log-mels against SpeechT5FeatureExtractor, and their equality.

python -m benchmarks.features [--quick] [--rounds N] [--json FILE]
"""

from __future__ import annotations

import numpy as np
import torch

from benchmarks.harness import Options, Row, main, measure
from tts_toolkit.assets import ASSETS
from tts_toolkit.audio.log_mel import log_mel
from tts_toolkit.audio.waveforms import SAMPLE_RATE_HZ, load_waveform


def rows(options: Options) -> list[Row]:
    """Return the row."""
    from transformers import SpeechT5FeatureExtractor

    files = sorted((ASSETS / "demo-voice/audio").glob("*.flac"))
    waveforms = [load_waveform(file) for file in files] * (1 if options.quick else 4)
    extractor = SpeechT5FeatureExtractor()

    def peer() -> list[np.ndarray]:
        return [
            extractor(audio_target=waveform, sampling_rate=SAMPLE_RATE_HZ)["input_values"][0] for waveform in waveforms
        ]

    ours = [log_mel(waveform) for waveform in waveforms]
    difference = max(float((torch.from_numpy(a) - b[: len(a)]).abs().max()) for a, b in zip(peer(), ours, strict=True))
    seconds = sum(map(len, waveforms)) / SAMPLE_RATE_HZ
    note = f"{seconds:.0f} s of audio; largest difference {difference:.1e}"
    return [
        measure(
            "log-mels",
            "SpeechT5FeatureExtractor",
            peer,
            lambda: [log_mel(waveform) for waveform in waveforms],
            options,
            note,
        )
    ]


if __name__ == "__main__":
    main(__doc__, rows)
