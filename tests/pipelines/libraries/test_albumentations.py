"""Albumentations' pipelines read as steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tare.input_spec.affine import Affine
from tests.pipelines.reading import IMAGENET, MEAN, STD, affine, assert_same, drawn, kinds, raw_image, reason

A = pytest.importorskip("albumentations", reason="reads albumentations' own objects")
to_tensor = pytest.importorskip("albumentations.pytorch", reason="reads albumentations' own objects").ToTensorV2

from tare.pipelines.walk import LIBRARIES, reader_of, steps_of  # noqa: E402


def test_the_usual_evaluation_pipeline() -> None:
    pipeline = A.Compose([A.SmallestMaxSize(256), A.CenterCrop(224, 224), A.Normalize(), to_tensor()])
    steps = steps_of(pipeline)
    assert drawn(pipeline) == [("resize", False), ("crop", False), ("normalize", False), ("convert", False)]
    assert steps[0].values == {"size": (256,), "fit": "cover", "interpolation": "bilinear", "antialias": False}
    assert steps[2].origin == "albumentations Compose, step 3 Normalize"
    assert steps[2].values == {"mean": MEAN, "std": STD, "max_value": 255.0}
    assert affine(pipeline).distance(IMAGENET) < 1e-12


def test_the_divisor_is_part_of_the_map() -> None:
    on_unit_floats = A.Compose([A.ToFloat(), A.Normalize(max_pixel_value=1.0)])
    assert affine(on_unit_floats).distance(IMAGENET) < 1e-12
    on_bytes = A.Compose([A.Normalize(max_pixel_value=1.0)])
    assert affine(on_bytes).distance(Affine.of_normalisation(MEAN, STD, 1.0)) < 1e-12
    scaled_twice = A.Compose([A.ToFloat(max_value=255), A.Normalize()])
    assert affine(scaled_twice).distance(Affine.of_normalisation(MEAN, STD, 1 / 255**2)) < 1e-12
    sixteen = affine(A.Compose([A.ToFloat()]), raw_dtype="uint16")
    assert sixteen.scale == pytest.approx((1 / 65535,), rel=1e-12)


def test_to_tensor_scales_nothing() -> None:
    assert affine(A.Compose([to_tensor()])) == Affine((0,), (1.0,), (0.0,))


@pytest.mark.parametrize(
    ("normalization", "how"),
    [("image", "mean std"), ("image_per_channel", "mean std"), ("min_max", "min max"), ("min_max_per_channel", "min max")],
)
def test_a_scheme_per_image_is_no_affine_map(normalization: str, how: str) -> None:
    found = reason(A.Compose([A.Normalize(normalization=normalization)]))
    assert found == f"albumentations Compose, step 1 Normalize normalises each image by its own {how}"


def test_chance_that_is_none_is_not_random() -> None:
    steps = [
        A.HorizontalFlip(p=1),
        A.HorizontalFlip(p=0),
        A.HorizontalFlip(p=0.5),
        A.Rotate((90, 90), p=1),
        A.Rotate((0, 0), p=1),
    ]
    steps += [A.RandomCrop(4, 4), A.ColorJitter(p=1), A.ToGray(p=1), A.ToSepia(p=1), A.CoarseDropout(p=1), A.PadIfNeeded(4, 4)]
    steps += [A.OneOf([A.Normalize(p=1), A.Normalize(p=0)], p=1), A.Sequential([A.NoOp()], p=0.5), A.Normalize(p=0.5)]
    assert drawn(A.Compose(steps)) == [
        ("geometric", False),
        ("identity", False),
        ("geometric", True),
        ("geometric", False),
        ("identity", False),
        ("crop", True),
        ("photometric", True),
        ("grayscale", False),
        ("photometric", False),
        ("erase", True),
        ("pad", False),
        ("normalize", False),
        ("identity", True),
        ("normalize", True),
    ]
    assert reason(A.Compose([A.Normalize(p=0.5)])) == "albumentations Compose, step 1 Normalize is drawn at random"


def test_nested_containers() -> None:
    pipeline = A.Compose([A.OneOf([A.Blur(p=1), A.GaussNoise(p=1)], p=1), A.SomeOf([A.NoOp(), A.D4()], n=1), A.Normalize()])
    assert [step.where.split(", ")[1] for step in steps_of(pipeline)] == [
        "step 1.1",
        "step 1.2",
        "step 2.1",
        "step 2.2",
        "step 3",
    ]
    assert affine(pipeline, nominal=True).distance(IMAGENET) < 1e-12


def test_every_transform_of_the_library_is_classified_by_name_or_by_base() -> None:
    classes = [value for value in vars(A).values() if isinstance(value, type) and issubclass(value, A.BasicTransform)]
    bare = {"BasicTransform", "DualTransform", "ImageOnlyTransform", "Transform3D"}
    unknown = [cls.__name__ for cls in classes if cls.__name__ not in bare and reader_of(object.__new__(cls)) is None]
    assert len(classes) > 100
    assert unknown == []
    assert "albumentations" in {library.name for library in LIBRARIES}


def test_a_class_of_the_user_is_opaque() -> None:
    class Mine(A.ImageOnlyTransform):  # type: ignore[misc, name-defined]
        def apply(self, img: Any, **params: Any) -> Any:
            return img + len(params)

    assert kinds(A.Compose([Mine(p=1), A.Lambda(image=lambda image, **_: image)])) == ["opaque", "opaque"]


def test_rounding_is_no_affine_map_unless_nothing_is_lost() -> None:
    assert affine(A.Compose([A.ToFloat(), A.FromFloat("uint8"), A.Normalize()])).distance(IMAGENET) < 1e-9
    assert "rounds values to uint8" in reason(A.Compose([A.Normalize(), A.FromFloat("uint8")]))
    assert kinds(A.Compose([A.FromFloat("uint8", max_value=100)])) == ["opaque"]


@st.composite
def pipelines(draw: st.DrawFn) -> tuple[Any, bool]:
    """A pipeline that keeps pixels where they are, and whether its input becomes grey first."""
    grey = draw(st.booleans())
    steps: list[Any] = [A.ToGray(3, p=1)] if grey else []
    steps += draw(st.sampled_from([[], [A.NoOp(p=1)], [A.HorizontalFlip(p=0)], [A.ToFloat(max_value=100.0)], [A.ToFloat()]]))
    positive = st.floats(0.1, 2.0)
    for _ in range(draw(st.integers(0, 2))):
        length = draw(st.sampled_from([1, 3]))
        mean = draw(st.lists(positive, min_size=length, max_size=length))
        std = draw(st.lists(positive, min_size=length, max_size=length))
        largest = draw(st.sampled_from([1.0, 255.0, 100.0]))
        steps.append(A.Normalize(mean[0] if length == 1 else mean, std[0] if length == 1 else std, max_pixel_value=largest))
    steps += [to_tensor()] if draw(st.booleans()) else []
    nested = draw(st.booleans()) and steps
    return A.Compose([A.Sequential(steps, p=1)] if nested else steps), grey


@settings(max_examples=120, deadline=None)
@given(pipelines(), st.integers(0, 1000))
def test_the_map_does_what_the_pipeline_does(made: tuple[Any, bool], seed: int) -> None:
    pipeline, grey = made
    image = raw_image(seed)
    raw = A.ToGray(3, p=1)(image=image)["image"] if grey else image
    output = np.asarray(pipeline(image=image)["image"])
    output = output if output.shape[-1] == 3 else output.transpose(1, 2, 0)
    assert_same(output, affine(pipeline, channels=3).apply(raw.astype(np.float64)))
