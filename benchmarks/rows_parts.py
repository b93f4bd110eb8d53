"""What other programs use: ``tare.Normaliser`` against torchvision and a copy, ``tare.Standardiser`` against scikit-learn.

All run in one thread, and are compared by processor time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from sklearn.preprocessing import StandardScaler
from torch import nn
from torchvision.transforms import v2

from benchmarks.harness import Outcome, Result, Row, Setting, compared, guarded, processor_seconds
from tare.parts.normaliser import Normaliser
from tare.parts.standardiser import Standardiser
from tare.studying.execution.processes import one_thread

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_SIZE = 224
#: Batches that fit the memory that torch uses again, and one that does not: its pages are new every time.
_BATCHES = (16, 64)
_TIMES = 20


def normaliser(setting: Setting) -> Iterator[Outcome]:
    """uint8 (N, 3, 224, 224) to normalised float32, one thread: torchvision v2 on the same bytes, and a copy of the result."""
    with one_thread():
        for count in _BATCHES[:1] if setting.quick else _BATCHES:
            yield from guarded(f"Normaliser, {count} images", partial(_images, count, setting))


def standardiser(setting: Setting) -> Iterator[Outcome]:
    """Rows of float64 and float32 against ``StandardScaler.partial_fit``; a new estimator each time, equal results."""
    rows = 50_000 if setting.quick else 500_000
    for columns, kind in ((10, np.float64), (10, np.float32), (3, np.float64), (100, np.float64)):
        matrix = np.random.default_rng(0).normal(3, 2, (rows * 10 // columns, columns)).astype(kind)
        with one_thread():
            yield from guarded(f"Standardiser, {columns} columns", partial(_rows, matrix, setting))


ROWS = (Row("normaliser", normaliser), Row("standardiser", standardiser))


def _images(count: int, setting: Setting) -> Iterator[Result]:
    images = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (count, 3, _SIZE, _SIZE), dtype=np.uint8))
    layer = Normaliser(_MEAN, _STD, raw_dtype="uint8")
    theirs = v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.Normalize(_MEAN, _STD)])
    steps = nn.Sequential(*theirs.transforms)
    pairs: dict[str, tuple[Any, Any]] = {
        "": (layer, theirs),
        ", exported": (_exported(layer, images), _exported(steps, images)),
    }
    copied = theirs(images)
    converted = _exported(_Converted(), images)
    for name, (ours, reference) in pairs.items():
        if not (ours(images) - copied).abs().max() < 1e-5:
            raise ArithmeticError("its result differs from torchvision's")
        said, run = f"uint8 NCHW to input{name}, {count} images", _often(partial(ours, images))
        others = _often(partial(reference, images))
        yield compared(said, others, run, setting, ratio_of="torchvision v2 / Normaliser", goal=">= 3", timer=processor_seconds)
        yield compared(
            said,
            _often(copied.clone),
            run,
            setting,
            ratio_of="a copy of the result / Normaliser",
            goal=">= 0.5",
            timer=processor_seconds,
        )
    # What no graph of torch can fall below: its result is a new tensor of floats.
    yield compared(
        f"uint8 NCHW to float, exported, {count} images",
        _often(partial(pairs[", exported"][1], images)),
        _often(partial(converted, images)),
        setting,
        ratio_of="torchvision v2 / conversion to float alone",
        timer=processor_seconds,
    )


class _Converted(nn.Module):
    """Bytes as floats, without mean and std."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.to(torch.float32)


def _exported(module: nn.Module, images: torch.Tensor) -> Any:
    return torch.export.export(module, (images,)).module()


def _rows(matrix: Any, setting: Setting) -> Iterator[Result]:
    ours, theirs = Standardiser().partial_fit(matrix), StandardScaler().partial_fit(matrix)
    if not np.allclose(ours.scale_, theirs.scale_, rtol=1e-5):
        raise ArithmeticError("its result differs from scikit-learn's")
    yield compared(
        f"partial_fit of {matrix.shape[0]:,} x {matrix.shape[1]} {matrix.dtype}",
        lambda: StandardScaler().partial_fit(matrix),
        lambda: Standardiser().partial_fit(matrix),
        setting,
        ratio_of="StandardScaler / Standardiser",
        goal=">= 8",
        timer=processor_seconds,
    )


def _often(run: Callable[[], Any]) -> Callable[[], None]:
    """The same many times, since one call takes less than a millisecond."""

    def repeated() -> None:
        for _ in range(_TIMES):
            run()

    return repeated
