"""Which pipelines and networks belong to one program."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tare.code.facts import Facts, Pipeline
from tare.code.interpreter.values import Call
from tare.code.libraries.networks import Network

#: Code that takes constants from the network itself, or that normalises inside a module.
_OPEN = re.compile(
    r"resolve_(?:model_)?data_config|\.transforms\(\)|ImageProcessor|FeatureExtractor|AutoProcessor|CLIPProcessor|image_mean|"
    r"default_cfg|pretrained_cfg|register_buffer\(\s*['\"](?:pixel_|image_|img_)?mean|create_transform|data_config"
)


@dataclass(frozen=True, slots=True)
class Program:
    """What one file makes when it runs, with what it calls in other files.

    ``is_open`` if its code also takes constants from somewhere that is not followed.
    """

    path: str
    pipelines: tuple[Pipeline, ...]
    networks: tuple[Network, ...]
    is_open: bool


def programs(facts: Facts) -> Iterator[Program]:
    """The programs of a repository: one a file."""
    texts = {each.path: each.document.text for each in facts.sources}
    paths = dict.fromkeys(_program(each.call) for each in (*facts.pipelines, *facts.networks))
    for path in paths:
        pipelines = tuple(each for each in facts.pipelines if _program(each.call) == path)
        networks = tuple(each for each in facts.networks if _program(each.call) == path)
        files = {path, *(each.path for each in pipelines), *(each.call.spot.source.path for each in networks)}
        yield Program(path, pipelines, networks, any(_OPEN.search(texts.get(each, "")) for each in files))


def _program(call: Call) -> str:
    return call.entry.partition("::")[0]
