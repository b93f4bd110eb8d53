"""The terminal output and the page of ``tare identify``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tare.identifying.estimate import Estimated
from tare.identifying.result import Identification, Ranked
from tare.reporting import html
from tare.reporting.console import begun, note, out, shown, table
from tare.reporting.page.frame import Badge, FirstScreen, Made, Step, framed
from tare.reporting.page.rows import Mark, Row, drawn, key, point, scale_of
from tare.reporting.page.steps import with_verb
from tare.statistics.intervals import Interval
from tare.system.files import write_text

_ROWS = 8
#: Candidates in the table of the page.
_LISTED = 40


def print_identification(found: Identification, spec: str | None) -> None:
    """Print the answer with its reason, the candidates, the estimate, and what would separate the candidates that are left."""
    for text in found.notes:
        note(text)
    where = "from the population of the training data, as you say" if found.in_domain and found.layer else "of unknown origin"
    out.print(f"[bold]{begun(found.network)}[/], {found.images} images of {shown(found.data)}, {where}", soft_wrap=True)
    out.print()
    out.print(_verdict(found), soft_wrap=True)
    out.print(f"  because {shown(found.reason)}", soft_wrap=True)
    _print_ranking(found)
    if found.best.augmentation is not None and _said(found)[0]:
        out.print(f"Training images seem to have been augmented by: {found.best.augmentation}.", soft_wrap=True)
    if found.estimated is not None:
        _print_estimate(found.estimated, found.confidence)
    if len(found.ambiguity) > 1:
        out.print(f"What would separate them: {shown(found.separating)}.", soft_wrap=True)
    if spec is not None:
        unknown = "" if _said(found)[0] else "; its mean and std are unknown, with the candidates that are left"
        out.print(f"{begun(spec)}: this specification, for `tare check --spec` and other commands{unknown}", soft_wrap=True)


def _verdict(found: Identification) -> str:
    is_known, kind, more = _said(found)
    if is_known:
        return f"[green]{shown(kind)}[/]{shown(more)}"
    return f"[yellow]{kind}[/]{shown(more)}"


def _said(found: Identification) -> tuple[bool, str, str]:
    """Whether the normalisation is identified; the beginning of the answer, and its rest."""
    best, others, kind = found.best.name, len(found.ambiguity) - 1, found.headline
    if found.explained is False:
        return False, "Not identified", f": none of the candidates explains the network. The nearest: {kind}."
    if found.explained is None:
        return False, "Not identified", f": the nearest fits worse than sampling explains. The nearest: {kind}."
    if not found.identifiable:
        return False, "Not identified", f": most likely {kind}. {best} is the likeliest of {others + 1} candidates."
    if others == 0:
        return True, kind, f" ({best}). All other candidates are excluded at {found.confidence:.0%} confidence."
    return True, kind, f": {best} is the likeliest of {others + 1} that are left at {found.confidence:.0%} confidence."


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


def write_identification(found: Identification, path: Path, command: str) -> None:
    """Write the identification's self-contained page."""
    made = Made(f"{found.network} on {found.images:,} images of {found.data}", command)
    write_text(path, framed("identify", _first(found, command), _folds(found), made))


def _first(found: Identification, command: str) -> FirstScreen:
    is_known, kind, more = _said(found)
    return FirstScreen(
        verdict=f"{kind}{more}",
        lead=f"Because {found.reason.removesuffix('.')}.",
        badges=(
            Badge("identified" if is_known else "not identified", "good" if is_known else "bad"),
            Badge(f"{html.several(len(found.ambiguity), 'candidate')} left at {found.confidence:.0%}"),
        ),
        picture_title="Likelihood of each candidate, the best is 1",
        picture=_picture(found),
        steps=_steps(found, command),
    )


def _steps(found: Identification, command: str) -> list[Step]:
    apart = [Step(f"To tell the candidates apart: {found.separating.removesuffix('.')}.")] if len(found.ambiguity) > 1 else []
    keep = with_verb(command, "identify", ("--out", "spec.json")) if "--out" not in command else ""
    use = Step("Check a pipeline against it:", "tare check PIPELINE --spec spec.json")
    return [*apart, *([Step("Keep it as a specification:", keep)] if keep else []), use]


def _picture(found: Identification) -> list[str]:
    members = set(found.ambiguity)
    rows = [
        Row(
            one.name,
            [Mark(one.relative, shape="bar", colour="blue" if one.name in members else "grey")],
            f"{one.relative:.2g}",
            "" if one.name in members else "excluded",
            "" if one.divergence is None else f"{one.divergence:.3g} nats",
        )
        for one in found.ranking[:_ROWS]
    ]
    entries = [(Mark(0, shape="bar"), "cannot be excluded"), (Mark(0, shape="bar", colour="grey"), "excluded")]
    scale = scale_of(rows, "likelihood relative to the best", exact=(0.0, 1.0))
    return [drawn(rows, scale, "Likelihood of each candidate", "long"), key(entries)]


def _folds(found: Identification) -> Iterator[str]:
    columns = _columns(found.ranking)
    rows = [
        (one.name, f"{one.relative:.2g}", *(_figure(getattr(one, field)) for _, field in columns), ", ".join(one.candidate.also))
        for one in found.ranking[:_LISTED]
    ]
    headings = ("normalisation", "likelihood", *(title for title, _ in columns), "also known as")
    left = len(found.ranking) - len(rows)
    more = [html.paragraph(f"{left:,} candidates that fit worse are left out; --json has all.", "faint")] if left else []
    gist = html.several(len(found.ranking), "candidate") + " with their figures"
    yield html.fold("Candidates", gist, [html.table("", headings, rows), *more])
    if found.estimated is not None:
        yield _estimate(found.estimated, found.confidence)
    if found.best.augmentation is not None and _said(found)[0]:
        sentence = f"Training images seem to have been augmented by: {found.best.augmentation}."
        yield html.fold("Augmentation", found.best.augmentation, [html.paragraph(sentence)])
    yield from html.notes(found.notes)


def _estimate(estimated: Estimated, confidence: float) -> str:
    """Mean and std by channel, estimated without a list of conventions."""
    parts = []
    for title, values in (("Mean", estimated.mean), ("Std", estimated.std)):
        rows = [Row(f"channel {place}", [point(one)], f"{one.estimate:.3g}", beside=f"{one.low:.3g} to {one.high:.3g}")
                for place, one in enumerate(values)]  # fmt: skip
        parts.append(html.heading(title, 3) + drawn(rows, scale_of(rows, "unit values"), title))
    gist = f"mean and std without a list of conventions, {confidence:.0%} intervals, {estimated.channels}"
    return html.fold("Estimate", gist, [html.columns(parts)])
