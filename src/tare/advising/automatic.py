"""What ``--strategy auto`` takes: the advice on the training split, and why."""

from __future__ import annotations

from collections.abc import Sequence

from tare.advising.api import advise_on
from tare.advising.inputs import Fed
from tare.advising.subject import labelled_subject, sized_input
from tare.datasets.files import LabelledFile
from tare.normalisation.strategies import Strategy
from tare.statistics.dataset_stats import DatasetStats
from tare.system.progress import Reporter


def recommended(
    fed: Fed, train: Sequence[LabelledFile], stats: DatasetStats, seed: int, reporter: Reporter
) -> tuple[Strategy, tuple[str, ...]]:
    """The strategy that advice recommends for the training samples ``train`` with the statistics ``stats``, and remarks.

    Nothing of the validation split takes part, so its accuracy stays an honest one.
    """
    fed, _ = sized_input(fed, train, stats, 1)
    subject = labelled_subject(fed, train, stats, seed, reporter)
    advice = advise_on(subject, fed.network.reference, stats.source, seed=seed, reporter=reporter)
    matter = "" if advice.matters else ", though it does not matter"
    headline = f"strategy auto: {advice.strategy}{matter} (confidence: {advice.confidence}); {advice.rule}"
    headline += f"; {advice.rate.in_words()}" if advice.rate is not None else ""
    return advice.strategy, (headline, *(f"strategy auto: {text}" for text in advice.because))
