"""Keras on torch: the three modes of ``preprocess_input``, and the layers at the front of every application."""

from __future__ import annotations

import sys
from functools import reduce
from typing import Any

import numpy as np
import torch

from benchmarks.conformance.results import Result, distance, noise
from tare.input_spec.spec import InputSpec, Known, Unknown
from tare.readers.keras.applications import MODES, keras_library, read_keras

FRONT = ("Rescaling", "Normalization")


def results() -> list[Result]:
    """The three modes by themselves, then every application."""
    keras = keras_library()
    names = [name for name in vars(keras.applications) if name[0].isupper()]
    return [mode_result(keras, mode) for mode in MODES] + [application_result(keras, name) for name in names]


def mode_result(keras: Any, mode: str) -> Result:
    """One mode of ``imagenet_utils.preprocess_input``, channels last and first."""
    channels, scale, mean, std = MODES[mode]
    stated: dict[str, Any] = {"channels": channels, "scale": scale, "mean": mean, "std": std, "raw_dtype": "uint8"}
    fields: dict[str, Any] = {name: Known(value, mode) for name, value in stated.items()}
    spec = InputSpec(**fields)
    values = noise(17, 23)[None]
    prepare = keras.applications.imagenet_utils.preprocess_input
    last = distance(spec.apply(torch.from_numpy(values), "NHWC"), prepare(values.copy(), "channels_last", mode))
    first = np.ascontiguousarray(values.transpose(0, 3, 1, 2))
    apart = max(last, distance(spec.apply(torch.from_numpy(first), "NCHW"), prepare(first.copy(), "channels_first", mode)))
    return Result("keras", f"mode {mode}", "values", apart, "imagenet_utils.preprocess_input")


def application_result(keras: Any, name: str) -> Result:
    """One application: its module's ``preprocess_input``, then the Rescaling and Normalization at its model's front."""
    spec = read_keras(name)
    if isinstance(spec.mean, Unknown):
        return Result("keras", name, "excluded", reason=f"mean and std are unknown: {spec.mean.reason.partition(': ')[2]}")
    application = getattr(keras.applications, name)
    values = noise(17, 23)[None]
    made: Any = sys.modules[application.__module__].preprocess_input(values.astype(np.float32), data_format="channels_last")
    layers: list[Any] = []
    if "inside" in spec.extra:
        with keras.device("meta"):
            layers = application(weights=None).layers[1:4]
    kinds = [type(layer).__name__ for layer in layers]
    front = layers[: next(index for index, kind in enumerate([*kinds, ""]) if kind not in FRONT)]
    copies = [type(layer).from_config(layer.get_config()) for layer in front]
    made = reduce(lambda x, layer: layer(x), copies, torch.from_numpy(np.ascontiguousarray(made)))
    reason = f"inside the model: {', '.join(kinds[: len(front)])}" if front else "preprocess_input of its module"
    return Result("keras", name, "values", distance(spec.apply(torch.from_numpy(values), "NHWC"), made), reason)
