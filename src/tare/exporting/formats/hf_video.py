"""Hugging Face, for videos: a folder for the automatic classes of ``transformers``; its processor takes the frames of a clip."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from tare.datasets.volumes.sizing import sized_volume
from tare.errors import ModelError
from tare.exporting.card import write_card
from tare.exporting.formats.format import Contents
from tare.exporting.formats.safetensors import copy, write_weights
from tare.exporting.parity import ParityError, check_difference, largest_difference
from tare.exporting.probe_numbers import ProbeNumbers
from tare.exporting.reloaded import one_line
from tare.exporting.result import Parity
from tare.input_spec.geometry import VolumeGeometry
from tare.networks.building.hub.modules import ClipClassifier
from tare.networks.building.hugging_face import PROCESSOR
from tare.networks.stored.trained import TrainedModel
from tare.normalisation.input_layer import InputLayer
from tare.system.optional import require
from tare.system.quiet import quietly

# Differences of network input below this are those of float32 rounding, input std.
_ROUNDING = 1e-5


def takes_videos(trained: TrainedModel) -> bool:
    """Whether the run's network is a classifier of videos of transformers."""
    return isinstance(trained.model.network.module, ClipClassifier)


def fill_video(folder: Path, contents: Contents) -> tuple[Parity, tuple[str, ...]]:
    """Write network and processor, load both with transformers, and compare input and logits."""
    trained, probes, takes = contents.trained, contents.probes, contents.trained.model.takes
    assert isinstance(probes, ProbeNumbers)  # noqa: S101 - a network for clips
    assert isinstance(takes, VolumeGeometry)  # noqa: S101
    write_weights(folder, contents)
    for name in ("config.json", PROCESSOR):
        copy(trained, folder, name)
    write_card(folder, trained, _LOADING, contents.validated)
    transformers = require("transformers", extra="hf", purpose="--format hf")
    name = f"transformers {transformers.__version__}"
    with quietly(), one_line(name), torch.inference_mode():
        processor = transformers.AutoImageProcessor.from_pretrained(folder, local_files_only=True)
        module = transformers.AutoModelForVideoClassification.from_pretrained(folder, local_files_only=True).eval()
        fed = torch.cat([_processed(processor, clip) for clip in probes.samples])
        logits = ClipClassifier(module)(fed.transpose(1, 2))
        layer = InputLayer(trained.model.normalisation)
        ours = layer(torch.stack([sized_volume(clip, takes) for clip in probes.samples]))
        own = trained.model.network.module.eval()(ours)
    apart = float((ours.transpose(1, 2) - fed).abs().max())
    if not apart <= _ROUNDING * max(1.0, float(ours.abs().max())):
        raise ParityError("the same pixels as in training", f"a difference of {apart:.3g} in {name}", "use --format onnx")
    worst = largest_difference(np.asarray(own), np.asarray(logits), name)
    check_difference(worst, name)
    return Parity(name, probes.origin, probes.real, len(own), (len(own),), worst, None), (_frames(takes),)


def check_video(trained: TrainedModel) -> None:
    """Raise :class:`ModelError` for a normalisation or a size that no processor of videos can state."""
    if not (trained.folder / PROCESSOR).is_file():
        found = f"strategy {trained.model.normalisation.strategy!r}, or frames that are not square"
        raise ModelError("a mean and std and a size that a processor can state", found, "use --format onnx or pt2")


def _processed(processor: Any, clip: Any) -> torch.Tensor:
    given: torch.Tensor = processor([*clip], return_tensors="pt")["pixel_values"]
    return given if given.dim() == 5 else given[None]


def _frames(takes: VolumeGeometry) -> str:
    how = "evenly spread over the video" if takes.stride is None else f"every {takes.stride} around its middle"
    return f"the processor takes frames and chooses none: give it {takes.size[0]}, {how}"


_LOADING = [
    "from transformers import AutoImageProcessor, AutoModelForVideoClassification",
    "",
    'processor = AutoImageProcessor.from_pretrained("DIR")',
    'model = AutoModelForVideoClassification.from_pretrained("DIR").eval()',
]
