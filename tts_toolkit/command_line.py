"""Checks of a command line before a run, with one-line errors."""

from __future__ import annotations

import difflib
import importlib.util
import inspect
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from tts_toolkit.system.compat import hydra_parser, is_empty, is_null, node_of
from tts_toolkit.system.errors import WrongOption, one_line

KEY = re.compile(r"(?P<sign>\+\+|\+|~)?(?P<key>[\w@/.-]+)")
OPEN = ("accelerator", "config", "systems", "metrics", "hydra", "mix")  # accept settings absent from the configuration
# Settings that may be null, besides arguments of targets typed as optional.
MAY_BE_NULL = ("background", "evaluation.background", "estimate", "accelerator.log_with", "accelerator.mixed_precision")
LISTS = ("speaker.names", "protocols", "compare")  # whose default may be null
RUNNING = {"--multirun", "-m", "--run", "-r"}
WITH_VALUE = {
    "--config-dir", "-cd", "--config-path", "-cp", "--config-name", "-cn", "--package", "-p", "--cfg", "-c",
    "--experimental-rerun",
}  # fmt: skip
MAX_NAMED = 16  # choices listed in an error


@dataclass(frozen=True)
class Options:
    """The parts of a command line: settings and flags."""

    settings: Sequence[str]
    flags: Sequence[str]  # with their values
    config_dir: Path | None  # with the user's configurations
    runs: bool  # false for --help and the like
    is_sweep: bool


def split_options(arguments: Sequence[str]) -> Options:
    """Return the parts of a command line; raises WrongOption for an unknown flag."""
    flags, settings = list[str](), list[str]()
    for before, argument in zip(["", *arguments], arguments, strict=False):
        of_flag = before in WITH_VALUE or (before in ("--info", "-i") and argument.isalpha())
        (flags if of_flag or argument.startswith("-") else settings).append(argument)
    parser: Any = hydra_parser()

    def refuse(message: str) -> None:
        raise WrongOption(f"{message.removeprefix('argument ')}; --help lists the settings, given as KEY=VALUE")

    parser.error = refuse
    if "--version" in flags:
        return Options(settings, flags, None, False, False)
    found, unknown = parser.parse_known_args(flags)
    if unknown:
        name, _, value = unknown[0].lstrip("-").partition("=")
        raise WrongOption(
            f"{unknown[0]}: no such flag; settings have no dashes: {name.replace('-', '_')}={value or 'VALUE'}"
        )
    if found.config_name or found.config_path:
        raise WrongOption("each command has its own configuration; --config-dir FOLDER adds choices to it")
    folder = Path(found.config_dir) if found.config_dir else None
    if folder is not None and not folder.is_dir():
        raise WrongOption(f"--config-dir {folder}: no such folder")
    shows = found.help or found.hydra_help or found.cfg or found.info or found.shell_completion
    return Options(settings, flags, folder, not shows, found.multirun)


class Known:
    """The settings of a command and the choices of its groups."""

    def __init__(self, config_name: str, config_dir: Path | None = None) -> None:
        self.config_name, self.config_dir = config_name, config_dir
        self.groups = own_groups(config_name)
        self.settings: Any = None  # composed from the choices on the command line only

    def compose(self, settings: Sequence[str] = ()) -> Any:
        """Return the configuration with these settings, including the user's folder."""
        from hydra import compose, initialize_config_module
        from hydra.core.global_hydra import GlobalHydra

        search = [f"hydra.searchpath=['file://{self.config_dir.absolute()}']"] if self.config_dir else []
        alone = (
            nullcontext()
            if GlobalHydra().is_initialized()
            else initialize_config_module("tts_toolkit.conf", version_base="1.3")
        )
        with alone:  # in jobs of launchers that start processes, Hydra is not initialized
            return compose(self.config_name, overrides=[*search, *settings])

    @cached_property
    def choices(self) -> dict[str, list[str]]:
        """The choices by group; those in subfolders have a slash: experiment has demo and reproduce/arena."""
        folders = [conf(), *([self.config_dir] if self.config_dir else [])]
        names = {file for folder in folders for file in _yaml_files(folder) if "/" in file}
        groups = {name.rpartition("/")[0] for name in names}
        return {
            group: sorted(name.removeprefix(f"{group}/") for name in names if name.startswith(f"{group}/"))
            for group in groups
        }


def conf() -> Traversable:
    """Return the folder of the packaged configuration."""
    from importlib.resources import files

    return files("tts_toolkit.conf")


def _yaml_files(folder: Traversable, before: str = "") -> Iterator[str]:
    """Yield the paths of the YAML files below a folder, without suffixes: data/folder."""
    for item in folder.iterdir():
        if item.is_dir() and not item.name.startswith((".", "_")):
            yield from _yaml_files(item, f"{before}{item.name}/")
        elif item.name.endswith(".yaml"):
            yield f"{before}{item.name.removesuffix('.yaml')}"


@lru_cache
def own_groups(config_name: str) -> dict[str, Any]:
    """The groups of a command's configuration, with their default choices.

    A group that is put elsewhere (`thresholds@quality_control.thresholds`) has no choice on the command line.
    """
    from omegaconf import OmegaConf

    text = conf().joinpath(f"{config_name}.yaml").read_text(encoding="utf-8")
    listed: Any = OmegaConf.to_container(OmegaConf.create(text))
    entries = [entry for entry in listed.get("defaults", []) if isinstance(entry, dict)]
    listed_choices = ((key.removeprefix("optional "), choice) for entry in entries for key, choice in entry.items())
    return {key: choice for key, choice in listed_choices if "@" not in key}


def emptied(settings: Sequence[str], groups: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Groups set to null or removed (`asr=null`, `~asr`), and all other settings."""
    ways = {way: name for name in groups for way in (f"{name}=null", f"++{name}=null", f"~{name}")}
    return [ways[text] for text in settings if text in ways], [text for text in settings if text not in ways]


def renamed(settings: Sequence[str], known: Known) -> list[str]:
    """Return the settings with choices by file name: `base_model=speecht5-mini` becomes `speecht5_mini`.

    An experiment folder holds one file per command: `experiment=offline` of tts-embed is `offline/embed`.
    """

    def by_file(text: str) -> str:
        key, _, value = text.partition("=")
        if key not in known.groups or not value:
            return text
        choices = known.choices.get(key, ())
        if key == "experiment" and f"{value}/{known.config_name}" in choices:
            return f"{text}/{known.config_name}"
        return f"{key}=" + re.sub(r"[\w/-]+", lambda m: m[0] if m[0] in choices else _underscored(m[0], choices), value)

    return [by_file(text) for text in settings]


def _underscored(name: str, choices: Sequence[str]) -> str:
    return name.replace("-", "_") if name.replace("-", "_") in choices else name


def check_settings(options: Options, settings: Sequence[str], known: Known, free_text: Sequence[str] = ()) -> None:
    """Raise WrongOption for the first unknown or malformed setting.

    Values of `free_text` settings are not checked.
    """
    groups = [text for text in settings if text.partition("=")[0].lstrip("+") in known.groups]
    for text in groups:
        _check_choice(text, options, known)
    chosen = [_first(text) for text in groups if "=glob(" not in text]
    known.settings = config = known.compose(chosen)
    experiment = [text for text in chosen if text.startswith("experiment=")]
    if experiment and options.config_dir:
        _check_experiment(experiment[0], config, known.compose([text for text in chosen if text not in experiment]))
    for text in settings:
        if text not in groups:
            _check_setting(text, config, known)
        if text.partition("=")[0] not in free_text and text not in groups:
            _check_form(text, options)


def _first(text: str) -> str:
    """Return a setting with the first choice of a sweep."""
    key, _, value = text.partition("=")
    return text if value.startswith("[") else f"{key}={re.sub(r'^.*[(]|[,)].*$', '', value)}"


def _check_choice(text: str, options: Options, known: Known) -> None:
    """Raise WrongOption for a choice that a group does not have."""
    group, _, value = text.partition("=")
    if group.startswith("+"):
        raise WrongOption(f"{text}: leave out the +: {text.lstrip('+')}")
    if value.startswith(("glob(", "choice(")) and options.is_sweep:
        return
    if "," in value and not value.startswith("[") and not options.is_sweep:
        raise WrongOption(
            f"{text}: takes one choice; --multirun runs several in turn, and {group}=[{value}] is for lists"
        )
    for name in value.strip("[]").split(","):
        name = name.strip("'\" ")
        if name and name not in known.choices[group]:
            has_one = known.choices[group] == ["default"]
            settings = f"{group} holds settings of its own, given as {group}.NAME=VALUE; --help lists them"
            raise WrongOption(f"{text}: {settings if has_one else _no_such(name, known.choices[group], f'{group}=')}")


def _no_such(name: str, names: Sequence[str], before: str = "") -> str:
    """Return the message for an unknown name, with similar names first."""
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    listed = [*near, *(other for other in names if other not in near)][:MAX_NAMED]
    more = ", ..." if len(names) > len(listed) else ""
    meant = f"did you mean {before}{near[0]}? " if near else ""
    return f"there is no {name!r}; {meant}allowed are {', '.join(listed) or 'none'}{more}"


# Renamed keys and groups of the previous release; kept for one release.
RENAMED = {
    "judge": "speaker_verifier", "preflight": "quality_control", "base_share": "base_weight", "licence": "license",
    "decoder_inputs.n_own_passes": "scheduled_sampling.max_passes", "decoder_inputs": "scheduled_sampling",
    "training.judge_channels": "training.discriminator_channels",
    "training.judge_n_ffts": "training.discriminator_n_ffts",
    "training.judge_learning_rate": "training.discriminator_learning_rate", "quality": "metrics",
}  # fmt: skip


def new_name(key: str) -> str:
    """The new name of a key or group renamed since the previous release; empty for any other."""
    for old, new in RENAMED.items():
        if key == old or key.startswith((f"{old}.", f"{old}@")):
            return f"{new}{key.removeprefix(old)}"
    return ""


def _check_setting(text: str, config: Any, known: Known) -> None:
    """Raise WrongOption for an unknown setting, or for an existing one with a +."""
    given, equals, value = text.partition("=")
    match = KEY.fullmatch(given)
    if match is None or (not equals and match["sign"] != "~"):
        raise WrongOption(f"{text}: {_instead_of_a_word(text, config)}")
    sign, key = match["sign"] or "", match["key"]
    if key.startswith(("hydra.", "hydra/")):
        return
    if not _holds(config, key):
        if sign.startswith("+") and _is_open(config, key):
            return
        raise WrongOption(f"{text}: {_unknown(key, value, config, known)}")
    if sign == "+":
        raise WrongOption(f"{text}: leave out the +: {key}={value}")
    if sign == "~" and key.split(".")[0] not in OPEN:
        raise WrongOption(f"{text}: a setting cannot be removed; give it another value: {key}=...")


def _check_form(text: str, options: Options) -> None:
    """Raise WrongOption for a value that Hydra would misread."""
    key, _, value = text.partition("=")
    if value[:1] in ("'", '"') and not (len(value) > 1 and value.endswith(value[0])):
        raise WrongOption(f"{text}: the quotation mark is not closed")
    if "${" in value and not value.count("{") == value.count("}"):
        raise WrongOption(f"{text}: the reference is not closed")
    if not options.is_sweep and _is_sweep(text):
        raise WrongOption(
            f"{text}: holds several values: a list is {key}=[{value}], a text \"{key}='{value}'\", and --multirun "
            "runs each in turn"
        )


def _is_sweep(text: str) -> bool:
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        return bool(OverridesParser.create().parse_override(text).is_sweep_override())
    except HydraException:  # quoted later
        return False


def _instead_of_a_word(text: str, config: Any) -> str:
    meant = ""
    if "=" not in text and _holds(config, "data.path"):
        meant = f"; did you mean data.path={text}?"
    return f"settings are given as KEY=VALUE{meant or ', and --help lists them'}"


def _holds(config: Any, key: str) -> bool:
    from omegaconf import DictConfig

    node = config
    for part in key.split("."):
        if not isinstance(node, DictConfig) or is_empty(node) or part not in node.keys():  # noqa: SIM118
            return False
        node = node_of(node, part)
    return True


def _is_open(config: Any, key: str) -> bool:
    """Whether a setting may be added: below a node with a class, or one whose settings are passed on."""
    from omegaconf import DictConfig, OmegaConf

    parent = key.rpartition(".")[0]
    node = OmegaConf.select(config, parent) if parent and _holds(config, parent) else None
    return (key.split(".")[0] in OPEN and "." in key) or (isinstance(node, DictConfig) and "_target_" in node)


def _unknown(key: str, value: str, config: Any, known: Known) -> str:
    """Return the message for an unknown setting: its new name, the similar one, or the choice that has it."""
    if new := new_name(key):
        return f"is now called {new}: {new}={_listed(new, value)}"
    group, _, name = key.partition(".")
    others = _choices_with(group, name, known) if name and group in known.choices else []
    if others:
        example = f"{group}={others[0]} {key}={value}"
        return f"the choice made for {group} has no such setting; {group}={', '.join(others)} has: {example}"
    near = _near(key, list(_places(config)))
    added = f"; one that its class takes is added with +{key}={value}" if _is_open(config, key) else ""
    if near:
        return f"there is no such setting; did you mean {near}={value or '...'}?{added}"
    return f"there is no such setting{added}; --help lists them"


def _listed(key: str, value: str) -> str:
    """The value for a renamed setting: a list, where it was a single choice before."""
    if key != "metrics":
        return value or "..."
    return f"[{'' if value == 'null' else value}]"


def _near(key: str, places: Sequence[str]) -> str:
    """Return the most similar setting: of the same name elsewhere, or of a similar spelling."""
    name = key.rpartition(".")[2]
    last = {place: place.rpartition(".")[2] for place in places}
    alike = difflib.get_close_matches(name, list(last.values()), 2, 0.7)
    for same in (
        [place for place in places if last[place] == name],
        [place for place in places if len(name) > 3 and name in last[place]],
        [place for place in places if last[place] in alike],
    ):
        if same:
            return difflib.get_close_matches(key, same, 1, 0.0)[0]
    near = difflib.get_close_matches(key, places, 1, 0.75)
    return next((place for place in near if not key.startswith(f"{place}.")), "")


def _choices_with(group: str, name: str, known: Known) -> list[str]:
    """Return the choices of a group that have a setting of this name."""
    return [
        choice for choice in known.choices[group] if _holds(_composed(known, f"{group}={choice}"), f"{group}.{name}")
    ]


def _composed(known: Known, choice: str) -> Any:
    from hydra.errors import HydraException
    from omegaconf import OmegaConf

    try:
        return known.compose([choice])
    except HydraException:  # a choice for another command
        return OmegaConf.create({})


def _places(config: Any, before: str = "") -> Iterator[str]:
    """Yield the dotted keys of all settings."""
    from omegaconf import DictConfig

    for key in () if is_empty(config) else config.keys():
        if str(key).startswith("_"):
            continue
        yield f"{before}{key}"
        node = node_of(config, key)
        if isinstance(node, DictConfig):
            yield from _places(node, f"{before}{key}.")


def _check_experiment(text: str, config: Any, without: Any) -> None:
    """Raise WrongOption where an experiment of the user sets an unknown setting."""
    if "experiment" in config:
        raise WrongOption(f"{text}: its file must begin with the line '# @package _global_', or it changes nothing")
    for key in _added(config, without):
        if new := new_name(key):
            raise WrongOption(f"{text}: the file sets {key}, which is now called {new}")
        near = _near(key, list(_places(without)))
        meant = f"; did you mean {near}?" if near else ""
        raise WrongOption(f"{text}: the file sets {key}, and there is no such setting{meant}")


def _added(config: Any, without: Any, before: str = "") -> Iterator[str]:
    """Yield the settings of `config` missing from `without`, except arguments of classes."""
    for key in config:
        place, node = f"{before}{key}", node_of(config, key)
        if place in OPEN or str(key).startswith("_"):
            continue
        if key not in without:
            yield place
        elif all(_is_plain(of) for of in (node, node_of(without, key))):
            yield from _added(node, node_of(without, key), f"{place}.")


def _is_plain(node: Any) -> bool:
    """Whether a node holds settings that are not arguments of a class."""
    from omegaconf import DictConfig

    return isinstance(node, DictConfig) and not is_null(node) and "_target_" not in node


def check_values(config: Any, settings: Sequence[str], known: Known) -> None:
    """Raise WrongOption where a value is not of its default's type.

    A number becomes a text where one is expected: a folder may be called 2024.
    """
    from omegaconf import OmegaConf, open_dict

    places = [text.partition("=")[0].lstrip("+") for text in settings]
    ours = [key for key in places if not key.startswith("hydra.")]
    places = [key for key in ours if re.fullmatch(r"[\w.]+", key) and key not in known.groups]
    if not places:
        return
    for key in places:
        defaults = known.settings
        value, default = OmegaConf.select(config, key), OmegaConf.select(defaults, key)  # None: unknown type
        if wanted := _wanted(key, value, default, defaults):
            shown = "null" if value is None else value
            raise WrongOption(f"{key}={shown}: {wanted}")
        is_text = isinstance(default, str) or OmegaConf.is_missing(*_place(defaults, key))
        if isinstance(value, int | float) and is_text:
            with open_dict(config):
                OmegaConf.update(config, key, str(value))


def _place(config: Any, key: str) -> tuple[Any, str]:
    """Return the node that holds a dotted key, and the key's last part."""
    from omegaconf import OmegaConf

    parent, _, name = key.rpartition(".")
    return (OmegaConf.select(config, parent) if parent else config), name


def _wanted(key: str, value: Any, default: Any, defaults: Any) -> str:
    """Return the expected form of a value, empty where it is of its default's type."""
    from omegaconf import DictConfig, ListConfig, OmegaConf

    if value is None:
        if OmegaConf.is_missing(*_place(defaults, key)):
            return f"must be given: {key}=..."
        if default is None or key in MAY_BE_NULL or _accepts_null(key, defaults):
            return ""
        return "settings of its own are wanted" if isinstance(default, DictConfig) else _of_kind(default)
    if isinstance(value, str | int | float) and (isinstance(default, ListConfig) or key in LISTS):
        return f"a list is wanted: {key}=[{str(value).strip('[]') or 'a,b'}]"
    if isinstance(value, str | int | float) and isinstance(default, DictConfig):
        names = [str(name) for name in default if not str(name).startswith("_")]
        return (
            f"holds settings of its own, such as {key}.{names[0]}=..."
            if names
            else "settings are wanted: {name: value}"
        )
    if isinstance(value, DictConfig | ListConfig):
        return _of_kind(default) if isinstance(default, str | int | float) else ""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    right = {
        bool: isinstance(value, bool), int: is_number and not isinstance(value, float), float: is_number,
    }  # fmt: skip
    return "" if right.get(type(default), True) else _of_kind(default)


def _of_kind(default: Any) -> str:
    kind = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}.get(type(default), "a list")
    return f"{kind} is wanted, such as {str(default).lower() if isinstance(default, bool) else default}"


def _accepts_null(key: str, defaults: Any) -> bool:
    """Whether the target of a setting accepts None for it."""
    parent, name = _place(defaults, key)
    if parent is None or "_target_" not in parent:
        return False
    from hydra.utils import get_object

    try:
        parameter = inspect.signature(get_object(parent["_target_"])).parameters[name]
    except (ImportError, KeyError, TypeError, ValueError, AttributeError):
        return True
    annotation = str(parameter.annotation)
    return parameter.annotation is parameter.empty or any(word in annotation for word in ("None", "Optional", "Any"))


def check_interpolations(config: Any) -> None:
    """Raise WrongOption for a reference to a missing setting."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        OmegaConf.to_container(config, resolve=True, throw_on_missing=False)
    except OmegaConfBaseException as error:
        raise WrongOption(of_configuration(error)) from None


def check_modules(config: Any) -> None:
    """Raise WrongOption for a class or function whose module cannot be found, before anything is run."""
    from omegaconf import OmegaConf

    for place, target in _targets(OmegaConf.to_container(config, resolve=True, throw_on_missing=False)):
        module = target.partition(".")[0]
        if module not in sys.modules and importlib.util.find_spec(module) is None:
            way_out = "put its folder on the PYTHONPATH, or install it"
            raise WrongOption(f"{place}._target_={target}: there is no module {module}; {way_out}")


def _targets(node: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Yield the place and the name of each class or function that a configuration names."""
    if isinstance(node, dict) and isinstance(node.get("_target_"), str):
        yield place, node["_target_"]
    parts = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, part in parts:
        yield from _targets(part, f"{place}.{key}" if place else str(key))


def way_without_hub(config_name: str) -> str:
    """Return the hint for a command without a hub; empty where it has no such experiment."""
    if not conf().joinpath(f"experiment/offline/{config_name}.yaml").is_file():
        return ""
    return "without a hub, experiment=offline uses the built-in models"


def set_empty(config: Any, empty: Sequence[str], known: Known, optional: Sequence[str]) -> None:
    """Set groups to None that were set to null or removed; raises WrongOption for one that the command needs."""
    from omegaconf import open_dict

    for group, default in known.groups.items():
        if group == "experiment" or (group not in empty and (group in config or default is None)):
            continue
        if default is not None and group not in optional:
            names = ", ".join(known.choices.get(group, ()))
            raise WrongOption(f"{group}=null: the command needs one; allowed are {names}")
        with open_dict(config):
            config[group] = None


def about_command(config_name: str) -> str:
    """Return the first line of a command's configuration: its purpose, with an example."""
    text = conf().joinpath(f"{config_name}.yaml").read_text(encoding="utf-8")
    return text.partition("\n")[0].lstrip("# ")


def of_composition(error: Exception) -> str:
    """Return one line on why Hydra could not compose a configuration."""
    import yaml

    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        mark = error.problem_mark
        return f"{mark.name}:{mark.line + 1}: is not YAML ({one_line(error.problem)})"
    return of_configuration(error) or without_advice(str(error)) or type(error).__name__


def without_advice(text: str) -> str:
    """Return a message of Hydra or OmegaConf in one line, without its search path and advice."""
    parts = re.split(
        r"(?m)^\s*(?:Config search path|Available options|To append|See https|full_key|object_type)|, set env var", text
    )
    return one_line(parts[0])


def of_configuration(error: BaseException) -> str:
    """Return one line on an error of a configuration: a reference, a value, a class; empty for other errors."""
    from hydra.errors import InstantiationException
    from omegaconf.errors import InterpolationKeyError, MissingMandatoryValue, OmegaConfBaseException

    found = re.search(r"(?m)^\s*full_key: (.+)$", str(error))
    key = str(getattr(error, "full_key", None) or (found[1] if found else ""))
    message = re.sub(r"\w+ raised while resolving interpolation: ", "", without_advice(str(error)))
    if isinstance(error, MissingMandatoryValue):
        return f"{key} must be given: {key}=..."
    if isinstance(error, InterpolationKeyError):
        name = re.search(r"Interpolation key '([^']*)'", message)
        return f"{key}: refers to the setting {name[1] if name else ''}, which does not exist"
    if isinstance(error, OmegaConfBaseException):
        return f"{key}: {message}" if key else message
    if isinstance(error, InstantiationException) and _is_of_settings(error):
        return f"{key or 'a class'}: {message}"
    return ""


def _is_of_settings(error: BaseException) -> bool:
    """Whether a class could not be built because of its settings: it is missing, or has other arguments."""
    cause = error.__cause__
    if cause is None or isinstance(cause, ImportError | AttributeError):
        return True
    return isinstance(cause, TypeError) and "argument" in str(cause)
