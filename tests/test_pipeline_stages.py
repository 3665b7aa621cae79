"""The stages of a benchmark: what is synthesized and transcribed, in which batches, and how a fault becomes one failed row."""

import gc
import json
import weakref
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pytest
from fakes import CALLS, HEARD, PROMPTS, TEXTS, VOICES, Ear, Levels, Moody, Mumbling, Verifier, plan_of, spoken_texts

import tts_toolkit.evaluation.stages as stages
from tts_toolkit.data.test_sets import Prompt, read_prompts
from tts_toolkit.evaluation.compare import compare_runs, read_run
from tts_toolkit.evaluation.pipeline import run
from tts_toolkit.models.base import SynthesisRequest
from tts_toolkit.models.recordings import Recordings
from tts_toolkit.nn.devices import hardware
from tts_toolkit.report.benchmark import ReportOptions, write_benchmark
from tts_toolkit.system.errors import UserError
from tts_toolkit.system.files import file_name
from tts_toolkit.system.processes import Processes

FAULTS = [
    ("an exception", ("pears", ValueError("pears are out")), "ValueError: pears are out"),
    ("a user's mistake", ("pears", UserError("unknown voice 'x': known are y")), "known are y"),
    ("no sound", ("pears", lambda w: w[:0]), "no sound was generated"),
    ("not numbers", ("pears", lambda w: w * np.nan), "non-finite"),
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


def test_batches_are_of_texts_of_like_length(tmp_path):
    run(plan_of(tmp_path, batch_size=2), Processes())
    lengths = [len(text) for call in CALLS[1:] for text in call]
    assert lengths == sorted(lengths) and [len(call) for call in CALLS[1:]] == [2, 2, 1]


def test_what_a_family_cannot_say_is_told_and_stands_in_its_row(tmp_path, caplog):
    prompts = [*PROMPTS, Prompt("odd", "smørrebrød [laughter] now")]
    results = run(plan_of(tmp_path, prompts), Processes())
    assert "levels drops in 1 of 6 texts: ø" in caplog.text
    row = results.rows["levels"][5]
    assert (row["dropped"], row["expected"], row["n_words"]) == ("ø ø", "smørrebrød now", 2)
    assert "smørrebrød now" in spoken_texts(), "cues are not for families that would read them out"


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


def test_played_back_files_that_are_missing_are_failed_rows(tmp_path, recordings):
    family = Recordings("wavs", str(tmp_path / "natural"))
    prompts = [replace(prompt, reference="") for prompt in recordings] + [Prompt("missing", "nobody said this")]
    results = run(plan_of(tmp_path / "out", prompts, family=family, ear=Mumbling()), Processes())
    row = results.rows["levels"][-1]
    assert row["status"] == "failed" and "missing.wav: no such audio file" in row["reason"]
    assert results.summary["systems"]["levels"]["n_scored"] == 8


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


def test_a_line_depends_on_its_text_its_voice_and_the_seed_only():
    lines = [stages._request(prompt, Levels(), 0) for prompt in (PROMPTS[0], replace(PROMPTS[0], id="x", category="y"))]
    assert lines[0] == lines[1] == SynthesisRequest(TEXTS[0], lines[0].seed)
    assert stages._request(PROMPTS[0], Levels(), 1).seed != lines[0].seed


def test_a_line_in_the_voice_of_its_recording_is_given_it(tmp_path):
    @dataclass(frozen=True)
    class Imitator(Levels):
        def recording_for(self, id_, reference, voice_reference, voice=None):
            return voice_reference if voice == "reference" else None

    prompt = replace(PROMPTS[0], voice_reference="v.wav")
    assert stages._request(replace(prompt, voice="reference"), Imitator(), 0).recording == "v.wav"
    assert stages._request(prompt, Imitator(), 0).recording is None


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


def test_texts_may_hold_any_character(tmp_path):
    text = 'one red apple\u2028two\u0085three <&>\t"quoted"'
    family, ear = Levels(texts=(text,)), Ear(texts=(text,))
    results = run(plan_of(tmp_path, [Prompt("odd", text)], family=family, ear=ear), Processes())
    assert results.summary["systems"]["levels"]["wer"] == 0.0
    assert run(plan_of(tmp_path, [Prompt("odd", text)], family=family, ear=ear), Processes()) == results


def test_each_system_speaks_in_its_own_voices(tmp_path):
    (tmp_path / "t.tsv").write_text("id\ttext\tvoice\tvoice.bark\na\tone\tslt\tv2/en_speaker_6\nb\ttwo\tslt\t\n")
    prompts = read_prompts(str(tmp_path / "t.tsv"))
    assert [p.for_system("speecht5").voice for p in prompts] == ["slt", "slt"]
    assert [p.for_system("bark").voice for p in prompts] == ["v2/en_speaker_6", "slt"]
    run(plan_of(tmp_path / "run", [replace(PROMPTS[0], voices={"levels": "mine"})]), Processes())
    assert VOICES[-1] == "mine"


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
