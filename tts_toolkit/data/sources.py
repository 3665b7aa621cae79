"""Where recordings come from: each function returns clips, or raises UserError naming file and line.

Rows and files read and left out are counted, see `intake.counting`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from pathlib import Path

from tts_toolkit.assets import asset_path
from tts_toolkit.data.audio_folders import Tree, add_list, audio_folder, found_instead, lists_of, sounds_of
from tts_toolkit.data.clips import Clip
from tts_toolkit.data.intake import count_files, intake
from tts_toolkit.data.manifests import (
    ONE_SPEAKER,
    Defaults,
    Names,
    add_clips,
    physical_lines,
    placed_in,
)
from tts_toolkit.data.manifests import leads_inside as leads_inside
from tts_toolkit.data.rows import refuse_row
from tts_toolkit.data.tables import hub as hub
from tts_toolkit.data.tables import parquet as parquet
from tts_toolkit.system.errors import UserError
from tts_toolkit.system.folders import SOUND_SUFFIXES, found_below, is_sound

log = logging.getLogger(__name__)
LJSPEECH_FOLDERS = ("wavs", "", "wav", "audio", "clips")
LJSPEECH_HEADERS = {"id", "file", "file_name", "filename", "wav", "name", "audio", "path", "audio_file"}


def folder(
    path: str,
    audio_column_name: str | None = None,
    text_column_name: str | None = None,
    speaker_id_column_name: str | None = None,
    allow_outside: bool = False,
) -> list[Clip]:
    """Return the clips of an AudioFolder: `metadata.csv` or `metadata.jsonl` with `file_name` and a text column.

    A column name of None selects the first usual one that exists (TEXT_COLUMNS, AUDIO_COLUMNS, SPEAKER_COLUMNS). The
    columns `id`, `split`, `license` (or `licence`), `consent` and `session` are read where present. Lists may be in
    sub-folders, one per split (`train`, `test`) or per speaker; without any, texts next to the recordings are read
    (`a.wav`, `a.txt`). A row whose path leads out of the list's folder is refused unless `allow_outside`.
    """
    root = _folder(path)
    found = found_below(root)
    names = Names(audio_column_name, text_column_name, speaker_id_column_name)
    clips = audio_folder(root, found, names, allow_outside)
    if clips is None:
        raise UserError(
            f"{root}: holds neither metadata.csv nor metadata.jsonl{found_instead(found)}; write one with the columns "
            "file_name and text, or choose data=ljspeech or data=jsonl"
        )
    return clips


def jsonl(
    path: str,
    audio_column_name: str | None = None,
    text_column_name: str | None = None,
    speaker_id_column_name: str | None = None,
    allow_outside: bool = False,
) -> list[Clip]:
    """Return the clips of one JSON-lines file, or a .csv or .tsv; audio paths are relative to its folder.

    A row whose path leads out of that folder is refused unless `allow_outside`.
    """
    file = Path(path)
    if not file.is_file():
        raise UserError(f"data.path={path}: no such file; give the path of a .jsonl manifest")
    clips: dict[str, Clip] = {}
    names = Names(audio_column_name, text_column_name, speaker_id_column_name)
    add_list(clips, file, names, allow_outside, Defaults())
    intake().add("files", 1)
    return list(clips.values())


def audio(path: str) -> list[Clip]:
    """Return the clips of a folder for work that needs no transcripts.

    A metadata file or LJSpeech list is read where there is one. Otherwise every sound file counts, and its sub-folder
    names its speaker. Raises UserError when there is no sound, or two files have one id.
    """
    root = _folder(path)
    if _is_ljspeech(root):
        return ljspeech(path)
    found = found_below(root)
    if lists_of(root, found):
        return audio_folder(root, found, Names(needs_text=False), False) or []
    clips: dict[str, Clip] = {}
    tree = Tree.of(root, found.sounds())
    for file in found.sounds():
        clip = Clip(tree.id(file), file, "", tree.speaker(file), str(file), split=tree.part(file))
        if clip.id in clips:
            raise UserError(f"{file}: {clips[clip.id].audio} has the same name but for its ending; rename one of them")
        clips[clip.id] = clip
    if not clips:
        raise UserError(f"data.path={path}: holds no sound files ({', '.join(SOUND_SUFFIXES)}){found_instead(found)}")
    count_files(root, found, sounds_of(clips))
    return list(clips.values())


def ljspeech(path: str, speaker: str = ONE_SPEAKER) -> list[Clip]:
    """Return the clips of an LJSpeech folder: `metadata.csv` of `id|text|normalized text`, sound in `wavs/`.

    Also read: ids with a file ending, sound in any format or next to the list, a header, an empty third field, and
    lists of `id|speaker|text` or `id|text|speaker`, with a log line.
    """
    root = _folder(path)
    file = root / "metadata.csv"
    if not file.is_file():
        raise UserError(f"{root}: holds no metadata.csv of lines id|text|normalized text")
    lines = _ljspeech_lines(file)
    order = _order(file, [fields for _, fields in lines])
    columns = {"audio": "audio", "text": "text", "id": "id"} | ({"speaker": "speaker"} if "speaker" in order else {})
    rows = [(where, _ljspeech_row(fields, order)) for where, fields in lines]
    clips: dict[str, Clip] = {}
    add_clips(clips, rows, columns, placed_in(root, subfolders=LJSPEECH_FOLDERS), Defaults(speaker))
    count_files(root, found_below(root), sounds_of(clips), [file])
    return list(clips.values())


def _ljspeech_lines(file: Path) -> list[tuple[str, list[str]]]:
    """Return the fields of each line that has two or three, by "file:line"."""
    lines: list[tuple[str, list[str]]] = []
    for number, line in enumerate(physical_lines(file), start=1):
        fields = [field.strip() for field in line.split("|")]
        if not line.strip() or (not lines and fields[0].casefold() in LJSPEECH_HEADERS):
            continue
        intake().add("rows", 1)
        where = f"{file}:{number}"
        if len(fields) in (2, 3):
            lines.append((where, fields))
        else:
            message = f"found {len(fields)} fields, expected id|text or id|text|normalized text"
            refuse_row(where, message, "with another number of fields")
    return lines


def _order(file: Path, lines: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return the roles of the second and the third field of lines: a text and its normalized form share words."""
    both = [(words(fields[1]), words(fields[2])) for fields in lines if len(fields) == 3 and fields[1] and fields[2]]
    shared = sum(bool(set(second) & set(third)) for second, third in both)
    if not both or shared >= 0.5 * len(both):
        return ("text", "normalized")
    lengths = [sum(map(len, side)) for side in zip(*both, strict=True)]
    order = ("speaker", "text") if lengths[0] <= lengths[1] else ("text", "speaker")
    names = sorted({fields[1 + order.index("speaker")] for fields in lines if len(fields) == 3})
    if max(len(words(name)) for name in names) > 4:  # a language whose normalized form is another script
        return ("text", "normalized")
    shown = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
    log.info("%s: read as id|%s|%s: the speakers are %s", file, *order, shown)
    return order


def words(text: str) -> list[str]:
    """Return the words of a text, in lower case and without marks."""
    return re.findall(r"\w+", text.casefold())


def _ljspeech_row(fields: Sequence[str], order: Sequence[str]) -> dict[str, str]:
    name = fields[0].replace("\\", "/")
    has_ending = is_sound(Path(name))
    row = {
        "id": str(Path(name).with_suffix("")) if has_ending else name,
        "audio": name if has_ending else f"{name}.wav",
    }
    row |= dict(zip(order, fields[1:], strict=False))
    if order == ("text", "normalized"):
        row["text"] = row.get("normalized") or row["text"]
    return row if name else row | {"audio": ""}


def _is_ljspeech(root: Path) -> bool:
    listed = root / "metadata.csv"
    if not listed.is_file():
        return False
    line = next((line for line in physical_lines(listed) if line.strip()), "")
    return "|" in line and "," not in line.split("|")[0] and (root / "wavs").is_dir()


def _folder(path: str) -> Path:
    root = asset_path(path)
    if not root.is_dir():
        raise UserError(f"data.path={path}: no such folder")
    return root
