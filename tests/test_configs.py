"""Every `_target_` in the configuration must take the arguments that stand beside it."""

import inspect
import re
from importlib import import_module
from pathlib import Path
from typing import Unpack, get_args, get_origin, get_type_hints

import pytest
import tts_toolkit.conf
from hydra import compose, initialize_config_module
from omegaconf import DictConfig, ListConfig, OmegaConf

CONF = Path(tts_toolkit.conf.__file__).parent
PRIMARY = [
    "finetune", "synthesize", "embed", "corpus", "train_encoder", "train_vocoder", "prepare", "coverage", "report",
    "benchmark", "score", "compare", "download_test_set",
]  # fmt: skip


def targets(node):
    """Yield every node with a `_target_`, depth first."""
    if isinstance(node, DictConfig):
        if "_target_" in node:
            yield node
        for key in node:
            if not OmegaConf.is_missing(node, key):
                yield from targets(node._get_node(key))
    elif isinstance(node, ListConfig):
        for index in range(len(node)):
            yield from targets(node._get_node(index))


def resolve(path):
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)


def fault_of(node):
    """Why a node's `_target_` does not take what stands beside it; None where it does."""
    arguments = {key for key in node if not key.startswith("_") and key != "defaults"}
    try:
        signature = signature_of(resolve(node["_target_"]))
        (signature.bind_partial if node.get("_partial_") else signature.bind)(**dict.fromkeys(arguments))
    except (AttributeError, ImportError, TypeError) as error:
        return f"{node['_target_']}: {error}"
    return None


def test_every_target_binds_its_arguments():
    files = sorted(CONF.rglob("*.yaml"))
    nodes = [(file.relative_to(CONF), node) for file in files for node in targets(OmegaConf.load(file))]
    faults = [f"{file}: {fault}" for file, node in nodes if (fault := fault_of(node))]
    assert not faults, "\n".join(faults)
    assert len(files) >= 30 and len(nodes) >= 25, (len(files), len(nodes))


def test_every_target_of_a_composed_command_binds_its_arguments():
    """Choices that are differences from others have no `_target_` in their files."""
    systems = sorted(file.stem for file in (CONF / "systems").glob("*.yaml"))
    with initialize_config_module("tts_toolkit.conf", version_base="1.3"):
        configs = {name: compose(name) for name in PRIMARY}
        configs["benchmark"] = compose("benchmark", overrides=[f"systems=[{','.join(systems)}]"])
    faults = [f"{name}: {fault}" for name, cfg in configs.items() for node in targets(cfg) if (fault := fault_of(node))]
    assert not faults, "\n".join(faults)
    assert list(configs["benchmark"].systems) == systems
    assert all("_target_" in node for node in configs["benchmark"].systems.values())


SHARED = {  # groups with one choice that several commands share, and where each puts it
    "decoding": {"finetune": "decoding", "synthesize": "decoding", "benchmark": "systems.speecht5.decoding"},
    "limits": dict.fromkeys(["finetune", "prepare", "embed"], "limits"),
    "thresholds": {"finetune": "quality_control.thresholds", "prepare": "thresholds"},
    "report": dict.fromkeys(["finetune", "benchmark", "score", "report"], "report"),
}


@pytest.mark.parametrize("group", SHARED)
def test_shared_settings_stand_in_one_file(group):
    shared = OmegaConf.load(CONF / group / "default.yaml")
    with initialize_config_module("tts_toolkit.conf", version_base="1.3"):
        for name, place in SHARED[group].items():
            cfg = compose(name)
            assert set(OmegaConf.select(cfg, place)) == set(shared), name
            key = next(key for key in shared if isinstance(shared[key], int | float))
            changed = compose(name, overrides=[f"{place}.{key}=7"])
            assert OmegaConf.select(changed, f"{place}.{key}") == 7, "as users type it"


@pytest.mark.parametrize("name", PRIMARY)
def test_every_command_composes(name):
    with initialize_config_module("tts_toolkit.conf", version_base="1.3"):
        cfg = compose(name, overrides=["data.path=x"] if name == "embed" else [])
    assert cfg


def signature_of(target):
    """The signature of a callable, the keys of a TypedDict that it unpacks as parameters of their own."""
    signature, hints = (
        inspect.signature(target),
        get_type_hints(target, include_extras=True) if inspect.isfunction(target) else {},
    )
    plain, keys = [], {}
    for parameter in signature.parameters.values():
        hint = hints.get(parameter.name)
        if parameter.kind is parameter.VAR_KEYWORD and get_origin(hint) is Unpack:
            keys = dict.fromkeys(get_type_hints(get_args(hint)[0]))
        else:
            plain.append(parameter)
    added = [inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=None) for key in keys]
    return signature.replace(parameters=[*plain, *added])


def test_a_key_that_no_typed_dict_knows_is_no_argument():
    from tts_toolkit.data.tables import hub

    with pytest.raises(TypeError, match="no_such_column_name"):
        signature_of(hub).bind_partial(no_such_column_name="x")
    signature_of(hub).bind_partial(text_column_name="x")


EXPERIMENTS = {
    file.relative_to(CONF / "experiment").with_suffix("").as_posix(): file
    for file in (CONF / "experiment").rglob("*.yaml")
}
COMMAND_OF = {
    "demo_voice": "corpus",
    "three_families": "benchmark",
    "offline_benchmark": "benchmark",
    "reproduce/voicehub_arena_en": "benchmark",
    **{name: name.removeprefix("offline/") for name in EXPERIMENTS if name.startswith("offline/")},
}


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_every_experiment_composes_and_is_a_small_difference(experiment):
    with initialize_config_module("tts_toolkit.conf", version_base="1.3"):
        base = compose(COMMAND_OF.get(experiment, "finetune"))
        changed = compose(COMMAND_OF.get(experiment, "finetune"), overrides=[f"experiment={experiment}"])
    assert changed != base
    lines = [
        line for line in EXPERIMENTS[experiment].read_text().splitlines() if line.strip() and not line.startswith("#")
    ]
    assert len(lines) <= 20


@pytest.mark.parametrize(
    "group", ["data", "encoder", "speaker_verifier", "asr", "base_model", "lr_schedule", "optimizer", "adapter"]
)
def test_every_choice_of_a_group_composes(group):
    choices = sorted(file.stem for file in (CONF / group).glob("*.yaml"))
    assert choices
    with initialize_config_module("tts_toolkit.conf", version_base="1.3"):
        for choice in choices:
            compose("finetune", overrides=[f"{group}={choice}"])


LISTED = ("systems", "metrics")  # groups of which a run takes several


@pytest.mark.parametrize("group", ["systems", "test_set", "asr", "speaker_verifier", "metrics", "protocol"])
def test_every_choice_of_the_benchmark_composes(group):
    choices = sorted(file.stem for file in (CONF / group).glob("*.yaml"))
    assert choices
    with initialize_config_module("tts_toolkit.conf", version_base="1.3"):
        for choice in choices:
            cfg = compose("benchmark", overrides=[f"{group}={[choice] if group in LISTED else choice}"])
            if group in LISTED:
                assert list(cfg[group]) == [choice], "a choice's package is its file's name"


def test_numbers_are_numbers():
    with initialize_config_module("tts_toolkit.conf", version_base="1.3"):
        cfg = compose("finetune")
    assert isinstance(cfg.optimizer.lr, float) and isinstance(cfg.optimizer.eps, float)
    assert cfg.accelerator.mixed_precision == "no"


HUB_PARTS = (
    "base_model",
    "encoder",
    "asr",
    "speaker_verifier",
    "systems",
    "model",
)  # what a command takes from a hub by default


def test_every_command_that_needs_a_hub_has_a_way_without_one():
    with initialize_config_module("tts_toolkit.conf", version_base="1.3"):
        for name in PRIMARY:
            cfg = compose(name)
            from_hub = [part for part in HUB_PARTS if OmegaConf.select(cfg, part, throw_on_missing=False)]
            offline = (CONF / f"experiment/offline/{name}.yaml").is_file()
            assert offline == bool(from_hub), (name, from_hub)
            if not offline:
                continue
            cfg = compose(name, overrides=[f"experiment=offline/{name}"])
            text = OmegaConf.to_yaml(cfg)
            assert not re.search(r"(microsoft|facebook|openai|suno|speechbrain)/", text), (name, text)
            assert cfg.get("overwrite", False) is False and cfg.get("license", "other") == "other"
