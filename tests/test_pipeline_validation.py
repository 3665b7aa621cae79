"""Validation of a benchmark plan before synthesis, and systems whose checkpoint cannot be used."""

from dataclasses import dataclass, replace

import pytest
from fakes import CALLS, PROMPTS, Ear, Levels, Mumbling, Verifier, plan_of

from tts_toolkit.evaluation.pipeline import run
from tts_toolkit.report.benchmark import ReportOptions, write_benchmark
from tts_toolkit.system.errors import UserError
from tts_toolkit.system.processes import Processes


@pytest.mark.parametrize(("settings", "message"), [
    ({"n_seeds": 0}, "n_seeds=0: each text is read at least once"),
    ({"n_seeds": 2, "prompts": [PROMPTS[0], replace(PROMPTS[1], id="p0~2")]}, "the id 'p0~2' is also that of"),
])  # fmt: skip
def test_readings_that_cannot_be_are_refused(tmp_path, settings, message):
    with pytest.raises(UserError, match=message):
        run(plan_of(tmp_path, **settings), Processes())


def test_the_encoder_that_conditions_a_system_may_not_judge_it(tmp_path, recordings):
    @dataclass(frozen=True)
    class Conditioned(Levels):
        conditioned_by = "speaker_verifier"

    plan = plan_of(tmp_path / "out", recordings, family=Conditioned(), speaker_verifier=Verifier(), ear=Mumbling())
    with pytest.raises(UserError, match="would score its own work"):
        run(plan, Processes())
    assert run(replace(plan, allow_same_encoder=True), Processes())


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


def test_without_recordings_nobody_judges(tmp_path):
    def not_here():
        raise UserError("no such verifier")

    plan = replace(plan_of(tmp_path), speaker_verifier=not_here)
    assert run(plan, Processes()).summary["speaker_verifier"] is None


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
    (RuntimeError("invalid header"), r"speaker.verifier cannot be used \(RuntimeError: invalid header\)"),
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

    with pytest.raises(UserError, match=r"ear cannot be used \(RuntimeError: CUDA driver"):
        run(plan_of(tmp_path, ear=Unheard()), Processes())
    assert not CALLS


def missing_package():
    raise UserError("its packages are missing; run: pip install 'speechmos==0.0.1.1'")


@pytest.mark.parametrize(("settings", "message"), [
    ({"prompts": [replace(p, reference="nowhere/x.wav") for p in PROMPTS]}, "none of the 5 reference recordings exists, such as nowhere/x.wav"),
    ({"background": "nowhere", "with_recordings": True}, "background=nowhere: no recordings there"),
    ({"metrics": {"dnsmos": missing_package}}, r"metrics=\[dnsmos\]: its packages are missing; run: pip install 'speechmos=="),
])  # fmt: skip
def test_what_can_be_known_to_fail_is_known_before_anything_speaks(tmp_path, recordings, settings, message):
    if settings.pop("with_recordings", False):
        settings |= {"prompts": recordings, "speaker_verifier": Verifier(), "ear": Mumbling()}
    with pytest.raises(UserError, match=message):
        run(plan_of(tmp_path / "out", **settings), Processes())
    assert not CALLS


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
