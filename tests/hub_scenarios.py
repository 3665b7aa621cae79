"""What happens between the toolkit and a hub, each scenario with a cache of its own, all in one process.

    HF_ENDPOINT=... HF_HOME=... python hub_scenarios.py FOLDER [NAME ...]

prints JSON: for each scenario what went wrong with it, or nothing. A process that has no test's settings, and the
hub's real client; only its waits are cut short, and noted.
"""

import json
import logging
import os
import sys
import time
import traceback
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import huggingface_hub
import numpy as np
from huggingface_hub import constants

from tts_toolkit.hub import snapshots as fetching
from tts_toolkit.hub.loading import checkpoint_file, checkpoint_folder, model_type, model_version
from tts_toolkit.system.errors import UserError

TTS, VOCODER, BARK = "microsoft/speecht5_tts", "microsoft/speecht5_hifigan", "suno/bark-small"
HUB = constants.ENDPOINT
SCENARIOS = {}
slept = []
told = []


def scenario(function):
    SCENARIOS[function.__name__] = function
    return function


class Listener(logging.Handler):
    def emit(self, record):
        told.append(record.getMessage())


def new_process():
    """Forget what a process knows of the hub; the cache stays."""
    from tts_toolkit.speakers.arctic import arctic_xvectors

    for cache in (fetching._snapshot, arctic_xvectors):
        cache.cache_clear()
    fetching._SILENT.clear()
    told.clear()
    slept.clear()


def fresh(folder, name):
    new_process()
    constants.HF_HUB_CACHE = str(folder / name)
    return Path(constants.HF_HUB_CACHE)


def faults(*wanted):
    control = urllib.request.Request(f"{HUB}/_control/faults", json.dumps(wanted).encode(), method="POST")
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(control).close()


def asked(pattern=""):
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"{HUB}/_control/log") as answer:
        return [line for line in json.load(answer) if pattern in line]


@contextmanager
def offline():
    constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = False


@contextmanager
def endpoint(url, **environment):
    """Let the hub be elsewhere, by way of what the environment says, for the client and what is asked of it."""
    before = dict(os.environ)
    os.environ.update(environment)
    constants.ENDPOINT, template = url, constants.HUGGINGFACE_CO_URL_TEMPLATE
    constants.HUGGINGFACE_CO_URL_TEMPLATE = template.replace(HUB, url)
    huggingface_hub.close_session()
    try:
        yield
    finally:
        constants.ENDPOINT, constants.HUGGINGFACE_CO_URL_TEMPLATE = HUB, template
        os.environ.clear()
        os.environ.update(before)
        huggingface_hub.close_session()


@contextmanager
def token(value):
    os.environ["HF_TOKEN"] = value
    try:
        yield
    finally:
        del os.environ["HF_TOKEN"]


def refused(call, *wanted):
    """Check that a call ends in one line that says all of this, and no token."""
    try:
        call()
    except UserError as error:
        line = str(error)
        assert "\n" not in line, line
        for part in wanted:
            assert part in line, f"{part!r} is not in {line!r}"
        assert "hf_" not in line.replace("hf_hub", ""), line
        return line
    raise AssertionError("nothing was refused")


NOWHERE = "http://127.0.0.1:9"  # where nothing listens


# What is fetched, and how often is asked.


@scenario
def the_first_load_fetches_what_is_needed_and_no_more():
    folder = checkpoint_folder(TTS)
    there = {file.name for file in folder.iterdir()}
    assert {"config.json", "pytorch_model.bin", "spm_char.model", "preprocessor_config.json"} <= there, there
    assert "README.md" not in there and (folder / "pytorch_model.bin").is_symlink()
    assert len(asked("/api/models")) == 1, asked()


@scenario
def a_second_load_asks_once():
    checkpoint_folder(TTS)
    new_process(), faults()
    folder = checkpoint_folder(TTS)
    assert model_type(TTS) == "speecht5" and model_version(TTS) == folder.name
    assert len(asked()) == 1 and "GET /api/models" in asked()[0], asked()


@scenario
def a_second_load_offline_asks_nothing():
    online = checkpoint_folder(TTS)
    new_process(), faults()
    with offline():
        assert checkpoint_folder(TTS) == online and checkpoint_file(TTS, "tts_toolkit.json") is None
    assert not asked()


@scenario
def offline_without_a_cache_says_so():
    with offline():
        refused(lambda: checkpoint_folder(TTS), "model 'microsoft/speecht5_tts' cannot be loaded", "not in the cache",
                "HF_HUB_OFFLINE is set")  # fmt: skip


@scenario
def nothing_is_asked_of_discussions_and_no_weights_come_twice():
    from tts_toolkit.models.speecht5.checkpoint import load_speecht5
    from tts_toolkit.models.vocoders import open_vocoder

    load_speecht5(TTS)
    assert open_vocoder(VOCODER).n_parameters > 1000
    assert not asked("/discussions") and not asked("refs%2Fpr")
    assert len(asked("GET /_store")) == 3, "two weights and a vocabulary"


@scenario
def a_type_is_known_before_weights_are_fetched():
    from tts_toolkit.models.speecht5.checkpoint import load_speecht5

    refused(lambda: load_speecht5(BARK), "is a", "Bark")
    assert not asked("/_store")


@scenario
def code_of_a_repository_is_neither_fetched_nor_run():
    from tts_toolkit.evaluation.metrics.asr import TransformersRecognizer
    from tts_toolkit.models.auto import load_synthesizer

    refused(lambda: load_synthesizer("user/code"), "is a own checkpoint")
    refused(
        lambda: TransformersRecognizer("user/code").transcribe(np.zeros(16000, np.float32)),
        "Own, not a speech recognizer",
    )
    assert not asked("own.py") and not asked(".bin")


# Revisions.


@scenario
def a_revision_is_pinned():
    older, newer = model_version(TTS, "v1"), model_version(TTS)
    assert older != newer and len(older) == 40
    assert checkpoint_file(TTS, "README.md", "v1").read_bytes() == b"an older card"
    assert checkpoint_file(TTS, "README.md", older).read_bytes() == b"an older card"


@scenario
def a_pinned_commit_is_found_offline():
    commit = model_version(TTS, "v1")
    folder = checkpoint_folder(TTS, commit)
    new_process()
    with offline():
        assert checkpoint_folder(TTS, commit) == folder


@scenario
def an_unknown_revision_is_named():
    refused(
        lambda: checkpoint_folder(TTS, "v9"), "404", "Invalid rev id: v9", "a branch, a tag or a commit", f"{HUB}/{TTS}"
    )


@scenario
def a_branch_that_moved_is_followed_and_shares_its_weights():
    files = {"config.json": b'{"model_type": "speecht5"}', "model.safetensors": b"w" * 1000}
    push(files)
    first = checkpoint_folder("user/moving")
    push({**files, "config.json": b'{"model_type": "vits"}'})
    new_process(), faults()
    second = checkpoint_folder("user/moving")
    assert first != second and model_type("user/moving") == "vits"
    assert (first / "model.safetensors").resolve() == (second / "model.safetensors").resolve()
    assert not asked("GET /_store"), "weights that are there"


def push(files):
    from huggingface_hub import CommitOperationAdd, HfApi

    api = HfApi(token="hf_good")
    api.create_repo("user/moving", exist_ok=True)
    added = [CommitOperationAdd(name, data) for name, data in files.items()]
    api.create_commit("user/moving", added, commit_message="files")


@scenario
def a_connection_that_dies_in_an_update_leaves_the_older_snapshot():
    files = {"config.json": b'{"model_type": "speecht5"}', "model.safetensors": os.urandom(1000)}
    push(files)
    first = checkpoint_folder("user/moving")
    push({**files, "model.safetensors": os.urandom(1000)})
    new_process(), faults({"match": "GET /_store", "status": 503, "times": 99})
    refused(lambda: checkpoint_folder("user/moving"), "model.safetensors cannot be fetched", "503")
    new_process()
    with offline():
        assert checkpoint_folder("user/moving") == first


@scenario
def a_repository_that_moved_is_found_by_its_old_name():
    assert model_type("old/speecht5_tts") == "speecht5"
    assert checkpoint_folder("old/speecht5_tts").name == model_version(TTS)


# Who asks.


@scenario
def a_wrong_token_is_told_with_the_way_to_log_in():
    with token("hf_wrong"):
        refused(lambda: checkpoint_folder(TTS), "401", "Invalid credentials", "hf auth login", "HF_TOKEN")


@scenario
def a_wrong_token_takes_the_cache():
    folder = checkpoint_folder(TTS)
    new_process()
    with token("hf_wrong"):
        assert checkpoint_folder(TTS) == folder
    assert any("taken from the cache" in line and "Invalid credentials" in line for line in told), told


@scenario
def a_gated_model_names_its_page():
    refused(lambda: checkpoint_folder("user/gated"), "401", "Access to model user/gated is restricted",
            f"ask for access at {HUB}/user/gated", "hf auth login")  # fmt: skip


@scenario
def a_gated_model_refuses_who_is_not_on_its_list():
    with token("hf_reader"):
        refused(lambda: checkpoint_folder("user/gated"), "403", "not in the authorized list", f"{HUB}/user/gated")


@scenario
def a_gated_model_loads_for_who_may():
    with token("hf_good"):
        assert (checkpoint_folder("user/gated") / "pytorch_model.bin").is_file()


@scenario
def a_private_model_looks_like_a_missing_one():
    refused(lambda: checkpoint_folder("user/private"), "401", "Repository Not Found", "hf auth login")
    with token("hf_good"):
        assert checkpoint_folder("user/private").is_dir()


@scenario
def a_missing_repository_is_told():
    with token("hf_good"):
        refused(lambda: checkpoint_folder("nobody/none"), "404", "Repository Not Found", "look at the name")
    refused(lambda: checkpoint_folder("/no/such/folder"), "there is no folder /no/such/folder")


@scenario
def the_token_does_not_go_to_the_store_on_another_host():
    with token("hf_good"):
        checkpoint_folder(TTS)
    assert asked("/_store"), "asked without a token, which the store would refuse"


# A hub that fails.


@scenario
def one_500_is_tried_again():
    faults({"match": "GET /api/models", "status": 500, "times": 1})
    assert model_type(TTS) == "speecht5"
    assert any("asked again" in line for line in told)


@scenario
def a_500_for_good_is_told():
    faults({"match": "GET /api/models", "status": 500, "times": 99})
    refused(lambda: checkpoint_folder(TTS), "500", "run the command again")
    assert len(asked("-> 500")) == 4 and len(slept) == 3


@scenario
def a_500_for_good_takes_the_cache():
    folder = checkpoint_folder(TTS)
    new_process(), faults({"match": "GET /api/models", "status": 500, "times": 99})
    assert checkpoint_folder(TTS) == folder and any("taken from the cache" in line for line in told)


@scenario
def a_500_of_a_file_is_tried_again():
    faults({"match": "HEAD .*pytorch_model.bin", "status": 500, "times": 1})
    assert (checkpoint_folder(TTS) / "pytorch_model.bin").is_file()


@scenario
def a_429_is_waited_for_as_long_as_it_says():
    faults({"match": "GET /api/models", "status": 429, "times": 1, "headers": {"Retry-After": "7"}})
    assert model_type(TTS) == "speecht5" and 7 in slept, slept


@scenario
def a_429_of_a_file_is_waited_for():
    faults({"match": "HEAD .*config.json", "status": 429, "times": 2, "headers": {"Retry-After": "7"}})
    assert model_type(TTS) == "speecht5" and any(7 <= seconds <= 8 for seconds in slept), slept


@scenario
def a_429_for_an_hour_is_told():
    faults({"match": "GET /api/models", "status": 429, "times": 9, "headers": {"Retry-After": "3600"}})
    refused(lambda: checkpoint_folder(TTS), "429", "wait, and run the command again")
    assert not slept


@scenario
def a_connection_that_is_cut_goes_on_where_it_was():
    faults({"match": "GET /_store", "cut": 11_000_000, "times": 1})  # the client writes 10 MiB at a time
    file = checkpoint_file("user/large", "large.bin")
    assert any("206" in line and "bytes=10485760-" in line for line in asked("/_store")), asked("/_store")
    assert file.read_bytes() == bytes(range(256)) * 50_000


@scenario
def a_connection_that_dies_in_an_answer_is_tried_again():
    faults({"match": "GET /api/models", "cut": 10, "times": 1})
    assert model_type(TTS) == "speecht5"


@scenario
def a_connection_that_always_dies_is_told():
    faults({"match": "GET /api/models", "cut": 10, "times": 99})
    refused(lambda: checkpoint_folder(TTS), "the hub cannot be reached", "RemoteProtocolError", "look at the network")


@scenario
def a_page_in_place_of_json_is_told():
    faults({"match": "GET /api/models", "status": 200, "body": "<html>log in</html>", "times": 9})
    refused(lambda: checkpoint_folder(TTS), "the hub's answer is none of a hub", "a page to log in at?")


@scenario
def a_page_in_place_of_a_file_is_told_and_not_kept():
    faults({"match": "(HEAD|GET) .*resolve.*config.json", "status": 200, "body": "<html>log in</html>", "times": 9})
    refused(lambda: model_type(TTS), "config.json cannot be fetched")
    new_process(), faults()
    assert model_type(TTS) == "speecht5"


@scenario
def a_configuration_that_is_a_page_is_told():
    refused(lambda: model_type("user/page"), "config.json is not JSON")


@scenario
def an_unreachable_hub_is_told():
    with endpoint(NOWHERE):
        refused(lambda: checkpoint_folder(TTS), "the hub cannot be reached", "ConnectError", "look at the network")


@scenario
def an_unreachable_hub_takes_the_cache_and_is_asked_once():
    folders = [checkpoint_folder(TTS), checkpoint_folder(VOCODER)]
    assert checkpoint_file(TTS, "tts_toolkit.json") is None
    new_process()
    with endpoint(NOWHERE):
        started = time.monotonic()
        assert [checkpoint_folder(TTS), checkpoint_folder(VOCODER)] == folders
        assert checkpoint_file(TTS, "tts_toolkit.json") is None
        assert time.monotonic() - started < 1 and not slept
    assert len([line for line in told if "taken from the cache" in line]) == 1


@scenario
def a_file_that_nobody_knows_of_is_not_taken_for_missing():
    checkpoint_folder(TTS)
    new_process()
    with endpoint(NOWHERE):
        refused(lambda: checkpoint_file(TTS, "tts_toolkit.json"), "tts_toolkit.json is not in the cache")


@scenario
def a_proxy_that_refuses_is_told():
    proxy = {"HTTPS_PROXY": HUB, "https_proxy": HUB}
    faults({"match": "CONNECT", "status": 403, "times": 99})
    with endpoint("https://hub.invalid", **proxy):
        refused(lambda: checkpoint_folder(TTS), "ProxyError", "403", "HTTPS_PROXY")


@scenario
def a_proxy_that_refuses_takes_the_cache():
    folder = checkpoint_folder(TTS)
    new_process(), faults({"match": "CONNECT", "status": 403, "times": 99})
    with endpoint("https://hub.invalid", HTTPS_PROXY=HUB, https_proxy=HUB):
        assert checkpoint_folder(TTS) == folder


@scenario
def a_disk_that_is_full_is_not_the_hubs_fault():
    real = huggingface_hub.hf_hub_download

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    huggingface_hub.hf_hub_download = full
    try:
        model_type(TTS)
    except OSError as error:
        assert error.errno == 28
    else:
        raise AssertionError
    finally:
        huggingface_hub.hf_hub_download = real


# Everything else that comes from the hub.


def everywhere():
    """Yield what asks the hub, by where it is in the toolkit."""
    from tts_toolkit.data.seed_tts_eval import from_hub
    from tts_toolkit.evaluation.metrics.asr import FasterWhisper, TransformersRecognizer
    from tts_toolkit.models.bark import Bark
    from tts_toolkit.models.base import SynthesisRequest
    from tts_toolkit.models.vits import Vits
    from tts_toolkit.models.vocoders import open_vocoder
    from tts_toolkit.speakers.arctic import arctic_embedding
    from tts_toolkit.speakers.encoders import SpeechBrainEncoder
    from tts_toolkit.speakers.wavlm import WavlmEncoder

    sound = np.zeros(16_000, np.float32)
    yield "vocoder", lambda: open_vocoder(VOCODER).n_parameters
    yield "encoder", lambda: SpeechBrainEncoder("speechbrain/spkrec-xvect-voxceleb").version
    yield "wavlm", lambda: WavlmEncoder().embed(sound)
    yield "arctic", lambda: arctic_embedding("slt")
    yield "seed-tts-eval", lambda: from_hub("user/seed-tts", None, "zh", Path(constants.HF_HUB_CACHE) / "out")
    yield "bark", lambda: Bark().check(SynthesisRequest("hello", 0))
    yield "vits", lambda: Vits("facebook/mms-tts-eng").check(SynthesisRequest("hello", 0))
    yield "transformers recognizer", lambda: TransformersRecognizer("openai/whisper-base.en").transcribe(sound)
    yield "faster-whisper", lambda: FasterWhisper("large-v3").transcribe(sound)


@scenario
def a_hub_out_of_reach_is_a_line_everywhere():
    for _, call in everywhere():
        with endpoint(NOWHERE):
            refused(call, "the hub cannot be reached", "look at the network")


@scenario
def a_proxy_that_refuses_is_a_line_everywhere():
    faults({"match": "CONNECT", "status": 403, "times": 99})
    for _, call in everywhere():
        with endpoint("https://hub.invalid", HTTPS_PROXY=HUB, https_proxy=HUB):
            refused(call, "ProxyError", "HTTPS_PROXY")


@scenario
def a_wrong_token_is_a_line_everywhere():
    for _, call in everywhere():
        with token("hf_wrong"):
            refused(call, "Invalid credentials", "hf auth login")


@scenario
def a_connection_that_dies_is_a_line_everywhere():
    for _, call in everywhere():
        faults({"match": "/api/", "cut": 3, "times": 99})
        refused(call, "the hub cannot be reached")


@scenario
def an_encoder_comes_without_its_examples():
    from tts_toolkit.speakers.encoders import SpeechBrainEncoder

    encoder = SpeechBrainEncoder("speechbrain/spkrec-xvect-voxceleb")
    assert encoder.embed(np.random.default_rng(0).standard_normal(16000).astype(np.float32)).shape == (512,)
    assert encoder.version == fetching.snapshot(encoder.source).commit and not asked("example1.wav")
    new_process(), faults()
    with offline():
        assert SpeechBrainEncoder("speechbrain/spkrec-xvect-voxceleb").version == encoder.version


@scenario
def a_row_of_arctic_is_fetched_once():
    from tts_toolkit.speakers.arctic import arctic_embedding, arctic_version

    assert arctic_embedding("slt").shape == (1, 512) and len(arctic_version("slt")) == 40
    new_process()
    with offline():
        assert arctic_embedding("7306").shape == (1, 512)


@scenario
def a_language_of_seed_tts_eval_is_fetched_alone():
    from tts_toolkit.data.seed_tts_eval import from_hub

    listing = from_hub("user/seed-tts", None, "zh", Path(constants.HF_HUB_CACHE) / "out")
    assert listing.read_bytes() == b"x" and not asked("/en/")


@scenario
def a_recognizer_is_loaded_from_the_hub_and_offline():
    from tts_toolkit.evaluation.metrics.asr import TransformersRecognizer

    sound = np.random.default_rng(0).standard_normal(16000).astype(np.float32)
    first = TransformersRecognizer("openai/whisper-base.en", device="cpu")
    heard = first.transcribe(sound)
    new_process()
    with offline():
        again = TransformersRecognizer("openai/whisper-base.en", device="cpu")
        assert again.transcribe(sound) == heard and again.version == first.version


@scenario
def vits_speaks_with_its_unknown_token_beside_the_vocabulary():
    from tts_toolkit.models.base import SynthesisRequest
    from tts_toolkit.models.vits import Vits

    family = Vits("facebook/mms-tts-eng")
    assert len(family.synthesize([SynthesisRequest("hello", 0)])[0].waveform) > 0
    assert family.coverage("crème").dropped


# Bark's voices.


@scenario
def a_preset_is_fetched_when_it_is_first_used():
    from tts_toolkit.models.bark import Bark
    from tts_toolkit.models.base import SynthesisRequest

    bark = Bark(BARK)
    for voice in ("v2/en_speaker_6", "de_speaker_3", "announcer"):
        bark.check(SynthesisRequest("hello", 0, voice))
    assert len(asked("GET /_store")) == 3 + 1, (
        "the arrays of one preset, of which the others are copies, and the weights"
    )
    assert not asked("ylacombe")
    new_process(), faults()
    with offline():
        Bark(BARK).check(SynthesisRequest("hello", 0, "announcer"))
        refused(lambda: Bark(BARK).check(SynthesisRequest("hello", 0, "v2/fr_speaker_1")), "v2/fr_speaker_1_semantic",
                "not in the cache", "HF_HUB_OFFLINE")  # fmt: skip


@scenario
def bark_speaks_without_a_word_of_the_libraries():
    from tts_toolkit.models.bark import Bark
    from tts_toolkit.models.base import SynthesisRequest

    listener = Listener()
    logging.getLogger("transformers").addHandler(listener)
    try:
        assert len(Bark(BARK).synthesize([SynthesisRequest("hello", 0, "de_speaker_3")])[0].waveform) > 0
    finally:
        logging.getLogger("transformers").removeHandler(listener)
    assert told == [], told


@scenario
def a_preset_that_the_hub_does_not_give_is_a_line():
    from tts_toolkit.models.bark import Bark
    from tts_toolkit.models.base import SynthesisRequest

    bark = Bark(BARK)
    bark.check(SynthesisRequest("hello", 0))
    for status in (500, 404, 403):
        faults({"match": "fr_speaker_1", "status": status, "times": 99})
        refused(lambda: bark.check(SynthesisRequest("hello", 0, "v2/fr_speaker_1")), "fr_speaker_1", str(status))
    refused(
        lambda: bark.check(SynthesisRequest("hello", 0, "v2/en_speaker_11")),
        "unknown voice",
        "v2/en_speaker_1",
        "of 261",
    )


@scenario
def a_preset_that_is_missing_damaged_or_elsewhere_is_a_line():
    from tts_toolkit.models.bark import Bark
    from tts_toolkit.models.base import SynthesisRequest

    bark = Bark("user/broken-bark")
    for voice, said in {"missing": "lacks speaker_embeddings/missing", "damaged": "is not a .npy file",
                        "outside": "outside of the checkpoint"}.items():  # fmt: skip
        refused(lambda voice=voice: bark.check(SynthesisRequest("hello", 0, voice)), said)


# What is looked at before hours of work are pushed.


@scenario
def a_push_is_looked_at_before_the_work():
    from tts_toolkit.hub.upload import check_push

    def check(name):
        return lambda: check_push(name, "hub_model_id")

    refused(check(None), "needs hub_model_id=USER/NAME")
    refused(check("user/kim"), "there is no token", "hf auth login")
    with token("hf_good"):
        check_push("user/kim", "hub_model_id")
        for name in ("kim", "user/", "a/b/c", "user/k m", "user/kim--2", "user/kim.git", "https://hub/user/kim"):
            refused(check(name), f"hub_model_id={name}", "wanted is USER/NAME")
        refused(check("somebody/kim"), "the token is of user", "may write to user only")
        with endpoint(NOWHERE):
            refused(check("user/kim"), "the hub cannot be reached")
        with offline():
            refused(check("user/kim"), "HF_HUB_OFFLINE is set")
    with token("hf_reader"):
        refused(check("user/kim"), "may read only", "hf auth login")
    with token("hf_wrong"):
        refused(check("user/kim"), "refuses the token", "Invalid")


@scenario
def what_is_pushed_is_there_and_what_the_hub_refuses_is_told():
    from tts_toolkit.hub.upload import push_folder

    folder = Path(constants.HF_HUB_CACHE) / "made"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"model_type": "vits"}')
    (folder / "model.safetensors").write_bytes(os.urandom(1000))
    with token("hf_reader"):
        refused(lambda: push_folder(folder, "user/made", "hub_model_id"), "403", "rights", str(folder))
    with token("hf_good"):
        assert push_folder(folder, "user/made", "hub_model_id").startswith(f"{HUB}/user/made")
        assert model_type("user/made") == "vits"
        assert (
            checkpoint_file("user/made", "model.safetensors").read_bytes()
            == (folder / "model.safetensors").read_bytes()
        )
    new_process()
    refused(lambda: model_version("user/made"), "401"), "it is private"


def main():
    folder, *names = sys.argv[1:]
    logging.getLogger("tts_toolkit").addHandler(Listener())
    sleep = time.sleep

    def shortened(seconds):
        slept.append(seconds)
        sleep(min(seconds, 0.001))

    time.sleep = shortened
    outcomes = {}
    for name, function in SCENARIOS.items():
        if names and name not in names:
            continue
        fresh(Path(folder), name)
        faults()
        started = time.monotonic()
        try:
            function()
            outcomes[name] = ""
        except BaseException:
            outcomes[name] = traceback.format_exc(chain=False)
        print(f"{time.monotonic() - started:6.2f} s  {'failed' if outcomes[name] else 'ok'}  {name}", file=sys.stderr)
    print(json.dumps(outcomes))


if __name__ == "__main__":
    main()
