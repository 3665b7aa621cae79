"""Speed of Bark and MMS against `generate` and `VitsModel` text by text, with their own sizes.

python -m benchmarks.generation [--quick] [--rounds N] [--device cuda:0] [--json FILE]

Random weights of the published sizes, so Bark never stops by itself: every text gets as many semantic tokens as a
sentence. Waveforms on both sides.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from benchmarks.harness import Options, Row, main, measure
from tts_toolkit.audio.torchaudio_stand_in import ensure_torchaudio
from tts_toolkit.models.bark import Bark
from tts_toolkit.models.base import SynthesisRequest
from tts_toolkit.models.vits import Vits

SEMANTIC_TOKENS_A_SECOND = 50
MMS_CHARACTERS = "k'zyudheswcp-jmi florbangxvtq_0123456"  # any 37, as the time is the same
BATCH = 16
WORDS = (
    "she had your dark suit in greasy wash water all year",
    "and we saw the ship come slowly into the old harbour",
)


def sentences(n: int) -> list[str]:
    """Return texts of 4 to 19 words."""
    words = " ".join(WORDS).split()
    return [" ".join(words[(start * 5) % 4 :][: 4 + (start * 7) % 16]) for start in range(n)]


def write_mms(folder: Path) -> None:
    """Write a VitsModel of the sizes of facebook/mms-tts-eng."""
    from transformers import VitsConfig, VitsModel, VitsTokenizer

    (folder / "vocab.json").write_text(json.dumps({char: index for index, char in enumerate(MMS_CHARACTERS)}))
    tokenizer = VitsTokenizer(
        str(folder / "vocab.json"), language="eng", phonemize=False, is_uroman=False, pad_token="k", unk_token=None
    )
    torch.manual_seed(0)
    VitsModel(VitsConfig(vocab_size=len(MMS_CHARACTERS))).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def write_bark(folder: Path) -> None:
    """Write a BarkModel of the sizes of suno/bark-small."""
    from transformers import BarkConfig, BarkModel, BarkProcessor, BertTokenizer, EncodecConfig, GenerationConfig
    from transformers.models.bark import generation_configuration_bark as settings

    letters = "abcdefghijklmnopqrstuvwxyz"
    marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words = [*marks, *" ".join(WORDS).split(), *letters, *(f"##{c}" for c in letters)]
    (folder / "vocab.txt").write_text("\n".join(dict.fromkeys(words)) + "\n")
    torch.manual_seed(0)
    model = BarkModel(
        BarkConfig(
            semantic_config={"input_vocab_size": 129_600, "output_vocab_size": 10_048},
            coarse_acoustics_config={"input_vocab_size": 12_096, "output_vocab_size": 12_096},
            fine_acoustics_config={"input_vocab_size": 1_056, "output_vocab_size": 1_056},
            codec_config=EncodecConfig().to_dict(),
        )
    )
    generation = settings.BarkGenerationConfig.from_sub_model_configs(
        settings.BarkSemanticGenerationConfig(do_sample=True),
        settings.BarkCoarseGenerationConfig(do_sample=True),
        settings.BarkFineGenerationConfig(temperature=0.5),
    )
    model.generation_config = GenerationConfig(**generation.to_dict())
    model.save_pretrained(folder)
    BarkProcessor(tokenizer=BertTokenizer(vocab=str(folder / "vocab.txt"))).save_pretrained(str(folder))


def requests_of(texts: Sequence[str]) -> list[SynthesisRequest]:
    """Return requests sorted by length, as the benchmark's stages sort them."""
    return [SynthesisRequest(text, seed=number) for number, text in enumerate(sorted(texts, key=len))]


def in_batches(synthesizer: Any, lines: Sequence[SynthesisRequest]) -> None:
    """Synthesize as the stages do."""
    for start in range(0, len(lines), BATCH):
        synthesizer.synthesize(lines[start : start + BATCH])


def bark_rows(folder: Path, options: Options) -> list[Row]:
    """Return the rows of Bark, in float32 as the peer and, with time, in bfloat16."""
    from transformers import BarkModel, BarkProcessor

    seconds = 1 if options.quick else 2
    n_tokens = SEMANTIC_TOKENS_A_SECOND * seconds
    write_bark(folder)
    model = BarkModel.from_pretrained(folder).eval().to(options.device)
    processor = BarkProcessor.from_pretrained(folder)
    texts = sentences(2 if options.quick else 8)

    def text_by_text() -> None:
        for text in texts:
            inputs = processor(text, voice_preset=None).to(options.device)
            model.generate(**inputs, semantic_max_new_tokens=n_tokens, semantic_min_new_tokens=n_tokens)

    found = []
    semantic = {"max_new_tokens": n_tokens, "min_new_tokens": n_tokens}
    for dtype in ("float32",) if options.quick else ("float32", "bfloat16"):
        synthesizer = Bark(str(folder), semantic=semantic, dtype=dtype, device=options.device)
        found.append(
            measure(f"Bark-small, {len(texts)} texts of {seconds} s, {dtype}", "generate, one text at a time",
                    text_by_text, partial(in_batches, synthesizer, requests_of(texts)), options)
        )  # fmt: skip
    return found


def mms_rows(folder: Path, options: Options) -> list[Row]:
    """Return the rows of MMS, in float32 as the peer and in bfloat16."""
    from transformers import VitsModel, VitsTokenizer

    write_mms(folder)
    model = VitsModel.from_pretrained(folder).eval().to(options.device)
    tokenizer = VitsTokenizer.from_pretrained(folder)
    texts = sentences(8 if options.quick else 64)

    def text_by_text() -> None:
        for text in texts:
            model(**tokenizer(text, return_tensors="pt").to(options.device))

    found = []
    for dtype in ("float32", "bfloat16"):
        synthesizer = Vits(str(folder), dtype=dtype, device=options.device)
        found.append(
            measure(f"MMS, {len(texts)} texts, {dtype}", "VitsModel, one text at a time",
                    text_by_text, partial(in_batches, synthesizer, requests_of(texts)), options)
        )  # fmt: skip
    return found


def rows(options: Options) -> list[Row]:
    """Return the rows of both models."""
    ensure_torchaudio()
    found = []
    for rows_of in (mms_rows, bark_rows):
        with tempfile.TemporaryDirectory() as folder:
            found += rows_of(Path(folder), options)
    return found


if __name__ == "__main__":
    with torch.no_grad():
        main(__doc__, rows)
