"""Published means and stds, with their source and the definition of std behind them.

Three definitions of std circulate under one name: pooled over all values, the mean of per-sample stds, and the root of the
mean per-sample variance. They differ by up to a third, so a constant means little without its definition.
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from statistics import NormalDist
from typing import Any, Literal, Protocol, get_args

from tare.errors import SpecError
from tare.statistics.dataset_stats import ChannelStats, DatasetStats

Definition = Literal["pooled", "mean_of_sample_std", "root_mean_sample_variance", "convention", "unverified"]
Closeness = Literal["equal", "compatible", "close"]

#: The definitions of std under which data are held against a constant.
MEASURED: tuple[Definition, ...] = ("pooled", "mean_of_sample_std", "root_mean_sample_variance")

# A claim of compatibility is refused where sampling alone could hide a difference this large, in unit values: the closest
# two datasets of the catalog lie 0.016 apart.
_COARSEST = 0.02
# Close: within this share of the constant's std, on the mean and on the std. The closest two datasets lie 0.06 apart.
_CLOSE = 0.02
_FEWEST_SAMPLES = 30
# Two numbers with three published digits say the same constant.
_SAME = 0.5e-3


class HasMoments(Protocol):
    """Anything with a mean and a std per channel, in unit values."""

    @property
    def mean(self) -> tuple[float, ...]:
        """Mean of each channel."""

    @property
    def std(self) -> tuple[float, ...]:
        """Std of each channel."""


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """One published constant: the network receives ``(scale * v - mean) / std`` for a raw value v.

    ``digits`` are the decimals published, ``samples`` the size of the dataset it describes (0: not known), and ``channels``
    the order of its channels (RGB, BGR, L, log-mel).
    """

    name: str
    dataset: str
    channels: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    digits: int
    definition: Definition
    source: str
    note: str = ""
    split: str = ""
    kind: Literal["dataset", "convention"] = "dataset"
    samples: int = 0
    scale: float = 1 / 255

    @property
    def rounding(self) -> float:
        """Largest rounding error of the published digits."""
        return 0.5 * 10.0**-self.digits

    @property
    def origin(self) -> str:
        """Where the constant comes from, for provenance."""
        return f"catalog entry {self.name!r} ({self.source})"

    def stats(self) -> DatasetStats:
        """The constant as statistics; its standard errors are those of rounding (a uniform error has std width/sqrt(12)).

        Raises :class:`SpecError` for a convention, which describes no data, and for a std that is not pooled.
        """
        if self.definition != "pooled":
            raise SpecError("a constant that states pooled moments of data", f"{self.name!r}: {self.definition}", _pooled_names())
        error = 2 * self.rounding / math.sqrt(12)
        channels = tuple(
            ChannelStats(name, 0, mean, std, error, error, math.nan, math.nan, math.nan)
            for name, mean, std in zip(_CHANNELS[self.channels], self.mean, self.std, strict=True)
        )
        return DatasetStats(self.samples, channels, source=self.origin)


@dataclass(frozen=True, slots=True)
class Match:
    """Data that agree with a constant, under the definition of std that makes them agree.

    ``equal``: to the published digits; ``compatible``: sampling explains the difference (99%, all channels at once);
    ``close``: it does not, but every mean and std is within 2% of the constant's std. ``distance`` is the largest difference
    of a mean or std, in units of the constant's std.
    """

    entry: CatalogEntry
    definition: Definition
    closeness: Closeness
    distance: float


_CHANNELS = {"RGB": ("red", "green", "blue"), "BGR": ("blue", "green", "red"), "L": ("grey",), "log-mel": ("log-mel",)}
_RANK: dict[Closeness, int] = {"equal": 0, "compatible": 1, "close": 2}


@cache
def entries() -> tuple[CatalogEntry, ...]:
    """All entries, as the catalog file lists them."""
    document = json.loads((files("tare.normalisation") / "catalog.json").read_text(encoding="utf-8"))
    return tuple(_entry(item) for item in document["entries"])


def named(name: str) -> CatalogEntry:
    """Return the entry called ``name``; raises :class:`SpecError` with close names if there is none."""
    known = {entry.name: entry for entry in entries()}
    if name not in known:
        near = difflib.get_close_matches(name, known) or sorted(known)
        raise SpecError("a name in the catalog", repr(name), f"did you mean {', '.join(near)}?")
    return known[name]


def pooled_of(constants: HasMoments) -> CatalogEntry | None:
    """Return the pooled statistics of the dataset that ``constants`` describe, if they equal a catalog entry.

    This is what dataset0 really looked like under its own constants, which the strategy ``match`` needs. None if the
    constants are unknown, are a convention, or belong to a dataset whose pooled statistics nobody published.
    """
    for entry in entries():
        if entry.kind == "dataset" and _same(entry, constants):
            return next((e for e in entries() if _pooled_twin(e, entry)), None)
    return None


def matches(stats: DatasetStats, confidence: float = 0.99) -> tuple[Match, ...]:
    """Say which published constants the data agree with, the best first, and under which definition of std.

    A difference is explained by rounding (half a unit of the last published digit) plus z standard errors, counted in
    samples and at once for all means and stds (Bonferroni), where the constant's own dataset counts as a sample too. The
    standard error of the mean of per-sample stds follows from their spread, ``root_mean_sample_variance^2 -
    mean_of_sample_std^2``, and serves for the third definition as well.
    """
    found = [match for entry in entries() if (match := _best(entry, stats, confidence)) is not None]
    return tuple(sorted(found, key=lambda match: (_RANK[match.closeness], match.distance)))


def _best(entry: CatalogEntry, stats: DatasetStats, confidence: float) -> Match | None:
    if entry.kind != "dataset" or len(entry.mean) != len(stats.channels):
        return None
    held = (_held(entry, definition, stats, confidence) for definition in MEASURED)
    # The entry's own definition comes first: another one that happens to lie nearer explains nothing.
    return min(
        (m for m in held if m is not None),
        key=lambda m: (_RANK[m.closeness], m.definition != entry.definition, m.distance),
        default=None,
    )


def _held(entry: CatalogEntry, definition: Definition, stats: DatasetStats, confidence: float) -> Match | None:
    """Hold the data, under one definition, against one entry."""
    z = NormalDist().inv_cdf(1 - (1 - confidence) / (4 * len(stats.channels)))
    both = math.sqrt(1 + stats.samples / entry.samples) if entry.samples else 1.0
    differences, margins = [], []
    for channel, mean, std in zip(stats.channels, entry.mean, entry.std, strict=True):
        for value, error, published in zip(*_measured(channel, definition, stats.samples), (mean, std), strict=True):
            differences.append(abs(value - published))
            margins.append(z * both * error)
    distance = max(d / s for d, s in zip(differences, _twice(entry.std), strict=True))
    closeness = _closeness(entry, stats.samples, differences, margins)
    return None if closeness is None else Match(entry, definition, closeness, distance)


def _closeness(entry: CatalogEntry, samples: int, differences: list[float], margins: list[float]) -> Closeness | None:
    slack = entry.rounding * (1 + 1e-9)
    if all(d <= slack for d in differences):
        return "equal"
    enough = samples >= _FEWEST_SAMPLES and all(m <= _COARSEST for m in margins)  # NaN margins are not enough
    if not enough:
        return None
    if all(d <= slack + m for d, m in zip(differences, margins, strict=True)):
        return "compatible"
    near = all(d <= slack + _CLOSE * s for d, s in zip(differences, _twice(entry.std), strict=True))
    return "close" if near else None


def _measured(channel: ChannelStats, definition: Definition, samples: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """Mean and std of a channel under one definition, and their standard errors."""
    if definition == "pooled":
        return (channel.mean, channel.std), (channel.mean_se, channel.std_se)
    spread = max(0.0, channel.root_mean_sample_variance**2 - channel.mean_of_sample_std**2)
    error = math.sqrt(spread / (samples - 1)) if samples > 1 else math.nan
    return (channel.sample_mean, float(getattr(channel, definition))), (channel.mean_se, error)


def _twice(values: tuple[float, ...]) -> Iterator[float]:
    for value in values:
        yield value
        yield value


def _same(entry: CatalogEntry, constants: HasMoments) -> bool:
    mine, theirs = (*entry.mean, *entry.std), (*constants.mean, *constants.std)
    tolerance = max(entry.rounding, _SAME) * (1 + 1e-9) if entry.digits > 2 else 1e-9
    return len(mine) == len(theirs) and all(abs(a - b) <= tolerance for a, b in zip(mine, theirs, strict=True))


def _pooled_twin(candidate: CatalogEntry, entry: CatalogEntry) -> bool:
    same_data = (candidate.dataset, candidate.split) == (entry.dataset, entry.split)
    return candidate.definition == "pooled" and same_data and (entry.definition != "pooled" or candidate == entry)


def _pooled_names() -> str:
    return f"pooled ones are {', '.join(entry.name for entry in entries() if entry.definition == 'pooled')}"


def _entry(item: dict[str, Any]) -> CatalogEntry:
    unknown = set(item) - {field.name for field in fields(CatalogEntry)}
    if unknown or item["definition"] not in get_args(Definition):
        raise ValueError(f"malformed catalog entry {item.get('name')!r}: {sorted(unknown)}")
    lists = {key: tuple(float(value) for value in item[key]) for key in ("mean", "std")}
    return CatalogEntry(**{**item, **lists})
