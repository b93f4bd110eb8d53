"""What networks of smaller libraries, of torch.hub and of TensorFlow Hub expect."""

from __future__ import annotations

import re

from tare.code.networks.expected import IMAGENET, UNIT, Constants, Expected, Order

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
    ("torch.hub", _RESEARCH, IMAGENET, "RGB", "the README of the repository"),
    ("torch.hub", r"ultralytics/yolov\d+\b.*", UNIT, "RGB", _OVER_255),
    ("tensorflow_hub", _HUB, UNIT, "RGB", _SIGNATURE),
)


def of_others(library: str, name: str) -> Expected | None:
    """What a network of a library without a table of its own expects."""
    for each, pattern, constants, order, origin in _TABLE:
        if each == library and re.fullmatch(pattern, name):
            return Expected(library, name, constants, origin, order)
    return _detector(name) if library == "facenet_pytorch" else None


def _detector(name: str) -> Expected | None:
    """MTCNN takes images as they are, 0..255, and normalises them itself."""
    if name != "MTCNN":
        return None
    raw = Constants((0.0,) * 3, (1 / 255,) * 3)
    return Expected("facenet_pytorch", name, raw, "facenet_pytorch: detect_face", inside="normalisation", inner=_FACES)
