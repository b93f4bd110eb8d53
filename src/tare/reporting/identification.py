"""The terminal output of ``tare identify``."""

from __future__ import annotations

from collections.abc import Sequence

from tare.identifying.estimate import Estimated
from tare.identifying.result import Identification, Ranked
from tare.reporting.console import note, out, shown, table
from tare.statistics.intervals import Interval

_ROWS = 8


def print_identification(found: Identification, spec: str | None) -> None:
    """Print the answer with its reason, the candidates, the estimate, and what would separate the candidates that are left."""
    for text in found.notes:
        note(text)
    where = "from the population of the training data, as you say" if found.in_domain and found.layer else "of unknown origin"
    out.print(f"[bold]{shown(found.network)}[/], {found.images} images of {shown(found.data)}, {where}", soft_wrap=True)
    out.print()
    out.print(_verdict(found), soft_wrap=True)
    out.print(f"  because {shown(found.reason)}", soft_wrap=True)
    _print_ranking(found)
    if found.best.augmentation is not None:
        out.print(f"Training images seem to have been augmented by: {found.best.augmentation}.", soft_wrap=True)
    if found.estimated is not None:
        _print_estimate(found.estimated, found.confidence)
    if len(found.ambiguity) > 1:
        out.print(f"What would separate them: {shown(found.separating)}.", soft_wrap=True)
    if spec is not None:
        out.print(f"{shown(spec)}: this specification, for `tare check --spec` and other commands", soft_wrap=True)


def _verdict(found: Identification) -> str:
    best, others = shown(found.best.name), len(found.ambiguity) - 1
    if found.explained is False:
        return f"[yellow]Not identified[/]: none of the candidates explains the network. The nearest: {shown(found.headline)}."
    if found.explained is None:
        return f"[yellow]Not identified[/]: the nearest fits worse than sampling explains. The nearest: {shown(found.headline)}."
    if not found.identifiable:
        return f"[yellow]Not identified[/]: {shown(found.headline)}. {best} is the likeliest of {others + 1} candidates."
    kind = shown(found.headline)
    if not found.listed:
        return f"[green]{kind}[/], but no known convention has these constants: see the estimate."
    if others == 0:
        return f"[green]{kind}[/] ({best}). All other candidates are excluded at {found.confidence:.0%} confidence."
    return f"[green]{kind}[/]: {best} is the likeliest of {others + 1} that are left at {found.confidence:.0%} confidence."


def _print_ranking(found: Identification) -> None:
    columns = _columns(found.ranking)
    rows = []
    for one in found.ranking[: max(_ROWS, min(len(found.ambiguity), 2 * _ROWS))]:
        mark = "[green]•[/]" if one.name in found.ambiguity else ""
        rows.append((mark, one.name, f"{one.relative:.2g}", *(_figure(getattr(one, field)) for _, field in columns)))
    made = table(("", "normalisation", "likelihood", *(title for title, _ in columns)), rows, named=1)
    made.caption = "• cannot be excluded; likelihood relative to the best"
    made.caption_justify = "left"
    out.print(made)


def _columns(ranking: Sequence[Ranked]) -> list[tuple[str, str]]:
    known = (("divergence", "divergence"), ("all layers", "deep"), ("accuracy", "accuracy"), ("log likelihood", "log_likelihood"))
    return [(title, field) for title, field in known if any(getattr(one, field) is not None for one in ranking)]


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def _print_estimate(estimated: Estimated, confidence: float) -> None:
    out.print(f"Estimated without a list of conventions ({confidence:.0%} intervals, unit values, {estimated.channels}):")
    out.print(f"  mean  {'  '.join(map(_interval, estimated.mean))}", soft_wrap=True)
    out.print(f"  std   {'  '.join(map(_interval, estimated.std))}", soft_wrap=True)


def _interval(one: Interval) -> str:
    return f"{one.estimate:.3g} ({one.low:.3g} to {one.high:.3g})"
