import json

import numpy as np
import pytest
import soundfile
import torch
from conftest import tone

from tts_toolkit.data.clips import Clip
from tts_toolkit.models.vocoders import open_vocoder, vocode
from tts_toolkit.pretraining.hifigan import VocoderTraining, train_vocoder
from tts_toolkit.speakers.encoders import embed_all
from tts_toolkit.system.errors import UserError

TINY_VOCODER = {
    "upsample_initial_channel": 16, "upsample_rates": [4, 4, 4, 4], "upsample_kernel_sizes": [8, 8, 8, 8],
    "resblock_kernel_sizes": [3], "resblock_dilation_sizes": [[1, 3]], "initializer_range": 0.1,
}  # fmt: skip


def training(n_steps, **changes):
    values = {"n_spectral_steps": 20, "batch_size": 4, "crop_frames": 12, "periods": (2, 3), "discriminator_channels": (4, 8),
              "discriminator_n_ffts": (256,), "save_every": 5, **changes}  # fmt: skip
    return VocoderTraining(n_steps=n_steps, **values)


def clips(folder):
    made = []
    for number in range(6):
        soundfile.write(folder / f"{number}.wav", tone(1.5, hz=140 + 30 * number, seed=number), 16_000)
        made.append(Clip(str(number), folder / f"{number}.wav", "t", "s", "f:1"))
    return made


def test_a_vocoder_learns_joins_its_discriminators_and_is_loaded_by_name(tmp_path):
    train_vocoder(clips(tmp_path), TINY_VOCODER, training(30), tmp_path / "run")
    rows = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").open()]
    assert rows[-1]["mel"] < 0.75 * rows[0]["mel"]
    assert "discriminators" not in rows[3] and "discriminators" in rows[-1]
    vocoder = open_vocoder(str(tmp_path / "run"))
    waveform = vocoder(torch.full((20, 80), -3.0))
    assert waveform.shape == (20 * 256,) and np.isfinite(waveform).all()


def test_a_loss_that_is_no_number_ends_the_training_and_keeps_the_state(tmp_path, monkeypatch):
    import tts_toolkit.pretraining.hifigan as module

    recordings = clips(tmp_path)
    train_vocoder(recordings, TINY_VOCODER, training(5), tmp_path / "run")
    before = (tmp_path / "run/state.pt").read_bytes()
    monkeypatch.setattr(module, "_mel_loss", lambda spoken, true: torch.tensor(float("nan")))
    with pytest.raises(UserError, match="step 6: the loss is nan"):
        train_vocoder(recordings, TINY_VOCODER, training(9), tmp_path / "run")
    assert (tmp_path / "run/state.pt").read_bytes() == before


def test_a_resumed_training_ends_as_a_straight_one(tmp_path):
    from safetensors.torch import load_file

    recordings = clips(tmp_path)
    for name, steps in (("straight", [25]), ("halved", [25])):
        for n_steps in steps:
            train_vocoder(recordings, TINY_VOCODER, training(n_steps), tmp_path / name)

    # Stop after the state of step 20: what came later is done again.
    class Stop(Exception):
        pass

    import tts_toolkit.pretraining.hifigan as module

    step = module._Trainer.step

    def stopping(self, number, *batch):
        if number == 22:
            raise Stop
        return step(self, number, *batch)

    module._Trainer.step = stopping
    try:
        train_vocoder(recordings, TINY_VOCODER, training(25), tmp_path / "stopped")
    except Stop:
        pass
    finally:
        module._Trainer.step = step
    train_vocoder(recordings, TINY_VOCODER, training(25), tmp_path / "stopped")
    straight, resumed = (load_file(tmp_path / name / "model.safetensors") for name in ("straight", "stopped"))
    assert all(straight[name].equal(resumed[name]) for name in straight)
    train_vocoder(recordings, TINY_VOCODER, training(25, save_every=7), tmp_path / "stopped")
    state = tmp_path / "stopped/state.pt"
    content = bytearray(state.read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged/state.pt").write_bytes(content)
    with pytest.raises(UserError, match=r"state\.pt: is damaged, or of an earlier version; remove it to start again"):
        train_vocoder(recordings, TINY_VOCODER, training(25), tmp_path / "damaged")
    for other in ((recordings[1:], training(25)), (recordings, training(25, learning_rate=2e-3))):
        with pytest.raises(UserError, match=r"state\.pt: is of a run with other recordings or settings"):
            train_vocoder(other[0], TINY_VOCODER, other[1], tmp_path / "stopped")


def test_the_batches_of_a_class_are_used():
    class Batches:
        def batch(self, log_mels):
            return [np.zeros(len(mel)) for mel in log_mels]

        def embed_batch(self, waveforms):
            return np.ones((len(waveforms), 3))

    assert [len(waveform) for waveform in vocode(Batches(), [torch.zeros(2, 80), torch.zeros(3, 80)])] == [2, 3]
    assert [row.shape for row in embed_all(Batches(), [np.zeros(4), np.zeros(5)])] == [(3,), (3,)]
