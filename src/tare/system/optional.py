"""Optional dependencies load when they are used, with the install command in the message."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import ModuleType

from tare.errors import MissingDependencyError
from tare.system.offline import ask_no_network

_EXTRAS: Mapping[str, tuple[str, ...]] = {
    "torch": ("torch", "torchvision", "timm", "lightning", "sklearn", "scipy", "numba"),
    "pages": ("altair", "vl_convert"),
    "tables": ("polars", "pyarrow"),
}


def require(module: str, *, extra: str, purpose: str) -> ModuleType:
    """Import ``module``, or raise :class:`MissingDependencyError` naming the extra that brings it."""
    ask_no_network()
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


def missing(error: ModuleNotFoundError) -> MissingDependencyError | None:
    """The failed import as an error that names the extra which brings the package; None for a package that no extra brings."""
    package = (error.name or "").partition(".")[0]
    extra = next((extra for extra, packages in _EXTRAS.items() if package in packages), None)
    if extra is None:
        return None
    return MissingDependencyError(
        expected=f"the package {package!r}", found="it is not installed", remedy=f"run: pip install 'tare[{extra}]'"
    )
