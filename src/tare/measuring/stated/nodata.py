"""Values that may mean "no data": a share of exactly equal values at an end of the range that no sensor gives."""

from __future__ import annotations

from tare.statistics.buckets import Buckets
from tare.statistics.channel import ChannelState
from tare.statistics.dataset_stats import DatasetStats
from tare.statistics.state import DatasetState

#: Smallest share at an end that is remarked on: in pixels and signals, and where the end lies far from all other values.
_SHARE, _SHARE_APART = 0.05, 0.001
#: Numbers that usually mean no data.
_USUAL = frozenset((-9999.0, -999.0, -99999.0, -32768.0, -32767.0, 9999.0, 99999.0, 1e20, 65535.0))
_HUGE = 1e30


def nodata_remarks(state: DatasetState, stats: DatasetStats) -> tuple[str, ...]:
    """One remark that names the values and shares of the channels, or none; 8-bit data, whose ends are ordinary, have none."""
    found: list[tuple[float, float, str]] = []
    groups = list(state.groups.values())
    if len(groups) != 1:
        return ()
    for channel, named in zip(groups[0].channels, stats.channels, strict=True):
        found += [(value, share, named.name) for value, share in _suspected(channel)]
    if not found:
        return ()
    value, share, name = max(found, key=lambda one: one[1])
    values = sorted({each for each, _, _ in found})
    others = len({each for _, _, each in found}) - 1
    more = f" (and of {others} other channel{'s' if others > 1 else ''})" if others else ""
    written = [f"{each:g}" if float(f"{each:g}") == each else repr(each) for each in values]
    said = f"{share:.1%} of the values of {name}{more} are exactly {value:g}"
    if len(written) == 1:
        return (f"{said}: if that means no data, --nodata {written[0]} leaves it out",)
    several = f"{said}, and other channels or ends hold many of {', '.join(written)}"
    return (f"{several}: if all of them mean no data, --nodata {','.join(written)}",)


def _suspected(channel: ChannelState) -> list[tuple[float, float]]:
    """The suspected values of one channel, each with its share."""
    counted = channel.histogram
    if not isinstance(counted, Buckets) or not counted.total or counted.low == counted.high:
        return []
    total = counted.total
    if counted.at_low + counted.at_high == total:  # two values are yes and no, unless one of them is a usual sign
        return [(end, at / total) for end, at in ((counted.low, counted.at_low), (counted.high, counted.at_high)) if _usual(end)]
    rows = channel.moments.samples == channel.moments.count  # a column, where zero is a number like others
    low_gap, high_gap, spread = counted.gaps()
    found = []
    for end, at, gap in ((counted.low, counted.at_low, low_gap), (counted.high, counted.at_high, high_gap)):
        share = at / total
        classes = spread == 0 and low_gap == high_gap  # three values at equal distances, such as 0, 1, 2
        apart = _usual(end) or (not classes and 2 * spread < gap < float("inf"))
        if at > 1 and (share >= _SHARE_APART if apart else share >= _SHARE and not rows):
            found.append((end, share))
    return found


def _usual(value: float) -> bool:
    return value in _USUAL or abs(value) > _HUGE
