"""Small models and recordings, and a hub cache that holds them under the real repository ids."""

import atexit
import functools
import gc
import os
import shutil
import sys
import tempfile
from pathlib import Path

loaded = sys.modules.get("huggingface_hub.constants")  # by an earlier run in this process, as a mutation run has them
HUB = Path(loaded.HF_HOME if loaded else tempfile.mkdtemp(prefix="hub-"))
atexit.register(shutil.rmtree, HUB, ignore_errors=True)
os.environ.update(HF_HOME=str(HUB), HF_HUB_OFFLINE="1", ACCELERATE_USE_CPU="true", TOKENIZERS_PARALLELISM="false")
if "PYTEST_XDIST_WORKER" in os.environ:  # one core each, or the threads of two workers wait for each other
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import json
import subprocess

import numpy as np
import pytest
import soundfile
import torch
from fakes import CALLS, HEARD, TEXTS

from tts_toolkit.audio.waveforms import write_wav
from tts_toolkit.data.test_sets import Prompt, with_recordings
from tts_toolkit.models.speecht5.checkpoint import SpeechSettings, build_speecht5

if loaded:  # answers that another run kept would stand in for the code
    for kept in gc.get_objects():
        if type(kept) is functools._lru_cache_wrapper and kept.__module__.startswith("tts_toolkit"):
            kept.cache_clear()

CHECKOUT = Path(__file__).parents[1]
REVISION = "0123456789abcdef0123456789abcdef01234567"
TINY = dict(
    hidden_size=32,
    encoder_layers=1,
    encoder_attention_heads=2,
    encoder_ffn_dim=32,
    decoder_layers=2,
    decoder_attention_heads=2,
    decoder_ffn_dim=32,
    max_text_positions=120,
    max_speech_positions=200,
    speech_decoder_prenet_units=16,
    speech_decoder_postnet_units=16,
    speech_decoder_postnet_layers=2,
    num_mel_bins=80,
    encoder_layerdrop=0.0,
    decoder_layerdrop=0.0,
    hidden_dropout=0.1,
)


def add_to_hub(repo_id: str, folder: Path, kind: str = "models") -> None:
    """Put a folder into the hub cache as the snapshot of a repository."""
    repo = HUB / "hub" / f"{kind}--{repo_id.replace('/', '--')}"
    shutil.copytree(folder, repo / "snapshots" / REVISION, dirs_exist_ok=True)
    (repo / "refs").mkdir(exist_ok=True)
    (repo / "refs" / "main").write_text(REVISION)


def tone(seconds: float, hz: float = 220.0, sample_rate_hz: int = 16_000, seed: int = 0) -> np.ndarray:
    """Return a voiced-like sound: a tone with harmonics, a slow envelope and a little noise."""
    t = np.arange(int(seconds * sample_rate_hz)) / sample_rate_hz
    sound = sum(np.sin(2 * np.pi * hz * k * t) / k for k in range(1, 6)) * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * t))
    return (0.2 * sound + 0.002 * np.random.default_rng(seed).standard_normal(len(t))).astype(np.float32)


@pytest.fixture(scope="session")
def tiny_speecht5_dir(tmp_path_factory):
    """A SpeechT5 with random weights, as microsoft/speecht5_tts lies in the hub cache."""
    folder = tmp_path_factory.mktemp("speecht5")
    speech = build_speecht5(SpeechSettings(), seed=1, **TINY)
    # The hub's tokenizer keeps case and knows no digits; a tiny one with both cases will do.
    speech.model.save_pretrained(folder)
    speech.processor.save_pretrained(str(folder))
    add_to_hub("microsoft/speecht5_tts", folder)
    return folder


@pytest.fixture(scope="session")
def tiny_hifigan_dir(tmp_path_factory):
    """A HiFi-GAN with random weights that are loud enough to hear, as microsoft/speecht5_hifigan."""
    from transformers import SpeechT5HifiGan, SpeechT5HifiGanConfig

    folder = tmp_path_factory.mktemp("hifigan")
    torch.manual_seed(0)
    config = SpeechT5HifiGanConfig(
        upsample_initial_channel=16,
        resblock_kernel_sizes=[3],
        resblock_dilation_sizes=[[1, 3]],
        initializer_range=0.2,
    )
    SpeechT5HifiGan(config).save_pretrained(folder)
    add_to_hub("microsoft/speecht5_hifigan", folder)
    return folder


@pytest.fixture(scope="session")
def hub_xvector(tmp_path_factory):
    """The built-in x-vector encoder in the layout of speechbrain/spkrec-xvect-voxceleb: pickle-free .ckpt, own paths."""
    from safetensors.torch import load_file

    from tts_toolkit.assets import ASSETS

    folder = tmp_path_factory.mktemp("xvect")
    built_in = ASSETS / "xvector-mini"
    yaml = (built_in / "hyperparams.yaml").read_text().split("    custom_hooks:")[0]
    yaml += "        mean_var_norm_emb: !ref <mean_var_norm_emb>\n    paths:\n" + "".join(
        f"        {name}: !ref <pretrained_path>/{file}\n"
        for name, file in {
            "embedding_model": "embedding_model.ckpt",
            "mean_var_norm_emb": "mean_var_norm_emb.ckpt",
            "classifier": "classifier.ckpt",
            "label_encoder": "label_encoder.txt",
        }.items()
    )
    (folder / "hyperparams.yaml").write_text("pretrained_path: speechbrain/spkrec-xvect-voxceleb\n" + yaml)
    for name in ("embedding_model", "classifier"):
        torch.save(load_file(built_in / f"{name}.ckpt"), folder / f"{name}.ckpt")
    statistics = {"count": 1, "glob_mean": torch.zeros(512), "glob_std": torch.ones(512)}
    torch.save(statistics, folder / "mean_var_norm_emb.ckpt")
    shutil.copy(built_in / "label_encoder.ckpt", folder / "label_encoder.txt")
    add_to_hub("speechbrain/spkrec-xvect-voxceleb", folder)
    return "speechbrain/spkrec-xvect-voxceleb"


# As speechbrain/spkrec-ecapa-voxceleb writes it, its sizes apart.
ECAPA = """\
pretrained_path: speechbrain/spkrec-ecapa-voxceleb
n_mels: 20
out_n_neurons: 3

compute_features: !new:speechbrain.lobes.features.Fbank
    n_mels: !ref <n_mels>
mean_var_norm: !new:speechbrain.processing.features.InputNormalization
    norm_type: sentence
    std_norm: False
embedding_model: !new:speechbrain.lobes.models.ECAPA_TDNN.ECAPA_TDNN
    input_size: !ref <n_mels>
    channels: [16, 16, 16, 16, 48]
    kernel_sizes: [5, 3, 3, 3, 1]
    dilations: [1, 2, 3, 4, 1]
    attention_channels: 8
    res2net_scale: 4
    se_channels: 8
    lin_neurons: 192
classifier: !new:speechbrain.lobes.models.ECAPA_TDNN.Classifier
    input_size: 192
    out_neurons: !ref <out_n_neurons>
mean_var_norm_emb: !new:speechbrain.processing.features.InputNormalization
    norm_type: global
    std_norm: False
modules:
    compute_features: !ref <compute_features>
    mean_var_norm: !ref <mean_var_norm>
    embedding_model: !ref <embedding_model>
    mean_var_norm_emb: !ref <mean_var_norm_emb>
    classifier: !ref <classifier>
label_encoder: !new:speechbrain.dataio.encoder.CategoricalEncoder
pretrainer: !new:speechbrain.utils.parameter_transfer.Pretrainer
    loadables:
        embedding_model: !ref <embedding_model>
        mean_var_norm_emb: !ref <mean_var_norm_emb>
        classifier: !ref <classifier>
        label_encoder: !ref <label_encoder>
    paths:
        embedding_model: !ref <pretrained_path>/embedding_model.ckpt
        mean_var_norm_emb: !ref <pretrained_path>/mean_var_norm_emb.ckpt
        classifier: !ref <pretrained_path>/classifier.ckpt
        label_encoder: !ref <pretrained_path>/label_encoder.txt
"""


@pytest.fixture(scope="session")
def hub_ecapa(tmp_path_factory):
    """An ECAPA-TDNN with random weights as speechbrain/spkrec-ecapa-voxceleb: 192 numbers."""
    from tts_toolkit.audio.torchaudio_stand_in import ensure_torchaudio

    ensure_torchaudio()
    from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN, Classifier

    folder = tmp_path_factory.mktemp("ecapa")
    torch.manual_seed(0)
    network = ECAPA_TDNN(20, lin_neurons=192, channels=[16, 16, 16, 16, 48], attention_channels=8, res2net_scale=4,
                         se_channels=8)  # fmt: skip
    torch.save(network.state_dict(), folder / "embedding_model.ckpt")
    torch.save(Classifier(192, out_neurons=3).state_dict(), folder / "classifier.ckpt")
    statistics = {"count": 1, "glob_mean": torch.zeros(192), "glob_std": torch.ones(192)}
    torch.save(statistics, folder / "mean_var_norm_emb.ckpt")
    (folder / "label_encoder.txt").write_text("'a' => 0\n'b' => 1\n'c' => 2\n" + "=" * 16 + "\n'starting_index' => 0\n")
    (folder / "hyperparams.yaml").write_text(ECAPA)
    add_to_hub("speechbrain/spkrec-ecapa-voxceleb", folder)
    return "speechbrain/spkrec-ecapa-voxceleb"


LETTERS = "abcdefghijklmnopqrstuvwxyz"


@pytest.fixture(scope="session")
def hub_whisper(tmp_path_factory):
    """A Whisper with random weights as openai/whisper-base.en: English only, and its words are letters."""
    from transformers import (
        AddedToken,
        GenerationConfig,
        WhisperConfig,
        WhisperFeatureExtractor,
        WhisperForConditionalGeneration,
        WhisperProcessor,
        WhisperTokenizer,
    )

    folder = tmp_path_factory.mktemp("whisper")
    words = [*LETTERS, "Ġ", *(f"Ġ{letter}" for letter in LETTERS)]
    marks = ["<|endoftext|>", "<|startoftranscript|>", "<|notimestamps|>"]
    marks += [f"<|{step * 0.02:.2f}|>" for step in range(1501)]
    ids = {word: id_ for id_, word in enumerate([*words, *marks])}
    end, start, no_times = (ids[mark] for mark in marks[:3])
    ends = dict.fromkeys(("unk_token", "bos_token", "eos_token", "pad_token"), "<|endoftext|>")
    tokenizer = WhisperTokenizer(vocab=ids, merges=[("Ġ", letter) for letter in LETTERS], **ends)
    tokenizer.add_tokens([AddedToken(mark, special=True) for mark in marks])
    torch.manual_seed(0)
    model = WhisperForConditionalGeneration(
        WhisperConfig(
            vocab_size=len(ids), d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
            decoder_attention_heads=2, encoder_ffn_dim=16, decoder_ffn_dim=16, max_target_positions=64,
            pad_token_id=end, bos_token_id=end, eos_token_id=end, decoder_start_token_id=start,
        )
    )  # fmt: skip
    model.model.decoder.embed_tokens.weight.data[: len(words)] *= 20  # letters rather than times are what it says
    model.generation_config = GenerationConfig(
        decoder_start_token_id=start, eos_token_id=end, bos_token_id=end, pad_token_id=end, max_length=24,
        no_timestamps_token_id=no_times, is_multilingual=False, return_timestamps=False, max_initial_timestamp_index=50,
    )  # fmt: skip
    model.save_pretrained(folder)
    WhisperProcessor(WhisperFeatureExtractor(), tokenizer).save_pretrained(str(folder))
    add_to_hub("openai/whisper-base.en", folder)
    return "openai/whisper-base.en"


def save_wav2vec2(folder, vocabulary, target_lang=None, **config):
    """Save a wav2vec 2.0 with random weights and its processor, and return the model."""
    from transformers import (
        Wav2Vec2Config,
        Wav2Vec2CTCTokenizer,
        Wav2Vec2FeatureExtractor,
        Wav2Vec2ForCTC,
        Wav2Vec2Processor,
    )

    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    tokenizer = Wav2Vec2CTCTokenizer(str(folder / "vocab.json"), target_lang=target_lang)
    torch.manual_seed(0)
    model = Wav2Vec2ForCTC(
        Wav2Vec2Config(
            vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
            intermediate_size=16, conv_dim=[8, 8], conv_stride=[16, 20], conv_kernel=[16, 20],
            num_feat_extract_layers=2, num_conv_pos_embeddings=8, num_conv_pos_embedding_groups=2, pad_token_id=0,
            **config,
        )
    )  # fmt: skip
    model.save_pretrained(folder)
    extractor = Wav2Vec2FeatureExtractor(return_attention_mask=False)
    Wav2Vec2Processor(extractor, tokenizer).save_pretrained(str(folder))
    return model


CTC_MARKS = {"<pad>": 0, "<s>": 1, "</s>": 2, "<unk>": 3, "|": 4}


@pytest.fixture(scope="session")
def hub_wav2vec2(tmp_path_factory):
    """A wav2vec 2.0 with random weights as facebook/wav2vec2-base-960h, in capitals."""
    folder = tmp_path_factory.mktemp("wav2vec2")
    save_wav2vec2(folder, {**CTC_MARKS, **{letter.upper(): 5 + n for n, letter in enumerate(LETTERS)}})
    add_to_hub("facebook/wav2vec2-base-960h", folder)
    return "facebook/wav2vec2-base-960h"


@pytest.fixture(scope="session")
def hub_mms_asr(tmp_path_factory):
    """An MMS recognizer with random weights as facebook/mms-1b-all: an adapter each for eng and deu."""
    from safetensors.torch import save_file

    folder = tmp_path_factory.mktemp("mms")
    vocabulary = {**CTC_MARKS, **{letter: 5 + n for n, letter in enumerate(LETTERS)}}
    shifted = {**CTC_MARKS, **{letter: 5 + n for n, letter in enumerate(LETTERS[::-1])}}
    nested = {"eng": vocabulary, "deu": shifted}
    model = save_wav2vec2(folder, nested, target_lang="eng", adapter_attn_dim=4)
    for language in nested:
        weights = {name: weight.data.contiguous() for name, weight in model._get_adapters().items()}
        save_file(weights, folder / f"adapter.{language}.safetensors")
    add_to_hub("facebook/mms-1b-all", folder)
    return "facebook/mms-1b-all"


SENTENCES = [
    "the cat sat on the mat", "a bird sang in the tree", "we walked to the old town", "she gave him a red book",
    "they saw a ship at sea", "he ran down the long hill", "snow fell on the roof", "the door was left open",
    "bring me a cup of tea", "the sun is warm today", "a dog barked all night", "the train was very late",
]  # fmt: skip


@pytest.fixture(scope="session")
def voice_folder(tmp_path_factory):
    """Twelve recordings of a tone that speaks, in AudioFolder layout with named splits."""
    folder = tmp_path_factory.mktemp("voice")
    rows = []
    for number, text in enumerate(SENTENCES):
        name = f"clip_{number:02d}.wav"
        soundfile.write(folder / name, tone(1.0 + 0.07 * number, hz=150 + 5 * number, seed=number), 16_000)
        split = "test" if number >= 10 else "dev" if number >= 8 else "train"
        rows.append({"file_name": name, "text": text, "speaker": "tone", "split": split})
    (folder / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


@pytest.fixture(scope="session")
def hub_vits(tmp_path_factory):
    """A VITS with random weights as facebook/mms-tts-eng: letters, a few digits, and the blank as id 0."""
    from transformers import VitsConfig, VitsModel, VitsTokenizer

    folder = tmp_path_factory.mktemp("vits")
    characters = "k'zyudheswcp-jmi florbangxvtq_0"
    (folder / "vocab.json").write_text(json.dumps({char: index for index, char in enumerate(characters)}))
    tokenizer = VitsTokenizer(
        str(folder / "vocab.json"), language="eng", phonemize=False, is_uroman=False, pad_token="k", unk_token=None
    )
    torch.manual_seed(0)
    sizes = dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, ffn_dim=32, flow_size=16,
        spectrogram_bins=33, upsample_initial_channel=16, upsample_rates=[8, 8, 2, 2],
        upsample_kernel_sizes=[16, 16, 4, 4], resblock_kernel_sizes=[3], resblock_dilation_sizes=[[1, 3]],
        prior_encoder_num_flows=2, prior_encoder_num_wavenet_layers=1, posterior_encoder_num_wavenet_layers=1,
        duration_predictor_num_flows=2, duration_predictor_filter_channels=16, depth_separable_num_layers=1)  # fmt: skip
    model = VitsModel(VitsConfig(vocab_size=len(characters), num_speakers=1, **sizes))
    model.decoder.conv_post.weight.data.mul_(0.03)  # as drawn everything is clipped, and rounding is magnified
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    add_to_hub("facebook/mms-tts-eng", folder)
    return folder


@pytest.fixture(scope="session")
def hub_bark(tmp_path_factory):
    """A Bark with random weights and two voice presets as suno/bark-small, sampling as the real one does."""
    from transformers import BarkConfig, BarkModel, BarkProcessor, BertTokenizer, EncodecConfig, GenerationConfig
    from transformers.models.bark import generation_configuration_bark as settings

    folder = tmp_path_factory.mktemp("bark")
    letters = "abcdefghijklmnopqrstuvwxyz"
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *".,!?'[]♪", *(f"##{c}" for c in letters)]
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    tokenizer = BertTokenizer(vocab=str(folder / "vocab.txt"))
    # As in Bark: semantic ids, their padding, then shifted text ids, text padding and the mark to start.
    n_codes, n_semantic = 16, 20
    text_offset = n_semantic + 2
    text_pad = text_offset + len(vocabulary)
    n_coarse = n_semantic + 2 * n_codes
    sizes = dict(hidden_size=16, num_layers=2, num_heads=2, block_size=1024, dropout=0.0)
    torch.manual_seed(0)
    model = BarkModel(
        BarkConfig(
            semantic_config=dict(input_vocab_size=text_pad + 2, output_vocab_size=n_semantic + 1, **sizes),
            coarse_acoustics_config=dict(input_vocab_size=n_coarse + 2, output_vocab_size=n_coarse + 2, **sizes),
            fine_acoustics_config=dict(
                input_vocab_size=n_codes + 1, output_vocab_size=n_codes + 1, n_codes_total=4, n_codes_given=1, **sizes
            ),
            codec_config=EncodecConfig(
                sampling_rate=24_000, hidden_size=16, num_filters=4, codebook_size=n_codes, codebook_dim=16,
                upsampling_ratios=[8, 5, 4, 2], num_residual_layers=1, num_lstm_layers=1, target_bandwidths=[1.2],
            ).to_dict(),
        )
    )  # fmt: skip
    generation = settings.BarkGenerationConfig.from_sub_model_configs(
        settings.BarkSemanticGenerationConfig(
            eos_token_id=n_semantic, text_encoding_offset=text_offset, text_pad_token=text_pad,
            semantic_infer_token=text_pad + 1, semantic_vocab_size=n_semantic, max_input_semantic_length=256,
            max_new_tokens=24, do_sample=True,
        ),
        settings.BarkCoarseGenerationConfig(
            coarse_semantic_pad_token=n_coarse, coarse_infer_token=n_coarse + 1, n_coarse_codebooks=2,
            max_coarse_input_length=16, max_coarse_history=24, sliding_window_len=12, do_sample=True,
        ),
        settings.BarkFineGenerationConfig(
            temperature=0.5, max_fine_history_length=16, max_fine_input_length=32, n_fine_codebooks=4
        ),
        codebook_size=n_codes,
    )  # fmt: skip
    model.generation_config = GenerationConfig(**generation.to_dict())
    for stage in (model.semantic, model.coarse_acoustics, model.fine_acoustics):
        for parameter in stage.parameters():
            if parameter.ndim > 1:
                parameter.data.mul_(15)  # as drawn they are too weak for what is heard to depend on what came before
    for name, buffer in model.codec_model.named_buffers():
        if name.endswith("codebook.embed"):
            buffer.normal_()  # zeros as built, which would make every code sound alike
    draw = np.random.default_rng(0)
    presets = {"repo_or_path": str(folder)}
    (folder / "speaker_embeddings" / "v2").mkdir(parents=True)
    for name in ("v2/en_speaker_2", "v2/en_speaker_3", "v2/en_speaker_6", "v2/fr_speaker_1"):
        arrays = {
            "semantic_prompt": draw.integers(0, n_semantic, 12),
            "coarse_prompt": draw.integers(0, n_codes, (2, 18)),
            "fine_prompt": draw.integers(0, n_codes, (4, 18)),
        }
        presets[name] = {part: f"speaker_embeddings/{name}_{part}.npy" for part in arrays}
        for part, values in arrays.items():
            np.save(folder / presets[name][part], values.astype(np.int64))
    model.save_pretrained(folder)
    BarkProcessor(tokenizer=tokenizer, speaker_embeddings=presets).save_pretrained(str(folder))
    add_to_hub("suno/bark-small", folder)
    return folder


@pytest.fixture(scope="session")
def hub_arctic(tmp_path_factory):
    """Matthijs/cmu-arctic-xvectors: the archive of x-vectors that its script read, 7 voices of 1,132 utterances."""
    import io
    import zipfile

    folder = tmp_path_factory.mktemp("arctic")
    draw = np.random.default_rng(0)
    with zipfile.ZipFile(folder / "spkrec-xvect.zip", "w") as archive:
        for speaker in ("slt", "awb", "bdl", "clb", "jmk", "ksp", "rms"):  # in no order
            for number in range(1132, 0, -1):
                buffer = io.BytesIO()
                np.save(buffer, draw.standard_normal(512, dtype=np.float32))
                name = f"cmu_us_{speaker}_arctic-wav-arctic_a{number:04d}.npy"
                archive.writestr(f"spkrec-xvect/{name}", buffer.getvalue())
    add_to_hub("Matthijs/cmu-arctic-xvectors", folder, kind="datasets")
    return folder


@pytest.fixture(scope="session")
def hub_server(tiny_speecht5_dir, tiny_hifigan_dir, hub_vits, hub_bark, hub_xvector, hub_arctic, hub_whisper):
    """A hub on loopback that holds what users load, in the layouts that the published repositories have."""
    from hub_repositories import fill
    from hub_server import Hub, serve

    def cached(repo, kind="models"):
        return HUB / "hub" / f"{kind}--{repo.replace('/', '--')}" / "snapshots" / REVISION

    xvector, whisper = cached(hub_xvector), cached(hub_whisper)
    own = (tiny_speecht5_dir, tiny_hifigan_dir, hub_vits, hub_bark, xvector, hub_arctic, whisper)
    server = serve(fill(Hub(), *own))
    yield server
    server.shutdown()


def as_a_user(server, home):
    """Return the environment of somebody whose hub is this one, whose cache is `home`, and who set nothing else."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "TRANSFORMERS_"))}
    kept = {name: value for name, value in kept.items() if not name.lower().endswith("_proxy")}
    return kept | {"HF_ENDPOINT": server.url, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1"}


def run(script, *arguments, cwd, launcher=(), check=True, **environment):
    """Run a recipe of the checkout from `cwd`, as a user would."""
    command = [*launcher, str(CHECKOUT / script)] if launcher else [sys.executable, str(CHECKOUT / script)]
    done = subprocess.run(
        [*command, *arguments], cwd=cwd, capture_output=True, text=True, timeout=280, env={**os.environ, **environment}
    )
    if check:
        assert done.returncode == 0, done.stderr[-3000:]
    return done


@pytest.fixture(scope="session")
def hub(tiny_speecht5_dir, tiny_hifigan_dir, hub_xvector):
    """What a user's hub cache holds, under the real ids."""


@pytest.fixture(autouse=True)
def nothing_happened_yet():
    """The fakes remember calls of one test only."""
    CALLS.clear()
    HEARD.clear()


@pytest.fixture
def recordings(tmp_path):
    """Prompts with references: two voices, four recordings each, called by the prompts' ids."""
    prompts = []
    for n in range(8):
        text = TEXTS[n % 5]
        speaker, level = ("low", 0.1) if n < 4 else ("high", 0.9)
        file = tmp_path / "natural" / speaker / f"r{n}.wav"
        file.parent.mkdir(parents=True, exist_ok=True)
        write_wav(file, np.full(16_000, level + 0.004 * (n % 4), dtype=np.float32))
        prompts.append(Prompt(f"r{n}", text))
    return with_recordings(prompts, tmp_path / "natural")
