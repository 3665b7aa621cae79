"""Output of text from data: as text only, never as terminal control, markup or a separate line."""

from __future__ import annotations

import re
from typing import Any

# Control characters but tab and newline, changes of text direction, and surrogates, which no
# terminal can print.
CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
MARKUP = re.compile(r"[\\`|<>\[\]*~]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|^[#>+=-](?=\s|$|[-=])|&(?=#?\w+;)|!(?=\[)")


def printable(text: str) -> str:
    r"""Return a text with terminal control characters escaped: `\x1b[31m`."""
    return CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def markdown(text: object) -> str:
    """Return a text escaped for Markdown, in one line, for a table's cell, a list or a heading."""
    line = printable(" ".join(str(text).split()))
    return MARKUP.sub(lambda found: {"<": "&lt;", "&": "&amp;"}.get(found[0], f"\\{found[0]}"), line)


class Printable:
    """A text stream, standard output, that writes only `printable` text."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write the text, escaped."""
        return int(self._stream.write(printable(text)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


MAX_DIGITS = 9


def apart(value: float, limit: float, digits: int = 0) -> tuple[str, str]:
    """Return two numbers with enough decimals to show which is larger, at least `digits`."""
    for n in range(digits, MAX_DIGITS):
        if f"{value:.{n}f}" != f"{limit:.{n}f}" or value == limit:
            return _short(f"{value:.{n}f}"), _short(f"{limit:.{n}f}")
    return repr(float(value)), repr(float(limit))


def _short(number: str) -> str:
    """Return a number without trailing zeros."""
    return number.rstrip("0").rstrip(".") if "." in number else number


def n_of(n: int, noun: str) -> str:
    """A count with its noun, such as `1 clip` and `2,000 clips`."""
    return f"{n:,} {noun}" + ("" if n == 1 else "s")
