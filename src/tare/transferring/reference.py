"""The reference that a transferred model carries: what its training split looks like, for `tare.Monitor` and `tare drift`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tare.datasets.files import LabelledFiles
from tare.datasets.signal_batches import of_length
from tare.datasets.volumes.sizing import as_stored_volume
from tare.errors import DataError
from tare.input_spec.geometry import Geometry, InputGeometry, SignalGeometry, VolumeGeometry, front_of
from tare.measuring.as_seen import AsSeen
from tare.monitoring.reference import Reference
from tare.samples.layout import raw_of, unit_scale
from tare.samples.records import Record, Sample
from tare.sources.base import Source
from tare.sources.derived import Derived

if TYPE_CHECKING:
    from tare.transferring.plan import TransferPlan


def reference_of(plan: TransferPlan) -> dict[str, Any] | None:
    """The reference of the training split, as JSON; None if it is too small, or its samples have no figures in common.

    It is measured on samples as they are stored, or as a front end for sound turns them, and of images, signals, volumes and
    clips once more as the network sees them.
    """
    split, chosen = plan.target.split, plan.chosen
    source = LabelledFiles(f"the training split of {split.origin}", split.train, plan.colour, split.channel_names)
    workers = max(1, plan.machine.workers or 1)
    stated = {} if not chosen.is_affine else {"mean": tuple(chosen.mean), "std": tuple(chosen.std)}
    try:
        reference = replace(Reference.of(source, workers=workers), as_fed=stated, front=front_of(plan.takes))
        sized = _sized(source, plan.takes, chosen.border(plan.takes.raw_dtype))
        if sized is not None:
            seen = replace(Reference.of(sized, workers=workers), as_fed=stated, axes=0, facts={})  # of what is stored alone
            reference = replace(reference, seen=seen)
    except DataError:
        return None
    return reference.to_json()


def _sized(source: LabelledFiles, takes: InputGeometry, border: tuple[float, ...] | None) -> Source[Any] | None:
    """The samples at the network's size; None where they have it as stored, or where each is normalised by itself."""
    if isinstance(takes, Geometry):
        return _Resized(source, takes, border if takes.crop_mode == "border" else None)
    return _Sized(source, takes) if isinstance(takes, SignalGeometry | VolumeGeometry) and takes.pad is not None else None


@dataclass(frozen=True)
class _Resized(AsSeen):
    """Images at the network's size in the type in which they are stored, as an exported network takes them."""

    def changed(self, record: Record) -> Iterator[Record]:
        """Resize and crop one image; of deeper ones the values become whole numbers of their type again."""
        for one in super().changed(record):
            yield _stored(one, record.values.dtype) if isinstance(one, Sample) and isinstance(record, Sample) else one


def _stored(seen: Sample, dtype: np.dtype[Any]) -> Sample:
    """The unit values of a resized image as raw ones; a resize may overshoot the ends of their type."""
    if dtype.kind not in "iu" or seen.values.dtype == dtype:
        return seen
    raw, ends = np.rint(seen.values / float(unit_scale(dtype))), np.iinfo(dtype)
    return replace(seen, values=np.clip(raw.astype(np.float64), ends.min, ends.max).astype(dtype))


@dataclass(frozen=True)
class _Sized(Derived):
    """Signals, volumes or clips at the size that a network takes, padded with what it takes for zero."""

    takes: SignalGeometry | VolumeGeometry

    def changed(self, record: Record) -> Iterator[Record]:
        """Cut, resize or pad one sample; all else is as it was."""
        takes = self.takes
        if not isinstance(record, Sample) or takes.pad is None:
            yield record
            return
        pad = raw_of(takes.pad, record.values.dtype)
        if isinstance(takes, SignalGeometry):
            yield replace(record, values=of_length(record.values, takes.length, pad))
        else:
            yield replace(record, values=as_stored_volume(record.values, takes, pad))
