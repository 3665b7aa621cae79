"""Time and memory by number of voices: the quality control, the preparation, the profiles and their page.

python -m benchmarks.scale [--voices 1000 2000 10000] [--clips 10] [--json FILE]

Sound and encoder are stubs, half a second and 64 numbers, so that only the work around them is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from tts_toolkit.audio.waveforms import SAMPLE_RATE_HZ
from tts_toolkit.data.clips import Clip
from tts_toolkit.data.embeddings import clip_voices
from tts_toolkit.data.features import ClipLimits, keep_log_mel
from tts_toolkit.data.quality_control import QualityControl, Thresholds, rejected_share, summary, usable
from tts_toolkit.data.splits import split_clips
from tts_toolkit.finetuning.speecht5_task import SpeechT5Task
from tts_toolkit.models.speecht5.checkpoint import load_speecht5
from tts_toolkit.report.voices import VoiceSet, write_voices
from tts_toolkit.speakers.outliers import profiles
from tts_toolkit.text.frontend import TextFrontEnd
from tts_toolkit.text.languages import normalizer

SECONDS = 0.45
DIM = 64


class BandEncoder:
    """Levels of bands as an embedding: cheap, and the same for the same sound."""

    name, version = "bands", "1"

    def embed(self, waveform: np.ndarray) -> np.ndarray:
        """Return an embedding (64,)."""
        spectrum = np.abs(np.fft.rfft(waveform[:4096], 4096))[1:]
        levels = np.log(spectrum.reshape(DIM, -1).mean(axis=1) + 1e-6).astype(np.float32)
        levels -= levels.mean()
        return np.asarray(levels / np.linalg.norm(levels), dtype=np.float32)


def write_set(folder: Path, n_voices: int, n_clips: int) -> list[Clip]:
    """Write short clips of noise, colored by voice, and return them."""
    rng = np.random.default_rng(0)
    clips = list[Clip]()
    for voice in range(n_voices):
        colors = np.interp(np.linspace(0, 1, 3601), np.linspace(0, 1, 12), rng.uniform(0.2, 1.0, 12))
        for number in range(n_clips):
            noise = rng.standard_normal(int(SECONDS * SAMPLE_RATE_HZ))
            sound = np.fft.irfft(np.fft.rfft(noise) * colors, len(noise)) * 0.1
            file = folder / f"{voice % 100:02d}" / f"{voice}-{number}.wav"
            file.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(file, sound, SAMPLE_RATE_HZ)
            text = f"sentence number {number} of voice {voice}"
            clips.append(Clip(file.stem, file, text, f"voice {voice}", f"set:{len(clips)}"))
    return clips


def measure(n_voices: int, n_clips: int) -> dict[str, float]:
    """Return the CPU seconds of each step, and the memory at the end."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        clips, seconds = write_set(work / "set", n_voices, n_clips), dict[str, float]()

        def timed(step: str, do: Callable[[], Any]) -> Any:
            started = time.process_time()
            result = do()
            seconds[step] = time.process_time() - started
            return result

        speech = load_speecht5("speecht5-mini", speaker_embedding_dim=DIM)
        front_end = TextFrontEnd(speech.processor.tokenizer, normalizer("en"))
        limits, encoder, cache = ClipLimits(), BandEncoder(), work / "cache"
        thresholds, share = Thresholds(min_snr_db=None), rejected_share("warn", 0.2)
        control = QualityControl(
            front_end=front_end,
            limits=limits,
            thresholds=thresholds,
            cache_dir=cache,
            encoder=encoder,
            max_rejected=share,
        )
        use = partial(keep_log_mel, limits=limits, cache_dir=cache)
        found = timed("quality_control", lambda: control.inspect(clips, use=use))
        kept = timed("summary", lambda: (summary(found), usable(found, share))[1])
        parts = timed("splits", lambda: split_clips(kept))
        timed("preparation", lambda: SpeechT5Task(lambda: speech, lambda: encoder).prepare(parts, limits, cache))
        embeddings = clip_voices(kept, encoder, limits, cache).embeddings
        speakers = [clip.speaker for clip in kept]
        profiled = timed("profiles", lambda: profiles([clip.id for clip in kept], speakers, embeddings))
        cards = timed("cards", lambda: [_card(profile, kept) for profile in profiled])
        voices = VoiceSet(kept, embeddings, profiled, cards)
        timed("scale", lambda: voices.scale)
        timed("page", lambda: write_voices(work / "page.html", voices, limits.read))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return {"n_voices": n_voices, "n_clips": len(clips), **seconds, "peak_memory_gb": peak}


def _card(profile: Any, clips: list[Clip]) -> Any:
    from tts_toolkit.speakers.embedding_files import EmbeddingCard

    return EmbeddingCard(
        profile.speaker,
        "bands",
        "1",
        len(profile.rows),
        SECONDS,
        "speaker_mean",
        [clips[row].id for row in profile.rows],
    )


def main() -> None:
    """Measure and print; each size in a process of its own, so that its memory is its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--voices", type=int, nargs="+", default=[1000, 2000, 10_000])
    parser.add_argument("--clips", type=int, default=10)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    results = []
    for n_voices in options.voices:
        read, write = os.pipe()
        if not (child := os.fork()):
            os.write(write, json.dumps(measure(n_voices, options.clips)).encode())
            os._exit(0)
        os.close(write)
        with os.fdopen(read) as pipe:
            results.append(json.loads(pipe.read()))
        os.waitpid(child, 0)
        print(json.dumps(results[-1]), flush=True)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
