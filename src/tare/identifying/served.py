"""The constants that a served network needs for the values that arrive now, by what its batch norm remembers; no labels."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from tare.errors import ModelError, TareError
from tare.identifying.candidates import Candidate, candidates, of_affine
from tare.identifying.estimate import Estimated, OneMap, estimate, one_map
from tare.identifying.fingerprint.front import front_of
from tare.identifying.fingerprint.stored import fingerprints
from tare.identifying.fingerprint.views import AUGMENTATIONS
from tare.identifying.likelihood import SAME, temper
from tare.identifying.probes import read_probes, reduced
from tare.identifying.ranking import Setting
from tare.identifying.scores import follow, weigh
from tare.input_spec.affine import Affine
from tare.input_spec.geometry import Geometry
from tare.monitoring.reference import Reference
from tare.monitoring.result import Recovered, Verdict
from tare.monitoring.words import respec_command
from tare.networks.network import Network
from tare.networks.stated_images import colour_of
from tare.statistics.intervals import Interval

_IMAGES = 128
# Where the search begins: gains, and offsets in unit values.
_GAINS = (1.0, *(2.0 ** (place / 2) for place in range(-7, 5) if place))
_OFFSETS = (0.0, *(place / 10 for place in range(-5, 9) if place))
_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Memory:
    """What batch norm ``layer`` says of ``images`` images: the constants under which they look as those of its training did.

    ``together`` is the one map of all channels that tells as much.
    """

    layer: str
    images: int
    estimated: Estimated
    together: OneMap

    @property
    def shown(self) -> bool:
        """Whether the memory shows a change beyond its own error: no change explains the constants worse than that."""
        return self.together.shown

    def constants(self, mean: Sequence[float], std: Sequence[float]) -> tuple[tuple[Interval, ...], tuple[Interval, ...]]:
        """The mean and std that the images need: by one map of all channels, which is known better, unless a channel refuses it.

        ``mean`` and ``std`` are those that the network is served with.
        """
        if not self.together.held:
            return self.estimated.mean, self.estimated.std
        return self.together.means(mean), self.together.stds(std)


def with_recovered(verdict: Verdict, reference: Reference, data: Any, factory: str | None = None) -> Verdict:
    """The verdict with the constants that the network of the reference's run needs for ``data``, images that arrive now.

    A verdict without an alarm stays as it is. Where the memory shows no change beyond its own error, a note says so, and nothing
    is proposed. A network without batch norm, one that cannot be built here, or data that are no images leave a note with the
    reason. ``factory`` (``FILE.py:FACTORY``) is run where no library builds the network.
    """
    if not verdict.alarm:
        return verdict
    try:
        found = _recovered(reference, _last(data), factory)
    except TareError as error:
        note = f"constants were not recovered from batch norm: {error}"
        return replace(verdict, notes=(*verdict.notes, note))
    return replace(verdict, recovered=found)


def _last(data: Any) -> Any:
    """Of a list of folders, in the order in which they arrived, the last; of one path itself. A list of files is one set."""
    if not isinstance(data, list | tuple) or not data or not isinstance(data[-1], str | os.PathLike):
        return data
    return data[-1] if len(data) == 1 or Path(data[-1]).is_dir() else data


def _recovered(reference: Reference, data: Any, factory: str | None) -> Recovered:
    from tare.networks.stored.directory import load_model

    if not reference.origin:
        raise ModelError("the run of the served network", "a reference alone", "name the run in place of its reference")
    place = Path(reference.origin)
    model = load_model(place / "model" if (place / "model").is_dir() else place, factory)
    chosen = model.normalisation
    if not chosen.is_affine:  # no gain and offset of the weights would undo the change
        raise ModelError("a network that takes values by a mean and std alone", chosen.why_not_affine(), "transfer it again")
    mean, std = chosen.mean, chosen.std
    found = remembered(model.network, data, mean, std, model.geometry)
    if not found.shown:
        raise ModelError(
            "images that look changed to the network",
            f"no change in {found.images} of them beyond the error of what {found.layer} remembers ({found.together.words()})",
            "look for another cause, or show it more images",
        )
    means, stds = found.constants(mean, std)
    gains = [new.estimate / old for new, old in zip(stds, std, strict=True)]
    offsets = [new.estimate - gain * old for new, gain, old in zip(means, gains, mean, strict=True)]
    return Recovered(found.layer, found.images, means, stds, respec_command(reference, gains, offsets))


def remembered(
    network: Network, data: Any, mean: Sequence[float], std: Sequence[float], geometry: Geometry, seed: int = 0
) -> Memory:
    """The mean and std with which images of ``data`` give the first batch norm the moments that it stores.

    What is served counts as of the kind that the network was trained on: another content would be taken for a gain and an offset.
    ``mean`` and ``std`` (unit values) are those that the network is served with now, and are one of the beginnings. Colours keep
    their order. Raises :class:`ModelError` for a network without a trained batch norm, :class:`DataError` for too few images.
    """
    network.module.eval()
    stored = fingerprints(network.module)
    if not stored:
        raise ModelError("batch norm, whose moments tell what a network was fed", f"none in {network.reference}", "leave it out")
    probes = read_probes(data, colour_of(network), _IMAGES, seed)
    images = tuple(reduced(image, 2 * max(geometry.size)) for image in probes.images)
    setting = Setting(network, replace(probes, images=images), geometry, seed)
    shape = (network.channels, *geometry.size)
    front = front_of(network.module, shape, list(stored))
    known = _starts(mean, std)
    followed, models = follow(front, stored[front.name], known, AUGMENTATIONS, setting.views, images=setting.count, shape=shape)
    best = min(weigh(stored[front.name], followed, models, setting.content).scores, key=lambda each: each.divergence)
    factor, candidate = temper(setting.count, best.divergence), best.candidate
    model = models[best.augmentation][candidate.sample]
    for _ in range(_ROUNDS):  # the errors depend on the constants
        estimated = estimate(candidate, stored[front.name], model, setting.content, SAME, inflation=factor**-0.5, confidence=0.95)
        candidate = replace(candidate, affine=estimated.affine)
    return Memory(front.name, setting.count, estimated, one_map(estimated, mean, std))


def _starts(mean: Sequence[float], std: Sequence[float]) -> list[Candidate]:
    """The constants after gains and offsets of all channels alike, as beginnings; those of no change are the first."""
    family = candidates(len(mean))[0].family
    found = []
    for gain, offset in product(_GAINS, _OFFSETS):
        scale = tuple(1 / (255 * gain * each) for each in std)
        shift = tuple(-(gain * m + offset) / (gain * s) for m, s in zip(mean, std, strict=True))
        name = f"{gain:g} x + {offset:g}"
        found.append(of_affine(name, Affine(tuple(range(len(mean))), scale, shift), family))
    return found
