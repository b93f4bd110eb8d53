"""What a pipeline is fed when it is tried: samples of the kind that the network's specification states."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.errors import PipelineError

#: The axes of one sample, without channels, by the kind of layout.
_AXES = {"NCTHW": "THW", "NTCHW": "THW", "NTHWC": "THW", "NCDHW": "DHW", "NDHWC": "DHW", "NCT": "T", "NTC": "T", "NC": ""}
_EDGES = {"T": 8, "D": 12, "H": 48, "W": 56}
_SIGNAL = 4096


@dataclass(frozen=True, slots=True)
class Probe:
    """Samples of one kind: ``axes`` beside the channels (``HW``, ``THW``, ``DHW``, ``T``, none), and raw values of ``dtype``.

    Trials draw levels 0 to 255; as raw values they lie evenly between ``low`` and ``high``.
    """

    channels: int = 3
    dtype: str = "uint8"
    low: float = 0.0
    high: float = 255.0
    axes: str = "HW"
    wanted: str = ""

    @property
    def is_image(self) -> bool:
        """Whether a sample is one image, or a clip whose frames may be prepared one by one."""
        return self.axes in ("HW", "THW")

    @property
    def is_plain(self) -> bool:
        """Whether a sample is an 8-bit image with one or three channels, which image libraries take."""
        return self.is_image and self.dtype == "uint8" and self.channels in (1, 3)

    @property
    def words(self) -> str:
        """What is fed, in words."""
        kind = {"HW": "images", "THW": "clips", "DHW": "volumes", "T": "signals", "": "rows"}[self.axes]
        plural = "s" if self.channels != 1 else ""
        return f"{kind} of {self.channels} {self.dtype} channel{plural}, {self.low:.6g} to {self.high:.6g}"

    def raw(self, levels: NDArray[np.uint8]) -> NDArray[Any]:
        """Levels 0 to 255 as raw values."""
        if (self.dtype, self.low, self.high) == ("uint8", 0.0, 255.0):
            return levels
        values = self.low + levels.astype(np.float64) / 255 * (self.high - self.low)
        return (np.round(values) if np.dtype(self.dtype).kind in "iu" else values).astype(self.dtype)

    def samples(self) -> list[tuple[str, Callable[[NDArray[np.uint8]], Any]]]:
        """The forms of a sample that is no single image, the most usual first, each made of levels ``(H, W, C)``."""
        first = f"({', '.join(['C', *self.axes])})"
        last = f"({', '.join([*self.axes, 'C'])})"
        forms: list[tuple[str, Callable[[NDArray[np.uint8]], Any]]] = []
        if self.axes == "THW":
            forms += [
                ("clip of tensors (T, C, H, W)", lambda x: _tensor(np.moveaxis(self._whole(x), -1, 1))),
                ("clip of arrays (T, H, W, C)", self._whole),
            ]
        channels_first: list[tuple[str, Callable[[NDArray[np.uint8]], Any]]] = [
            (f"array {first}", lambda x: np.ascontiguousarray(np.moveaxis(self._whole(x), -1, 0))),
            (f"tensor {first}", lambda x: _tensor(np.moveaxis(self._whole(x), -1, 0))),
        ]
        channels_last: list[tuple[str, Callable[[NDArray[np.uint8]], Any]]] = (
            [(f"array {last}", self._whole)] if self.axes else []
        )
        # A pipeline that leaves the axes as they are is given those that the network wants.
        orders = (channels_last, channels_first) if self.wanted.endswith("C") and self.axes else (channels_first, channels_last)
        forms += [form for order in orders for form in order]
        if self.channels == 1 and self.axes:
            forms.append((f"array ({', '.join(self.axes)})", lambda x: self._whole(x)[..., 0]))
        return forms

    def _whole(self, levels: NDArray[np.uint8]) -> NDArray[Any]:
        """Levels as one sample, channels last."""
        values = self.raw(levels)
        if self.axes == "":
            return np.asarray(values[values.shape[0] // 2, values.shape[1] // 2])
        if self.axes == "T":
            return np.ascontiguousarray(values.reshape(-1, values.shape[-1])[:_SIGNAL])
        frames = _EDGES[self.axes[0]] + (self.channels == _EDGES[self.axes[0]])
        if self.axes == "THW":
            return np.stack([values] * frames)
        rows, columns = _EDGES["H"], _EDGES["W"]
        pixels = values.reshape(-1, values.shape[-1])
        return np.ascontiguousarray(pixels[: frames * rows * columns].reshape(frames, rows, columns, -1))

    def layout_of(self, shape: tuple[int, ...]) -> str:
        """The axes of a result, such as ``CTHW``: where the channels are, first where the network wants them."""
        if len(shape) == len(self.axes):
            return self.axes
        names = [self.axes[:at] + "C" + self.axes[at:] for at in range(len(self.axes) + 1)]
        names.sort(key=lambda name: name != self.wanted)
        return next((name for name in names if shape[name.index("C")] == self.channels), names[0])

    def planes(self, result: NDArray[Any]) -> tuple[NDArray[Any], str, tuple[int, ...]]:
        """A result as ``(C, pixels, 1)``, with its layout and shape.

        Raises :class:`PipelineError` for a result of other axes.
        """
        while result.ndim > len(self.axes) + 1 and result.shape[0] == 1:
            result = result[0]
        if result.ndim not in (len(self.axes), len(self.axes) + 1) or not result.size:
            found = f"it returned an array of shape {result.shape}"
            raise PipelineError(f"a pipeline for {self.words}", found, "return the sample that the network receives")
        layout, shape = self.layout_of(result.shape), tuple(result.shape)
        moved = result[None] if "C" not in layout else np.moveaxis(result, layout.index("C"), 0)
        return moved.reshape(len(moved), -1, 1), layout, shape


def probe_for(layout: str | None, channels: int | None, dtype: str, low: float, high: float) -> Probe:
    """The probe for what a specification states; images with three channels where it states neither layout nor channels."""
    axes = _AXES.get(layout or "", "HW")
    return Probe(channels or (3 if axes == "HW" else 1), dtype, low, high, axes, (layout or "")[1:])


def _tensor(values: NDArray[Any]) -> Any:
    import torch

    given = np.ascontiguousarray(values)
    return torch.from_numpy(given.astype(np.int32) if given.dtype == np.uint16 else given)
