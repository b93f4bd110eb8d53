"""The reference of data that are named as `tare measure` names them."""

from __future__ import annotations

from collections.abc import Sequence

from tare.errors import DataError
from tare.measuring.inputs import MeasureRequest
from tare.monitoring.reference import Reference
from tare.sources.options import Options
from tare.system.options import flag

# Options under which the samples of a measurement are not those that a service gets.
_OTHERS = ("as_seen", "mask", "cluster", "pages", "tolerance")


def reference_of(request: MeasureRequest) -> Reference:
    """Take the reference of the data of a measurement, in a pass of its own, on samples as they are stored.

    Raises :class:`DataError` beside options that change which values are measured.
    """
    others = [name for name in _OTHERS if getattr(request, name) is not None]
    others += ["alpha"] if request.alpha != "drop" else []
    if others:
        given = {"tolerance": "--sample", "alpha": "--alpha composite"}.get(others[0], flag(others[0]))
        raise DataError("a reference of whole samples as they are stored", given, "make the reference without it")
    columns = (request.columns,) if isinstance(request.columns, str) else request.columns
    chosen = None if columns is None else tuple(columns)
    options = Options(request.channels, chosen, request.layout, request.array, remote=request.allow_remote)
    nodata = request.nodata if isinstance(request.nodata, Sequence) else () if request.nodata is None else (request.nodata,)
    return Reference.of(
        request.data, options, nodata=tuple(map(float, nodata)), workers=request.workers, progress=request.progress
    )
