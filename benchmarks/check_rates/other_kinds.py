"""Pipelines that are right outside of 8-bit colour: any number of channels, 16 bits, floats, volumes, clips, signals and rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torchvision.transforms import v2

from benchmarks.check_rates.case import Case
from tare.input_spec.spec import InputSpec

#: Repetitions of each kind, each with constants of its own.
DRAWS = 3
Pipeline = Callable[[Any], Any]


def cases() -> Iterator[Case]:
    """Each kind in each form, with :data:`DRAWS` draws of constants."""
    for draw in range(DRAWS):
        generator = np.random.default_rng(draw)
        for count in (1, 2, 4, 5, 8, 13):
            yield from _images("other channel counts, 8 bits", _unit(generator, count, raw_dtype="uint8"))
        for count in (1, 3, 4, 13):
            yield from _images("16 bits, by their range", _unit(generator, count, raw_dtype="uint16"))
            twelve = _unit(generator, count, raw_dtype="uint16", bits=12, scale=1 / 4095)
            yield from _images("16 bits, 12 in use", twelve)
            digital = _raw(generator, count, 3000.0, raw_dtype="uint16")
            yield from _images("16 bits, digital numbers", digital)
            yield from _images("floats, in units of their own", _raw(generator, count, 300.0, raw_dtype="float32"))
        for layout, axis in (("NCDHW", 0), ("NDHWC", -1)):
            for dtype, top in (("float32", 1.0), ("int16", 900.0)):
                spec = _raw(generator, 1 if dtype == "int16" else 2, top, raw_dtype=dtype, layout=layout)
                yield from _arrays("volumes", spec, axis)
        for layout, axis in (("NCT", 0), ("NTC", -1)):
            yield from _arrays("signals", _raw(generator, 6, 2.0, raw_dtype="float32", layout=layout), axis)
        yield from _arrays("rows", _raw(generator, 7, 50.0, raw_dtype="float32", layout="NC"), 0)
        for layout in ("NTCHW", "NCTHW"):
            yield from _clips(_unit(generator, 3, raw_dtype="uint8", layout=layout), layout)


def _unit(generator: np.random.Generator, count: int, **others: Any) -> InputSpec:
    """Constants of unit values that differ from one another."""
    mean, std = generator.uniform(0.25, 0.6, count), generator.uniform(0.15, 0.3, count)
    return InputSpec.of(mean.tolist(), std.tolist(), **{"layout": "NCHW"} | others)


def _raw(generator: np.random.Generator, count: int, top: float, **others: Any) -> InputSpec:
    """Constants of raw values that are used as they are."""
    mean, std = top * generator.uniform(0.2, 0.6, count), top * generator.uniform(0.1, 0.3, count)
    return InputSpec.of(mean.tolist(), std.tolist(), scale=1.0, **{"layout": "NCHW"} | others)


def _images(group: str, spec: InputSpec) -> Iterator[Case]:
    """Images ``(H, W, C)``, or ``(H, W)`` of one channel, to ``(C, H, W)``."""
    name, scale = _name(spec), spec.require("scale")
    by_numpy, normalize = _by_numpy(spec, -1), v2.Normalize(spec.require("mean"), spec.require("std"))

    def first(x: Any) -> NDArray[Any]:
        values = np.asarray(x)
        return values[..., None] if values.ndim == 2 else values

    yield Case(group, f"{name}, NumPy", lambda x: np.ascontiguousarray(np.moveaxis(by_numpy(first(x)), -1, 0)), spec)
    yield Case(
        group,
        f"{name}, torch and Normalize",
        lambda x: normalize(torch.from_numpy(np.moveaxis(first(x).astype(np.float32), -1, 0) * np.float32(scale))),
        spec,
    )


def _arrays(group: str, spec: InputSpec, axis: int) -> Iterator[Case]:
    """Arrays of one sample in the layout that the network takes."""
    by_numpy = _by_numpy(spec, axis)
    yield Case(group, f"{_name(spec)}, NumPy", by_numpy, spec)
    yield Case(group, f"{_name(spec)}, torch", lambda x: torch.from_numpy(by_numpy(np.asarray(x))), spec)


def _clips(spec: InputSpec, layout: str) -> Iterator[Case]:
    """Clips ``(T, C, H, W)`` of bytes to the layout that the network takes."""
    by_numpy = _by_numpy(spec, 1)

    def clip(x: Any) -> NDArray[Any]:
        if np.ndim(x) != 4:
            raise ValueError("a clip of frames")
        fed = by_numpy(x)
        return np.ascontiguousarray(fed.transpose(1, 0, 2, 3)) if layout == "NCTHW" else fed

    yield Case("clips", f"{_name(spec)}, NumPy", clip, spec)
    yield Case("clips", f"{_name(spec)}, torch", lambda x: torch.from_numpy(clip(x)), spec)


def _by_numpy(spec: InputSpec, axis: int) -> Callable[[Any], NDArray[np.float32]]:
    """``(scale v - mean) / std`` of arrays whose channels are at ``axis``."""
    mean, std, scale = np.array(spec.require("mean")), np.array(spec.require("std")), spec.require("scale")

    def run(x: Any) -> NDArray[np.float32]:
        moved = np.moveaxis(np.asarray(x, np.float64), axis, -1)
        return np.ascontiguousarray(np.moveaxis((scale * moved - mean) / std, -1, axis), np.float32)

    return run


def _name(spec: InputSpec) -> str:
    return f"{len(spec.require('mean'))} of {spec.require('raw_dtype')}, {spec.require('layout')}"
