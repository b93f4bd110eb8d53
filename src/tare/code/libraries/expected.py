"""What networks expect of their inputs, as their libraries state it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

Numbers = tuple[float, ...]
#: What a network does with values by itself, or what its library's ``preprocess_input`` does with 0..255.
Scaling = Literal["constants", "inside", "signed", "caffe", "unit", "torch"]

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


@dataclass(frozen=True, slots=True)
class Expected:
    """``mean`` and ``std`` of unit values for ``scaling`` "constants"; ``sure`` if no version of the weights says otherwise."""

    scaling: Scaling
    mean: Numbers = ()
    std: Numbers = ()
    source: str = ""
    sure: bool = True

    @property
    def wanted(self) -> str:
        """What is wanted, in words."""
        return {
            "constants": f"mean {listed(self.mean)} and std {listed(self.std)} on values of 0..1",
            "inside": "raw values 0..255, which its own first layer scales",
            "signed": "values from -1 to 1",
            "caffe": "BGR values 0..255 with the ImageNet means subtracted",
            "torch": "values of 0..1 with ImageNet's mean subtracted, divided by its std",
            "unit": "values from 0 to 1",
        }[self.scaling]


def listed(values: Numbers) -> str:
    """Numbers in parentheses, to six digits."""
    return "(" + ", ".join(f"{value:.6g}" for value in values) + ")"


@cache
def _timm() -> dict[str, tuple[Numbers, Numbers]]:
    document = json.loads(files("tare.code.libraries").joinpath("timm_cfgs.json").read_text())
    return {
        name: (tuple(group["mean"]), tuple(group["std"])) for group in document["groups"] for name in group["names"]
    }


def of_timm(name: str) -> Expected | None:
    """What timm states for a name; unsure if the name leaves the weights open and they differ."""
    name = name.removeprefix("hf_hub:timm/").removeprefix("hf-hub:timm/").removeprefix("timm/")
    found = _timm().get(name)
    if found is None:
        return None
    tagged = {value for key, value in _timm().items() if key.startswith(f"{name}.")} if "." not in name else {found}
    return Expected("constants", *found, source=f"timm's table for {name}", sure=len(tagged) <= 1)


_VERSIONS_WITH_HALF = frozenset(("efficientnet_v2_l",))
_DETECTION = ("rcnn", "retinanet", "ssd", "fcos", "yolo")


def of_torchvision(name: str, weights: str) -> Expected | None:
    """What torchvision's weights state; None for detectors, which normalise inside, and weights that are not for classes."""
    lower = name.lower()
    if any(each in lower for each in _DETECTION) or lower.startswith("raft") or "FEATURES" in weights:
        return None
    found = HALF if lower in _VERSIONS_WITH_HALF else IMAGENET
    return Expected("constants", *found, source=f"torchvision's weights of {name}")


_KERAS: tuple[tuple[tuple[str, ...], Scaling], ...] = (
    (("EfficientNet", "MobileNetV3", "ConvNeXt", "RegNet", "ResNetRS"), "inside"),
    (("ResNet50V2", "ResNet101V2", "ResNet152V2", "InceptionV3", "InceptionResNetV2", "Xception", "MobileNet", "NASNet"), "signed"),
    (("DenseNet",), "torch"),
    (("VGG16", "VGG19", "ResNet50", "ResNet101", "ResNet152"), "caffe"),
)
#: Modules of keras.applications, whose ``preprocess_input`` is that of the scaling.
KERAS_MODULES: dict[str, Scaling] = {
    **dict.fromkeys(("efficientnet", "efficientnet_v2", "mobilenet_v3", "convnext", "regnet", "resnet_rs"), "inside"),
    **dict.fromkeys(("resnet_v2", "inception_v3", "inception_resnet_v2", "xception", "mobilenet", "mobilenet_v2", "nasnet"), "signed"),
    "densenet": "torch",
    **dict.fromkeys(("vgg16", "vgg19", "resnet50", "resnet"), "caffe"),
    "imagenet_utils": "caffe",
}


def of_keras(name: str) -> Expected | None:
    """What keras.applications says that a network's inputs are."""
    for names, scaling in _KERAS:
        if name.startswith(names):
            return Expected(scaling, source=f"keras.applications' documentation of {name}")
    return None


_HUGGING_FACE = {
    "google/vit-": HALF,
    "facebook/deit-": IMAGENET,
    "microsoft/swin-": IMAGENET,
    "microsoft/swinv2-": IMAGENET,
    "microsoft/resnet-": IMAGENET,
    "facebook/convnext": IMAGENET,
    "facebook/dinov2": IMAGENET,
    "microsoft/beit-": HALF,
    "google/siglip": HALF,
    "google/medsiglip": HALF,
    "openai/clip-vit": ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)),
    "nvidia/mit-": IMAGENET,
}


def of_hugging_face(name: str) -> Expected | None:
    """What the processor of a checkpoint states, of the families whose checkpoints all state the same."""
    for prefix, found in _HUGGING_FACE.items():
        if name.lower().startswith(prefix):
            return Expected("constants", *found, source=f"the processor of {name}")
    return None
