"""The sentences of an advice: reasons, rule, evidence, and the cost of being wrong."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from tare.advising.evidence.gathered import CANDIDATES, Gathered
from tare.advising.result import NO_MATTER, Figure
from tare.advising.rule import RULE, AdvisedProtocol, Decision, Gain
from tare.comparing.result import ChannelShift, ShiftKind, some
from tare.comparing.values_used import ValuesUsed
from tare.normalisation.names import Strategy
from tare.statistics.intervals import Interval

#: The kind of a comparison in words.
KINDS: Mapping[ShiftKind, str] = {
    "no difference shown": "no difference between the two datasets' values is shown",
    "content": "more than the scale differs",
    "gain": "the difference is that of the same samples at another gain",
    "offset": "the difference is that of the same samples with an offset",
    "gain and offset": "the difference is that of the same samples at another gain and offset",
    "inversion": "the difference is that of the same samples with inverted values",
    "gamma": "the difference is that of the same samples under another tone curve",
    "bit depth": "the raw values have another bit depth",
    "units": "the raw values are in other units",
    "several maps": "channels differ, each by a map of its own",
    "unclear": "the kind of difference cannot be told",
}
_WHAT: dict[Strategy, str] = {
    "source": "the mean and std of the pretraining",
    "target": "your data's own mean and std",
    "match": "constants that bring your data to the moments of the pretraining data",
    "blend": "a mean and std between the pretraining's and your data's",
    "sample": "each sample's own mean and std",
    "none": "values as they are",
}
# With more channels than this, as in a table, only the largest shifts are named.
_MANY = 3


def in_points(found: Interval) -> str:
    """A difference in accuracy with its interval, in points."""
    if not math.isfinite(found.low):
        return f"{100 * found.estimate:+.1f} points"
    return f"{100 * found.estimate:+.1f} points ({100 * found.low:+.1f} to {100 * found.high:+.1f})"


def recommendation(decision: Decision) -> str:
    """The strategy's name, or "it does not matter"."""
    return decision.strategy if decision.matters else NO_MATTER


def headline(decision: Decision) -> str:
    """One sentence: what to do, and by how much it is better, shown or not."""
    name, won = decision.strategy, decision.gain
    what = f"{_WHAT[name]} ({name})"
    if not decision.matters:
        return f"Keep {what}: the choice does not matter here."
    if decision.basis == "source impossible":
        return f"Use {what}: the pretraining's constants cannot be used, since the raw values are in other units."
    if decision.basis == "nothing else":
        return f"Keep {what}: nothing else can be computed."
    if won is None:
        return f"Keep {what}: {_rivals(decision)}."
    if decision.outcome == "shown better":
        return f"Use {what}: shown better than the pretraining's on your labels, by about {_of_accuracy(won)}."
    return f"Lean to {what}: about {_of_accuracy(won)} more than with the pretraining's is expected, but not shown."


def _rivals(decision: Decision) -> str:
    """What is known of the best strategy other than ``source``, which is kept."""
    name, best = max(decision.gains.items(), key=lambda row: row[1].combined)
    ends = f"{name}, the best of the others, gains {100 * best.range.low:+.1f} to {100 * best.range.high:+.1f} points of accuracy"
    if decision.outcome == "shown better":
        return f"every other strategy is shown to be worse on your labels; {ends}"
    return f"nothing else is expected to gain more than a point, but this is not shown; {ends}"


def _of_accuracy(gain: Gain) -> str:
    ends = gain.range
    return f"{100 * ends.estimate:.1f} points of accuracy ({100 * ends.low:+.1f} to {100 * ends.high:+.1f})"


def because(found: Gathered, used: ValuesUsed | None) -> tuple[str, ...]:
    """The reasons, in this order: units, size of the shift, what reaches the network's layers, labels."""
    return (*_units(found, used), *_size(found), *_twins(found), *_absorption(found), *_foreign(found), *_labels(found))


def rule_in_words(decision: Decision) -> str:
    """The rule that decided, as a sentence."""
    name, won = decision.strategy, _combined(decision.gain, decision.protocol)
    sentences = {
        "same input": f"every strategy feeds the network the same to within {RULE.same:g} input std",
        "equivalent": f"source, blend, target and match are shown to differ by less than {100 * RULE.equal:g} point",
        "accuracy": f"{name} is expected to gain most over source in the probability given to the right class, {won}",
        "foreign to the network": (
            f"dataset1 is foreign to the network under source (more than {RULE.foreign:g} nats per channel) and {name} takes "
            f"away at least {RULE.relief:.0%} of the divergence; it is expected to gain {won}"
        ),
        "absorbed": (
            "all weights are trained, and batch norm with the moments of its batches takes a change of mean and std out of what "
            "the layers see"
        ),
        "nothing else": "no strategy but source can be computed",
        "source impossible": f"source cannot be computed, since the raw values are in other units; {name} can",
        "default": f"no strategy is expected to gain more than {100 * RULE.margin:g} point over the constants of the training",
    }
    return sentences[decision.basis]


def _combined(gain: Gain | None, protocol: AdvisedProtocol) -> str:
    if gain is None:
        return ""
    remains = "" if protocol == "probe" else f"; {RULE.tuned_share:.0%} of that remains when all weights are trained"
    expected = f"{100 * gain.expected:.1f} points expected without labels"
    if gain.measured is None:
        return expected + remains
    if gain.by_classes is not None:
        expected += f" plus {100 * gain.by_classes:+.1f} by the network's old classes"
    weighed = f"{in_points(gain.measured)} cross-validated and {expected}, each weighed by its precision"
    return f"{100 * gain.combined:.1f} points: {weighed}{remains}"


def would_change(found: Gathered, decision: Decision) -> tuple[str, ...]:
    """What would change the advice."""
    if decision.basis == "absorbed":
        return (
            "batch norm that is kept frozen, or a frozen network with a new head (--protocol probe): then the choice can matter",
        )
    changes = []
    if found.folds is None:
        more = "more labelled samples" if found.labelled else "labels"
        changes.append(
            f"{more}: accuracies under each strategy are then compared on your data; with many labels they decide alone"
        )
    elif decision.gain is not None:
        changes.append(f"a combined gain of less than {100 * RULE.margin:g} point, or of less than another strategy's")
    elif decision.matters:
        changes.append(f"another strategy expected to gain more than {100 * RULE.margin:g} point{_largest_error(found)}")
    all_used = found.folds is None or len(found.folds.credit["source"]) >= found.samples
    if decision.matters and decision.confidence != "high" and all_used:
        changes.append(f"more samples: {found.samples} leave the differences uncertain")
    if found.against_constants:
        changes.append("--source-stats: dataset0's measured statistics would tell content from another sensor, and allow match")
    if decision.protocol == "probe":
        changes.append("--protocol finetune: batch norm that is trained on dataset1 absorbs the choice (see `tare explain`)")
    return tuple(changes)


def cost_of_being_wrong(found: Gathered, decision: Decision) -> str:
    """The cost of a wrong choice: in points of accuracy with labels, else as a sentence."""
    if not decision.matters:
        return "negligible: the strategies are alike here"
    if found.folds is None:
        return "not known without labels; the benchmark of this rule (docs/advise.md) says how large it is on other tasks"
    others = [one for one in _compared(found) if one in CANDIDATES and one != decision.strategy]
    ranked = [(one, found.folds.gain(one, decision.strategy)[0]) for one in others]
    if not ranked:
        return "not known: nothing else could be compared"
    name, worst = max(ranked, key=lambda row: row[1].high)
    if worst.high <= 0:
        return f"none within the intervals: every other strategy is shown to be worse, {name} the least, by {in_points(worst)}"
    most = f"at most about {100 * worst.high:.1f} points; the measured difference is {in_points(worst)}"
    return f"if {name} is better after all, {most}"


def evidence_rows(found: Gathered, used: ValuesUsed | None) -> tuple[Figure, ...]:
    """Every number behind the advice."""
    return (*_of_values(found, used), *_of_inputs(found), *_of_labels(found))


def _of_values(found: Gathered, used: ValuesUsed | None) -> Iterator[Figure]:
    yield Figure("samples", found.samples, None, "samples")
    if used is not None and used.bits is not None:
        yield Figure("bits used", used.bits, None, f"of {used.depth} bits")
    for channel in found.comparison.channels if found.comparison else ():
        yield _row(f"shift of the mean, {channel.name}", channel.shift, "source std")
        yield _row(f"ratio of stds, {channel.name}", channel.ratio, "target / source")
        if channel.fit is not None:
            yield _around(f"gain, {channel.name}", channel.fit.gain, channel.fit.gain_error, "target / source")
            yield _around(f"offset, {channel.name}", channel.fit.offset, channel.fit.offset_error, "unit values")


def _of_inputs(found: Gathered) -> Iterator[Figure]:
    for name, gap in found.gaps.items():
        if name != "source":
            yield Figure(f"distance of the input from source's, {name}", gap, None, "input std")
    for name, shares in found.shares.items():
        for share in shares:
            yield Figure(f"surviving behind {share.name}, train mode, {name}", share.train, None, "share")
            yield Figure(f"surviving behind {share.name}, eval mode, {name}", share.eval, None, "share")
    for scored, score in found.scores.items():
        place = "input" if score.activations is None else "batch norms"
        yield _row(f"divergence at the {place}, {scored}", score.counted, "nats per channel")


def _of_labels(found: Gathered) -> Iterator[Figure]:
    folds = found.folds
    if folds is None:
        return
    for name in folds.accuracy:
        yield _row(f"cross-validated accuracy, {name}", folds.level(name), "share")
        if name != "source":
            yield _row(f"accuracy minus source's, {name}", folds.difference(name)[0], "share")
            yield _row(f"probability given to the right class minus source's, {name}", folds.gain(name)[0], "share")
            by_classes = folds.gain_by_classes(name)
            if by_classes is not None:
                yield Figure(f"the same by the network's old classes, {name}", by_classes, None, "share")


def _row(name: str, found: Interval, unit: str) -> Figure:
    return Figure(name, found.estimate, (found.low, found.high), unit)


def _around(name: str, value: float, error: float, unit: str) -> Figure:
    return Figure(name, value, (value - error, value + error), unit)


def _units(found: Gathered, used: ValuesUsed | None) -> Iterator[str]:
    against = "the network's constants (dataset0 itself is not known)" if found.against_constants else "dataset0"
    if used is not None:
        yield f"Values: {used.describe()}."
    if found.constant:
        listed = ", ".join(found.constant)
        yield f"Constant in dataset1: {listed}. Strategies that divide by dataset1's own stds cannot be used."
    if found.comparison is None:
        yield f"The values could not be compared with {against}: {found.uncompared}."
        return
    of = f" of {some(found.comparison.affected)}" if found.comparison.affected else ""
    yield f"Against {against}: {KINDS[found.comparison.kind]}{of}; {found.comparison.reason}."
    other = [channel for channel in found.comparison.channels if channel.kind == "units"]
    if other and found.comparison.kind != "units":
        listed = ", ".join(f"{channel.name} (stds {channel.ratio.estimate:.3g} times as large)" for channel in other)
        yield f"These channels look like other units: {listed}."


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
    """How many columns differ, and the largest shifts; ``ordered`` has the largest shift first."""
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
        yield f"{name} feeds the network the same input as {other}: the two are one choice here."


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
    text = f"Without labels: at {place} dataset1 lies {source.counted.estimate:.2f} nats per channel from dataset0's "
    text += "moments under source"
    listed = ", ".join(f"{score.counted.estimate:.2f} under {name}" for name, score in others.items())
    yield f"{text}{f', {listed}' if listed else ''}."


def _labels(found: Gathered) -> Iterator[str]:
    if found.folds is None:
        few = "Labels are too few to compare accuracies: at least two classes are needed, one of them with two training samples."
        yield few if found.labelled else "No labels were used: accuracies were not compared."
        return
    level = found.folds.level("source")
    text = (
        f"Cross-validated accuracy of frozen features under source: {100 * level.estimate:.1f}%. Strategies are compared by the "
    )
    text += "probability given to each held-out sample's own class: it differs as accuracy does, with less noise."
    if found.folds.by_classes:
        text += " The gain by old classes says how much better the network's own outputs predict the new classes (LEEP)."
    yield text
    for name in _compared(found):
        if name == "source":
            continue
        gap, _ = found.folds.gain(name)
        verdict = _verdict(gap) if name in CANDIDATES else "measured, and not among the choices of the rule"
        hits = 100 * found.folds.difference(name)[0].estimate
        by_classes = found.folds.gain_by_classes(name)
        old = "" if by_classes is None else f"; by the network's old classes: {100 * by_classes:+.1f}"
        yield f"{name}: {in_points(gap)} against source, {verdict} (accuracy: {hits:+.1f} points{old})."


def _verdict(gap: Interval) -> str:
    return "better on these samples" if gap.low > 0 else "worse on these samples" if gap.high < 0 else "no difference shown"


def _compared(found: Gathered) -> list[Strategy]:
    return [name for name in found.choices if found.folds is not None and name in found.folds.credit]


def _largest_error(found: Gathered) -> str:
    assert found.folds is not None  # noqa: S101 - called only with labels
    errors = [found.folds.gain(name)[1] for name in _compared(found) if name in CANDIDATES and name not in ("source", "sample")]
    return f" (its standard error here is up to {100 * max(errors):.1f} points)" if errors else ""
