"""The strategies: the map by which your data (dataset1, the target) are normalised, from unit values to network input."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from tare.errors import StrategyError
from tare.input_spec.fields import PerSample
from tare.input_spec.input_map import Window, mapped
from tare.normalisation.applied import EACH, Normalisation
from tare.normalisation.names import Strategy
from tare.normalisation.ranges import extremes, is_raw, quantiles, to_symmetric, to_unit, window_of
from tare.samples.layout import unit_scale
from tare.statistics.dataset_stats import DatasetStats
from tare.statistics.inference.logarithms import LOWEST

T = TypeVar("T")
MeanAndStd = tuple[tuple[float, ...], tuple[float, ...]]

#: Smallest std accepted as a divisor, as a share of the range of values, which then spans 1000 sigma.
STD_FLOOR = 1e-3


@dataclass(frozen=True, slots=True)
class Constants:
    """Per-channel mean and std in unit values, and their origin.

    Where the network's convention is more than that, ``value_map`` and ``clip`` come before them, as in :class:`Normalisation`.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    origin: str
    value_map: str = "identity"
    clip: Window | None = None
    step: float = 1.0

    def convention(self) -> Normalisation:
        """What the network was trained with, as a normalisation."""
        return Normalisation("source", self.mean, self.std, value_map=self.value_map, clip=self.clip, step=self.step)

    def takes(self, dtype: str) -> bool:
        """Whether its named map, if it has one, takes raw values of type ``dtype`` as they are."""
        return self.value_map == "identity" or is_raw(self.step, dtype)

    def of_scaled(self, factor: float) -> Constants:
        """The same for values that are ``factor`` times as large: each becomes what it became before."""
        if self.value_map != "identity":  # mean, std and clip are of logarithms
            return replace(self, step=factor * self.step)
        mean, std = (tuple(factor * value for value in values) for values in (self.mean, self.std))
        clip = self.clip and tuple((factor * low, factor * high) for low, high in self.clip)
        return replace(self, mean=mean, std=std, clip=clip)


def normalisation(
    strategy: Strategy,
    channels: int,
    *,
    source: Constants | None = None,
    target: DatasetStats | None = None,
    source_seen: Constants | None = None,
    window: tuple[float, float] | None = None,
) -> Normalisation:
    """Compute the normalisation of ``strategy`` for a network with ``channels`` input channels.

    ``source`` are the constants u0, s0 that the network was pretrained with. ``target`` are the statistics u1, s1 of the
    target's *training split*. ``source_seen`` are the pooled moments of the pretraining data (dataset0) in unit values, which
    only ``match`` needs. ``window`` is a low and a high raw value, which only ``window`` needs.

    Raises :class:`StrategyError` if an input of the strategy is missing, or if it would divide by a std below ``STD_FLOOR`` of
    the range of values: the dtype's range, or for raw floats the range of the target.
    """
    made = _MADE[strategy](_Given(strategy, channels, source, target, source_seen, window))
    _check_count(made, channels)
    if made.is_affine and strategy != "none":
        names = [channel.name for channel in target.channels] if target is not None else []
        _check_spread(made, _ranges(strategy, target, channels), names)
    return made


@dataclass(frozen=True, slots=True)
class _Given:
    """What a strategy may use; asking for what was not given raises :class:`StrategyError`."""

    strategy: Strategy
    channels: int
    stated_source: Constants | None
    measured_target: DatasetStats | None
    measured_source: Constants | None
    stated_window: tuple[float, float] | None = None

    def source(self) -> Constants:
        return self._needed(self.stated_source, "the source's mean and std", "state them with --mean and --std")

    def linear_source(self) -> Constants:
        """The source's constants. Raises :class:`StrategyError` if values are cut off or mapped before them."""
        found = self.source().convention()
        if not found.is_affine:
            remedy = "use --strategy source, which does the same to your data, or --strategy target"
            wanted = f"a source of mean and std alone for the strategy {self.strategy!r}"
            raise StrategyError(wanted, found.input_map().why_not_affine(), remedy)
        return self.source()

    def as_source(self) -> Normalisation:
        """The source's whole convention. Raises :class:`StrategyError` if its logarithm is not that of the target's raw values.

        A specification, which a run has, states a logarithm of raw values alone.
        """
        source, target = self.source(), self.measured_target
        if target is not None and not source.takes(target.dtype):
            found = f"{source.value_map} of {target.dtype or 'float'} values x {self.step / source.step:.6g}"
            wanted = f"data whose raw values are those that the source's {source.value_map} is of"
            raise StrategyError(wanted, found, "convert the data to the type and range of the source's, or use --strategy target")
        return source.convention()

    def target(self) -> DatasetStats:
        return self._needed(self.measured_target, "statistics of the target's training split", "measure it first")

    def seen(self) -> Constants:
        remedy = "give --source-stats FILE, written by `tare measure --out`"
        return self._needed(self.measured_source, "measured statistics of dataset0", remedy)

    def window(self) -> Window:
        remedy = "state --window LOW,HIGH in raw values, or the name of a window of the catalog, such as ct-lung"
        raw = self._needed(self.stated_window, "a window of raw values", remedy)
        return window_of(raw, self.channels, self.step)

    def logarithms(self, name: str) -> MeanAndStd:
        """Mean and std of the target's logarithms."""
        for channel in self.target().channels:
            if name not in channel.mapped:
                low = channel.min / self.step
                found = f"values from {low:g} in channel {channel.name!r}"
                found += "" if low <= LOWEST[name] else ", whose logarithms were not measured"
                first = "leave out what is no value" if low <= LOWEST[name] else "measure them"
                other = "log1p or percentile" if name != "log1p" and low > LOWEST["log1p"] else "percentile"
                wanted = f"values above {LOWEST[name]:g} with measured logarithms for {self.strategy!r}"
                raise StrategyError(wanted, found, f"{first}, or use --strategy {other}")
        pairs = [channel.mapped[name] for channel in self.target().channels]
        return tuple(mean for mean, _ in pairs), tuple(std for _, std in pairs)

    @property
    def step(self) -> float:
        """What one raw value of the target is in unit values."""
        return float(unit_scale(self.target().dtype or "float64"))

    def applied(self, mean_and_std: MeanAndStd, **others: Any) -> Normalisation:
        """The normalisation by a mean and std, with what else the strategy does."""
        mean, std = mean_and_std
        return Normalisation(self.strategy, tuple(mean), tuple(std), **others)

    def nothing(self, **others: Any) -> Normalisation:
        """Values as they are, but for what else the strategy does."""
        return self.applied(((0.0,) * self.channels, (1.0,) * self.channels), **others)

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


def _cut(given: _Given, ends: Window, maps: Callable[[Window], MeanAndStd] = to_unit) -> Normalisation:
    """Values cut to ``ends``, which become the ends of the range that ``maps`` names."""
    return given.applied(maps(ends), clip=ends)


def _decibels(given: _Given) -> Normalisation:
    """Decibels by their mean and std; values below the target's smallest are cut to it, since zero has no logarithm."""
    constants = given.logarithms("dB")
    lowest = (mapped("dB", np, channel.min / given.step) for channel in given.target().channels)
    return given.applied(constants, value_map="dB", step=given.step, clip=tuple((float(low), math.inf) for low in lowest))


def _own_percentiles(given: _Given) -> Normalisation:
    each = PerSample("percentile", "channel", eps=_EPS, low=1.0, high=99.0)
    return given.nothing(per_sample=each, clip=((0.0, 1.0),) * given.channels)


#: The strategies; their names and meanings are in :mod:`tare.normalisation.names`.
_MADE: Mapping[Strategy, Callable[[_Given], Normalisation]] = {
    "source": lambda given: given.as_source(),
    "target": lambda given: given.applied((given.target().mean, given.target().std)),
    "match": lambda given: given.applied(matched(target=given.target(), source=given.linear_source(), seen=given.seen())),
    "blend": lambda given: given.applied(blended(target=given.target(), source=given.linear_source())),
    "sample": lambda given: given.nothing(per_sample=EACH),
    "none": lambda given: given.nothing(),
    "minmax": lambda given: given.applied(to_unit(extremes(given.target()))),
    "quantile": lambda given: given.applied(to_symmetric(quantiles(given.target(), 0.01, 0.99))),
    "bounds": lambda given: _cut(given, quantiles(given.target(), 0.01, 0.99), to_symmetric),
    "percentile": lambda given: _cut(given, quantiles(given.target(), 0.01, 0.99)),
    "stretch": lambda given: _cut(given, quantiles(given.target(), 0.02, 0.98)),
    "window": lambda given: _cut(given, given.window()),
    "log1p": lambda given: given.applied(given.logarithms("log1p"), value_map="log1p", step=given.step),
    "dB": _decibels,
    "sample-percentile": _own_percentiles,
}
#: Keeps a sample of one value from a division by zero, and changes no digit of 16-bit values.
_EPS = 1e-9


def _ranges(strategy: Strategy, target: DatasetStats | None, channels: int) -> tuple[float, ...]:
    """The range of values per channel: 1 in unit values, or what was observed for raw floats and for ranges of the target's."""
    floats = target is not None and bool(target.dtype) and np.dtype(target.dtype).kind == "f"
    if target is None or not (floats or strategy in ("minmax", "quantile")) or len(target.channels) != channels:
        return (1.0,) * channels
    return tuple(channel.max - channel.min for channel in target.channels)


def _check_count(made: Normalisation, channels: int) -> None:
    if not len(made.mean) == len(made.std) == channels:
        raise StrategyError(
            f"{channels} means and stds, one per input channel of the network",
            f"{len(made.mean)} means and {len(made.std)} stds",
            "state as many as the network has channels",
        )


def _check_spread(made: Normalisation, ranges: tuple[float, ...], names: Sequence[str]) -> None:
    for place, (value, extent) in enumerate(zip(made.std, ranges, strict=True)):
        if not (value > 0 and value >= STD_FLOOR * extent):
            reached = f": inputs would reach {extent / value:.0f} sigma" if value > 0 else ""
            whose = f" of channel {names[place]!r}" if place < len(names) else ""
            unit = "in unit values" if extent == 1.0 else f"of the range of values ({extent:g})"
            raise StrategyError(
                f"every std at least {STD_FLOOR:g} {unit}",
                f"{value:g}{whose} under the strategy {made.strategy!r}{reached}",
                "use --strategy target, or state the scale of the data"
                if made.strategy == "source"
                else "use --strategy source, or leave the constant channel out of the data",
            )
