"""Words that every part of a transfer's report uses."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from tare.input_spec.geometry import NOUNS
from tare.tasks.evaluations.figure import Figure
from tare.transferring.result import TransferRun

_HARDEST = 3
Score = TypeVar("Score")


def lowest(scores: Sequence[Score], figure: Callable[[Score], float]) -> list[Score]:
    """The three scores with the lowest figure; those without one take no part."""
    return sorted((score for score in scores if not math.isnan(figure(score))), key=figure)[:_HARDEST]


def percent(value: float) -> str:
    """A share in percent, or that there is none."""
    return "n/a" if math.isnan(value) else f"{value:.1%}"


def noun_of(run: TransferRun) -> str:
    """The word for the samples."""
    return NOUNS[run.kind]


def one_of(run: TransferRun) -> str:
    """The word for one sample."""
    return noun_of(run).removesuffix("s")


def of_test(run: TransferRun) -> TransferRun:
    """The run with its test in place of the validation split, and without pictures."""
    assert run.test is not None  # noqa: S101 - asked before
    return replace(run, evaluation=run.test, views=())


def headline(run: TransferRun) -> str:
    """The figure of the task with its interval: ``accuracy 91.2% (95% interval 88.0 to 93.5, 120 images)``."""
    figure = run.evaluation.headline
    return f"{figure.name} {counted(figure, run)}"


def counted(figure: Figure, run: TransferRun) -> str:
    """A figure with its interval and the number of samples."""
    return f"{figure.in_words()} (95% interval {figure.interval()}, {run.evaluation.samples} {noun_of(run)})"
