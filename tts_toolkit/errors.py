"""The one exception that is a user's to mend."""


class UserError(Exception):
    """A mistake in what was given: says what was found, what is allowed and what to do, in one line."""
