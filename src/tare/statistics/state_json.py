"""A measurement's state as JSON, so that it can be kept, sent and merged elsewhere, without a pickle.

Exact numbers stay exact: a dyadic is ``[mantissa in hexadecimal, exponent]``, a float its hexadecimal form, and counts are
64-bit little-endian integers, deflated, in base 64.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

import numpy as np

from tare.errors import DataError
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
# More counts than any state has: limits the claims of a damaged or hostile file.
_MOST_BYTES = 8 << 16


def state_to_json(state: DatasetState) -> dict[str, Any]:
    """The state as a JSON object with schema ``tare.state/1``."""
    return {
        "schema": SCHEMA,
        "groups": [_group(layout, group) for layout, group in sorted(state.groups.items())],
        "skipped": [asdict(item) for item in state.skipped],
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
        groups = dict(map(_read_group, document["groups"]))
        skipped = tuple(Skipped(str(i["path"]), str(i["reason"]), bool(i["foreign"])) for i in document["skipped"])
        notes = {str(what): int(count) for what, count in document["notes"].items()}
        facts = {(str(k), str(v)): Stated(int(n), str(path)) for k, v, n, path in document.get("facts", ())}
        clusters = dict(map(_read_cluster, document.get("clusters", ())))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, zlib.error) as error:
        raise DataError(f"a complete {SCHEMA!r} object", f"{type(error).__name__}: {error}", "write it again") from None
    return DatasetState(groups, skipped, notes, facts, clusters)


def _group(layout: ChannelLayout, group: SampleGroup) -> dict[str, Any]:
    channels = [{"moments": _moments(c.moments), "counts": _counted(c.histogram)} for c in group.channels]
    return {"dtype": layout.dtype, "samples": group.samples, "example": group.example, "channels": channels}


def _read_group(document: Mapping[str, Any]) -> tuple[ChannelLayout, SampleGroup]:
    channels = tuple(ChannelState(_read_moments(c["moments"]), _read_counted(c["counts"])) for c in document["channels"])
    group = SampleGroup(int(document["samples"]), str(document["example"]), channels)
    return ChannelLayout(len(channels), np.dtype(document["dtype"]).name), group


def _cluster(cluster: Cluster, totals: tuple[Totals, ...]) -> dict[str, Any]:
    sums = [[n, _number("total", s), _number("squares", q)] for n, s, q in totals]
    return {"name": cluster.name, "dtype": cluster.layout.dtype, "totals": sums}


def _read_cluster(document: Mapping[str, Any]) -> tuple[Cluster, tuple[Totals, ...]]:
    totals = tuple((int(n), _read_number("total", s), _read_number("squares", q)) for n, s, q in document["totals"])
    return Cluster(str(document["name"]), ChannelLayout(len(totals), np.dtype(document["dtype"]).name)), totals


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
    return moments


def _read_number(name: str, value: Any) -> Any:
    if name in _INTEGERS:
        return int(value)
    return float.fromhex(value) if name in _FLOATS else Dyadic(int(value[0], 16), int(value[1]))


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
    low, high = float.fromhex(document["low"]), float.fromhex(document["high"])
    at_low, at_high = int(document["at_low"]), int(document["at_high"])
    buckets = Buckets(low, high, at_low, at_high, _unpacked(document["buckets"]), bool(document["words"]))
    if not buckets.fits:
        raise ValueError("counts that do not fit their range")
    return buckets


def _packed(counts: bytes) -> str:
    return base64.b64encode(zlib.compress(counts)).decode("ascii")


def _unpacked(text: str) -> bytes:
    data = zlib.decompressobj().decompress(base64.b64decode(text, validate=True), _MOST_BYTES)
    if len(data) % 8:
        raise ValueError("counts cut short")
    return data
