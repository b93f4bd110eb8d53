"""How a network wants its images scaled, told from what its library states."""

from __future__ import annotations

from typing import Literal

from tare.code.networks.expected import Expected
from tare.code.networks.keras import mode_of

#: "inside": raw values, which the network scales itself; the others are what Keras calls tf, caffe and torch.
Scaling = Literal["constants", "inside", "signed", "caffe", "unit", "torch"]

_MODES: dict[str, Scaling] = {"caffe": "caffe", "tf": "signed", "torch": "torch", "none": "inside"}


def scaling_of(expected: Expected) -> Scaling:
    """How images of 0..255 are brought to what a network expects."""
    if expected.library != "keras":
        return "constants"
    if expected.range == "raw":
        return "inside"
    if expected.range == "centred":
        return "caffe"
    return "signed" if expected.range == "signed" else "torch"


def scaling_of_module(module: str) -> Scaling | None:
    """What ``keras.applications.MODULE.preprocess_input`` does; None for a module that there is not."""
    if module == "imagenet_utils":
        return "caffe"
    mode = mode_of(module)
    return None if mode is None else _MODES[mode]
