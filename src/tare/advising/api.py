"""``tare.advise``: which normalisation strategy suits this network and these data, and why."""

from __future__ import annotations

from tare.advising.fed_network import fed_network
from tare.advising.inputs import AdviceRequest
from tare.advising.recommendation import advise_on
from tare.advising.result import Advice
from tare.advising.subject import Reading, subject_of
from tare.datasets.options import LabelOptions
from tare.system.engines.local import default_workers
from tare.system.options import part, verb

ASSUMED = "assumed: a new head on the frozen network (--protocol probe); if you will train all weights, say --protocol finetune"


@verb(AdviceRequest)
def advise(request: AdviceRequest) -> Advice:
    """Recommend a strategy for transferring ``model`` to ``data``, with the evidence; nothing is trained or written.

    ``data`` are the images, signals or rows of numbers that the network takes, with labels or without. ``source_stats`` are by
    default those that the run ``model`` measured, else the catalog's for the network's constants; else the constants stand in.
    With labels, accuracies on frozen features are cross-validated on the training split that ``tare.transfer`` makes with this
    ``seed``. At most 1,000 samples, drawn by the seed, are passed through the network.

    Raises a :class:`tare.TareError` for data that cannot be read, a network without constants, or options that do not fit it.
    """
    return advised(request)


def advised(request: AdviceRequest) -> Advice:
    """Answer a request; see :func:`advise`."""
    labelled, reporter = part(LabelOptions, request), request.reporter
    fed = fed_network(request, request.seed, labelled, request.source_stats)
    reading = Reading(request.labels, request.max_skipped, request.workers or default_workers(), request.seed)
    subject, notes = subject_of(fed, labelled, reading, reporter)
    assumed = (ASSUMED,) if request.protocol is None else ()
    return advise_on(
        subject,
        fed.network.reference,
        labelled.name,
        protocol=request.protocol or "probe",
        seed=request.seed,
        notes=fed.notes + notes + assumed,
        reporter=reporter,
    )
