"""timm's pipelines, its factory's and its own classes, read as steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from timm.data import create_transform, resolve_data_config
from timm.models import get_pretrained_cfg, list_pretrained

from tare.input_spec.affine import Affine
from tare.pipelines.walk import reader_of, steps_of
from tests.pipelines.reading import IMAGENET, affine, assert_same, drawn, kinds, raw_image, reason

KEYS = ("input_size", "interpolation", "mean", "std", "crop_pct", "crop_mode")


def configs() -> list[dict[str, Any]]:
    """Every distinct data configuration of timm's pretrained networks."""
    found = {}
    for name in list_pretrained():
        config = resolve_data_config(pretrained_cfg=get_pretrained_cfg(name).to_dict())
        found[repr([config[key] for key in KEYS])] = config
    return list(found.values())


def test_the_evaluation_transform_of_every_configuration_has_the_map_of_its_constants() -> None:
    distinct = configs()
    assert len(distinct) > 50
    for config in distinct:
        found = affine(create_transform(**config))
        assert found.distance(Affine.of_normalisation(tuple(config["mean"]), tuple(config["std"]), 1 / 255)) < 1e-5, config


def test_a_training_transform_split_in_three_is_read_as_one() -> None:
    split = create_transform(
        64, is_training=True, separate=True, auto_augment="rand-m9-mstd0.5", re_prob=0.3, hflip=1.0, grayscale_prob=0.1
    )
    assert drawn(split) == [
        ("random_resized_crop", True),
        ("geometric", False),
        ("photometric", True),
        ("grayscale", True),
        ("to_tensor", False),
        ("normalize", False),
        ("erase", True),
    ]
    assert steps_of(split)[0].where == "tuple, step 1.1"
    assert reason(split) == "tuple, step 2.1 RandAugment is drawn at random"
    assert affine(split, nominal=True).distance(IMAGENET) < 1e-6


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"use_prefetcher": True}, ["resize", "crop", "convert"]),
        ({"crop_mode": "border"}, ["resize", "crop", "to_tensor", "normalize"]),
        ({"crop_mode": "squash", "crop_border_pixels": 3}, ["crop", "resize", "crop", "to_tensor", "normalize"]),
        ({"naflex": True, "patchify": True}, ["resize", "to_tensor", "normalize", "permute"]),
        ({"is_training": True, "auto_augment": "augmix-m3"}, 5 * [None]),
        (
            {"is_training": True, "train_crop_mode": "rkrc"},
            ["resize", "crop", "geometric", "photometric", "to_tensor", "normalize"],
        ),
        ({"is_training": True, "train_crop_mode": "rkrr", "color_jitter": None}, 5 * [None]),
        ({"is_training": True, "no_aug": True}, 4 * [None]),
    ],
)
def test_every_branch_of_the_factory_is_known(options: dict[str, Any], expected: list[str | None]) -> None:
    found = kinds(create_transform(64, **options))
    assert "opaque" not in found
    assert len(found) == len(expected)
    assert expected[0] is None or found == expected


def test_every_class_of_the_library_is_known() -> None:
    from timm.data import auto_augment, naflex_transforms, random_erasing, transforms

    for module in (auto_augment, naflex_transforms, random_erasing, transforms):
        for cls in [value for value in vars(module).values() if isinstance(value, type)]:
            if cls.__module__ == module.__name__:
                assert reader_of(object.__new__(cls)) is not None, cls


def test_tensors_pass_and_images_are_scaled() -> None:
    from timm.data.transforms import MaybeToTensor, ToTensor
    from torchvision.transforms import v2

    scaled = [MaybeToTensor()]
    passed = [v2.PILToTensor(), MaybeToTensor(), v2.ToDtype(torch.float32)]
    cast = [ToTensor(torch.float32)]
    image = raw_image(0)
    for steps, scale in ((scaled, 1 / 255), (passed, 1.0), (cast, 1.0)):
        output: Any = Image.fromarray(image)
        for step in steps:
            output = step(output)
        assert_same(output.numpy().transpose(1, 2, 0), image.astype(np.float64) * scale)
        assert affine(steps, channels=3).scale == pytest.approx((scale,) * 3)
