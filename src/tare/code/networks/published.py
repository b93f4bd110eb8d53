"""Published constants that circulate in code, for finding the one that a typo was made in."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tare.code.networks.expected import CLIP, DPN, HALVES, IMAGENET

_CATALOG = Path(__file__).parents[2] / "normalisation" / "catalog.json"
_IMAGES = frozenset({"RGB", "BGR", "L"})

# Copies of the same constants that circulate with other decimals, or another definition of std; see the catalog's notes.
_VARIANTS: tuple[tuple[str, tuple[float, ...], tuple[float, ...]], ...] = (
    ("cifar10", (0.49139968, 0.48215841, 0.44653091), (0.24703223, 0.24348513, 0.26158784)),
    ("cifar10", (0.49139968, 0.48215827, 0.44653124), (0.24703233, 0.24348505, 0.26158768)),
    ("cifar10", (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),
    ("cifar10", (0.491, 0.482, 0.447), (0.247, 0.243, 0.262)),
    ("cifar10", (0.4914, 0.4822, 0.4465), (0.247, 0.243, 0.261)),
    ("cifar100", (0.5071, 0.4867, 0.4408), (0.2675, 0.2565, 0.2761)),
    ("cifar100", (0.50707516, 0.48654887, 0.44091784), (0.26733429, 0.25643846, 0.27615047)),
    ("cifar100", (0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)),
    ("svhn", (0.4376821, 0.4437697, 0.47280442), (0.19803012, 0.20101562, 0.19703614)),
    ("mnist", (0.1307,), (0.3081,)),
    ("kinetics-slowfast", (0.45, 0.45, 0.45), (0.225, 0.225, 0.225)),
)

#: Names under which libraries have constants: timm.data, transformers.image_utils.
_NAMES: dict[str, tuple[float, ...]] = {
    "IMAGENET_DEFAULT_MEAN": IMAGENET.mean,
    "IMAGENET_DEFAULT_STD": IMAGENET.std,
    "IMAGENET_INCEPTION_MEAN": HALVES.mean,
    "IMAGENET_INCEPTION_STD": HALVES.std,
    "IMAGENET_STANDARD_MEAN": HALVES.mean,
    "IMAGENET_STANDARD_STD": HALVES.std,
    "IMAGENET_DPN_MEAN": DPN.mean,
    "IMAGENET_DPN_STD": DPN.std,
    "OPENAI_CLIP_MEAN": CLIP.mean,
    "OPENAI_CLIP_STD": CLIP.std,
}


def named_constants(name: str) -> tuple[float, ...] | None:
    """The numbers of a library's constant, such as ``timm.data.IMAGENET_DEFAULT_MEAN``; None for any other name."""
    return _NAMES.get(name.rpartition(".")[2]) if name.startswith(("timm.", "transformers.", "open_clip.")) else None


@dataclass(frozen=True, slots=True)
class Published:
    """A mean and std for unit values that were published; ``decimals`` is how many they were published with."""

    name: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    decimals: int


@cache
def published() -> tuple[Published, ...]:
    """The catalog's constants of images for unit values, and the variants of them that circulate; the well-known ones first."""
    document = json.loads(_CATALOG.read_text(encoding="utf-8"))
    entries = [entry for entry in document["entries"] if entry["channels"] in _IMAGES and "scale" not in entry]
    known = [Published(entry["name"], tuple(entry["mean"]), tuple(entry["std"]), int(entry["digits"])) for entry in entries]
    pairs = {(each.mean, each.std) for each in known}
    more = [Published(each, mean, std, _decimals((*mean, *std))) for each, mean, std in _VARIANTS if (mean, std) not in pairs]
    return (*known, *more)


def _decimals(numbers: tuple[float, ...]) -> int:
    return max(len(str(number).partition(".")[2]) for number in numbers)
