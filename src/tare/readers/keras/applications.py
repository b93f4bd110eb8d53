"""Read an :class:`InputSpec` of an application of ``keras.applications`` from keras itself.

An application prepares its input by the ``preprocess_input`` of its module, which is applied to a probe here. Either the result
is that of one of three modes, or the probe is unchanged, because the model rescales inside; then the layers at its front are
read. On torch the model is built on the meta device, without memory for its weights.
"""

from __future__ import annotations

import difflib
import json
import os
import sys
from importlib.util import find_spec
from typing import Any

import numpy as np

from tare.errors import SpecError
from tare.input_spec.fields import Known, Unknown
from tare.input_spec.spec import InputSpec
from tare.readers.keras.layers import fields_of_model
from tare.system.optional import require

#: ``(channels, scale, mean, std)`` of the modes of ``imagenet_utils.preprocess_input``.
MODES: dict[str, tuple[str, float, tuple[float, ...], tuple[float, ...]]] = {
    "caffe": ("BGR", 1.0, (103.939, 116.779, 123.68), (1.0, 1.0, 1.0)),
    "tf": ("RGB", 1 / 127.5, (1.0, 1.0, 1.0), (1.0, 1.0, 1.0)),
    "torch": ("RGB", 1 / 255, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}


def read_keras(name: str) -> InputSpec:
    """Read the application ``NAME`` (ResNet50, EfficientNetV2B0, ...). Nothing is downloaded.

    Keras runs on the backend that is configured, or on torch. Raises :class:`SpecError` with similar names if keras has no such
    application, and :class:`MissingDependencyError` if keras is not installed.
    """
    keras = keras_library()
    known = {entry: value for entry, value in vars(keras.applications).items() if entry[0].isupper()}
    if name not in known:
        close = difflib.get_close_matches(name.lower(), [entry.lower() for entry in known], n=3, cutoff=0.5)
        listed = ", ".join(f"keras:{entry}" for entry in known if entry.lower() in close)
        raise SpecError(
            "an application that keras has",
            f"{name!r}",
            f"did you mean {listed}?" if close else "see the list in Keras's documentation",
        )
    module = sys.modules[known[name].__module__]
    source = f"keras {keras.__version__} applications.{name}"
    mode = mode_of(module)
    try:
        model = _built(keras, known[name])
        fields = fields_of_model({"config": json.loads(json.dumps(model.get_config(), default=str))}, source, lambda _: None)
    except Exception as error:  # each backend raises its own errors: keras 3.15 cannot build NASNetMobile on torch
        reason = f"{source} cannot be built ({type(error).__name__}: {' '.join(str(error).split())[:100]})"
        fields = dict.fromkeys(("channels", "scale", "mean", "std", "size", "layout", "dtype"), Unknown(reason))
    if mode is not None:
        origin = f"{source}: its preprocess_input is the mode {mode!r}"
        stated = dict(zip(("channels", "scale", "mean", "std"), MODES[mode], strict=True))
        fields |= {key: Known(value, origin) for key, value in stated.items()} | {"extra": {}}
    silent = Unknown(f"{source} does not say how an image is resized")
    fields |= {"interpolation": silent, "antialias": silent, "crop": silent}
    fields["raw_dtype"] = Known("uint8", f"{source}: its preprocess_input takes values in 0..255")
    return InputSpec(**fields)


def mode_of(module: Any) -> str | None:
    """The mode of a module's ``preprocess_input``, found by applying it to a probe; None if it changes nothing.

    Raises :class:`SpecError` if it changes the probe in another way.
    """
    from keras.applications import imagenet_utils

    probe = np.random.default_rng(0).uniform(0, 255, (2, 2, 3))
    made = module.preprocess_input(probe.copy(), data_format="channels_last")
    if np.array_equal(made, probe):
        return None
    for mode in MODES:
        if np.array_equal(made, imagenet_utils.preprocess_input(probe.copy(), data_format="channels_last", mode=mode)):
            return mode
    raise SpecError(
        "a preprocess_input with the mode caffe, tf or torch", f"another one in {module.__name__}", "state the constants"
    )


def keras_library() -> Any:
    """Keras. It runs on torch if no backend is chosen and Keras's default, TensorFlow, is not installed."""
    if "keras" not in sys.modules and find_spec("tensorflow") is None:
        os.environ.setdefault("KERAS_BACKEND", "torch")
    return require("keras", extra="readers", purpose="keras:NAME")


def _built(keras: Any, application: Any) -> Any:
    """The model; on torch, without memory for its weights."""
    if keras.backend.backend() != "torch":
        return application(weights=None)
    with keras.device("meta"):
        return application(weights=None)
