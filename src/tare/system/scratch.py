"""Memory for files, decoded pixels and columns that is used again.

Fresh pages cost a tenth of the time of decoding a photograph, since the C library gives large pieces back to the system at
once; and what was used a moment ago is still in the processor's cache.
"""

from __future__ import annotations

import sys
import threading
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Use = Literal["file", "pixels", "column"]

# One for a reader that lets go of an image before the next is decoded, two for one that does not.
_KEPT = 2
# Larger images get memory of their own.
_LARGEST = 16 << 20
# The list of buffers, the local name and the argument of getrefcount: whoever else holds the pixels adds to these.
_UNUSED = 3


class _Kept(threading.local):
    def __init__(self) -> None:
        self.buffers: dict[Use, list[NDArray[np.uint8]]] = {"file": [], "pixels": [], "column": []}


_kept = _Kept()


def scratch_memory(size: int, use: Use) -> NDArray[np.uint8]:
    """Return memory for ``size`` bytes that nobody else looks at: what this thread used last if possible, else new.

    Memory counts as used as long as an array (or a view of it) that lies in it is alive.
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
