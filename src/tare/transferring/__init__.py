"""``tare.transfer``: train a network on your data under a normalisation strategy."""

from __future__ import annotations

import lazy_loader

# The names in ``__init__.pyi`` are imported on first access.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
