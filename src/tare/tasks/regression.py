"""One or several measured numbers for each sample."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from tare.errors import DataError
from tare.input_spec.tensors import own_moments
from tare.tasks.evaluations.regression import RegressionEvaluation, evaluate_regression, spreads
from tare.tasks.names import TaskName
from tare.tasks.task import Epochs, Target, Task, Texts

if TYPE_CHECKING:
    from torchmetrics import Metric


@dataclass(frozen=True)
class Regression(Task):
    """Numbers for each sample: one output a target, taught and scored as ``(target - mean) / std``.

    ``mean`` and ``std`` are the targets' own in the training split, the std the population's. :meth:`answers` undoes them, unless
    they are ``undone`` by the network's last layer, as in every model directory.

    A forecast has targets that are later values of ``channels``, one channel a target. The network then answers in stds of the
    sample's own channel, and :meth:`restored` maps the answer back by the sample's own mean and std (RevIN: Kim et al., ICLR
    2022, without its learnt gain and offset). ``step`` is what one raw value is in unit values.
    """

    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    undone: bool = False
    channels: tuple[int, ...] = ()
    step: float = 1.0

    name: ClassVar[TaskName] = "regression"
    epochs: ClassVar[Epochs] = Epochs("nrmse", "validation error (RMSE in stds of the target)", rises=False)
    answer: ClassVar[str] = "values"
    noun: ClassVar[str] = "targets"
    unfit: ClassVar[Mapping[str, Any]] = {"label_smoothing": 0.0, "class_weights": "none", "mixup": 0.0, "cutmix": 0.0}

    @property
    def unit(self) -> tuple[float, ...]:
        """The std of each target."""
        return self.std

    @classmethod
    def read(cls, columns: Sequence[str], rows: Sequence[Texts], where: str) -> tuple[tuple[str, ...], list[Target]]:
        """The columns, and each sample's numbers. Raises :class:`DataError` for text, NaN and infinity, with their counts."""
        values = [tuple(map(_number, row)) for row in rows]
        inexact = next((text for row in rows for text in row if _is_inexact(text)), None)
        if inexact is not None:
            remedy = "subtract a constant, or name them as classes with --task classification"
            raise DataError("whole numbers up to 2**53 as targets", f"{inexact!r} in {where!r}", remedy)
        bad = [index for index, row in enumerate(values) if not all(map(math.isfinite, row))]
        if bad:
            first = ", ".join(rows[bad[0]])
            raise DataError(
                "a finite number as every target",
                f"{len(bad)} of {len(rows)} samples with missing, NaN, infinite or other targets in {where!r}, "
                f"the first {first!r} at sample {bad[0]}",
                "leave these samples out, or name other columns with --label",
            )
        return tuple(columns), list(values)

    @classmethod
    def of(cls, names: tuple[str, ...], targets: Sequence[Target], where: str) -> Self:
        """Measure the targets' own mean and std. Raises :class:`DataError` for a target that is constant."""
        values = np.asarray(targets, np.float64)
        mean, std = values.mean(axis=0), spreads(values)
        for name, at, spread in zip(names, mean, std, strict=True):
            if not spread > 0:
                found = f"{name!r} is {at:g} for all {len(values)} training samples of {where!r}: std 0"
                raise DataError("targets that differ between training samples", found, "leave this target out")
        return cls(names, tuple(mean.tolist()), tuple(std.tolist()))

    @classmethod
    def of_json(cls, names: tuple[str, ...], document: Mapping[str, Any]) -> Self:
        """Read the targets' mean and std."""
        mean, std = (tuple(float(value) for value in document["targets"][key]) for key in ("mean", "std"))
        if not len(mean) == len(std) == len(names) or not all(map(math.isfinite, (*mean, *std))) or min(std) <= 0:
            raise ValueError("one finite mean and one std above zero for each target")
        own = document.get("forecast")
        if own is None:
            return cls(names, mean, std, bool(document["undone"]))
        channels, step = tuple(own["channels"]), float(own["step"])
        if len(channels) != len(names) or not all(type(one) is int and one >= 0 for one in channels) or not 0 < step < math.inf:
            raise ValueError("one channel for each target of a forecast, and a step above zero")
        return cls(names, mean, std, bool(document["undone"]), channels, step)

    def to_json(self) -> dict[str, Any]:
        """The targets' mean and std, whether they are undone, and of a forecast the channels that the targets belong to."""
        document: dict[str, Any] = {"name": self.name, "targets": {"mean": list(self.mean), "std": list(self.std)}}
        document["undone"] = self.undone
        if self.channels:
            document["forecast"] = {"channels": list(self.channels), "step": self.step}
        return document

    def taught(self, target: Target) -> Target:
        """The target in stds from its mean."""
        assert isinstance(target, tuple)  # noqa: S101 - what read gave
        return tuple((value - mean) / std for value, mean, std in zip(target, self.mean, self.std, strict=True))

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor | None, smoothing: float) -> torch.Tensor:
        """The mean square error in stds of the targets."""
        del weights, smoothing
        return functional.mse_loss(outputs, targets)

    def metric(self) -> Metric:
        """The root mean square error in stds of the targets; 1 is as good as always answering the mean."""
        from torchmetrics.regression import MeanSquaredError

        return MeanSquaredError(squared=False)

    def answers(self, outputs: torch.Tensor) -> torch.Tensor:
        """The targets in their own units."""
        if self.undone:
            return outputs
        std, mean = self._moments(outputs)
        return outputs * std + mean

    def restored(self, outputs: torch.Tensor, samples: torch.Tensor) -> torch.Tensor:
        """The outputs; of a forecast from signals ``(N, C, T)``, mapped back by each sample's own mean and std.

        Of float64 signals what is undone is float64: float32 would round answers far from zero, such as 1e8 and a spread of 1.
        """
        if not self.channels:
            return outputs
        mean, std = (moment.flatten(1)[:, list(self.channels)] / self.step for moment in own_moments(samples))
        values = outputs.to(mean.dtype) * std + mean
        if self.undone:
            return values
        std, mean = self._moments(values)
        return ((values - mean) / std).to(outputs.dtype)

    def check_unit(self, where: str) -> None:
        """Raise :class:`DataError` for targets that the weights of the last layer round by over a hundredth of their std."""
        for name, mean, std in zip(self.names, self.mean, self.std, strict=True):
            if not self.channels and not np.spacing(np.float32(abs(mean))) / 2 <= 0.01 * std:
                found = f"{name!r} with mean {mean:.10g} and std {std:.4g} in {where!r}"
                raise DataError(
                    "targets that the network's float32 can tell apart", found, "subtract a constant from this target"
                )

    @property
    def is_scaled_in_head(self) -> bool:
        """Whether the targets' mean and std are undone in the last layer: not those of a forecast."""
        return not self.channels

    @contextmanager
    def shipped(self, last: nn.Module) -> Iterator[Task]:
        """Undo mean and std in the weights of the ``last`` layer within the block; it gives the task of the network then.

        So every program that loads the weights gets values in the targets' own units. Those of a forecast depend on the sample:
        its weights stay as they are.
        """
        if self.channels:
            yield replace(self, undone=True)
            return
        assert isinstance(last, nn.Linear)  # noqa: S101 - the head of every network but a dense one
        kept = [parameter.detach().clone() for parameter in (last.weight, last.bias)]
        std, mean = (torch.tensor(values, dtype=torch.float64) for values in (self.std, self.mean))
        with torch.no_grad():
            last.weight.copy_(last.weight.double().cpu() * std[:, None])
            last.bias.copy_(last.bias.double().cpu() * std + mean)
        try:
            yield replace(self, undone=True)
        finally:
            with torch.no_grad():
                last.weight.copy_(kept[0])
                last.bias.copy_(kept[1])

    def evaluated(
        self, outputs: NDArray[np.floating[Any]], targets: Sequence[Target], samples: Sequence[str]
    ) -> RegressionEvaluation:
        """MAE, RMSE and R2 of each target, in its own unit."""
        answers = np.asarray(outputs, np.float64) * np.array(self.std) + np.array(self.mean)
        return evaluate_regression(answers, np.asarray(targets, np.float64), self.names, samples)

    def _moments(self, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        std, mean = (torch.tensor(values, dtype=like.dtype, device=like.device) for values in (self.std, self.mean))
        return std, mean


def _is_inexact(text: str) -> bool:
    """Whether a text is a whole number that no double holds."""
    plain = text.strip()
    return len(plain) > 15 and plain.lstrip("+-").isdecimal() and float(plain) != int(plain)


def _number(text: str) -> float:
    try:
        return float(text) if "_" not in text else math.nan  # 1_000 is how a program writes it
    except ValueError:
        return math.nan
