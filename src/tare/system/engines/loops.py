"""Loops in two forms that return the same bits: compiled by Numba, and plain NumPy.

To load Numba takes longer than to measure an image with NumPy. So the plain form is used until there is enough work, and
for all of it where Numba is not installed.
"""

from __future__ import annotations

import importlib
import importlib.util
from functools import cache
from typing import Any

#: Bytes that the plain loops of a module take before the compiled ones are loaded.
_WORTH = 1 << 25


class Loops:
    """The functions of two modules with the same names, of which :meth:`on` chooses one."""

    def __init__(self, compiled: str, plain: str) -> None:
        self._compiled, self._plain, self._taken = compiled, plain, 0

    def on(self, size: int) -> Any:
        """The module whose functions shall take ``size`` bytes more."""
        self._taken += size
        worth = self._taken >= _WORTH and _installed()
        return importlib.import_module(self._compiled if worth else self._plain)


@cache
def _installed() -> bool:
    return importlib.util.find_spec("numba") is not None
