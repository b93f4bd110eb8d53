"""``tare.compare``: two datasets, whatever they are given as."""

from __future__ import annotations

from tare.comparing.inputs import CompareRequest
from tare.comparing.result import Comparison
from tare.comparing.shift import compare_stats
from tare.comparing.sides import check_asked, stats_from
from tare.system.options import verb


@verb(CompareRequest)
def compare(request: CompareRequest) -> Comparison:
    """Compare two datasets: shift and ratio of stds per channel with intervals, and what kind of difference it looks like.

    Each is a statistics file of ``tare measure --out``, anything that :func:`tare.measure` takes (``channels``, ``columns``,
    ``exclude_nan``, ``as_seen``, ``workers`` and ``max_skipped`` are as there, and count for those of the two that are
    measured), the name of a published constant (``"cifar10"``, or ``"catalog:cifar10"`` where a folder has that name), or a
    :class:`DatasetStats`.

    Raises :class:`DataError` if one of the two cannot be found or read, or their channels cannot be paired, or if it was
    said how to measure and neither is measured.
    """
    check_asked((request.source, request.target), request.stated())
    first, second = (stats_from(data, request, request.progress) for data in (request.source, request.target))
    return compare_stats(first, second, request.confidence)
