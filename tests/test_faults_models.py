"""What is wrong with a checkpoint, a voice, a hub or a list of texts is told in one line, and nothing of it is run."""

import json
import os
import shutil
import time
from dataclasses import replace
from pathlib import Path

import huggingface_hub
import numpy as np
import pytest
import torch
from conftest import HUB, REVISION, add_to_hub, tone
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, OfflineModeIsEnabled, RepositoryNotFoundError
from hydra import compose, initialize_config_dir
from safetensors.numpy import save_file
from safetensors.torch import load_file as load_torch_file
from safetensors.torch import save_file as save_torch_file

from tts_toolkit.hub import loading as versions
from tts_toolkit.hub.loading import checkpoint_file, model_type
from tts_toolkit.hub.packaged import GE2E_SHA256
from tts_toolkit.hub.snapshots import Snapshot
from tts_toolkit.hub.upload import push_folder
from tts_toolkit.models.speecht5.checkpoint import SpeechSettings, load_speecht5, speech_settings
from tts_toolkit.models.vocoders import HifiGan
from tts_toolkit.speakers.embedding_files import FILE_NAME, find_voice, save_embeddings, voices_folder
from tts_toolkit.speakers.encoders import SpeechBrainEncoder
from tts_toolkit.speakers.ge2e import Ge2eEncoder
from tts_toolkit.speakers.hyperpyyaml_guard import check_hyperparams
from tts_toolkit.speakers.registry import open_encoder
from tts_toolkit.synthesis.jobs import Job, check_jobs, plan, write_speech
from tts_toolkit.system.errors import UserError

CHECKOUT = Path(__file__).parents[1]


def one_line(error):
    return "\n" not in str(error.value)


# What a hyperparams.yaml may not hold; RUN stands for a command that makes a file.
EVIL = {
    "apply": "a: !apply:os.system ['RUN']",
    "escaped": "a: !%61pply:os.system ['RUN']",
    "shorthand": "%TAG !e! !app\n---\na: !e!ly:os.system ['RUN']",
    "verbatim": "a: !<!apply:os.system> ['RUN']",
    "as a key": "? !apply:os.system ['RUN']\n: 1",
    "applyref": "a: !applyref:os.system ['RUN']",
    "python": "a: !!python/object/apply:os.system ['RUN']",
    "in a tuple": "a: (!!python/object/apply:os.system ['RUN'])",
    "in a tagged tuple": "a: !tuple (!!python/object/apply:os.system ['RUN'])",
    "put together": "q: \"!!python/object/apply:os.system ['RUN']\"\na: !ref (<q>)",
    "by arithmetic": "q: 1\na: !ref '\"(\\x21\\x21python/object/apply:os.system [RUN])\" * <q>'",
    "new": "a: !new:subprocess.Popen\n    args: [sh, -c, 'RUN']",
    "name": "a: !name:os.system",
    "beyond a module": "a: !name:torch.nn.functional.torch.hub.os.system",
    "a shell of speechbrain": "a: !new:speechbrain.lobes.models.Xvector.Xvector\n"
    "    activation: !name:speechbrain.utils.superpowers.run_shell\n        cmd: 'RUN'",
    "module": "a: !module:os",
    "include": "a: !include:other.yaml",
    "attribute": "a: {b: 1}\nc: !ref <a.__class__>",
}


@pytest.mark.parametrize("name", EVIL)
def test_an_encoder_runs_no_code_of_its_folder(name, tmp_path):
    made, folder = tmp_path / "made", tmp_path / "evil"
    folder.mkdir()
    (folder / "hyperparams.yaml").write_text(EVIL[name].replace("RUN", f"touch {made}"))
    with pytest.raises(UserError, match=r"hyperparams\.yaml.*not followed") as error:
        SpeechBrainEncoder(str(folder)).embed(tone(1.0))
    assert not made.exists() and one_line(error)


def test_the_tag_and_its_line_are_named(tmp_path):
    file = tmp_path / "hyperparams.yaml"
    file.write_text("a: 1\nb:\n    - !new:torch.nn.ReLU\n    - !apply:os.system [x]\n")
    with pytest.raises(UserError, match=r"hyperparams\.yaml:4: the tag !apply:os\.system could run any code"):
        check_hyperparams(file, {})
    file.write_text("a: [")
    with pytest.raises(UserError, match="is not YAML"):
        check_hyperparams(file, {})


def test_what_published_encoders_are_made_of_passes(tmp_path, hub_ecapa, hub_xvector):
    file = tmp_path / "hyperparams.yaml"
    file.write_text(
        "a: !name:torch.nn.LeakyReLU\nb: !new:torch.nn.ModuleList [[]]\nc: (1, 2)\nd: !tuple (3, 4)\nz: 1\n"
        "e: !ref <z> * 2\nf: !copy <z>\ng: !new:speechbrain.lobes.models.ResNet.ResNet\n    input_size: 80\n"
        "h: !new:speechbrain.dataio.encoder.CategoricalEncoder\ni: !name:speechbrain.nnet.activations.Swish\n"
        "j: !new:speechbrain.utils.parameter_transfer.Pretrainer\nk: !name:safetensors.torch.load_model\n"
    )
    check_hyperparams(file, {})
    assert SpeechBrainEncoder(hub_ecapa).embed(tone(1.0)).shape == (192,)
    assert SpeechBrainEncoder(hub_xvector).embed(tone(1.0)).shape == (512,)


def test_weights_that_are_a_program_are_refused(tmp_path, hub_ecapa):
    class Program:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path / 'made'}",)

    snapshot = HUB / "hub/models--speechbrain--spkrec-ecapa-voxceleb/snapshots" / REVISION
    folder = Path(shutil.copytree(snapshot, tmp_path / "evil"))
    torch.save({"weight": Program()}, folder / "embedding_model.ckpt")
    with pytest.raises(UserError, match="cannot be loaded") as error:
        SpeechBrainEncoder(str(folder)).embed(tone(1.0))
    assert not (tmp_path / "made").exists() and one_line(error)


def test_the_encoder_that_a_model_names_is_opened():
    assert open_encoder("ge2e-resemblyzer") == Ge2eEncoder()
    assert open_encoder("ge2e-resemblyzer").version == GE2E_SHA256[:16]
    assert open_encoder("xvector-mini", "cpu") == SpeechBrainEncoder("xvector-mini", device="cpu")
    with pytest.raises(UserError, match=r"'gone/encoder' cannot be loaded .*give a hub id, a folder"):
        open_encoder("gone/encoder").embed(tone(1.0))


def damaged(file):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def other_shapes(file):
    save_file({"weight": np.ones((2, 2), np.float32)}, file, {"format": "pt"})


@pytest.mark.parametrize("harm", [damaged, lambda file: file.write_bytes(b"no weights"), lambda file: file.unlink()])
def test_damaged_weights_are_told_in_a_line(harm, tiny_speecht5_dir, tiny_hifigan_dir, tmp_path):
    model = Path(shutil.copytree(tiny_speecht5_dir, tmp_path / "model"))
    vocoder = Path(shutil.copytree(tiny_hifigan_dir, tmp_path / "vocoder"))
    harm(model / "model.safetensors")
    harm(vocoder / "model.safetensors")
    with pytest.raises(UserError, match="model .* cannot be loaded") as error:
        load_speecht5(str(model))
    assert one_line(error)
    with pytest.raises(UserError, match="the vocoder .* cannot be loaded .*vocoder=griffin_lim") as error:
        HifiGan(str(vocoder))(torch.zeros(10, 80))
    assert one_line(error)


def test_weights_of_other_shapes_are_told_in_a_line(tiny_speecht5_dir, tmp_path):
    model = Path(shutil.copytree(tiny_speecht5_dir, tmp_path / "model"))
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps(config | {"hidden_size": 64}))
    with pytest.raises(UserError, match="cannot be loaded") as error:
        load_speecht5(str(model))
    assert one_line(error)


def with_weights(folder, change, tmp_path):
    """Return a copy of a model whose weights, by name, `change` has made others of."""
    copy = Path(shutil.copytree(folder, tmp_path / "changed"))
    save_torch_file(change(load_torch_file(copy / "model.safetensors")), copy / "model.safetensors", {"format": "pt"})
    return str(copy)


def without(part):
    return lambda state: {name: weight for name, weight in state.items() if part not in name}


LACKING = {
    "wrapped": lambda state: {f"module.{name}": weight for name, weight in state.items()},
    "no encoder": without("encoder.wrapped_encoder"),
    "half": lambda state: dict(list(state.items())[: len(state) // 2]),
    "one weight": without("feat_out.weight"),
    "nothing": lambda state: {},
}


@pytest.mark.parametrize("name", LACKING)
def test_weights_that_are_missing_are_not_made_up(tiny_speecht5_dir, tmp_path, name):
    folder = with_weights(tiny_speecht5_dir, LACKING[name], tmp_path)
    with pytest.raises(UserError, match=r"changed' (lacks \d+ of its weights, such as \w+|cannot be loaded)") as error:
        load_speecht5(folder)
    assert one_line(error)


def test_weights_of_a_vocoder_of_vits_of_bark_and_of_a_recognizer_are_not_made_up(
    tiny_hifigan_dir, hub_vits, hub_bark, hub_wav2vec2, tmp_path
):
    from tts_toolkit.evaluation.metrics.asr import TransformersRecognizer
    from tts_toolkit.models.bark import Bark
    from tts_toolkit.models.base import SynthesisRequest
    from tts_toolkit.models.vits import Vits

    heard = HUB / "hub/models--facebook--wav2vec2-base-960h/snapshots" / REVISION
    uses = {
        "upsampler": (tiny_hifigan_dir, lambda folder: HifiGan(folder).n_parameters),
        "flow": (hub_vits, lambda folder: Vits(folder).check(SynthesisRequest("hello", 0))),
        "fine_acoustics": (hub_bark, lambda folder: Bark(folder).n_parameters),
        "lm_head": (heard, lambda folder: TransformersRecognizer(folder).transcribe(tone(0.5))),
    }
    for part, (folder, use) in uses.items():
        changed = with_weights(folder, without(part), tmp_path / part)
        with pytest.raises(UserError, match=rf"lacks \d+ of its weights, such as \S*{part}") as error:
            use(changed)
        assert one_line(error)


def test_weights_that_only_training_uses_may_be_missing(hub_wav2vec2, tmp_path):
    from tts_toolkit.evaluation.metrics.asr import TransformersRecognizer

    published = HUB / "hub/models--facebook--wav2vec2-base-960h/snapshots" / REVISION
    lean = with_weights(published, without("masked_spec_embed"), tmp_path)
    assert TransformersRecognizer(lean, device="cpu").transcribe(tone(0.5)) == TransformersRecognizer(
        str(published), device="cpu"
    ).transcribe(tone(0.5))


def test_weights_and_tables_of_older_days_are_fine(tiny_speecht5_dir, hub_vits, tmp_path):
    from hub_repositories import speecht5, vits

    from tts_toolkit.models.base import SynthesisRequest
    from tts_toolkit.models.vits import Vits

    for name, files in {"speecht5": speecht5(tiny_speecht5_dir), "vits": vits(hub_vits)}.items():
        (tmp_path / name).mkdir()
        for file, data in files.items():
            (tmp_path / name / file).write_bytes(data)
    old, new = load_speecht5(str(tmp_path / "speecht5")).model, load_speecht5(str(tiny_speecht5_dir)).model
    assert all(torch.equal(a, b) for a, b in zip(old.parameters(), new.parameters(), strict=True))
    old, new = (
        Vits(folder).synthesize([SynthesisRequest("hello", 0)])[0].waveform
        for folder in (str(tmp_path / "vits"), str(hub_vits))
    )
    assert np.array_equal(old, new)


def test_a_model_whose_code_would_have_to_be_run_asks_nothing(tiny_speecht5_dir, tmp_path, monkeypatch):
    from hub_repositories import code_of_its_own

    from tts_toolkit.evaluation.metrics.asr import TransformersRecognizer
    from tts_toolkit.models.auto import load_synthesizer

    def asks(*_):
        raise AssertionError("a question")

    monkeypatch.setattr("builtins.input", asks)
    folder = Path(shutil.copytree(tiny_speecht5_dir, tmp_path / "own"))
    files = code_of_its_own({"config.json": (folder / "config.json").read_bytes()})
    for name, data in files.items():
        (folder / name).write_bytes(data)
    for use in (
        load_speecht5,
        load_synthesizer,
        lambda f: HifiGan(f).n_parameters,
        lambda f: TransformersRecognizer(f).transcribe(tone(0.5)),
    ):
        with pytest.raises(UserError) as error:
            use(str(folder))
        assert one_line(error)
    # a type that is known, beside code that would replace its configuration and its processor
    config = json.loads((tiny_speecht5_dir / "config.json").read_text()) | {"auto_map": {"AutoConfig": "own.Own"}}
    (folder / "config.json").write_text(json.dumps(config))
    settings = json.loads((folder / "tokenizer_config.json").read_text()) | {
        "auto_map": {"AutoTokenizer": ["own.T", None]}
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    assert load_speecht5(str(folder)).model.config.model_type == "speecht5"


@pytest.mark.usefixtures("tiny_speecht5_dir", "tiny_hifigan_dir")
def test_a_vocoder_is_a_hifigan(tmp_path):
    with pytest.raises(
        UserError,
        match="the vocoder 'microsoft/speecht5_tts' is a speecht5 checkpoint; a hifigan .* vocoder=griffin_lim",
    ):
        HifiGan("microsoft/speecht5_tts")(torch.zeros(10, 80))
    with pytest.raises(UserError, match="'nobody/none' cannot be loaded"):
        HifiGan("nobody/none")(torch.zeros(10, 80))
    assert HifiGan("microsoft/speecht5_hifigan")(torch.zeros(10, 80)).shape == (2560,)
    # the published one says "hifigan"; transformers saves "speecht5_hifigan"
    published = HUB / "hub/models--microsoft--speecht5_hifigan/snapshots" / REVISION
    folder = Path(shutil.copytree(published, tmp_path / "published"))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "hifigan"}))
    assert HifiGan(str(folder))(torch.zeros(10, 80)).shape == (2560,)


@pytest.mark.parametrize(("content", "message"), [
    ("{", "is not one object of settings"), ("[1]", "is not one object"), ('{"speaker": "x"}', "speaker.*allowed are vocoder"),
    ('{"max_characters": "many"}', "max_characters is 'many'"), ('{"vocoder": null}', "vocoder is None"),
])  # fmt: skip
def test_malformed_settings_are_told_in_a_line(tiny_speecht5_dir, tmp_path, content, message):
    folder = Path(shutil.copytree(tiny_speecht5_dir, tmp_path / "model"))
    (folder / "tts_toolkit.json").write_text(content)
    with pytest.raises(UserError, match=rf"tts_toolkit\.json: .*{message}") as error:
        load_speecht5(str(folder))
    assert one_line(error)


@pytest.mark.usefixtures("tiny_speecht5_dir")
def test_settings_are_the_defaults_only_where_there_are_none(monkeypatch):
    assert speech_settings("microsoft/speecht5_tts") == SpeechSettings()
    with pytest.raises(UserError, match="model 'nobody/none' cannot be loaded"):
        speech_settings("nobody/none")
    with pytest.raises(UserError, match="model '/no/such/folder' cannot be loaded"):
        speech_settings("/no/such/folder")
    # a hub that should answer and does not: nobody knows whether the repository has the file
    monkeypatch.setattr(huggingface_hub, "is_offline_mode", lambda: False)
    with pytest.raises(UserError, match="model 'microsoft/speecht5_tts' cannot be loaded"):
        speech_settings("microsoft/speecht5_tts")


@pytest.mark.usefixtures("tiny_speecht5_dir")
def test_a_file_that_the_hub_says_is_missing_is_missing(monkeypatch):
    folder = HUB / "hub/models--microsoft--speecht5_tts/snapshots" / REVISION
    found = Snapshot("microsoft/speecht5_tts", "model", REVISION, folder, frozenset({"config.json"}))
    monkeypatch.setattr(versions, "snapshot", lambda *_: found)
    assert checkpoint_file("microsoft/speecht5_tts", "tts_toolkit.json") is None
    unanswered = replace(found, names=None, reason="the hub is silent")
    monkeypatch.setattr(huggingface_hub, "is_offline_mode", lambda: False)
    assert unanswered.file("tts_toolkit.json") is None, "it was written down"
    with pytest.raises(UserError, match=r"other\.json is not in the cache, and the hub is silent"):
        unanswered.file("other.json")


def test_a_model_pushed_to_the_hub_finds_its_own_voice(tiny_speecht5_dir, tmp_path):
    folder = Path(shutil.copytree(tiny_speecht5_dir, tmp_path / "model"))
    kim = np.random.default_rng(0).standard_normal(512).astype(np.float32)
    save_embeddings(folder / FILE_NAME, {"kim": kim}, [])
    add_to_hub("user/my-voice", folder)
    found = find_voice(None, voices_folder("user/my-voice"), None)
    assert np.array_equal(found[0], kim)
    assert voices_folder("microsoft/speecht5_tts") == Path("microsoft/speecht5_tts"), "it has none"
    from tts_toolkit.models.base import SynthesisRequest
    from tts_toolkit.models.speecht5.generation import Decoding
    from tts_toolkit.models.speecht5.synthesizer import SpeechT5Synthesizer

    add_to_hub("user/my-voice", folder)
    spoken = SpeechT5Synthesizer("user/my-voice", vocoder="griffin_lim", decoding=Decoding(max_frames_per_token=3.0))
    assert len(spoken.synthesize([SynthesisRequest("hello", 0)])[0].waveform) > 0
    with pytest.raises(UserError, match="unknown voice 'lee'.*holds kim"):
        spoken.check(SynthesisRequest("hello", 0, "lee"))


VOICES = {
    "damaged": (b"\x93NUMPY\x01\x00v", "is not a .npy file of numbers"),
    "empty file": (b"", "is not a .npy file of numbers"),
    "nothing": (np.zeros(0, np.float32), "found (0,)"),
    "objects": (np.array([{}, 1], dtype=object), "is not a .npy file of numbers"),
    "texts": (np.array(["a", "b"]), "of <U1"),
    "not a number": (np.array([1.0, np.nan]), "non-finite values"),
    "endless": (np.array([1.0, np.inf]), "non-finite values"),
    "many rows": (np.ones((2, 512), np.float32), "found (2, 512)"),
}


@pytest.mark.parametrize("name", VOICES)
def test_a_voice_file_holds_one_vector_of_numbers(name, tmp_path):
    content, message = VOICES[name]
    file = tmp_path / "voice.npy"
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        np.save(file, content, allow_pickle=True)
    with pytest.raises(UserError) as error:
        find_voice(str(file), tmp_path, None)
    assert message in str(error.value) and str(file) in str(error.value) and one_line(error)


def test_a_saved_voice_of_no_numbers_is_refused(tmp_path):
    save_file({"kim": np.array([[1.0, np.nan]], dtype=np.float32)}, tmp_path / FILE_NAME)
    with pytest.raises(UserError, match=r"kim \(1, 2\) holds non-finite values"):
        find_voice("kim", tmp_path, None)


def answer(status):
    from httpx2 import Request, Response

    return Response(status, request=Request("POST", "https://hub.example/api"))


def transport(name):
    import httpx2

    return getattr(httpx2, name)("timed out")


HUB_FAULTS = {
    "401": lambda: HfHubHTTPError("401 Client Error\n\nInvalid token", response=answer(401)),
    "403": lambda: HfHubHTTPError("403 Forbidden: you may not write here", response=answer(403)),
    "404": lambda: RepositoryNotFoundError("404 Client Error: not found", response=answer(404)),
    "500": lambda: HfHubHTTPError("500 Server Error", response=answer(500)),
    "gated": lambda: GatedRepoError("403: gated", response=answer(403)),
    "offline": lambda: OfflineModeIsEnabled("offline mode is enabled"),
    "timeout": lambda: transport("ReadTimeout"),
    "no connection": lambda: transport("ConnectError"),
    "broken off": lambda: transport("RemoteProtocolError"),
    "without a word": lambda: ConnectionError(),
    "chunked storage": lambda: RuntimeError("Data processing error"),
}


@pytest.mark.parametrize("step", ["create_repo", "upload_folder"])
@pytest.mark.parametrize("fault", HUB_FAULTS)
def test_a_hub_that_takes_nothing_leaves_the_folder_and_says_where(fault, step, tmp_path, monkeypatch):
    class Hub:
        def __getattr__(self, name):
            def call(*_, **__):
                if name == step:
                    raise HUB_FAULTS[fault]()

            return call

    monkeypatch.setattr(huggingface_hub, "HfApi", Hub)
    with pytest.raises(UserError, match="the hub did not take user/kim: .+; the folder is at /") as error:
        push_folder(tmp_path, "user/kim", "hub_model_id")
    assert str(tmp_path) in str(error.value) and one_line(error)


def synthesize(*overrides):
    from tts_toolkit.eval.synthesize import synthesize

    with initialize_config_dir(version_base="1.3", config_dir=str(CHECKOUT / "conf")):
        return synthesize(compose("synthesize", overrides=list(overrides)))


def test_texts_are_utf8_and_only_a_newline_ends_a_line(tmp_path):
    file = tmp_path / "texts.txt"
    file.write_bytes("one\u2028still one\r\ntwo\n".encode())
    assert [job.text for job in plan(None, str(file), str(tmp_path / "out"), None, False)] == [
        "one\u2028still one",
        "two",
    ]
    file.write_text("id\ttext\tvoice\tcategory\na\tone\tslt\tplain\nb\ttwo\t\tplain\n")
    listed = plan(None, str(file), str(tmp_path / "out"), "rms", False)
    assert [(job.text, job.voice, job.output.name) for job in listed] == [
        ("one", "slt", "a.wav"),
        ("two", "rms", "b.wav"),
    ], "a benchmark's list"
    file.write_text("../a\tone\n")
    with pytest.raises(UserError, match=r"texts\.txt:1: the id '\.\./a' is no file name"):
        plan(None, str(file), str(tmp_path / "out"), None, False)
    file.write_bytes(b"one\ncaf\xe9\n")
    with pytest.raises(UserError, match=r"texts\.txt:2: is not UTF-8"):
        plan(None, str(file), str(tmp_path / "out"), None, False)


@pytest.mark.usefixtures("hub", "hub_vits", "hub_arctic", "hub_bark")
@pytest.mark.parametrize("model", ["microsoft/speecht5_tts", "facebook/mms-tts-eng", "suno/bark-small"])
def test_lines_that_cannot_be_spoken_are_all_named_before_any_is(model, tmp_path):
    file = tmp_path / "texts.tsv"
    file.write_text("a\thello\nb\t...\n\nc\tthere\nd\t?!\ne\tyes\tnobody\n")
    voice = ["voice=cmu-arctic/slt"] if "speecht5" in model else []
    with pytest.raises(UserError) as error:
        synthesize(f"model={model}", f"texts={file}", f"output={tmp_path / 'out'}", *voice)
    told = str(error.value)
    assert f"{file}:2: nothing in the text '...'" in told and f"{file}:5: nothing" in told and f"{file}:6: unk" in told
    assert f"{file}:1:" not in told and not (tmp_path / "out").exists() and one_line(error)


def test_only_the_first_faults_of_many_are_named():
    def refuse(job):
        raise UserError("no")

    jobs = [Job(str(n), "text", None, Path("x.wav"), f"f:{n}") for n in range(12)]
    with pytest.raises(UserError, match=r"f:0: no; f:1: no; .*f:9: no; and 2 more$"):
        check_jobs(jobs, refuse)


@pytest.mark.usefixtures("hub_vits", "hub_bark")
def test_what_will_not_be_heard_is_told_before_it_is_spoken(tmp_path, caplog, monkeypatch):
    from tts_toolkit.models.bark import Bark
    from tts_toolkit.models.vits import Vits

    def speaks(self, lines):
        raise UserError("speaking")

    for family in (Vits, Bark):
        monkeypatch.setattr(family, "synthesize", speaks)
    with pytest.raises(UserError, match="speaking"):
        synthesize("model=facebook/mms-tts-eng", "text='crème brûlée'", f"output={tmp_path / 'a.wav'}")
    assert "cannot speak è é û" in caplog.text
    long = "-".join("ab" for _ in range(100))
    with pytest.raises(UserError, match="speaking"):
        monkeypatch.setattr(Bark, "check", lambda self, line: None)
        synthesize("model=suno/bark-small", f"text={long}", f"output={tmp_path / 'a.wav'}")
    assert "does not read the last" in caplog.text


def test_sound_of_no_numbers_is_not_written(tmp_path):
    waveform = tone(0.1)
    waveform[5] = np.nan
    with pytest.raises(UserError, match=r"speech\.wav: is not written: the model's output has non-finite values"):
        write_speech(tmp_path / "speech.wav", waveform)
    assert not (tmp_path / "speech.wav").exists()


def test_a_configuration_without_a_type_is_no_model(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(UserError, match="no config.json with a model_type"):
        model_type(str(tmp_path))


def bomb(line, n):
    return "a0: [1, 1, 1, 1]\n" + "".join(
        line.replace("N", str(k)).replace("M", str(k - 1)) + "\n" for k in range(1, n)
    )


# What would fill the memory, or never end.
BOMBS = {
    "powers": "a: 9\nb: !ref <a>**9**9**9",
    "powers of numbers": "a: 9\nb: !ref 9**<a>",
    "products": "a: 999999999\n" + bomb("aN: !ref <aM> * <aM>", 40).replace("[1, 1, 1, 1]", "999999999"),
    "repeated text": "a: 3\nb: !ref '\"x\" * 999999999 * <a>'",
    "text on text": bomb("aN: !ref <aM><aM><aM><aM>", 30).replace("[1, 1, 1, 1]", "xxxxxxxx"),
    "aliases": "a0: &a0 [1, 1, 1, 1]\n" + "".join(f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 9)}]\n" for k in range(1, 30)),
    "merges": "a0: &a0 {x: 1}\n" + "".join(f"a{k}: &a{k} {{<<: [{', '.join([f'*a{k - 1}'] * 9)}]}}\n" for k in range(1, 30)),
    "copies": bomb("aN: [!copy <aM>, !copy <aM>, !copy <aM>]", 30),
    "references": bomb("aN: [!ref <aM>, !ref <aM>, !ref <aM>]", 30),
    "itself": "a: &a [*a]",
    "in a circle": "a: !ref <b>\nb: !ref <a>",
    "nested": "a: " + "[" * 5000 + "]" * 5000,
    "nested a little": "a: " + "[" * 100 + "]" * 100,
    "nested mappings": "a: " + "{b: " * 300 + "1" + "}" * 300,
    "nested lists": "a:\n  " + "- " * 5000 + "1",
    "nested keys": "? " * 5000 + "1",
    "nested far to the right": "".join(" " * n + f"a{n}:\n" for n in range(200)) + " " * 201 + "1",
    "a huge number": "a: !new:torch.nn.Linear [99999999999, 99999999999]",
    "a huge float": "a: 1e300",
    "a number of digits": "a: " + "9" * 5000,
    "a long text": "a: " + "x" * 100_000,
    "a long file": "\n".join(f"a{n}: 1" for n in range(50_000)),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_hyperparameters_that_grow_without_bounds_are_refused_at_once(name, tmp_path):
    file = tmp_path / "hyperparams.yaml"
    file.write_text(BOMBS[name])
    started = time.monotonic()
    with pytest.raises(UserError) as error:
        check_hyperparams(file, {})
    assert (
        time.monotonic() - started < 5
        and one_line(error)
        and str(file) in str(error.value)
        and len(str(error.value)) < 500
    )
