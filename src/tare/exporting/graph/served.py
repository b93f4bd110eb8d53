"""The exported graph: raw values in, probabilities and logits out, with sizing, normalisation and network inside."""

from __future__ import annotations

import math

import torch
from torch import nn

from tare.errors import SpecError
from tare.exporting.graph.number_front import NumberFront
from tare.exporting.graph.options import GraphOptions
from tare.exporting.graph.resize import (
    GRAPH_INTERPOLATIONS,
    begins_with_columns,
    pillow_may_begin_with_columns,
    resize_weights,
    weighted,
)
from tare.input_spec.geometry import Geometry
from tare.networks.stored.directory import TransferredModel
from tare.normalisation.input_layer import InputLayer
from tare.samples.layout import unit_scale


class ServedGraph(nn.Module):
    """Map raw values to probabilities and logits ``(N, K)`` float32, or to the values of a regression.

    The answer to a sample that holds NaN or infinity is NaN, as `tare predict` refuses it: NaN would count as padding.

    Samples are images ``(N, H, W, C)`` or ``(N, C, H, W)``, signals ``(N, T, C)`` or rows ``(N, C)``, of training's dtype.
    Raises :class:`SpecError` for a resize of images of another type than uint8.
    """

    def __init__(self, model: TransferredModel, options: GraphOptions) -> None:
        super().__init__()
        self.network = model.network.module.eval().requires_grad_(False)
        self.normaliser = InputLayer(model.normalisation)
        self.takes = takes = model.takes
        self.numbers = None if isinstance(takes, Geometry) else NumberFront(takes, fits_length=options.with_resize)
        self.resize = ResizeAndCrop(takes) if isinstance(takes, Geometry) and options.with_resize else None
        if self.resize is not None and takes.raw_dtype != "uint8":
            raise SpecError("8-bit images for --with-resize", f"{takes.raw_dtype} images", "resize outside, without it")
        self.scale = float(unit_scale(takes.raw_dtype))
        self.last = options.layout == "NHWC"
        self.task, self.names = model.task, options.names
        self.of_floats = takes.raw_dtype.startswith("float")
        self.eval()  # an exporter restores the mode that it finds

    def forward(self, samples: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        """Answer a batch."""
        sized = self._sized(samples)
        logits = self.task.restored(self.network(self.normaliser(sized)), sized)
        if self.of_floats:
            logits = logits + _unanswered(samples).reshape(-1, *(1 for _ in logits.shape[1:]))
        if self.names == ("logits",):
            return logits
        answers = self.task.answers(logits)
        return answers if len(self.names) == 1 else (answers, logits)

    def _sized(self, samples: torch.Tensor) -> torch.Tensor:
        if self.numbers is not None:
            result: torch.Tensor = self.numbers(samples)
            return result
        images = samples.permute(0, 3, 1, 2) if self.last else samples
        return self.unit(images) if self.resize is None else self.resize(images)

    def unit(self, images: torch.Tensor) -> torch.Tensor:
        """Bytes as they are, which the normaliser scales; deeper images as unit values."""
        return images if self.takes.raw_dtype == "uint8" else images.to(torch.float32) * self.scale


def _unanswered(samples: torch.Tensor) -> torch.Tensor:
    """NaN for each sample ``(N,)`` that holds a value that is no finite number, else zero."""
    whole = torch.isfinite(samples).flatten(1).all(dim=1)
    return torch.where(whole, 0.0, math.nan).to(torch.float32)


class ResizeAndCrop(nn.Module):
    """Resize and crop uint8 ``(N, C, H, W)`` of any H and W to the network's size, with the bytes of Pillow in validation.

    Raises :class:`SpecError` for an unsupported crop mode or interpolation.
    """

    def __init__(self, geometry: Geometry) -> None:
        super().__init__()
        if geometry.crop_mode not in ("center", "squash"):
            remedy = "resize outside, without --with-resize"
            raise SpecError("a crop mode that --with-resize supports: center or squash", f"{geometry.crop_mode!r}", remedy)
        if geometry.interpolation not in GRAPH_INTERPOLATIONS:
            known = ", ".join(GRAPH_INTERPOLATIONS)
            expected = f"an interpolation that --with-resize supports: {known}"
            raise SpecError(expected, f"{geometry.interpolation!r}", "resize outside")
        self.size = geometry.size
        self.interpolation = geometry.interpolation
        self.squash = geometry.crop_mode == "squash"
        self.may_begin_with_columns = pillow_may_begin_with_columns()
        edges = geometry.crop.resized(geometry.size)
        self.edges = tuple(map(float, edges * 2 if len(edges) == 1 else edges))
        self.rounds_down = geometry.offset == "down"

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Resize in two passes, computing only what the crop keeps."""
        rows = torch.arange(images.shape[2], dtype=torch.float64, device=images.device)
        columns = torch.arange(images.shape[3], dtype=torch.float64, device=images.device)
        # Computed from data: images.shape is a Python number during recording, and would become a constant of the graph.
        tall, wide = rows.max() + 1, columns.max() + 1
        height, width = self._resized(tall, wide)
        down = self._weights(rows, height, self.size[0])
        across = self._weights(columns, width, self.size[1])
        pixels = images.to(torch.float64)
        rows_first = weighted(down, _across(across, pixels))
        if not self.may_begin_with_columns:
            return rows_first.to(torch.uint8)
        # Both orders are computed and one is selected, because not every exporter supports a branch on the shape.
        columns_first = _across(across, weighted(down, pixels))
        return torch.where(begins_with_columns(tall, wide, height, width), columns_first, rows_first).to(torch.uint8)

    def _resized(self, height: torch.Tensor, width: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return height and width before the crop, by the rules of torchvision's ``Resize``, or timm's if not square."""
        if self.squash:
            return torch.full_like(height, self.edges[0]), torch.full_like(width, self.edges[1])
        if self.edges[0] == self.edges[1]:
            shorter = torch.minimum(height, width)
            return torch.floor(self.edges[0] * height / shorter), torch.floor(self.edges[1] * width / shorter)
        ratio = torch.minimum(height / self.edges[0], width / self.edges[1])
        return torch.round(height / ratio), torch.round(width / ratio)

    def _weights(self, pixels: torch.Tensor, resized: torch.Tensor, size: int) -> torch.Tensor:
        # As torchvision's CenterCrop: round half to even to cut, round down to pad.
        middle = (resized - size) / 2
        cut = torch.floor(middle) if self.rounds_down else torch.round(middle)
        first = torch.where(resized >= size, cut, -torch.floor((size - resized) / 2))
        return resize_weights(pixels, resized, first, size, self.interpolation)


def _across(weights: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    return weighted(weights, images.transpose(2, 3)).transpose(2, 3)
