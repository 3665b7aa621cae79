"""Checks the code that a `hyperparams.yaml` of SpeechBrain would run, before SpeechBrain loads it."""

from __future__ import annotations

import inspect
import pydoc
import re
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from tts_toolkit.system.errors import UserError
from tts_toolkit.system.files import read_text

# HyperPyYAML imports and calls any object that a tag names. The published encoders and the built-in one are
# made of these; a class counts by its defining module, as attributes lead on: torch.nn.functional.torch.hub.os.system.
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
FUNCTIONS = ("safetensors.torch.load_model",)  # which reads weights without pickle
PLAIN = ("str", "int", "float", "bool", "null", "seq", "map", "merge", "timestamp")  # tags of YAML's own
REFERENCES = ("!ref", "!copy")
ARITHMETIC_ERRORS = (ValueError, TypeError, KeyError, IndexError, AttributeError, ArithmeticError, SyntaxError)
MAX_BYTES = 2**16  # of the file: published ones have a few thousand
MAX_DEPTH = 64
MAX_WEIGHT = 20_000  # nodes and characters once every alias and reference is written out
MAX_NUMBER = 1e9  # larger than any size of an encoder; layers of such sizes fill any memory
ALLOWED = (
    "!ref, !copy, !tuple, and !new: and !name: with classes of torch.nn, or of those modules of speechbrain that "
    "speaker encoders are made of"
)


def check_hyperparams(file: Path, overrides: Mapping[str, str]) -> None:
    """Raise UserError, naming the tag and its line, when loading `file` could run anything but a known encoder.

    The same for a file that could take long to read or fill the memory: see MAX_BYTES and the limits after it. The file
    is checked as written, before references are resolved, and as HyperPyYAML reads it with resolved references, which
    can form a tag that is nowhere in the file.
    """
    import ruamel.yaml
    import yaml
    from hyperpyyaml import resolve_references

    if file.stat().st_size > MAX_BYTES:
        raise UserError(f"{file}: has {file.stat().st_size} bytes, those of an encoder at most {MAX_BYTES}")
    text = read_text(file)
    try:
        _check_nesting(text)
        root = ruamel.yaml.YAML().compose(text)
        for node in _nodes(root):
            _check(node, f"{file}:{node.start_mark.line + 1}")
        _check_weight(root, file)
        resolved = resolve_references(StringIO(text), dict(overrides)).read()
        for node in _nodes(yaml.compose(resolved, Loader=yaml.SafeLoader)):
            _check(node, f"{file}, its references resolved")
    except RecursionError:
        raise UserError(
            f"{file}: is nested more than {MAX_DEPTH} deep, or refers to itself; it is not followed"
        ) from None
    except (yaml.YAMLError, ruamel.yaml.error.YAMLError, *ARITHMETIC_ERRORS) as error:
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


def _check_nesting(text: str) -> None:
    """Raise RecursionError for brackets or marks that nest too deeply, which a parser detects slowly."""
    depth = 0
    for mark in re.findall(r"[\[\]{}]", text):
        depth += 1 if mark in "[{" else -1
        if depth > MAX_DEPTH:
            raise RecursionError
    if re.search(rf"(?:[-?:] +){{{MAX_DEPTH},}}", text):
        raise RecursionError


def _check_weight(root: Any, file: Path) -> None:
    """Raise UserError where a file grows without bounds once its aliases and references are written out."""
    keys = {key.value: value for key, value in root.value} if root is not None and isinstance(root.value, list) else {}
    weights: dict[int, int] = {}
    open_nodes: set[int] = set()

    def weight(node: Any, depth: int) -> int:
        if id(node) in weights:
            return weights[id(node)]
        if depth > MAX_DEPTH or id(node) in open_nodes:
            raise RecursionError
        open_nodes.add(id(node))
        if isinstance(node.value, list):
            parts = [part for item in node.value for part in (item if isinstance(item, tuple) else (item,))]
        else:
            parts = [keys[name] for name in _referred(node) if name in keys]
        total = (
            1 + (len(node.value) if isinstance(node.value, str) else 0) + sum(weight(part, depth + 1) for part in parts)
        )
        if total > MAX_WEIGHT:
            raise UserError(
                f"{file}:{node.start_mark.line + 1}: grows to more than {MAX_WEIGHT} nodes and characters once its "
                "aliases and references are written out; it is not followed"
            )
        open_nodes.discard(id(node))
        weights[id(node)] = total
        return total

    if root is not None:
        weight(root, 0)


def _referred(node: Any) -> list[str]:
    """Return the keys that a reference names, as often as it does."""
    if str(node.tag) not in REFERENCES:
        return []
    return [name.partition("[")[0] for name in re.findall(r"<([^>]*)>", node.value)]


def _check_arithmetic(node: Any, where: str) -> None:
    """Raise UserError for a reference that could compute forever, and for a number that no encoder has."""
    if str(node.tag) in REFERENCES and ("**" in node.value or re.search(r"[\"']", node.value)):
        raise UserError(
            f"{where}: {node.tag} {node.value[:80]} is not followed; allowed are + - * / of keys and numbers"
        )
    numbers = re.findall(r"(?<![\w.])[+-]?[\d_]+(?:\.\d*)?(?:[eE][+-]?\d+)?(?![\w.])", node.value)
    if any(len(number) > 40 or abs(float(number.replace("_", "") or 0)) > MAX_NUMBER for number in numbers):
        raise UserError(
            f"{where}: {node.value[:80]} is a number that no encoder has; at most {MAX_NUMBER:g} are allowed"
        )


def _check(node: Any, where: str) -> None:
    tag = str(node.tag)
    if not _is_allowed(tag):
        raise UserError(f"{where}: the tag {tag} could run any code and is not followed; allowed are {ALLOWED}")
    if not isinstance(node.value, str):
        return
    _check_arithmetic(node, where)
    if tag in REFERENCES and re.search(r"<[^>]*\.[^>]*>", node.value):
        raise UserError(f"{where}: {tag} {node.value} reads an attribute, which is not followed; refer to keys only")
    if "!" in node.value and (tag == "!tuple" or node.value.startswith("(")):
        # the text of a tuple is loaded as separate YAML, by a loader that makes any object
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
