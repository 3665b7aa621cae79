"""Speaker embeddings of recordings: one a clip, one a speaker, and what they say about the voices.

tts-embed data.path=my_recordings
tts-embed --compare anna ben
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tts_toolkit.cli import command
from tts_toolkit.system.errors import UserError
from tts_toolkit.system.formatting import n_of

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from tts_toolkit.data.clips import Clip
    from tts_toolkit.data.embeddings import ClipVoices
    from tts_toolkit.report.voices import VoiceSet
    from tts_toolkit.speakers.embedding_files import EmbeddingCard
    from tts_toolkit.speakers.encoders import SpeakerEncoder
    from tts_toolkit.speakers.known_voices import KnownVoices
    from tts_toolkit.speakers.outliers import Profile

CLIP_FILE = "embeddings.safetensors"


def embed(cfg: DictConfig) -> Path | None:
    """Run the recipe and return the file of embeddings, or None on processes that only help."""
    if cfg.compare or cfg.nearest or cfg.mix:
        return _known_voices(cfg)
    from hydra.utils import instantiate

    from tts_toolkit.components import open_parts, working_encoder
    from tts_toolkit.data.embeddings import clip_voices, usable_clips
    from tts_toolkit.data.intake import conclude, counting
    from tts_toolkit.data.rows import collected_faults
    from tts_toolkit.hub.upload import check_push
    from tts_toolkit.report.voices import write_voices
    from tts_toolkit.speakers.embedding_files import FILE_NAME, check_replaces
    from tts_toolkit.system.processes import launched_processes

    if cfg.encoder is None:
        raise UserError("encoder=null: an encoder makes the embeddings; leave it out, or set encoder=xvector_mini")
    if cfg.push_to_hub:
        check_push(cfg.hub_dataset_id, "hub_dataset_id")
    encoder = open_parts({"encoder": lambda: working_encoder(instantiate(cfg.encoder))})["encoder"]
    limits, processes = instantiate(cfg.limits), launched_processes()
    output_dir, cache_dir = Path(cfg.output_dir), Path(cfg.cache_dir)
    with counting() as intake, collected_faults() as faults:
        given: Sequence[Clip] = instantiate(cfg.data)
    if not cfg.overwrite:
        check_replaces(output_dir / FILE_NAME, encoder, {clip.speaker for clip in given})
    clips, left_out = usable_clips(given, encoder, limits, cache_dir)
    intake.leave_out("rows", "no embedding can be taken from", left_out)
    taken = clip_voices(clips, encoder, limits, cache_dir=cache_dir, processes=processes)
    if not processes.is_first:
        return None
    voices = _voice_set(clips, taken, encoder)
    _save(output_dir, voices, left_out)
    _publish(output_dir / "dataset", voices, cfg.hub_dataset_id if cfg.push_to_hub else None, cfg.hub_private)
    report = write_voices(output_dir / "report.html", voices, limits.read)
    _tell(voices, limits.held.notes.values(), [*left_out.values(), *(f"{f.source}: {f.message}" for f in faults)])
    conclude(output_dir / "summary.json", intake)
    print(f"embeddings: {output_dir / FILE_NAME}\nreport: {report}")
    return output_dir / FILE_NAME


def _voice_set(clips: Sequence[Clip], taken: ClipVoices, encoder: SpeakerEncoder) -> VoiceSet:
    from tts_toolkit.report.voices import VoiceSet
    from tts_toolkit.speakers.outliers import profiles

    found = profiles([clip.id for clip in clips], [clip.speaker for clip in clips], taken.embeddings)
    return VoiceSet(clips, taken.embeddings, found, [_card(profile, clips, taken, encoder) for profile in found])


def _card(profile: Profile, clips: Sequence[Clip], taken: ClipVoices, encoder: SpeakerEncoder) -> EmbeddingCard:
    from dataclasses import asdict

    from tts_toolkit.data.clips import distinct
    from tts_toolkit.speakers.embedding_files import EmbeddingCard

    own = [clips[row] for row in profile.rows]
    return EmbeddingCard(
        speaker=profile.speaker,
        encoder=encoder.name,
        encoder_revision=encoder.version,
        n_clips=len(own),
        seconds=round(float(taken.seconds[profile.rows].sum()), 2),
        conditioning="speaker_mean",
        clips=[clip.id for clip in own],
        leave_one_out_cosine=round(float(profile.cosines.mean()), 4) if len(own) > 1 else None,
        outliers=[asdict(outlier) for outlier in profile.outliers],
        licenses=distinct(clip.license for clip in own),
        consents=distinct(clip.consent for clip in own),
    )


def _save(output_dir: Path, voices: VoiceSet, left_out: Mapping[str, str]) -> None:
    """Write the embeddings of the voices and of the clips, and the summary."""
    from dataclasses import asdict

    from tts_toolkit.speakers.embedding_files import FILE_NAME, save_embeddings
    from tts_toolkit.system.files import write_whole
    from tts_toolkit.system.reading import sealed_json

    cards = voices.cards
    save_embeddings(output_dir / FILE_NAME, {one.speaker: one.embedding for one in voices.profiles}, cards)
    by_id = {clip.id: embedding for clip, embedding in zip(voices.clips, voices.embeddings, strict=True)}
    save_embeddings(output_dir / CLIP_FILE, by_id, cards)
    summary = {"encoder": cards[0].encoder, "revision": cards[0].encoder_revision, "scale": asdict(voices.scale)}
    summary |= {"left_out": left_out, "speakers": {card.speaker: asdict(card) for card in cards}}
    write_whole(output_dir / "summary.json", sealed_json(summary))


def _publish(folder: Path, voices: VoiceSet, hub_id: str | None, private: bool) -> None:
    """Write the folder that `datasets` loads, and upload it where `hub_id` names a repository."""
    from tts_toolkit.hub.upload import push_folder
    from tts_toolkit.speakers.xvector_dataset import write_xvector_dataset

    ids = [clip.id for clip in voices.clips]
    write_xvector_dataset(folder, ids, voices.embeddings, cards=voices.cards, hub_id=hub_id)
    if hub_id:
        print(f"hub: {push_folder(folder, hub_id, 'hub_dataset_id', private=private, kind='dataset')}")


def _tell(voices: VoiceSet, notes: Iterable[str], left_out: Iterable[str]) -> None:
    from tts_toolkit.data.features import counted
    from tts_toolkit.speakers.outliers import unparted

    for card in voices.cards:
        cosine = card.leave_one_out_cosine
        together = "" if cosine is None else f", leave-one-out cosine {cosine:.3f}"
        print(f"{card.speaker}: {n_of(card.n_clips, 'clip')}, {card.seconds:.1f} s{together}")
        for outlier in card.outliers:
            print(f"  {outlier['id']}: {outlier['reason']}")
    if line := unparted(voices.profiles):
        print(f"note: {line}")
    for note, n in counted(notes).items():
        print(f"note: {note}: {n_of(n, 'clip')}")
    for reason in left_out:
        print(f"left out: {reason}")


def _known_voices(cfg: DictConfig) -> Path:
    """Compare, look up or mix voices that are there already."""
    from hydra.utils import instantiate

    from tts_toolkit.speakers.embedding_files import FILE_NAME
    from tts_toolkit.speakers.known_voices import KnownVoices

    output_dir, voice = Path(cfg.output_dir), str(cfg.nearest or "")
    file = Path(cfg.known or output_dir / FILE_NAME)
    first, second = _pair(cfg.compare) if cfg.compare else ("", "")
    weights = {str(name): float(weight) for name, weight in (cfg.mix or {}).items()}
    if weights:
        _check_mix_name(output_dir, cfg.mix_name, cfg.overwrite)
    names = [name for name in (first, second, voice, *weights) if name]
    known = KnownVoices(output_dir, _reader(instantiate(cfg.encoder), [*names, str(file)], output_dir))
    if cfg.compare:
        print(f"{first} and {second}: cosine {known.cosine(first, second):.3f}{_scale(output_dir)}")
    if voice:
        for name, cosine in known.nearest(voice, file).items():
            print(f"{name}: cosine {cosine:.3f}")
    if weights:
        _mix(known, weights, cfg.mix_name)
    return output_dir


def _mix(known: KnownVoices, weights: Mapping[str, float], name: str) -> None:
    from tts_toolkit.speakers.embedding_files import save_embeddings

    mixed, card = known.mixture(name, weights)
    save_embeddings(known.folder / f"{name}.safetensors", {name: mixed}, [card])
    shares = ", ".join(f"{weight:g} {voice}" for voice, weight in weights.items())
    print(f"{shares}: {known.folder / name}.safetensors")


def _reader(chosen: SpeakerEncoder | None, voices: Sequence[str], folder: Path) -> SpeakerEncoder | None:
    """Return the encoder that recordings are read by: the one that made the first voice of which it is known."""
    from tts_toolkit.speakers.embedding_files import find_card, first_card, is_recording
    from tts_toolkit.speakers.registry import open_encoder

    cards = [find_card(voice, folder) or first_card(Path(voice)) for voice in voices]
    card = next((card for card in cards if card), None)
    same = card is not None and chosen is not None and card.encoder == chosen.name
    if card is None or same or not any(is_recording(voice) for voice in voices):
        return chosen
    print(f"recordings are read by {card.encoder}, which made {card.speaker}", file=sys.stderr)
    return open_encoder(card.encoder)


def _check_mix_name(output_dir: Path, name: str, overwrite: bool) -> None:
    """Raise UserError for the name of a mixture that is none, or that is a file of other voices."""
    from tts_toolkit.speakers.embedding_files import first_card
    from tts_toolkit.system.files import file_name

    file = output_dir / f"{name}.safetensors"
    if file_name(name) != name:
        raise UserError(f"mix_name={name}: is no file name; give one of letters, digits, _, - and .")
    card = first_card(file)
    is_mixture = card is not None and card.conditioning.startswith("mixture of ")
    if file.is_file() and not is_mixture and not overwrite:
        raise UserError(f"{file}: holds voices that are no mixture; choose another mix_name, or set overwrite=true")


def _pair(names: Sequence[Any]) -> tuple[str, str]:
    if len(names) != 2:
        raise UserError(f"compare={list(names)}: takes two voices")
    return str(names[0]), str(names[1])


def _scale(output_dir: Path) -> str:
    """Return what cosines mean among the voices of the folder, where they are known."""
    from tts_toolkit.system.reading import read_json, reading

    file, way_out = output_dir / "summary.json", "run tts-embed on the recordings again, or remove it"
    if not file.exists():
        return ""
    with reading(file, way_out):
        scale = dict(read_json(file, way_out)["scale"])
    known = {"same voice": scale.get("ceiling"), "different voices": scale.get("floor")}
    values = ", ".join(f"{name} {value:.3f}" for name, value in known.items() if isinstance(value, int | float))
    return f" (here: {values})" if values else ""


def main() -> None:
    """Run as a command; `--compare A B` is short for `compare=[A,B]`."""
    if "--compare" in sys.argv:
        at = sys.argv.index("--compare")
        sys.argv[at : at + 3] = [f"compare=[{','.join(sys.argv[at + 1 : at + 3])}]"]
    command("embed", embed, optional=("encoder",))


if __name__ == "__main__":
    main()
