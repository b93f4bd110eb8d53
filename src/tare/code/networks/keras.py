"""What applications of Keras expect, and what each ``preprocess_input`` does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from tare.code.networks.expected import CAFFE, HALVES, IMAGENET, RAW, Constants, Expected, Order
from tare.code.networks.index import constants_at, index, library

Mode = Literal["caffe", "tf", "torch", "none"]

#: What a mode makes of values 0..255, as constants of unit values, with the order of the channels.
MODES: Mapping[Mode, tuple[Constants, Order]] = {
    "caffe": (CAFFE, "BGR"),
    "tf": (HALVES, "RGB"),
    "torch": (IMAGENET, "RGB"),
    "none": (RAW, "RGB"),
}

# Keras 2 had these as well (2.15: applications/regnet.py, resnet_rs.py); both scale inside, and preprocess_input changes nothing.
_KERAS_2 = {"resnet_rs": ("ResNetRS", IMAGENET), "regnet": ("RegNet", Constants((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)))}
# resnet50 is an older name of the module resnet.
_RENAMED = {"resnet50": "resnet", "mobilenet_v3_small": "mobilenet_v3", "mobilenet_v3_large": "mobilenet_v3"}


def of_keras(name: str) -> Expected | None:
    """What an application expects with pretrained weights, such as ``ResNet50``."""
    found = index()["keras"]["applications"].get(name)
    if found is None:
        return _of_keras_2(name)
    module, mode, inner = found
    return _expected(
        name, f"{library('keras')}: preprocess_input of {module}", mode or "none", None if inner is None else constants_at(inner)
    )


def mode_of(module: str) -> Mode | None:
    """What ``keras.applications.MODULE.preprocess_input`` does, by the module's name; "none": it changes nothing."""
    name = _RENAMED.get(module, module)
    if name in _KERAS_2:
        return "none"
    found = next((each for each in index()["keras"]["applications"].values() if each[0] == name), None)
    mode: Mode | None = None if found is None else (found[1] or "none")
    return mode


def _of_keras_2(name: str) -> Expected | None:
    module = next((module for module, (prefix, _) in _KERAS_2.items() if name.startswith(prefix)), None)
    return None if module is None else _expected(name, f"keras 2.15: preprocess_input of {module}", "none", _KERAS_2[module][1])


def _expected(name: str, origin: str, mode: Mode, inner: Constants | None) -> Expected:
    constants, order = MODES[mode]
    if mode != "none":
        return Expected("keras", name, constants, origin, order)
    scales = inner is not None and inner.equal((0.0,), (1.0,))
    unless = ", unless it was built with include_preprocessing=False" if inner else ""
    note = f"it is fed 0..255 and scales them itself{unless}"
    return Expected("keras", name, constants, origin, order, "scaling" if scales else "normalisation", inner, notes=(note,))
