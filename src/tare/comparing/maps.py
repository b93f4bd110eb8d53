"""Maps between two sensors, fitted to two distributions of the same content.

If B is A under a map T that rises (or falls), then the share of B below a value c is the share of A below T^-1(c) (or what
remains of it). T is then the map of quantiles, the only one of its kind between the two (optimal transport in one dimension).
The parameters of T minimise D = r' C^-1 r, where r are the differences of these shares at up to 24 cuts. C is the covariance
of two Brownian bridges (with a number of independent values that mean and std show: Rao and Scott 1981), of the level and
contrast that whole images share, of rounding, and of a small error of the map; where it was measured how samples of the
source differ, the measured covariance takes the place of the first three. If T is right, D is chi squared with as many
degrees of freedom as cuts minus parameters (Hansen 1982), and F where few clusters tell the variances. Among the maps that
this does not reject, the least D + parameters log(n) is chosen (Schwarz 1978).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from tare.comparing.result import Form, FormName
from tare.comparing.shape import PLACED, RARELY, Doubles, Shape
from tare.statistics.inference.distributions import f_exceeded, normal_quantile
from tare.statistics.inference.least_squares import least_squares

# Differences of shares below this are no other content: resizing, compression and dither move values by as much.
_SMALL = 0.002
_REJECTED = 0.01
# Gains and exponents stay within e^16 while they are fitted.
_MOST = 16.0
# At least this share of the cuts must tell something: where the source was clipped, any share of the target is possible.
_TELLING = 0.5
# A map that clips more values than this has little left that could show it.
_MOST_CLIPPED = 0.5
# A map that leads this many values beyond the target's ends is refused: had they been drawn, the chance of none is e^-9.
_BEYOND = 9.0
# So many steps settle a fit, which may then explain this much less (a distance of three standard errors).
_SETTLING, _WORSE = 3, 9.0
# Beyond these a tone curve is a step, which fits any two sets of values.
_LEAST_GAMMA, _MOST_GAMMA = 0.1, 10.0


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of map: the inverse of T for parameters, whether it falls, its starts, and its parameters as gain, offset, gamma."""

    name: FormName
    inverse: Callable[[Doubles, Doubles], Doubles]
    falls: bool
    starts: tuple[tuple[float, ...], ...]
    told: Callable[[Doubles], tuple[float, float, float]]


@dataclass(frozen=True, slots=True)
class _Level:
    """The level of a test of so many channels at once, where the variances have ``known`` degrees of freedom."""

    tests: int
    known: float = math.inf

    def critical(self, freedom: int) -> float:
        """The distance of a right map that chance exceeds in one of a hundred comparisons."""
        return freedom * f_exceeded(_REJECTED / self.tests, freedom, self.known)

    @property
    def reach(self) -> float:
        """Standard errors from a parameter to the end of its interval at 95%."""
        return normal_quantile(1 - 0.025 / max(1, self.tests))


_SAME = _Kind("same", lambda c, _: c, False, ((),), lambda _: (1.0, 0.0, 1.0))


def forms(a: Shape, b: Shape, top: float | None, tests: int, known: float = math.inf) -> tuple[Form, ...]:
    """Fit every map from ``a`` to ``b``; ``top`` is the largest value of a range from 0, which curves and negatives need.

    ``tests`` is the number of channels that are tested at once, ``known`` the degrees of freedom of the variances: those of few
    clusters are uncertain themselves.
    """
    cuts = b.cuts()
    if not math.isfinite(a.number) or not math.isfinite(b.number):
        return ()
    if len(cuts) == 1 and _hold_the_same(a, b):  # two values: what they hold may change, and no map is told from that
        form = _fitted(_SAME, a, b, cuts, None, _Level(tests, known))
        return () if form is None else (form,)
    if len(cuts) < 2:
        return ()
    kinds = (kind for kind in _kinds(a, b, cuts, top) if len(cuts) > len(kind.starts[0]))
    made = (_fitted(kind, a, b, cuts, top, _Level(tests, known)) for kind in kinds)
    return tuple(form for form in made if form is not None)


def unmapped(a: Shape, b: Shape, tests: int) -> Form | None:
    """How well no map at all explains the difference: the form ``same`` alone; None without cuts to judge it by."""
    cuts = b.cuts()
    if len(cuts) < 2 or not math.isfinite(a.number) or not math.isfinite(b.number):
        return None
    return _fitted(_SAME, a, b, cuts, None, _Level(tests))


def _kinds(a: Shape, b: Shape, cuts: Doubles, top: float | None) -> Iterator[_Kind]:
    shares = b.share(cuts)
    inner = (shares > a.at_low + 1e-3) & (shares < 1 - a.at_high - 1e-3)
    y = cuts[inner] if inner.sum() > 1 else cuts
    x, down = (a.quantile(part) for part in (shares[inner], 1 - shares[inner])) if inner.sum() > 1 else (a.quantile(shares), y)
    gain, offset = _line(x, y)
    yield _SAME
    atoms, fallen = _of_atoms(a, b), _of_atoms(a, b, falls=True)
    ratios = (*(one for one, _, _ in atoms), _median(y, x), gain)
    scales = tuple((math.log(one),) for one in dict.fromkeys(ratios) if one > 0) or ((0.0,),)
    yield _Kind("gain", lambda c, p: c / _exp(p[0]), False, scales, lambda p: (_exp(p[0]), 0.0, 1.0))
    moved = tuple(dict.fromkeys((*_between_atoms(a, b), *(by for _, by, _ in atoms), float(np.median(y - x)))))
    yield _Kind("offset", lambda c, p: c - p[0], False, tuple((each,) for each in moved), lambda p: (1.0, p[0], 1.0))
    lines = (math.log(max(gain, 1e-6)), offset)
    yield _Kind(
        "gain and offset",
        lambda c, p: (c - p[1]) / _exp(p[0]),
        False,
        (*(line for _, _, line in atoms), lines, *((0.0, each) for each in moved)),
        lambda p: (_exp(p[0]), p[1], 1.0),
    )
    if top is None:
        turned = (*((by,) for _, by, _ in fallen), (float(np.median(y + down)),))
        yield _Kind("negative", lambda c, p: p[0] - c, True, turned, lambda p: (-1.0, p[0], 1.0))
        return
    yield _Kind("inverted", lambda c, _: top - c, True, ((),), lambda _: (-1.0, top, 1.0))
    power = tuple((math.log(one),) for one in (_power(x / top, y / top), 0.5, 2.0))
    yield _Kind("gamma", lambda c, p: top * _raised(c / top, _exp(-p[0])), False, power, lambda p: (1.0, 0.0, _exp(p[0])))
    yield _Kind("sRGB", lambda c, _: top * _to_linear(c / top), False, ((),), lambda _: (1.0, 0.0, 1 / 2.4))
    yield _Kind("linear", lambda c, _: top * _to_srgb(c / top), False, ((),), lambda _: (1.0, 0.0, 2.4))
    yield _Kind(
        "gamma and gain",
        lambda c, p: top * _raised(c / top / _exp(p[1]), _exp(-p[0])),
        False,
        tuple((one[0], 0.0) for one in power),
        lambda p: (_exp(p[1]), 0.0, _exp(p[0])),
    )


@np.errstate(over="ignore", invalid="ignore", divide="ignore")  # a map that cannot be right overflows, and is not the best
def _fitted(kind: _Kind, a: Shape, b: Shape, cuts: Doubles, top: float | None, level: _Level) -> Form | None:
    """The map of this kind that fits best; None if the source was clipped where the map would have to be judged."""
    match, count = _Match(kind, a, b, cuts, b.share(cuts)), len(kind.starts[0])
    best, least = np.zeros(0), math.inf
    slopes: Doubles = np.zeros((len(cuts), 0))
    for start in kind.starts:
        values, jacobian = np.array(start, np.float64), slopes
        for _ in range(2 if count else 1):  # the rounding's error depends on the map
            measure = match.whitened(match.root(values))
            if count:
                values, jacobian = least_squares(measure, values)
        distance = float(np.square(measure(values)).sum()) + _missed(kind, values, a, b, top)
        if distance < least and np.isfinite(values).all():
            best, least, slopes = values, distance, jacobian
    x = kind.inverse(cuts, best)
    telling = int(((x >= a.low - a.step) & (x <= a.high + a.step) | (a.at_low + a.at_high == 0)).sum())
    freedom = telling - count
    if kind.name == "same":
        freedom = len(cuts)
    elif not math.isfinite(least) or freedom < 1 or telling < _TELLING * len(cuts) or _newly_clipped(kind, a, b) > _MOST_CLIPPED:
        return None
    best, slopes = _settled(match, best, slopes)
    errors = _errors(slopes, count, level.reach)
    gain, offset, gamma = kind.told(best)
    if not _LEAST_GAMMA <= gamma <= _MOST_GAMMA or _leads_beyond(kind, best, errors, a, b, top):
        return None
    if a.rows and b.rows and top is None:
        least += _strays(kind, best, errors, a, b)
    number = 1 / (1 / a.shape_number + 1 / b.shape_number)
    return Form(
        name=kind.name,
        gain=float(gain),
        offset=float(offset),
        gamma=float(gamma),
        errors=errors,
        distance=least,
        freedom=freedom,
        critical=level.critical(freedom),
        criterion=least + count * math.log(max(number, math.e)),
    )


@dataclass(frozen=True, slots=True)
class _Match:
    """The ``shares`` of ``b`` below ``cuts`` beside those that a map of a kind makes of ``a``, for any parameters ``(K,)``."""

    kind: _Kind
    a: Shape
    b: Shape
    cuts: Doubles
    shares: Doubles

    def residual(self, parameters: Doubles) -> Doubles:
        """What the map leaves of each share."""
        x = self.kind.inverse(self.cuts, parameters)
        if self.kind is _SAME:
            return self.shares - self.a.share(x)
        return _within(self.shares, *_predicted(self.a, x, falls=self.kind.falls))

    def root(self, parameters: Doubles) -> Doubles:
        """The root of the covariance of what sampling and rounding leave of the shares under the map."""
        x = self.kind.inverse(self.cuts, parameters)
        slope = np.abs(np.gradient(x, self.cuts)) if len(self.cuts) > 1 else np.ones(1)
        width = _width(self.kind, self.a, self.b, x, (self.a.step + self.b.step * slope) / 2)
        sampling = self.a.sampling(self.b, x, self.cuts, falls=self.kind.falls)
        return np.asarray(np.linalg.cholesky(sampling + np.diag(width**2 / 12 + _SMALL**2)), np.float64)

    def whitened(self, root: Doubles) -> Callable[[Doubles], Doubles]:
        """The residuals of any parameters in standard errors, of whose covariance this is the root."""
        return lambda values: np.asarray(np.linalg.solve(root, self.residual(values)), np.float64)

    def slopes(self, parameters: Doubles) -> Doubles:
        """How the residuals change with the parameters ``(N, K)``, by the smooth density of the values that are no atoms."""
        steps = np.diag(1e-6 * np.maximum(np.abs(parameters), 1e-3))
        moved = [
            (self.kind.inverse(self.cuts, parameters + step) - self.kind.inverse(self.cuts, parameters - step)) / (2 * step.sum())
            for step in steps
        ]
        density = self.a.density(self.kind.inverse(self.cuts, parameters))
        return np.asarray((1 if self.kind.falls else -1) * density[:, None] * np.stack(moved, axis=1), np.float64)


def _settled(match: _Match, best: Doubles, slopes: Doubles) -> tuple[Doubles, Doubles]:
    """The parameters that smooth slopes settle on from the best ones, and these slopes in standard errors of the residuals.

    Single bins are noisy: the least distance lies where chance made one steep, and its slopes seem to tell more than there is.
    Where smooth slopes tell nothing, as of values that are all atoms, or lead to a worse map, the best one and its slopes stay.
    """
    if not best.size:
        return best, slopes
    root = match.root(best)
    measure = match.whitened(root)
    least = float(np.square(measure(best)).sum())
    values, smooth = best, slopes
    for _ in range(_SETTLING):
        smooth = np.asarray(np.linalg.solve(root, match.slopes(values)), np.float64)
        if not np.isfinite(smooth).all() or np.linalg.matrix_rank(smooth) < best.size:
            return best, slopes
        values = values - np.linalg.lstsq(smooth, measure(values), rcond=None)[0]
    distance = float(np.square(measure(values)).sum())
    return (values, smooth) if distance < least + _WORSE else (best, slopes)


def _width(kind: _Kind, a: Shape, b: Shape, x: Doubles, reach: Doubles) -> Doubles:
    """The shares of the source that rounding may put on either side of ``x``: none between the levels of columns of one scale."""
    width = a.hidden(x, reach)
    return np.where(a.ends_at(x), 0.0, width) if kind is _SAME and a.rows and b.rows else width


def _missed(kind: _Kind, best: Doubles, a: Shape, b: Shape, top: float | None) -> float:
    """What speaks against a map that puts little where a value of the target holds much by itself: squares of standard errors.

    Cuts lie between values, and do not see it. At an end of the range, what a map leads beyond was clipped there.
    """
    against = 0.0
    reach = a.step + b.step
    close = reach if len(best) else PLACED * reach  # what is fitted is known to no better than a bin
    for place, share, _ in b.placed:
        x = kind.inverse(np.array([place]), best)
        low, high = (False, False) if top is None or kind is _SAME else (place < b.step, top - place < b.step)
        below, above = (high, low) if kind.falls else (low, high)
        ends = below * a.share(x - reach) + above * (1 - a.share(x + reach))
        found = a.held(float(x[0]), close) + float(ends[0])
        if found < share / 2:
            pooled = (found * a.shape_number + share * b.shape_number) / (a.shape_number + b.shape_number)
            variance = pooled * (1 - pooled) * (1 / a.shape_number + 1 / b.shape_number) + _SMALL**2
            against += (share - found) ** 2 / variance
    return float(against)


def _strays(kind: _Kind, best: Doubles, errors: tuple[float, ...], a: Shape, b: Shape) -> float:
    """What speaks against a map of columns of which too many values lie beyond all of the other side: cuts do not see far ones.

    Twice the logarithm of the chance (see :func:`tare.comparing.shape.beyond`) at the least that the parameters' intervals allow,
    where it is small.
    """
    corners = product(
        *((value - error, value, value + error) for value, error in zip(best.tolist(), errors or best, strict=True))
    )
    against = min(_far_values(kind, np.array(corner), a, b) for corner in corners)
    return 2 * against if against > -math.log(RARELY) else 0.0


def _far_values(kind: _Kind, parameters: Doubles, a: Shape, b: Shape) -> float:
    """The largest logarithm, negative, of a chance that values of one side lie far beyond all of the other as they do.

    A map that is off by a little leads values that were clipped to an end just beyond it: far is half of the core.
    """
    ends = np.sort(kind.inverse(np.array([b.low, b.high]), parameters)).tolist()
    sides = ((b, kind.inverse(b.edges, parameters), (a.low, a.high), a.shape_number), (a, a.edges, tuple(ends), b.shape_number))
    found = 0.0
    for side, edges, (low, high), others in sides:
        shares = np.diff(side.share(side.edges))
        below = np.maximum(edges[:-1], edges[1:]) <= low - a.core / 2
        above = np.minimum(edges[:-1], edges[1:]) >= high + a.core / 2
        rarest = -math.log(side.shape_number / (side.shape_number + others))
        found = max(found, *(float(shares[there].sum()) * side.shape_number * rarest for there in (below, above)))
    return found


def _newly_clipped(kind: _Kind, a: Shape, b: Shape) -> float:
    """The share of values that the map must have clipped, if it is right: ends of the target that the source does not have."""
    low, high = (a.at_high, a.at_low) if kind.falls else (a.at_low, a.at_high)
    return max(0.0, b.at_low - low) + max(0.0, b.at_high - high)


def _leads_beyond(kind: _Kind, best: Doubles, errors: tuple[float, ...], a: Shape, b: Shape, top: float | None) -> bool:
    """Whether the map puts values beyond an end of the target where none are, by more than sampling explains.

    A gain below 1 leaves no value at the top of the range, and a tone curve leaves those that were there: cuts lie inside of the
    target's values, and do not see it. An end of the range itself may have clipped values, as any end of numbers without one.
    No map at all is judged by its distance alone. Shares of the source count less
    three of their standard errors, and at the ends of the parameters' intervals that speak for the map.
    """
    if top is None or kind is _SAME:
        return False
    inside = np.array([b.low > b.step, b.high < top - b.step])
    near = np.array([best, *(best + side * np.diag(errors)[place] for place in range(len(errors)) for side in (-1.0, 1.0))])
    ends = np.array([b.low - b.step, b.high + b.step])
    outward = np.array([-a.step, a.step]) * (-1 if kind.falls else 1)
    least = np.min([_beyond(kind, a, kind.inverse(ends, each) + outward) for each in near], axis=0)
    return bool((inside & (least * b.shape_number > _BEYOND)).any())


def _beyond(kind: _Kind, a: Shape, x: Doubles) -> Doubles:
    """The share of the source that a map puts below and above two values of the target; in the source they are ``x``."""
    known = a.share(x)
    shares = np.array([1 - known[0], known[1]]) if kind.falls else np.array([known[0], 1 - known[1]])
    return np.asarray(shares - 3 * np.sqrt(np.diag(a.covariance(x))), np.float64)


def _predicted(a: Shape, x: Doubles, *, falls: bool) -> tuple[Doubles, Doubles]:
    """The least and the largest share of B below each cut: both the same, unless A was clipped where B was not."""
    share = a.share(x)
    least, most = share.copy(), share.copy()
    least[x > a.high] = 1 - a.at_high
    most[x < a.low] = a.at_low
    return (1 - most, 1 - least) if falls else (least, most)


def _exp(logarithm: float) -> float:
    return math.exp(min(_MOST, max(-_MOST, logarithm)))


def _within(shares: Doubles, least: Doubles, most: Doubles) -> Doubles:
    return np.asarray(shares - np.clip(shares, np.minimum(least, most), np.maximum(least, most)), np.float64)


def _errors(slopes: Doubles, count: int, z: float) -> tuple[float, ...]:
    if not count or not slopes.size:
        return ()
    return tuple((z * np.sqrt(np.maximum(np.diag(np.linalg.pinv(slopes.T @ slopes)), 0.0))).tolist())


def _hold_the_same(a: Shape, b: Shape) -> bool:
    """Whether both sides hold the same two values, and no others."""
    if len(a.atoms) != 2 or len(b.atoms) != 2:
        return False
    near = np.abs(a.atoms[:, 0] - b.atoms[:, 0]) <= a.atoms[:, 2] + b.atoms[:, 2]
    return bool(near.all()) and all(float(each.atoms[:, 1].sum()) > 1 - _SMALL for each in (a, b))


def _between_atoms(a: Shape, b: Shape) -> tuple[float, ...]:
    """How far the largest atom moved: between the steps of a scale all offsets explain the shares at the cuts equally well."""
    largest = [shape.placed[shape.placed[:, 1].argmax(), 0] for shape in (a, b) if len(shape.placed)]
    return (float(largest[1] - largest[0]),) if len(largest) == 2 else ()


def _of_atoms(a: Shape, b: Shape, *, falls: bool = False) -> tuple[tuple[float, float, tuple[float, float]], ...]:
    """The gain, the offset, and the line (logarithm of the gain, offset) that lead one side's atoms to the other's, in order.

    Between the steps of a scale the shares at the cuts do not change, so that no fit finds the way there.
    """
    if len(a.atoms) != len(b.atoms) or len(a.atoms) < 2:
        return ()
    x, y = (-a.atoms[::-1, 0] if falls else a.atoms[:, 0]), b.atoms[:, 0]
    gain = float((y[-1] - y[0]) / (x[-1] - x[0]))
    return ((_median(y, x), float(np.median(y - x)), (math.log(gain), float(np.median(y - gain * x)))),)


def _line(x: Doubles, y: Doubles) -> tuple[float, float]:
    if len(x) < 2 or np.ptp(x) == 0:
        return 1.0, float(np.median(y - x))
    gain, offset = np.polyfit(x, y, 1)
    return float(gain), float(offset)


def _median(y: Doubles, x: Doubles) -> float:
    kept = np.abs(x) > 1e-12
    found = float(np.median(y[kept] / x[kept])) if kept.any() else 1.0
    return found if found > 0 and math.isfinite(found) else 1.0


def _power(x: Doubles, y: Doubles) -> float:
    kept = (x > 1e-3) & (x < 0.999) & (y > 1e-3) & (y < 0.999)
    found = float(np.median(np.log(y[kept]) / np.log(x[kept]))) if kept.any() else 1.0
    return min(_MOST_GAMMA, max(_LEAST_GAMMA, found))


def _raised(values: Doubles, power: float) -> Doubles:
    """The powers of positive values, at most 1e100: a fit may try maps that lead far beyond all numbers."""
    with np.errstate(over="ignore"):
        raised = np.maximum(values, 1e-300) ** power
    return np.asarray(np.where(values > 0, np.minimum(raised, 1e100), values), np.float64)


def _to_linear(v: Doubles) -> Doubles:
    return np.where(v <= 0.04045, v / 12.92, (np.maximum(v + 0.055, 1e-9) / 1.055) ** 2.4)


def _to_srgb(v: Doubles) -> Doubles:
    return np.where(v <= 0.0031308, 12.92 * v, 1.055 * np.maximum(v, 1e-9) ** (1 / 2.4) - 0.055)
