"""The reference that a transferred model carries: what its training split looks like, for `tare.Monitor` and `tare drift`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tare.datasets.files import LabelledFiles
from tare.errors import DataError
from tare.input_spec.geometry import Geometry
from tare.measuring.as_seen import AsSeen
from tare.monitoring.reference import Reference

if TYPE_CHECKING:
    from tare.transferring.plan import TransferPlan


def reference_of(plan: TransferPlan) -> dict[str, Any] | None:
    """The reference of the training split, as JSON; None if it is too small, or its samples have no figures in common.

    It is measured on samples as they are stored, and of images once more as the network sees them.
    """
    split, chosen = plan.target.split, plan.chosen
    source = LabelledFiles(f"the training split of {split.origin}", split.train, plan.colour, split.channel_names)
    workers = max(1, plan.machine.workers or 1)
    stated = {} if not chosen.is_affine else {"mean": tuple(chosen.mean), "std": tuple(chosen.std)}
    try:
        reference = replace(Reference.of(source, workers=workers), as_fed=stated)
        if isinstance(plan.takes, Geometry):
            seen = replace(Reference.of(AsSeen(source, plan.takes), workers=workers), as_fed=stated)
            reference = replace(reference, seen=seen)
    except DataError:
        return None
    return reference.to_json()
