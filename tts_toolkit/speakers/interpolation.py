"""Comparing and mixing voices: their cosine, the nearest known voices, and a mixture of several."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tts_toolkit.speakers.embedding_files import EmbeddingCard, same_encoder
from tts_toolkit.speakers.encoders import SpeakerEncoder
from tts_toolkit.system.errors import UserError

UNKNOWN = "unknown"  # license of a voice whose card names none


def cosine(first: np.ndarray, second: np.ndarray) -> float:
    """Return the cosine of two voices, (dim,) or (1, dim); raises UserError for those of different encoders."""
    a, b = first.ravel(), second.ravel()
    _check_sizes({"the first": a, "the second": b})
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def _check_sizes(voices: Mapping[str, np.ndarray]) -> None:
    sizes = {name: voice.size for name, voice in voices.items()}
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{name} {size}" for name, size in sizes.items())
        raise UserError(f"the voices have different numbers of values ({listed}): they come from different encoders")


def check_encoders(encoders: Mapping[str, str | None]) -> None:
    """Raise UserError where voices are known to come from different encoders, whose vectors have no common scale."""
    known = {name: encoder for name, encoder in encoders.items() if encoder}
    if len(set(known.values())) > 1:
        listed = ", ".join(f"{name} from {encoder}" for name, encoder in known.items())
        raise UserError(f"the voices come from different encoders ({listed}); take all with the same")


def makers(made_by: Mapping[str, tuple[str, str] | None]) -> dict[str, str | None]:
    """Return the encoder of each voice, given as name and revision, for `check_encoders`: one label per encoder.

    None is a voice of an unknown encoder.
    """
    labels: dict[str, str | None] = {}
    known: dict[tuple[str, str], str] = {}
    for voice, maker in made_by.items():
        same = next((name for other, name in known.items() if maker and same_encoder(maker, other)), None)
        labels[voice] = None if maker is None else same or " ".join(filter(None, maker))
        if maker and not same:
            known[maker] = str(labels[voice])
    return labels


def nearest(voice: np.ndarray, known: Mapping[str, np.ndarray], n: int = 5) -> dict[str, float]:
    """Return the names of the `n` nearest known voices with their cosines, the nearest first."""
    cosines = {name: cosine(voice, embedding) for name, embedding in known.items()}
    return dict(sorted(cosines.items(), key=lambda item: -item[1])[:n])


def mixture(voices: Mapping[str, np.ndarray], weights: Mapping[str, float]) -> np.ndarray:
    """Return the normalized weighted mean (1, dim) of normalized voices; raises UserError for unusable weights.

    Voices of different sizes, as of different encoders, raise UserError too.
    """
    if min(weights.values()) < 0 or sum(weights.values()) <= 0:
        raise UserError(f"weights {dict(weights)}: none may be below 0, and their sum must be above")
    _check_sizes({name: voices[name] for name in weights})
    rows = np.stack([voices[name].ravel() / np.linalg.norm(voices[name]) for name in weights])
    total = sum(weights.values())
    mixed = rows.T @ np.asarray([weight / total for weight in weights.values()])
    return (mixed / np.linalg.norm(mixed))[None].astype(np.float32)


def mixture_card(
    name: str, weights: Mapping[str, float], parts: Mapping[str, EmbeddingCard | None], encoder: SpeakerEncoder | None
) -> EmbeddingCard:
    """Return the card of a mixture: its parts and weights, and every license and consent that they name.

    `parts` are the cards of the voices (`find_card`), None where a voice has none; an unknown license is listed as
    such. `encoder` is that of voices without a card.
    """
    made_by = next(((card.encoder, card.encoder_revision) for card in parts.values() if card), None)
    encoder_name, revision = made_by or ((encoder.name, encoder.version) if encoder else (UNKNOWN, UNKNOWN))
    licenses = dict.fromkeys(
        license for card in parts.values() for license in ((card.licenses if card else ()) or [UNKNOWN])
    )
    consents = dict.fromkeys(consent for card in parts.values() if card for consent in card.consents)
    shares = ", ".join(f"{weight:g} {part}" for part, weight in weights.items())
    return EmbeddingCard(
        speaker=name,
        encoder=encoder_name,
        encoder_revision=revision,
        n_clips=sum(card.n_clips for card in parts.values() if card),
        seconds=round(sum(card.seconds for card in parts.values() if card), 2),
        conditioning=f"mixture of {shares}",
        licenses=list(licenses),
        consents=list(consents),
    )
