"""``tare.advise``: which strategy for this network and these data, and why."""

from __future__ import annotations

from tare.advising.fed_network import fed_network
from tare.advising.inputs import AdviceRequest
from tare.advising.recommendation import advise_on
from tare.advising.result import Advice
from tare.advising.subject import Reading, subject_of
from tare.datasets.options import LabelOptions
from tare.system.engines.local import default_workers
from tare.system.options import part, verb


@verb(AdviceRequest)
def advise(request: AdviceRequest) -> Advice:
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
    return advised(request)


def advised(request: AdviceRequest) -> Advice:
    """The advice that was asked for; see :func:`advise`."""
    labelled, reporter = part(LabelOptions, request), request.reporter
    fed = fed_network(request, request.seed, labelled, request.source_stats)
    reading = Reading(request.labels, request.max_skipped, request.workers or default_workers(), request.seed)
    subject, notes = subject_of(fed, labelled, reading, reporter)
    return advise_on(subject, fed.network.reference, labelled.name, seed=request.seed, notes=fed.notes + notes, reporter=reporter)
