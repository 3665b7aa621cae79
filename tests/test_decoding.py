import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import tone

from tts_toolkit.assets import ASSETS
from tts_toolkit.audio.log_mel import log_mel, mel_filters
from tts_toolkit.audio.waveforms import load_waveform
from tts_toolkit.models.speecht5 import decoder as engine
from tts_toolkit.models.speecht5.checkpoint import load_speecht5
from tts_toolkit.models.speecht5.generation import Decoding, decode
from tts_toolkit.models.speecht5.loss import fuse
from tts_toolkit.models.speecht5.pipeline import SpeechT5Pipeline
from tts_toolkit.models.vocoders import GriffinLim, magnitudes, open_vocoder
from tts_toolkit.nn.packed_linear import pack
from tts_toolkit.nn.zero_padding import padded
from tts_toolkit.system.errors import UserError

SHORT = Decoding(max_frames_per_token=3.0)
TEXTS = ["hello", "the cat sat on the mat", "a bird in the tree sang all day", "yes"]


@pytest.fixture(scope="module")
def speech(tiny_speecht5_dir):
    speech = load_speecht5("microsoft/speecht5_tts")  # from the hub cache, under its real id
    speech.model.eval()
    # Weights that react to what they hear, and a stop token that comes at different times.
    torch.manual_seed(3)
    with torch.no_grad():
        speech.model.speech_decoder_postnet.feat_out.weight.normal_(0, 0.5)
        speech.model.speech_decoder_postnet.prob_out.weight.normal_(0, 0.6)
        speech.model.speech_decoder_postnet.prob_out.bias.fill_(-3.0)
    return speech


def tokens(speech, texts):
    return [speech.processor.tokenizer(text)["input_ids"] for text in texts]


def voices(n, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal((n, 512))).float()


def test_equal_to_generate_speech_when_dropout_masks_are_shared(speech, monkeypatch):
    """The reference draws masks over the whole output at each step; with all units kept both must agree."""
    monkeypatch.setattr(torch, "bernoulli", lambda x, p: torch.ones_like(x))
    monkeypatch.setattr(torch, "rand", lambda shape, generator: torch.zeros(shape))
    monkeypatch.setattr(engine, "ROOM", 4)  # so that caches grow
    for ids, voice in zip(tokens(speech, TEXTS), voices(4), strict=True):
        expected = speech.model.generate_speech(torch.tensor([ids]), voice[None], maxlenratio=3.0)
        (spoken,) = decode(speech.model, [ids], voice[None], [0], SHORT)
        assert spoken.log_mel.shape == expected.shape
        torch.testing.assert_close(spoken.log_mel, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("weights", ["int8", "bfloat16"])
def test_smaller_weights_say_nearly_the_same(speech, weights):
    ids, spoken_by = tokens(speech, TEXTS), voices(4)
    forced = Decoding(stop_threshold=2.0, max_frames_per_token=3.0)
    exact = decode(speech.model, ids, spoken_by, [5, 6, 7, 8], forced)
    rough = decode(speech.model, ids, spoken_by, [5, 6, 7, 8], replace(forced, weights=weights))
    for a, b in zip(exact, rough, strict=True):
        assert a.log_mel.shape == b.log_mel.shape and not torch.equal(a.log_mel, b.log_mel)
        assert np.corrcoef(a.log_mel.flatten(), b.log_mel.flatten())[0, 1] > 0.98
    with pytest.raises(UserError, match="decoding.weights=int4: allowed are float32, bfloat16, and on a CPU int8"):
        decode(speech.model, ids, spoken_by, [5, 6, 7, 8], replace(forced, weights="int4"))


@pytest.mark.parametrize("how", [{"weights": "float32"}, {"weights": "int8"}, {"replay": True}])
def test_an_utterance_is_the_same_in_any_batch(speech, how):
    short = replace(SHORT, **how)
    ids, spoken_by = tokens(speech, TEXTS), voices(4)
    together = decode(speech.model, ids, spoken_by, [5, 6, 7, 8], short)
    order = [2, 0, 3, 1]
    shuffled = decode(speech.model, [ids[i] for i in order], spoken_by[order], [[5, 6, 7, 8][i] for i in order], short)
    for number in range(4):
        (alone,) = decode(speech.model, [ids[number]], spoken_by[number : number + 1], [5 + number], short)
        for other in (together[number], shuffled[order.index(number)]):
            assert alone.log_mel.shape == other.log_mel.shape
            torch.testing.assert_close(alone.log_mel, other.log_mel, atol=1e-5, rtol=1e-5)
            assert alone.truncated == other.truncated
    assert len({len(s.log_mel) for s in together}) > 1, "all of one length: the test would miss padding"


def test_replayed_steps_are_the_steps(speech, monkeypatch):
    """What a GPU replays from a graph runs here as it stands, in buffers that grow and shrink with the batch."""
    ids, spoken_by, seeds = tokens(speech, TEXTS), voices(4), [5, 6, 7, 8]
    never = Decoding(stop_threshold=2.0, max_frames_per_token=3.0)  # each ends at its own length
    straight = decode(speech.model, ids, spoken_by, seeds, never, keep_attention=True)
    monkeypatch.setattr(engine, "ROOM", 4)
    replayed = decode(speech.model, ids, spoken_by, seeds, replace(never, replay=True), keep_attention=True)
    for a, b in zip(straight, replayed, strict=True):
        torch.testing.assert_close(a.log_mel, b.log_mel, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(a.attention, b.attention, atol=1e-5, rtol=1e-5)
        assert a.truncated == b.truncated
    assert len({len(s.log_mel) for s in straight}) == 4, "all end together: the test would miss shrinking"


def test_the_seed_matters_and_the_global_generator_does_not(speech):
    ids, voice = tokens(speech, TEXTS[1:2]), voices(1)
    torch.manual_seed(1)
    first = decode(speech.model, ids, voice, [5], SHORT)[0].log_mel
    torch.manual_seed(2)
    assert torch.equal(first, decode(speech.model, ids, voice, [5], SHORT)[0].log_mel)
    other = decode(speech.model, ids, voice, [6], SHORT)[0].log_mel
    assert first.shape != other.shape or not torch.allclose(first, other, atol=1e-3)


def test_without_a_stop_it_is_cut_off_at_its_own_limit(speech):
    texts = tokens(speech, TEXTS)
    never = Decoding(stop_threshold=2.0, max_frames_per_token=3.0)
    for spoken, ids in zip(decode(speech.model, texts, voices(4), [0] * 4, never), texts, strict=True):
        assert spoken.truncated and len(spoken.log_mel) == int(3.0 * len(ids) / 2) * 2
    at_once = Decoding(stop_threshold=0.0, min_frames_per_token=1.0)
    for spoken, ids in zip(decode(speech.model, texts, voices(4), [0] * 4, at_once), texts, strict=True):
        assert not spoken.truncated and len(spoken.log_mel) == len(ids) // 2 * 2


def test_the_position_limit_cuts_and_long_texts_are_refused(speech):
    endless = Decoding(stop_threshold=2.0, max_frames_per_token=1000.0)
    (spoken,) = decode(speech.model, tokens(speech, ["yes"]), voices(1), [0], endless)
    assert spoken.truncated and len(spoken.log_mel) == 2 * (speech.model.config.max_speech_positions - 1)
    with pytest.raises(UserError, match="exceeds the model's 120"):
        decode(speech.model, tokens(speech, ["a" * 200]), voices(1), [0])


def test_attention_belongs_to_its_utterance(speech):
    ids = tokens(speech, TEXTS)
    together = decode(speech.model, ids, voices(4), [1] * 4, SHORT, keep_attention=True)
    for spoken, of_text in zip(together, ids, strict=True):
        assert spoken.attention.shape == (len(spoken.log_mel) // 2, len(of_text))
        torch.testing.assert_close(spoken.attention.sum(dim=1), torch.ones(len(spoken.attention)), atol=1e-4, rtol=0)


def test_synthesizer_gives_true_lengths_whatever_the_batch_size(speech, tiny_hifigan_dir):
    vocoder = open_vocoder("microsoft/speecht5_hifigan")
    results = [
        SpeechT5Pipeline(speech, vocoder, SHORT, batch_size).synthesize(TEXTS, voices(1).numpy(), seed=9)
        for batch_size in (1, 3, 16)
    ]
    for one, three, sixteen in zip(*results, strict=True):
        assert len(one.waveform) == 256 * len(one.log_mels[0])
        np.testing.assert_allclose(one.waveform, three.waveform, atol=1e-5)
        np.testing.assert_allclose(one.waveform, sixteen.waveform, atol=1e-5)


def test_long_texts_are_spoken_in_pieces_and_odd_letters_reported(speech):
    synthesizer = SpeechT5Pipeline(speech, GriffinLim(5), SHORT)
    long = "This is a sentence. " * 15
    (utterance,) = synthesizer.synthesize([long], voices(1).numpy())
    assert len(utterance.log_mels) == 3  # 120 positions: five sentences at once
    (odd,) = synthesizer.synthesize(["Smørrebrød, 5 kr"], voices(1).numpy())
    assert odd.skipped == ("ø", "ø")


@pytest.mark.parametrize(
    ("text", "embedding", "message"),
    [("...", (1, 512), "nothing in the text"), ("hi", (1, 192), r"shape \(1, 192\) do not fit.*\(1, 512\)"), ("hi", (512,), "do not fit")],
)  # fmt: skip
def test_what_cannot_be_spoken_is_refused(speech, text, embedding, message):
    with pytest.raises(UserError, match=message):
        SpeechT5Pipeline(speech).synthesize([text], np.ones(embedding, dtype=np.float32))


@pytest.mark.parametrize("name", ["hifigan-mini", "griffin_lim"])
def test_built_in_vocoders_give_back_what_they_are_shown(name):
    shown = log_mel(load_waveform(sorted((ASSETS / "demo-voice/audio").glob("*.flac"))[0]))  # a voice never trained on
    heard = log_mel(open_vocoder(name)(shown))[: len(shown) - 1]
    assert (heard - shown[:-1]).abs().mean() < 0.2
    assert np.corrcoef(heard.flatten(), shown[:-1].flatten())[0, 1] > 0.95


def test_the_built_in_model_speaks_by_its_own_vocoder():
    assert load_speecht5("speecht5-mini").settings.vocoder == "hifigan-mini"
    assert open_vocoder("hifigan-mini").n_parameters <= 2_000_000


def test_griffin_lim_recovers_a_tone_and_repeats():
    mel = log_mel(tone(1.0))
    first, second = GriffinLim()(mel), GriffinLim()(mel)
    assert np.array_equal(first, second) and len(first) == (len(mel) - 1) * 256
    assert (log_mel(first) - mel)[4:-4].abs().mean() < 0.25
    assert len(GriffinLim()(mel[:2])) == 256


@torch.inference_mode()
@pytest.mark.parametrize("network", ["postnet", "hifigan", "vits"])
def test_padded_rows_are_what_they_are_alone(speech, tiny_hifigan_dir, hub_vits, network):
    """What a GPU does with a batch, here on a CPU: conditioning, whose length is one, is left as it is."""
    from transformers import SpeechT5HifiGan, VitsModel

    if network == "postnet":
        net, call = speech.model.speech_decoder_postnet, speech.model.speech_decoder_postnet.postnet
    elif network == "hifigan":
        net = call = SpeechT5HifiGan.from_pretrained(tiny_hifigan_dir).eval()
    else:
        net = VitsModel.from_pretrained(hub_vits).eval().decoder
        net.cond = torch.nn.Conv1d(5, net.conv_pre.out_channels, 1)
        voice = torch.randn(1, 5, 1)

        def call(rows):
            return net(rows.transpose(1, 2), voice)[:, 0]

    n_channels = net.conv_pre.in_channels if network == "vits" else 80
    rows = [torch.randn(n_steps, n_channels) for n_steps in (9, 3, 14)]
    alone = [call(row[None])[0] for row in rows]
    together = padded(net, rows, call)
    assert [len(row) for row in together] == [len(row) for row in alone]
    for ours, expected in zip(together, alone, strict=True):
        torch.testing.assert_close(ours, expected, atol=1e-5, rtol=1e-4)
    leaking = call(torch.nn.utils.rnn.pad_sequence(rows, batch_first=True))[1, : len(alone[1])]
    assert not torch.allclose(leaking, alone[1], atol=1e-6), "without it padding is heard"


def test_magnitudes_from_mel_bands_are_none_below_zero_and_near():
    spectrum = torch.rand(6, 513, generator=torch.Generator().manual_seed(0))
    mel = spectrum @ mel_filters()
    found = magnitudes(mel)
    assert (found >= 0).all()
    assert ((found @ mel_filters() - mel).abs() / mel).max() < 0.02


class Lora(torch.nn.Module):
    """What peft makes of a layer: the layer, and a product of two small ones beside it."""

    def __init__(self, layer):
        super().__init__()
        self.base_layer = layer
        self.down, self.up = (torch.nn.Linear(n, m, bias=False) for n, m in
                              ((layer.in_features, 2), (2, layer.out_features)))  # fmt: skip

    def __getattr__(self, name):  # weight and bias are to be found, as in peft
        return getattr(self._modules["base_layer"], name) if name in ("weight", "bias") else super().__getattr__(name)

    def forward(self, hidden):
        return self.base_layer(hidden) + self.up(self.down(hidden))


class Scaled(torch.nn.Module):
    def forward(self, weight):
        return 2 * weight


def lora(parent, name):
    setattr(parent, name, Lora(getattr(parent, name)))


def forward_of_its_own(parent, name):
    layer = getattr(parent, name)
    layer.forward = lambda hidden: 2 * torch.nn.functional.linear(hidden, layer.weight, layer.bias)


class Noisy(torch.nn.Linear):
    pass


def subclassed(parent, name):
    getattr(parent, name).__class__ = Noisy


WRAPPERS = {
    "lora": (lora, "is a test_decoding.Lora"),
    "a subclass": (subclassed, "is a test_decoding.Noisy"),
    "a parametrization": (
        lambda parent, name: torch.nn.utils.parametrize.register_parametrization(getattr(parent, name), "weight", Scaled()),
        "is a|has a parametrization",
    ),
    "a hook": (lambda parent, name: getattr(parent, name).register_forward_hook(lambda *_: None), "has a hook"),
    "a hook before": (lambda parent, name: getattr(parent, name).register_forward_pre_hook(lambda *_: None), "has a hook"),
    "a forward": (forward_of_its_own, "has a forward of its own"),
}  # fmt: skip
PLACES = ["self_attn.q_proj", "self_attn.out_proj", "encoder_attn.k_proj", "encoder_attn", "feed_forward.output_dense",
          "feed_forward"]  # fmt: skip


@pytest.mark.parametrize(("wrap", "why"), WRAPPERS.values(), ids=WRAPPERS)
def test_what_the_decoder_would_leave_out_is_refused(speech, wrap, why):
    places = [f"speecht5.decoder.wrapped_decoder.layers.1.{place}" for place in PLACES]
    places += [
        "speecht5.decoder.prenet.final_layer",
        "speecht5.decoder.prenet.layers.0",
        "speech_decoder_postnet.prob_out",
    ]
    for place in places:
        model = copy.deepcopy(speech.model)
        parent, _, name = place.rpartition(".")
        part = model.get_submodule(place)
        if not isinstance(part, torch.nn.Linear) and wrap in (lora, subclassed, forward_of_its_own):
            continue
        if not isinstance(part, torch.nn.Linear) and "parametrization" in why:
            continue
        wrap(model.get_submodule(parent), name)
        with pytest.raises(UserError, match=f"{place} ({why}).*merge it into the weights first") as error:
            decode(model, tokens(speech, TEXTS[:1]), voices(1), [0], SHORT)
        assert "\n" not in str(error.value)


def test_a_peft_adapter_is_refused_until_it_is_merged(speech):
    peft = pytest.importorskip("peft")
    config = peft.LoraConfig(target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    adapted = peft.get_peft_model(copy.deepcopy(speech.model), config)
    ids, forced = tokens(speech, TEXTS[:1]), Decoding(stop_threshold=2.0, max_frames_per_token=3.0)
    with pytest.raises(UserError, match="merge it into the weights first"):
        decode(adapted, ids, voices(1), [0], forced)
    merged = adapted.merge_and_unload()
    (before,), (after,) = (decode(model, ids, voices(1), [0], forced) for model in (speech.model, merged))
    assert not torch.allclose(before.log_mel, after.log_mel)


def test_the_forward_that_training_gives_is_the_same_and_is_taken(speech):
    model, ids = copy.deepcopy(speech.model), tokens(speech, TEXTS[:1])
    fuse(model)
    (fused,), (plain,) = (decode(m, ids, voices(1), [0], SHORT) for m in (model, speech.model))
    torch.testing.assert_close(fused.log_mel, plain.log_mel)


def test_layers_that_are_more_than_their_weights_are_not_packed():
    network = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Linear(4, 4))
    network[0].register_forward_hook(lambda layer, given, made: 0 * made)
    pack(network)
    assert type(network[0]) is torch.nn.Linear and type(network[1]) is not torch.nn.Linear
