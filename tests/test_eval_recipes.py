"""The benchmark's commands, end to end on small checkpoints under their real repository ids."""

import io
import json
import os
import subprocess
import sys
import tarfile

import numpy as np
import pytest
import soundfile
from conftest import REVISION, add_to_hub, tone
from hydra import compose, initialize_config_module
from test_recipes import free_port
from tts_toolkit.eval.benchmark import benchmark
from tts_toolkit.eval.compare import compare, named_folders
from tts_toolkit.eval.coverage import coverage
from tts_toolkit.eval.prepare import prepare
from tts_toolkit.eval.report import report
from tts_toolkit.eval.score import score

from tts_toolkit.data.test_sets import read_prompts
from tts_toolkit.evaluation.stages import embedding
from tts_toolkit.system.errors import UserError

SENTENCES = "a\tthe cat sat on the mat\nb\ta bird sang in the tree\nc\twe walked to the old town\n"
QUICK = ["asr=pocketsphinx", "speaker_verifier=ge2e"]
SHORT = ["systems.speecht5.decoding.min_frames_per_token=3", "systems.speecht5.decoding.max_frames_per_token=4"]


def configured(name, *overrides):
    with initialize_config_module("tts_toolkit.conf", version_base="1.3"):
        return compose(name, overrides=list(overrides))


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    file = tmp_path_factory.mktemp("texts") / "sentences.tsv"
    file.write_text(SENTENCES)
    return file


@pytest.fixture(scope="module")
def references(tmp_path_factory):
    folder = tmp_path_factory.mktemp("references")
    for number, name in enumerate("abc"):
        soundfile.write(folder / f"{name}.wav", tone(2.0, hz=150 + 20 * number, seed=number), 22_050)
    return folder


@pytest.fixture(scope="module")
def three_families(
    texts, references, tmp_path_factory, hub_vits, hub_bark, hub_arctic, tiny_speecht5_dir, tiny_hifigan_dir
):
    output_dir = tmp_path_factory.mktemp("three") / "out"
    arguments = ["experiment=three_families", f"texts={texts}", f"references={references}", f"output_dir={output_dir}"]
    benchmark(configured("benchmark", *arguments, *QUICK, *SHORT))
    return output_dir


def test_three_families_and_the_natural_voice_stand_in_one_table(three_families):
    summary = json.loads((three_families / "summary.json").read_text())
    assert list(summary["systems"]) == ["natural", "speecht5", "mms_eng", "bark_small"]
    for name, figures in summary["systems"].items():
        assert (figures["n_planned"], figures["n_scored"], figures["n_failed"]) == (3, 3, 0), name
        assert figures["wer"] is not None and figures["similarity"] is not None
        assert set(figures["protocols"]) == {"strict", "seed_tts_eval", "f5", "open_tts_leaderboard", "voicehub_arena"}
    assert summary["systems"]["bark_small"]["version"] == REVISION and summary["systems"]["bark_small"]["rtf"] > 0
    rates = {wav: soundfile.info(wav).samplerate for wav in three_families.glob("systems/*/wavs/a.wav")}
    assert sorted(rates.values()) == [16_000, 16_000, 16_000, 24_000]
    assert "bark_small" in (three_families / "leaderboard.md").read_text()


def test_two_systems_are_compared_by_their_folders(three_families, capsys):
    arguments = [
        f"first={three_families}",
        f"second={three_families}",
        "first_system=mms_eng",
        "second_system=bark_small",
    ]
    compare(configured("compare", *arguments))
    assert "| wer |" in capsys.readouterr().out
    with pytest.raises(UserError, match="choose with first_system=NAME"):
        compare(configured("compare", *arguments[:2]))


def test_folders_are_named_without_a_key(three_families):
    command = [sys.executable, "-m", "tts_toolkit.eval.compare", str(three_families), str(three_families)]
    done = subprocess.run([*command, "first_system=natural", "second_system=natural"], capture_output=True, text=True)
    assert done.returncode == 0 and "| wer | +0.000 % |" in done.stdout, done.stderr


@pytest.mark.parametrize(("words", "named"), [
    ("a b", "first=a second=b"), ("--config-dir mine a b", "--config-dir mine first=a second=b"),
    ("a -cd mine b seed=1", "first=a -cd mine second=b seed=1"), ("--cfg job a b", "--cfg job first=a second=b"),
    ("first=a b", "first=a first=b"), ("--help", "--help"),
])  # fmt: skip
def test_values_of_options_are_no_folders(words, named):
    assert named_folders(words.split()) == named.split()


def test_a_report_is_written_again_by_its_command(three_families, capsys):
    before = json.loads((three_families / "summary.json").read_text())
    written = report(configured("report", f"output_dir={three_families}", "report.n_sentences=1"))
    after = json.loads((three_families / "summary.json").read_text())
    assert after == before and written.read_text().count("<audio controls preload") == 4
    assert "bark_small" in capsys.readouterr().out


def test_the_settings_of_every_system_are_written(three_families):
    summary = json.loads((three_families / "summary.json").read_text())
    assert summary["config"]["systems"]["bark_small"]["voice"] == "v2/en_speaker_6" and summary["config"]["seed"] == 42
    settings = {name: figures["settings"] for name, figures in summary["systems"].items()}
    assert settings["speecht5"]["decoding"]["max_frames_per_token"] == 4
    assert settings["bark_small"]["semantic"] == {} and settings["mms_eng"]["dtype"] == "float32"


def test_recordings_are_a_test_set(voice_folder, tmp_path):
    """How well is a held-out split said: texts and references come from the recordings."""
    arguments = ["test_set=recordings", "data=folder", f"data.path={voice_folder}", f"output_dir={tmp_path}"]
    benchmark(configured("benchmark", *arguments, "systems=[espeak_ng]", *QUICK))
    systems = json.loads((tmp_path / "summary.json").read_text())["systems"]
    assert list(systems) == ["natural", "espeak_ng"]
    assert all(s["n_planned"] == s["n_scored"] == 2 and s["similarity"] is not None for s in systems.values())


TONES = """
from dataclasses import dataclass

import numpy as np

from tts_toolkit.models.base import Coverage, Speech


@dataclass(frozen=True)
class Tones:
    hz: float = 220.0
    name = "tones"
    version = "1"
    n_parameters = None
    conditioned_by = None
    speaks_cues = False

    def recording_for(self, id_, reference, voice_reference, voice=None):
        return None

    def check(self, line):
        pass

    def coverage(self, text):
        return Coverage(dropped=tuple(c for c in text if c.isdigit()))

    def synthesize(self, lines):
        return [Speech(self._tone(len(line.text)), 16_000) for line in lines]

    def _tone(self, n_characters):
        return (0.3 * np.sin(np.arange(1000 * n_characters) * self.hz * 2 * np.pi / 16_000)).astype(np.float32)
"""


def test_a_family_is_one_file_and_one_yaml_outside_the_package(texts, tmp_path):
    (tmp_path / "tones.py").write_text(TONES)
    (tmp_path / "conf/systems").mkdir(parents=True)
    (tmp_path / "conf/systems/tones.yaml").write_text("# @package systems.tones\n_target_: tones.Tones\nhz: 330.0\n")
    command = [sys.executable, "-m", "tts_toolkit.eval.benchmark", "--config-dir", str(tmp_path / "conf")]
    arguments = [
        "systems=[tones]",
        f"texts={texts}",
        f"output_dir={tmp_path / 'out'}",
        "asr=pocketsphinx",
        "~speaker_verifier",
    ]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    system = json.loads((tmp_path / "out/summary.json").read_text())["systems"]["tones"]
    assert (system["n_scored"], system["settings"]["hz"]) == (3, 330.0)


def test_speech_made_by_anything_is_scored(three_families, texts, references, tmp_path, capsys):
    wavs = three_families / "systems/mms_eng/wavs"
    arguments = [f"wavs={wavs}", f"texts={texts}", f"references={references}", f"output_dir={tmp_path}"]
    score(configured("score", *arguments, *QUICK))
    ours = json.loads((tmp_path / "summary.json").read_text())["systems"]["wavs"]
    theirs = json.loads((three_families / "summary.json").read_text())["systems"]["mms_eng"]
    assert ours["wer"] == theirs["wer"] and ours["similarity"] == pytest.approx(theirs["similarity"], abs=1e-6)
    assert "report:" in capsys.readouterr().out


def test_a_missing_file_is_a_failed_row_and_status_three(texts, references, tmp_path, capsys):
    (tmp_path / "wavs").mkdir()
    for name in "ab":
        soundfile.write(tmp_path / "wavs" / f"{name}.wav", tone(1.0), 16_000)
    with pytest.raises(UserError, match="lies inside"):
        score(configured("score", f"wavs={tmp_path}", f"texts={texts}", f"output_dir={tmp_path / 'out'}", *QUICK))
    with pytest.raises(SystemExit) as exit_:
        score(
            configured("score", f"wavs={tmp_path / 'wavs'}", f"texts={texts}", f"output_dir={tmp_path / 'out'}", *QUICK)
        )
    assert exit_.value.code == 3
    assert "wavs: 2 of 3 rows scored, fewer than min_coverage=0.95" in capsys.readouterr().out
    with pytest.raises(UserError, match="no such folder"):
        score(configured("score", "wavs=nowhere", f"texts={texts}", *QUICK))


def test_nothing_to_benchmark_is_said(texts):
    with pytest.raises(UserError, match="leaves nothing to benchmark"):
        benchmark(configured("benchmark", "systems=[]", f"texts={texts}"))


@pytest.mark.usefixtures("hub_vits", "hub_bark", "hub_arctic", "tiny_speecht5_dir", "tiny_hifigan_dir")
def test_the_arena_is_reproduced_or_not(tmp_path, capsys):
    """Random weights must fail against the published bands, each system by name."""
    lines = [f"u{n}|a prompt|prompt-wavs/p.wav|{text}" for n, text in enumerate(("the cat sat down", "a bird sang"))]
    (tmp_path / "meta.lst").write_text("\n".join(lines))
    arguments = ["experiment=reproduce/voicehub_arena_en", f"test_set.texts={tmp_path / 'meta.lst'}", f"output_dir={tmp_path / 'out'}"]  # fmt: skip
    with pytest.raises(SystemExit) as exit_:
        benchmark(arena(arguments))
    out = capsys.readouterr().out
    assert exit_.value.code == 1
    assert "meta.lst (2 texts) is not the published list of 1,088 texts" in out
    for name, band in {"speecht5": "1.01 ± 0.50 %", "mms_eng": "6.23 ± 1.50 %", "bark_small": "7.74 ± 2.00 %"}.items():
        assert f"{name}: WER" in out and f"expected {band}: FAIL" in out


def arena(arguments):
    cfg = configured("benchmark", *arguments, *SHORT)
    assert cfg.asr.source == "large-v3" and cfg.speaker_verifier is None and cfg.seed == 42
    cfg.asr = {"_target_": "tts_toolkit.evaluation.metrics.asr.Pocketsphinx"}
    return cfg


@pytest.mark.slow
@pytest.mark.usefixtures("hub_vits", "hub_bark")
def test_two_processes_make_the_rows_of_one(texts, references, tmp_path):
    arguments = [f"texts={texts}", f"references={references}", "systems=[speecht5_mini,mms_eng,bark_small]", *QUICK]
    for name, launch in {
        "one": [],
        "two": ["-m", "torch.distributed.run", "--nproc_per_node", "2", "--master_port", free_port()],
    }.items():
        command = [sys.executable, *launch, "-m", "tts_toolkit.eval.benchmark"]
        subprocess.run([*command, *arguments, f"output_dir={tmp_path / name}"], check=True, timeout=250)
    for system in ("speecht5_mini", "mms_eng", "bark_small"):
        one, two = (
            {stage: rows_of(tmp_path / name, stage, system) for stage in ("synthesis", "transcripts", "embeddings")}
            for name in ("one", "two")
        )
        assert [list(rows) for rows in one.values()] == [["a", "b", "c"]] * 3 == [list(rows) for rows in two.values()]
        for id_ in "abc":
            assert one["transcripts"][id_]["hypothesis"] == two["transcripts"][id_]["hypothesis"]
            vectors = [embedding(rows["embeddings"][id_]) for rows in (one, two)]
            np.testing.assert_allclose(*vectors, atol=1e-4)
            sounds = [
                soundfile.read(tmp_path / name / f"systems/{system}/wavs/{id_}.wav")[0] for name in ("one", "two")
            ]
            np.testing.assert_allclose(*sounds, atol=1e-5 + 2**-15)  # a number just at the edge of a step of 16 bits
    assert not list(tmp_path.rglob("part-*"))


def rows_of(output_dir, stage, system):
    rows = map(json.loads, (output_dir / "systems" / system / stage / "rows.jsonl").open())
    return {row["id"]: row for row in rows}


LIST = "u1|a prompt|prompt-wavs/p1.wav|say this\nu2|a prompt|prompt-wavs/p1.wav|and this\n"


def seed_tts_eval(folder):
    (folder / "en" / "prompt-wavs").mkdir(parents=True)
    (folder / "en" / "meta.lst").write_text(LIST)
    soundfile.write(folder / "en/prompt-wavs/p1.wav", tone(1.0), 16_000)
    return folder


def test_seed_tts_eval_comes_from_the_hub_or_an_archive(tmp_path, caplog, monkeypatch):
    with pytest.raises(UserError, match="accept_terms=true"):
        prepare(configured("download_test_set"))
    source = seed_tts_eval(tmp_path / "source")
    with tarfile.open(tmp_path / "seedtts_testset.tar", "w") as archive:
        archive.add(source, "seedtts_testset")
        hostile = tarfile.TarInfo("seedtts_testset/en/../../../escaped.txt")
        archive.addfile(hostile, io.BytesIO())
    arguments = ["accept_terms=true", f"output_dir={tmp_path / 'out'}"]
    with pytest.raises(UserError, match="cannot be unpacked"):
        prepare(configured("download_test_set", *arguments, f"archive={tmp_path / 'seedtts_testset.tar'}"))
    assert not list(tmp_path.parent.rglob("escaped.txt"))
    with tarfile.open(tmp_path / "clean.tar", "w") as archive:
        archive.add(source, "seedtts_testset")
    listing = prepare(configured("download_test_set", *arguments, f"archive={tmp_path / 'clean.tar'}"))
    assert listing.read_text() == LIST and (listing.parent / "prompt-wavs/p1.wav").exists()
    assert "differs from the published list" in caplog.text
    add_to_hub("zhaochenyang20/seed-tts-eval", source, kind="datasets")
    listing = prepare(configured("download_test_set", "accept_terms=true", f"output_dir={tmp_path / 'hub'}"))
    assert listing == tmp_path / "hub/en/meta.lst" and len(read_prompts(str(listing))) == 2
    for damaged in (listing, listing.parent / "prompt-wavs/p1.wav"):
        whole = damaged.read_bytes()
        damaged.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(
            UserError, match=f"{damaged.name}: differs from the download; run tts-download-test-set again"
        ):
            read_prompts(str(listing))
        prepare(configured("download_test_set", "accept_terms=true", f"output_dir={tmp_path / 'hub'}"))
        assert damaged.read_bytes() == whole and len(read_prompts(str(listing))) == 2
    with pytest.raises(UserError, match="cannot be fetched"):
        prepare(configured("download_test_set", *arguments, "dataset_name=nobody/nothing"))


def test_hub_datasets_are_test_sets(tmp_path):
    from datasets import Dataset

    from tts_toolkit.data.test_sets import hub_prompts

    rows = {"sentence": ["one apple", "two pears"], "who": ["x", "y"]}
    (tmp_path / "data").mkdir()
    Dataset.from_dict(rows).to_parquet(tmp_path / "data" / "test-00000.parquet")
    prompts = hub_prompts(str(tmp_path), text_column_name="sentence", speaker_id_column_name="who")
    assert [(p.id, p.text, p.speaker) for p in prompts] == [("00000", "one apple", "x"), ("00001", "two pears", "y")]
    with pytest.raises(UserError, match="has no column 'words'; it has sentence, who"):
        hub_prompts(str(tmp_path), text_column_name="words")


def test_wavlm_judges(tmp_path):
    import torch
    from transformers import Wav2Vec2FeatureExtractor, WavLMConfig, WavLMForXVector

    from tts_toolkit.speakers.wavlm import WavlmEncoder

    torch.manual_seed(0)
    sizes = dict(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, conv_dim=(8, 8),
                 conv_stride=(5, 4), conv_kernel=(10, 8), num_conv_pos_embeddings=4, num_conv_pos_embedding_groups=2,
                 tdnn_dim=(8, 8), tdnn_kernel=(5, 3), tdnn_dilation=(1, 2), xvector_output_dim=12)  # fmt: skip
    WavLMForXVector(WavLMConfig(**sizes)).save_pretrained(tmp_path)
    Wav2Vec2FeatureExtractor().save_pretrained(tmp_path)
    add_to_hub("microsoft/wavlm-base-plus-sv", tmp_path)
    speaker_verifier = WavlmEncoder()
    vector = speaker_verifier.embed(tone(1.0))
    assert vector.shape == (12,) and np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5)
    assert speaker_verifier.version == REVISION
    with pytest.raises(UserError, match="too short"):
        speaker_verifier.embed(tone(0.05))


def test_what_each_family_cannot_say_stands_in_one_table(
    tmp_path, capsys, hub_vits, hub_bark, tiny_speecht5_dir, tiny_hifigan_dir
):
    (tmp_path / "danish.txt").write_text("r\u00f8dgr\u00f8d med fl\u00f8de\nplain words\n")
    told = coverage(configured("coverage", f"texts={tmp_path / 'danish.txt'}", f"output_dir={tmp_path / 'out'}"))
    found = json.loads((tmp_path / "out/coverage.json").read_text())
    assert list(found) == ["speecht5", "mms_eng", "bark_small"]
    for name in ("speecht5", "mms_eng"):
        assert found[name]["dropped"] == {"\u00f8": 3} and found[name]["n_in_full"] == 1, name
    assert "| speecht5 | 1 of 2 | \u00f8 3 | nothing | 0 |" in told.read_text() == capsys.readouterr().out
