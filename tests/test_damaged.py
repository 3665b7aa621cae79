"""Every file that the toolkit writes and reads again, damaged in every way: one line that says what to do, or made again.

A table of artefacts and one of damages; no case may end in a traceback or in another result.
"""

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from fakes import CALLS, PROMPTS, Verifier, finished, plan_of
from test_vocoding import TINY_VOCODER

from tts_toolkit.assets import ASSETS
from tts_toolkit.cli import explanation
from tts_toolkit.data.test_sets import read_prompts
from tts_toolkit.evaluation.compare import compare_runs, read_run
from tts_toolkit.evaluation.pipeline import run
from tts_toolkit.evaluation.reaggregate import reaggregate
from tts_toolkit.report.benchmark import ReportOptions, write_benchmark
from tts_toolkit.system.errors import UserError
from tts_toolkit.system.processes import Processes

FOREIGN = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89"


def cut(file):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def flip(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def folder_instead(file):
    file.unlink()
    file.mkdir()


def of_json(change):
    def damage(file):
        lines = file.read_text().splitlines() if file.suffix == ".jsonl" else [file.read_text()]
        file.write_text("".join(json.dumps(change(json.loads(line))) + "\n" for line in lines))

    return damage


def deep(value, change):
    if isinstance(value, dict):
        return {key: deep(inner, change) for key, inner in value.items()}
    return [deep(inner, change) for inner in value] if isinstance(value, list) and value else change(value)


DAMAGES = {
    "cut": cut,
    "flipped": flip,
    "empty": lambda file: file.write_bytes(b""),
    "foreign": lambda file: file.write_bytes(FOREIGN),
    "missing": lambda file: file.unlink(),
    "a folder": folder_instead,
    "no UTF-8": lambda file: file.write_bytes(b"\xff\xfe" + file.read_bytes()),
    # of JSON only
    "a list": of_json(lambda content: [content]),
    "a number": of_json(lambda content: 7),
    "an empty object": of_json(lambda content: {}),
    "nulls": of_json(lambda content: deep(content, lambda value: None)),
    "other types": of_json(lambda content: deep(content, lambda value: {"x": 1})),
    "other numbers": of_json(lambda content: deep(content, lambda v: v + 1 if type(v) in (int, float) else v)),
    "fields dropped": of_json(lambda content: dict(list(content.items())[1::2])),
    "fields of a stranger": of_json(lambda content: {**content, "stranger": 1}),
}


@dataclass(frozen=True)
class Artefact:
    """A file of a folder that `make` fills, what reads it, and the damages that it is spared: none can be told."""

    make: object
    file: str
    use: object
    spared: tuple = ()
    again: bool = False  # whether everything must come out as if nothing had been damaged

    @property
    def damages(self):
        of_json_only = list(DAMAGES)[list(DAMAGES).index("a list") :]
        is_json = self.file.endswith((".json", ".jsonl"))
        return [name for name in DAMAGES if name not in self.spared and (is_json or name not in of_json_only)]


# What makes the folders: each once.


RECORDING = str(sorted((ASSETS / "demo-voice/audio").iterdir())[0])
SAID = [replace(prompt, reference=RECORDING) for prompt in PROMPTS]


def benchmark(folder):
    finished(folder / "run", prompts=SAID, speaker_verifier=Verifier())


def run_again(folder):
    results = run(plan_of(folder / "run", prompts=SAID, speaker_verifier=Verifier()), Processes())
    write_benchmark(folder / "run", results, ReportOptions(n_sentences=0))
    return figures(results.summary)


def figures(summary):
    """What a benchmark found out, without its clocks."""
    clocks = ("rtf", "latency", "peak_memory", "synthesized_on", "hardware")
    systems = {
        name: {key: value for key, value in found.items() if not key.startswith(clocks)}
        for name, found in summary["systems"].items()
    }
    return json.loads(
        json.dumps([systems, summary["similarity_scale"], summary["speaker_verifier"], summary["recognizer"]])
    )


def read_again(folder):
    results = reaggregate(folder / "run")
    copy = folder / "copy"
    shutil.copytree(folder / "run", copy)
    write_benchmark(copy, results, ReportOptions(n_sentences=0))
    compare_runs(read_run(folder / "run", "levels"), read_run(folder / "run", "levels"))
    return figures(results.summary)


def voices(folder):
    from tts_toolkit.speakers.embedding_files import EmbeddingCard, save_embeddings

    vectors = {name: np.random.default_rng(n).standard_normal(16).astype(np.float32) for n, name in enumerate("ab")}
    cards = [EmbeddingCard(name, "encoder", "1", 3, 4.5, "speaker_mean", outliers=[{"id": "x"}]) for name in vectors]
    save_embeddings(folder / "speaker_embeddings.safetensors", vectors, cards)
    np.save(folder / "voice.npy", vectors["a"])
    from tts_toolkit.system.reading import sealed_json

    (folder / "summary.json").write_bytes(sealed_json({"scale": {"ceiling": 0.9, "floor": 0.1, "n": 3}}))


def a_voice(folder):
    from tts_toolkit.speakers.embedding_files import find_voice

    return find_voice("a", folder, None).tolist()


def a_file_of_a_voice(folder):
    from tts_toolkit.speakers.embedding_files import find_voice

    return find_voice(str(folder / "voice.npy"), folder, None).tolist()


def a_card(folder):
    from tts_toolkit.speakers.embedding_files import find_card

    return str(find_card("a", folder))


def a_scale(folder):
    from tts_toolkit.train.embed import _scale

    return _scale(folder)


class Accelerator:
    """As much of one as a checkpoint takes."""

    is_main_process = True

    def __init__(self):
        self.model = torch.nn.Linear(2, 2)

    def wait_for_everyone(self):
        pass

    def save_state(self, folder):
        from safetensors.torch import save_model

        Path(folder).mkdir(parents=True)
        torch.nn.init.ones_(self.model.weight)
        torch.nn.init.ones_(self.model.bias)
        save_model(self.model, f"{folder}/model.safetensors")
        torch.save({"step": 1}, f"{folder}/optimizer.bin")

    def load_state(self, folder):
        torch.load(f"{folder}/optimizer.bin", weights_only=True)


def checkpoint(folder):
    from tts_toolkit.training.checkpoints import Progress, save_checkpoint

    save_checkpoint(Accelerator(), Progress(step=4, best_step=4, best_value=0.5, recent_grad_norms=[1.0]), folder, 2)
    rows = [{"step": step, "loss": 1.0 / step} for step in (1, 2, 3, 4)]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def resumed(folder):
    from tts_toolkit.training.checkpoints import begin, find_checkpoint

    return str(begin(Accelerator(), find_checkpoint(str(folder / "checkpoints/step_00000004"), folder), folder))


def best_weights(folder):
    from tts_toolkit.finetuning.run_folder import load_weights

    model = torch.nn.Linear(2, 2)
    load_weights(model, folder, 4)
    return [parameter.tolist() for parameter in model.parameters()]


def curves(folder):
    from tts_toolkit.report.training import training_curves

    training_curves(folder / "metrics.jsonl")  # drawn, of the rows that are left


def encoder(folder):
    shutil.copytree(ASSETS / "xvector-mini", folder / "encoder")


def embedded(folder):
    from tts_toolkit.components import working_encoder
    from tts_toolkit.speakers.encoders import SpeechBrainEncoder

    return len(working_encoder(SpeechBrainEncoder(str(folder / "encoder"))).embed(np.full(16_000, 0.1, np.float32)))


def vocoder_state(folder):
    from tts_toolkit.pretraining.hifigan import _Trainer

    _Trainer.save(SimpleNamespace(_parts=lambda: {"net": torch.nn.Linear(2, 2)}), folder / "state.pt", 3, "r")


def restored(folder):
    from tts_toolkit.pretraining.hifigan import _Trainer

    return _Trainer.restore(SimpleNamespace(_parts=lambda: {"net": torch.nn.Linear(2, 2)}), folder / "state.pt", "r")


def corpus(folder):
    (folder / "metadata.jsonl").write_text('{"file_name": "audio/a_00000.flac", "text": "one"}\n')


def continued(folder):
    from tts_toolkit.pretraining.corpus import speak_corpus

    voice = SimpleNamespace(name="a", license="x")
    speak_corpus([], [(voice, 1.0)], str(folder))


def card_of_a_model(folder):
    (folder / "README.md").write_text("---\nlicense: mit\nbase_model: facebook/mms-tts-eng\n---\n# A model\n")


def license(folder):
    from tts_toolkit.finetuning.export import license_of

    return license_of(str(folder)) and None  # "not stated", or the license


def license_checked(folder):
    from tts_toolkit.hub.upload import check_license

    try:
        check_license(folder)
    except UserError as error:
        if "cc-by-nc" not in str(error):
            raise
    return None


def texts(folder):
    (folder / "texts.jsonl").write_text('{"id": "a", "text": "one red apple"}\n{"id": "b", "text": "two pears"}\n')
    (folder / "texts.tsv").write_text("a\tone red apple\nb\ttwo pears\n")


def prompts_of(name):
    def read(folder):
        return len(read_prompts(str(folder / name)))

    return read


def settings(folder):
    from dataclasses import asdict

    from tts_toolkit.models.speecht5.checkpoint import SpeechSettings

    (folder / "tts_toolkit.json").write_text(json.dumps(asdict(SpeechSettings(vocoder="griffin_lim"))))


def read_settings(folder):
    from tts_toolkit.models.speecht5.checkpoint import speech_settings

    return str(speech_settings(str(folder)))


def model(folder):
    from conftest import TINY

    from tts_toolkit.models.speecht5.checkpoint import SpeechSettings, build_speecht5

    speech = build_speecht5(SpeechSettings(), seed=1, **TINY)
    speech.model.save_pretrained(folder)
    speech.processor.save_pretrained(str(folder))


def loaded(folder):
    from tts_toolkit.models.speecht5.checkpoint import load_speecht5

    return sum(parameter.numel() for parameter in load_speecht5(str(folder)).model.parameters())


def vocoder(folder):
    from transformers import SpeechT5HifiGan, SpeechT5HifiGanConfig

    SpeechT5HifiGan(SpeechT5HifiGanConfig(**TINY_VOCODER)).save_pretrained(folder)


def opened(folder):
    from tts_toolkit.models.vocoders import open_vocoder

    return open_vocoder(str(folder)).n_parameters


RUN = "run/systems/levels"
NUMBERS = ("other numbers", "fields dropped")  # without a hash of ours that would tell
WORDS = ("flipped", "no UTF-8", "cut")  # other words are words
ARTEFACTS = {
    "plan, its marker": Artefact(benchmark, "run/plan/done.json", run_again, again=True),
    "plan": Artefact(benchmark, "run/plan/rows.jsonl", run_again, again=True),
    "synthesis, its marker": Artefact(benchmark, f"{RUN}/synthesis/done.json", run_again, again=True),
    "synthesis": Artefact(benchmark, f"{RUN}/synthesis/rows.jsonl", run_again, again=True),
    "transcripts, their marker": Artefact(benchmark, f"{RUN}/transcripts/done.json", run_again, again=True),
    "transcripts": Artefact(benchmark, f"{RUN}/transcripts/rows.jsonl", run_again, again=True),
    "embeddings of the speaker verifier": Artefact(benchmark, f"{RUN}/embeddings/rows.jsonl", run_again, again=True),
    "facts": Artefact(benchmark, f"{RUN}/facts.json", run_again, again=True),
    "speech": Artefact(benchmark, f"{RUN}/wavs/p0.wav", run_again, again=True),
    "summary of a run": Artefact(benchmark, "run/summary.json", run_again, again=True),
    "summary read again": Artefact(benchmark, "run/summary.json", read_again),
    "scores": Artefact(benchmark, "run/scores.parquet", read_again),
    "voices": Artefact(voices, "speaker_embeddings.safetensors", a_voice),
    "cards of voices": Artefact(voices, "speaker_embeddings.json", a_card, (*NUMBERS, "flipped", "an empty object", "missing")),
    "a voice": Artefact(voices, "voice.npy", a_file_of_a_voice, ("flipped",)),
    "summary of voices": Artefact(voices, "summary.json", a_scale, ("missing",)),
    "progress": Artefact(checkpoint, "checkpoints/step_00000004/progress.json", resumed),
    "optimizer": Artefact(checkpoint, "checkpoints/step_00000004/optimizer.bin", resumed),
    "weights of the best": Artefact(checkpoint, "checkpoints/step_00000004/model.safetensors", best_weights),
    "progress of the best": Artefact(checkpoint, "checkpoints/step_00000004/progress.json", best_weights),
    "metrics": Artefact(checkpoint, "metrics.jsonl", curves),
    "encoder's parts": Artefact(encoder, "encoder/hyperparams.yaml", embedded, ("flipped",)),
    "encoder's weights": Artefact(encoder, "encoder/embedding_model.ckpt", embedded),
    "encoder's labels": Artefact(encoder, "encoder/label_encoder.ckpt", embedded),
    "state of a vocoder": Artefact(vocoder_state, "state.pt", restored, ("missing",)),
    "corpus": Artefact(corpus, "metadata.jsonl", continued),
    "card of a base model": Artefact(card_of_a_model, "README.md", license),
    "card of a pushed model": Artefact(card_of_a_model, "README.md", license_checked),
    "texts, JSONL": Artefact(texts, "texts.jsonl", prompts_of("texts.jsonl"), (*WORDS, "empty", "an empty object", "nulls")),
    "texts, TSV": Artefact(texts, "texts.tsv", prompts_of("texts.tsv"), (*WORDS, "empty")),
    "settings of a model": Artefact(settings, "tts_toolkit.json", read_settings, (*NUMBERS, "flipped", "missing", "an empty object", "a folder")),
    "model": Artefact(model, "model.safetensors", loaded),
    "model's configuration": Artefact(model, "config.json", loaded, ("flipped", *NUMBERS)),
    "model's tokenizer": Artefact(model, "spm_char.model", loaded, ("flipped",)),
    "vocoder": Artefact(vocoder, "model.safetensors", opened),
    "vocoder's configuration": Artefact(vocoder, "config.json", opened, ("flipped", *NUMBERS)),
}  # fmt: skip
CASES = [(name, damage) for name, artefact in ARTEFACTS.items() for damage in artefact.damages]
MADE: dict = {}


@pytest.fixture(scope="module", autouse=True)
def no_pictures_and_no_waiting():
    """What takes most of the time and reads no file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tts_toolkit.report.benchmark._html", lambda *_: "")
        patch.setattr("gc.collect", lambda: 0)
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return the folder of a maker, and what reading it says, both made once."""

    def of(artefact):
        if artefact.make not in MADE:
            MADE[artefact.make] = tmp_path_factory.mktemp(artefact.make.__name__) / "original"
            MADE[artefact.make].mkdir()
            artefact.make(MADE[artefact.make])
        if (artefact.make, artefact.use) not in MADE:
            copy = Path(shutil.copytree(MADE[artefact.make], tmp_path_factory.mktemp("untouched") / "copy"))
            MADE[artefact.make, artefact.use] = artefact.use(copy)
        return MADE[artefact.make], MADE[artefact.make, artefact.use]

    yield of
    MADE.clear()


@pytest.mark.parametrize(("name", "damage"), CASES)
def test_what_is_damaged_is_told_in_a_line_or_made_again(name, damage, made, tmp_path):
    artefact = ARTEFACTS[name]
    original, expected = made(artefact)
    folder = Path(shutil.copytree(original, tmp_path / "copy"))
    file = folder / artefact.file
    DAMAGES[damage](file)
    try:
        found = artefact.use(folder)
    except (UserError, IsADirectoryError) as error:
        told, _ = explanation(error)
        assert not artefact.again or damage == "a folder", told
        assert "\n" not in told and (file.name in told or str(file.parent) in told), told
        assert ";" in told or "run " in told, f"no way out: {told}"
        return
    assert found == expected


def test_there_are_many_cases():
    assert len(CASES) >= 300 and len(ARTEFACTS) >= 30


def test_a_benchmark_speaks_again_only_what_is_damaged(made, tmp_path):
    original, _ = made(ARTEFACTS["speech"])
    folder = Path(shutil.copytree(original, tmp_path / "copy"))
    cut(folder / f"{RUN}/wavs/p0.wav")
    CALLS.clear()
    run_again(folder)
    assert [len(call) for call in CALLS[1:]] == [1]
