"""``tare.advise``: which strategy for this network and these data, and why."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from tare.advising.inputs import Asked, fed_network
from tare.advising.recommendation import advise_on
from tare.advising.result import Advice
from tare.advising.subject import Reading, subject_of
from tare.datasets.split import Labelled
from tare.measuring.one_pass import MAX_SKIPPED
from tare.networks.stated_spec import Spec
from tare.statistics.dataset_stats import DatasetStats
from tare.system.engines.local import default_workers
from tare.system.progress import SILENT, Reporter
from tare.training.options import picked


def advise(
    model: str,
    data: Any,
    *,
    weights: str = "pretrained",
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    spec: Spec | None = None,
    source_stats: str | os.PathLike[str] | DatasetStats | None = None,
    labels: bool | None = None,
    label: str | None = None,
    label_pattern: str | None = None,
    array: str | None = None,
    size: int | None = None,
    interpolation: str | None = None,
    crop: float | None = None,
    length: int | None = None,
    seed: int = 0,
    workers: int | None = None,
    max_skipped: float = MAX_SKIPPED,
    reporter: Reporter = SILENT,
) -> Advice:
    """Recommend a strategy for transferring ``model`` to ``data``, with the evidence; nothing is trained or written.

    ``data`` are what ``tare.transfer`` takes, with labels or without: images, signals or rows of numbers, as the network is for.
    ``model``, ``weights``, ``mean``, ``std`` (unit values), ``spec``, ``size``, ``interpolation``, ``crop`` and ``length`` are as
    there.
    ``source_stats`` are dataset0's: a file of ``tare measure``, a catalog name such as ``"imagenet-pooled"``, or data; without,
    those of the run ``model``, else the catalog's for the network's constants, else the constants stand in. With labels
    (``labels`` True: required; None: where there are any) frozen-feature accuracies are cross-validated on the training split, as
    ``tare.transfer`` splits with this ``seed``. At most 1,000 samples, drawn by the seed, are passed through the network.

    Raises a :class:`tare.TareError` for data that cannot be read, a network without constants, or what does not fit it.
    """
    given = dict(locals())
    labelled = picked(Labelled, given)
    fed = fed_network(picked(Asked, given), seed, labelled)
    count = default_workers() if workers is None else max(1, workers)
    subject, notes = subject_of(fed, labelled, Reading(labels, max_skipped, count, seed), reporter)
    return advise_on(subject, fed.network.reference, labelled.name, seed=seed, notes=fed.notes + notes, reporter=reporter)
