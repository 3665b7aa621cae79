"""What a `hyperparams.yaml` of SpeechBrain would run, looked through before SpeechBrain loads it."""

from __future__ import annotations

import inspect
import pydoc
import re
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from tts_toolkit.errors import UserError
from tts_toolkit.files import read_text

# HyperPyYAML imports and calls whatever a tag names. These are what the published encoders and the built-in one are
# made of; a class counts by the module that defines it, since names lead on: torch.nn.functional.torch.hub.os.system.
MODULES = (
    "speechbrain.lobes.features",
    "speechbrain.lobes.models.ECAPA_TDNN",
    "speechbrain.lobes.models.ResNet",
    "speechbrain.lobes.models.Xvector",
    "speechbrain.processing.features",
    "speechbrain.dataio.encoder",
    "speechbrain.utils.parameter_transfer",
)
PACKAGES = ("speechbrain.nnet.", "torch.nn.")
FUNCTIONS = ("safetensors.torch.load_model",)  # reads weights without pickle
PLAIN = ("str", "int", "float", "bool", "null", "seq", "map", "merge", "timestamp")  # tags of YAML's own
REFERENCES = ("!ref", "!copy")
ALLOWED = (
    "!ref, !copy, !tuple, and !new: and !name: with classes of torch.nn, or of those modules of speechbrain that "
    "speaker encoders are made of"
)


def check_hyperparams(file: Path, overrides: Mapping[str, str]) -> None:
    """Raise UserError, naming the tag and its line, when loading `file` could run anything but a known encoder.

    It is looked at as written, before a reference is followed, and as HyperPyYAML will read it with its references
    resolved: those can put together a tag that stands nowhere in the file.
    """
    import ruamel.yaml
    import yaml
    from hyperpyyaml import resolve_references

    text = read_text(file)
    try:
        for node in _nodes(ruamel.yaml.YAML().compose(text)):
            _check(node, f"{file}:{node.start_mark.line + 1}")
        resolved = resolve_references(StringIO(text), dict(overrides)).read()
        for node in _nodes(yaml.compose(resolved, Loader=yaml.SafeLoader)):
            _check(node, f"{file}, its references resolved")
    except (yaml.YAMLError, ruamel.yaml.error.YAMLError, ValueError, TypeError, KeyError) as error:
        raise UserError(f"{file}: is not YAML that SpeechBrain could load ({' '.join(str(error).split())})") from None


def _nodes(root: Any) -> Iterator[Any]:
    """Yield each node of a composed YAML document once, keys included, whichever library composed it."""
    waiting, seen = [root], set[int]()
    while waiting:
        node = waiting.pop()
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        if isinstance(node.value, list):
            waiting += [part for item in node.value for part in (item if isinstance(item, tuple) else (item,))]


def _check(node: Any, where: str) -> None:
    tag = str(node.tag)
    if not _is_allowed(tag):
        raise UserError(f"{where}: the tag {tag} could run any code and is not followed; allowed are {ALLOWED}")
    if not isinstance(node.value, str):
        return
    if tag in REFERENCES and re.search(r"<[^>]*\.[^>]*>", node.value):
        raise UserError(f"{where}: {tag} {node.value} reads an attribute, which is not followed; refer to keys only")
    if "!" in node.value and (tag == "!tuple" or node.value.startswith("(")):
        # what stands in a tuple is loaded as YAML of its own, by a loader that makes any object
        raise UserError(f"{where}: the tag in the tuple {node.value} is not followed; allowed are {ALLOWED}")


def _is_allowed(tag: str) -> bool:
    if tag in (*REFERENCES, "!tuple"):
        return True
    kind, _, name = tag.partition(":")
    if kind == "tag":
        return name.removeprefix("yaml.org,2002:") in PLAIN
    return kind in ("!new", "!name") and (_is_known_class(name) or (kind == "!name" and name in FUNCTIONS))


def _is_known_class(name: str) -> bool:
    if not name.startswith(tuple(f"{module}." for module in MODULES) + PACKAGES):
        return False  # before it is looked up, which imports it
    found = pydoc.locate(name)
    return inspect.isclass(found) and (found.__module__ in MODULES or found.__module__.startswith(PACKAGES))
