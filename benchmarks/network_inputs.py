"""``python -m benchmarks.network_inputs``: write what pretrained networks expect to ``code/networks/inputs.json``.

Everything is read from the installed timm, torchvision and keras; nothing is downloaded. Constants are those of unit values
(0..1); equal records stand once.
"""

from __future__ import annotations

import json
import os
from importlib.metadata import version
from pathlib import Path
from typing import Any

HOME = Path(__file__).parent.parent / "src" / "tare" / "code" / "networks" / "inputs.json"

#: Bare names whose weights by default had other constants before: default_cfg in timm 0.4.12, 0.6.13, 0.9.16 and 1.0.9.
EARLIER = {
    "efficientnet_b1": ("0.9.16", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "tf_efficientnet_b8": ("0.6.13", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "tf_efficientnetv2_b3": ("0.6.13", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}
#: Names that timm had before and neither has nor translates now: default_cfg in timm 0.6.13.
GONE = {
    **dict.fromkeys(("beit_base_patch16_224_in22k", "beit_large_patch16_224_in22k"), ((0.5,) * 3, (0.5,) * 3)),
    **dict.fromkeys(
        ("beitv2_base_patch16_224_in22k", "beitv2_large_patch16_224_in22k", "gluon_xception65"),
        ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    ),
    **dict.fromkeys(("vit_base_patch16_224_sam", "vit_base_patch32_224_sam"), ((0.5,) * 3, (0.5,) * 3)),
}

Record = list[Any]


class Shared:
    """Values that stand once; each use names the position."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._places: dict[str, int] = {}

    def place(self, value: Any) -> int:
        """The position of a value, which is added if it is new."""
        key = json.dumps(value)
        if key not in self._places:
            self._places[key] = len(self.values)
            self.values.append(json.loads(key))
        return self._places[key]


def document() -> dict[str, Any]:
    """The whole index."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    constants = Shared()
    parts = {"timm": _timm(constants), "torchvision": _torchvision(constants), "keras": _keras(constants)}
    return {"schema": "tare.network-inputs/1", "constants": constants.values, **parts}


def _timm(constants: Shared) -> dict[str, Any]:
    """By architecture, its tags with their records, the default one first."""
    import timm
    from timm.models import _registry

    records = Shared()

    def record(cfg: Any) -> int:
        place = constants.place([list(cfg.mean), list(cfg.std)])
        return records.place([place, list(cfg.input_size[1:]), cfg.crop_pct, cfg.interpolation])

    architectures = {}
    for name, cfgs in sorted(_registry._model_default_cfgs.items()):
        tags = [cfgs.default_with_tag[0], *sorted(cfgs.cfgs)]
        architectures[name] = {tag: record(cfgs.cfgs[tag]) for tag in dict.fromkeys(tags)}
    renamed = {old: new for old, new in sorted(_registry._deprecated_models.items()) if new in timm.list_pretrained()}
    return {
        "version": version("timm").partition("+")[0],
        "records": records.values,
        "architectures": architectures,
        "renamed": renamed,
        "earlier": {name: [known, constants.place([mean, std])] for name, (known, mean, std) in EARLIER.items()},
        "gone": {name: constants.place([mean, std]) for name, (mean, std) in GONE.items()},
    }


def _torchvision(constants: Shared) -> dict[str, Any]:
    """By enum of weights, its members with their records, the default one first; by builder, its enum."""
    from torchvision.models import get_model_weights, list_models

    records = Shared()
    builders, weights = {}, {}
    for name in list_models():
        enum = get_model_weights(name)
        builders[name] = enum.__name__
        members = [enum["DEFAULT"].name, *sorted(enum.__members__)] if enum.__members__ else []
        weights[enum.__name__] = {
            member: records.place(_preset(constants, name, enum[member]))
            for member in dict.fromkeys(members)
            if member != "DEFAULT"
        }
    return {
        "version": version("torchvision").partition("+")[0],
        "records": records.values,
        "builders": builders,
        "weights": dict(sorted(weights.items())),
    }


def _preset(constants: Shared, builder: str, member: Any) -> Record:
    """Constants outside the network, size, interpolation, and constants inside the network if it normalises itself."""
    preset = member.transforms()
    size = [int(edge) for edge in getattr(preset, "crop_size", None) or []]
    interpolation = getattr(getattr(preset, "interpolation", None), "value", "")
    kind = type(preset).__name__
    if kind == "ObjectDetection":
        return [constants.place([[0.0] * 3, [1.0] * 3]), size, interpolation, constants.place(_inside(builder))]
    if kind == "OpticalFlow":  # its preset maps both images to -1..1
        return [constants.place([[0.5] * 3, [0.5] * 3]), size, interpolation, None]
    return [constants.place([list(preset.mean), list(preset.std)]), size, interpolation, None]


def _inside(builder: str) -> list[list[float]]:
    """What a detection network does to unit values itself, read from its transform."""
    from torchvision.models import get_model

    transform = get_model(builder, weights=None, weights_backbone=None).transform
    return [[float(value) for value in transform.image_mean], [float(value) for value in transform.image_std]]


def _keras(constants: Shared) -> dict[str, Any]:
    """By application, its module, the mode of ``preprocess_input``, and the constants inside a network without a mode."""
    import sys

    import keras

    from tare.readers.keras.applications import mode_of

    applications = {}
    for name, function in vars(keras.applications).items():
        if name[0].isupper():
            module = sys.modules[function.__module__]
            mode = mode_of(module)
            inside = _layers(name) if mode is None else None
            place = constants.place(inside) if inside else None
            applications[name] = [module.__name__.rpartition(".")[2], mode, place]
    return {"version": version("keras").partition("+")[0], "applications": dict(sorted(applications.items()))}


def _layers(name: str) -> list[list[float]] | None:
    """What the layers at the front of an application do, as mean and std of unit values; None if the model does not state it."""
    from tare.input_spec.fields import Known
    from tare.readers.keras.applications import read_keras

    spec = read_keras(name)
    scale, mean, std = spec.scale, spec.mean, spec.std
    if not (isinstance(scale, Known) and isinstance(mean, Known) and isinstance(std, Known)):
        return None  # of EfficientNet V1 they are weights
    unit = float(scale.value) * 255
    values = [[float(value) / unit for value in side.value] for side in (mean, std)]
    return [[round(value, 12) for value in (side * 3 if len(side) == 1 else side)] for side in values]


def main() -> None:
    """Write the index."""
    text = json.dumps(document(), separators=(",", ":"))
    HOME.write_text(text.replace("},", "},\n").replace("]],", "]],\n") + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
