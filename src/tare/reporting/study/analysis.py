"""The terminal output of a study's analysis."""

from __future__ import annotations

import math
from itertools import groupby

from rich import box
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from tare.reporting.console import out, shown
from tare.statistics.intervals import Interval
from tare.studying.analysis.analysis import Analysis
from tare.studying.analysis.contrasts import Contrast
from tare.studying.analysis.scores import ScoreGroup

_STYLES = {"better": "green", "worse": "red", "equivalent": "cyan", "identical": "bold red"}


def print_analysis(analysis: Analysis) -> None:
    """Print the means, the paired differences and the verdict."""
    _print_table(analysis)
    out.print("± is half of a 95% interval of one comparison; p is adjusted over all comparisons (Holm)")
    other = "lower" if analysis.lower else "higher"
    out.print(f"a {other} {shown(analysis.score)} counts as better{'' if analysis.lower else '; of a loss, state --lower'}")
    for line in analysis.overall:
        gap = line.difference
        out.print(
            f"over {line.groups} groups, {shown(line.strategy)}: {analysis.told(gap.estimate)} ({analysis.ends(gap)}) "
            f"{analysis.unit} vs {shown(analysis.baseline)}; std between groups "
            f"{analysis.told(line.between).lstrip('+')}"
        )
    for sentence in analysis.sentences:
        out.print(shown(sentence), soft_wrap=True)


def _print_table(analysis: Analysis) -> None:
    """Print a table for each outer group, with its name as the title, so that a table fits 80 columns."""
    rows = _rows(analysis)
    inner = [name for name, _ in analysis.means[0].group][-1:]
    headings = [*inner, "strategy", "mean", "pairs", f"vs {analysis.baseline}", "p adj.", "shown"]
    plain = [Text.from_markup(cell, emoji=False) for _, cells in rows for cell in cells]
    widths = [
        max(map(cell_len, [headings[i], *(text.plain for text in plain[i :: len(headings)])])) for i in range(len(headings))
    ]
    for outer, members in groupby(rows, key=lambda row: row[0]):
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title_justify="left", title_style="bold")
        table.title = ", ".join(shown(f"{name} {value}") for name, value in outer) or None
        for place, (heading, width) in enumerate(zip(headings, widths, strict=True)):
            left = heading in ("strategy", "shown")
            table.add_column(shown(heading), justify="left" if left else "right", no_wrap=place > 0, min_width=width)
        last = ""
        for _, cells in members:
            # The innermost group, which is mostly the size, stands once for all its strategies.
            first = "" if inner and cells[0] == last else cells[0]
            last = cells[0]
            table.add_row(first, *cells[1:])
        out.print(table)


def _rows(analysis: Analysis) -> list[tuple[ScoreGroup, list[str]]]:
    """The outer group and the table cells of each mean."""
    scale = 100 if analysis.unit else 1
    contrasts = {(item.group, item.strategy): item for item in analysis.contrasts}
    rows = []
    for item in analysis.means:
        mean = _plus_minus(analysis, item.score, f"{scale * item.score.estimate:{'.1f' if analysis.unit else '.4g'}}")
        inner = [shown(item.group[-1][1])] if item.group else []
        contrast = contrasts.get((item.group, item.strategy))
        pairs = f"{contrast.pairs} of {item.pairs}" if contrast and contrast.pairs < item.pairs else str(item.pairs)
        rows.append((item.group[:-1], [*inner, shown(item.strategy), mean, pairs, *_columns(analysis, contrast)]))
    return rows


def _columns(analysis: Analysis, item: Contrast | None) -> tuple[str, str, str]:
    if item is None:
        return "", "", ""
    p_value = p_text(item.p_adjusted)
    style = _STYLES.get(item.statement)
    word = f"[{style}]{item.statement}[/]" if style else item.statement
    return _plus_minus(analysis, item.difference, analysis.told(item.difference.estimate)), p_value, word


def p_text(value: float) -> str:
    """A p value with two digits: empty if it is unknown, and "<0.001" instead of 0."""
    if not math.isfinite(value):
        return ""
    return "<0.001" if value < 0.001 else f"{value:.2g}"


def _plus_minus(analysis: Analysis, interval: Interval, estimate: str) -> str:
    """An estimate with half the width of its interval; Student's interval is symmetric."""
    half = (interval.high - interval.low) / 2
    return f"{estimate} ± {analysis.told(half).lstrip('+')}" if math.isfinite(half) else estimate
