"""All rules on facts."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tare.checking.repository.result import CodeFinding
from tare.checking.repository.rules.chance import chance
from tare.checking.repository.rules.colours import colours
from tare.checking.repository.rules.constants import constants
from tare.checking.repository.rules.feeding import feeding
from tare.checking.repository.rules.missing import missing
from tare.checking.repository.rules.order import order
from tare.checking.repository.rules.others import others
from tare.checking.repository.rules.ranges import ranges
from tare.checking.repository.rules.stages import stages
from tare.checking.repository.rules.statistics import statistics
from tare.code.facts import Facts

CODE_RULES: tuple[Callable[[Facts], Iterator[CodeFinding]], ...] = (
    constants,
    order,
    chance,
    others,
    ranges,
    colours,
    missing,
    feeding,
    stages,
    statistics,
)
