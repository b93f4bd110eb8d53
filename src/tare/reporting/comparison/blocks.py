"""Two overlaid histograms for a terminal: the source as an area of blocks, the target as a line of dots."""

from __future__ import annotations

import math
from itertools import groupby

from rich.text import Text

from tare.comparing.overlay import Overlay, Shares
from tare.statistics.bins import MOST

AREA, LINE = "blue", "bold yellow"
ROWS = 4

_BLOCKS = " ▁▂▃▄▅▆▇█"
_DOTS = "⣀⠤⠒⠉"
_CUT = "▲"
_LONG = 1e6


def histogram_rows(shown: Overlay) -> list[Text]:
    """Rows of the picture from top to bottom, one character a bin, with the axis below.

    Blocks resolve an eighth of a row, dots a quarter. A triangle marks a bin that is higher than the picture.
    """
    area, line = (_levels(shares, shown.top, steps) for shares, steps in ((shown.source, 8), (shown.target, 4)))
    rows = [[_cell(a, b, row) for a, b in zip(area, line, strict=True)] for row in reversed(range(ROWS))]
    return [*(_joined(row) for row in rows), _axis(shown.edges)]


def _joined(cells: list[tuple[str, str]]) -> Text:
    """One text, with neighbouring cells of one style joined."""
    runs = ((style, "".join(sign for sign, _ in run)) for style, run in groupby(cells, key=lambda cell: cell[1]))
    return Text.assemble(*((text, style) for style, text in runs))


def _levels(shares: Shares | None, top: float, steps: int) -> list[int]:
    """Heights in parts of a row: at least 1 for a share above zero, and one more than fits for a share above ``top``."""
    if shares is None:
        return [0] * MOST
    full = ROWS * steps
    return [full + 1 if share > top else max(1, round(share / top * full)) if share > 0 else 0 for share in shares]


def _cell(area: int, line: int, row: int) -> tuple[str, str]:
    """The character of a cell, and its style."""
    filled, dot = min(8, area - 8 * row), line - 4 * row
    if row == ROWS - 1 and dot > 4:
        return _CUT, LINE
    if 1 <= dot <= 4:
        return _DOTS[dot - 1], f"{LINE} on {AREA}" if filled >= 4 else LINE
    if row == ROWS - 1 and area > 8 * ROWS:
        return _CUT, AREA
    return _BLOCKS[max(0, filled)], AREA


def _axis(edges: tuple[float, ...]) -> Text:
    """The values at both ends and in the middle, rounded to about a hundredth of the range."""
    width, span = len(edges) - 1, edges[-1] - edges[0]
    decimals = max(0, 1 - math.floor(math.log10(span)))
    left, middle, right = (
        f"{value:.{decimals}f}" if abs(value) < _LONG and span > 1 / _LONG else f"{value:.3g}"
        for value in (edges[0], edges[width // 2], edges[width])
    )
    start = (width - len(middle)) // 2
    return Text(f"{left:<{start}}{middle}".ljust(width - len(right)) + right, "dim")
