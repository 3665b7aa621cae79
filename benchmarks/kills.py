"""Equality of runs that are killed at random moments and resumed with an uninterrupted run.

python -m benchmarks.kills [--kills N] [--json FILE]
    [--works training training_2 benchmark synthesize embed prepare score]

Fine-tunes the built-in model on the built-in voice (one process, then two), benchmarks it, synthesizes a list of texts
with it, embeds, prepares and scores recordings of that voice, each once without a kill; then repeatedly with SIGKILL to
all its processes at a random moment, every fourth time during or right after a write that a resume relies on, and run
again until it ends. Weights, metrics, rows, scores and the bytes of files must be equal.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

TIMED = ("frames_per_second", "data_wait_share")
TRAINING = [
    "experiment=demo", "asr=pocketsphinx", "schedule.max_steps=12", "schedule.eval_every=6", "schedule.save_every=2",
    "schedule.log_every=1", "evaluation.n_sentences=2", "evaluation.n_test_sentences=2", "evaluation.score_base=false",
]  # fmt: skip
BENCHMARK = [
    "systems=[speecht5_mini]", "asr=pocketsphinx", "speaker_verifier=ge2e", "references=null", "batch_size=2",
    "report.n_sentences=0", "min_coverage=0",
]  # fmt: skip
N_DRAWS = 5  # to wait for such a write
WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight")
N_RECORDINGS = 24
TEXTS = [f"this is sentence {word} of the list" for word in WORDS]


@dataclass(frozen=True)
class Work:
    """A command, its output folder, and the hash of its outcome."""

    command: Callable[[Path], list[str]]
    outcome: Callable[[Path], str]
    being_written: str  # glob of files that exist during, or just after, a write that a resume relies on


def digest(*parts: object) -> str:
    """Return a hash of an outcome's parts."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:16]


def trained(folder: Path) -> str:
    """Return the hash of a fine-tune's weights, metrics and scores."""
    weights = hashlib.sha256((folder / "model/model.safetensors").read_bytes()).hexdigest()
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").open()]
    metrics = [{name: value for name, value in row.items() if name not in TIMED} for row in rows]
    return digest(weights, metrics, json.loads((folder / "summary.json").read_text())["systems"])


def scored(folder: Path) -> str:
    """Return the hash of a benchmark's waveforms, transcripts and error rates."""
    system = folder / "systems/speecht5_mini"
    wavs = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in (system / "wavs").glob("*.wav")}
    transcripts = (system / "transcripts/rows.jsonl").read_text()
    summary = json.loads((folder / "summary.json").read_text())["systems"]["speecht5_mini"]
    return digest(wavs, transcripts, {name: summary[name] for name in ("wer", "wer_ci", "cer", "n_scored", "n_failed")})


def equal_bytes(*globs: str) -> Callable[[Path], str]:
    """Return a hash function for the files of a folder that must be equal to the byte."""

    def outcome(folder: Path) -> str:
        files = sorted(file for glob in globs for file in folder.glob(glob) if file.is_file())
        assert files, f"{folder} holds none of {globs}"
        here = str(folder).encode()  # which the card of a dataset names
        read = {str(f.relative_to(folder)): f.read_bytes().replace(here, b"FOLDER") for f in files}
        contents = {name: hashlib.sha256(content).hexdigest() for name, content in read.items()}
        return digest(contents)

    return outcome


def scored_recordings(folder: Path) -> str:
    """Return the hash of a scoring's waveforms, rows and figures."""
    rows = equal_bytes("systems/*/wavs/*", "systems/*/transcripts/*", "systems/*/embeddings/*", "references/**/*.wav")
    systems = json.loads((folder / "summary.json").read_text())["systems"]
    names = ("wer", "wer_ci", "cer", "similarity", "similarity_ci", "n_scored", "n_failed")
    return digest(rows(folder), {system: [figures[name] for name in names] for system, figures in systems.items()})


def recordings_in(folder: Path) -> Path:
    """Return a folder of some recordings of the built-in voice, named by the ids of `texts.tsv` next to it."""
    from tts_toolkit.assets import ASSETS

    (folder / "recordings").mkdir()
    rows = [json.loads(line) for line in (ASSETS / "demo-voice/metadata.jsonl").open()][:N_RECORDINGS]
    for row in rows:
        shutil.copy(ASSETS / "demo-voice" / row["file_name"], folder / "recordings")
        row["file_name"] = Path(row["file_name"]).name
    (folder / "recordings/metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    texts = (f"{Path(row['file_name']).stem}\t{row['text']}\n" for row in rows[:8])
    (folder / "recorded.tsv").write_text("".join(texts))
    return folder / "recordings"


def of_recordings(recordings: Path) -> dict[str, Work]:
    """Return the works that read recordings."""

    def command(module: str, *options: str) -> Callable[[Path], list[str]]:
        started = [sys.executable, "-m", f"tts_toolkit.{module}", *options]
        return lambda folder: [*started, f"output_dir={folder}", f"cache_dir={folder}/cache"]

    data, texts = f"data.path={recordings}", recordings.parent / "recorded.tsv"
    score = [
        f"wavs={recordings}",
        f"references={recordings}",
        f"texts={texts}",
        "asr=pocketsphinx",
        "speaker_verifier=ge2e",
    ]
    embedded = ("*.safetensors", "speaker_embeddings.json", "summary.json", "dataset/**/*")
    return {
        "embed": Work(
            command("train.embed", data, "encoder=xvector_mini"),
            equal_bytes(*embedded, "cache/embeddings/*/*.npy"),
            "speaker_embeddings.safetensors",
        ),
        "prepare": Work(
            command("train.prepare", data, "base_model=speecht5_mini", "encoder=xvector_mini", "estimate=null"),
            equal_bytes("manifest.jsonl", "rows.jsonl", "summary.json", "cache/embeddings/*/*.npy"),
            "manifest.jsonl",
        ),
        "score": Work(
            command("eval.score", *score, "background=null", "min_coverage=0", "report.n_sentences=0"),
            scored_recordings,
            "systems/*/transcripts/part-*.jsonl",
        ),
    }


def works(texts: Path) -> dict[str, Work]:
    """Return the works to kill, by name."""

    def synthesize(folder: Path) -> list[str]:
        model = ["model=speecht5-mini", "voice=slt", "batch_size=2", "seed=3"]
        return [sys.executable, "-m", "tts_toolkit.eval.synthesize", *model, f"texts={texts}", f"output={folder}"]

    def train(folder: Path, *launcher: str) -> list[str]:
        launch = [sys.executable, *launcher, "-m", "tts_toolkit.train.finetune", *TRAINING]
        return [*launch, f"output_dir={folder}", f"cache_dir={texts.parent / 'cache'}", "resume=latest"]

    def benchmark(folder: Path) -> list[str]:
        return [
            sys.executable,
            "-m",
            "tts_toolkit.eval.benchmark",
            *BENCHMARK,
            f"texts={texts}",
            f"output_dir={folder}",
        ]

    two = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2")
    return {
        "training": Work(train, trained, "checkpoints/.*.tmp"),
        "training_2": Work(lambda folder: train(folder, *two), trained, "checkpoints/.*.tmp"),
        "benchmark": Work(benchmark, scored, "**/.done.json.*.tmp"),
        "synthesize": Work(synthesize, equal_bytes("*.wav"), ".tts-synthesize/part-*.jsonl"),
        **of_recordings(recordings_in(texts.parent)),
    }


def run(command: Sequence[str], kill: Callable[[float], bool] | None = None) -> tuple[float, bool]:
    """Run a command to its end, or kill it and all its processes once `kill(seconds since the start)`, then True."""
    environment = os.environ | {"ACCELERATE_USE_CPU": "true", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    started = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
        while process.poll() is None:
            if kill is not None and kill(time.perf_counter() - started):
                _kill_with_children(process)
                return time.perf_counter() - started, True
            time.sleep(0.002)
        if process.returncode:
            output.seek(0)
            raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {output.read().decode()[-2000:]}")
    return time.perf_counter() - started, False


def _kill_with_children(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and its children, which launchers keep in process groups of their own."""
    process.send_signal(signal.SIGSTOP)  # or it would start more
    try:
        for child in psutil.Process(process.pid).children(recursive=True):
            child.kill()
    except psutil.NoSuchProcess:
        pass
    process.kill()
    process.wait()


def survive(work: Work, folder: Path, seconds: float, number: int, draw: random.Random) -> tuple[str, str]:
    """Kill once and resume; return the outcome and the moment. A run that ends before the kill does not count."""
    watched = number % 4 == 3
    for _ in range(N_DRAWS):
        moment = draw.uniform(0.0, seconds)

        def now(elapsed: float, moment: float = moment) -> bool:
            return bool(list(folder.glob(work.being_written))) if watched else elapsed > moment

        elapsed, killed = run(work.command(folder), now)
        if killed:
            run(work.command(folder))
            return work.outcome(folder), f"{elapsed:.1f} s{', while writing' if watched else ''}"
        shutil.rmtree(folder)
    raise RuntimeError(f"{folder.name}: the run ended {N_DRAWS} times before it was killed")


def main() -> None:
    """Kill, resume, compare and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20, help="of each work")
    parser.add_argument("--works", nargs="+", default=["training", "training_2", "benchmark"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    draw, results = random.Random(options.seed), {}
    with tempfile.TemporaryDirectory() as name:
        texts = Path(name) / "texts.txt"
        texts.write_text("\n".join(TEXTS) + "\n")
        known = works(texts)
        for chosen in options.works:
            work, straight = known[chosen], Path(name) / chosen / "straight"
            run(work.command(straight))  # fills the cache of features
            seconds, _ = run(work.command(Path(name) / chosen / "again"))
            expected = work.outcome(straight)
            assert work.outcome(Path(name) / chosen / "again") == expected, "two runs without a kill differ"
            survived, moments = 0, []
            for number in range(options.kills):
                outcome, moment = survive(work, Path(name) / chosen / str(number), seconds, number, draw)
                survived += outcome == expected
                moments.append(moment)
                print(f"{chosen} {number + 1}: killed at {moment} of {seconds:.1f}: "
                      f"{'equal' if outcome == expected else 'DIFFERENT'}", flush=True)  # fmt: skip
            results[chosen] = {"survived": survived, "tried": options.kills, "seconds": seconds, "moments": moments}
    for chosen, result in results.items():
        print(f"{chosen}: {result['survived']} of {result['tried']}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
