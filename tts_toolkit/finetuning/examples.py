"""Clips to examples: transcripts checked, log-mels and speaker embeddings computed once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tts_toolkit.audio.log_mel import HOP_LENGTH
from tts_toolkit.audio.waveforms import SAMPLE_RATE_HZ
from tts_toolkit.data.batches import Example
from tts_toolkit.data.clips import Clip, distinct
from tts_toolkit.data.embeddings import clip_voices
from tts_toolkit.data.features import ClipLimits, log_mel_files
from tts_toolkit.data.intake import intake
from tts_toolkit.data.transcripts import Unspeakable, check_transcripts
from tts_toolkit.speakers.conditioning import Conditioning, condition, mean_embeddings
from tts_toolkit.speakers.embedding_files import EmbeddingCard
from tts_toolkit.speakers.encoders import SpeakerEncoder
from tts_toolkit.system.errors import UserError
from tts_toolkit.system.formatting import apart
from tts_toolkit.text.frontend import TextFrontEnd


@dataclass(frozen=True)
class Prepared:
    """Everything that training and evaluation read."""

    clips: Mapping[str, Sequence[Clip]]  # by part: train, dev, test
    examples: Mapping[str, Sequence[Example]]  # of train and dev
    voices: Mapping[str, np.ndarray]  # (dim,) a speaker, the normalized mean over its clips, training ones if any
    cards: Sequence[EmbeddingCard]
    limits: ClipLimits = field(default_factory=ClipLimits)  # reads the clips; what was read before is held


def prepare(
    parts: Mapping[str, Sequence[Clip]],
    front_end: TextFrontEnd,
    encoder: SpeakerEncoder,
    limits: ClipLimits,
    conditioning: Conditioning,
    max_embedded_clips: int | None,
    model_config: Any,
    unspeakable: Unspeakable,
    cache_dir: Path,
    pad_to_multiple_of: int = 1,
) -> Prepared:
    """Return what training a model of this SpeechT5Config needs of the clips.

    Training clips are conditioned as `conditioning` says, dev clips on the voice that synthesis will use: the mean
    over the speaker's training clips, or over its other ones where the split keeps speakers apart. At most
    `max_embedded_clips` of a speaker are embedded, which only `speaker_mean` allows. Raises UserError, naming the row,
    for a clip that cannot be used or that the model has no positions for, padded to `pad_to_multiple_of`.
    """
    clips = {part: check_transcripts(of_part, front_end, unspeakable) for part, of_part in parts.items() if of_part}
    if "dev" not in clips:
        raise UserError("there is no dev clip to choose the checkpoint by; set split.dev_fraction above 0")
    if max_embedded_clips and conditioning != "speaker_mean":
        raise UserError(f"speaker.max_clips={max_embedded_clips} goes with speaker.conditioning=speaker_mean only")
    embedded = _first_of_each(clips["train"], max_embedded_clips)
    own = clip_voices(embedded, encoder, limits, cache_dir).embeddings
    _check_size(own, encoder, model_config.speaker_embedding_dim)
    files: dict[str, list[Path]] = {
        part: log_mel_files(clips[part], limits, cache_dir) for part in ("train", "dev") if part in clips
    }
    names = [clip.speaker for clip in embedded]
    voices = mean_embeddings(names, own)
    unheard = [clip for part in ("dev", "test") for clip in clips.get(part, ()) if clip.speaker not in voices]
    unheard = _first_of_each(unheard, max_embedded_clips)
    if unheard:
        heard = clip_voices(unheard, encoder, limits, cache_dir).embeddings
        voices |= mean_embeddings([clip.speaker for clip in unheard], heard)
    if conditioning == "speaker_mean":
        conditions = {"train": [voices[clip.speaker] for clip in clips["train"]]}
    else:
        conditions = {"train": list(condition(own, names, conditioning))}
    conditions["dev"] = [voices[clip.speaker] for clip in clips["dev"]]
    examples: dict[str, list[Example]] = {
        part: [
            Example(clip.id, tuple(front_end.tokens(clip.transcript)), file, _n_frames(file), embedding)
            for clip, file, embedding in zip(clips[part], of_part, conditions[part], strict=True)
        ]
        for part, of_part in files.items()
    }
    for part, of_part in examples.items():
        _check_lengths(of_part, clips[part], model_config, pad_to_multiple_of)
    return Prepared(clips, examples, voices, _cards(embedded, encoder, examples["train"], conditioning), limits)


def leave_out_unspoken(clips: Sequence[Clip], prepared: Prepared) -> None:
    """Count the clips that preparing left out, which it does for their texts alone."""
    kept = {clip.id for of_part in prepared.clips.values() for clip in of_part}
    left = [clip.source for clip in clips if clip.id not in kept]
    if left:
        intake().leave_out("rows", "with characters that the model cannot speak", left)


def _check_size(embeddings: np.ndarray, encoder: SpeakerEncoder, expected: int) -> None:
    if embeddings.shape[1] != expected:
        raise UserError(
            f"the encoder {encoder.name} gives embeddings of {embeddings.shape[1]} numbers, the model takes "
            f"{expected}: choose another encoder, or set base_model.speaker_embedding_dim={embeddings.shape[1]}"
        )


def _check_lengths(examples: Sequence[Example], clips: Sequence[Clip], config: Any, multiple: int) -> None:
    """Raise UserError for the first clip whose text or sound is longer than the positions of the model."""
    n_tokens = config.max_text_positions // multiple * multiple
    n_frames = config.max_speech_positions * config.reduction_factor // multiple * multiple
    for example, clip in zip(examples, clips, strict=True):
        if len(example.input_ids) > n_tokens:
            raise UserError(
                f"{clip.source}: the text has {len(example.input_ids)} tokens, the model reads {n_tokens} at once; cut "
                "the clip at a pause, or remove the row"
            )
        if example.n_frames > n_frames:
            hop_seconds = HOP_LENGTH / SAMPLE_RATE_HZ
            lasts, longest = apart(example.n_frames * hop_seconds, n_frames * hop_seconds, 1)
            raise UserError(
                f"{clip.source}: the clip lasts {lasts} s, the model speaks {longest} at once; cut it at a pause, or "
                "set limits.max_duration_in_seconds"
            )


def _first_of_each(clips: Sequence[Clip], n: int | None) -> list[Clip]:
    if n is None:
        return list(clips)
    by_speaker: dict[str, list[Clip]] = {}
    for clip in clips:
        by_speaker.setdefault(clip.speaker, []).append(clip)
    return [clip for of_one in by_speaker.values() for clip in of_one[:n]]


def _n_frames(file: Path) -> int:
    return int(np.load(file, mmap_mode="r", allow_pickle=False).shape[0])


def _cards(
    embedded: Sequence[Clip], encoder: SpeakerEncoder, examples: Sequence[Example], conditioning: Conditioning
) -> list[EmbeddingCard]:
    seconds = {example.id: example.n_frames * HOP_LENGTH / SAMPLE_RATE_HZ for example in examples}
    cards, of_speaker = [], dict[str, list[Clip]]()
    for clip in embedded:
        of_speaker.setdefault(clip.speaker, []).append(clip)
    for speaker, own in sorted(of_speaker.items()):
        cards.append(
            EmbeddingCard(
                speaker,
                encoder.name,
                encoder.version,
                len(own),
                round(sum(seconds[clip.id] for clip in own), 2),
                conditioning,
                licenses=distinct(clip.license for clip in own),
                consents=distinct(clip.consent for clip in own),
            )
        )
    return cards
