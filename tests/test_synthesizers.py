"""Every family speaks a line the same way whatever is around it, and says what it cannot say."""

import json
import shutil
import sys
import types
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import REVISION, tone

from tts_toolkit.audio.waveforms import write_wav
from tts_toolkit.models import espeak_ng
from tts_toolkit.models.bark import Bark
from tts_toolkit.models.base import SynthesisRequest
from tts_toolkit.models.espeak_ng import EspeakNg
from tts_toolkit.models.recordings import Recordings
from tts_toolkit.models.speecht5.generation import Decoding
from tts_toolkit.models.speecht5.synthesizer import SpeechT5Synthesizer
from tts_toolkit.models.vits import Vits
from tts_toolkit.models.vocoders import open_vocoder
from tts_toolkit.nn.per_row_random import RowNoise
from tts_toolkit.speakers.arctic import arctic_embedding, arctic_xvectors
from tts_toolkit.speakers.ge2e import Ge2eEncoder
from tts_toolkit.system.errors import UserError

TEXTS = ["hello there", "a much longer line about the weather and the sea", "yes", "the boat is here"]

NOT_AT_ONCE = Decoding(min_frames_per_token=5.0, max_frames_per_token=6.0)  # random weights stop at their first step


def lines(voice=None):
    return [SynthesisRequest(text, 42, voice) for text in TEXTS]


@pytest.fixture(scope="session")
def families(hub_vits, hub_bark, hub_arctic, tiny_speecht5_dir, tiny_hifigan_dir):
    return {
        "vits": Vits("facebook/mms-tts-eng"),
        "bark": Bark("suno/bark-small", voice="v2/en_speaker_2"),
        "bark without a voice": Bark("suno/bark-small"),
        "speecht5": SpeechT5Synthesizer("microsoft/speecht5_tts", voice="cmu-arctic/slt", decoding=NOT_AT_ONCE),
    }


@pytest.mark.parametrize("name", ["vits", "bark", "bark without a voice", "speecht5"])
def test_a_line_sounds_the_same_alone_and_in_any_batch(families, name):
    family = families[name]
    together = family.synthesize(lines())
    alone = [family.synthesize([line])[0] for line in lines()]
    backwards = family.synthesize(lines()[::-1])[::-1]
    assert len({len(take.waveform) for take in together}) > 1, "equal lengths would show no padding"
    for a, b, c in zip(together, alone, backwards, strict=True):
        assert len(a.waveform) == len(b.waveform) == len(c.waveform) > 0
        np.testing.assert_allclose(a.waveform, b.waveform, atol=1e-5)
        np.testing.assert_allclose(a.waveform, c.waveform, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["vits", "bark", "speecht5", "speecht5-mini"])
def test_a_line_sounds_the_same_in_batches_of_1_to_16(families, name):
    """16 lines of 4 to 64 characters, in an order of its own for each size; the built-in weights stop by themselves."""
    family = families.get(name) or SpeechT5Synthesizer("speecht5-mini", voice="slt")
    words = ["the", "boat", "is", "here", "and", "we", "saw", "it", "come", "slowly", "into", "the", "old", "harbour"]
    spoken = [SynthesisRequest(" ".join(words[: 1 + number % len(words)]), number) for number in range(16)]
    alone = [family.synthesize([line])[0].waveform for line in spoken]
    rng = np.random.default_rng(0)
    for size in range(2, 17):
        order = rng.permutation(len(spoken))
        for start in range(0, len(order), size):
            chosen = order[start : start + size]
            for which, take in zip(chosen, family.synthesize([spoken[i] for i in chosen]), strict=True):
                assert len(take.waveform) == len(alone[which]) > 0, (size, which)
                np.testing.assert_allclose(take.waveform, alone[which], atol=1e-5)


@pytest.mark.parametrize("name", ["vits", "bark", "speecht5"])
def test_another_seed_sounds_different(families, name):
    first, second = (families[name].synthesize([SynthesisRequest(TEXTS[0], seed)])[0].waveform for seed in (1, 2))
    assert len(first) != len(second) or not np.allclose(first, second)


@pytest.mark.parametrize("name", ["vits", "bark", "speecht5"])
def test_families_tell_their_weights_apart(families, name):
    assert families[name].version and families[name].n_parameters > 1000


def test_vits_without_noise_is_the_stock_model(hub_vits):
    from transformers import VitsModel, VitsTokenizer

    family = Vits("facebook/mms-tts-eng", noise_scale=0.0, noise_scale_duration=0.0)
    model, tokenizer = VitsModel.from_pretrained(hub_vits).eval(), VitsTokenizer.from_pretrained(hub_vits)
    model.noise_scale = model.noise_scale_duration = 0.0
    for take, text in zip(family.synthesize(lines()), TEXTS, strict=True):
        with torch.no_grad():
            stock = model(**tokenizer(text, return_tensors="pt")).waveform[0].numpy()
        np.testing.assert_allclose(take.waveform, stock, atol=1e-5)


def test_vits_speaks_slower_at_half_the_rate(hub_vits):
    slow, normal = (Vits("facebook/mms-tts-eng", speaking_rate=r).synthesize(lines())[1].waveform for r in (0.5, 1.0))
    assert len(slow) > 1.5 * len(normal)


def test_bark_draws_as_the_stock_model_when_nothing_is_drawn(hub_bark):
    """Greedy stages leave no draw: then ours must be `BarkModel.generate`, item by item."""
    from transformers import BarkModel, BarkProcessor

    family = Bark(str(hub_bark), voice="v2/en_speaker_3", semantic={"do_sample": False}, coarse={"do_sample": False},
                  fine={"temperature": 1.0})  # fmt: skip
    model, processor = BarkModel.from_pretrained(hub_bark).eval(), BarkProcessor.from_pretrained(hub_bark)
    for take, text in zip(family.synthesize(lines()), TEXTS, strict=True):
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
    takes = bark.synthesize([SynthesisRequest("hello there", 5, voice) for voice in voices])
    np.testing.assert_allclose(takes[1].waveform, takes[3].waveform, atol=1e-5)
    sounds = {take.waveform.tobytes() for take in takes}
    assert len(sounds) == 3, "three voices, three sounds"


def test_bark_splits_what_it_cannot_say_at_once(families):
    bark = Bark("suno/bark-small", max_characters=30)
    text = "The first sentence is here. The second one is here."
    parts = [
        bark.synthesize([SynthesisRequest(part, 0)])[0]
        for part in ("The first sentence is here.", "The second one is here.")
    ]
    whole = bark.synthesize([SynthesisRequest(text, 0)])[0]
    assert len(whole.waveform) > max(len(part.waveform) for part in parts)


def test_bark_takes_sampling_options(families):
    cold, _ = (Bark("suno/bark-small", semantic={"temperature": t}).synthesize(lines()) for t in (0.01, 1.0))
    greedy = Bark("suno/bark-small", semantic={"do_sample": False}).synthesize(lines())
    assert [len(take.waveform) for take in cold] == [len(take.waveform) for take in greedy]


COVERAGE = [
    ("vits", "I saw 3 cafés – naïve!", "dropped", {"é", "ï"}),
    ("vits", "हि 5 ✓ ¡so!", "dropped", {"ह", "\u093f", "✓"}),
    ("bark", "hello œuvre [laughter]", "unknown", {"œuvre"}),
    ("speecht5", "smørrebrød now", "dropped", {"ø"}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "what", "expected"), COVERAGE)
def test_what_cannot_be_said_is_told_before_synthesis(families, name, text, what, expected):
    assert set(getattr(families[name].coverage(text), what)) == expected


def tokenizer_like(folder, tmp_path, characters="k'zyudheswcp-jmi florbangxvtq_0", **options):
    """Return a copy of the tiny VITS whose tokenizer has other options."""
    from transformers import VitsTokenizer

    copy = shutil.copytree(folder, tmp_path / "vits")
    (copy / "vocab.json").write_text(json.dumps({char: index for index, char in enumerate(characters)}))
    settings = {"language": "eng", "phonemize": False, "is_uroman": False, "pad_token": "k", "unk_token": None}
    VitsTokenizer(str(copy / "vocab.json"), **{**settings, **options}).save_pretrained(copy)
    return Vits(str(copy))


def test_symbols_that_nobody_says_are_told(hub_vits, tmp_path):
    unknown = tokenizer_like(hub_vits, tmp_path, language="xyz")
    assert set(unknown.coverage("5 € & 3 % – «Ja», so.").dropped) == {"5", "€", "&", "3", "%"}


def test_numbers_and_sums_are_words_in_the_language_of_the_checkpoint(hub_vits, tmp_path):
    german = tokenizer_like(hub_vits, tmp_path, language="deu")
    assert german.coverage("5 € & 3 % – «Ja», am 1.5.2024.").dropped == ("ü",), "fünf"


def test_romanian_letters_with_a_comma_are_read_as_those_with_a_cedilla(hub_vits, tmp_path):
    romanian = tokenizer_like(hub_vits, tmp_path, "k'zyudheswcp-jmi florbangxvtqţ0", language="ron")
    assert romanian.coverage("preț").dropped == () and set(romanian.coverage("preș").dropped) == {"ș"}


def test_languages_that_are_read_romanized(hub_vits, tmp_path, monkeypatch):
    class Uroman:
        made = 0

        def __init__(self):
            Uroman.made += 1

        def romanize_string(self, text):
            return text.replace("안녕", "annyeong")

    korean = tokenizer_like(hub_vits, tmp_path, is_uroman=True, language="kor")
    monkeypatch.setitem(sys.modules, "uroman", None)
    with pytest.raises(UserError, match=r"reads romanized text; run: pip install 'uroman>=1.3'"):
        korean.synthesize([SynthesisRequest("안녕", 0)])
    assert len(korean.synthesize([SynthesisRequest("annyeong", 0)])[0].waveform) > 0, (
        "what is romanized already needs no package"
    )
    monkeypatch.setitem(sys.modules, "uroman", types.SimpleNamespace(Uroman=Uroman))
    korean = replace(korean, noise_scale=0.0, noise_scale_duration=0.0)  # which is drawn for each text as written
    spoken, written = korean.synthesize([SynthesisRequest("안녕", 0), SynthesisRequest("annyeong", 0)])
    np.testing.assert_allclose(spoken.waveform, written.waveform, atol=1e-5)
    assert korean.coverage("안녕").dropped == () and Uroman.made == 1


def test_phonemes_need_their_package_and_unknown_ones_are_told(hub_vits, tmp_path, monkeypatch):
    phonemes = tokenizer_like(hub_vits, tmp_path, phonemize=True, language="en-us", unk_token="_")
    with pytest.raises(UserError, match="reads phonemes; run: pip install phonemizer"):
        phonemes.coverage("hello")
    monkeypatch.setattr(phonemes._tokenizer, "prepare_for_tokenization", lambda text: ("hələʊ", {}))
    assert set(phonemes.coverage("hello").unknown) == {"ə", "ʊ"}


def test_vits_speaks_with_several_speakers(hub_vits, tmp_path):
    from transformers import VitsConfig, VitsModel, VitsTokenizer

    config = VitsConfig.from_pretrained(hub_vits)
    config.num_speakers, config.speaker_embedding_size = 3, 8
    torch.manual_seed(0)
    model = VitsModel(config)
    model.embed_speaker.weight.data.mul_(5)
    model.decoder.conv_post.weight.data.mul_(0.03)
    model.save_pretrained(tmp_path)
    VitsTokenizer.from_pretrained(hub_vits).save_pretrained(tmp_path)
    family = Vits(str(tmp_path), speaker_id=1)
    chosen, second, first = family.synthesize(
        [
            SynthesisRequest("hello there", 3),
            SynthesisRequest("hello there", 3, "1"),
            SynthesisRequest("hello there", 3, "0"),
        ]
    )
    np.testing.assert_allclose(chosen.waveform, second.waveform, atol=1e-5)
    assert len(chosen.waveform) != len(first.waveform) or not np.allclose(chosen.waveform, first.waveform)
    with pytest.raises(UserError, match="several speakers: choose one with speaker_id, 0 to 2"):
        Vits(str(tmp_path)).check(SynthesisRequest("hello", 0))
    with pytest.raises(UserError, match="unknown voice '3'.*allowed are 0 to 2"):
        family.check(SynthesisRequest("hello", 0, "3"))


def test_vits_with_noise_says_the_same_for_a_seed(hub_vits):
    family = Vits("facebook/mms-tts-eng", noise_scale=0.9, noise_scale_duration=0.9)
    first, again = (family.synthesize([SynthesisRequest("hello there", seed)])[0].waveform for seed in (3, 3))
    other = family.synthesize([SynthesisRequest("hello there", 4)])[0].waveform
    assert np.array_equal(first, again) and (len(other) != len(first) or not np.allclose(other, first))


@pytest.mark.parametrize("family", [Vits("facebook/mms-tts-eng", dtype="bfloat16"),
                                    Bark("suno/bark-small", voice="v2/en_speaker_2", dtype="bfloat16")])  # fmt: skip
def test_half_precision_gives_sound_of_true_length(hub_vits, hub_bark, family):
    if isinstance(family, Vits):  # sums of frames and the roots of its splines are too fine for it
        assert {p.dtype for p in family._vits.duration_predictor.parameters()} == {torch.float32}
    together = family.synthesize(lines())
    alone = [family.synthesize([line])[0] for line in lines()]
    for a, b in zip(together, alone, strict=True):
        assert a.waveform.dtype == np.float32 and np.isfinite(a.waveform).all() and np.abs(a.waveform).max() > 0
        assert len(a.waveform) == len(b.waveform) > 0 and len(a.waveform) % 256 * (len(a.waveform) % 320) == 0


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU to offload from")
def test_bark_offloads_from_a_gpu_only(hub_bark):
    with pytest.raises(UserError, match="cpu_offload=true needs a GPU"):
        Bark("suno/bark-small", cpu_offload=True).synthesize(lines())


@pytest.mark.parametrize("name", ["vits", "bark", "speecht5"])
def test_a_line_is_checked_without_being_spoken(families, name):
    families[name].check(SynthesisRequest("hello there", 0))
    with pytest.raises(UserError, match="can be spoken"):
        families[name].check(SynthesisRequest("...", 0))
    with pytest.raises(UserError, match="unknown voice"):
        families[name].check(SynthesisRequest("hello there", 0, "nobody"))


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
        families[name].synthesize([SynthesisRequest("hello", 0, voice)])


@pytest.mark.parametrize("name", ["vits", "bark", "speecht5"])
def test_a_text_without_words_is_refused(families, name):
    with pytest.raises(UserError, match="can be spoken"):
        families[name].synthesize([SynthesisRequest("...", 0)])


@pytest.mark.parametrize(("family", "wrong"), [(Vits, "suno/bark-small"), (Bark, "facebook/mms-tts-eng"),
                                               (Vits, "nobody/nothing")])  # fmt: skip
def test_a_checkpoint_of_another_model_is_refused(families, family, wrong):
    with pytest.raises(UserError, match=wrong):
        family(wrong).synthesize(lines())


def test_arctic_rows_mean_what_they_meant(hub_arctic, monkeypatch):
    """Rows are in order of file name, so that the well-known row 7306 is a voice of slt, a female speaker."""
    vectors = arctic_xvectors()
    assert list(vectors)[7306].startswith("cmu_us_slt_arctic")
    np.testing.assert_array_equal(arctic_embedding("7306")[0], list(vectors.values())[7306])
    assert arctic_embedding("slt").shape == (1, 512)
    np.testing.assert_array_equal(arctic_embedding(f"slt@{REVISION}"), arctic_embedding("slt"))
    with pytest.raises(UserError, match="Matthijs/cmu-arctic-xvectors is not in the cache, and HF_HUB_OFFLINE is set"):
        arctic_embedding("slt@another")
    monkeypatch.setattr("tts_toolkit.speakers.arctic.MAX_BYTES", 2**20)
    arctic_xvectors.cache_clear()
    with pytest.raises(UserError, match="unpacks to more than 1 MB and is not read"):
        arctic_embedding("slt")


def test_a_voice_rests_on_who_made_its_embedding(families, hub_xvector, tmp_path):
    me = tmp_path / "me.wav"
    write_wav(me, tone(1.0))
    np.save(tmp_path / "me.npy", np.ones(512, np.float32))
    family = families["speecht5"]
    versions = [
        family.voice_version(SynthesisRequest("hello", 0, voice)) for voice in (None, str(me), str(tmp_path / "me.npy"))
    ]
    assert versions == [REVISION, family._encoder.version, ""] and versions[1]
    assert family.voice_version(SynthesisRequest("hello", 0, "cmu-arctic/slt@another")) == "", (
        "which speaking will tell"
    )


def test_a_vocoder_of_the_hub_takes_a_revision(tiny_hifigan_dir):
    log_mel = torch.zeros(10, 80)
    pinned, latest = (open_vocoder(f"microsoft/speecht5_hifigan{at}") for at in (f"@{REVISION}", ""))
    assert (pinned.source, pinned.revision) == (latest.source, REVISION) and latest.revision is None
    np.testing.assert_array_equal(pinned(log_mel), latest(log_mel))
    with pytest.raises(UserError, match="vocoder 'microsoft/speecht5_hifigan' cannot be loaded"):
        open_vocoder("microsoft/speecht5_hifigan@another")(log_mel)


def test_speecht5_takes_the_voice_of_each_lines_recording(hub_xvector, families, voice_folder):
    family = SpeechT5Synthesizer("microsoft/speecht5_tts", voice="reference", decoding=NOT_AT_ONCE)
    recordings = [family.recording_for("x", "", str(voice_folder / f"clip_{n:02d}.wav")) for n in (0, 11)]
    first, second = family.synthesize([SynthesisRequest("hello", 0, None, recording) for recording in recordings])
    assert not np.array_equal(first.waveform, second.waveform)


def test_a_line_of_its_own_may_take_the_voice_of_its_recording(hub_xvector, families, voice_folder):
    family, file = families["speecht5"], str(voice_folder / "clip_00.wav")
    assert family.recording_for("x", "", file) is None
    recording = family.recording_for("x", "", file, "reference")
    given, by_path = family.synthesize(
        [SynthesisRequest("hello", 0, "reference", recording), SynthesisRequest("hello", 0, file)]
    )
    np.testing.assert_allclose(given.waveform, by_path.waveform, atol=1e-5)


def test_speecht5_asks_the_encoder_that_conditioned_it(tiny_speecht5_dir, tiny_hifigan_dir, tmp_path):
    folder = shutil.copytree(tiny_speecht5_dir, tmp_path / "model")
    (folder / "tts_toolkit.json").write_text('{"encoder": "ge2e-resemblyzer"}')
    family = SpeechT5Synthesizer(str(folder), decoding=NOT_AT_ONCE)
    assert family._encoder == Ge2eEncoder()
    np.save(tmp_path / "small.npy", np.ones(256, np.float32))
    with pytest.raises(UserError, match=r"takes \(1, 512\).*take them with the encoder ge2e-resemblyzer"):
        family.synthesize([SynthesisRequest("hello", 0, str(tmp_path / "small.npy"))])


def test_recordings_are_found_by_id_or_reported(voice_folder):
    wavs = Recordings("wavs", str(voice_folder))
    found = wavs.recording_for("clip_03", "", "")
    assert len(wavs.synthesize([SynthesisRequest("text", 0, None, found)])[0].waveform) == int(1.21 * 16_000)
    with pytest.raises(UserError, match=r"nothing_here\.wav: no such audio file"):
        wavs.synthesize([SynthesisRequest("text", 0, None, wavs.recording_for("nothing_here", "", ""))])


def test_espeak_ng_that_is_missing_says_what_to_install():
    with pytest.raises(UserError, match="apt-get install espeak-ng"):
        EspeakNg(program="no-such-espeak").synthesize(lines())


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
def test_espeak_ng_speaks_and_lists_its_voices():
    family = EspeakNg()
    takes = family.synthesize(lines())
    assert len({len(take.waveform) for take in takes}) > 1 and all(np.abs(t.waveform).max() > 0.05 for t in takes)
    german = family.synthesize([SynthesisRequest("hello there", 0, "de")])[0]
    assert not np.array_equal(german.waveform, takes[0].waveform) and "espeak" in family.version.lower()
    with pytest.raises(UserError, match=r"unknown voice 'nowhere' of espeak-ng: allowed are .*\bde, .*\ben-us\b"):
        family.synthesize([SynthesisRequest("hello", 0, "nowhere")])


def test_espeak_ng_that_hangs_is_told(tmp_path):
    program = tmp_path / "espeak-ng"
    program.write_text("#!/bin/sh\nexec sleep 30\n")
    program.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(UserError, match=r"did not end within 0\.2 s"):
        patch.setattr(espeak_ng, "TIMEOUT_SECONDS", 0.2)
        EspeakNg(program=str(program)).synthesize(lines())


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
