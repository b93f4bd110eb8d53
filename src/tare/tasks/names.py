"""The names of the tasks."""

from typing import Literal, get_args

TaskName = Literal["classification", "multi-label", "regression", "segmentation"]
TASK_NAMES: tuple[TaskName, ...] = get_args(TaskName)
