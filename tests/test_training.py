import json
import os
import re
import signal
import sys
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from accelerate.optimizer import AcceleratedOptimizer
from conftest import TINY
from safetensors.torch import load_file

from tts_toolkit.data.batches import BatchLayout, make_loader
from tts_toolkit.finetuning.run_folder import accelerator_of, claim_run, clear_run, flat_settings
from tts_toolkit.finetuning.speecht5_examples import SpeechT5Example, SpeechT5Examples
from tts_toolkit.finetuning.speecht5_task import SpeechT5Task
from tts_toolkit.models.speecht5.checkpoint import SpeechSettings, build_speecht5
from tts_toolkit.models.speecht5.generation import Decoding
from tts_toolkit.models.speecht5.loss import fuse
from tts_toolkit.models.speecht5.scheduled_sampling import ScheduledSampling
from tts_toolkit.system.errors import UserError
from tts_toolkit.training.checkpoints import checkpoints, find_checkpoint
from tts_toolkit.training.evaluation import mean_loss
from tts_toolkit.training.freezing import freeze
from tts_toolkit.training.interruption import Interrupted
from tts_toolkit.training.loop import Schedule, Training, fit
from tts_toolkit.training.schedules import inverse_square_root, warmup_stable_decay
from tts_toolkit.training.weight_averaging import check_base_weight, mix, weights_of

SCHEDULE = Schedule(max_steps=6, eval_every=3, save_every=2, log_every=1, best_metric="loss")


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("mels"), np.random.default_rng(0)
    made = []
    for number in range(10):
        n_frames = 20 + 3 * number
        np.save(folder / f"{number}.npy", rng.standard_normal((n_frames, 80)).astype(np.float32) - 4)
        ids = (4, *rng.integers(5, 38, 8).tolist(), 2)
        made.append(
            SpeechT5Example(
                str(number), ids, folder / f"{number}.npy", n_frames, rng.standard_normal(512).astype(np.float32)
            )
        )
    return made


class Run:
    """A small training run that can be stopped and gone on with."""

    def __init__(self, examples, run_dir, evaluate=None, accumulation=1, mixed_precision="no"):
        torch.manual_seed(0)
        self.accelerator = Accelerator(
            cpu=True, gradient_accumulation_steps=accumulation, mixed_precision=mixed_precision
        )
        speech = build_speecht5(SpeechSettings(), seed=0, **TINY)
        speech.model.eval()  # as from_pretrained leaves it
        optimizer = torch.optim.AdamW(speech.model.parameters(), lr=3e-3)
        self.task = SpeechT5Task(lambda: speech)
        self.model, self.optimizer = self.accelerator.prepare(speech.model, optimizer)
        self.loader = make_loader(SpeechT5Examples(examples), BatchLayout(120), seed=5)
        self.run_dir, self.evaluate, self.lr_steps = run_dir, evaluate, 6

    def fit(self, schedule, resume_from=None):
        def loss(step):
            return {"loss": mean_loss(self.accelerator, self.model, self.loader, self.task.dev_loss)}

        rate = partial(warmup_stable_decay, n_warmup_steps=2, n_decay_steps=2, max_steps=self.lr_steps)
        training = Training(schedule, rate, self.evaluate or loss, self.run_dir)
        return fit(self.accelerator, self.model, [self.optimizer], self.loader, self.task.losses, training, resume_from)

    def rows(self):
        rows = [json.loads(line) for line in (self.run_dir / "metrics.jsonl").open()]
        timed = ("frames_per_second", "data_wait_share")
        return [{k: v for k, v in row.items() if k not in timed} for row in rows]

    def weights(self):
        return {name: t.clone() for name, t in self.model.state_dict().items()}


def same(a, b):
    return all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("accumulation", [1, 2])
@pytest.mark.parametrize("stop_at", [2, 4])
def test_a_resumed_run_ends_with_equal_weights_and_metrics(examples, tmp_path, stop_at, accumulation):
    straight = Run(examples, tmp_path / "straight", accumulation=accumulation)
    straight.fit(SCHEDULE)
    halted = Run(examples, tmp_path / "halted", accumulation=accumulation)
    schedule = replace(SCHEDULE, max_steps=stop_at, eval_every=100)  # ends with an evaluation of its own
    halted.fit(schedule)
    resumed = Run(examples, tmp_path / "halted", accumulation=accumulation)
    resumed.fit(SCHEDULE, find_checkpoint("latest", tmp_path / "halted"))
    assert same(straight.weights(), resumed.weights())
    assert [r for r in straight.rows() if "loss" in r] == [r for r in resumed.rows() if "loss" in r]
    assert straight.rows()[-1] == resumed.rows()[-1]


def test_every_step_has_its_dropout_whoever_evaluated_before(examples, tmp_path):
    run = Run(examples, tmp_path)
    trained = []
    run.model.register_forward_pre_hook(lambda model, _: trained.append(model.training))

    def evaluate(step):
        run.model.eval()
        return {"loss": 1.0}

    run.evaluate = evaluate
    run.fit(SCHEDULE)
    assert len(trained) == SCHEDULE.max_steps and all(trained)


def test_shares_of_padding_and_of_waiting_are_logged(examples, tmp_path):
    run = Run(examples, tmp_path)
    run.fit(SCHEDULE)
    rows = [row for row in map(json.loads, (tmp_path / "metrics.jsonl").open()) if "loss" in row]
    padding = set()
    for epoch in range(3):
        run.loader.batch_sampler.resume_at(epoch, 0)
        padding |= {round(float((batch["labels"][..., 0] == -100).double().mean()), 9) for batch in run.loader}
    assert {round(row["padding_share"], 9) for row in rows} <= padding and max(padding) > 0
    assert all(0 < row["data_wait_share"] < 1 and row["frames_per_second"] > 0 for row in rows)


def test_training_repeats_itself_and_learns(examples, tmp_path):
    runs = []
    for number in range(2):
        runs.append(Run(examples, tmp_path / str(number)))
        runs[-1].lr_steps = 30
        runs[-1].fit(replace(SCHEDULE, max_steps=30, eval_every=30, save_every=30))
    assert same(runs[0].weights(), runs[1].weights())
    losses = [row["loss"] for row in runs[0].rows() if "loss" in row]
    assert np.mean(losses[-5:]) < 0.6 * np.mean(losses[:3])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_at_the_next_step_and_the_run_goes_on(examples, tmp_path, number):
    straight = Run(examples, tmp_path / "straight")
    straight.fit(SCHEDULE)
    stopped = Run(examples, tmp_path / "stopped", evaluate=lambda step: os.kill(os.getpid(), number) or {"loss": 1.0})
    before = signal.getsignal(number)
    with pytest.raises(Interrupted, match="stopped at step 3; continue with resume=latest"):
        stopped.fit(SCHEDULE)
    assert signal.getsignal(number) is before
    resumed = Run(examples, tmp_path / "stopped")
    resumed.fit(SCHEDULE, find_checkpoint("latest", tmp_path / "stopped"))
    assert same(straight.weights(), resumed.weights())


def test_an_update_has_all_its_micro_batches_whatever_loader_another_training_left(examples, tmp_path):
    from torch.utils.data import DataLoader

    other = Accelerator(cpu=True).prepare(DataLoader([1, 2]))  # a Trainer's, say, that stops at its last batch
    left = iter(other)
    assert [int(next(left)), int(next(left))] == [1, 2]
    run = Run(examples, tmp_path)
    run.accelerator = accelerator_of({"cpu": True, "gradient_accumulation_steps": 2}, tmp_path, 60)
    updates = []
    run.optimizer.optimizer.register_step_post_hook(lambda *_: updates.append(True))
    run.fit(replace(SCHEDULE, max_steps=3))
    assert len(updates) == 3


def test_bfloat16_trains(examples, tmp_path):
    from accelerate.state import AcceleratorState

    AcceleratorState._reset_state(reset_partial_state=True)
    run = Run(examples, tmp_path, mixed_precision="bf16")
    run.lr_steps = 30
    run.fit(replace(SCHEDULE, max_steps=30, eval_every=30, save_every=30))
    AcceleratorState._reset_state(reset_partial_state=True)
    losses = [row["loss"] for row in run.rows() if "loss" in row]
    assert np.mean(losses[-5:]) < 0.6 * np.mean(losses[:3])
    assert {p.dtype for p in run.model.parameters()} == {torch.float32}


def test_the_best_checkpoint_is_kept_and_training_stops_without_gain(examples, tmp_path):
    wer = {1: 0.9, 2: 0.3, 3: 0.5, 4: 0.4, 5: 0.6}
    run = Run(examples, tmp_path, evaluate=lambda step: {"wer": wer[step]})
    schedule = Schedule(
        50, eval_every=1, save_every=1, log_every=1, best_metric="wer", save_total_limit=1, early_stopping_patience=3
    )
    progress = run.fit(schedule)
    assert (progress.step, progress.best_step, progress.best_value) == (5, 2, 0.3)
    assert [p.name for p in checkpoints(tmp_path)] == ["step_00000002", "step_00000005"]


def test_greater_is_better(examples, tmp_path):
    run = Run(examples, tmp_path, evaluate=lambda step: {"similarity": -abs(step - 4)})
    schedule = Schedule(6, eval_every=2, save_every=6, best_metric="similarity", greater_is_better=True)
    assert run.fit(schedule).best_step == 4


def poison(run, value, at_steps):
    """Let the loss of some of the model's training passes be multiplied by `value`."""
    passes, forward = iter(range(1000)), run.model.forward

    def poisoned(*args, **kwargs):
        out = forward(*args, **kwargs)
        if run.model.training and next(passes) in at_steps:
            out.loss = out.loss * value
        return out

    run.model.forward = poisoned


@pytest.mark.parametrize(
    ("value", "fault"),
    [(float("nan"), "the loss is nan"), (float("inf"), "the loss is inf"), (1e30, "the gradient norm is (inf|nan)")],
)
def test_a_step_without_numbers_is_skipped_and_its_clips_are_named(examples, tmp_path, caplog, value, fault):
    Run(examples, tmp_path / "clean").fit(replace(SCHEDULE, max_steps=1, eval_every=1))
    run = Run(examples, tmp_path / "run")
    poison(run, value, {1})
    progress = run.fit(replace(SCHEDULE, save_total_limit=9))
    (warning,) = [record.message for record in caplog.records if "skipped" in record.message]
    assert re.search(rf"step 2: {fault}.* \(clips \d(, \d)*\): skipped", warning)
    assert progress.n_skipped_steps == 1 and all(torch.isfinite(t).all() for t in run.weights().values())
    moved = load_file(tmp_path / "run/checkpoints/step_00000002/model.safetensors")
    before = load_file(tmp_path / "clean/checkpoints/step_00000001/model.safetensors")
    kept = [name for name in before if "num_batches" not in name]
    assert any("running" in name for name in kept)
    assert all(torch.equal(moved[name], before[name]) for name in kept), "the skipped step moved something"


def test_a_skipped_step_in_float16_does_not_end_the_run(examples, tmp_path):
    """Its gradients are unscaled already: the scaler must forget them before it takes the next ones."""
    run = Run(examples, tmp_path)
    scaler = run.accelerator.scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    run.optimizer, clip = AcceleratedOptimizer(run.optimizer.optimizer, scaler=scaler), run.accelerator.clip_grad_norm_

    def unscale_and_clip(parameters, norm):  # as Accelerate does in float16, which it has on a GPU only
        scaler.unscale_(run.optimizer.optimizer)
        return clip(parameters, norm)

    run.accelerator.clip_grad_norm_ = unscale_and_clip
    poison(run, float("nan"), {1, 3})
    assert run.fit(SCHEDULE).n_skipped_steps == 2


def test_a_run_that_starts_from_another_chooses_its_best_anew(examples, tmp_path):
    Run(examples, tmp_path / "one", evaluate=lambda step: {"loss": 0.1}).fit(SCHEDULE)
    other = find_checkpoint("latest", tmp_path / "one")
    with pytest.raises(UserError, match="holds a run already"):
        Run(examples, tmp_path / "two").fit(replace(SCHEDULE, max_steps=1))
        claim_run(tmp_path / "two", str(other), False)
    clear_run(tmp_path / "two")
    assert claim_run(tmp_path / "two", str(other), False) == other
    run = Run(examples, tmp_path / "two", evaluate=lambda step: {"loss": 0.5})
    progress = run.fit(replace(SCHEDULE, max_steps=9), other)
    assert progress.best_step == 9 and [c.name for c in checkpoints(tmp_path / "two")] == [
        "step_00000008",
        "step_00000009",
    ]


def test_going_back_to_an_older_checkpoint_leaves_no_later_one(examples, tmp_path):
    run = Run(examples, tmp_path, evaluate=lambda step: {"loss": 1.0})
    run.fit(replace(SCHEDULE, save_every=1, save_total_limit=9))
    Run(examples, tmp_path, evaluate=lambda step: {"loss": 1.0}).fit(
        replace(SCHEDULE, max_steps=3, save_every=1), checkpoints(tmp_path)[1]
    )
    assert [c.name for c in checkpoints(tmp_path)] == ["step_00000002", "step_00000003"]


def test_a_resumed_run_with_other_clips_begins_an_epoch(examples, tmp_path, caplog):
    Run(examples, tmp_path).fit(replace(SCHEDULE, max_steps=2))
    run = Run(examples[:-1], tmp_path)
    progress = run.fit(replace(SCHEDULE, max_steps=3), find_checkpoint("latest", tmp_path))
    assert "a new epoch begins" in caplog.text and (progress.epoch, progress.batch_in_epoch) == (1, 1)


def test_a_row_of_metrics_cut_off_by_a_full_disk_is_dropped(examples, tmp_path):
    Run(examples, tmp_path).fit(replace(SCHEDULE, max_steps=2))
    with (tmp_path / "metrics.jsonl").open("ab") as file:
        file.write(b'{"step": 3, "lo')
    run = Run(examples, tmp_path)
    run.fit(SCHEDULE, find_checkpoint("latest", tmp_path))
    assert [row["step"] for row in run.rows() if "loss" in row] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("name", ["max_steps", "eval_every", "save_every", "log_every", "save_total_limit"])
def test_nothing_happens_every_zero_steps(name):
    with pytest.raises(UserError, match=f"schedule.{name}=0: at least 1"):
        replace(SCHEDULE, **{name: 0})


def test_gradients_that_explode_are_skipped(examples, tmp_path, caplog):
    run = Run(examples, tmp_path)
    run.lr_steps = 60
    poison(run, 1e6, {10, 55})  # the tenth comes before it is known what is usual
    progress = run.fit(replace(SCHEDULE, max_steps=60, eval_every=60, save_every=60))
    assert progress.n_skipped_steps == 1 and "step 56: the gradient norm is" in caplog.text


def test_too_many_steps_without_numbers_end_the_run_and_keep_the_checkpoint(examples, tmp_path):
    run = Run(examples, tmp_path)
    poison(run, float("nan"), range(2, 100))
    with pytest.raises(
        UserError, match=r"step 6: the loss is nan \(clips .*4 such steps.*max_skipped_steps=3.*resume="
    ):
        run.fit(replace(SCHEDULE, max_steps=30, eval_every=30, max_skipped_steps=3))
    assert find_checkpoint("latest", tmp_path).name == "step_00000004"


def test_an_evaluation_without_a_number_is_never_the_best(examples, tmp_path):
    wer = {1: float("nan"), 2: 0.5, 3: float("nan")}
    run = Run(examples, tmp_path, evaluate=lambda step: {"wer": wer[step]})
    assert run.fit(Schedule(3, eval_every=1, save_every=3, best_metric="wer")).best_step == 2
    run = Run(examples, tmp_path / "never", evaluate=lambda step: {"wer": float("nan")})
    with pytest.raises(UserError, match="no evaluation gave a finite wer"):
        run.fit(Schedule(2, eval_every=1, save_every=2, best_metric="wer"))


def test_an_unfinished_checkpoint_is_none(examples, tmp_path):
    Run(examples, tmp_path).fit(replace(SCHEDULE, max_steps=2))
    (tmp_path / "checkpoints" / ".step_00000009.tmp").mkdir()
    assert find_checkpoint("latest", tmp_path).name == "step_00000002"
    assert find_checkpoint("latest", tmp_path / "other") is None
    with pytest.raises(UserError, match="no checkpoint there"):
        find_checkpoint(str(tmp_path), tmp_path)
    with pytest.raises(UserError, match="holds a run already.*resume=latest.*overwrite=true"):
        claim_run(tmp_path, None, False)
    assert claim_run(tmp_path, None, True) is None and checkpoints(tmp_path)  # until the new one may begin
    clear_run(tmp_path, find_checkpoint("latest", tmp_path))
    assert checkpoints(tmp_path), "the run that goes on is not removed"
    clear_run(tmp_path)
    assert not checkpoints(tmp_path)


@pytest.mark.parametrize(
    ("file", "content"),
    [("model.safetensors", b"\0" * 40), ("model.safetensors", b""), ("progress.json", b"{oops"), ("progress.json", b'{"a": 1}'),
     ("optimizer.bin", b"junk"), ("random_states_0.pkl", b"junk")],
)  # fmt: skip
def test_a_damaged_checkpoint_is_one_line(examples, tmp_path, file, content):
    run = Run(examples, tmp_path)
    run.fit(replace(SCHEDULE, max_steps=2))
    last = find_checkpoint("latest", tmp_path)
    (last / file).write_bytes(content)
    with pytest.raises(UserError, match=r"step_00000002.*: is damaged, or ") as error:
        run.fit(SCHEDULE, last)
    assert "\n" not in str(error.value)


def test_a_failing_disk_keeps_the_last_good_checkpoint(examples, tmp_path, monkeypatch):
    run = Run(examples, tmp_path)
    run.fit(replace(SCHEDULE, max_steps=2))

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device", "model.safetensors")

    monkeypatch.setattr(run.accelerator, "save_state", full)
    with pytest.raises(OSError, match="No space left"):
        run.fit(SCHEDULE, find_checkpoint("latest", tmp_path))
    assert find_checkpoint("latest", tmp_path).name == "step_00000002"


def test_freezing_by_name():
    model = build_speecht5(SpeechSettings(), seed=0, **TINY).model
    n = freeze(model, ["speecht5.encoder", "*.speaker_embeds_layer.bias"])
    assert n > 3 and not model.speecht5.encoder.prenet.embed_tokens.weight.requires_grad
    assert model.speech_decoder_postnet.feat_out.weight.requires_grad
    with pytest.raises(UserError, match="no parameter matches 'decoder.layer'"):
        freeze(model, ["decoder.layer"])
    with pytest.raises(UserError, match="every parameter is frozen"):
        freeze(model, ["*"])


@pytest.mark.parametrize("patterns", [[], ["speech_decoder_postnet"]])
def test_what_is_frozen_keeps_its_running_statistics_too(examples, tmp_path, patterns):
    run = Run(examples, tmp_path)
    freeze(run.task.model, patterns)
    before = {name: value.clone() for name, value in run.task.model.state_dict().items()}
    run.fit(replace(SCHEDULE, max_steps=2, eval_every=2))
    moved = {name for name, value in run.task.model.state_dict().items() if not torch.equal(value, before[name])}
    postnet = {name for name in moved if name.startswith("speech_decoder_postnet")}
    assert moved and bool(postnet) == (not patterns)
    assert patterns or any(name.endswith("running_mean") for name in postnet)


def test_weights_are_mixed_with_the_base_and_counters_are_not():
    trained, base = (build_speecht5(SpeechSettings(), seed=seed, **TINY).model for seed in (0, 1))
    before, start = weights_of(trained), weights_of(base)
    counters = [name for name in before if "num_batches" in name]
    trained.state_dict()[counters[0]].fill_(7)
    mix(trained, start, 0.25)
    for name, tensor in trained.state_dict().items():
        if name not in counters:
            torch.testing.assert_close(tensor, 0.75 * before[name] + 0.25 * start[name])
    assert trained.state_dict()[counters[0]] == 7
    with pytest.raises(UserError, match="base_weight=1.0: allowed are 0"):
        check_base_weight(1.0)


def test_schedules_rise_and_fall():
    factors = [warmup_stable_decay(step, 4, 5, 20) for step in range(21)]
    assert factors[0] == 0.25 and factors[3:16] == [1.0] * 13 and factors[18] == pytest.approx(0.4) and factors[20] == 0
    assert inverse_square_root(0, 4) == 0.25 and inverse_square_root(3, 4) == 1 and inverse_square_root(15, 4) == 0.5


def test_settings_are_flat_for_trackers():
    assert flat_settings({"a": {"b": 1, "c": None}, "d": [1, 2], "e": "x"}) == {
        "a.b": 1,
        "a.c": "None",
        "d": "[1, 2]",
        "e": "x",
    }


@pytest.fixture(scope="module")
def speech():
    return build_speecht5(SpeechSettings(), seed=0, **TINY)


def batch_of(n_frames=40):
    ids = torch.randint(4, 38, (2, 9))
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": torch.randn(2, n_frames, 80) - 4,
            "speaker_embeddings": torch.randn(2, TINY.get("speaker_embedding_dim", 512))}  # fmt: skip


@pytest.mark.parametrize("n_guided, guided", [(2, True), (1, True), (2, False)])
def test_fused_training_has_the_loss_and_the_gradients_of_transformers(n_guided, guided):
    still = dict.fromkeys(("hidden_dropout", "attention_dropout", "positional_dropout", "activation_dropout"), 0.0)
    config = TINY | still | {"speech_decoder_postnet_dropout": 0.0, "decoder_attention_heads": 4,
                             "guided_attention_loss_num_heads": n_guided, "use_guided_attention_loss": guided}  # fmt: skip
    batch = batch_of()
    batch["attention_mask"][1, 6:], batch["labels"][0, 30:] = 0, -100.0
    losses, gradients = [], []
    for fused in (False, True):
        model = build_speecht5(SpeechSettings(), seed=0, **config).model.train()
        if fused:
            fuse(model)
        torch.manual_seed(0)
        loss = model(**batch, use_cache=False).loss
        loss.backward()
        losses.append(loss.item())
        gradients.append(torch.cat([p.grad.flatten() for p in model.parameters()]))
    assert losses[1] == pytest.approx(losses[0], abs=1e-5)
    assert torch.allclose(gradients[0], gradients[1], atol=1e-6) and gradients[0].abs().max() > 0.01


def test_a_fused_model_still_speaks_like_its_class(speech):
    model = build_speecht5(SpeechSettings(), seed=0, **TINY).model.eval()
    ids, voice = batch_of()["input_ids"][:1], torch.randn(1, 512)
    said = []
    for _ in range(2):
        torch.manual_seed(0)
        said.append(model.generate_speech(ids, voice, maxlenratio=4.0))
        fuse(model)
    assert torch.allclose(*said, atol=1e-5)


def test_the_truth_is_told_unless_own_passes_are_asked_for(speech):
    batch = batch_of()
    assert ScheduledSampling()(batch, speech.model) is batch


def test_a_pass_tells_the_decoder_the_last_frame_that_it_said_at_each_step_from_the_true_past(speech):
    batch, heard = batch_of(), []
    hook = speech.model.speech_decoder_postnet.feat_out.register_forward_hook(lambda *call: heard.append(call[-1]))
    told = speech.model.speecht5.decoder.prenet.register_forward_pre_hook(lambda _, inputs: heard.append(inputs[0]))
    torch.manual_seed(0)  # draws two passes
    past = ScheduledSampling(max_passes=2)(batch, speech.model)["decoder_input_values"]
    hook.remove(), told.remove()
    first_told, first_said, second_told, second_said = heard
    true = torch.nn.functional.pad(batch["labels"][:, 1::2][:, :-1], (0, 0, 1, 0))
    assert torch.equal(first_told, true)
    for said, told_next in ((first_said, second_told), (second_said, past)):
        last_frames = said.view(2, 20, 2, 80)[:, :, 1]
        assert torch.equal(told_next, torch.nn.functional.pad(last_frames[:, :-1], (0, 0, 1, 0)))
    assert not past.requires_grad


def test_every_number_of_passes_up_to_the_limit_is_drawn(speech):
    batch, n_calls = batch_of(8), []
    hook = speech.model.speech_decoder_postnet.feat_out.register_forward_hook(lambda *call: n_calls.append(1))
    drawn = set()
    for seed in range(20):
        n_calls.clear()
        torch.manual_seed(seed)
        ScheduledSampling(max_passes=2)(batch, speech.model)
        drawn.add(len(n_calls))
    hook.remove()
    assert drawn == {0, 1, 2}


def test_wandb_gets_sound_and_pictures(speech, monkeypatch):
    from types import ModuleType, SimpleNamespace

    from tts_toolkit.finetuning.dev_synthesis import _show
    from tts_toolkit.models.speecht5.pipeline import SpeechT5Pipeline

    wandb = ModuleType("wandb")
    wandb.Audio = lambda waveform, rate: (len(waveform), rate)
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    got = {}
    tracker = SimpleNamespace(
        name="wandb",
        log=lambda values, step: got.update(values),
        log_images=lambda values, step: got.update({name: picture.shape[0] for name, picture in values.items()}),
    )
    (utterance,) = SpeechT5Pipeline(speech, decoding=Decoding(stop_threshold=2.0, max_frames_per_token=2.0)).synthesize(
        ["one two"], np.ones((1, 512), np.float32), keep_attention=True
    )
    speech = replace(utterance, waveform=np.zeros(800, np.float32)).speech()
    _show(SimpleNamespace(trackers=[tracker]), speech, 3)
    assert got == {"dev/spectrogram": 1, "dev/attention": 1, "dev/speech": (800, 16_000)}
