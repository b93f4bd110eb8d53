"""Does the network feel a change of gain and offset? The share of it that its first normalisation layers let through."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tare.errors import TareError
from tare.monitoring.reference import Reference
from tare.monitoring.result import Felt, Map, Verdict

if TYPE_CHECKING:
    from tare.networks.stored.directory import TransferredModel

_SAMPLES = 16
#: Below this share the network is said to absorb the change.
_LITTLE = 0.1


def with_felt(verdict: Verdict, reference: Reference, run: str | os.PathLike[str], factory: str | None = None) -> Verdict:
    """The verdict with the share of its change that the network of a run or model directory feels.

    ``factory`` (``FILE.py:FACTORY``) is run where no library builds the network.

    A verdict without a gain or offset stays as it is. A network that cannot be built here leaves a note with the reason.
    """
    if not verdict.maps or not verdict.alarm:
        return verdict
    from tare.networks.stored.directory import load_model

    place = Path(run)
    try:
        model = load_model(place / "model" if (place / "model").is_dir() else place, factory)
        found = felt_by(model, reference, verdict.maps)
    except TareError as error:
        note = f"whether the network feels the change was not measured: {error}"
        return replace(verdict, notes=(*verdict.notes, note))
    return verdict if found is None else replace(verdict, felt=found)


def felt_by(model: TransferredModel, reference: Reference, maps: tuple[Map, ...]) -> Felt | None:
    """Measure the share with smooth random samples that have the reference's mean and std, before and after the change.

    The network is in eval mode, as it is served. None if it runs no layer with weights, or nothing of the change enters it.
    """
    import torch

    from tare.networks.absorption import absorbed
    from tare.networks.smooth_noise import smooth_noise
    from tare.normalisation.input_layer import padded_input

    shape = tuple(model.takes.shape)
    column: Any = (-1, *(1 for _ in shape))
    mean, std = (np.asarray(values).reshape(column) for values in (reference.stats.mean, reference.stats.std))
    unit = mean + std * smooth_noise(_SAMPLES, len(maps), shape, (17,))
    gain, offset = (np.array([getattr(each, name).estimate for each in maps]).reshape(column) for name in ("gain", "offset"))
    first, second = (
        padded_input(model.normalisation, torch.from_numpy(each.astype(np.float32))) for each in (unit, gain * unit + offset)
    )
    shares = absorbed(model.network.module.eval(), first, second)
    if not shares or not shares[0].entering > 0:
        return None
    last = shares[-1]
    return Felt(last.name, last.kind, shares[0].entering, last.eval)


def felt_words(felt: Felt) -> str:
    """What the network feels of the change, in a sentence."""
    share, stds = f"{felt.share:.0%}", f"{felt.entering * felt.share:.2g}"
    tail = "absorbs nearly all of it" if felt.share < _LITTLE else "feels it"
    return f"The network {tail}: behind {felt.layer} {share} of the change is left, {stds} stds of a channel."
