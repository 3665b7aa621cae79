"""Embeddings as a `datasets` folder with the columns of Matthijs/cmu-arctic-xvectors, which existing notebooks read."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tts_toolkit.speakers.embedding_files import EmbeddingCard
from tts_toolkit.system.files import write_whole
from tts_toolkit.system.formatting import markdown

SPLIT = "validation"  # the only split of that dataset


def write_xvector_dataset(
    folder: Path,
    filenames: Sequence[str],
    embeddings: np.ndarray,
    cards: Sequence[EmbeddingCard],
    hub_id: str | None = None,
) -> Path:
    """Return `folder` once `load_dataset(folder, split="validation")` gives rows of `filename` and `xvector` (dim).

    The code on its card loads it from there, or from the hub where `hub_id` names its repository.
    """
    import pyarrow
    import pyarrow.parquet

    table = pyarrow.table({"filename": list(filenames), "xvector": list(embeddings.astype(np.float32))})
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(table, buffer)
    write_whole(folder / "data" / f"{SPLIT}-00000-of-00001.parquet", buffer.getvalue())
    write_whole(folder / "README.md", _card(cards, hub_id or str(folder)).encode())
    return folder


def _card(cards: Sequence[EmbeddingCard], place: str) -> str:
    import yaml

    licenses = sorted({license for card in cards for license in card.licenses})
    head = {
        "license": licenses[0] if len(licenses) == 1 else "other",
        "tags": ["speaker-embeddings", "tts-toolkit"],
        "configs": [{"config_name": "default", "data_files": [{"split": SPLIT, "path": f"data/{SPLIT}-*"}]}],
    }
    rows = "\n".join(
        f"| {markdown(card.speaker)} | {card.n_clips} | {card.seconds:.0f} "
        f"| {_listed(card.licenses)} | {_listed(card.consents)} |"
        for card in cards
    )
    return f"""---
{yaml.safe_dump(head, sort_keys=False, allow_unicode=True)}---

# Speaker embeddings

Encoder: {markdown(cards[0].encoder)}, revision {cards[0].encoder_revision}. One L2-normalized vector a recording.

| speaker | clips | seconds | license of the recordings | consent |
|---|---|---|---|---|
{rows}

```python
from datasets import load_dataset

embeddings = load_dataset({json.dumps(place)}, split="{SPLIT}")
xvector = embeddings[0]["xvector"]
```
"""


def _listed(values: Sequence[str]) -> str:
    return markdown(", ".join(values) or "not stated")
