"""Speed of scoring with two processes against one, and equality of their rows.

python -m benchmarks.processes [--json FILE] [--rounds N] [--clips N]

Scores the built-in demo voice (faster-whisper and GE2E on the CPU): one process on one core, one on two, and two, in
turn, several rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tts_toolkit.assets import ASSETS

LAUNCH = ["-m", "torch.distributed.run", "--nproc_per_node", "2"]
CASES: dict[str, tuple[list[str], dict[str, str]]] = {
    "1 process, 1 thread": ([], {"OMP_NUM_THREADS": "1"}),
    "1 process, 2 threads": ([], {"OMP_NUM_THREADS": "2"}),
    "2 processes, 1 thread each": (LAUNCH, {"OMP_NUM_THREADS": "1"}),
}


def score(work: Path, launch: list[str], threads: dict[str, str]) -> tuple[float, list[str]]:
    """Score once from an empty folder; return the seconds and the hypotheses."""
    shutil.rmtree(work / "out", ignore_errors=True)
    command = [sys.executable, *launch, "-m", "tts_toolkit.eval.score", f"wavs={work / 'wavs'}",
               f"texts={work / 'texts.jsonl'}", f"output_dir={work / 'out'}", "asr=offline", "speaker_verifier=ge2e",
               "test_set.allow_outside=true", "min_coverage=0", "report.n_sentences=0"]  # fmt: skip
    started = time.perf_counter()
    environment = os.environ | threads | {"ACCELERATE_USE_CPU": "true", "HF_HUB_OFFLINE": "1"}
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    seconds = time.perf_counter() - started
    rows = (work / "out/systems/wavs/transcripts/rows.jsonl").read_text().splitlines()
    return seconds, sorted(json.loads(row)["id"] + json.loads(row)["hypothesis"] for row in rows)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clips", type=int, default=140, help="of the demo voice")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "wavs").mkdir()
        rows = [json.loads(line) for line in (ASSETS / "demo-voice/metadata.jsonl").open()]
        with (work / "texts.jsonl").open("w") as texts:
            for row in rows[: options.clips]:
                source = ASSETS / "demo-voice" / row["file_name"]
                shutil.copy(source, work / "wavs" / source.name)
                texts.write(json.dumps({"id": source.stem, "text": row["text"],
                                        "reference": str(source), "speaker": "awb"}) + "\n")  # fmt: skip
        seconds: dict[str, list[float]] = {name: [] for name in CASES}
        found = []
        for turn in range(options.rounds):
            for name in list(CASES)[:: 1 if turn % 2 == 0 else -1]:
                elapsed, hypotheses = score(work, *CASES[name])
                seconds[name].append(elapsed)
                found.append(hypotheses)
    *alone, together = seconds.values()
    ratios = {
        f"to {name}": statistics.median(one / two for one, two in zip(of_one, together, strict=True))
        for name, of_one in zip(CASES, alone, strict=False)
    }
    result = {
        "seconds": seconds,
        "ratio": ratios,
        "equal_rows": all(hypotheses == found[0] for hypotheses in found),
    }
    print(json.dumps(result, indent=2))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
