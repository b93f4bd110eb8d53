"""Published constants as a side of a comparison: a mean and a std under a definition, compared with like figures of the other.

The std of a constant is pooled over all values, or the mean of the stds of single samples, or unverified. Data have all of
these; two constants of different definitions share the mean alone.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import get_args

from tare.errors import DataError
from tare.normalisation.catalog import CatalogEntry, Definition, entries
from tare.statistics.dataset_stats import ChannelStats, DatasetStats

_KEY = "definition"
_NAMES = {
    "pooled": "pooled over all values",
    "mean_of_sample_std": "the mean of the stds of single samples",
    "root_mean_sample_variance": "the root of the mean variance of single samples",
    "unverified": "not verified by anybody",
}
_COMPARABLE: tuple[Definition, ...] = ("pooled", "mean_of_sample_std", "root_mean_sample_variance")


def of_constants(entry: CatalogEntry, dtype: str = "") -> DatasetStats:
    """A constant as statistics in the unit values of ``dtype``, whose ``extra`` has its definition of std.

    Raises :class:`DataError` for a convention such as 0.5/0.5, which describes no data.
    """
    if entry.kind == "convention" or entry.definition == "convention":
        known = ", ".join(one.name for one in entries() if one.kind == "dataset" and one.channels == entry.channels)
        raise DataError(
            "a constant that describes data", f"{entry.name!r}, a convention for inputs that no data were measured for",
            f"name one of {known}, or data",
        )  # fmt: skip
    pooled = replace(entry, definition="pooled").stats(dtype)
    return pooled if entry.definition == "pooled" else replace(pooled, extra={_KEY: entry.definition})


def like_with_like(source: DatasetStats, target: DatasetStats) -> tuple[DatasetStats, DatasetStats, tuple[str, ...], bool]:
    """Both sides under one definition of std, what that definition is in words, and whether the stds can be compared at all."""
    mine, theirs = (_definition(stats) for stats in (source, target))
    if mine == theirs:
        return source, target, (), True
    stated = [_published(stats) for stats in (source, target)]
    if all(stated):
        words = f"the std of the source is {_NAMES[mine]}, that of the target {_NAMES[theirs]}: their ratio shows the definitions"
        return source, target, (words,), False
    constant, data = (source, target) if stated[0] else (target, source)
    wanted = mine if stated[0] else theirs
    notes = [f"{constant.source}: its std is {_NAMES[wanted]}"]
    if wanted == "unverified":
        wanted = min(_COMPARABLE, key=lambda one: _distance(constant, _under(data, one)))
        notes.append(f"the data are compared under the nearest definition, {_NAMES[wanted]}")
    else:
        notes.append("the std of the data is taken likewise")
    turned = _under(data, wanted)
    if not all(math.isfinite(channel.std) and math.isfinite(channel.mean) for channel in turned.channels):
        raise DataError(
            f"data that state {_NAMES[wanted]}, as the constant does", f"statistics without it in {data.source!r}",
            "measure the data again, or name a pooled constant",
        )  # fmt: skip
    return (source, turned, tuple(notes), True) if stated[0] else (turned, target, tuple(notes), True)


def _definition(stats: DatasetStats) -> Definition:
    found = stats.extra.get(_KEY)
    return next((one for one in get_args(Definition) if one == found), "pooled")


def _published(stats: DatasetStats) -> bool:
    return not any(channel.count for channel in stats.channels)


def _under(stats: DatasetStats, definition: Definition) -> DatasetStats:
    return replace(stats, channels=tuple(_channel(channel, definition, stats.samples) for channel in stats.channels))


def _channel(channel: ChannelStats, definition: Definition, samples: int) -> ChannelStats:
    """The figures under a definition; a std over samples is as uncertain as the spread of the samples' stds makes it."""
    if definition == "pooled":
        return channel
    spread = max(0.0, channel.root_mean_sample_variance**2 - channel.mean_of_sample_std**2)
    error = math.sqrt(spread / (samples - 1)) if samples > 1 else math.nan
    return replace(channel, mean=channel.sample_mean, std=float(getattr(channel, definition)), std_se=error)


def _distance(constant: DatasetStats, data: DatasetStats) -> float:
    pairs = zip(constant.channels, data.channels, strict=False)
    away = math.fsum(abs(math.log(b.std / a.std)) if a.std > 0 and b.std > 0 else math.inf for a, b in pairs)
    return away if math.isfinite(away) else math.inf
