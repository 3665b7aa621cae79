"""How a recipe becomes a command: the only place in the library that touches Hydra."""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import re
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tts_toolkit.errors import UserError

log = logging.getLogger(__name__)
EXIT_USER_ERROR, EXIT_WRONG_OPTION, EXIT_INTERRUPTED = 1, 2, 130
MACHINE_ERRORS = (errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EDQUOT, errno.EPERM)  # disk full, read-only, ...
# What the Rust of safetensors and the C++ of torch.save say in errors that are no OSError.
CANNOT_WRITE = ("No space left on device", "Read-only file system", "PytorchStreamWriter", "unexpected pos")
LOST_PEER = ("Connection closed by peer", "Connection reset by peer", "Broken pipe", "Timed out waiting", "NCCL error")
_OVERRIDE = re.compile(r"(?P<key>[\w@/.~+-]+)=(?P<value>.*)", re.DOTALL)


def command(config_name: str, recipe: Callable[[Any], object], free_text: Sequence[str] = ()) -> None:
    """Compose `config_name` with the command line, run `recipe` on it and exit as users expect.

    A UserError becomes one line on standard error and exit status 1, a wrong option status 2 (Hydra's own message),
    Ctrl-C and SIGTERM status 130. Options named in `free_text` are taken to the letter, whatever they hold.
    """
    import hydra

    started = False

    def task(cfg: Any) -> None:
        nonlocal started
        check_types(cfg, config_name)
        started = True
        _log_to_stderr()
        _run(recipe, cfg)

    given = [part for argument in sys.argv[1:] for part in without_group(argument, config_name)]
    sys.argv[1:] = [quoted(argument, free_text) for argument in given]
    application = hydra.main(version_base="1.3", config_path="pkg://tts_toolkit.conf", config_name=config_name)(task)
    try:
        application()
    except SystemExit as exit_:
        if exit_.code not in (0, None) and not started:
            sys.exit(EXIT_WRONG_OPTION)
        raise


def check_types(cfg: Any, config_name: str) -> None:
    """Exit with status 2 where a value on the command line is not of the kind that the configuration has there.

    A number for a name becomes a text: a folder may be called 2024. null goes everywhere.
    """
    from hydra import compose
    from hydra.core.hydra_config import HydraConfig
    from omegaconf import OmegaConf, open_dict

    overrides = {text.split("=")[0]: text for text in HydraConfig.get().overrides.task}
    values = {key: OmegaConf.select(cfg, key) for key in overrides if re.fullmatch(r"[\w.]+", key)}
    scalars = {key: value for key, value in values.items() if isinstance(value, str | int | float)}
    if not scalars:
        return
    defaults = compose(config_name, overrides=[text for key, text in overrides.items() if key not in scalars])
    for key, value in scalars.items():
        default = OmegaConf.select(defaults, key)  # None: nothing is known, or it must be given
        if wanted := _wanted(default, value):
            _fail(f"{key}={value}: {wanted} is wanted, such as {default}", EXIT_WRONG_OPTION)
        if not isinstance(value, str) and (isinstance(default, str) or OmegaConf.is_missing(*_place(defaults, key))):
            with open_dict(cfg):
                OmegaConf.update(cfg, key, str(value))


def _place(cfg: Any, key: str) -> tuple[Any, str]:
    """Return the node that holds a dotted key, and the key's last part."""
    from omegaconf import OmegaConf

    parent, _, name = key.rpartition(".")
    return (OmegaConf.select(cfg, parent) if parent else cfg), name


def _wanted(default: object, value: object) -> str:
    """Return what a value should have been, or nothing where it is of its default's kind."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(default, bool):
        return "" if isinstance(value, bool) else "true or false"
    if isinstance(default, int):
        return "" if is_number and not isinstance(value, float) else "a whole number"
    if isinstance(default, float):
        return "" if is_number else "a number"
    return ""


def _run(recipe: Callable[[Any], object], cfg: Any) -> None:
    """Run the recipe; SystemExit passes through Hydra, which would print a traceback for anything else."""
    from tts_toolkit.training.interruption import Interrupted

    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with _held(cfg.get("output_dir", None)):
            recipe(cfg)
    except (Interrupted, KeyboardInterrupt) as error:
        _fail(str(error) or "interrupted", EXIT_INTERRUPTED)
    except Exception as error:
        from omegaconf.errors import MissingMandatoryValue

        for cause in _causes(error):
            if isinstance(cause, UserError):
                _fail(str(cause), EXIT_USER_ERROR)
            if isinstance(cause, MissingMandatoryValue):
                _fail(f"{cause.full_key} must be given: {cause.full_key}=...", EXIT_WRONG_OPTION)
            if isinstance(cause, OSError) and cause.errno in MACHINE_ERRORS:
                _fail(f"{cause.filename or 'writing'}: {cause.strerror}", EXIT_USER_ERROR)
            if any(sign in str(cause) for sign in CANNOT_WRITE):
                _fail(f"writing: {' '.join(str(cause).split())[:200]}", EXIT_USER_ERROR)
            if isinstance(cause, RuntimeError) and any(sign in str(cause) for sign in LOST_PEER):
                reason = " ".join(str(cause).split())[-200:]
                _fail(
                    f"process {os.environ.get('RANK', '0')} lost another process of this run, whose messages say why; "
                    f"go on with resume=latest ({reason})",
                    EXIT_USER_ERROR,
                )
            if type(cause).__name__ == "OutOfMemoryError":
                _fail(
                    "the GPU's memory is full: lower loader.max_frames (with accelerator.gradient_accumulation_steps "
                    "raised) or the batch_size, or set accelerator.mixed_precision=bf16",
                    EXIT_USER_ERROR,
                )
        raise
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _held(output_dir: object) -> Iterator[None]:
    """Hold an output_dir for the first process of this run; raises UserError where another on this machine has it.

    What launched a run may be dead while its processes still write. A process that dies lets go.
    """
    if not isinstance(output_dir, str) or os.environ.get("RANK", "0") != "0":
        yield
        return
    from filelock import FileLock, Timeout

    name = hashlib.sha256(str(Path(output_dir).resolve()).encode()).hexdigest()[:16]
    lock = FileLock(Path(tempfile.gettempdir()) / f"tts-toolkit-{os.getuid()}-{name}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise UserError(
            f"output_dir={output_dir}: another run is writing there; wait for it, stop it or choose another output_dir"
        ) from None
    except OSError:
        log.warning("nothing keeps another run out of output_dir=%s: %s takes no locks", output_dir, lock.lock_file)
    try:
        yield
    finally:
        lock.release()


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those it was raised from: Hydra wraps what a constructor raises."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__


def _fail(message: str, status: int) -> None:
    print(f"error: {message}", file=sys.stderr)
    sys.exit(status)


def without_group(argument: str, config_name: str) -> list[str]:
    """Return `judge=null` in Hydra's words, `~judge`, or in none where nothing is chosen anyway; others as they are."""
    from importlib.resources import files

    from omegaconf import OmegaConf

    key, _, value = argument.partition("=")
    if value != "null":
        return [argument]
    config = OmegaConf.create(files("tts_toolkit.conf").joinpath(f"{config_name}.yaml").read_text(encoding="utf-8"))
    for entry in OmegaConf.to_container(config).get("defaults", []):  # type: ignore[union-attr]
        if isinstance(entry, dict) and key in entry:
            return [] if entry[key] is None else [f"~{key}"]
    return [argument]


def quoted(argument: str, free_text: Sequence[str]) -> str:
    """Return a command-line argument as Hydra's grammar wants it.

    Values of `free_text` options are quoted always, others where the grammar would refuse them (`data.path=my (2)`).
    """
    match = _OVERRIDE.fullmatch(argument)
    if match is None or argument.startswith("-"):
        return argument
    key, value = match["key"], match["value"]
    if key not in free_text and _parses(argument):
        return argument
    if key in free_text:
        value = value.replace("${", "\\${")  # no interpolation
    escaped = re.sub(r"(\\*)'", lambda m: m[1] * 2 + "\\'", value)  # backslashes count only before a quote
    escaped = re.sub(r"\\+$", lambda m: m[0] * 2, escaped)
    return f"{key}='{escaped}'"


def _parses(argument: str) -> bool:
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        OverridesParser.create().parse_override(argument)
    except HydraException:
        return False
    return True


def _log_to_stderr() -> None:
    rank = int(os.environ.get("RANK", "0"))
    logging.basicConfig(level=logging.WARNING, format="%(message)s", force=True)
    logging.getLogger("tts_toolkit").setLevel(logging.INFO if rank == 0 else logging.ERROR)
    logging.getLogger("speechbrain").setLevel(logging.WARNING)
