"""Which device work runs on when nobody said."""

from __future__ import annotations

import os


def pick_device(device: str | None) -> str:
    """Return `device`, or for None the GPU of this process (LOCAL_RANK) where there is one, else `cpu`.

    ACCELERATE_USE_CPU=true keeps everything on the CPU, as it does in Accelerate.
    """
    import torch

    if device:
        return device
    if os.environ.get("ACCELERATE_USE_CPU", "false").lower() in ("true", "1") or not torch.cuda.is_available():
        return "cpu"
    return f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
