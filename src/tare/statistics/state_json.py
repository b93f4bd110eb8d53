"""A measurement's state as JSON, so that it can be kept, sent and merged elsewhere, without a pickle.

Exact numbers stay exact: a dyadic is ``[mantissa in hexadecimal, exponent]``, a float its hexadecimal form, and counts are
64-bit little-endian integers, deflated, in base 64.
"""

from __future__ import annotations

import base64
import math
import re
import sys
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np

from tare.errors import DataError, short_repr
from tare.samples.records import Skipped
from tare.statistics.buckets import Buckets
from tare.statistics.channel import ChannelState
from tare.statistics.exact import Dyadic
from tare.statistics.histogram import LEVELS, Histogram
from tare.statistics.moments import Moments
from tare.statistics.state import ChannelLayout, Cluster, DatasetState, SampleGroup, Stated, Totals

SCHEMA = "tare.state/1"

_INTEGERS = ("samples", "count", "nan", "inf")
_FLOATS = ("low", "high")
# More counts than any state has, and a larger count: these limit the claims of a damaged or hostile file.
_MOST_BYTES, _MOST_COUNT = 8 << 16, 1 << 62
# An exact sum of fourth powers of doubles, scaled or not, reaches from 2**-8600 to 2**4300, and has as many bits.
_MANTISSA, _LARGEST_EXPONENT = re.compile("-?0x[0-9a-f]{1,4096}"), 1 << 14
#: The degree of each sum in the values and in their number: what it can reach at most.
_REACH = {
    **{"total": (1, 1), "squares": (2, 1), "sample_means": (1, 1), "sample_means_squared": (2, 1)},
    **{"sample_stds": (1, 1), "sample_variances": (2, 1), "cross_nn": (0, 2), "cross_ns": (1, 2), "cross_nq": (2, 2)},
    **{"cross_ss": (2, 2), "cross_sq": (3, 2), "cross_qq": (4, 2)},
}
#: Of smaller values the compiled loops may see zeros where they look for the ends.
_SMALLEST = sys.float_info.min
_NEVER_NEGATIVE = ("squares", "cross_nn", "cross_ss", "cross_qq", "sample_means_squared", "sample_stds", "sample_variances")


def state_to_json(state: DatasetState) -> dict[str, Any]:
    """The state as a JSON object with schema ``tare.state/1``."""
    return {
        "schema": SCHEMA,
        "groups": [_group(layout, group) for layout, group in sorted(state.groups.items())],
        "skipped": [item.to_json() for item in state.skipped],
        "notes": dict(state.notes),
        "facts": [[*fact, stated.samples, stated.example] for fact, stated in sorted(state.facts.items())],
        "clusters": [_cluster(*each) for each in sorted(state.clusters.items())],
    }


def state_from_json(document: Any) -> DatasetState:
    """Read the object of :func:`state_to_json`. Raises :class:`DataError` for another schema or version, or if malformed."""
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        found = document.get("schema") if isinstance(document, dict) else type(document).__name__
        raise DataError(f"a JSON object with schema {SCHEMA!r}", f"{found!r}", "write it with the same version of tare")
    try:
        groups = dict(map(_read_group, _list(document["groups"])))
        skipped = tuple(Skipped(_text(i["path"]), _text(i["reason"]), _flag(i["foreign"])) for i in _list(document["skipped"]))
        notes = {_text(what): whole(count) for what, count in document["notes"].items()}
        facts = {(_text(k), _text(v)): Stated(whole(n), _text(path)) for k, v, n, path in _list(document.get("facts", []))}
        clusters = dict(map(_read_cluster, _list(document.get("clusters", []))))
        if len(groups) < len(document["groups"]) or len(clusters) < len(document.get("clusters", [])):
            raise ValueError("two groups of one layout, or two clusters of one name")
        for cluster, totals in clusters.items():
            _check_cluster(totals, groups[cluster.layout])
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, zlib.error) as error:
        raise DataError(f"a complete {SCHEMA!r} object", f"{type(error).__name__}: {error}", "write it again") from None
    return DatasetState(groups, skipped, notes, facts, clusters)


def whole(value: Any) -> int:
    """A count in a document. Raises ValueError for what is none: a number below zero, a fraction, a text, a truth value."""
    if type(value) is not int or not 0 <= value < _MOST_COUNT:
        raise ValueError(f"{short_repr(value)} as a count")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{short_repr(value)} as a text")
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"{short_repr(value)} as a list")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{short_repr(value)} as a truth value")
    return value


def _group(layout: ChannelLayout, group: SampleGroup) -> dict[str, Any]:
    channels = [{"moments": _moments(c.moments), "counts": _counted(c.histogram)} for c in group.channels]
    return {"dtype": layout.dtype, "samples": group.samples, "example": group.example, "channels": channels}


def _read_group(document: Mapping[str, Any]) -> tuple[ChannelLayout, SampleGroup]:
    channels = tuple(map(_read_channel, _list(document["channels"])))
    group = SampleGroup(whole(document["samples"]), _text(document["example"]), channels)
    if not channels or not group.samples:
        raise ValueError("a group without channels or samples")
    return _layout(channels, document["dtype"]), group


def _layout(channels: Sequence[Any], dtype: Any) -> ChannelLayout:
    kind = np.dtype(_text(dtype))
    if kind.kind not in "biuf" or kind.name != dtype:
        raise ValueError(f"values of {short_repr(dtype)}")
    return ChannelLayout(len(channels), kind.name)


def _read_channel(document: Mapping[str, Any]) -> ChannelState:
    moments, counted = _read_moments(document["moments"]), _read_counted(document["counts"])
    if isinstance(counted, Histogram):
        counts = np.array(counted.counts, np.int64)
    else:
        counts = np.frombuffer(counted.counts, np.int64)
        ends = (counted.low, counted.high) == (moments.low, moments.high)
        if counts.size and not (ends and counted.at_low <= counts[0] and counted.at_high <= counts[-1]):
            raise ValueError("counts of other values than the sums")
    if counts.size and (int(counts.min()) < 0 or int(counts.max()) >= _MOST_COUNT // counts.size):
        raise ValueError("counts that no values have")
    total = int(counts.sum())
    # Values closer to zero than all normal numbers are in the sums, and where they are the smallest, in no bucket.
    is_short = isinstance(counted, Histogram) or not total
    if total > moments.count or (is_short and total != moments.count):
        raise ValueError("counts of another number of values than the sums")
    return ChannelState(moments, counted)


def _cluster(cluster: Cluster, totals: tuple[Totals, ...]) -> dict[str, Any]:
    sums = [[n, _number("total", s), _number("squares", q)] for n, s, q in totals]
    return {"name": cluster.name, "dtype": cluster.layout.dtype, "totals": sums}


def _read_cluster(document: Mapping[str, Any]) -> tuple[Cluster, tuple[Totals, ...]]:
    totals = tuple((whole(n), _read_number("total", s), _read_number("squares", q)) for n, s, q in _list(document["totals"]))
    return Cluster(_text(document["name"]), _layout(totals, document["dtype"])), totals


def _moments(moments: Moments) -> dict[str, Any]:
    return {field.name: _number(field.name, getattr(moments, field.name)) for field in fields(moments)}


def _number(name: str, value: Any) -> Any:
    if name in _INTEGERS:
        return value
    return value.hex() if name in _FLOATS else [hex(value.mantissa), value.exponent]


def _read_moments(document: Mapping[str, Any]) -> Moments:
    moments = Moments(**{field.name: _read_number(field.name, document[field.name]) for field in fields(Moments)})
    if moments.cross_nn.exponent < 0:
        raise ValueError("counts of values that are no whole numbers")
    if not moments.count:
        if replace(moments, nan=0, inf=0) != Moments():
            raise ValueError("sums of no values")
    elif not 1 <= moments.samples <= moments.count or not -math.inf < moments.low <= moments.high < math.inf:
        raise ValueError("a range or a number of samples that no values have")
    else:
        _check_sums(moments)
    return moments


def _check_sums(moments: Moments) -> None:
    """Raise ValueError for sums that no values between ``low`` and ``high`` have, whose figures would be beyond all numbers."""
    for name in _REACH:
        _check_sum(name, getattr(moments, name), moments.count, moments)
    largest = max(-moments.low, moments.high, _SMALLEST)
    if moments.samples > 1 and moments.cross_nn.fraction() >= moments.count**2:
        raise ValueError("sizes of samples whose squares are more than that of their sum")
    if not moments.low - 1e-6 * largest <= moments.mean <= moments.high + 1e-6 * largest:
        raise ValueError("a mean outside the range")


def _check_sum(name: str, number: Dyadic, count: int, moments: Moments) -> None:
    """Raise ValueError for a sum of ``count`` values between the ends of the ``moments`` that is larger than theirs can be."""
    degree, times = _REACH[name]
    bits = math.frexp(max(-moments.low, moments.high, _SMALLEST))[1]
    most = degree * bits + times * count.bit_length() + 2  # two bits for what was rounded
    if number.mantissa and abs(number.mantissa).bit_length() + number.exponent > most:
        raise ValueError(f"a sum {name!r} that no values have")
    if name in _NEVER_NEGATIVE and number.mantissa < 0:
        raise ValueError(f"a sum {name!r} below zero")


def _check_cluster(totals: Sequence[Totals], group: SampleGroup) -> None:
    """Raise ValueError for sums that no part of a group has."""
    for (count, total, squares), channel in zip(totals, group.channels, strict=True):
        if count > channel.moments.count or (not count and (total, squares) != (Dyadic(), Dyadic())):
            raise ValueError("a cluster of more values than all")
        if count:
            _check_sum("total", total, count, channel.moments)
            _check_sum("squares", squares, count, channel.moments)


def _read_number(name: str, value: Any) -> Any:
    if name in _INTEGERS:
        return whole(value)
    if name in _FLOATS:
        return float.fromhex(_text(value))
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError(f"{short_repr(value)} as a mantissa and an exponent")
    mantissa, exponent = value
    if type(exponent) is not int or abs(exponent) > _LARGEST_EXPONENT or not _MANTISSA.fullmatch(_text(mantissa)):
        raise ValueError(f"{short_repr(value)} as a sum of numbers")
    return Dyadic(int(mantissa, 16), exponent)


def _counted(counted: Histogram | Buckets) -> dict[str, Any]:
    if isinstance(counted, Histogram):
        return {"levels": _packed(np.array(counted.counts, np.int64).tobytes())}
    ends = {"low": counted.low.hex(), "high": counted.high.hex(), "at_low": counted.at_low, "at_high": counted.at_high}
    return {**ends, "words": counted.words, "buckets": _packed(counted.counts)}


def _read_counted(document: Mapping[str, Any]) -> Histogram | Buckets:
    if "levels" in document:
        counts = np.frombuffer(_unpacked(document["levels"]), np.int64)
        if counts.size != LEVELS:
            raise ValueError(f"{counts.size} levels")
        return Histogram(tuple(counts.tolist()))
    low, high = float.fromhex(_text(document["low"])), float.fromhex(_text(document["high"]))
    at_low, at_high = whole(document["at_low"]), whole(document["at_high"])
    buckets = Buckets(low, high, at_low, at_high, _unpacked(document["buckets"]), _flag(document["words"]))
    if not buckets.fits:
        raise ValueError("counts that do not fit their range")
    return buckets


def _packed(counts: bytes) -> str:
    return base64.b64encode(zlib.compress(counts)).decode("ascii")


def _unpacked(text: Any) -> bytes:
    stream = zlib.decompressobj()
    data = stream.decompress(base64.b64decode(_text(text), validate=True), _MOST_BYTES)
    if len(data) % 8 or not stream.eof:
        raise ValueError("counts cut short")
    return data
