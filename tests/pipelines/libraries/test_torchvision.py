"""Torchvision's pipelines read as steps: what they are, whether they draw, and what they do to values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torchvision.transforms as v1
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import nn
from torchvision import models, tv_tensors
from torchvision.transforms import v2

from tare.errors import SpecError
from tare.input_spec.affine import Affine
from tare.pipelines.walk import steps_of
from tests.pipelines.reading import IMAGENET, MEAN, STD, affine, assert_same, drawn, kinds, raw_image, reason


def evaluation(module: Any) -> Any:
    return module.Compose([module.Resize(256), module.CenterCrop(224), module.ToTensor(), module.Normalize(MEAN, STD)])


@pytest.mark.parametrize("module", [v1, v2])
def test_the_usual_evaluation_pipeline(module: Any) -> None:
    steps = steps_of(evaluation(module))
    assert [step.kind for step in steps] == ["resize", "crop", "to_tensor", "normalize"]
    assert steps[0].values == {"size": (256,), "fit": "cover", "interpolation": "bilinear", "antialias": True}
    assert steps[1].values["size"] == (224, 224)
    assert steps[3].origin == "torchvision Compose, step 4 Normalize"
    assert not any(step.random for step in steps)
    assert affine(evaluation(module)).distance(IMAGENET) < 1e-6


def test_nested_containers_number_their_steps() -> None:
    pipeline = v2.Compose([v2.RandomApply([v2.ColorJitter(0.4), v2.GaussianBlur(3)], p=0.3), v2.Compose([v2.ToImage()])])
    steps = steps_of(pipeline)
    assert [step.where for step in steps] == [f"torchvision Compose, step {number}" for number in ("1.1", "1.2", "2.1")]
    assert [step.random for step in steps] == [True, True, False]


@pytest.mark.parametrize("module", [v1, v2])
def test_chance_that_is_none_is_not_random(module: Any) -> None:
    flips = [module.RandomHorizontalFlip(p=1.0), module.RandomHorizontalFlip(p=0.0), module.RandomHorizontalFlip(0.5)]
    assert drawn(flips) == [("geometric", False), ("identity", False), ("geometric", True)]
    fixed = [
        module.RandomRotation(0),
        module.RandomRotation((90, 90)),
        module.RandomRotation(5),
        module.ColorJitter(),
        module.ColorJitter(0, 0, 0, 0),
        module.ColorJitter(brightness=(0.5, 0.5)),
        module.ColorJitter(0.1),
        module.RandomAffine(0),
        module.RandomAffine((5, 5)),
        module.RandomAffine(0, translate=(0.1, 0)),
        module.RandomResizedCrop(8, scale=(1, 1), ratio=(1, 1)),
        module.RandomResizedCrop(8),
        module.GaussianBlur(3, sigma=1.0),
        module.RandomErasing(p=0),
        module.RandomErasing(p=1),
        module.RandomApply([module.ToTensor()], p=1.0),
        module.RandomChoice([module.ToTensor()]),
        module.RandomOrder([module.ToTensor()]),
        module.RandomChoice([module.ToTensor(), module.PILToTensor()]),
    ]
    assert drawn(fixed) == [
        ("identity", False),
        ("geometric", False),
        ("geometric", True),
        ("identity", False),
        ("identity", False),
        ("photometric", False),
        ("photometric", True),
        ("identity", False),
        ("geometric", False),
        ("geometric", True),
        ("random_resized_crop", False),
        ("random_resized_crop", True),
        ("photometric", False),
        ("identity", False),
        ("erase", True),
        ("to_tensor", False),
        ("to_tensor", False),
        ("to_tensor", False),
        ("to_tensor", True),
        ("convert", True),
    ]


@pytest.mark.parametrize("module", [v1, v2])
def test_every_transform_that_torchvision_exports_is_known(module: Any) -> None:
    left = {"Compose", "InterpolationMode", "Transform", "AutoAugmentPolicy", "Lambda", "LinearTransformation"}
    from tare.pipelines.libraries.torchvision import READERS

    names = {name for name, value in vars(module).items() if isinstance(value, type)}
    assert names - left - set(READERS) == set()


def test_to_dtype_by_type_takes_what_images_get() -> None:
    by_type = v2.ToDtype({tv_tensors.Image: torch.float32, tv_tensors.Mask: torch.int64, "others": None}, scale=True)
    assert steps_of(by_type)[0].values == {"dtype": "float32", "scale": True}
    assert kinds(v2.ToDtype({tv_tensors.Mask: torch.int64, "others": None})) == ["identity"]
    assert kinds(v2.ToDtype({tv_tensors.Image: torch.float32, torch.Tensor: torch.float16, "others": None})) == ["opaque"]


def test_without_scaling_the_map_says_so() -> None:
    raw = v2.Compose([v2.PILToTensor(), v2.ToDtype(torch.float32), v2.Normalize(MEAN, STD)])
    assert affine(raw).distance(Affine.of_normalisation(MEAN, STD, 1.0)) < 1e-6
    twice = v2.Compose([v1.ToTensor(), v2.Normalize(MEAN, STD), v2.Normalize(MEAN, STD)])
    once = Affine.of_normalisation(MEAN, STD, 1.0)
    assert affine(twice).distance(IMAGENET.then(once)) < 1e-6


def test_what_is_not_known_is_opaque_and_named() -> None:
    class Mine:
        def __call__(self, image: Any) -> Any:
            return image

    def half(image: Any) -> Any:
        return image / 2

    steps = steps_of([v1.Lambda(half), Mine(), half, v1.ToTensor()])
    assert [(step.kind, step.name) for step in steps[:3]] == [("opaque", "Lambda"), ("opaque", "Mine"), ("opaque", "half")]
    assert reason([v1.ToTensor(), Mine()]) == "list, step 2 Mine can only be seen by running it"


def test_a_subclass_counts_only_while_it_changes_nothing() -> None:
    class Named(v1.Normalize):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(MEAN, STD)

    class Changed(Named):
        def forward(self, tensor: Any) -> Any:
            return tensor * 2

    class ChangedV2(v2.Normalize):  # type: ignore[misc]
        def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
            return {**params, "image": inpt}

    assert kinds([Named(), Changed(), ChangedV2(MEAN, STD)]) == ["normalize", "opaque", "opaque"]
    patched = v1.Normalize(MEAN, STD)
    patched.forward = lambda tensor: tensor
    hooked = v1.Normalize(MEAN, STD)
    hooked.register_forward_hook(lambda *_: None)
    assert kinds([patched, hooked]) == ["opaque", "opaque"]


def test_a_sequential_is_a_pipeline() -> None:
    assert kinds(nn.Sequential(v2.Resize(8), v2.Normalize(MEAN, STD))) == ["resize", "normalize"]


def test_random_values_are_unknown_and_the_nominal_map_looks_past_them() -> None:
    train = v2.Compose(
        [v2.RandomResizedCrop(8), v2.ColorJitter(0.4), v2.ToTensor(), v2.Normalize(MEAN, STD), v2.RandomErasing(0.2)]
    )
    assert reason(train) == "torchvision Compose, step 2 ColorJitter is drawn at random"
    assert affine(train, nominal=True).distance(IMAGENET) < 1e-6
    assert reason([v1.RandomApply([v1.ToTensor()])], nominal=True) == "list, step 1.1 ToTensor is drawn at random"


def weights() -> list[Any]:
    found = []
    for name in models.list_models():
        found += list(models.get_model_weights(name))
    return found


def test_every_preset_has_the_affine_map_of_its_constants() -> None:
    """The map read from the object is what the object does to constant images."""
    checked = 0
    for weight in weights():
        preset = weight.transforms()
        found = affine(preset, channels=3)
        shape = (3, 8, 64, 64) if "Video" in type(preset).__name__ else (3, 64, 64)
        if type(preset).__name__ in ("VideoClassification",):
            shape = (8, 3, 64, 64)
        for value in (0, 255):
            raw = torch.full(shape, value, dtype=torch.uint8)
            out = preset(raw, raw)[0] if type(preset).__name__ == "OpticalFlow" else preset(raw)
            axis = 0 if "Video" in type(preset).__name__ else out.ndim - 3
            made = out.movedim(axis, 0).flatten(1)[:, 0].double().numpy()
            assert np.allclose(made, found.apply(np.full(3, float(value))), atol=1e-5), (weight, value)
        checked += 1
    assert checked > 100


@st.composite
def pipelines(draw: st.DrawFn) -> Any:
    """A pipeline that keeps pixels where they are, so that its output is a function of each pixel."""
    module = draw(st.sampled_from([v1, v2]))
    steps: list[Any] = []
    grey = draw(st.sampled_from([None, None, 1, 3]))
    steps += [module.Grayscale(grey)] if grey else []
    steps += draw(st.sampled_from([[], [module.RandomHorizontalFlip(0.0)], [module.ColorJitter()]]))
    scaled = [v2.PILToTensor(), v2.ToDtype(torch.float32, scale=True)]
    to_float = [
        [module.ToTensor()],
        [v1.PILToTensor(), v1.ConvertImageDtype(torch.float32)],
        scaled,
        [v2.ToImage(), v2.ToDtype({tv_tensors.Image: torch.float32, "others": None}, scale=True)],
        [v1.PILToTensor(), v2.ToDtype(torch.float64)],
        [v2.PILToTensor(), v2.ToDtype(torch.int32, scale=True), v2.ToDtype(torch.float32, scale=False)],
        [v2.PILToTensor(), v2.ToDtype(torch.int32, scale=True), v2.ToDtype(torch.float32, scale=True)],
        [module.ToTensor(), v2.ToDtype(torch.uint8, scale=True), v2.ToDtype(torch.float32, scale=True)],
        [module.ToTensor(), module.ToPILImage(), module.ToTensor()],
    ]
    steps += draw(st.sampled_from(to_float))
    channels = 1 if grey == 1 else draw(st.sampled_from([1, 3]))
    positive = st.floats(0.05, 2.0)
    for _ in range(draw(st.integers(0, 2))):
        mean = draw(st.lists(positive, min_size=channels, max_size=channels))
        std = draw(st.lists(positive, min_size=channels, max_size=channels))
        steps.append(module.Normalize(torch.tensor(mean), torch.tensor(std)) if draw(st.booleans()) else v2.Normalize(mean, std))
    if draw(st.booleans()):
        cut = draw(st.integers(0, len(steps)))
        steps = [module.Compose(steps[:cut]) if steps[:cut] else v2.Identity(), *steps[cut:]]
    return module.Compose(steps), grey


@settings(max_examples=150, deadline=None)
@given(pipelines(), st.integers(0, 1000))
def test_the_map_does_what_the_pipeline_does(made: tuple[Any, int | None], seed: int) -> None:
    pipeline, grey = made
    image = Image.fromarray(raw_image(seed))
    raw = np.asarray(v1.Grayscale(grey)(image) if grey else image, np.float64).reshape(24, 24, -1)
    found = affine(pipeline, channels=raw.shape[-1])
    assert_same(pipeline(image).double().numpy().transpose(1, 2, 0), found.apply(raw))


def test_a_pipeline_inside_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(SpecError, match="nested at most 32 deep"):
        steps_of(endless)
    with pytest.raises(SpecError, match="at most 4096 steps"):
        steps_of([v2.Identity()] * 5000)


def test_objects_that_raise_when_they_are_looked_at_are_opaque() -> None:
    class Raising(v1.Normalize):  # type: ignore[misc]
        @property
        def mean(self) -> Any:
            raise RuntimeError("one line\nand another")

        @mean.setter
        def mean(self, value: Any) -> None:
            pass

    class Untouchable:
        def __getattribute__(self, name: str) -> Any:
            raise RuntimeError(name)

    steps = steps_of([Raising(MEAN, STD), Untouchable(), None, "Normalize"])
    assert [(step.kind, step.name) for step in steps] == [
        ("opaque", "Raising"),
        ("opaque", "Untouchable"),
        ("opaque", "NoneType"),
        ("opaque", "str"),
    ]
    assert steps[0].values["why"] == "RuntimeError: one line and another"
    assert "constants that are not finite" in reason(v1.Normalize([float("nan")], [1.0]))
