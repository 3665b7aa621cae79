"""English sentences from the usage examples of WordNet 3.0 (Debian package `wordnet-base`)."""

from __future__ import annotations

import re
from pathlib import Path

from tts_toolkit.system.errors import UserError

PARTS_OF_SPEECH = ("noun", "verb", "adj", "adv")
_EXAMPLE = re.compile(r'"([^"]+)"')
_PLAIN = re.compile(r"[A-Za-z][A-Za-z ,.'?!;-]*")


def wordnet_examples(
    folder: str = "/usr/share/wordnet", min_words: int = 4, max_words: int = 12, max_characters: int = 70
) -> list[str]:
    """Return the distinct examples that are plain words and punctuation, in file order.

    The database format is described in the manual page wndb(5WN): a gloss follows `|`, its examples are in double
    quotes. Raises UserError when the database is not installed.
    """
    files = [Path(folder) / f"data.{part}" for part in PARTS_OF_SPEECH]
    missing = [str(file) for file in files if not file.is_file()]
    if missing:
        raise UserError(f"{missing[0]} not found; install WordNet (Debian: apt-get install wordnet-base)")
    found: dict[str, str] = {}
    for file in files:
        for line in file.read_text(encoding="latin-1").splitlines():
            for example in _EXAMPLE.findall(line.partition("|")[2]):
                sentence = example.strip()
                n_words = len(sentence.split())
                if min_words <= n_words <= max_words and len(sentence) <= max_characters and _PLAIN.fullmatch(sentence):
                    found.setdefault(sentence.lower(), _ended(sentence))
    return list(found.values())


def _ended(sentence: str) -> str:
    """Return an example with a final mark, as most typed texts have one."""
    return sentence if sentence[-1] in ".?!" else sentence.rstrip(",;-") + "."
