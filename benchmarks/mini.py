"""Intelligibility of the built-in speecht5-mini in its own voices, on everyday sentences outside its training data.

python -m benchmarks.mini [--vocoders griffin_lim hifigan-mini] [--weights float32 int8 bfloat16] [--json FILE]

The 140 sentences of the demo voice, in turn by slt, rms and kal16, against the same sentences by flite itself (Debian
package `flite`): corpus WER and CER by the packaged Whisper tiny.en, similarity by the packaged GE2E to flite's other
sentences in that voice. `--weights` measures the cost of smaller decoder weights.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

VOICES = ("slt", "rms", "kal16")
SEED = 1234


def main() -> None:
    """Synthesize, score and print."""
    from tts_toolkit.assets import ASSETS
    from tts_toolkit.audio.waveforms import SAMPLE_RATE_HZ, joined, resample
    from tts_toolkit.data import sources
    from tts_toolkit.data.test_sets import Prompt
    from tts_toolkit.evaluation.aggregation import Measured, Reference, score_rows, sum_up
    from tts_toolkit.evaluation.metrics.asr import FasterWhisper
    from tts_toolkit.evaluation.stages import embedding_of, hypothesis_of, measured, speech_row
    from tts_toolkit.finetuning.dev_synthesis import NOT_TIMED, held_out_references
    from tts_toolkit.models.base import Speech
    from tts_toolkit.models.speecht5.checkpoint import load_speecht5
    from tts_toolkit.models.speecht5.generation import Decoding
    from tts_toolkit.models.speecht5.pipeline import SpeechT5Pipeline
    from tts_toolkit.models.vocoders import open_vocoder, vocode
    from tts_toolkit.pretraining.voices import Flite
    from tts_toolkit.speakers.embedding_files import FILE_NAME, load_embeddings
    from tts_toolkit.speakers.ge2e import Ge2eEncoder

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vocoders", nargs="+", default=["griffin_lim"])
    parser.add_argument("--weights", nargs="+", default=["float32"])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    texts = [clip.transcript for clip in sources.folder("demo-voice")]
    names = [VOICES[number % len(VOICES)] for number in range(len(texts))]
    natural = [resample(*Flite(name)(text), SAMPLE_RATE_HZ) for text, name in zip(texts, names, strict=True)]
    recognizer, speaker_verifier = FasterWhisper(), Ge2eEncoder()
    references = list(held_out_references(speaker_verifier, natural, names))

    prompts = [Prompt(str(n), text) for n, text in enumerate(texts)]

    def scored(waveforms: Sequence[np.ndarray]) -> dict[str, float]:
        found = Measured(
            {str(n): speech_row(str(n), Speech(w, SAMPLE_RATE_HZ)) | NOT_TIMED for n, w in enumerate(waveforms)},
            {str(n): dict(measured(hypothesis_of(recognizer), w)) for n, w in enumerate(waveforms)},
            {str(n): dict(measured(embedding_of(speaker_verifier), w)) for n, w in enumerate(waveforms)},
        )
        rows = score_rows(prompts, found, {str(n): Reference(reference) for n, reference in enumerate(references)})
        figures = sum_up(rows, [], None)
        return {name: figures[name] for name in ("wer", "cer", "similarity", "n_failed")}

    voices = load_embeddings(ASSETS / "speecht5-mini" / FILE_NAME)
    embeddings = np.concatenate([voices[name] for name in names])
    found = {"flite itself": scored(natural)}
    speech = load_speecht5("speecht5-mini")
    for weights in options.weights:
        spoken = SpeechT5Pipeline(speech, decoding=Decoding(weights=weights)).synthesize(texts, embeddings, SEED)
        for name in options.vocoders:
            vocoder = open_vocoder(name)
            sounds = [joined(vocode(vocoder, utterance.log_mels)) for utterance in spoken]
            found[f"speecht5-mini, {weights}, {name}"] = scored(sounds)
    for name, figures in found.items():
        print(f"{name}: " + ", ".join(f"{metric} {value:.4g}" for metric, value in figures.items()))
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
