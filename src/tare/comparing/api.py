"""``tare.compare``: compare two datasets, given as data, as statistics or by name."""

from __future__ import annotations

from tare.comparing.inputs import CompareRequest
from tare.comparing.result import Comparison
from tare.comparing.shift import compare_stats
from tare.comparing.sides import check_options, sides_from, stats_from
from tare.system.options import verb


@verb(CompareRequest)
def compare(request: CompareRequest) -> Comparison:
    """Compare two datasets: per channel the shift and the ratio of stds with intervals, and the kind of difference.

    Each dataset is a statistics file of ``tare measure --out``, the name of a published constant (``"cifar10"``, or
    ``"catalog:cifar10"`` if a folder has that name), a :class:`DatasetStats`, or data as :func:`tare.measure` takes them. Data
    are measured with ``channels``, ``columns``, ``exclude_nan``, ``as_seen``, ``workers`` and ``max_skipped`` (see there).

    Raises :class:`DataError` if a dataset cannot be found or read, if the channels cannot be paired, or if an option of
    measuring is given and neither dataset is measured.
    """
    check_options((request.source, request.target), request.stated())
    first, second = sides_from(request, lambda _, data: stats_from(data, request, request.progress))
    return compare_stats(first, second, request.confidence)
