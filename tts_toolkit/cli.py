"""How a recipe becomes a command: the only place in the library that touches Hydra."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from typing import Any

from tts_toolkit.errors import UserError

EXIT_USER_ERROR, EXIT_WRONG_OPTION, EXIT_INTERRUPTED = 1, 2, 130


def command(config_name: str, recipe: Callable[[Any], object]) -> None:
    """Compose `config_name` with the command line, run `recipe` on it and exit as users expect.

    A UserError becomes one line on standard error and exit status 1, a wrong option status 2 (Hydra's own message),
    a requested stop status 130.
    """
    import hydra

    started = False

    def task(cfg: Any) -> None:
        nonlocal started
        started = True
        _log_to_stderr()
        recipe(cfg)

    application = hydra.main(version_base="1.3", config_path="pkg://tts_toolkit.conf", config_name=config_name)(task)
    os.environ.setdefault("HYDRA_FULL_ERROR", "0")
    try:
        application()
    except SystemExit as exit_:
        if exit_.code not in (0, None) and not started:
            sys.exit(EXIT_WRONG_OPTION)
        raise


def _log_to_stderr() -> None:
    rank = int(os.environ.get("RANK", "0"))
    level = logging.INFO if rank == 0 else logging.ERROR
    logging.basicConfig(level=logging.WARNING, format="%(message)s", force=True)
    logging.getLogger("tts_toolkit").setLevel(level)
