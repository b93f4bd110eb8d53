"""The options that state mean and std, read alike by every command."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

from tare.errors import SpecError, short_repr
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


def window(text: str, name: str) -> list[float]:
    """Read a window of raw values: its low and its high end, or the name of a catalog entry that has one, such as ct-lung.

    Raises :class:`SpecError` for anything else.
    """
    words = text.strip().strip("[]()").replace(",", " ").split()
    try:
        ends = [float(word) for word in words]
    except ValueError:
        ends = _catalog_window(text.strip(), name)
    check_window(ends, name)
    return ends


def check_window(ends: Sequence[float], name: str) -> None:
    """Raise :class:`SpecError` unless there are a finite low end and a higher one."""
    numbers = isinstance(ends, Iterable) and all(isinstance(end, Real) for end in ends)
    if not numbers or len(ends) != 2 or not all(map(math.isfinite, ends)) or not ends[0] < ends[1]:
        found = (", ".join(f"{end:g}" for end in ends) or "nothing") if numbers else short_repr(ends)
        raise SpecError(f"a low end and a higher one for {name}", found, "write them as -1350,150")


def ends_of(window: Sequence[float] | None) -> tuple[float, float] | None:
    """The low and the high end of a checked window."""
    return None if window is None else (float(window[0]), float(window[1]))


def check_window_meant(strategy: str | None, window: Sequence[float] | None) -> None:
    """Raise :class:`SpecError` for a window that the strategy does not cut to, and for the strategy ``window`` without one."""
    if window is not None and strategy != "window":
        raise SpecError("a --window for --strategy window alone", f"--strategy {strategy or 'source'}", "leave one of them out")
    if window is None and strategy == "window":
        remedy = "state --window LOW,HIGH in raw values, or the name of a window of the catalog, such as ct-lung"
        raise SpecError("a --window for --strategy window", "none", remedy)


def _catalog_window(word: str, name: str) -> list[float]:
    from tare.errors import did_you_mean
    from tare.normalisation.catalog import entries

    known = {entry.name: entry.clip[0] for entry in entries() if len(entry.clip) == 1 and all(map(math.isfinite, entry.clip[0]))}
    if word not in known:
        remedy = did_you_mean(word, known, f"write numbers as -1350,150, or one of {', '.join(known)}", cutoff=0.6)
        raise SpecError(f"a low end and a higher one, or the name of a window, after {name}", f"{word!r}", remedy)
    return list(known[word])


def constants_option(words: str) -> Any:
    """An option that states a mean or std; ``words`` is its help."""
    return option(None, words, panel=NORM, reads=constants, metavar="NUMBERS", repeats=True)


@dataclass(frozen=True, kw_only=True)
class StatedWindow(OptionGroup):
    """The window of raw values that the strategy ``window`` cuts to."""

    window: Sequence[float] | None = option(
        None,
        "For --strategy window: the raw values that become 0 and 1, such as -1350,150, or the name of a window of the catalog, "
        "such as ct-lung.",
        panel=NORM,
        reads=window,
        metavar="LOW,HIGH",
    )

    def check(self) -> None:
        """Raise :class:`SpecError` for a window without a low and a higher end."""
        super().check()
        if self.window is not None:
            check_window(self.window, "--window")


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
                raise SpecError(f"finite numbers for {name}, one per channel or one", short_repr(values), "write them as [0.5]")
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
