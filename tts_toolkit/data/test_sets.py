"""Test sets: the texts of a benchmark, read from a file, the hub or the built-in list."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, TypedDict, Unpack

from tts_toolkit.audio.waveforms import sound_files
from tts_toolkit.data.clips import Clip
from tts_toolkit.data.intake import count_files, intake
from tts_toolkit.data.manifests import leads_inside
from tts_toolkit.data.rows import cell, parsed_json
from tts_toolkit.data.tables import hub_rows
from tts_toolkit.system.errors import UserError
from tts_toolkit.system.files import called, file_hash, read_text, write_whole
from tts_toolkit.system.folders import found_below
from tts_toolkit.system.formatting import n_of

BUILT_IN = "builtin"
HASHES = "sha256.json"  # of the files of a test set that was fetched, by their names in its folder


@dataclass(frozen=True)
class Prompt:
    """One planned utterance."""

    id: str  # unique within the set
    text: str  # as written
    category: str = ""
    speaker: str = ""
    language: str = ""
    voice: str = ""  # in the terms of the system; empty: the system's default
    reference: str = ""  # path of a natural recording of this very text
    voice_reference: str = ""  # path of a recording of the voice to imitate, with another text
    source: str = ""  # "file:line", for messages
    fault: str = ""  # why no system can synthesize it, found when the list is read
    voices: Mapping[str, str] = field(default_factory=dict, hash=False)  # by system, where it is not `voice`
    reading: int = 1  # which of several readings of one text
    reading_of: str = ""  # the id of the prompt, where `id` is that of a further reading

    @property
    def prompt_id(self) -> str:
        """The id of the text, the same for all its readings."""
        return self.reading_of or self.id

    def for_system(self, system: str) -> Prompt:
        """Return the prompt with that system's voice."""
        return replace(self, voice=self.voices.get(system, self.voice), voices={})

    def readings(self, n: int) -> list[Prompt]:
        """Return n readings of the prompt, each with its own id; a faulty prompt stays one."""
        further = [] if self.fault else range(2, n + 1)
        return [self, *(replace(self, id=f"{self.id}~{k}", reading=k, reading_of=self.id) for k in further)]


NOT_COLUMNS = ("source", "fault", "voices", "reading", "reading_of")
COLUMNS = tuple(field.name for field in fields(Prompt) if field.name not in NOT_COLUMNS)
BARE = ("id", "text", "voice")  # of a table without a header
VOICE_OF = "voice."  # starts a column with the voices of one system: voice.bark_small


def read_prompts(texts: str, allow_outside: bool = False) -> list[Prompt]:
    """Return the prompts of a test set: `builtin`, or a .txt, .tsv, .jsonl or Seed-TTS .lst file.

    A .txt holds one text per line; a .tsv (or a .txt with tabs) id<TAB>text[<TAB>voice] lines, or any of the columns of
    a Prompt under a header, with voice.<system> for the voices of one system; a .jsonl the same as objects; a .lst
    utterance|prompt text|prompt recording|text[|recording]. An empty text and an id that is taken are faults of their
    rows. Raises UserError, naming file and line, for an unknown column, a missing file, or a recording out of the
    list's folder unless `allow_outside`: its sound would be in the report.
    """
    if texts == BUILT_IN:
        source = files("tts_toolkit.data") / "sentences_en.tsv"
        return _checked(_tsv("sentences_en.tsv", source.read_text(encoding="utf-8")))
    file = Path(texts)
    if not file.is_file():
        raise UserError(f"texts={texts}: no such file; give a .txt, .tsv, .jsonl or .lst file, or {BUILT_IN}")
    readers = {".txt": _txt, ".tsv": _tsv, ".jsonl": _jsonl, ".lst": _seed_tts_list}
    if file.suffix not in readers:
        raise UserError(f"texts={texts}: a {file.suffix or 'nameless'} file; allowed are {', '.join(readers)}")
    prompts = _checked(readers[file.suffix](str(file), read_text(file)))
    if not allow_outside:
        _check_inside(prompts, file.parent)
    _check_hashes(file, prompts)
    return prompts


def write_hashes(folder: Path) -> None:
    """Write the hashes of a fetched test set's files to its folder; `read_prompts` checks recordings against them."""
    files = (file for file in sorted(folder.rglob("*")) if file.is_file() and file.name != HASHES)
    hashes = {file.relative_to(folder).as_posix(): file_hash(file) for file in files}
    write_whole(folder / HASHES, (json.dumps(hashes, indent=1) + "\n").encode())


def _check_hashes(listing: Path, prompts: Sequence[Prompt]) -> None:
    """Raise UserError for the first file of a fetched test set that is missing or changed."""
    folder = listing.parent
    if not (folder / HASHES).is_file():
        return
    try:
        hashes = {str(folder / name): known for name, known in json.loads((folder / HASHES).read_bytes()).items()}
    except (ValueError, AttributeError):
        raise UserError(f"{folder / HASHES}: is damaged; run tts-download-test-set again") from None
    recordings = (recording for p in prompts for recording in (p.reference, p.voice_reference) if recording)
    for name in (str(listing), *dict.fromkeys(str(Path(recording)) for recording in recordings)):
        if name in hashes and (not Path(name).is_file() or file_hash(Path(name)) != hashes[name]):
            raise UserError(
                f"{name}: differs from the download; run tts-download-test-set again, or rename a list of your own"
            )


def _check_inside(prompts: Sequence[Prompt], folder: Path) -> None:
    for prompt in prompts:
        for recording in filter(None, (prompt.reference, prompt.voice_reference)):
            if not leads_inside(Path(recording), folder):
                raise UserError(
                    f"{prompt.source}: the recording {recording} lies outside {folder}; put it there, or set "
                    "test_set.allow_outside=true"
                )


class PromptColumns(TypedDict, total=False):
    """Names of a hub dataset's columns: `text` for the texts by default, None for a column that is not read."""

    text_column_name: str
    id_column_name: str | None
    speaker_id_column_name: str | None
    audio_column_name: str | None


def _by_role(
    text_column_name: str = "text",
    id_column_name: str | None = None,
    speaker_id_column_name: str | None = None,
    audio_column_name: str | None = None,
) -> dict[str, str]:
    columns = {
        "text": text_column_name,
        "id": id_column_name,
        "speaker": speaker_id_column_name,
        "audio": audio_column_name,
    }
    return {role: column for role, column in columns.items() if column}


def hub_prompts(
    dataset_name: str,
    split: str = "test",
    name: str | None = None,
    revision: str | None = None,
    cache_dir: str | None = None,
    **columns: Unpack[PromptColumns],
) -> list[Prompt]:
    """Return the prompts of a hub dataset's split; recordings of an audio column are read in place.

    `cache_dir` is not used any more.
    """
    by_role = _by_role(**columns)
    read = hub_rows if "audio" in by_role else _hub_texts
    rows = read(dataset_name, name, split, revision, by_role)
    return _checked(
        [
            Prompt(
                id=row.get("id", f"{number:05d}"),
                text=row["text"],
                speaker=row.get("speaker", ""),
                reference=row.get("audio", ""),
                source=f"{dataset_name}/{split}:{number}",
            )
            for number, row in enumerate(rows)
        ],
        len(rows) if "audio" in by_role else 0,
    )


def _hub_texts(
    dataset_name: str, name: str | None, split: str, revision: str | None, columns: Mapping[str, str]
) -> list[dict[str, str]]:
    """Return the cells of a hub dataset's rows by role, for any format that `datasets` loads."""
    from datasets import load_dataset
    from datasets.exceptions import DatasetsError
    from huggingface_hub.errors import HTTPError

    from tts_toolkit.hub.snapshots import explained

    try:
        table = load_dataset(dataset_name, name, split=split, revision=revision)
    except (OSError, ValueError, RuntimeError, DatasetsError, HTTPError) as error:
        raise UserError(
            f"dataset {dataset_name!r} cannot be loaded: {explained(error, dataset_name, 'dataset')}"
        ) from error
    for column in (column for column in columns.values() if column not in table.column_names):
        raise UserError(f"dataset {dataset_name!r} has no column {column!r}; it has {', '.join(table.column_names)}")
    rows = table.select_columns(list(dict.fromkeys(columns.values())))
    return [{role: cell(row, column) for role, column in columns.items()} for row in rows]


def recorded_prompts(clips: Sequence[Clip], split: str | None = "test") -> list[Prompt]:
    """Return the transcripts of recordings as prompts: those of one split, or all.

    The split is the source's own; raises UserError when it names none or the split is empty.
    """
    chosen = [clip for clip in clips if split is None or clip.split == split]
    if not chosen:
        known = ", ".join(sorted({clip.split for clip in clips} - {""})) or "none"
        raise UserError(f"test_set.split={split}: no recording is in it; the source names {known}; null takes all")
    intake().leave_out("rows", "of other splits", [clip.source for clip in clips if split not in (None, clip.split)])
    return _checked(
        [
            Prompt(clip.id, clip.transcript, speaker=clip.speaker, reference=str(clip.audio), source=clip.source)
            for clip in chosen
        ],
        len(chosen),
    )


def with_recordings(prompts: Sequence[Prompt], folder: Path) -> list[Prompt]:
    """Return the prompts, with the recordings of `folder` that are named by their ids as references.

    A recording in a sub-folder gives the prompt that folder's name as its speaker, where it has none. Raises UserError
    when the folder is missing or holds none of them.
    """
    if not folder.is_dir():
        raise UserError(f"references={folder}: no such folder")
    found = sound_files(folder)
    if not any(called(prompt.id, found) for prompt in prompts):
        raise UserError(
            f"references={folder}: holds {n_of(len(found), 'recording')}, none called by an id of the texts, such as "
            f"{prompts[0].id}.wav; leave references out, or name a recording of the voice in a column voice_reference "
            "of the texts"
        )
    count_recordings(folder, prompts)
    return [_with_recording(prompt, called(prompt.id, found), folder) for prompt in prompts]


def count_recordings(folder: Path, prompts: Sequence[Prompt]) -> None:
    """Count the files of a folder of recordings: kept are those named by the ids of prompts."""
    found = found_below(folder)
    by_name = {file.stem: file for file in found.sounds()}
    kept = {file for prompt in prompts if (file := called(prompt.id, by_name))}
    count_files(folder, found, [file for file in found.sounds() if file in kept], (), "sound of no text")


def _with_recording(prompt: Prompt, file: Path | None, folder: Path) -> Prompt:
    if file is None:
        return prompt
    parent = "" if file.parent == folder else file.parent.name
    return replace(prompt, reference=str(file), speaker=prompt.speaker or parent)


def _txt(file: str, content: str) -> Iterator[Prompt]:
    if "\t" in content:
        return _tsv(file, content)
    lines = [(number, line.strip()) for number, line in enumerate(content.split("\n"), start=1)]
    return (Prompt(f"{number:04d}", text, source=f"{file}:{number}") for number, text in lines if text)


def _tsv(file: str, content: str) -> Iterator[Prompt]:
    columns: Sequence[str] = ()
    bare = False  # without a header, where the voice may be left out
    for number, line in enumerate(content.split("\n"), start=1):
        row, place = line.rstrip("\r").split("\t"), f"{file}:{number}"
        if not any(field.strip() for field in row):
            continue
        if not columns:
            bare = "text" not in row
            columns = BARE if bare else [field.strip() for field in row]
            if not bare:
                continue
        if len(row) != len(columns) and not (bare and len(row) == len(columns) - 1):
            wanted = "id<TAB>text[<TAB>voice]" if bare else f"{len(columns)}: {', '.join(columns)}"
            raise UserError(f"{place}: has {len(row)} fields; wanted are {wanted}")
        yield _prompt(dict(zip(columns, row, strict=False)), place, Path(file).parent)


def _jsonl(file: str, content: str) -> Iterator[Prompt]:
    for number, line in enumerate(content.split("\n"), start=1):
        if not line.strip():
            continue
        place = f"{file}:{number}"
        try:
            row = parsed_json(line)
        except ValueError as error:
            raise UserError(f"{place}: is not JSON ({error}); write one object per line") from None
        if not isinstance(row, dict):
            raise UserError(f"{place}: is a JSON {type(row).__name__}; write one object per line")
        yield _prompt(row, place, Path(file).parent)


def _seed_tts_list(file: str, content: str) -> Iterator[Prompt]:
    """Read the layout of Seed-TTS-Eval: the prompt recording is the voice, with another text."""
    folder = Path(file).parent
    for number, line in enumerate(content.split("\n"), start=1):
        if not line.strip():
            continue
        parts = line.strip().split("|")  # as the publisher splits it: no field may hold the mark
        if len(parts) not in (4, 5):
            raise UserError(
                f"{file}:{number}: has {len(parts)} fields; wanted are utterance|prompt text|prompt recording|text"
                "[|recording]"
            )
        id_, _, voice, text = parts[:4]
        yield Prompt(
            id_,
            text,
            speaker=Path(voice).stem.split("-")[0],
            reference=str(folder / parts[4]) if len(parts) == 5 else "",
            voice_reference=str(folder / voice),
            source=f"{file}:{number}",
        )


def _prompt(row: Mapping[str, Any], place: str, folder: Path) -> Prompt:
    cells = {name: str(value).strip() for name, value in row.items() if value is not None}
    voices = {name: cells.pop(name) for name in list(cells) if name.startswith(VOICE_OF)}
    unknown = sorted(set(cells) - set(COLUMNS))
    if unknown:
        allowed = ", ".join([*COLUMNS, f"{VOICE_OF}<system>"])
        raise UserError(f"{place}: unknown column {', '.join(unknown)}; allowed are {allowed}")
    values: dict[str, Any] = {
        **cells,
        "voices": {name[len(VOICE_OF) :]: voice for name, voice in voices.items() if voice},
    }
    if "id" not in values:
        values["id"] = place.rpartition(":")[2].zfill(4)
    for column in ("reference", "voice_reference"):
        if values.get(column):
            values[column] = str(folder / values[column])
    return Prompt(**{"text": "", **values, "source": place})


def _checked(prompts: Iterator[Prompt] | Sequence[Prompt], n_counted: int = 0) -> list[Prompt]:
    """Return the prompts with distinct ids and with their faults; raises UserError where no prompt has a text."""
    found: dict[str, Prompt] = {}
    for prompt in prompts:
        if not prompt.id:
            raise UserError(f"{prompt.source}: the id is empty; write one or leave the column out")
        fault = "" if prompt.text else "the text is empty"
        id_, n = prompt.id, 1
        while id_ in found:
            fault, n = f"the id {prompt.id!r} is taken by {found[prompt.id].source}", n + 1
            id_ = f"{prompt.id}#{n}"
        found[id_] = replace(prompt, id=id_, fault=fault)
    intake().add("rows", len(found) - n_counted)
    for prompt in found.values():
        if prompt.fault:
            intake().leave_out("rows", "texts that cannot be synthesized", [f"{prompt.source}: {prompt.fault}"])
    if all(prompt.fault for prompt in found.values()):
        raise UserError("the test set holds no text")
    return list(found.values())
