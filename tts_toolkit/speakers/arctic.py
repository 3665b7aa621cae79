"""The x-vectors of the CMU ARCTIC speakers that SpeechT5 users know: `Matthijs/cmu-arctic-xvectors`."""

from __future__ import annotations

import io
import re
import zipfile
from functools import lru_cache
from pathlib import Path, PurePosixPath

import numpy as np

from tts_toolkit.hub.snapshots import snapshot
from tts_toolkit.speakers.conditioning import mean_embedding
from tts_toolkit.system.errors import UserError

REPO = "Matthijs/cmu-arctic-xvectors"
ENCODER = "speechbrain/spkrec-xvect-voxceleb"  # their encoder
ARCHIVE = "spkrec-xvect.zip"  # cmu_us_SPEAKER_arctic-wav-arctic_UTTERANCE.npy, 512 numbers each
NAME = re.compile(r"cmu_us_[a-z]+_arctic-.*\.npy")
PREFIX = "cmu-arctic/"
MAX_BYTES = 2**26  # of vectors, four times the archive's


def _archive(revision: str | None) -> Path:
    found = snapshot(REPO, revision, "dataset")
    file = found.fetch(lambda _: [ARCHIVE], revision) / ARCHIVE
    if not file.is_file():
        raise UserError(f"{REPO} has no {ARCHIVE} in the cache; run once where the hub answers")
    return file


def arctic_version(voice: str) -> str:
    """Return the commit of the dataset that a voice, with or without @revision, is of; raises UserError without it."""
    return _archive(voice.partition("@")[2] or None).parent.name


@lru_cache(maxsize=1)
def arctic_xvectors(revision: str | None = None) -> dict[str, np.ndarray]:
    """Return the vectors (512,) by file name, in the order of the dataset's rows: row 7306 is still a voice of slt.

    The dataset is a script, which `datasets` no longer runs; the archive that the script read is fetched instead.
    Raises UserError when it cannot be fetched, or is larger than it should be.
    """
    with zipfile.ZipFile(_archive(revision)) as content:
        files = [info for info in content.infolist() if NAME.fullmatch(PurePosixPath(info.filename).name)]
        if sum(info.file_size for info in files) > MAX_BYTES:
            raise UserError(f"{REPO}: {ARCHIVE} unpacks to more than {MAX_BYTES // 2**20} MB and is not read")
        return {
            PurePosixPath(file).stem: np.load(io.BytesIO(content.read(file)), allow_pickle=False).astype(np.float32)
            for file in sorted(info.filename for info in files)
        }


def arctic_embedding(voice: str) -> np.ndarray:
    """Return the embedding (1, 512) of `slt` (the speaker's mean) or of `7306` (a row), with or without @revision.

    Raises UserError for others.
    """
    voice, _, revision = voice.partition("@")
    vectors = arctic_xvectors(revision or None)
    if voice.isdecimal() and int(voice) < len(vectors):
        return list(vectors.values())[int(voice)][None]
    speakers = sorted({name.split("_")[2] for name in vectors})
    if voice not in speakers:
        raise UserError(
            f"unknown voice {PREFIX + voice!r}: {REPO} holds {', '.join(speakers)} and the rows 0 to {len(vectors) - 1}"
        )
    return mean_embedding(np.stack([v for name, v in vectors.items() if name.split("_")[2] == voice]))[None]
