"""The strategies: with which mean and std the target's unit values are normalised before the network sees them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from tare.errors import StrategyError
from tare.input_spec.affine import Affine
from tare.normalisation.names import Strategy
from tare.statistics.dataset_stats import DatasetStats

T = TypeVar("T")

#: Smallest std that is divided by, as a share of the range of values: below it that range spans more than 1000 sigma.
STD_FLOOR = 1e-3


@dataclass(frozen=True, slots=True)
class Constants:
    """Per-channel mean and std in unit values, and who says so."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    origin: str


@dataclass(frozen=True, slots=True)
class Normalisation:
    """``(x - mean) / std`` per channel of unit values x, or each sample by its own moments where ``per_sample``."""

    strategy: Strategy
    mean: tuple[float, ...]
    std: tuple[float, ...]
    per_sample: bool = False

    def affine(self) -> Affine:
        """The map from unit value to network input; for ``per_sample`` the identity that precedes it."""
        return Affine.of_normalisation(self.mean, self.std, raw_scale=1.0)

    @property
    def zero(self) -> tuple[float, ...] | None:
        """The unit value per channel that becomes 0, or None where every sample has its own: what lies outside a sample."""
        return None if self.per_sample else self.mean

    @property
    def border(self) -> tuple[float, ...] | None:
        """The colour around an image: of those that an image can hold, the nearest to ``zero``."""
        return None if self.zero is None else clipped(self.zero)

    def moments_fed(self, target: DatasetStats) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and std per channel that the network receives from data with the pooled statistics ``target``."""
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

    ``source`` are the constants u0, s0 that the network was trained with; ``target`` the statistics u1, s1 of the target's
    *training split*; ``source_seen`` the pooled moments of dataset0 in unit values, which ``match`` needs.

    Raises :class:`StrategyError` if a strategy lacks what it needs, or would divide by a std below ``STD_FLOOR`` of the range:
    the dtype's, or for numbers without one (raw floats) the one the target has.
    """
    ranges = _ranges(target, channels)
    if strategy in ("none", "sample"):
        return Normalisation(strategy, (0.0,) * channels, (1.0,) * channels, per_sample=strategy == "sample")
    if strategy == "source":
        constants = _needed(source, strategy, "the source's mean and std", "state them with --mean and --std")
        return _checked(strategy, ranges, constants.mean, constants.std)
    stats = _needed(target, strategy, "statistics of the target's training split", "measure it first")
    if strategy == "target":
        return _checked(strategy, ranges, stats.mean, stats.std)
    constants = _needed(source, strategy, "the source's mean and std", "state them with --mean and --std")
    if strategy == "blend":
        return _checked(strategy, ranges, *blended(constants, stats))
    seen = _needed(
        source_seen,
        strategy,
        "measured statistics of dataset0",
        "give --source-stats FILE, written by `tare measure --out`",
    )
    return _checked(strategy, ranges, *matched(constants, seen, stats))


def matched(source: Constants, seen: Constants, target: DatasetStats) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and std under which the target reaches the network with the moments that dataset0 really had there.

    Dataset0 with pooled moments m0, d0 reached the network with mean (m0 - u0)/s0 and std d0/s0. The target gets the same:
    std* = s1 s0 / d0 and mean* = u1 - std* (m0 - u0)/s0.
    """
    rows = list(zip(source.mean, source.std, seen.mean, seen.std, target.mean, target.std, strict=True))
    std = tuple(s1 * s0 / d0 for _, s0, _, d0, _, s1 in rows)
    mean = tuple(u1 - scale * (m0 - u0) / s0 for scale, (u0, s0, m0, _, u1, _) in zip(std, rows, strict=True))
    return mean, std


def blended(source: Constants, target: DatasetStats) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Shrink the target's mean and log std toward the source's by how well they are known.

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
    """``w * difference`` with w = tau2 / (tau2 + error^2), tau2 = max(0, difference^2 - error^2)."""
    spread = max(0.0, difference**2 - error**2)
    return 0.0 if spread == 0.0 else difference * spread / (spread + error**2)


def clipped(values: Sequence[float]) -> tuple[float, ...]:
    """Unit values that an image can hold."""
    return tuple(min(1.0, max(0.0, value)) for value in values)


def same_inputs(choices: Sequence[Normalisation], tolerance: float = 1e-6) -> Mapping[Strategy, Strategy]:
    """Map each strategy that feeds the same tensors as an earlier one (to ``tolerance`` input std) to that one.

    Comparing two strategies of one group would report a tie that is true by construction.
    """
    repeated: dict[Strategy, Strategy] = {}
    for index, choice in enumerate(choices):
        for earlier in choices[:index]:
            alike = choice.per_sample == earlier.per_sample
            if alike and choice.affine().distance(earlier.affine(), 0.0, 1.0) <= tolerance:
                repeated[choice.strategy] = repeated.get(earlier.strategy, earlier.strategy)
                break
    return repeated


def _needed(value: T | None, strategy: str, what: str, remedy: str) -> T:
    if value is None:
        raise StrategyError(f"{what} for the strategy {strategy!r}", "none", remedy)
    return value


def _ranges(target: DatasetStats | None, channels: int) -> tuple[float, ...]:
    """The range of values per channel: 1 in unit values, or what was met where the dtype has none."""
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
                "use --strategy source, or drop the constant channel",
            )
    return Normalisation(strategy, tuple(mean), tuple(std))
