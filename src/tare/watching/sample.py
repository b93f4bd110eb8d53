"""The figures that are kept of one batch: a sample of its pixels, and each image's moments and extremes.

Everything is computed where the batch lies and copied to the host without waiting for the copy; it is judged later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tare.readers.live.frame import USUAL_NAMES
from tare.watching.surroundings import aside_from, is_plain

# Images of a batch that pixels are taken from, and pixels along each side.
_MOST_IMAGES, _SIDE = 16, 24
_MOST_COLUMNS = 64
# More channels than a multispectral camera has are features of a signal.
_MOST_BANDS = 16


@dataclass(frozen=True, slots=True)
class TensorForm:
    """Shape, layout and dtype of the tensor that arrived.

    ``layout`` is CHW, HWC, or empty if the tensor is not an image; ``image`` is the shape of one image in that layout. ``axes``
    names the tensor's axes (NCHW, NCDHW, NTCHW, NCT, NTC, NC, ...), empty if they are unknown. ``values`` counts the values of
    one channel of a sample.
    """

    shape: tuple[int, ...]
    image: tuple[int, ...]
    layout: str
    dtype: str
    epsilon: float
    channels: int
    axes: str = ""
    values: int = 1


@dataclass(frozen=True, slots=True)
class Taken:
    """What is known of the tensor that a network takes: channel counts, the stated ``layout``, and its first layer's kind.

    ``dims`` are the dimensions that its first convolution moves over, 0 for a network of linear or recurrent layers only, and
    None where that is unknown.
    """

    channels: Sequence[int] = ()
    layout: str = ""
    dims: int | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """One batch: ``figures`` is one flat tensor, ``parts`` are the (images, sampled images, channels, pixels) of its pieces."""

    number: int
    training: bool
    name: str
    form: TensorForm
    parts: tuple[tuple[int, int, int, int], ...]
    figures: torch.Tensor
    event: Any = None

    def ready(self) -> bool:
        """Whether the copy to the host has arrived; asking does not wait."""
        return self.event is None or bool(self.event.query())

    def seen(self) -> Seen:
        """The figures as arrays; waits for the copy if it is still under way."""
        if self.event is not None:
            self.event.synchronize()
        flat = self.figures.cpu().numpy()
        pixels, moments, start = [], [], 0
        for images, kept, channels, sampled in self.parts:
            end = start + kept * channels * sampled
            pixels += list(flat[start:end].reshape(kept, channels, sampled))
            start, end = end, end + 4 * images * channels
            moments.append(flat[start:end].reshape(4, images, channels))
            start = end
        return Seen(self, tuple(pixels), np.concatenate(moments, axis=1).astype(np.float64))


@dataclass(frozen=True, slots=True)
class Seen:
    """A batch as arrays: the sampled images ``(C, p)``, and of all images mean, variance, min and max as ``(4, N, C)``."""

    look: Look
    pixels: tuple[NDArray[np.float32], ...]
    moments: NDArray[np.float64]

    @property
    def finite(self) -> bool:
        """Whether no value of the batch, sampled or not, is NaN or infinite."""
        return bool(np.isfinite(self.moments).all())

    @property
    def images(self) -> int:
        """Number of images in the batch."""
        return int(self.moments.shape[1])


def network_input(args: Sequence[Any], kwargs: Mapping[str, Any], which: int | str | None = None) -> tuple[str, Any] | None:
    """The argument of a network's forward that holds its input values, with its name; None without one.

    ``which`` is a position or a name. Without one the usual names come first, then an argument that holds floats or bytes in at
    least three dimensions, then a table ``(N, F)`` of floats; a dictionary or a list in the arguments is looked into.
    """
    if which is not None:
        return next(((name, value) for name, value in _under(which, _arguments(args, kwargs)) if _tensors(value)), None)
    return next(_candidates(args, kwargs), None)


def left_out(args: Sequence[Any], kwargs: Mapping[str, Any], looked_at: Any, takes: Taken) -> list[str]:
    """The names of other arguments that have the form of the one that is looked at, such as the second image of a pair."""
    form = _form(looked_at, takes)
    others = {name: value for name, value in _candidates(args, kwargs) if value is not looked_at and can_be_seen(value)}
    return [name for name, value in others.items() if _form(value, takes) == form]


def _form(value: Any, takes: Taken) -> tuple[int, int]:
    """The number of axes and channels."""
    first = _tensors(value)[0]
    return first.ndim, _as_images(first.detach(), takes)[0].shape[1]


def _arguments(args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [(str(place), value) for place, value in enumerate(args)] + list(kwargs.items())


def _candidates(args: Sequence[Any], kwargs: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What may be the input, the likeliest first."""
    arguments = _arguments(args, kwargs)
    flat = [pair for name, value in arguments for pair in (value.items() if isinstance(value, Mapping) else [(name, value)])]
    usual = {name: place for place, name in enumerate(USUAL_NAMES)}
    flat.sort(key=lambda pair: usual.get(str(pair[0]), len(usual)))
    return ((str(name), value) for fewest in (3, 2) for name, value in flat if _may_be_input(value, fewest))


def _under(which: int | str, arguments: Sequence[tuple[str, Any]]) -> list[tuple[Any, Any]]:
    """The argument of this position or name, else the values that dictionaries among the arguments have under it."""
    inner = [pair for _, value in arguments if isinstance(value, Mapping) for pair in value.items()]
    return [pair for pair in arguments if pair[0] == str(which)] or [pair for pair in inner if pair[0] == which]


def _may_be_input(value: Any, fewest: int) -> bool:
    """Whether a value holds floats or bytes in ``fewest`` dimensions or more."""
    return any(tensor.ndim >= fewest and _holds_values(tensor) for tensor in _tensors(value)[:1])


def look_at(name: str, value: Any, number: int, training: bool, takes: Taken) -> Look:
    """Sample a tensor, or a list of images, of any device; nothing waits for the device."""
    tensors = _tensors(value)
    parts, figures = [], []
    every = -(-len(tensors) // _MOST_IMAGES)
    with torch.no_grad():
        for place, tensor in enumerate(tensors):
            images, layout, axes = _as_images(tensor.detach(), takes)
            size = tuple(tensor.shape[-2:]) if tensor.ndim == 5 else tuple(images.shape[2:])
            shape = (*size, images.shape[1]) if layout == "HWC" else (images.shape[1], *size)
            sample, part = _figures(images, number, pixels=place % every == number % every)
            figures.append(sample)
            parts.append(part)
        flat, event = on_its_way(torch.cat(figures) if len(figures) > 1 else figures[0])
    dtype = str(tensors[0].dtype).removeprefix("torch.")
    epsilon = torch.finfo(tensors[0].dtype).eps if tensors[0].is_floating_point() else 0.0
    epsilon = max(epsilon, torch.finfo(torch.float32).eps)
    values = int(images.shape[2] * images.shape[3])
    form = TensorForm(tuple(tensors[0].shape), shape, layout, dtype, epsilon, parts[0][2], axes, values)
    return Look(number, training, name, form, tuple(parts), flat, event)


def can_be_seen(value: Any) -> bool:
    """Whether the tensors hold values in plain memory."""
    tensors = _tensors(value)
    return bool(tensors) and aside_from(tensors) is None


def _tensors(value: Any) -> list[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        return [value] if _is_filled(value) else []
    if isinstance(value, list | tuple) and value and all(isinstance(each, torch.Tensor) and each.ndim == 3 for each in value):
        return [each for each in value if _is_filled(each)]
    return []


def _is_filled(tensor: torch.Tensor) -> bool:
    """Whether a tensor has values; of what is not plain the shape is not asked, since a traced graph would depend on it."""
    return not is_plain(tensor) or bool(tensor.numel())


def _holds_values(tensor: torch.Tensor) -> bool:
    return tensor.is_floating_point() or tensor.is_complex() or tensor.dtype == torch.uint8 or tensor.ndim == 4


def _as_images(tensor: torch.Tensor, takes: Taken) -> tuple[torch.Tensor, str, str]:
    """The values as ``(N, C, H, W)``, the layout of an image they were found in, and the names of the axes.

    Frames of a clip and slices of a volume lie below one another, so that moments are those of the whole sample.
    """
    counts = takes.channels
    if tensor.ndim == 5:
        second = _channels_second(tensor, takes)
        return (tensor if second else tensor.transpose(1, 2)).flatten(2, 3), "CHW", "NCDHW" if second else "NTCHW"
    if tensor.ndim == 3 and (axes := _signal_axes(tensor, takes)):
        return (tensor if axes == "NCT" else tensor.transpose(1, 2))[:, :, None], "", axes
    if tensor.ndim == 3 and (_is_last(tensor[None], counts) or (tensor.shape[0] in counts and tensor.shape[0] <= _MOST_BANDS)):
        tensor = tensor[None]
    if tensor.ndim == 4:
        last = _is_last(tensor, counts) and (takes.layout == "NHWC" or tensor.shape[1] not in counts)
        return (tensor.permute(0, 3, 1, 2), "HWC", "NHWC") if last else (tensor, "CHW", "NCHW")
    if tensor.ndim == 2 and (takes.layout == "NC" or tensor.shape[1] in counts or tensor.shape[1] <= _MOST_COLUMNS):
        return tensor[:, :, None, None], "", "NC"
    return tensor.reshape(tensor.shape[0] if tensor.ndim > 1 else 1, 1, 1, -1), "", "NT" if tensor.ndim == 2 else ""


def _channels_second(tensor: torch.Tensor, takes: Taken) -> bool:
    """Whether a clip or volume of five axes has its channels before its frames or slices."""
    if takes.layout in ("NCDHW", "NCTHW", "NTCHW"):
        return takes.layout != "NTCHW"
    second, third = (tensor.shape[axis] in takes.channels for axis in (1, 2))
    if second and third:
        return takes.dims != 2  # a network for images is given clips frame by frame
    return second or (not third and tensor.shape[1] <= tensor.shape[2])


def _signal_axes(tensor: torch.Tensor, takes: Taken) -> str:
    """NCT or NTC where three axes are those of signals, else empty: they may be one image, or tokens."""
    if takes.layout in ("NCT", "NTC"):
        return takes.layout
    if takes.dims == 1 and tensor.shape[1] in takes.channels:
        return "NCT"
    return "NTC" if takes.dims in (0, 1) and tensor.shape[2] in takes.channels else ""


def _is_last(tensor: torch.Tensor, takes: Sequence[int]) -> bool:
    """Whether the last axis holds channels: few, and fewer than rows or columns; 64 mel bands or columns are not channels."""
    count = tensor.shape[-1]
    return count in takes and count <= _MOST_BANDS and count < min(tensor.shape[1:3])


def _figures(images: torch.Tensor, number: int, *, pixels: bool) -> tuple[torch.Tensor, tuple[int, int, int, int]]:
    """Pixels of a strided subset, and mean, variance, least and greatest of every image and channel, as one flat tensor."""
    count, channels, height, width = images.shape
    down, across = (max(1, size // _SIDE) for size in (height, width))
    every = -(-count // _MOST_IMAGES)  # from the first image to the last, and over the batches each of them
    sample = images[number % every :: every, :, number % down :: down, number % across :: across]
    sample = sample[: _MOST_IMAGES if pixels else 0, :, :_SIDE, : _SIDE if height > 1 else _SIDE * _SIDE].float()
    values = images.float().contiguous()  # copies channels_last tensors: reductions over strided planes take ten times as long
    mean = values.mean(dim=(2, 3))
    # In two passes and by the norm, which is vectorised where torch.var_mean is not.
    deviation = torch.linalg.vector_norm(values - mean[:, :, None, None], dim=(2, 3)).square()
    moments = (mean, deviation / (height * width), values.amin(dim=(2, 3)), values.amax(dim=(2, 3)))
    flat = torch.cat([sample.flatten(), *(each.flatten() for each in moments)])
    return flat, (count, sample.shape[0], channels, sample.shape[2] * sample.shape[3])


def on_its_way(flat: torch.Tensor) -> tuple[torch.Tensor, Any]:
    """Start copying to pinned memory; the event says when it has arrived.

    On accelerators other than CUDA the figures are copied at once, which waits for the device in the steps that are looked at.
    """
    if not flat.is_cuda:
        return flat, None
    host = torch.empty(flat.shape, dtype=flat.dtype, pin_memory=True)
    host.copy_(flat, non_blocking=True)
    event = torch.cuda.Event()  # type: ignore[no-untyped-call]
    event.record(torch.cuda.current_stream(flat.device))
    return host, event
