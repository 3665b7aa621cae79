"""The recognizer and the speaker verifier on known answers: natural speech, other speakers, noise.

python -m benchmarks.known_answers [--json FILE] [--quick]

Needs: apt-get install asterisk-core-sounds-{en,es,fr,it,ru}-g722 asterisk-core-sounds-en ffmpeg; the extras offline and
corpora; resemblyzer.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tts_toolkit.audio.waveforms import SAMPLE_RATE_HZ, load_waveform, resample, trim_silence
from tts_toolkit.data.asterisk import asterisk_prompts, decoded
from tts_toolkit.evaluation.metrics.asr import FasterWhisper, Recognizer, transcribe
from tts_toolkit.evaluation.metrics.protocols import PROTOCOLS, Counts
from tts_toolkit.evaluation.metrics.speaker_similarity import equal_error_rate, trials
from tts_toolkit.pretraining.voices import Hibari
from tts_toolkit.speakers.ge2e import Ge2eEncoder
from tts_toolkit.system.progress import progress

SOUNDS = Path("/usr/share/asterisk/sounds")
MIN_SECONDS = 2.0  # of speech for an embedding to be worth comparing
SNRS_DB = (20, 10, 5)


def error_rate(recognizer: Recognizer, texts: Sequence[str], waveforms: Sequence[np.ndarray]) -> float:
    """Return the strict corpus word error rate."""
    strict = PROTOCOLS["strict"]
    hypotheses = transcribe(recognizer, list(waveforms))
    counts: list[Counts] = [strict.words(text, hypothesis) for text, hypothesis in zip(texts, hypotheses, strict=True)]
    return sum(count.errors for count in counts) / sum(count.n_reference for count in counts)


def with_noise(waveform: np.ndarray, snr_db: float, seed: int) -> np.ndarray:
    """Return `waveform` with white noise `snr_db` below its level."""
    noise = np.random.default_rng(seed).standard_normal(len(waveform)).astype(np.float32)
    level = np.sqrt((waveform**2).mean()) * 10 ** (-snr_db / 20)
    return waveform + level * noise


def human_clips(folder: Path, cache: Path, n_clips: int) -> list[np.ndarray]:
    """Return recordings of one voice of the Asterisk packages that are long enough to embed."""
    clips: list[np.ndarray] = []
    for source in sorted(folder.rglob("*.g722"), key=lambda file: -file.stat().st_size):
        waveform = trim_silence(load_waveform(decoded(source, cache)))
        if len(waveform) >= MIN_SECONDS * SAMPLE_RATE_HZ:
            clips.append(waveform[: 6 * SAMPLE_RATE_HZ])
        if len(clips) == n_clips:
            break
    return clips


def verification(cache: Path, n_clips: int) -> dict[str, float]:
    """Equal error rates of the speaker verifier between human voices: clip against voice mean, clip against clip.

    The first is the one of the benchmark's similarity scale. One woman speaks English and Spanish, and clips of two
    languages are hard to compare.
    """
    speaker_verifier = Ge2eEncoder()
    embeddings, speakers = [], []
    folders = sorted(path for path in SOUNDS.iterdir() if path.is_dir() and not path.is_symlink())
    for folder in progress(folders, "embedding", "voice"):
        for clip in human_clips(folder, cache / folder.name, n_clips):
            embeddings.append(speaker_verifier.embed(clip))
            speakers.append(folder.name.rpartition("_")[2])  # es_MX_f_Allison is en_US_f_Allison
    stacked, names = np.stack(embeddings), np.asarray(speakers)
    same, different = trials(stacked, speakers)
    upper, equal = np.triu(np.ones((len(names), len(names)), dtype=bool), 1), names[:, None] == names[None]
    pairs = stacked @ stacked.T
    return {
        "n_speakers": len(set(speakers)),
        "n_clips": len(speakers),
        "equal_error_rate": equal_error_rate(same, different),
        "same_speaker": float(same.mean()),
        "different_speaker": float(different.mean()),
        "equal_error_rate_of_pairs": equal_error_rate(pairs[upper & equal], pairs[upper & ~equal]),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--quick", action="store_true", help="a third of the material")
    parser.add_argument("--cache", type=Path, default=Path(".cache/tts_toolkit/known_answers"))
    options = parser.parse_args()
    n_prompts, n_clips, n_noisy = (50, 15, 20) if options.quick else (160, 40, 60)
    recognizer = FasterWhisper()
    prompts = asterisk_prompts(str(options.cache), n_train=0, n_dev=0, n_test=n_prompts)
    texts = [clip.transcript for clip in prompts]
    spoken_texts = texts[:n_noisy]
    voice = Hibari()
    spoken = [resample(*voice(text), SAMPLE_RATE_HZ) for text in progress(spoken_texts, "speaking", "text")]
    natural = error_rate(recognizer, texts, [load_waveform(clip.audio) for clip in prompts])
    noisy = {
        f"{snr_db} dB": error_rate(recognizer, spoken_texts, [with_noise(w, snr_db, n) for n, w in enumerate(spoken)])
        for snr_db in SNRS_DB
    }
    results = {
        "recognizer": recognizer.name,
        "natural_wer": natural,
        "n_natural": len(prompts),
        "clean_wer": error_rate(recognizer, spoken_texts, spoken),
        "noisy_wer": noisy,
        "verification": verification(options.cache / "voices", n_clips),
    }
    print(json.dumps(results, indent=2))
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
