"""What mistakes cost, measured: ``python -m benchmarks.mistake_costs --write`` writes ``costs.json``."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

PATH = Path(__file__).with_name("costs.json")

#: The mistake that was measured for each code. Others have no cost: it was not measured, depends on the images, or was none, as
#: that of a slip in one number of the std.
_OF_CODES = {
    "TARE002": "divided",
    "TARE003": "twice",
    "TARE006": "exchanged",
    "TARE007": "repeated",
    "TARE008": "bgr",
    "TARE016": "levels",
    "TARE024": "random",
    "TARE044": "variance",
    "TARE103": "bgr",
}

#: With 100 photos, two runs that differ in fewer may differ by chance; docs/check.md says so beside the table.
_CLEAR = 5


@cache
def _measured() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(PATH.read_text(encoding="utf-8"))
    return document


def cost(key: str) -> str:
    """The cost of a mistake in words; empty where it was not measured."""
    found = _measured()
    if key not in found["named"]:
        return ""
    named, photos, right = found["named"][key], found["photos"], found["right"]
    chance = " (a difference this small may be chance)" if right - named < _CLEAR else ""
    so = f"{named:.0f} when fed so{chance}"
    return f"of {photos} ImageNet photos, a MobileNet names {right} rightly when fed as in training, and {so}"


def cost_of_code(code: str) -> str:
    """The cost of the mistake that a code stands for; empty where it was not measured."""
    return cost(_OF_CODES.get(code, ""))
