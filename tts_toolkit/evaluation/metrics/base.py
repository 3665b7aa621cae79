"""The metric protocol: measures speech, and declares the columns of tables, tests and pages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol, get_args

import numpy as np

from tts_toolkit.system.errors import UserError

Direction = Literal["higher", "lower", "none"]  # which values are better
Aggregate = Literal["mean", "median", "ratio"]
NAME = re.compile(r"[a-z][a-z0-9_]*")
OTHER_STAGES = ("synthesis", "transcripts", "embeddings", "wavs")  # folders besides those of metrics


@dataclass(frozen=True)
class Sample:
    """Speech of one text, as passed to a metric."""

    waveform: np.ndarray  # (n,) float32 at 16 kHz
    text: str  # the prompt, without cues such as [laughter]
    language: str  # ISO 639-1


@dataclass(frozen=True)
class Column:
    """One column that a metric fills: a value per row, and one figure with its 95 % interval per system.

    Raises UserError for a name that is not a lower-case identifier, and for an unknown direction or aggregate.
    """

    name: str  # in scores.parquet and summary.json
    title: str  # in tables
    unit: str = ""
    direction: Direction = "none"
    aggregate: Aggregate = "mean"  # over rows; ratio: the sum of the first of `of` divided by the sum of the second
    digits: int = 3
    scale: float = 1.0  # factor of displayed values
    of: tuple[str, ...] = ()  # of a ratio: the names of its two values, numerator first

    def __post_init__(self) -> None:
        """Raise UserError for an invalid column."""
        for name in (self.name, *self.of):
            if not NAME.fullmatch(name) or name.endswith("_ci"):
                raise UserError(f"column {name!r}: a name is lower-case letters, digits and _, and does not end in _ci")
        for what, allowed in (("direction", Direction), ("aggregate", Aggregate)):
            if getattr(self, what) not in get_args(allowed):
                known = ", ".join(get_args(allowed))
                raise UserError(f"column {self.name}: {what} {getattr(self, what)!r}; allowed are {known}")
        if len(self.of) != (2 if self.aggregate == "ratio" else 0):
            raise UserError(f"column {self.name}: `of` names the two values of a ratio, and is for ratios only")

    @property
    def values(self) -> tuple[str, ...]:
        """Names of the values that a metric returns for it."""
        return self.of or (self.name,)

    @property
    def heading(self) -> str:
        """Title and unit."""
        return f"{self.title}, {self.unit}" if self.unit else self.title


class Metric(Protocol):
    """Measures speech, one text at a time; a frozen dataclass whose weights are loaded when first used.

    Its settings, which are the fields of the dataclass, its class and its version decide whether a row is reused.
    """

    @property
    def name(self) -> str:
        """A lower-case identifier, also the name of the stage's folder."""

    @property
    def version(self) -> str:
        """Version of the method and the weights; figures of two versions are not compared."""

    @property
    def columns(self) -> Sequence[Column]:
        """The columns that it fills."""

    @property
    def needs_reference(self) -> bool:
        """Whether it needs the natural recording of the same text; texts without one then have no value."""

    def measure(self, speech: Sample, reference: Sample | None) -> Mapping[str, float | None]:
        """The values by name; None where this clip has none, such as the pitch of silence.

        `reference` is None unless `needs_reference`. Raises UserError when the metric cannot be used.
        """


@dataclass(frozen=True)
class Declared:
    """A metric as a summary describes it: enough to aggregate, compare and show its columns."""

    name: str
    version: str
    needs_reference: bool
    columns: tuple[Column, ...]

    @property
    def values(self) -> list[str]:
        """The names of the values of all columns."""
        return list(dict.fromkeys(name for column in self.columns for name in column.values))

    @property
    def names(self) -> list[str]:
        """Names of its columns and values in rows and summaries."""
        return list(dict.fromkeys([*(column.name for column in self.columns), *self.values]))

    def described(self) -> dict[str, Any]:
        """The entry of a summary, as JSON holds it."""
        columns = [{**asdict(column), "of": list(column.of)} for column in self.columns]
        return {**asdict(self), "columns": columns}


def declared(metric: Metric) -> Declared:
    """The declaration of a metric; raises UserError for an invalid name, or without columns."""
    if not NAME.fullmatch(metric.name) or metric.name in OTHER_STAGES:
        others = ", ".join(OTHER_STAGES)
        raise UserError(f"metric {metric.name!r}: a name is lower-case letters, digits and _, and none of {others}")
    found = Declared(metric.name, metric.version, bool(metric.needs_reference), tuple(metric.columns))
    if not found.columns:
        raise UserError(f"the metric {metric.name} declares no column")
    return found


SIGNAL_QUALITY = Column(
    "signal_quality", "signal quality", direction="higher", digits=2
)  # DNSMOS P.835 overall, 1 to 5


def declared_in(summary: Mapping[str, Any]) -> list[Declared]:
    """The metrics of a summary; one of release 0.1 has at most signal quality."""
    if "metrics" not in summary:
        rater = summary.get("quality")
        return [Declared(rater["name"], rater["version"], False, (SIGNAL_QUALITY,))] if rater else []
    return [
        Declared(
            entry["name"],
            entry["version"],
            entry["needs_reference"],
            tuple(Column(**{**column, "of": tuple(column["of"])}) for column in entry["columns"]),
        )
        for entry in summary["metrics"]
    ]


def columns_of(metrics: Iterable[Declared]) -> list[Column]:
    """The columns of all metrics, in order."""
    return [column for metric in metrics for column in metric.columns]


def check_names(metrics: Sequence[Declared], reserved: Iterable[str]) -> None:
    """Raise UserError where two metrics share a name, or a column shares that of another or of `reserved`."""
    owners = dict.fromkeys(reserved, "every benchmark")
    for position, metric in enumerate(metrics):
        if metric.name in [other.name for other in metrics[:position]]:
            raise UserError(f"metrics: two are called {metric.name}; choose one, or rename one")
        for name in metric.names:
            if name in owners:
                raise UserError(f"metrics: the column {name} of {metric.name} is also one of {owners[name]}; rename it")
        owners |= dict.fromkeys(metric.names, metric.name)


def values_of(metric: Metric, speech: Sample, reference: Sample | None) -> dict[str, float | None]:
    """Values of a metric as floats; raises UserError where they are not the declared ones."""
    wanted = declared(metric).values
    found = metric.measure(speech, reference)
    if set(found) != set(wanted):
        raise UserError(
            f"the metric {metric.name} returned {', '.join(found) or 'nothing'}; its columns need {', '.join(wanted)}"
        )
    return {name: None if (value := found[name]) is None else float(value) for name in wanted}
