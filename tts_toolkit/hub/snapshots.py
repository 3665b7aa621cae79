"""Files of hub repositories: a revision is looked up once per process, and its files are then requested by commit.

All downloads go through this module, into the hub client's own cache. Libraries get the folder of the snapshot, so that
they send no requests: no second look-ups, no conversions of weights, no code.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from json import JSONDecodeError
from pathlib import Path
from typing import Any, Literal

from tts_toolkit.hub.tokens import without_token
from tts_toolkit.system.errors import UserError, one_line
from tts_toolkit.system.files import write_whole

log = logging.getLogger(__name__)
Kind = Literal["model", "dataset"]
LOOK_UP_SECONDS = 10.0  # time limit of an answer
CACHED_LOOK_UP_SECONDS = 4.0  # the same, where the cache can be used instead
WAITS_SECONDS = (1.0, 2.0, 4.0)  # before a failed request is repeated
MAX_WAIT_SECONDS = 60.0  # of a hub's Retry-After
SILENT_SECONDS = 120.0  # without requests to an unreachable hub
PASSING = (408, 425, 429, 500, 502, 503, 504)  # statuses of temporary failures
BROKEN_OFF = ("RemoteProtocolError", "ReadError")  # of the transport, httpx2 or an older client's httpx
COMMIT = re.compile(r"[0-9a-f]{40}")
REPOSITORY = re.compile(r"[\w.-]+(/[\w.-]+)?")
NOISE = re.compile(  # in messages of the hub's client
    r" \(Request ID: [^)]*\)| For more details, see \S+| Please make sure you specified.*?`repo_type`\."
)
TEXTS = (".json", ".txt", ".model", ".jinja", ".tiktoken")  # of configurations and tokenizers; never code
WEIGHTS = ("model.safetensors", "pytorch_model.bin")  # the first that exists, whole or in shards


class HubError(UserError):
    """The hub's error, or its silence, and the remedy, in one line."""


@dataclass(frozen=True)
class Snapshot:
    """A commit of a repository: its folder in the cache, and the names of its files."""

    repo: str
    kind: Kind
    commit: str
    folder: Path
    names: frozenset[str] | None  # None: no answer of the hub; only the cache is available
    reason: str = ""  # the reason for missing names

    def file(self, name: str, optional: bool = True) -> Path | None:
        """Return the path of a file, fetched if need be, or None where the repository verifiably has none.

        Offline, an `optional` file that the cache lacks counts as missing. Raises HubError when it cannot be fetched,
        and when it is unknown whether it exists.
        """
        if (self.folder / name).is_file():
            return self.folder / name
        if self.names is None:
            if self._is_known_to_be_missing(name, optional):
                return None
            raise HubError(f"{self.repo}: {name} is not in the cache, and {self.reason}") from ConnectionError(
                self.reason
            )
        if name not in self.names:
            self._note_missing(name)
            return None
        return _download(self.repo, self.kind, self.commit, name)

    def fetch(self, choose: Callable[[Sequence[str]], Sequence[str]], revision: str | None = None) -> Path:
        """Return the folder once it holds the names that `choose` selects; raises HubError when one cannot be fetched.

        Without an answer of the hub the folder is used as it is. The commit of `revision` is cached last, so that only
        whole snapshots are found offline.
        """
        if self.names is not None:
            for name in choose(sorted(self.names)):
                self.file(name)
            _note_commit(self, revision)
        return self.folder

    def _is_known_to_be_missing(self, name: str, optional: bool) -> bool:
        from huggingface_hub import is_offline_mode

        noted = (self.folder.parent.parent / ".no_exist" / self.commit / name).exists()
        return noted or (optional and is_offline_mode() and (self.folder / "config.json").is_file())

    def _note_missing(self, name: str) -> None:
        """Record, as the hub's client does, that there is no such file."""
        note = self.folder.parent.parent / ".no_exist" / self.commit / name
        try:
            note.parent.mkdir(parents=True, exist_ok=True)
            note.touch()
        except OSError:
            log.debug("%s cannot be written", note)


def snapshot(repo: str, revision: str | None = None, kind: Kind = "model") -> Snapshot:
    """Return the commit that a revision of a repository is; raises HubError when neither hub nor cache knows it.

    A hub that does not answer is not asked again for a while, and the cache is used instead.
    """
    return _snapshot(repo, revision, kind, _cache_folder())


@lru_cache(maxsize=256)
def _snapshot(repo: str, revision: str | None, kind: Kind, cache: Path) -> Snapshot:
    from huggingface_hub import is_offline_mode

    if not REPOSITORY.fullmatch(repo):
        raise HubError(f"there is no folder {repo}, and a hub id is of the form user/name")
    storage = cache / f"{kind}s--{repo.replace('/', '--')}"
    cached = _cached_commit(storage, revision)
    if is_offline_mode():
        return _from_cache(repo, kind, storage, cached, "HF_HUB_OFFLINE is set, so the hub is not asked")
    if cached and (reason := _silent()):
        return _from_cache(repo, kind, storage, cached, reason)
    try:
        found = _look_up(repo, revision, kind, cached is not None)
    except Exception as error:
        if not is_of_the_hub(error):
            raise
        return _without_the_hub(repo, kind, storage, cached, error)
    names = frozenset(file.rfilename for file in found.siblings or ())
    return Snapshot(repo, kind, found.sha, storage / "snapshots" / found.sha, names)


def _without_the_hub(repo: str, kind: Kind, storage: Path, cached: str | None, error: Exception) -> Snapshot:
    """Return the cached snapshot after an error of the hub, or raise the error where the hub denies the repository."""
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    denied = isinstance(error, RepositoryNotFoundError | RevisionNotFoundError) and not isinstance(
        error, GatedRepoError
    )
    if cached is None or denied:
        raise HubError(f"{repo}: {explained(error, repo, kind)}") from error
    if _is_out_of_reach(error):
        _SILENT[_endpoint()] = time.monotonic() + SILENT_SECONDS, explained(error, repo, kind)
    log.warning("%s is taken from the cache, commit %s: %s", repo, cached[:8], explained(error, repo, kind))
    return _from_cache(repo, kind, storage, cached, explained(error, repo, kind))


def _from_cache(repo: str, kind: Kind, storage: Path, commit: str | None, reason: str) -> Snapshot:
    if commit is None:
        explained = f"{repo} is not in the cache, and {reason}; run once where the hub answers"
        raise HubError(explained) from ConnectionError(reason)
    return Snapshot(repo, kind, commit, storage / "snapshots" / commit, None, reason)


_SILENT: dict[str, tuple[float, str]] = {}  # unreachable hubs: the end of the pause, and the reason


def _silent() -> str:
    until, reason = _SILENT.get(_endpoint(), (0.0, ""))
    return reason if time.monotonic() < until else ""


def _endpoint() -> str:
    from huggingface_hub import constants

    return str(constants.ENDPOINT)


def _cache_folder() -> Path:
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def _cached_commit(storage: Path, revision: str | None) -> str | None:
    """Return the commit that the cache records for a revision, where it holds any file of it."""
    ref = storage / "refs" / (revision or "main")
    commit = revision if revision and COMMIT.fullmatch(revision) else None
    if commit is None and ref.is_file():
        commit = ref.read_text(encoding="utf-8").strip()
    return commit if commit and (storage / "snapshots" / commit).is_dir() else None


def _note_commit(found: Snapshot, revision: str | None) -> None:
    """Record this commit under its revision in the cache, as the hub's client does."""
    ref = found.folder.parent.parent / "refs" / (revision or "main")
    if COMMIT.fullmatch(revision or "") or (ref.is_file() and ref.read_text(encoding="utf-8") == found.commit):
        return
    try:
        write_whole(ref, found.commit.encode(), durable=False)
    except OSError:
        log.debug("%s cannot be written", ref)


def _look_up(repo: str, revision: str | None, kind: Kind, is_cached: bool) -> Any:
    """Return the hub's entry of a revision: its commit (sha) and its files (siblings)."""
    from huggingface_hub import HfApi

    seconds = CACHED_LOOK_UP_SECONDS if is_cached else LOOK_UP_SECONDS
    waits = WAITS_SECONDS[:1] if is_cached else WAITS_SECONDS
    return with_retries(lambda: HfApi().repo_info(repo, revision=revision, repo_type=kind, timeout=seconds), waits)


def with_retries(ask: Callable[[], Any], waits: Sequence[float] = WAITS_SECONDS) -> Any:
    """Return the result of `ask`, repeated after temporary failures; an unreachable hub is not waited for."""
    for wait in waits:
        try:
            return ask()
        except Exception as error:
            if (pause := _pause(error, wait)) is None:
                raise
            log.warning("%s; the hub is asked again in %.0f s", explained(error), pause)
            time.sleep(pause)
    return ask()


def _pause(error: Exception, wait: float) -> float | None:
    """Return the seconds to wait before another request, None where it would be of no use."""
    status, response = status_of(error), getattr(error, "response", None)
    if type(error).__name__ in BROKEN_OFF:
        return wait
    if status not in PASSING:
        return None
    retry_after = response.headers.get("Retry-After", "") if response is not None else ""
    if not retry_after.isdecimal():
        return wait
    return float(retry_after) if float(retry_after) <= MAX_WAIT_SECONDS else None


def _download(repo: str, kind: Kind, commit: str, name: str) -> Path:
    import huggingface_hub

    def ask() -> Path:
        return Path(huggingface_hub.hf_hub_download(repo, name, repo_type=kind, revision=commit))

    try:
        return with_retries(ask)
    except Exception as error:
        if not is_of_the_hub(error):
            raise
        raise HubError(f"{repo}: {name} cannot be fetched: {explained(error, repo, kind)}") from error


def is_of_the_hub(error: BaseException) -> bool:
    """Whether an error is the hub client's or its transport's, rather than ours or of this machine's disk.

    Errors of the transport (a proxy that refuses, a connection that dies) are no OSError.
    """
    from huggingface_hub.errors import HFValidationError, HTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

    ours = (HTTPError, HFValidationError, LocalEntryNotFoundError, OfflineModeIsEnabled, ConnectionError, TimeoutError)
    # a foreign server's answer is not JSON, or an OSError without a number
    return isinstance(error, (*ours, JSONDecodeError)) or (isinstance(error, OSError) and error.errno is None)


def _is_out_of_reach(error: BaseException) -> bool:
    return status_of(error) is None


def status_of(error: BaseException) -> int | None:
    """Return the HTTP status behind an error, None without an answer."""
    response = getattr(error, "response", None)
    return getattr(response, "status_code", None)


def explained(error: BaseException, repo: str | None = None, kind: Kind = "model") -> str:
    """Return the hub's whole reason and what to do about it, in one line and without this machine's token.

    Wrapping errors often drop the hub's reason, so the innermost error of the hub is used.
    """
    inner = _innermost(error)
    return without_token("; ".join(part for part in (_reason(inner), _remedy(inner, repo, kind)) if part))


def _innermost(error: BaseException) -> BaseException:
    """Return the innermost cause: the hub's answer, or the failure of the connection."""
    from huggingface_hub.errors import HfHubHTTPError, HTTPError

    chain: list[BaseException] = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None and cause not in chain:
        chain.append(cause)
    for wanted in (HfHubHTTPError, HTTPError):
        for found in chain:
            if isinstance(found, wanted):
                return found
    return error


def _reason(error: BaseException) -> str:
    from huggingface_hub.errors import HfHubHTTPError, HTTPError

    message = one_line(error)
    if isinstance(error, HfHubHTTPError):
        return NOISE.sub("", message).rstrip(".")
    if isinstance(error, JSONDecodeError):  # an answer of 200
        return f"the hub's answer is none of a hub ({message})"
    if isinstance(error, HTTPError | ConnectionError | TimeoutError):
        return f"the hub cannot be reached ({type(error).__name__}: {message})"
    return message.rstrip(".")


def _remedy(error: BaseException, repo: str | None, kind: Kind) -> str:
    from huggingface_hub.errors import GatedRepoError, HTTPError, RevisionNotFoundError

    status, page = status_of(error), f"{_endpoint()}/{'datasets/' if kind == 'dataset' else ''}{repo or ''}"
    if isinstance(error, GatedRepoError):
        return f"ask for access at {page} and log in: {log_in()}"
    if isinstance(error, RevisionNotFoundError):
        return f"give a branch, a tag or a commit that {page} has"
    if status in (401, 403):
        return f"look at the name, or log in with a token that may: {log_in()}"
    if status == 404:
        return f"look at the name; a private one needs {log_in()}"
    if status in PASSING:
        return "wait, and run the command again: what was fetched is kept"
    if isinstance(error, JSONDecodeError):
        return "look at the network (a page to log in at?), its proxy and HF_ENDPOINT"
    if isinstance(error, HTTPError | ConnectionError | TimeoutError):
        return "look at the network and its proxy (HTTPS_PROXY), or set HF_HUB_OFFLINE=1 where all is cached"
    return ""


def log_in() -> str:
    """Return the way to log in: a token of the environment precedes the one of `hf auth login`."""
    if os.environ.get("HF_TOKEN") or os.environ.get("HUGGING_FACE_HUB_TOKEN"):
        return "hf auth login, with HF_TOKEN (which is set here, and goes first) unset or corrected"
    return "hf auth login"


def of_a_model(names: Sequence[str]) -> list[str]:
    """Return the files that transformers reads: configuration, tokenizer, and one form of the weights."""
    texts = [name for name in names if "/" not in name and name.endswith(TEXTS)]
    for whole in WEIGHTS:
        stem, _, ending = whole.rpartition(".")
        if whole in names:
            return [*texts, whole]
        if f"{whole}.index.json" in names:
            return [*texts, *(n for n in names if re.fullmatch(rf"{stem}-\d+-of-\d+\.{ending}", n))]
    return texts


def everything(names: Sequence[str]) -> Sequence[str]:
    """Return all names."""
    return names
