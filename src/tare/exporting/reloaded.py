"""Compare pixels and logits of an exported folder, loaded with the library that it is for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from tare.errors import ModelError, reason_of
from tare.exporting.parity import ParityError, check_difference, largest_difference
from tare.exporting.probe_images import ProbeImages
from tare.exporting.result import Parity
from tare.input_spec.geometry import NOUNS, Geometry
from tare.networks.stored.trained import TrainedModel
from tare.normalisation.input_layer import InputLayer

#: Largest difference of network input (input std) explained by float32 rounding of the same affine map.
_ROUNDING = 5e-6


@contextmanager
def one_line(name: str) -> Iterator[None]:
    """Turn any exception of a library while it loads a folder into a one-line error."""
    try:
        yield
    except Exception as error:
        reason = f"{type(error).__name__}: {reason_of(error)}"
        raise ModelError(f"a folder that {name} loads", reason, "use --format onnx or safetensors") from None


def _expected(trained: TrainedModel, probes: ProbeImages) -> torch.Tensor:
    with torch.inference_mode():
        fed: torch.Tensor = InputLayer(trained.model.normalisation)(probes.sized(trained))
        return fed


def check_pixels(fed: torch.Tensor, trained: TrainedModel, probes: ProbeImages, name: str) -> None:
    """Raise :class:`ParityError` unless the library ``name`` feeds the network what tare feeds it."""
    expected = _expected(trained, probes)
    if fed.shape != expected.shape:
        raise ParityError(
            f"network input of shape {tuple(expected.shape)}", f"{tuple(fed.shape)} from {name}", "use --format onnx"
        )
    scale = max(1.0, float(expected.abs().max()))
    worst = float((fed - expected).abs().max())
    if not worst <= _ROUNDING * scale:
        raise ParityError("the same pixels as in training", f"a difference of {worst:.3g} in {name}", "use --format onnx")


def compared(logits: torch.Tensor, trained: TrainedModel, probes: ProbeImages, name: str) -> Parity:
    """Compare the logits of the library ``name`` with those of tare. Raises :class:`ParityError` if they differ."""
    ours = trained.model.logits(probes.sized(trained))
    worst = largest_difference(np.asarray(ours), np.asarray(logits), name)
    check_difference(worst, name)
    return Parity(name, probes.origin, probes.real, len(ours), (len(ours),), worst, None)


def check_fixed(trained: TrainedModel, kind: str, *, dense: bool = False) -> None:
    """Raise :class:`ModelError` for a model that the format ``kind`` (timm or hf) cannot describe.

    Neither describes signals and rows, images other than grey and colour, a strategy that is more than a mean and std,
    or a fold that changed the architecture. Of networks with a class for each pixel it describes those that ``dense`` says.
    """
    if not isinstance(trained.model.takes, Geometry):
        noun = NOUNS[trained.model.takes.kind]
        found = f"{trained.reference}, which takes {noun}"
        remedy = "use --format onnx, torchscript, pt2 or safetensors"
        raise ModelError(f"a network for images, since {kind} describes only images", found, remedy)
    if trained.model.task.dense and not dense:
        found = f"{trained.reference}, which gives a class for each pixel"
        raise ModelError(f"a classifier, since {kind} describes only those here", found, "use --format onnx, pt2 or safetensors")
    if trained.model.takes.raw_dtype != "uint8":
        found = f"a network that was trained on {trained.model.takes.raw_dtype} images"
        raise ModelError(f"a network for 8-bit images, since {kind} reads only those", found, "use --format onnx or pt2")
    if trained.model.network.channels not in (1, 3):
        found = f"a network for {trained.model.network.channels} channels"
        expected = f"a network for grey or colour images, since {kind} reads two or four channels as transparency, and no others"
        raise ModelError(expected, found, "use --format onnx, pt2 or safetensors")
    chosen = trained.model.normalisation
    if not chosen.is_affine:
        remedy = "use --format onnx, torchscript or pt2"
        raise ModelError(f"a fixed mean and std, since {kind} states only fixed ones", chosen.why_not_affine(), remedy)
    fold = trained.document.get("fold")
    if isinstance(fold, dict) and not fold.get("loads_in_timm"):
        raise ModelError(f"a network that {kind} can build", "one whose first layer was folded", "use --format onnx or pt2")
