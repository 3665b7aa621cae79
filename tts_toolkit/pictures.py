"""Spectrograms, attention maps and curves as pixels or SVG."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import numpy as np


def heat_map(values: np.ndarray, low: float | None = None, high: float | None = None) -> np.ndarray:
    """Return an RGB picture (height, width, 3), uint8, of a matrix whose first row is drawn at the bottom."""
    from matplotlib import colormaps

    low = float(values.min()) if low is None else low
    high = float(values.max()) if high is None else high
    scaled = np.clip((values - low) / max(high - low, 1e-9), 0, 1)
    return np.asarray(colormaps["magma"](scaled[::-1])[..., :3] * 255, dtype=np.uint8)


def spectrogram_picture(log_mel: np.ndarray) -> np.ndarray:
    """Return a picture (80, n_frames, 3) of a log-mel (n_frames, 80); the 80 dB below its peak are drawn."""
    peak = float(log_mel.max())
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


def curves_svg(curves: Mapping[str, tuple[Sequence[float], Sequence[float]]], x_label: str) -> str:
    """Return an SVG of named curves (xs, ys) over a common x axis."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 2.6), layout="constrained")
    axes = figure.subplots()
    for name, (xs, ys) in curves.items():
        axes.plot(xs, ys, label=name, marker="o" if len(xs) < 15 else None, markersize=3)
    axes.set_xlabel(x_label)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    svg = buffer.getvalue()
    return svg[svg.index("<svg") :]
