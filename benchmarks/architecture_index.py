"""``python -m benchmarks.architecture_index``: the names of tensors of every timm and torchvision architecture, as an index.

Each architecture is built on the meta device, without memory for its weights (ten minutes of one processor).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import nn

import tare.networks.stored
from tare.networks.stored.proposals import INDEX, names_of, unbuilt
from tare.system.files import json_text, write_text


def references() -> Iterator[str]:
    """Every architecture that can be named."""
    import timm
    import torchvision

    yield from (f"timm:{name}" for name in timm.list_models())
    yield from (f"torchvision:{name}" for name in torchvision.models.list_models(module=torchvision.models))


def index(made: Callable[[str], nn.Module] = unbuilt) -> dict[str, list[str]]:
    """References by the hash of their tensors' names."""
    found: dict[str, list[str]] = {}
    for reference in references():
        try:
            names = names_of(made(reference).state_dict())
        except Exception as error:  # whatever an architecture raises
            print(f"{reference}: {error}")
        else:
            found.setdefault(names, []).append(reference)
    return dict(sorted(found.items()))


def main() -> None:
    """Write the index beside the module that reads it."""
    import timm
    import torchvision

    warnings.simplefilter("ignore")
    versions = {"timm": timm.__version__, "torchvision": torchvision.__version__, "torch": torch.__version__}
    document = {"schema": "tare.architectures/1", "versions": versions, "references": index()}
    write_text(Path(str(tare.networks.stored.__path__[0])) / INDEX, json_text(document) + "\n")


if __name__ == "__main__":
    main()
