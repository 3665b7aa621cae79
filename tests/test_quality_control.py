"""The quality control on real recordings into which every fault it knows is put, and the layouts and splits it reads."""

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from conftest import run, tone
from fakes import CountingEncoder
from safetensors.torch import load_file

from benchmarks.faults import write_faulty
from benchmarks.quality_control import found_reasons
from tts_toolkit.assets import ASSETS
from tts_toolkit.audio import waveforms as audio_module
from tts_toolkit.audio.waveforms import load_waveform, trim_silence
from tts_toolkit.data import layouts, sources
from tts_toolkit.data import quality_control as preflight_module
from tts_toolkit.data.clips import Clip
from tts_toolkit.data.cutting import Cut
from tts_toolkit.data.features import ClipLimits
from tts_toolkit.data.quality_control import (
    REASONS,
    UNUSABLE,
    QualityControl,
    Thresholds,
    TranscriptCheck,
    rejected_share,
    signal_to_noise_db,
    summary,
    usable,
)
from tts_toolkit.data.rows import collected_faults
from tts_toolkit.data.signal_checks import measured
from tts_toolkit.data.splits import split_clips
from tts_toolkit.finetuning.speecht5_task import SpeechT5Task
from tts_toolkit.models.speecht5.checkpoint import load_speecht5
from tts_toolkit.speakers.encoders import SpeechBrainEncoder
from tts_toolkit.system.errors import UserError
from tts_toolkit.system.formatting import apart
from tts_toolkit.text.frontend import TextFrontEnd
from tts_toolkit.text.languages import normalizer


@pytest.fixture(scope="module")
def front_end():
    return TextFrontEnd(load_speecht5("speecht5-mini").processor.tokenizer, normalizer("en"))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Sixty clips of the demo voice, twenty of them spoilt, and two rows of no use; returns folder and reasons."""
    folder = tmp_path_factory.mktemp("corpus") / "data"
    return folder, write_faulty(sources.folder(str(ASSETS / "demo-voice"))[:60], folder, 22)


def control(front_end, cache, limits=None, thresholds=None, **settings):
    return QualityControl(front_end, limits or ClipLimits(), thresholds or Thresholds(), cache, **settings)


def quality_control(folder, front_end, cache, **settings):
    with collected_faults() as faults:
        clips = sources.folder(str(folder))
    encoder = SpeechBrainEncoder("xvector-mini", device="cpu")
    return control(front_end, cache, encoder=encoder, **settings).inspect(clips, faults)


def test_every_fault_is_found_once_for_the_right_reason_and_no_clean_clip_is_rejected(corpus, front_end, tmp_path):
    folder, expected = corpus
    found = quality_control(folder, front_end, tmp_path)
    assert found_reasons(found) == expected
    assert [fault.source.rpartition(":")[2] for fault in found.faults] == ["61", "62"]
    figures = summary(found)
    assert (figures["n_rows"], figures["n_kept"], figures["n_rejected"]) == (62, 40, 22)
    assert sum(figures["rejected"].values()) == 22 and figures["rejected"]["bad_row"] == 2
    assert set(figures["rejected"]) == set(REASONS) - {"transcript", "long_text", "echo"}
    assert figures["minutes_of_silent_ends"] > 40 * 0.8 / 60


def test_transcripts_are_checked_by_what_a_recognizer_hears(corpus, front_end, tmp_path):
    folder, _ = corpus
    with collected_faults():
        clips = sources.folder(str(folder))[:3]
    said = iter([clips[0].transcript, "something else entirely", clips[2].transcript.upper()])
    check = TranscriptCheck(
        transcribe=lambda waveform: next(said),
        error_rate=lambda expected, heard: 0.0 if expected.casefold() == heard.casefold() else 1.0,
    )
    found = control(front_end, tmp_path, transcripts=check).inspect(clips)
    assert [list(row.reasons) for row in found.rows] == [[], ["transcript"], []]
    assert "recognized as 'something else entirely' (CER 100 %, 50 are allowed)" in found.rows[1].reasons["transcript"]


def test_more_text_than_the_model_reads_is_told(front_end, tmp_path):
    clips = sources.folder(str(ASSETS / "demo-voice"))[:1]
    short = replace(front_end, max_tokens=len(front_end.tokens(clips[0].transcript)) - 1)
    assert control(front_end, tmp_path).inspect(clips).kept == clips
    (row,) = control(short, tmp_path).inspect(clips).rows
    assert row.reasons == {"long_text": f"{short.max_tokens + 1} tokens, the model reads {short.max_tokens}"}


@pytest.fixture
def three_voices(tmp_path):
    """One clip or two of three speakers, each a part of its own."""
    clips = []
    for speaker, part, n in (("a", "train", 2), ("b", "dev", 2), ("c", "test", 1)):
        for number in range(n):
            file = tmp_path / f"{speaker}{number}.wav"
            soundfile.write(file, tone(1.0, hz=150 + 40 * ord(speaker) - 40 * ord("a"), seed=number), 16_000)
            clips.append(Clip(file.stem, file, "a fine text", speaker, f"f:{file.stem}", split=part))
    return split_clips(clips)


def mini_task(**config):
    return SpeechT5Task(
        lambda: load_speecht5("speecht5-mini", **config), lambda: SpeechBrainEncoder("xvector-mini", device="cpu")
    )


def test_voices_that_are_not_trained_on_are_heard_in_their_own_recordings(three_voices, tmp_path):
    task = mini_task()
    examples = task.prepare(three_voices, ClipLimits(), tmp_path / "cache")
    task.save_voices(tmp_path)
    voices = load_file(tmp_path / "speaker_embeddings.safetensors")
    assert set(voices) == {"a", "b", "c"} and task.voices == ["a"]
    assert np.array_equal(examples["dev"][0].speaker_embedding, voices["b"][0])
    assert not np.array_equal(voices["a"], voices["b"])


def test_what_the_model_has_no_positions_for_names_its_row(three_voices, tmp_path):
    parts = {**three_voices, "train": [replace(three_voices["train"][0], transcript="many words " * 200)]}
    with pytest.raises(UserError, match=r"f:a0: the text has \d+ tokens, the model reads \d+ at once"):
        mini_task().prepare(parts, ClipLimits(), tmp_path / "cache")
    long = tmp_path / "long.wav"
    speech = load_speecht5("speecht5-mini")
    n_seconds = speech.model.config.max_speech_positions * speech.model.config.reduction_factor / 62.5
    limits = ClipLimits(max_duration_in_seconds=1000.0)
    soundfile.write(long, np.resize(tone(19.0), int(16_000 * (n_seconds + 2))), 16_000)
    parts = {**three_voices, "train": [replace(three_voices["train"][0], audio=long)]}
    with pytest.raises(UserError, match=r"f:a0: the clip lasts [\d.]+ s, the model speaks [\d.]+ at once"):
        mini_task().prepare(parts, limits, tmp_path / "cache")


def test_half_an_array_in_the_cache_is_made_again(three_voices, tmp_path):
    before = mini_task().prepare(three_voices, ClipLimits(), tmp_path / "cache")
    files = sorted((tmp_path / "cache").rglob("*.npy"))
    for file in files:
        file.write_bytes(file.read_bytes()[:90])
    after = mini_task().prepare(three_voices, ClipLimits(), tmp_path / "cache")
    pairs = [pair for part in before for pair in zip(before[part], after[part], strict=True)]
    assert len(files) == 9 and len(pairs) == 4
    assert all(np.array_equal(a.speaker_embedding, b.speaker_embedding) for a, b in pairs)


@pytest.mark.slow
def test_letters_to_be_learnt_are_no_fault(tmp_path):
    soundfile.write(tmp_path / "a.wav", tone(1.0), 16_000)
    soundfile.write(tmp_path / "b.wav", tone(1.3, seed=1), 16_000)
    rows = [{"file_name": "a.wav", "text": "bl\u00e5 gr\u00f8d"}, {"file_name": "b.wav", "text": "en fin tekst"}]
    (tmp_path / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    arguments = [
        f"data.path={tmp_path}",
        "base_model=speecht5_mini",
        "encoder=null",
        "estimate=null",
        "text.language=da",
        "thresholds.min_snr_db=null",
    ]
    strict = run("train/prepare.py", *arguments, cwd=tmp_path).stdout
    assert "1 of 2 rows kept" in strict
    learnt = run("train/prepare.py", *arguments, "text.extend_vocabulary=true", cwd=tmp_path).stdout
    assert "2 of 2 rows kept" in learnt and "new letters: " in learnt


def test_thresholds_of_none_reject_nothing(corpus, front_end, tmp_path):
    folder, expected = corpus
    doubtful = set(REASONS) - set(UNUSABLE) - {"foreign_voice"}
    with collected_faults():
        clips = [clip for clip in sources.folder(str(folder)) if expected.get(clip.id) in doubtful]
    lenient = Thresholds(*[None] * 3, False, *[None] * 6, False)
    assert len(control(front_end, tmp_path, thresholds=lenient).inspect(clips).kept) == len(clips) > 8


@pytest.mark.parametrize("snr_db", [5.0, 15.0, 25.0])
def test_the_noise_is_measured(snr_db):
    speech = trim_silence(load_waveform(next((ASSETS / "demo-voice/audio").glob("*.flac"))))
    paused = np.concatenate([np.zeros(4000), speech, np.zeros(4000)])
    power = (speech.astype(np.float64) ** 2).mean() * 10 ** (-snr_db / 10)
    noisy = paused + np.sqrt(power) * np.random.default_rng(0).standard_normal(len(paused))
    assert signal_to_noise_db(noisy) == pytest.approx(snr_db, abs=3.0)


def bursts(floor, fall_db_per_second):
    """Bursts of noise, five a second, that fall off, over a floor of noise."""
    rng, at = np.random.default_rng(0), np.arange(48_000) / 16_000
    envelope = 10 ** (-fall_db_per_second * (at % 0.2) / 20)
    return (0.3 * envelope * rng.standard_normal(48_000) + floor * rng.standard_normal(48_000)).astype(np.float32)


def test_echo_is_not_called_noise():
    for sound, echoes in ((bursts(0, 70), True), (bursts(0.09, 300), False)):
        measures = measured(sound)
        assert measures.snr_db < 12 and measures.echoes is echoes


@pytest.mark.parametrize("offset", [0.002, 0.003, 0.02, 0.15])
def test_an_offset_neither_keeps_silent_ends_nor_counts_as_noise(offset):
    speech = load_waveform(next((ASSETS / "demo-voice/audio").glob("*.flac")))
    silence = np.zeros(16_000, np.float32)
    plain = np.concatenate([silence, 0.8 * speech, silence])
    drifting = np.linspace(0, offset / 10, len(plain), dtype=np.float32)
    for moved in (plain + np.float32(offset), plain + drifting):
        expected, trimmed = trim_silence(plain), trim_silence(moved)
        assert abs(len(trimmed) - len(expected)) <= 512
        assert signal_to_noise_db(trimmed) == pytest.approx(signal_to_noise_db(expected), abs=3.0)
        assert measured(trimmed).level_db == pytest.approx(measured(expected).level_db, abs=0.5)


def test_recordings_whose_channels_cancel_are_kept_and_counted(front_end, tmp_path):
    clips = []
    for row, clip in enumerate(sources.folder(str(ASSETS / "demo-voice"))[:4]):
        file = tmp_path / f"{row}.wav"
        speech = load_waveform(clip.audio)
        soundfile.write(file, np.stack([speech, (-1) ** row * speech], axis=1), 16_000)
        clips.append(replace(clip, audio=file))
    found = control(front_end, tmp_path).inspect(clips)
    assert found.kept == clips and list(found.notes.values()) == [2]
    (note,) = summary(found)["notes"]
    assert "so the loudest channel is taken" in note and note.endswith(": 2 clips")
    mixed = control(front_end, tmp_path, ClipLimits(channel="mix")).inspect(clips)
    assert mixed.kept == clips[::2] and "loses" in mixed.rows[1].reasons["silent"]


def test_messages_show_on_which_side_of_a_limit_a_number_lies():
    for value, limit, digits, told in (
        (11.96, 12.0, 0, ("11.96", "12")), (12.4, 12.0, 0, ("12.4", "12")), (9.0, 12.0, 0, ("9", "12")),
        (20.37, 20.0, 2, ("20.37", "20")), (20.0001, 20.0, 2, ("20.0001", "20")), (0.39999, 0.4, 2, ("0.39999", "0.4")),
        (100.0, 50.0, 0, ("100", "50")), (-45.2, -45.0, 0, ("-45.2", "-45")), (1e-13, 0.0, 0, ("1e-13", "0.0")),
    ):  # fmt: skip
        assert apart(value, limit, digits) == told


def share_of(n_bad, largest, on_reject, tmp_path, front_end, **limits):
    """The clips left of ten, of which some cannot be read."""
    clips = sources.folder(str(ASSETS / "demo-voice"))[:10]
    clips = [replace(clip, audio=tmp_path / "none.flac") if row < n_bad else clip for row, clip in enumerate(clips)]
    share, encoder = rejected_share(on_reject, largest), CountingEncoder()
    settings = {"encoder": encoder, "max_rejected": share}
    found = control(front_end, tmp_path, ClipLimits(**limits), **settings).inspect(clips)
    return usable(found, share), encoder.lengths


def test_what_cannot_be_used_is_left_out_and_too_much_of_it_ends_the_run_before_anything_is_embedded(
    front_end, tmp_path, caplog
):
    with caplog.at_level("INFO"):
        assert len(share_of(2, 0.2, "drop", tmp_path, front_end)[0]) == 8
    assert "2 of 10 clips are left out (the sound cannot be read 2)" in caplog.text
    assert len(share_of(2, 0.2, "warn", tmp_path, front_end)[0]) == 8
    expected = r"3 of 3 rows inspected so far, of 10 rows are rejected \(the sound cannot be read 3; the first: .*30 %"
    with pytest.raises(UserError, match=expected) as error:
        share_of(3, 0.2, "drop", tmp_path, front_end)
    assert "\n" not in str(error.value) and "max_rejected_share allows 20 %" in str(error.value)
    with pytest.raises(UserError, match="too long 6"):
        share_of(0, 0.5, "warn", tmp_path, front_end, max_duration_in_seconds=1.0)
    with pytest.raises(UserError, match="allowed are drop, warn and ignore"):
        rejected_share("no", 0.2)
    with pytest.raises(UserError, match="0 to 1"):
        rejected_share("drop", 20)


def test_nothing_is_embedded_of_a_set_that_is_refused(front_end, tmp_path, monkeypatch):
    monkeypatch.setattr(preflight_module, "clip_voices", lambda *_: pytest.fail("it was embedded"))
    with pytest.raises(UserError, match="rows are rejected"):
        share_of(5, 0.4, "drop", tmp_path, front_end)


def test_the_recipe_writes_a_manifest_that_trains_a_page_and_an_estimate(corpus, tmp_path):
    folder, _ = corpus
    with (folder / "metadata.jsonl").open("a") as table:
        table.write('{"file_name": "audio/none.flac", "text": "<script>alert(1)</script>"}\n')
    arguments = ["base_model=speecht5_mini", "encoder=xvector_mini", "estimate.max_frames=600", "estimate.max_steps=50"]
    done = run("train/prepare.py", f"data.path={folder}", *arguments, cwd=tmp_path)
    manifest = tmp_path / "outputs/prepared/manifest.jsonl"
    assert (
        len(sources.jsonl(str(manifest), allow_outside=True)) == 40
        and "\n50 steps are " in done.stdout
        and done.stdout.count(" of 63 rows kept") == 1
    )
    assert done.stdout.count("reject ") == 23
    assert "(data=jsonl data.path=outputs/prepared/manifest.jsonl data.allow_outside=true)" in done.stdout, "pasted"
    figures = json.loads((tmp_path / "outputs/prepared/summary.json").read_text())
    assert figures["estimate"]["hours"] > 0 and figures["estimate"]["n_epochs"] > 1
    rows = [json.loads(line) for line in (tmp_path / "outputs/prepared/rows.jsonl").open()]
    assert len(rows) == 63 and sum(row.get("decision") == "keep" for row in rows) == 40
    page = (tmp_path / "outputs/prepared/report.html").read_text()
    assert "<script>" not in page and page.count("<svg") == 6 and "40 of 63 rows can be trained on" in page


def test_raw_recordings_are_cut_at_silences_and_transcribed(tmp_path):
    pytest.importorskip("silero_vad")
    files = sorted((ASSETS / "demo-voice/audio").glob("*.flac"))[:4]
    spoken = [trim_silence(load_waveform(file)) for file in files]
    pause = np.zeros(16_000, dtype=np.float32)
    raw = tmp_path / "raw/anna"
    raw.mkdir(parents=True)
    (raw / "broken.wav").write_bytes(b"no sound")
    soundfile.write(raw / "monday.wav", np.concatenate([part for w in spoken for part in (pause, w)] + [pause]), 16_000)
    done = run(
        "train/prepare.py", f"raw={tmp_path / 'raw'}", "asr=offline", "cut.max_duration_in_seconds=5", cwd=tmp_path
    )
    assert "clips; read and correct" in done.stdout
    clips = sources.folder(str(tmp_path / "outputs/prepared"))
    seconds = [soundfile.info(clip.audio).duration for clip in clips]
    assert sum(seconds) == pytest.approx(sum(map(len, spoken)) / 16_000, rel=0.25) and max(seconds) <= 5.0
    assert {(clip.speaker, clip.session) for clip in clips} == {("anna", "anna/monday")}
    with pytest.raises(AssertionError, match="choose who writes them"):
        run("train/prepare.py", f"raw={tmp_path / 'raw'}", cwd=tmp_path)


@pytest.mark.parametrize(
    ("spans", "joined"),
    [([(0, 16), (20, 40), (50, 90)], [(0, 40), (50, 90)]), ([], []), ([(0, 200)], [(0, 200)])],
)
def test_neighbors_are_joined_up_to_the_longest_piece(spans, joined):
    scaled = [(1000 * start, 1000 * end) for start, end in spans]
    assert list(Cut(max_duration_in_seconds=3.0)._joined(scaled)) == [(1000 * a, 1000 * b) for a, b in joined]


def write(file, content=""):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)


def test_vctk_libritts_and_common_voice_are_read_as_published(tmp_path):
    vctk = tmp_path / "vctk"
    write(vctk / "wav48_silence_trimmed/p225/p225_001_mic1.flac")
    write(vctk / "wav48_silence_trimmed/p225/p225_002_mic1.flac")
    write(vctk / "txt/p225/p225_001.txt", "Please call Stella.\n")
    with collected_faults() as faults:
        (clip,) = layouts.vctk(str(vctk))
    assert (clip.id, clip.speaker, clip.transcript) == ("p225_001", "p225", "Please call Stella.")
    assert clip.license == "cc-by-4.0"
    assert len(faults) == 1 and "holds no transcript of p225_002_mic1.flac" in faults[0].message
    with pytest.raises(UserError, match="p225_002"):
        layouts.vctk(str(vctk))
    (vctk / "txt/p225/p225_002.txt").write_bytes(b"Six spoons of caf\xe9.\n")
    with collected_faults() as faults:
        assert len(layouts.vctk(str(vctk))) == 1
    assert faults[0].source.endswith("p225_002.txt:1") and "is not UTF-8" in faults[0].message
    tts = tmp_path / "libri/train-clean-100/84/121123/84_121123_000007_000001"
    write(tts.with_suffix(".wav"))
    write(tts.with_suffix(".normalized.txt"), "A sentence.")
    (clip,) = layouts.libritts(str(tmp_path / "libri"), license="mine")
    assert clip.license == "mine"
    assert (clip.speaker, clip.session, clip.audio) == ("84", "84/121123", tts.with_suffix(".wav"))
    write(tmp_path / "cv/validated.tsv", 'client_id\tpath\tsentence\nabc\tone.mp3\tShe said "yes\nabc\ttwo.mp3\t\n')
    with collected_faults() as faults:
        (clip,) = layouts.common_voice(str(tmp_path / "cv"))
    assert clip.transcript == 'She said "yes' and clip.audio == tmp_path / "cv/clips/one.mp3" and len(faults) == 1
    assert clip.license == "cc0-1.0"
    for read in (layouts.vctk, layouts.libritts, layouts.common_voice):
        with pytest.raises(UserError, match=str(tmp_path / "empty")):
            (tmp_path / "empty").mkdir(exist_ok=True)
            read(str(tmp_path / "empty"))


def test_parquet_files_are_read(tmp_path):
    import pyarrow
    import pyarrow.parquet

    soundfile.write(tmp_path / "a.wav", tone(0.3), 16_000)
    sound = [{"bytes": (tmp_path / "a.wav").read_bytes(), "path": "a.wav"}]
    pyarrow.parquet.write_table(pyarrow.table({"audio": sound, "sentence": ["One."]}), tmp_path / "set.parquet")
    (clip,) = sources.parquet(str(tmp_path / "set.parquet"), str(tmp_path / "cache"))
    assert clip.transcript == "One." and load_waveform(clip.audio).shape == (4800,)
    with pytest.raises(UserError, match="no such Parquet file"):
        sources.parquet(str(tmp_path / "none.parquet"), str(tmp_path))


@pytest.mark.parametrize("unit", ["speaker", "session"])
def test_a_split_can_keep_speakers_or_sessions_apart(unit):
    clips = [
        Clip(f"{n}", None, f"text {n}", f"speaker {n % 30}", f"f:{n}", session=f"session {n % 40}") for n in range(600)
    ]
    parts = split_clips(clips, 0.2, 0.2, disjoint_by=unit)
    units = [{getattr(clip, unit) for clip in of_part} for of_part in parts.values()]
    assert all(units) and not units[0] & units[1] and not units[0] & units[2] and not units[1] & units[2]
    assert sum(map(len, parts.values())) == 600


def test_a_split_by_what_is_not_told_is_refused():
    with pytest.raises(UserError, match="f:1: names no session"):
        split_clips([Clip("a", None, "text", "s", "f:1")], disjoint_by="session")
    with pytest.raises(UserError, match="allowed are transcript, speaker, session"):
        split_clips([], disjoint_by="color")


def test_no_recording_is_decoded_twice_by_a_fine_tune_or_a_preparation(tmp_path, monkeypatch):
    """The quality control, log-mels, embeddings, sentences to be spoken and players share what was decoded."""
    from hydra import compose, initialize_config_module
    from tts_toolkit.train import finetune
    from tts_toolkit.train import prepare as prepare_recipe

    decoded = Counter()
    read_sound = audio_module.read_sound

    def counted(path, check):
        decoded[path] += 1
        return read_sound(path, check)

    monkeypatch.setattr(audio_module, "read_sound", counted)
    voice = sources.folder(str(ASSETS / "demo-voice"))
    chosen = [clip for part in ("train", "dev", "test") for clip in voice if clip.split == part][::7]
    rows = [{"audio": str(clip.audio), "text": clip.transcript, "split": clip.split} for clip in chosen]
    (tmp_path / "set.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    common = ["data=jsonl", f"data.path={tmp_path / 'set.jsonl'}", "data.allow_outside=true"]
    common += ["base_model=speecht5_mini", "encoder=xvector_mini"]
    with initialize_config_module("tts_toolkit.conf", version_base="1.3"):
        cfg = compose("prepare", [*common, "estimate=null", f"output_dir={tmp_path / 'out'}", f"cache_dir={tmp_path}"])
        prepare_recipe.prepare(cfg)
        assert set(decoded.values()) == {1} and len(decoded) == 20
        decoded.clear()
        parts = [*common, "asr=offline", "speaker_verifier=ge2e", f"cache_dir={tmp_path / 'new'}"]
        cfg = compose("finetune", parts)
        run = finetune.fine_tune(cfg)
        prepared = run.prepare(run.clips())
        assert run.dev_evaluation(prepared) is not None
        assert all(len(prepared.limits.read(clip)) for clip in run.test_clips(prepared))
    assert set(decoded.values()) == {1} and len(decoded) == 20
