"""Rank candidates by how well they explain the moments that a checkpoint's batch norm stores, or the labels of images."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import nn

from tare.errors import DataError, ModelError
from tare.identifying.candidates import Candidate, candidates, stated_entry
from tare.identifying.estimate import MISFIT, Estimated, estimate_over, free_divergence
from tare.identifying.fingerprint.front import NetworkFront, front_of
from tare.identifying.fingerprint.moments import Views
from tare.identifying.fingerprint.stored import Fingerprint, fingerprints
from tare.identifying.fingerprint.views import AUGMENTATIONS, AugmentedImages, ProbeImage, TrainingAugmentation, prepared
from tare.identifying.inputs import IdentifyRequest
from tare.identifying.labels import by_labels, relative_by_labels
from tare.identifying.likelihood import OTHER, SAME, Content, Residual, most_explained, sampled, temper
from tare.identifying.probes import Probes, class_indices, features, read_probes, reduced
from tare.identifying.result import Identification, Ranked
from tare.identifying.scores import Score, Scored, deep_divergence, follow, normalised, weigh
from tare.identifying.words import headline, reason_for, rivalled, separating, unexplained
from tare.input_spec.geometry import NOUNS, Geometry
from tare.input_spec.spec import Known
from tare.networks.heads.pass_size import pass_size
from tare.networks.loading import built_for
from tare.networks.network import Network
from tare.networks.stated_images import check_accepts, colour_of, network_geometry
from tare.networks.stored.proposals import the_one
from tare.networks.stored.source import source_network
from tare.normalisation.catalog import CatalogEntry
from tare.system.handed.arguments import place_of

_VIEWS_WANTED, _MOST_VIEWS, _SMALL = 128, 4, 64
# Images with a shorter edge above this many times the input's are reduced first; below it no antialiasing is needed.
_LARGEST = 2
_DEEP_IMAGES, _DEEP_CANDIDATES = 8, 3
# The augmentations and images used if the front is not affine: every candidate then needs forward passes.
_FEW_AUGMENTATIONS = (0, 1, 4, 5)
_FEW_IMAGES = 64


def identified(request: IdentifyRequest) -> Identification:
    """Answer a request; see :func:`tare.identify`."""
    model: str | None = request.model
    found: tuple[str, ...] = ()
    if model is None:
        model, found = the_one(Path(request.checkpoint), request.reporter)
    kind = built_for(model)
    if kind is not None:
        found_kind = f"{model}, a network for {NOUNS[kind]}"
        raise ModelError(
            "a network for images, which the candidates are conventions of", found_kind, "its run states its constants"
        )
    trusted = request.trust_remote_code
    network = source_network(model, str(place_of(request.checkpoint, "a checkpoint")), request.seed, trusted=trusted)
    network = replace(network, notes=found + network.notes)
    network.module.eval()
    stored = fingerprints(network.module)
    if not stored and request.labels is None:
        raise ModelError(
            "batch norm, whose moments tell what a network was fed",
            f"no batch norm in {network.reference}: its normalisation is not identifiable from the weights",
            "state the images' classes with --labels, which ranks candidates by the likelihood of the labels",
        )
    probes = read_probes(request.data, colour_of(network), request.samples, request.seed)
    _check_kind(network)
    _check_channels(network, probes)
    geometry, notes = geometry_of(network, probes, request.size)
    check_accepts(network, geometry)
    suspected = None
    if request.mean is not None and request.std is not None:
        suspected = stated_entry(request.mean, request.std, network.channels)
    images = tuple(reduced(image, _LARGEST * max(geometry.size)) for image in probes.images)
    enlarged = _enlarged(probes, geometry) if request.size is None else ""
    setting = Setting(network, replace(probes, images=images), geometry, request.seed, suspected, enlarged)
    kept = tuple(note for note in network.notes if not note.startswith("mean and std are those")) + notes + probes.notes
    kept += (enlarged,) if enlarged else ()
    if request.labels is not None:
        return _by_labels(setting, os.fspath(request.labels), request.confidence, kept)
    return _by_moments(setting, stored, request, kept)


@dataclass(frozen=True)
class Setting:
    """The network, the images reduced to about its input size, and their geometry."""

    network: Network
    probes: Probes
    geometry: Geometry
    seed: int
    suspected: CatalogEntry | None = None
    enlarged: str = ""

    @property
    def count(self) -> int:
        """Number of images."""
        return len(self.probes.images)

    @cached_property
    def images(self) -> tuple[ProbeImage, ...]:
        """The images resized and cropped for the network."""
        return prepared(self.probes.images, self.geometry)

    @cached_property
    def varied(self) -> AugmentedImages:
        """The images under the augmentations of training."""
        return AugmentedImages(self.images, self.seed)

    @cached_property
    def plain(self) -> Views:
        """One view of each image, without augmentation or flip."""
        return Views(torch.stack([image.whole for image in self.images])[:, None])

    @cached_property
    def content(self) -> Content:
        """The content of the images."""
        return Content.of(features(self.plain.values[:, 0]), self.network.channels)

    def views(self, augmentation: TrainingAugmentation, start: int, stop: int, each: int | None = None) -> Views:
        """Views of the images ``start`` to ``stop - 1``."""
        large = max(self.geometry.size) > _SMALL
        wanted = each or (1 if large else min(_MOST_VIEWS, max(1, _VIEWS_WANTED // self.count)))
        return self.varied.views(augmentation, start, stop, wanted)


def _check_kind(network: Network) -> None:
    """Raise :class:`ModelError` if the network's first layer does not take images."""
    kinds = {nn.Conv1d: "signals", nn.Conv3d: "volumes or videos", nn.Embedding: "tokens", nn.Conv2d: ""}
    first = next((taken for layer in network.module.modules() if (taken := kinds.get(type(layer))) is not None), "")
    if first:
        raise ModelError("a network for images", f"{network.reference} takes {first}", "name another network")


def _check_channels(network: Network, probes: Probes) -> None:
    """Raise :class:`DataError` for an image of another number of channels than the network takes."""
    for image, path in zip(probes.images, probes.paths, strict=True):
        if image.shape[-1] != network.channels:
            wanted = f"images of {network.channels} channels, as {network.reference} takes"
            remedy = "name an array (.npy) of all channels: alpha of image files is left out"
            raise DataError(wanted, f"{image.shape[-1]} channels in {path!r}", remedy)


def geometry_of(network: Network, probes: Probes, size: int | None) -> tuple[Geometry, tuple[str, ...]]:
    """The network's own geometry; if its size is not stated, the common size of all images."""
    if size is None and not isinstance(network.spec.size, Known) and probes.size is not None:
        return Geometry(probes.size), (
            f"the input size is not stated; the images' size is used, {probes.size[0]} x {probes.size[1]} px",
        )
    geometry, notes = network_geometry(network, size, None, None)
    return geometry, tuple(
        note.removesuffix(", change it with --interpolation").removesuffix(", change it with --crop") for note in notes
    )


def _enlarged(probes: Probes, geometry: Geometry) -> str:
    """A note on images that are all smaller than the network's input, which it may not have been trained on so; else empty."""
    edge = max(min(image.shape[:2]) for image in probes.images)
    if edge >= min(geometry.size):
        return ""
    height, width = geometry.size
    return (
        f"images whose shorter edge has at most {edge} px are enlarged to the network's {height} x {width} px; --size {edge} if "
        "it was trained on such images"
    )


def _by_moments(
    setting: Setting, stored: Mapping[str, Fingerprint], request: IdentifyRequest, notes: tuple[str, ...]
) -> Identification:
    network = setting.network
    front = front_of(network.module, (network.channels, *setting.geometry.size), list(stored))
    ways: Sequence[TrainingAugmentation] = AUGMENTATIONS
    if not front.affine:
        notes += (f"the input of {front.name!r} is not an affine function of the image: candidates are tried by forward passes",)
        ways = [AUGMENTATIONS[place] for place in _FEW_AUGMENTATIONS]
        probes, first = setting.probes, slice(_FEW_IMAGES)
        few = replace(probes, images=probes.images[first], paths=probes.paths[first], labels=probes.labels[first])
        setting = replace(setting, probes=few)
    known: Sequence[Candidate] = candidates(network.channels, setting.suspected)
    shape, reporter = (network.channels, *setting.geometry.size), request.reporter
    known, models = follow(
        front,
        stored[front.name],
        known,
        ways,
        setting.views,
        images=setting.count,
        shape=shape,
        reporter=reporter,
        free=free_divergence if front.affine else None,
    )
    with reporter.working("weighing the candidates"):
        scored = weigh(stored[front.name], known, models, setting.content)
    return _answer(setting, stored, front, scored, request, notes)


def _answer(
    setting: Setting,
    stored: Mapping[str, Fingerprint],
    front: NetworkFront,
    scored: Scored,
    request: IdentifyRequest,
    notes: tuple[str, ...],
) -> Identification:
    in_domain, confidence, scores = request.in_domain, request.confidence, scored.scores
    factor = temper(setting.count, min(one.divergence for one in scores))
    same, other = (_relative([getattr(one, kind) for one in scores], factor) for kind in ("same", "other"))
    shares = same if in_domain else other
    ordered = sorted(zip(scores, shares, strict=True), key=lambda pair: (-pair[1], pair[0].divergence))
    ranking = tuple(
        Ranked(one.candidate, share, divergence=one.divergence, augmentation=one.augmentation.name) for one, share in ordered
    )
    members = [one for one in ranking if one.relative >= 1 - confidence]
    best, shift = ordered[0][0], SAME if in_domain else OTHER
    sample = best.candidate.sample
    models = {way.name: each[sample] for way, each in scored.models.items() if sample in each}
    estimated = estimate_over(
        best.candidate, stored[front.name], models, setting.content, shift, factor=factor, confidence=confidence
    )
    of_constants = not sample  # an image standardised by itself has no constants to estimate
    deep = _deep(setting, stored, members[:_DEEP_CANDIDATES])
    ranking = tuple(replace(one, deep=deep.get(one.name)) for one in ranking)
    in_domain_only = [one.candidate for one, share in zip(scores, same, strict=True) if share >= 1 - confidence]
    listed = not of_constants or estimated.misfit <= MISFIT
    limit = most_explained(setting.count, _sampled(min(scores, key=lambda one: one.divergence), stored[front.name], scored))
    fits = min(one.divergence for one in scores) <= limit
    explained = True if fits else False if in_domain and not setting.enlarged else None
    alone = _stands_alone(best.augmentation, estimated) if of_constants else True
    reason = reason_for(ranking, members, front, listed=listed, alone=alone)
    return Identification(
        network=setting.network.reference,
        data=setting.probes.name,
        images=setting.count,
        ranking=ranking,
        ambiguity=tuple(one.name for one in members),
        confidence=confidence,
        identifiable=explained is True and listed and alone and len({one.candidate.family for one in members}) == 1,
        reason=reason
        if fits
        else unexplained(ranking[0], limit, estimated if of_constants else None, in_domain=in_domain, enlarged=setting.enlarged),
        separating=separating([one.candidate for one in members], in_domain_only, in_domain=in_domain),
        in_domain=in_domain,
        estimated=estimated if of_constants else None,
        layer=front.name,
        listed=listed,
        explained=explained,
        headline=headline([one.candidate for one in members]),
        notes=(*notes, *rivalled(estimated)) if of_constants and listed and fits else notes,
    )


def _sampled(one: Score, stored: Fingerprint, scored: Scored) -> float:
    """The divergence that sampling is expected to leave of a candidate."""
    predicted = scored.models[one.augmentation][one.candidate.sample].predict(one.candidate.affine)
    return sampled(Residual.of(stored, predicted).influences)


def _stands_alone(augmentation: TrainingAugmentation, estimated: Estimated) -> bool:
    """Whether the best candidate is no published one with mixup where others without mixup explain the moments as well."""
    rival = next((way for way in AUGMENTATIONS if estimated.rival is not None and way.name == estimated.rival[0]), None)
    return not augmentation.mixed or rival is None or rival.mixed > 0


def _relative(evidence: Sequence[float], factor: float) -> list[float]:
    """Likelihoods relative to the best, tempered by ``factor`` because the model of shifts is only approximate."""
    best = max(evidence)
    return [float(np.exp(factor * (value - best))) for value in evidence]


def _deep(setting: Setting, stored: Mapping[str, Fingerprint], members: Sequence[Ranked]) -> dict[str, float]:
    """The divergence over all layers of each likely candidate under its augmentation."""
    if len(stored) < 2:
        return {}
    found = {}
    for one in members:
        way = next(each for each in AUGMENTATIONS if each.name == one.augmentation)
        fed = normalised(setting.views(way, 0, min(_DEEP_IMAGES, setting.count), each=1), one.candidate)
        found[one.name] = deep_divergence(setting.network.module, stored, torch.split(fed, pass_size(fed.shape[1:], len(fed))))
    return found


def _by_labels(setting: Setting, labels: str, confidence: float, notes: tuple[str, ...]) -> Identification:
    """Rank by the labels' likelihood; the ambiguity set holds the candidates that are not shown to be worse, image by image."""
    network = setting.network
    with torch.inference_mode():
        outputs = network.module(setting.plain.values[:1, 0].clone())  # its forward may change it in place
    if not isinstance(outputs, torch.Tensor) or outputs.ndim != 2:
        raise ModelError("a classifier with one output per class", f"other outputs of {network.reference}", "leave --labels out")
    indices = class_indices(setting.probes, labels, outputs.shape[1])
    found = by_labels(network.module, setting.plain, indices, candidates(network.channels, setting.suspected))
    shares = relative_by_labels(found)
    ranking = tuple(
        Ranked(one.candidate, share, accuracy=one.accuracy, log_likelihood=float(one.log_probability.mean()))
        for one, share in zip(found, shares, strict=True)
    )
    members = [one for one in ranking if one.relative >= 1 - confidence]
    best, chance = found[0].accuracy, 1 / outputs.shape[1]
    if (best - chance) / np.sqrt(chance * (1 - chance) / setting.count) < 3:
        raise DataError(
            "labels that some candidate predicts better than chance",
            f"an accuracy of {best:.0%} at best over {setting.count} images",
            "check the labels and their order, or name more images",
        )
    return Identification(
        network=network.reference,
        data=setting.probes.name,
        images=setting.count,
        ranking=ranking,
        ambiguity=tuple(one.name for one in members),
        confidence=confidence,
        identifiable=len({one.candidate.family for one in members}) == 1,
        reason=f"by the labels of {setting.count} images: {members[0].name} classifies {best:.0%} of them correctly",
        separating=separating([one.candidate for one in members], [], in_domain=True),
        in_domain=True,
        headline=headline([one.candidate for one in members]),
        notes=notes,
    )


def write_spec(found: Identification, path: Path) -> None:
    """Write the identified input specification to a file that other commands take."""
    from tare.system.files import json_text, write_text

    write_text(path, json_text(found.spec().to_json()) + "\n")
