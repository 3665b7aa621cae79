"""Make torchaudio importable with a torch build it was not compiled for."""

from __future__ import annotations

import importlib
import sys
import types
from typing import Any, NoReturn


def ensure_torchaudio() -> None:
    """Import torchaudio, without its compiled extension where that does not fit the installed torch.

    torchaudio 2.11 is built against CUDA 13.0: with a CPU build of torch its import fails with OSError, with another
    CUDA version with RuntimeError, and so do those of transformers and speechbrain. Nothing that this toolkit uses
    (resampling, mel filters, Griffin-Lim) needs the extension, so a stand-in replaces it. Call this before anything
    imports speechbrain or a speech model of transformers.
    """
    try:
        importlib.import_module("torchaudio")
    except ModuleNotFoundError:
        raise
    except (OSError, RuntimeError, ImportError) as error:
        for name in [name for name in sys.modules if name.split(".")[0] == "torchaudio"]:
            del sys.modules[name]
        sys.modules["torchaudio._extension"] = _stand_in(str(error))
        importlib.import_module("torchaudio")


def _stand_in(reason: str) -> types.ModuleType:
    """Return a module with the names that torchaudio 2.11.0 imports from `torchaudio._extension`."""

    def fail_if_no_align(function: Any) -> Any:
        def unavailable(*args: Any, **kwargs: Any) -> NoReturn:
            raise RuntimeError(f"{function.__name__} needs torchaudio's compiled extension: {reason}")

        return unavailable

    extension: Any = types.ModuleType("torchaudio._extension")
    extension.__path__ = []
    extension._IS_TORCHAUDIO_EXT_AVAILABLE = False
    extension._IS_ALIGN_AVAILABLE = False
    extension._check_cuda_version = lambda: None
    extension.lazy_import_sox_ext = lambda: None
    extension.fail_if_no_align = fail_if_no_align
    return extension
