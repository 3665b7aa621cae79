"""The plan of a benchmark."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from tts_toolkit.audio.waveforms import Channel
from tts_toolkit.data.test_sets import Prompt
from tts_toolkit.evaluation.metrics.asr import Recognizer
from tts_toolkit.evaluation.metrics.base import Metric
from tts_toolkit.evaluation.metrics.protocols import Protocol, protocol
from tts_toolkit.evaluation.stage_log import Row
from tts_toolkit.models.base import Synthesizer
from tts_toolkit.speakers.encoders import SpeakerEncoder
from tts_toolkit.system.files import file_names

NATURAL = "natural"  # the system that plays the recordings of the texts
# Fields of a Plan that settings hold under the same name; a command that lacks one keeps the field's default.
SAME_NAME = (
    "seed", "batch_size", "cluster_by", "background", "allow_same_encoder", "language", "channel", "n_seeds",
)  # fmt: skip


def system_folders(systems: Iterable[str]) -> dict[str, str]:
    """Return the folder names of the systems and of the natural one."""
    return file_names({**dict.fromkeys(systems), NATURAL: None})


@dataclass(frozen=True)
class Plan:
    """Systems, prompts, metrics and settings of one evaluation."""

    systems: Mapping[str, Callable[[], Synthesizer]]  # opened in turn, and freed before the next
    prompts: Sequence[Prompt]
    recognizer: Callable[[], Recognizer] | None  # None: no error rates
    speaker_verifier: Callable[[], SpeakerEncoder] | None
    protocols: Sequence[Protocol]
    output_dir: Path
    seed: int = 0
    batch_size: int = 16
    cluster_by: str = "id"  # or speaker: the clusters of intervals
    background: str | None = "demo-voice"  # recordings of another speaker, for the floor of similarity
    allow_same_encoder: bool = False
    language: str = "en"  # of texts that name none
    metrics: Mapping[str, Callable[[], Metric]] = field(default_factory=dict)  # by config choice
    channel: Channel = "auto"  # of recordings with several
    n_seeds: int = 1  # readings per text and system, with `seed`, `seed` + 1 and so on
    config: Mapping[str, Any] = field(default_factory=dict)  # its settings, for the summary

    @property
    def planned(self) -> list[Row]:
        """The prompts as rows, without their sources."""
        return [asdict(replace(prompt, source="")) for prompt in self.utterances]

    @property
    def utterances(self) -> list[Prompt]:
        """The prompts, each `n_seeds` times; recordings belong to the first reading."""
        return [reading for prompt in self.prompts for reading in prompt.readings(self.n_seeds)]

    @property
    def measures_similarity(self) -> bool:
        """Whether there are a speaker verifier and recordings to compare speech with."""
        return self.speaker_verifier is not None and any(p.reference or p.voice_reference for p in self.prompts)

    def folder(self, system: str) -> Path:
        """Return the folder of a system's stages."""
        return self.output_dir / "systems" / system_folders(self.systems)[system]


def plan_from(
    settings: Mapping[str, Any],
    create: Callable[[Any], Any],
    systems: Mapping[str, Callable[[], Synthesizer]],
    prompts: Sequence[Prompt],
    config: Mapping[str, Any],
) -> Plan:
    """Plan of a command's settings, which name the recognizer, the speaker verifier and the metrics as nodes.

    `create` makes the object of a node; it is called when the object is needed. Raises UserError for an unknown
    protocol.
    """
    recognizer, speaker_verifier = settings["asr"], settings["speaker_verifier"]
    return Plan(
        systems=systems,
        prompts=prompts,
        recognizer=partial(create, recognizer) if recognizer else None,
        speaker_verifier=partial(create, speaker_verifier) if speaker_verifier else None,
        protocols=[protocol(name) for name in settings["protocols"]],
        output_dir=Path(settings["output_dir"]),
        metrics={name: partial(create, node) for name, node in (settings.get("metrics") or {}).items()},
        config=config,
        **{name: settings[name] for name in SAME_NAME if name in settings},
    )
