"""One seed rule: the same text, voice, seed and model are the same waveform by every command."""

from dataclasses import dataclass

import numpy as np
import pytest
from conftest import CHECKOUT, tone
from hydra import compose, initialize_config_dir
from tts_toolkit.eval.synthesize import synthesize

from tts_toolkit.audio.waveforms import load_waveform, write_wav
from tts_toolkit.data.clips import Clip
from tts_toolkit.data.test_sets import Prompt
from tts_toolkit.evaluation.pipeline import run
from tts_toolkit.evaluation.plan import Plan
from tts_toolkit.evaluation.stages import synthesize as synthesis_stage
from tts_toolkit.finetuning.final_evaluation import prompts_of
from tts_toolkit.models.bark import Bark
from tts_toolkit.models.seeds import piece_seed
from tts_toolkit.models.speecht5.generation import Decoding
from tts_toolkit.models.speecht5.synthesizer import SpeechT5Synthesizer
from tts_toolkit.models.vits import Vits
from tts_toolkit.speakers.embedding_files import find_voice, save_embeddings, voices_folder
from tts_toolkit.system.processes import Processes

TEXT = "We walked [laughs] to the old town. It was a very cold day, and nobody was out."
OTHERS = ("One more.", "The door was left open.")
SHORT = Decoding(max_frames_per_token=2.0, stop_threshold=2.0)
LIMITS = ["decoding.max_frames_per_token=2", "decoding.stop_threshold=2.0"]


def by_command(folder, *overrides):
    with initialize_config_dir(version_base="1.3", config_dir=str(CHECKOUT / "conf")):
        (file,) = synthesize(compose("synthesize", overrides=[*overrides, f"output={folder / 'command.wav'}"]))
    return file.read_bytes()


def by_benchmark(folder, family, seed):
    prompts = [Prompt("p", TEXT), *(Prompt(f"o{n}", text) for n, text in enumerate(OTHERS))]
    synthesis_stage(family, prompts, folder, seed, 8, Processes())
    return (folder / "wavs/p.wav").read_bytes()


@dataclass(frozen=True)
class Deaf:
    """Listens, judges, and finds nothing."""

    name: str = "deaf"
    version: str = "1"

    def transcribe(self, waveform):
        return ""

    def embed(self, waveform):
        return np.ones(2, dtype=np.float32)


def by_fine_tune(folder, model, voice, seed):
    write_wav(folder / "natural.wav", tone(1.0))
    texts, voices = [*OTHERS, TEXT], folder / "voices.safetensors"
    clips = [Clip(f"c{n}", folder / "natural.wav", text, "me", f"f:{n}") for n, text in enumerate(texts)]
    save_embeddings(voices, {"me": find_voice(voice, voices_folder(model), None)[0]}, [])
    systems = {"finetuned": lambda: SpeechT5Synthesizer(model, decoding=SHORT)}
    plan = Plan(
        systems,
        prompts_of(clips, {clip.speaker: f"{voices}:{clip.speaker}" for clip in clips}, "en"),
        Deaf,
        Deaf,
        [],
        folder,
        seed,
        2,
        background=None,
    )
    run(plan, Processes())
    return (folder / "systems/finetuned/wavs/c2.wav").read_bytes()


def test_speecht5_sounds_the_same_by_every_command(tmp_path):
    model, voice = "speecht5-mini", "slt"
    command = by_command(tmp_path, f"model={model}", f"voice={voice}", f"text='{TEXT}'", "seed=7", *LIMITS)
    assert by_benchmark(tmp_path, SpeechT5Synthesizer(model, voice=voice, decoding=SHORT), 7) == command
    assert by_fine_tune(tmp_path, model, voice, 7) == command
    other = by_benchmark(tmp_path / "other", SpeechT5Synthesizer(model, voice=voice, decoding=SHORT), 8)
    assert other != command, "another seed is another reading"


@pytest.mark.parametrize(("model", "family"), [("suno/bark-small", Bark), ("facebook/mms-tts-eng", Vits)])
def test_other_families_sound_the_same_by_every_command(tmp_path, model, family, hub_bark, hub_vits):
    by_command(tmp_path, f"model={model}", f"text='{TEXT}'", "seed=7")
    by_benchmark(tmp_path, family(model), 7)
    by_benchmark(tmp_path / "other", family(model), 8)
    sounds = [load_waveform(tmp_path / file) for file in ("command.wav", "wavs/p.wav", "other/wavs/p.wav")]
    np.testing.assert_allclose(sounds[0], sounds[1], atol=1e-4, err_msg="but for the rounding of another batch")
    assert len(sounds[2]) != len(sounds[0]) or np.abs(sounds[2] - sounds[0]).max() > 1e-2


def test_a_seed_is_of_a_text_and_its_piece():
    assert piece_seed(1, "so  it\nis ") == piece_seed(1, "so it is")
    assert piece_seed(1, "caf\u00e9") == piece_seed(1, "cafe\u0301"), "the same word in two Unicode forms"
    assert len({piece_seed(1, "a"), piece_seed(2, "a"), piece_seed(1, "b"), piece_seed(1, "a", 1)}) == 4
