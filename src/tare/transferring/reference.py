"""The reference that a transferred model carries: what its training split looks like, for `tare.Monitor` and `tare drift`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tare.datasets.files import LabelledFiles
from tare.errors import DataError
from tare.monitoring.reference import Reference

if TYPE_CHECKING:
    from tare.transferring.plan import TransferPlan


def reference_of(plan: TransferPlan) -> dict[str, Any] | None:
    """The reference of the training split, as JSON; None if it is too small, or its samples have no figures in common.

    It is measured on samples as they are stored, before any resize.
    """
    split, chosen = plan.target.split, plan.chosen
    source = LabelledFiles(f"the training split of {split.origin}", split.train, plan.colour, split.channel_names)
    try:
        reference = Reference.of(source, workers=max(1, plan.machine.workers or 1))
    except DataError:
        return None
    stated = {} if chosen.per_sample else {"mean": tuple(chosen.mean), "std": tuple(chosen.std)}
    return replace(reference, as_fed=stated).to_json()
