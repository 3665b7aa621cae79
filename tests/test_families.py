"""Every family speaks a line the same way whatever is around it, and says what it cannot say."""

import numpy as np
import pytest
import torch

from tts_toolkit.errors import UserError
from tts_toolkit.families.bark import Bark
from tts_toolkit.families.espeak_ng import EspeakNg
from tts_toolkit.families.interface import Line, line_seed
from tts_toolkit.families.recordings import Recordings
from tts_toolkit.families.speecht5 import SpeechT5Family
from tts_toolkit.families.vits import Vits
from tts_toolkit.speakers.arctic import arctic_embedding, arctic_xvectors
from tts_toolkit.synthesis.decoding import Decoding
from tts_toolkit.synthesis.row_noise import RowNoise

TEXTS = ["hello there", "a much longer line about the weather and the sea", "yes", "the boat is here"]

NOT_AT_ONCE = Decoding(min_frames_per_token=5.0, max_frames_per_token=6.0)  # random weights stop at their first step


def lines(voice=None):
    return [Line(text, line_seed(42, text, voice), voice) for text in TEXTS]


@pytest.fixture(scope="session")
def families(hub_vits, hub_bark, hub_arctic, tiny_speecht5_dir, tiny_hifigan_dir):
    return {
        "vits": Vits("facebook/mms-tts-eng"),
        "bark": Bark("suno/bark-small", voice="v2/en_speaker_2"),
        "bark without a voice": Bark("suno/bark-small"),
        "speecht5": SpeechT5Family("microsoft/speecht5_tts", voice="cmu-arctic/slt", decoding=NOT_AT_ONCE),
    }


@pytest.mark.parametrize("name", ["vits", "bark", "bark without a voice", "speecht5"])
def test_a_line_sounds_the_same_alone_and_in_any_batch(families, name):
    family = families[name]
    together = family.speak(lines())
    alone = [family.speak([line])[0] for line in lines()]
    backwards = family.speak(lines()[::-1])[::-1]
    assert len({len(take.waveform) for take in together}) > 1, "equal lengths would show no padding"
    for a, b, c in zip(together, alone, backwards, strict=True):
        assert len(a.waveform) == len(b.waveform) == len(c.waveform) > 0
        np.testing.assert_allclose(a.waveform, b.waveform, atol=1e-5)
        np.testing.assert_allclose(a.waveform, c.waveform, atol=1e-5)


@pytest.mark.parametrize("name", ["vits", "bark", "speecht5"])
def test_another_seed_sounds_different(families, name):
    first, second = (families[name].speak([Line(TEXTS[0], seed)])[0].waveform for seed in (1, 2))
    assert len(first) != len(second) or not np.allclose(first, second)


@pytest.mark.parametrize("name", ["vits", "bark", "speecht5"])
def test_families_tell_their_weights_apart(families, name):
    assert families[name].version and families[name].n_parameters > 1000


def test_vits_without_noise_is_the_stock_model(hub_vits):
    from transformers import VitsModel, VitsTokenizer

    family = Vits("facebook/mms-tts-eng", noise_scale=0.0, noise_scale_duration=0.0)
    model, tokenizer = VitsModel.from_pretrained(hub_vits).eval(), VitsTokenizer.from_pretrained(hub_vits)
    model.noise_scale = model.noise_scale_duration = 0.0
    for take, text in zip(family.speak(lines()), TEXTS, strict=True):
        with torch.no_grad():
            stock = model(**tokenizer(text, return_tensors="pt")).waveform[0].numpy()
        np.testing.assert_allclose(take.waveform, stock, atol=1e-5)


def test_vits_speaks_slower_at_half_the_rate(hub_vits):
    slow, normal = (Vits("facebook/mms-tts-eng", speaking_rate=r).speak(lines())[1].waveform for r in (0.5, 1.0))
    assert len(slow) > 1.5 * len(normal)


def test_bark_draws_as_the_stock_model_when_nothing_is_drawn(hub_bark):
    """Greedy stages leave no draw: then ours must be `BarkModel.generate`, item by item."""
    from transformers import BarkModel, BarkProcessor

    family = Bark(str(hub_bark), voice="v2/en_speaker_3", semantic={"do_sample": False}, coarse={"do_sample": False},
                  fine={"temperature": 1.0})  # fmt: skip
    model, processor = BarkModel.from_pretrained(hub_bark).eval(), BarkProcessor.from_pretrained(hub_bark)
    for take, text in zip(family.speak(lines()), TEXTS, strict=True):
        inputs = processor(text, voice_preset="v2/en_speaker_3")
        with torch.no_grad():
            stock = model.generate(**inputs, semantic_do_sample=False, coarse_do_sample=False, fine_temperature=1.0)
        np.testing.assert_allclose(take.waveform, stock.flatten().numpy(), atol=1e-5)


def test_bark_speaks_several_voices_in_one_run(families, hub_bark, tmp_path):
    """Each line keeps its voice: by name, from an .npz of the user's own, or none."""
    names = ("semantic_prompt", "coarse_prompt", "fine_prompt")
    arrays = {n: np.load(hub_bark / "speaker_embeddings/v2" / f"fr_speaker_1_{n}.npy") for n in names}
    np.savez(tmp_path / "mine.npz", **arrays)
    bark = families["bark without a voice"]
    voices = ["v2/en_speaker_2", str(tmp_path / "mine.npz"), None, "v2/fr_speaker_1"]
    takes = bark.speak([Line("hello there", 5, voice) for voice in voices])
    np.testing.assert_allclose(takes[1].waveform, takes[3].waveform, atol=1e-5)
    sounds = {take.waveform.tobytes() for take in takes}
    assert len(sounds) == 3, "three voices, three sounds"


def test_bark_splits_what_it_cannot_say_at_once(families):
    bark = Bark("suno/bark-small", max_characters=30)
    text = "The first sentence is here. The second one is here."
    parts = [bark.speak([Line(part, 0)])[0] for part in ("The first sentence is here.", "The second one is here.")]
    whole = bark.speak([Line(text, 0)])[0]
    assert len(whole.waveform) > max(len(part.waveform) for part in parts)


def test_bark_takes_sampling_options(families):
    cold, _ = (Bark("suno/bark-small", semantic={"temperature": t}).speak(lines()) for t in (0.01, 1.0))
    greedy = Bark("suno/bark-small", semantic={"do_sample": False}).speak(lines())
    assert [len(take.waveform) for take in cold] == [len(take.waveform) for take in greedy]


COVERAGE = [
    ("vits", "I saw 3 cafés – naïve!", "dropped", {"é", "ï"}),
    ("bark", "hello œuvre [laughter]", "unknown", {"œuvre"}),
    ("speecht5", "smørrebrød now", "dropped", {"ø"}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "what", "expected"), COVERAGE)
def test_what_cannot_be_said_is_told_before_synthesis(families, name, text, what, expected):
    assert set(getattr(families[name].coverage(text), what)) == expected


def test_tokens_beyond_what_bark_reads_count_as_truncated(hub_bark):
    """A word of 300 pieces is cut at 256, whatever its letters; the tokenizer knows words of up to 100 letters."""
    bark = Bark("suno/bark-small", max_characters=400)
    text = "-".join("ab" for _ in range(100))  # one word for the splitter, three tokens each for the tokenizer
    assert bark.coverage(text).n_truncated == len(bark._tokens(text)) - 256 > 0


@pytest.mark.parametrize(("name", "voice", "known"), [
    ("bark", "v2/xx_speaker_1", "v2/en_speaker_2, v2/en_speaker_3"),
    ("bark", "missing.npz", "no such file"),
    ("speecht5", "cmu-arctic/nobody", "awb, bdl, clb, jmk, ksp, rms, slt and the rows 0 to 7923"),
    ("speecht5", "nobody", "unknown voice 'nobody'"),
    ("vits", "3", "none: it has a single speaker"),
])  # fmt: skip
def test_an_unknown_voice_lists_the_known_ones(families, name, voice, known):
    with pytest.raises(UserError, match=known):
        families[name].speak([Line("hello", 0, voice)])


@pytest.mark.parametrize("name", ["vits", "bark", "speecht5"])
def test_a_text_without_words_is_refused(families, name):
    with pytest.raises(UserError, match="can be spoken"):
        families[name].speak([Line("...", 0)])


@pytest.mark.parametrize(("family", "wrong"), [(Vits, "suno/bark-small"), (Bark, "facebook/mms-tts-eng"),
                                               (Vits, "nobody/nothing")])  # fmt: skip
def test_a_checkpoint_of_another_model_is_refused(families, family, wrong):
    with pytest.raises(UserError, match=wrong):
        family(wrong).speak(lines())


def test_arctic_rows_mean_what_they_meant(hub_arctic):
    """Rows are in order of file name, so that the well-known row 7306 is a voice of slt, a female speaker."""
    vectors = arctic_xvectors()
    assert list(vectors)[7306].startswith("cmu_us_slt_arctic")
    np.testing.assert_array_equal(arctic_embedding("7306")[0], list(vectors.values())[7306])
    assert arctic_embedding("slt").shape == (1, 512)


def test_speecht5_takes_the_voice_of_each_lines_recording(hub_xvector, families, voice_folder):
    family = SpeechT5Family("microsoft/speecht5_tts", voice="reference", decoding=NOT_AT_ONCE)
    recordings = [family.recording_for("x", "", str(voice_folder / f"clip_{n:02d}.wav")) for n in (0, 11)]
    first, second = family.speak([Line("hello", 0, None, recording) for recording in recordings])
    assert not np.array_equal(first.waveform, second.waveform)


def test_recordings_are_found_by_id_or_reported(voice_folder):
    wavs = Recordings("wavs", str(voice_folder))
    found = wavs.recording_for("clip_03", "", "")
    assert len(wavs.speak([Line("text", 0, None, found)])[0].waveform) == int(1.21 * 16_000)
    with pytest.raises(UserError, match=r"nothing_here\.wav: no such audio file"):
        wavs.speak([Line("text", 0, None, wavs.recording_for("nothing_here", "", ""))])


def test_espeak_ng_that_is_missing_says_what_to_install():
    with pytest.raises(UserError, match="apt-get install espeak-ng"):
        EspeakNg(program="no-such-espeak").speak(lines())


def test_row_noise_leaves_other_draws_alone_and_ends():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    with RowNoise([1, 2]):
        drawn = torch.randn(2, 3, 50)
        longer = torch.randn(2, 3, 80)
        inside = torch.rand(3)
    assert torch.equal(inside, expected)
    with RowNoise([1, 2]):
        padded = torch.randn(2, 3, 80)
    assert torch.equal(padded[..., :50], drawn) and not torch.equal(longer, padded)
    assert torch.randn(5, 2).shape == (5, 2)  # no rows to match any more


def test_row_noise_draws_what_is_likely():
    probabilities = torch.tensor([[0.1, 0.0, 0.6, 0.3, 0.0]]).repeat(4000, 1)
    with RowNoise(range(4000)):
        shares = torch.bincount(torch.multinomial(probabilities, 1).flatten(), minlength=5) / 4000
    torch.testing.assert_close(shares, probabilities[0], atol=0.03, rtol=0)
