"""Whatever is read gives a result or a UserError of one line: never another error, never a hang."""

import contextlib
import io
import json
import warnings

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tts_toolkit.audio.waveforms import load_waveform
from tts_toolkit.cli import quoted
from tts_toolkit.data import sources
from tts_toolkit.data.test_sets import read_prompts
from tts_toolkit.models.bark import _read_npz
from tts_toolkit.speakers.embedding_files import load_embeddings
from tts_toolkit.system.errors import UserError
from tts_toolkit.text.english import normalize_english
from tts_toolkit.text.sentences import split_text

# The same examples in each run: one that fails does so for everybody. --hypothesis-seed=random looks for others.
many = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
# Text that comes near a manifest: the marks that readers look for are frequent.
cells = st.text(st.one_of(st.characters(), st.sampled_from('|,\t"\\{}[]:.\r\n/é\0\ufeff')), max_size=30)
tables = st.lists(st.lists(cells, max_size=5), max_size=8)
json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | cells,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(cells, inner, max_size=3),
    max_leaves=6,
)
json_rows = st.dictionaries(
    st.sampled_from(
        ["file_name", "audio", "text", "speaker", "split", "id", "license", "licence", "voice", "reference", "x"]
    ),
    json_values,
    max_size=6,
)


def survives(read, *arguments):
    """Call it; anything but a result or one line of UserError fails the test."""
    try:
        return read(*arguments)
    except UserError as error:
        assert "\n" not in str(error) and str(error).strip()


@many
@given(content=st.binary(max_size=300) | tables.map(lambda t: "\n".join(map(",".join, t)).encode("utf-8", "replace")))
@pytest.mark.parametrize("header", [b"", b"file_name,text\n", b"file_name,text,speaker,split,id\n"])
def test_csv_manifests(tmp_path, header, content):
    (tmp_path / "metadata.csv").write_bytes(header + content)
    survives(sources.folder, str(tmp_path))
    survives(sources.ljspeech, str(tmp_path))


@many
@given(
    rows=st.lists(
        json_rows.map(json.dumps) | cells | st.just("[" * 3000) | st.just('{"id": ' + "9" * 5000 + "}"), max_size=6
    )
)
def test_json_manifests_and_test_sets(tmp_path, rows):
    for name in ("metadata.jsonl", "texts.jsonl"):
        (tmp_path / name).write_bytes("\n".join(rows).encode("utf-8", "surrogatepass"))
    survives(sources.folder, str(tmp_path))
    survives(sources.jsonl, str(tmp_path / "metadata.jsonl"))
    survives(read_prompts, str(tmp_path / "texts.jsonl"))


@many
@given(
    content=st.binary(max_size=300) | cells.map(lambda text: text.encode("utf-8", "surrogatepass")),
    header=st.sampled_from([b"", b"id\ttext\n", b"text\tvoice.a\n"]),
)
@pytest.mark.parametrize("suffix", ["txt", "tsv", "lst", "jsonl"])
def test_test_sets(tmp_path, suffix, header, content):
    (tmp_path / f"texts.{suffix}").write_bytes(header + content)
    prompts = survives(read_prompts, str(tmp_path / f"texts.{suffix}"))
    assert prompts is None or len({prompt.id for prompt in prompts}) == len(prompts) > 0


def sound_file(kind):
    buffer = io.BytesIO()
    soundfile.write(buffer, np.sin(np.arange(4000) / 9) * 0.3, 16_000, format=kind)
    return buffer.getvalue()


@many
@given(data=st.data())
@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG", "AIFF", "MP3"])
def test_damaged_sound(tmp_path, kind, data):
    content = bytearray(sound_file(kind))
    for _ in range(data.draw(st.integers(0, 6))):
        content[data.draw(st.integers(0, min(200, len(content) - 1)))] = data.draw(st.integers(0, 255))
    (tmp_path / "clip").write_bytes(content[: data.draw(st.integers(0, len(content)))])
    waveform = survives(load_waveform, tmp_path / "clip")
    assert waveform is None or (waveform.ndim == 1 and waveform.dtype == np.float32 and np.isfinite(waveform).all())


@many
@given(content=st.binary(max_size=400))
def test_files_that_are_no_embeddings(tmp_path, content):
    (tmp_path / "voice.safetensors").write_bytes(content)
    (tmp_path / "voice.npz").write_bytes(content)
    survives(load_embeddings, tmp_path / "voice.safetensors")
    survives(_read_npz, tmp_path / "voice.npz")


@many
@given(text=st.text(max_size=300))
def test_texts_of_any_kind_are_normalized_and_cut(text):
    spoken = normalize_english(text)
    assert normalize_english(spoken) == spoken
    try:
        pieces = split_text(spoken, lambda piece: len(piece) <= 40)
    except ValueError:
        return
    assert all(len(piece) <= 40 for piece in pieces)


@settings(parent=many, max_examples=60)
@given(
    key=st.sampled_from(
        ["seed", "schedule.max_steps", "data.path", "name", "freeze", "nothing", "data", "+x", "~seed"]
    ),
    value=cells,
)
def test_any_override_composes_or_is_refused_by_hydra(key, value):
    from hydra import compose, initialize_config_module
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    with warnings.catch_warnings(), initialize_config_module("tts_toolkit.conf", version_base="1.3"):
        warnings.simplefilter("ignore")
        with contextlib.suppress(HydraException, OmegaConfBaseException):
            compose("finetune", overrides=[quoted(f"{key}={value}", ("text",))])
