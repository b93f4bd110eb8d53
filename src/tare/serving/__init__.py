"""What a service shows of its monitor: a live page, Prometheus metrics, OpenTelemetry gauges, an ASGI middleware."""

from __future__ import annotations

import lazy_loader

# What stands in ``__init__.pyi`` loads when it is looked at.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
