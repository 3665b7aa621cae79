"""The benchmark's stages: what is counted, what is made again, and what a fault leaves behind."""

import json
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from pyarrow.parquet import read_table

import tts_toolkit.benchmark.stages as stages
from tts_toolkit.audio import write_wav
from tts_toolkit.benchmark.compare import compare_runs, read_run, table
from tts_toolkit.benchmark.plan import Plan
from tts_toolkit.benchmark.prompts import Prompt, read_prompts, recorded_prompts, with_recordings
from tts_toolkit.benchmark.rows import Stage, share
from tts_toolkit.benchmark.run import run
from tts_toolkit.benchmark.verdict import conclude
from tts_toolkit.data.clips import Clip
from tts_toolkit.errors import UserError
from tts_toolkit.families.interface import Coverage, Line, Take
from tts_toolkit.families.recordings import Recordings
from tts_toolkit.processes import Processes
from tts_toolkit.report.benchmark import Shown, write_benchmark
from tts_toolkit.scoring.protocols import PROTOCOLS

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

    def recording_for(self, id_, reference, voice_reference):
        return None

    def coverage(self, text):
        return Coverage(dropped=tuple(c for c in text if c == "ø"))

    def speak(self, lines):
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
            takes.append(Take(waveform, 16_000))
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

    def hear(self, waveform):
        if np.ptp(waveform):
            return "hiss"  # which it is tried out with; `Levels` speaks in constants
        HEARD.append(len(waveform))
        text = self.texts[round((float(np.median(waveform)) - 0.1) / 0.05)]
        return text.replace(self.deaf_to, "something") if self.deaf_to else text


HEARD = []


@dataclass(frozen=True)
class Judge:
    """Two numbers from the level."""

    name: str = "judge"
    version: str = "1"

    def embed(self, waveform):
        level = float(np.median(waveform))
        return np.asarray([np.cos(level), np.sin(level)], dtype=np.float32)


@pytest.fixture(autouse=True)
def nothing_happened_yet():
    CALLS.clear()
    HEARD.clear()


def plan_of(tmp_path, prompts=PROMPTS, family=Levels(), ear=Ear(), judge=None, **settings):
    settings = {"protocols": [PROTOCOLS["strict"], PROTOCOLS["f5"]], "background": None, "batch_size": 2} | settings
    return Plan(
        {"levels": lambda: family}, prompts, lambda: ear, judge and (lambda: judge), output_dir=tmp_path, **settings
    )


def spoken_texts():
    """What was synthesised, the warm-up left out."""
    return sorted(text for call in CALLS[1:] for text in call)


def test_a_perfect_system_scores_no_error_and_knows_how_sure_it_is(tmp_path):
    results = run(plan_of(tmp_path), Processes())
    figures = results.summary["systems"]["levels"]
    assert (figures["wer"], figures["cer"], figures["exact_match"]) == (0.0, 0.0, 1.0)
    assert figures["wer_ci"][0] == 0.0 and figures["wer_ci"][1] == pytest.approx(1 - 0.025 ** (1 / 5))
    assert (figures["n_planned"], figures["n_scored"], figures["n_failed"]) == (5, 5, 0)
    assert figures["protocols"]["f5"]["n_rows"] == 5 and figures["rtf"] > 0 and figures["n_parameters"] == 7


def test_errors_are_counted_over_the_corpus(tmp_path):
    figures = run(plan_of(tmp_path, ear=Ear(deaf_to="red")), Processes()).summary["systems"]["levels"]
    assert figures["wer"] == pytest.approx(1 / 19) and figures["wer_utterance_mean"] == pytest.approx(1 / 15)
    assert figures["wer_ci"][0] <= 1 / 19 <= figures["wer_ci"][1]
    assert figures["groups"]["category"]["short"]["wer"] == 0.0
    assert figures["groups"]["category"]["long"]["n_planned"] == 3


def test_every_rate_and_mean_has_an_interval_that_holds_it(tmp_path, recordings):
    figures = run(plan_of(tmp_path / "run", recordings, ear=Ear(deaf_to="red"), judge=Judge()), Processes())
    levels = figures.summary["systems"]["levels"]
    parts = [levels, levels["health"], *levels["protocols"].values(), *levels["groups"]["speaker"].values()]
    rates = [(part, name.removesuffix("_ci")) for part in parts for name in part if name.endswith("_ci")]
    assert {name for _, name in rates} == {
        "wer", "wer_scored_only", "wer_utterance_mean", "cer", "cer_scored_only", "cer_utterance_mean", "exact_match",
        "similarity", "similarity_normalised", "signal_quality", "rtf", "silence_share", "clipped_share",
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


def test_silence_never_reaches_the_recogniser(tmp_path):
    results = run(plan_of(tmp_path, family=Levels(faults=(("pears", lambda w: w * 0),))), Processes())
    row = results.rows["levels"][1]
    assert (row["status"], row["hypothesis"], row["wer"]) == ("scored", "", 1.0) and len(HEARD) == 4
    assert results.summary["systems"]["levels"]["health"]["n_silent"] == 1


def test_a_batch_that_does_not_fit_is_halved_and_the_run_goes_on(tmp_path):
    @dataclass(frozen=True)
    class Small(Levels):
        def speak(self, lines):
            if len(lines) > 2:
                raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
            return super().speak(lines)

    results = run(plan_of(tmp_path, family=Small(), batch_size=5), Processes())
    assert results.summary["systems"]["levels"]["n_scored"] == 5
    rows = [json.loads(line) for line in (tmp_path / "systems/levels/synthesis/rows.jsonl").open()]
    assert {row["batch_size"] for row in rows} <= {1, 2}


def test_an_unchanged_run_makes_nothing_again(tmp_path):
    first = run(plan_of(tmp_path), Processes())
    CALLS.clear(), HEARD.clear()
    again = run(plan_of(tmp_path), Processes())
    assert not CALLS and not HEARD and again == first


CHANGES = [
    ("a text", {"prompts": [*PROMPTS[:4], replace(PROMPTS[4], text="three blue plums")]}, ["three blue plums"], 1),
    ("the seed", {"seed": 7}, sorted(TEXTS), 0),
    ("the weights", {"family": Levels(version="2")}, sorted(TEXTS), 0),
    ("the recogniser", {"ear": Ear(deaf_to="red")}, [], 5),
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
    results = run(plan_of(tmp_path / "out", recordings, judge=Judge(), ear=Mumbling()), Processes())
    natural, scale = results.summary["systems"]["natural"], results.summary["similarity_scale"]
    assert scale["n_same"] == 8 and scale["equal_error_rate"] == 0.0 and scale["ceiling"] > 0.999 > scale["floor"]
    assert natural["similarity"] == pytest.approx(scale["ceiling"]) and natural["rtf"] is None
    assert natural["similarity_normalised"] == pytest.approx(1.0)
    levels = results.summary["systems"]["levels"]
    assert levels["similarity_normalised"] < 1 and levels["similarity_ci"][0] <= levels["similarity"]


@dataclass(frozen=True)
class Mumbling(Ear):
    def hear(self, waveform):
        return "mumbling"


def test_the_encoder_that_conditions_a_system_may_not_judge_it(tmp_path, recordings):
    @dataclass(frozen=True)
    class Conditioned(Levels):
        conditioned_by = "judge"

    plan = plan_of(tmp_path / "out", recordings, family=Conditioned(), judge=Judge(), ear=Mumbling())
    with pytest.raises(UserError, match="would judge its own work"):
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
    results = run(plan_of(tmp_path, recordings, judge=Judge(), ear=Mumbling()), Processes())
    hostile = [{**row, "hypothesis": "<script>alert(1)</script>"} for row in results.rows["levels"]]
    results = replace(results, rows={**results.rows, "levels": hostile})
    report = write_benchmark(tmp_path, results, Shown(n_sentences=3)).read_text()
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
    report = write_benchmark(tmp_path, results, Shown())
    assert conclude(tmp_path, report, results.summary, 0.95, None) == 3
    assert "levels: 0 of 5 rows scored, fewer than min_coverage=0.95: every row failed" in capsys.readouterr().out


@pytest.mark.parametrize(("rate", "status", "verdict"), [(0.05, 0, "pass"), (0.2, 1, "FAIL")])
def test_expected_rates_pass_or_fail(tmp_path, capsys, rate, status, verdict):
    results = run(plan_of(tmp_path, ear=Ear(deaf_to="red")), Processes())
    report = write_benchmark(tmp_path, results, Shown())
    expected = {"protocol": "strict", "wer": {"levels": rate}, "within": {"levels": 0.01}}
    assert conclude(tmp_path, report, results.summary, 0.95, expected) == status
    assert f"levels: WER 5.26 % under strict, expected {100 * rate:.2f} ± 1.00 %: {verdict}" in capsys.readouterr().out


def finished(folder, **settings):
    write_benchmark(folder, run(plan_of(folder, **settings), Processes()), Shown(n_sentences=0))
    return folder


def test_two_runs_are_compared_pair_by_pair(tmp_path):
    base = finished(tmp_path / "base", family=Levels(faults=(("red", ValueError("x")), ("figs", ValueError("x")))))
    better = finished(tmp_path / "better")
    comparison = compare_runs(read_run(base, None), read_run(better, None))
    wer = comparison.differences[0]
    assert wer.metric == "wer" and wer.difference == pytest.approx(-5 / 19) and wer.n_pairs == 5
    assert wer.interval.low < -5 / 19 < wer.interval.high <= 0 and set(comparison.groups["category"]) == {
        "long",
        "short",
    }
    assert "against" in table(comparison) and json.loads(comparison.to_json())["n_common"] == 5


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
    ("t.tsv", "a\tone\na\ttwo\n", r"t\.tsv:2: the id 'a' is taken by .*t\.tsv:1"),
    ("t.tsv", "a\t\n", r"t\.tsv:1: the text is empty"),
    ("t.tsv", "a\tone\tmore\n", r"t\.tsv:1: has 3 fields; wanted are 2"),
    ("t.tsv", "id\ttext\tcolour\na\tone\tred\n", r"t\.tsv:2: unknown column colour; allowed are id, text"),
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


def test_references_without_a_match_are_refused(tmp_path):
    write_wav(tmp_path / "other.wav", np.zeros(100, dtype=np.float32))
    with pytest.raises(UserError, match="holds 1 recordings, none called by an id of the texts, such as p0.wav"):
        with_recordings(PROMPTS, tmp_path)


def test_ids_become_file_names_that_differ():
    names = [stages.file_name(id_) for id_ in ("a/b", "a_b", "../a", "x" * 300, "é")]
    assert len(set(names)) == 5 and all("/" not in name and len(name) < 100 for name in names)


def test_a_line_depends_on_its_text_its_voice_and_the_seed_only():
    lines = [stages._line(prompt, Levels(), 0) for prompt in (PROMPTS[0], replace(PROMPTS[0], id="x", category="y"))]
    assert lines[0] == lines[1] == Line(TEXTS[0], lines[0].seed)
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
write_benchmark(plan.output_dir, run(plan, Processes()), Shown(n_sentences=10, n_listed=50))
print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
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

    def speak(self, lines):
        return Levels().speak(lines)


def test_a_recogniser_that_breaks_on_a_clip_fails_that_row(tmp_path):
    @dataclass(frozen=True)
    class Fragile(Ear):
        def hear(self, waveform):
            if len(waveform) == 1600 * 5:
                raise RuntimeError("Kernel size can't be greater than actual input size")
            return super().hear(waveform)

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
    assert write_benchmark(tmp_path, results, Shown()).exists()


def test_the_natural_voice_is_planned_where_it_was_recorded(tmp_path, recordings):
    prompts = [recordings[0], *(replace(prompt, reference="") for prompt in recordings[1:5])]
    results = run(plan_of(tmp_path / "out", prompts, ear=Mumbling()), Processes())
    natural = results.summary["systems"]["natural"]
    assert (natural["n_planned"], natural["n_failed"]) == (1, 0)
    report = write_benchmark(tmp_path / "out", results, Shown()).read_text()
    assert report.count('<tbody class="utterance"') == 5


def test_recordings_that_many_texts_share_count_once(tmp_path, recordings):
    """Seed-TTS lists: the voice to imitate says something else, and stands beside several texts."""
    voices = [recordings[0].reference, recordings[4].reference]
    prompts = [Prompt(f"s{n}", TEXTS[n], speaker=f"speaker {n % 2}", voice_reference=voices[n % 2]) for n in range(4)]
    results = run(plan_of(tmp_path / "out", prompts, judge=Judge(), ear=Ear(texts=tuple(TEXTS))), Processes())
    scale = results.summary["similarity_scale"]
    assert scale["n_same"] == 0 and scale["ceiling"] is None and scale["n_different"] == 2
    assert "natural" not in results.summary["systems"] and results.summary["systems"]["levels"]["n_similarity"] == 4
    assert "the voice to imitate" in write_benchmark(tmp_path / "out", results, Shown()).read_text()


def test_a_voice_with_one_recording_is_not_its_own_reference(tmp_path, recordings):
    results = run(plan_of(tmp_path / "out", [recordings[0]], judge=Judge(), ear=Mumbling()), Processes())
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

        def speak(self, lines):
            return [Take(np.full(1600, 0.1, dtype=np.float32), 16_000) for _ in lines]

    results = run(
        plan_of(tmp_path, [Prompt("x", "[laughter]"), PROMPTS[0]], family=Actor(), ear=Mumbling()), Processes()
    )
    row = results.rows["levels"][0]
    assert (row["status"], row["n_words"], row["wer"], row["seconds_per_character"]) == ("scored", 0, None, None)


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
