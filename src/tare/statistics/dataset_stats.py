"""The result of ``tare.measure``: per-channel statistics in unit values, with standard errors and provenance."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from tare.errors import DataError
from tare.samples.layout import channel_names, unit_scale
from tare.samples.raw_kind import UNSTATED, Field, Known, Unknown, bits_in_use
from tare.samples.records import Skipped
from tare.statistics.bins import Bins, binned, fine
from tare.statistics.buckets import Buckets
from tare.statistics.channel import ChannelState
from tare.statistics.histogram import Histogram
from tare.statistics.inference.logarithms import Moments, moments_of_counts
from tare.statistics.state import ChannelLayout, DatasetState, SampleGroup
from tare.system.files import json_text, write_text
from tare.system.handed.arguments import place_of
from tare.system.local.opened import text_of
from tare.system.shown import Shown, numbers

SCHEMA = "tare.stats/2"
_OLDER = "tare.stats/1"
_MOST = 1 << 62  # larger counts would overflow 64-bit arithmetic
#: Names of samples that lie in a file of arrays.
_OF_AN_ARRAY = re.compile(r"\.(npy|npz|h5|hdf5|zarr|mat|pt|safetensors)\b", re.IGNORECASE)
_TWO_SIDED = 1.959964  # standard errors of a 95% interval
_HISTOGRAMS = ("histogram", "fine")
#: What is no number of a channel.
_KINDS: Mapping[str, Callable[[Any], Any]] = {"name": str, "constant": bool}
# Quantiles are known if their error is at most this share of the range that holds most values.
_KNOWN = 0.01
_NEARLY_ALL = 0.97
# Values beside one that nearly all have are a few up to this share.
_RARE = 0.002
_NAMED = 4
_QUANTILES = (0.01, 0.02, 0.05, 0.25, 0.5, 0.75, 0.95, 0.98, 0.99)


@dataclass(frozen=True, slots=True)
class ChannelStats:
    """Statistics of one channel in unit values; ``count`` counts values, standard errors count samples.

    ``mean`` and ``std`` are pooled over all values of all samples (population, ddof 0). ``mean_of_sample_std`` and
    ``root_mean_sample_variance`` are the two other definitions of std in circulation; ``sample_mean`` and ``sample_std``
    weigh every sample alike. So many samples of one size as ``equal_samples`` would say as much about the mean: fewer than there
    are if few of them hold most values. A figure that cannot be estimated is NaN (null in JSON).

    A quantile q is the smallest value with at least a share q of the values at or below it: exact for 8-bit and 16-bit data,
    otherwise within ``quantile_error``, at most 1/4,095 of the range (:mod:`tare.statistics.buckets`). ``share_at_low_end`` and
    ``share_at_high_end`` are the shares of values at the ends of an integer dtype's range, which clipping fills; for floats,
    which have no such range, they are the shares at the smallest and largest value. ``histogram`` is coarse, for drawing;
    ``fine`` has one bin for each level of 8-bit data and at most 256 bins of other data, for comparisons. ``mapped`` has mean and
    std of the logarithms of raw values (:mod:`tare.statistics.inference.logarithms`), where they were measured and exist.
    """

    name: str
    count: int
    mean: float
    std: float
    mean_se: float
    std_se: float
    min: float
    max: float
    mean_of_sample_std: float
    root_mean_sample_variance: float = math.nan
    sample_mean: float = math.nan
    sample_std: float = math.nan
    effective_samples: float = math.nan
    equal_samples: float = math.nan
    share_at_low_end: float = math.nan
    share_at_high_end: float = math.nan
    quantiles: Mapping[str, float] = field(default_factory=dict)
    nan: int = 0
    inf: int = 0
    constant: bool = False
    quantile_error: float = math.nan
    histogram: Bins | None = None
    fine: Bins | None = None
    mapped: Moments = field(default_factory=dict)

    @property
    def crowded(self) -> bool:
        """Whether a few values far from all others leave the others in so few buckets that their distribution is not known.

        Quantiles are then known to no more than a hundredth of the range from the first to the last hundredth. Whole numbers in
        steps of one are known.
        """
        first, last = (self.quantiles.get(key, math.nan) for key in ("0.01", "0.99"))
        if not self.quantile_error > 0 or not self.std > 0 or not math.isfinite(last - first):
            return False
        if self.quantile_error <= 0.5 and self.min.is_integer() and self.max.is_integer():
            return False
        if first == last:  # nearly all are equal, or look so: at an end that is known, and with many others the column is sparse
            counts = self.fine.counts if self.fine is not None else ()
            many = bool(counts) and max(counts) < (1 - _RARE) * sum(counts)
            return not many and not max(self.share_at_low_end, self.share_at_high_end) > _NEARLY_ALL
        return self.quantile_error > _KNOWN * (last - first)


@dataclass(frozen=True, slots=True, repr=False)
class DatasetStats(Shown):
    """Statistics of a dataset, with the skipped files and the origin of the data.

    ``dtype`` is the type of raw values, ``bits`` how many of its bits are in use, ``units`` what a raw value counts, and
    ``nodata`` the raw values that were left out because they mean "no data".
    """

    samples: int
    channels: tuple[ChannelStats, ...]
    skipped: tuple[Skipped, ...] = ()
    source: str = ""
    dtype: str = ""
    version: str = ""
    bits: Field[int] = UNSTATED
    units: Field[str] = UNSTATED
    nodata: Field[tuple[float, ...]] = UNSTATED
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def mean(self) -> tuple[float, ...]:
        """Pooled mean of each channel, unit values."""
        return tuple(channel.mean for channel in self.channels)

    @property
    def std(self) -> tuple[float, ...]:
        """Pooled std of each channel, unit values."""
        return tuple(channel.std for channel in self.channels)

    @property
    def unreadable(self) -> tuple[Skipped, ...]:
        """What should have been a sample and could not be read."""
        return tuple(item for item in self.skipped if not item.foreign)

    @property
    def crowding(self) -> str:
        """That a few values far from all others decide the figures of channels, in a sentence; "" where none do."""
        named = [
            each.name for each in self.channels if each.crowded and each.quantiles["0.99"] - each.quantiles["0.01"] < each.std
        ]
        if not named:
            return ""
        shown = ", ".join(named[:_NAMED]) + (f" and {len(named) - _NAMED} more channels" if len(named) > _NAMED else "")
        return (
            f"a few values of {shown} lie far from all others: they decide mean and std, under which the others become almost "
            "equal, and quantiles are uncertain; leave those values out"
        )

    def summary(self) -> str:
        """How many samples, of what, and their mean and std."""
        of = f" of {self.source}" if self.source else ""
        dtype = f", {self.dtype}" if self.dtype else ""
        return f"{self.samples:,} samples{of}{dtype}; mean {numbers(self.mean)}, std {numbers(self.std)}"

    def table(self) -> list[dict[str, Any]]:
        """One row for each channel."""
        names = ("name", "mean", "mean_se", "std", "std_se", "min", "max", "mean_of_sample_std", "count", "nan", "inf")
        return [{name: getattr(channel, name) for name in names} for channel in self.channels]

    def points(self) -> list[dict[str, Any]]:
        """Mean and std of each channel with 95% intervals."""
        return [
            _point(panel, channel.name, getattr(channel, panel), getattr(channel, f"{panel}_se"))
            for panel in ("mean", "std")
            for channel in self.channels
        ]

    def to_json(self) -> dict[str, Any]:
        """The statistics as a JSON object with schema ``tare.stats/2``; NaN and what is unknown become null."""
        stated = {name: getattr(self, name) for name in _STATED}
        return {
            **self.extra,
            "schema": SCHEMA,
            "samples": self.samples,
            "channels": [nullable(asdict(channel)) for channel in self.channels],
            "skipped": [item.to_json() for item in self.skipped],
            "source": self.source,
            "dtype": self.dtype,
            "version": self.version,
            **{name: each.value if isinstance(each, Known) else None for name, each in stated.items()},
            "origin": {
                name: each.origin if isinstance(each, Known) else {"unknown": each.reason} for name, each in stated.items()
            },
        }

    @classmethod
    def from_json(cls, document: Any) -> DatasetStats:
        """Read :meth:`to_json` back; unknown keys are kept in ``extra``. Raises :class:`DataError` if malformed."""
        if not isinstance(document, dict) or document.get("schema") not in (SCHEMA, _OLDER):
            found = document.get("schema") if isinstance(document, dict) else type(document).__name__
            raise DataError(f"a JSON object with schema {SCHEMA!r}", f"{found!r}", "write it with `tare measure --out`")
        try:
            return cls(
                samples=_count("samples", int(document["samples"])),
                channels=tuple(_channel(item) for item in document["channels"]),
                skipped=tuple(
                    Skipped(str(item["path"]), str(item["reason"]), bool(item.get("foreign", False)))
                    for item in document.get("skipped", ())
                ),
                source=str(document.get("source", "")),
                dtype=str(document.get("dtype", "")),
                version=str(document.get("version", "")),
                **_stated(document),
                extra=_finite({key: value for key, value in document.items() if key not in _KEYS}),
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise DataError(
                f"a complete {SCHEMA!r} object",
                f"{type(error).__name__}: {error}",
                "write it with `tare measure --out`",
            ) from None

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the statistics as JSON, atomically."""
        write_text(Path(path), json_text(self.to_json()) + "\n")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> DatasetStats:
        """Read what :meth:`save` wrote. Raises :class:`DataError` if it is not there or malformed."""
        place = place_of(path, "a statistics file", DataError)
        try:
            document = json.loads(text_of(place))
        except (OSError, ValueError, RecursionError) as error:
            raise DataError("a readable statistics file", f"{str(place)!r}: {error}", "check the path") from None
        return cls.from_json(document)


#: What a raw value is, each a field with its origin, and how a value is read.
_STATED: Mapping[str, Callable[[Any], Any]] = {
    "bits": lambda value: _count("bits", _number("bits", value)),
    "units": str,
    "nodata": lambda value: tuple(_number("nodata", each) for each in value),
}
_KEYS = {"schema", "origin", *(f.name for f in fields(DatasetStats) if f.name != "extra")}


def summarise(state: DatasetState, source: str, version: str, *, exclude_nan: bool = False) -> DatasetStats:
    """Turn a state into statistics in unit values.

    A channel with NaN or infinities has counts alone; ``exclude_nan`` gives the statistics of its finite values.

    Raises :class:`DataError` without samples, or for samples of several layouts, which must not be pooled.
    """
    if not state.groups:
        skipped = f"{len(state.skipped)} files, none of them readable" if state.skipped else "no files"
        example = f" (for example {state.skipped[0].path!r}: {state.skipped[0].reason})" if state.skipped else ""
        remedy = "do as the reason says, or name other data" if example else "check the path"
        raise DataError("at least one readable sample", f"{skipped} in {source!r}{example}", remedy)
    if len(state.groups) > 1:
        raise _mixed(state, source)
    (layout, group), *_ = state.groups.items()
    scale = float(unit_scale(layout.dtype))
    names = channel_names(layout.channels)
    channels = tuple(_stats(name, channel, scale) for name, channel in zip(names, group.channels, strict=True))
    if not exclude_nan:
        channels = tuple(_counts_only(channel) if channel.nan or channel.inf else channel for channel in channels)
    bits = bits_of(layout, group)
    return DatasetStats(group.samples, channels, state.skipped, source, layout.dtype, version, bits)


def _stated(document: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that say what a raw value is; those that the file does not state are unknown."""
    origins = document.get("origin")
    origins = origins if isinstance(origins, Mapping) else {}
    fields: dict[str, Any] = {}
    for name, read in _STATED.items():
        value, origin = document.get(name), origins.get(name)
        if value is None:
            reason = origin.get("unknown") if isinstance(origin, Mapping) else None
            fields[name] = Unknown(str(reason or "the statistics file does not state it"))
        else:
            fields[name] = Known(read(value), str(origin or "statistics file"))
    return fields


def _stats(name: str, state: ChannelState, scale: float) -> ChannelStats:
    moments, histogram = state.moments, state.histogram
    low_share, high_share = _end_shares(histogram, scale)
    return ChannelStats(
        name=name,
        count=moments.count,
        mean=moments.mean * scale,
        std=moments.std * scale,
        mean_se=moments.mean_se * scale,
        std_se=moments.std_se * scale,
        min=moments.low * scale if moments.count else math.nan,
        max=moments.high * scale if moments.count else math.nan,
        mean_of_sample_std=moments.mean_of_sample_std * scale,
        root_mean_sample_variance=moments.root_mean_sample_variance * scale,
        sample_mean=moments.sample_mean * scale,
        sample_std=moments.sample_weighted_std * scale,
        effective_samples=moments.effective_samples,
        equal_samples=moments.equal_samples,
        share_at_low_end=low_share,
        share_at_high_end=high_share,
        quantiles={f"{q:g}": histogram.quantile(q) * scale for q in _QUANTILES},
        nan=moments.nan,
        inf=moments.inf,
        constant=moments.constant,
        quantile_error=0.0 if isinstance(histogram, Histogram) else histogram.error * scale,
        histogram=binned(histogram, scale),
        fine=fine(histogram, scale),
        mapped=moments_of_counts(histogram),
    )


def _end_shares(counted: Histogram | Buckets, scale: float) -> tuple[float, float]:
    if isinstance(counted, Histogram):
        return counted.share_at(0), counted.share_at(255)
    if not counted.total:
        return math.nan, math.nan
    ends = (0, round(1 / scale))
    known = counted.words and (scale < 1 or (counted.low >= 0 and counted.high <= 1))  # signed values have no range of their own
    low, high = (counted.count_at(end) for end in ends) if known else (counted.at_low, counted.at_high)
    return low / counted.total, high / counted.total


def _point(panel: str, name: str, value: float, error: float) -> dict[str, Any]:
    half = _TWO_SIDED * error
    return nullable({"panel": panel, "name": name, "value": value, "low": value - half, "high": value + half})


def _counts_only(channel: ChannelStats) -> ChannelStats:
    """The counts of a channel with NaN or infinities; statistics that silently left them out would mislead."""
    counts = {"name": channel.name, "count": channel.count, "nan": channel.nan, "inf": channel.inf}
    unknown = dict.fromkeys(("mean", "std", "mean_se", "std_se", "min", "max", "mean_of_sample_std"), math.nan)
    return ChannelStats(**counts, **unknown)  # type: ignore[arg-type]


def _mixed(state: DatasetState, source: str) -> DataError:
    def describe(layout: ChannelLayout) -> str:
        group = state.groups[layout]
        bits = bits_of(layout, group)
        used = (
            f", {bits.value} bits in use" if isinstance(bits, Known) and bits.value < 8 * np.dtype(layout.dtype).itemsize else ""
        )
        kind = f"{layout.channels} channel{'s' if layout.channels > 1 else ''} of {layout.dtype}{used}"
        return f"{group.samples} with {kind} (for example {group.example!r})"

    kinds = sorted(state.groups, key=lambda layout: (-state.groups[layout].samples, layout))
    dtypes = {layout.dtype for layout in kinds}
    apart = "measure each kind by itself: a pattern such as 'FOLDER/*-16.png', or a .txt list of its paths"
    several = len({layout.channels for layout in kinds}) > 1
    # Only encoded images are converted: of arrays nobody says which channels are colours.
    arrays = any(_OF_AN_ARRAY.search(state.groups[layout].example) for layout in kinds) or dtypes != {"uint8"}
    converted = "convert with --channels rgb or --channels grey, or " if several and not arrays else ""
    return DataError(
        "samples with one number of channels and one dtype",
        f"in {source!r} {' and '.join(describe(layout) for layout in kinds)}",
        f"{converted}{apart}",
    )


def bits_of(layout: ChannelLayout, group: SampleGroup) -> Field[int]:
    """The bits that the raw values of a group occupy."""
    return bits_in_use(layout.dtype, max((c.moments.high for c in group.channels if c.moments.count), default=math.nan))


def nullable(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same values with NaN and infinities as None, which JSON has."""
    return {key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in values.items()}


def _channel(document: Mapping[str, Any]) -> ChannelStats:
    known = {f.name for f in fields(ChannelStats)}
    values: dict[str, Any] = {key: _value(key, value) for key, value in document.items() if key in known}
    missing = next((name for name in ("mean", "std", "mean_se", "std_se") if name not in values), None)
    if missing is not None:
        raise KeyError(missing)
    histograms: dict[str, Any] = {name: _bins(values.get(name)) for name in _HISTOGRAMS}
    return ChannelStats(**{**values, **histograms, "mapped": _mapped(values.get("mapped"))})


def _mapped(document: Any) -> dict[str, tuple[float, float]]:
    """Mean and std of each logarithm; none in older files. Raises TypeError or ValueError if it is malformed."""
    pairs = ((str(name), mean, std) for name, (mean, std) in (document or {}).items())
    return {name: (_number(f"the mean of {name}", mean), _number(f"the std of {name}", std)) for name, mean, std in pairs}


def _value(key: str, value: Any) -> Any:
    """Convert one JSON value of a channel. Raises TypeError or ValueError if it is malformed."""
    if key in _KINDS:
        return _KINDS[key](value)
    if key in (*_HISTOGRAMS, "mapped"):
        return value
    if key == "quantiles":
        if not all(0 <= float(share) <= 1 for share in value):
            raise ValueError(f"quantiles of shares outside 0 to 1: {list(value)}"[:200])
        return {share: _real(f"the quantile {share}", each) for share, each in value.items()}
    number = _real(key, value)
    if key not in ("count", "nan", "inf"):
        return number
    return _count(key, number)


def _count(key: str, number: float) -> int:
    if not 0 <= number <= _MOST or number != int(number):
        raise ValueError(f"{key} is no count: {number!r}"[:200])
    return int(number)


def _number(key: str, value: Any) -> float:
    if value is None:
        raise TypeError(f"{key} is not a number: null")
    return _real(key, value)


def _finite(extra: dict[str, Any]) -> dict[str, Any]:
    """Keys that tare does not know. Raises ValueError for NaN and Infinity, which Python reads and JSON does not have."""
    json.dumps(extra, allow_nan=False)
    return extra


def _real(key: str, value: Any) -> float:
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < math.inf:
        raise TypeError(f"{key} is not a number: {value!r}"[:200])
    return float(value)


def _bins(document: Any) -> Bins | None:
    """Read a histogram back; None if the channel has no histogram."""
    if not isinstance(document, Mapping):
        return None
    low, width, counts = float(document["low"]), float(document["width"]), tuple(int(count) for count in document["counts"])
    if not (math.isfinite(low) and 0 < width < math.inf and counts and min(counts) >= 0):
        raise ValueError("a histogram needs a finite low, a width above zero, and counts")
    return Bins(low, width, counts)
