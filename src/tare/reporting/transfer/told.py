"""Words that every part of a transfer's report uses."""

from __future__ import annotations

from tare.input_spec.geometry import NOUNS
from tare.tasks.evaluations.figure import Figure
from tare.transferring.result import TransferRun


def noun_of(run: TransferRun) -> str:
    """The word for the samples."""
    return NOUNS[run.kind]


def one_of(run: TransferRun) -> str:
    """The word for one sample."""
    return noun_of(run).removesuffix("s")


def headline(run: TransferRun) -> str:
    """The figure of the task with its interval: ``accuracy 91.2% (95% interval 88.0 to 93.5, 120 images)``."""
    figure = run.evaluation.headline
    return f"{figure.name} {counted(figure, run)}"


def counted(figure: Figure, run: TransferRun) -> str:
    """A figure with its interval and the number of samples."""
    return f"{figure.in_words()} (95% interval {figure.interval()}, {run.evaluation.samples} {noun_of(run)})"
