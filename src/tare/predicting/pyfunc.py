"""A model directory as a model of MLflow: ``mlflow.pyfunc`` names this module and gives it the directory.

Neither a pickle nor code lies in what is logged: MLflow's other ways for a network of PyTorch pickle the module, which runs code
when it is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tare.datasets.image_batches import as_taken, evaluation_transform
from tare.errors import DataError
from tare.input_spec.geometry import Geometry, InputGeometry, RowGeometry
from tare.networks.stored.trained import TrainedModel, open_trained
from tare.predicting.number_inputs import NumberInput, tensor_of
from tare.predicting.samples import TensorOrSkipped
from tare.samples.records import Skipped
from tare.tasks.task import Task

#: How MLflow finds :func:`_load_pyfunc`.
LOADER = __name__
_BATCH = 64


class Served:
    """What MLflow calls: :meth:`predict` gives the numbers of ``tare predict``."""

    def __init__(self, trained: TrainedModel) -> None:
        self._trained = trained

    def predict(self, model_input: Any, params: Mapping[str, Any] | None = None) -> NDArray[np.float64]:
        """Answer raw images ``(N, H, W, C)``, signals ``(N, T, C)``, or rows as a frame or an array ``(N, C)``.

        Probabilities ``(N, K)``, or values of a regression; ``(N, K, H, W)`` of masks at the network's size. Raises
        :class:`DataError` for a sample that ``tare predict`` would not answer.
        """
        del params
        takes = self._trained.model.takes
        values = model_input[list(takes.columns)] if _is_frame(model_input) and isinstance(takes, RowGeometry) else model_input
        samples = np.asarray(values)
        loaded = [self._loaded(sample, index) for index, sample in enumerate(samples)]
        task, model = self._trained.model.task, self._trained.model
        parts = [torch.stack(loaded[start : start + _BATCH]) for start in range(0, len(loaded), _BATCH)]
        with torch.inference_mode():
            answers = [task.answers(model.logits(part).double()).numpy() for part in parts]
        return np.concatenate(answers) if answers else np.zeros((0, len(model.classes)))

    def _loaded(self, sample: NDArray[Any], index: int) -> torch.Tensor:
        found = self._image(sample) if isinstance(self._trained.model.takes, Geometry) else self._numbers(sample, index)
        if isinstance(found, Skipped):
            raise DataError("samples like those of training", f"sample {index}: {found.reason}", "give raw values")
        return found

    def _image(self, sample: NDArray[Any]) -> TensorOrSkipped:
        model = self._trained.model
        if sample.dtype.name != model.takes.raw_dtype or sample.ndim != 3 or sample.shape[-1] != model.network.channels:
            found = f"{sample.dtype.name} of shape {sample.shape}"
            return Skipped("", f"{found}, and the network takes {model.takes.raw_dtype} (H, W, {model.network.channels})")
        see = evaluation_transform(model.geometry, model.normalisation.border(model.takes.raw_dtype))
        return see(as_taken(sample))

    def _numbers(self, sample: NDArray[Any], index: int) -> TensorOrSkipped:
        takes = self._trained.model.takes
        assert not isinstance(takes, Geometry)  # noqa: S101 - asked before
        return tensor_of(NumberInput(str(index), lambda: sample), takes, self._trained.model.network.channels)


def signature(takes: InputGeometry, channels: int, task: Task) -> dict[str, list[dict[str, Any]]]:
    """What goes in and what comes out, as MLflow's schemas: tensors, or the columns of a table."""
    inputs: list[dict[str, Any]]
    if isinstance(takes, RowGeometry):
        inputs = [{"name": name, "type": "double", "required": True} for name in takes.columns]
    else:
        free = [-1] * (2 if isinstance(takes, Geometry) else 1)
        inputs = [_tensor(takes.raw_dtype, [-1, *free, channels])]
    shape = takes.shape if task.dense else ()
    return {"inputs": inputs, "outputs": [_tensor("float64", [-1, len(task.names), *shape])]}


def _tensor(dtype: str, shape: Sequence[int]) -> dict[str, Any]:
    return {"type": "tensor", "tensor-spec": {"dtype": dtype, "shape": list(shape)}}


def _is_frame(thing: Any) -> bool:
    return hasattr(thing, "columns")


def _load_pyfunc(path: str) -> Served:
    """Open the directory; MLflow calls it by this name."""
    return Served(open_trained(Path(path)))
