"""What tare's own index knows about a network of a library that is not installed."""

from __future__ import annotations

from typing import Any

from tare.code.networks.table import expected_of
from tare.input_spec.spec import Crop, InputSpec


def spec_of_published(reference: str) -> InputSpec | None:
    """The constants and the size of ``timm:NAME`` or ``torchvision:NAME``; None if the index does not have the name.

    The origin of each field names the release that the index was made of.
    """
    found = expected_of(reference)
    if found is None or found.constants is None or found.inside != "nothing" or found.size is None:
        return None
    others: dict[str, Any] = {"size": found.size, "interpolation": found.interpolation, "layout": "NCHW", "dtype": "float32"}
    if found.crop is not None:
        others["crop"] = Crop(mode="center", fraction=found.crop)
    origin = f"{found.origin}, from tare's index, since {found.library} is not installed"
    return InputSpec.of(*found.constants, raw_dtype="uint8", channels=found.order or None, origin=origin, **others)
