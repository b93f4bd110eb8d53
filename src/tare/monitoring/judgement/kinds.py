"""What changed: the kind, from the values that arrived since the change, as ``tare.compare`` tells it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import permutations

from tare._version import __version__
from tare.comparing.result import Comparison, Form, some
from tare.comparing.shape import DIGITS, Spread
from tare.comparing.shift import compare_stats, same_forms
from tare.comparing.verdict import explaining
from tare.errors import DataError
from tare.monitoring.evidence.figures import NOUNS
from tare.monitoring.reference import Reference
from tare.monitoring.result import ChangeKind, Map
from tare.monitoring.words import as_they_arrive
from tare.statistics.dataset_stats import ChannelStats, DatasetStats, summarise
from tare.statistics.intervals import Interval
from tare.statistics.state import ChannelLayout, DatasetState, SampleGroup

# A channel whose std fell to this share of the reference's carries no picture, if chance makes it as rarely as this.
_DEAD, _CHANCE = 0.02, 1e-4
# A dead sensor of whole levels has its level and two neighbours.
_FEW = 3
# Missing values are the change where their share rose by this much and by this factor, or moved by this much most of all figures.
_MISSING, _TIMES = 0.005, 2.0
# More channels have too many orders to try.
_MOST_ORDERED = 5
# Another order has to explain the values better than none by this much of a criterion, and better than a map by this much.
_CERTAIN, _EVIDENCE = 10.0, 2.0
# Gain and offset of a channel that did not change.
_AS_IT_WAS = (Interval(1.0, 1.0, 1.0), Interval(0.0, 0.0, 0.0))


@dataclass(frozen=True, slots=True)
class Named:
    """The kind of a change, its evidence in a few words, the maps of values, and the order of channels that explains it.

    ``affected`` are the channels that changed, each with the kind of its change, where the others did not; empty where all did.
    """

    kind: ChangeKind
    reason: str
    maps: tuple[Map, ...] = ()
    order: tuple[int, ...] = ()
    affected: tuple[tuple[str, str], ...] = ()


def live_stats(reference: Reference, state: DatasetState) -> DatasetStats | None:
    """The statistics of what arrived, with the reference's names of channels; None where nothing finite did.

    All floating types count as one. Of several others the one with most samples counts.
    """
    if not state.groups:
        return None
    groups: dict[ChannelLayout, SampleGroup] = {}
    for layout, group in state.groups.items():
        is_float = layout.dtype.startswith("float") and len(state.groups) > 1
        kind = replace(layout, dtype="float64") if is_float else layout
        groups[kind] = groups[kind].merge(group) if kind in groups else group
    layout = max(groups, key=lambda each: groups[each].samples)
    stats = summarise(DatasetState({layout: groups[layout]}), "served", __version__, exclude_nan=True)
    names = reference.taking.channels
    return replace(stats, channels=tuple(replace(each, name=name) for each, name in zip(stats.channels, names, strict=True)))


def named(reference: Reference, live: DatasetStats | None, figures: Sequence[str]) -> Named:
    """Name the kind of a change; ``figures`` are those with most evidence, strongest first."""
    if live is None:
        return Named("no data", "nothing but missing values arrives")
    before = reference.stats
    missing = _missing(before, live, figures)
    if missing:
        return Named("no data", missing)
    still = _still(before, live)
    if not still.varying:
        return still.named() or _of_figures(figures)
    kept = still.varying
    known, now = (replace(stats, channels=tuple(stats.channels[place] for place in kept)) for stats in (before, live))
    spreads = tuple(reference.spreads[place] for place in kept) if reference.spreads else ()
    try:
        found = compare_stats(known, now, spreads=spreads)
    except DataError as error:
        return still.named() or Named("unclear", str(error))
    order = _order(known, now, spreads, found) if len(kept) == len(before.channels) else ()
    if order:
        names = [channel.name for channel in live.channels]
        return Named("channel order", f"{as_they_arrive(names, order)} explain the values without any map", (), order)
    shown = _of_comparison(found, figures, [channel.name for channel in live.channels])
    differing = tuple(channel.name for channel in found.channels if channel.differs)
    return _with_still(shown, still, differing, rows=reference.taking.rows)


@dataclass(frozen=True, slots=True)
class _Still:
    """The places of the channels that vary in the reference and now; those that are ``dead`` now, and constants that changed."""

    varying: tuple[int, ...]
    dead: tuple[str, ...]
    other: tuple[str, ...]

    @property
    def reason(self) -> str:
        """The evidence, "" where every channel varies as before or is constant as before."""
        verb = "is" if len(self.dead) == 1 else "are"
        dead = f"{', '.join(self.dead)} {verb} constant" if self.dead else ""
        return "; ".join(filter(None, (dead, *self.other)))

    def named(self) -> Named | None:
        """The kind, if nothing else changed."""
        if self.dead:
            return Named("dead channel", self.reason)
        return Named("content", self.reason) if self.other else None


def _is_as_written(before: float, now: float) -> bool:
    """Whether a constant is the same but for the digits that it is written with."""
    return math.isclose(before, now, rel_tol=DIGITS)


def _still(before: DatasetStats, live: DatasetStats) -> _Still:
    """Tell channels that are constant. A channel that is constant in the reference, too, is not dead.

    One that was mostly constant, such as a rare count, may be so by chance for a while: nothing is told of it.
    """
    varying, dead, other = [], [], []
    for place, (a, b) in enumerate(zip(before.channels, live.channels, strict=True)):
        # The std of values of which a few lie far from all others says nothing of the others.
        if a.std > 0 and (b.std > 0 if a.crowded else b.std > _DEAD * a.std or _varies(b)):
            varying.append(place)
        elif a.std > 0:
            if _by_chance(a, b, live.samples * max(1.0, a.effective_samples / before.samples)) < _CHANCE:
                dead.append(b.name)
        elif not (_is_as_written(a.min, b.min) and _is_as_written(a.max, b.max)):
            now = f"is {_exact(b.mean)}" if not b.std > 0 else f"varies, from {_exact(b.min)} to {_exact(b.max)}"
            other.append(f"{b.name} was always {_exact(a.mean)} and {now}")
    return _Still(tuple(varying), tuple(dead), tuple(other))


def _by_chance(a: ChannelStats, b: ChannelStats, number: float) -> float:
    """The probability that so many independent values of the reference all lie where those of a channel lie now."""
    bins = a.fine or a.histogram
    if bins is None or not math.isfinite(number):
        return 0.0
    share = sum(bins.counts[max(0, bins.place(b.min)) : max(0, bins.place(b.max) + 1)]) / sum(bins.counts)
    return float(share**number)


def _varies(channel: ChannelStats) -> bool:
    """Whether a channel takes many values, however near to each other: other units do, and noise of a dead sensor does not."""
    return channel.fine is not None and sum(count > 0 for count in channel.fine.counts) > _FEW


def _exact(value: float) -> str:
    """A value with all its digits, so that two that differ read otherwise."""
    return repr(value).removesuffix(".0")


def _with_still(found: Named, still: _Still, differing: tuple[str, ...], *, rows: bool) -> Named:
    """What channels that vary show, of which some are ``differing`` in mean or std, and those that do not vary.

    A constant column of a table hides no change of another one; the channels of a sensor are judged by the dead one.
    """
    alone = still.named()
    if alone is None:
        return found
    if not differing:
        return alone
    if found.kind == "unclear" or (still.dead and not rows):
        return replace(alone, reason=f"{alone.reason}; mean or std also differ in {some(differing)}: {found.reason}")
    return replace(found, reason=f"{found.reason}; and {still.reason}", maps=())


def _of_comparison(found: Comparison, figures: Sequence[str], names: Sequence[str]) -> Named:
    if found.kind == "no difference shown":
        return _of_figures(figures)
    kinds = {channel.name: channel.kind for channel in found.channels}
    affected = tuple((name, kinds[name]) for name in found.affected)
    maps = {each.channel: each for each in _maps(found)}
    every = tuple(maps.get(name, Map(name, *_AS_IT_WAS)) for name in names) if maps else ()
    return Named(found.kind, found.reason, every, (), affected)


def _of_figures(figures: Sequence[str]) -> Named:
    """The kind where no channel's values differ."""
    strongest = figures[0] if figures else "a figure of samples"
    if "product" in strongest or "correlation" in strongest or "difference" in strongest:
        return Named("content", f"every channel's values are distributed as before, but the {strongest} is not")
    return Named("unclear", f"the {strongest} changed, and too few samples arrived since to tell how values did")


def _missing(before: DatasetStats, live: DatasetStats, figures: Sequence[str]) -> str:
    """The evidence that other shares of values are missing, "" without it: they rose much, or are what changed most."""
    shares = [[(c.nan + c.inf) / max(1, c.nan + c.inf + c.count) for c in stats.channels] for stats in (before, live)]
    is_strongest = bool(figures) and figures[0].startswith(NOUNS["no data"])
    moved: dict[str, list[str]] = {}
    for channel, a, b in zip(live.channels, *shares, strict=True):
        much = b > a + _MISSING and (b > _TIMES * a or b == 1)
        if a != b and (much or (is_strongest and abs(b - a) > _MISSING)):
            moved.setdefault("rose" if b > a else "fell", []).append(f"{channel.name} from {a:.1%} to {b:.1%}")
    return "; ".join(f"the share of missing values {verb}: {', '.join(each)}" for verb, each in moved.items())


def _order(before: DatasetStats, live: DatasetStats, spreads: Sequence[Spread], found: Comparison) -> tuple[int, ...]:
    """The order of channels that alone explains the values, () if a map does as well, or too few samples tell it from none.

    An order has no parameters, so its distance is its criterion (see :class:`tare.comparing.result.Form`).
    """
    count = len(live.channels)
    if found.clean or not 1 < count <= _MOST_ORDERED:
        return ()
    same = same_forms(before, live, spreads)
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
    """The affine map of each channel, with intervals; () for kinds that no gain and offset describe.

    Channels that show no difference, where others do, stay as they are.
    """
    if found.affected:
        return _maps_apart(found)
    forms = [next((form for form in channel.forms if form.name == found.kind), None) for channel in found.channels]
    if any(form is None or form.gamma != 1 for form in forms):  # a tone curve has no gain and offset
        return ()
    return tuple(_map(channel.name, form) for channel, form in zip(found.channels, forms, strict=True) if form is not None)


def _maps_apart(found: Comparison) -> tuple[Map, ...]:
    maps = []
    for channel in found.channels:
        form = explaining(channel) if channel.name in found.affected else None
        if form is None and channel.name in found.affected:
            return ()
        maps.append(Map(channel.name, *_AS_IT_WAS) if form is None else _map(channel.name, form))
    return tuple(maps)


def _map(name: str, form: Form) -> Map:
    errors = list(form.errors)
    factor = math.exp(errors.pop(0)) if form.name != "offset" and errors else 1.0
    half = errors.pop(0) if errors else 0.0
    gain = Interval(form.gain, form.gain / factor, form.gain * factor)
    return Map(name, gain, Interval(form.offset, form.offset - half, form.offset + half))
