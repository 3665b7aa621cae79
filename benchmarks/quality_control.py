"""Detections, false alarms and speed of the quality control.

python -m benchmarks.quality_control [--data outputs/corpora/mini] [--json FILE] [--quick]
python -m benchmarks.quality_control --recorded FOLDER [FOLDER ...] [--json FILE]

`--data` is a folder of several voices, such as one of tts-corpus. Puts faults into 25 of 200 clips of one voice; puts a
clip of another voice among 50 of one, 20 times; inspects an hour of speech. `--recorded` inspects folders of recorded
people, whose clips are assumed to be their own, so that rejections are false alarms. Then clips are put under wrong
names, and one clip of another person among those of one.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from benchmarks.faults import write_faulty
from tts_toolkit.data.clips import Clip
from tts_toolkit.data.embeddings import clip_voices, usable_clips
from tts_toolkit.data.features import ClipLimits
from tts_toolkit.data.quality_control import Inspection, QualityControl, Thresholds
from tts_toolkit.data.rows import collected_faults
from tts_toolkit.data.sources import folder
from tts_toolkit.models.speecht5.checkpoint import load_speecht5
from tts_toolkit.speakers.encoders import SpeakerEncoder, SpeechBrainEncoder
from tts_toolkit.speakers.ge2e import Ge2eEncoder
from tts_toolkit.speakers.outliers import profiles
from tts_toolkit.text.frontend import TextFrontEnd
from tts_toolkit.text.languages import normalizer


def inspect_folder(path: Path, cache: Path) -> Inspection:
    """Inspect a folder with the built-in encoder."""
    front_end = TextFrontEnd(load_speecht5("speecht5-mini").processor.tokenizer, normalizer("en"))
    with collected_faults() as faults:
        clips = folder(str(path))
    encoder = SpeechBrainEncoder("xvector-mini")
    control = QualityControl(front_end, ClipLimits(), Thresholds(), cache_dir=cache, encoder=encoder)
    return control.inspect(clips, faults)


def found_reasons(found: Inspection) -> dict[str, str]:
    """Return the first reason of every rejected row, by its clip's id, or by `:line` where it has no clip."""
    reasons = {row.clip.id: next(iter(row.reasons)) for row in found.rows if not row.keep}
    return reasons | {f":{fault.source.rpartition(':')[2]}": "bad_row" for fault in found.faults}


def faults(clips: Sequence[Clip], work: Path, n_clips: int, n_faults: int) -> dict[str, object]:
    """Put faults into some clips of one voice and compare the findings with them."""
    expected = write_faulty(clips[:n_clips], work / "faulty", n_faults)
    reasons = found_reasons(inspect_folder(work / "faulty", work / "cache"))
    return {
        "n_clips": n_clips,
        "n_faults": len(expected),
        "n_right_reason": sum(reasons.get(id_) == reason for id_, reason in expected.items()),
        "n_clean_rejected": len(set(reasons) - set(expected)),
        "wrong": {id_: (reason, reasons.get(id_)) for id_, reason in expected.items() if reasons.get(id_) != reason},
    }


def foreign(by_voice: dict[str, list[Clip]], encoder: SpeakerEncoder, cache: Path, n_draws: int) -> dict[str, object]:
    """Put one clip of another voice among 50 of one, drawn again each time."""
    rng = np.random.default_rng(0)
    n_found = n_wrong = 0
    for _ in range(n_draws):
        own, other = rng.choice(sorted(by_voice), 2, replace=False)
        chosen = [by_voice[own][row] for row in rng.choice(len(by_voice[own]), 50, replace=False)]
        chosen.append(by_voice[other][int(rng.integers(len(by_voice[other])))])
        embeddings = clip_voices(chosen, encoder, ClipLimits(), cache).embeddings
        (profile,) = profiles([clip.id for clip in chosen], ["one"] * 51, embeddings)
        flagged = {outlier.id for outlier in profile.outliers}
        n_found += chosen[-1].id in flagged
        n_wrong += len(flagged - {chosen[-1].id})
    return {"n_draws": n_draws, "n_found": n_found, "n_own_flagged": n_wrong, "n_own": 50 * n_draws}


def hour(clips: Sequence[Clip], work: Path, minutes: float) -> dict[str, float]:
    """Inspect an hour of clips with an empty cache."""
    lines, seconds = [], 0.0
    for clip in clips:
        lines.append(json.dumps({"file_name": str(clip.audio.absolute()), "text": clip.transcript}))
        seconds += soundfile.info(clip.audio).duration
        if seconds >= 60 * minutes:
            break
    (work / "hour").mkdir()
    (work / "hour/metadata.jsonl").write_text("\n".join(lines) + "\n")
    started = time.perf_counter()
    inspect_folder(work / "hour", work / "hour_cache")
    return {"minutes_of_speech": seconds / 60, "n_clips": len(lines), "seconds": time.perf_counter() - started}


def alarms(path: Path, cache: Path) -> dict[str, object]:
    """Return the share of a set's rows that is rejected, with reasons."""
    started = time.perf_counter()
    found = inspect_folder(path, cache)
    n_rows = len(found.rows) + len(found.faults)
    seconds, counts = time.perf_counter() - started, found.by_reason()
    return {"n_rows": n_rows, "rejected": counts, "share": sum(counts.values()) / n_rows, "seconds": seconds}


def outliers(clips: Sequence[Clip], encoder: SpeakerEncoder, cache: Path, n_draws: int = 200) -> dict[str, object]:
    """Return the figures of outliers: false alarms, clips under a wrong name, a foreign clip among those of one."""
    limits = ClipLimits(max_duration_in_seconds=60.0)
    clips, _ = usable_clips(clips, encoder, limits, cache)
    embeddings = clip_voices(clips, encoder, limits, cache).embeddings
    speakers, ids = np.asarray([clip.speaker for clip in clips]), [str(row) for row in range(len(clips))]
    found = profiles(ids, speakers.tolist(), embeddings)
    result: dict[str, object] = {
        "parted": found[0].parted,
        "n_flagged": sum(len(profile.outliers) for profile in found),
        "n_clips": len(clips),
    }
    names, rng = np.unique(speakers), np.random.default_rng(0)
    if len(names) < 2:
        return result
    renamed = speakers.copy()
    wrong = {int(rng.choice(np.flatnonzero(speakers != name))): name for name in names}  # one clip more for each
    for row, name in wrong.items():
        renamed[row] = name
    flagged = {int(out.id) for profile in profiles(ids, renamed.tolist(), embeddings) for out in profile.outliers}
    result |= {"n_misfiled": len(wrong), "n_misfiled_found": len(flagged & set(wrong))}
    result |= {"n_own_flagged": len(flagged - set(wrong))}
    n_found = n_wrong = n_own = 0
    for _ in range(n_draws):
        name = rng.choice(names)
        own = np.flatnonzero(speakers == name)[:50]
        rows = [*own.tolist(), int(rng.choice(np.flatnonzero(speakers != name)))]
        (profile,) = profiles([str(row) for row in rows], ["one"] * len(rows), embeddings[rows])
        hit = {int(outlier.id) for outlier in profile.outliers}
        n_found, n_wrong, n_own = n_found + (rows[-1] in hit), n_wrong + len(hit - {rows[-1]}), n_own + len(own)
    return result | {"alone": {"n_draws": n_draws, "n_found": n_found, "n_own_flagged": n_wrong, "n_own": n_own}}


def recorded(folders: Sequence[Path], work: Path) -> dict[str, object]:
    """Return the false alarms on folders of recorded people, and the figures of outliers on all together."""
    results: dict[str, object] = {path.name: alarms(path, work / "inspected") for path in folders}
    for encoder in (SpeechBrainEncoder("xvector-mini"), Ge2eEncoder()):
        for path in folders:
            results[f"{path.name} {encoder.name}"] = outliers(folder(str(path)), encoder, work / "cache")
    return results


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("outputs/corpora/mini"))
    parser.add_argument("--voice", default="slt", help="of the first and the last question")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--quick", action="store_true", help="ten minutes of speech instead of an hour")
    parser.add_argument("--recorded", type=Path, nargs="+", help="folders of recorded people, each clip its speaker's")
    options = parser.parse_args()
    if options.recorded:
        with tempfile.TemporaryDirectory() as name:
            _write(recorded(options.recorded, Path(name)), options.json)
        return
    by_voice: dict[str, list[Clip]] = {}
    for clip in folder(str(options.data)):
        by_voice.setdefault(clip.speaker, []).append(clip)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        results: dict[str, object] = {
            "faults": faults(by_voice[options.voice], work, 200, 25),
            "foreign": {
                encoder.name: foreign(by_voice, encoder, work / "cache", 20)
                for encoder in (SpeechBrainEncoder("xvector-mini"), Ge2eEncoder())
            },
            "hour": hour(by_voice[options.voice], work, 10 if options.quick else 60),
        }
    _write(results, options.json)


def _write(results: dict[str, object], file: Path | None) -> None:
    print(json.dumps(results, indent=2))
    if file:
        file.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
