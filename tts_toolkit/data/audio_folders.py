"""Clips of an AudioFolder: `metadata.*` lists, or texts next to recordings."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tts_toolkit.data.clips import Clip
from tts_toolkit.data.intake import LISTS, count_files, intake
from tts_toolkit.data.manifests import (
    ONE_SPEAKER,
    SPLIT_NAMES,
    Defaults,
    Names,
    add_clips,
    choose_columns,
    listed_rows,
    placed_in,
)
from tts_toolkit.data.rows import Row, refuse_row
from tts_toolkit.system.errors import UserError
from tts_toolkit.system.files import read_text
from tts_toolkit.system.folders import CONVERT, Found, why_no_sound

log = logging.getLogger(__name__)
TEXT_SUFFIXES = (".txt", ".lab")  # of transcripts next to their recordings


def lists_of(root: Path, found: Found) -> list[Path]:
    """Return the lists of an AudioFolder: its own, or else those of its sub-folders; one per folder."""
    lists: dict[Path, Path] = {}
    for name in LISTS:
        for file in (file for file in found.files if file.name.casefold() == name):
            lists.setdefault(file.parent, file)
    return [lists[root]] if root in lists else [lists[parent] for parent in sorted(lists)]


def audio_folder(root: Path, found: Found, names: Names, allow_outside: bool) -> list[Clip] | None:
    """Return the clips of the lists, or of the texts next to recordings; None where there is neither."""
    clips: dict[str, Clip] = {}
    lists = lists_of(root, found)
    used, tree = list(lists), Tree.of(root, lists)
    for file in lists:
        speaker = tree.speaker(file) if len(lists) > 1 else ONE_SPEAKER
        defaults = Defaults(speaker, tree.part(file), tree.prefix(file), names.needs_text)
        add_list(clips, file, names, allow_outside, defaults)
    if not lists:
        texts = _transcript_files(found)
        used = list(texts.values())
        _add_pairs(clips, root, texts)
    if not used:
        return None
    count_files(root, found, sounds_of(clips), used)
    return list(clips.values())


def add_list(clips: dict[str, Clip], file: Path, names: Names, allow_outside: bool, defaults: Defaults) -> None:
    """Add the clips of one list to those read before."""
    there, rows = listed_rows(file)
    if not rows:  # all refused
        return
    add_clips(clips, rows, choose_columns(file, there, names), placed_in(file.parent, allow_outside), defaults)


def _transcript_files(found: Found) -> dict[Path, Path]:
    """Return the text file of the same name for each recording that has one."""
    texts = {file.with_suffix(""): file for file in found.files if file.suffix.lower() in TEXT_SUFFIXES}
    sounds = found.sounds()
    return {sound: texts[sound.with_suffix("")] for sound in sounds if sound.with_suffix("") in texts}


def _add_pairs(clips: dict[str, Clip], root: Path, texts: Mapping[Path, Path]) -> None:
    rows: list[Row] = []
    tree = Tree.of(root, texts)
    columns = {role: role for role in ("id", "audio", "text", "speaker", "split")}
    for sound, file in texts.items():
        intake().add("rows", 1)
        try:
            text = " ".join(read_text(file).split())
        except UserError as error:
            where, _, why = str(error).rpartition(": ")
            refuse_row(where, why, "in another encoding")
            continue
        cells = (tree.id(sound), str(sound.relative_to(root)), text, tree.speaker(sound), tree.part(sound))
        rows.append((str(file), dict(zip(columns, cells, strict=True))))
    if texts:
        log.info("%s: holds no metadata.csv; the texts next to %d recordings are read", root, len(texts))
    add_clips(clips, rows, columns, placed_in(root), Defaults())


def sounds_of(clips: Mapping[str, Clip]) -> list[Path]:
    """Return the recordings of clips."""
    return [clip.audio for clip in clips.values()]


@dataclass(frozen=True)
class Tree:
    """Split and speaker of files, by the folders that hold them."""

    root: Path
    has_parts: bool  # all topmost folders are splits of the data; otherwise they are speakers

    @classmethod
    def of(cls, root: Path, files: Iterable[Path]) -> Tree:
        """Return the tree of files: `val` next to `anna` is a speaker, next to `train` a split."""
        tops = {file.relative_to(root).parts[0].lower() for file in files if file.parent != root}
        parts = {SPLIT_NAMES.get(top, "") for top in tops}
        return cls(root, "" not in parts and "train" in parts)

    def folders(self, file: Path) -> list[str]:
        """Return the folders from the root to a file."""
        return list(file.relative_to(self.root).parts[:-1])

    def part(self, file: Path) -> str:
        """Return the split that a file belongs to, empty where the folders name none."""
        return SPLIT_NAMES[self.folders(file)[0].lower()] if self.has_parts and self.folders(file) else ""

    def speaker(self, file: Path) -> str:
        """Return the speaker that the topmost folder, or the one below a split, names."""
        folders = self.folders(file)[int(self.has_parts) :]
        return folders[0] if folders else ONE_SPEAKER

    def id(self, file: Path) -> str:
        """Return the id of a recording that no list names."""
        return file.relative_to(self.root).with_suffix("").as_posix()

    def prefix(self, file: Path) -> str:
        """Return the prefix of the ids of a list's rows, so that ids of two lists differ."""
        return "".join(f"{folder}/" for folder in self.folders(file))


def found_instead(found: Found) -> str:
    """Return the end of an error message: other files that a folder holds."""
    lists = [file.name for file in found.files if file.suffix.lower() in LIST_SUFFIXES]
    others = [file.name for file in found.files if why_no_sound(file) == CONVERT]
    message = f", but {', '.join(lists[:5])}{', ...' if len(lists) > 5 else ''}" if lists else ""
    if others:
        message += f", but {len(others)} files in a format that is not read, such as {others[0]} (convert them to WAV)"
    return message


def folder_clips(where: str, root: Path, files: Sequence[Path], names: Names) -> list[Clip]:
    """Return the clips of the files of an AudioFolder that are one split of a dataset, `root` being its folder."""
    found = Found(sorted(files))
    clips: dict[str, Clip] = {}
    tree = Tree(root, has_parts=False)
    lists = [file for name in LISTS for file in found.files if file.name.casefold() == name]
    if not lists:
        raise UserError(
            f"{where}: none of its {len(files)} files is a metadata.csv, .jsonl or .parquet with transcripts"
        )
    for file in {file.parent: file for file in reversed(lists)}.values():
        add_list(clips, file, names, False, Defaults(id_prefix=tree.prefix(file), needs_text=names.needs_text))
    count_files(root, found, sounds_of(clips), lists)
    return list(clips.values())


LIST_SUFFIXES = (".csv", ".tsv", ".jsonl", ".json", ".parquet")
