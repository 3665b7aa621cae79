"""What a benchmark writes: report, summary, tables and verdict."""

import json
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from fakes import TEXTS, Ear, Levels, Mumbling, Verifier, plan_of
from pyarrow.parquet import read_table

from tts_toolkit.audio.waveforms import write_wav
from tts_toolkit.data.test_sets import Prompt
from tts_toolkit.evaluation.pipeline import run
from tts_toolkit.evaluation.reaggregate import reaggregate
from tts_toolkit.report.benchmark import ReportOptions, write_benchmark
from tts_toolkit.report.verdict import conclude
from tts_toolkit.system.errors import UserError
from tts_toolkit.system.processes import Processes


def test_results_are_written_for_people_and_programs(tmp_path, recordings):
    results = run(plan_of(tmp_path, recordings, speaker_verifier=Verifier(), ear=Mumbling()), Processes())
    hostile = [{**row, "hypothesis": "<script>alert(1)</script>"} for row in results.rows["levels"]]
    results = replace(results, rows={**results.rows, "levels": hostile})
    report = write_benchmark(tmp_path, results, ReportOptions(n_sentences=3)).read_text()
    assert report.count("<audio controls preload") == 6 and "<script>alert" not in report
    assert "http://" not in report.replace("http://www.w3.org", "") and "https://" not in report
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert {"wer", "wer_ci", "cer", "similarity", "similarity_ci", "rtf", "n_planned", "n_scored", "n_failed"} <= set(summary["systems"]["levels"])  # fmt: skip
    assert read_table(tmp_path / "scores.parquet").num_rows == 16
    assert "| natural |" in (tmp_path / "leaderboard.md").read_text()
    assert "model-index" in (tmp_path / "model-index.yml").read_text()


def test_too_few_scored_rows_end_with_status_three(tmp_path, capsys):
    family = Levels(faults=(("", ValueError("broken")),))
    results = run(plan_of(tmp_path, family=family), Processes())
    report = write_benchmark(tmp_path, results, ReportOptions())
    assert conclude(tmp_path, report, results, 0.95, None) == 3
    told = capsys.readouterr().out
    assert "levels: 0 of 5 rows scored, fewer than min_coverage=0.95: every row failed: ValueError: broken\n" in told


def test_the_reason_of_most_failed_rows_stands_below_the_table(tmp_path, capsys):
    results = run(plan_of(tmp_path), Processes())
    report = write_benchmark(tmp_path, results, ReportOptions())
    for row, reason in zip(results.rows["levels"], ("one\nline", "other", "one\nline"), strict=False):
        row.update(status="failed", reason=reason)
    results.summary["systems"]["levels"]["n_scored"] = 2
    assert conclude(tmp_path, report, results, 0.95, None) == 3
    assert "min_coverage=0.95: 3 rows failed, 2 of them: one line\n" in capsys.readouterr().out


@pytest.mark.parametrize(("rate", "status", "verdict"), [(0.05, 0, "pass"), (0.2, 1, "FAIL")])
def test_expected_rates_pass_or_fail(tmp_path, capsys, rate, status, verdict):
    results = run(plan_of(tmp_path, ear=Ear(deaf_to="red")), Processes())
    report = write_benchmark(tmp_path, results, ReportOptions())
    expected = {"protocol": "strict", "wer": {"levels": rate}, "within": {"levels": 0.01}}
    assert conclude(tmp_path, report, results, 0.95, expected) == status
    assert f"levels: WER 5.26 % under strict, expected {100 * rate:.2f} ± 1.00 %: {verdict}" in capsys.readouterr().out


def test_the_published_list_is_what_a_published_table_is_compared_with(tmp_path, capsys):
    from tts_toolkit.system.files import file_hash

    listing = tmp_path / "meta.lst"
    listing.write_text("one")
    results = run(plan_of(tmp_path), Processes())
    report = write_benchmark(tmp_path, results, ReportOptions(n_sentences=0))
    published = {"list": str(listing), "sha256": file_hash(listing), "n_texts": 5}
    expected = {"protocol": "strict", "wer": {"levels": 0.0}, "within": {"levels": 0.01}, "published": published}
    assert conclude(tmp_path, report, results, 0.95, expected) == 0
    assert "levels: WER 0.00 % under strict, expected 0.00 ± 1.00 %: pass" in capsys.readouterr().out
    listing.write_text("another")
    assert conclude(tmp_path, report, results, 0.95, expected) == 1
    told = capsys.readouterr().out
    assert "is not the published list of 5 texts" in told and "within the band, but on other texts" in told


def test_a_report_is_written_again_from_what_lies_on_disk(tmp_path, recordings):
    plan = plan_of(tmp_path, recordings, speaker_verifier=Verifier(), ear=Mumbling(), config={"seed": 0})
    write_benchmark(tmp_path, run(plan, Processes()), ReportOptions(n_sentences=3, title="First"))
    names = ("summary.json", "scores.parquet", "leaderboard.md", "model-index.yml", "report.html")
    before = {name: (tmp_path / name).read_bytes() for name in names}
    write_benchmark(tmp_path, reaggregate(tmp_path), ReportOptions(n_sentences=3, title=None))
    after = {name: (tmp_path / name).read_bytes() for name in names}
    assert {name for name in names if after[name] != before[name]} <= {"report.html"}
    assert abs(len(after["report.html"]) - len(before["report.html"])) < 1000, "curves are drawn under new ids"
    write_benchmark(
        tmp_path, reaggregate(tmp_path, ["strict"], "speaker"), ReportOptions(n_sentences=0, title="Second")
    )
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["title"] == "Second" and summary["cluster_by"] == "speaker"
    assert list(summary["systems"]["levels"]["protocols"]) == ["strict"]
    with pytest.raises(UserError, match="holds no finished benchmark"):
        reaggregate(tmp_path / "systems")


@pytest.mark.parametrize("damage", [Path.unlink, lambda wav: write_wav(wav, np.zeros(10, dtype=np.float32))])
def test_a_report_never_shows_other_speech_than_was_scored(tmp_path, damage):
    write_benchmark(tmp_path, run(plan_of(tmp_path), Processes()), ReportOptions(n_sentences=0))
    damage(tmp_path / "systems/levels/wavs/p1.wav")
    with pytest.raises(UserError, match="p1.wav: is not the speech that was scored; run tts-benchmark"):
        write_benchmark(tmp_path, reaggregate(tmp_path), ReportOptions(n_sentences=9))


def test_settings_are_written_without_the_hub_token(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")

    @dataclass(frozen=True)
    class Voiced(Levels):
        voice: str = "hf_secret voice"

    plan = plan_of(tmp_path, family=Voiced(), config={"systems": {"levels": {"voice": "hf_secret voice"}}, "seed": 0})
    report = write_benchmark(tmp_path, run(plan, Processes()), ReportOptions(n_sentences=0)).read_text()
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["config"] == {"systems": {"levels": {"voice": "[hub token] voice"}}, "seed": 0}
    assert summary["systems"]["levels"]["settings"]["voice"] == "[hub token] voice"
    assert "hf_secret" not in report and "every setting" in report and "voice [hub token] voice" in report


def grouped(n_categories, n_natural, folder):
    prompts = [Prompt(f"p{n}", f"{TEXTS[n % 5]} {n}", category=f"c{n:02d}") for n in range(n_categories)]
    file = folder / "r.wav"
    write_wav(file, np.full(16_000, 0.1, dtype=np.float32))
    return [replace(p, reference=str(file)) if n >= n_categories - n_natural else p for n, p in enumerate(prompts)]


def test_groups_stand_under_their_own_heading(tmp_path):
    """The natural voice says the last two of three categories: its figures must not slip to the first two."""
    results = run(plan_of(tmp_path, grouped(3, 2, tmp_path), ear=Mumbling()), Processes())
    report = write_benchmark(tmp_path, results, ReportOptions(n_sentences=0)).read_text()
    section = report.split("<h2>By category</h2>")[1].split("</table>")[0]
    assert [f"<th>c0{n}</th>" in section for n in range(3)] == [True] * 3
    natural = section.split("<td>natural</td>")[1].split("</tr>")[0]
    assert natural.startswith("<td>–</td>") and natural.count("1 of 1") == 2


def test_more_groups_than_can_be_told_apart_are_left_out(tmp_path):
    results = run(plan_of(tmp_path, grouped(21, 2, tmp_path), ear=Mumbling()), Processes())
    report = write_benchmark(tmp_path, results, ReportOptions(n_sentences=0)).read_text()
    assert "<th>c19</th>" in report and "<th>c00</th>" not in report


@pytest.mark.parametrize(
    ("rate_hz", "player_hz"), [(20_000, 22_050), (96_000, 48_000), (16_000, 16_000), (7_000, 8_000)]
)
def test_players_take_sound_of_any_rate(tmp_path, rate_hz, player_hz):
    import base64
    import io

    import soundfile

    from tts_toolkit.report.benchmark import _sound

    tone = np.sin(np.arange(rate_hz) * 2 * np.pi * 440 / rate_hz).astype(np.float32)
    soundfile.write(tmp_path / "x.wav", tone, rate_hz)
    content = base64.b64decode(_sound(tmp_path / "x.wav")["audio"].partition(",")[2])
    heard = soundfile.info(io.BytesIO(content))
    assert heard.samplerate == player_hz and heard.duration == pytest.approx(1.0, abs=0.1)


MEMORY = """
import resource
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, {tests!r})
from fakes import TEXTS, Levels, Mumbling, plan_of
from tts_toolkit.data.test_sets import Prompt
from tts_toolkit.evaluation.pipeline import run
from tts_toolkit.models.base import Speech
from tts_toolkit.system.processes import Processes
from tts_toolkit.report.benchmark import ReportOptions, write_benchmark

@dataclass(frozen=True)
class Quick(Levels):
    def synthesize(self, lines):
        return [Speech(np.full(800, 0.1, dtype=np.float32), 16_000) for _ in lines]

prompts = [Prompt(f"p{{n}}", f"{{TEXTS[n % 5]}} {{n}}") for n in range({n_rows})]
plan = plan_of(Path({folder!r}), prompts, family=Quick(), ear=Mumbling(), batch_size=16)
write_benchmark(plan.output_dir, run(plan, Processes()), ReportOptions(n_sentences=10, n_listed=50))
print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_memory_stays_flat_from_a_hundred_to_ten_thousand_rows(tmp_path):
    peaks = []
    for n_rows in (100, 10_000):
        code = MEMORY.format(tests=str(Path(__file__).parent), n_rows=n_rows, folder=str(tmp_path / str(n_rows)))
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=280)
        assert done.returncode == 0, done.stderr[-2000:]
        peaks.append(int(done.stdout.split("peak ")[1]) / 1024)
    assert peaks[1] < peaks[0] + 150, f"{peaks} MB: more than 15 kB a row"
