"""The one exception that is a user's to mend, and what others say in a line."""


class UserError(Exception):
    """A mistake in what was given: says what was found, what is allowed and what to do, in one line."""


def first_line(error: BaseException) -> str:
    """Return the first line of what an error says, or its type where it says nothing."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
