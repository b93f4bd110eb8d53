"""``tare.fold``: compute the normalisation into a network's first layers, exactly."""

from __future__ import annotations

import lazy_loader

# The names in ``__init__.pyi`` are imported on first access.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
