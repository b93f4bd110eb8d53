"""Optional dependencies load when they are used, with the install command in the message."""

from __future__ import annotations

import importlib
from types import ModuleType

from tare.errors import MissingDependencyError


def require(module: str, *, extra: str, purpose: str) -> ModuleType:
    """Import ``module``, or raise :class:`MissingDependencyError` naming the extra that brings it."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != module.partition(".")[0]:
            raise  # a dependency of the dependency is broken: hiding that would mislead
        raise MissingDependencyError(
            expected=f"the package {module!r} for {purpose}",
            found="it is not installed",
            remedy=f"run: pip install 'tare[{extra}]'",
        ) from None
