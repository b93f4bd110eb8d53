"""The reference of a model directory, which samples are tested against when the network is served, as its JSON object.

What it means belongs to :mod:`tare.monitoring.reference`; here it is handed on to what is made of the model.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tare.system.local.opened import text_of

#: The file of a model directory.
REFERENCE = "reference.json"


def reference_json(folder: Path) -> dict[str, Any] | None:
    """The reference of a model directory; None if it has none that is readable."""
    try:
        document = json.loads(text_of(folder / REFERENCE))
    except (OSError, ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def fed_with(reference: dict[str, Any], mean: Sequence[float], std: Sequence[float]) -> dict[str, Any]:
    """The reference of a network that takes input normalised with another mean and std, in unit values."""
    changed = {**reference, "as_fed": {"mean": list(mean), "std": list(std)}}
    return _with_seen(changed, lambda seen: fed_with(seen, mean, std))


def arriving_as(reference: dict[str, Any], gain: Sequence[float], offset: Sequence[float]) -> dict[str, Any]:
    """The reference for values that arrive as ``gain * y + offset`` where ``y`` arrived before, in unit values."""
    known = reference.get("arriving") or {"gain": [1.0] * len(gain), "offset": [0.0] * len(gain)}
    gains = [g * before for g, before in zip(gain, known["gain"], strict=True)]
    offsets = [g * before + o for g, o, before in zip(gain, offset, known["offset"], strict=True)]
    changed = {**reference, "arriving": {"gain": gains, "offset": offsets}}
    return _with_seen(changed, lambda seen: arriving_as(seen, gain, offset))


def after_resize(reference: dict[str, Any]) -> dict[str, Any]:
    """The reference for images that arrive as the network's resize and crop leave them; itself, if it has none of those."""
    seen = reference.get("seen")
    return seen if isinstance(seen, dict) else reference


def _with_seen(reference: dict[str, Any], change: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    """The same change in the reference of the samples as the network sees them, if there is one."""
    seen = reference.get("seen")
    return reference if not isinstance(seen, dict) else {**reference, "seen": change(seen)}
