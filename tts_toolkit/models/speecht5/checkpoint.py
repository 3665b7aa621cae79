"""SpeechT5 for text to speech: loaded from a hub id or a folder, or built small from scratch."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tts_toolkit.audio.torchaudio_stand_in import ensure_torchaudio
from tts_toolkit.hub.loading import checkpoint_file, checkpoint_folder, load_folder, model_config
from tts_toolkit.system.errors import UserError, first_line
from tts_toolkit.system.files import read_text

if TYPE_CHECKING:
    from transformers import SpeechT5ForTextToSpeech, SpeechT5Processor

TEXT_TO_SPEECH = "SpeechT5ForTextToSpeech"
SETTINGS_FILE = "tts_toolkit.json"
OWN_VOCODER = "./vocoder"  # in the settings: the folder of that name in the checkpoint
SCRATCH = "scratch"  # the name of a model that was built, not loaded
MINI_CHARACTERS = "abcdefghijklmnopqrstuvwxyz'-,.;:?!"


@dataclass(frozen=True)
class SpeechSettings:
    """Settings of a checkpoint beyond its weights; stored as `tts_toolkit.json` in its folder."""

    vocoder: str = "microsoft/speecht5_hifigan"  # hub id, folder, built-in name, griffin_lim, or ./vocoder: its own
    encoder: str = "speechbrain/spkrec-xvect-voxceleb"  # of the speaker embeddings it was trained on
    language: str = "en"  # whose normalizer prepares its texts
    max_characters: int = 200  # of a normalized text that it synthesizes at once; longer texts are cut at sentences


@dataclass(frozen=True)
class SpeechT5:
    """A model with its processor, its settings, and their source."""

    model: SpeechT5ForTextToSpeech
    processor: SpeechT5Processor
    settings: SpeechSettings
    name: str
    revision: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)  # further arguments of load_speecht5

    @property
    def is_checkpoint(self) -> bool:
        """Whether it was loaded, and not built from scratch."""
        return self.name != SCRATCH


def load_speecht5(
    source: str, revision: str | None = None, speaker_embedding_dim: int | None = None, **config: Any
) -> SpeechT5:
    """Return the checkpoint of a hub id, a folder or a built-in name; `config` values replace those of its own.

    A `speaker_embedding_dim` other than the checkpoint's (192 for ECAPA) initializes the speaker input weights again
    and keeps all others. Layer drop is off unless configured: it leaves parameters without gradient, which stops
    distributed training. Raises UserError when there is no such checkpoint, or when it is of another model.
    """
    ensure_torchaudio()
    from transformers import SpeechT5ForTextToSpeech, SpeechT5Processor

    _check_architecture(source, revision)
    folder, named = checkpoint_folder(source, revision), f"model {source!r}"
    overrides = {"encoder_layerdrop": 0.0, "decoder_layerdrop": 0.0, **config}
    model = load_folder(SpeechT5ForTextToSpeech, folder, named, dtype="float32", **overrides)
    if speaker_embedding_dim not in (None, model.config.speaker_embedding_dim):
        _resize_speaker_input(model, speaker_embedding_dim)
    processor = load_folder(SpeechT5Processor, folder, named)
    options = {**config, **({"speaker_embedding_dim": speaker_embedding_dim} if speaker_embedding_dim else {})}
    return SpeechT5(model, processor, speech_settings(source, revision), source, revision, options)


def _check_architecture(source: str, revision: str | None) -> None:
    """Raise UserError for a checkpoint of another model, before its weights are fetched."""
    try:
        found = model_config(source, revision)
    except UserError as error:
        raise UserError(f"{error}; or take speecht5-mini, which is built in") from error
    architectures = found.get("architectures") or [TEXT_TO_SPEECH]
    if found["model_type"] != "speecht5" or architectures != [TEXT_TO_SPEECH]:
        kinds = architectures if found.get("architectures") else [found["model_type"]]
        raise UserError(
            f"model {source!r} is a {'/'.join(map(str, kinds))}; allowed is a "
            f"{TEXT_TO_SPEECH}, such as microsoft/speecht5_tts or speecht5-mini"
        )


def _resize_speaker_input(model: Any, dim: int) -> None:
    """Replace the speaker columns of the layer over (hidden, speaker), initialized like SpeechT5's linear weights."""
    import torch

    prenet, hidden = model.speecht5.decoder.prenet, model.config.hidden_size
    old = prenet.speaker_embeds_layer
    new = torch.nn.Linear(hidden + dim, hidden)
    with torch.no_grad():
        new.weight.normal_(0.0, model.config.initializer_range)
        new.weight[:, :hidden] = old.weight[:, :hidden]
        new.bias.copy_(old.bias)
    prenet.speaker_embeds_layer = new
    model.config.speaker_embedding_dim = dim


def speech_settings(source: str, revision: str | None = None) -> SpeechSettings:
    """Return the settings that a checkpoint holds, or those of microsoft/speecht5_tts where it holds none.

    Raises UserError when they are malformed, when there is no such checkpoint, and when the hub does not say whether it
    has any: another vocoder and encoder than the model's would be used silently.
    """
    file = checkpoint_file(source, SETTINGS_FILE, revision)
    if file is None:
        return SpeechSettings()
    try:
        settings = SpeechSettings(**_settings(json.loads(read_text(file))))
    except (ValueError, TypeError, RecursionError) as error:
        known = ", ".join(f"{item.name} ({item.type})" for item in fields(SpeechSettings))
        raise UserError(f"{file}: is not one object of settings ({first_line(error)}); allowed are {known}") from None
    return _with_own_vocoder(settings, source, revision)


def _with_own_vocoder(settings: SpeechSettings, source: str, revision: str | None) -> SpeechSettings:
    """Return the settings with the path of the checkpoint's own vocoder, where they name one."""
    if settings.vocoder != OWN_VOCODER:
        return settings
    folder = Path(OWN_VOCODER).name
    files = [checkpoint_file(source, f"{folder}/{name}", revision) for name in ("config.json", "model.safetensors")]
    if files[0] is None or files[1] is None:
        raise UserError(f"model {source!r}: lacks the {folder}/ that its {SETTINGS_FILE} names; export it again")
    return replace(settings, vocoder=str(files[0].parent))


def _settings(found: Any) -> dict[str, Any]:
    """Return the settings of a file; raises ValueError for a value that is not of its field's type."""
    if not isinstance(found, dict):
        raise ValueError(f"found {found!r}")
    for known in fields(SpeechSettings):
        if known.name in found and type(found[known.name]).__name__ != known.type:
            raise ValueError(f"{known.name} is {found[known.name]!r}")
    return found


def build_speecht5(
    settings: SpeechSettings, characters: str = MINI_CHARACTERS, seed: int = 0, **config: Any
) -> SpeechT5:
    """Return a SpeechT5 with random weights, a case-folding character tokenizer and the given SpeechT5Config values."""
    ensure_torchaudio()
    from transformers import (
        SpeechT5Config,
        SpeechT5FeatureExtractor,
        SpeechT5ForTextToSpeech,
        SpeechT5Processor,
        set_seed,
    )

    tokenizer = build_tokenizer(characters, int(config["max_text_positions"]))
    set_seed(seed)
    model = SpeechT5ForTextToSpeech(SpeechT5Config(vocab_size=len(tokenizer), **config))
    return SpeechT5(model, SpeechT5Processor(SpeechT5FeatureExtractor(), tokenizer), settings, SCRATCH)


def build_tokenizer(characters: Sequence[str], max_length: int) -> Any:
    """Return a SpeechT5Tokenizer of these characters, laid out as microsoft/speecht5_tts lays out its own.

    `<s>` 0, `<pad>` 1, `</s>` 2, `<unk>` 3, the word mark, the characters, `<mask>`, `<ctc_blank>`. SentencePiece
    folds case and compatibility forms before it looks characters up (rule nmt_nfkc_cf).
    """
    import sentencepiece
    from transformers import SpeechT5Tokenizer

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "spm_char.model"
        with file.open("wb") as writer:
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=iter([" ".join(characters)] * 10),
                model_writer=writer,
                model_type="char",
                vocab_size=len(characters) + 5,
                hard_vocab_limit=False,
                character_coverage=1.0,
                required_chars="".join(characters),
                bos_id=0,
                pad_id=1,
                eos_id=2,
                unk_id=3,
                pad_piece="<pad>",
                normalization_rule_name="nmt_nfkc_cf",
                add_dummy_prefix=True,
                minloglevel=2,
            )
        tokenizer = SpeechT5Tokenizer(str(file), model_max_length=max_length)
    tokenizer.add_tokens(["<mask>", "<ctc_blank>"], special_tokens=True)
    return tokenizer
