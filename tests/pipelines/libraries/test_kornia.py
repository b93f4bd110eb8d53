"""Kornia's sequences read as steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tare.input_spec.affine import Affine
from tare.pipelines.walk import reader_of, steps_of
from tests.pipelines.reading import MEAN, STD, affine, assert_same, drawn, kinds, raw_image, reason

K = pytest.importorskip("kornia.augmentation", reason="reads kornia's own objects")
kornia = pytest.importorskip("kornia", reason="reads kornia's own objects")

UNIT = Affine.of_normalisation(MEAN, STD, 1.0)


def test_an_augmentation_sequential() -> None:
    steps: list[Any] = [K.Resize((32, 48)), K.CenterCrop(24), K.Normalize(torch.tensor(MEAN), torch.tensor(STD))]
    pipeline = K.AugmentationSequential(*steps, data_keys=["input"])
    assert drawn(pipeline) == [("resize", False), ("crop", False), ("normalize", False)]
    first, _, last = steps_of(pipeline)
    assert first.values == {"size": (32, 48), "fit": "squash", "interpolation": "bilinear", "antialias": False}
    assert last.origin == "kornia AugmentationSequential, step 3 Normalize"
    assert last.values["mean"] == MEAN
    assert affine(pipeline, raw_dtype="float32").distance(UNIT) < 1e-6


def test_chance_that_is_none_is_not_random() -> None:
    flips = [K.RandomHorizontalFlip(p=1.0), K.RandomHorizontalFlip(p=0.0), K.RandomHorizontalFlip(p=0.5)]
    others = [K.RandomGrayscale(p=1.0), K.RandomErasing(p=1.0), K.ColorJiggle(0.1, p=1.0), K.RandomAffine(10.0, p=1.0)]
    mixes = [K.RandomMixUpV2(p=1.0), K.RandomFisheye(torch.zeros(2), torch.zeros(2), torch.ones(2), p=0.0)]
    assert drawn([*flips, *others, *mixes]) == [
        ("geometric", False),
        ("identity", False),
        ("geometric", True),
        ("grayscale", False),
        ("erase", True),
        ("photometric", True),
        ("geometric", True),
        ("photometric", True),
        ("identity", False),
    ]


def test_a_random_selection_is_random() -> None:
    chosen = K.ImageSequential(K.Normalize(0.5, 0.5), K.RandomHorizontalFlip(), random_apply=1)
    assert drawn(chosen) == [("normalize", True), ("geometric", True)]
    assert reason(chosen) == "kornia ImageSequential, step 1 Normalize is drawn at random"


def test_colour_orders_permute_the_map() -> None:
    pipeline = torch.nn.Sequential(kornia.color.RgbToBgr(), kornia.enhance.Normalize(torch.tensor(MEAN), torch.tensor(STD)))
    found = affine(pipeline, raw_dtype="float32")
    assert found.order == (2, 1, 0)
    image = torch.rand(1, 3, 4, 4)
    assert_same(pipeline(image)[0].numpy().transpose(1, 2, 0), found.apply(image[0].double().numpy().transpose(1, 2, 0)))


def test_clamping_is_harmless_only_where_no_value_is_outside() -> None:
    there_and_back = [kornia.color.Rgb255ToRgb(), kornia.color.RgbToRgb255()]
    assert affine(there_and_back) == Affine((0,), (1.0,), (0.0,))
    assert "clamps values to 0.0..255.0" in reason([kornia.color.RgbToRgb255()])


def test_every_augmentation_of_the_library_is_classified() -> None:
    bases = {"AugmentationBase2D", "AugmentationBase3D", "MixAugmentationBaseV2", "RigidAffineAugmentationBase2D"}
    bases |= {"RigidAffineAugmentationBase3D", "ManyToManyAugmentationDispather", "ManyToOneAugmentationDispather"}
    classes = [value for value in vars(K).values() if isinstance(value, type) and issubclass(value, torch.nn.Module)]
    assert len(classes) > 70
    assert [cls.__name__ for cls in classes if cls.__name__ not in bases and reader_of(object.__new__(cls)) is None] == []


def test_a_class_of_the_user_is_opaque() -> None:
    class Mine(K.IntensityAugmentationBase2D):  # type: ignore[misc, name-defined]
        def apply_transform(self, input: Any, *_: Any) -> Any:  # noqa: A002
            return input

    assert kinds([Mine(), K.RandomInvert(p=1.0)]) == ["opaque", "photometric"]


@st.composite
def pipelines(draw: st.DrawFn) -> Any:
    constants = st.lists(st.floats(0.1, 2.0), min_size=3, max_size=3)
    steps: list[Any] = []
    for _ in range(draw(st.integers(1, 4))):
        mean, std = torch.tensor(draw(constants)), torch.tensor(draw(constants))
        choices = [K.Normalize(mean, std), K.Denormalize(mean, std), K.Normalize(0.5, 0.25), K.RandomHorizontalFlip(p=0.0)]
        choices += [kornia.enhance.Normalize(mean, std), kornia.enhance.Denormalize(mean, std), kornia.enhance.Rescale(0.5)]
        choices += [kornia.color.RgbToBgr(), kornia.color.Rgb255ToRgb()]
        steps.append(draw(st.sampled_from(choices)))
    container = draw(st.sampled_from([K.ImageSequential, torch.nn.Sequential]))
    return container(*steps)


@settings(max_examples=100, deadline=None)
@given(pipelines(), st.integers(0, 1000))
def test_the_map_does_what_the_sequence_does(pipeline: Any, seed: int) -> None:
    raw = raw_image(seed).astype(np.float64) / 255
    batch = torch.from_numpy(raw.transpose(2, 0, 1)[None].astype(np.float32))
    output = pipeline(batch)[0].double().numpy().transpose(1, 2, 0)
    assert_same(output, affine(pipeline, raw_dtype="float32", channels=3).apply(raw))
