"""Published constants, and what is close to them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, partial
from typing import NamedTuple

from tare.normalisation.catalog import entries

Numbers = tuple[float, ...]


class Published(NamedTuple):
    """One published mean and std, in unit values."""

    name: str
    mean: Numbers
    std: Numbers


@cache
def published() -> tuple[Published, ...]:
    """The published constants of colour images, in unit values."""
    found = [Published(each.name, tuple(each.mean), tuple(each.std)) for each in entries() if abs(each.scale - 1 / 255) < 1e-9]
    return tuple(each for each in found if len(each.mean) == 3)


@cache
def published_grey() -> tuple[Published, ...]:
    """The published constants of grey images, in unit values."""
    found = [Published(each.name, tuple(each.mean), tuple(each.std)) for each in entries() if abs(each.scale - 1 / 255) < 1e-9]
    return tuple(each for each in found if len(each.mean) == 1)


@cache
def _listed() -> tuple[Published, ...]:
    """What slips are looked for in: colour images, and the published constants of three or more bands or dimensions."""
    known = [each for each in entries() if not each.is_image and not each.clip and len(each.mean) >= 3]
    return (*published(), *_LEVELS, *(Published(each.name, each.mean, each.std) for each in known))


#: Published sets that belong to networks; constants of a dataset of one's own are a choice, not a mistake.
OF_NETWORKS = frozenset(("imagenet", "inception", "clip", "dpn"))
#: ImageNet's constants for values of 0..255, as OpenMMLab and Caffe write them.
_LEVELS = (
    Published("imagenet on values of 0..255", (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
    Published("imagenet on values of 0..255, blue first", (103.53, 116.28, 123.675), (57.375, 57.12, 58.395)),
    Published("caffe, blue first", (103.939, 116.779, 123.68), (1.0, 1.0, 1.0)),
)


def told(name: str) -> str:
    """A published list by its name, and what it does where the name alone says nothing to users of another network."""
    return "Inception, which bring values to -1..1" if name == "inception" else label(name)


def label(name: str) -> str:
    """The name of a published list as people write it."""
    return _LABELS.get(name, name)


_LABELS = {
    "imagenet": "ImageNet",
    "inception": "Inception",
    "clip": "CLIP",
    "dpn": "DPN",
    "mnist": "MNIST",
    "fashion-mnist": "Fashion-MNIST",
    "kmnist": "KMNIST",
    "cifar10": "CIFAR-10",
    "cifar10-per-image": "CIFAR-10 (a mean of the stds of single images)",
    "cifar100": "CIFAR-100",
    "cifar100-per-image": "CIFAR-100 (a mean of the stds of single images)",
}


def near(one: Numbers, other: Numbers, tolerance: float = 6e-4) -> bool:
    """Whether two lists state the same numbers up to rounding."""
    return len(one) == len(other) and all(abs(a - b) <= tolerance for a, b in zip(one, other, strict=True))


def is_published(values: Numbers, which: str) -> bool:
    """Whether values are a published mean or std (``which``), up to rounding."""
    return any(near(values, getattr(one, which)) for one in _listed())


def is_set(mean: Numbers, std: Numbers) -> bool:
    """Whether a mean and a std are a published set of colour images; one number stands for all channels."""
    means, stds = (values * 3 if len(values) == 1 else values for values in (mean, std))
    return any(near(means, one.mean) and near(stds, one.std) for one in published())


def reversed_set(mean: Numbers, std: Numbers) -> Published | None:
    """The published set whose mean and std these are in reversed order; None where they are one as they stand, or none."""
    if len(mean) != 3 or len(std) != 3 or any(_agrees(mean, std, one.mean, one.std) for one in published()):
        return None
    return next((one for one in published() if _agrees(mean, std, one.mean[::-1], one.std[::-1])), None)


#: The tolerance of ``tare.normalisation.diagnosis`` in stds of the input, here without numpy.
SAME = 0.02


def _agrees(mean: Numbers, std: Numbers, means: Numbers, stds: Numbers) -> bool:
    """Whether two normalisations make the same of values of 0..1, but for the rounding of their constants."""
    channels = list(zip(mean, std, means, stds, strict=True))
    return min(std) > 0 and all(abs((x - a) / b - (x - c) / d) <= SAME for x in (0.0, 1.0) for a, b, c, d in channels)


def squared_set(mean: Numbers, std: Numbers) -> Published | None:
    """The published set whose mean and the squares of whose std these are, for values up to 1 or 255; None for all others.

    One number for all channels says nothing: 0.25 beside 0.5 is a std that people choose, and no square of 0.5.
    """
    for one in (*published(), *published_grey()):
        for top in (1, 255):
            is_mean = near(tuple(each / top for each in mean), one.mean)
            if is_mean and len(std) == len(one.std) and all(map(partial(_is_square, top=top), std, one.std)):
                told = len(one.std) == 1 or len(set(one.std)) > 1
                if told and not any(near(std, other.std) for other in (*published(), *published_grey())):
                    return Published(one.name, *(tuple(each * top for each in values) for values in (one.mean, one.std)))
    return None


def _is_square(seen: float, wanted: float, top: float) -> bool:
    """Whether a number is the square of a std for values up to ``top``, but for a rounding to three decimals."""
    return abs(seen / top**2 - wanted**2) <= 0.02 * wanted**2


def mixed_scales(means: Numbers, stds: Numbers) -> int:
    """1 or 255, the top of the values that a published mean is for, if its std is for values up to the other; 0 for all else."""
    for one in published():
        for mean, std in ((one.mean, one.std), (one.mean[::-1], one.std[::-1])):
            for top in (1, 255):
                if near(tuple(each / top for each in means), mean) and near(tuple(each * top / 255 for each in stds), std):
                    return top
    return 0


class Slip(NamedTuple):
    """One number of a published list that is written with one wrong digit, or twice; ``others`` counts the right ones."""

    position: int
    wanted: float
    name: str
    others: int

    @property
    def because(self) -> str:
        """Why it is a slip."""
        return f"the other {'two' if self.others == 2 else self.others} numbers are those of {self.name}"


def slips(values: Numbers, which: str) -> Iterator[Slip]:
    """The published lists (``which`` is "mean" or "std") from which values differ in one digit of one number."""
    for each in _listed():
        wanted: Numbers = getattr(each, which)
        if len(values) != len(wanted) or len(set(wanted)) == 1:
            continue
        wrong = [index for index in range(len(wanted)) if abs(values[index] - wanted[index]) > 1e-9]
        if len(wrong) == 1 and one_digit(values[wrong[0]], wanted[wrong[0]]):
            yield Slip(wrong[0], wanted[wrong[0]], each.name, len(wanted) - 1)


def one_digit(seen: float, wanted: float) -> bool:
    """Whether two numbers differ in one digit, or in the order of two neighbours, by more than rounding."""
    one, other = f"{seen:.10f}".rstrip("0"), f"{wanted:.10f}".rstrip("0")
    if len(one) != len(other) or abs(seen - wanted) < 2e-3:
        return False
    places = [index for index, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
    if len(places) == 1:
        return True
    return (
        len(places) == 2
        and places[1] == places[0] + 1
        and one[places[0]] == other[places[1]]
        and one[places[1]] == other[places[0]]
    )
