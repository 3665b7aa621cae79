"""Commands from recipes: the only place in the library that uses Hydra."""

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
from contextlib import contextmanager, redirect_stdout
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tts_toolkit.command_line import (
    Known,
    about_command,
    check_interpolations,
    check_modules,
    check_settings,
    check_values,
    emptied,
    of_composition,
    of_configuration,
    renamed,
    set_empty,
    split_options,
    way_without_hub,
)
from tts_toolkit.system.errors import UserError, UserErrors, WrongOption, causes, hub_is_missing, one_line
from tts_toolkit.system.formatting import Printable, printable

log = logging.getLogger(__name__)
EXIT_USER_ERROR, EXIT_WRONG_OPTION, EXIT_INTERRUPTED = 1, 2, 130
MACHINE_ERRORS = (errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EDQUOT, errno.EPERM)  # disk full, read-only, ...
# Messages of safetensors (Rust) and torch.save (C++) in errors other than OSError.
CANNOT_WRITE = ("No space left on device", "Read-only file system", "PytorchStreamWriter", "unexpected pos")
LOST_PEER = ("Connection closed by peer", "Connection reset by peer", "Broken pipe", "Timed out waiting", "NCCL error")
FULL_ERROR = "HYDRA_FULL_ERROR"
_OVERRIDE = re.compile(r"(?P<key>[\w@/.~+-]+)=(?P<value>.*)", re.DOTALL)


def command(
    config_name: str,
    recipe: Callable[[Any], object],
    free_text: Sequence[str] = (),
    optional: Sequence[str] = (),
) -> None:
    """Compose `config_name` with the command line, run `recipe` on it and exit with a status.

    A UserError becomes one line on standard error and exit status 1, a wrong option status 2, Ctrl-C and SIGTERM
    status 130. Options named in `free_text` are taken literally. Any group may be null whose
    default is, and those named in `optional`; the recipe then receives None.
    """
    from tts_toolkit.hub.loading import without_conversion

    started = False

    def run(cfg: Any) -> None:
        nonlocal started
        started = True
        _log_to_stderr()
        _run(recipe, cfg, way_without_hub(config_name))

    without_conversion()
    try:
        _compose_and_run(config_name, run, free_text, optional)
    except WrongOption as error:
        _fail(str(error), EXIT_WRONG_OPTION)
    except Exception as error:
        from hydra.errors import HydraException
        from omegaconf.errors import OmegaConfBaseException

        if started and not isinstance(error, HydraException | OmegaConfBaseException):
            raise
        _fail(of_composition(error), EXIT_WRONG_OPTION)


def _compose_and_run(
    config_name: str, run: Callable[[Any], None], free_text: Sequence[str], optional: Sequence[str]
) -> None:
    """Check the command line, compose it with Hydra and run; raises WrongOption."""
    import hydra

    options = split_options(sys.argv[1:])
    if "--version" in options.flags:
        print(f"tts-toolkit {version('tts-toolkit')}")
        return
    known = Known(config_name, options.config_dir)
    empty, settings = emptied(options.settings, known.groups)

    def task(cfg: Any) -> None:
        try:
            check_values(cfg, given, known)
            set_empty(cfg, empty, known, optional)
            check_interpolations(cfg)
            check_modules(cfg)
        except Exception as error:  # Hydra would print the overrides first
            if explained := explanation(error):
                _fail(*explained)
            raise
        run(cfg)

    if options.runs:
        with hydra.initialize_config_module("tts_toolkit.conf", version_base="1.3"):
            settings = renamed(settings, known)
            check_settings(options, settings, known, free_text)
    given = [quoted(text, free_text) for text in settings]
    about = [] if options.runs else [quoted(f"hydra.help.header={about_command(config_name)}", ("hydra.help.header",))]
    sys.argv[1:] = [*options.flags, *given, *about]
    with _errors_raised():
        hydra.main(version_base="1.3", config_path="pkg://tts_toolkit.conf", config_name=config_name)(task)()


@contextmanager
def _errors_raised() -> Iterator[None]:
    """Let Hydra raise errors instead of printing them."""
    before = os.environ.get(FULL_ERROR)
    os.environ[FULL_ERROR] = "1"
    try:
        yield
    finally:
        os.environ.pop(FULL_ERROR)
        if before is not None:
            os.environ[FULL_ERROR] = before


def _run(recipe: Callable[[Any], object], cfg: Any, without_hub: str = "") -> None:
    """Run the recipe; SystemExit passes through Hydra, which would print a traceback for anything else."""
    from tts_toolkit.training.interruption import Interrupted

    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with _held(cfg.get("output_dir", None)), redirect_stdout(Printable(sys.stdout)):
            recipe(cfg)
    except (Interrupted, KeyboardInterrupt) as error:
        _fail(str(error) or "interrupted", EXIT_INTERRUPTED)
    except Exception as error:
        if explained := explanation(error, without_hub):
            _fail(*explained)
        raise
    finally:
        signal.signal(signal.SIGTERM, before)


def explanation(error: Exception, without_hub: str = "") -> tuple[str, int] | None:
    """Return the line and exit status of an error caused by the user or the machine; None for a defect."""
    raised_from = list(causes(error))
    for cause in raised_from:
        if isinstance(cause, UserError):
            errors = cause.errors if isinstance(cause, UserErrors) else [cause]
            lines = [one_line(each) for each in errors]
            lines += [without_hub] * bool(without_hub and hub_is_missing(cause))
            return "; ".join(lines) if len(errors) == 1 else "\nerror: ".join(lines), _status(cause)
        if line := _of_machine(cause) or _of_the_hub(cause):
            return line, EXIT_USER_ERROR
    for cause in raised_from:
        if line := of_configuration(cause):
            return line, EXIT_WRONG_OPTION
    return None


def _status(error: UserError) -> int:
    return EXIT_WRONG_OPTION if isinstance(error, WrongOption) else EXIT_USER_ERROR


def _of_machine(cause: BaseException) -> str:
    """Return the message for a full disk, a lost process or a full GPU; empty for another error."""
    if isinstance(cause, OSError) and cause.errno in (errno.EISDIR, errno.ENOTDIR):
        return f"{cause.filename2 or cause.filename}: {cause.strerror}; move it out of the way"
    if isinstance(cause, OSError) and cause.errno in MACHINE_ERRORS:
        return f"{cause.filename or 'writing'}: {cause.strerror}"
    if any(sign in str(cause) for sign in CANNOT_WRITE):
        return f"writing: {one_line(cause)[:200]}"
    if isinstance(cause, RuntimeError) and any(sign in str(cause) for sign in LOST_PEER):
        return (
            f"process {os.environ.get('RANK', '0')} lost another process of this run; see its messages; "
            f"go on with resume=latest ({one_line(cause)[-200:]})"
        )
    if type(cause).__name__ == "OutOfMemoryError":
        return (
            "the GPU's memory is full: lower loader.max_frames (with accelerator.gradient_accumulation_steps "
            "raised) or the batch_size, or set accelerator.mixed_precision=bf16"
        )
    return ""


def _of_the_hub(error: BaseException) -> str:
    """Return the message of an error of the hub's client or its transport; empty for another error."""
    if "huggingface_hub" not in sys.modules:
        return ""
    from huggingface_hub.errors import HTTPError

    from tts_toolkit.hub.snapshots import explained

    return explained(error) if isinstance(error, HTTPError) else ""


@contextmanager
def _held(output_dir: object) -> Iterator[None]:
    """Lock an output_dir for the first process of this run; raises UserError where another run here holds it.

    The launcher of a run may be dead while its processes still write. A process releases the lock when it dies.
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
        log.warning(
            "output_dir=%s is not protected against other runs: %s cannot be locked", output_dir, lock.lock_file
        )
    try:
        yield
    finally:
        lock.release()


def _fail(message: str, status: int) -> None:
    print(printable(f"error: {message}"), file=sys.stderr)
    sys.exit(status)


def quoted(argument: str, free_text: Sequence[str]) -> str:
    """Return a command-line argument quoted for Hydra's grammar.

    Values of `free_text` options are always quoted, others where the grammar would refuse them (`data.path=my (2)`).
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


class _PrintableFormatter(logging.Formatter):
    """Formats records with control characters made printable."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the printable line of a record."""
        return printable(super().format(record))


def _log_to_stderr() -> None:
    rank = int(os.environ.get("RANK", "0"))
    logging.basicConfig(level=logging.WARNING, format="%(message)s", force=True)
    for handler in logging.getLogger().handlers:
        handler.setFormatter(_PrintableFormatter("%(message)s"))
    logging.getLogger("tts_toolkit").setLevel(logging.INFO if rank == 0 else logging.ERROR)
    logging.getLogger("speechbrain").setLevel(logging.WARNING)
    for library in ("huggingface_hub", "datasets"):  # which print their own warnings
        logging.getLogger(library).propagate = False
