"""The seed rule of every command: random draws depend on the given seed and the text."""

from __future__ import annotations

import hashlib
import unicodedata


def piece_seed(seed: int, text: str, piece: int = 0) -> int:
    """Return the seed (32 bits) of a piece of a text, the same in every command.

    It does not depend on the voice, which has many names (a file, a speaker of a model, none) that must sound the same,
    nor on blanks and the Unicode form of a text.
    """
    words = " ".join(unicodedata.normalize("NFC", text).split())
    return int.from_bytes(hashlib.sha256(f"{seed}\0{piece}\0{words}".encode("utf-8", "surrogatepass")).digest()[:4])
