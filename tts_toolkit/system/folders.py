"""Files below a folder: links followed once; hidden names and system files skipped, with reasons."""

# ruff: noqa: PTH113, PTH118, PTH122 -- a Path per row dominates the time of a million rows
from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

import soundfile

LITTER = frozenset(
    name.casefold()
    for name in (
        "__MACOSX", "__pycache__", "Thumbs.db", "ehthumbs.db", "desktop.ini", "@eaDir", "$RECYCLE.BIN",
        "System Volume Information", "lost+found", "Icon\r",
    )
)  # fmt: skip
# Formats of libsndfile, by its own names and the usual endings; RAW has no header.
SOUND_SUFFIXES = tuple(
    sorted(
        {f".{name.lower()}" for name in soundfile.available_formats() if name != "RAW"}
        | {".wave", ".bwf", ".oga", ".opus", ".mp2", ".mpga", ".aif", ".aifc", ".snd", ".sph", ".iff", ".8svx", ".sf"}
    )
)
SOUND_ENDINGS = frozenset(SOUND_SUFFIXES)
OTHER_SOUND = frozenset(
    (
        ".m4a", ".m4b", ".mp4", ".aac", ".wma", ".amr", ".ape", ".wv", ".mpc", ".ac3", ".webm", ".mka", ".mkv", ".mov",
        ".3gp", ".dsf", ".dff", ".tta", ".ra", ".g722", ".gsm", ".spx", ".adts", ".weba", ".raw", ".pcm", ".alac",
    )
)  # fmt: skip
HIDDEN = "hidden, or put there by a system or a program"
CONVERT = "sound in a format that is not read (convert it to WAV or FLAC)"
NO_SOUND = "no sound"
NOWHERE = "a link that leads nowhere"
TWICE = "a link to a folder that is read already"
CLOSED = "a folder that may not be read"
NO_TEXT = "a name that is no UTF-8 (rename it)"
NO_FILE = "neither a file nor a folder"


@dataclass
class Found:
    """The files below a folder, each in one of the two fields."""

    files: list[Path] = field(default_factory=list)  # in order of their paths
    passed_over: dict[str, list[Path]] = field(default_factory=dict)  # by reason; a folder includes all its files

    def pass_over(self, reason: str, path: Path) -> None:
        """Record a name that is not read."""
        self.passed_over.setdefault(reason, []).append(path)

    def sounds(self) -> list[Path]:
        """Return the files that libsndfile reads, by their endings."""
        return [file for file in self.files if is_sound(file)]


def is_sound(file: str | Path) -> bool:
    """Whether libsndfile reads such a file, by its ending."""
    return os.path.splitext(file)[1].lower() in SOUND_ENDINGS


def is_hidden(name: str) -> bool:
    """Whether a name is hidden, or a system file's."""
    return name.startswith(".") or name.casefold() in LITTER


def why_no_sound(file: Path) -> str:
    """Return the reason why a file is not read as sound."""
    return CONVERT if file.suffix.lower() in OTHER_SOUND else NO_SOUND


def found_below(root: Path) -> Found:
    """Return every file below `root`. A linked folder is read once, links being followed last."""
    found = Found()
    seen = {_identity(root)}
    waiting = [root]
    links: list[Path] = []
    while waiting or links:
        folder = waiting.pop() if waiting else links.pop(0)
        if folder.is_symlink() and folder != root:
            if _identity(folder) in seen:
                found.pass_over(TWICE, folder)
                continue
            seen.add(_identity(folder))
        for entry in _entries(folder, found):
            path = folder / entry.name
            if is_hidden(entry.name):
                found.pass_over(HIDDEN, path)
            elif not _is_text(entry.name):
                found.pass_over(NO_TEXT, path)
            elif entry.is_dir(follow_symlinks=False):
                seen.add(_identity(path))
                waiting.append(path)
            elif _leads_to(entry.is_file):
                found.files.append(path)
            elif _leads_to(entry.is_dir):
                links.append(path)
            else:
                found.pass_over(NOWHERE if entry.is_symlink() else NO_FILE, path)
    found.files.sort()
    return found


def _is_text(name: str) -> bool:
    """Whether a name is valid text: names in an old encoding keep undecoded bytes."""
    return not any("\ud800" <= c <= "\udfff" for c in name)


def _identity(folder: Path) -> tuple[int, int]:
    stat = folder.stat()
    return stat.st_dev, stat.st_ino


def _entries(folder: Path, found: Found) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except PermissionError:
        found.pass_over(CLOSED, folder)
        return []


def _leads_to(asked: Callable[[], bool]) -> bool:
    try:
        return asked()
    except OSError:  # links in a circle
        return False


class Finder:
    """Finds the file that a manifest names, in any spelling of the name.

    As written, with backslashes for slashes, percent signs decoded, or without leading folders that end in the root's
    own name; each in another Unicode form or case, and without its ending or with another one of sound.
    """

    def __init__(self, root: Path, subfolders: Sequence[str] = ("",)) -> None:
        self.root, self.subfolders = root, subfolders
        self._names: dict[str, dict[str, list[str]]] = {}
        self._stems: dict[str, dict[str, list[str]]] = {}

    def find(self, name: str) -> Path | None:
        """Return the one file below the root that a name means; None when there is none, or more than one."""
        for folder in self.subfolders:
            for candidate in self._readings(name):
                if found := self._walk(os.path.join(self.root, folder), candidate):
                    return found
        return None

    def _readings(self, name: str) -> Iterator[str]:
        plain = name.replace("\\", "/").removeprefix("./")
        for reading in dict.fromkeys((name, plain, unquote(plain))):
            if ".." in reading.split("/"):
                continue
            yield reading
            parts = reading.split("/")
            if self.root.name in parts[:-1]:
                at = len(parts) - 1 - parts[:-1][::-1].index(self.root.name)
                yield "/".join(parts[at:])

    def _walk(self, folder: str, reading: str) -> Path | None:
        if reading.startswith("/"):
            return None
        *folders, last = [part for part in reading.split("/") if part not in ("", ".")] or [""]
        for part in folders:
            matches = self._listed(folder).get(_form(part), [])
            name = part if part in matches else matches[0] if len(matches) == 1 else ""
            if not name:
                return None
            folder = os.path.join(folder, name)
        matches = self._listed(folder).get(_form(last), [])
        matches = [last] if last in matches else matches or self._stems[folder].get(_form(_stem(last)), [])
        found = Path(folder, matches[0]) if len(matches) == 1 else None
        return found if found and is_file(found) else None

    def _listed(self, folder: str) -> dict[str, list[str]]:
        if folder not in self._names:
            names, stems = self._names.setdefault(folder, {}), self._stems.setdefault(folder, {})
            try:
                listed = sorted(path.name for path in Path(folder).iterdir())
            except (OSError, ValueError):
                listed = []
            for name in listed:
                names.setdefault(_form(name), []).append(name)
                if is_sound(name):
                    stems.setdefault(_form(_stem(name)), []).append(name)
        return self._names[folder]


def is_file(path: str | Path) -> bool:
    """Whether a file exists; False for a name that no file can have."""
    return os.path.isfile(path)


def _stem(name: str) -> str:
    return os.path.splitext(name)[0] if is_sound(name) else name


def _form(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
