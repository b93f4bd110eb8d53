"""The figures of single samples: what a monitor keeps of each one, whatever its size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.monitoring.evidence.levels import Figure, Kind, levels_on
from tare.samples.layout import Doubles, unit_scale
from tare.samples.records import Kept, Part, Record, Rows, Sample, Skipped, Stack
from tare.sources.arrays.whole import are_kept

#: Values of one channel that are looked at in one sample, evenly spread: more would hardly tell more of its mean and std.
MOST = 4096
# Pairs of channels grow with the square of their number.
_MOST_PAIRED = 4
_CUT = 3.0
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # the golden ratio less one, times 2**64
#: The figures that are shares, in words.
NOUNS = {"low end": "share at the low end", "high end": "share at the high end", "no data": "share without data"}


@dataclass(frozen=True, slots=True)
class Taking:
    """How figures are taken: dtype of raw values, the ends of their range for each channel, and values that mean "no data".

    ``rows`` says that a sample has one value per channel, so that it has no std of its own. Floats have no range: their ends are
    two values that the reference holds, beyond which samples are counted in the same way.
    """

    channels: tuple[str, ...]
    dtype: str
    low: tuple[float, ...]
    high: tuple[float, ...]
    nodata: tuple[float, ...] = ()
    rows: bool = False

    @property
    def marks(self) -> tuple[float, ...]:
        """The values that mean "no data" as they may arrive: as stated, and as the nearest numbers of the type of the data."""
        kind = np.dtype(self.dtype)
        if kind.kind != "f":
            return self.nodata
        with np.errstate(over="ignore"):
            return (*self.nodata, *(float(kind.type(value)) for value in self.nodata))

    @property
    def paired(self) -> bool:
        """Whether pairs of channels are looked at."""
        return len(self.channels) <= _MOST_PAIRED

    def kinds(self) -> list[tuple[Kind, tuple[int, ...]]]:
        """The figures of a sample, in order: each its kind and the places of its channels."""
        alone: tuple[Kind, ...] = ("mean", "no data") if self.rows else ("mean", "std", "low end", "high end", "no data")
        pairs: tuple[Kind, ...] = ("correlation",) if self.rows else ("difference", "correlation")
        found: list[tuple[Kind, tuple[int, ...]]] = [(kind, (c,)) for c in range(len(self.channels)) for kind in alone]
        if self.paired:
            found += [(kind, pair) for pair in combinations(range(len(self.channels)), 2) for kind in pairs]
        return found

    def name(self, kind: Kind, places: tuple[int, ...]) -> str:
        """A figure in words: ``mean of red``, ``correlation of red and blue``."""
        return f"{NOUNS.get(kind, kind)} of {' and '.join(self.channels[place] for place in places)}"

    def said(self, figure: Figure) -> str:
        """The name of a figure as it is shown. Of rows a "correlation" is a mean product, which a gain of a column changes, too.

        In files the name stays, since it is part of what identifies a reference.
        """
        if not self.rows or figure.kind != "correlation":
            return figure.name
        return f"product of {' and '.join(self.channels[place] for place in figure.channels)} in reference stds"


def blocks(records: Iterable[Record]) -> Iterator[tuple[NDArray[Any], str]]:
    """The samples of records as arrays ``(N, P, C)`` of raw values, at most 4,096 of each channel of a sample, and their dtype.

    Whole numbers of which some are missing are floats with NaN; the dtype is that of the data. A sample that comes in parts, the
    last of which cannot be read, is none.
    """
    divided: _Divided | None = None  # a sample in parts, until what follows says that it is whole
    for record in records:
        if isinstance(record, Part) and divided is not None and record.continues(divided.path):
            divided.add(record)
            continue
        if divided is not None and not (isinstance(record, Skipped) and record.path == divided.path):
            yield divided.block()
        divided = _Divided(record) if isinstance(record, Part) else None
        if not isinstance(record, Skipped | Part):
            yield _block(record)
    if divided is not None:
        yield divided.block()


class _Divided:
    """One sample of which values are missing or which comes in parts, with the values that are looked at of each channel."""

    def __init__(self, first: Part | Kept) -> None:
        self.path, self._dtype = first.path, first.channels[0].dtype
        self._channels = [_Sparse() for _ in first.channels]
        self.add(first)

    def add(self, part: Part | Kept) -> None:
        """Go on with another part."""
        for channel, values, whole in zip(self._channels, part.channels, part.wholes, strict=True):
            channel.add(values, whole)

    def block(self) -> tuple[NDArray[Any], str]:
        """The values that are looked at ``(1, P, C)``, and the dtype of the data."""
        number = max(channel.number for channel in self._channels)
        if all(channel.seen == number for channel in self._channels):
            return thinned(np.stack([channel.values for channel in self._channels], axis=-1)[None]), self._dtype.name
        length = min(number, MOST)
        kind = self._dtype if self._dtype.kind == "f" else np.dtype(np.float64)
        found = np.full((1, length, len(self._channels)), np.nan, kind)
        for place, channel in enumerate(self._channels):  # as many of each as its share of all values
            shown = round(length * channel.seen / channel.number) if channel.seen else 0
            found[0, :shown, place] = channel.values[_places(len(channel.values), shown)]
        return found, self._dtype.name


class _Sparse:
    """Some values of a channel whose length is not known before its end, evenly spread; every second where too many are kept.

    Value i is kept if the part of i times the golden ratio behind the point is below a limit: no step of rows meets these places.
    """

    def __init__(self) -> None:
        self.seen, self.number = 0, 0
        self._kept: list[NDArray[Any]] = []
        self._parts: list[Doubles] = []
        self._limit = 1.0

    @property
    def values(self) -> NDArray[Any]:
        """What is kept, in its order."""
        return np.concatenate(self._kept)

    def add(self, values: NDArray[Any], whole: int) -> None:
        """Go on with more values, which are those that were kept of ``whole``."""
        self.number += whole
        parts = _golden(np.arange(self.seen, self.seen + len(values)))
        here = parts < self._limit
        self._kept.append(values[here])
        self._parts.append(parts[here])
        self.seen += len(values)
        while sum(map(len, self._kept)) > 2 * MOST:
            self._limit /= 2
            parts = np.concatenate(self._parts)
            here = parts < self._limit
            self._kept, self._parts = [self.values[here]], [parts[here]]


def thinned(block: NDArray[Any]) -> NDArray[Any]:
    """The values of a block ``(N, P, C)`` that are looked at, evenly spread over each sample."""
    return block if block.shape[1] <= MOST else block.take(places(block.shape[1]), axis=1)


def places(length: int) -> NDArray[np.int64]:
    """The places of the values that are looked at among ``length`` of a channel, at least 4,096."""
    return _places(length, MOST)


@lru_cache(maxsize=64)
def _places(length: int, number: int) -> NDArray[np.int64]:
    """So many of ``length`` places, one in each of as many stretches: a fixed step would meet the same columns of all rows."""
    if number == length:
        return np.arange(length)
    ends = np.arange(number + 1) * length // max(1, number)
    return ends[:-1] + (_golden(np.arange(number)) * np.diff(ends)).astype(np.int64)


def _golden(numbers: NDArray[np.int64]) -> Doubles:
    """The parts behind the point of multiples of the golden ratio, the most even of all such sequences (Knuth, TAOCP 6.4)."""
    return np.asarray((numbers.astype(np.uint64) * _GOLDEN >> np.uint64(11)) * 2.0**-53)


def joined(parts: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """Blocks of one size and dtype as one, since many small ones take longer than one large."""
    alike: dict[tuple[int, str], list[NDArray[Any]]] = {}
    for part in parts:
        alike.setdefault((part.shape[1], part.dtype.name), []).append(part)
    return [np.concatenate(each) if len(each) > 1 else each[0] for each in alike.values()]


def _block(record: Sample | Stack | Kept | Rows) -> tuple[NDArray[Any], str]:
    if isinstance(record, Kept):
        return _Divided(record).block()
    if isinstance(record, Rows):
        block = np.stack([np.asarray(column, np.float64) for column in record.columns], axis=-1)[:, None, :]
    elif isinstance(record, Stack) and record.channels_first:
        block = np.moveaxis(record.values.reshape(len(record.values), record.channels, -1), 1, 2)
    elif isinstance(record, Stack):
        block = record.values.reshape(len(record.values), -1, record.channels)
    else:
        block = record.values.reshape(1, -1, record.values.shape[-1])
    return thinned(block), block.dtype.name


def figures_of(block: NDArray[Any], taking: Taking) -> Doubles:
    """The figures ``(N, F)`` of samples ``(N, P, C)`` in unit values; NaN where a sample does not have a figure.

    Sums run in float64 about each sample's own mean. Shares are those of the values looked at.
    """
    planes = np.ascontiguousarray(np.moveaxis(block, 1, 2))
    missing = missing_of(planes, taking)
    held = (
        planes.shape[2] - np.count_nonzero(missing, axis=2) if missing is not None else np.full(planes.shape[:2], planes.shape[2])
    )
    number = np.maximum(held, 1)
    values = planes.astype(np.float64)
    values = values if missing is None else np.where(missing, 0.0, values)
    mean = values.sum(axis=2) / number
    centred = values - mean[:, :, None]
    if missing is not None:
        centred[missing] = 0.0
    std = np.sqrt(np.einsum("ncp,ncp->nc", centred, centred) / number)
    scale = float(unit_scale(taking.dtype))
    one: dict[Kind, Doubles] = {
        "mean": mean * scale,
        "std": std * scale,
        "low end": _beyond(planes <= _ends(taking.low, np.floor(taking.low), planes.dtype), missing) / number,
        "high end": _beyond(planes >= _ends(taking.high, np.ceil(taking.high), planes.dtype), missing) / number,
    }
    one = {kind: np.where(held > 0, values, np.nan) for kind, values in one.items()}
    one["no data"] = 1 - held / planes.shape[2]
    whole = (held == planes.shape[2]).all(axis=1)
    return np.stack([_figure(kind, places, one, centred, std, whole) for kind, places in taking.kinds()], axis=1)


def with_gaps(block: NDArray[Any], nodata: tuple[float, ...]) -> NDArray[Any]:
    """A block with NaN for its values that mean no data, as floats; one without any as it is."""
    if not nodata:
        return block
    kept = are_kept(block, nodata)
    return block if kept.all() else np.where(kept, block, np.nan)


def missing_of(values: NDArray[Any], taking: Taking) -> NDArray[np.bool_] | None:
    """Which values are missing: NaN, infinite, or a value that means "no data"; None if none is."""
    missing = None if values.dtype.kind in "iub" else ~np.isfinite(values)
    if taking.nodata:
        marked = np.isin(values, taking.marks)
        missing = marked if missing is None else missing | marked
    return missing if missing is not None and missing.any() else None


def _ends(values: tuple[float, ...], rounded: Doubles, dtype: np.dtype[Any]) -> NDArray[Any]:
    """The ends of each channel's range, in the dtype of whole numbers where it has them: to compare those takes less time."""
    if dtype.kind in "iu" and int(rounded.min()) >= np.iinfo(dtype).min and int(rounded.max()) <= np.iinfo(dtype).max:
        return rounded.astype(dtype)[:, None]
    return np.array(values)[:, None]


def _beyond(inside: NDArray[np.bool_], missing: NDArray[np.bool_] | None) -> NDArray[np.int64]:
    return np.asarray(np.count_nonzero(inside if missing is None else inside & ~missing, axis=2), np.int64)


def _figure(
    kind: Kind, places: tuple[int, ...], one: dict[Kind, Doubles], centred: Doubles, std: Doubles, whole: NDArray[np.bool_]
) -> Doubles:
    if kind in one:
        return one[kind][:, places[0]]
    a, b = places
    if kind == "difference":
        return one["mean"][:, a] - one["mean"][:, b]
    if centred.shape[2] == 1:  # a row: the product of its values is taken where the reference's spread is known
        return np.where(whole, 0.0, np.nan)
    product = np.einsum("np,np->n", centred[:, a], centred[:, b]) / centred.shape[2]
    scale = std[:, a] * std[:, b]
    return np.where(whole, np.divide(product, scale, out=np.zeros_like(product), where=scale > 0), np.nan)


def with_products(values: Doubles, figures: Sequence[Figure]) -> Doubles:
    """For rows, fill in the products of two columns in steps of their levels, each cut off at three of :func:`product_units`.

    In stds of the reference, the mean of such a product over its rows is the correlation of the columns, as far as their tails do
    not matter. Of other rows it is not, since their means and stds may be others: it is named :meth:`Taking.said`.
    """
    places = {figure.channels[0]: place for place, figure in enumerate(figures) if figure.kind == "mean"}
    units = product_units(figures)
    filled = values.copy()
    for place, figure in enumerate(figures):
        if figure.kind == "correlation":
            with np.errstate(over="ignore"):  # what is farther than all numbers is cut off like the rest
                z = [np.clip((values[:, places[c]] - figures[places[c]].centre) / units[c], -_CUT, _CUT) for c in figure.channels]
            filled[:, place] = z[0] * z[1]
    return filled


def product_units(figures: Sequence[Figure]) -> dict[int, float]:
    """The units of each column's values in products: eight steps of their levels, two thirds to four thirds of their spread."""
    return {figure.channels[0]: 8 * figure.step for figure in figures if figure.kind == "mean"}


def laid(values: Doubles, taking: Taking) -> tuple[Figure, ...]:
    """Lay the levels of every figure over the samples ``(N, F)`` of a reference."""
    figures: list[Figure] = []
    for place, (kind, places) in enumerate(taking.kinds()):
        if taking.rows and kind == "correlation":
            figures.append(Figure(kind, taking.name(kind, places), places, 0.0, 2 * _CUT * _CUT / 64))
        else:
            figures.append(Figure.laid(kind, taking.name(kind, places), places, values[:, place]))
    return tuple(figures)


def levels_of(values: Doubles, figures: Sequence[Figure], *, rows: bool) -> NDArray[np.int64]:
    """The levels ``(N, F)`` of the figures of samples, -1 where a sample does not have one."""
    return levels_on(with_products(values, figures) if rows else values, tuple(figures))


def counts_of(levels: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Count the levels ``(N, F)`` of each figure: ``(F, size)``."""
    figures = levels.shape[1]
    flat = np.where(levels >= 0, levels + size * np.arange(figures), figures * size)
    return np.bincount(flat.ravel(), minlength=figures * size + 1)[:-1].reshape(figures, size).astype(np.int64)
