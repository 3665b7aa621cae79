"""Packed layers: the numbers of plain ones, and a row the same whatever is around it."""

import pytest
import torch

from tts_toolkit.nn.packed_linear import N_ROWS, PackedLinear, pack, packed


def layer(n_in=768, n_out=192, **options):
    torch.manual_seed(n_in)
    return torch.nn.Linear(n_in, n_out, **options)


@pytest.mark.parametrize(
    ("n_in", "n_out", "bias"), [(80, 64, True), (768, 2, True), (1280, 768, False), (3072, 768, True)]
)
def test_a_row_is_multiplied_alike_in_any_batch(n_in, n_out, bias):
    plain = layer(n_in, n_out, bias=bias)
    quick, hidden = packed(plain), torch.randn(N_ROWS, n_in)
    assert isinstance(quick, PackedLinear)
    whole = quick(hidden)
    torch.testing.assert_close(whole, plain(hidden), atol=1e-5, rtol=1e-5)
    for n in range(1, N_ROWS):
        assert torch.equal(quick(hidden[:n]), whole[:n]), n
        assert torch.equal(quick(hidden[-n:]), whole[-n:]), n
    assert torch.equal(quick(hidden.view(4, 4, n_in)), whole.view(4, 4, n_out))


def test_what_cannot_be_packed_stays_as_it_is(monkeypatch):
    half, plain = layer().half(), layer()
    assert packed(half) is half
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert packed(plain) is plain


def test_a_model_is_packed_in_place_and_says_the_same():
    model = torch.nn.Sequential(layer(8, 8), torch.nn.ReLU(), torch.nn.Sequential(layer(8, 4)))
    hidden = torch.randn(3, 8)
    expected = model(hidden)
    pack(model)
    assert isinstance(model[0], PackedLinear) and isinstance(model[2][0], PackedLinear)
    torch.testing.assert_close(model(hidden), expected)
