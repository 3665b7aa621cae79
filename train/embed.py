"""Speaker embeddings of recordings: one a clip, one a speaker, and what they say about the voices.

tts-embed data.path=my_recordings
tts-embed --compare anna ben
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tts_toolkit.cli import command
from tts_toolkit.system.errors import UserError
from tts_toolkit.system.formatting import n_of

if TYPE_CHECKING:
    import numpy as np
    from omegaconf import DictConfig

    from tts_toolkit.data.clips import Clip
    from tts_toolkit.data.embeddings import ClipVoices
    from tts_toolkit.data.features import ClipLimits
    from tts_toolkit.speakers.embedding_files import EmbeddingCard
    from tts_toolkit.speakers.encoders import SpeakerEncoder
    from tts_toolkit.speakers.outliers import Profile

CLIP_FILE = "embeddings.safetensors"


def embed(cfg: DictConfig) -> Path | None:
    """Run the recipe and return the file of embeddings, or None on processes that only help."""
    if cfg.compare or cfg.nearest or cfg.mix:
        return _known_voices(cfg)
    from hydra.utils import instantiate

    from tts_toolkit.components import open_parts, working_encoder
    from tts_toolkit.data.embeddings import clip_voices, usable_clips
    from tts_toolkit.data.features import counted
    from tts_toolkit.data.intake import conclude, counting
    from tts_toolkit.data.rows import collected_faults
    from tts_toolkit.hub.upload import check_push
    from tts_toolkit.speakers.embedding_files import FILE_NAME, check_replaces, save_embeddings
    from tts_toolkit.speakers.outliers import profiles, unparted
    from tts_toolkit.system.processes import launched_processes

    if cfg.encoder is None:
        raise UserError("encoder=null: an encoder makes the embeddings; leave it out, or set encoder=xvector_mini")
    if cfg.push_to_hub:
        check_push(cfg.hub_dataset_id, "hub_dataset_id")
    encoder = open_parts({"encoder": lambda: working_encoder(instantiate(cfg.encoder))})["encoder"]
    limits, processes = instantiate(cfg.limits), launched_processes()
    with counting() as intake, collected_faults() as faults:
        given: Sequence[Clip] = instantiate(cfg.data)
    if not cfg.overwrite:
        check_replaces(Path(cfg.output_dir) / FILE_NAME, encoder, {clip.speaker for clip in given})
    clips, left_out = usable_clips(given, encoder, limits, Path(cfg.cache_dir))
    intake.leave_out("rows", "no embedding can be taken from", left_out)
    voices = clip_voices(clips, encoder, limits, Path(cfg.cache_dir), processes)
    if not processes.is_first:
        return None
    found = profiles([clip.id for clip in clips], [clip.speaker for clip in clips], voices.embeddings)
    cards = [_card(profile, clips, voices, encoder) for profile in found]
    output_dir = Path(cfg.output_dir)
    save_embeddings(output_dir / FILE_NAME, {profile.speaker: profile.embedding for profile in found}, cards)
    by_id = {clip.id: embedding for clip, embedding in zip(clips, voices.embeddings, strict=True)}
    save_embeddings(output_dir / CLIP_FILE, by_id, cards)
    report = _report(cfg, clips, left_out, voices.embeddings, found, cards, limits)
    for card in cards:
        together = (
            "" if card.leave_one_out_cosine is None else f", leave-one-out cosine {card.leave_one_out_cosine:.3f}"
        )
        print(f"{card.speaker}: {n_of(card.n_clips, 'clip')}, {card.seconds:.1f} s{together}")
        for outlier in card.outliers:
            print(f"  {outlier['id']}: {outlier['reason']}")
    if line := unparted(found):
        print(f"note: {line}")
    for note, n in counted(limits.held.notes.values()).items():
        print(f"note: {note}: {n_of(n, 'clip')}")
    for reason in left_out.values():
        print(f"left out: {reason}")
    for fault in faults:
        print(f"left out: {fault.source}: {fault.message}")
    conclude(output_dir / "summary.json", intake)
    print(f"embeddings: {output_dir / FILE_NAME}\nreport: {report}")
    return output_dir / FILE_NAME


def _card(profile: Profile, clips: Sequence[Clip], voices: ClipVoices, encoder: SpeakerEncoder) -> EmbeddingCard:
    from dataclasses import asdict

    from tts_toolkit.data.clips import distinct
    from tts_toolkit.speakers.embedding_files import EmbeddingCard

    own = [clips[row] for row in profile.rows]
    return EmbeddingCard(
        speaker=profile.speaker,
        encoder=encoder.name,
        encoder_revision=encoder.version,
        n_clips=len(own),
        seconds=round(float(voices.seconds[profile.rows].sum()), 2),
        conditioning="speaker_mean",
        clips=[clip.id for clip in own],
        leave_one_out_cosine=round(float(profile.cosines.mean()), 4) if len(own) > 1 else None,
        outliers=[asdict(outlier) for outlier in profile.outliers],
        licenses=distinct(clip.license for clip in own),
        consents=distinct(clip.consent for clip in own),
    )


def _report(
    cfg: DictConfig,
    clips: Sequence[Clip],
    left_out: Mapping[str, str],
    embeddings: np.ndarray,
    found: Sequence[Profile],
    cards: Sequence[EmbeddingCard],
    limits: ClipLimits,
) -> Path:
    """Write the summary, the page and the folder that `datasets` loads; return the page."""
    from dataclasses import asdict

    from tts_toolkit.evaluation.metrics.speaker_similarity import similarity_scale, trials
    from tts_toolkit.hub.upload import push_folder
    from tts_toolkit.report.voices import write_voices
    from tts_toolkit.speakers.xvector_dataset import write_xvector_dataset
    from tts_toolkit.system.files import write_whole
    from tts_toolkit.system.reading import sealed_json

    output_dir, speakers = Path(cfg.output_dir), [clip.speaker for clip in clips]
    scale = similarity_scale(embeddings, speakers)
    summary = {"encoder": cards[0].encoder, "revision": cards[0].encoder_revision, "scale": asdict(scale)}
    summary |= {"left_out": left_out, "speakers": {card.speaker: asdict(card) for card in cards}}
    write_whole(output_dir / "summary.json", sealed_json(summary))
    hub_id = cfg.hub_dataset_id if cfg.push_to_hub else None
    folder = write_xvector_dataset(output_dir / "dataset", [clip.id for clip in clips], embeddings, cards, hub_id)
    if cfg.push_to_hub:
        print(f"hub: {push_folder(folder, cfg.hub_dataset_id, 'hub_dataset_id', cfg.hub_private, 'dataset')}")
    cosines = trials(embeddings, speakers)
    return write_voices(output_dir / "report.html", clips, embeddings, found, cards, cosines, scale, limits.read)


def _known_voices(cfg: DictConfig) -> Path:
    """Compare, look up or mix voices that are there already."""
    from tts_toolkit.speakers.embedding_files import FILE_NAME, find_card, find_voice, load_embeddings, save_embeddings
    from tts_toolkit.speakers.interpolation import check_encoders, cosine, makers, mixture, mixture_card, nearest

    output_dir = Path(cfg.output_dir)
    file = Path(cfg.known or output_dir / FILE_NAME)
    first, second = _pair(cfg.compare) if cfg.compare else ("", "")
    weights: Mapping[str, float] = {str(name): float(weight) for name, weight in (cfg.mix or {}).items()}
    if cfg.mix:
        _check_mix_name(output_dir, cfg.mix_name, cfg.overwrite)
    names = [name for name in (first, second, str(cfg.nearest or ""), *weights) if name]
    encoder = _reader(cfg, [*names, str(file)], output_dir)

    def voice(name: str) -> np.ndarray:
        return find_voice(name, output_dir, encoder)

    def check(voices: Sequence[str]) -> None:
        check_encoders(makers({name: _made_by(name, output_dir, encoder) for name in voices}))

    if cfg.compare:
        check([first, second])
        print(f"{first} and {second}: cosine {cosine(voice(first), voice(second)):.3f}{_scale(output_dir)}")
    if cfg.nearest:
        known = load_embeddings(file)
        check([str(cfg.nearest), f"{file}:{next(iter(known))}"])
        others = {name: embedding for name, embedding in known.items() if name != str(cfg.nearest)}
        for name, value in nearest(voice(str(cfg.nearest)), others).items():
            print(f"{name}: cosine {value:.3f}")
    if cfg.mix:
        check(list(weights))
        mixed = mixture({name: voice(name) for name in weights}, weights)
        shares = ", ".join(f"{weight:g} {name}" for name, weight in weights.items())
        card = mixture_card(cfg.mix_name, weights, {name: find_card(name, output_dir) for name in weights}, encoder)
        save_embeddings(output_dir / f"{cfg.mix_name}.safetensors", {cfg.mix_name: mixed}, [card])
        print(f"{shares}: {output_dir / cfg.mix_name}.safetensors")
    return output_dir


def _reader(cfg: DictConfig, voices: Sequence[str], folder: Path) -> SpeakerEncoder | None:
    """Return the encoder that recordings are read by: the one that made the first voice of which it is known."""
    from hydra.utils import instantiate

    from tts_toolkit.speakers.embedding_files import find_card, first_card, is_recording
    from tts_toolkit.speakers.registry import open_encoder

    chosen: SpeakerEncoder | None = instantiate(cfg.encoder)
    cards = [find_card(voice, folder) or first_card(Path(voice)) for voice in voices]
    card = next((card for card in cards if card), None)
    same = card is not None and chosen is not None and card.encoder == chosen.name
    if card is None or same or not any(is_recording(voice) for voice in voices):
        return chosen
    print(f"recordings are read by {card.encoder}, which made {card.speaker}", file=sys.stderr)
    return open_encoder(card.encoder)


def _made_by(voice: str, folder: Path, encoder: SpeakerEncoder | None) -> tuple[str, str] | None:
    """Return name and revision of the encoder that made a voice, None where nobody knows."""
    from tts_toolkit.speakers.arctic import ENCODER, PREFIX
    from tts_toolkit.speakers.embedding_files import find_card, is_recording

    if card := find_card(voice, folder):
        return card.encoder, card.encoder_revision
    if voice.startswith(PREFIX):
        return ENCODER, ""
    return (encoder.name, encoder.version) if encoder and is_recording(voice) else None


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
    told = ", ".join(f"{name} {value:.3f}" for name, value in known.items() if isinstance(value, int | float))
    return f" (here: {told})" if told else ""


def main() -> None:
    """Run as a command; `--compare A B` stands for `compare=[A,B]`."""
    if "--compare" in sys.argv:
        at = sys.argv.index("--compare")
        sys.argv[at : at + 3] = [f"compare=[{','.join(sys.argv[at + 1 : at + 3])}]"]
    command("embed", embed, optional=("encoder",))


if __name__ == "__main__":
    main()
