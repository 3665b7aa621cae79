"""The output of a benchmark: `report.html` for people; summary, table, leaderboard and card block for programs."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import soundfile

from tts_toolkit.audio.log_mel import N_FFT, log_mel
from tts_toolkit.audio.waveforms import SAMPLE_RATE_HZ, resample
from tts_toolkit.evaluation.aggregation import GROUPS
from tts_toolkit.evaluation.metrics.base import Column, columns_of, declared_in
from tts_toolkit.evaluation.metrics.speaker_similarity import scale_line
from tts_toolkit.evaluation.pipeline import NATURAL, Results
from tts_toolkit.evaluation.plan import system_folders
from tts_toolkit.evaluation.reaggregate import SUMMARY, TABLE, TABLE_SHA256
from tts_toolkit.nn.devices import hardware
from tts_toolkit.report.html import data_uri, mp3, word_differences
from tts_toolkit.report.plots import intervals_svg, png, scatter_svg, spectrogram_picture
from tts_toolkit.report.training import training_curves
from tts_toolkit.system.errors import UserError
from tts_toolkit.system.files import file_hash, write_whole
from tts_toolkit.system.formatting import markdown, printable
from tts_toolkit.system.reading import sealed_json

PACKAGES = (
    "tts-toolkit", "torch", "transformers", "speechbrain", "faster-whisper", "ctranslate2", "jiwer",
    "whisper-normalizer", "zhon", "kaldialign", "numpy", "scipy",
)  # fmt: skip

MP3_RATES_HZ = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)  # of MPEG 1 to 2.5


@dataclass(frozen=True)
class ReportOptions:
    """Size and title of a benchmark's report."""

    n_sentences: int = 100  # with players, worst first
    n_listed: int = 1000  # in the table of utterances; scores.parquet holds them all
    title: str | None = "Speech synthesis benchmark"  # None: that of the report being rewritten


def write_benchmark(output_dir: Path, results: Results, options: ReportOptions) -> Path:
    """Write summary.json, scores.parquet, leaderboard.md, model-index.yml and report.html; return the last."""
    summary = {**surroundings(), "title": options.title, **results.summary}  # the summary's own values win
    options = replace(options, title=options.title or summary["title"])
    summary["title"] = options.title
    _write_table(output_dir / TABLE, results.rows)
    summary[TABLE_SHA256] = file_hash(output_dir / TABLE)
    write_whole(
        output_dir / SUMMARY,
        sealed_json(summary),
    )
    write_whole(output_dir / "leaderboard.md", (leaderboard(summary) + "\n").encode())
    write_whole(output_dir / "model-index.yml", model_index(summary, summary["title"]).encode())
    report = output_dir / "report.html"
    write_whole(report, printable(_html(output_dir, results, summary, options)).encode())
    return report


def surroundings() -> dict[str, Any]:
    """Return versions and machine of the scoring; each system's facts hold the machine of its synthesis."""
    versions = {package: _version(package) for package in PACKAGES} | {"python": platform.python_version()}
    return {"versions": versions, "hardware": hardware()}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def _write_table(file: Path, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    import io

    import pyarrow
    import pyarrow.parquet

    table = pyarrow.Table.from_pylist([{"system": name, **row} for name, found in rows.items() for row in found])
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(table, buffer)
    write_whole(file, buffer.getvalue())


def leaderboard(summary: Mapping[str, Any]) -> str:
    """Return the systems as Markdown tables: strict figures with intervals, then every protocol side by side."""
    systems, headline = summary["systems"], summary["headline"]
    rates_of = {name: s[headline] for name, s in systems.items()}
    ranked = sorted(systems, key=lambda name: (name != NATURAL, rates_of[name] is None, rates_of[name]))
    columns = columns_of(declared_in(summary))
    titles = ["system", "WER %", "CER %", "similarity", "normalized", *(markdown(column.heading) for column in columns)]
    titles += ["RTF", "scored", "failed"]
    lines = [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    for name in ranked:
        s = systems[name]
        cells = [
            markdown(name), with_interval(s["wer"], s["wer_ci"], 100, 1), with_interval(s["cer"], s["cer_ci"], 100, 1),
            with_interval(s["similarity"], s["similarity_ci"], 1, 3), 
            with_interval(s["similarity_normalized"], s["similarity_normalized_ci"], 1, 2),
            *(figure(s, column) for column in columns),
            with_interval(s["rtf"], s["rtf_ci"], 1, 3), f"{s['n_scored']} of {s['n_planned']}", str(s["n_failed"]),
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    protocols = list(next(iter(systems.values()))["protocols"])
    lines += _under_protocols(systems, ranked, protocols, headline) if protocols else []
    recognizer, speaker_verifier = (
        summary[part]["name"] if summary[part] else "none" for part in ("recognizer", "speaker_verifier")
    )
    lines += [
        "",
        f"Recognizer: {recognizer}. Speaker verifier: {speaker_verifier}. Intervals: {summary['intervals']}.",
    ]
    lines += [f"{note[0].upper()}{note[1:]}." for note in summary["interval_notes"]]
    if summary["similarity_scale"]:
        lines.append(f"Similarity is a cosine: {scale_line(summary['similarity_scale'])}; normalized puts it between.")
    return "\n".join(lines)


def _under_protocols(
    systems: Mapping[str, Any], ranked: Sequence[str], protocols: Sequence[str], headline: str
) -> list[str]:
    """Lines of a Markdown table: the headline rate of each system under each protocol."""
    lines = ["", f"| {headline.upper()} % under | {' | '.join(protocols)} |", "|---" * (len(protocols) + 1) + "|"]
    for name in ranked:
        found = [systems[name]["protocols"][protocol] for protocol in protocols]
        rates = [with_interval(rate[headline], rate[f"{headline}_ci"], 100, 2) for rate in found]
        lines.append(f"| {markdown(name)} | {' | '.join(rates)} |")
    return lines


def number(value: float | None, scale: float, n_digits: int) -> str:
    """Return a figure as text, a dash where there is none."""
    return "–" if value is None else f"{scale * value:.{n_digits}f}"


def with_interval(value: float | None, interval: Sequence[float] | None, scale: float, n_digits: int) -> str:
    """Return a figure with the ends of its interval."""
    if value is None or interval is None:
        return number(value, scale, n_digits)
    low, high = (number(end, scale, n_digits) for end in interval)
    return f"{number(value, scale, n_digits)} [{low}, {high}]"


def figure(figures: Mapping[str, Any], column: Column) -> str:
    """Return a system's figure of a metric's column with its interval, for display."""
    return with_interval(figures[column.name], figures[f"{column.name}_ci"], column.scale, column.digits)


def model_index(summary: Mapping[str, Any], dataset: str) -> str:
    """Return the `model-index` block of a model card for each system that has a checkpoint, as YAML."""
    import yaml

    def metric(kind: str, name: str, value: float | None, interval: Any, **args: Any) -> dict[str, Any]:
        return {"type": kind, "name": name, "value": value, "args": {"ci95": interval and list(interval), **args}}

    scale = summary["similarity_scale"] or {}
    natural = {name: scale[name] for name in ("ceiling", "floor", "equal_error_rate") if scale}
    entries = []
    for name, figures in summary["systems"].items():
        if figures["played_back"]:
            continue
        similarity_name = (
            f"speaker similarity ({summary['speaker_verifier']['name']})"
            if summary["speaker_verifier"]
            else "speaker similarity"
        )
        metrics = [
            metric(
                "wer",
                f"corpus WER, strict ({(summary['recognizer'] or {}).get('name')})",
                figures["wer"],
                figures["wer_ci"],
            ),
            metric("cer", "corpus CER, strict", figures["cer"], figures["cer_ci"]),
            metric("cosine", similarity_name, figures["similarity"], figures["similarity_ci"], **natural),
        ]
        task = {"type": "text-to-speech", "name": "Text to speech"}
        result = {
            "task": task,
            "dataset": {"name": dataset, "type": "text", "args": {"n_planned": figures["n_planned"]}},
            "metrics": [entry for entry in metrics if entry["value"] is not None],
        }
        entries.append({"name": name, "results": [result]})
    return str(yaml.safe_dump({"model-index": entries}, sort_keys=False, allow_unicode=True))


def _html(output_dir: Path, results: Results, summary: Mapping[str, Any], options: ReportOptions) -> str:
    import yaml
    from jinja2 import Environment, PackageLoader

    environment = Environment(loader=PackageLoader("tts_toolkit", "report"), autoescape=True)
    environment.globals |= {"number": number, "with_interval": with_interval, "figure": figure}
    template = environment.get_template("benchmark.html.j2")
    return str(
        template.render(
            title=options.title,
            summary=summary,
            systems=summary["systems"],
            plots=_plots(summary),
            sentences=list(_sentences(output_dir, results, options)),
            n_prompts=max(len(rows) for rows in results.rows.values()),
            metrics=declared_in(summary),
            columns=columns_of(declared_in(summary)),
            groups=_groups(summary["systems"]),
            curves=training_curves(output_dir / "metrics.jsonl"),
            config=yaml.safe_dump(summary["config"], sort_keys=False, allow_unicode=True) if summary["config"] else "",
        )
    )


def _groups(systems: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the groups of all systems: a system may cover only part of the texts."""
    found = {name: {value for s in systems.values() for value in s["groups"].get(name, {})} for name in GROUPS}
    return {name: sorted(values) for name, values in found.items() if values}


def _plots(summary: Mapping[str, Any]) -> dict[str, str]:
    systems, scale, headline = summary["systems"], summary["similarity_scale"], summary["headline"]
    name_of = {"wer": "Word error rate", "cer": "Character error rate"}[headline]
    plots = {}
    rates = {
        name: (100 * s[headline], (ends := s[f"{headline}_ci"]) and (100 * ends[0], 100 * ends[1]))
        for name, s in systems.items()
        if s[headline] is not None
    }
    if rates:
        plots[name_of] = intervals_svg(rates, f"corpus {headline.upper()}, %")
    similar = {n: (s["similarity"], s["similarity_ci"]) for n, s in systems.items() if s["similarity"] is not None}
    if similar and scale:
        marks = {"different speaker": scale["floor"], "same speaker": scale["ceiling"]}
        known = {name: at for name, at in marks.items() if at is not None}
        plots["Speaker similarity"] = intervals_svg(similar, "cosine", known)
    speeds = {n: (1 / s["rtf"], rates[n][0]) for n, s in systems.items() if s.get("rtf") and n in rates}
    if speeds:
        plots["Speed against error"] = scatter_svg(
            speeds, "seconds of audio per second", f"corpus {headline.upper()}, %"
        )
    return plots


def _sentences(output_dir: Path, results: Results, options: ReportOptions) -> Iterator[dict[str, Any]]:
    """Yield the sentences worst first, each with every system's sample; the first ones with sound."""
    by_prompt = {name: {row["id"]: row for row in rows} for name, rows in results.rows.items()}
    tested = {name: rows for name, rows in by_prompt.items() if name != NATURAL} or by_prompt
    folders = system_folders(by_prompt)
    rows_of = next(iter(tested.values()))  # every tested system has every text

    def worst(id_: str) -> float:
        return max((rows[id_]["wer"] or 0.0) for rows in tested.values())

    for position, id_ in enumerate(sorted(rows_of, key=worst, reverse=True)[: options.n_listed]):
        with_sound = position < options.n_sentences
        samples = {
            name: _sample(output_dir / "systems" / folders[name], rows[id_], with_sound) if id_ in rows else None
            for name, rows in by_prompt.items()
        }
        reference = rows_of[id_].get("voice_reference")
        file = output_dir / "references" / "wavs" / str(reference)
        has_sound = reference and with_sound and samples.get(NATURAL) is None and file.is_file()
        sound = _sound(file) if has_sound else None
        yield {"row": rows_of[id_], "worst": worst(id_), "samples": samples, "reference": sound}


def _sample(folder: Path, row: Mapping[str, Any], with_sound: bool) -> dict[str, Any]:
    sample: dict[str, Any] = {"row": row}
    if row["status"] != "scored":
        return sample
    if row["n_words"] and row["hypothesis"] is not None:
        sample["differences"] = word_differences(row["expected"], row["hypothesis"], row["language"])
    return sample | _sound(_scored(folder / "wavs" / row["wav"], row)) if with_sound else sample


def _scored(wav: Path, row: Mapping[str, Any]) -> Path:
    """Return a row's waveform; raises UserError when it is missing or not the scored one."""
    if not wav.is_file() or file_hash(wav) != row.get("wav_sha256", file_hash(wav)):
        raise UserError(f"{wav}: is not the speech that was scored; run tts-benchmark or tts-score again")
    return wav


def _sound(wav: Path) -> dict[str, str]:
    """Return a recording, at the nearest MP3 sample rate, and its spectrogram, as data URIs."""
    samples, sample_rate_hz = soundfile.read(wav, dtype="float32")
    player_hz = min(MP3_RATES_HZ, key=lambda rate_hz: abs(rate_hz - sample_rate_hz))
    sound = {"audio": data_uri("audio/mpeg", mp3(resample(samples, sample_rate_hz, player_hz), player_hz))}
    waveform = resample(samples, sample_rate_hz, SAMPLE_RATE_HZ)
    if len(waveform) > N_FFT:
        sound["picture"] = data_uri("image/png", png(spectrogram_picture(log_mel(waveform).numpy())))
    return sound
