"""The metadata of an exported file: the specifications of its own input and of the network inside, and the labels."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from tare._version import __version__
from tare.exporting.graph.options import GraphOptions
from tare.input_spec.fields import PARSERS, UNSTATED, Field
from tare.input_spec.geometry import Geometry, RowGeometry
from tare.input_spec.spec import Crop, InputSpec, Known, Unknown
from tare.networks.stored.references import after_resize, reference_json
from tare.networks.stored.trained import TrainedModel

#: The key of the specification of a file's own input.
SPEC_KEY = "tare.spec"


def graph_spec(trained: TrainedModel, options: GraphOptions) -> InputSpec:
    """Return the specification of the graph's input: raw values, of the network's size, or of any size with resize inside."""
    stated = model_spec(trained)
    origin = "tare export: the graph normalises raw values itself"
    count, takes_images = len(trained.model.normalisation.mean), isinstance(trained.model.takes, Geometry)
    spec = replace(
        stated,
        scale=Known(1.0, origin),
        mean=Known((0.0,) * count, origin),
        std=Known((1.0,) * count, origin),
        value_map=UNSTATED,
        clip=UNSTATED,
        per_sample=UNSTATED,
        layout=_layout(stated, options, "tare export --layout" if takes_images else origin),
        dtype=_dtype(trained, origin),
    )
    if not options.with_resize:
        return spec
    if not takes_images:
        return replace(spec, extra={k: v for k, v in spec.extra.items() if k != "length"})  # any length is accepted
    inside = Unknown("any height and width: the graph resizes and crops itself")
    return replace(
        spec, size=inside, interpolation=inside, antialias=inside, crop=Known(Crop("none", 1.0), "tare export --with-resize")
    )


def _layout(stated: InputSpec, options: GraphOptions, origin: str) -> Field[str]:
    """The layout of the graph's input; that of spectrograms has no name in a spec, and stays as the model's spec says."""
    return stated.layout if options.layout == "NTF" else Known(options.layout, origin)


def model_spec(trained: TrainedModel) -> InputSpec:
    """Return the specification of the network inside, as the model directory states it."""
    spec, origin = trained.model.spec(), "how tare reads images"
    if isinstance(trained.model.takes, Geometry):
        spec = replace(spec, antialias=Known(True, origin))
        spec = replace(spec, layout=Known("NCHW", origin), dtype=Known("float32", origin))
    return spec


def _dtype(trained: TrainedModel, origin: str) -> Field[str]:
    """Return the dtype of the graph's input, if a spec can name it."""
    raw = trained.model.takes.raw_dtype
    try:
        return Known(PARSERS["dtype"](raw), origin)
    except ValueError:
        return Unknown(f"the graph takes {raw}")


def metadata(trained: TrainedModel, spec: InputSpec, *, resized: bool = False) -> dict[str, str]:
    """Return the metadata as text by key; ``spec`` is the specification of the file's own input.

    ``resized`` says that images arrive as the network's resize and crop leave them, so that they are compared with such ones.
    """
    chosen = trained.model.normalisation
    stated: dict[str, Any] = {
        SPEC_KEY: spec.to_json(),
        "tare.model_spec": model_spec(trained).to_json(),
        "tare.labels": list(trained.model.classes),
        "tare.task": trained.model.task.to_json(),
        "tare.strategy": {"strategy": chosen.strategy, "per_sample": chosen.per_sample is not None},
        "tare.version": __version__,
    }
    kept = reference_json(trained.folder)
    if kept is not None:
        stated["tare.reference"] = after_resize(kept) if resized else kept
    if isinstance(trained.model.takes, RowGeometry):  # a spec names columns only if they are few
        stated["tare.columns"] = list(trained.model.takes.columns)
    return {key: json.dumps(value, allow_nan=False) for key, value in stated.items()}
