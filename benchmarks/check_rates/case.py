"""One pipeline to check, and what should be found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tare.checking.api import check
from tare.checking.inputs import Stage
from tare.checking.rules.finding import Fix
from tare.errors import TareError


@dataclass(frozen=True, slots=True)
class Case:
    """``group`` is the row of the table, ``expected`` the codes that must be found and no others; none for a correct pipeline.

    ``repaired`` makes the pipeline anew with the changes that a finding offers.
    """

    group: str
    name: str
    pipeline: Any
    model: Any
    expected: frozenset[str] = frozenset()
    stage: Stage = "eval"
    repaired: Callable[[Sequence[Fix]], Any] | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What was found in a case: codes of warnings and errors, or the message of a failure."""

    case: Case
    codes: frozenset[str] = frozenset()
    failure: str = ""

    @property
    def found(self) -> bool:
        """Whether anything is said at all that fails a check."""
        return bool(self.codes)

    @property
    def right(self) -> bool:
        """Whether every expected code is there."""
        return not self.failure and self.case.expected <= self.codes

    @property
    def exact(self) -> bool:
        """Whether nothing else is said."""
        return not self.failure and self.case.expected == self.codes


def run(case: Case) -> Result:
    """Check one case."""
    try:
        report = check(case.pipeline, case.model, stage=case.stage)
    except TareError as error:
        return Result(case, failure=str(error))
    return Result(case, frozenset(finding.code for finding in report.findings if finding.fails))


def table(results: Iterable[Result]) -> dict[str, list[Result]]:
    """Results by group, in the order in which the groups came."""
    rows: dict[str, list[Result]] = {}
    for result in results:
        rows.setdefault(result.case.group, []).append(result)
    return rows
