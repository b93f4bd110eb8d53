"""What ``tare advise`` prints, and its page."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from tare.advising.result import Advice, Figure
from tare.advising.rule import RULE, Gain
from tare.reporting import html
from tare.reporting.console import number, out, shown
from tare.reporting.page.fed import fed_picture
from tare.reporting.page.frame import Badge, FirstScreen, Made, Step, framed
from tare.reporting.page.rows import Mark, Row, drawn, key, scale_of
from tare.reporting.page.steps import OUTPUTS, with_verb
from tare.statistics.intervals import Interval
from tare.system.files import write_text

_METHOD = (
    "The rule looks at units first, then at the number of samples, then at what reaches the network, then at labels. All "
    "intervals are 95%. Intervals of shifts and ratios count samples and hold for all channels at once. Intervals of "
    "divergences come from resampling samples. Intervals of accuracies are corrected for overlapping training sets (Nadeau and "
    "Bengio 2003). Intervals of the probability given to the right class are taken over samples, and widened as the benchmark "
    "of this rule requires."
)
#: Figures of one unit that make a table of their own.
_FEW = 3
#: Options of ``tare advise`` that ``tare transfer`` has not; True: a value follows.
OWN_OPTIONS = {**OUTPUTS, "--labels": False, "--no-labels": False}


def print_advice(found: Advice) -> None:
    """Print the recommendation, the rule, the reasons, what would change it and what being wrong costs."""
    out.print(f"[bold]{shown(found.headline)}[/] ({found.outcome}; confidence: {found.confidence})", soft_wrap=True)
    out.print(f"Rule: {shown(found.rule)}.", soft_wrap=True)
    if found.rate is not None:
        out.print(f"How often such advice is right: {shown(found.rate.in_words())}.", soft_wrap=True)
    out.print()
    for heading, texts in (("Because", found.because), ("\nWhat would change it", found.would_change)):
        out.print(f"[bold]{heading}[/]")
        for text in texts:
            out.print(f"- {shown(text)}", soft_wrap=True)
    out.print(f"\n[bold]Cost of being wrong[/]: {shown(found.cost)}.", soft_wrap=True)
    out.print(f"\n{shown(_use(found))}", soft_wrap=True)
    for note in _notes(found):
        out.print(f"[dim]{shown(note)}[/]", soft_wrap=True)


def write_advice(found: Advice, path: Path, command: str) -> None:
    """Write the advice's self-contained page."""
    made = Made(f"{found.model} on {found.data}, {found.samples:,} samples", command, {"Seed": str(found.seed)})
    write_text(path, framed("advise", _first(found, command), _folds(found), made))


def _first(found: Advice, command: str) -> FirstScreen:
    verdict, _, more = found.headline.partition("; ")
    forest, fed = _forest(found), fed_picture(found.normalisations, found.comparison, chosen=found.strategy)
    return FirstScreen(
        verdict=verdict.removesuffix(".") + ".",
        lead=_sentence(more) if more else "",
        badges=(
            Badge(found.outcome, "good" if found.outcome == "shown better" else "plain"),
            Badge(f"confidence {found.confidence}"),
            Badge("a new head on the frozen network" if found.protocol == "probe" else "all weights are trained"),
        ),
        picture_title="Accuracy gained over source" if forest else "What the network is fed" if fed else "",
        picture=forest or fed,
        steps=_steps(found, command),
    )


def _steps(found: Advice, command: str) -> list[Step]:
    use = Step("Train with it:" if found.matters else "Train with source:", transfer_command(found, command))
    surer = found.would_change[0] if found.would_change else ""
    return [use, *([Step(f"What would change it: {surer}.")] if surer else [])]


def transfer_command(found: Advice, command: str) -> str:
    """The command ``tare transfer`` with the network, data and options of the ``tare advise`` that was given."""
    stats = () if found.strategy != "match" or "--source-stats" in command else ("--source-stats", "STATS")
    return with_verb(command, "transfer", ("--strategy", found.strategy, *stats, "--out", "run"), OWN_OPTIONS)


def _forest(found: Advice) -> list[str]:
    """Each strategy's gain over ``source`` with its interval, the best first; empty where the rule needed no gain."""
    if not found.gains:
        return []
    baseline = Row("source", [Mark(0.0, colour="grey", shape="tick")], "0", "baseline", chosen=found.strategy == "source")
    ordered = sorted(found.gains.items(), key=lambda item: -item[1].combined)
    rows = [baseline, *(_row(name, gain, chosen=found.strategy == name) for name, gain in ordered)]
    margin = 100 * RULE.margin
    scale = scale_of(rows, "points of accuracy above source", zero=0.0, band=(-margin, margin))
    entries = [(Mark(0, hollow=True), "expected, with 95%: not shown")]
    if any(gain.shown or gain.shown_worse for gain in found.gains.values()):
        entries.append((Mark(0), "shown"))
    if any(gain.measured for gain in found.gains.values()):
        entries.append((Mark(0, colour="orange", shape="tick"), "what your labels alone say"))
    return [drawn(rows, scale, "Gain of each strategy over source"), key(entries), html.paragraph(_CAPTION, "faint")]


_CAPTION = f"Grey band: {100 * RULE.margin:g} point, less than which a difference does not matter."


def _row(name: str, gain: Gain, *, chosen: bool) -> Row:
    ends, measured = _points(gain.range), gain.measured
    known = gain.shown or gain.shown_worse
    marks = [Mark(*ends, hollow=not known, said=f"{name}, expected: {_in_words(ends)}")]
    if measured is not None:
        own = _points(measured)
        marks.append(Mark(*own, colour="orange", shape="tick", said=f"measured: {_in_words(own)}"))
    word = "shown better" if gain.shown else "shown worse" if gain.shown_worse else "not shown"
    return Row(name, marks, f"{ends[0]:+.1f}", word, f"{ends[1]:+.1f} to {ends[2]:+.1f}", chosen=chosen)


def _points(found: Interval) -> tuple[float, float, float]:
    return 100 * found.estimate, 100 * found.low, 100 * found.high


def _in_words(ends: tuple[float, float, float]) -> str:
    return f"{ends[0]:+.1f} points ({ends[1]:+.1f} to {ends[2]:+.1f})"


def _folds(found: Advice) -> Iterator[str]:
    yield html.fold("Why", found.rule, _why(found))
    fed = fed_picture(found.normalisations, found.comparison, chosen=found.strategy) if found.gains else []
    constants = html.table("Mean and std of each strategy, in unit values", ("strategy", "mean", "std"), _constants(found))
    yield html.fold("What the network is fed", "mean and std of each strategy", [*fed, constants])
    numbers = f"{len(found.evidence)} figures with their 95% intervals"
    yield html.fold("Every measured number", numbers, _evidence(found))
    yield from html.notes(_notes(found), "the network, the data and the options")
    yield html.fold("Method", "how the rule decides, and what the intervals mean", [html.paragraph(_METHOD)])


def _why(found: Advice) -> Iterator[str]:
    yield html.items(found.because)
    if found.rate is not None:
        yield html.paragraph(f"How often such advice is right: {found.rate.in_words()}.")
    yield html.paragraph(f"Cost of being wrong: {found.cost}.")
    if found.would_change:
        yield html.heading("What would change it", 3)
        yield html.items(map(_sentence, found.would_change))


def _evidence(found: Advice) -> list[str]:
    """A table for each unit with several figures, and one for all other figures."""
    units: dict[str, list[Figure]] = {}
    for item in found.evidence:
        units.setdefault(item.unit, []).append(item)
    single = [item for members in units.values() if len(members) < _FEW for item in members]
    tables = [
        html.table(f"In {unit}" if unit != "share" else "Shares", ("figure", "value", "95% interval"), map(_figure, members))
        for unit, members in units.items()
        if len(members) >= _FEW
    ]
    others = [(*_figure(item)[:2], item.unit) for item in single]
    return [html.columns([*([html.table("Data", ("figure", "value", "unit"), others)] if others else []), *tables])]


def _use(found: Advice) -> str:
    more = " --source-stats ..." if found.strategy == "match" else ""
    return f"Use it: tare transfer --strategy {found.strategy}{more}, or --strategy auto, which takes this advice itself"


def _constants(found: Advice) -> list[tuple[str, str, str]]:
    return [
        (name, "of each sample", "of each sample")
        if one.per_sample
        else (name, ", ".join(map(number, one.mean)), ", ".join(map(number, one.std)))
        for name, one in found.normalisations.items()
    ]


def _notes(found: Advice) -> list[str]:
    return [*found.notes, *(f"{name} could not be computed: {reason}" for name, reason in found.refused.items())]


def _figure(item: Figure) -> tuple[str, str, str]:
    ends = item.interval
    known = ends is not None and all(map(math.isfinite, ends))
    value = f"{item.value:,.0f}" if float(item.value).is_integer() and abs(item.value) >= 2 else number(item.value)
    return item.name, value, f"{number(ends[0])} to {number(ends[1])}" if known and ends else ""


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].removesuffix('.')}."
