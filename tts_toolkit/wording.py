"""Numbers in messages."""

from __future__ import annotations

MAX_DIGITS = 9


def apart(value: float, limit: float, digits: int = 0) -> tuple[str, str]:
    """Return two numbers with as many digits behind the point as it takes to see which is larger, `digits` at least."""
    for n in range(digits, MAX_DIGITS):
        if f"{value:.{n}f}" != f"{limit:.{n}f}" or value == limit:
            return _short(f"{value:.{n}f}"), _short(f"{limit:.{n}f}")
    return repr(float(value)), repr(float(limit))


def _short(number: str) -> str:
    """Return a number without zeros at its end."""
    return number.rstrip("0").rstrip(".") if "." in number else number
