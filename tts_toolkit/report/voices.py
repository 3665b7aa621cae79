"""The page about the voices of a set of recordings: nearest voices, outliers and players."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from tts_toolkit.data.clips import Clip
from tts_toolkit.evaluation.metrics.speaker_similarity import SimilarityScale, similarity_scale, trials
from tts_toolkit.report.html import data_uri, mp3
from tts_toolkit.report.plots import groups_svg, heat_map, histograms_svg, png
from tts_toolkit.speakers.embedding_files import EmbeddingCard
from tts_toolkit.speakers.outliers import Profile
from tts_toolkit.system.files import write_whole
from tts_toolkit.system.formatting import printable

MAX_HEAT_MAP = 200  # rows, evenly spread where there are more
N_PLAYERS = 40  # outliers first, then clips of each voice in turn


@dataclass(frozen=True)
class VoiceSet:
    """Recordings of some voices, their embeddings, and what these say about the voices."""

    clips: Sequence[Clip]
    embeddings: np.ndarray  # (n_clips, dim), L2-normalized
    profiles: Sequence[Profile]  # one per voice
    cards: Sequence[EmbeddingCard]  # in the same order

    @property
    def speakers(self) -> list[str]:
        """The speaker of each clip."""
        return [clip.speaker for clip in self.clips]

    @cached_property
    def cosines(self) -> tuple[np.ndarray, np.ndarray]:
        """The cosines of same-speaker and of different-speaker trials."""
        return trials(self.embeddings, self.speakers)

    @cached_property
    def scale(self) -> SimilarityScale:
        """The scale that a similarity between these voices is read on."""
        return similarity_scale(self.embeddings, self.speakers)


def write_voices(file: Path, voices: VoiceSet, read: Callable[[Clip], np.ndarray]) -> Path:
    """Write the page, with players of what `read` returns for a clip, and return `file`."""
    from jinja2 import Environment, PackageLoader

    environment = Environment(loader=PackageLoader("tts_toolkit", "report"), autoescape=True)
    found, row_of = voices.profiles, {clip.id: row for row, clip in enumerate(voices.clips)}
    outliers = {outlier.id: outlier for profile in found for outlier in profile.outliers}
    html = environment.get_template("voices.html.j2").render(
        cards=voices.cards,
        scale=voices.scale,
        plots=_plots(voices, [row_of[id_] for id_ in outliers]),
        heat_map=data_uri("image/png", png(_similarities(voices.embeddings, found))),
        players=[_player(voices.clips[row], outliers, read) for row in _played(found, row_of)],
    )
    write_whole(file, printable(html).encode())
    return file


def _plots(voices: VoiceSet, outliers: Sequence[int]) -> dict[str, str]:
    """Return the plots by title; `outliers` are rows."""
    points, method = projection(voices.embeddings)
    plots = {f"Projection ({method})": groups_svg(points, voices.speakers, outliers)}
    named = zip(("same voice", "different voices"), voices.cosines, strict=True)
    if drawn := {name: cosines for name, cosines in named if len(cosines)}:
        plots["Cosines to a voice's mean"] = histograms_svg(drawn, "cosine")
    return plots


def projection(embeddings: np.ndarray) -> tuple[np.ndarray, str]:
    """Return a projection of embeddings (n, dim) to the plane, (n, 2), and its method: UMAP where installed, or PCA."""
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


def _played(found: Sequence[Profile], row_of: dict[str, int]) -> list[int]:
    """Rows of clips with players: outliers, then clips of each voice in turn."""
    rows = [row_of[outlier.id] for profile in found for outlier in profile.outliers]
    turns = zip_longest(*(profile.rows[:N_PLAYERS].tolist() for profile in found))
    rows += islice((row for turn in turns for row in turn if row is not None), 2 * N_PLAYERS)
    return list(dict.fromkeys(rows))[:N_PLAYERS]


def _player(clip: Clip, outliers: dict[str, Any], read: Callable[[Clip], np.ndarray]) -> dict[str, Any]:
    return {"clip": clip, "outlier": outliers.get(clip.id), "audio": data_uri("audio/mpeg", mp3(read(clip)))}
