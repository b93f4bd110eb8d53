"""What a network is about to be fed: the data's statistics, and the map that is applied to them."""

from __future__ import annotations

from dataclasses import dataclass

from tare.normalisation.applied import Normalisation
from tare.samples.layout import unit_scale
from tare.statistics.dataset_stats import DatasetStats

#: Strategies that apply constants of other data than those that are fed.
FOREIGN = ("source", "blend")
#: A mean or std of a network's input beyond which it is far from the usual 0 and 1, in input std.
OFF = 5.0
#: The std of photographs in unit values.
_USUAL_STD = 0.25


@dataclass(frozen=True, slots=True)
class Feed:
    """Data, as statistics of their unit values, and the normalisation that they are fed under.

    ``trained_on`` are the statistics of what the network was trained on, where they are known. ``own`` says that the constants
    are those that the network itself, or its specification, states: then its inputs need not be near mean 0 and std 1 (a caffe
    network takes 0..255 minus a mean).
    """

    stats: DatasetStats
    normalisation: Normalisation
    trained_on: DatasetStats | None = None
    own: bool = False

    @property
    def foreign(self) -> bool:
        """Whether the constants are those of other data."""
        return self.normalisation.strategy in FOREIGN

    @property
    def mean(self) -> float:
        """The mean of the network's input, of the channel that is farthest from 0, in input std."""
        return max(self.normalisation.moments_fed(self.stats)[0], key=abs)

    @property
    def std(self) -> float:
        """The std of the network's input, of the channel that varies most, in input std."""
        return max(self.normalisation.moments_fed(self.stats)[1])

    @property
    def is_own_range(self) -> bool:
        """Whether values of a type with a range, such as 0..255, are fed under the network's own constants: none is too far."""
        return self.own and self.foreign and unit_scale(self.stats.dtype) != 1

    @property
    def spread(self) -> float:
        """The std of the network's input as a share of what a network is used to: 1 for data as varied as photographs.

        Deeper types hold sensors that use a part of their range, as their constants say.
        """
        return max(self.stats.std) / _USUAL_STD if self.is_own_range and self.stats.dtype == "uint8" else self.std

    @property
    def fed(self) -> str:
        """What the network would see, in words."""
        means, stds = self.normalisation.moments_fed(self.stats)
        farthest = max(range(len(means)), key=lambda c: abs(means[c]))
        return f"mean {means[farthest]:.3g} and std {stds[farthest]:.3g}"


def leaves_far(chosen: Normalisation, trained_on: DatasetStats | None) -> bool:
    """Whether a network's own constants may leave its inputs far from 0 and 1: they did in training, or it is unknown."""
    if trained_on is None or not chosen.is_affine or len(trained_on.channels) != len(chosen.mean):
        return True
    return not all(abs(value) <= OFF for moments in chosen.moments_fed(trained_on) for value in moments)


def same_kind(one: str, other: str) -> bool:
    """Whether raw values of two types mean the same: integers of one width, or plain numbers that nothing scales."""
    return one == other or unit_scale(one) == unit_scale(other) == 1
