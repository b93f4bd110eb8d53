"""Reused memory for files, decoded pixels and columns.

Fresh pages cost a tenth of the time of decoding a photograph, since the C library returns large blocks to the system at
once. Memory that was used a moment ago is still in the processor's cache.
"""

from __future__ import annotations

import sys
import threading
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Use = Literal["file", "pixels", "column"]

# A reader that releases an image before it decodes the next needs one buffer, other readers two.
_KEPT = 2
# Larger images get memory of their own.
_LARGEST = 16 << 20
# References to an unused buffer: the list of buffers, the local name and the argument of getrefcount.
_UNUSED = 3


class _Kept(threading.local):
    def __init__(self) -> None:
        self.buffers: dict[Use, list[NDArray[np.uint8]]] = {"file": [], "pixels": [], "column": []}


_kept = _Kept()


def scratch_memory(size: int, use: Use) -> NDArray[np.uint8]:
    """Return memory for ``size`` bytes that no other array uses: this thread's last buffer if possible, else a new one.

    A buffer is in use as long as an array in it, or a view of such an array, is alive.
    """
    if size > _LARGEST:
        return np.empty(size, np.uint8)
    buffers = _kept.buffers[use]
    for place in range(len(buffers)):
        buffer = buffers[place]
        if buffer.size >= size and sys.getrefcount(buffer) == _UNUSED:
            buffers.insert(0, buffers.pop(place))
            return buffer
    new = np.empty(min(_LARGEST, size + size // 4), np.uint8)
    buffers[:] = [new, *buffers[: _KEPT - 1]]
    return new
