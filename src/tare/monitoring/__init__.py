"""``tare.Monitor`` and ``tare.drift``: an anytime-valid test of what is served against what a network was trained on."""

from __future__ import annotations

import lazy_loader

# What stands in ``__init__.pyi`` loads when it is looked at.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
