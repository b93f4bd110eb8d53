"""What ``tare advise`` prints, and its page."""

from __future__ import annotations

import math
from pathlib import Path

from tare._version import __version__
from tare.advising.result import Advice, Figure
from tare.reporting import html
from tare.reporting.console import number, out, shown
from tare.system.files import write_text

_METHOD = (
    "The rule looks at units first, then at the number of samples, then at what reaches the network, then at labels. All "
    "intervals are 95%. Intervals of shifts and ratios count samples and hold for all channels at once. Intervals of "
    "divergences come from resampling samples. Intervals of accuracies are corrected for overlapping training sets (Nadeau and "
    "Bengio 2003). Intervals of the probability given to the right class are taken over samples, and widened as the benchmark "
    "of this rule requires."
)


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
    body = [
        html.heading(f"tare advise: {found.recommendation}", 1),
        html.paragraph(found.headline, "lead"),
        html.paragraph(f"{found.outcome[0].upper()}{found.outcome[1:]}; confidence: {found.confidence}."),
        html.paragraph(f"{found.model} on {found.data}, {found.samples:,} samples, seed {found.seed}"),
        html.paragraph(f"Rule: {found.rule}."),
        *([html.paragraph(f"How often such advice is right: {found.rate.in_words()}.")] if found.rate is not None else []),
        html.heading("Because"),
        html.items(found.because),
        html.heading("What would change it"),
        html.items(found.would_change),
        html.heading("Cost of being wrong"),
        html.paragraph(f"{found.cost[0].upper()}{found.cost[1:]}."),
        html.heading("Mean and std of each strategy"),
        html.table("Unit values", ("strategy", "mean", "std"), _constants(found)),
        html.heading("Evidence"),
        html.table("Every number behind the advice, with its 95% interval if it has one",
                   ("figure", "value", "interval", "unit"), [_row(item) for item in found.evidence]),
        *([html.heading("Notes"), html.items(_notes(found))] if _notes(found) else []),
        html.heading("How this was made"),
        html.paragraph(_METHOD),
        html.code(command),
        html.paragraph(f"tare {__version__}", "faint"),
    ]  # fmt: skip
    write_text(path, html.page("tare advise", body))


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


def _row(item: Figure) -> tuple[str, str, str, str]:
    ends = item.interval
    known = ends is not None and all(map(math.isfinite, ends))
    return item.name, number(item.value), f"{number(ends[0])} to {number(ends[1])}" if known and ends else "", item.unit
