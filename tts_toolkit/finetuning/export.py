"""The folder of a trained model, with configuration and model card."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from tts_toolkit.hub.loading import checkpoint_file
from tts_toolkit.system.errors import UserError
from tts_toolkit.system.files import write_whole
from tts_toolkit.system.formatting import markdown

UNNAMED = "finetune"  # the default `name` of a run
MAX_IN_TITLE = 3  # voices


def stored_state(model: torch.nn.Module, half_precision: bool) -> dict[str, torch.Tensor]:
    """The weights as they are stored; raises UserError for one that is not finite, or too large for float16."""
    state = {
        name: (t.half() if half_precision and t.is_floating_point() else t).contiguous()
        for name, t in model.state_dict().items()
    }
    broken = [name for name, t in state.items() if t.is_floating_point() and not t.isfinite().all()]
    if broken:
        raise UserError(
            f"the weights of {broken[0]} hold non-finite values{' in float16' * half_precision}: the model is "
            "not exported; go back to an earlier checkpoint, or set export.half_precision=false"
        )
    return state


def export_model(output_dir: Path, save: Callable[[Path], None], resolved_config: str, card: str) -> Path:
    """Export what `save` writes, the configuration and README.md to `output_dir`; return it.

    The folder is written elsewhere and moved there atomically.
    """
    temporary = output_dir.with_name(f".{output_dir.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    save(temporary)
    write_whole(temporary / "training_config.yaml", resolved_config.encode())
    write_whole(temporary / "README.md", card.encode())
    _let_others_read(temporary)
    shutil.rmtree(output_dir, ignore_errors=True)
    temporary.rename(output_dir)
    return output_dir


def _let_others_read(folder: Path) -> None:
    """Give all files the user's default mode: safetensors makes them readable by their owner only."""
    mode = (folder / "README.md").stat().st_mode
    for file in folder.rglob("*"):
        if file.is_file():
            file.chmod(mode)


def license_of(source: str) -> str:
    """Return the license that the card of a hub id, a folder or a built-in model names, or "not stated"."""
    from huggingface_hub import ModelCard
    from yaml import YAMLError

    try:
        card = checkpoint_file(source, "README.md")
    except UserError:  # no such model, or the hub cannot be reached
        card = None
    try:
        return str(ModelCard.load(card).data.license or "not stated") if card else "not stated"
    except (
        ValueError,
        TypeError,
        AttributeError,
        OSError,
        YAMLError,
    ):  # an unreadable card
        return "not stated"


def model_card(
    facts: Mapping[str, Any],
    scores_table: str,
    voices: Sequence[str],
    place: str = ".",
    code: str = "",
    title: str | None = None,
) -> str:
    """README.md of an exported model: what it is, what it was made from, and its measured scores.

    `place` is the folder, or the id on the hub that it goes to, from which the Python `code` loads it, too.
    """
    from huggingface_hub import ModelCardData

    about = ModelCardData(
        library_name="transformers",
        pipeline_tag="text-to-speech",
        base_model=facts["base_model"],
        license=facts["license"],
        tags=["text-to-speech", facts["architecture"].lower(), "tts-toolkit"],
    )
    listed = "\n".join(f"- {name.replace('_', ' ')}: {markdown(value)}" for name, value in facts.items())
    return f"""---
{about.to_yaml()}
---

# {markdown(title or facts["name"])}

A {facts["architecture"]} model fine-tuned with tts-toolkit. Voices: {", ".join(map(markdown, voices))}.

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
{code}
```
"""


def title_of(name: str, hub_model_id: str | None, base: str, voices: Sequence[str]) -> str:
    """The title of a model: its hub name, or that of its run where one was chosen."""
    if hub_model_id:
        return hub_model_id.rpartition("/")[2]
    if name != UNNAMED:
        return name
    shown = ", ".join(voices[:MAX_IN_TITLE]) + (
        f" and {len(voices) - MAX_IN_TITLE} more" * (len(voices) > MAX_IN_TITLE)
    )
    return f"{Path(base).name} fine-tuned on {shown}"
