"""The strategies: the mean and std by which your data (dataset1, the target) are normalised, in unit values."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from tare.errors import StrategyError
from tare.input_spec.affine import Affine
from tare.normalisation.names import Strategy
from tare.statistics.dataset_stats import DatasetStats

T = TypeVar("T")
MeanAndStd = tuple[tuple[float, ...], tuple[float, ...]]

#: Smallest std accepted as a divisor, as a share of the range of values, which then spans 1000 sigma.
STD_FLOOR = 1e-3


@dataclass(frozen=True, slots=True)
class Constants:
    """Per-channel mean and std in unit values, and their origin."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    origin: str


@dataclass(frozen=True, slots=True)
class Normalisation:
    """``(x - mean) / std`` per channel of unit values x, or with ``per_sample`` each sample by its own moments."""

    strategy: Strategy
    mean: tuple[float, ...]
    std: tuple[float, ...]
    per_sample: bool = False

    def affine(self) -> Affine:
        """Return the map from unit values to network input; with ``per_sample`` the identity, applied before z-scoring."""
        return Affine.of_normalisation(self.mean, self.std, raw_scale=1.0)

    @property
    def zero(self) -> tuple[float, ...] | None:
        """The unit value per channel that becomes 0 and pads samples; None if it differs per sample."""
        return None if self.per_sample else self.mean

    @property
    def border(self) -> tuple[float, ...] | None:
        """The colour that pads an image: the nearest to ``zero`` that an image can hold."""
        return None if self.zero is None else clipped(self.zero)

    def moments_fed(self, target: DatasetStats) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return mean and std per channel of the network input, for data with the pooled statistics ``target``."""
        if self.per_sample:
            return (0.0,) * len(self.mean), (1.0,) * len(self.std)
        return (
            tuple((u - m) / s for u, m, s in zip(target.mean, self.mean, self.std, strict=True)),
            tuple(u / s for u, s in zip(target.std, self.std, strict=True)),
        )


def normalisation(
    strategy: Strategy,
    channels: int,
    *,
    source: Constants | None = None,
    target: DatasetStats | None = None,
    source_seen: Constants | None = None,
) -> Normalisation:
    """Compute the normalisation of ``strategy`` for a network with ``channels`` input channels.

    ``source`` are the constants u0, s0 that the network was pretrained with. ``target`` are the statistics u1, s1 of the
    target's *training split*. ``source_seen`` are the pooled moments of the pretraining data (dataset0) in unit values, which
    only ``match`` needs.

    Raises :class:`StrategyError` if an input of the strategy is missing, or if it would divide by a std below ``STD_FLOOR`` of
    the range of values: the dtype's range, or for raw floats the range of the target.
    """
    given = _Given(strategy, channels, source, target, source_seen)
    mean, std = _MEAN_AND_STD[strategy](given)
    if strategy in _FIXED:
        return Normalisation(strategy, mean, std, per_sample=strategy == "sample")
    return _checked(strategy, _ranges(target, channels), mean, std)


@dataclass(frozen=True, slots=True)
class _Given:
    """What a strategy may use; asking for what was not given raises :class:`StrategyError`."""

    strategy: Strategy
    channels: int
    stated_source: Constants | None
    measured_target: DatasetStats | None
    measured_source: Constants | None

    def source(self) -> Constants:
        return self._needed(self.stated_source, "the source's mean and std", "state them with --mean and --std")

    def target(self) -> DatasetStats:
        return self._needed(self.measured_target, "statistics of the target's training split", "measure it first")

    def seen(self) -> Constants:
        remedy = "give --source-stats FILE, written by `tare measure --out`"
        return self._needed(self.measured_source, "measured statistics of dataset0", remedy)

    def nothing(self) -> MeanAndStd:
        return (0.0,) * self.channels, (1.0,) * self.channels

    def _needed(self, value: T | None, what: str, remedy: str) -> T:
        if value is None:
            raise StrategyError(f"{what} for the strategy {self.strategy!r}", "none", remedy)
        return value


def matched(source: Constants, seen: Constants, target: DatasetStats) -> MeanAndStd:
    """Return mean and std that feed the target with the moments with which dataset0 reached the network.

    Dataset0 with pooled moments m0, d0 reached the network with mean (m0 - u0)/s0 and std d0/s0. The target reaches it with the
    same moments under std* = s1 s0 / d0 and mean* = u1 - std* (m0 - u0)/s0.
    """
    rows = list(zip(source.mean, source.std, seen.mean, seen.std, target.mean, target.std, strict=True))
    std = tuple(s1 * s0 / d0 for _, s0, _, d0, _, s1 in rows)
    mean = tuple(u1 - scale * (m0 - u0) / s0 for scale, (u0, s0, m0, _, u1, _) in zip(std, rows, strict=True))
    return mean, std


def blended(source: Constants, target: DatasetStats) -> MeanAndStd:
    """Shrink the target's mean and log std toward the source's, the more the larger their standard errors.

    With d = u1 - u0 and its standard error SE (counted in samples): tau2 = max(0, d^2 - SE^2), w = tau2 / (tau2 + SE^2),
    and u = u0 + w d: the positive-part estimator of the weight under a normal prior centred on the source
    (Efron and Morris, JASA 68, 1973).
    """
    mean, std = [], []
    for u0, s0, channel in zip(source.mean, source.std, target.channels, strict=True):
        if channel.std <= 0 or math.isnan(channel.mean_se) or math.isnan(channel.std_se):
            raise StrategyError(
                "target statistics with a standard error for the strategy 'blend'",
                f"channel {channel.name!r} has std {channel.std:g} from {target.samples} samples",
                "use --strategy source, or more samples",
            )
        mean.append(u0 + shrunk(channel.mean - u0, channel.mean_se))
        std.append(s0 * math.exp(shrunk(math.log(channel.std / s0), channel.std_se / channel.std)))
    return tuple(mean), tuple(std)


def shrunk(difference: float, error: float) -> float:
    """Return ``w * difference`` with w = tau2 / (tau2 + error^2), tau2 = max(0, difference^2 - error^2)."""
    spread = max(0.0, difference**2 - error**2)
    return 0.0 if spread == 0.0 else difference * spread / (spread + error**2)


#: The strategies; their names and meanings are in :mod:`tare.normalisation.names`.
_MEAN_AND_STD: Mapping[Strategy, Callable[[_Given], MeanAndStd]] = {
    "source": lambda given: (given.source().mean, given.source().std),
    "target": lambda given: (given.target().mean, given.target().std),
    "match": lambda given: matched(target=given.target(), source=given.source(), seen=given.seen()),
    "blend": lambda given: blended(target=given.target(), source=given.source()),
    "sample": _Given.nothing,
    "none": _Given.nothing,
}
#: Those that use no constants, so that no std can be too small.
_FIXED = ("sample", "none")


def clipped(values: Sequence[float]) -> tuple[float, ...]:
    """Clip unit values to [0, 1]."""
    return tuple(min(1.0, max(0.0, value)) for value in values)


def same_inputs(choices: Sequence[Normalisation], tolerance: float = 1e-6) -> Mapping[Strategy, Strategy]:
    """Map each strategy that feeds the same tensors as an earlier strategy (within ``tolerance`` input std) to that strategy.

    Comparing two such strategies would report a tie that holds by construction.
    """
    repeated: dict[Strategy, Strategy] = {}
    for index, choice in enumerate(choices):
        for earlier in choices[:index]:
            alike = choice.per_sample == earlier.per_sample
            if alike and choice.affine().distance(earlier.affine(), 0.0, 1.0) <= tolerance:
                repeated[choice.strategy] = repeated.get(earlier.strategy, earlier.strategy)
                break
    return repeated


def _ranges(target: DatasetStats | None, channels: int) -> tuple[float, ...]:
    """Return the range of values per channel: 1 in unit values, or the observed range for raw floats."""
    if target is None or not target.dtype or np.dtype(target.dtype).kind != "f" or len(target.channels) != channels:
        return (1.0,) * channels
    return tuple(channel.max - channel.min for channel in target.channels)


def _checked(strategy: Strategy, ranges: tuple[float, ...], mean: tuple[float, ...], std: tuple[float, ...]) -> Normalisation:
    channels = len(ranges)
    if not len(mean) == len(std) == channels:
        raise StrategyError(
            f"{channels} means and stds, one per input channel of the network",
            f"{len(mean)} means and {len(std)} stds",
            "state as many as the network has channels",
        )
    for value, extent in zip(std, ranges, strict=True):
        if not (value > 0 and value >= STD_FLOOR * extent):
            sigma = extent / max(value, 1e-12 * extent, 1e-300)
            unit = "in unit values" if extent == 1.0 else f"of the range of values ({extent:g})"
            raise StrategyError(
                f"every std at least {STD_FLOOR:g} {unit}",
                f"{value:g} under the strategy {strategy!r}: inputs would reach {sigma:.0f} sigma",
                "use --strategy target, or state the scale of the data"
                if strategy == "source"
                else "use --strategy source, or drop the constant channel",
            )
    return Normalisation(strategy, tuple(mean), tuple(std))
