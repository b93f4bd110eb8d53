"""The table of all figures for the terminal, and for docs/benchmarks.md with a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

_BEGIN, _END = "<!-- figures: written by python -m benchmarks --write -->", "<!-- end of figures -->"
_HEADINGS = ("group", "what", "ratio", "median", "spread", "goal", "reference", "ours")

Figure = Mapping[str, Any]


def terminal_table(figures: Sequence[Figure]) -> Table:
    """The figures in the terminal."""
    table = Table(box=box.SIMPLE, title="each ratio: median (lowest to highest) over rounds measured in turn")
    for place, heading in enumerate(_HEADINGS):
        table.add_column(heading, justify="left" if place < 3 else "right")
    for figure in figures:
        table.add_row(*_cells(figure, {True: " [green]met[/]", False: " [red]missed[/]", None: ""}))
    return table


def write_page(page: Path, picture: Path, figures: Sequence[Figure]) -> None:
    """Put the figures between the marks of ``page`` and draw ``picture`` beside it. Raises ValueError without the marks."""
    text = page.read_text(encoding="utf-8")
    head, begin, rest = text.partition(_BEGIN)
    _, end, tail = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"{page}: expected the marks {_BEGIN!r} and {_END!r}")
    lines = [
        f"{_sentence(figures)} Each ratio is the median of rounds measured in turn; the spread is its lowest and highest value.",
        "",
        f"![Every ratio with its spread and goal]({picture.name})",
        "",
        "| " + " | ".join(_HEADINGS) + " |",
        "|---" * 3 + "|--:" * (len(_HEADINGS) - 3) + "|",
        *("| " + " | ".join(_cells(figure, {True: ", met", False: ", **missed**", None: ""})) + " |" for figure in figures),
    ]
    _draw([figure for figure in figures if "median" in figure], picture)
    page.write_text(f"{head}{begin}\n{chr(10).join(lines)}\n{end}{tail}", encoding="utf-8")


def _sentence(figures: Sequence[Figure]) -> str:
    """The machine of most groups, and the groups that were measured on other machines."""
    groups: dict[str, dict[str, None]] = {}
    for figure in figures:
        groups.setdefault(figure["machine"], {})[figure["group"]] = None
    usual, *others = sorted(groups, key=lambda machine: -len(groups[machine]))
    elsewhere = "".join(f" The group{'s' * (len(groups[one]) > 1)} {', '.join(groups[one])}: on {one}." for one in others)
    return f"Measured on {usual}.{elsewhere}"


def _cells(figure: Figure, words: Mapping[bool | None, str]) -> list[str]:
    if "median" not in figure:
        return [figure["group"], figure["name"], figure["reason"], "", "", "", "", ""]
    spread = f"{_short(min(figure['ratios']))} to {_short(max(figure['ratios']))}"
    goal = f"{figure['goal']}{words[figure['met']]}"
    sides = [_figure(figure[side], figure["unit"]) for side in ("reference", "ours")]
    return [figure["group"], figure["name"], figure["ratio_of"], _short(figure["median"]), spread, goal, *sides]


def _short(value: float) -> str:
    return f"{value:.2f}" if value < 100 else f"{value:,.0f}"


def _figure(value: float, unit: str) -> str:
    if unit == "MB":
        return f"{value:.0f} MB"
    return f"{value * 1e3:.3g} ms" if value < 1 else f"{value:.3g} s"


def _draw(figures: Sequence[Figure], picture: Path) -> None:
    """Draw the ratios on a log axis: a bar for the spread, a tick for the goal, and a line at 1 for equal speed."""
    import altair as alt

    rows = [
        {
            "row": f"{figure['name']}: {figure['ratio_of']}",
            "place": place,
            "ratio": figure["median"],
            "least": min(figure["ratios"]),
            "most": max(figure["ratios"]),
            "goal": float(figure["goal"].split()[1]) if figure["goal"] else None,
            "outcome": {True: "goal met", False: "goal missed", None: "no goal"}[figure["met"]],
        }
        for place, figure in enumerate(figures)
    ]
    place = alt.Y("row:N", sort=alt.EncodingSortField("place"), title=None, axis=alt.Axis(labelLimit=620))
    axis = alt.X("ratio:Q", scale=alt.Scale(type="log"), title="ratio (log scale)")
    colours = alt.Scale(domain=["goal met", "goal missed", "no goal"], range=["#2f7d4f", "#b3412e", "#5a6b7b"])
    base = alt.Chart(alt.InlineData(rows))
    layers = (
        alt.Chart(alt.InlineData([{"ratio": 1}])).mark_rule(color="#999", strokeDash=[3, 3]).encode(x="ratio:Q"),
        base.mark_rule(strokeWidth=3, opacity=0.4).encode(
            y=place, x=alt.X("least:Q", title="ratio (log scale)"), x2="most:Q", color=alt.Color("outcome:N", scale=colours)
        ),
        base.mark_point(filled=True, size=45, opacity=1).encode(
            y=place, x=axis, color=alt.Color("outcome:N", scale=colours, title=None)
        ),
        base.transform_filter("isValid(datum.goal)").mark_tick(thickness=2, color="black").encode(y=place, x="goal:Q"),
    )
    alt.layer(*layers).properties(width=420).configure_view(stroke=None).save(picture)
