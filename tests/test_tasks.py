"""The seam between the training loop and what is trained: a task with two optimizers, exact resume and all."""

import json
from functools import partial

import pytest
import torch
from accelerate import Accelerator
from torch.utils.data import DataLoader

from tts_toolkit.finetuning.tasks import AudioFormat
from tts_toolkit.training.checkpoints import find_checkpoint
from tts_toolkit.training.evaluation import mean_loss
from tts_toolkit.training.loop import Schedule, Training, fit

SCHEDULE = Schedule(max_steps=6, eval_every=3, save_every=2, log_every=1, best_metric="loss")


class Numbers(torch.utils.data.Dataset):
    """Pairs (x, 3 x), each with an id."""

    examples = ()

    def __len__(self):
        return 12

    def __getitem__(self, index):
        return index, torch.tensor([float(index)])


class Order(torch.utils.data.Sampler):
    """Batches of two in order, from where a run goes on."""

    n_frames = torch.ones(12)
    max_frames, seed, shuffle, n_ranks = 2, 0, False, 1

    def __init__(self):
        self.first = 0

    def resume_at(self, epoch, n_batches):
        self.first = n_batches

    def __iter__(self):
        yield from ([n, n + 1] for n in range(2 * self.first, 12, 2))

    def __len__(self):
        return 6 - self.first


def collate(items):
    x = torch.stack([x for _, x in items])
    return {"ids": [str(n) for n, _ in items], "n_frames": len(items), "n_padded": 0, "x": x, "y": 3 * x}


class Adversarial:
    """A line that is to look like y = 3 x to a discriminator, which is updated first."""

    audio = AudioFormat()

    def __init__(self):
        torch.manual_seed(0)
        self.model = torch.nn.ModuleDict({"line": torch.nn.Linear(1, 1), "critic": torch.nn.Linear(2, 1)})
        self.seen = []

    def parameter_groups(self):
        return [list(self.model["critic"].parameters()), list(self.model["line"].parameters())]

    def losses(self, model, batch):
        parts = getattr(model, "module", model)
        made = parts["line"](batch["x"])
        real = parts["critic"](torch.cat([batch["x"], batch["y"]], dim=1))
        fake = parts["critic"](torch.cat([batch["x"], made.detach()], dim=1))
        yield {"critic": (real - 1).square().mean() + fake.square().mean()}
        self.seen.append(parts["critic"].weight.detach().clone())
        judged = parts["critic"](torch.cat([batch["x"], made], dim=1))
        yield {"adversarial": (judged - 1).square().mean(), "line": (made - batch["y"]).square().mean()}

    def dev_loss(self, model, batch):
        return (getattr(model, "module", model)["line"](batch["x"]) - batch["y"]).square().mean()


class Run:
    def __init__(self, folder, accumulation=1, lr=(1e-3, 1e-2)):
        self.accelerator = Accelerator(cpu=True, gradient_accumulation_steps=accumulation)
        self.task, self.folder = Adversarial(), folder
        groups = [
            torch.optim.Adam(group, lr=rate) for group, rate in zip(self.task.parameter_groups(), lr, strict=True)
        ]
        self.model, *self.optimizers = self.accelerator.prepare(self.task.model, *groups)
        self.loader = DataLoader(Numbers(), batch_sampler=Order(), collate_fn=collate)

    def fit(self, schedule=SCHEDULE, resume_from=None):
        evaluate = partial(mean_loss, self.accelerator, self.model, self.loader, self.task.dev_loss)
        training = Training(schedule, lambda step: 1.0, lambda step: {"loss": evaluate()}, self.folder)
        return fit(self.accelerator, self.model, self.optimizers, self.loader, self.task.losses, training, resume_from)

    def weights(self):
        return [parameter.detach().clone() for parameter in self.task.model.parameters()]


def equal(a, b):
    return all(torch.equal(ours, theirs) for ours, theirs in zip(a, b, strict=True))


def test_each_optimizer_steps_on_its_own_losses_in_turn(tmp_path):
    run = Run(tmp_path)
    before = run.task.model["critic"].weight.detach().clone()
    run.fit()
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").open()]
    assert {"critic", "adversarial", "line", "loss", "grad_norm"} <= set(rows[0])
    assert rows[0]["loss"] == pytest.approx(rows[0]["critic"] + rows[0]["adversarial"] + rows[0]["line"])
    assert not torch.equal(run.task.seen[0], before), "the generator's losses are computed after the critic's step"
    assert rows[-1]["dev_loss"] < rows[2]["line"] * 10 and all(p.requires_grad for p in run.task.model.parameters())


@pytest.mark.parametrize("lr", [(0.0, 1e-2), (1e-3, 0.0)])
def test_no_optimizer_moves_what_belongs_to_another(tmp_path, lr):
    run = Run(tmp_path, lr=lr)
    before = {name: parameter.detach().clone() for name, parameter in run.task.model.named_parameters()}
    run.fit()
    moved = {n for n, parameter in run.task.model.named_parameters() if not torch.equal(parameter, before[n])}
    assert {name.split(".")[0] for name in moved} == ({"line"} if lr[0] == 0 else {"critic"})


@pytest.mark.parametrize("accumulation", [1, 2])
def test_a_resumed_run_ends_where_a_straight_one_ends(tmp_path, accumulation):
    straight = Run(tmp_path / "straight", accumulation)
    straight.fit()
    Run(tmp_path / "halted", accumulation).fit(Schedule(2, eval_every=2, save_every=2, log_every=1, best_metric="loss"))
    resumed = Run(tmp_path / "halted", accumulation)
    progress = resumed.fit(resume_from=find_checkpoint("latest", tmp_path / "halted"))
    assert equal(straight.weights(), resumed.weights()) and progress.step == 6
    assert set(progress.grad_norms_of_others) == {"-2"}, "usual gradient norms are those of each optimizer"
