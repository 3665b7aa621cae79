"""The commands as users run them: recordings in; model, speech, scores and report out."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from conftest import CHECKOUT, run, tone
from safetensors.torch import load_file

from tts_toolkit.assets import ASSETS
from tts_toolkit.models.speecht5.checkpoint import load_speecht5

FAST = [
    "schedule.max_steps=4", "schedule.eval_every=2", "schedule.save_every=1", "schedule.log_every=1",
    "loader.max_frames=400", "evaluation.n_sentences=2", "decoding.max_frames_per_token=2", "decoding.stop_threshold=2.0",
    "asr=offline", "speaker_verifier=ge2e", "lr_schedule.n_warmup_steps=1", "lr_schedule.n_decay_steps=1",
]  # fmt: skip


@pytest.fixture(scope="module")
def finetuned(hub, voice_folder, tmp_path_factory):
    """A fine-tune on a folder of recordings with all defaults but the sizes."""
    cwd = tmp_path_factory.mktemp("work")
    done = run("train/finetune.py", "data=folder", f"data.path={voice_folder}", *FAST, cwd=cwd)
    return cwd / "outputs/finetune", done


def test_a_fine_tune_leaves_model_speech_scores_and_report(finetuned):
    output_dir, done = finetuned
    summary = json.loads((output_dir / "summary.json").read_text())
    assert set(summary["systems"]) == {"natural", "base", "finetuned"}
    for scores in summary["systems"].values():
        assert {"wer", "wer_ci", "cer", "similarity", "n_failed", "health", "rtf", "protocols"} <= set(scores)
        assert scores["n_planned"] == 2 == scores["n_scored"] + scores["n_failed"]
    assert summary["systems"]["natural"]["similarity"] > 0.8
    for system in ("base", "finetuned"):
        assert len(list((output_dir / "systems" / system / "wavs").glob("*.wav"))) == 2
    html = (output_dir / "report.html").read_text()
    assert html.count("<audio controls preload") == 6 and "<h2>Loss</h2>" in html
    assert summary["comparison"]["verdict"].startswith("finetuned against base: ")
    assert summary["comparison"]["verdict"] in html.replace("&#39;", "'") and summary["training"]["steps"] in (2, 4)
    assert "| finetuned |" in done.stdout and "report.html" in done.stdout
    assert "| finetuned |" in (output_dir / "model/README.md").read_text()


def test_evaluation_commands_read_the_folder_of_a_fine_tune(finetuned, monkeypatch, capsys, tmp_path):
    """The same waveforms give the same rates by tts-finetune and tts-score; tts-report and tts-compare read them."""
    from tts_toolkit.eval import compare, report, score

    output_dir, _ = finetuned
    summary = json.loads((output_dir / "summary.json").read_text())
    monkeypatch.chdir(tmp_path)
    for main, *arguments in (
        (
            score.main,
            f"wavs={output_dir}",
            "asr=offline",
            "speaker_verifier=ge2e",
            "output_dir=again",
            "min_coverage=0",
        ),
        (report.main, f"output_dir={output_dir}"),
        (compare.main, str(output_dir), "output=differences.json"),
    ):
        monkeypatch.setattr(sys, "argv", ["tts", *arguments])
        main()
    again = json.loads((tmp_path / "again/summary.json").read_text())["systems"]["finetuned"]
    ours = summary["systems"]["finetuned"]
    assert {name: again[name] for name in ("wer", "cer", "similarity", "n_scored")} == {
        name: ours[name] for name in ("wer", "cer", "similarity", "n_scored")
    }
    assert "<h2>Loss</h2>" in (output_dir / "report.html").read_text(), "written again by tts-report"
    differences = json.loads((tmp_path / "differences.json").read_text())
    assert differences["first"].endswith(":base") and differences["second"].endswith(":finetuned")
    capsys.readouterr()


def test_training_is_tracked_with_curves_sound_and_pictures(finetuned):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    output_dir, _ = finetuned
    events = EventAccumulator(str(output_dir / "tracking"))
    events.Reload()
    tags = events.Tags()
    assert {"loss", "lr", "grad_norm", "dev_loss", "dev_wer", "dev_similarity"} <= set(tags["scalars"])
    assert {"dev/spectrogram", "dev/attention"} <= set(tags["images"]) and "dev/speech" in tags["audio"]
    rows = [json.loads(line) for line in (output_dir / "metrics.jsonl").open()]
    assert [row["step"] for row in rows if "loss" in row] == [1, 2, 3, 4]
    assert len(list((output_dir / "checkpoints").iterdir())) <= 3


def test_the_model_is_trained_and_carries_the_voice(finetuned, tiny_speecht5_dir):
    output_dir, _ = finetuned
    before, after = (
        load_file(tiny_speecht5_dir / "model.safetensors"),
        load_file(output_dir / "model/model.safetensors"),
    )
    assert any(not before[name].equal(after[name]) for name in before)
    voices = load_file(output_dir / "model/speaker_embeddings.safetensors")
    assert voices["tone"].shape == (1, 512)
    card = json.loads((output_dir / "model/speaker_embeddings.json").read_text())["tone"]
    assert card["n_clips"] == 8 and card["encoder"] == "speechbrain/spkrec-xvect-voxceleb" and card["seconds"] > 8


def test_new_letters_are_learnt_and_clips_of_no_use_left_out(hub, tmp_path):
    rows = [json.loads(line) for line in (ASSETS / "demo-voice/metadata.jsonl").open()][:12]
    for number, row in enumerate(rows):
        row |= {"split": "test" if number >= 10 else "dev" if number >= 8 else "train"}
        (tmp_path / "data/audio").mkdir(parents=True, exist_ok=True)
        shutil.copy(ASSETS / "demo-voice" / row["file_name"], tmp_path / "data" / row["file_name"])
        row["consent"] = "as she told us"
    rows[0]["text"] = rows[0]["text"].replace("a", "\u00e6")
    (tmp_path / "data" / rows[1]["file_name"]).write_bytes(b"no sound")
    (tmp_path / "data/metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + "{oops\n")
    settings = ["text.extend_vocabulary=true", "quality_control.on_reject=drop", "evaluation.n_test_sentences=1"]
    done = run("train/finetune.py", "data=folder", f"data.path={tmp_path / 'data'}", *FAST, *settings, cwd=tmp_path)
    assert re.search(r"new letters: \u00e6 \d \(from a\)", done.stderr)
    assert (
        "quality_control: 2 of 13 clips are left out (the manifest's row gives no clip 1, the sound cannot be read 1)"
        in done.stderr
    )
    assert "7 train, 2 dev, 2 test clips" in done.stderr
    card = (tmp_path / "outputs/finetune/model/README.md").read_text()
    assert f"- licenses of the recordings: {rows[2]['license']}\n" in card
    assert f"- consent of the speakers: {rows[2]['speaker']}: as she told us\n" in card
    assert "- license of the base model: not stated\n" in card
    tokenizer = load_speecht5(str(tmp_path / "outputs/finetune/model")).processor.tokenizer
    assert tokenizer.decode(tokenizer("\u00e6ble")["input_ids"], skip_special_tokens=True) == "\u00e6ble"


def test_the_model_speaks_a_text_a_file_of_texts_and_a_recorded_voice(finetuned, tmp_path):
    model = f"model={finetuned[0] / 'model'}"
    limits = ["decoding.max_frames_per_token=2", "decoding.stop_threshold=2.0"]
    run("eval/synthesize.py", model, "text=Hello there, it's (nearly) 5.", "output=hello.wav", *limits, cwd=tmp_path)
    hello, rate = soundfile.read(tmp_path / "hello.wav")
    assert rate == 16_000 and len(hello) > 1000
    soundfile.write(tmp_path / "me.wav", tone(1.5), 16_000)
    (tmp_path / "texts.tsv").write_text(f"a\tHello there, it's (nearly) 5.\nb\tOne more.\t{tmp_path / 'me.wav'}\n")
    run("eval/synthesize.py", model, "texts=texts.tsv", "output=many", *limits, cwd=tmp_path)
    again, _ = soundfile.read(tmp_path / "many/a.wav")
    np.testing.assert_allclose(hello, again, atol=1e-3)  # the same text and seed, in another batch
    assert (tmp_path / "many/b.wav").exists()
    run("eval/synthesize.py", model, "text=Hello.", "vocoder=none", "output=hello.npy", *limits, cwd=tmp_path)
    assert np.load(tmp_path / "hello.npy").shape[1] == 80


def test_embeddings_of_a_folder(hub, voice_folder, tmp_path):
    done = run("train/embed.py", f"data.path={voice_folder}", cwd=tmp_path)
    saved = load_file(tmp_path / "outputs/embeddings/speaker_embeddings.safetensors")
    assert saved["tone"].shape == (1, 512) and "tone: 12 clips" in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == [".cache", "outputs"], "nothing is left lying about"
    clips = load_file(tmp_path / "outputs/embeddings/embeddings.safetensors")
    assert len(clips) == 12


MISTAKES = {
    "unknown option": (["schedule.max_stepz=5"], 2, "max_stepz"),
    "unknown choice": (["data=foldr"], 2, "foldr"),
    "no folder": (["data=folder", "data.path=nowhere"], 1, "error: data.path=nowhere: no such folder"),
    "unknown model": (["base_model.source=nobody/none"], 1, "error: base_model: model 'nobody/none' cannot be loaded"),
    "other model": (
        ["base_model.source=microsoft/speecht5_hifigan"],
        1,
        "error: base_model: model 'microsoft/speecht5_hifigan' is a",
    ),
    "text column": (["data.text_column_name=words"], 1, "has no column words for the text"),
    "no resume": (["resume=elsewhere"], 1, "error: resume=elsewhere: no checkpoint there"),
    "conditioning": (["speaker.conditioning=mean"], 1, "allowed are speaker_mean, leave_one_out and utterance"),
    "freeze": (["freeze=[nothing]"], 1, "no parameter matches 'nothing'"),
    "encoder size": (
        ["base_model.speaker_embedding_dim=192"],
        1,
        "gives embeddings of 512 numbers, the model takes 192",
    ),
    "no dev": (["split.dev_fraction=0", "data.path=NO_SPLIT"], 1, "there is no dev clip to choose the checkpoint by"),
    "metric": (["schedule.best_metric=mos"], 1, "schedule.best_metric=mos"),
    "a word for a number": (["schedule.max_steps=1k"], 2, "schedule.max_steps=1k: a whole number is wanted"),
    "half a step": (["schedule.max_steps=1.5"], 2, "schedule.max_steps=1.5: a whole number is wanted"),
    "a word for a rate": (["optimizer.lr=fast"], 2, "optimizer.lr=fast: a number is wanted, such as "),
    "a word for a switch": (["schedule.greater_is_better=yes"], 2, "true or false is wanted"),
    "every zero steps": (["schedule.eval_every=0"], 1, "schedule.eval_every=0: at least 1"),
    "batches of none": (["evaluation.batch_size=0"], 1, "evaluation.batch_size=0: at least 1"),
    "precision": (["accelerator.mixed_precision=fp8x"], 1, "Unknown mixed_precision mode: fp8x"),
    "accumulation": (["accelerator.gradient_accumulation_steps=0"], 1, "a whole number of 1 or more"),
    "tracker": (["accelerator.log_with=nothing"], 1, "Unsupported logging capability: nothing"),
    "unspeakable": (["text.unspeakable=eror"], 1, "text.unspeakable=eror: allowed are error, warn, drop"),
    "base share": (["base_weight=1.0"], 1, "base_weight=1.0: allowed are 0"),
    "hub without a name": (["push_to_hub=true"], 1, "push_to_hub=true needs hub_model_id=USER/NAME"),
    "its own speaker verifier": (
        ["encoder=ge2e"],
        1,
        "is the encoder that conditions the model, which would score its own work",
    ),
    "vocoder": (["vocoder=nobody/none"], 1, "'nobody/none' cannot be loaded"),
    "recognizer": (["asr=whisper", "asr.source=nobody/none"], 1, "nobody/none"),
    "no data": (["data=folder"], 2, "data.path must be given: data.path=..."),
    "a number for a folder": (["data=folder", "data.path=2024"], 1, "error: data.path=2024: no such folder"),
}


def invoke(arguments, monkeypatch, capsys):
    """Run the fine-tuning command in this process and return its exit status and standard error."""
    from hydra.core.global_hydra import GlobalHydra
    from tts_toolkit.train import finetune

    monkeypatch.setattr(sys, "argv", ["tts-finetune", *arguments])
    monkeypatch.setattr("hydra._internal.utils.is_under_debugger", lambda: False)  # which coverage looks like
    GlobalHydra.instance().clear()
    with pytest.raises(SystemExit) as exit_:
        finetune.main()
    return exit_.value.code, capsys.readouterr().err


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_get_one_line_and_leave_nothing(hub, voice_folder, tmp_path, monkeypatch, capsys, mistake):
    arguments, status, message = MISTAKES[mistake]
    data = [] if any(a.startswith("data=") for a in arguments) else ["data=folder", f"data.path={voice_folder}"]
    if "data.path=NO_SPLIT" in arguments:
        rows = [json.loads(line) for line in (voice_folder / "metadata.jsonl").open()]
        manifest = tmp_path / "rows.jsonl"
        manifest.write_text(
            "".join(
                json.dumps({**r, "split": "", "file_name": str(voice_folder / r["file_name"])}) + "\n" for r in rows
            )
        )
        data, arguments = ["data=jsonl", f"data.path={manifest}", "data.allow_outside=true"], arguments[:1]
    monkeypatch.chdir(tmp_path)
    code, stderr = invoke([*data, *FAST, *arguments], monkeypatch, capsys)
    assert code == status, stderr[-2000:]
    assert message in stderr and "Traceback" not in stderr
    if status == 1:
        assert sum(line.startswith("error: ") for line in stderr.splitlines()) == 1
    assert not (tmp_path / "outputs").exists()


def write_rows(folder, *rows):
    lines = [f"{name},{text},{split}\n" for name, text, split in rows]
    (folder / "metadata.csv").write_text("file_name,text,split\n" + "".join(lines))


BAD_CLIPS = {
    "missing audio": (None, "a fine text", "metadata.csv:2: .*no such audio file"),
    "not audio": (b"nonsense", "a fine text", "metadata.csv:2: .*cannot be decoded"),
    "empty file": (b"", "a fine text", "metadata.csv:2: .*cannot be decoded"),
    "silence": (np.zeros(32_000), "a fine text", "metadata.csv:2: .*is silent"),
    "too short": (tone(0.2), "a fine text", "metadata.csv:2: .*lasts 0.2"),
    "too long": (tone(30.0), "a fine text", "metadata.csv:2: .*lasts 30"),
    "nothing to say": (tone(1.0), "?!", r"metadata.csv:2: nothing in '\?!' can be spoken"),
    "foreign letters": (tone(1.0), "blå grød", "metadata.csv:2: cannot speak 2 characters: 'å'.*text.unspeakable=warn"),
}


@pytest.mark.parametrize("fault", BAD_CLIPS)
def test_clips_that_cannot_be_used_name_their_row(hub, tmp_path, monkeypatch, capsys, fault):
    sound, text, message = BAD_CLIPS[fault]
    if isinstance(sound, bytes):
        (tmp_path / "bad.wav").write_bytes(sound)
    elif sound is not None:
        soundfile.write(tmp_path / "bad.wav", sound, 16_000)
    soundfile.write(tmp_path / "good.wav", tone(1.0), 16_000)
    for name in ("dev", "test"):
        soundfile.write(tmp_path / f"{name}.wav", tone(1.2), 16_000)
    write_rows(
        tmp_path,
        ("bad.wav", text, "train"),
        ("good.wav", "another text", "train"),
        ("dev.wav", "one more", "dev"),
        ("test.wav", "last", "test"),
    )
    monkeypatch.chdir(tmp_path)
    code, stderr = invoke(["data=folder", f"data.path={tmp_path}", *FAST], monkeypatch, capsys)
    assert code == 1 and re.search(f"^error: .*{message}", stderr, re.MULTILINE), stderr[-1500:]
    assert "Traceback" not in stderr and not (tmp_path / "outputs").exists()


def test_what_cannot_be_written_is_one_line(capsys):
    """The libraries that write weights raise errors of their own where the disk is full."""
    from tts_toolkit import cli

    def torch_save(cfg):
        torch.save({"a": torch.zeros(1_000_000)}, "/dev/full")

    def write_array(cfg):
        with Path("/dev/full").open("wb") as file:
            file.write(b"0" * 100_000)

    for recipe in (torch_save, write_array):
        with pytest.raises(SystemExit) as exit_:
            cli._run(recipe, {})
        told = capsys.readouterr().err
        assert exit_.value.code == 1 and told.startswith("error: ") and told.count("\n") == 1


def test_a_full_disk_is_one_line(hub, voice_folder, tmp_path, monkeypatch, capsys):
    import tts_toolkit.data.features as features

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device", "features.npy")

    monkeypatch.setattr(features, "write_whole", full)
    monkeypatch.chdir(tmp_path)
    code, stderr = invoke(["data=folder", f"data.path={voice_folder}", *FAST], monkeypatch, capsys)
    assert code == 1 and "error: features.npy: No space left on device" in stderr and "Traceback" not in stderr


@pytest.mark.parametrize("number", [pytest.param(signal.SIGINT, marks=pytest.mark.slow), signal.SIGTERM])
def test_a_signal_to_the_whole_group_leaves_a_resumable_checkpoint(hub, voice_folder, tmp_path, number):
    """Ctrl-C and pre-emption reach the loader's workers too."""
    arguments = [
        "data=folder",
        f"data.path={voice_folder}",
        *FAST,
        "schedule.max_steps=5000",
        "schedule.eval_every=5000",
    ]
    command = [sys.executable, str(CHECKOUT / "train/finetune.py"), *arguments, "loader.n_workers=2"]
    process = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    deadline = time.monotonic() + 240
    while not list(tmp_path.glob("outputs/finetune/checkpoints/step_*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, number)
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 130 and "continue with resume=latest" in stderr and "Traceback" not in stderr
    last = sorted((tmp_path / "outputs/finetune/checkpoints").glob("step_*"))[-1]
    assert (last / "progress.json").exists()


def test_a_run_killed_and_resumed_ends_with_equal_weights(hub, voice_folder, finetuned, tmp_path):
    """SIGKILL in the middle of training, then resume=latest: the same weights as the run that was left alone."""
    arguments = ["data=folder", f"data.path={voice_folder}", *FAST, "evaluation.n_test_sentences=1"]
    command = [sys.executable, str(CHECKOUT / "train/finetune.py"), *arguments]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 240
    while not list(tmp_path.glob("outputs/finetune/checkpoints/step_*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = sorted((tmp_path / "outputs/finetune/checkpoints").glob("step_*"))
    assert kept and not (tmp_path / "outputs/finetune/model").exists()
    run("train/finetune.py", *arguments, "resume=latest", cwd=tmp_path)
    straight = load_file(finetuned[0] / "checkpoints/step_00000004/model.safetensors")
    resumed = load_file(tmp_path / "outputs/finetune/checkpoints/step_00000004/model.safetensors")
    assert all(straight[name].equal(resumed[name]) for name in straight)


@pytest.mark.slow
def test_training_draws_the_same_with_a_cold_cache_a_warm_one_and_without_dev_synthesis(
    finetuned, hub, voice_folder, tmp_path
):
    arguments = ["data=folder", f"data.path={voice_folder}", *FAST, "evaluation.n_test_sentences=1"]
    silent = ["evaluation.n_sentences=0", "schedule.best_metric=loss", "schedule.greater_is_better=false"]
    for name, settings in {"cold": [], "warm": [], "silent": silent}.items():
        run("train/finetune.py", *arguments, f"output_dir={name}", *settings, cwd=tmp_path)
    cold, warm, silent = (
        load_file(tmp_path / name / "checkpoints/step_00000004/model.safetensors")
        for name in ("cold", "warm", "silent")
    )
    assert all(cold[name].equal(warm[name]) and cold[name].equal(silent[name]) for name in cold)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])


@pytest.mark.parametrize("launcher", ["torchrun", pytest.param("accelerate", marks=pytest.mark.slow)])
def test_two_processes_train_to_equal_parameters(hub, voice_folder, tmp_path, launcher):
    launch = {
        "torchrun": ["-m", "torch.distributed.run", "--nproc_per_node", "2", "--master_port", free_port()],
        "accelerate": ["-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--num_machines", "1",
                       "--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", free_port()],
    }[launcher]  # fmt: skip
    arguments = [
        "data=folder",
        f"data.path={voice_folder}",
        *FAST,
        "accelerator.cpu=true",
        "evaluation.n_test_sentences=1",
    ]
    run("tests/distributed_finetune.py", *arguments, cwd=tmp_path, launcher=[sys.executable, *launch])
    digests = {path.name: path.read_text() for path in tmp_path.glob("weights-*")}
    assert set(digests) == {"weights-0-of-2", "weights-1-of-2"} and len(set(digests.values())) == 1
    rows = [json.loads(line) for line in (tmp_path / "outputs/finetune/metrics.jsonl").open()]
    assert [row["step"] for row in rows if "loss" in row] == [1, 2, 3, 4]
    assert (tmp_path / "outputs/finetune/report.html").exists()


@pytest.mark.slow
def test_rarer_settings_train_and_the_model_goes_to_the_hub_as_it_lies(
    hub, voice_folder, tmp_path, monkeypatch, capsys
):
    import huggingface_hub
    from tts_toolkit.train import finetune

    pushed = {}

    class Api(huggingface_hub.HfApi):
        def whoami(self):
            return {"name": "me", "auth": {"accessToken": {"role": "write"}}}

        def create_repo(self, repo_id, **options):
            pushed["private"] = options["private"]

        def upload_folder(self, repo_id, folder_path, **options):
            pushed[repo_id] = sorted(file.name for file in Path(folder_path).iterdir())
            return f"hub/{repo_id}"

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)

    def offline():  # the upload alone finds a hub; what is loaded lies in the cache
        return sys._getframe(1).f_globals["__name__"] != "tts_toolkit.hub.upload"

    monkeypatch.setattr(huggingface_hub, "is_offline_mode", offline)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    settings = ["speaker.conditioning=leave_one_out", "gradient_checkpointing=true", "base_weight=0.25",
                "accelerator.gradient_accumulation_steps=2", "push_to_hub=true", "hub_model_id=me/voice",
                "evaluation.score_base=false", "evaluation.n_test_sentences=1"]  # fmt: skip
    monkeypatch.setattr(sys, "argv", ["tts-finetune", "data=folder", f"data.path={voice_folder}", *FAST, *settings])
    monkeypatch.chdir(tmp_path)
    finetune.main()
    model = tmp_path / "outputs/finetune/model"
    assert pushed == {"private": True, "me/voice": sorted(file.name for file in model.iterdir())}
    assert "hub:    hub/me/voice" in capsys.readouterr().out
    assert json.loads((model / "speaker_embeddings.json").read_text())["tone"]["conditioning"] == "leave_one_out"
    trained = load_file(tmp_path / "outputs/finetune/checkpoints/step_00000004/model.safetensors")
    exported = load_file(model / "model.safetensors")
    assert any(not trained[name].equal(exported[name]) for name in exported if name in trained), (
        "the base has its share"
    )


def test_a_finished_run_is_not_mixed_with_a_new_one(finetuned, voice_folder):
    output_dir, _ = finetuned
    done = run(
        "train/finetune.py", "data=folder", f"data.path={voice_folder}", *FAST, cwd=output_dir.parents[1], check=False
    )
    assert done.returncode == 1 and "holds a run already" in done.stderr


WHEEL_KINDS = {
    "": {".py", ".j2", ".css", ".txt", ".tsv", ".typed"}, "conf/": {".py", ".yaml"},
    "assets/": {".py", ".safetensors", ".ckpt", ".json", ".jsonl", ".yaml", ".md", ".flac", ".model", ".txt"},
}  # fmt: skip


def check_wheel(wheel):
    """The package, its configs, reports and assets; nothing of the checkout besides, no pickle, and small."""
    with zipfile.ZipFile(wheel) as archive:
        sizes = {member.filename: member.file_size for member in archive.infolist()}
        others = {name for name in sizes if not name.startswith(("tts_toolkit/", "tts_toolkit-"))}
        assert not others
        for name in (name.removeprefix("tts_toolkit/") for name in sizes if name.startswith("tts_toolkit/")):
            kinds = next(kinds for folder, kinds in reversed(WHEEL_KINDS.items()) if name.startswith(folder))
            assert Path(name).suffix in kinds or Path(name).name == "LICENSE", name
        for name in sizes:
            if name.endswith((".ckpt", ".safetensors")) and sizes[name] > 1000:  # smaller ones are SpeechBrain's labels
                archive.extract(name, wheel.parent)
                assert load_file(wheel.parent / name), name
    assert max(sizes.values()) < 16 * 2**20 and sum(sizes.values()) < 60 * 2**20


@pytest.mark.slow
def test_the_wheel_works_installed_elsewhere(finetuned, tmp_path):
    """Built by way of an sdist, installed without the checkout into a new environment that sees this one's dependencies, and run."""
    subprocess.run([sys.executable, "-m", "build", "--outdir", tmp_path, CHECKOUT], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    check_wheel(wheel)
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "env"], check=True)
    python = tmp_path / "env/bin/python"
    subprocess.run([python, "-m", "pip", "install", "-q", "--no-deps", wheel], check=True)
    here = Path(np.__file__).parents[1]
    site = next((tmp_path / "env/lib").glob("python3*/site-packages"))
    (site / "dependencies.pth").write_text(f"{here}\n")
    shutil.rmtree(site / "__editable__", ignore_errors=True)
    names = {path.name for path in site.iterdir()}
    assert "tts_toolkit" in names and not names & {"train", "eval", "conf", "tests"}
    for command in (
        "tts-finetune",
        "tts-embed",
        "tts-synthesize",
        "tts-corpus",
        "tts-train-encoder",
        "tts-train-vocoder",
    ):
        subprocess.run([tmp_path / "env/bin" / command, "--help"], cwd=tmp_path, check=True, capture_output=True)
    model = finetuned[0] / "model"
    subprocess.run(
        [tmp_path / "env/bin/tts-synthesize", f"model={model}", "text=Hello.", "output=a.wav", "decoding.max_frames_per_token=2"],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    assert (tmp_path / "a.wav").exists()


def test_all_missing_parts_are_told_at_once_with_their_options(voice_folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    given = {"base_model.source": "a/base", "encoder.source": "a/encoder", "speaker_verifier.source": "a/verifier", "asr.source": "a/asr",
             "vocoder": "a/vocoder"}  # fmt: skip
    monkeypatch.setattr("tts_toolkit.cli.way_without_hub", lambda config_name: "without a hub, experiment=offline")
    arguments = [f"{key}={value}" for key, value in given.items()]
    code, stderr = invoke(["data=folder", f"data.path={voice_folder}", *arguments], monkeypatch, capsys)
    told = stderr.splitlines()
    assert code == 1 and "Traceback" not in stderr and all(line.startswith("error: ") for line in told)
    for line, (key, value) in zip(sorted(told[:-1]), sorted(given.items()), strict=True):
        assert line.startswith(f"error: {key.split('.')[0]}") and value in line
    assert told[-1] == "error: without a hub, experiment=offline" and not list(tmp_path.iterdir())


def test_a_fine_tune_without_recognizer_and_judge_has_no_such_scores(hub, voice_folder, tmp_path, monkeypatch, capsys):
    from tts_toolkit.train import finetune

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("hydra._internal.utils.is_under_debugger", lambda: False)
    data = ["data=folder", f"data.path={voice_folder}", *FAST]
    data = [argument for argument in data if not argument.startswith(("asr=", "speaker_verifier="))]
    code, stderr = invoke([*data, "speaker_verifier=null", "asr=null"], monkeypatch, capsys)
    assert (
        code == 1 and "schedule.best_metric=loss schedule.greater_is_better=false" in stderr and stderr.count("\n") == 1
    )
    by_loss = ["schedule.best_metric=loss", "schedule.greater_is_better=false", "evaluation.n_test_sentences=1"]
    monkeypatch.setattr(sys, "argv", ["tts-finetune", *data, "speaker_verifier=null", "asr=null", *by_loss])
    finetune.main()
    assert "| finetuned | – | – | – | – |" in capsys.readouterr().out
    summary = json.loads((tmp_path / "outputs/finetune/summary.json").read_text())
    assert summary["systems"]["base"]["wer"] is None and summary["recognizer"] is summary["speaker_verifier"] is None
