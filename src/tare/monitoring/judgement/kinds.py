"""What changed: the kind, from the values that arrived since the change, as ``tare.compare`` tells it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import permutations

from tare._version import __version__
from tare.comparing.result import Comparison, Form
from tare.comparing.shift import compare_stats, same_forms
from tare.errors import DataError
from tare.monitoring.reference import Reference
from tare.monitoring.result import ChangeKind, Map
from tare.statistics.dataset_stats import DatasetStats, summarise
from tare.statistics.intervals import Interval
from tare.statistics.state import DatasetState

# A channel whose std fell to this share of the reference's carries no picture.
_DEAD = 0.02
# Missing values are the change where their share rose by this much and by this factor.
_MISSING, _TIMES = 0.005, 2.0
# More channels have too many orders to try.
_MOST_ORDERED = 5
# Another order has to explain the values better than none by this much of a criterion, and better than a map by this much.
_CERTAIN, _EVIDENCE = 10.0, 2.0


@dataclass(frozen=True, slots=True)
class Named:
    """The kind of a change, its evidence in a few words, the maps of values, and the order of channels that explains it."""

    kind: ChangeKind
    reason: str
    maps: tuple[Map, ...] = ()
    order: tuple[int, ...] = ()


def live_stats(reference: Reference, state: DatasetState) -> DatasetStats | None:
    """The statistics of what arrived, with the reference's names of channels; None where nothing finite did.

    Of several dtypes the one with most samples counts.
    """
    if not state.groups:
        return None
    layout = max(state.groups, key=lambda each: state.groups[each].samples)
    stats = summarise(DatasetState({layout: state.groups[layout]}), "served", __version__, exclude_nan=True)
    names = reference.taking.channels
    return replace(stats, channels=tuple(replace(each, name=name) for each, name in zip(stats.channels, names, strict=True)))


def named(reference: Reference, live: DatasetStats | None, figures: Sequence[str]) -> Named:
    """Name the kind of a change; ``figures`` are those with most evidence, strongest first."""
    if live is None:
        return Named("no data", "nothing but missing values arrives")
    before = reference.stats
    missing = _missing(before, live)
    if missing:
        return Named("no data", missing)
    dead = [b.name for a, b in zip(before.channels, live.channels, strict=True) if not b.std > _DEAD * a.std and a.std > 0]
    if dead:
        return Named("dead channel", f"{', '.join(dead)} {'is' if len(dead) == 1 else 'are'} constant")
    try:
        found = compare_stats(before, live, spreads=reference.spreads)
    except DataError as error:
        return Named("unclear", str(error))
    order = _order(reference, live, found)
    if order:
        names = [channel.name for channel in live.channels]
        return Named(
            "channel order", f"{', '.join(names[place] for place in order)} explain the values without any map", (), order
        )
    return _of_comparison(found, figures)


def _of_comparison(found: Comparison, figures: Sequence[str]) -> Named:
    if found.kind == "no difference shown":
        strongest = figures[0] if figures else "a figure of samples"
        if "correlation" in strongest or "difference" in strongest:
            return Named("content", f"every channel's values are distributed as before, but the {strongest} is not")
        return Named("unclear", f"the {strongest} changed, and too few samples arrived since to tell how values did")
    return Named(found.kind, found.reason, _maps(found))


def _missing(before: DatasetStats, live: DatasetStats) -> str:
    """The evidence that more values are missing, "" without it."""
    shares = [[(c.nan + c.inf) / max(1, c.nan + c.inf + c.count) for c in stats.channels] for stats in (before, live)]
    worse = [
        f"{channel.name} from {a:.1%} to {b:.1%}"
        for channel, a, b in zip(live.channels, *shares, strict=True)
        if b > a + _MISSING and b > _TIMES * a
    ]
    return f"the share of missing values rose: {', '.join(worse)}" if worse else ""


def _order(reference: Reference, live: DatasetStats, found: Comparison) -> tuple[int, ...]:
    """The order of channels that alone explains the values, () if a map does as well, or too few samples tell it from none.

    An order has no parameters, so its distance is its criterion (see :class:`tare.comparing.result.Form`).
    """
    count = len(live.channels)
    if found.clean or not 1 < count <= _MOST_ORDERED:
        return ()
    same = same_forms(reference.stats, live, reference.spreads)
    orders = list(permutations(range(count)))
    scores = {each: _unexplained([row[place] for row, place in zip(same, each, strict=True)]) for each in orders}
    forms = [same[place][place] for place in range(count)]
    straight = math.fsum(math.inf if form is None else form.distance for form in forms)
    best = min(scores, key=scores.__getitem__)
    return best if scores[best] < min(straight - _CERTAIN, _of_best_map(found) - _EVIDENCE) else ()


def _unexplained(forms: Sequence[Form | None]) -> float:
    """What forms leave unexplained together; infinite if one of them does not fit."""
    return math.fsum(form.criterion if form is not None and form.fits else math.inf for form in forms)


def _of_best_map(found: Comparison) -> float:
    """The criterion of the map that explains all channels best; infinite if none does."""
    by_name = [{form.name: form for form in channel.forms if form.name != "same"} for channel in found.channels]
    return min((_unexplained([each.get(name) for each in by_name]) for name in by_name[0]), default=math.inf)


def _maps(found: Comparison) -> tuple[Map, ...]:
    """The affine map of each channel, with intervals; () for kinds that no gain and offset describe."""
    forms = [next((form for form in channel.forms if form.name == found.kind), None) for channel in found.channels]
    if any(form is None for form in forms):
        return ()
    return tuple(_map(channel.name, form) for channel, form in zip(found.channels, forms, strict=True) if form is not None)


def _map(name: str, form: Form) -> Map:
    errors = list(form.errors)
    factor = math.exp(errors.pop(0)) if form.name != "offset" and errors else 1.0
    half = errors.pop(0) if errors else 0.0
    gain = Interval(form.gain, form.gain / factor, form.gain * factor)
    return Map(name, gain, Interval(form.offset, form.offset - half, form.offset + half))
