"""Parts of a study's page: a checkbox for each strategy, a table that sorts and filters, and example inputs as pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tare.normalisation.names import MEANINGS, STRATEGIES
from tare.reporting.charts import PALETTE
from tare.reporting.html import levels, picture, scrolled
from tare.reporting.study.analysis import p_text
from tare.reporting.study.charts import SHAPES
from tare.studying.analysis.analysis import Analysis
from tare.studying.analysis.contrasts import Contrast
from tare.studying.result import ExampleInputs, FedInputs
from tare.system.terminal.harmless import escape

#: Inputs drawn black and white, in input std. Values outside are clipped, so that all strategies share one scale.
LOW, HIGH = -2.5, 3.5

_MARKS = {
    "circle": '<circle cx="8" cy="8" r="5"/>',
    "square": '<rect x="3" y="3" width="10" height="10"/>',
    "triangle-up": '<path d="M8 2 14 13H2z"/>',
    "diamond": '<path d="M8 1 14 8 8 15 2 8z"/>',
    "cross": '<path d="M6 2h4v4h4v4h-4v4H6v-4H2V6h4z"/>',
    "triangle-down": '<path d="M8 14 14 3H2z"/>',
}


def toggles(strategies: Sequence[str]) -> str:
    """A checkbox for each strategy, with its colour and shape."""
    boxes = "".join(
        f'<label title="{escape(MEANINGS.get(name, ""))}"><input type="checkbox" name="strategy" value="{escape(name)}" checked>'
        f"{_mark(name)}{escape(name)}</label>"
        for name in strategies
    )
    return f'<fieldset class="toggles"><legend>Strategies shown in all charts and in the table</legend>{boxes}</fieldset>'


def meanings(strategies: Sequence[str]) -> str:
    """A list of the strategies and what each normalises with."""
    items = (f"<dt>{_mark(name)} {escape(name)}</dt><dd>{escape(MEANINGS.get(name, ''))}</dd>" for name in strategies)
    return f'<dl class="meanings">{"".join(items)}</dl>'


def sorted_table(analysis: Analysis, *, searched: bool = True) -> str:
    """A table of every mean and paired difference. Its headings sort; a search field, if there is one, filters all tables."""
    columns = [name for name, _ in analysis.means[0].group]
    percent = " in %" if analysis.unit else ""
    compared = (f"vs {analysis.baseline}", "95% interval", "p adjusted", "shown")
    headings = (*columns, "strategy", f"mean{percent}", "95% interval", *compared)
    head = "".join(f'<th scope="col"><button type="button">{escape(text)}</button></th>' for text in headings)
    contrasts = {(item.group, item.strategy): item for item in analysis.contrasts}
    scale, digits = (100, ".1f") if analysis.unit else (1, ".4g")
    rows = []
    for item in analysis.means:
        score = item.score
        cells = [_cell(value, float(value) if name == "size" else None) for name, value in item.group]
        mean, low, high = (f"{scale * value:{digits}}" for value in (score.estimate, score.low, score.high))
        cells += [_cell(item.strategy), _cell(mean, score.estimate), _cell(f"{low} to {high}", score.low)]
        cells += _difference(analysis, contrasts.get((item.group, item.strategy)))
        rows.append(f'<tr data-strategy="{escape(item.strategy)}">{"".join(cells)}</tr>')
    field = (
        '<p class="find"><label>Filter rows <input type="search" id="search" placeholder="cnn-none gain better"></label> '
        '<output id="count" for="search" aria-live="polite"></output></p>'
    )
    caption = "Every cell mean, and its paired difference. Click a heading to sort."
    body = f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody>"
    return f'{field if searched else ""}{scrolled(f"""<table class="sorted"><caption>{caption}</caption>{body}</table>""")}'


def examples(views: Sequence[ExampleInputs], fed: Sequence[FedInputs]) -> str:
    """A table of pictures: a row a strategy, a column a shift. All show the same samples on one scale of input std."""
    shifts = list(dict.fromkeys(view.shift for view in views))
    moments = {(item.shift, item.strategy): item for item in fed}
    images = {(view.shift, view.strategy): view.images for view in views}
    head = "".join(f'<th scope="col">{escape(shift)}</th>' for shift in shifts)
    rows = []
    for strategy in dict.fromkeys(view.strategy for view in views):
        cells = []
        for shift in shifts:
            item = moments[(shift, strategy)]
            text = f"mean {round(item.mean, 2) + 0.0:+.2f}, std {item.std:.2f}"
            element = _picture(images[(shift, strategy)], f"{strategy} under {shift}: {text}")
            cells.append(f"<td>{element}<span>{text}</span></td>")
        rows.append(f'<tr><th scope="row">{_mark(strategy)} {escape(strategy)}</th>{"".join(cells)}</tr>')
    return scrolled(
        '<table class="examples"><caption>The same samples under each strategy and shift</caption>'
        f'<thead><tr><th scope="col">strategy</th>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
    )


def _difference(analysis: Analysis, item: Contrast | None) -> list[str]:
    if item is None:
        return [_cell("", math.nan)] * 3 + [_cell("baseline")]
    gap = item.difference
    ends = analysis.ends(gap) if math.isfinite(gap.low) else "-"
    p_value = p_text(item.p_adjusted) or "-"
    word = f'<td class="said {item.statement.replace(" ", "-")}">{escape(item.statement)}</td>'
    return [_cell(analysis.told(gap.estimate), gap.estimate), _cell(ends, gap.low), _cell(p_value, item.p_adjusted), word]


def _cell(text: str, value: float | None = None) -> str:
    stated = "" if value is None else f' class="number" data-value="{value!r}"' if math.isfinite(value) else ' data-value="NaN"'
    return f"<td{stated}>{escape(text)}</td>"


def _mark(name: str) -> str:
    """A strategy's mark, in the colour and shape of the charts."""
    known = name in STRATEGIES
    place = STRATEGIES.index(name) if known else 0
    colour = PALETTE[place] if known else "currentColor"
    box = 'viewBox="0 0 16 16" width="14" height="14" aria-hidden="true"'
    return f'<svg class="mark" {box} fill="{colour}">{_MARKS[SHAPES[place]]}</svg>'


def _picture(images: NDArray[np.float32], alternative: str) -> str:
    """Images ``(N, C, H, W)`` side by side as one ``img`` element."""
    padded = np.pad(levels(images, LOW, HIGH), ((0, 0), (0, 0), (0, 0), (0, 1)), constant_values=255)
    row = np.concatenate(list(padded), axis=2)[:, :, :-1]
    return picture(row[0] if len(row) == 1 else np.moveaxis(row, 0, -1), alternative, "png")
