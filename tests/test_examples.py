"""Every command and every block of docs/examples.md runs, on small checkpoints under the real repository ids."""

import re
import shlex
import sys
from pathlib import Path

import pytest
import soundfile
from conftest import add_to_hub

PAGE = Path(__file__).parents[1] / "docs" / "examples.md"
BLOCKS = re.findall(r"```(bash|python)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def run_command(line, monkeypatch):
    from tts_toolkit.eval.synthesize import main

    program, *arguments = shlex.split(line)
    assert program == "tts-synthesize"
    monkeypatch.setattr(sys, "argv", [program, *arguments])
    main()


@pytest.mark.usefixtures("hub_bark", "hub_arctic", "tiny_speecht5_dir", "tiny_hifigan_dir")
def test_the_page_of_examples_runs(hub_vits, tmp_path, monkeypatch):
    add_to_hub("facebook/mms-tts-deu", hub_vits)
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    for language, block in BLOCKS:
        if language == "python":
            exec(compile(block, str(PAGE), "exec"), names)
            continue
        for line in block.strip().splitlines():
            run_command(line, monkeypatch)
    assert len(BLOCKS) >= 12
    wavs = {path.relative_to(tmp_path).as_posix(): soundfile.info(path) for path in tmp_path.rglob("*.wav")}
    assert set(wavs) == {
        "speech.wav", "test.wav", "test_fr.wav", "pause.wav", "song.wav", "schnappi.wav", "morning.wav",
        "bark/dog.wav", "bark/bark.wav", "bark/song.wav",
    }  # fmt: skip
    assert all(info.frames > 0 for info in wavs.values())
    assert wavs["speech.wav"].samplerate == 16_000 and wavs["song.wav"].samplerate == 24_000
    assert (tmp_path / "spectrogram.npy").exists()
