"""A confusion matrix as squares: a row a true class, a column an answer; the darker, the larger its share of the row."""

from __future__ import annotations

from collections.abc import Sequence

from tare.system.terminal.harmless import escape

#: A page is too narrow for more classes than this.
MOST_CLASSES = 40
#: The squares of more classes are too small for a count.
_COUNTED = 16
#: Names of so few classes, and names of so few letters, stand level.
_LEVEL, _SHORT = 3, 3
_LARGEST, _ROOM = 3.6, 19.0
_SMALLEST, _BESIDE = 0.7, 13.0
_DARK = 0.55


def squares(classes: Sequence[str], counts: Sequence[Sequence[int]], noun: str) -> str:
    """The table; empty for more than :data:`MOST_CLASSES` classes. Hovering over a square tells its counts in words."""
    if len(classes) > MOST_CLASSES:
        return ""
    head = "".join(f'<th scope="col" title="{escape(name)}"><span>{escape(name)}</span></th>' for name in classes)
    rows = "".join(_row(place, classes, line, noun) for place, line in enumerate(counts))
    number = len(classes)
    cell = f"max({_SMALLEST}rem, min({min(_LARGEST, _ROOM / number):.2f}rem, (100vw - {_BESIDE}rem) / {number}))"
    level = number <= _LEVEL or max(map(len, classes)) <= _SHORT
    top = f'<tr><td></td><th class="axis" colspan="{number}">predicted</th><td></td></tr>'
    names = f'<tr><th class="axis">true</th>{head}<th class="axis">{escape(noun)}</th></tr>'
    return (
        f'<table class="matrix{" level" if level else ""}" style="--cell:{cell}" aria-label="Confusion matrix">'
        f"<thead>{top}{names}</thead><tbody>{rows}</tbody></table>"
    )


def _row(place: int, classes: Sequence[str], line: Sequence[int], noun: str) -> str:
    total = sum(line)
    cells = "".join(
        _square(classes[place], name, count, total, len(classes), noun) for name, count in zip(classes, line, strict=True)
    )
    name = escape(classes[place])
    return f'<tr><th scope="row" title="{name}">{name}</th>{cells}<td class="total">{total}</td></tr>'


def _square(true: str, predicted: str, count: int, total: int, classes: int, noun: str) -> str:
    share = count / total if total else 0.0
    kind = ' class="strong"' if share > _DARK else ""
    said = f"{count} of {total} {noun} of {true} ({share:.0%}): predicted {predicted}"
    text = str(count) if count and classes <= _COUNTED else ""
    return f'<td{kind} style="--share:{share:.2f}" title="{escape(said)}">{text}</td>'
