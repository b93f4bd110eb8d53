"""The options that state mean and std, read alike by every command."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

from tare.errors import SpecError
from tare.samples.constants import check_one_scale
from tare.system.options import OptionGroup, option

NORM = "Normalisation"
_COLOURS = 3


def constants(text: str, name: str) -> list[float]:
    """Read a mean or std: numbers with commas or blanks between, or the name of a catalog entry, in unit values.

    ``name`` is the option, ``--mean`` or ``--std``. Raises :class:`SpecError` for anything else.
    """
    words = text.strip().strip("[]()").replace(",", " ").split()
    try:
        return [float(word) for word in words]
    except ValueError:
        if len(words) != 1:
            raise SpecError(f"numbers after {name}", f"{text!r}", "write them as 0.485,0.456,0.406") from None
    return _of_catalog(words[0], name)


def _of_catalog(word: str, name: str) -> list[float]:
    from tare.errors import did_you_mean
    from tare.normalisation.catalog import by_name

    entry = by_name().get(word)
    if entry is None:
        otherwise = "write numbers as 0.485,0.456,0.406"
        remedy = did_you_mean(word, by_name(), otherwise, cutoff=0.6)
        raise SpecError(f"numbers or the name of a catalog entry after {name}", f"{word!r}", remedy)
    mean, std = entry.unit_values()
    return list(mean if name == "--mean" else std)


def constants_option(words: str) -> Any:
    """An option that states a mean or std; ``words`` is its help."""
    return option(None, words, panel=NORM, reads=constants, metavar="NUMBERS", repeats=True)


@dataclass(frozen=True, kw_only=True)
class StatedConstants(OptionGroup):
    """The mean and std that a network was trained with."""

    mean: Sequence[float] | None = constants_option(
        "Mean that the network was pretrained with, in unit values: 0.5,0.5,0.5 or 0.5 for all channels, given once or once per "
        "channel, or the name of a catalog entry. Default: as the network states."
    )
    std: Sequence[float] | None = constants_option("Std that the network was pretrained with, like --mean.")

    def check(self) -> None:
        """Raise :class:`SpecError` for constants that no network can have been trained with, or only one of the two."""
        super().check()
        stated: tuple[tuple[str, Any], ...] = (("--mean", self.mean), ("--std", self.std))
        for name, values in stated:
            listed = isinstance(values, Iterable) and all(isinstance(value, Real) and math.isfinite(value) for value in values)
            if values is not None and (not listed or not len(values)):
                raise SpecError(f"finite numbers for {name}, one per channel or one", f"{values!r}", "write them as [0.5]")
        if (self.mean is None) != (self.std is None):
            raise SpecError("both --mean and --std, or neither", "only one of them", "state both")
        if self.mean is None or self.std is None:
            return
        if len(self.mean) != len(self.std) and 1 not in (len(self.mean), len(self.std)):
            found = f"{len(self.mean)} means and {len(self.std)} stds"
            raise SpecError("one mean and one std per channel, or one for all", found, "state as many of each")
        if min(self.std) <= 0:
            raise SpecError("every --std above zero", f"{min(self.std):g}", "a channel that never changes has no std: drop it")
        if max(len(self.mean), len(self.std)) == _COLOURS:
            check_one_scale(self.mean, self.std)
