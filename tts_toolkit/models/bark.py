"""Bark: text to semantic, coarse and fine tokens to a waveform at 24 kHz."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path, PurePosixPath
from types import MethodType
from typing import Any

import numpy as np
import torch
from torch.nn.functional import scaled_dot_product_attention

from tts_toolkit.audio.torchaudio_stand_in import ensure_torchaudio
from tts_toolkit.audio.waveforms import joined
from tts_toolkit.hub.loading import checkpoint_file, load, model_version
from tts_toolkit.models.base import Coverage, Speech, SynthesisRequest
from tts_toolkit.models.seeds import piece_seed
from tts_toolkit.nn.devices import attention_of_any_shape, pick_device
from tts_toolkit.nn.packed_linear import pack
from tts_toolkit.nn.per_row_random import RowNoise
from tts_toolkit.system.compat import quiet
from tts_toolkit.system.errors import UserError, one_line
from tts_toolkit.text.cues import without_cues
from tts_toolkit.text.english import normalize_english
from tts_toolkit.text.sentences import split_text

MAX_VOICE_BYTES = 64 * 2**20  # values of an unpacked .npz; Bark's own hold some ten thousand
MAX_SHOWN = 8  # presets in an error
PROMPT_PARTS = {"semantic_prompt": 1, "coarse_prompt": 2, "fine_prompt": 2}  # of a voice, with their dimensions


def _fuse(bark: Any) -> None:
    """Make the stages of a BarkModel, in place, use fused attention and score only the last token in generation.

    Transformers has Bark's attention in eager mode alone, and scores some nine hundred tokens to draw the next one.
    """
    from transformers.models.bark.modeling_bark import BarkSelfAttention

    for module in bark.modules():
        if isinstance(module, BarkSelfAttention):
            # Checked against transformers 5.23.0: forward calls self._attn(query, key, value, attention_mask).
            module._attn = MethodType(_attend, module)
    for stage in (bark.semantic, bark.coarse_acoustics):
        stage.lm_head.register_forward_pre_hook(lambda _, inputs: (inputs[0][:, -1:],))


def _attend(
    self: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, attention_mask: torch.Tensor | None = None
) -> tuple[torch.Tensor, None]:
    """Return the attended values (B, n_heads, T, dim) of all tokens at once, or of one token after those before."""
    if attention_mask is not None or query.shape[-2] not in (1, key.shape[-2]):
        attended, _ = type(self)._attn(self, query, key, value, attention_mask)
        return attended, None
    return scaled_dot_product_attention(query, key, value, is_causal=self.is_causal and query.shape[-2] > 1), None


@dataclass(frozen=True)
class Bark:
    """A BarkModel with its processor. `voice` is a preset by name (v2/en_speaker_6) or your own .npz file.

    The three stages draw random numbers per row, so that a request sounds the same in any batch; the fine stage and the
    codec process each request alone. `semantic`, `coarse` and `fine` are options of those stages' generate:
    temperature, top_k, top_p, do_sample and, for the semantic stage, min_eos_p. Texts longer than `max_characters` or
    than Bark's tokens are split.
    """

    model: str = "suno/bark-small"  # hub id or folder
    revision: str | None = None
    voice: str | None = None  # where a request names none; None: Bark invents one per piece of text
    semantic: Mapping[str, Any] = field(default_factory=dict)
    coarse: Mapping[str, Any] = field(default_factory=dict)
    fine: Mapping[str, Any] = field(default_factory=dict)
    max_characters: int = 180  # Bark generates about 13 seconds at once
    normalize: bool = False  # English numbers and abbreviations to words; Bark reads them itself
    dtype: str = "float32"
    cpu_offload: bool = False  # keep only the stage at work on the GPU
    device: str | None = None  # None: a GPU where there is one

    @property
    def name(self) -> str:
        """The checkpoint and the voice."""
        return self.model if self.voice is None else f"{self.model} {self.voice}"

    @cached_property
    def version(self) -> str:
        """The hub commit or the hash of the folder."""
        return model_version(self.model, self.revision)

    conditioned_by = None
    speaks_cues = True

    @property
    def n_parameters(self) -> int:
        """All weights, the codec's encoder left out."""
        return self._loaded[1]

    @property
    def _bark(self) -> Any:
        return self._loaded[0]

    @cached_property
    def _loaded(self) -> tuple[Any, int]:
        ensure_torchaudio()
        from transformers import BarkModel

        bark = load(BarkModel, self.model, self.revision, "bark", dtype=getattr(torch, self.dtype)).eval()
        parts = bark.named_parameters()
        n_parameters = sum(p.numel() for name, p in parts if not name.startswith("codec_model.encoder"))
        if self.cpu_offload:
            if not torch.cuda.is_available():
                raise UserError(f"{self.model}: cpu_offload=true needs a GPU to offload from")
            bark.enable_cpu_offload(accelerator_id=int(os.environ.get("LOCAL_RANK", "0")))
        else:
            bark = bark.to(pick_device(self.device))
            for stage in (bark.semantic, bark.coarse_acoustics, bark.fine_acoustics):
                pack(stage)
        _fuse(bark)
        return bark, n_parameters

    @cached_property
    def _processor(self) -> Any:
        ensure_torchaudio()
        from transformers import BarkProcessor

        return load(BarkProcessor, self.model, self.revision, "bark")

    @cached_property
    def _settings(self) -> tuple[Any, Any, Any]:
        """The generation settings of the stages, semantic, coarse and fine, as the checkpoint has them."""
        from transformers.models.bark import generation_configuration_bark as bark_settings

        found = self._bark.generation_config
        return (
            bark_settings.BarkSemanticGenerationConfig(**found.semantic_config),
            bark_settings.BarkCoarseGenerationConfig(**found.coarse_acoustics_config),
            bark_settings.BarkFineGenerationConfig(**found.fine_acoustics_config),
        )

    def _tokens(self, text: str) -> list[int]:
        return list(self._processor.tokenizer(text, add_special_tokens=False)["input_ids"])

    def _written(self, text: str) -> str:
        return normalize_english(text) if self.normalize else " ".join(text.split())

    def recording_for(self, id_: str, reference: str, voice_reference: str, voice: str | None = None) -> str | None:
        """Return None: its only input is text."""
        return None

    def coverage(self, text: str) -> Coverage:
        """Return the words that the tokenizer does not know and the tokens of a single word beyond what Bark reads."""
        tokenizer, written = self._processor.tokenizer, self._written(text)
        unknown = tuple(word for word in without_cues(written).split() if tokenizer.unk_token_id in self._tokens(word))
        try:
            pieces = split_text(written, self._fits)
        except ValueError:
            pieces = [written]
        return Coverage(unknown=unknown, n_truncated=sum(max(0, len(self._tokens(p)) - self._n_tokens) for p in pieces))

    @property
    def _n_tokens(self) -> int:
        return int(self._settings[0].max_input_semantic_length)

    def _fits(self, piece: str) -> bool:
        return len(piece) <= self.max_characters and len(self._tokens(piece)) <= self._n_tokens

    @cached_property
    def _prompts(self) -> dict[str, dict[str, torch.Tensor]]:
        return {}

    def _prompt(self, voice: str | None) -> dict[str, torch.Tensor] | None:
        """Return the tokens (n,), (2, n) and (8, n) of a voice, cached."""
        if voice is None:
            return None
        if voice not in self._prompts:
            if voice.endswith(".npz"):
                arrays = _read_npz(Path(voice))
            elif voice in self._processor.available_voice_presets:
                arrays = self._preset(voice)
            else:
                known = _nearest_presets(self._processor.available_voice_presets, voice)
                raise UserError(f"unknown voice {voice!r} of {self.model}: give an .npz file or one of {known}")
            self._check(voice, arrays)
            self._prompts[voice] = {
                name: torch.from_numpy(arrays[name].astype(np.int64)).to(self._bark.device) for name in PROMPT_PARTS
            }
        return self._prompts[voice]

    def _preset(self, voice: str) -> dict[str, np.ndarray]:
        """Return the arrays of a preset, fetched if need be; raises UserError where one is missing or damaged.

        The files are this checkpoint's own, whatever repository its list of presets names.
        """
        paths = self._processor.speaker_embeddings[voice]
        arrays = {}
        for name, n_dims in PROMPT_PARTS.items():
            file = checkpoint_file(self.model, _inside(str(paths.get(name, name))), self.revision, optional=False)
            if file is None:
                raise UserError(f"voice={voice}: {self.model} lacks {paths.get(name, name)}; choose another voice")
            try:
                arrays[name] = np.load(file, allow_pickle=False)
            except (OSError, ValueError, EOFError) as error:
                raise UserError(f"voice={voice}: {file} is not a .npy file of numbers ({one_line(error)})") from None
            if arrays[name].ndim != n_dims:
                raise UserError(f"voice={voice}: {file} has the shape {arrays[name].shape}, {n_dims} dimensions wanted")
        return arrays

    def _check(self, voice: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Refuse tokens that the stages do not have: on a GPU they would break every later request too."""
        semantic, coarse, fine = self._settings
        n_codes = self._bark.generation_config.codebook_size
        wanted = {
            "semantic_prompt": ((), semantic.semantic_vocab_size),
            "coarse_prompt": ((coarse.n_coarse_codebooks,), n_codes),
            "fine_prompt": ((fine.n_fine_codebooks,), n_codes),
        }
        for name, (rows, n_tokens) in wanted.items():
            array = arrays[name]
            if array.shape[:-1] != rows or not array.size or array.min() < 0 or array.max() >= n_tokens:
                raise UserError(
                    f"voice={voice}: {name} of shape {array.shape}, tokens up to {array.max(initial=0)}, does not fit "
                    f"{self.model}; wanted is {(*rows, 'n')}, tokens under {n_tokens}"
                )

    def check(self, request: SynthesisRequest) -> None:
        """Raise UserError for a text without a word, a word beyond what Bark reads or an unknown voice."""
        self._prompt(request.voice or self.voice)
        self._pieces(request)

    def synthesize(self, requests: Sequence[SynthesisRequest]) -> list[Speech]:
        """Return the speech of each request; Bark takes one voice per batch, so requests are grouped by voice."""
        pieces = [self._pieces(request) for request in requests]
        jobs = [(request, part) for request, parts in enumerate(pieces) for part in range(len(parts))]
        spoken: dict[tuple[int, int], Speech] = {}
        for voice in dict.fromkeys(request.voice or self.voice for request in requests):
            chosen = [job for job in jobs if (requests[job[0]].voice or self.voice) == voice]
            texts = [pieces[request][part] for request, part in chosen]
            seeds = [piece_seed(requests[request].seed, requests[request].text, part) for request, part in chosen]
            spoken |= dict(zip(chosen, self._speak(texts, seeds, self._prompt(voice)), strict=True))
        return [_joined([spoken[number, part] for part in range(len(parts))]) for number, parts in enumerate(pieces)]

    def _pieces(self, request: SynthesisRequest) -> list[str]:
        written = self._written(request.text)
        if not any(char.isalnum() for char in written):
            raise UserError(f"nothing in the text {request.text!r} can be spoken by {self.model}")
        try:
            return split_text(written, self._fits)
        except ValueError as error:
            raise UserError(str(error)) from None

    @torch.inference_mode()
    @attention_of_any_shape()
    def _speak(
        self, texts: Sequence[str], seeds: Sequence[int], prompt: Mapping[str, torch.Tensor] | None
    ) -> list[Speech]:
        bark, (semantic_settings, coarse_settings, fine_settings) = self._bark, self._settings
        inputs = self._processor(list(texts), voice_preset=None).to(bark.device)
        settings = {"history_prompt": prompt, "semantic_generation_config": semantic_settings}
        with quiet(), RowNoise(seeds):
            semantic = bark.semantic.generate(**inputs, **settings, **self.semantic)
        n_semantic = (semantic != semantic_settings.semantic_pad_token).sum(dim=1).tolist()
        ceiling = int(self.semantic.get("max_new_tokens", semantic_settings.max_new_tokens))
        settings |= {"coarse_generation_config": coarse_settings, "codebook_size": bark.generation_config.codebook_size}
        with_sound = [row for row, n_tokens in enumerate(n_semantic) if n_tokens > 0]
        speeches = [Speech(np.zeros(0, np.float32), bark.generation_config.sample_rate) for _ in texts]
        if not with_sound:
            return speeches
        with quiet(), RowNoise([seeds[row] + 1 for row in with_sound]):
            coarse, n_coarse = bark.coarse_acoustics.generate(
                semantic[with_sound], return_output_lengths=True, **settings, **self.coarse
            )
        for row, tokens, length in zip(with_sound, coarse, n_coarse.tolist(), strict=True):
            waveform = self._decode(tokens[None, :length], seeds[row] + 2, settings, fine_settings)
            speeches[row] = Speech(waveform, speeches[row].sample_rate_hz, truncated=n_semantic[row] >= ceiling)
        return speeches

    def _decode(self, coarse: torch.Tensor, seed: int, settings: Mapping[str, Any], fine_settings: Any) -> np.ndarray:
        """Return the waveform of one request's coarse tokens (1, n): fine tokens, then the codec."""
        bark = self._bark
        with quiet(), torch.random.fork_rng(devices=[bark.device] if bark.device.type == "cuda" else []):
            torch.manual_seed(seed)
            fine = bark.fine_acoustics.generate(coarse, fine_generation_config=fine_settings, **settings, **self.fine)
        if self.cpu_offload:  # the codec is called without its forward, which offloading hooks
            bark.fine_acoustics_hook.offload()
            bark.codec_model.to(bark.device)
        waveform = bark.codec_decode(fine).flatten().float().cpu().numpy()
        if self.cpu_offload:
            bark.codec_model_hook.offload()
        return waveform


def _joined(speeches: Sequence[Speech]) -> Speech:
    rate = speeches[0].sample_rate_hz
    return Speech(
        joined([speech.waveform for speech in speeches], rate), rate, any(speech.truncated for speech in speeches)
    )


def _inside(path: str) -> str:
    """Return the path of a file in a repository; raises UserError for one that leads out of it."""
    if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
        raise UserError(f"the list of voices names {path}, which is outside of the checkpoint")
    return path


def _nearest_presets(presets: Sequence[str], voice: str) -> str:
    """Return the presets nearest to a name, and the number of all: Bark has hundreds."""
    if len(presets) <= MAX_SHOWN:
        return ", ".join(sorted(presets)) or "none"
    near = get_close_matches(voice, presets, MAX_SHOWN, cutoff=0.0)
    return f"{', '.join(near)} or others of {len(presets)}"


def _read_npz(file: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a voice file; raises UserError when it is not one."""
    if not file.is_file():
        raise UserError(f"voice={file}: no such file")
    try:
        with zipfile.ZipFile(file) as archive:
            if sum(member.file_size for member in archive.infolist()) > MAX_VOICE_BYTES:
                raise ValueError(f"unpacks to more than {MAX_VOICE_BYTES} bytes")
        with np.load(file, allow_pickle=False) as content:
            arrays = {name: content[name] for name in content.files}
    except (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(f"voice={file}: is not an .npz of arrays ({' '.join(str(error).split())})") from None
    wrong = [name for name, n_dims in PROMPT_PARTS.items() if name not in arrays or arrays[name].ndim != n_dims]
    if wrong:
        raise UserError(
            f"voice={file}: lacks {', '.join(wrong)}; allowed are semantic_prompt (n,), coarse_prompt (2, n) and "
            "fine_prompt (8, n)"
        )
    return arrays
