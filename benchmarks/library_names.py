"""``python -m benchmarks.library_names``: write the names that the installed libraries know to ``cli/preflight/names.json``."""

from __future__ import annotations

import json
import os
from importlib.metadata import version
from typing import Any

from tare.cli.preflight import names


def names_of_libraries() -> dict[str, Any]:
    """The names that timm, torchvision, keras and tare know, with the versions that know them."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras
    import timm
    import torchvision
    from timm.models import _registry
    from torchvision.models import get_model_weights, list_models

    from tare.networks.signal_networks import NETWORKS

    known = timm.list_models()
    every = sorted({*known, *_registry._model_entrypoints})
    enums = [get_model_weights(name) for name in list_models()]
    return {
        "schema": "tare.library-names/1",
        "timm": {
            "version": version("timm").partition("+")[0],
            "architectures": {name: _tags(name) for name in every},
            "deprecated": [name for name in every if name not in known],
        },
        "torchvision": {
            "version": version("torchvision").partition("+")[0],
            "classifiers": [*list_models(module=torchvision.models), *list_models(module=torchvision.models.segmentation)],
            "models": list_models(),
            "weights": {enum.__name__: list(enum.__members__) for enum in enums},
        },
        "keras": {
            "version": version("keras").partition("+")[0],
            "applications": [name for name in vars(keras.applications) if name[0].isupper()],
        },
        "tare": {"networks": list(NETWORKS)},
    }


def _tags(name: str) -> list[str]:
    import timm
    from timm.models import get_arch_pretrained_cfgs

    weighted = [each.partition(".")[2] for each in timm.list_pretrained(f"{name}.*")]
    others = [each.partition(".")[2] for each in get_arch_pretrained_cfgs(name)]
    return list(dict.fromkeys(tag for tag in (*weighted, *others) if tag))


def main() -> None:
    """Write the index."""
    text = json.dumps(names_of_libraries(), separators=(",", ":"))
    names._INDEX.write_text(text.replace("],", "],\n") + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
