"""What ``tare study`` prints of an analysis."""

from __future__ import annotations

import math

from rich import box
from rich.table import Table

from tare.intervals import Interval
from tare.reporting.console import out, shown
from tare.studies.analysing import Analysis
from tare.studies.contrasts import Contrast
from tare.studies.scores import Group

_STYLES = {"better": "green", "worse": "red", "equivalent": "cyan", "identical": "bold red"}


def print_analysis(analysis: Analysis) -> None:
    """Print the means, the paired differences and the verdict."""
    scale = 100 if analysis.unit else 1
    contrasts = {(item.group, item.strategy): item for item in analysis.contrasts}
    columns = [name for name, _ in analysis.means[0].group]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in (*columns, "strategy", "mean", "pairs", f"vs {analysis.baseline}", "p adj.", "shown"):
        left = heading in (*columns, "strategy", "shown")
        table.add_column(shown(heading), justify="left" if left else "right", overflow="fold", no_wrap=heading not in columns)
    last: Group | None = None
    for item in analysis.means:
        mean = _plus_minus(analysis, item.score, f"{scale * item.score.estimate:{'.1f' if analysis.unit else '.4g'}}")
        group = [_changed(last, item.group, place) for place in range(len(columns))]
        last = item.group
        table.add_row(
            *group, shown(item.strategy), mean, str(item.pairs), *_columns(analysis, contrasts.get((last, item.strategy)))
        )
    out.print(table)
    out.print("± is half of a 95% interval, of single comparisons; p is adjusted over all of them (Holm)")
    for line in analysis.overall:
        gap = line.difference
        out.print(
            f"over {line.groups} groups, {shown(line.strategy)}: {analysis.told(gap.estimate)} ({analysis.told(gap.low)} to "
            f"{analysis.told(gap.high)}) {analysis.unit} vs {shown(analysis.baseline)}; groups differ by a std of "
            f"{analysis.told(line.between).lstrip('+')}"
        )
    for sentence in analysis.sentences:
        out.print(shown(sentence), soft_wrap=True)


def _changed(last: Group | None, group: Group, place: int) -> str:
    """A value of a group's, unless the row above says it already."""
    return "" if last is not None and last[: place + 1] == group[: place + 1] else shown(group[place][1])


def _columns(analysis: Analysis, item: Contrast | None) -> tuple[str, str, str]:
    if item is None:
        return "", "", ""
    p_value = f"{item.p_adjusted:.2g}" if math.isfinite(item.p_adjusted) else ""
    style = _STYLES.get(item.statement)
    word = f"[{style}]{item.statement}[/]" if style else item.statement
    return _plus_minus(analysis, item.difference, analysis.told(item.difference.estimate)), p_value, word


def _plus_minus(analysis: Analysis, interval: Interval, estimate: str) -> str:
    """An estimate with half the width of its interval, which is Student's and so symmetric."""
    half = (interval.high - interval.low) / 2
    return f"{estimate} ± {analysis.told(half).lstrip('+')}" if math.isfinite(half) else estimate
