"""The tasks by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tare.tasks.classification import Classification
from tare.tasks.multi_label import MultiLabel
from tare.tasks.names import TaskName
from tare.tasks.regression import Regression
from tare.tasks.segmentation import Segmentation
from tare.tasks.task import Task

TASKS: Mapping[TaskName, type[Task]] = {task.name: task for task in (Classification, MultiLabel, Regression, Segmentation)}


def task_of_json(names: tuple[str, ...], document: Any) -> Task:
    """The task of a model directory; classification if none is recorded.

    Raises KeyError, TypeError or ValueError if it is malformed.
    """
    if document is None:
        return Classification(names)
    return TASKS[document["name"]].of_json(names, document)
