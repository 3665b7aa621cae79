"""Default device selection, and switches that make GPU kernels deterministic."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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


@contextmanager
def exact_convolutions() -> Iterator[None]:
    """Inside the context, a GPU's convolutions use full float32 and the same algorithms in every call.

    By default they round to TensorFloat-32, and the same sound differs in its third digit between batches.
    """
    import torch

    cudnn = torch.backends.cudnn
    with cudnn.flags(enabled=cudnn.enabled, deterministic=True, allow_tf32=False):
        yield


@contextmanager
def attention_of_any_shape() -> Iterator[None]:
    """Inside the context, fused attention avoids cuDNN's kernels, which a GPU compiles again for each new shape."""
    from torch.nn.attention import SDPBackend, sdpa_kernel

    with sdpa_kernel([SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]):
        yield


def hardware() -> dict[str, object]:
    """Return the hardware, for reports: the processor and its cores, the memory and the GPU."""
    import torch

    cpuinfo = Path("/proc/cpuinfo")
    model = re.search(r"^model name\s*:\s*(.+)$", cpuinfo.read_text(), re.MULTILINE) if cpuinfo.exists() else None
    return {
        "processor": model[1] if model else platform.machine(),
        "n_cpus": os.cpu_count(),
        "memory_bytes": system_memory_bytes("MemTotal"),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }


def system_memory_bytes(field: str) -> int | None:
    """Return a figure of /proc/meminfo, such as MemTotal or MemAvailable, or None where there is no such file."""
    meminfo = Path("/proc/meminfo")
    found = re.search(rf"^{field}:\s+(\d+) kB", meminfo.read_text(), re.MULTILINE) if meminfo.exists() else None
    return 1024 * int(found[1]) if found else None
