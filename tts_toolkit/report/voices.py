"""The page about the voices of a set of recordings: who is near whom, which clips stand out, with players."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from tts_toolkit.data.clips import Clip
from tts_toolkit.evaluation.metrics.speaker_similarity import SimilarityScale
from tts_toolkit.report.html import data_uri, mp3
from tts_toolkit.report.plots import groups_svg, heat_map, histograms_svg, png
from tts_toolkit.speakers.embedding_files import EmbeddingCard
from tts_toolkit.speakers.outliers import Profile
from tts_toolkit.system.files import write_whole
from tts_toolkit.system.formatting import printable

MAX_HEAT_MAP = 200  # rows; of more they are spread evenly
N_PLAYERS = 40  # outliers first, then clips of each voice in turn


def write_voices(
    file: Path,
    clips: Sequence[Clip],
    embeddings: np.ndarray,
    found: Sequence[Profile],
    cards: Sequence[EmbeddingCard],
    cosines: tuple[np.ndarray, np.ndarray],
    scale: SimilarityScale,
    read: Callable[[Clip], np.ndarray],
) -> Path:
    """Return `file` once it holds the page; `cosines` are those of same-speaker and different-speaker trials."""
    from jinja2 import Environment, PackageLoader

    environment = Environment(loader=PackageLoader("tts_toolkit", "report"), autoescape=True)
    speakers = [clip.speaker for clip in clips]
    outliers = {outlier.id: outlier for profile in found for outlier in profile.outliers}
    row_of = {clip.id: row for row, clip in enumerate(clips)}
    points, method = projection(embeddings)
    same, different = cosines
    plots = {f"Projection ({method})": groups_svg(points, speakers, [row_of[id_] for id_ in outliers])}
    trials = {name: values for name, values in (("same voice", same), ("different voices", different)) if len(values)}
    if trials:
        plots["Cosines to a voice's mean"] = histograms_svg(trials, "cosine")
    html = environment.get_template("voices.html.j2").render(
        cards=cards,
        scale=scale,
        plots=plots,
        heat_map=data_uri("image/png", png(_similarities(embeddings, found))),
        players=[_player(clips[row], outliers, found, read) for row in _prenet(found, row_of)],
    )
    write_whole(file, printable(html).encode())
    return file


def projection(embeddings: np.ndarray) -> tuple[np.ndarray, str]:
    """Return a picture of embeddings (n, dim) in the plane, (n, 2), and its method: UMAP where installed, or PCA."""
    if importlib.util.find_spec("umap") and len(embeddings) > 15:
        import umap

        return np.asarray(umap.UMAP(metric="cosine", random_state=0, n_jobs=1).fit_transform(embeddings)), "UMAP"
    centered = embeddings - embeddings.mean(axis=0)
    _, _, axes = np.linalg.svd(centered, full_matrices=False)
    plane = centered @ axes[:2].T
    return np.pad(plane, ((0, 0), (0, 2 - plane.shape[1]))), "PCA"


def _similarities(embeddings: np.ndarray, found: Sequence[Profile]) -> np.ndarray:
    """Return a picture of cosines between the voices, or between the clips of a single one; bright is near."""
    rows = np.stack([profile.embedding for profile in found]) if len(found) > 1 else embeddings
    rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), MAX_HEAT_MAP)).astype(int)]
    picture = heat_map(rows @ rows.T)[::-1]
    return np.repeat(np.repeat(picture, n := max(1, 320 // len(rows)), axis=0), n, axis=1)


def _prenet(found: Sequence[Profile], row_of: dict[str, int]) -> list[int]:
    """Return the rows of the clips to be played: outliers, then clips of each voice in turn."""
    rows = [row_of[outlier.id] for profile in found for outlier in profile.outliers]
    turns = zip_longest(*(profile.rows[:N_PLAYERS].tolist() for profile in found))
    rows += islice((row for turn in turns for row in turn if row is not None), 2 * N_PLAYERS)
    return list(dict.fromkeys(rows))[:N_PLAYERS]


def _player(
    clip: Clip, outliers: dict[str, Any], found: Sequence[Profile], read: Callable[[Clip], np.ndarray]
) -> dict[str, Any]:
    return {"clip": clip, "outlier": outliers.get(clip.id), "audio": data_uri("audio/mpeg", mp3(read(clip)))}
