"""The exception for mistakes that users can correct, and one-line messages of other errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


class UserError(Exception):
    """A mistake in the input: one line with the value given, the values allowed and the remedy."""


class WrongOption(UserError):
    """A wrong command-line option: ends the command with status 2, before anything is run."""


class UserErrors(UserError):
    """Several mistakes, reported together, one line each."""

    def __init__(self, errors: Sequence[UserError]) -> None:
        super().__init__(" | ".join(str(error) for error in errors))
        self.errors = list(errors)


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those it was raised from: Hydra wraps the errors of constructors."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__


def hub_is_missing(error: BaseException) -> bool:
    """Whether the cause of an error is an unreachable hub, or offline mode."""
    return any(_is_of_connection(cause) for cause in _all_causes(error))


def _all_causes(error: BaseException) -> Iterator[BaseException]:
    waiting = [error]
    seen = set[int]()
    while waiting:
        found = waiting.pop()
        if id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        waiting += [cause for cause in (found.__cause__, found.__context__) if cause is not None]
        waiting += getattr(found, "errors", []) if isinstance(found, UserErrors) else []


def _is_of_connection(error: BaseException) -> bool:
    names = {kind.__name__ for kind in type(error).__mro__}
    return bool(names & {"LocalEntryNotFoundError", "OfflineModeIsEnabled", "ConnectionError", "TransportError"})


def one_line(error: object) -> str:
    """Return the message of an error, or a text, as one line."""
    return " ".join(str(error).split()) or type(error).__name__


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, or its type where the message is empty."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
