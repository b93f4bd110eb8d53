"""What the files of a dataset state of their values: units, spacing, scale, no-data; said of all, or refused if they differ."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from math import isfinite

from tare.errors import DataError
from tare.samples.raw_kind import Known, Unknown
from tare.samples.records import UNSTATED, Facts
from tare.statistics.dataset_stats import DatasetStats
from tare.statistics.state import NOT_FINITE, NOT_FINITE_ROWS, DatasetState, Stated

#: The names of facts that may differ between the samples of a dataset.
_FREE = frozenset(("nodata", "sampling rate", "photometric interpretation", "orientation"))
_SPACING = "spacing"
_HOLD = "hold NaN or infinite values"
#: Facts that have a line or a column of their own in the output.
_SHOWN_ELSEWHERE = frozenset(("units", "nodata", "bits", "bands"))
_SHOWN = 3
_WORDS = {"bands": "order of bands"}


def with_facts(stats: DatasetStats, state: DatasetState, of_source: Facts = (), *, mixed_spacing: bool = False) -> DatasetStats:
    """Add units, no-data and the other facts that the files state of each sample, or the source of all of them.

    Raises :class:`DataError` if samples differ in a fact, since values of two units or scales must not be pooled. Samples of
    different spacing are pooled only if ``mixed_spacing`` says so.
    """
    by_name: defaultdict[str, dict[str, Stated]] = defaultdict(dict)
    for name, value in of_source:
        by_name[name][value] = Stated(stats.samples, stats.source)
    strange = {fact: stated for fact, stated in state.facts.items() if fact in (NOT_FINITE, NOT_FINITE_ROWS)}
    for (name, value), stated in sorted(state.facts.items()):
        if (name, value) not in strange:
            by_name[name][value] = stated
    for name, values in by_name.items():
        if name not in _FREE and not (name == _SPACING and mixed_spacing):
            _check_one(name, values, stats)
    facts = {name: ", ".join(values) for name, values in by_name.items()}
    remarks = [*stats.extra.get("remarks", ()), *_remarks(by_name), *not_finite(strange, stats.samples)]
    extra = {**stats.extra, **({"facts": facts} if facts else {}), **({"remarks": remarks} if remarks else {})}
    stats = _bits(stats, by_name.get("bits", {}))
    return _nodata(_units(replace(stats, extra=extra), by_name.get("units", {})), by_name.get("nodata", {}))


def not_finite(facts: Mapping[tuple[str, str], Stated], samples: int) -> list[str]:
    """What is to be said of NaN and infinite values: how many samples hold some, and the first of them."""
    said = []
    if (stated := facts.get(NOT_FINITE)) is not None:
        said.append(f"{stated.samples} of {samples} samples {_HOLD}, the first {stated.example!r}")
    if (stated := facts.get(NOT_FINITE_ROWS)) is not None:
        said.append(f"rows with NaN, infinite or missing values, such as {stated.example!r}")
    return said


def finite(stats: DatasetStats) -> DatasetStats:
    """The statistics; raises :class:`DataError` for a channel without a mean, with the first sample that holds NaN."""
    for channel in stats.channels:
        if not isfinite(channel.mean) and (channel.nan or channel.inf):
            where = next((said for said in stats.extra.get("remarks", ()) if _HOLD in said), "")
            found = f"{channel.nan} NaN and {channel.inf} infinite values in channel {channel.name!r} of {stats.source!r}"
            remedy = "measure it with --exclude-nan --out FILE, and name the file; or repair those samples"
            raise DataError("a mean and std in every channel", f"{found}{f': {where}' if where else ''}", remedy)
    return stats


def _check_one(name: str, values: dict[str, Stated], stats: DatasetStats) -> None:
    found = [f"{value} in {stated.samples} (for example {stated.example!r})" for value, stated in values.items()]
    rest = stats.samples - sum(stated.samples for stated in values.values())
    if rest > 0:
        found.append(f"nothing in {rest}")
    if len(found) > 1:
        shown = " and ".join(found[:_SHOWN]) + (f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else "")
        pooling = ", or pool them with --mixed-spacing" if name == _SPACING else ""
        raise DataError(
            f"samples with one {_WORDS.get(name, name)}", f"in {stats.source!r} {shown}", f"measure each kind by itself{pooling}"
        )


def _remarks(by_name: dict[str, dict[str, Stated]]) -> list[str]:
    """One sentence a fact."""
    told = ((name, values) for name, values in by_name.items() if name not in _SHOWN_ELSEWHERE and [*values] != [UNSTATED])
    return [f"{name}: {', '.join(list(values)[:_SHOWN])}{' ...' if len(values) > _SHOWN else ''}" for name, values in told]


def _units(stats: DatasetStats, values: dict[str, Stated]) -> DatasetStats:
    if not values:
        return stats
    value, stated = next(iter(values.items()))
    if value == UNSTATED:
        return replace(stats, units=Unknown("the files do not state it"))
    return replace(stats, units=Known(value, stated.example))


def _bits(stats: DatasetStats, values: dict[str, Stated]) -> DatasetStats:
    """The bits that the files state, in place of those that the largest value occupies."""
    if not values or stats.dtype not in ("uint8", "uint16"):
        return stats
    value, stated = next(iter(values.items()))
    return replace(stats, bits=Known(int(value), stated.example))


def _nodata(stats: DatasetStats, values: dict[str, Stated]) -> DatasetStats:
    """The values that the files state to mean no data, behind those that the user named."""
    numbers = {float(word): stated for words, stated in values.items() for word in words.split() if word != UNSTATED}
    finite = {number: stated for number, stated in numbers.items() if isfinite(number)}
    named = stats.nodata.value if isinstance(stats.nodata, Known) else ()
    if finite.keys() <= {*named}:
        return stats
    origin = f"the files, such as {next(iter(finite.values())).example}"
    origin = f"{stats.nodata.origin}, and {origin}" if isinstance(stats.nodata, Known) else origin
    return replace(stats, nodata=Known((*named, *sorted(finite.keys() - {*named})), origin))
