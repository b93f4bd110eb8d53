"""Published means and stds, each with its source and its definition of std.

Three definitions of std are in use under one name: pooled over all values, the mean of per-sample stds, and the root of the
mean per-sample variance. They differ by up to a third, so a published std means little without its definition.
"""

from __future__ import annotations

import itertools
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
# of the catalog are 0.016 apart. Constants of other data are judged in units of a usual std.
_COARSEST, _USUAL_STD = 0.02, 0.25
# Close: mean and std within this share of the constant's std. The closest two datasets of the catalog are 0.06 apart.
_CLOSE = 0.02
_FEWEST_SAMPLES = 30
# Two numbers within half a unit of the third decimal state the same constant.
_SAME = 0.5e-3


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """One published constant: the network receives ``(scale * v - mean) / std`` for a raw value v.

    ``digits`` is the number of published decimals, ``samples`` the size of the dataset (0: unknown), and ``channels`` the order
    of the channels: RGB, BGR, L, or their names joined by commas. ``raw_dtype`` is the type of the raw values, ``units`` what
    they count (digital numbers, reflectance, dB, HU; empty: not stated), and ``clip`` the window that they are cut to first, if
    any: one pair for all channels, or one per channel. Mean and std are those of the values times ``scale``. ``families`` are
    networks that take the constants, whose names find the entry as well.
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
    raw_dtype: str = "uint8"
    units: str = ""
    clip: tuple[tuple[float, float], ...] = ()
    families: tuple[str, ...] = ()

    @property
    def rounding(self) -> float:
        """Largest rounding error of the published digits."""
        return 0.5 * 10.0**-self.digits

    @property
    def origin(self) -> str:
        """The provenance of the constant."""
        return f"catalog entry {self.name!r} ({self.source})"

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each channel."""
        return _CHANNELS.get(self.channels) or tuple(self.channels.split(","))

    @property
    def is_image(self) -> bool:
        """Whether the constants are those of 8-bit photographs, in colours or grey."""
        return self.channels in ("RGB", "BGR", "L")

    def unit_values(self, dtype: str = "") -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and std in the unit values of data of type ``dtype``, by default of the entry's own type.

        Photographs have one mean and std in unit values whatever their type is. Other constants count something, say digital
        numbers, of which unit values are a share of the type's range: 1/65535 for uint16, 1 for floats.
        """
        from tare.samples.layout import unit_scale

        factor = float(unit_scale(self.raw_dtype if self.is_image else dtype or self.raw_dtype)) / self.scale
        mean, std = (tuple(value * factor for value in values) for values in (self.mean, self.std))
        return mean, std

    def stats(self, dtype: str = "") -> DatasetStats:
        """Return the constant as statistics; its standard errors are those of rounding (a uniform error has std width/sqrt(12)).

        They are in the unit values of ``dtype``, see :meth:`unit_values`. Raises :class:`SpecError` for a std that is not
        pooled, and for a convention, which does not describe data.
        """
        if self.definition != "pooled":
            raise SpecError("a constant that states pooled moments of data", f"{self.name!r}: {self.definition}", _pooled_names())
        from tare.samples.raw_kind import Known
        from tare.statistics.dataset_stats import ChannelStats, DatasetStats

        means, stds = self.unit_values(dtype)
        error = 2 * self.rounding / math.sqrt(12) * (stds[0] / self.std[0])
        channels = tuple(
            ChannelStats(name, 0, mean, std, error, error, math.nan, math.nan, math.nan)
            for name, mean, std in zip(self.names, means, stds, strict=True)
        )
        kind: dict[str, Any] = {} if self.is_image else {"dtype": dtype or self.raw_dtype}
        kind |= {"units": Known(self.units, self.origin)} if self.units else {}
        return DatasetStats(self.samples, channels, source=self.origin, **kind)


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


@cache
def by_name() -> dict[str, CatalogEntry]:
    """Every entry by its name, and by those of the families of networks that take its constants."""
    return {name: entry for entry in entries() for name in (entry.name, *entry.families)}


def named(name: str) -> CatalogEntry:
    """Return the entry named ``name``; raises :class:`SpecError` with close names for an unknown name."""
    known = by_name()
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
    if entry.kind != "dataset" or not _fits(entry, stats):
        return None
    held = (_held(entry, definition, stats, confidence) for definition in MEASURED)
    # The entry's own definition comes first: a nearer match under another definition is a coincidence.
    return min(
        (m for m in held if m is not None),
        key=lambda m: (_RANK[m.closeness], m.definition != entry.definition, m.distance),
        default=None,
    )


def _fits(entry: CatalogEntry, stats: DatasetStats) -> bool:
    """Whether a constant could be one of the data's: as many channels, and no other units or names of bands stated."""
    from tare.samples.raw_kind import Known

    if len(entry.mean) != len(stats.channels):
        return False
    if entry.units and isinstance(stats.units, Known) and stats.units.value != entry.units:
        return False
    found, named_ = {channel.name for channel in stats.channels}, set(entry.names)
    return entry.is_image or not found & named_ or tuple(channel.name for channel in stats.channels) == entry.names


def _held(entry: CatalogEntry, definition: Definition, stats: DatasetStats, confidence: float) -> Match | None:
    """Compare the data with one entry, under one definition of std."""
    z = NormalDist().inv_cdf(1 - (1 - confidence) / (4 * len(stats.channels)))
    both = math.sqrt(1 + stats.samples / entry.samples) if entry.samples else 1.0
    means, stds = entry.unit_values(stats.dtype)
    differences, margins = [], []
    for channel, mean, std in zip(stats.channels, means, stds, strict=True):
        for value, error, published in zip(*_measured(channel, definition, stats.samples), (mean, std), strict=True):
            differences.append(abs(value - published) / std)
            margins.append(z * both * error / std)
    slack = tuple(entry.rounding * (1 + 1e-9) / std for std in entry.std)
    closeness = _closeness(entry, stats.samples, differences, margins, tuple(_twice(slack)))
    return None if closeness is None else Match(entry, definition, closeness, max(differences))


def _closeness(
    entry: CatalogEntry, samples: int, differences: list[float], margins: list[float], slack: tuple[float, ...]
) -> Closeness | None:
    """How near the data are, from differences, margins and rounding in units of the constant's std."""
    if all(d <= s for d, s in zip(differences, slack, strict=True)):
        return "equal"
    stds = _twice(entry.std) if entry.is_image else itertools.repeat(_USUAL_STD)
    enough = samples >= _FEWEST_SAMPLES and all(m * s <= _COARSEST for m, s in zip(margins, stds, strict=False))
    if not enough:  # also for NaN margins
        return None
    if all(d <= s + m for d, m, s in zip(differences, margins, slack, strict=True)):
        return "compatible"
    return "close" if all(d <= s + _CLOSE for d, s in zip(differences, slack, strict=True)) else None


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
    lists: dict[str, Any] = {key: tuple(float(value) for value in item[key]) for key in ("mean", "std")}
    lists |= {"families": tuple(item.get("families", ()))}
    if "clip" in item:
        pairs = item["clip"] if isinstance(item["clip"][0], list) else [item["clip"]]
        lists["clip"] = tuple((-math.inf if low is None else low, math.inf if high is None else high) for low, high in pairs)
    return CatalogEntry(**{**item, **lists})
