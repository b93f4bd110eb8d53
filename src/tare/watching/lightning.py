"""``tare.watch`` as a callback of Lightning's Trainer."""

# ruff: noqa: ARG002 - the Trainer calls with names of its own

from __future__ import annotations

import warnings
from typing import Any

import lightning.pytorch as pl
import torch

from tare.errors import TareWarning
from tare.watching.api import watch
from tare.watching.handle import Watch
from tare.watching.result import WatchReport


class WatchCallback(pl.Callback):
    """Watch the network inside of a LightningModule while the Trainer fits, validates, tests or predicts.

    ``module`` is the network's name in the LightningModule, as ``get_submodule`` takes it. Without one it is the submodule that
    states its input (timm's do), else the only child with parameters, else the LightningModule itself. ``spec`` and ``options``
    are those of :func:`tare.watch`; ``report`` is there when the Trainer is done. A monitor counts every validation as new
    samples, that of the sanity check, too: give one only where each sees other data.
    """

    def __init__(self, spec: Any = None, *, module: str | None = None, **options: Any) -> None:
        self.report: WatchReport | None = None
        self._spec, self._module, self._options = spec, module, options
        self._watch: Watch | None = None

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Begin before the sanity check; a watch that has begun goes on."""
        if self._watch is None:
            self._watch = watch(network_in(pl_module, self._module), self._spec, **self._options)

    # A Trainer that only validates, tests or predicts has no on_fit_start.
    on_validation_start = on_test_start = on_predict_start = on_fit_start

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Judge what was seen so far, and take the hook off."""
        watched, self._watch = self._watch, None
        if watched is None:
            return
        watched.remove()
        self.report = watched.report()
        if not self.report.stages:
            said = "tare.watch saw no batch: name the network with WatchCallback(module=...)"
            warnings.warn(said, TareWarning, stacklevel=2)
        else:
            self.report.warn_of_unjudged()

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """Take the hook off without judging, so that the user sees the exception."""
        watched, self._watch = self._watch, None
        if watched is not None:
            watched.__exit__(type(exception), exception, None)


def network_in(module: torch.nn.Module, name: str | None = None) -> torch.nn.Module:
    """The submodule of this name, else the one that is most likely to be the network."""
    if name is not None:
        return module.get_submodule(name)
    stating = next((each for each in module.modules() if getattr(each, "pretrained_cfg", None) is not None), None)
    children = [child for child in module.children() if next(child.parameters(), None) is not None]
    return stating or (children[0] if len(children) == 1 else module)
