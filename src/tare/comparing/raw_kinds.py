"""What raw values are on both sides: their type, bits in use and units, which come before any number."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from tare.comparing.result import ChannelShift, some
from tare.errors import DataError
from tare.measuring.stated.axes import axes_differ, axes_of
from tare.samples.raw_kind import Known
from tare.samples.records import UNSTATED
from tare.statistics.dataset_stats import DatasetStats

_BITS = {"uint8": 8, "uint16": 16}
# The stds of other content differ by less than this factor around that of the bit depth.
_NEAR = 2.0
# Shares of missing values so many standard errors apart are not those of one population.
_FAR_APART = 4.0
# A number among the words of what files state.
_NUMBER = re.compile(r"-?\d+(\.\d+)?(e[+-]?\d+)?")


def check_front_ends(source: DatasetStats, target: DatasetStats) -> None:
    """Raise :class:`DataError` for values of two front ends, or of one and of none; published constants name none."""
    ends = [stats.extra.get("as_seen", {}).get("front_end") for stats in (source, target)]
    if ends[0] == ends[1] or not (source.samples and target.samples):
        return
    said = [str(stats.units.value) if isinstance(stats.units, Known) else "values as stored" for stats in (source, target)]
    remedy = "measure both with --as-seen of one network"
    raise DataError("values of one front end on both sides", f"{said[0]} and {said[1]}", remedy)


def raw_kinds(source: DatasetStats, target: DatasetStats) -> tuple[tuple[str, ...], str]:
    """What differs, in words; and why numbers must not be compared, "" if they may be."""
    notes = []
    if source.dtype and target.dtype and source.dtype != target.dtype:
        notes.append(
            f"the source holds {_typed(source)} values, the target {_typed(target)}: integers are compared in unit values"
        )
    elif abs(_unused(source) - _unused(target)) > 1:  # one bit less is as often a darker exposure
        notes.append(f"bits in use differ: {_typed(source)} in the source, {_typed(target)} in the target")
    first, second = (_scale(stats) for stats in (source, target))
    if first != second and source.samples and target.samples:
        notes.append(f"stated scales differ, and values are compared as stored: {first} in the source, {second} in the target")
    mine_of, theirs_of = ({k: v for k, v in axes_of(stats).items() if k != "scale"} for stats in (source, target))
    notes += axes_differ(mine_of, theirs_of)
    mine, theirs = source.units, target.units
    if isinstance(mine, Known) and isinstance(theirs, Known) and mine.value != theirs.value:
        return tuple(notes), (
            f"the source counts {mine.value} ({mine.origin}), the target {theirs.value} ({theirs.origin}): their numbers must "
            "not be compared before one is converted"
        )
    return tuple(notes), ""


def missing_shares(source: DatasetStats, target: DatasetStats) -> tuple[str, ...]:
    """A note on the channels of which another share of values is missing and left out: a comparison is of the others."""
    found = []
    for a, b in zip(source.channels, target.channels, strict=True):
        numbers = [(each.nan + each.inf, each.nan + each.inf + each.count) for each in (a, b)]
        if not all(whole for _, whole in numbers):
            continue
        first, second = (missing / whole for missing, whole in numbers)
        pooled = sum(missing for missing, _ in numbers) / sum(whole for _, whole in numbers)
        # Values of one sample are missing together: samples count.
        error = math.sqrt(pooled * (1 - pooled) * sum(1 / max(each.samples, 1) for each in (source, target)))
        if abs(first - second) > _FAR_APART * error:
            found.append(f"{first:.1%} and {second:.1%} of {a.name}")
    return (f"missing values are left out: {some(tuple(found))}",) if found else ()


def measured_otherwise(source: DatasetStats, target: DatasetStats) -> str:
    """That the sides were measured in two ways, under which one set of files differs too; "" if not, or for constants."""
    # Files of a format state a value of their own for no data; what a user names leaves out values that are data elsewhere.
    named = any(not _named(one) <= _left_out(other) for one, other in ((source, target), (target, source)))
    ways = [(*_way(stats, named=named), *_read_by(stats, than)) for stats, than in ((source, target), (target, source))]
    if ways[0] == ways[1] or not all(any(channel.count for channel in stats.channels) for stats in (source, target)):
        return ""
    said = [", ".join(way) or "whole values as stored" for way in ways]
    return f"the sides were measured in two ways, under which the same files differ: source: {said[0]}; target: {said[1]}"


def _read_by(stats: DatasetStats, other: DatasetStats) -> list[str]:
    """How alpha and the orientation that EXIF states were read, if images of both sides have such and were read in two ways."""
    found = []
    for about in ("alpha channel", "EXIF"):
        mine, theirs = ({note for note in each.extra.get("notes", ()) if about in note} for each in (stats, other))
        found += sorted(mine) if mine and theirs and mine != theirs else []
    return found


def _left_out(stats: DatasetStats) -> set[float]:
    """The values that were left out as no data."""
    return set(stats.nodata.value) if isinstance(stats.nodata, Known) else set()


def _named(stats: DatasetStats) -> set[float]:
    """Those of them that the files do not state by themselves."""
    facts = stats.extra.get("facts")
    stated = str(facts.get("nodata", "")) if isinstance(facts, Mapping) else ""
    words = {word for word in stated.replace(",", " ").split() if _NUMBER.fullmatch(word)}
    return _left_out(stats) - set(map(float, words))


def _way(stats: DatasetStats, *, named: bool) -> tuple[str, ...]:
    """How values were chosen and changed before they were measured, in words."""
    found = []
    if named and isinstance(stats.nodata, Known) and stats.nodata.value:
        found.append(f"leaves out the values {', '.join(f'{value:g}' for value in stats.nodata.value)}")
    if stats.extra.get("mask"):
        found.append("inside a mask")
    seen = stats.extra.get("as_seen")
    if isinstance(seen, Mapping) and isinstance(seen.get("size"), list | tuple):
        size = " x ".join(map(str, seen["size"]))
        how = ", ".join(
            f"{key} {seen[key]}" for key in ("interpolation", "crop_fraction", "crop_mode") if seen.get(key) is not None
        )
        found.append(f"resized to {size} pixels and cropped ({how})")
    return tuple(found)


def _scale(stats: DatasetStats) -> str:
    """What the files state that a value is to be multiplied by, and was not."""
    facts = stats.extra.get("facts")
    return str(facts.get("scale", UNSTATED)) if isinstance(facts, Mapping) else UNSTATED


def bit_depth(source: DatasetStats, target: DatasetStats, channels: tuple[ChannelShift, ...]) -> str:
    """The evidence that the sides differ by the bits in use of their integers, "" without it."""
    ends = [_end(stats) for stats in (source, target)]
    if ends[0] is None or ends[1] is None or "uint16" not in (source.dtype, target.dtype):
        return ""
    expected = ends[1] / ends[0]
    ratios = [channel.ratio.estimate for channel in channels]
    if abs(math.log2(expected)) < 1.5 or not all(1 / _NEAR < ratio / expected < _NEAR for ratio in ratios):
        return ""
    return (
        f"the source uses {_typed(source)}, the target {_typed(target)}: unit values are multiplied by {expected:.4g} for that "
        f"alone (stds by {', '.join(f'{ratio:.4g}' for ratio in ratios)}); "
        "divide by the largest value of the bits in use, not of the type"
    )


def _typed(stats: DatasetStats) -> str:
    """``uint16 with 12 bits in use``."""
    return (
        f"{stats.dtype} with {stats.bits.value} bits in use" if _unused(stats) and isinstance(stats.bits, Known) else stats.dtype
    )


def _unused(stats: DatasetStats) -> int:
    """Bits of an integer type that no value uses."""
    known = isinstance(stats.bits, Known) and stats.dtype in _BITS
    return max(0, _BITS[stats.dtype] - stats.bits.value) if known and isinstance(stats.bits, Known) else 0


def _end(stats: DatasetStats) -> float | None:
    """The largest value of the bits in use, in unit values; 8-bit values are taken to use all bits."""
    if stats.dtype == "uint8":
        return 1.0
    if stats.dtype != "uint16" or not isinstance(stats.bits, Known):
        return None
    return float((2**stats.bits.value - 1) / 65535)
