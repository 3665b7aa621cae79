"""A folder that stock transformers loads, with voices, configuration and model card; and its way to the hub."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tts_toolkit.assets import asset_path
from tts_toolkit.hub.loading import checkpoint_file, load_folder
from tts_toolkit.models.speecht5.checkpoint import OWN_VOCODER, SETTINGS_FILE, SpeechSettings, SpeechT5
from tts_toolkit.models.vocoders import GriffinLim
from tts_toolkit.nn.plain_modules import check_plain
from tts_toolkit.speakers.embedding_files import FILE_NAME, EmbeddingCard, save_embeddings
from tts_toolkit.system.errors import UserError
from tts_toolkit.system.files import write_whole
from tts_toolkit.system.formatting import markdown

if TYPE_CHECKING:
    from tts_toolkit.finetuning.examples import Prepared

UNNAMED = "finetune"  # a run whose `name` nobody chose
MAX_IN_TITLE = 3  # voices
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
    # as published checkpoints have it: transformers before 5 cannot read the file that 5 writes instead
    (temporary / "processor_config.json").unlink(missing_ok=True)
    speech.processor.feature_extractor.to_json_file(temporary / "preprocessor_config.json")
    save_embeddings(temporary / FILE_NAME, voices, cards)
    settings = _save_vocoder(speech.settings, temporary)
    write_whole(temporary / SETTINGS_FILE, (json.dumps(asdict(settings), indent=2) + "\n").encode())
    write_whole(temporary / "training_config.yaml", resolved_config.encode())
    write_whole(temporary / "README.md", card.encode())
    _let_others_read(temporary)
    shutil.rmtree(output_dir, ignore_errors=True)
    temporary.rename(output_dir)
    return output_dir


def _save_vocoder(settings: SpeechSettings, folder: Path) -> SpeechSettings:
    """Save a vocoder that is no hub id beside the model, which would not speak elsewhere; return what names it then."""
    place = asset_path(settings.vocoder)
    if settings.vocoder == GriffinLim.name or not place.is_dir():
        return settings
    from transformers import SpeechT5HifiGan

    saved = load_folder(SpeechT5HifiGan, place, f"the vocoder {settings.vocoder!r}")
    saved.save_pretrained(folder / OWN_VOCODER)
    is_built_in = place != Path(settings.vocoder)
    return settings if is_built_in else replace(settings, vocoder=OWN_VOCODER)


def _let_others_read(folder: Path) -> None:
    """Give all files the mode that this user's files have: safetensors lets only their owner read them."""
    mode = (folder / "README.md").stat().st_mode
    for file in folder.rglob("*"):
        if file.is_file():
            file.chmod(mode)


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


def license_of(source: str) -> str:
    """Return the license that the card of a hub id, a folder or a built-in model names, or "not told"."""
    from huggingface_hub import ModelCard
    from yaml import YAMLError

    try:
        card = checkpoint_file(source, "README.md")
    except UserError:  # there is no such model, or the hub does not say
        card = None
    try:
        return str(ModelCard.load(card).data.license or "not told") if card else "not told"
    except (
        ValueError,
        TypeError,
        AttributeError,
        OSError,
        YAMLError,
    ):  # a card that says nothing readable tells nothing
        return "not told"


def model_card(
    facts: Mapping[str, Any],
    scores_table: str,
    voices: list[str],
    place: str = ".",
    vocoder: str = SpeechSettings.vocoder,
    title: str | None = None,
) -> str:
    """Return README.md of an exported model: what it is, what it was made from, and its measured scores.

    `place` is what its code loads the model by: the folder, or the id on the hub that it goes to.
    """
    from huggingface_hub import ModelCardData

    about = ModelCardData(
        library_name="transformers",
        pipeline_tag="text-to-speech",
        base_model=facts["base_model"],
        license=facts["license"],
        tags=["text-to-speech", "speecht5", "tts-toolkit"],
    )
    listed = "\n".join(f"- {name.replace('_', ' ')}: {markdown(value)}" for name, value in facts.items())
    return f"""---
{about.to_yaml()}
---

# {markdown(title or facts["name"])}

A SpeechT5 fine-tuned with tts-toolkit. Voices: {", ".join(map(markdown, voices))}.

{listed}

## Measured on held-out sentences

{scores_table}

Error rates are over all sentences; a failed sentence counts as all of its words deleted. Similarity is the mean
cosine to the speaker's other held-out recordings: compare it with the natural row.

## Use

```bash
tts-synthesize model={shlex.quote(place)} voice={shlex.quote(voices[0])} text="Hello there." output=hello.wav
```

```python
{_code(place, voices[0], int(facts["embedding_size"]), vocoder)}
```
"""


def _code(place: str, voice: str, embedding_size: int, vocoder: str) -> str:
    """Return Python that speaks with transformers, soundfile and, for Griffin-Lim, this toolkit."""
    id_, _, revision = (vocoder, "", "") if asset_path(vocoder).is_dir() else vocoder.partition("@")
    place_of_vocoder = f'model_id, subfolder="{Path(OWN_VOCODER).name}"'
    if not asset_path(vocoder).is_dir():
        place_of_vocoder = json.dumps(id_) + (f", revision={json.dumps(revision)}" if revision else "")
    griffin_lim = vocoder == GriffinLim.name
    lines = [
        "import soundfile",
        "from safetensors.torch import load_file",
        "from transformers import SpeechT5ForTextToSpeech, SpeechT5HifiGan, SpeechT5Processor",
        "from transformers.utils import cached_file",
        *["from tts_toolkit.models.vocoders import GriffinLim"] * griffin_lim,
        "",
        f"model_id = {json.dumps(place)}  # its folder, or its id on the hub",
        "processor = SpeechT5Processor.from_pretrained(model_id)",
        "model = SpeechT5ForTextToSpeech.from_pretrained(model_id)",
        "vocoder = GriffinLim()" if griffin_lim else f"vocoder = SpeechT5HifiGan.from_pretrained({place_of_vocoder})",
        f'voices = load_file(cached_file(model_id, "{FILE_NAME}"))',
        f"voice = voices[{json.dumps(voice)}]  # (1, {embedding_size})",
        'inputs = processor(text="Hello there.", return_tensors="pt")',
        'log_mel = model.generate_speech(inputs["input_ids"], voice)',
        "waveform = vocoder(log_mel)" if griffin_lim else "waveform = vocoder(log_mel).detach().numpy()",
        'soundfile.write("hello.wav", waveform, 16_000)',
    ]
    return "\n".join(lines)


def title_of(name: str, hub_model_id: str | None, base: str, voices: Sequence[str]) -> str:
    """Return what a model is called: as on the hub, or as its run where that has a name of its own."""
    if hub_model_id:
        return hub_model_id.rpartition("/")[2]
    if name != UNNAMED:
        return name
    shown = ", ".join(voices[:MAX_IN_TITLE]) + (
        f" and {len(voices) - MAX_IN_TITLE} more" * (len(voices) > MAX_IN_TITLE)
    )
    return f"{Path(base).name} fine-tuned on {shown}"
