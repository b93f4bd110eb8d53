"""Pipelines that are right: the stock ones of timm, torchvision, transformers, and the same in albumentations and kornia."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.check_rates.case import Case
from benchmarks.check_rates.recipes import BUILDERS, Recipe
from tare.errors import SpecError
from tare.input_spec.spec import InputSpec
from tare.readers.table import read_spec

_FIELDS = ("input_size", "mean", "std", "interpolation", "crop_pct", "crop_mode")
#: Ways in which timm's ``create_transform`` augments.
_TRAINING: dict[str, dict[str, Any]] = {
    "default": {},
    "random augmentation": {"auto_augment": "rand-m9-mstd0.5-inc1"},
    "AutoAugment": {"auto_augment": "original"},
    "AugMix": {"auto_augment": "augmix-m5-w4-d2"},
    "random erasing": {"re_prob": 0.5, "re_mode": "pixel"},
    "colour jitter": {"color_jitter": 0.6, "color_jitter_prob": 0.8, "grayscale_prob": 0.2, "gaussian_blur_prob": 0.5},
    "random crop, RandAugment and erasing": {"auto_augment": "rand-m9", "re_prob": 0.25, "train_crop_mode": "rkrc"},
    "no augmentation": {"no_aug": True},
    "in three parts": {"separate": True, "auto_augment": "rand-m9", "re_prob": 0.25},
}


def timm_names() -> Iterator[str]:
    """One name for each distinct pretrained_cfg, by what ``create_transform`` takes from it."""
    import timm

    seen: dict[tuple[str, ...], str] = {}
    for name in timm.list_pretrained():
        config = timm.get_pretrained_cfg(name).to_dict()
        seen.setdefault(tuple(str(config.get(key)) for key in _FIELDS), name)
    yield from seen.values()


def _options(name: str) -> dict[str, Any]:
    import timm
    from timm.data import resolve_data_config

    found: dict[str, Any] = resolve_data_config({}, pretrained_cfg=timm.get_pretrained_cfg(name).to_dict())
    return found


def timm_evaluation() -> Iterator[Case]:
    """Timm's own evaluation transform of every distinct configuration."""
    from timm.data import create_transform

    for name in timm_names():
        yield Case("timm, evaluation", name, create_transform(**_options(name)), f"timm:{name}")


def timm_training(every: int = 6) -> Iterator[Case]:
    """Timm's training transforms, nine ways to augment, for every sixth distinct configuration."""
    from timm.data import create_transform

    for name in list(timm_names())[::every]:
        options = {key: value for key, value in _options(name).items() if key not in ("crop_pct", "crop_mode")}
        for how, more in _TRAINING.items():
            pipeline = create_transform(**options, is_training=True, **more)
            yield Case("timm, training", f"{name}, {how}", pipeline, f"timm:{name}", stage="train")


def torchvision_weights() -> Iterator[Case]:
    """``weights.transforms()`` of every member of every weights enum."""
    from torchvision.models import get_model_weights, list_models

    for model in list_models():
        for weights in get_model_weights(model):
            yield Case("torchvision, weights.transforms()", str(weights), weights.transforms(), weights)


def own_transforms(specs: list[tuple[str, InputSpec]]) -> Iterator[Case]:
    """What ``InputSpec.transform`` makes, for evaluation and for training."""
    for name, spec in specs:
        yield Case("tare, InputSpec.transform()", name, spec.transform(), spec)
        yield Case("tare, InputSpec.transform(train=True)", name, spec.transform(train=True), spec, stage="train")


def recipes(specs: list[tuple[str, InputSpec]]) -> Iterator[Case]:
    """The right recipe in every library."""
    for name, spec in specs:
        for library, build in BUILDERS.items():
            yield Case(f"{library}, written by hand", name, build(Recipe.of(spec)), spec)


def kornia_sequences(specs: list[tuple[str, InputSpec]]) -> Iterator[Case]:
    """Kornia's Resize, CenterCrop and Normalize on unit floats."""
    from kornia import augmentation
    from torch import nn

    for name, spec in specs:
        recipe = Recipe.of(spec)
        if len(recipe.resize) == 1 and recipe.interpolation in ("bilinear", "bicubic"):
            resize = augmentation.Resize(recipe.resize[0], resample=recipe.interpolation, side="short", antialias=True)
            steps = [
                resize,
                augmentation.CenterCrop(recipe.size),
                augmentation.Normalize(mean=list(recipe.mean), std=list(recipe.std)),
            ]
            yield Case("kornia, written by hand", name, nn.Sequential(*steps), spec)


def processors() -> Iterator[Case]:
    """Every image processor of transformers that can be made without arguments, against its own configuration.

    Left out are those that need more than an image (VitPose: boxes) and those whose configuration amounts to no mean and std.
    """
    from benchmarks.hf_processors import processor_classes

    for member in processor_classes():
        try:
            processor = member(**({"apply_ocr": False} if "LayoutLM" in member.__name__ else {}))
            read_spec(processor).affine()
        except (TypeError, ValueError, ImportError, SpecError):
            continue
        if "VitPose" not in member.__name__:
            yield Case("transformers, image processors", member.__name__, processor, processor)
