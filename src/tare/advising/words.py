"""Evidence and decision in plain words."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from tare.advising.evidence.gathered import Gathered
from tare.advising.result import NO_MATTER, Evidence
from tare.advising.rule import RULE, Decision, Gain
from tare.comparing.shift import ChannelShift
from tare.comparing.values_used import ValuesUsed
from tare.normalisation.strategies import Strategy
from tare.statistics.intervals import Interval

_KINDS = {
    "no difference shown": "no difference between the two datasets' values is shown",
    "content": "more than another scale",
    "gain": "the same samples at another gain would look so",
    "offset": "the same samples with an offset would look so",
    "gain and offset": "the same samples at another gain and offset would look so",
    "units": "the raw values are in other units",
    "unclear": "what kind of difference it is cannot be told",
}
# Above so many channels, as tables have, only the largest shifts are named.
_MANY = 3


def points(found: Interval) -> str:
    """A difference in accuracy with its interval, in points."""
    if not math.isfinite(found.low):
        return f"{100 * found.estimate:+.1f} points"
    return f"{100 * found.estimate:+.1f} points ({100 * found.low:+.1f} to {100 * found.high:+.1f})"


def recommendation(decision: Decision) -> str:
    """The strategy's name, or that it does not matter."""
    return decision.strategy if decision.matters else NO_MATTER


def because(found: Gathered, used: ValuesUsed | None) -> tuple[str, ...]:
    """The reasons in the order in which they are asked: units, size, what the network feels, labels."""
    return (*_units(found, used), *_size(found), *_twins(found), *_absorption(found), *_foreign(found), *_labels(found))


def rule_in_words(decision: Decision) -> str:
    """The rule that decided."""
    name, won = decision.strategy, decision.gain
    said = {
        "same input": f"every strategy feeds the network the same to within {RULE.same:g} input std",
        "equivalent": f"source, blend, target and match are shown to differ by less than {100 * RULE.equal:g} point",
        "accuracy": f"{name} is expected to gain most over source in the probability given to the right class, {_combined(won)}",
        "foreign to the network": (
            f"dataset1 is foreign to the network under source (more than {RULE.foreign:g} nats per channel) and {name} takes "
            f"away at least {RULE.relief:.0%} of that; it is expected to gain {_combined(won)}"
        ),
        "nothing else": "no strategy but source can be computed",
        "source impossible": f"source cannot be computed, since the raw values are in other units; {name} can",
        "default": f"no strategy is expected to gain more than {100 * RULE.margin:g} point over the constants of the training",
    }
    return said[decision.basis]


def _combined(won: Gain | None) -> str:
    if won is None:
        return ""
    expected = f"{100 * won.expected:.1f} points expected without labels"
    if won.measured is None:
        return expected
    if won.by_classes is not None:
        expected += f" plus {100 * won.by_classes:+.1f} by the network's old classes"
    weighed = f"{points(won.measured)} cross-validated and {expected}, each weighed by how well it is known"
    return f"{100 * won.combined:.1f} points: {weighed}"


def would_change(found: Gathered, decision: Decision) -> tuple[str, ...]:
    """What would move the advice."""
    said = []
    if found.folds is None:
        more = "more labelled samples" if found.labelled else "labels"
        said.append(f"{more}: with them accuracies under each strategy are compared on your data, and many of them decide alone")
    elif decision.gain is not None:
        said.append(f"a combined gain of less than {100 * RULE.margin:g} point, or of less than another strategy's")
    elif decision.matters:
        said.append(f"another strategy expected to gain more than {100 * RULE.margin:g} point{_largest_error(found)}")
    all_used = found.folds is None or len(found.folds.credit["source"]) >= found.samples
    if decision.matters and decision.confidence != "high" and all_used:
        said.append(f"more samples: {found.samples} leave the differences uncertain")
    if found.against_constants:
        said.append("--source-stats: dataset0's measured statistics would tell content from another sensor, and allow match")
    said.append("batch norm that is trained or re-estimated on dataset1: it absorbs part of the choice (see `tare explain`)")
    return tuple(said)


def cost_of_being_wrong(found: Gathered, decision: Decision) -> str:
    """In points of accuracy where labels say it, else in words."""
    if not decision.matters:
        return "none to speak of: the strategies are alike here"
    if found.folds is None:
        return "not known without labels; the benchmark of this rule (docs/advise.md) says how large it is on other tasks"
    ranked = [(one, found.folds.gain(one, decision.strategy)[0]) for one in _compared(found) if one != decision.strategy]
    if not ranked:
        return "not known: nothing else could be compared"
    name, worst = max(ranked, key=lambda row: row[1].high)
    if worst.high <= 0:
        return f"none that the data allow: every other strategy is shown to be worse, {name} the least so by {points(worst)}"
    return (
        f"if {name} is the better one after all, at most about {100 * worst.high:.1f} points; its difference is {points(worst)}"
    )


def evidence_rows(found: Gathered, used: ValuesUsed | None) -> tuple[Evidence, ...]:
    """Every number behind the advice."""
    return (*_of_values(found, used), *_of_inputs(found), *_of_labels(found))


def _of_values(found: Gathered, used: ValuesUsed | None) -> Iterator[Evidence]:
    yield Evidence("samples", found.samples, None, "samples")
    if used is not None and used.bits is not None:
        yield Evidence("bits used", used.bits, None, f"of {used.depth} bits")
    for channel in found.comparison.channels if found.comparison else ():
        yield _row(f"shift of the mean, {channel.name}", channel.shift, "source std")
        yield _row(f"ratio of stds, {channel.name}", channel.ratio, "target / source")
        if channel.fit is not None:
            yield _around(f"gain, {channel.name}", channel.fit.gain, channel.fit.gain_error, "target / source")
            yield _around(f"offset, {channel.name}", channel.fit.offset, channel.fit.offset_error, "unit values")


def _of_inputs(found: Gathered) -> Iterator[Evidence]:
    for name, gap in found.gaps.items():
        if name != "source":
            yield Evidence(f"distance of the input from source's, {name}", gap, None, "input std")
    for name, shares in found.shares.items():
        for share in shares:
            yield Evidence(f"surviving behind {share.name}, train mode, {name}", share.train, None, "share")
            yield Evidence(f"surviving behind {share.name}, eval mode, {name}", share.eval, None, "share")
    for scored, score in found.scores.items():
        place = "input" if score.activations is None else "batch norms"
        yield _row(f"divergence at the {place}, {scored}", score.counted, "nats per channel")


def _of_labels(found: Gathered) -> Iterator[Evidence]:
    folds = found.folds
    for name in folds.accuracy if folds is not None else ():
        assert folds is not None  # noqa: S101 - else there is no name
        yield _row(f"cross-validated accuracy, {name}", folds.level(name), "share")
        if name != "source":
            yield _row(f"accuracy less source's, {name}", folds.difference(name)[0], "share")
            yield _row(f"probability given to the right class less source's, {name}", folds.gain(name)[0], "share")
            by_classes = folds.gain_by_classes(name)
            if by_classes is not None:
                yield Evidence(f"the same by the network's old classes, {name}", by_classes, None, "share")


def _row(name: str, found: Interval, unit: str) -> Evidence:
    return Evidence(name, found.estimate, (found.low, found.high), unit)


def _around(name: str, value: float, error: float, unit: str) -> Evidence:
    return Evidence(name, value, (value - error, value + error), unit)


def _units(found: Gathered, used: ValuesUsed | None) -> Iterator[str]:
    against = "the network's constants (dataset0 itself is not known)" if found.against_constants else "dataset0"
    if used is not None:
        yield f"Values: {used.describe()}."
    if found.constant:
        listed = ", ".join(found.constant)
        yield f"Constant in dataset1: {listed}. No strategy that divides by dataset1's own stds can be used with that."
    if found.comparison is None:
        yield f"Against {against} the values could not be compared: {found.uncompared}."
        return
    yield f"Against {against}: {_KINDS[found.comparison.kind]}; {found.comparison.reason}."
    other = [channel for channel in found.comparison.channels if channel.kind == "units"]
    if other and found.comparison.kind != "units":
        listed = ", ".join(f"{channel.name} (stds {channel.ratio.estimate:.3g} times as large)" for channel in other)
        yield f"By itself this looks like other units: {listed}."


def _size(found: Gathered) -> Iterator[str]:
    if found.comparison is None:
        return
    ordered = sorted(found.comparison.channels, key=lambda channel: -abs(channel.shift.estimate))
    if len(ordered) > _MANY:
        yield _size_of_columns(found.samples, ordered)
        return
    largest = ordered[0]
    shift, ratio = largest.shift, largest.ratio
    text = f"{found.samples} samples: the largest shift of the mean is {shift.estimate:+.2f} source stds"
    if math.isfinite(shift.low):
        text += f" ({shift.low:+.2f} to {shift.high:+.2f}), the ratio of stds {ratio.estimate:.2f} "
        text += f"({ratio.low:.2f} to {ratio.high:.2f})"
        text += f", in {largest.name}" if len(found.comparison.channels) > 1 else ""
        text += "; " + _certainty(largest)
    yield f"{text}."


def _size_of_columns(samples: int, ordered: Sequence[ChannelShift]) -> str:
    """The columns that differ, and the largest shifts; ``ordered`` by these."""
    differing = sum(channel.differs for channel in ordered)
    listed = ", ".join(
        f"{channel.name} {channel.shift.estimate:+.2f} ({channel.shift.low:+.2f} to {channel.shift.high:+.2f})"
        for channel in ordered[:_MANY]
    )
    ratios = [(channel.ratio.estimate, channel.name) for channel in ordered]
    (low, lowest), (high, highest) = min(ratios), max(ratios)
    return (
        f"{samples} samples: {differing} of {len(ordered)} channels differ by more than noise explains. The largest shifts of "
        f"the mean, in source stds: {listed}; ratios of stds from {low:.2f} ({lowest}) to {high:.2f} ({highest})."
    )


def _twins(found: Gathered) -> Iterator[str]:
    for name, other in found.twins.items():
        yield f"{name} feeds the network the same as {other}: here they are one choice."


def _certainty(channel: ChannelShift) -> str:
    if not channel.differs:
        return "noise alone could explain both"
    half = (channel.shift.high - channel.shift.low) / 2
    return "dataset1's own mean is known well" if half < 0.1 else f"dataset1's own mean is known to {half:.2f} source stds only"


def _absorption(found: Gathered) -> Iterator[str]:
    for name, shares in found.shares.items():
        if shares and shares[0].norm:
            last = shares[-1]
            yield (
                f"Between source and {name} the input differs by {found.gaps[name]:.2f} input std; behind {last.name} "
                f"{last.train:.0%} of it survives in train mode and {last.eval:.0%} in eval mode."
            )
            return
        if shares:
            yield f"Between source and {name} the input differs by {found.gaps[name]:.2f} input std, and no layer normalises it."
            return


def _foreign(found: Gathered) -> Iterator[str]:
    source = found.scores.get("source")
    if source is None:
        return
    place = "the input" if source.activations is None else "the batch norms"
    others = {name: score for name, score in found.scores.items() if name not in ("source", "blend")}
    text = f"Without labels: at {place} dataset1 lies {source.counted.estimate:.2f} nats per channel from what was "
    text += "stored under source"
    listed = ", ".join(f"{score.counted.estimate:.2f} under {name}" for name, score in others.items())
    yield f"{text}{f', {listed}' if listed else ''}."


def _labels(found: Gathered) -> Iterator[str]:
    if found.folds is None:
        few = "The labels are too few to compare accuracies: a class with two training samples is needed, and one more class."
        yield few if found.labelled else "No labels were used: accuracies were not compared."
        return
    level = found.folds.level("source")
    said = f"Cross-validated accuracy of frozen features under source: {100 * level.estimate:.1f}%. Compared is the probability "
    said += "given to each held-out sample's own class: accuracy with less noise."
    if found.folds.by_classes:
        said += " Beside it stands how much better the network's own answers, its old classes, foretell the new ones (LEEP)."
    yield said
    for name in _compared(found):
        if name == "source":
            continue
        gap, _ = found.folds.gain(name)
        shown = "better" if gap.low > 0 else "worse" if gap.high < 0 else "no difference shown"
        hits = 100 * found.folds.difference(name)[0].estimate
        by_classes = found.folds.gain_by_classes(name)
        old = "" if by_classes is None else f"; by the network's old classes: {100 * by_classes:+.1f}"
        yield f"{name}: {points(gap)} against source, {shown} (samples right: {hits:+.1f} points{old})."


def _compared(found: Gathered) -> list[Strategy]:
    return [name for name in found.choices if found.folds is not None and name in found.folds.credit]


def _largest_error(found: Gathered) -> str:
    assert found.folds is not None  # noqa: S101 - only asked where there are labels
    errors = [found.folds.gain(name)[1] for name in _compared(found) if name not in ("source", "sample")]
    return f" (its standard error here is up to {100 * max(errors):.1f} points)" if errors else ""
