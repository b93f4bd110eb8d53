"""timm: a folder for ``timm.create_model("local-dir:DIR", pretrained=True)``."""

from __future__ import annotations

from pathlib import Path

import torch

from tare.errors import ModelError
from tare.exporting.card import write_card
from tare.exporting.formats.format import Contents, WeightsFormat
from tare.exporting.formats.safetensors import copy, write_weights
from tare.exporting.probe_images import ProbeImages, as_pillow
from tare.exporting.reloaded import check_fixed, check_pixels, compared, one_line
from tare.exporting.result import Parity
from tare.networks.stored.directory import is_timms
from tare.networks.stored.trained import TrainedModel
from tare.system.quiet import quietly

#: Lines of Python that load the folder ``DIR``.
LOADING = ("import timm", "", 'model = timm.create_model("local-dir:DIR", pretrained=True).eval()')


def check_stateable(trained: TrainedModel) -> None:
    """Raise :class:`ModelError` for a model that timm cannot build, or whose normalisation timm cannot state."""
    check_fixed(trained, "timm")
    if not trained.model.network.is_timm:
        raise ModelError("a network that timm knows", f"{trained.reference!r}", "use --format safetensors, onnx or pt2")
    if not is_timms(trained.model.spec()):
        remedy = "use --format onnx, torchscript or pt2"
        raise ModelError("a resize and crop that timm's configuration can state", f"{trained.model.geometry.crop}", remedy)


def fill(folder: Path, contents: Contents) -> tuple[Parity, tuple[str, ...]]:
    """Write weights, configuration and card; build network and transform from them with timm, and compare."""
    write_weights(folder, contents)
    copy(contents.trained, folder, "config.json")
    write_card(folder, contents.trained, LOADING, contents.validated)
    return _check(folder, contents.trained, contents.images), ()


def _check(folder: Path, trained: TrainedModel, probes: ProbeImages) -> Parity:
    """Build network and transform from the folder with timm, and compare. Raises :class:`ParityError` if they differ."""
    import timm

    with quietly(), one_line("timm"):
        module = timm.create_model(f"local-dir:{folder}", pretrained=True).eval()
        transform = timm.data.create_transform(**timm.data.resolve_model_data_config(module), is_training=False)
    fed = torch.stack([transform(as_pillow(image)) for image in probes.images])
    check_pixels(fed, trained, probes, "timm")
    with torch.inference_mode():
        return compared(module(fed), trained, probes, f"timm {timm.__version__}")


FORMAT = WeightsFormat(fill, check_stateable)
