"""Speed of the decoder against `generate_speech`, with SpeechT5's own sizes.

python -m benchmarks.synthesis [--quick] [--rounds N] [--device cuda:0] [--json FILE]

Random weights and a stop token that never comes: each text takes 4.2 frames per character, as in SpeechT5. Spectrograms
only; the vocoder is the same on both sides. On a GPU our decoder's weights are bfloat16 and its steps a CUDA graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from benchmarks.harness import Curve, Options, Row, curve, main, measure
from tts_toolkit.audio.torchaudio_stand_in import ensure_torchaudio
from tts_toolkit.models.speecht5.decoder import DecoderEngine
from tts_toolkit.models.speecht5.generation import Decoding, decode

FRAMES_PER_CHARACTER = 4.2  # 62.5 frames and about 15 characters per second
BATCH = 16
LONG = 223  # characters of 15 s


def model_of(device: str) -> Any:
    """Return a SpeechT5 of the published sizes whose stop token never comes."""
    ensure_torchaudio()
    from transformers import SpeechT5Config, SpeechT5ForTextToSpeech

    torch.manual_seed(0)
    model = SpeechT5ForTextToSpeech(SpeechT5Config()).eval().to(device)
    torch.nn.init.constant_(model.speech_decoder_postnet.prob_out.bias, -20.0)
    return model


def texts_of(n: int) -> list[list[int]]:
    """Return token ids of texts of mixed length, 20 to 200 characters, shuffled."""
    rng = np.random.default_rng(0)
    return [rng.integers(4, 79, int(length)).tolist() for length in rng.permutation(np.linspace(20, 200, n))]


def one_by_one(model: Any, texts: Sequence[Sequence[int]], voice: torch.Tensor) -> None:
    """Synthesize as the model card shows."""
    for ids in texts:
        model.generate_speech(
            torch.tensor([ids], device=model.device), voice, minlenratio=0.0, maxlenratio=FRAMES_PER_CHARACTER
        )


def batched_by_hand(model: Any, texts: Sequence[Sequence[int]], voice: torch.Tensor) -> None:
    """Synthesize padded batches in the order of the texts."""
    for start in range(0, len(texts), BATCH):
        batch = [torch.tensor(ids) for ids in texts[start : start + BATCH]]
        ids = torch.nn.utils.rnn.pad_sequence(batch, batch_first=True, padding_value=1).to(model.device)
        model.generate_speech(
            ids, voice.expand(len(batch), -1), attention_mask=(ids != 1).long(), minlenratio=0.0,
            maxlenratio=FRAMES_PER_CHARACTER, return_output_lengths=True,
        )  # fmt: skip


def ours(model: Any, engine: DecoderEngine, texts: Sequence[Sequence[int]], voice: torch.Tensor) -> None:
    """Synthesize batches sorted by length, as the synthesizer does."""
    ordered = sorted(texts, key=len)
    decoding = Decoding(stop_threshold=2.0, max_frames_per_token=FRAMES_PER_CHARACTER)
    for start in range(0, len(ordered), BATCH):
        batch = ordered[start : start + BATCH]
        decode(model, batch, voice.expand(len(batch), -1), list(range(len(batch))), decoding, engine=engine)


def rows(options: Options) -> list[Row]:
    """Return the rows of many texts and of one long one."""
    model, voice = model_of(options.device), torch.randn(1, 512, device=options.device)
    engine = DecoderEngine(model, "float32" if options.device == "cpu" else "bfloat16")
    many = texts_of(8 if options.quick else 32)
    long = [np.random.default_rng(1).integers(4, 79, LONG // 3 if options.quick else LONG).tolist()]
    seconds = len(long[0]) * FRAMES_PER_CHARACTER / 62.5
    n_bytes = sum(p.numel() * p.element_size() for p in model.speecht5.decoder.parameters())
    note = f"{n_bytes / 1e6:.0f} MB of weights are read in each step"
    found = [
        measure(f"SpeechT5, {len(many)} texts", "generate_speech, one at a time",
                lambda: one_by_one(model, many, voice), lambda: ours(model, engine, many, voice), options),
        measure(f"SpeechT5, {len(many)} texts", f"generate_speech, batches of {BATCH} unsorted",
                lambda: batched_by_hand(model, many, voice), lambda: ours(model, engine, many, voice), options),
        measure(f"SpeechT5, one of {seconds:.0f} s, {str(engine.dtype)[6:]}", "generate_speech",
                lambda: one_by_one(model, long, voice), lambda: ours(model, engine, long, voice), options, note),
    ]  # fmt: skip
    if options.device == "cpu":
        small = DecoderEngine(model, "int8")
        found.append(
            measure(f"SpeechT5, one of {seconds:.0f} s, int8", "generate_speech",
                    lambda: one_by_one(model, long, voice), lambda: ours(model, small, long, voice), options)
        )  # fmt: skip
    return found


def curves(options: Options) -> dict[str, Curve]:
    """Return our seconds by the number of texts of 80 characters, and by the length of one text."""
    model, voice = model_of(options.device), torch.randn(1, 512, device=options.device)
    engine = DecoderEngine(model, "float32" if options.device == "cpu" else "bfloat16")
    draw = np.random.default_rng(2)

    def text(n_characters: int) -> list[int]:
        return draw.integers(4, 79, n_characters).tolist()

    def many(n: int) -> None:
        ours(model, engine, [text(80) for _ in range(n)], voice)

    def long(n_characters: int) -> None:
        ours(model, engine, [text(n_characters)], voice)

    counts, lengths = ((16, 32), (50, 100)) if options.quick else ((16, 32, 48, 64), (50, 100, 150, 200))
    return {
        "texts of 80 characters": curve(many, counts, options),
        "characters of one text": curve(long, lengths, options),
    }


if __name__ == "__main__":
    with torch.no_grad():
        main(__doc__, rows, curves)
