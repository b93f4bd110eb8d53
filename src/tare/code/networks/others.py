"""What networks of smaller libraries, of torch.hub and of TensorFlow Hub expect."""

from __future__ import annotations

import re
from dataclasses import replace

from tare.code.networks.expected import HALVES, IMAGENET, RAW, UNIT, Constants, Expected, Order
from tare.code.networks.timm import of_timm
from tare.code.networks.torchvision import of_torchvision

_FACES = Constants((127.5 / 255,) * 3, (128 / 255,) * 3)
# xrv.datasets.normalize(image, 255): 0..255 to -1024..1024.
_X_RAYS = Constants((0.5,), (1 / 2048,))

_OVER_255 = "ultralytics: values over 255 and nothing else"
_SIGNATURE = "TensorFlow Hub: the common signature of images, 0..1"
_RESEARCH = r"facebookresearch/(?:dinov2|dino|deit|WSL-Images|semi-supervised-ImageNet1K-models|swav|barlowtwins|vicreg)\b.*"
_HUB = r".*/(?:google/(?:imagenet|tf2-preview|bit)|tensorflow/efficientnet)/.*"

#: Library, pattern of the name, constants of unit values, order, and where that is said.
_TABLE: tuple[tuple[str, str, Constants, Order, str], ...] = (
    ("facenet_pytorch", r"InceptionResnetV1", _FACES, "RGB", "facenet_pytorch: fixed_image_standardization"),
    ("ultralytics", r"(?i:yolo|rtdetr).*", UNIT, "RGB", _OVER_255),
    ("torchxrayvision", r".*", _X_RAYS, "L", "torchxrayvision: datasets.normalize to -1024..1024"),
    ("lpips", r"alex|vgg|squeeze", HALVES, "RGB", "lpips: images of -1..1, which its first layer scales to its own constants"),
    ("torch.hub", _RESEARCH, IMAGENET, "RGB", "the README of the repository"),
    ("torch.hub", r"ultralytics/yolov\d+\b.*", UNIT, "RGB", _OVER_255),
    ("tensorflow_hub", _HUB, UNIT, "RGB", _SIGNATURE),
)


def of_others(library: str, name: str) -> Expected | None:
    """What a network of a library without a table of its own expects."""
    for each, pattern, constants, order, origin in _TABLE:
        if each == library and re.fullmatch(pattern, name):
            return Expected(library, name, constants, origin, order)
    return _normalising(library, name)


def of_fastai(name: str) -> Expected | None:
    """What the data of ``vision_learner(dls, NAME)`` give: unit values, since the learner adds the Normalize of the network.

    It adds none to data that normalise already, so that the network's own constants are right as well.
    """
    found = of_timm(name) or of_torchvision(name)
    if found is None or found.constants is None:
        return None
    note = "the learner adds a Normalize itself, unless it is made with normalize=False"
    inside = replace(found, library="fastai", constants=UNIT, inside="normalisation", inner=found.constants)
    return replace(inside, also=(found.constants, *found.also), notes=(*found.notes, note))


def _normalising(library: str, name: str) -> Expected | None:
    """What a network expects that takes images as they are, 0..255, and normalises them itself."""
    if library == "facenet_pytorch" and name == "MTCNN":
        return Expected(library, name, RAW, "facenet_pytorch: detect_face", inside="normalisation", inner=_FACES)
    if library == "segment_anything" and re.fullmatch(r"default|vit_[bhl]", name):
        return Expected(library, name, RAW, "segment_anything: Sam.preprocess", inside="normalisation", inner=IMAGENET)
    return None
