"""Embeddings of whole sets: batches, shards, profiles of voices, and what the recipe leaves behind."""

import json
import sys
import time
from dataclasses import dataclass, replace
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import soundfile
from conftest import CHECKOUT, run, tone
from fakes import CountingEncoder
from hydra import compose, initialize_config_dir
from safetensors.numpy import load_file

from tts_toolkit.assets import ASSETS
from tts_toolkit.audio.waveforms import load_waveform, trim_silence, write_wav
from tts_toolkit.data.clips import Clip
from tts_toolkit.data.embeddings import clip_voices, usable_clips
from tts_toolkit.data.features import ClipLimits
from tts_toolkit.data.sources import audio, folder
from tts_toolkit.report.plots import (
    attention_picture,
    curves_svg,
    groups_svg,
    heat_map,
    histograms_svg,
    intervals_svg,
    png,
    scatter_svg,
    spectrogram_picture,
)
from tts_toolkit.report.voices import projection
from tts_toolkit.speakers.conditioning import leave_one_out, mean_embedding
from tts_toolkit.speakers.embedding_files import FILE_NAME, EmbeddingCard, find_card, save_embeddings
from tts_toolkit.speakers.encoders import SpeechBrainEncoder
from tts_toolkit.speakers.interpolation import check_encoders, cosine, mixture, mixture_card, nearest
from tts_toolkit.speakers.outliers import profiles, unparted
from tts_toolkit.speakers.xvector_dataset import write_xvector_dataset
from tts_toolkit.system.errors import UserError
from tts_toolkit.system.processes import Processes

ECAPA = """\
compute_features: !new:speechbrain.lobes.features.Fbank
    n_mels: 40
mean_var_norm: !new:speechbrain.processing.features.InputNormalization
    norm_type: sentence
    std_norm: False
embedding_model: !new:speechbrain.lobes.models.ECAPA_TDNN.ECAPA_TDNN
    input_size: 40
    channels: [32, 32, 32, 32, 96]
    kernel_sizes: [5, 3, 3, 3, 1]
    dilations: [1, 2, 3, 4, 1]
    attention_channels: 16
    lin_neurons: 48
    res2net_scale: 4
    se_channels: 16
classifier: !new:speechbrain.lobes.models.ECAPA_TDNN.Classifier
    input_size: 48
    out_neurons: 2
mean_var_norm_emb: !new:speechbrain.processing.features.InputNormalization
    norm_type: global
    std_norm: False
modules:
    compute_features: !ref <compute_features>
    mean_var_norm: !ref <mean_var_norm>
    embedding_model: !ref <embedding_model>
    mean_var_norm_emb: !ref <mean_var_norm_emb>
    classifier: !ref <classifier>
label_encoder: !new:speechbrain.dataio.encoder.CategoricalEncoder
pretrainer: !new:speechbrain.utils.parameter_transfer.Pretrainer
"""
RESNET = ECAPA.replace(
    ECAPA[ECAPA.index("embedding_model: !new") : ECAPA.index("classifier: !new")],
    """embedding_model: !new:speechbrain.lobes.models.ResNet.ResNet
    input_size: 40
    channels: [4, 4, 8, 8]
    strides: [1, 2, 2, 2]
    block_sizes: [1, 1, 1, 1]
    lin_neurons: 48
""",
)


@pytest.fixture(scope="module")
def waveforms():
    files = sorted((ASSETS / "demo-voice/audio").glob("*.flac"))[:7]
    spoken = [trim_silence(load_waveform(file)) for file in files]
    return [*spoken, spoken[0][:2000], spoken[1][:9000]]


@pytest.mark.parametrize("network", ["xvector-mini", ECAPA, RESNET], ids=["x-vector", "ecapa", "resnet"])
def test_an_embedding_is_the_same_alone_and_in_a_shuffled_padded_batch(network, waveforms, tmp_path):
    if network != "xvector-mini":
        (tmp_path / "hyperparams.yaml").write_text(network)
        network = str(tmp_path)
    encoder = SpeechBrainEncoder(network, device="cpu")
    alone = np.stack([encoder.embed(waveform) for waveform in waveforms])
    order = np.random.default_rng(0).permutation(len(waveforms))
    together = encoder.embed_batch([waveforms[row] for row in order])
    np.testing.assert_allclose(together, alone[order], atol=1e-5)
    assert np.linalg.norm(alone, axis=1) == pytest.approx(1.0, abs=1e-5)


def test_padding_would_have_changed_them(waveforms):
    """What the care is for: SpeechBrain's own batch moves the short ones."""
    import torch

    encoder = SpeechBrainEncoder("xvector-mini", device="cpu")
    lengths = torch.tensor([len(w) for w in waveforms]) / max(map(len, waveforms))
    padded = torch.nn.utils.rnn.pad_sequence([torch.from_numpy(w) for w in waveforms], batch_first=True)
    careless = torch.nn.functional.normalize(encoder._model.encode_batch(padded, lengths).flatten(1)).numpy()
    assert abs(careless - encoder.embed_batch(waveforms)).max() > 1e-4


def sounds(folder, n, speaker="s"):
    clips = []
    for row in range(n):
        file = folder / f"{speaker}{row}.wav"
        soundfile.write(file, tone(0.5 + 0.1 * row, hz=200 + 10 * row), 16_000)
        clips.append(Clip(f"{speaker}{row}", file, "text", speaker, f"f:{row}"))
    return clips


def test_processes_share_the_clips_and_all_know_everything(tmp_path):
    def seconds(waveform):
        return np.full(3, len(waveform) / 16_000, dtype=np.float32)

    clips, cache = sounds(tmp_path, 5), tmp_path / "cache"
    first, second = CountingEncoder(seconds), CountingEncoder(seconds)
    with pytest.raises(FileNotFoundError):
        clip_voices(clips, first, ClipLimits(), cache, Processes(0, 2))  # nobody did the other share
    assert len(first.lengths) == 3
    found = clip_voices(clips, second, ClipLimits(), cache, Processes(1, 2))
    assert len(second.lengths) == 2 and found.embeddings.shape == (5, 3)
    np.testing.assert_allclose(found.embeddings[:, 0], found.seconds, atol=1e-5)
    assert sorted(first.lengths + second.lengths) == sorted(round(16_000 * s) for s in found.seconds.tolist())


def voice(rng, center, n, spread):
    rows = center + spread * rng.standard_normal((n, len(center)))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_an_encoder_that_does_not_load_is_no_clips_fault(tmp_path):
    with pytest.raises(UserError, match=r"^the speaker encoder 'nobody/none' cannot be loaded"):
        usable_clips(sounds(tmp_path, 3), SpeechBrainEncoder("nobody/none"), ClipLimits(), tmp_path / "cache")


def test_a_foreign_clip_stands_out_and_no_other():
    rng = np.random.default_rng(0)
    n_own = 0
    for _ in range(20):
        own, other = np.eye(16)[0], np.eye(16)[1]
        rows = np.concatenate([voice(rng, own, 50, 0.05), voice(rng, other, 1, 0.05)])
        (profile,) = profiles([str(n) for n in range(51)], ["anna"] * 51, rows)
        assert profile.outliers[0].id == "50"
        n_own += len(profile.outliers) - 1
        assert "unlike the voice's other clips: " in profile.outliers[0].reason
    assert n_own <= 5, "of 1,000"
    assert profile.cosines.shape == (51,) and np.argmin(profile.cosines) == 50


def test_a_clip_under_the_wrong_name_is_told_where_it_belongs():
    rng = np.random.default_rng(0)
    rows = np.concatenate([voice(rng, np.eye(16)[0], 20, 0.1), voice(rng, np.eye(16)[1], 20, 0.1)])
    names = ["anna"] * 20 + ["ben"] * 20
    names[3] = "ben"
    anna, ben = profiles([str(n) for n in range(40)], names, rows)
    assert not anna.outliers and [outlier.id for outlier in ben.outliers] == ["3"]
    assert "nearer to the voice 'anna'" in ben.outliers[0].reason


def people(rng, n_voices, n_clips, spread, common):
    """Clips of voices around a component that all of them share, as the embeddings of recorded people are."""
    centres = rng.standard_normal((n_voices, 64)) / 8
    shared = common * np.eye(64)[0]
    return np.concatenate([voice(rng, shared + center, n_clips, spread) for center in centres])


@pytest.mark.parametrize("common", [0.0, 3.0, 20.0], ids=["none", "some", "nearly all"])
def test_misfiled_clips_are_found_among_many_voices_whatever_these_have_in_common(common):
    rng = np.random.default_rng(0)
    rows, names = people(rng, 30, 20, 0.05, common), [f"v{n // 20:02d}" for n in range(600)]
    misfiled = {str(n) for n in range(5, 600, 40)}
    for n in map(int, misfiled):
        names[n] = f"v{(n // 20 + 7) % 30:02d}"
    found = profiles([str(n) for n in range(600)], names, rows)
    flagged = {outlier.id for profile in found for outlier in profile.outliers}
    assert misfiled <= flagged and len(flagged - misfiled) <= 6
    assert all(profile.checked for profile in found) and not unparted(found)
    assert "nearer to the voice 'v" in found[7].outliers[0].reason


def test_an_encoder_that_does_not_part_the_voices_gives_no_verdict_and_says_so():
    rng = np.random.default_rng(0)
    rows = people(rng, 30, 20, 0.6, 3.0)
    found = profiles([str(n) for n in range(600)], [f"v{n // 20:02d}" for n in range(600)], rows)
    assert not any(profile.outliers or profile.checked for profile in found)
    assert "the encoder does not separate the voices of this set (" in unparted(found)


def test_profiles_take_as_long_again_for_as_many_voices_again():
    rng, seconds = np.random.default_rng(0), []
    for n_voices in (2000, 4000):
        rows = rng.standard_normal((10 * n_voices, 32)).astype(np.float32)
        started = time.process_time()
        profiles([str(n) for n in range(len(rows))], [f"v{n // 10}" for n in range(len(rows))], rows)
        seconds.append(time.process_time() - started)
    assert seconds[1] < 3.2 * seconds[0] + 0.2


def test_a_voice_of_one_clip_has_no_cosine():
    (profile,) = profiles(["a"], ["anna"], np.eye(4, dtype=np.float32)[:1])
    assert np.isnan(profile.cosines).all() and not profile.outliers


def test_leaving_one_out_is_the_mean_of_the_others():
    rows = voice(np.random.default_rng(1), np.eye(8)[0], 6, 0.5)
    others = leave_one_out(rows, ["a", "b", "a", "a", "c", "b"])
    np.testing.assert_allclose(others[0], mean_embedding(rows[[2, 3]]), atol=1e-6)
    np.testing.assert_allclose(others[1], rows[5], atol=1e-6)
    np.testing.assert_allclose(others[4], rows[4], atol=1e-6)


def test_voices_are_compared_looked_up_and_mixed():
    anna, ben = np.asarray([[1.0, 0.0]], dtype=np.float32), np.asarray([0.0, 2.0], dtype=np.float32)
    assert cosine(anna, ben) == 0.0 and cosine(anna, 3 * anna) == pytest.approx(1.0)
    mixed = mixture({"anna": anna, "ben": ben}, {"anna": 3, "ben": 1})
    assert mixed.shape == (1, 2) and np.linalg.norm(mixed) == pytest.approx(1.0)
    assert mixed[0, 0] / mixed[0, 1] == pytest.approx(3.0), "each voice counts by its weight, not its length"
    assert list(nearest(mixed, {"ben": ben, "anna": anna})) == ["anna", "ben"]
    with pytest.raises(UserError, match="different encoders"):
        cosine(anna, np.ones(3))
    with pytest.raises(UserError, match="none may be below 0"):
        mixture({"anna": anna, "ben": ben}, {"anna": 1, "ben": -2})
    with pytest.raises(UserError, match=r"anna 2, cleo 3.*different encoders"):
        mixture({"anna": anna, "cleo": np.ones(3)}, {"anna": 1, "cleo": 1})


def test_a_mixture_keeps_the_licenses_and_consents_of_its_parts(tmp_path):
    def card(name, *licenses, consents=()):
        return EmbeddingCard(name, "enc", "1", 3, 9.0, "speaker_mean", licenses=licenses, consents=consents)

    cards = [card("anna", "cc-by-4.0", consents=["signed"]), card("ben", "cc0-1.0", "cc-by-4.0"), card("cleo")]
    rows = dict.fromkeys(("anna", "ben", "cleo"), np.ones(4, np.float32))
    save_embeddings(tmp_path / FILE_NAME, rows, cards)
    save_embeddings(tmp_path / "one.safetensors", {"anna": rows["anna"]}, cards[:1])
    weights = {"anna": 0.5, "ben": 0.3, "cleo": 0.2}
    parts = {name: find_card(name, tmp_path) for name in weights}
    encoder = SpeechBrainEncoder("xvector-mini")
    mixed = mixture_card("mix", weights, parts, encoder)
    assert mixed.licenses == ["cc-by-4.0", "cc0-1.0", "unknown"] and mixed.consents == ["signed"]
    assert mixed.conditioning == "mixture of 0.5 anna, 0.3 ben, 0.2 cleo" and mixed.n_clips == 9
    assert (mixed.encoder, mixed.encoder_revision) == ("enc", "1"), "who made the parts, not who is configured"
    check_encoders({"anna": "enc", "ben": "enc", "somebody.npy": None})
    with pytest.raises(UserError, match="anna from enc, cleo from other"):
        check_encoders({"anna": "enc", "ben": None, "cleo": "other"})
    assert find_card(str(tmp_path / "one.safetensors"), tmp_path / "elsewhere").speaker == "anna"
    (tmp_path / "one.json").write_text((tmp_path / "one.json").read_text().replace('"licenses"', '"licences"'))
    assert find_card(str(tmp_path / "one.safetensors"), tmp_path).licenses == ["cc-by-4.0"], (
        "as the first release wrote"
    )
    assert find_card(f"{tmp_path / FILE_NAME}:ben", tmp_path / "elsewhere").speaker == "ben"
    assert find_card("me.wav", tmp_path) is None and find_card("cmu-arctic/slt", tmp_path / "elsewhere") is None
    assert mixture_card("mix", {"me.wav": 1}, {"me.wav": None}, encoder).licenses == ["unknown"]


@pytest.mark.parametrize("column", ["license", "licence"])
def test_a_column_of_licenses_is_read_in_either_spelling(tmp_path, column):
    write_wav(tmp_path / "a.wav", tone(1.0))
    (tmp_path / "metadata.csv").write_text(f"file_name,text,{column}\na.wav,hello,cc0-1.0\n")
    assert [clip.license for clip in folder(str(tmp_path))] == ["cc0-1.0"]


def test_the_projection_is_umap_where_it_is_installed(monkeypatch):
    embeddings, asked = np.random.default_rng(0).standard_normal((16, 3)), []

    class Umap:
        def __init__(self, **options):
            asked.append(options)

        def fit_transform(self, rows):
            return rows[:, 1:]

    module = ModuleType("umap")
    module.UMAP, module.__spec__ = Umap, ModuleSpec("umap", None)
    monkeypatch.setitem(sys.modules, "umap", module)
    points, method = projection(embeddings)
    assert method == "UMAP" and np.array_equal(points, embeddings[:, 1:])
    assert asked == [{"metric": "cosine", "random_state": 0, "n_jobs": 1}]
    assert projection(embeddings[:15])[1] == "PCA", "too few for its neighborhoods"


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "values",
    [[], [1.0], [0.5, np.nextafter(0.5, 1)], [0.997, 0.997 + 1e-12], [np.nan], [np.inf, 1.0], [-np.inf, np.nan],
     [0.0] * 5, [1e-300, 2e-300], [1.0, np.nan, 2.0]],
)  # fmt: skip
def test_plots_of_nothing_and_of_values_that_hardly_differ_are_drawn(values):
    row = np.asarray(values)
    for drawn in ({"a": row}, {"a": row, "b": np.asarray([0.3])}, {}):
        assert "<svg" in histograms_svg(drawn, "cosine")
    assert "<svg" in curves_svg({"a": (range(len(row)), list(row))}, "step") and "<svg" in curves_svg({}, "step")
    assert "<svg" in groups_svg(np.stack([row, row], axis=1), ["a"] * len(row))
    for picture in (heat_map, spectrogram_picture, attention_picture):
        assert png(picture(row[None])).startswith(b"\x89PNG")


def test_nearly_equal_cosines_of_float32_are_drawn():
    rng = np.random.default_rng(0)
    for _ in range(20):
        value = np.float32(rng.uniform(0.9, 1))
        assert "<svg" in histograms_svg({"same": np.asarray([value, np.nextafter(value, np.float32(2))])}, "cosine")


@pytest.mark.parametrize("name", ["$$", "a$\\x$", "_hidden", "a\\$b$"])
def test_plots_show_names_as_they_are_written(name):
    points = np.random.default_rng(0).standard_normal((4, 2))
    pictures = [
        groups_svg(points, [name, name, "b", "b"], [0]), histograms_svg({name: points[:, 0]}, "cosine"),
        intervals_svg({name: (1.0, (0.0, 2.0))}, "rate", {name: 1.5}), scatter_svg({name: (1.0, 2.0)}, "x", "y"),
        curves_svg({name: ([1, 2], [1, 2])}, "step"),
    ]  # fmt: skip
    assert all(name in picture for picture in pictures)


def test_the_dataset_reads_as_the_arctic_one(tmp_path):
    from datasets import load_dataset

    rows = np.random.default_rng(0).standard_normal((3, 512)).astype(np.float32)
    card = EmbeddingCard("anna", "encoder", "1", 3, 9.0, "speaker_mean", licenses=["cc-by-4.0"], consents=["signed"])
    folder = write_xvector_dataset(tmp_path / "set", ["a.wav", "b.wav", "c.wav"], rows, [card])
    table = load_dataset(str(folder), split="validation", cache_dir=str(tmp_path / "cache"))
    assert table.column_names == ["filename", "xvector"] and table[1]["filename"] == "b.wav"
    np.testing.assert_allclose(table[2]["xvector"], rows[2], atol=1e-6)
    code = (folder / "README.md").read_text().split("```python\n")[1].split("```")[0]
    names = {}
    exec(code, names)
    assert len(names["xvector"]) == rows.shape[1]
    assert "license: cc-by-4.0" in (folder / "README.md").read_text() and "signed" in (folder / "README.md").read_text()


@pytest.fixture(scope="module")
def embedded(tmp_path_factory):
    """The demo's voice and a higher copy of it, a tone among the first one's clips; the recipe has run on them."""
    folder = tmp_path_factory.mktemp("recordings")
    files = sorted((ASSETS / "demo-voice/audio").glob("*.flac"))[:12]
    lines = ["file_name,text,speaker,license,consent"]
    for row, file in enumerate(files):
        faster = 1.0 if row < 8 else 1.25  # moves pitch and formants: another voice
        soundfile.write(folder / file.name, soundfile.read(file)[0], round(16_000 * faster))
        lines.append(f"{file.name},say <script>,{'anna' if row < 8 else 'ben'},cc0-1.0,signed form")
    soundfile.write(folder / "tone.wav", tone(2.0), 16_000)
    lines.append("tone.wav,a tone,anna,cc0-1.0,")
    soundfile.write(folder / "nothing.wav", np.zeros(16_000), 16_000)
    lines.append("nothing.wav,silence,anna,cc0-1.0,")
    (folder / "metadata.csv").write_text("\n".join(lines) + "\n")
    done = run("train/embed.py", f"data.path={folder}", "encoder=xvector_mini", cwd=folder)
    return folder / "outputs/embeddings", done.stdout


def test_the_recipe_tells_what_it_found(embedded):
    folder, told = embedded
    cards = json.loads((folder / "speaker_embeddings.json").read_text())
    assert [entry["id"] for entry in cards["anna"]["outliers"]] == ["tone"] and "tone: " in told
    assert cards["anna"]["licenses"] == ["cc0-1.0"] and cards["anna"]["consents"] == ["signed form"]
    assert cards["anna"]["n_clips"] == 9 and 0 < cards["anna"]["leave_one_out_cosine"] <= 1
    assert load_file(folder / "speaker_embeddings.safetensors")["ben"].shape == (1, 512)
    summary = json.loads((folder / "summary.json").read_text())
    scale, (left_out,) = summary["scale"], summary["left_out"].items()
    assert left_out[0] == "nothing" and "nothing.wav is silent" in left_out[1] and f"left out: {left_out[1]}" in told
    assert scale["n_same"] == 13 and scale["n_different"] == 13
    page = (folder / "report.html").read_text()
    assert "<script>" not in page and "say &lt;script&gt;" in page and page.count("<audio") == 13
    assert page.count("<svg") == 2 and page.index("tone</span>") < page.index("anna</b>", page.index("tone</span>"))


def test_known_voices_are_compared_looked_up_and_mixed_by_the_recipe(embedded):
    folder = Path(embedded[0]).parents[1]
    told = run("train/embed.py", "encoder=xvector_mini", "--compare", "anna", "ben", cwd=folder).stdout
    assert told.startswith("anna and ben: cosine 0.9") and "(here: same voice " in told
    told = run("train/embed.py", "encoder=xvector_mini", "nearest=anna", "mix={anna: 0.7, ben: 0.3}", cwd=folder).stdout
    assert told.startswith("ben: cosine 0.9") and "0.7 anna, 0.3 ben" in told
    assert load_file(folder / "outputs/embeddings/mix.safetensors")["mix"].shape == (1, 512)
    done = run("train/embed.py", "encoder=xvector_mini", "compare=[anna,cleo]", cwd=folder, check=False)
    assert done.returncode == 1 and "unknown voice 'cleo'" in done.stderr


@dataclass(frozen=True)
class Sums:
    """An encoder of two numbers: the level of a recording, and one for itself."""

    name: str = "sums"
    version: str = "1"
    own: float = 1.0

    def embed(self, waveform):
        return np.asarray([float(np.abs(waveform).mean()), self.own], dtype=np.float32)


OTHER = Sums("other", "9", own=-1.0)


def one_of_ours(own, **_):
    return OTHER if own == OTHER.own else Sums()


def only(path, **_):
    """The recordings of a folder as one speaker's, who is called by it."""
    return [replace(clip, speaker=Path(path).name) for clip in audio(path)]


def embed_by(monkeypatch, folder, encoder, *overrides):
    """Run the recipe with an encoder of our own; that of another name is found by it."""
    import tts_toolkit.train.embed as recipe

    from tts_toolkit.speakers import registry as opening

    by_name = {known.name: known for known in (Sums(), OTHER)}
    monkeypatch.setattr(opening, "open_encoder", lambda name, device=None: by_name[name])
    given = ["encoder._target_=test_voices.one_of_ours", f"+encoder.own={encoder.own}"]
    given += [f"output_dir={folder / 'out'}", f"cache_dir={folder / 'cache'}"]
    with initialize_config_dir(version_base="1.3", config_dir=str(CHECKOUT / "conf")):
        return recipe.embed(compose("embed", overrides=[*given, *overrides]))


@pytest.fixture
def two_voices(tmp_path):
    for speaker in ("anna", "ben"):
        (tmp_path / "data" / speaker).mkdir(parents=True)
        sounds(tmp_path / "data" / speaker, 2, speaker)
    return tmp_path


def test_a_store_is_not_replaced_without_a_word(two_voices, monkeypatch):
    data, store = f"data.path={two_voices / 'data'}", two_voices / "out" / FILE_NAME
    embed_by(monkeypatch, two_voices, Sums(), data)
    before = store.read_bytes()
    assert embed_by(monkeypatch, two_voices, Sums(), data) == store and store.read_bytes() == before
    with pytest.raises(UserError, match=r"holds 2 voices by sums \(1\), not by other \(9\); .*overwrite=true"):
        embed_by(monkeypatch, two_voices, OTHER, data)
    anna = [f"data.path={two_voices / 'data/anna'}", "data._target_=test_voices.only"]
    with pytest.raises(UserError, match=r"voices that are not among the recordings \(ben\); .*overwrite=true"):
        embed_by(monkeypatch, two_voices, Sums(), *anna)
    assert store.read_bytes() == before
    (two_voices / "out/speaker_embeddings.json").write_text("[")
    with pytest.raises(UserError, match="overwrite=true"):
        embed_by(monkeypatch, two_voices, OTHER, data)
    embed_by(monkeypatch, two_voices, OTHER, data, "overwrite=true")
    assert find_card("anna", two_voices / "out").encoder == "other" and store.read_bytes() != before


def test_recordings_are_read_by_the_encoder_of_the_store(two_voices, monkeypatch, capsys):
    embed_by(monkeypatch, two_voices, OTHER, f"data.path={two_voices / 'data'}")
    me, store = two_voices / "data/anna/anna0.wav", two_voices / "out" / FILE_NAME
    capsys.readouterr()
    for asked in (f"nearest={me}", f"compare=[{me},anna]", f"mix={{{me}: 1, anna: 1}}"):
        embed_by(monkeypatch, two_voices, Sums(), asked)
        told = capsys.readouterr()
        assert "recordings are read by other, which made anna" in told.err
        assert "mix" in asked or "cosine 1.000" in told.out
    assert find_card(str(two_voices / "out/mix.safetensors"), two_voices).encoder == "other"
    elsewhere = f"output_dir={two_voices / 'elsewhere'}"
    embed_by(monkeypatch, two_voices, Sums(), f"nearest={me}", f"known={store}", elsewhere)
    assert "anna: cosine 1.000" in capsys.readouterr().out
    cards = json.loads(store.with_suffix(".json").read_text())
    cards["anna"]["encoder_revision"] = cards["ben"]["encoder_revision"] = "8"
    store.with_suffix(".json").write_text(json.dumps(cards))
    with pytest.raises(UserError, match=r"from other 9, .*from other 8.*take all with the same"):
        embed_by(monkeypatch, two_voices, Sums(), f"nearest={me}")
    with pytest.raises(UserError, match=r"from speechbrain/spkrec-xvect-voxceleb, anna from other 8"):
        embed_by(monkeypatch, two_voices, Sums(), "compare=[cmu-arctic/slt,anna]")


def test_a_mixture_replaces_no_store(two_voices, monkeypatch):
    embed_by(monkeypatch, two_voices, Sums(), f"data.path={two_voices / 'data'}")
    before = (two_voices / "out" / FILE_NAME).read_bytes()
    for name, told in (("speaker_embeddings", "no mixture"), ("embeddings", "no mixture"), ("../mix", "no file name")):
        with pytest.raises(UserError, match=told):
            embed_by(monkeypatch, two_voices, Sums(), "mix={anna: 1, ben: 1}", f"mix_name={name}")
    for _ in range(2):
        embed_by(monkeypatch, two_voices, Sums(), "mix={anna: 1, ben: 1}")
    assert (two_voices / "out" / FILE_NAME).read_bytes() == before
