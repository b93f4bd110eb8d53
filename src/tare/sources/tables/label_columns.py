"""The columns of a table that hold labels, by what ``--label`` names."""

from __future__ import annotations

from collections.abc import Sequence

from tare.errors import DataError

#: The columns that hold labels where none is named.
USUAL = ("label", "labels", "class", "target", "y")

#: Why a column that ``--label`` names is no channel.
LABELS = "the column of labels"


def label_columns(columns: Sequence[str], label: str | None) -> tuple[str, ...]:
    """The columns of labels that ``label`` names: one, several with commas, or the number of a column; else a usual name.

    Empty if there is none. Raises :class:`DataError` for a name that is no column.
    """
    if label is None:
        return tuple(each for each in USUAL if each in columns)[:1]
    found = named_columns(columns, label)
    if len({*found}) < len(found):
        raise DataError("each column of labels once", f"{label!r} for --label", "leave the second out")
    missing = next((name for name in found if name not in columns), None)
    if missing is None:
        return found
    if are_numbered(columns):
        seen = f"{missing!r} for --label, and a table without a header: its first row is numbers"
        last = len(columns) - 1
        raise DataError("the number of a column", seen, f"for example --label {last} for the last one; or add a row of names")
    raise DataError(f"one of the columns {', '.join(columns[:12])}", f"{missing!r} for --label", "choose among them")


def named_columns(columns: Sequence[str], label: str) -> tuple[str, ...]:
    """The names with commas between, each a column or the number of one; others as they are."""
    names = [label] if label in columns else [name.strip() for name in label.split(",")]
    numbers = {str(place): column for place, column in enumerate(columns)}
    return tuple(name if name in columns else numbers.get(name, name) for name in names)


def are_numbered(names: Sequence[str]) -> bool:
    """Whether columns are named c0, c1, ... as those of a file without a header."""
    return list(names) == [f"c{index}" for index in range(len(names))]
