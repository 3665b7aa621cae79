"""The seed rule of every command: what is drawn for a text follows from the given seed and the text."""

from __future__ import annotations

import hashlib
import unicodedata


def piece_seed(seed: int, text: str, piece: int = 0) -> int:
    """Return the seed (32 bits) of a piece of a text: the same for all who speak that text with that seed.

    The voice has no part in it: it goes by many names (a file, a speaker of a model, none at all), and the same voice
    is to sound the same by each. Blanks and the Unicode form of a text have none either.
    """
    words = " ".join(unicodedata.normalize("NFC", text).split())
    return int.from_bytes(hashlib.sha256(f"{seed}\0{piece}\0{words}".encode("utf-8", "surrogatepass")).digest()[:4])
