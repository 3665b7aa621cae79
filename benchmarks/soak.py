"""Memory, open files and processes over one long run.

python -m benchmarks.soak [--texts N] [--json FILE]

Synthesizes short texts with the built-in model through the benchmark's synthesis stage, then counts rows, memory, open
files and child processes at the start (after a tenth) and at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import tempfile
import time
from pathlib import Path

N_PARTS = 10
SUBJECTS = "the cat|a dog|my friend|the old man|our teacher|a small bird|the captain|her sister|the doctor|a child"
VERBS = "saw|heard|found|liked|wanted|called|followed|helped|met|watched"
OBJECTS = "the house|a red car|two boats|the long road|his brother|some water|a new book|the station|an open door|me"


def sentences(n: int) -> list[str]:
    """Return `n` texts of four to six words that differ."""
    parts = [part.split("|") for part in (SUBJECTS, VERBS, OBJECTS)]
    found = [f"{a} {b} {c}{end}" for end in (".", "!", "?", ", yes.", ", no.", " now.", " here.", " there.", " again.",
             " today.") for a in parts[0] for b in parts[1] for c in parts[2]]  # fmt: skip
    if n > len(found):
        raise SystemExit(f"--texts {n}: at most {len(found)}")
    return found[:n]


def state() -> dict[str, int]:
    """Return this process's resident bytes, open files and child processes (Linux)."""
    status = Path("/proc/self/status").read_text()
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    resident = int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1024  # type: ignore[index]
    return {"bytes": resident, "files": len(list(Path("/proc/self/fd").iterdir())), "children": len(children)}


def main() -> None:
    """Synthesize, count and print."""
    from tts_toolkit.data.test_sets import Prompt
    from tts_toolkit.evaluation.stage_log import has_failed
    from tts_toolkit.evaluation.stages import synthesize
    from tts_toolkit.models.speecht5.synthesizer import SpeechT5Synthesizer
    from tts_toolkit.system.memory import free_memory
    from tts_toolkit.system.processes import ALONE

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=10_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    prompts = [Prompt(f"{number:05d}", text) for number, text in enumerate(sentences(options.texts))]
    synthesizer, size, states, n_spoken = (
        SpeechT5Synthesizer("speecht5-mini", voice="slt"),
        options.texts // N_PARTS,
        [],
        0,
    )
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        for part in range(N_PARTS):
            chosen = prompts[part * size : (part + 1) * size]
            rows = synthesize(synthesizer, chosen, Path(folder) / str(part), 0, 16, ALONE)
            n_spoken += sum(not has_failed(row) for row in rows.values())
            free_memory()
            states.append(state())
            print(f"{(part + 1) * size}: {states[-1]}", flush=True)
    result = {"planned": size * N_PARTS, "spoken": n_spoken, "seconds": time.perf_counter() - started, "states": states}
    grown = states[-1]["bytes"] - states[0]["bytes"]
    print(f"{n_spoken} of {size * N_PARTS} spoken in {result['seconds']:.0f} s; memory {states[0]['bytes'] / 1e6:.0f} "
          f"MB after a tenth, {grown / 1e6:+.0f} MB at the end")  # fmt: skip
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
