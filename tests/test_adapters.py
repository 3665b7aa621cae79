"""Adapters: what they train, what merging them gives, and that nothing wrapped is synthesized or exported."""

import pytest
import torch
from conftest import TINY

from tts_toolkit.finetuning.adapters import Lora, NoAdapter
from tts_toolkit.models.speecht5.checkpoint import SpeechSettings, build_speecht5
from tts_toolkit.models.speecht5.decoder import DecoderEngine
from tts_toolkit.models.speecht5.loss import fuse
from tts_toolkit.nn.plain_modules import check_plain
from tts_toolkit.system.errors import UserError

pytest.importorskip("peft")
LORA = Lora(rank=2, alpha=4)


@pytest.fixture
def model():
    made = build_speecht5(SpeechSettings(), seed=0, **TINY).model.eval()
    fuse(made)
    return made


def batch():
    torch.manual_seed(1)
    return {
        "input_ids": torch.tensor([[4, 5, 6, 2]]), "attention_mask": torch.ones(1, 4, dtype=torch.long),
        "labels": torch.randn(1, 8, 80), "speaker_embeddings": torch.randn(1, 512),
    }  # fmt: skip


def loss_of(model):
    torch.manual_seed(2)  # the pre-net's dropout is never off
    return model(**batch(), use_cache=False).loss


def moved(model):
    """The model after an update of what is trained."""
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.5)
    for _ in range(2):
        optimizer.zero_grad()
        loss_of(model).backward()
        optimizer.step()
    return model


def test_lora_starts_from_the_base_and_trains_little(model):
    before, n = loss_of(model).item(), sum(p.numel() for p in model.parameters())
    LORA.attach(model)
    trained = {name for name, p in model.named_parameters() if p.requires_grad}
    assert loss_of(model).item() == pytest.approx(before, rel=1e-6)
    assert trained and all("lora_" in name for name in trained)
    assert sum(p.numel() for p in model.parameters() if p.requires_grad) < n / 4
    frozen = {name: p.detach().clone() for name, p in model.named_parameters() if name not in trained}
    assert loss_of(moved(model)).item() != pytest.approx(before, rel=1e-4)
    assert all(torch.equal(p, frozen[name]) for name, p in model.named_parameters() if name in frozen)


def test_a_merged_model_is_plain_and_says_the_same(model):
    plain = set(model.state_dict())
    LORA.attach(model)
    expected = loss_of(moved(model)).item()
    with pytest.raises(UserError, match="merge it into the weights"):
        DecoderEngine(model)
    LORA.merge(model)
    check_plain(model.speecht5.decoder)
    DecoderEngine(model)
    assert set(model.state_dict()) == plain and loss_of(model).item() == pytest.approx(expected, rel=1e-5)


def test_a_model_is_lent_out_merged_and_comes_back_bit_for_bit(model):
    LORA.attach(model)
    expected = loss_of(moved(model)).item()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.raises(RuntimeError, match="during"), LORA.merged(model):
        DecoderEngine(model)
        assert loss_of(model).item() == pytest.approx(expected, rel=1e-5)
        raise RuntimeError("during")
    after = model.state_dict()
    assert set(after) == set(before) and all(torch.equal(after[name], before[name]) for name in before)
    assert loss_of(moved(model)).item() != pytest.approx(expected, rel=1e-5), "it goes on training"


def test_layers_that_are_not_there_are_named(model):
    with pytest.raises(UserError, match=r"adapter.target_modules=\['qkv'\]: no such linear layers; there are .*q_proj"):
        Lora(target_modules=["qkv"]).attach(model)


def test_without_an_adapter_everything_is_trained(model):
    NoAdapter().attach(model)
    with NoAdapter().merged(model):
        assert all(p.requires_grad for p in model.parameters() if p.dtype.is_floating_point and p.ndim > 1)
    NoAdapter().merge(model)
