"""How samples of a reference differ from each other in the shape of their values: what tells how well a change is known."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.comparing.shape import Spread
from tare.monitoring.evidence.figures import Taking, missing_of
from tare.samples.layout import Doubles, unit_scale

# Values below which shares are counted: this many evenly over the range, and as many that the first samples' values lie
# between evenly.
_GRID = 32
# Of those, cuts are kept that leave at least this share of all values between two.
_LEAST = 1 / 32
# At most this many values of a channel lay the cuts.
_LOOKED = 1 << 20


@dataclass(frozen=True, eq=False)
class Shares:
    """Exact sums over samples: the products ``(C, G + 2, G + 2)`` of the numbers of values below each cut.

    ``cuts`` ``(C, G)`` are raw values. The last two numbers of a sample are that of all its values, and 1.
    """

    cuts: Doubles
    products: NDArray[np.int64]

    @classmethod
    def laid(cls, parts: Sequence[NDArray[Any]], taking: Taking) -> Shares:
        """Nothing counted yet; the first samples, blocks ``(N, P, C)``, lay the cuts."""
        cuts = np.stack([_cuts(parts, taking, place) for place in range(len(taking.channels))])
        return cls(cuts, np.zeros((len(cuts), cuts.shape[1] + 2, cuts.shape[1] + 2), np.int64))

    def counted(self, parts: Sequence[NDArray[Any]], taking: Taking) -> Shares:
        """The sums of other samples on the same cuts."""
        products = np.zeros_like(self.products)
        for part in parts:
            missing = missing_of(part, taking)
            for place, cuts in enumerate(self.cuts):
                numbers = _below(part[:, :, place], cuts, None if missing is None else missing[:, :, place])
                products[place] += np.round(numbers.T @ numbers).astype(np.int64)
        return Shares(self.cuts, products)

    def merge(self, other: Shares) -> Shares:
        """The sums of both, which have the same cuts."""
        return Shares(self.cuts, self.products + other.products)

    def spreads(self, taking: Taking) -> tuple[Spread, ...]:
        """The covariance of the shares of one sample of each channel, in unit values; () of samples without a spread."""
        if taking.rows:
            return ()
        scale = float(unit_scale(taking.dtype))
        return tuple(_spread(cuts, products, scale) for cuts, products in zip(self.cuts, self.products, strict=True))


def _cuts(parts: Sequence[NDArray[Any]], taking: Taking, place: int) -> Doubles:
    """The cuts of one channel; of whole numbers they lie between two."""
    values = np.concatenate([part[:, :, place].ravel()[:_LOOKED] for part in parts])[:_LOOKED]
    finite = values[np.isfinite(values)].astype(np.float64)
    even = np.linspace(taking.low[place], taking.high[place], _GRID + 1)[1:]
    laid = np.quantile(finite, np.arange(1, _GRID + 1) / (_GRID + 1)) if finite.size else even
    cuts = np.sort(np.concatenate([even, laid]))
    return np.asarray(np.ceil(cuts) - 0.5 if np.dtype(taking.dtype).kind in "iu" else cuts, np.float64)


def _below(values: NDArray[Any], cuts: Doubles, missing: NDArray[np.bool_] | None) -> Doubles:
    """Numbers of the values ``(N, P)`` of each sample below each cut, of all of them, and 1: ``(N, G + 2)``.

    A sample without values counts nothing.
    """
    samples, size = len(values), len(cuts) + 1
    places = np.searchsorted(cuts, values, side="right")
    if missing is not None:
        places = np.where(missing, size, places)
    flat = places + (size + 1) * np.arange(samples)[:, None]
    numbers = np.bincount(flat.ravel(), minlength=samples * (size + 1)).reshape(samples, size + 1)[:, :size]
    below = np.cumsum(numbers, axis=1).astype(np.float64)
    return np.concatenate([below, below[:, -1:] > 0], axis=1)


def _spread(cuts: Doubles, products: NDArray[np.int64], scale: float) -> Spread:
    """The covariance of a ratio of sums, linearised: that of the numbers below less the share of all, by the mean number."""
    samples, total = int(products[-1, -1]), float(products[-1, -2])
    if samples < 2 or not total:
        return Spread(np.zeros(0), np.zeros((0, 0)), samples)
    shares = products[-1, :-2] / total
    kept = _kept(cuts, shares)
    to_excess = np.concatenate([np.eye(len(cuts)), -shares[:, None]], axis=1)[kept]
    squares = to_excess @ products[:-1, :-1] @ to_excess.T
    covariance = squares * samples / (samples - 1) * samples / total**2
    return Spread(cuts[kept] * scale, covariance.astype(np.float32).astype(np.float64), samples)


def _kept(cuts: Doubles, shares: Doubles) -> list[int]:
    """The places of cuts between which enough values lie."""
    found: list[int] = []
    for place, share in enumerate(shares):
        last = shares[found[-1]] if found else 0.0
        if share >= last + _LEAST and share <= 1 - _LEAST / 4 and (not found or cuts[place] > cuts[found[-1]]):
            found.append(place)
    return found


def spreads_to_json(spreads: Sequence[Spread]) -> list[dict[str, Any]]:
    """Spreads as a JSON array; of a covariance the lower triangle, as 32-bit floats in base 64."""
    return [
        {
            "values": each.values.tolist(),
            "covariance": base64.b64encode(each.covariance[np.tril_indices(len(each.values))].astype("<f4").tobytes()).decode(),
            "samples": each.samples,
        }
        for each in spreads
    ]


def spreads_from_json(document: Any, channels: int) -> tuple[Spread, ...]:
    """Read :func:`spreads_to_json` back. Raises ValueError, KeyError or TypeError if it is malformed."""
    if len(document) not in (0, channels):
        raise ValueError("spreads of another number of channels")
    return tuple(_read(each) for each in document)


def _read(document: Any) -> Spread:
    values = np.array([float(value) for value in document["values"]], np.float64)
    lower = np.tril_indices(len(values))
    covariance = np.zeros((len(values), len(values)))
    covariance[lower] = np.frombuffer(base64.b64decode(document["covariance"], validate=True), "<f4")
    covariance = covariance + np.tril(covariance, -1).T
    if not np.isfinite(values).all() or (np.diff(values) <= 0).any() or not np.isfinite(covariance).all():
        raise ValueError("a spread that no samples have")
    if len(values) and np.linalg.eigvalsh(covariance)[0] < -1e-4:
        raise ValueError("a covariance that no samples have")
    samples = int(document["samples"])
    if samples < 2 and len(values):
        raise ValueError("a spread of one sample")
    return Spread(values, covariance, samples)
