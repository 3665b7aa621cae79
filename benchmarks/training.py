"""Clips per second of fine-tuning against Seq2SeqTrainer, with SpeechT5's own sizes.

python -m benchmarks.training [--quick] [--rounds N] [--device cuda:0] [--json FILE]

Both sides train the same random weights on the same clips of 1 to 10 s (recordings of the demo voice, joined), from
stored features, with AdamW, at the same mean number of clips per update. The peer is the usual recipe: batches of 4 in
random order, padded to the longest, accumulated. The final loss of all clips is in the note.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.harness import Options, Row, main, measure
from tts_toolkit.assets import ASSETS
from tts_toolkit.audio.log_mel import HOP_LENGTH, log_mel
from tts_toolkit.audio.torchaudio_stand_in import ensure_torchaudio
from tts_toolkit.audio.waveforms import SAMPLE_RATE_HZ, load_waveform
from tts_toolkit.data.batches import BatchLayout, make_loader, model_inputs
from tts_toolkit.finetuning.speecht5_examples import SpeechT5Example, SpeechT5Examples

PEER_BATCH, ACCUMULATED = 4, 8
CLIPS_PER_UPDATE = PEER_BATCH * ACCUMULATED
FRAMES_PER_TOKEN = 4.2  # 62.5 frames and about 15 characters per second
LEARNING_RATE = 1e-4


def examples_of(n_clips: int, folder: Path) -> list[SpeechT5Example]:
    """Return clips of 1 to 10 s as training reads them; texts are random letters of the usual length."""
    sound = np.concatenate([load_waveform(file) for file in sorted((ASSETS / "demo-voice/audio").glob("*.flac"))])
    rng = np.random.default_rng(0)
    found = []
    for number, seconds in enumerate(rng.permutation(np.linspace(1.0, 10.0, n_clips))):
        n_samples = int(seconds * SAMPLE_RATE_HZ) // HOP_LENGTH * HOP_LENGTH
        start = int(rng.integers(len(sound) - n_samples))
        mel = log_mel(sound[start : start + n_samples]).numpy()
        np.save(folder / f"{number}.npy", mel)
        ids = (*rng.integers(4, 79, int(len(mel) / FRAMES_PER_TOKEN)).tolist(), 2)
        voice = rng.standard_normal(512).astype(np.float32)
        found.append(SpeechT5Example(str(number), ids, folder / f"{number}.npy", len(mel), voice))
    return found


def model_of(device: str) -> Any:
    """Return a SpeechT5 of the published sizes, the same random weights each time."""
    ensure_torchaudio()
    from transformers import SpeechT5Config, SpeechT5ForTextToSpeech

    torch.manual_seed(0)
    return SpeechT5ForTextToSpeech(SpeechT5Config(encoder_layerdrop=0.0, decoder_layerdrop=0.0)).to(device)


class Peer:
    """Seq2SeqTrainer, one epoch per call."""

    def __init__(self, examples: Sequence[SpeechT5Example], options: Options, mixed: bool, folder: Path) -> None:
        from transformers import Seq2SeqTrainer, Seq2SeqTrainingArguments, get_constant_schedule
        from transformers.utils import logging

        logging.disable_progress_bar()
        rows = [
            {
                "ids": example.id,
                "input_ids": torch.tensor(example.input_ids),
                "labels": torch.from_numpy(np.load(example.log_mel))[: example.n_frames // 2 * 2],
                "speaker_embeddings": torch.from_numpy(example.speaker_embedding),
            }
            for example in examples
        ]
        self.model = model_of(options.device)
        arguments = Seq2SeqTrainingArguments(
            output_dir=str(folder), per_device_train_batch_size=PEER_BATCH, gradient_accumulation_steps=ACCUMULATED,
            learning_rate=LEARNING_RATE, lr_scheduler_type="constant", num_train_epochs=1, bf16=mixed,
            use_cpu=options.device == "cpu", save_strategy="no", report_to=[], disable_tqdm=True,
            remove_unused_columns=False, logging_strategy="no", label_names=["labels"], dataloader_pin_memory=False,
        )  # fmt: skip
        optimizer = torch.optim.AdamW(self.model.parameters(), lr=LEARNING_RATE, fused=True)
        self.trainer = Seq2SeqTrainer(
            model=self.model,
            args=arguments,
            train_dataset=rows,
            data_collator=lambda items: model_inputs(SpeechT5Examples(examples).collate(items), "cpu"),
            optimizers=(optimizer, get_constant_schedule(optimizer)),  # or each call would start with new moments
        )

    def __call__(self) -> None:
        """Train one epoch."""
        self.trainer.train()


class Ours:
    """The toolkit's loop, one epoch per call."""

    def __init__(self, examples: Sequence[SpeechT5Example], options: Options, mixed: bool, folder: Path) -> None:
        from accelerate.state import AcceleratorState

        from tts_toolkit.finetuning.run_folder import accelerator_of
        from tts_toolkit.finetuning.speecht5_task import SpeechT5Task
        from tts_toolkit.models.speecht5.checkpoint import SpeechSettings, SpeechT5
        from tts_toolkit.models.speecht5.loss import fuse

        AcceleratorState._reset_state(reset_partial_state=True)
        accumulated = 4 if options.device == "cpu" else 1  # a GPU processes all clips of an update at once
        budget = int(np.mean([example.n_frames for example in examples]) * CLIPS_PER_UPDATE / accumulated)
        self.accelerator = accelerator_of(
            {
                "cpu": options.device == "cpu",
                "mixed_precision": "bf16" if mixed else "no",
                "gradient_accumulation_steps": accumulated,
            },
            folder,
            patience_seconds=60,
        )
        self.model = model_of(options.device)
        fuse(self.model)
        self.task = SpeechT5Task(lambda: SpeechT5(self.model, None, SpeechSettings(), "benchmark"))
        self.loader = make_loader(SpeechT5Examples(examples), BatchLayout(budget))
        optimizer = torch.optim.AdamW(self.model.parameters(), lr=LEARNING_RATE, fused=True)
        self.prepared, self.optimizer = self.accelerator.prepare(self.model, optimizer)
        self.n_updates = max(1, round(len(examples) / CLIPS_PER_UPDATE))
        self.stream = self._batches()

    def _batches(self) -> Any:
        epoch = 0
        while True:
            self.loader.batch_sampler.resume_at(epoch, 0)
            for batch in self.loader:
                counts = {name: batch[name] for name in ("ids", "n_frames", "n_padded")}
                yield {**counts, **model_inputs(batch, self.accelerator.device)}
            epoch += 1

    def __call__(self) -> None:
        """Train as many updates as the peer does in an epoch."""
        from tts_toolkit.training.checkpoints import Progress
        from tts_toolkit.training.loop import Schedule, train_step

        self.prepared.train()
        schedule, progress = Schedule(self.n_updates, self.n_updates, self.n_updates), Progress()
        for _ in range(self.n_updates):
            train_step(
                self.accelerator, self.prepared, [self.optimizer], self.stream, self.task.losses, schedule, progress
            )


@torch.no_grad()
def loss_of(model: Any, examples: Sequence[SpeechT5Example]) -> float:
    """Return the mean loss over clips, as transformers computes it, dropout off.

    Batch normalization uses the batch's statistics: after few updates the running ones depend on their number.
    """
    losses = []
    model.eval()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            module.train().momentum = 0.0
    for batch in make_loader(SpeechT5Examples(examples), BatchLayout(4000), shuffle=False):
        torch.manual_seed(0)
        inputs = model_inputs(batch, model.device)
        losses += [float(type(model).forward(model, **inputs, use_cache=False).loss)] * len(batch["labels"])
    return float(np.mean(losses))


def n_frames_padded(n_frames: Sequence[int]) -> tuple[float, float]:
    """Return the padding shares of random batches of 4 and of batches grouped by length."""
    from tts_toolkit.data.batches import FrameBudgetBatches

    rng = np.random.default_rng(0)
    lengths = np.asarray(n_frames)
    order = rng.permutation(lengths)[: len(lengths) // PEER_BATCH * PEER_BATCH].reshape(-1, PEER_BATCH)
    grouped = [lengths[batch] for batch in FrameBudgetBatches(n_frames, int(lengths.mean() * PEER_BATCH * 2))]
    padded = sum(int(batch.max()) * len(batch) for batch in grouped)
    return 1 - order.sum() / (order.max(axis=1).sum() * PEER_BATCH), 1 - lengths.sum() / padded


def rows(options: Options) -> list[Row]:
    """Return a row in float32 and one in mixed precision."""
    n_clips = CLIPS_PER_UPDATE * (1 if options.quick else 4)
    found = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        examples = examples_of(n_clips, folder)
        random, grouped = n_frames_padded([example.n_frames for example in examples])
        for mixed in (False, True):
            peer, ours = Peer(examples, options, mixed, folder), Ours(examples, options, mixed, folder)
            row = measure(
                f"fine-tuning, {n_clips} clips of 1 to 10 s, {'bfloat16' if mixed else 'float32'}",
                f"Seq2SeqTrainer, batches of {PEER_BATCH} x {ACCUMULATED}", peer, ours, options,
            )  # fmt: skip
            losses = f"loss after {1 + options.rounds} epochs: {loss_of(peer.model, examples):.3f}, ours "
            losses += f"{loss_of(ours.model, examples):.3f}; padding {random:.0%}, ours {grouped:.0%}"
            found.append(Row(**{**vars(row), "note": losses}))
            del peer, ours
    return found


if __name__ == "__main__":
    main(__doc__, rows)
