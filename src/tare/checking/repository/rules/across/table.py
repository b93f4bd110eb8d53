"""The rules across groups of files: what each reads of the facts of a group, and how it judges all that it read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from tare.checking.repository.result import CodeFinding
from tare.checking.repository.rules.across import loaded, networks, predicting, saving, serving
from tare.code.facts import Facts


class Across(NamedTuple):
    """A rule across groups; what ``read`` returns holds nothing of a syntax tree, so that the memory of a group is free."""

    read: Callable[[Facts], Any]
    judge: Callable[[Sequence[Any]], Iterator[CodeFinding]]


ACROSS = (
    Across(saving.read, saving.judge),
    Across(networks.read, networks.judge),
    Across(loaded.read, loaded.judge),
    Across(serving.read, serving.judge),
    Across(predicting.read, predicting.judge),
)
