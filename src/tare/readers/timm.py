"""Read an :class:`InputSpec` from timm's ``pretrained_cfg``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tare.input_spec import Crop, Field, InputSpec, Known, Unknown


def spec_of_pretrained_cfg(config: Mapping[str, Any], source: str) -> InputSpec:
    """Read the fields that ``config`` states; the others are :class:`Unknown`.

    timm itself fills a missing mean or std with ImageNet's (``timm.data.resolve_data_config``), so that unknown and ImageNet
    look the same afterwards; hence this reads the configuration, not what timm resolves it to.
    """

    def stated(key: str) -> Field[Any]:
        value = config.get(key)
        if value is None:
            return Unknown(f"{source} does not state {key!r}")
        return Known(value, f"{source}, key {key!r}")

    mean, std = (_numbers(stated(key)) for key in ("mean", "std"))
    size = stated("input_size")
    if isinstance(size, Unknown):
        channels: Field[str] = size
    else:
        count, height, width = size.value
        channels = (
            Known({1: "L", 3: "RGB"}[count], size.origin)
            if count in (1, 3)
            else Unknown(f"{source} states {count} channels and not what they are")
        )
        size = Known((int(height), int(width)), size.origin)
    crop = stated("crop_pct")
    if isinstance(crop, Known):
        crop = Known(Crop(str(config.get("crop_mode") or "center"), float(crop.value)), crop.origin)
    return InputSpec(
        channels=channels,
        scale=Known(1 / 255, "timm's transforms scale 8-bit images to [0, 1]"),
        mean=mean,
        std=std,
        size=size,
        interpolation=stated("interpolation"),
        crop=crop,
    )


def _numbers(stated: Field[Any]) -> Field[tuple[float, ...]]:
    if isinstance(stated, Unknown):
        return stated
    return Known(tuple(float(value) for value in stated.value), stated.origin)
