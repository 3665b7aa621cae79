"""The files of hub datasets: found by `datasets`, downloaded as they are, and found again without the hub."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from tts_toolkit.audio.table_cells import digest_of
from tts_toolkit.system.errors import UserError
from tts_toolkit.system.files import write_whole

log = logging.getLogger(__name__)
CONVERTED = "refs/convert/parquet"  # where the hub keeps its own conversion of a dataset
READ = ("parquet", "arrow", "audiofolder")  # the builders of `datasets` whose files are read as they are
ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".7z", ".rar")
MANY_FILES = 1000
ADDRESS = re.compile(r"hf://datasets/(?P<repo>[^@]+)@(?P<commit>[^/]+)/(?P<path>.+)")


@dataclass(frozen=True)
class HubFiles:
    """The files of a dataset, on this machine."""

    kind: str  # parquet, arrow or audiofolder
    root: Path
    files: Mapping[str, Sequence[Path]]  # by split


def hub_files(name: str, config: str | None, split: str | None, revision: str | None, setting: str = "") -> HubFiles:
    """Return the files of the splits that `split` names, all for None, downloading those that are not here.

    Raises UserError, with the hub's own message, when they cannot be loaded. `setting` precedes the names of options.
    """
    from datasets.exceptions import DatasetsError
    from huggingface_hub import is_offline_mode
    from huggingface_hub.errors import HTTPError

    from tts_toolkit.hub.snapshots import explained

    try:
        return _hub_files(name, config, split, revision)
    except UserError as error:
        raise UserError(f"{setting}dataset_name={name}: {error}") from error
    except (OSError, ValueError, RuntimeError, DatasetsError, HTTPError) as error:
        advice = f"; set {setting}dataset_config_name to one" if "available configs" in str(error) else ""
        message = explained(error, name, "dataset")
        if isinstance(error, ConnectionError) and is_offline_mode():
            message = "it is not in the cache, and HF_HUB_OFFLINE is set; run once where the hub answers"
        raise UserError(f"{setting}dataset_name={name}: cannot be loaded: {message}{advice}") from error


def _whole(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _hub_files(name: str, config: str | None, split: str | None, revision: str | None) -> HubFiles:
    if Path(name).is_dir():
        listing = _listed(*_built(name, config, None), Path(name))
        if listing.kind not in READ:
            raise UserError(f"is a folder of {listing.kind} files; read are Parquet and AudioFolder, or use data=jsonl")
    else:
        listing = _listing(name, config, revision)
    paths = {part: listing.files[part] for part in _parts(split, listing.files)}
    root = Path(name).absolute()
    if listing.commit:
        root = snapshot(name, listing.commit, [path for of_part in paths.values() for path in of_part])
    return HubFiles(listing.kind, root, {part: [root / path for path in of_part] for part, of_part in paths.items()})


@dataclass(frozen=True)
class Listing:
    """The file list of a dataset, before its files are fetched."""

    kind: str
    commit: str  # empty for a folder of this machine
    files: Mapping[str, Sequence[str]]  # by split, as named in the repository


def _listing(name: str, config: str | None, revision: str | None) -> Listing:
    """Return the listing of a repository, and store it for when the hub cannot be reached."""
    from huggingface_hub.constants import HF_HOME
    from huggingface_hub.errors import HTTPError

    key = digest_of(json.dumps([name, config, revision]).encode())
    store = Path(HF_HOME) / "tts_toolkit" / "datasets" / f"{key}.json"
    try:
        listing = _from_hub(name, config, revision)
    except (ConnectionError, HTTPError) as error:
        known = _stored(store) or _cached(name, config, revision)
        if known is None:
            raise
        log.info("%s: the hub cannot be asked (%s); what was downloaded before is read", name, _whole(error))
        return known
    write_whole(store, json.dumps(asdict(listing)).encode(), durable=False)
    return listing


def _stored(file: Path) -> Listing | None:
    try:
        return Listing(**json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _cached(name: str, config: str | None, revision: str | None) -> Listing | None:
    """Return the listing of a snapshot in the hub's cache, whichever program downloaded it."""
    from datasets.exceptions import DatasetsError
    from huggingface_hub.constants import HF_HUB_CACHE
    from huggingface_hub.file_download import repo_folder_name

    repo = Path(HF_HUB_CACHE) / repo_folder_name(repo_id=name, repo_type="dataset")
    ref = repo / "refs" / (revision or "main")
    commit = ref.read_text().strip() if ref.is_file() else revision or ""
    root = repo / "snapshots" / commit
    if not commit or not root.is_dir():
        return None
    try:
        return replace(_listed(*_built(str(root), config, None), root), commit=commit)
    except DatasetsError:
        return None


def _from_hub(name: str, config: str | None, revision: str | None) -> Listing:
    """Return the hub's listing of a repository, or of its conversion to Parquet where the files cannot be read here."""
    if revision == CONVERTED:
        return _converted(name, config)
    try:
        kind, addresses = _built(name, config, revision)
    except RuntimeError as error:  # a loading script, which datasets does not run
        return _converted(name, config, _whole(error))
    matches = {split: [ADDRESS.fullmatch(address) for address in of_split] for split, of_split in addresses.items()}
    found = {split: [match for match in of_split if match] for split, of_split in matches.items()}
    files = {split: [match["path"] for match in of_split] for split, of_split in found.items()}
    commits = [match["commit"] for of_split in found.values() for match in of_split]
    if not commits:  # a cached builder, without the hub
        raise ConnectionError(f"{name} holds no data files here, and the hub cannot be asked")
    if kind not in READ or any(path.endswith(ARCHIVES) for of_split in files.values() for path in of_split):
        return _converted(name, config, f"its files are read as {kind}, or lie in archives")
    return Listing(kind, commits[0], files)


def _built(path: str, config: str | None, revision: str | None) -> tuple[str, dict[str, list[str]]]:
    """Return the builder of a dataset and the addresses of its files by split."""
    from datasets import load_dataset_builder

    builder = load_dataset_builder(path, config, revision=revision)
    files = builder.config.data_files or {}
    return str(builder.name), {str(split): [str(file) for file in of_split] for split, of_split in files.items()}


def _listed(kind: str, addresses: Mapping[str, Sequence[str]], root: Path) -> Listing:
    """Return the listing of files of this machine."""
    top = root.resolve()

    def inside(file: str) -> str:
        path = Path(file)
        return (path.relative_to(top) if path.is_relative_to(top) else path.relative_to(root.absolute())).as_posix()

    return Listing(kind, "", {split: [inside(file) for file in of_split] for split, of_split in addresses.items()})


def _parts(split: str | None, known: Mapping[str, object]) -> list[str]:
    """Return the splits that a split such as `train[:10%]+test` names; raises UserError for one that is not known."""
    named = (
        list(known) if split is None else list(dict.fromkeys(part.split("[")[0].strip() for part in split.split("+")))
    )
    unknown = [part for part in named if part not in known]
    if "all" in unknown:
        return list(known)
    if unknown:
        raise UserError(f"has no split {', '.join(unknown)}; it has {', '.join(known)}: set split to one of them")
    return named


def sliced(split: str | None, sizes: Mapping[str, int]) -> list[tuple[str, int, int]]:
    """Return the row ranges that a split such as `train[:10%]+test` selects; all rows of each split for None.

    Raises UserError for an invalid split.
    """
    from datasets import ReadInstruction

    if split is None or split == "all":
        return [(name, 0, size) for name, size in sizes.items()]
    try:
        instructions = ReadInstruction.from_spec(split).to_absolute(dict(sizes))
    except (ValueError, AssertionError) as error:
        raise UserError(f"split={split}: {_whole(error)}") from None
    return [
        (part.splitname, part.from_ or 0, sizes[part.splitname] if part.to is None else part.to)
        for part in instructions
    ]


def snapshot(repo: str, commit: str, paths: Sequence[str]) -> Path:
    """Return the folder that holds these files of a dataset repository; whole folders are fetched for many files."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.constants import HF_HUB_CACHE
    from huggingface_hub.file_download import repo_folder_name

    from tts_toolkit.hub.snapshots import with_retries

    here = Path(HF_HUB_CACHE) / repo_folder_name(repo_id=repo, repo_type="dataset") / "snapshots" / commit
    if all((here / path).is_file() for path in paths):
        return here
    folders = sorted({path.rpartition("/")[0] for path in paths})
    many = len(paths) > MANY_FILES  # as each pattern is tried on each file
    wanted = [f"{folder}/*" if folder else "*" for folder in folders] if many else [_literal(path) for path in paths]
    return Path(
        with_retries(lambda: snapshot_download(repo, repo_type="dataset", revision=commit, allow_patterns=wanted))
    )


def _literal(path: str) -> str:
    return re.sub(r"([*?\[])", r"[\1]", path)


def _converted(name: str, config: str | None, why: str = "") -> Listing:
    """Return the hub's own conversion of a dataset: CONFIG/SPLIT/0000.parquet of its own branch."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import RevisionNotFoundError

    try:
        about = HfApi().dataset_info(name, revision=CONVERTED)
    except RevisionNotFoundError:
        raise UserError(
            f"cannot be read ({why or 'no such branch'}), and the hub holds no conversion of it to Parquet "
            f"({CONVERTED}); read are Parquet and AudioFolder datasets"
        ) from None
    if why:
        log.info("%s: %s; the hub's conversion to Parquet is read (revision=%s)", name, why, CONVERTED)
    by_config: dict[str, dict[str, list[str]]] = {}
    for path in sorted(file.rfilename for file in about.siblings or [] if file.rfilename.endswith(".parquet")):
        folder, _, rest = path.partition("/")
        by_config.setdefault(folder, {}).setdefault(rest.split("/")[0].removeprefix("partial-"), []).append(path)
    chosen = config or (next(iter(by_config)) if len(by_config) == 1 else "default")
    if chosen not in by_config:
        known = ", ".join(by_config) or "nothing"
        raise UserError(f"has several configurations: its conversion has {known}; set dataset_config_name to one")
    return Listing("parquet", str(about.sha), by_config[chosen])
