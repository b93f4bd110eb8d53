"""The kind of difference that a comparison shows: no difference, a map of values (gain, gamma, ...), content, or unclear.

Another sensor, unit or tone curve maps values, and the quantiles in the same way, whatever the pictures show. Other content
changes the shape of the distribution. Without histograms, or with too few samples to see the shape, the verdict is ``unclear``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from tare.comparing.result import EVIDENCE, ChannelShift, Form, FormName, ShiftKind, some

# A change of units changes the std by more than this factor, up or down; content or exposure hardly ever do.
_LARGE = 8.0
# Known factors between units: bit depths and their ranges, per cent, per mille, degrees per radian.
_FACTORS = {
    4.0: "2 bits, 14 in 16",
    16.0: "4 bits, 12 in 16",
    64.0: "6 bits, 10 in 16",
    255.0: "8-bit levels against [0, 1]",
    65535.0: "16-bit levels against [0, 1]",
    100.0: "per cent, or centimetres and metres",
    1000.0: "per mille, or milli",
    180 / math.pi: "degrees against radians",
}
# A ratio of stds beyond this is one of no sensor.
_FAR = 1e50
# Shape can be judged only where sampling leaves less than this uncertain, in units of the std.
_SHARPEST = 0.2
# Exponents of one tone curve differ between channels by no more than their errors and this share.
_CURVE = 0.03
# A gain is compared with the known factors only if its relative error is below this.
_WELL_KNOWN = 0.05


_NONE_SHOWN = "every interval holds no shift and a ratio of 1"
_HEAVY = (
    "the shape is the same to what sampling and rounding explain; with such heavy tails the intervals of mean and std hold "
    "the truth too seldom to show a difference"
)
_UNEXPLAINED = ("content", "unclear")
# Channels that changed by themselves are described up to this many.
_MOST_TOLD = 3


@dataclass(frozen=True, slots=True)
class Judged:
    """The kind of a difference and its evidence in one line; ``affected`` are the channels that differ, () for all together."""

    kind: ShiftKind
    reason: str
    affected: tuple[str, ...] = ()


def verdict_of(channels: tuple[ChannelShift, ...], *, related: bool = True) -> Judged:
    """Name the kind of difference that measured channels show, and the evidence in one line.

    ``related`` channels are those of one sensor, as colours are: a map of all of them is likelier than one of a few. Columns of
    a table are quantities of their own. Where some channels changed, each by a map that explains it, and the others did not,
    the kind is that of those channels.
    """
    whole = _together(channels)
    if len(channels) < 2:
        return whole
    alone = {channel.name: _together((channel,)) for channel in channels}
    changed = {name: each for name, each in alone.items() if each.kind != "no difference shown"}
    mapped = {channel.name: changed[channel.name] for channel in channels if _is_mapped(channel, alone[channel.name].kind)}
    kinds = list(dict.fromkeys(each.kind for each in mapped.values()))
    rest = len(channels) - len(changed)
    explained = bool(mapped) and len(mapped) == len(changed)
    if explained and (whole.kind in _UNEXPLAINED or not related) and (rest or (not related and len(kinds) > 1)):
        kind: ShiftKind = kinds[0] if len(kinds) == 1 else "several maps"
        return Judged(kind, _told(mapped, rest), tuple(mapped))
    if whole.kind != "content" or not mapped:
        return whole
    return Judged(whole.kind, f"{whole.reason}; by itself, {_told(mapped, 0)}")


def verdict_beside(channels: tuple[ChannelShift, ...], crowded: tuple[str, ...], *, related: bool = True) -> Judged:
    """The verdict on the channels that are not ``crowded`` by a few values far from all others, which hide the rest."""
    if not crowded:
        return verdict_of(channels, related=related)
    verb = "is" if len(crowded) == 1 else "are"
    hidden = (
        f"{some(crowded)} {verb} not known well enough: a few values far from all others leave the others in a few bins; leave "
        "those values out"
    )
    rest = tuple(channel for channel in channels if channel.name not in crowded)
    found = verdict_of(rest, related=related) if rest else None
    if found is None or found.kind == "no difference shown":
        return Judged("unclear", hidden)
    return Judged(found.kind, f"{found.reason}; {hidden}", found.affected or tuple(channel.name for channel in rest))


def _is_mapped(channel: ChannelShift, kind: ShiftKind) -> bool:
    """Whether a map explains the difference of one channel; a ratio of stds alone does not."""
    return kind not in (*_UNEXPLAINED, "no difference shown") and (kind != "units" or explaining(channel) is not None)


def _told(changed: dict[str, Judged], rest: int) -> str:
    """The kind and the evidence of single channels, and that the others show no difference."""
    if rest and len(changed) == 1:
        parts = [each.reason for each in changed.values()]
    else:
        parts = [f"{name} by {each.kind}: {each.reason}" for name, each in islice(changed.items(), _MOST_TOLD)]
    parts += [f"{len(changed) - _MOST_TOLD} more channels by maps of their own"] if len(changed) > _MOST_TOLD else []
    parts += (
        [f"the other {rest} channels show no difference" if rest > 1 else "the other channel shows no difference"] if rest else []
    )
    return "; ".join(parts)


def _together(channels: tuple[ChannelShift, ...]) -> Judged:
    """The kind of difference that all channels show together."""
    if any(math.isnan(end) for channel in channels for end in (channel.shift.low, channel.ratio.low)):
        return Judged("unclear", "one of the two datasets has no standard errors (fewer than two samples)")
    far = next((channel for channel in channels if not 1 / _FAR < channel.ratio.estimate < _FAR), None)
    if far is not None:
        times = f"the std of {far.name} is {far.ratio.estimate:.3g} times the source's"
        return Judged("unclear", f"{times}: look for missing values that are stored as huge numbers")
    units = _units(channels)
    if units and any(channel.differs for channel in channels):  # with heavy tails a ratio of stds alone shows nothing
        return Judged("units", units)
    coarse = [channel for channel in channels if not channel.forms]  # such as a column of two values
    if len(coarse) < len(channels):
        found = Judged(*_of_forms(tuple(channel for channel in channels if channel.forms)))
        if found.kind == "content" or not any(channel.differs for channel in coarse):
            return found
    if not any(channel.differs for channel in channels):
        return Judged("no difference shown", _NONE_SHOWN)
    return Judged("unclear", "mean or std differ, but there are too few quantiles to tell content from gain or offset")


def explaining(channel: ChannelShift) -> Form | None:
    """The likeliest line of a channel's values among those that explain the difference; None if no gain and offset does."""
    lines = [form for form in channel.forms if form.fits and form.name in ("gain", "offset", "gain and offset")]
    named = [form for form in lines if form.name == channel.kind]
    return min(named or lines, key=lambda form: form.criterion, default=None)


def verdict_of_constants(channels: tuple[ChannelShift, ...], *, both: bool, stds: bool) -> tuple[ShiftKind, str]:
    """Name the kind of difference to published constants, which are a mean and a std alone, and the evidence in one line.

    ``both`` says that both sides are constants, without sampling error; ``stds`` that their stds are of one definition.
    """
    if not stds:
        means = [channel for channel in channels if not channel.shift.low <= 0 <= channel.shift.high]
        largest = max(channels, key=lambda channel: abs(channel.shift.estimate))
        differ = f"the means differ by up to {abs(largest.shift.estimate):.2g} of the source's std ({largest.name})"
        of_means = differ if means else "the means are the same to their rounding"
        return "unclear", f"{of_means}; the stds are of two definitions and cannot be compared as data"
    if any(channel.differs for channel in channels):
        if both:
            return "unclear", "the figures differ by more than their rounding, but published constants state no sampling error"
        return "unclear", (
            "mean or std differ, but published constants are a mean and a std alone, with too few quantiles to tell content from "
            "gain or offset"
        )
    if both:
        return "no difference shown", "the figures are the same to their rounding"
    return "no difference shown", _NONE_SHOWN


_NAMES: dict[FormName, ShiftKind] = {
    "same": "no difference shown",
    "gain": "gain",
    "offset": "offset",
    "gain and offset": "gain and offset",
    "negative": "inversion",
    "inverted": "inversion",
    "gamma": "gamma",
    "sRGB": "gamma",
    "linear": "gamma",
    "gamma and gain": "gamma",
}
_LINES = ("gain", "offset", "gain and offset")


def _of_forms(channels: tuple[ChannelShift, ...]) -> tuple[ShiftKind, str]:
    """The map that explains all channels, by the least sum of its criterion; ``content`` if none does."""
    differs = any(channel.differs for channel in channels)
    by_name = [{form.name: form for form in channel.forms} for channel in channels]
    common = [name for name in _NAMES if all(name in known for known in by_name)]
    fitting = [name for name in common if all(known[name].fits for known in by_name) and _one_curve([k[name] for k in by_name])]
    if not differs and "same" in fitting:
        return "no difference shown", _NONE_SHOWN if all(channel.within for channel in channels) else _HEAVY
    fits = [channel.fit for channel in channels if channel.fit is not None]
    if differs and fits and max(fit.blur for fit in fits) > _SHARPEST:
        return "unclear", "mean or std differ, but too few samples were measured to tell content from gain or offset"
    score = {name: math.fsum(known[name].criterion for known in by_name) for name in fitting if name != "same"}
    if not score:
        return "content", _no_map(channels)
    best = min(score, key=score.__getitem__)
    close = [name for name in score if score[name] < score[best] + EVIDENCE]
    rising = [name for name in close if _NAMES[name] != "inversion"]
    if not rising:  # by chance: of an offset and a negative that are both right either may be the nearer one by far
        lines = [name for name in score if _NAMES[name] in _LINES and best == "negative"]
        upright = [name for name in score if _NAMES[name] != "inversion" and "same" in fitting] or lines
        rising = [min(upright, key=score.__getitem__)] if upright else []
    if rising:  # a symmetric distribution is its own negative; inversion is the rarer cause
        best = min(rising, key=score.__getitem__)
    unchanged = math.fsum(known["same"].criterion for known in by_name) if "same" in fitting else math.inf
    undecided = _undecided(by_name, best, rising, unchanged - score[best])
    if undecided:
        return "unclear", f"{undecided}; measure more samples"
    if best in ("sRGB", "linear") and "gamma" in score:  # the plain power is the weaker claim
        best = "gamma"
    found = [known[best] for known in by_name]
    shape = "the shape is the same to what sampling and rounding explain"
    units = _known_line(found) if _NAMES[best] in ("gain", "gain and offset") else ""
    if units:
        gains = ", ".join(f"{form.gain:.3g}" for form in found)
        return "units", f"{shape}, and values are multiplied by {gains}: {units}"
    symmetric = bool(rising) and any(_NAMES[name] == "inversion" for name in close)
    turned = "; the distribution is symmetric, so an inversion would explain it as well" if symmetric else ""
    return _NAMES[best], f"{shape}; {_described(found)}{turned}"


def _undecided(by_name: list[dict[FormName, Form]], best: FormName, rising: Sequence[FormName], gained: float) -> str:
    """Why the best of the maps that fit is not told, "" if it is: little is ``gained`` over no change, or another kind fits."""
    if gained < EVIDENCE:
        return "mean or std differ by more than their intervals, but no map explains the distributions better than no change"
    rivals = [name for name in rising if _NAMES[name] != _NAMES[best]]
    if not rivals:
        return ""
    alike = " or ".join(_described([known[name] for known in by_name]) for name in (best, *rivals))
    return f"{alike}: each explains the distributions to what sampling and rounding explain"


def _one_curve(found: list[Form]) -> bool:
    """Whether one exponent fits all channels: a tone curve is that of a camera, not of a colour."""
    powers = [(math.log(form.gamma), form.errors[0] if form.errors else 0.0) for form in found]
    return max(p - e for p, e in powers) <= min(p + e for p, e in powers) + _CURVE if "gamma" in found[0].name else True


def _no_map(channels: tuple[ChannelShift, ...]) -> str:
    nearest = [(channel, min(channel.forms, key=lambda form: form.distance / form.critical)) for channel in channels]
    if all(form.fits for _, form in nearest):
        each = ", ".join(f"{channel.name} {_described([form])}" for channel, form in islice(nearest, _MOST_TOLD))
        more = f", and {len(nearest) - _MOST_TOLD} more" if len(nearest) > _MOST_TOLD else ""
        return f"a map explains each channel by itself, but no one kind of map explains all of them: {each}{more}"
    channel, form = max(nearest, key=lambda pair: pair[1].distance / pair[1].critical)
    most = f", most in {channel.name}" if len(channels) > 1 else ""
    how = _described([form]) if form.name != "same" else "no change"
    return (
        f"the shape differs{most}: no gain, offset, inversion or tone curve explains it (the nearest, {how}, leaves "
        f"{form.distance / form.critical:.3g} times what sampling and rounding explain at 99%)"
    )


def _described(found: list[Form]) -> str:
    """The map in words, with the parameters of every channel."""
    gains, offsets, gammas = (", ".join(f"{getattr(form, name):.3g}" for form in found) for name in ("gain", "offset", "gamma"))
    errors = [max((form.errors[place] for form in found if len(form.errors) > place), default=0.0) for place in (0, 1)]
    return {
        "same": "no change",
        "gain": f"gain {gains}, and no offset",
        "offset": f"offset {offsets}, and no gain",
        "gain and offset": f"gain {gains}, offset {offsets}",
        "negative": f"values are inverted: a gain of -1, offset {offsets}",
        "inverted": "values are inverted: a gain of -1 (255 - x for 8-bit values)",
        "gamma": f"a tone curve: x ^ {gammas} (± {errors[0]:.1%})",
        "sRGB": "a tone curve: linear values encoded as sRGB",
        "linear": "a tone curve: sRGB values made linear",
        "gamma and gain": f"a tone curve: {gains} x ^ {gammas}",
    }[found[0].name]


def _known_line(found: list[Form]) -> str:
    """Name the change of units that a line matches within its errors and 5%, else ``""``; a gain of two may be exposure."""
    errors = [form.errors[0] for form in found]  # of log gain
    if max(errors) > _WELL_KNOWN:
        return ""
    for gain, offset in ((2.0, -1.0), (0.5, 0.5)):
        near = (
            abs(f.gain / gain - 1) <= f.errors[0] and abs(f.offset - offset) <= f.errors[1] for f in found if len(f.errors) > 1
        )
        if found[0].name == "gain and offset" and all(near):
            return "[0, 1] against [-1, 1]"
    return _known_factor([f.gain for f in found], max(errors)) if found[0].name == "gain" else ""


def _units(channels: tuple[ChannelShift, ...]) -> str:
    """The evidence for a change of units: one very large ratio of stds in all channels; ``""`` without it.

    A share of values far from the others, such as zeros for missing years, makes a large std and leaves the others as near to
    each other as they were.
    """
    ratios = [channel.ratio.estimate for channel in channels]
    certain = all(c.ratio.low > _LARGE for c in channels) or all(c.ratio.high < 1 / _LARGE for c in channels)
    rises = ratios[0] > 1
    alike = all(not math.isfinite(c.core) or (c.core > _LARGE if rises else c.core < 1 / _LARGE) for c in channels)
    if not certain or not alike or max(ratios) > 2 * min(ratios):
        return ""
    nearest = _known_factor(ratios, 0.25) or "no known factor lies within 25% of it"
    where = " in all channels" if len(ratios) > 1 else ""
    lines = [form for form in map(explaining, channels) if form is not None]
    alike = len(lines) == len(channels) and len({form.name for form in lines}) == 1
    line = f"; {_described(lines)}, explains the values" if alike and len(lines) <= _MOST_TOLD else ""
    return f"stds differ by a factor of {_geometric_mean(ratios):.3g}{where}: {nearest}{line}"


def _known_factor(ratios: list[float], tolerance: float) -> str:
    """Name the known factor nearest to all ratios, within a relative tolerance; ``""`` if there is none."""
    if min(ratios) <= 0:
        return ""
    found = _geometric_mean(ratios)
    factor = min(_FACTORS, key=lambda f: abs(abs(math.log(found)) - math.log(f)))
    away = max(abs(abs(math.log(ratio)) - math.log(factor)) for ratio in ratios)
    return f"near {factor:.4g} ({_FACTORS[factor]})" if away <= math.log1p(tolerance) else ""


def _geometric_mean(values: list[float]) -> float:
    return math.exp(math.fsum(map(math.log, values)) / len(values))
