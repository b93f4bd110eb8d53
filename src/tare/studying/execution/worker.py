"""The modules of a study's workers, loaded once by the process that workers are forked from."""

from __future__ import annotations

import numpy as np

import tare.studying.execution.running  # noqa: F401 - loaded once for all workers
from tare.normalisation.input_layer import InputLayer
from tare.normalisation.strategies import Constants, normalisation
from tare.studying.tasks.samples import Samples


def _warm() -> None:
    """Measure and normalise two tiny images, which loads compiled code that each worker would load by itself."""
    samples = Samples("two images", np.zeros((2, 4, 4, 1), np.uint8), np.arange(2))
    samples.measure()
    InputLayer(normalisation("source", 1, source=Constants((0.0,), (1.0,), "made")))(samples.tensor())


_warm()
