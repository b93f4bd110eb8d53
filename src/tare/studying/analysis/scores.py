"""Paired scores of strategies, from a study's cells or from any table of results."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, SupportsFloat

from tare.errors import DataError, did_you_mean, reason_of
from tare.sources.tables.csv_table import read_head
from tare.sources.tables.number_words import number_of
from tare.statistics.intervals import ROUNDING, spacing
from tare.system.local.opened import in_memory, whole

#: A group of comparable scores: the columns that they share, with their values.
ScoreGroup = tuple[tuple[str, str], ...]
Pair = tuple[str, ...]


@dataclass(frozen=True)
class Scores:
    """``values[group][strategy][pair]``, one score per cell; the scores of one pair differ only in the strategy.

    ``missing`` counts cells without a score (failed ones), and ``scoreless`` are the strategies of which no cell has one.
    """

    values: Mapping[ScoreGroup, Mapping[str, Mapping[Pair, float]]]
    missing: int = 0
    scoreless: tuple[str, ...] = ()

    @property
    def strategies(self) -> tuple[str, ...]:
        """Every strategy, in the order of first appearance."""
        return tuple(dict.fromkeys(name for strategies in self.values.values() for name in strategies))

    @property
    def largest(self) -> float:
        """The largest absolute score; up to 1, scores are taken as shares and printed in points."""
        return max(abs(v) for by in self.values.values() for pairs in by.values() for v in pairs.values())

    @property
    def shares_beside_percent(self) -> tuple[int, int]:
        """How many scores are above 0 and up to 1, and how many above 1, if all are from 0 to 100 and there are both; else 0."""
        known = [value for by in self.values.values() for pairs in by.values() for value in pairs.values()]
        small, large = sum(0 < value <= 1 for value in known), sum(1 < value <= 100 for value in known)
        return (small, large) if small and large and small + large + known.count(0.0) == len(known) else (0, 0)

    def margin(self, baseline: str, points: float, *, lower: bool = False) -> float:
        """So many points of scores that are shares, else so many percent of the baseline's mean, of 1 where that is 0.

        Losses and errors, which are better when ``lower``, are no shares.
        """
        if self.largest <= 1.0 and not lower:
            return points / 100
        known = [value for by in self.values.values() for value in by.get(baseline, {}).values()]
        mean = abs(math.fsum(known) / len(known)) if known else 0.0
        return points / 100 * (mean or 1.0)

    def step(self, group: ScoreGroup) -> float:
        """The step that the scores of a group come in: 1 / n of shares of n samples, or a multiple of it; see :func:`spacing`."""
        return spacing(value for pairs in self.values[group].values() for value in pairs.values())

    def differences(self, group: ScoreGroup, strategy: str, baseline: str) -> dict[Pair, float]:
        """Score of ``strategy`` minus that of ``baseline`` for every pair that has both; what is rounding of both is 0."""
        here = self.values[group]
        base, own = here.get(baseline, {}), here.get(strategy, {})
        found = {pair: own[pair] - base[pair] for pair in sorted(own) if pair in base}
        return {pair: 0.0 if abs(gap) <= ROUNDING * max(abs(own[pair]), abs(base[pair])) else gap for pair, gap in found.items()}

    def alone(self, baseline: str) -> dict[str, int]:
        """How many scores of each other strategy have none of the baseline for the same pair and group; without those of none."""
        counts = {
            name: sum(len(by.get(name, {})) - len(self.differences(group, name, baseline)) for group, by in self.values.items())
            for name in self.strategies
            if name != baseline
        }
        return {name: count for name, count in counts.items() if count}


def scores_of(
    rows: Iterable[Mapping[str, Any]], *, strategy: str, score: str, pair: Sequence[str], group: Sequence[str] = ()
) -> Scores:
    """Arrange rows by group, strategy and pair.

    A null score counts as missing. Raises :class:`DataError` for a score that is not a finite number, for a score without its
    strategy or pair, or two rows for one cell.
    """
    values: dict[ScoreGroup, dict[str, dict[Pair, float]]] = {}
    missing, without = 0, dict[str, None]()
    for number, row in enumerate(rows, 1):
        value = _number(row[score])
        if value is None:
            raise DataError(f"a number in {score!r}", f"{row[score]!r} in row {number}", "correct it, or name another column")
        if math.isnan(value):
            missing += 1
            if row[strategy] not in (None, ""):
                without[str(row[strategy])] = None
            continue
        if not math.isfinite(value):
            raise DataError(f"a finite number in {score!r}", f"{value} in row {number}", "correct it, or leave the row out")
        unknown = next((name for name in (strategy, *pair) if row[name] in (None, "")), None)
        if unknown is not None:  # two rows that do not say of which seed they are need not be of one
            raise DataError(f"a value in {unknown!r}", f"none in row {number}", "write it, or leave the row out")
        key: ScoreGroup = tuple((name, str(row[name])) for name in group)
        cell: Pair = tuple(str(row[name]) for name in pair)
        pairs = values.setdefault(key, {}).setdefault(str(row[strategy]), {})
        if cell in pairs:
            where = ", ".join(f"{name} {text}" for name, text in (*key, *zip(pair, cell, strict=True)))
            found = f"two rows for {row[strategy]} at {where or 'no pair at all'}"
            raise DataError("one row per strategy and pair", found, "name the columns that tell them apart with --pair-columns")
        pairs[cell] = value
    if not values:
        raise DataError("at least one score", f"{missing} rows without a score", "check the table")
    scored = {name for strategies in values.values() for name in strategies}
    return Scores(values, missing, tuple(name for name in without if name not in scored))


def _number(cell: Any) -> float | None:
    """A score, NaN where there is none; None for what is no number."""
    if cell is None:
        return math.nan
    if isinstance(cell, str):
        return number_of(cell)
    return None if isinstance(cell, bool) or not isinstance(cell, SupportsFloat) else float(cell)


def read_results(path: Path) -> list[dict[str, Any]]:
    """Read a table of results: CSV, TSV, Parquet or a JSON list of objects; delimiter and decimal comma as `tare measure` does.

    Raises :class:`DataError` if it cannot be read.
    """
    import polars as pl

    try:
        if path.suffix.lower() == ".parquet":
            table = pl.read_parquet(in_memory(path))
        elif path.suffix.lower() == ".json":
            table = pl.read_json(in_memory(path))
        else:
            data, head = whole(path), read_head(str(path))
            comma = "decimal comma" in head.styles
            table = pl.read_csv(data, separator=head.delimiter, decimal_comma=comma, infer_schema_length=None)
    except (pl.exceptions.PolarsError, OSError, ValueError) as error:
        reason = reason_of(error)
        raise DataError("a readable table of results", f"{str(path)!r}: {reason}", "check the file") from None
    return table.to_dicts()


def check_table_columns(rows: Sequence[Mapping[str, Any]], wanted: Sequence[str]) -> None:
    """Raise :class:`DataError` for a missing column, with the closest columns of the table."""
    if not rows:
        raise DataError("a table with rows", "none", "check the file")
    for name in wanted:
        if name not in rows[0]:
            hint = did_you_mean(name, rows[0], f"did you mean {', '.join(list(rows[0])[:6])}?", cutoff=0.4)
            raise DataError(f"a column {name!r}", f"the columns {', '.join(rows[0])}", hint)
