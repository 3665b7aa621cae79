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
from tts_toolkit.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from omegaconf import DictConfig

    from tts_toolkit.data.clips import Clip
    from tts_toolkit.speakers.encoders import SpeakerEncoder
    from tts_toolkit.speakers.extraction import ClipVoices
    from tts_toolkit.speakers.profile import Profile
    from tts_toolkit.speakers.store import EmbeddingCard

CLIP_FILE = "embeddings.safetensors"


def embed(cfg: DictConfig) -> Path | None:
    """Run the recipe and return the file of embeddings, or None on processes that only help."""
    if cfg.compare or cfg.nearest or cfg.mix:
        return _known_voices(cfg)
    if cfg.push_to_hub and not cfg.hub_dataset_id:
        raise UserError("push_to_hub=true needs hub_dataset_id=USER/NAME")
    from hydra.utils import instantiate

    from tts_toolkit.parts import embeds, open_parts
    from tts_toolkit.processes import launched_processes
    from tts_toolkit.speakers.extraction import clip_voices, usable_clips
    from tts_toolkit.speakers.profile import profiles
    from tts_toolkit.speakers.store import FILE_NAME, save_embeddings

    if cfg.encoder is None:
        raise UserError("encoder=null: an encoder makes the embeddings; leave it out, or set encoder=xvector_mini")
    encoder = open_parts({"encoder": lambda: embeds(instantiate(cfg.encoder))})["encoder"]
    limits, processes = instantiate(cfg.limits), launched_processes()
    clips, left_out = usable_clips(instantiate(cfg.data), encoder, limits, Path(cfg.cache_dir))
    voices = clip_voices(clips, encoder, limits, Path(cfg.cache_dir), processes)
    if not processes.is_first:
        return None
    found = profiles([clip.id for clip in clips], [clip.speaker for clip in clips], voices.embeddings)
    cards = [_card(profile, clips, voices, encoder) for profile in found]
    output_dir = Path(cfg.output_dir)
    save_embeddings(output_dir / FILE_NAME, {profile.speaker: profile.embedding for profile in found}, cards)
    by_id = {clip.id: embedding for clip, embedding in zip(clips, voices.embeddings, strict=True)}
    save_embeddings(output_dir / CLIP_FILE, by_id, cards)
    report = _report(cfg, clips, left_out, voices.embeddings, found, cards)
    for card in cards:
        together = (
            "" if card.leave_one_out_cosine is None else f", leave-one-out cosine {card.leave_one_out_cosine:.3f}"
        )
        print(f"{card.speaker}: {card.n_clips} clips, {card.seconds:.1f} s{together}")
        for outlier in card.outliers:
            print(f"  {outlier['id']}: {outlier['reason']}")
    for reason in left_out.values():
        print(f"left out: {reason}")
    print(f"embeddings: {output_dir / FILE_NAME}\nreport: {report}")
    return output_dir / FILE_NAME


def _card(profile: Profile, clips: Sequence[Clip], voices: ClipVoices, encoder: SpeakerEncoder) -> EmbeddingCard:
    from dataclasses import asdict

    from tts_toolkit.data.clips import told
    from tts_toolkit.speakers.store import EmbeddingCard

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
        licences=told(clip.licence for clip in own),
        consents=told(clip.consent for clip in own),
    )


def _report(
    cfg: DictConfig,
    clips: Sequence[Clip],
    left_out: Mapping[str, str],
    embeddings: np.ndarray,
    found: Sequence[Profile],
    cards: Sequence[EmbeddingCard],
) -> Path:
    """Write the summary, the page and the folder that `datasets` loads; return the page."""
    import json
    from dataclasses import asdict

    from hydra.utils import instantiate

    from tts_toolkit.files import write_whole
    from tts_toolkit.hub import push_folder
    from tts_toolkit.report.voices import write_voices
    from tts_toolkit.scoring.verification import similarity_scale, trials
    from tts_toolkit.speakers.xvector_dataset import write_xvector_dataset

    output_dir, speakers = Path(cfg.output_dir), [clip.speaker for clip in clips]
    scale, limits = similarity_scale(embeddings, speakers), instantiate(cfg.limits)
    summary = {"encoder": cards[0].encoder, "revision": cards[0].encoder_revision, "scale": asdict(scale)}
    summary |= {"left_out": left_out, "speakers": {card.speaker: asdict(card) for card in cards}}
    write_whole(output_dir / "summary.json", json.dumps(summary, indent=2, ensure_ascii=False).encode())
    folder = write_xvector_dataset(output_dir / "dataset", [clip.id for clip in clips], embeddings, cards)
    if cfg.push_to_hub:
        print(f"hub: {push_folder(folder, cfg.hub_dataset_id, 'hub_dataset_id', cfg.hub_private, 'dataset')}")
    cosines = trials(embeddings, speakers)
    return write_voices(output_dir / "report.html", clips, embeddings, found, cards, cosines, scale, limits.read)


def _known_voices(cfg: DictConfig) -> Path:
    """Compare, look up or mix voices that are there already."""
    from hydra.utils import instantiate

    from tts_toolkit.speakers.blending import check_encoders, cosine, mixture, mixture_card, nearest
    from tts_toolkit.speakers.store import (
        FILE_NAME,
        find_card,
        find_voice,
        is_recording,
        load_embeddings,
        save_embeddings,
    )

    encoder, output_dir = instantiate(cfg.encoder), Path(cfg.output_dir)

    def voice(name: str) -> np.ndarray:
        return find_voice(str(name), output_dir, encoder)

    def made_by(name: str) -> str | None:
        if card := find_card(name, output_dir):
            return card.encoder
        return encoder.name if encoder and is_recording(name) else None

    if cfg.compare:
        first, second = _pair(cfg.compare)
        check_encoders({name: made_by(name) for name in (first, second)})
        print(f"{first} and {second}: cosine {cosine(voice(first), voice(second)):.3f}{_scale(output_dir)}")
    if cfg.nearest:
        file = Path(cfg.known or output_dir / FILE_NAME)
        known = load_embeddings(file)
        check_encoders({str(cfg.nearest): made_by(str(cfg.nearest)), str(file): made_by(f"{file}:{next(iter(known))}")})
        others = {name: embedding for name, embedding in known.items() if name != str(cfg.nearest)}
        for name, value in nearest(voice(cfg.nearest), others).items():
            print(f"{name}: cosine {value:.3f}")
    if cfg.mix:
        weights: Mapping[str, float] = {str(name): float(weight) for name, weight in cfg.mix.items()}
        check_encoders({name: made_by(name) for name in weights})
        mixed = mixture({name: voice(name) for name in weights}, weights)
        shares = ", ".join(f"{weight:g} {name}" for name, weight in weights.items())
        card = mixture_card(cfg.mix_name, weights, {name: find_card(name, output_dir) for name in weights}, encoder)
        save_embeddings(output_dir / f"{cfg.mix_name}.safetensors", {cfg.mix_name: mixed}, [card])
        print(f"{shares}: {output_dir / cfg.mix_name}.safetensors")
    return output_dir


def _pair(names: Sequence[Any]) -> tuple[str, str]:
    if len(names) != 2:
        raise UserError(f"compare={list(names)}: takes two voices")
    return str(names[0]), str(names[1])


def _scale(output_dir: Path) -> str:
    """Return what cosines mean among the voices of the folder, where they are known."""
    import json

    file = output_dir / "summary.json"
    scale: dict[str, float | None] = json.loads(file.read_text())["scale"] if file.is_file() else {}
    known = {"same voice": scale.get("ceiling"), "different voices": scale.get("floor")}
    told = ", ".join(f"{name} {value:.3f}" for name, value in known.items() if value is not None)
    return f" (here: {told})" if told else ""


def main() -> None:
    """Run as a command; `--compare A B` stands for `compare=[A,B]`."""
    if "--compare" in sys.argv:
        at = sys.argv.index("--compare")
        sys.argv[at : at + 3] = [f"compare=[{','.join(sys.argv[at + 1 : at + 3])}]"]
    command("embed", embed, optional=("encoder",))


if __name__ == "__main__":
    main()
