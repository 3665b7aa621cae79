"""Non-verbal cues, which Bark performs and other synthesizers must not read as words."""

from __future__ import annotations

import re

# As Suno lists them. Recognizers write some of them too, in brackets or not at all.
CUE = re.compile(r"\[(?:laughter|laughs|sighs|music|gasps|clears throat|man|woman)\]|♪", re.IGNORECASE)


def without_cues(text: str) -> str:
    """Return the words to be said: `text` without its cues."""
    return " ".join(CUE.sub(" ", text).split()) if CUE.search(text) else text
