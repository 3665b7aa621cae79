"""Speaker similarity of a benchmark: its scale, its references, and sound that has no embedding."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from fakes import TEXTS, Ear, Mumbling, Verifier, plan_of

from tts_toolkit.data.test_sets import Prompt
from tts_toolkit.evaluation.pipeline import run
from tts_toolkit.report.benchmark import ReportOptions, write_benchmark
from tts_toolkit.system.errors import UserError
from tts_toolkit.system.processes import Processes


def test_similarity_stands_on_the_scale_of_natural_recordings(tmp_path, recordings):
    assert {prompt.speaker for prompt in recordings} == {"low", "high"}
    results = run(plan_of(tmp_path / "out", recordings, speaker_verifier=Verifier(), ear=Mumbling()), Processes())
    natural, scale = results.summary["systems"]["natural"], results.summary["similarity_scale"]
    assert scale["n_same"] == 8 and scale["equal_error_rate"] == 0.0 and scale["ceiling"] > 0.999 > scale["floor"]
    assert natural["similarity"] == pytest.approx(scale["ceiling"]) and natural["rtf"] is None
    assert natural["similarity_normalized"] == pytest.approx(1.0)
    levels = results.summary["systems"]["levels"]
    assert levels["similarity_normalized"] < 1 and levels["similarity_ci"][0] <= levels["similarity"]


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
        __qualname__ = "Verifier"

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


def test_every_table_of_similarities_shows_their_scale(tmp_path, recordings):
    write_benchmark(
        tmp_path,
        run(plan_of(tmp_path, recordings, speaker_verifier=Verifier(), ear=Mumbling()), Processes()),
        ReportOptions(n_sentences=0),
    )
    assert "(ceiling) and 0." in (tmp_path / "leaderboard.md").read_text()
    card = (tmp_path / "model-index.yml").read_text()
    assert "ceiling: 0.9" in card and "floor: 0." in card and "equal_error_rate: 0.0" in card
