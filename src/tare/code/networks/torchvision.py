"""What networks of torchvision expect."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tare.code.networks.expected import Expected
from tare.code.networks.index import constants_at, index, library

_TRANSFORM_INPUT = (
    "it is fed with ImageNet's constants, as the others: with pretrained weights it turns them into its own (transform_input)"
)


def of_torchvision(name: str, weights: str | None = None) -> Expected | None:
    """What a builder (``resnet50``) with its weights expects, or weights by their own name (``ResNet50_Weights.IMAGENET1K_V2``).

    ``weights`` may be a member with or without its enum, ``DEFAULT``, or None for those by default.
    """
    table = index()["torchvision"]
    stated = name if "_Weights." in name or "_QuantizedWeights." in name else weights or ""
    enum, _, member = stated.rpartition(".")
    enum = enum.rpartition(".")[2] or table["builders"].get(name, name)
    members: Mapping[str, int] = table["weights"].get(enum, {})
    default = next(iter(members), None)
    member = default if member in {"", "DEFAULT"} and default else member
    if member not in members:
        return None
    return _expected(f"{enum}.{member}", table["records"][members[member]])


def _expected(weights: str, record: list[object]) -> Expected:
    place, size, interpolation, inner = record
    edges = size if isinstance(size, list) else []
    return Expected(
        "torchvision",
        weights,
        constants_at(int(str(place))),
        f"{library('torchvision')}: transforms() of {weights}",
        inside="nothing" if inner is None else "normalisation",
        inner=None if inner is None else constants_at(int(str(inner))),
        notes=(_TRANSFORM_INPUT,) if re.match(r"(?:Inception_V3|GoogLeNet)_", weights) else (),
        size=(edges[0], edges[-1]) if edges else None,
        interpolation=str(interpolation),
    )
