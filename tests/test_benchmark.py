"""The benchmark's stages: what is counted, what is made again, and what a fault leaves behind."""

import gc
import json
import subprocess
import sys
import threading
import time
import weakref
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from pyarrow import Table
from pyarrow.parquet import read_table, write_table

import tts_toolkit.evaluation.stages as stages
from tts_toolkit.audio import write_wav
from tts_toolkit.data.clips import Clip
from tts_toolkit.data.test_sets import Prompt, read_prompts, recorded_prompts, with_recordings
from tts_toolkit.errors import UserError
from tts_toolkit.evaluation.aggregation import LOST, Measured, score_rows
from tts_toolkit.evaluation.compare import compare_runs, read_run, table
from tts_toolkit.evaluation.metrics.protocols import PROTOCOLS
from tts_toolkit.evaluation.pipeline import run
from tts_toolkit.evaluation.plan import Plan
from tts_toolkit.evaluation.reaggregate import reaggregate
from tts_toolkit.evaluation.stage_log import Stage, share
from tts_toolkit.files import file_name
from tts_toolkit.models.base import Coverage, Speech, SynthesisRequest
from tts_toolkit.models.recordings import Recordings
from tts_toolkit.nn.devices import hardware
from tts_toolkit.processes import Processes
from tts_toolkit.report.benchmark import ReportOptions, write_benchmark
from tts_toolkit.report.verdict import conclude

TEXTS = ["one red apple", "two green pears are here", "three blue plums", "four old nuts in a bowl", "five figs"]
PROMPTS = [Prompt(f"p{n}", text, category="short" if n % 2 else "long") for n, text in enumerate(TEXTS)]


@dataclass(frozen=True)
class Levels:
    """Says a text as a constant level that `Ear` reads back; `faults` are raised or spoken for texts that hold them."""

    texts: tuple = tuple(TEXTS)
    faults: tuple = ()
    version: str = "1"
    calls: tuple = ((),)  # a mutable list goes here
    name = "levels"
    n_parameters = 7
    conditioned_by = None
    speaks_cues = False

    def recording_for(self, id_, reference, voice_reference, voice=None):
        return None

    def coverage(self, text):
        return Coverage(dropped=tuple(c for c in text if c == "ø"))

    def synthesize(self, lines):
        takes = []
        for line in lines:
            for word, fault in self.faults:
                if word in line.text and isinstance(fault, Exception):
                    raise fault
            level = 0.1 + 0.05 * self.texts.index(line.text) if line.text in self.texts else 0.0
            waveform = np.full(1600 * len(line.text.split()), level, dtype=np.float32)
            for word, fault in self.faults:
                if word in line.text and not isinstance(fault, Exception):
                    waveform = fault(waveform)
            takes.append(Speech(waveform, 16_000))
        CALLS.append([line.text for line in lines])
        VOICES.extend(line.voice for line in lines)
        return takes


CALLS, VOICES = [], []


@dataclass(frozen=True)
class Ear:
    """Reads the level of `Levels` back; `deaf_to` is heard as another word."""

    texts: tuple = tuple(TEXTS)
    deaf_to: str = ""
    name: str = "ear"
    version: str = "1"

    def transcribe(self, waveform):
        if np.ptp(waveform):
            return "hiss"  # which it is tried out with; `Levels` speaks in constants
        HEARD.append(len(waveform))
        text = self.texts[round((float(np.median(waveform)) - 0.1) / 0.05)]
        return text.replace(self.deaf_to, "something") if self.deaf_to else text


HEARD = []


@dataclass(frozen=True)
class Verifier:
    """Two numbers from the level."""

    name: str = "speaker_verifier"
    version: str = "1"

    def embed(self, waveform):
        level = float(np.median(waveform))
        return np.asarray([np.cos(level), np.sin(level)], dtype=np.float32)


@pytest.fixture(autouse=True)
def nothing_happened_yet():
    CALLS.clear()
    HEARD.clear()


def plan_of(tmp_path, prompts=PROMPTS, family=Levels(), ear=Ear(), speaker_verifier=None, **settings):
    settings = {"protocols": [PROTOCOLS["strict"], PROTOCOLS["f5"]], "background": None, "batch_size": 2} | settings
    return Plan(
        {"levels": lambda: family},
        prompts,
        lambda: ear,
        speaker_verifier and (lambda: speaker_verifier),
        output_dir=tmp_path,
        **settings,
    )


def spoken_texts():
    """What was synthesized, the warm-up left out."""
    return sorted(text for call in CALLS[1:] for text in call)


def test_a_perfect_system_scores_no_error_and_knows_how_sure_it_is(tmp_path):
    results = run(plan_of(tmp_path), Processes())
    figures = results.summary["systems"]["levels"]
    assert (figures["wer"], figures["cer"], figures["exact_match"]) == (0.0, 0.0, 1.0)
    assert figures["wer_ci"] is None, "five prompts are too few"
    assert (figures["n_planned"], figures["n_scored"], figures["n_failed"]) == (5, 5, 0)
    assert figures["protocols"]["f5"]["n_rows"] == 5 and figures["rtf"] > 0 and figures["n_parameters"] == 7


def test_errors_are_counted_over_the_corpus(tmp_path):
    figures = run(plan_of(tmp_path, ear=Ear(deaf_to="red")), Processes()).summary["systems"]["levels"]
    assert figures["wer"] == pytest.approx(1 / 19) and figures["wer_utterance_mean"] == pytest.approx(1 / 15)
    assert figures["groups"]["category"]["short"]["wer"] == 0.0
    assert figures["groups"]["category"]["long"]["n_planned"] == 3


def test_every_rate_and_mean_has_an_interval_that_holds_it(tmp_path, recordings):
    figures = run(
        plan_of(tmp_path / "run", recordings, ear=Ear(deaf_to="red"), speaker_verifier=Verifier()), Processes()
    )
    levels = figures.summary["systems"]["levels"]
    parts = [levels, levels["health"], *levels["protocols"].values(), *levels["groups"]["speaker"].values()]
    rates = [(part, name.removesuffix("_ci")) for part in parts for name in part if name.endswith("_ci")]
    assert {name for _, name in rates} == {
        "wer", "wer_scored_only", "wer_utterance_mean", "cer", "cer_scored_only", "cer_utterance_mean", "exact_match",
        "similarity", "similarity_normalized", "signal_quality", "rtf", "silence_share", "clipped_share",
    }  # fmt: skip
    for part, name in rates:
        if part[f"{name}_ci"] is not None:
            low, high = part[f"{name}_ci"]
            assert low <= part[name] <= high, name
    assert levels["wer_utterance_mean_ci"][1] > levels["wer_utterance_mean"] > levels["wer_utterance_mean_ci"][0]


FAULTS = [
    ("an exception", ("pears", ValueError("pears are out")), "ValueError: pears are out"),
    ("a user's mistake", ("pears", UserError("unknown voice 'x': known are y")), "known are y"),
    ("no sound", ("pears", lambda w: w[:0]), "no sound was made"),
    ("not numbers", ("pears", lambda w: w * np.nan), "not numbers"),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "reason"), [(f, r) for _, f, r in FAULTS], ids=[name for name, *_ in FAULTS])
def test_a_fault_is_a_failed_row_and_spoils_no_other(tmp_path, fault, reason):
    results = run(plan_of(tmp_path, family=Levels(faults=(fault,))), Processes())
    failed = [row for row in results.rows["levels"] if row["status"] == "failed"]
    assert [row["text"] for row in failed] == [TEXTS[1]] and reason in failed[0]["reason"]
    figures = results.summary["systems"]["levels"]
    assert figures["wer"] == pytest.approx(5 / 19), "its five words are deletions"
    assert figures["wer_scored_only"] == 0.0 and figures["n_failed"] == 1
    assert figures["protocols"]["f5"]["wer"] == 0.0 and figures["protocols"]["f5"]["n_rows"] == 4


def test_silence_never_reaches_the_recognizer(tmp_path):
    results = run(plan_of(tmp_path, family=Levels(faults=(("pears", lambda w: w * 0),))), Processes())
    row = results.rows["levels"][1]
    assert (row["status"], row["hypothesis"], row["wer"]) == ("scored", "", 1.0) and len(HEARD) == 4
    assert results.summary["systems"]["levels"]["health"]["n_silent"] == 1


def test_a_batch_that_does_not_fit_is_halved_and_the_run_goes_on(tmp_path):
    @dataclass(frozen=True)
    class Small(Levels):
        def synthesize(self, lines):
            if len(lines) > 2:
                raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
            return super().synthesize(lines)

    results = run(plan_of(tmp_path, family=Small(), batch_size=5), Processes())
    assert results.summary["systems"]["levels"]["n_scored"] == 5
    rows = [json.loads(line) for line in (tmp_path / "systems/levels/synthesis/rows.jsonl").open()]
    assert {row["batch_size"] for row in rows} <= {1, 2}


def test_after_a_batch_of_two_that_does_not_fit_texts_are_spoken_alone(tmp_path):
    asked = []

    @dataclass(frozen=True)
    class Smallest(Levels):
        def synthesize(self, lines):
            asked.append(len(lines))
            if len(lines) > 1:
                raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
            return super().synthesize(lines)

    run(plan_of(tmp_path, family=Smallest(), batch_size=2), Processes())
    assert asked.count(2) == 1 and asked.count(1) == 6, "the warm-up, the failure, its two halves, and the rest"


def test_rows_say_where_they_were_spoken(tmp_path, monkeypatch):
    run(plan_of(tmp_path, PROMPTS[:3]), Processes())
    monkeypatch.setattr(stages, "hardware", lambda: {"gpu": "another", "processor": "x"})
    results = run(plan_of(tmp_path), Processes())
    here = str(hardware()["gpu"] or hardware()["processor"])
    assert results.summary["systems"]["levels"]["synthesized_on"] == sorted([here, "another"])


def test_an_unchanged_run_makes_nothing_again(tmp_path):
    first = run(plan_of(tmp_path), Processes())
    CALLS.clear(), HEARD.clear()
    again = run(plan_of(tmp_path), Processes())
    assert not CALLS and not HEARD and again == first


CHANGES = [
    ("a text", {"prompts": [*PROMPTS[:4], replace(PROMPTS[4], text="three blue plums")]}, ["three blue plums"], 1),
    ("the seed", {"seed": 7}, sorted(TEXTS), 0),
    ("the weights", {"family": Levels(version="2")}, sorted(TEXTS), 0),
    ("the recognizer", {"ear": Ear(deaf_to="red")}, [], 5),
    ("the batch size", {"batch_size": 4}, [], 0),
    ("a category", {"prompts": [replace(PROMPTS[0], category="new"), *PROMPTS[1:]]}, [], 0),
    ("one prompt more", {"prompts": [*PROMPTS, Prompt("p9", "one red apple")]}, ["one red apple"], 1),
    ("one prompt less", {"prompts": PROMPTS[:4]}, [], 0),
]  # fmt: skip


@pytest.mark.parametrize(("change", "spoken", "n_heard"), [c[1:] for c in CHANGES], ids=[c[0] for c in CHANGES])
def test_a_change_remakes_what_rests_on_it_and_no_more(tmp_path, change, spoken, n_heard):
    """Waveforms that come out the same need no second hearing, whatever was changed to make them."""
    run(plan_of(tmp_path), Processes())
    CALLS.clear(), HEARD.clear()
    results = run(plan_of(tmp_path, **change), Processes())
    assert spoken_texts() == spoken and len(HEARD) == n_heard
    fresh = run(plan_of(tmp_path / "fresh", **change), Processes())
    timeless = [
        [
            {k: v for k, v in row.items() if k not in ("synthesis_seconds", "latency_seconds")}
            for row in r.rows["levels"]
        ]
        for r in (results, fresh)
    ]
    assert timeless[0] == timeless[1]


def test_a_killed_run_goes_on_where_it_stopped(tmp_path, monkeypatch):
    """Killed after the first batch, with half a line written: only the rest is spoken."""
    append, n_appended = Stage.append, []

    def append_once(self, rows):
        if self.folder.name == "synthesis" and n_appended:
            with (self.folder / "part-0000.jsonl").open("a") as file:
                file.write('{"id": "p')
            raise KeyboardInterrupt
        n_appended.append(1)
        append(self, rows)

    monkeypatch.setattr(Stage, "append", append_once)
    with pytest.raises(KeyboardInterrupt):
        stages.synthesize(Levels(), PROMPTS, tmp_path / "systems/levels", 0, 2, Processes())
    monkeypatch.setattr(Stage, "append", append)
    CALLS.clear()
    results = run(plan_of(tmp_path), Processes())
    assert len(spoken_texts()) == 3 and results.summary["systems"]["levels"]["wer"] == 0.0
    assert not list((tmp_path / "systems/levels/synthesis").glob("part-*"))


def test_processes_share_the_rows_and_the_result_is_that_of_one(tmp_path):
    alone = run(plan_of(tmp_path / "one"), Processes())
    two = [Processes(rank, 2) for rank in (1, 0)]
    for stage_rank in two:  # the second first: what one leaves, the other completes
        family, folder = Levels(), tmp_path / "two/systems/levels"
        if stage_rank.rank:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(Stage, "finish", lambda self: None)
                stages.synthesize(family, PROMPTS, folder, 0, 2, stage_rank)
        else:
            stages.synthesize(family, PROMPTS, folder, 0, 2, stage_rank)
    together = run(plan_of(tmp_path / "two"), Processes())
    wavs = [{row["id"]: row["wav"] for row in r.rows["levels"]} for r in (alone, together)]
    assert wavs[0] == wavs[1]
    for wav in wavs[0].values():
        assert (tmp_path / "one/systems/levels/wavs" / wav).read_bytes() == (
            tmp_path / "two/systems/levels/wavs" / wav
        ).read_bytes()


def test_shares_cover_everything_once():
    ids = [str(n) for n in range(11)]
    assert sorted(id_ for rank in range(3) for id_ in share(ids, rank, 3)) == sorted(ids)


@pytest.fixture
def recordings(tmp_path):
    """Two voices, four recordings each, called by the prompts' ids."""
    prompts = []
    for n in range(8):
        text = TEXTS[n % 5]
        speaker, level = ("low", 0.1) if n < 4 else ("high", 0.9)
        file = tmp_path / "natural" / speaker / f"r{n}.wav"
        file.parent.mkdir(parents=True, exist_ok=True)
        write_wav(file, np.full(16_000, level + 0.004 * (n % 4), dtype=np.float32))
        prompts.append(Prompt(f"r{n}", text))
    return with_recordings(prompts, tmp_path / "natural")


def test_similarity_stands_on_the_scale_of_natural_recordings(tmp_path, recordings):
    assert {prompt.speaker for prompt in recordings} == {"low", "high"}
    results = run(plan_of(tmp_path / "out", recordings, speaker_verifier=Verifier(), ear=Mumbling()), Processes())
    natural, scale = results.summary["systems"]["natural"], results.summary["similarity_scale"]
    assert scale["n_same"] == 8 and scale["equal_error_rate"] == 0.0 and scale["ceiling"] > 0.999 > scale["floor"]
    assert natural["similarity"] == pytest.approx(scale["ceiling"]) and natural["rtf"] is None
    assert natural["similarity_normalized"] == pytest.approx(1.0)
    levels = results.summary["systems"]["levels"]
    assert levels["similarity_normalized"] < 1 and levels["similarity_ci"][0] <= levels["similarity"]


@dataclass(frozen=True)
class Mumbling(Ear):
    def transcribe(self, waveform):
        return "mumbling"


def test_the_encoder_that_conditions_a_system_may_not_judge_it(tmp_path, recordings):
    @dataclass(frozen=True)
    class Conditioned(Levels):
        conditioned_by = "speaker_verifier"

    plan = plan_of(tmp_path / "out", recordings, family=Conditioned(), speaker_verifier=Verifier(), ear=Mumbling())
    with pytest.raises(UserError, match="would score its own work"):
        run(plan, Processes())
    assert run(replace(plan, allow_same_encoder=True), Processes())


def test_what_a_family_cannot_say_is_told_and_stands_in_its_row(tmp_path, caplog):
    prompts = [*PROMPTS, Prompt("odd", "smørrebrød [laughter] now")]
    results = run(plan_of(tmp_path, prompts), Processes())
    assert "levels drops in 1 of 6 texts: ø" in caplog.text
    row = results.rows["levels"][5]
    assert (row["dropped"], row["expected"], row["n_words"]) == ("ø ø", "smørrebrød now", 2)
    assert "smørrebrød now" in spoken_texts(), "cues are not for families that would read them out"


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
    assert conclude(tmp_path, report, results.summary, 0.95, None) == 3
    assert "levels: 0 of 5 rows scored, fewer than min_coverage=0.95: every row failed" in capsys.readouterr().out


@pytest.mark.parametrize(("rate", "status", "verdict"), [(0.05, 0, "pass"), (0.2, 1, "FAIL")])
def test_expected_rates_pass_or_fail(tmp_path, capsys, rate, status, verdict):
    results = run(plan_of(tmp_path, ear=Ear(deaf_to="red")), Processes())
    report = write_benchmark(tmp_path, results, ReportOptions())
    expected = {"protocol": "strict", "wer": {"levels": rate}, "within": {"levels": 0.01}}
    assert conclude(tmp_path, report, results.summary, 0.95, expected) == status
    assert f"levels: WER 5.26 % under strict, expected {100 * rate:.2f} ± 1.00 %: {verdict}" in capsys.readouterr().out


def finished(folder, **settings):
    write_benchmark(folder, run(plan_of(folder, **settings), Processes()), ReportOptions(n_sentences=0))
    return folder


def test_two_runs_are_compared_pair_by_pair(tmp_path):
    base = finished(tmp_path / "base", family=Levels(faults=(("red", ValueError("x")), ("figs", ValueError("x")))))
    better = finished(tmp_path / "better")
    comparison = compare_runs(read_run(base, None), read_run(better, None))
    wer = comparison.differences[0]
    assert wer.metric == "wer" and wer.difference == pytest.approx(-5 / 19) and wer.n_pairs == 5
    assert (wer.interval, wer.p, wer.n_clusters) == (None, None, 5) and not comparison.adjusted
    assert comparison.notes[0].startswith("no intervals and no p over 5 prompts: 6 are needed")
    assert set(comparison.groups["category"]) == {"long", "short"}
    assert "against" in table(comparison) and json.loads(comparison.to_json())["n_common"] == 5


@dataclass(frozen=True)
class Moody(Levels):
    """Speaks one of its texts, whichever the seed chooses."""

    def synthesize(self, lines):
        takes = super().synthesize([replace(line, text=self.texts[line.seed % len(self.texts)]) for line in lines])
        CALLS[-1] = [(line.text, line.seed) for line in lines]
        return takes


def test_texts_are_read_as_often_as_there_are_seeds(tmp_path, recordings):
    prompts = recordings[:2]
    settings = {"family": Moody(), "ear": Mumbling(), "seed": 10, "speaker_verifier": Verifier()}
    run(plan_of(tmp_path, prompts, **settings), Processes())
    CALLS.clear()
    results = run(plan_of(tmp_path, prompts, n_seeds=3, **settings), Processes())
    assert sorted({call for calls in CALLS for call in calls}) == sorted(
        (p.text, seed) for p in prompts for seed in (11, 12)
    ), "the first stays"
    rows = results.rows["levels"]
    first = prompts[0].id
    assert [(row["id"], row["prompt"], row["reading"]) for row in rows[:3]] == [
        (first, first, 1), (f"{first}~2", first, 2), (f"{first}~3", first, 3),
    ]  # fmt: skip
    assert len({row["id"] for row in rows}) == 6 and len(results.rows["natural"]) == 2
    assert all(row["similarity"] is not None for row in rows)
    figures = results.summary["systems"]["levels"]
    assert (figures["n_planned"], figures["n_clusters"]) == (6, 2) and figures["wer_ci"] is None
    assert results.summary["interval_notes"][0].startswith("no intervals and no p over 2 prompts")
    write_benchmark(tmp_path, results, ReportOptions())
    assert "No intervals and no p over 2 prompts" in (tmp_path / "leaderboard.md").read_text()
    assert compare_runs(read_run(tmp_path, "natural"), read_run(tmp_path, "levels")).n_common == 2


@pytest.mark.parametrize(("settings", "message"), [
    ({"n_seeds": 0}, "n_seeds=0: each text is read at least once"),
    ({"n_seeds": 2, "prompts": [PROMPTS[0], replace(PROMPTS[1], id="p0~2")]}, "the id 'p0~2' would be a text's"),
])  # fmt: skip
def test_readings_that_cannot_be_are_refused(tmp_path, settings, message):
    with pytest.raises(UserError, match=message):
        run(plan_of(tmp_path, **settings), Processes())


def test_languages_without_blanks_are_scored_by_characters(tmp_path):
    texts = ("今天天气很好。", "我们去公园散步")
    prompts = [Prompt(f"z{n}", text, language="zh") for n, text in enumerate(texts)]

    @dataclass(frozen=True)
    class Careless(Ear):
        def transcribe(self, waveform):
            said = super().transcribe(waveform)
            return said.replace("气", "汽").replace("我们", "我们 ").replace("。", "")

    results = run(plan_of(tmp_path, prompts, family=Levels(texts=texts), ear=Careless(texts=texts)), Processes())
    figures = results.summary["systems"]["levels"]
    assert figures["wer"] == figures["cer"] == pytest.approx(1 / 13) and results.summary["headline"] == "cer"
    assert figures["protocols"]["f5"]["units"] == ["characters"]
    assert figures["protocols"]["f5"]["wer"] == pytest.approx(1 / 12)
    write_benchmark(tmp_path, results, ReportOptions())
    assert "| CER % under | strict | f5 |" in (tmp_path / "leaderboard.md").read_text()


def test_what_has_no_common_scale_is_not_compared(tmp_path):
    base = read_run(finished(tmp_path / "base"), None)
    with pytest.raises(UserError, match="no common scale"):
        compare_runs(base, read_run(finished(tmp_path / "other", ear=Ear(version="2")), None))
    other = finished(tmp_path / "texts", prompts=[replace(PROMPTS[0], text="five figs"), *PROMPTS[1:]])
    with pytest.raises(UserError, match="do not say the same texts: 'p0' differs"):
        compare_runs(base, read_run(other, None))
    with pytest.raises(UserError, match="there is no system 'x'; it holds levels"):
        read_run(tmp_path / "base", "x")
    with pytest.raises(UserError, match="holds no finished benchmark"):
        read_run(tmp_path, None)


def test_played_back_files_that_are_missing_are_failed_rows(tmp_path, recordings):
    family = Recordings("wavs", str(tmp_path / "natural"))
    prompts = [replace(prompt, reference="") for prompt in recordings] + [Prompt("missing", "nobody said this")]
    results = run(plan_of(tmp_path / "out", prompts, family=family, ear=Mumbling()), Processes())
    row = results.rows["levels"][-1]
    assert row["status"] == "failed" and "missing.wav: no such audio file" in row["reason"]
    assert results.summary["systems"]["levels"]["n_scored"] == 8


READ = [
    ("t.txt", "one\n\ntwo\n", [("0001", "one"), ("0003", "two")]),
    ("t.tsv", "a\tone\nb\ttwo\n", [("a", "one"), ("b", "two")]),
    ("t.tsv", "a\tone\nb\ttwo\tslt\n", [("a", "one"), ("b", "two")]),
    ("t.txt", "a\tone\n", [("a", "one")]),
    ("t.tsv", "id\ttext\tcategory\na\tone\tx\n", [("a", "one")]),
    ("t.jsonl", '{"id": "a", "text": "one"}\n{"text": "two"}\n', [("a", "one"), ("0002", "two")]),
    ("meta.lst", "u1|prompt|w/p.wav|say this\n", [("u1", "say this")]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "expected"), READ)
def test_test_sets_are_read(tmp_path, name, content, expected):
    (tmp_path / name).write_text(content)
    assert [(p.id, p.text) for p in read_prompts(str(tmp_path / name))] == expected


def test_each_system_speaks_in_its_own_voices(tmp_path):
    (tmp_path / "t.tsv").write_text("id\ttext\tvoice\tvoice.bark\na\tone\tslt\tv2/en_speaker_6\nb\ttwo\tslt\t\n")
    prompts = read_prompts(str(tmp_path / "t.tsv"))
    assert [p.for_system("speecht5").voice for p in prompts] == ["slt", "slt"]
    assert [p.for_system("bark").voice for p in prompts] == ["v2/en_speaker_6", "slt"]
    run(plan_of(tmp_path / "run", [replace(PROMPTS[0], voices={"levels": "mine"})]), Processes())
    assert VOICES[-1] == "mine"


def test_seed_tts_lists_name_the_prompt_recording(tmp_path):
    (tmp_path / "meta.lst").write_text("u1|prompt|w/p.wav|say this|w/u1.wav\n")
    (prompt,) = read_prompts(str(tmp_path / "meta.lst"))
    assert prompt.voice_reference == str(tmp_path / "w/p.wav") and prompt.speaker == "p"
    assert prompt.reference == str(tmp_path / "w/u1.wav")


def test_the_built_in_set_holds_a_hundred_sentences_in_six_categories():
    prompts = read_prompts("builtin")
    assert len(prompts) == 100 and len({p.text for p in prompts}) == 100 and len({p.category for p in prompts}) == 6


MISTAKES = [
    ("t.tsv", "a\t\n", "the test set holds no text"),
    ("t.tsv", "\tone\n", r"t\.tsv:1: the id is empty"),
    ("t.tsv", "a\tone\tslt\tmore\n", r"t\.tsv:1: has 4 fields; wanted are id<TAB>text\[<TAB>voice\]"),
    ("t.tsv", "id\ttext\na\tone\tslt\n", r"t\.tsv:2: has 3 fields; wanted are 2: id, text"),
    ("t.tsv", "id\ttext\tcolor\na\tone\tred\n", r"t\.tsv:2: unknown column color; allowed are id, text"),
    ("t.jsonl", "{oops\n", r"t\.jsonl:1: is not JSON"),
    ("t.jsonl", "[1]\n", r"t\.jsonl:1: is a JSON list"),
    ("t.lst", "a|b\n", r"t\.lst:1: has 2 fields"),
    ("t.csv", "a,b\n", r"a \.csv file; allowed are \.txt"),
    ("t.txt", "\n", "holds no text"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "message"), MISTAKES)
def test_mistakes_in_test_sets_are_named(tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(UserError, match=message):
        read_prompts(str(tmp_path / name))


def test_a_taken_id_and_an_empty_text_fail_their_rows_and_no_other(tmp_path):
    (tmp_path / "t.tsv").write_text(f"a\t{TEXTS[0]}\na\t{TEXTS[1]}\nb\t\na\t{TEXTS[2]}\n")
    prompts = read_prompts(str(tmp_path / "t.tsv"))
    assert [prompt.id for prompt in prompts] == ["a", "a#2", "b", "a#3"]
    results = run(plan_of(tmp_path / "out", prompts), Processes())
    first, *faulty = results.rows["levels"]
    assert first["status"] == "scored" and [row["status"] for row in faulty] == ["failed"] * 3
    assert faulty[0]["reason"].endswith("t.tsv:2: the id 'a' is taken by " + f"{tmp_path / 't.tsv'}:1")
    assert faulty[1]["reason"].endswith("t.tsv:3: the text is empty") and spoken_texts() == [TEXTS[0]]
    figures = results.summary["systems"]["levels"]
    assert (figures["n_planned"], figures["n_failed"]) == (4, 3)
    n_words = [len(text.split()) for text in TEXTS]
    assert figures["wer"] == pytest.approx((n_words[1] + n_words[2]) / sum(n_words[:3])), "failures are deletions"


def test_references_without_a_match_are_refused(tmp_path):
    write_wav(tmp_path / "other.wav", np.zeros(100, dtype=np.float32))
    with pytest.raises(UserError, match="holds 1 recordings, none called by an id of the texts, such as p0.wav"):
        with_recordings(PROMPTS, tmp_path)


def test_ids_become_file_names_that_differ():
    names = [file_name(id_) for id_ in ("a/b", "a_b", "../a", "x" * 300, "é")]
    assert len(set(names)) == 5 and all("/" not in name and len(name) < 100 for name in names)


def test_names_that_are_one_file_somewhere_are_kept_apart(tmp_path):
    """Where capitals, dots or Unicode forms do not count, each text and each system has files of its own."""
    ids = ["Anna", "anna", "a/b", "a_b", "caf\u00e9", "cafe\u0301", "con", "x" * 300]
    prompts = [Prompt(id_, TEXTS[n % 5]) for n, id_ in enumerate(ids)]
    plan = plan_of(tmp_path, prompts)
    plan = replace(plan, systems={"Voice": Levels, "voice": partial(Levels, version="2"), "Natural": Levels})
    results = run(plan, Processes())
    assert all(row["status"] == "scored" and row["wer"] == 0 for rows in results.rows.values() for row in rows)
    folders = [file.relative_to(tmp_path).parts[1] for file in tmp_path.glob("systems/*/facts.json")]
    assert len({folder.casefold() for folder in [*folders, "natural"]}) == 4
    for folder in folders:
        assert len({wav.name.casefold() for wav in (tmp_path / "systems" / folder / "wavs").iterdir()}) == len(ids)
    report = write_benchmark(tmp_path, results, ReportOptions(n_sentences=2))
    assert report.read_text().count("<audio") >= 2 * 3
    CALLS.clear()
    run(plan, Processes())
    assert not CALLS


def test_recordings_are_found_in_either_unicode_form(tmp_path):
    for name in ("cafe\u0301", "na\u00efve"):
        write_wav(tmp_path / f"{name}.wav", np.zeros(100, dtype=np.float32))
    ids = ["caf\u00e9", "nai\u0308ve"]
    assert all(prompt.reference for prompt in with_recordings([Prompt(id_, "text") for id_ in ids], tmp_path))
    played = Recordings("wavs", str(tmp_path))
    assert all(Path(played.recording_for(id_, "", "")).is_file() for id_ in ids)


def test_a_line_depends_on_its_text_its_voice_and_the_seed_only():
    lines = [stages._line(prompt, Levels(), 0) for prompt in (PROMPTS[0], replace(PROMPTS[0], id="x", category="y"))]
    assert lines[0] == lines[1] == SynthesisRequest(TEXTS[0], lines[0].seed)
    assert stages._line(PROMPTS[0], Levels(), 1).seed != lines[0].seed


MEMORY = """
import sys
sys.path.insert(0, {tests!r})
import resource
from pathlib import Path
from test_benchmark import *

@dataclass(frozen=True)
class Quick(Levels):
    def speak(self, lines):
        return [Take(np.full(800, 0.1, dtype=np.float32), 16_000) for _ in lines]

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


def test_recordings_of_a_split_are_prompts_with_references():
    clips = [Clip(f"c{n}", Path(f"c{n}.wav"), text, "somebody", f"m.csv:{n}", split) for n, (text, split) in
             enumerate([("one", "train"), ("two", "test"), ("three", "test")])]  # fmt: skip
    prompts = recorded_prompts(clips)
    assert [(p.id, p.text, p.reference, p.speaker) for p in prompts] == [
        ("c1", "two", "c1.wav", "somebody"),
        ("c2", "three", "c2.wav", "somebody"),
    ]
    assert len(recorded_prompts(clips, None)) == 3
    with pytest.raises(UserError, match=r"test_set\.split=dev: no recording is in it; the source names test, train"):
        recorded_prompts(clips, "dev")


def test_a_failed_row_is_tried_again_by_the_next_run(tmp_path):
    broken = Levels(faults=(("pears", ValueError("the disk was full")),))
    assert run(plan_of(tmp_path, family=broken), Processes()).summary["systems"]["levels"]["n_failed"] == 1
    CALLS.clear()
    healed = run(plan_of(tmp_path, family=replace(broken, faults=broken.faults)), Processes())
    assert spoken_texts() == [] and healed.summary["systems"]["levels"]["n_failed"] == 1
    now = stages.synthesize(_Healed(faults=broken.faults), PROMPTS, tmp_path / "systems/levels", 0, 2, Processes())
    assert [row["status"] for row in now.values()] == ["spoken"] * 5


class _Healed(Levels):
    __qualname__ = "Levels"  # the same system on a better day

    def synthesize(self, lines):
        return Levels().synthesize(lines)


def test_a_recognizer_that_breaks_on_a_clip_fails_that_row(tmp_path):
    @dataclass(frozen=True)
    class Fragile(Ear):
        def transcribe(self, waveform):
            if len(waveform) == 1600 * 5:
                raise RuntimeError("Kernel size can't be greater than actual input size")
            return super().transcribe(waveform)

    results = run(plan_of(tmp_path, ear=Fragile()), Processes())
    failed = [row for row in results.rows["levels"] if row["status"] == "failed"]
    assert [row["text"] for row in failed] == [TEXTS[1]] and "Kernel size" in failed[0]["reason"]
    assert run(plan_of(tmp_path, ear=Fragile()), Processes()).summary["systems"]["levels"]["n_scored"] == 4


def test_a_system_that_does_not_load_becomes_failed_rows(tmp_path):
    def missing():
        raise UserError("model 'nobody/nothing' cannot be loaded")

    plan = plan_of(tmp_path)
    results = run(replace(plan, systems={"broken": missing, **plan.systems}), Processes())
    broken = results.summary["systems"]["broken"]
    assert (broken["n_failed"], broken["wer"]) == (5, 1.0) and results.summary["systems"]["levels"]["wer"] == 0.0
    assert results.rows["broken"][0]["reason"] == "model 'nobody/nothing' cannot be loaded"
    assert write_benchmark(tmp_path, results, ReportOptions()).exists()


def test_the_natural_voice_is_planned_where_it_was_recorded(tmp_path, recordings):
    prompts = [recordings[0], *(replace(prompt, reference="") for prompt in recordings[1:5])]
    results = run(plan_of(tmp_path / "out", prompts, ear=Mumbling()), Processes())
    natural = results.summary["systems"]["natural"]
    assert (natural["n_planned"], natural["n_failed"]) == (1, 0)
    report = write_benchmark(tmp_path / "out", results, ReportOptions()).read_text()
    assert report.count('<tbody class="utterance"') == 5


def test_recordings_that_many_texts_share_count_once(tmp_path, recordings):
    """Seed-TTS lists: the voice to imitate says something else, and stands beside several texts."""
    voices = [recordings[0].reference, recordings[4].reference]
    prompts = [Prompt(f"s{n}", TEXTS[n], speaker=f"speaker {n % 2}", voice_reference=voices[n % 2]) for n in range(4)]
    results = run(
        plan_of(tmp_path / "out", prompts, speaker_verifier=Verifier(), ear=Ear(texts=tuple(TEXTS))), Processes()
    )
    scale = results.summary["similarity_scale"]
    assert scale["n_same"] == 0 and scale["ceiling"] is None and scale["n_different"] == 2
    assert "natural" not in results.summary["systems"] and results.summary["systems"]["levels"]["n_similarity"] == 4
    assert "the voice to imitate" in write_benchmark(tmp_path / "out", results, ReportOptions()).read_text()
    plain = [replace(prompt, voice_reference="") for prompt in prompts]
    results = run(
        plan_of(tmp_path / "out", plain, speaker_verifier=Verifier(), ear=Ear(texts=tuple(TEXTS))), Processes()
    )
    assert "the voice to imitate" not in write_benchmark(tmp_path / "out", results, ReportOptions()).read_text(), (
        "it was once"
    )


def test_without_recordings_nobody_judges(tmp_path):
    def not_here():
        raise UserError("no such verifier")

    plan = replace(plan_of(tmp_path), speaker_verifier=not_here)
    assert run(plan, Processes()).summary["speaker_verifier"] is None


def test_recordings_that_cannot_be_embedded_keep_what_was_heard(tmp_path, recordings):
    @dataclass(frozen=True)
    class Choosy(Verifier):
        def embed(self, waveform):
            if not np.ptp(waveform):
                raise UserError("too even for a voice")
            return super().embed(waveform)

    results = run(plan_of(tmp_path / "out", recordings, speaker_verifier=Choosy(), ear=Mumbling()), Processes())
    figures = results.summary["systems"]["levels"]
    assert figures["n_scored"] == 8 and figures["similarity"] is None
    assert "reference: too even for a voice" in results.rows["levels"][0]["not_measured"]
    assert results.summary["similarity_scale"] is None


def test_a_voice_with_one_recording_is_not_its_own_reference(tmp_path, recordings):
    results = run(plan_of(tmp_path / "out", [recordings[0]], speaker_verifier=Verifier(), ear=Mumbling()), Processes())
    systems = results.summary["systems"]
    assert systems["natural"]["similarity"] is None and systems["levels"]["similarity"] is not None


def test_texts_may_hold_any_character(tmp_path):
    text = 'one red apple\u2028two\u0085three <&>\t"quoted"'
    family, ear = Levels(texts=(text,)), Ear(texts=(text,))
    results = run(plan_of(tmp_path, [Prompt("odd", text)], family=family, ear=ear), Processes())
    assert results.summary["systems"]["levels"]["wer"] == 0.0
    assert run(plan_of(tmp_path, [Prompt("odd", text)], family=family, ear=ear), Processes()) == results


def test_a_text_of_cues_alone_has_nothing_to_be_heard(tmp_path):
    @dataclass(frozen=True)
    class Actor(Levels):
        speaks_cues = True

        def synthesize(self, lines):
            return [Speech(np.full(1600, 0.1, dtype=np.float32), 16_000) for _ in lines]

    results = run(
        plan_of(tmp_path, [Prompt("x", "[laughter]"), PROMPTS[0]], family=Actor(), ear=Mumbling()), Processes()
    )
    row = results.rows["levels"][0]
    assert (row["status"], row["n_words"], row["wer"], row["seconds_per_character"]) == ("scored", 0, None, None)
    figures, words = results.summary["systems"]["levels"], results.rows["levels"][1]
    assert figures["wer"] == figures["protocols"]["strict"]["wer"] == words["wer"], "what is heard is no error"
    assert figures["insertions"] == words["insertions"]
    write_benchmark(tmp_path, results, ReportOptions(n_sentences=0))
    whole = read_run(tmp_path, None)
    silent = replace(whole, rows={"x": whole.rows["x"]})
    assert compare_runs(silent, silent).notes[0] == "wer is not compared: the texts hold no words"


def test_a_voice_file_that_changes_is_spoken_from_again(tmp_path):
    @dataclass(frozen=True)
    class Voiced(Levels):
        voice: str = ""

    voice = tmp_path / "me.npz"
    voice.write_bytes(b"one")
    run(plan_of(tmp_path / "out", family=Voiced(voice=str(voice))), Processes())
    CALLS.clear()
    run(plan_of(tmp_path / "out", family=Voiced(voice=str(voice))), Processes())
    assert not CALLS
    voice.write_bytes(b"two")
    run(plan_of(tmp_path / "out", family=Voiced(voice=str(voice))), Processes())
    assert spoken_texts() == sorted(TEXTS)


def test_a_waveform_that_was_deleted_is_made_again(tmp_path):
    run(plan_of(tmp_path), Processes())
    (tmp_path / "systems/levels/wavs/p1.wav").unlink()
    CALLS.clear()
    run(plan_of(tmp_path), Processes())
    assert spoken_texts() == [TEXTS[1]]


def test_other_languages_are_read_without_english_rules(tmp_path):
    texts = ("zwei Äpfel", "3 Birnen")
    prompts = [Prompt(f"d{n}", text, language="de") for n, text in enumerate(texts)]
    plan = plan_of(tmp_path, prompts, family=Levels(texts=texts), ear=Ear(texts=texts))
    assert run(plan, Processes()).summary["systems"]["levels"]["wer"] == 0.0
    assert PROTOCOLS["strict"].words("3 Birnen", "three Birnen", "de").errors == 1
    assert PROTOCOLS["strict"].words("3 pears", "three pears", "en").errors == 0


@pytest.mark.parametrize(("settings", "message"), [
    ({"cluster_by": "voice"}, "cluster_by=voice: allowed are id and speaker"),
    ({"cluster_by": "speaker"}, "the texts are of one speaker"),
])  # fmt: skip
def test_what_would_come_to_nothing_is_refused_before_anything_speaks(tmp_path, settings, message):
    with pytest.raises(UserError, match=message):
        run(plan_of(tmp_path, **settings), Processes())
    assert not CALLS


class Broken(Verifier):
    """A judge whose weights do not load."""

    def embed(self, waveform):
        raise self.error


@pytest.mark.parametrize(("error", "message"), [
    (UserError("the speaker encoder 'x' cannot be loaded"), "the speaker encoder 'x' cannot be loaded"),
    (RuntimeError("invalid header"), r"the speaker_verifier judge cannot be used \(RuntimeError: invalid header\)"),
])  # fmt: skip
def test_a_judge_that_does_not_load_ends_the_run_before_anything_speaks(tmp_path, recordings, error, message):
    speaker_verifier = Broken()
    object.__setattr__(speaker_verifier, "error", error)
    with pytest.raises(UserError, match=message):
        run(plan_of(tmp_path / "out", recordings, speaker_verifier=speaker_verifier, ear=Mumbling()), Processes())
    assert not CALLS
    results = run(plan_of(tmp_path / "out", recordings, speaker_verifier=Verifier(), ear=Mumbling()), Processes())
    assert results.summary["systems"]["levels"]["n_similarity"] == 8, "nothing of it was kept"


def test_a_recognizer_that_does_not_load_ends_the_run_before_anything_speaks(tmp_path):
    class Unheard(Ear):
        def transcribe(self, waveform):
            raise RuntimeError("CUDA driver version is insufficient")

    with pytest.raises(UserError, match=r"the recognizer ear cannot be used \(RuntimeError: CUDA driver"):
        run(plan_of(tmp_path, ear=Unheard()), Processes())
    assert not CALLS


EMBEDDING_FAULTS = [
    ("too short for it", UserError("0.300 s of sound are too short"), "similarity: 0.300 s of sound are too short", False),
    ("anything else", RuntimeError("out of luck"), "similarity: RuntimeError: out of luck", True),
]  # fmt: skip


@pytest.mark.parametrize(
    ("error", "reason", "again"), [f[1:] for f in EMBEDDING_FAULTS], ids=[f[0] for f in EMBEDDING_FAULTS]
)
def test_what_has_no_embedding_says_why_and_only_short_sound_is_not_tried_again(
    tmp_path, recordings, error, reason, again
):
    seen = []

    class Picky(Verifier):
        __qualname__ = "Judge"

        def embed(self, waveform):
            seen.append(len(waveform))
            if len(waveform) == 1600 * 2:  # "five figs"
                raise error
            return super().embed(waveform)

    plan = plan_of(tmp_path / "out", recordings, speaker_verifier=Picky(), ear=Mumbling())
    row = run(plan, Processes()).rows["levels"][4]
    assert row["similarity"] is None and row["not_measured"] == reason and row["status"] == "scored"
    seen.clear()
    run(plan, Processes())
    assert (1600 * 2 in seen) == again


def test_a_recording_that_is_missing_is_the_reason_of_its_row(tmp_path, recordings):
    prompts = [replace(recordings[0], reference=str(tmp_path / "gone.wav")), *recordings[1:]]
    results = run(plan_of(tmp_path / "out", prompts, speaker_verifier=Verifier(), ear=Mumbling()), Processes())
    row = results.rows["levels"][0]
    assert row["similarity"] is None and "gone.wav: no such audio file" in row["not_measured"]
    assert results.rows["natural"][0]["status"] == "failed"
    assert results.summary["systems"]["levels"]["n_similarity"] == 7


@dataclass(frozen=True)
class Sparkle:
    """Rates every sound the same."""

    value: float = 3.0
    name: str = "sparkle"
    version: str = "1"

    def rate(self, waveform):
        return {"signal_quality": self.value}


def missing_package():
    raise UserError("quality=dnsmos: run: pip install 'speechmos==0.0.1.1'")


@pytest.mark.parametrize(("settings", "message"), [
    ({"prompts": [replace(p, reference="nowhere/x.wav") for p in PROMPTS]}, "none of the 5 reference recordings is there, such as nowhere/x.wav"),
    ({"background": "nowhere", "with_recordings": True}, "background=nowhere: no recordings there"),
    ({"quality": missing_package}, "speechmos=="),
])  # fmt: skip
def test_what_can_be_known_to_fail_is_known_before_anything_speaks(tmp_path, recordings, settings, message):
    if settings.pop("with_recordings", False):
        settings |= {"prompts": recordings, "speaker_verifier": Verifier(), "ear": Mumbling()}
    with pytest.raises(UserError, match=message):
        run(plan_of(tmp_path / "out", **settings), Processes())
    assert not CALLS


def test_ratings_of_another_rater_are_made_again(tmp_path):
    rates = [
        run(plan_of(tmp_path, quality=partial(Sparkle, **rater)), Processes()).summary["systems"]["levels"][
            "signal_quality"
        ]
        for rater in ({}, {"value": 4.0}, {"value": 4.0, "version": "2"})
    ]
    assert rates == [3.0, 4.0, 4.0]
    assert (
        json.loads((tmp_path / "systems/levels/quality/rows.jsonl").read_text().split("\n")[0])["signal_quality"] == 4.0
    )


def test_a_measure_that_is_not_a_number_is_the_reason_of_its_row(tmp_path):
    results = run(plan_of(tmp_path, quality=lambda: Sparkle(value=float("nan"))), Processes())
    assert results.summary["systems"]["levels"]["signal_quality"] is None
    assert "not a number was measured" in results.rows["levels"][0]["not_measured"]


class Unlisted(OSError):
    """What the hub's client raises for a mistyped name."""


def broken_families():
    class Mistyped:
        name = "mistyped"

        @property
        def conditioned_by(self):
            raise Unlisted("nobody/speecht5_tt is not a local folder")

        version = conditioned_by

    @dataclass(frozen=True)
    class Unreadable(Levels):
        def coverage(self, text):
            raise AttributeError("'NoneType' object has no attribute 'ids'")

    @dataclass(frozen=True)
    class Unloadable(Levels):
        @property
        def n_parameters(self):
            LOADED.append(1)
            raise UserError("model 'x' cannot be loaded (header too large)")

    return {
        "mistyped": (Mistyped(), "Unlisted: nobody/speecht5_tt is not a local folder"),
        "unreadable": (Unreadable(), "AttributeError: 'NoneType' object has no attribute 'ids'"),
        "unloadable": (Unloadable(), "model 'x' cannot be loaded (header too large)"),
    }


LOADED = []


@pytest.mark.parametrize("name", ["mistyped", "unreadable", "unloadable"])
def test_a_checkpoint_that_breaks_fails_all_its_rows_at_once_and_no_other_system(tmp_path, recordings, name):
    LOADED.clear()
    family, reason = broken_families()[name]
    plan = plan_of(tmp_path / "out", recordings, speaker_verifier=Verifier(), ear=Mumbling())
    results = run(replace(plan, systems={name: lambda: family, **plan.systems}), Processes())
    assert {row["reason"] for row in results.rows[name]} == {reason} and len(LOADED) <= 1
    assert results.summary["systems"][name]["n_failed"] == 8 and results.summary["systems"]["levels"]["n_scored"] == 8
    assert write_benchmark(tmp_path / "out", results, ReportOptions(n_sentences=0)).exists()


def test_a_constructor_that_a_config_system_wraps_gives_its_own_reason(tmp_path):
    from hydra.utils import instantiate

    plan = plan_of(tmp_path)
    wrapped = {"_target_": "tts_toolkit.models.recordings.Recordings", "folders": "x"}
    results = run(replace(plan, systems={"typo": lambda: instantiate(wrapped), **plan.systems}), Processes())
    assert "unexpected keyword argument 'folders'" in results.rows["typo"][0]["reason"]


def test_a_waveform_of_other_settings_is_not_taken_for_the_rows(tmp_path):
    """Run A; another seed is killed on the way; back to A: what the other left is spoken again."""
    first = run(plan_of(tmp_path), Processes())
    wav = tmp_path / "systems/levels/wavs/p1.wav"
    kept = wav.read_bytes()
    write_wav(wav, np.full(800, 0.9, dtype=np.float32))
    CALLS.clear()
    again = run(plan_of(tmp_path), Processes())
    assert spoken_texts() == [TEXTS[1]] and wav.read_bytes() == kept
    assert again.rows["levels"][1]["hypothesis"] == first.rows["levels"][1]["hypothesis"] == TEXTS[1]


def test_a_line_in_the_voice_of_its_recording_is_given_it(tmp_path):
    @dataclass(frozen=True)
    class Imitator(Levels):
        def recording_for(self, id_, reference, voice_reference, voice=None):
            return voice_reference if voice == "reference" else None

    prompt = replace(PROMPTS[0], voice_reference="v.wav")
    assert stages._line(replace(prompt, voice="reference"), Imitator(), 0).recording == "v.wav"
    assert stages._line(prompt, Imitator(), 0).recording is None


def test_two_processes_look_before_either_writes(tmp_path, monkeypatch):
    """A waveform is gone: one process makes it again, and the other, late to look, must not leave it waiting."""
    append = Stage.append
    monkeypatch.setattr(Stage, "append", lambda stage, rows: time.sleep(2) or append(stage, rows))
    stages.synthesize(Levels(), PROMPTS, tmp_path, 0, 2, Processes())
    (tmp_path / "wavs/p4.wav").unlink()
    barrier, faults = threading.Barrier(2, timeout=20), []

    def one(rank):
        time.sleep(rank)  # the second comes when the sound is there again, and its row not yet
        try:
            stages.synthesize(Levels(), PROMPTS, tmp_path, 0, 2, Processes(rank, 2, barrier.wait))
        except threading.BrokenBarrierError as error:
            faults.append(error)

    threads = [threading.Thread(target=one, args=(rank,)) for rank in (0, 1)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert not faults and (tmp_path / "wavs/p4.wav").is_file()


def test_a_line_cut_within_a_character_is_made_again(tmp_path):
    stage = Stage(tmp_path, {"a": "1", "b": "2"})
    stage.append([{"id": "a", "text": "smørrebrød"}, {"id": "b", "text": "smør"}])
    part = tmp_path / "part-0000.jsonl"
    part.write_bytes(part.read_bytes().rpartition("ø".encode())[0] + "ø".encode()[:1])
    assert stage.missing() == {"b"}
    stage.append([{"id": "b", "text": "smør"}])
    assert [row["text"] for row in stage.rows().values()] == ["smørrebrød", "smør"]


def emptied(file):
    file.write_text("")


def shortened(file):
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[: len(lines) // 2]))


def emptied_of_words(file):
    for word in ('"hypothesis": "', '"embedding": "', '"status": "spoken', '"signal_quality": ', '"text": "'):
        file.write_text(file.read_text().replace(word, word.replace('"', "'"), 2))


def flipped(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 3] ^= 1
    file.write_bytes(content)


def doubled(file):
    first = file.read_text().split("\n")[0]
    file.write_text(f"{first}\n" * 5)


LOSSES = (Path.unlink, emptied, shortened, emptied_of_words, flipped, doubled)


@dataclass(frozen=True)
class Rater:
    """Finds every sound equally clean."""

    name: str = "rater"
    version: str = "1"

    def rate(self, waveform):
        return {"signal_quality": 4.0}


def test_rows_that_are_lost_beside_their_marker_are_made_again(tmp_path, recordings, monkeypatch):
    """Whatever happens to the rows of any stage, they are those of the first run again: speech, then measures."""
    recordings = [replace(prompt, speaker="one") for prompt in recordings]
    plan = plan_of(
        tmp_path / "out", recordings, speaker_verifier=Verifier(), ear=Mumbling(), background=str(tmp_path / "natural")
    )
    plan = replace(plan, quality=Rater)
    for slow in ("evaluation.aggregation.ratio_interval", "evaluation.pipeline.free_memory", "components.free_memory"):
        monkeypatch.setattr(f"tts_toolkit.{slow}", lambda *_, **__: None)  # rows are what is looked at
    run(plan, Processes())
    files = sorted(plan.output_dir.rglob("rows.jsonl"))
    measures = [file for file in files if file.parent.name in ("transcripts", "embeddings", "quality")]
    assert (len(files), len(measures)) == (13, 8)

    def rows():
        found = [json.loads(line) for file in files for line in file.read_text().splitlines()]
        by_the_way = ("batch_size", "batch_seconds", "peak_memory_bytes", "sum")
        return [{name: value for name, value in row.items() if name not in by_the_way} for row in found]

    first = rows()
    for lose in LOSSES:
        for damaged in (measures, [file for file in files if file not in measures]):
            for file in damaged:
                before = file.read_bytes()
                lose(file)
                assert not file.is_file() or file.read_bytes() != before
            run(plan, Processes())
            assert rows() == first, lose.__name__


@pytest.mark.parametrize("marker", ["", "{", "[]", "null", '{"fingerprint": 1}', "\xff"])
def test_a_marker_that_is_damaged_stands_for_nothing(tmp_path, marker):
    stage = Stage(tmp_path, {"a": "1"})
    stage.append([{"id": "a"}])
    stage.finish()
    assert stage.complete
    (tmp_path / "done.json").write_text(marker, encoding="latin-1")
    assert not stage.complete and not stage.missing()


@pytest.mark.parametrize(
    "damage",
    [
        emptied,
        flipped,
        lambda f: f.write_text("[1]"),
        lambda f: f.write_text('{"a": 1}'),
        lambda f: f.write_text(f.read_text().replace('"n_parameters": 7', '"n_parameters": 8')),
    ],
)
def test_facts_that_are_damaged_are_found_out_again(tmp_path, damage, monkeypatch):
    for slow in ("evaluation.aggregation.ratio_interval", "evaluation.pipeline.free_memory", "components.free_memory"):
        monkeypatch.setattr(f"tts_toolkit.{slow}", lambda *_, **__: None)
    first = run(plan_of(tmp_path), Processes()).summary["systems"]["levels"]
    kept = (tmp_path / "systems/levels/facts.json").read_text()
    damage(tmp_path / "systems/levels/facts.json")
    again = run(plan_of(tmp_path), Processes()).summary["systems"]["levels"]
    assert again == first and again["n_parameters"] == 7
    assert (tmp_path / "systems/levels/facts.json").read_text() == kept


def test_what_no_stage_found_is_a_failed_row_and_never_silence():
    spoken = {"p0": {**stages.failed_row("p0", ""), "status": "spoken"}}
    rated = {"p9": {"signal_quality": 4.0}}
    rows = score_rows(PROMPTS[:2], Measured(spoken, {}, rated, rated), {}, "en")
    assert [(row["status"], row["reason"]) for row in rows] == [("failed", LOST), ("failed", LOST)]
    assert rows[0]["not_measured"] == f"similarity: {LOST}; signal quality: {LOST}"


def fewer_rows(folder):
    table = read_table(folder / "scores.parquet")
    write_table(table.slice(0, table.num_rows - 1), folder / "scores.parquet")


def other_rows(folder):
    table = read_table(folder / "scores.parquet").to_pylist()
    write_table(Table.from_pylist([{**row, "word_errors": 3} for row in table]), folder / "scores.parquet")


@pytest.mark.parametrize("damage", [fewer_rows, other_rows])
def test_a_table_that_is_not_the_summarys_is_refused(tmp_path, damage):
    write_benchmark(tmp_path, run(plan_of(tmp_path), Processes()), ReportOptions(n_sentences=0))
    damage(tmp_path)
    for read in (partial(reaggregate, tmp_path), partial(read_run, tmp_path, "levels")):
        with pytest.raises(UserError, match="scores.parquet: is not the table that summary.json sums up; run"):
            read()


@pytest.mark.parametrize("damage", [Path.unlink, lambda wav: write_wav(wav, np.zeros(10, dtype=np.float32))])
def test_a_report_never_shows_other_speech_than_was_scored(tmp_path, damage):
    write_benchmark(tmp_path, run(plan_of(tmp_path), Processes()), ReportOptions(n_sentences=0))
    damage(tmp_path / "systems/levels/wavs/p1.wav")
    with pytest.raises(UserError, match="p1.wav: is not the speech that was scored; run tts-benchmark"):
        write_benchmark(tmp_path, reaggregate(tmp_path), ReportOptions(n_sentences=9))


def test_facts_are_those_of_a_run_that_spoke(tmp_path):
    @dataclass(frozen=True)
    class Sick(Levels):
        __qualname__ = "Levels"

        def synthesize(self, lines):
            raise RuntimeError("no luck today")

    sick = run(plan_of(tmp_path, family=Sick()), Processes()).summary["systems"]["levels"]
    assert sick["n_failed"] == 5 and sick["version"] == "1" and sick["n_parameters"] is None
    well = run(plan_of(tmp_path), Processes()).summary["systems"]["levels"]
    assert (well["n_scored"], well["version"], well["n_parameters"]) == (5, "1", 7)
    facts = json.loads((tmp_path / "systems/levels/facts.json").read_text())
    assert facts["checkpoint"] == "levels" and facts["settings"]["texts"] == TEXTS and not facts["played_back"]


@pytest.mark.parametrize("copied", [True, False])
def test_a_copy_of_the_encoder_that_conditions_a_system_may_not_judge_it(tmp_path, recordings, copied):
    for name, content in {"original": b"weights", "speaker_verifier": b"weights" if copied else b"others"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "embedding_model.ckpt").write_bytes(content)

    @dataclass(frozen=True)
    class Conditioned(Levels):
        conditioned_by = str(tmp_path / "original")

    speaker_verifier = Verifier(name="mine")
    object.__setattr__(speaker_verifier, "source", str(tmp_path / "speaker_verifier"))
    plan = plan_of(
        tmp_path / "out", recordings, family=Conditioned(), speaker_verifier=speaker_verifier, ear=Mumbling()
    )
    if copied:
        with pytest.raises(UserError, match="of which mine is a copy, which would score its own work"):
            run(plan, Processes())
    else:
        assert run(plan, Processes())


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


OUTSIDE = [
    ("t.tsv", "id\ttext\treference\na\tone\t../other.wav\n", "t.tsv:2"),
    ("t.tsv", "id\ttext\tvoice_reference\na\tone\t/etc/hostname\n", "t.tsv:2"),
    ("t.jsonl", '{"text": "one", "reference": "x/../../other.wav"}\n', "t.jsonl:1"),
    ("t.lst", "a|said|../other.wav|one\n", "t.lst:1"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "place"), OUTSIDE)
def test_a_list_names_recordings_of_its_own_folder_only(tmp_path, name, content, place):
    (tmp_path / name).write_text(content)
    with pytest.raises(UserError, match=f"{place}: the recording .* lies outside .*test_set.allow_outside=true"):
        read_prompts(str(tmp_path / name))
    assert len(read_prompts(str(tmp_path / name), allow_outside=True)) == 1


def test_runs_that_share_part_of_their_texts_are_compared_over_those(tmp_path, recordings):
    settings = {"speaker_verifier": Verifier(), "ear": Mumbling()}
    extra = Prompt("extra", "one red apple", speaker="high", reference=recordings[4].reference.replace("r4", "more"))
    write_wav(Path(extra.reference), np.full(16_000, 0.97, dtype=np.float32))
    base = finished(tmp_path / "base", prompts=recordings, **settings)
    more = finished(tmp_path / "more", prompts=[*recordings, extra], **settings)
    comparison = compare_runs(read_run(base, "levels"), read_run(more, "levels"))
    assert (comparison.n_common, comparison.n_left_out) == (8, 1) and comparison.differences[0].metric == "wer"
    shown = table(comparison)
    assert "Similarity of 4 texts is left out: measured against different recordings." in shown
    assert "(ceiling)" in shown and "equal error rate 0.0 %" in shown


def test_what_is_not_compared_is_said(tmp_path, recordings):
    settings = {"ear": Mumbling(), "prompts": [replace(p, speaker="one", reference="") for p in recordings]}
    runs = [
        read_run(finished(tmp_path / name, quality=partial(Sparkle, version=version), **settings), None)
        for name, version in {"a": "1", "b": "2"}.items()
    ]
    with pytest.raises(UserError, match="cluster_by=x: allowed are id and speaker"):
        compare_runs(*runs, cluster_by="x")
    shown = table(compare_runs(*runs, cluster_by="speaker"))
    assert "Wer is not compared: the rows are of one speaker, which leaves nothing to draw from." in shown
    assert "Signal_quality is not compared: rated by sparkle (1) and by sparkle (2)." in shown


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


def test_an_unchanged_run_opens_no_model(tmp_path, recordings):
    opened = []

    class Watched(Verifier):
        def embed(self, waveform):
            opened.append("speaker_verifier")
            return super().embed(waveform)

    class Listening(Mumbling):
        def transcribe(self, waveform):
            opened.append("ear")
            return super().transcribe(waveform)

    one_voice = [replace(prompt, speaker="one") for prompt in recordings]
    plan = plan_of(
        tmp_path / "out", one_voice, speaker_verifier=Watched(), ear=Listening(), background=str(tmp_path / "natural")
    )
    write_benchmark(plan.output_dir, run(plan, Processes()), ReportOptions(n_sentences=0))
    assert "speaker_verifier" in opened and "ear" in opened
    opened.clear(), CALLS.clear()
    results = run(plan, Processes())
    assert not opened and not CALLS and results.summary["similarity_scale"]["floor"] is not None


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


def test_every_table_of_similarities_shows_their_scale(tmp_path, recordings):
    write_benchmark(
        tmp_path,
        run(plan_of(tmp_path, recordings, speaker_verifier=Verifier(), ear=Mumbling()), Processes()),
        ReportOptions(n_sentences=0),
    )
    assert "(ceiling) and 0." in (tmp_path / "leaderboard.md").read_text()
    card = (tmp_path / "model-index.yml").read_text()
    assert "ceiling: 0.9" in card and "floor: 0." in card and "equal_error_rate: 0.0" in card


def test_every_protocol_counts_its_rows(tmp_path):
    family = Levels(faults=(("pears", ValueError("x")),))
    protocols = run(plan_of(tmp_path, family=family), Processes()).summary["systems"]["levels"]["protocols"]
    for rates in protocols.values():
        assert (rates["n_planned"], rates["n_scored"], rates["n_failed"]) == (5, 4, 1)
    assert [rates["n_rows"] for rates in protocols.values()] == [5, 4]


def test_protocols_are_read_again_and_nothing_else(tmp_path):
    run(plan_of(tmp_path, speaker_verifier=None), Processes())
    CALLS.clear(), HEARD.clear()
    results = run(plan_of(tmp_path, protocols=[PROTOCOLS["seed_tts_eval"]]), Processes())
    assert list(results.summary["systems"]["levels"]["protocols"]) == ["seed_tts_eval"] and not CALLS and not HEARD


def test_another_judge_embeds_again_and_nobody_speaks(tmp_path, recordings):
    run(plan_of(tmp_path / "out", recordings, speaker_verifier=Verifier(), ear=Mumbling()), Processes())
    CALLS.clear()
    results = run(
        plan_of(tmp_path / "out", recordings, speaker_verifier=Verifier(version="2"), ear=Mumbling()), Processes()
    )
    assert results.summary["speaker_verifier"]["version"] == "2" and not CALLS


def test_batches_are_of_texts_of_like_length(tmp_path):
    run(plan_of(tmp_path, batch_size=2), Processes())
    lengths = [len(text) for call in CALLS[1:] for text in call]
    assert lengths == sorted(lengths) and [len(call) for call in CALLS[1:]] == [2, 2, 1]


def test_one_large_model_is_in_memory_at_a_time(tmp_path, recordings):
    alive, together = weakref.WeakSet(), []

    class Weights:
        """What a model holds once it was used."""

    def heavy(cls):
        class Heavy(cls):
            def _use(self):
                if not hasattr(self, "weights"):
                    gc.collect()
                    together.append(len(alive))
                    object.__setattr__(self, "weights", Weights())
                    alive.add(self.weights)

            def synthesize(self, lines):
                self._use()
                return super().synthesize(lines)

            def transcribe(self, waveform):
                self._use()
                return super().transcribe(waveform)

            def embed(self, waveform):
                self._use()
                return super().embed(waveform)

        return Heavy

    plan = plan_of(tmp_path / "out", recordings, background=None)
    plan = replace(
        plan,
        systems={"one": lambda: heavy(Levels)(), "two": lambda: heavy(Levels)()},
        recognizer=lambda: heavy(Mumbling)(),
        speaker_verifier=lambda: heavy(Verifier)(),
    )
    run(plan, Processes())
    assert len(together) == 6 and set(together) == {0}, "each was let go before the next was used"


def test_the_published_list_is_what_a_published_table_is_compared_with(tmp_path, capsys):
    from tts_toolkit.files import file_hash

    listing = tmp_path / "meta.lst"
    listing.write_text("one")
    results = run(plan_of(tmp_path), Processes())
    report = write_benchmark(tmp_path, results, ReportOptions(n_sentences=0))
    published = {"list": str(listing), "sha256": file_hash(listing), "n_texts": 5}
    expected = {"protocol": "strict", "wer": {"levels": 0.0}, "within": {"levels": 0.01}, "published": published}
    assert conclude(tmp_path, report, results.summary, 0.95, expected) == 0
    assert "levels: WER 0.00 % under strict, expected 0.00 ± 1.00 %: pass" in capsys.readouterr().out
    listing.write_text("another")
    assert conclude(tmp_path, report, results.summary, 0.95, expected) == 1
    told = capsys.readouterr().out
    assert "is not the published list of 5 texts" in told and "within, but of other texts" in told


def test_health_of_a_system_is_counted(tmp_path):
    """A take that hit the ceiling, a clipped one, one that says a word twice and one that leaves its end out."""

    @dataclass(frozen=True)
    class Ill(Levels):
        def synthesize(self, lines):
            takes = super().synthesize(lines)
            return [replace(take, truncated="red" in line.text) for take, line in zip(takes, lines, strict=True)]

    class Hearing(Ear):
        def transcribe(self, waveform):
            if np.abs(waveform).max() > 0.99:
                return "five figs"
            heard = super().transcribe(waveform)
            return heard.replace("blue", "blue blue").replace(" in a bowl", "")

    family = Ill(faults=(("figs", lambda w: np.ones_like(w)),))
    health = run(plan_of(tmp_path, family=family, ear=Hearing()), Processes()).summary["systems"]["levels"]["health"]
    assert (health["n_hit_ceiling"], health["n_repeating"], health["n_stopped_early"]) == (1, 1, 1)
    assert health["clipped_share"] == pytest.approx(1 / 5) and health["n_silent"] == 0
