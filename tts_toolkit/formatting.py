"""Text from data, shown to people: as text only, never as terminal control, markup or a line of its own."""

from __future__ import annotations

import re
from typing import Any

# Control characters but tab and newline, what turns the direction of text, and halves of characters, which no
# terminal can print.
CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
MARKUP = re.compile(r"[\\`|<>\[\]*~]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|^[#>+=-](?=\s|$|[-=])|&(?=#?\w+;)|!(?=\[)")


def printable(text: str) -> str:
    r"""Return a text with what would steer a terminal written out: `\x1b[31m`."""
    return CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def markdown(text: object) -> str:
    """Return a text as Markdown that shows it, in one line: in a table's cell, a list or a heading."""
    line = printable(" ".join(str(text).split()))
    return MARKUP.sub(lambda found: {"<": "&lt;", "&": "&amp;"}.get(found[0], f"\\{found[0]}"), line)


class Printable:
    """A stream of text, standard output, that lets nothing through but what is `printable`."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write the text as it is shown."""
        return int(self._stream.write(printable(text)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
