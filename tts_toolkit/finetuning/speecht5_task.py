"""SpeechT5 as a trainable model."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tts_toolkit.assets import asset_path
from tts_toolkit.data.clips import Clip
from tts_toolkit.data.features import ClipLimits, keep_log_mel
from tts_toolkit.finetuning.export import stored_state
from tts_toolkit.finetuning.speecht5_examples import (
    Conditioner,
    SpeechT5Example,
    SpeechT5Examples,
    cards_of,
    check_lengths,
    examples_of,
)
from tts_toolkit.finetuning.tasks import AudioFormat, Tensors
from tts_toolkit.hub.loading import load_folder
from tts_toolkit.models.base import Speech, SynthesisRequest, Synthesizer
from tts_toolkit.models.speecht5.checkpoint import OWN_VOCODER, SETTINGS_FILE, SpeechSettings, SpeechT5
from tts_toolkit.models.speecht5.generation import Decoding
from tts_toolkit.models.speecht5.loss import fuse
from tts_toolkit.models.speecht5.pipeline import SpeechT5Pipeline, front_end
from tts_toolkit.models.speecht5.scheduled_sampling import ScheduledSampling
from tts_toolkit.models.speecht5.synthesizer import SpeechT5Synthesizer
from tts_toolkit.models.speecht5.vocabulary import with_new_letters
from tts_toolkit.models.vocoders import GriffinLim, open_vocoder
from tts_toolkit.nn.plain_modules import check_plain
from tts_toolkit.speakers.conditioning import Conditioning
from tts_toolkit.speakers.embedding_files import FILE_NAME, EmbeddingCard, save_embeddings
from tts_toolkit.speakers.encoders import SpeakerEncoder
from tts_toolkit.system.errors import UserError
from tts_toolkit.system.files import write_whole
from tts_toolkit.text.frontend import TextFrontEnd

log = logging.getLogger(__name__)
MAX_CHARACTERS = 300  # synthesized at once: autoregressive speech goes astray on longer texts


@dataclass(eq=False)
class SpeechT5Task:
    """SpeechT5 on log-mels, conditioned on speaker embeddings, with teacher forcing or scheduled sampling."""

    open_base_model: Callable[[], SpeechT5]
    open_encoder: Callable[[], SpeakerEncoder] | None = None  # needed by `prepare` only
    language: str | None = None  # of the transcripts; None: that of the base model
    conditioning: Conditioning = "speaker_mean"
    max_embedded_clips: int | None = None  # per speaker
    vocoder: str | None = None  # None: the one that belongs to the base model
    decoding: Decoding = field(default_factory=Decoding)
    scheduled_sampling: ScheduledSampling = ScheduledSampling()  # noqa: RUF009  frozen
    gradient_checkpointing: bool = False
    batch_size: int = 16  # of synthesis

    architecture = "SpeechT5"
    audio = AudioFormat()
    dev_metrics = ("diagonality",)

    def __post_init__(self) -> None:
        self._embeddings: Mapping[str, np.ndarray] = {}  # (dim,) per speaker
        self._cards: list[EmbeddingCard] = []  # of the trained voices

    @cached_property
    def speech(self) -> SpeechT5:
        """The model in training, with its processor and settings."""
        opened = self.open_base_model()
        settings = replace(opened.settings, language=self.language or opened.settings.language)
        return replace(opened, settings=settings)

    @cached_property
    def _encoder(self) -> SpeakerEncoder:
        if self.open_encoder is None:
            raise UserError("encoder=null: SpeechT5 is conditioned on speaker embeddings; choose an encoder")
        return self.open_encoder()

    def parts(self) -> Mapping[str, Callable[[], object]]:
        """The base model and the vocoder."""
        return {"base_model": lambda: self.speech, "vocoder": lambda: self._vocoder.n_parameters}

    @property
    def front_end(self) -> TextFrontEnd:
        """The front end from transcripts to tokens."""
        return front_end(self.speech, self.speech.settings.language)

    def extend_vocabulary(self, transcripts: Iterable[str]) -> None:
        """Add the letters that the tokenizer does not know, each with the embedding of the nearest letter."""
        self.speech, letters = with_new_letters(self.speech, transcripts, self.front_end)
        log.info("new letters: %s", letters)

    def keep(self, clip: Clip, waveform: np.ndarray, limits: ClipLimits, cache_dir: Path) -> None:
        """Cache the log-mel of a clip."""
        keep_log_mel(clip, waveform, limits, cache_dir)

    def prepare(
        self, clips: Mapping[str, Sequence[Clip]], limits: ClipLimits, cache_dir: Path, pad_to_multiple_of: int = 1
    ) -> dict[str, list[SpeechT5Example]]:
        """The examples of the train and the dev clips; log-mels and speaker embeddings are cached.

        Also fixes the settings that the model is exported with, so that it is evaluated as it will be used.
        """
        config = self.speech.model.config
        conditioner = Conditioner(self._encoder, self.conditioning, self.max_embedded_clips)
        conditions = conditioner.conditions(clips, limits, cache_dir, config.speaker_embedding_dim)
        examples = examples_of(clips, conditions, self.front_end, limits, cache_dir)
        for part, of_part in examples.items():
            check_lengths(of_part, clips[part], config, pad_to_multiple_of)
        self._embeddings = conditions.voices
        self._cards = cards_of(conditions.embedded, self._encoder, examples["train"], self.conditioning)
        longest = max(len(clip.transcript) for clip in clips["train"])
        settings = exported_settings(self.speech.settings, self.vocoder, self._encoder.name, longest)
        self.speech = replace(self.speech, settings=settings)
        return examples

    def training_set(self, examples: Sequence[Any]) -> SpeechT5Examples:
        """Tokens, log-mels and speaker embeddings."""
        pad_token_id = self.speech.processor.tokenizer.pad_token_id
        return SpeechT5Examples(examples, self.model.config.reduction_factor, pad_token_id)

    @property
    def model(self) -> Any:
        """SpeechT5ForTextToSpeech."""
        return self.speech.model

    @contextmanager
    def training(self) -> Iterator[None]:
        """Context with the fast loss, and with gradient checkpointing if asked for."""
        fuse(self.model)
        if self.gradient_checkpointing:
            self.model.activation_checkpointing_enable()
        yield
        if self.gradient_checkpointing:  # its hook on the embeddings must not be exported
            self.model.activation_checkpointing_disable()
            self.model.disable_input_require_grads()

    def parameter_groups(self) -> list[list[torch.nn.Parameter]]:
        """All parameters that are not frozen, for one optimizer."""
        return [[parameter for parameter in self.model.parameters() if parameter.requires_grad]]

    def losses(self, model: torch.nn.Module, batch: Tensors) -> Iterator[Tensors]:
        """Yield SpeechT5's loss: spectrogram L1, stop token and guided attention."""
        yield {"loss": model(**self.scheduled_sampling(batch, model=self.model), use_cache=False).loss}

    def dev_loss(self, model: torch.nn.Module, batch: Tensors) -> torch.Tensor:
        """The same loss with teacher forcing."""
        loss: torch.Tensor = model(**batch, use_cache=False).loss
        return loss

    @cached_property
    def _vocoder(self) -> Any:
        opened = vars(self).get("speech")  # the base model may be what cannot be opened
        settings = opened.settings if opened else SpeechSettings()
        return open_vocoder(self.vocoder or settings.vocoder)

    def synthesize(self, requests: Sequence[SynthesisRequest]) -> list[Speech]:
        """The speech of requests, whose voices are names of speakers, with log-mels and attention."""
        pipeline = SpeechT5Pipeline(self.speech, self._vocoder, self.decoding, self.batch_size)
        embeddings = np.stack([self._embeddings[request.voice or ""] for request in requests])
        texts, seeds = [request.text for request in requests], [request.seed for request in requests]
        return [u.speech() for u in pipeline.synthesize(texts, embeddings, seeds, keep_attention=True)]

    def dev_metrics_of(self, speeches: Sequence[Speech]) -> list[dict[str, float]]:
        """The diagonality of the attention."""
        return [{"diagonality": diagonality(speech.attentions)} for speech in speeches]

    @property
    def voices(self) -> list[str]:
        """The names of the trained voices."""
        return [card.speaker for card in self._cards]

    def save(self, folder: Path, half_precision: bool = False) -> None:
        """Write a folder that stock transformers loads: model, processor, voices and settings, and its own vocoder."""
        save_speecht5(self.speech, folder, half_precision)
        save_embeddings(folder / FILE_NAME, {name: self._embeddings[name] for name in self.voices}, self._cards)

    def synthesizer(self, folder: Path) -> Synthesizer:
        """The saved model with the vocoder that its settings name."""
        return SpeechT5Synthesizer(str(folder), decoding=self.decoding, language=self.speech.settings.language)

    def base_synthesizer(self) -> Synthesizer | None:
        """The base model with the same vocoder as the fine-tuned one."""
        if not self.speech.is_checkpoint:
            return None
        return SpeechT5Synthesizer(
            self.speech.name,
            self.speech.revision,
            vocoder=self.vocoder,
            decoding=self.decoding,
            language=self.speech.settings.language,
            model_options=self.speech.options,
        )

    def save_voices(self, folder: Path) -> None:
        """Write the embeddings of all speakers."""
        save_embeddings(folder / FILE_NAME, self._embeddings, self._cards)

    def voice(self, speaker: str, folder: Path) -> str:
        """The voice of a speaker in the file of embeddings."""
        return f"{folder / FILE_NAME}:{speaker}"

    def facts(self) -> dict[str, Any]:
        """The encoder and the size of its embeddings."""
        return {
            "speaker_encoder": f"{self._encoder.name} ({self._encoder.version})",
            "embedding_size": int(self.model.config.speaker_embedding_dim),
        }

    @property
    def base_name(self) -> str:
        """Hub id, folder or built-in name of the base model."""
        return self.speech.name

    def code(self, place: str) -> str:
        """Python that speaks with transformers, soundfile and, for Griffin-Lim, this toolkit."""
        return code(place, self.voices[0], int(self.model.config.speaker_embedding_dim), self.speech.settings.vocoder)


def diagonality(attentions: Sequence[np.ndarray]) -> float:
    """The share of decoder steps whose attention peak moves forward by at most a few tokens: 1 for a clean alignment.

    Steps that jump more than four tokens, or back by more than one, are a word skipped or repeated. `attentions` are
    (n_steps, n_tokens), one per piece of a text.
    """
    shares = []
    for attention in attentions:
        if len(attention) > 1:
            moves = np.diff(attention.argmax(axis=1))
            shares.append(float(((moves >= -1) & (moves <= 4)).mean()))
    return float(np.mean(shares)) if shares else 0.0


def exported_settings(base: SpeechSettings, vocoder: str | None, encoder: str, n_characters: int) -> SpeechSettings:
    """The settings of a model that was trained on transcripts of up to so many characters, from those of its base."""
    return replace(
        base,
        vocoder=vocoder or base.vocoder,
        encoder=encoder,
        max_characters=max(base.max_characters, min(n_characters, MAX_CHARACTERS)),
    )


def save_speecht5(speech: SpeechT5, folder: Path, half_precision: bool = False) -> None:
    """Write model, processor and settings; `half_precision` stores float16 weights, which load back as float32.

    Raises UserError when a weight is not finite, or too large for float16, or when the model is more than its weights.
    """
    for name, part in speech.model.named_children():  # accelerate may have wrapped the model's forward
        check_plain(part, name)
    state = stored_state(speech.model, half_precision)
    speech.model.save_pretrained(folder, state_dict=state)
    speech.processor.save_pretrained(str(folder))
    # as in published checkpoints: transformers before 5 cannot read the file written by 5
    (folder / "processor_config.json").unlink(missing_ok=True)
    speech.processor.feature_extractor.to_json_file(folder / "preprocessor_config.json")
    settings = _save_vocoder(speech.settings, folder)
    write_whole(folder / SETTINGS_FILE, (json.dumps(asdict(settings), indent=2) + "\n").encode())


def _save_vocoder(settings: SpeechSettings, folder: Path) -> SpeechSettings:
    """Save a vocoder that is no hub id with the model; return the settings that name the copy."""
    place = asset_path(settings.vocoder)
    if settings.vocoder == GriffinLim.name or not place.is_dir():
        return settings
    from transformers import SpeechT5HifiGan

    saved = load_folder(SpeechT5HifiGan, place, f"the vocoder {settings.vocoder!r}")
    saved.save_pretrained(folder / OWN_VOCODER)
    is_built_in = place != Path(settings.vocoder)
    return settings if is_built_in else replace(settings, vocoder=OWN_VOCODER)


def code(place: str, voice: str, embedding_size: int, vocoder: str) -> str:
    """Python that speaks with transformers, soundfile and, for Griffin-Lim, this toolkit."""
    id_, _, revision = (vocoder, "", "") if asset_path(vocoder).is_dir() else vocoder.partition("@")
    place_of_vocoder = f'model_id, subfolder="{Path(OWN_VOCODER).name}"'
    if not asset_path(vocoder).is_dir():
        place_of_vocoder = json.dumps(id_) + (f", revision={json.dumps(revision)}" if revision else "")
    griffin_lim = vocoder == GriffinLim.name
    lines = [
        "import soundfile",
        "from safetensors.torch import load_file",
        "from transformers import SpeechT5ForTextToSpeech, SpeechT5HifiGan, SpeechT5Processor",
        "from transformers.utils import cached_file",
        *["from tts_toolkit.models.vocoders import GriffinLim"] * griffin_lim,
        "",
        f"model_id = {json.dumps(place)}  # its folder, or its id on the hub",
        "processor = SpeechT5Processor.from_pretrained(model_id)",
        "model = SpeechT5ForTextToSpeech.from_pretrained(model_id)",
        "vocoder = GriffinLim()" if griffin_lim else f"vocoder = SpeechT5HifiGan.from_pretrained({place_of_vocoder})",
        f'voices = load_file(cached_file(model_id, "{FILE_NAME}"))',
        f"voice = voices[{json.dumps(voice)}]  # (1, {embedding_size})",
        'inputs = processor(text="Hello there.", return_tensors="pt")',
        'log_mel = model.generate_speech(inputs["input_ids"], voice)',
        "waveform = vocoder(log_mel)" if griffin_lim else "waveform = vocoder(log_mel).detach().numpy()",
        'soundfile.write("hello.wav", waveform, 16_000)',
    ]
    return "\n".join(lines)
