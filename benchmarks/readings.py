"""Share of written English that is normalized as a careful reader would: `python benchmarks/readings.py CASES.json`.

The file maps a kind to a list of [written, [accepted readings]]. Case, hyphens, other punctuation and the "and" inside
numbers do not count. Prints the share of each kind and, with `--wrong`, every reading that is not accepted.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

from tts_toolkit.text.english import normalize_english


def compared(text: str) -> str:
    """Return `text` in lower case, without punctuation and without "and"."""
    words = re.sub(r"[^\w']+", " ", text.lower()).split()
    return " ".join(word for word in words if word != "and")


def main() -> None:
    """Print a table of kinds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", type=Path)
    parser.add_argument("--wrong", action="store_true")
    options = parser.parse_args()
    kinds: dict[str, list[tuple[str, list[str]]]] = json.loads(options.cases.read_text(encoding="utf-8"))
    n_read = n_all = 0
    for kind, cases in kinds.items():
        got = [(written, normalize_english(written), accepted) for written, accepted in cases]
        wrong = [case for case in got if compared(case[1]) not in {compared(reading) for reading in case[2]}]
        n_all, n_read = n_all + len(cases), n_read + len(cases) - len(wrong)
        print(f"{kind:12} {len(cases) - len(wrong):4} of {len(cases):4}")
        for written, reading, accepted in wrong if options.wrong else []:
            print(f"    {written!r} -> {reading!r}, wanted {' | '.join(accepted)}")
    print(f"{'all':12} {n_read:4} of {n_all:4}, {n_read / n_all:.1%}")


if __name__ == "__main__":
    main()
