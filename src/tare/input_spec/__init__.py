"""What a network expects of its input: :class:`InputSpec`, each field is known with its origin, or unknown with a reason."""

from __future__ import annotations

import lazy_loader

# What stands in ``__init__.pyi`` loads when it is looked at.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
