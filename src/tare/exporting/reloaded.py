"""Load an exported folder with the library that it is for, and compare pixels and logits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tare.errors import ModelError, reason_of
from tare.exporting.parity import ParityError, check_difference, largest_difference
from tare.exporting.probe_images import ProbeImages, as_pillow
from tare.exporting.result import Parity
from tare.input_spec.geometry import NOUNS, Geometry
from tare.networks.stored.trained import TrainedModel
from tare.normalisation.normaliser import Normaliser
from tare.system.optional import require
from tare.system.quiet import quietly

#: Largest difference of network input (input std) explained by float32 rounding of the same affine map.
_ROUNDING = 5e-6


def check_timm(folder: Path, trained: TrainedModel, probes: ProbeImages) -> Parity:
    """Build network and transform from the folder with timm, and compare. Raises :class:`ParityError` if they differ."""
    import timm

    with quietly(), _one_line("timm"):
        module = timm.create_model(f"local-dir:{folder}", pretrained=True).eval()
        transform = timm.data.create_transform(**timm.data.resolve_model_data_config(module), is_training=False)
    fed = torch.stack([transform(as_pillow(image)) for image in probes.images])
    _check_pixels(fed, _expected(trained, probes), "timm")
    with torch.inference_mode():
        return _compared(module(fed), trained, probes, f"timm {timm.__version__}")


def check_hf(folder: Path, trained: TrainedModel, probes: ProbeImages) -> tuple[Parity, tuple[str, ...]]:
    """Load the folder with transformers, and compare pixels, and logits if it can build the network; also return notes.

    Raises :class:`ParityError` if they differ.
    """
    transformers = require("transformers", extra="hf", purpose="--format hf")
    name = f"transformers {transformers.__version__}"
    with quietly(), _one_line(name):
        processor = transformers.AutoImageProcessor.from_pretrained(folder, local_files_only=True)
        fed = _processed(processor, probes)
    _check_pixels(fed, _expected(trained, probes), name)
    if not trained.model.network.is_timm:
        with torch.inference_mode():
            logits = trained.model.network.module(fed)
        note = f"{name} loads the processor but not the network: load it with tare.load_model(DIR)"
        return _compared(logits, trained, probes, f"{name}, its pixels"), (note,)
    with quietly(), _one_line(name), torch.inference_mode():
        module = transformers.AutoModelForImageClassification.from_pretrained(folder, local_files_only=True).eval()
        logits = module(pixel_values=fed).logits
    return _compared(logits, trained, probes, name), ()


@contextmanager
def _one_line(name: str) -> Iterator[None]:
    """Turn any exception of a library while it loads a folder into a one-line error."""
    try:
        yield
    except Exception as error:
        reason = f"{type(error).__name__}: {reason_of(error)}"
        raise ModelError(f"a folder that {name} loads", reason, "use --format onnx or safetensors") from None


def _processed(processor: Any, probes: ProbeImages) -> torch.Tensor:
    # One at a time, because images of different sizes cannot form a batch before they are resized.
    parts: Iterable[torch.Tensor] = (processor(as_pillow(image), return_tensors="pt")["pixel_values"] for image in probes.images)
    return torch.cat(list(parts))


def _expected(trained: TrainedModel, probes: ProbeImages) -> torch.Tensor:
    with torch.inference_mode():
        fed: torch.Tensor = Normaliser(trained.model.normalisation)(probes.sized(trained))
        return fed


def _check_pixels(fed: torch.Tensor, expected: torch.Tensor, name: str) -> None:
    if fed.shape != expected.shape:
        raise ParityError(
            f"network input of shape {tuple(expected.shape)}", f"{tuple(fed.shape)} from {name}", "use --format onnx"
        )
    scale = max(1.0, float(expected.abs().max()))
    worst = float((fed - expected).abs().max())
    if not worst <= _ROUNDING * scale:
        raise ParityError("the same pixels as in training", f"a difference of {worst:.3g} in {name}", "use --format onnx")


def _compared(logits: torch.Tensor, trained: TrainedModel, probes: ProbeImages, name: str) -> Parity:
    ours = trained.model.logits(probes.sized(trained))
    worst = largest_difference(np.asarray(ours), np.asarray(logits), name)
    check_difference(worst, name)
    return Parity(name, probes.origin, probes.real, len(ours), (len(ours),), worst, None)


def check_stateable(trained: TrainedModel, kind: str) -> None:
    """Raise :class:`ModelError` for a model that the format ``kind`` (timm or hf) cannot describe.

    Neither format describes signals and rows, the strategy ``sample``, or a fold that changed the architecture.
    """
    if not isinstance(trained.model.takes, Geometry):
        noun = NOUNS[trained.model.takes.kind]
        found = f"{trained.reference}, which takes {noun}"
        remedy = "use --format onnx, torchscript, pt2 or safetensors"
        raise ModelError(f"a network for images, since {kind} describes only images", found, remedy)
    if trained.model.normalisation.per_sample:
        found = "strategy 'sample': every image is normalised by its own mean and std"
        raise ModelError(
            f"a fixed mean and std, since {kind} states only fixed ones", found, "use --format onnx, torchscript or pt2"
        )
    fold = trained.document.get("fold")
    if isinstance(fold, dict) and not fold.get("loads_in_timm"):
        raise ModelError(f"a network that {kind} can build", "one whose first layer was folded", "use --format onnx or pt2")
    if kind == "timm" and not trained.model.network.is_timm:
        raise ModelError("a network that timm knows", f"{trained.reference!r}", "use --format safetensors, onnx or pt2")
