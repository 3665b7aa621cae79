"""Whatever folder is given: rows and files in are those kept and those left out, each under a reason."""

import json
import os
import tempfile
import unicodedata
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tts_toolkit.data import layouts, sources
from tts_toolkit.data.intake import Intake, conclude, counting, keep_figures
from tts_toolkit.data.rows import collected_faults
from tts_toolkit.system.errors import UserError
from tts_toolkit.system.folders import SOUND_SUFFIXES, Finder, found_below
from tts_toolkit.system.reading import read_json, sealed_json

STEMS = ["a", "b", "caf\u00e9", "Straße", "two words", "per%20cent", "c.d"]
ENDINGS = [".wav", ".WAVE", ".flac", ".oga", ".caf", ".m4a", ".txt", ".png", ""]
FOLDERS = ["", "anna", "train", "deep/er", "\u00e9t\u00e9"]
HIDDEN = [".ipynb_checkpoints/a.wav", "__MACOSX/x/a.wav", ".a.wav", "anna/.DS_Store", "Thumbs.db", "anna/@eaDir/b.wav"]
LINKS = {"outside": "../outside", "again": "../outside", "loop": ".", "nowhere": "missing", "to_anna": "anna"}
ROWS = ["good", "empty", "nan", "odd split", "missing file", "leads out", "stray quote", "short", "long", "decomposed"]

trees = st.fixed_dictionaries(
    {
        "files": st.lists(
            st.tuples(st.sampled_from(FOLDERS), st.sampled_from(STEMS), st.sampled_from(ENDINGS)), max_size=8
        ),
        "hidden": st.lists(st.sampled_from(HIDDEN), unique=True, max_size=3),
        "links": st.lists(st.sampled_from(sorted(LINKS)), unique=True, max_size=4),
        "rows": st.lists(st.tuples(st.sampled_from(ROWS), st.integers(0, 20)), min_size=1, max_size=9),
    }
)


def grow(root, tree):
    """Make the files of a tree and return the sound files that rows may name."""
    (root.parent / "outside").mkdir()
    for name in ("x.wav", "y.mp3", "z.doc"):
        (root.parent / "outside" / name).touch()
    root.mkdir()
    for folder, stem, ending in tree["files"]:
        (root / folder).mkdir(parents=True, exist_ok=True)
        (root / folder / f"{stem}{ending}").touch()
    for name in tree["hidden"]:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    for name in tree["links"]:
        (root / name).symlink_to(LINKS[name])
    return sorted(
        p.relative_to(root).as_posix()
        for p in root.rglob("*.wav")
        if not any(part[0] in "._@" for part in p.relative_to(root).parts)
    )


def entries(folder, top, seen):
    """Count the names below a folder, counting what is hidden or linked a second time as one."""
    n, links = 0, []
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        hidden = entry.name.startswith(".") or entry.name in ("__MACOSX", "Thumbs.db", "@eaDir")
        if hidden or not entry.is_dir():
            n += 1
        elif entry.is_symlink():
            links.append(os.path.realpath(entry.path))
        else:
            n += entries(entry.path, top, seen)
    for target in links:
        if target in seen or target == top or target.startswith(f"{top}/"):
            n += 1
        else:
            seen.add(target)
            n += entries(target, top, seen)
    return n


def cells(kind, number, sounds):
    name = sounds[number % len(sounds)] if sounds else "a.wav"
    text = {"empty": " ", "nan": "nan", "stray quote": '"It opens'}.get(kind, f"Text {number}.")
    if kind == "missing file":
        name = f"none/{number}.wav"
    if kind == "leads out":
        name = "../outside/x.wav"
    if kind == "decomposed":
        name = unicodedata.normalize("NFD", name)
    return name, text, "later" if kind == "odd split" else ""


def check(intake, n_rows, n_files, clips):
    assert intake.n_in == {"rows": n_rows, "files": n_files}
    assert intake.n_kept("rows") == len(clips)
    for kind, about in intake.summary().items():
        assert about["n_in"] == about["n_kept"] + sum(left["n"] for left in about["left_out"].values())
        assert all(0 < len(left["examples"]) <= left["n"] for left in about["left_out"].values()), kind


slow_disk = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@slow_disk
@given(trees, st.sampled_from(["metadata.csv", "metadata.jsonl", "train/metadata.csv"]))
def test_an_audiofolder_is_accounted_for(tree, listing):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve() / "root"
        sounds = grow(root, tree)
        (root / listing).parent.mkdir(exist_ok=True)
        rows = [cells(kind, number, sounds) for kind, number in tree["rows"]]
        if listing.endswith("csv"):
            lines = []
            for (kind, _), (name, text, split) in zip(tree["rows"], rows, strict=True):
                fields = [f'"{name}"' if "," in name else name, text, split][: 2 if kind == "short" else 3]
                lines.append(",".join(fields + ["more"] * (kind == "long")))
            (root / listing).write_text("\n".join(["file_name,text,split", *lines]) + "\n", encoding="utf-8")
        else:
            lines = [
                json.dumps({"file_name": n, "text": float("nan") if t == "nan" else t, "split": s}) for n, t, s in rows
            ]
            (root / listing).write_text("\n".join(lines), encoding="utf-8")
        with counting() as intake, collected_faults() as faults:
            clips = sources.folder(str(root))
        check(intake, len(rows), entries(root, str(root), set()), clips)
        assert len(faults) == len(rows) - len(clips)
        used = {clip.audio for clip in clips if clip.audio.is_file()}
        assert intake.n_kept("files") == len(used) + 1
        for clip in clips:
            assert clip.transcript not in ("", "nan") and "\n" not in clip.transcript


@slow_disk
@given(trees)
def test_an_ljspeech_folder_is_accounted_for(tree):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve() / "root"
        sounds = grow(root, tree)
        rows = [cells(kind, number, sounds) for kind, number in tree["rows"]]
        lines = ["|".join([name, text, text][: 1 if kind == "short" else 3] + ["more"] * (kind == "long"))
                 for (kind, _), (name, text, _) in zip(tree["rows"], rows, strict=True)]  # fmt: skip
        (root / "metadata.csv").write_text("\n".join(lines) + "\n\n", encoding="utf-8")
        with counting() as intake, collected_faults():
            clips = sources.ljspeech(str(root))
        check(intake, len(rows), entries(root, str(root), set()), clips)


@slow_disk
@given(trees)
def test_a_folder_of_sound_is_accounted_for(tree):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve() / "root"
        grow(root, tree)
        with counting() as intake:
            try:
                clips = sources.audio(str(root))
            except UserError as error:
                assert "holds no sound files" in str(error) or "has the same name but for its ending" in str(error)
                return
        assert intake.n_in["files"] == entries(root, str(root), set())
        assert intake.n_kept("files") == len(clips)
        assert not any(part.startswith(".") for clip in clips for part in clip.audio.relative_to(root).parts)


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def test_every_ending_that_libsndfile_reads_is_sound_and_others_are_told(tmp_path):
    touch(tmp_path, *(f"anna/{number}{suffix.upper()}" for number, suffix in enumerate(SOUND_SUFFIXES)))
    touch(tmp_path, "anna/x.m4a", "notes.txt")
    with counting() as intake:
        assert len(sources.audio(str(tmp_path))) == len(SOUND_SUFFIXES) > 20
    told = "\n".join(intake.lines())
    assert "convert it to WAV or FLAC): anna/x.m4a" in told and "1 no sound: notes.txt" in told
    with pytest.raises(UserError, match=r"holds no sound files .*1 files in a format that is not read, such as x.m4a"):
        touch(tmp_path / "other", "x.m4a")
        sources.audio(str(tmp_path / "other"))


def test_links_are_followed_once_and_circles_end(tmp_path):
    touch(tmp_path, "store/anna/0.wav", "voices/ben/1.wav")
    (tmp_path / "voices/anna").symlink_to("../store/anna")
    (tmp_path / "voices/anna_again").symlink_to("../store/anna")
    (tmp_path / "voices/ben/up").symlink_to("..")
    (tmp_path / "voices/self").symlink_to("self")
    found = found_below(tmp_path / "voices")
    assert [file.relative_to(tmp_path).as_posix() for file in found.files] == ["voices/anna/0.wav", "voices/ben/1.wav"]
    assert {reason: sorted(path.name for path in paths) for reason, paths in found.passed_over.items()} == {
        "a link that leads nowhere": ["self"],
        "a link to a folder that is read already": ["anna_again", "up"],
    }


@pytest.mark.parametrize(
    ("name", "there"),
    [
        ("wavs\\a.wav", "wavs/a.wav"),
        ("WAVS/A.WAV", "wavs/a.wav"),
        ("wavs/caf\u00e9.wav", "wavs/cafe\u0301.wav"),
        ("wavs/cafe\u0301.wav", "wavs/caf\u00e9.wav"),
        ("wavs/two%20words.wav", "wavs/two words.wav"),
        ("root/wavs/a.wav", "wavs/a.wav"),
        ("/home/somebody/root/wavs/a.wav", "wavs/a.wav"),
        ("C:\\data\\root\\wavs\\a.wav", "wavs/a.wav"),
        ("wavs/a", "wavs/a.flac"),
        ("wavs/a.wav", "wavs/a.flac"),
    ],
)
def test_names_are_found_however_they_are_written(tmp_path, name, there):
    root = tmp_path / "root"
    touch(root, there)
    assert Finder(root).find(name) == root / there
    (root / "metadata.jsonl").write_text(json.dumps({"file_name": name, "text": "Hi."}))
    (clip,) = sources.folder(str(root))
    assert clip.audio == root / there


def test_names_that_two_files_have_or_that_lead_out_are_not_guessed(tmp_path):
    touch(tmp_path / "root", "a.wav", "A.wav")
    touch(tmp_path, "secret.wav")
    finder = Finder(tmp_path / "root")
    assert finder.find("a.WAV") is None
    assert finder.find("..\\secret.wav") is None and finder.find("%2e%2e/secret.wav") is None


def test_published_corpora_are_accounted_for(tmp_path):
    root = tmp_path / "vctk"
    wavs = root / "wav48_silence_trimmed"
    touch(wavs, "p1/p1_001_mic1.flac", "p1/p1_001_mic2.flac", "p1/p1_002_mic1.flac", ".hidden/p_001_mic1.flac")
    touch(root, "speaker-info.txt")
    (root / "txt/p1").mkdir(parents=True)
    (root / "txt/p1/p1_001.txt").write_text("Hello.")
    with counting() as intake, collected_faults():
        clips = layouts.vctk(str(root))
    check(intake, 2, 6, clips)
    assert intake.n_kept("files") == 2
    table = "client_id\tpath\tsentence\nk\ta.mp3\tHello.\nk\tb.mp3\t\n"
    touch(tmp_path / "cv/clips", "a.mp3", "b.mp3", "c.mp3")
    (tmp_path / "cv/validated.tsv").write_text(table)
    with counting() as intake, collected_faults():
        clips = layouts.common_voice(str(tmp_path / "cv"))
    check(intake, 2, 4, clips)


def test_figures_join_a_summary_and_lines_hold_no_terminal_codes(tmp_path, capsys):
    intake = Intake()
    intake.add("files", 2)
    intake.leave_out("files", "no sound", ["\x1b[31mred.txt"])
    (tmp_path / "summary.json").write_text('{"kept": 1}')
    conclude(tmp_path / "summary.json", intake)
    assert capsys.readouterr().out == "1 of 2 files kept; left out:\n  1 no sound: ?[31mred.txt\n"
    found = json.loads((tmp_path / "summary.json").read_text())
    assert found["kept"] == 1 and found["data"]["files"]["n_kept"] == 1
    (tmp_path / "summary.json").write_bytes(sealed_json({"kept": 1}))
    keep_figures(tmp_path / "summary.json", intake)
    assert read_json(tmp_path / "summary.json", "")["data"]["files"]["n_kept"] == 1, "which a seal is of, too"
    keep_figures(tmp_path / "new/summary.json", intake)
    assert json.loads((tmp_path / "new/summary.json").read_text())["data"]["rows"]["n_in"] == 0
