"""The benchmark's report in a real browser: players load, sorting works, nothing overflows, no error is logged."""

import json
import shutil
import time

import numpy as np
import pytest
from conftest import tone

from tts_toolkit.audio.waveforms import write_wav
from tts_toolkit.data.test_sets import Prompt
from tts_toolkit.evaluation.metrics.protocols import PROTOCOLS
from tts_toolkit.evaluation.pipeline import run
from tts_toolkit.evaluation.plan import Plan
from tts_toolkit.models.espeak_ng import EspeakNg
from tts_toolkit.report.benchmark import ReportOptions, write_benchmark
from tts_toolkit.system.processes import Processes

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("chromedriver"), reason="apt-get install chromium chromium-driver"),
]
TEXTS = ["a short one", "a longer sentence about a red boat on a lake", "the third of them", "and one more <b>text</b>"]
WIDTHS = {"phone": 390, "desktop": 1280}


class Forgetful:
    """Hears the first two words of the plan's next text: errors that differ from row to row."""

    name, version = "forgetful", "1"

    def transcribe(self, waveform):
        return "a short" if len(waveform) < 25_000 else "a longer sentence about"


class Color:
    """Knows a voice by where its sound's energy lies."""

    name, version = "color", "1"

    def embed(self, waveform):
        energy = np.abs(np.fft.rfft(waveform, 4096))[:1600].reshape(16, 100).sum(axis=1) + 1e-6
        return (energy / np.linalg.norm(energy)).astype(np.float32)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    prompts = []
    for number, text in enumerate(TEXTS):
        voice = folder / "voices" / f"v{number}.wav"
        voice.parent.mkdir(exist_ok=True)
        write_wav(voice, tone(1.0, hz=150 + 200 * (number % 2), seed=number))
        kind, speaker = ("long", "b") if number % 2 else ("short", "a")
        prompts.append(Prompt(f"p{number}", text, kind, speaker, voice_reference=str(voice)))
    systems = {
        "slow": lambda: EspeakNg(words_per_minute=120),
        "quick-and-with-a-rather-long-name": lambda: EspeakNg(words_per_minute=220),
    }
    config = {"seed": 0, "a_rather_long_setting": "x" * 400}
    plan = Plan(systems, prompts, Forgetful, Color, list(PROTOCOLS.values()), folder, config=config)
    return write_benchmark(folder, run(plan, Processes()), ReportOptions(title="A report & its <title>"))


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--autoplay-policy=no-user-gesture-required",
    ):
        options.add_argument(argument)
    downloads = tmp_path_factory.mktemp("downloads")
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    driver.downloads = downloads
    yield driver
    driver.quit()


@pytest.fixture(params=WIDTHS)
def page(request, browser, report):
    size = {"width": WIDTHS[request.param], "height": 900, "deviceScaleFactor": 1, "mobile": request.param == "phone"}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)  # a window has a least width, a phone has not
    browser.get(report.as_uri())
    assert browser.execute_script("return window.innerWidth") == WIDTHS[request.param]
    yield browser
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_nothing_overflows(page):
    assert page.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
    for button in page.find_elements("css selector", ".open, details summary"):
        page.execute_script("arguments[0].click()", button)
    assert page.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")


def test_every_player_loads_sound(page):
    durations = page.execute_async_script(
        """const done = arguments[0], players = [...document.querySelectorAll(".samples audio")];
        Promise.all(players.map(p => new Promise(ready => {
          p.onloadedmetadata = () => ready(p.duration); p.onerror = () => ready(-1); p.preload = "auto"; p.load();
        }))).then(done);"""
    )
    assert len(durations) == 3 * len(TEXTS) and min(durations) > 0.3, "two systems and the voice to imitate"


def test_pictures_are_shown(page):
    page.execute_script(
        "document.querySelectorAll('.samples img').forEach(i => { i.loading = 'eager'; i.closest('tr').hidden = false; })"
    )
    time.sleep(0.5)
    widths = page.execute_script("return [...document.querySelectorAll('.samples img')].map(i => i.naturalWidth)")
    assert len(widths) == 3 * len(TEXTS) and min(widths) > 20
    headings = [heading.text for heading in page.find_elements("css selector", "h2")]
    assert {"Word error rate", "Speaker similarity", "Speed against error"} <= set(headings)
    drawn = page.execute_script(
        "return [...document.querySelectorAll('svg')].map(s => s.getBoundingClientRect().width)"
    )
    assert len(drawn) == 3 and min(drawn) > 200


def order(page, key):
    return page.execute_script(f"return [...document.querySelectorAll('tbody.utterance')].map(b => b.dataset.{key})")


def test_utterances_sort_by_every_column(page):
    worst = [float(value) for value in order(page, "worst")]
    assert worst == sorted(worst, reverse=True) and len(set(worst)) > 1
    heading = page.find_element("css selector", "button[data-key=text]")
    page.execute_script("arguments[0].click()", heading)
    assert order(page, "text") == sorted(TEXTS, key=str.lower)
    page.execute_script("arguments[0].click()", heading)
    assert order(page, "text") == sorted(TEXTS, key=str.lower, reverse=True)
    page.execute_script("arguments[0].click()", page.find_element("css selector", "button[data-key=worst]"))
    assert [float(value) for value in order(page, "worst")] == worst
    keys = [button.get_attribute("data-key") for button in page.find_elements("css selector", "th button[data-key]")]
    assert keys == ["id", "text", "worst", "s0", "s1"]
    for key in keys:
        for _ in range(2):
            heading = page.find_element("css selector", f"button[data-key={key}]")
            page.execute_script("arguments[0].click()", heading)
            down = page.execute_script("return arguments[0].parentElement.ariaSort", heading) == "descending"
            found = [value.lower() if key in ("id", "text") else float(value) for value in order(page, key)]
            assert found == sorted(found, reverse=down), key


def test_texts_are_shown_as_written(page):
    shown = [button.text for button in page.find_elements("css selector", ".open")]
    assert sorted(shown) == sorted(TEXTS) and page.title == "A report & its <title>"


def test_blind_votes_are_saved(page):
    for saved in page.downloads.glob("votes*.json"):
        saved.unlink()
    page.execute_script("document.getElementById('blind-start').click()")
    for vote in ("a", "b", "same", "a"):
        assert page.execute_script("return document.getElementById('blind-a').src.length") > 1000
        page.execute_script(f"document.querySelector('[data-vote={vote}]').click()")
    assert not page.find_element("id", "blind").is_displayed(), "every pair was heard"
    page.execute_script("document.getElementById('blind-save').click()")
    deadline = time.monotonic() + 20
    while not (found := list(page.downloads.glob("votes*.json"))) and time.monotonic() < deadline:
        time.sleep(0.1)
    votes = json.loads(found[0].read_text())["votes"]
    names = {"slow", "quick-and-with-a-rather-long-name"}
    assert {vote["id"] for vote in votes} == {"p0", "p1", "p2", "p3"}
    assert [vote["preferred"] for vote in votes] == [votes[0]["a"], votes[1]["b"], None, votes[3]["a"]]
    assert all({vote["a"], vote["b"]} == names for vote in votes) and np.all([vote["at"] for vote in votes])
