import functools
import json
import re
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
import transformers
from conftest import add_to_hub
from safetensors.torch import load_file

from tts_toolkit.finetuning.export import export_model, model_card, title_of
from tts_toolkit.finetuning.run_folder import flat_settings
from tts_toolkit.finetuning.speecht5_task import code, exported_settings, save_speecht5
from tts_toolkit.hub.tokens import without_token
from tts_toolkit.hub.upload import push_folder
from tts_toolkit.models.speecht5.checkpoint import SpeechSettings, load_speecht5
from tts_toolkit.models.vocoders import open_vocoder
from tts_toolkit.speakers.embedding_files import FILE_NAME, EmbeddingCard, save_embeddings
from tts_toolkit.system.errors import UserError

FACTS = {
    "name": "kim",
    "architecture": "SpeechT5",
    "base_model": "microsoft/speecht5_tts",
    "license": "cc-by-4.0",
    "embedding_size": 512,
}


@pytest.fixture(scope="module")
def exported(tiny_speecht5_dir, tmp_path_factory):
    speech = replace(load_speecht5("microsoft/speecht5_tts"), settings=SpeechSettings(max_characters=90))
    voice = np.random.default_rng(0).standard_normal(512).astype(np.float32)
    cards = [EmbeddingCard("kim", "encoder", "revision", 3, 9.0, "speaker_mean")]
    card = model_card(FACTS, "| system | WER |", ["kim"])
    folder = tmp_path_factory.mktemp("run") / "model"
    return export_model(folder, partial(save, speech, {"kim": voice}, cards), "seed: 0\n", card)


def save(speech, voices, cards, folder, half_precision=False):
    save_speecht5(speech, folder, half_precision)
    save_embeddings(folder / FILE_NAME, voices, cards)


def test_stock_transformers_loads_and_speaks(exported, tiny_hifigan_dir):
    from transformers import SpeechT5ForTextToSpeech, SpeechT5HifiGan, SpeechT5Processor

    processor = SpeechT5Processor.from_pretrained(exported)
    model = SpeechT5ForTextToSpeech.from_pretrained(exported)
    voice = load_file(exported / "speaker_embeddings.safetensors")["kim"]
    vocoder = SpeechT5HifiGan.from_pretrained("microsoft/speecht5_hifigan")
    ids = processor(text="Hello there.", return_tensors="pt")["input_ids"]
    sound = model.generate_speech(ids, voice, maxlenratio=2.0, vocoder=vocoder)
    assert sound.ndim == 1 and len(sound) % 512 == 0 and torch.isfinite(sound).all()


def test_the_transformers_pipeline_speaks(exported, tiny_hifigan_dir):
    from transformers import SpeechT5HifiGan, SpeechT5Processor, pipeline

    synthesize = pipeline(
        "text-to-speech", model=str(exported), processor=SpeechT5Processor.from_pretrained(exported),
        vocoder=SpeechT5HifiGan.from_pretrained("microsoft/speecht5_hifigan"),
    )  # fmt: skip
    voice = load_file(exported / "speaker_embeddings.safetensors")["kim"]
    result = synthesize("Hello there.", forward_params={"speaker_embeddings": voice, "maxlenratio": 2.0})
    assert result["sampling_rate"] == 16_000 and result["audio"].size > 0


def test_the_folder_holds_voice_settings_configuration_and_card(exported):
    names = {file.name for file in exported.iterdir()}
    assert {"config.json", "model.safetensors", "speaker_embeddings.safetensors", "speaker_embeddings.json",
            "tts_toolkit.json", "training_config.yaml", "README.md"} <= names  # fmt: skip
    assert not [name for name in names if name.endswith((".bin", ".pt", ".pkl", ".tmp"))]
    card = (exported / "README.md").read_text()
    assert card.startswith("---\n") and "license: cc-by-4.0" in card and "| system | WER |" in card
    assert load_speecht5(str(exported)).settings == SpeechSettings(max_characters=90)


def code_of(folder, language="python"):
    return re.findall(rf"```{language}\n(.*?)```", (folder / "README.md").read_text(), re.DOTALL)[0]


def run_code(code, folder, monkeypatch):
    """Run a card's code where nobody has been before, and return the sound that it makes."""
    import transformers

    synthesize = transformers.SpeechT5ForTextToSpeech.generate_speech
    short = functools.partialmethod(synthesize, minlenratio=2.0, maxlenratio=3.0)  # random weights stop anywhere
    monkeypatch.setattr(transformers.SpeechT5ForTextToSpeech, "generate_speech", short)
    folder.mkdir()
    monkeypatch.chdir(folder)
    exec(compile(code, "README.md", "exec"), {})
    sound, rate = soundfile.read(folder / "hello.wav")
    return len(sound) > 1000 and rate == 16_000 and np.abs(sound).max() > 0


@pytest.mark.parametrize("vocoder", ["microsoft/speecht5_hifigan", "hifigan-mini", "FOLDER", "griffin_lim"])
@pytest.mark.parametrize("on_the_hub", [False, True])
def test_the_code_of_a_card_makes_sound_where_it_is_pasted(
    tiny_hifigan_dir, tmp_path, monkeypatch, vocoder, on_the_hub
):
    given = str(tiny_hifigan_dir) if vocoder == "FOLDER" else vocoder
    speech = replace(load_speecht5("microsoft/speecht5_tts"), settings=SpeechSettings(vocoder=given))
    name = f"user/of-{Path(given).name}"
    place = name if on_the_hub else str(tmp_path / "model's own")
    card = model_card(FACTS, "", ['kim "k"'], place, code(place, 'kim "k"', 512, given))
    voices = {'kim "k"': np.ones(512, np.float32)}
    folder = export_model(tmp_path / "model's own", partial(save, speech, voices, []), "", card)
    if on_the_hub:
        add_to_hub(name, folder)
        monkeypatch.setattr(transformers.utils.hub.constants, "HF_HUB_OFFLINE", True)
    assert run_code(code_of(folder), tmp_path / "elsewhere", monkeypatch)
    settings = load_speecht5(place).settings
    assert open_vocoder(settings.vocoder).name and "tts-synthesize model=" in code_of(folder, "bash")
    if vocoder == "FOLDER":
        assert json.loads((folder / "tts_toolkit.json").read_text())["vocoder"] == "./vocoder"
        assert open_vocoder(settings.vocoder).n_parameters == open_vocoder(given).n_parameters


def test_files_can_be_read_by_whom_this_users_files_can(exported):
    (exported.parent / "another").write_text("")
    usual = (exported.parent / "another").stat().st_mode
    assert {file.stat().st_mode for file in exported.rglob("*") if file.is_file()} == {usual}


def test_processors_of_older_transformers_find_their_settings(exported):
    from transformers import SpeechT5FeatureExtractor

    assert not (exported / "processor_config.json").exists(), "which they take for their own"
    found = json.loads((exported / "preprocessor_config.json").read_text())
    assert found["feature_extractor_type"] == "SpeechT5FeatureExtractor" and found["num_mel_bins"] == 80
    assert (
        SpeechT5FeatureExtractor(**found).to_dict()
        == load_speecht5(str(exported)).processor.feature_extractor.to_dict()
    )


@pytest.mark.parametrize(
    ("name", "hub_model_id", "voices", "title"),
    [("finetune", "user/kims-voice", ["kim"], "kims-voice"), ("kim v2", None, ["kim"], "kim v2"),
     ("finetune", None, ["kim"], "speecht5_tts fine-tuned on kim"),
     ("finetune", None, list("abcde"), "speecht5_tts fine-tuned on a, b, c and 2 more")],
)  # fmt: skip
def test_a_model_has_a_name(name, hub_model_id, voices, title):
    assert title_of(name, hub_model_id, "microsoft/speecht5_tts", voices) == title
    assert f"# {title}\n" in model_card(FACTS, "", voices, title=title)


def test_half_precision_halves_the_file_and_loads_as_float32(exported, tmp_path):
    speech = load_speecht5(str(exported))
    half = export_model(
        tmp_path / "half", partial(save, speech, {"kim": np.ones(512)}, [], half_precision=True), "", ""
    )
    assert (half / "model.safetensors").stat().st_size < 0.6 * (exported / "model.safetensors").stat().st_size
    loaded = load_speecht5(str(half)).model
    assert {p.dtype for p in loaded.parameters()} == {torch.float32}
    for a, b in zip(loaded.parameters(), speech.model.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=2e-3, rtol=2e-3)


class FakeHub:
    calls: list = []  # noqa: RUF012

    def create_repo(self, repo_id, private, exist_ok, repo_type):
        self.calls.append(("create", repo_id, private, repo_type))

    def upload_folder(self, repo_id, folder_path, commit_message, repo_type):
        self.calls.append(("upload", repo_id, folder_path, repo_type))
        return "address"


def test_pushing_uploads_exactly_that_folder(exported, monkeypatch):
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub, "HfApi", FakeHub)
    assert push_folder(exported, "user/kim", "hub_model_id") == "address"
    assert FakeHub.calls == [("create", "user/kim", True, "model"), ("upload", "user/kim", exported, "model")]
    with pytest.raises(UserError, match="needs hub_model_id"):
        push_folder(exported, None, "hub_model_id")


@pytest.mark.parametrize(("license", "refused"), [("mit", True), ("CC-BY-NC-4.0", False)])
def test_what_is_made_from_mms_keeps_its_license(tmp_path, monkeypatch, license, refused):
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub, "HfApi", FakeHub)
    facts = FACTS | {"base_model": "facebook/mms-tts-deu", "license": license}
    (tmp_path / "README.md").write_text(model_card(facts, "", ["kim"]))
    if refused:
        with pytest.raises(UserError, match=r"made from facebook/mms-tts-deu, whose license cc-by-nc-4.0 .* says mit"):
            push_folder(tmp_path, "user/kim", "hub_model_id")
    else:
        assert push_folder(tmp_path, "user/kim", "hub_model_id") == "address"


def test_the_hub_token_is_taken_out_of_what_is_written(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    assert without_token("a: hf_secret\n") == "a: [hub token]\n"
    assert flat_settings({"a": {"b": "x hf_secret"}, "n": 1}) == {"a.b": "x [hub token]", "n": 1}
    monkeypatch.delenv("HF_TOKEN")
    assert without_token("a: 1") == "a: 1"


def test_a_card_holds_what_it_is_told_as_data(tmp_path):
    from huggingface_hub import ModelCard

    facts = FACTS | {"license": "mit\nbase_model: somebody/else", "consent_of_the_speakers": "kim: yes\n---\nno"}
    (tmp_path / "README.md").write_text(model_card(facts, "", ["kim"]))
    about = ModelCard.load(tmp_path / "README.md", ignore_metadata_errors=True)
    assert (
        about.data.base_model == "microsoft/speecht5_tts" and "- consent of the speakers: kim: yes --- no" in about.text
    )


def test_a_hub_out_of_reach_says_where_the_folder_is(exported):
    with pytest.raises(UserError, match=r"the hub did not take user/kim: .*the folder is at"):
        push_folder(exported, "user/kim", "hub_model_id")


@pytest.mark.parametrize(
    ("config", "message"),
    [({"model_type": "vits", "architectures": ["VitsModel"]}, "is a VitsModel"),
     ({"model_type": "speecht5", "architectures": ["SpeechT5ForSpeechToText"]}, "is a SpeechT5ForSpeechToText"),
     (None, "cannot be loaded")],
)  # fmt: skip
def test_a_checkpoint_of_another_model_is_refused(tmp_path, config, message):
    if config:
        (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match=message) as error:
        load_speecht5(str(tmp_path))
    assert "\n" not in str(error.value)


def test_another_embedding_size_starts_the_speaker_input_anew(tiny_speecht5_dir):
    base, resized = (
        load_speecht5("microsoft/speecht5_tts"),
        load_speecht5("microsoft/speecht5_tts", speaker_embedding_dim=192),
    )
    old, new = (s.model.speecht5.decoder.prenet.speaker_embeds_layer.weight for s in (base, resized))
    hidden = base.model.config.hidden_size
    assert new.shape == (hidden, hidden + 192) and torch.equal(new[:, :hidden], old[:, :hidden])
    ids = torch.tensor([base.processor.tokenizer("hello")["input_ids"]])
    assert resized.model.generate_speech(ids, torch.randn(1, 192), maxlenratio=2.0).shape[1] == 80


def test_settings_follow_the_base_and_the_longest_training_text():
    base = SpeechSettings(language="da", max_characters=80)
    assert exported_settings(base, None, "enc", 120) == SpeechSettings("microsoft/speecht5_hifigan", "enc", "da", 120)
    assert exported_settings(SpeechSettings(), "griffin_lim", "enc", 120).max_characters == 200
    assert exported_settings(base, None, "enc", 5000).max_characters == 300


def test_what_ships_is_small_safe_and_loads():
    from tts_toolkit.assets import ASSETS
    from tts_toolkit.models.speecht5.checkpoint import load_speecht5

    files = [path for path in ASSETS.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert max(path.stat().st_size for path in files) < 16e6 and sum(path.stat().st_size for path in files) < 60e6
    assert not [path for path in files if path.suffix in (".bin", ".pt", ".pth", ".pkl", ".npz")]
    speech = load_speecht5("speecht5-mini")
    assert sum(p.numel() for p in speech.model.parameters()) <= 7e6
    assert speech.model.config.reduction_factor == 2 and speech.settings.encoder == "xvector-mini"
