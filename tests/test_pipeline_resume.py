"""Resuming a benchmark: which changes redo which stage, and what interrupted or damaged runs leave behind."""

import json
import threading
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from fakes import CALLS, HEARD, PROMPTS, TEXTS, Ear, Levels, Mumbling, Sparkle, Verifier, plan_of, spoken_texts

import tts_toolkit.evaluation.stages as stages
from tts_toolkit.audio.waveforms import write_wav
from tts_toolkit.data.test_sets import Prompt
from tts_toolkit.evaluation.metrics.protocols import PROTOCOLS
from tts_toolkit.evaluation.pipeline import run
from tts_toolkit.evaluation.stage_log import Stage, share
from tts_toolkit.report.benchmark import ReportOptions, write_benchmark
from tts_toolkit.system.processes import Processes


def test_an_unchanged_run_makes_nothing_again(tmp_path):
    first = run(plan_of(tmp_path), Processes())
    CALLS.clear(), HEARD.clear()
    again = run(plan_of(tmp_path), Processes())
    assert not CALLS and not HEARD and again == first


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


def test_ratings_of_another_rater_are_made_again(tmp_path):
    rates = [
        run(plan_of(tmp_path, metrics={"sparkle": partial(Sparkle, **rater)}), Processes()).summary["systems"][
            "levels"
        ]["sparkle_score"]
        for rater in ({}, {"value": 4.0}, {"value": 4.0, "version": "2"})
    ]
    assert rates == [3.0, 4.0, 4.0]
    assert (
        json.loads((tmp_path / "systems/levels/sparkle/rows.jsonl").read_text().split("\n")[0])["sparkle_score"] == 4.0
    )


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
    for word in ('"hypothesis": "', '"embedding": "', '"status": "spoken', '"sparkle_score": ', '"text": "'):
        file.write_text(file.read_text().replace(word, word.replace('"', "'"), 2))


def flipped(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 3] ^= 1
    file.write_bytes(content)


def doubled(file):
    first = file.read_text().split("\n")[0]
    file.write_text(f"{first}\n" * 5)


LOSSES = (Path.unlink, emptied, shortened, emptied_of_words, flipped, doubled)


def test_rows_that_are_lost_beside_their_marker_are_made_again(tmp_path, recordings, monkeypatch):
    """Whatever happens to the rows of any stage, they are those of the first run again: speech, then measures."""
    recordings = [replace(prompt, speaker="one") for prompt in recordings]
    plan = plan_of(
        tmp_path / "out", recordings, speaker_verifier=Verifier(), ear=Mumbling(), background=str(tmp_path / "natural")
    )
    plan = replace(plan, metrics={"sparkle": Sparkle})
    for slow in ("evaluation.aggregation.ratio_interval", "evaluation.pipeline.free_memory", "components.free_memory"):
        monkeypatch.setattr(f"tts_toolkit.{slow}", lambda *_, **__: None)  # rows are what is looked at
    run(plan, Processes())
    files = sorted(plan.output_dir.rglob("rows.jsonl"))
    measures = [file for file in files if file.parent.name in ("transcripts", "embeddings", "sparkle")]
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
