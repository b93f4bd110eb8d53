"""What ``tare identify`` found, for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.table import Table

from tare.identifying.estimate import Estimated
from tare.identifying.result import Identification, Ranked
from tare.reporting.console import note, out, shown
from tare.statistics.intervals import Interval

_ROWS = 8


def print_identification(found: Identification, spec: str | None) -> None:
    """Print the answer, why, what is left open, the estimate, and what would tell more."""
    for said in found.notes:
        note(said)
    where = "from the training's own population, as you say" if found.in_domain and found.layer else "of unknown origin"
    out.print(f"[bold]{shown(found.network)}[/], {found.images} images of {shown(found.data)}, {where}", soft_wrap=True)
    out.print()
    out.print(_verdict(found), soft_wrap=True)
    out.print(f"  because {shown(found.reason)}", soft_wrap=True)
    out.print(_table(found))
    if found.best.augmentation is not None:
        out.print(f"Training images seem to have been varied by: {found.best.augmentation}.", soft_wrap=True)
    if found.estimated is not None:
        _print_estimate(found.estimated, found.confidence)
    if len(found.ambiguity) > 1:
        out.print(f"What would tell more: {shown(found.separating)}.", soft_wrap=True)
    if spec is not None:
        out.print(f"{shown(spec)}: what was found, for `tare check --spec` and others", soft_wrap=True)


def _verdict(found: Identification) -> str:
    best, others = shown(found.best.name), len(found.ambiguity) - 1
    if not found.identifiable:
        return f"[yellow]Not identified[/]: {best} is the likeliest, but more than one kind of normalisation is left."
    kind = shown(str(found.best.candidate.family))
    if not found.listed:
        return f"[green]{kind}[/], but with constants that no known convention has: see the estimate."
    if others == 0:
        return f"[green]{best}[/]: {kind}. Nothing else is left at {found.confidence:.0%}."
    return f"[green]{kind}[/]: {best} is the likeliest of {others + 1} that cannot be told apart at {found.confidence:.0%}."


def _table(found: Identification) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    headings = ("", "normalisation", "likelihood", *(name for name, _ in _columns(found.ranking)))
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="left" if place == 1 else "right", no_wrap=place != 1, overflow="fold")
    for one in found.ranking[: max(_ROWS, min(len(found.ambiguity), 2 * _ROWS))]:
        mark = "[green]•[/]" if one.name in found.ambiguity else ""
        values = [_figure(getattr(one, field)) for _, field in _columns(found.ranking)]
        table.add_row(mark, shown(one.name), f"{one.relative:.2g}", *values)
    table.caption = "• cannot be excluded; likelihood relative to the best"
    table.caption_justify = "left"
    return table


def _columns(ranking: Sequence[Ranked]) -> list[tuple[str, str]]:
    known = (("divergence", "divergence"), ("all layers", "deep"), ("accuracy", "accuracy"), ("log likelihood", "log_likelihood"))
    return [(title, field) for title, field in known if any(getattr(one, field) is not None for one in ranking)]


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def _print_estimate(estimated: Estimated, confidence: float) -> None:
    out.print(f"Estimated, with no list of conventions ({confidence:.0%} intervals, unit values, {estimated.channels}):")
    out.print(f"  mean  {'  '.join(map(_interval, estimated.mean))}", soft_wrap=True)
    out.print(f"  std   {'  '.join(map(_interval, estimated.std))}", soft_wrap=True)


def _interval(one: Interval) -> str:
    return f"{one.estimate:.3g} ({one.low:.3g} to {one.high:.3g})"
