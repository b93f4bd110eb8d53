"""Which pipelines and networks belong to one program."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from tare.code.facts import Facts, Pipeline
from tare.code.interpreter.values import Call
from tare.code.libraries.networks import Network

#: Code that takes constants from the network itself, or that normalises inside a module.
_OPEN = re.compile(
    r"resolve_(?:model_)?data_config|\.transforms\(\)|ImageProcessor|FeatureExtractor|AutoProcessor|CLIPProcessor|image_mean|"
    r"default_cfg|pretrained_cfg|register_buffer\(\s*['\"](?:pixel_|image_|img_)?mean|create_transform|data_config"
)


_Made = TypeVar("_Made", Pipeline, Network)


@dataclass(frozen=True, slots=True)
class Program:
    """What one file makes when it runs, with what it calls in other files.

    ``is_open`` if its code also takes constants from somewhere that is not followed.
    """

    path: str
    pipelines: tuple[Pipeline, ...]
    networks: tuple[Network, ...]
    calls: tuple[Call, ...]
    is_open: bool


def programs(facts: Facts) -> Iterator[Program]:
    """The programs of a repository: one a file."""
    texts = {each.path: each.document.text for each in facts.sources}
    pipelines_of, networks_of, calls_of = _by_program(facts.pipelines), _by_program(facts.networks), defaultdict(list)
    for each in facts.calls:
        calls_of[_program(each)].append(each)
    for path in {**pipelines_of, **networks_of}:
        pipelines, networks = tuple(pipelines_of.get(path, ())), tuple(networks_of.get(path, ()))
        files = {path, *(each.path for each in pipelines), *(each.call.spot.source.path for each in networks)}
        yield Program(path, pipelines, networks, tuple(calls_of[path]), any(_OPEN.search(texts.get(each, "")) for each in files))


def _by_program(several: Iterable[_Made]) -> dict[str, list[_Made]]:
    found: dict[str, list[_Made]] = {}
    for each in several:
        found.setdefault(_program(each.call), []).append(each)
    return found


def _program(call: Call) -> str:
    return call.entry.partition("::")[0]
