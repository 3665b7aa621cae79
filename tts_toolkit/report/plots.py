"""Spectrograms, attention maps and curves as pixels or SVG."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tts_toolkit.system.formatting import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure


N_BINS = 50  # of a histogram
MAX_GROUPS = 20  # with a color and a name of their own


def heat_map(values: np.ndarray, low: float | None = None, high: float | None = None) -> np.ndarray:
    """Return an RGB picture (height, width, 3), uint8, of a matrix whose first row is drawn at the bottom."""
    from matplotlib import colormaps

    finite = _finite(values)
    low = (float(finite.min()) if len(finite) else 0.0) if low is None else low
    high = (float(finite.max()) if len(finite) else 1.0) if high is None else high
    values = np.nan_to_num(values, nan=low, posinf=high, neginf=low) if values.size else np.full((1, 1), low)
    scaled = np.clip((values - low) / max(high - low, 1e-9), 0, 1)
    return np.asarray(colormaps["magma"](scaled[::-1])[..., :3] * 255, dtype=np.uint8)


def spectrogram_picture(log_mel: np.ndarray) -> np.ndarray:
    """Return a picture (80, n_frames, 3) of a log-mel (n_frames, 80); the 80 dB below its peak are drawn."""
    finite = _finite(log_mel)
    peak = float(finite.max()) if len(finite) else 0.0
    return heat_map(log_mel.T, peak - 4.0, peak)  # magnitudes: 4 decades are 80 dB


def attention_picture(attention: np.ndarray) -> np.ndarray:
    """Return a picture (n_tokens, n_steps, 3) of an attention map (n_steps, n_tokens)."""
    return heat_map(attention.T, 0.0, None)


def png(picture: np.ndarray) -> bytes:
    """Return a picture (height, width, 3) as a PNG file."""
    from matplotlib.image import imsave

    buffer = io.BytesIO()
    imsave(buffer, picture, format="png")
    return buffer.getvalue()


def plain(label: str) -> str:
    """Return a label that matplotlib draws literally: it would read text between two dollars as mathematics.

    A label with a leading underscore would be left out of the legend, so a space is put before it.
    """
    shown = printable(label).replace("$", r"\$")
    return f" {shown}" if shown.startswith("_") else shown


def curves_svg(curves: Mapping[str, tuple[Sequence[float], Sequence[float]]], x_label: str) -> str:
    """Return an SVG of named curves (xs, ys) over a common x axis."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 2.6), layout="constrained")
    axes = figure.subplots()
    for name, (xs, ys) in curves.items():
        axes.plot(xs, ys, label=plain(name), marker="o" if len(xs) < 15 else None, markersize=3)
    axes.set_xlabel(x_label)
    axes.grid(alpha=0.3)
    if curves:
        axes.legend(frameon=False)
    return _svg(figure)


def intervals_svg(
    values: Mapping[str, tuple[float, tuple[float, float] | None]], x_label: str, marks: Mapping[str, float] = {}
) -> str:
    """Return an SVG of named values with their intervals, one per line, and of vertical marks such as a floor."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 0.9 + 0.35 * len(values)), layout="constrained")
    axes = figure.subplots()
    for row, (value, interval) in enumerate(values.values()):
        low, high = interval or (value, value)
        axes.plot([low, high], [row, row], color="tab:blue", linewidth=2)
        axes.plot([value], [row], "o", color="tab:blue")
    for name, at in marks.items():
        axes.axvline(at, color="tab:gray", linestyle=":")
        axes.annotate(plain(name), (at, -0.6), fontsize=8, color="tab:gray", ha="center", annotation_clip=False)
    axes.set_yticks(range(len(values)), [plain(name) for name in values])
    axes.set_ylim(len(values) - 0.5, -0.5)
    axes.set_xlabel(x_label)
    axes.grid(alpha=0.3)
    return _svg(figure)


def scatter_svg(points: Mapping[str, tuple[float, float]], x_label: str, y_label: str) -> str:
    """Return an SVG of named points, the x axis logarithmic."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3), layout="constrained")
    axes = figure.subplots()
    for name, (x, y) in points.items():
        axes.plot([x], [y], "o", color="tab:blue")
        axes.annotate(plain(name), (x, y), textcoords="offset points", xytext=(6, 4), fontsize=9)
    axes.set_xscale("log")
    axes.margins(0.2)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.grid(alpha=0.3)
    return _svg(figure)


def histograms_svg(values: Mapping[str, np.ndarray], x_label: str) -> str:
    """Return an SVG of the distributions of named values (n,), on common bins, each of area one."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 2.6), layout="constrained")
    axes = figure.subplots()
    bins = _bins(np.concatenate([_finite(of_one) for of_one in values.values()])) if values else [0.0, 1.0]
    for name, of_one in values.items():
        finite = _finite(of_one)
        axes.hist(finite, bins=bins, density=bool(len(finite)), alpha=0.6, label=plain(f"{name} ({len(of_one):,})"))
    axes.set_xlabel(x_label)
    axes.set_yticks([])
    if values:
        axes.legend(frameon=False)
    return _svg(figure)


def _finite(values: np.ndarray) -> np.ndarray:
    """Return the finite values as a vector."""
    flat = np.asarray(values, dtype=np.float64).ravel()
    return flat[np.isfinite(flat)]


def _bins(values: np.ndarray) -> list[float]:
    """Return the edges of at most 50 bins: fewer where values are too close for floats between them."""
    if not len(values):
        return [0.0, 1.0]
    low, high = float(values.min()), float(values.max())
    least = max(1e-6, 1e-6 * max(abs(low), abs(high)))  # wide enough to draw
    if high - low < least:
        low, high = low - least / 2, high + least / 2
    return np.linspace(low, high, N_BINS + 1).tolist()


def groups_svg(points: np.ndarray, names: Sequence[str], ringed: Sequence[int] = ()) -> str:
    """Return an SVG of points (n, 2), colored by name, with a ring around some rows."""
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    groups, of_point = np.unique(np.asarray(names, dtype=str), return_inverse=True)
    axes.scatter(points[:, 0], points[:, 1], c=of_point % MAX_GROUPS, cmap="tab20", vmin=0, vmax=MAX_GROUPS - 1, s=6)
    for number, name in enumerate(groups[:MAX_GROUPS]):
        axes.plot([], [], ".", color=colormaps["tab20"](number), label=plain(str(name)))
    axes.plot(*points[list(ringed)].T, "o", markerfacecolor="none", markeredgecolor="tab:red", markersize=9)
    axes.set_xticks([])
    axes.set_yticks([])
    if 0 < len(groups) <= MAX_GROUPS:
        axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5), fontsize=8)
    return _svg(figure)


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    svg = buffer.getvalue()
    return svg[svg.index("<svg") :]
