"""Every network against probe images of every kind and number."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from benchmarks.identify_rates import nets
from benchmarks.identify_rates.cases import Case, cases
from benchmarks.identify_rates.training import HELD_OUT
from tare.identifying.candidates import Candidate, candidates
from tare.identifying.fingerprint.front import NetworkFront, front_of
from tare.identifying.fingerprint.moments import Responses, Views
from tare.identifying.fingerprint.stored import Fingerprint, fingerprints
from tare.identifying.fingerprint.views import AUGMENTATIONS, AugmentedImages, ProbeImage, TrainingAugmentation, prepared
from tare.identifying.likelihood import Content
from tare.identifying.probes import features, reduced
from tare.identifying.scores import Models, follow, weigh
from tare.input_spec.geometry import Geometry
from tare.sources.files.image_folder import read_image, walk_files

_SIZE = (32, 32)
#: How many probe images, of each kind.
NUMBERS = {"CIFAR-10": (8, 16, 32, 64, 128, 256, 512), "ImageNet": (64,), "hymenoptera": (64,), "RSSCN7": (64,)}
_FOLDERS = {"ImageNet": "imagenet100", "hymenoptera": "hymenoptera", "RSSCN7": "rsscn7-98"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """Names, families, log evidences and divergences of the weighed candidates for one network and one set of probes."""

    case: Case
    data: str
    images: int
    truth: str
    truth_family: str
    names: tuple[str, ...]
    families: tuple[str, ...]
    same: tuple[float, ...]
    other: tuple[float, ...]
    divergences: tuple[float, ...]


def outcomes(root: Path, folder: Path, workers: int) -> Iterator[Outcome]:
    """All outcomes, in the order of the networks."""
    _images_of(root)
    todo = [(root, folder, case) for case in cases()]
    if workers <= 1:
        yield from (outcome for one in todo for outcome in _of_network(one))
        return
    with ProcessPoolExecutor(workers) as pool:
        for found in pool.map(_of_network, todo):
            print(f"{found[0].case.architecture}, {found[0].case.convention}: identified", file=sys.stderr)
            yield from found


def truth_of(case: Case, known: tuple[Candidate, ...]) -> Candidate:
    """The candidate that is, to its tolerance, what the network was fed."""
    affine = case.spec.affine()
    return min((one for one in known if not one.sample), key=lambda one: one.affine.distance(affine))


@cache
def _images_of(root: Path) -> dict[str, tuple[tuple[ProbeImage, ...], NDArray[np.float64]]]:
    """All probe images at the networks' size, and what they show."""
    found = {}
    for name, files in _files(root).items():
        images = [np.asarray(read_image(file, "rgb")) for file in files]
        ready = prepared([reduced(image, 2 * _SIZE[0]) for image in images], Geometry(_SIZE))
        found[name] = (ready, features(torch.stack([image.whole for image in ready])))
    return found


def _files(root: Path) -> dict[str, list[str]]:
    cifar = sorted(walk_files(root / "cifar10-test" / "test"))
    order = np.random.default_rng(0).permutation(len(cifar))[-HELD_OUT:]
    found = {"CIFAR-10": [cifar[place] for place in order[: max(NUMBERS["CIFAR-10"])]]}
    for name, folder in _FOLDERS.items():
        files = sorted(file for file in walk_files(root / folder) if file.lower().endswith((".jpg", ".jpeg")))
        chosen = np.random.default_rng(1).permutation(len(files))[: max(NUMBERS[name])]
        found[name] = [files[place] for place in chosen]
    return found


def _of_network(job: tuple[Path, Path, Case]) -> list[Outcome]:
    root, folder, case = job
    torch.set_num_threads(1)
    network = getattr(nets, case.architecture)()
    network.load_state_dict(load_file(case.file(folder)))
    network.eval()
    stored = fingerprints(network)
    front = front_of(network, (3, *_SIZE), list(stored))
    known = candidates(3)
    truth, found = truth_of(case, known), []
    for data, (images, shown) in _images_of(root).items():
        models = _models(front, stored[front.name], known, images)
        for number in NUMBERS[data]:
            part = {way: _of_images(kinds, number) for way, kinds in models.items()}
            scores = weigh(stored[front.name], known, part, Content.of(shown[:number], 3)).scores
            figures = [(s.candidate.name, str(s.candidate.family), s.same, s.other, s.divergence) for s in scores]
            figures = [one for one in figures if np.isfinite(one[3])]
            found.append(Outcome(case, data, number, truth.name, str(truth.family), *map(tuple, zip(*figures, strict=True))))
    return found


def _of_images(models: Models, number: int) -> Models:
    """The models of the first images alone."""
    chosen = np.arange(number)
    return {kind: model.of_images(chosen) for kind, model in models.items() if isinstance(model, Responses)}


def _models(
    front: NetworkFront, stored: Fingerprint, known: Sequence[Candidate], images: Sequence[ProbeImage]
) -> dict[TrainingAugmentation, Models]:
    """As ``tare.identify`` takes them: one view of each image, the augmentations chosen on the first few."""
    varied = AugmentedImages(tuple(images), 0)

    def make(way: TrainingAugmentation, start: int, stop: int) -> Views:
        return varied.views(way, start, stop, 1)

    return follow(front, stored, known, AUGMENTATIONS, make, images=len(images), shape=(3, *_SIZE))[1]
