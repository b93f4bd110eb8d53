"""Name the mistake that turns the affine map that a network expects into the observed map.

Every usual mistake is itself an affine map (a factor of 255, normalising twice, another network's constants, mean and std
exchanged, channels reversed). Composed with the expected map it predicts the observed map exactly. The diagnosis is the
prediction that agrees with the observation.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
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
    "reversed_constants",
    "raw_std_missing",
    "raw_mean",
    "raw_std",
    "mean_over_std",
    "mean_after_std",
    "std_multiplied",
    "denormalised",
    "std_of_means",
    "std_factor",
    "unexplained",
]

#: Mistakes that change the range so much that a rough estimate of the map identifies them.
GROSS: tuple[DiagnosisKind, ...] = ("not_normalised_raw", "times_255", "divided_twice", "twice", "not_normalised_unit")
#: A prediction agrees if it is within this many input stds of the observation (relative for predictions of a wider range).
TOLERANCE = 0.02
_LEAST = 1e-6
_ROUNDED = 4e-3
#: ``Diagnosis.other`` where the constants are neither the network's nor known ones, and only their scale shows the mistake.
OTHERS = "unknown constants"
# Means and stds that images have in unit values; a std beyond the half is a convention, not a statistic.
_USUAL_MEAN, _USUAL_STD, _LARGEST_STD = (0.02, 0.98), (0.03, 0.55), 2.0
_NEARLY_BLACK: tuple[DiagnosisKind, ...] = ("divided_twice", "bit_depth")
_EXACT = 1e-5


@dataclass(frozen=True, slots=True)
class RawRange:
    """The raw values that maps are compared over, ``low`` to ``high``, and ``unit``, the factor from raw to unit value.

    ``steps`` is the factor that a division left out or made twice amounts to: 255 for 8 bits, 65535 for 16.
    """

    low: float = 0.0
    high: float = 255.0
    unit: float = 1 / 255
    steps: float = 255.0

    @property
    def width(self) -> float:
        """The length of the range."""
        return self.high - self.low

    @property
    def others(self) -> tuple[float, ...]:
        """Divisors of other bit depths that are taken for the right one; none for floats, which are not divided."""
        return tuple(
            each for each in (255.0, 1023.0, 4095.0, 65535.0, 127.5) if self.unit < 1 and abs(each * self.unit - 1) > 0.1
        )


#: The raw values of 8-bit images.
EIGHT_BITS = RawRange()


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
    unit values, are the constants that the observed map corresponds to. ``factor`` is how many times the std is too small.
    """

    kind: DiagnosisKind
    reversed_channels: bool
    distance: float
    other: str = ""
    implied_mean: tuple[float, ...] = ()
    implied_std: tuple[float, ...] = ()
    factor: float = 1.0


def diagnose(
    seen: Affine,
    expected: Affine,
    conventions: Sequence[Convention] = (),
    tolerance: float = TOLERANCE,
    raw: RawRange = EIGHT_BITS,
    std_of_means: tuple[float, ...] = (),
) -> Diagnosis:
    """Explain the observed map from ``raw`` values, given the expected map.

    Simple explanations take precedence over composed explanations, and within one kind the closest is returned. Without
    agreement the kind is ``unexplained``. ``std_of_means`` is a std that may stand for the expected one by mistake: that of the
    means of single samples. Raises ValueError if the maps differ in their number of channels.
    """
    if len(seen.order) != len(expected.order):
        raise ValueError(f"{len(seen.order)} channels seen and {len(expected.order)} expected")
    implied_mean, implied_std = implied_constants(seen, raw)
    ranks: list[DiagnosisKind] = list(DiagnosisKind.__args__)  # type: ignore[attr-defined]
    agreeing: list[tuple[int, float, DiagnosisKind, str, bool]] = []
    for kind, other, prediction in _predictions(expected, conventions, raw, std_of_means):
        for exchanged, channels in _orders(prediction):
            distance = seen.distance(channels, raw.low, raw.high)
            if _agrees(seen, channels, tolerance, expected, raw, _ROUNDED if kind == "raw_mean" else 0.0):
                agreeing.append((ranks.index(kind) + (100 if exchanged else 0), distance, kind, other, exchanged))
    if not agreeing:
        distance, exact = seen.distance(expected, raw.low, raw.high), tolerance <= TOLERANCE
        factor = _std_factor(seen, expected, raw) if exact else None
        if factor is not None:
            return Diagnosis("std_factor", False, distance, "", implied_mean, implied_std, factor)
        foreign = _scale_of_others(implied_mean, implied_std, expected, raw) if exact else None
        return Diagnosis(foreign or "unexplained", False, distance, OTHERS if foreign else "", implied_mean, implied_std)
    best = min(agreeing)
    if best[2] in _NEARLY_BLACK:  # 255 * 255 and 65535 differ by less than the tolerance: the nearer one decides
        best = min((each for each in agreeing if each[2] in _NEARLY_BLACK), key=lambda each: each[1])
    if best[2] == "mean_not_subtracted":  # a mean of nothing, and one that is 255 times too small
        best = min((each for each in agreeing if each[2] == "raw_std" and each[1] < _EXACT), default=best)
    _, distance, kind, other, exchanged = best
    return Diagnosis(kind, exchanged, distance, other, implied_mean, implied_std)


def implied_constants(seen: Affine, raw: RawRange = EIGHT_BITS) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The mean and std, in unit values, that a map corresponds to; an infinite std where it is flat."""
    std = tuple(raw.unit / scale if scale else float("inf") for scale in seen.scale)
    return tuple(-shift * s if shift else 0.0 for shift, s in zip(seen.shift, std, strict=True)), std


def _std_factor(seen: Affine, expected: Affine, raw: RawRange) -> float | None:
    """How many times too small the std is, where mean and order are the expected ones and all channels share one factor."""
    if seen.order != expected.order or not all(a > 0 and b > 0 for a, b in zip(seen.scale, expected.scale, strict=True)):
        return None
    ratios = [a / b for a, b in zip(seen.scale, expected.scale, strict=True)]
    factor = math.sqrt(min(ratios) * max(ratios))
    (mean, std), (own, own_std) = implied_constants(seen, raw), implied_constants(expected, raw)
    same_mean = all(abs(a - b) <= TOLERANCE * min(s, t) for a, b, s, t in zip(mean, own, std, own_std, strict=True))
    shared = max(ratios) <= (1 + TOLERANCE) * min(ratios)
    return factor if same_mean and shared and any(mean) else None


def explanations(expected: Affine, conventions: Sequence[Convention] = ()) -> list[tuple[DiagnosisKind, Affine]]:
    """List every mistake with the map it causes: the right map first, then simple mistakes, then composed mistakes.

    Maps with the same scale and shift per channel are listed once: which channels are exchanged makes no visible difference.
    """
    ranks: list[DiagnosisKind] = list(DiagnosisKind.__args__)  # type: ignore[attr-defined]
    found = [
        (ranks.index(kind) + (100 if exchanged else 0), kind, channels)
        for kind, _, prediction in _predictions(expected, conventions, EIGHT_BITS)
        for exchanged, channels in _orders(prediction)
        if kind != "reversed_constants"  # looks like channels that are exchanged after the normalisation
    ]
    distinct: dict[tuple[tuple[float, ...], ...], tuple[DiagnosisKind, Affine]] = {}
    for _, kind, channels in sorted(found, key=lambda one: one[0]):
        distinct.setdefault((channels.scale, channels.shift), (kind, channels))
    return list(distinct.values())


def _scale_of_others(mean: tuple[float, ...], std: tuple[float, ...], expected: Affine, raw: RawRange) -> DiagnosisKind | None:
    """The mistake that the scale of constants shows which are not the network's: for whose values they are plausible.

    None where they are plausible, or nothing is, and where the network itself takes no constants of unit values.
    """
    own = implied_constants(expected, raw)[1]
    if raw.unit == 1 or not all(_USUAL_STD[0] < s < _LARGEST_STD for s in own) or min(std) <= 0:
        return None

    def fits(values: tuple[float, ...], factor: float, usual: tuple[float, float]) -> bool:
        return all(usual[0] <= factor * value <= usual[1] for value in values)

    def one(unit: float) -> bool:
        return all(abs(s / unit - 1) <= TOLERANCE for s in std)

    times, over = raw.steps, 1 / raw.steps
    raw_mean, unit_mean, large_mean = (fits(mean, factor, _USUAL_MEAN) for factor in (times, 1.0, over))
    small_std, usual_std, large_std = (fits(std, factor, _USUAL_STD) for factor in (times, 1.0, over))
    wide_std = fits(std, times, (_USUAL_STD[0], _LARGEST_STD))
    seen: dict[DiagnosisKind, bool] = {
        "times_255": (raw_mean and wide_std) or (not any(mean) and small_std),
        "divided_twice": large_mean and large_std,
        "raw_std_missing": unit_mean and one(raw.unit),
        "std_not_applied": unit_mean and one(1.0),
        "raw_mean": (unit_mean and small_std) or (large_mean and usual_std),
        "raw_std": (raw_mean and usual_std) or (unit_mean and large_std),
    }
    return next((kind for kind, is_seen in seen.items() if is_seen), None)


def _predictions(
    expected: Affine, conventions: Sequence[Convention], raw: RawRange, std_of_means: tuple[float, ...] = ()
) -> Iterator[tuple[DiagnosisKind, str, Affine]]:
    """Yield every mistake with its name and the map that it causes."""
    count = len(expected.order)
    unit = _gain(count, raw.unit)
    inner = _of_unit(expected, raw)
    yield "same", "", expected
    if _plain(expected):  # the network takes raw or unit values, or normalises them itself
        for convention in conventions:
            yield "normalised_for_network_that_does_it_itself", convention.name, convention.affine
    else:
        yield "not_normalised_unit", "", unit
        yield "not_normalised_raw", "", _gain(count, 1.0)
    yield "times_255", "", _gain(count, raw.steps).then(expected)
    yield "divided_twice", "", _gain(count, 1 / raw.steps).then(expected)
    yield "twice", "", expected.then(inner)
    yield "twice", "", expected.then(expected)
    for convention in conventions:
        yield "other_constants", convention.name, convention.affine
        yield "twice_other", convention.name, convention.affine.then(inner)
        yield "twice_other", convention.name, expected.then(_of_unit(convention.affine, raw))
    yield from _slips(expected, raw, std_of_means)
    for divisor in raw.others:
        yield "bit_depth", f"{divisor:g}", _gain(count, 1 / (divisor * raw.unit)).then(expected)
    yield from _reversed("", expected)
    for convention in conventions:
        yield from _reversed(convention.name, convention.affine)


def _slips(expected: Affine, raw: RawRange, std_of_means: tuple[float, ...]) -> Iterator[tuple[DiagnosisKind, str, Affine]]:
    """Yield the mistakes in the formula itself, which need mean and std separately."""
    if any(scale <= 0 for scale in expected.scale):
        return
    mean, std = implied_constants(expected, raw)
    if max(map(abs, mean)) <= _LEAST:
        return

    def of(means: Iterable[float], stds: Iterable[float]) -> Affine:
        return Affine.of_normalisation(tuple(means), tuple(stds), raw.unit, expected.order)

    ones, pairs = (1.0,) * len(mean), list(zip(mean, std, strict=True))
    if min(mean) > _LEAST and min(std) > _LEAST:  # nobody divides by a mean of nearly 0 by mistake
        yield "swapped", "", of(std, mean)
        yield "std_is_mean", "", of(mean, mean)
        yield "std_is_mean", "", of(std, std)
        yield "std_not_applied", "", of(mean, ones)
        yield "mean_not_subtracted", "", of((0.0,) * len(mean), std)
        yield "mean_added", "", of((-m for m in mean), std)
        yield "variance_for_std", "", of(mean, (s * s for s in std))
    yield "mean_over_std", "", of((m / s for m, s in pairs), ones)
    yield "mean_after_std", "", of((m * s for m, s in pairs), std)
    yield "std_multiplied", "", of(mean, (1 / s for s in std))
    yield "denormalised", "", of((-m / s for m, s in pairs), (1 / s for s in std))
    if std_of_means and min(std_of_means) > _LEAST:
        yield "std_of_means", "", of(mean, std_of_means)
    if raw.unit < 1:  # constants of raw values beside constants of unit values
        yield "raw_std_missing", "", of(mean, (raw.unit,) * len(mean))
        yield "raw_mean", "", of((m / raw.unit for m in mean), std)
        yield "raw_mean", "", of(mean, (s * raw.unit for s in std))
        yield "raw_std", "", of((m * raw.unit for m in mean), std)
        yield "raw_std", "", of(mean, (s / raw.unit for s in std))


def _reversed(name: str, affine: Affine) -> Iterator[tuple[DiagnosisKind, str, Affine]]:
    """Yield the map whose three constants stand in reversed order, where that makes another map."""
    if len(affine.order) == 3:
        yield "reversed_constants", name, Affine(affine.order, affine.scale[::-1], affine.shift[::-1])


def _orders(prediction: Affine) -> Iterator[tuple[bool, Affine]]:
    """Yield the prediction itself, and with red and blue exchanged before it or after it."""
    yield False, prediction
    if len(prediction.order) == 3:
        exchange = Affine((2, 1, 0), (1.0,) * 3, (0.0,) * 3)
        yield True, exchange.then(prediction)
        yield True, prediction.then(exchange)


def _of_unit(affine: Affine, raw: RawRange) -> Affine:
    """Return the map from unit values with the same effect as ``affine`` on raw values, without its channel order."""
    count = len(affine.order)
    return Affine(tuple(range(count)), tuple(scale / raw.unit for scale in affine.scale), affine.shift)


def _gain(count: int, factor: float) -> Affine:
    return Affine(tuple(range(count)), (factor,) * count, (0.0,) * count)


def _agrees(seen: Affine, predicted: Affine, tolerance: float, expected: Affine, raw: RawRange, rounded: float = 0.0) -> bool:
    """Return whether slopes agree relative to the prediction's range, and values at its low end within ``tolerance`` input std.

    Slopes are compared relatively because after two divisions by 255 all slopes agree within an absolute tolerance. A
    prediction of a wider range widens the tolerance of values in proportion; ``rounded`` allows for that share of a large shift.
    """
    if seen.order != predicted.order:
        return False
    width = _span(predicted, raw) / max(_span(expected, raw), 1e-12)
    slopes = [a - b for a, b in zip(seen.scale, predicted.scale, strict=True)]
    shifts = [a - b for a, b in zip(seen.shift, predicted.shift, strict=True)]
    slope = max(map(abs, slopes)) * raw.width
    low = max(abs(a * raw.low + b) for a, b in zip(slopes, shifts, strict=True))
    most = max(tolerance * max(1.0, width), rounded * max(map(abs, predicted.shift)))
    return slope <= tolerance * width and low <= most


def _span(affine: Affine, raw: RawRange) -> float:
    return max(abs(scale) for scale in affine.scale) * raw.width


def _plain(affine: Affine) -> bool:
    """Return whether the map only scales: it subtracts no mean and has the same factor for all channels."""
    return all(shift == 0 for shift in affine.shift) and len(set(affine.scale)) == 1
