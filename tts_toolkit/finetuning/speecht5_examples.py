"""SpeechT5's examples: tokens, log-mels and speaker embeddings, each computed once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tts_toolkit.audio.log_mel import HOP_LENGTH
from tts_toolkit.audio.waveforms import SAMPLE_RATE_HZ
from tts_toolkit.data.batches import Batch
from tts_toolkit.data.clips import Clip, distinct
from tts_toolkit.data.embeddings import clip_voices
from tts_toolkit.data.features import ClipLimits, log_mel_files, read_array
from tts_toolkit.models.speecht5.loss import IGNORED_FRAME
from tts_toolkit.speakers.conditioning import Conditioning, condition, mean_embeddings
from tts_toolkit.speakers.embedding_files import EmbeddingCard
from tts_toolkit.speakers.encoders import SpeakerEncoder
from tts_toolkit.system.errors import UserError
from tts_toolkit.system.formatting import apart
from tts_toolkit.text.frontend import TextFrontEnd


@dataclass(frozen=True)
class SpeechT5Example:
    """A clip, ready for SpeechT5."""

    id: str
    input_ids: tuple[int, ...]  # with the end mark
    log_mel: Path  # .npy, (n_frames, 80)
    n_frames: int
    speaker_embedding: np.ndarray  # (dim,)


@dataclass(frozen=True)
class SpeechT5Examples:
    """Log-mels read on access, cut to a multiple of the reduction factor."""

    examples: Sequence[SpeechT5Example]  # frames are cut to a multiple of the reduction factor
    reduction_factor: int = 2
    pad_token_id: int = 1

    @property
    def frame_multiple(self) -> int:
        """The frames of a decoder step."""
        return self.reduction_factor

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int) -> Batch:
        example = self.examples[index]
        n_frames = example.n_frames - example.n_frames % self.reduction_factor
        return {
            "ids": example.id,
            "input_ids": torch.tensor(example.input_ids),
            "labels": torch.from_numpy(read_array(example.log_mel)[:n_frames]),
            "speaker_embeddings": torch.from_numpy(example.speaker_embedding).float(),
        }

    def collate(self, items: Sequence[Batch], pad_to_multiple_of: int = 1) -> Batch:
        """A padded batch, L and T multiples of `pad_to_multiple_of`.

        `ids` of the B clips, `n_frames` of the padded batch, of which `n_padded` are padding, `input_ids` and
        `attention_mask` (B, L), `labels` (B, T, 80) padded with -100, `speaker_embeddings` (B, dim).
        """
        input_ids, multiple = [item["input_ids"] for item in items], pad_to_multiple_of
        labels = _padded([item["labels"] for item in items], IGNORED_FRAME, multiple)
        n_frames = labels.shape[0] * labels.shape[1]
        return {
            "ids": [item["ids"] for item in items],
            "n_frames": n_frames,
            "n_padded": n_frames - sum(len(item["labels"]) for item in items),
            "input_ids": _padded(input_ids, self.pad_token_id, multiple),
            "attention_mask": _padded([torch.ones_like(ids) for ids in input_ids], 0, multiple),
            "labels": labels,
            "speaker_embeddings": torch.stack([item["speaker_embeddings"] for item in items]),
        }


def _padded(tensors: Sequence[torch.Tensor], value: float, multiple: int) -> torch.Tensor:
    """Tensors (length, ...) as one (B, length, ...), the length a multiple."""
    missing = -max(map(len, tensors)) % multiple
    padded = torch.nn.utils.rnn.pad_sequence(list(tensors), batch_first=True, padding_value=value)
    return torch.nn.functional.pad(padded, (0, 0) * (padded.ndim - 2) + (0, missing), value=value)


@dataclass(frozen=True)
class SpeakerConditions:
    """The embeddings that condition a run's clips, and the voices that synthesis uses.

    Training clips are conditioned as `conditioning` says, dev clips on the voice that synthesis will use: the mean
    over the speaker's training clips, or over its other ones where the split keeps speakers apart.
    """

    by_part: Mapping[str, Sequence[np.ndarray]]  # of train and dev: (dim,) per clip
    voices: Mapping[str, np.ndarray]  # (dim,) per speaker, the normalized mean over its clips, training ones if any
    embedded: Sequence[Clip]  # the training clips behind the voices


@dataclass(frozen=True)
class Conditioner:
    """Speaker embeddings of clips by an encoder."""

    encoder: SpeakerEncoder
    conditioning: Conditioning = "speaker_mean"
    max_clips: int | None = None  # embeddings of at most so many clips per speaker

    def __post_init__(self) -> None:
        if self.max_clips and self.conditioning != "speaker_mean":
            raise UserError(f"speaker.max_clips={self.max_clips} goes with speaker.conditioning=speaker_mean only")

    def conditions(
        self, clips: Mapping[str, Sequence[Clip]], limits: ClipLimits, cache_dir: Path, dim: int
    ) -> SpeakerConditions:
        """The conditions of clips by part; raises UserError for embeddings of another size than `dim`."""
        embedded = _first_of_each(clips["train"], self.max_clips)
        own = clip_voices(embedded, self.encoder, limits, cache_dir).embeddings
        _check_size(own, self.encoder, dim)
        names = [clip.speaker for clip in embedded]
        voices = mean_embeddings(names, own)
        others = [clip for part in ("dev", "test") for clip in clips.get(part, ()) if clip.speaker not in voices]
        if others := _first_of_each(others, self.max_clips):
            of_others = clip_voices(others, self.encoder, limits, cache_dir).embeddings
            voices |= mean_embeddings([clip.speaker for clip in others], of_others)
        means = {part: [voices[clip.speaker] for clip in clips[part]] for part in ("train", "dev")}
        if self.conditioning != "speaker_mean":
            means["train"] = list(condition(own, names, self.conditioning))
        return SpeakerConditions(means, voices, embedded)


def examples_of(
    clips: Mapping[str, Sequence[Clip]],
    conditions: SpeakerConditions,
    front_end: TextFrontEnd,
    limits: ClipLimits,
    cache_dir: Path,
) -> dict[str, list[SpeechT5Example]]:
    """The examples of the train and the dev clips, their log-mels cached."""
    found = {}
    for part, embeddings in conditions.by_part.items():
        files = log_mel_files(clips[part], limits, cache_dir)
        found[part] = [
            SpeechT5Example(clip.id, tuple(front_end.tokens(clip.transcript)), file, _n_frames(file), embedding)
            for clip, file, embedding in zip(clips[part], files, embeddings, strict=True)
        ]
    return found


def _check_size(embeddings: np.ndarray, encoder: SpeakerEncoder, expected: int) -> None:
    if embeddings.shape[1] != expected:
        raise UserError(
            f"the encoder {encoder.name} gives embeddings of {embeddings.shape[1]} numbers, the model takes "
            f"{expected}: choose another encoder, or set base_model.speaker_embedding_dim={embeddings.shape[1]}"
        )


def check_lengths(examples: Sequence[SpeechT5Example], clips: Sequence[Clip], config: Any, multiple: int) -> None:
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


def cards_of(
    embedded: Sequence[Clip], encoder: SpeakerEncoder, examples: Sequence[SpeechT5Example], conditioning: Conditioning
) -> list[EmbeddingCard]:
    """The cards of the trained voices, by name; `examples` are those of the embedded clips."""
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
