"""A folder that stock transformers loads, with voices, configuration and model card; and its way to the hub."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tts_toolkit.errors import UserError
from tts_toolkit.files import write_whole
from tts_toolkit.models.speecht5 import SETTINGS_FILE, SpeechSettings, SpeechT5
from tts_toolkit.models.versions import checkpoint_file
from tts_toolkit.speakers.store import FILE_NAME, EmbeddingCard, save_embeddings
from tts_toolkit.synthesis.plain import check_plain

if TYPE_CHECKING:
    from tts_toolkit.data.preparation import Prepared

MAX_CHARACTERS = 300  # said at once: longer pieces are where autoregressive speech goes astray


def export_model(
    speech: SpeechT5,
    output_dir: Path,
    voices: Mapping[str, np.ndarray],
    cards: list[EmbeddingCard],
    resolved_config: str,
    card: str,
    half_precision: bool = False,
) -> Path:
    """Return `output_dir` once it holds the model, its processor, voices, settings, configuration and README.md.

    The folder is made beside its place and moved there whole. `half_precision` stores float16 weights, which load
    back as float32. Raises UserError when a weight is no number, or too large for float16, or when the model is more
    than its weights.
    """
    for name, part in speech.model.named_children():  # accelerate may have wrapped the forward of the whole
        check_plain(part, name)
    temporary = output_dir.with_name(f".{output_dir.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    state = {
        name: t.half() if half_precision and t.is_floating_point() else t
        for name, t in speech.model.state_dict().items()
    }
    broken = [name for name, t in state.items() if t.is_floating_point() and not t.isfinite().all()]
    if broken:
        raise UserError(
            f"the weights of {broken[0]} hold values that are no numbers{' in float16' * half_precision}: the model is "
            "not exported; go back to an earlier checkpoint, or set export.half_precision=false"
        )
    speech.model.save_pretrained(temporary, state_dict={name: t.contiguous() for name, t in state.items()})
    speech.processor.save_pretrained(str(temporary))
    save_embeddings(temporary / FILE_NAME, voices, cards)
    write_whole(temporary / SETTINGS_FILE, (json.dumps(asdict(speech.settings), indent=2) + "\n").encode())
    write_whole(temporary / "training_config.yaml", resolved_config.encode())
    write_whole(temporary / "README.md", card.encode())
    shutil.rmtree(output_dir, ignore_errors=True)
    temporary.rename(output_dir)
    return output_dir


def settings_for(
    base: SpeechSettings, vocoder: str | None, encoder: str, language: str, prepared: Prepared
) -> SpeechSettings:
    """Return the settings of a model that was trained on `prepared`, starting from those of its base."""
    longest = max(len(clip.transcript) for clip in prepared.clips["train"])
    return SpeechSettings(
        vocoder=vocoder or base.vocoder,
        encoder=encoder,
        language=language,
        max_characters=max(base.max_characters, min(longest, MAX_CHARACTERS)),
    )


def licence_of(source: str) -> str:
    """Return the licence that the card of a hub id, a folder or a built-in model names, or "not told"."""
    from huggingface_hub import ModelCard

    try:
        card = checkpoint_file(source, "README.md")
    except UserError:  # there is no such model, or the hub does not say
        card = None
    return str(ModelCard.load(card).data.license or "not told") if card else "not told"


def model_card(facts: Mapping[str, Any], scores_table: str, voices: list[str]) -> str:
    """Return README.md of an exported model: what it is, what it was made from, and its measured scores."""
    from huggingface_hub import ModelCardData

    about = ModelCardData(
        library_name="transformers",
        pipeline_tag="text-to-speech",
        base_model=facts["base model"],
        license=facts["licence"],
        tags=["text-to-speech", "speecht5", "tts-toolkit"],
    )
    listed = "\n".join(f"- {name}: {' '.join(str(value).split())}" for name, value in facts.items())
    return f"""---
{about.to_yaml()}
---

# {facts["name"]}

A SpeechT5 fine-tuned with tts-toolkit. Voices: {", ".join(voices)}.

{listed}

## Measured on held-out sentences

{scores_table}

Error rates are over the whole list; a failed sentence counts as all of its words deleted. Similarity is the mean
cosine to the speaker's other held-out recordings: read it against the natural row.

## Use

```bash
tts-synthesize model=THIS_FOLDER text="Hello there." output=hello.wav
```

```python
from safetensors.torch import load_file
from transformers import SpeechT5ForTextToSpeech, SpeechT5Processor

processor = SpeechT5Processor.from_pretrained("THIS_FOLDER")
model = SpeechT5ForTextToSpeech.from_pretrained("THIS_FOLDER")
voice = load_file("THIS_FOLDER/{FILE_NAME}")["{voices[0]}"]  # (1, {facts["embedding size"]})
log_mel = model.generate_speech(processor(text="Hello there.", return_tensors="pt")["input_ids"], voice)
```
"""
