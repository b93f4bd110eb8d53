"""The index of networks that ships with tare; ``python -m benchmarks.network_inputs`` writes it from the installed libraries."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from tare.code.networks.expected import Constants

_INDEX = Path(__file__).with_name("inputs.json")


@cache
def index() -> dict[str, Any]:
    """The whole index: what each library states by name, and the version that stated it."""
    document: dict[str, Any] = json.loads(_INDEX.read_text(encoding="utf-8"))
    return document


def constants_at(place: int) -> Constants:
    """The constants at a position of the index."""
    mean, std = index()["constants"][place]
    return Constants(tuple(mean), tuple(std))


def library(name: str) -> str:
    """A library with the version that the index was made with, such as ``timm 1.0.31``."""
    return f"{name} {index()[name]['version']}"
