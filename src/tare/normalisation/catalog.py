"""Published means and stds, each with its source and its definition of std.

Three definitions of std are in use under one name: pooled over all values, the mean of per-sample stds, and the root of the
mean per-sample variance. They differ by up to a third, so a published std means little without its definition.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Literal, get_args

from tare.errors import SpecError, did_you_mean

if TYPE_CHECKING:  # they load numeric libraries, which reading the constants does not need
    from tare.normalisation.strategies import Constants
    from tare.statistics.dataset_stats import ChannelStats, DatasetStats

Definition = Literal["pooled", "mean_of_sample_std", "root_mean_sample_variance", "convention", "unverified"]
Closeness = Literal["equal", "compatible", "close"]

#: The definitions of std under which data are compared with a constant.
MEASURED: tuple[Definition, ...] = ("pooled", "mean_of_sample_std", "root_mean_sample_variance")

# Data are not called compatible if sampling alone could hide a difference this large, in unit values: the closest two datasets
# of the catalog are 0.016 apart.
_COARSEST = 0.02
# Close: mean and std within this share of the constant's std. The closest two datasets of the catalog are 0.06 apart.
_CLOSE = 0.02
_FEWEST_SAMPLES = 30
# Two numbers within half a unit of the third decimal state the same constant.
_SAME = 0.5e-3


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """One published constant: the network receives ``(scale * v - mean) / std`` for a raw value v.

    ``digits`` is the number of published decimals, ``samples`` the size of the dataset (0: unknown), and ``channels`` the order
    of the channels (RGB, BGR, L, log-mel).
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
        """The provenance of the constant."""
        return f"catalog entry {self.name!r} ({self.source})"

    def stats(self) -> DatasetStats:
        """Return the constant as statistics; its standard errors are those of rounding (a uniform error has std width/sqrt(12)).

        Raises :class:`SpecError` for a std that is not pooled, and for a convention, which does not describe data.
        """
        if self.definition != "pooled":
            raise SpecError("a constant that states pooled moments of data", f"{self.name!r}: {self.definition}", _pooled_names())
        from tare.statistics.dataset_stats import ChannelStats, DatasetStats

        error = 2 * self.rounding / math.sqrt(12)
        channels = tuple(
            ChannelStats(name, 0, mean, std, error, error, math.nan, math.nan, math.nan)
            for name, mean, std in zip(_CHANNELS[self.channels], self.mean, self.std, strict=True)
        )
        return DatasetStats(self.samples, channels, source=self.origin)


@dataclass(frozen=True, slots=True)
class Match:
    """A constant that the data agree with, and the definition of std under which they do.

    ``closeness`` is ``equal`` (to the published digits), ``compatible`` (sampling explains the difference at 99%, over all
    channels at once), or ``close`` (every mean and std is within 2% of the constant's std). ``distance`` is the largest
    difference of a mean or std, in units of the constant's std.
    """

    entry: CatalogEntry
    definition: Definition
    closeness: Closeness
    distance: float


_CHANNELS = {"RGB": ("red", "green", "blue"), "BGR": ("blue", "green", "red"), "L": ("grey",), "log-mel": ("log-mel",)}
_RANK: dict[Closeness, int] = {"equal": 0, "compatible": 1, "close": 2}


@cache
def entries() -> tuple[CatalogEntry, ...]:
    """Return all entries, in the order of the catalog file."""
    document = json.loads((files("tare.normalisation") / "catalog.json").read_text(encoding="utf-8"))
    return tuple(_entry(item) for item in document["entries"])


def named(name: str) -> CatalogEntry:
    """Return the entry named ``name``; raises :class:`SpecError` with close names for an unknown name."""
    known = {entry.name: entry for entry in entries()}
    if name not in known:
        every = f"did you mean {', '.join(sorted(known))}?"
        raise SpecError("a name in the catalog", repr(name), did_you_mean(name, known, every, cutoff=0.6))
    return known[name]


def pooled_of(constants: Constants | CatalogEntry) -> CatalogEntry | None:
    """Return the pooled statistics of the dataset that ``constants`` describe, if they equal a catalog entry.

    The strategy ``match`` needs these moments of the pretraining data (dataset0). Returns None if the constants are unknown, are
    a convention, or belong to a dataset without published pooled statistics.
    """
    for entry in entries():
        if entry.kind == "dataset" and _same(entry, constants):
            return next((e for e in entries() if _pooled_twin(e, entry)), None)
    return None


def matches(stats: DatasetStats, confidence: float = 0.99) -> tuple[Match, ...]:
    """Return the published constants that the data agree with, the best first, each under its definition of std.

    Rounding (half a unit of the last published digit) plus z standard errors explain a difference. Standard errors count
    samples, hold for all means and stds at once (Bonferroni), and include the sampling error of the constant's own dataset. The
    standard error of the mean of per-sample stds follows from their spread, ``root_mean_sample_variance^2 -
    mean_of_sample_std^2``, and is used for the third definition as well.
    """
    found = [match for entry in entries() if (match := _best(entry, stats, confidence)) is not None]
    return tuple(sorted(found, key=lambda match: (_RANK[match.closeness], match.distance)))


def _best(entry: CatalogEntry, stats: DatasetStats, confidence: float) -> Match | None:
    if entry.kind != "dataset" or len(entry.mean) != len(stats.channels):
        return None
    held = (_held(entry, definition, stats, confidence) for definition in MEASURED)
    # The entry's own definition comes first: a nearer match under another definition is a coincidence.
    return min(
        (m for m in held if m is not None),
        key=lambda m: (_RANK[m.closeness], m.definition != entry.definition, m.distance),
        default=None,
    )


def _held(entry: CatalogEntry, definition: Definition, stats: DatasetStats, confidence: float) -> Match | None:
    """Compare the data with one entry, under one definition of std."""
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
    enough = samples >= _FEWEST_SAMPLES and all(m <= _COARSEST for m in margins)  # false for NaN margins
    if not enough:
        return None
    if all(d <= slack + m for d, m in zip(differences, margins, strict=True)):
        return "compatible"
    near = all(d <= slack + _CLOSE * s for d, s in zip(differences, _twice(entry.std), strict=True))
    return "close" if near else None


def _measured(channel: ChannelStats, definition: Definition, samples: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return mean and std of a channel under one definition, each with its standard error."""
    if definition == "pooled":
        return (channel.mean, channel.std), (channel.mean_se, channel.std_se)
    spread = max(0.0, channel.root_mean_sample_variance**2 - channel.mean_of_sample_std**2)
    error = math.sqrt(spread / (samples - 1)) if samples > 1 else math.nan
    return (channel.sample_mean, float(getattr(channel, definition))), (channel.mean_se, error)


def _twice(values: tuple[float, ...]) -> Iterator[float]:
    for value in values:
        yield value
        yield value


def _same(entry: CatalogEntry, constants: Constants | CatalogEntry) -> bool:
    mine, theirs = (*entry.mean, *entry.std), (*constants.mean, *constants.std)
    tolerance = max(entry.rounding, _SAME) * (1 + 1e-9) if entry.digits > 2 else 1e-9
    return len(mine) == len(theirs) and all(abs(a - b) <= tolerance for a, b in zip(mine, theirs, strict=True))


def _pooled_twin(candidate: CatalogEntry, entry: CatalogEntry) -> bool:
    same_data = (candidate.dataset, candidate.split) == (entry.dataset, entry.split)
    return candidate.definition == "pooled" and same_data and (entry.definition != "pooled" or candidate == entry)


def _pooled_names() -> str:
    return f"choose a pooled entry: {', '.join(entry.name for entry in entries() if entry.definition == 'pooled')}"


def _entry(item: dict[str, Any]) -> CatalogEntry:
    unknown = set(item) - {field.name for field in fields(CatalogEntry)}
    if unknown or item["definition"] not in get_args(Definition):
        raise ValueError(f"malformed catalog entry {item.get('name')!r}: {sorted(unknown)}")
    lists = {key: tuple(float(value) for value in item[key]) for key in ("mean", "std")}
    return CatalogEntry(**{**item, **lists})
