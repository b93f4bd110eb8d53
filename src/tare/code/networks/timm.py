"""What networks of timm expect."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tare.code.networks.expected import Constants, Expected
from tare.code.networks.index import constants_at, index, library

_PREFIX = re.compile(r"^(?:hf[-_]hub:)?(?:timm/)?")


def of_timm(name: str, tag: str | None = None) -> Expected | None:
    """What ``timm.create_model(NAME, pretrained=True)`` expects: a name with or without tag, or ``hf_hub:timm/NAME``."""
    table = index()["timm"]
    bare = _PREFIX.sub("", name)
    bare = table["renamed"].get(bare, bare)
    architecture, _, stated = bare.partition(".")
    tags: Mapping[str, int] | None = table["architectures"].get(architecture)
    if tags is None:
        return _gone(bare)
    wanted = stated or tag or next(iter(tags))
    if wanted not in tags:
        return None
    return _expected(
        architecture, wanted, table["records"][tags[wanted]], _earlier(architecture) if not (stated or tag) else None
    )


def _expected(architecture: str, tag: str, record: list[Any], earlier: tuple[str, Constants] | None) -> Expected:
    place, size, crop, interpolation = record
    name = f"{architecture}.{tag}" if tag else architecture
    notes = () if earlier is None else (f"the weights by default were other ones up to timm {earlier[0]}, with other constants",)
    return Expected(
        "timm",
        name,
        constants_at(place),
        f"{library('timm')}: default_cfg of {name}",
        also=(earlier[1],) if earlier else (),
        notes=notes,
        size=(size[0], size[1]),
        crop=crop,
        interpolation=interpolation,
    )


def _earlier(architecture: str) -> tuple[str, Constants] | None:
    found = index()["timm"]["earlier"].get(architecture)
    return (str(found[0]), constants_at(found[1])) if found else None


def _gone(name: str) -> Expected | None:
    place = index()["timm"]["gone"].get(name)
    return None if place is None else Expected("timm", name, constants_at(place), f"timm 0.6.13: default_cfg of {name}")
