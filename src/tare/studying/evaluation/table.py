"""The table of a study of the user's own function: one row a trial, one column a score."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tare.errors import DataError
from tare.studying.analysis.analysis import Analysis, analyse_together
from tare.studying.analysis.contrasts import Family
from tare.studying.analysis.scores import scores_of
from tare.studying.evaluation.trial import RESERVED
from tare.studying.plan import StudyPlan
from tare.studying.result import Row

#: The columns before the scores.
COLUMNS = ("network", "strategy", "size", "seed", "tested", "fed_mean", "fed_std", "error")


def table_of(rows: Iterable[Mapping[str, Any]]) -> tuple[Row, ...]:
    """Turn rows of cells into rows with a column a score.

    Paired trials must return the same scores: a trial that returned others than most is marked as failed, with both lists.
    """
    rows = list(rows)
    counted = Counter(tuple(row["scores"]) for row in rows if row.get("scores"))
    usual = max(counted, key=counted.__getitem__) if counted else ()
    return tuple(_row(row, usual) for row in rows)


def _row(row: Mapping[str, Any], usual: Sequence[str]) -> Row:
    scores, made = row.get("scores") or {}, {name: row[name] for name in COLUMNS}
    if scores and set(scores) != set(usual):
        made["error"] = f"returned the scores {', '.join(scores)}, where other trials returned {', '.join(usual)}"
        scores = {}
    return {**made, **{name: scores.get(name) for name in usual}}


def score_names(rows: Sequence[Row]) -> tuple[str, ...]:
    """The names of the scores, in the order in which the function returns them."""
    return tuple(name for name in rows[0] if name not in RESERVED) if rows else ()


def analyses_of(plan: StudyPlan, rows: Sequence[Row]) -> dict[str, Analysis]:
    """The analysis of each score; p values are adjusted over all scores together.

    The margin is in points for shares in [0, 1], and in percent of the source's mean score for others. Raises
    :class:`DataError` if no trial gave a score, if no pair of trials can be compared, and for a score in ``lower`` that no trial
    returned.
    """
    names = score_names(rows)
    if not names:
        error = next((row["error"] for row in rows if row["error"]), "no trial")
        raise DataError("a score from at least one trial", error, _remedy(error))
    unknown = next((name for name in plan.lower if name not in names), None)
    if unknown is not None:
        raise DataError(f"scores among {', '.join(names)} for lower", f"{unknown!r}", "correct it and run it again")
    group = [*(["network"] if len(plan.networks) > 1 else []), "size"]
    families = {name: _family(plan, name, rows, group) for name in names}
    found = analyse_together(families, size="size")
    if not any(analysis.contrasts for analysis in found.values()):
        error = next((row["error"] for row in rows if row["error"]), "none")
        raise DataError("a seed for which source and another strategy both gave a score", error, _remedy(error))
    return found


def _family(plan: StudyPlan, name: str, rows: Sequence[Row], group: Sequence[str]) -> Family:
    lower = name in plan.lower
    scores = scores_of(rows, strategy="strategy", score=name, pair=["seed"], group=group)
    return Family(scores, "source", scores.margin("source", plan.margin, lower=lower), lower, score=name)


def _remedy(error: str) -> str:
    """What to do about the error of a trial; one that writes where another has written needs a place of its own."""
    if error.startswith("FileExistsError"):
        return "let the function write into its parameter `folder`, which no other trial has, and run it again"
    return "repair the function and run it again"
