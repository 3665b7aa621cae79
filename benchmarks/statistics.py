"""Simulated coverage of intervals, false alarms, and detectable differences by number of prompts and speakers.

python -m benchmarks.statistics                  # coverage, alarms and the table of docs/statistics.md, minutes
python -m benchmarks.statistics --trials 200     # the same, rougher
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np

from tts_toolkit.evaluation.statistics.intervals import ratio_interval
from tts_toolkit.evaluation.statistics.paired_tests import mean_difference, wer_difference

RATE = 0.1
SIMILARITY = 0.8
SIZES = (6, 10, 20, 50, 200)
World = tuple[np.ndarray, np.ndarray, list[str], float]  # numerators, denominators, clusters, and the true ratio


def _words(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.integers(4, 16, shape)


def _error_chances(rng: np.random.Generator, difficulty: np.ndarray, n_readings: int) -> np.ndarray:
    """Return the chance of an error (n, n_readings) in readings of prompts whose mean chance is `difficulty`."""
    concentration = 6
    shapes = np.maximum(concentration * difficulty, 1e-6), np.maximum(concentration * (1 - difficulty), 1e-6)
    return rng.beta(shapes[0][:, None], shapes[1][:, None], (len(difficulty), n_readings))


def prompts(rng: np.random.Generator, n: int, rate: float = RATE) -> World:
    """Return a corpus of prompts whose difficulty varies, as that of real ones does, each read once."""
    words = _words(rng, n)
    return rng.binomial(words, rng.beta(0.8, 0.8 * (1 - rate) / rate, n)), words, [str(i) for i in range(n)], rate


def readings(rng: np.random.Generator, n: int, rate: float = RATE, n_readings: int = 3) -> World:
    """Return prompts read several times: readings of one prompt differ less than prompts do."""
    words = np.repeat(_words(rng, n)[:, None], n_readings, axis=1)
    chance = _error_chances(rng, rng.beta(0.8, 0.8 * (1 - rate) / rate, n), n_readings)
    names = [str(i) for i in range(n) for _ in range(n_readings)]
    return rng.binomial(words, chance).ravel(), words.ravel(), names, rate


def speakers(rng: np.random.Generator, n: int, rate: float = RATE) -> World:
    """Return speakers who differ, with 50 prompts each."""
    words = _words(rng, n, 50)
    errors = rng.binomial(words, rng.beta(2, 2 * (1 - rate) / rate, n)[:, None])
    return errors.ravel(), words.ravel(), [str(i) for i in range(n) for _ in range(50)], rate


def unequal_speakers(rng: np.random.Generator, n: int, rate: float = RATE) -> World:
    """Return speakers with 5 to 60 prompts each."""
    sizes = rng.integers(5, 61, n)
    words = _words(rng, int(sizes.sum()))
    errors = rng.binomial(words, np.repeat(rng.beta(2, 2 * (1 - rate) / rate, n), sizes))
    return errors, words, [str(i) for i, size in enumerate(sizes) for _ in range(size)], rate


def similarity(rng: np.random.Generator, n: int) -> World:
    """Return similarities of prompts read three times, skewed as cosines below one are."""
    of_prompt = rng.beta(18, 18 * (1 - SIMILARITY) / SIMILARITY, n)
    values = of_prompt[:, None] + rng.normal(0, 0.02, (n, 3))
    return values.ravel(), np.ones(3 * n), [str(i) for i in range(n) for _ in range(3)], SIMILARITY


WORLDS: dict[str, Callable[..., World]] = {
    "prompts": prompts,
    "readings": readings,
    "speakers": speakers,
    "unequal speakers": unequal_speakers,
    "similarity": similarity,
}


def coverage(world: str, n_clusters: int, n_trials: int, **settings: float) -> float:
    """Return the share of intervals of so many clusters that hold the truth."""
    hits = 0
    for trial in range(n_trials):
        tops, bottoms, names, truth = WORLDS[world](np.random.default_rng([trial, n_clusters]), n_clusters, **settings)
        interval = ratio_interval(tops, bottoms, names)
        hits += interval is not None and interval.low <= truth <= interval.high
    return hits / n_trials


def _pair(world: str, rng: np.random.Generator, n: int, shift: float = 0.0, n_readings: int = 1) -> float:
    """Return p for two systems on the same prompts, the second worse by `shift` of WER."""
    if world == "similarity of speakers":
        of_speaker = rng.normal(SIMILARITY, 0.05, n)
        first, second = (
            (of_speaker + rng.normal(0, 0.02, n))[:, None] + rng.normal(0, 0.03, (n, 20)) for _ in range(2)
        )
        names = [str(i) for i in range(n) for _ in range(20)]
        return _p(mean_difference("similarity", first.ravel().tolist(), second.ravel().tolist(), names).p)
    if world == "speakers":
        words = _words(rng, n, 20)
        of_speaker = rng.beta(2, 2 * (1 - RATE) / RATE, n)
        scatter = [np.clip(of_speaker * np.exp(rng.normal(0, 0.3, n)), 0, 1) for _ in range(2)]
        chances = [np.repeat(chance[:, None], 20, axis=1) for chance in scatter]
        names = [str(i) for i in range(n) for _ in range(20)]
    else:
        words = np.repeat(_words(rng, n)[:, None], n_readings, axis=1)
        difficulty = rng.beta(0.8, 0.8 * (1 - RATE) / RATE, n)
        chances = [_error_chances(rng, difficulty, n_readings) for _ in range(2)]
        names = [str(i) for i in range(n) for _ in range(n_readings)]
    chances[1] = chances[1] * (1 + shift / RATE)
    errors = [rng.binomial(words, np.clip(chance, 0, 1)).ravel().tolist() for chance in chances]
    return _p(wer_difference(errors[0], errors[1], words.ravel().tolist(), names).p)


def _p(value: float | None) -> float:
    return 1.0 if value is None else value


def alarms(world: str, n_clusters: int, n_trials: int, n_readings: int | None = None, shift: float = 0.0) -> float:
    """Return the share of pairs of equal systems (or `shift` apart) with a p below 0.05."""
    n_readings = n_readings or (3 if world == "readings" else 1)
    rngs = (np.random.default_rng([trial, n_clusters, n_readings]) for trial in range(n_trials))
    return float(np.mean([_pair(world, rng, n_clusters, shift, n_readings) < 0.05 for rng in rngs]))


def detectable(world: str, n_clusters: int, n_readings: int, n_trials: int) -> float | None:
    """Return the difference of WER that so many prompts (or speakers) detect in 80 % of trials; None above 20 %."""
    few, many = 0.0, 0.2
    if alarms(world, n_clusters, n_trials, n_readings, many) < 0.8:
        return None
    for _ in range(6):
        middle = (few + many) / 2
        found = alarms(world, n_clusters, n_trials, n_readings, middle) >= 0.8
        few, many = (few, middle) if found else (middle, many)
    return many


def main() -> None:
    """Print the three tables as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=2000)
    n_trials = parser.parse_args().trials
    print(f"| 95 % intervals cover, of {n_trials:,} | " + " | ".join(map(str, SIZES)) + " |\n" + "|---" * 6 + "|")
    for world in WORLDS:
        rates = [{"rate": rate} for rate in (0.02, 0.1, 0.3)] if world != "similarity" else [{}]
        for settings in rates:
            name = world + (f", WER {100 * settings['rate']:.0f} %" if settings else "")
            cells = [f"{100 * coverage(world, n, n_trials, **settings):.1f}" for n in SIZES]
            print(f"| {name} | {' | '.join(cells)} |", flush=True)
    print("\n| equal systems alarm, % | " + " | ".join(map(str, SIZES)) + " |\n" + "|---" * 6 + "|")
    for world in ("prompts", "readings", "speakers", "similarity of speakers"):
        print(f"| {world} | {' | '.join(f'{100 * alarms(world, n, n_trials):.1f}' for n in SIZES)} |", flush=True)
    sizes = (10, 20, 50, 100, 200, 400)
    print(
        "\n| shown four times out of five, points of WER | " + " | ".join(map(str, sizes)) + " |\n" + "|---" * 7 + "|"
    )
    for name, world, n_readings in (
        ("prompts read once", "prompts", 1), ("prompts read 3 times", "prompts", 3),
        ("prompts read 10 times", "prompts", 10), ("speakers of 20 prompts", "speakers", 1),
    ):  # fmt: skip
        found = [detectable(world, n, n_readings, max(n_trials // 10, 50)) for n in sizes]
        print(f"| {name} | {' | '.join('–' if x is None else f'{100 * x:.1f}' for x in found)} |", flush=True)


if __name__ == "__main__":
    main()
