"""One preprocessing recipe, written down in four libraries, and changed in ways in which people get it wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torchvision.transforms as v1
from torchvision.transforms import InterpolationMode, v2

from tare.input_spec.spec import InputSpec

Mean = tuple[float, ...]

#: Changes of values that look the same in NumPy and torch.
VALUES: dict[str, Callable[[Any], Any]] = {
    "max": lambda x: x / x.max(),
    "min_max": lambda x: (x - x.min()) / (x.max() - x.min()),
    "if_max": lambda x: x / 255 if x.max() > 1 else x,
    "gamma": lambda x: x**0.5,
    "clip01": lambda x: x.clip(0, 1),
    "clip11": lambda x: x.clip(-1, 1),
}


@dataclass(frozen=True, slots=True)
class Recipe:
    """Resize, crop, divide, subtract, divide; everything else is a mistake.

    ``divisors`` apply one after the other; ``before`` and ``after`` the normalisation, entries of ``VALUES`` and ``grey3``,
    ``grey1``, ``jitter``, ``hwc``, ``float64``, ``bgr``; ``second`` is a further normalisation; ``chance`` that of the first.
    ``start`` is ``normalize`` (before the image is a tensor), ``integers`` (not made floats), ``resize`` (a tensor, without
    antialiasing) or empty. ``augmented`` is for training: random crop, flip and colours.
    """

    size: tuple[int, int]
    resize: tuple[int, ...]
    interpolation: str
    mean: Mean
    std: Mean
    divisors: tuple[float, ...] = (255.0,)
    normalises: bool = True
    second: tuple[Mean, Mean] | None = None
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    start: str = ""
    chance: float = 1.0
    flips: bool = False
    augmented: bool = False

    @classmethod
    def of(cls, spec: InputSpec) -> Recipe:
        """The recipe that a specification asks for."""
        size, crop = spec.require("size"), spec.require("crop")
        resized = size if crop.mode == "squash" else crop.resized(size)
        return cls(size, resized, spec.require("interpolation"), spec.require("mean"), spec.require("std"))


Builder = Callable[[Recipe], Any]


def in_v1(recipe: Recipe) -> Any:
    """As torchvision's first transforms, on PIL images."""
    return _torchvision(recipe, v1, [v1.ToTensor()], [v1.PILToTensor(), v1.Lambda(torch.Tensor.float)], [v1.PILToTensor()])


def in_v2(recipe: Recipe) -> Any:
    """As torchvision's second transforms."""
    unit = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
    return _torchvision(recipe, v2, unit, [v2.ToImage(), v2.ToDtype(torch.float32)], [v2.ToImage()])


def _torchvision(recipe: Recipe, t: Any, unit: list[Any], raw: list[Any], integers: list[Any]) -> Any:
    mode = InterpolationMode(recipe.interpolation)
    own: list[Any] = [t.Resize(list(recipe.resize), mode), t.CenterCrop(recipe.size)]
    if recipe.augmented:
        own = [t.RandomResizedCrop(recipe.size, interpolation=mode), t.RandomHorizontalFlip(), t.ColorJitter(0.4, 0.4, 0.4)]
    own += [t.RandomHorizontalFlip()] if recipe.flips else []
    own += [t.Grayscale(int(name[-1])) for name in recipe.before if name.startswith("grey")]
    normalise: list[Any] = [t.Normalize(recipe.mean, recipe.std)] if recipe.normalises else []
    if recipe.chance < 1:
        normalise = [t.RandomApply(normalise, recipe.chance)]
    if recipe.start == "normalize":
        return t.Compose([*own, *normalise, *unit])
    if recipe.start == "integers":
        return t.Compose([*own, *integers, *normalise])
    if recipe.start == "resize":
        return t.Compose([*unit, t.Resize(list(recipe.resize), mode, antialias=False), own[1], *normalise])
    if recipe.divisors[:1] == (255.0,):
        steps = [*unit, *(t.Lambda(_Divided(divisor)) for divisor in recipe.divisors[1:])]
    else:
        steps = [*raw, *(t.Lambda(_Divided(divisor)) for divisor in recipe.divisors)]
    steps += [_torch_step(t, name) for name in recipe.before if not name.startswith("grey")] + normalise
    steps += [t.Normalize(*recipe.second)] if recipe.second else []
    return t.Compose([*own, *steps, *(_torch_step(t, name) for name in recipe.after)])


def _torch_step(t: Any, name: str) -> Any:
    if name == "jitter":
        return t.ColorJitter(0.4, 0.4, 0.4)
    others = {"hwc": _last, "float64": torch.Tensor.double, "bgr": _reversed}
    return t.Lambda(others.get(name) or VALUES[name])


def in_albumentations(recipe: Recipe) -> Any:
    """As albumentations, which divides and normalises in one step."""
    import albumentations

    flag = {"nearest": 0, "bilinear": 1, "bicubic": 2, "lanczos": 4}[recipe.interpolation]
    if recipe.start or {"grey1", "float64"} & {*recipe.before, *recipe.after}:
        return None
    (*earlier, last), own = recipe.divisors or (1.0,), [_albumentations_resize(albumentations, recipe, flag)]
    own += [albumentations.CenterCrop(*recipe.size)] if recipe.resize != recipe.size else []
    if recipe.augmented:
        own = [
            albumentations.RandomResizedCrop(size=recipe.size, interpolation=flag),
            albumentations.HorizontalFlip(),
            albumentations.ColorJitter(0.4, 0.4, 0.4, 0, p=1),
        ]
    own += [albumentations.HorizontalFlip()] if recipe.flips else []
    steps: list[Any] = [albumentations.ToFloat(max_value=divisor) for divisor in earlier]
    steps += [_array_step(albumentations, name) for name in recipe.before if name == "grey3"]
    if {"max", "min_max", "if_max", "gamma"} & set(recipe.before):
        steps.append(albumentations.ToFloat(max_value=last))
        last = 1.0
    steps += [_array_step(albumentations, name) for name in recipe.before if name != "grey3"]
    if recipe.normalises:
        steps.append(albumentations.Normalize(recipe.mean, recipe.std, max_pixel_value=last, p=recipe.chance))
    else:
        steps.append(albumentations.ToFloat(max_value=last))
    steps += [albumentations.Normalize(*recipe.second, max_pixel_value=1.0)] if recipe.second else []
    steps += [_array_step(albumentations, name) for name in recipe.after if name != "hwc"]
    from albumentations.pytorch import ToTensorV2

    return albumentations.Compose([*own, *steps, *([] if "hwc" in recipe.after else [ToTensorV2()])])


def _albumentations_resize(a: Any, recipe: Recipe, flag: int) -> Any:
    if len(recipe.resize) == 1:
        return a.SmallestMaxSize(recipe.resize[0], interpolation=flag)
    return a.Resize(*recipe.resize, interpolation=flag)


def _array_step(a: Any, name: str) -> Any:
    if name == "jitter":
        return a.RandomBrightnessContrast(p=1)
    if name == "grey3":
        return a.ToGray(p=1)
    return a.Lambda(image=_Kept(_last_reversed if name == "bgr" else VALUES[name]), p=1)


def as_function(recipe: Recipe) -> Any:
    """As a function of a PIL image in plain NumPy, which nobody can read and which has to be run."""
    if recipe.start or recipe.chance < 1 or "jitter" in recipe.after or recipe.augmented:
        return None
    return _Function(recipe)


@dataclass(frozen=True)
class _Function:
    recipe: Recipe

    def __call__(self, image: Any) -> Any:
        from PIL import Image

        recipe, names = self.recipe, {"nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3}
        height, width = recipe.resize if len(recipe.resize) == 2 else _covering(recipe.resize[0], image)
        image = image.resize((width, height), Image.Resampling(names[recipe.interpolation]))
        top, left = (height - recipe.size[0]) // 2, (width - recipe.size[1]) // 2
        image = image.crop((left, top, left + recipe.size[1], top + recipe.size[0]))
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if recipe.flips and np.random.rand() < 0.5 else image
        for name in recipe.before:
            image = image.convert("L") if name.startswith("grey") else image
            image = image.convert("RGB") if name == "grey3" else image
        x: Any = np.asarray(image, np.float64 if "float64" in recipe.after else np.float32)
        x = x[..., None] if x.ndim == 2 else x
        for divisor in recipe.divisors:
            x = x / divisor
        x = _changed(x, recipe.before)
        for mean, std in [(recipe.mean, recipe.std)] * recipe.normalises + ([recipe.second] if recipe.second else []):
            x = (x - np.array(mean, x.dtype)) / np.array(std, x.dtype)
        x = _changed(x, recipe.after)
        return torch.from_numpy(np.ascontiguousarray(x if "hwc" in recipe.after else x.transpose(2, 0, 1)))


def _changed(x: Any, names: Sequence[str]) -> Any:
    for name in names:
        x = _last_reversed(x) if name == "bgr" else VALUES.get(name, lambda same: same)(x)
    return x


def _covering(edge: int, image: Any) -> tuple[int, int]:
    width, height = image.size
    return (edge, round(edge * width / height)) if height <= width else (round(edge * height / width), edge)


@dataclass(frozen=True)
class _Divided:
    divisor: float

    def __call__(self, x: Any) -> Any:
        return x / self.divisor


@dataclass(frozen=True)
class _Kept:
    function: Callable[[Any], Any]

    def __call__(self, image: Any, **_: Any) -> Any:
        return self.function(image)


def _reversed(x: Any) -> Any:
    return x.flip(-3)


def _last(x: Any) -> Any:
    return x.permute(1, 2, 0)


def _last_reversed(x: Any) -> Any:
    return np.ascontiguousarray(x[..., ::-1])


BUILDERS: dict[str, Builder] = {
    "torchvision v1": in_v1,
    "torchvision v2": in_v2,
    "albumentations": in_albumentations,
    "plain function": as_function,
}
