"""Seed-TTS-Eval, fetched by its users: the publisher's archive or a copy on the hub, in the publisher's layout."""

from __future__ import annotations

import logging
import shutil
import tarfile
from collections.abc import Iterable, Sequence
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from tts_toolkit.data.test_sets import write_hashes
from tts_toolkit.hub.snapshots import HubError, snapshot
from tts_toolkit.system.errors import UserError
from tts_toolkit.system.files import file_hash, whole_file

log = logging.getLogger(__name__)
TERMS = (
    "Seed-TTS-Eval holds recordings of Common Voice and DiDiSpeech-2 and names no license of its own: whether you may "
    "use it is yours to know"
)
LIST = "meta.lst"
EN_LIST_SHA256 = "7cd29f701743e6c7033edbca764ddc0b979de8c4f4907eff5e5454682114661f"  # as VoiceHub Arena records it
MAX_BYTES = 8 * 2**30  # of the unpacked archive


def from_hub(dataset_name: str, revision: str | None, language: str, output_dir: Path) -> Path:
    """Return the list of a hub copy, its files below `output_dir`; raises UserError when it cannot be fetched."""
    wanted = (f"{language}/{LIST}", f"{language}/*wavs/*")

    def choose(names: Sequence[str]) -> list[str]:
        return [name for name in names if any(fnmatch(name, pattern) for pattern in wanted)]

    try:
        fetched = snapshot(dataset_name, revision, "dataset").fetch(choose, revision)
    except HubError as error:
        raise UserError(
            f"dataset_name={dataset_name}: cannot be fetched: {error}; or give another copy, or "
            "archive=FILE with the publisher's seedtts_testset.tar"
        ) from error
    files = {file.relative_to(fetched): file for file in (fetched / language).rglob("*") if file.is_file()}
    for name in _list_last(files):
        with whole_file(output_dir / name) as temporary:
            shutil.copyfile(files[name], temporary)
    return _checked(output_dir / language / LIST, language)


def from_archive(archive: Path, language: str, output_dir: Path) -> Path:
    """Return the list of the publisher's archive, unpacked below `output_dir`.

    Only regular files of the wanted language are unpacked, and nothing outside `output_dir` is written. Raises
    UserError for any other archive.
    """
    if not archive.is_file():
        raise UserError(f"archive={archive}: no such file")
    try:
        with tarfile.open(archive) as content:
            members = [m for m in content.getmembers() if m.isfile() and language in PurePosixPath(m.name).parts[:-1]]
            if sum(member.size for member in members) > MAX_BYTES:
                raise UserError(f"archive={archive}: would unpack to more than {MAX_BYTES // 2**30} GiB")
            for member in members:
                parts = PurePosixPath(member.name).parts
                member.name = str(PurePosixPath(*parts[parts.index(language) :]))
            for name in _list_last(by_name := {Path(member.name): member for member in members}):
                content.extract(by_name[name], output_dir, filter="data")
    except (tarfile.TarError, OSError) as error:
        raise UserError(f"archive={archive}: cannot be unpacked ({error})") from error
    return _checked(output_dir / language / LIST, language)


def _list_last(names: Iterable[Path]) -> list[Path]:
    """Return the names, the list last, so that an incompletely fetched set has no list."""
    return sorted(names, key=lambda name: (name.name == LIST, name))


def _checked(listing: Path, language: str) -> Path:
    if not listing.is_file():
        raise UserError(f"{listing.parent.parent} holds no {language}/{LIST}: not a copy of Seed-TTS-Eval")
    if language == "en" and file_hash(listing) != EN_LIST_SHA256:
        log.warning(
            "%s differs from the published list of 1,088 texts: figures are not those of Seed-TTS-Eval", listing
        )
    write_hashes(listing.parent)
    return listing
