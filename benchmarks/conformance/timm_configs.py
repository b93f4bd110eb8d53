"""Every pretrained_cfg of timm: our transform against ``create_transform(**resolve_data_config(...))``, on Pillow images."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from benchmarks.conformance.results import Result, distance, picture
from tare.input_spec.spec import InputSpec

#: Height and width of the images: landscape and portrait with odd margins, and smaller than any network's input.
SIZES = ((301, 418), (430, 287), (31, 47))


def results(sizes: tuple[tuple[int, int], ...] = SIZES) -> list[Result]:
    """Compare each distinct configuration once and report it under every name that has it."""
    import timm

    groups: dict[str, list[str]] = defaultdict(list)
    configs: dict[str, dict[str, Any]] = {}
    for name in timm.list_pretrained():
        config = timm.get_pretrained_cfg(name).to_dict()
        spec = InputSpec.from_timm(config, "cfg")
        key = repr(spec)
        groups[key].append(name)
        configs[key] = config
    found = []
    for key, names in groups.items():
        apart = max(compared(configs[key], size) for size in sizes)
        found += [Result("timm", name, "whole", apart) for name in names]
    return found


def compared(config: dict[str, Any], size: tuple[int, int]) -> float:
    """How far apart the two inputs of one random image are."""
    from timm.data import create_transform, resolve_data_config

    image = picture(*size)
    theirs = create_transform(**resolve_data_config({}, pretrained_cfg=config))(image)
    return distance(InputSpec.from_timm(config, "cfg").transform()(image), theirs)
