"""Speaker embeddings on disk: a safetensors file, one (1, dim) tensor per speaker, and a JSON file of the same name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from tts_toolkit.assets import asset_path
from tts_toolkit.audio.waveforms import load_waveform, trim_silence
from tts_toolkit.hub.loading import checkpoint_file
from tts_toolkit.speakers.arctic import PREFIX, arctic_embedding
from tts_toolkit.speakers.encoders import SpeakerEncoder
from tts_toolkit.system.errors import UserError
from tts_toolkit.system.files import write_whole
from tts_toolkit.system.reading import read_json, reading, typed

FILE_NAME = "speaker_embeddings.safetensors"
SUM = "sum"  # in the header: a hash of the embeddings
WAY_OUT = "it is not a safetensors file of speaker embeddings; take them again, with tts-embed"
CARDS_WAY_OUT = "remove it, or take the embeddings again with tts-embed"
EMBEDDING_SUFFIXES = (".npy", ".safetensors")  # of embedding files


@dataclass(frozen=True)
class EmbeddingCard:
    """Provenance of a speaker's embedding."""

    speaker: str
    encoder: str
    encoder_revision: str
    n_clips: int
    seconds: float  # of sound the embedding was taken from
    conditioning: str
    clips: Sequence[str] = ()
    leave_one_out_cosine: float | None = None  # mean over the clips, each to the mean of the others
    outliers: Sequence[Mapping[str, object]] = ()  # id, cosine and reason of outlier clips
    licenses: Sequence[str] = ()  # of the recordings, as the data names them
    consents: Sequence[str] = ()


def save_embeddings(file: Path, embeddings: Mapping[str, np.ndarray], cards: Sequence[EmbeddingCard]) -> None:
    """Write the embeddings (dim,) by speaker to `file` and their cards to the JSON of the same name."""
    from safetensors.numpy import save

    arrays = {speaker: np.ascontiguousarray(v.reshape(1, -1), dtype=np.float32) for speaker, v in embeddings.items()}
    file.with_suffix(".json").unlink(missing_ok=True)  # a kill leaves voices without an encoder, not with a wrong one
    write_whole(file, save(arrays, {SUM: _sum(arrays)}))
    listed = {card.speaker: asdict(card) for card in cards}
    write_whole(file.with_suffix(".json"), json.dumps(listed, indent=2, ensure_ascii=False).encode())


def check_replaces(file: Path, encoder: SpeakerEncoder, speakers: Collection[str]) -> None:
    """Raise UserError where `file` holds another encoder's voices, or voices other than those to be written now."""
    cards = file.with_suffix(".json")
    if not file.is_file() or not cards.is_file():
        return
    try:
        found = read_json(cards, CARDS_WAY_OUT)
        known = {name: (card["encoder"], card["encoder_revision"]) for name, card in found.items()}
    except (UserError, AttributeError, KeyError, TypeError):
        known = {"?": ("an unknown encoder", "")}
    ask = f"to replace them set overwrite=true, or choose another output_dir than {file.parent}"
    if others := [made_by for made_by in known.values() if not same_encoder(made_by, (encoder.name, encoder.version))]:
        maker, now = f"{others[0][0]} ({others[0][1]})", f"{encoder.name} ({encoder.version})"
        raise UserError(f"{file}: holds {len(others)} voices by {maker}, not by {now}; {ask}")
    if lost := sorted(set(known) - set(speakers)):
        names = ", ".join(lost[:10]) + ", ..." * (len(lost) > 10)
        raise UserError(f"{file}: holds voices that are not among the recordings ({names}); {ask}")


def same_encoder(first: tuple[str, str], second: tuple[str, str]) -> bool:
    """Whether two encoders, each a name and a revision (empty: unknown), make vectors of one scale."""
    if first[1] and second[1]:
        return first[1] == second[1]
    return first[0] == second[0]


def load_embeddings(file: Path) -> dict[str, np.ndarray]:
    """Return the embeddings (1, dim) by speaker; raises UserError when the file is not one of embeddings."""
    from safetensors import safe_open

    with reading(file, WAY_OUT), safe_open(str(file), "pt") as content:  # NumPy has no bfloat16
        arrays = {name: _array(content.get_tensor(name)) for name in content.keys()}  # noqa: SIM118
        about = content.metadata() or {}
    if not arrays:
        raise UserError(f"{file}: expected one vector per speaker, found nothing")
    if about.get(SUM, known := _sum(arrays)) != known:
        raise UserError(f"{file}: is damaged: the embeddings are not those that were written; {WAY_OUT}")
    return {name: _vector(array, f"{file}: expected one vector per speaker", name) for name, array in arrays.items()}


def _array(tensor: Any) -> np.ndarray:
    return np.asarray((tensor.float() if tensor.is_floating_point() else tensor).numpy())


def _sum(arrays: Mapping[str, np.ndarray]) -> str:
    """Return a hash of embeddings and their names."""
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(arrays):
        digest.update(name.encode() + b"\0" + np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()


def _vector(array: np.ndarray, what: str, name: str = "") -> np.ndarray:
    """Return a vector (n,), (1, n) or the like as (1, n) float32; raises UserError, beginning with `what`, if none."""
    found = f"found {f'{name} {array.shape}'.strip()}"
    if array.dtype.kind not in "fiu" or array.size < 2 or max(array.shape) != array.size:
        raise UserError(f"{what}, {found} of {array.dtype}")
    if not np.isfinite(array).all():
        raise UserError(f"{what}, {found} holds non-finite values; compute the embedding again")
    return array.reshape(1, -1).astype(np.float32)


def voices_folder(model: str, revision: str | None = None) -> Path:
    """Return the folder that `find_voice` looks in for the voices saved with a model: a hub id, folder or built-in.

    Raises UserError when there is no such model, or when the hub does not say whether it has voices.
    """
    file = checkpoint_file(model, FILE_NAME, revision)
    return file.parent if file else asset_path(model)


def find_card(voice: str, folder: Path) -> EmbeddingCard | None:
    """Return the card of a voice, named as for `find_voice`, from its file's JSON; None where there is none."""
    file, _, name = voice.rpartition(":") if ".safetensors:" in voice else (voice, "", "")
    path = Path(file) if file.endswith(".safetensors") else folder / FILE_NAME
    cards = path.with_suffix(".json")
    found = read_json(cards, CARDS_WAY_OUT) if cards.exists() else {}
    if file.endswith(".safetensors") and not name and len(found) == 1:
        name = next(iter(found))
    card = found.get(name or voice)
    with reading(cards, CARDS_WAY_OUT):
        return typed(EmbeddingCard, _renamed(card)) if card else None


def first_card(file: Path) -> EmbeddingCard | None:
    """Return the first card of a file of voices, None where there is none."""
    if file.suffix != ".safetensors" or not file.with_suffix(".json").is_file():
        return None
    cards = file.with_suffix(".json")
    found = read_json(cards, CARDS_WAY_OUT)
    with reading(cards, CARDS_WAY_OUT):
        return typed(EmbeddingCard, _renamed(next(iter(found.values())))) if found else None


def is_recording(voice: str) -> bool:
    """Whether a voice, named as for `find_voice`, is a recording that an encoder has to embed."""
    return Path(voice).is_file() and Path(voice).suffix not in EMBEDDING_SUFFIXES


def _renamed(card: Mapping[str, Any]) -> Mapping[str, Any]:
    """A card with the names of now: the first release wrote `licences`."""
    return {"licenses": card["licences"], **card} if "licences" in card else card


def find_voice(voice: str | None, model_dir: Path, encoder: SpeakerEncoder | None) -> np.ndarray:
    """Return the embedding (1, dim) that `voice` names.

    A `.safetensors` or `.npy` file (`file.safetensors:name` for one of several), a recording to embed with `encoder`,
    `cmu-arctic/slt` or `cmu-arctic/7306` for a speaker or a row of Matthijs/cmu-arctic-xvectors, or the name of one
    saved with the model; None is the model's only one. Raises UserError, listing the known names, when none of these
    fits.
    """
    if voice and voice.startswith(PREFIX):
        return arctic_embedding(voice.removeprefix(PREFIX))
    path = Path(voice) if voice else model_dir / FILE_NAME
    name = None
    if voice and not path.exists() and ".safetensors:" in voice:
        file, _, name = voice.rpartition(":")
        path = Path(file)
    if path.suffix == ".npy" and path.is_file():
        return _vector(_npy(path), f"{path}: expected one vector")
    if path.suffix == ".safetensors" and path.is_file():
        return _pick(load_embeddings(path), name, path)
    if voice and is_recording(voice):
        if encoder is None:
            raise UserError(f"voice={voice}: a recording needs an encoder; set encoder=xvector")
        try:
            _ = encoder.version
        except UserError as error:
            raise UserError(f"voice={voice}: {error}; set encoder=..., or give a file of embeddings") from error
        return encoder.embed(_speech(path)).reshape(1, -1)
    saved = model_dir / FILE_NAME
    return _pick(load_embeddings(saved) if saved.is_file() else {}, voice, saved)


def _npy(path: Path) -> np.ndarray:
    with (
        reading(path, "it is not a .npy file of numbers; take the embedding again, with tts-embed"),
        path.open("rb") as file,
    ):
        return np.asarray(np.lib.format.read_array(file, allow_pickle=False))  # objects would be unpickled


def _pick(embeddings: Mapping[str, np.ndarray], name: str | None, file: Path) -> np.ndarray:
    names = ", ".join(sorted(embeddings)) or "none"
    if name is None and len(embeddings) == 1:
        return next(iter(embeddings.values()))
    if name is None:
        raise UserError(
            f"{file} holds {len(embeddings) or 'no'} voices ({names}): choose one with voice=NAME, or give "
            "voice=FILE with a recording or an embedding"
        )
    if name not in embeddings:
        raise UserError(
            f"unknown voice {name!r}: no such file, and {file} holds {names}; choose one of these, or give a file"
        )
    return embeddings[name]


def _speech(path: Path) -> np.ndarray:
    if path.suffix.upper().lstrip(".") not in {*soundfile.available_formats(), "OPUS", "OGA", "AIF"}:
        raise UserError(f"voice={path}: is neither a sound file nor a .safetensors or .npy of embeddings")
    speech = trim_silence(load_waveform(path))
    if not len(speech):
        raise UserError(f"voice={path}: the recording is silent")
    return speech
