"""The small models of the tests in the layouts that the published repositories have, which no current library writes."""

import io
import json
from pathlib import Path

import numpy as np

PREPROCESSOR = {
    "do_normalize": False, "feature_extractor_type": "SpeechT5FeatureExtractor", "feature_size": 1, "fmax": 7600,
    "fmin": 80, "frame_signal_scale": 1.0, "hop_length": 16, "mel_floor": 1e-10, "num_mel_bins": 80,
    "padding_side": "right", "padding_value": 0.0, "processor_class": "SpeechT5Processor", "reduction_factor": 2,
    "return_attention_mask": True, "sampling_rate": 16000, "win_function": "hann_window", "win_length": 64,
}  # fmt: skip
BARK_LANGUAGES = ("de", "en", "es", "fr", "hi", "it", "ja", "ko", "pl", "pt", "ru", "tr", "zh")


def files_of(folder):
    return {f.relative_to(folder).as_posix(): f.read_bytes() for f in sorted(Path(folder).rglob("*")) if f.is_file()}


def edited(files, name, **values):
    """Replace values in a JSON file; None takes one out."""
    found = json.loads(files[name]) | values
    files[name] = json.dumps({key: value for key, value in found.items() if value is not None}).encode()


def as_bin(files, more=None, rename=lambda name: name):
    """Turn model.safetensors into the pytorch_model.bin of older days."""
    import torch
    from safetensors.torch import load

    state = {rename(name): weight for name, weight in load(files.pop("model.safetensors")).items()} | (more or {})
    buffer = io.BytesIO()
    torch.save(state, buffer)
    files["pytorch_model.bin"] = buffer.getvalue()


def speecht5(folder):
    """microsoft/speecht5_tts: weights as .bin, with their table of positions; no processor_config.json."""
    import torch

    files = files_of(folder)
    del files["processor_config.json"]
    files.pop("generation_config.json", None)
    files["preprocessor_config.json"] = json.dumps(PREPROCESSOR).encode()
    files["README.md"] = b"---\nlicense: mit\n---\n# SpeechT5\n"
    tables = {f"speecht5.{side}.prenet.encode_positions.pe": torch.zeros(1, 120, 32) for side in ("encoder", "decoder")}
    as_bin(files, tables)
    edited(files, "config.json", transformers_version="4.26.0.dev0", dtype=None, torch_dtype="float32")
    return files


def hifigan(folder):
    """microsoft/speecht5_hifigan: `hifigan` as its type."""
    files = files_of(folder)
    as_bin(files)
    edited(files, "config.json", model_type="hifigan", transformers_version="4.26.0.dev0")
    return files


def vits(folder):
    """facebook/mms-tts-eng: `<unk>` beside vocab.json, and weight norm by its old names."""
    files = files_of(folder)
    n_letters = len(json.loads(files["vocab.json"]))
    edited(files, "tokenizer_config.json", unk_token="<unk>")
    files["added_tokens.json"] = json.dumps({"<unk>": n_letters}).encode()
    from safetensors.torch import load, save

    old = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}
    state = load(files["model.safetensors"])
    for new, name in old.items():
        state = {key.replace(new, name): weight for key, weight in state.items()}
    files["model.safetensors"] = save(state, {"format": "pt"})
    return files


def bark(folder):
    """suno/bark-small: 260 numbered voices and the announcer, in files of their own, of another repository by name."""
    files = files_of(folder)
    parts = ("semantic_prompt", "coarse_prompt", "fine_prompt")
    known = {part: files[f"speaker_embeddings/v2/en_speaker_6_{part}.npy"] for part in parts}
    files = {name: data for name, data in files.items() if not name.startswith("speaker_embeddings/")}
    numbered = [f"{v}{lang}_speaker_{n}" for v in ("v2/", "") for lang in BARK_LANGUAGES for n in range(10)]
    presets = {"repo_or_path": "ylacombe/bark-small"}
    for name in [*numbered, "announcer"]:
        presets[name] = {part: f"speaker_embeddings/{name}_{part}.npy" for part in parts}
        files |= {f"speaker_embeddings/{name}_{part}.npy": known[part] for part in parts}
    files["speaker_embeddings_path.json"] = json.dumps(presets).encode()
    as_bin(files)
    return files


def another_bark(files, voice):
    """A Bark whose list names a voice that has no files, and one whose files are damaged."""
    presets = json.loads(files["speaker_embeddings_path.json"])
    presets["missing"] = {part: f"speaker_embeddings/missing_{part}.npy" for part in presets[voice]}
    presets["damaged"] = {**presets[voice], "fine_prompt": "speaker_embeddings/damaged.npy"}
    presets["outside"] = {**presets[voice], "fine_prompt": "../../outside.npy"}
    return {
        **files,
        "speaker_embeddings_path.json": json.dumps(presets).encode(),
        "speaker_embeddings/damaged.npy": b"x",
    }


def npy(values):
    buffer = io.BytesIO()
    np.save(buffer, values)
    return buffer.getvalue()


def fill(hub, speecht5_dir, hifigan_dir, vits_dir, bark_dir, xvector_dir, arctic_dir, whisper_dir):
    """Add what users load from the hub, and what is wrong with some of it."""
    hub.tokens |= {"hf_good": {"role": "write", "gated": True}, "hf_reader": {"role": "read"}}
    tts = speecht5(speecht5_dir)
    hub.add("microsoft/speecht5_tts", {**tts, "README.md": b"an older card"}, revision="v1")
    hub.add("microsoft/speecht5_tts", tts)
    hub.add("microsoft/speecht5_hifigan", hifigan(hifigan_dir))
    hub.add("facebook/mms-tts-eng", vits(vits_dir))
    presets = bark(bark_dir)
    hub.add("suno/bark-small", presets)
    hub.add("user/broken-bark", another_bark(presets, "v2/en_speaker_6"))
    encoder = files_of(xvector_dir) | {"example1.wav": b"RIFF", "README.md": b"# x-vectors"}
    hub.add("speechbrain/spkrec-xvect-voxceleb", encoder)
    hub.add(
        "Matthijs/cmu-arctic-xvectors",
        files_of(arctic_dir) | {"cmu-arctic-xvectors.py": b"raise SystemExit"},
        "datasets",
    )
    hub.add("openai/whisper-base.en", files_of(whisper_dir))
    hub.add("user/large", {"large.bin": bytes(range(256)) * 50_000})
    hub.add("user/gated", tts, gated=True)
    hub.add("user/private", tts, private=True)
    hub.moved["old/speecht5_tts"] = "microsoft/speecht5_tts"
    hub.add("user/page", {**tts, "config.json": b"<!DOCTYPE html><title>Log in</title>"})
    hub.add("user/code", {**tts, **code_of_its_own(tts)})
    listing = b"1|hello|p.wav|hello there\n"
    hub.add("user/seed-tts", {"en/meta.lst": listing, "en/prompt-wavs/p.wav": b"RIFF", "zh/meta.lst": b"x"}, "datasets")
    return hub


def code_of_its_own(files):
    """A type that no library knows, whose code would have to be run."""
    config = json.loads(files["config.json"]) | {
        "model_type": "own", "architectures": ["Own"], "auto_map": {"AutoConfig": "own.Own", "AutoModel": "own.Own"},
    }  # fmt: skip
    return {"config.json": json.dumps(config).encode(), "own.py": b"raise SystemExit('run')"}


# Datasets.

WORDS = ["the cat sat on the mat", "a bird sang in the tree", "we walked to the old town", "she gave him a red book",
         "they saw a ship at sea", "he ran down the long hill", "snow fell on the roof", "the door was left open",
         "bring me a cup of tea", "the sun is warm today", "a dog barked all night", "the train was very late"]  # fmt: skip
COMMON_VOICE = ("client_id", "path", "audio", "sentence", "up_votes", "down_votes", "age", "gender", "accent", "locale",
                "segment")  # fmt: skip


def sound(number, seconds=1.2, format_="WAV"):
    import soundfile
    from conftest import tone

    buffer = io.BytesIO()
    waveform = tone(seconds + 0.05 * number, hz=140 + 12 * (number % 2), seed=number)
    soundfile.write(buffer, waveform, 16_000, format=format_)
    return buffer.getvalue()


def parquet(columns):
    import pyarrow
    import pyarrow.parquet

    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), buffer)
    return buffer.getvalue()


def audio_table(numbers, **columns):
    """A shard as `datasets` uploads it: sound inside, and the name that it had."""
    return parquet({"audio": [{"bytes": sound(n), "path": f"{n:03d}.wav"} for n in numbers], **columns})


def fill_with_datasets(hub):
    """Add recordings in each form that datasets on a hub have."""
    half, numbers = len(WORDS) // 2, range(len(WORDS))
    speakers = ["anna", "ben"] * half
    configs = b"""---
license: cc0-1.0
configs:
- config_name: en
  default: true
  data_files:
  - split: train
    path: en/train-*
- config_name: fr
  data_files:
  - split: train
    path: fr/train-*
---
# Two configurations
"""
    shards = {
        f"en/train-{part:05d}-of-00002.parquet": audio_table(
            numbers[start : start + half], text=WORDS[start : start + half], speaker_id=speakers[start : start + half]
        )
        for part, start in enumerate((0, half))
    }
    french = {"fr/train-00000-of-00001.parquet": audio_table([0], text=["bonjour"], speaker_id=["cleo"])}
    hub.add("user/parquet", {"README.md": configs, **shards, **french}, "datasets")
    rows = "".join(f"clips/{n}.wav,{WORDS[n]},{speakers[n]}\n" for n in numbers)
    clips = {f"clips/{n}.wav": sound(n) for n in numbers}
    hub.add("user/audiofolder", {"metadata.csv": f"file_name,text,speaker\n{rows}".encode(), **clips}, "datasets")
    converted = {"main/train/0000.parquet": audio_table(numbers, text=WORDS, normalized_text=WORDS)}
    hub.add("user/script", {"script.py": b"raise SystemExit('run')", "README.md": b"# LJ"}, "datasets")
    hub.add("user/script", converted, "datasets", "refs/convert/parquet")
    hub.add("user/script-alone", {"script-alone.py": b"raise SystemExit('run')"}, "datasets")
    n = len(WORDS)
    plain = {"path": [f"common_voice_en_{i}.mp3" for i in numbers], "sentence": WORDS, "up_votes": [2] * n,
             "down_votes": [0] * n, "age": [""] * n, "gender": [""] * n, "accent": [""] * n, "locale": ["en"] * n,
             "segment": [""] * n, "client_id": [f"{i % 3:x}" * 128 for i in numbers]}  # fmt: skip
    hub.add("user/common-voice", {"en/train-00000-of-00001.parquet": audio_table(numbers, **plain)}, "datasets")
    hub.add("user/no-speaker", {"train.parquet": audio_table(numbers, text=WORDS)}, "datasets")
    texts = [text if number != 3 else "" for number, text in enumerate(WORDS)]
    hub.add("user/empty-text", {"train.parquet": audio_table(numbers, text=texts, speaker=speakers)}, "datasets")
    hub.add("user/gated-set", {"train.parquet": audio_table(numbers, text=WORDS)}, "datasets", gated=True)
    return hub
