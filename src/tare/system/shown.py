"""Results that show themselves: as one line of text, as a table in a notebook, as a data frame, and as a chart."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from tare.errors import MissingDependencyError

if TYPE_CHECKING:
    import altair
    import polars

#: Rows of a notebook's table.
_MOST_ROWS = 40
_LONGEST = 400
_FIRST = 4

Row = Mapping[str, Any]


class Shown:
    """A result with a :meth:`summary`, and with :meth:`table` of named values; :meth:`points` are what its chart draws."""

    __slots__ = ()

    def summary(self) -> str:
        """The result in one sentence or less."""
        raise NotImplementedError

    def table(self) -> list[dict[str, Any]]:
        """The result as rows of a table, with the same keys in each."""
        raise NotImplementedError

    def points(self) -> list[dict[str, Any]]:
        """What :meth:`plot` draws: rows with ``panel``, ``name``, ``value`` and, where known, ``low`` and ``high``."""
        return []

    def to_json(self) -> dict[str, Any]:
        """The result as a JSON object."""
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        """The same as :meth:`to_json`."""
        return self.to_json()

    def to_frame(self) -> polars.DataFrame:
        """The rows as a Polars data frame."""
        import polars as pl

        return pl.DataFrame(self.table(), infer_schema_length=None, strict=False)

    def to_pandas(self) -> Any:
        """The rows as a pandas data frame. Raises :class:`MissingDependencyError` if pandas is not installed."""
        try:
            import pandas as pd
        except ModuleNotFoundError:
            remedy = "install pandas, or use to_frame(), which gives a Polars data frame"
            raise MissingDependencyError("the package 'pandas' for to_pandas()", "it is not installed", remedy) from None
        return pd.DataFrame(self.table())

    def plot(self) -> altair.FacetChart:
        """An Altair chart of the result: a point for each name, with its interval. Raises ValueError if there is none."""
        import altair as alt

        points = self.points()
        if not points:
            raise ValueError(f"{type(self).__name__} has nothing to draw; to_frame() gives its rows")
        data: Any = alt.Data(values=points)  # type: ignore[no-untyped-call]
        orders = {key: list(dict.fromkeys(str(point[key]) for point in points)) for key in ("name", "panel")}
        y = alt.Y("name:N", sort=orders["name"], title=None)
        x = alt.X("value:Q", title=None, scale=alt.Scale(zero=False))
        chart: Any = alt.Chart(data)
        dots = chart.mark_point(filled=True, size=60).encode(y=y, x=x, tooltip=["name:N", "value:Q", "low:Q", "high:Q"])
        intervals = chart.mark_rule().encode(y=y, x=alt.X("low:Q", title=None), x2="high:Q")
        layers: Any = alt.layer(intervals, dots).properties(width=320, height=alt.Step(22))
        row = alt.Row("panel:N", title=None, sort=orders["panel"])
        return cast("altair.FacetChart", layers.facet(row=row).resolve_scale(x="independent"))

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {one_line(self.summary())}>"

    def _repr_html_(self) -> str:
        """The summary and the table, for notebooks."""
        rows = self.table()
        left = f"<p>{len(rows) - _MOST_ROWS:,} more rows</p>" if len(rows) > _MOST_ROWS else ""
        return f"<p><b>{type(self).__name__}</b> {html.escape(self.summary())}</p>{_table(rows[:_MOST_ROWS])}{left}"


def one_line(text: str, longest: int = _LONGEST) -> str:
    """A text without line breaks and other control characters, cut to a length."""
    plain = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return plain if len(plain) <= longest else f"{plain[: longest - 1]}…"


def numbers(values: Sequence[float]) -> str:
    """Numbers with four digits in round brackets; of many, the first three and how many there are."""
    shown = ", ".join(f"{value:.4g}" for value in values[:_FIRST])
    return f"({shown}, ... {len(values)} in all)" if len(values) > _FIRST else f"({shown})"


def _table(rows: Sequence[Row]) -> str:
    if not rows:
        return ""
    names = list(rows[0])
    head = "".join(f"<th>{html.escape(name)}</th>" for name in names)
    body = "".join(f"<tr>{''.join(f'<td>{_cell(row.get(name))}</td>' for name in names)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else html.escape(one_line(str(value)))
