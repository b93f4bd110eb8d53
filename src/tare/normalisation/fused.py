"""Raw bytes to normalised floats in one pass over memory: ``y_c = a_c * v_p(c) + b_c``.

Separate steps (to float, divide, subtract, divide, channels first) read and write every float several times, and are limited by
memory bandwidth, not arithmetic. Here each byte is read once and each float written once, so the pass moves fewer bytes than
a copy of its result.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tare.input_spec.affine import Affine
from tare.input_spec.tensors import in_memory, is_eager
from tare.system.engines.compiler import numba

#: Pixels per block of de-interleaved bytes. Between 256 and 8192 the time hardly depends on it.
_BLOCK = 512
#: Fewer floats than this are written before another thread could start.
_MANY = 1 << 21


def takes(images: torch.Tensor) -> bool:
    """Return whether :func:`normalise` takes the images: uint8 ``(N, C, H, W)`` on the CPU, in either memory order.

    It takes none where a graph is traced, or what torch does is changed or recorded, since torch does not see this pass.
    """
    return is_eager() and _fits(images)


def _fits(images: torch.Tensor) -> bool:
    if images.dtype != torch.uint8 or images.ndim != 4 or not in_memory(images) or not images.numel():
        return False
    return images.is_contiguous() or images.is_contiguous(memory_format=torch.channels_last)


def normalise(images: torch.Tensor, affine: Affine, out: torch.Tensor | None = None) -> torch.Tensor:
    """Map raw uint8 images ``(N, C, H, W)``, stored channels first or last, to contiguous float32 ``(N, C, H, W)``.

    ``affine`` maps raw values 0..255 to network input. ``out``, if given, is written to and returned. Large batches use as many
    threads as torch's own operations (``torch.get_num_threads()``; one in a loader's process).
    Raises ValueError for images that :func:`takes` refuses, another number of channels, or an ``out`` of another shape or dtype.
    """
    shape = tuple(images.shape)
    if not _fits(images) or shape[1] != len(affine.order):
        raise ValueError(f"uint8 (N, {len(affine.order)}, H, W) on the CPU, got {images.dtype} {shape} on {images.device}")
    if out is None:
        # NumPy asks the system for large pages, torch does not. The first use of small ones takes longer than the arithmetic.
        out = torch.from_numpy(np.empty(shape, np.float32))
    if out.dtype != torch.float32 or tuple(out.shape) != shape or not out.is_contiguous():
        raise ValueError(f"a contiguous float32 tensor of shape {shape}, got {out.dtype} {tuple(out.shape)}")
    order = np.array(affine.order, np.int64)
    scale, shift = np.array(affine.scale, np.float32), np.array(affine.shift, np.float32)
    pixels = shape[2] * shape[3]
    result = out.numpy().reshape(shape[0], shape[1], pixels)
    if images.is_contiguous():
        source, kernel = images.numpy().reshape(shape[0], shape[1], pixels), _planes
    else:
        source = images.permute(0, 2, 3, 1).numpy().reshape(shape[0], pixels, shape[1])
        kernel = _triples if shape[1] == 3 else _interleaved
    threads = 1 if result.size < _MANY else min(torch.get_num_threads(), shape[0])
    _spread(lambda part: kernel(source[part], result[part], order, scale, shift), shape[0], threads)
    return out


def _spread(run: Callable[[slice], Any], length: int, threads: int) -> None:
    """Call ``run`` with slices that cover ``length``, one per thread; a persistent pool would not survive a fork."""
    first, *others = (slice(*ends) for ends in pairwise(length * k // threads for k in range(threads + 1)))
    if not others:
        run(first)
        return
    with ThreadPoolExecutor(len(others)) as pool:
        begun = [pool.submit(run, part) for part in others]
        run(first)
    for each in begun:
        each.result()


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _planes(  # pragma: no cover - compiled
    images: NDArray[np.uint8], out: NDArray[np.float32], order: NDArray[np.int64], a: NDArray[np.float32], b: NDArray[np.float32]
) -> None:
    for i in range(images.shape[0]):
        for c in range(images.shape[1]):
            source, target, scale, shift = images[i, order[c]], out[i, c], a[c], b[c]
            for j in range(source.size):
                target[j] = source[j] * scale + shift


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _triples(  # pragma: no cover - compiled
    images: NDArray[np.uint8], out: NDArray[np.float32], order: NDArray[np.int64], a: NDArray[np.float32], b: NDArray[np.float32]
) -> None:
    # Each block of pixels is first split into three planes of bytes in the nearest cache. Each plane is then converted to floats
    # in full vectors. One loop that splits and converts works in vectors of eight and takes twice as long.
    planes = np.empty((3, _BLOCK), np.uint8)
    first, second, third = planes[0], planes[1], planes[2]
    pixels = images.shape[1]
    for i in range(images.shape[0]):
        source = images[i].reshape(pixels * 3)
        for start in range(0, pixels, _BLOCK):
            count = min(_BLOCK, pixels - start)
            part = source[3 * start : 3 * (start + count)]
            # The offsets 0, 1, 2 are literals, which compile to byte shuffles; a variable offset would be a gather.
            for j in range(count):
                first[j] = part[3 * j]
                second[j] = part[3 * j + 1]
                third[j] = part[3 * j + 2]
            for c in range(3):
                plane, target, scale, shift = planes[order[c]], out[i, c, start : start + count], a[c], b[c]
                for j in range(count):
                    target[j] = plane[j] * scale + shift


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _interleaved(  # pragma: no cover - compiled
    images: NDArray[np.uint8], out: NDArray[np.float32], order: NDArray[np.int64], a: NDArray[np.float32], b: NDArray[np.float32]
) -> None:
    for i in range(images.shape[0]):
        for c in range(order.size):
            source, target, scale, shift, channel = images[i], out[i, c], a[c], b[c], order[c]
            for j in range(source.shape[0]):
                target[j] = source[j, channel] * scale + shift
