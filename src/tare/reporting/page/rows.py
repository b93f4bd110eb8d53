"""Rows with a picture each, drawn as SVG in a table: intervals on one scale, means with their spread, bars."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from tare.statistics.intervals import Interval
from tare.system.terminal.harmless import escape

Colour = Literal["blue", "orange", "green", "grey", "red"]
Shape = Literal["point", "tick", "bar"]

#: Space at both ends of a scale, as a share of what is drawn.
_SPACE = 0.05
_TICKS = 5
_MIDDLE = 50.0


@dataclass(frozen=True, slots=True)
class Mark:
    """One mark: a point with its interval, a tick, or a bar from zero. ``hollow`` marks are not shown to differ.

    ``spread`` is a thin line to both sides, as for a std beside the interval of a mean.
    """

    value: float
    low: float = math.nan
    high: float = math.nan
    colour: Colour = "blue"
    shape: Shape = "point"
    hollow: bool = False
    said: str = ""
    spread: float = math.nan


@dataclass(frozen=True, slots=True)
class Row:
    """A row: its name with a remark, its marks from top to bottom, and its figure with a remark."""

    name: str
    marks: Sequence[Mark]
    figure: str = ""
    remark: str = ""
    beside: str = ""
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Scale:
    """The horizontal scale: its ends and title, a dashed line at ``zero`` and a grey band, if there are any."""

    low: float
    high: float
    title: str = ""
    zero: float | None = None
    band: tuple[float, float] | None = None
    percent: bool = False

    def at(self, value: float) -> float:
        """The place of a value in per cent of the width; a value beyond an end stands at the end."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return round(100 * share, 2)

    def ticks(self) -> list[float]:
        """Round values inside the scale, about five."""
        step = _round_step((self.high - self.low) / _TICKS)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [step * place for place in range(first, last + 1)]

    def told(self, value: float) -> str:
        """A tick's value with no more digits than the ticks need."""
        step = _round_step((self.high - self.low) / _TICKS)
        text = f"{value + 0.0:.{max(0, -math.floor(math.log10(step) + 1e-9))}f}" if abs(value) < 1e5 else f"{value:.3g}"
        return f"{text}%" if self.percent else text


def scale_of(
    rows: Sequence[Row],
    title: str = "",
    zero: float | None = None,
    band: tuple[float, float] | None = None,
    *,
    exact: tuple[float, float] | None = None,
    percent: bool = False,
) -> Scale:
    """A scale that holds all marks, the zero line and the band; ``exact`` states its ends."""
    marks = [mark for row in rows for mark in row.marks]
    values = [value for mark in marks for value in (mark.value, mark.low, mark.high, mark.value - mark.spread)]
    values += [mark.value + mark.spread for mark in marks]
    values += [zero if zero is not None else math.nan, *(band or ())]
    found = [value for value in values if math.isfinite(value)] or [0.0]
    low, high = min(found), max(found)
    space = _SPACE * (high - low or abs(high) or 1.0)
    ends = exact or (low - space, high + space)
    return Scale(*ends, title=title, zero=zero, band=band, percent=percent)


def drawn(rows: Sequence[Row], scale: Scale, alternative: str, kind: str = "") -> str:
    """The rows as a table: names, marks, figures; below them the scale. ``kind`` is ``long`` for long names."""
    lines = "".join(_line(row, scale) for row in rows)
    return (
        f'<table class="{f"rows {kind}".strip()}" aria-label="{escape(alternative)}"><colgroup><col class="name"><col>'
        f'<col class="figure"></colgroup><tbody>{lines}</tbody><tfoot>{_axis(scale)}</tfoot></table>'
    )


def key(entries: Sequence[tuple[Mark, str]]) -> str:
    """A legend: what each mark stands for."""
    parts = []
    for mark, words in entries:
        if mark.shape == "bar":
            one = _drawn(replace(mark, value=1.0), Scale(-0.1, 1.1), _MIDDLE)
        else:
            one = _drawn(replace(mark, value=0.0, low=-1.0, high=1.0), Scale(-1.2, 1.2), _MIDDLE)
        box = '<svg width="30" height="14" viewBox="0 0 30 14" aria-hidden="true">'
        parts.append(f'<span class="key">{box}{one}</svg>{escape(words)}</span> ')
    return f'<p class="faint">{"".join(parts)}</p>'


def point(found: Interval, times: float = 1.0, colour: Colour = "blue", said: str = "") -> Mark:
    """An estimate with its interval as a mark, ``times`` as large."""
    return Mark(times * found.estimate, times * found.low, times * found.high, colour, said=said)


def _line(row: Row, scale: Scale) -> str:
    remark = f"<small>{escape(row.remark)}</small>" if row.remark else ""
    beside = f"<small>{escape(row.beside)}</small>" if row.beside else ""
    said = "; ".join(mark.said for mark in row.marks if mark.said)
    inside = _ground(scale) + "".join(_placed(row.marks, scale))
    chosen = ' class="chosen"' if row.chosen else ""
    picture = f'<svg role="img" aria-label="{escape(said or row.figure)}">{_title(said)}{inside}</svg>'
    return (
        f'<tr{chosen}><th scope="row">{escape(row.name)}{remark}</th><td class="mark">{picture}</td>'
        f'<td class="figure">{escape(row.figure)}{beside}</td></tr>'
    )


def _title(said: str) -> str:
    return f"<title>{escape(said)}</title>" if said else ""


def _ground(scale: Scale) -> str:
    """What stands behind the marks of every row: the band, lines at the ticks, and the line at zero."""
    parts = []
    if scale.band is not None:
        start, end = map(scale.at, scale.band)
        parts.append(f'<rect class="band" x="{start}%" width="{round(end - start, 2)}%" y="0" height="100%"/>')
    parts += [f'<line class="grid" x1="{scale.at(tick)}%" x2="{scale.at(tick)}%" y1="0" y2="100%"/>' for tick in scale.ticks()]
    if scale.zero is not None:
        parts.append(f'<line class="zero" x1="{scale.at(scale.zero)}%" x2="{scale.at(scale.zero)}%" y1="0" y2="100%"/>')
    return "".join(parts)


def _placed(marks: Sequence[Mark], scale: Scale) -> list[str]:
    return [_drawn(mark, scale, round(100 * (place + 0.5) / len(marks), 2)) for place, mark in enumerate(marks)]


def _drawn(mark: Mark, scale: Scale, height: float) -> str:
    """A mark at ``height`` per cent of its row, with its interval as a line."""
    if not math.isfinite(mark.value):
        return ""
    x, name = scale.at(mark.value), f'class="{mark.colour}{" hollow" if mark.hollow else ""}"'
    if mark.shape == "bar":
        return _bar(mark, scale, height, name)
    line = _interval(mark, scale, height, mark.low, mark.high, 2.5 if math.isnan(mark.spread) else 7)
    line = _interval(mark, scale, height, mark.value - mark.spread, mark.value + mark.spread, 1.2) + line
    if mark.shape == "tick":
        return f'{line}<line {name} x1="{x}%" x2="{x}%" y1="{height - 24}%" y2="{height + 24}%" stroke-width="3"/>'
    return f'{line}<circle {name} cx="{x}%" cy="{height}%" r="4.5"/>'


def _interval(mark: Mark, scale: Scale, height: float, low: float, high: float, width: float) -> str:
    if not (math.isfinite(low) and math.isfinite(high)):
        return ""
    ends = f'x1="{scale.at(low)}%" x2="{scale.at(high)}%" y1="{height}%" y2="{height}%"'
    return f'<line class="{mark.colour}" {ends} stroke-width="{width:g}"/>'


def _bar(mark: Mark, scale: Scale, height: float, name: str) -> str:
    start, end = sorted((scale.at(0.0), scale.at(mark.value)))
    return f'<rect {name} x="{start}%" width="{round(end - start, 2)}%" y="{height - 16}%" height="32%" rx="2"/>'


def _axis(scale: Scale) -> str:
    texts = "".join(f'<text x="{scale.at(tick)}%" y="70%">{escape(scale.told(tick))}</text>' for tick in scale.ticks())
    title = f'<tr><td></td><td class="title">{escape(scale.title)}</td><td></td></tr>' if scale.title else ""
    return f'<tr><td></td><td class="mark"><svg aria-hidden="true">{texts}</svg></td><td></td></tr>{title}'


def _round_step(step: float) -> float:
    """The least of 1, 2, 5 times a power of ten that is not below ``step``."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= step * (1 - 1e-9))
