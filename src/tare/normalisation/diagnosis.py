"""Name the mistake that turns the affine map that a network expects into the observed map.

Every usual mistake is itself an affine map (a factor of 255, normalising twice, another network's constants, mean and std
exchanged, channels reversed). Composed with the expected map it predicts the observed map exactly. The diagnosis is the
prediction that agrees with the observation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from tare.input_spec.affine import Affine

DiagnosisKind = Literal[
    "same",
    "not_normalised_unit",
    "not_normalised_raw",
    "times_255",
    "divided_twice",
    "normalised_for_network_that_does_it_itself",
    "twice",
    "twice_other",
    "other_constants",
    "swapped",
    "std_is_mean",
    "std_not_applied",
    "mean_not_subtracted",
    "mean_added",
    "variance_for_std",
    "bit_depth",
    "unexplained",
]

#: Mistakes that change the range so much that a rough estimate of the map identifies them.
GROSS: tuple[DiagnosisKind, ...] = ("not_normalised_raw", "times_255", "divided_twice", "twice", "not_normalised_unit")
#: A prediction agrees if it is within this many input stds of the observation (relative for predictions of a wider range).
TOLERANCE = 0.02
_RAW_RANGE = 255.0
_LEAST = 1e-6
_NEARLY_BLACK: tuple[DiagnosisKind, ...] = ("divided_twice", "bit_depth")


@dataclass(frozen=True, slots=True)
class Convention:
    """Constants in common use, with their name; ``affine`` maps raw values to network input."""

    name: str
    affine: Affine


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The mistake that explains the observation.

    ``reversed_channels`` says whether red and blue are exchanged. ``distance`` is the largest difference between observation and
    prediction, in input std. ``other`` is the name of the convention involved, if any. ``implied_mean`` and ``implied_std``, in
    unit values, are the constants that the observed map corresponds to.
    """

    kind: DiagnosisKind
    reversed_channels: bool
    distance: float
    other: str = ""
    implied_mean: tuple[float, ...] = ()
    implied_std: tuple[float, ...] = ()


def diagnose(seen: Affine, expected: Affine, conventions: Sequence[Convention] = (), tolerance: float = TOLERANCE) -> Diagnosis:
    """Explain the observed map from raw values 0..255, given the expected map.

    Simple explanations take precedence over composed explanations, and within one kind the closest is returned. Without
    agreement the kind is ``unexplained``. Raises ValueError if the maps differ in their number of channels.
    """
    if len(seen.order) != len(expected.order):
        raise ValueError(f"{len(seen.order)} channels seen and {len(expected.order)} expected")
    implied_std = tuple(1 / (_RAW_RANGE * scale) if scale else float("inf") for scale in seen.scale)
    implied_mean = tuple(-shift * std if shift else 0.0 for shift, std in zip(seen.shift, implied_std, strict=True))
    ranks: list[DiagnosisKind] = list(DiagnosisKind.__args__)  # type: ignore[attr-defined]
    agreeing: list[tuple[int, float, DiagnosisKind, str, bool]] = []
    for kind, other, prediction in _predictions(expected, conventions):
        for exchanged, channels in _orders(prediction):
            distance = seen.distance(channels)
            if _agrees(seen, channels, tolerance, _span(expected)):
                agreeing.append((ranks.index(kind) + (100 if exchanged else 0), distance, kind, other, exchanged))
    if not agreeing:
        return Diagnosis("unexplained", False, seen.distance(expected), "", implied_mean, implied_std)
    best = min(agreeing)
    if best[2] in _NEARLY_BLACK:  # 255 * 255 and 65535 differ by less than the tolerance: the nearer one decides
        best = min((each for each in agreeing if each[2] in _NEARLY_BLACK), key=lambda each: each[1])
    _, distance, kind, other, exchanged = best
    return Diagnosis(kind, exchanged, distance, other, implied_mean, implied_std)


def explanations(expected: Affine, conventions: Sequence[Convention] = ()) -> list[tuple[DiagnosisKind, Affine]]:
    """List every mistake with the map it causes: the right map first, then simple mistakes, then composed mistakes.

    Maps with the same scale and shift per channel are listed once: which channels are exchanged makes no visible difference.
    """
    ranks: list[DiagnosisKind] = list(DiagnosisKind.__args__)  # type: ignore[attr-defined]
    found = [
        (ranks.index(kind) + (100 if exchanged else 0), kind, channels)
        for kind, _, prediction in _predictions(expected, conventions)
        for exchanged, channels in _orders(prediction)
    ]
    distinct: dict[tuple[tuple[float, ...], ...], tuple[DiagnosisKind, Affine]] = {}
    for _, kind, channels in sorted(found, key=lambda one: one[0]):
        distinct.setdefault((channels.scale, channels.shift), (kind, channels))
    return list(distinct.values())


def _predictions(expected: Affine, conventions: Sequence[Convention]) -> Iterator[tuple[DiagnosisKind, str, Affine]]:
    """Yield every mistake with its name and the map that it causes."""
    count = len(expected.order)
    unit = _gain(count, 1 / _RAW_RANGE)
    inner = _of_unit(expected)
    yield "same", "", expected
    if _plain(expected):  # the network takes raw or unit values, or normalises them itself
        for convention in conventions:
            yield "normalised_for_network_that_does_it_itself", convention.name, convention.affine
    else:
        yield "not_normalised_unit", "", unit
        yield "not_normalised_raw", "", _gain(count, 1.0)
    yield "times_255", "", _gain(count, _RAW_RANGE).then(expected)
    yield "divided_twice", "", unit.then(expected)
    yield "twice", "", expected.then(inner)
    yield "twice", "", expected.then(expected)
    for convention in conventions:
        yield "other_constants", convention.name, convention.affine
        yield "twice_other", convention.name, convention.affine.then(inner)
        yield "twice_other", convention.name, expected.then(_of_unit(convention.affine))
    yield from _slips(expected)
    yield "bit_depth", "65535", _gain(count, _RAW_RANGE / 65535).then(expected)
    yield "bit_depth", "127.5", _gain(count, 2.0).then(expected)


def _slips(expected: Affine) -> Iterator[tuple[DiagnosisKind, str, Affine]]:
    """Yield the mistakes in the formula itself, which need mean and std separately."""
    if any(scale <= 0 for scale in expected.scale):
        return
    inner = _of_unit(expected)
    std = tuple(1 / scale for scale in inner.scale)
    mean = tuple(-shift * s for shift, s in zip(inner.shift, std, strict=True))
    raw, order = 1 / _RAW_RANGE, expected.order
    if min(mean) > _LEAST and min(std) > _LEAST:  # nobody divides by a mean of nearly 0 by mistake
        yield "swapped", "", Affine.of_normalisation(std, mean, raw, order)
        yield "std_is_mean", "", Affine.of_normalisation(mean, mean, raw, order)
        yield "std_is_mean", "", Affine.of_normalisation(std, std, raw, order)
        yield "std_not_applied", "", Affine.of_normalisation(mean, (1.0,) * len(mean), raw, order)
        yield "mean_not_subtracted", "", Affine.of_normalisation((0.0,) * len(mean), std, raw, order)
        yield "mean_added", "", Affine.of_normalisation(tuple(-m for m in mean), std, raw, order)
        yield "variance_for_std", "", Affine.of_normalisation(mean, tuple(s * s for s in std), raw, order)


def _orders(prediction: Affine) -> Iterator[tuple[bool, Affine]]:
    """Yield the prediction itself, and with red and blue exchanged before it or after it."""
    yield False, prediction
    if len(prediction.order) == 3:
        exchange = Affine((2, 1, 0), (1.0,) * 3, (0.0,) * 3)
        yield True, exchange.then(prediction)
        yield True, prediction.then(exchange)


def _of_unit(affine: Affine) -> Affine:
    """Return the map from unit values with the same effect as ``affine`` on raw values, without its channel order."""
    count = len(affine.order)
    return Affine(tuple(range(count)), tuple(scale * _RAW_RANGE for scale in affine.scale), affine.shift)


def _gain(count: int, factor: float) -> Affine:
    return Affine(tuple(range(count)), (factor,) * count, (0.0,) * count)


def _agrees(seen: Affine, predicted: Affine, tolerance: float, span: float) -> bool:
    """Return whether slopes agree relative to the prediction's range, and shifts within ``tolerance`` input std.

    Slopes are compared relatively because after two divisions by 255 all slopes agree within an absolute tolerance. A
    prediction of a wider range widens the tolerance of shifts in proportion.
    """
    if seen.order != predicted.order:
        return False
    width = _span(predicted) / max(span, 1e-12)
    slope = max(abs(a - b) for a, b in zip(seen.scale, predicted.scale, strict=True)) * _RAW_RANGE
    shift = max(abs(a - b) for a, b in zip(seen.shift, predicted.shift, strict=True))
    return slope <= tolerance * width and shift <= tolerance * max(1.0, width)


def _span(affine: Affine) -> float:
    return max(abs(scale) for scale in affine.scale) * _RAW_RANGE


def _plain(affine: Affine) -> bool:
    """Return whether the map only scales: it subtracts no mean and has the same factor for all channels."""
    return all(shift == 0 for shift in affine.shift) and len(set(affine.scale)) == 1
