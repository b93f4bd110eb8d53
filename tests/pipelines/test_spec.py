"""Steps composed into a specification: what it states, what it leaves unknown, and that it does what the pipeline does."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
import torchvision.transforms as v1
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from timm.data import create_transform
from torchvision import models
from torchvision.transforms import v2

from tare.input_spec.spec import Crop, InputSpec, Known, Unknown
from tare.pipelines.spec import spec_of_steps
from tare.pipelines.step import Step
from tare.pipelines.walk import steps_of
from tests.pipelines.libraries.test_timm import configs
from tests.pipelines.reading import MEAN, STD, assert_same, raw_image


def spec(pipeline: object, **options: Any) -> InputSpec:
    return spec_of_steps(steps_of(pipeline), **options)


def value(stated: Any) -> Any:
    assert isinstance(stated, Known), stated
    return stated.value


def why(stated: Any) -> str:
    assert isinstance(stated, Unknown), stated
    return stated.reason


USUAL = v2.Compose(
    [v2.Resize(256), v2.CenterCrop(224), v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)]
)


def test_every_field_names_the_step_that_states_it() -> None:
    found = spec(USUAL)
    assert {name: (stated.value, stated.origin) for name, stated in found.fields().items() if isinstance(stated, Known)} == {
        "channels": ("RGB", "torchvision Compose, step 5 Normalize"),
        "scale": (1 / 255, "torchvision Compose, step 4 ToDtype"),
        "mean": (MEAN, "torchvision Compose, step 5 Normalize"),
        "std": (STD, "torchvision Compose, step 5 Normalize"),
        "size": ((224, 224), "torchvision Compose, step 2 CenterCrop"),
        "interpolation": ("bilinear", "torchvision Compose, step 1 Resize"),
        "antialias": (True, "torchvision Compose, step 1 Resize"),
        "crop": (
            Crop("center", 0.875, (256,)),
            "torchvision Compose, step 1 Resize and torchvision Compose, step 2 CenterCrop",
        ),
        "layout": ("NCHW", "torchvision Compose, step 3 ToImage"),
        "dtype": ("float32", "torchvision Compose, step 4 ToDtype"),
        "raw_dtype": ("uint8", "assumed: torchvision Compose takes 8-bit images"),
    }
    assert InputSpec.from_json(found.to_json()).equivalent(found)


def test_without_scaling_the_scale_is_one() -> None:
    found = spec([v1.PILToTensor(), v2.ToDtype(torch.float32), v1.Normalize([123.0, 117.0, 104.0], [58.0, 57.0, 57.0])])
    assert (value(found.scale), value(found.mean)) == (1.0, (123.0, 117.0, 104.0))
    assert "list: no step scales raw values" in found.scale.origin  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "around", [lambda each: each, lambda each: v2.Compose([v2.Resize(8), each]), torch.nn.Sequential, lambda each: [each]]
)
def test_a_normalize_before_any_scaling_takes_floats(around: Any) -> None:
    """torchvision's refuses whole numbers."""
    found = spec(around(v2.Normalize(MEAN, STD)))
    assert (value(found.raw_dtype), value(found.scale), value(found.mean)) == ("float32", 1.0, MEAN)


@pytest.mark.parametrize(
    "around", [torch.nn.Sequential, lambda *each: [*each], lambda *each: torch.nn.Sequential(torch.nn.Sequential(*each))]
)
def test_steps_of_kornia_take_floats_in_whatever_container(around: Any) -> None:
    kornia = pytest.importorskip("kornia.augmentation")
    pipeline = around(kornia.Resize((8, 8)), kornia.Normalize(list(MEAN), list(STD)))
    found = spec(pipeline)
    assert (value(found.raw_dtype), value(found.scale), value(found.layout)) == ("float32", 1.0, "NCHW")
    if not isinstance(pipeline, list):
        images = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
        torch.testing.assert_close(found.apply(images), pipeline(images), rtol=1e-4, atol=1e-4)


def test_nothing_but_scaling_leaves_unit_values() -> None:
    found = spec(v1.ToTensor(), channels=3)
    assert (value(found.scale), value(found.mean), value(found.std)) == (1 / 255, (0.0,) * 3, (1.0,) * 3)
    assert value(found.crop) == Crop("none", 1.0)
    assert why(found.size) == "no step sets the size"


def test_normalised_twice_is_one_map() -> None:
    found = spec([v1.ToTensor(), v1.Normalize(MEAN, STD), v1.Normalize(MEAN, STD)])
    image = torch.from_numpy(raw_image(3).transpose(2, 0, 1)[None])
    expected = v1.Normalize(MEAN, STD)(v1.Normalize(MEAN, STD)(image / 255))
    assert torch.allclose(found.apply(image), expected, atol=1e-4)
    assert value(found.scale) == 1 / 255


def test_one_constant_for_any_number_of_channels_leaves_their_number_open() -> None:
    found = spec([v1.ToTensor(), v1.Normalize((0.1307,), (0.3081,))])
    assert "no step states the number of channels" in why(found.channels)
    assert value(spec([v1.ToTensor(), v1.Normalize(0.1307, 0.3081)], channels=1).channels) == "L"
    repeated = spec([v1.Grayscale(3), v1.ToTensor(), v1.Normalize((0.4, 0.5, 0.6), (0.2, 0.25, 0.3))])
    assert "turns images grey and repeats them" in why(repeated.channels)
    grey = spec([v1.Grayscale(), v1.ToTensor(), v1.Normalize((0.1307,), (0.3081,))])
    assert value(grey.channels) == "L"
    assert value(grey.mean) == (0.1307,)


def test_a_training_pipeline_leaves_values_unknown_and_keeps_what_is_fixed() -> None:
    steps = [v1.RandomResizedCrop(64), v1.ColorJitter(0.4), v1.ToTensor(), v1.Normalize(MEAN, STD)]
    found = spec(v1.Compose(steps))
    assert why(found.mean) == "torchvision Compose, step 2 ColorJitter is drawn at random"
    assert why(found.crop) == "torchvision Compose, step 1 RandomResizedCrop is drawn at random"
    assert (value(found.size), value(found.layout), value(found.channels)) == ((64, 64), "NCHW", "RGB")
    assert value(spec(v1.Compose(steps), nominal=True).mean) == MEAN


def test_an_opaque_step_hides_values_and_size() -> None:
    found = spec([v1.Resize((8, 8)), v1.Lambda(len), v1.ToTensor(), v1.Normalize(MEAN, STD)])
    for name in ("scale", "mean", "std", "channels", "layout", "dtype", "size", "crop", "interpolation", "antialias"):
        assert why(getattr(found, name)) == "list, step 2 Lambda can only be seen by running it"


def test_what_no_mean_and_std_can_state_is_unknown() -> None:
    upside_down = spec([v1.ToTensor(), v1.Normalize(MEAN, (-1.0, -1.0, -1.0))])
    assert "a channel is inverted or constant" in why(upside_down.mean)
    assert "divides by zero" in why(spec([v1.ToTensor(), v1.Normalize(MEAN, (0.2, 0.0, 0.2))]).std)


def step(kind: Any, number: int, **values: Any) -> Step:
    return Step(kind, kind, f"steps, step {number}", values)


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("mean", [(0.1, 0.2, 0.3), (0.5, 0.5, 0.5)])
@pytest.mark.parametrize("order", [(2, 1, 0), (1, 2, 0), (0, 2, 1)])
def test_constants_stand_at_their_channels_or_are_unknown(order: tuple[int, ...], mean: Any, before: bool) -> None:
    """An order of channels without a name gives no places to constants that differ."""
    turns = step("order", 2, order=order)
    applies = step("normalize", 3, mean=mean, std=(0.5,) * 3, max_value=1.0)
    found = spec_of_steps([step("to_tensor", 1, layout="CHW"), *((turns, applies) if before else (applies, turns))])
    if order == (2, 1, 0):
        assert (value(found.channels), value(found.mean)) == ("BGR", pytest.approx(mean if before else mean[::-1]))
        return
    assert f"puts channels in the order {order}" in why(found.channels)
    if len(set(mean)) == 1:
        assert value(found.mean) == pytest.approx(mean)
    else:
        for stated in (found.scale, found.mean, found.std):
            assert f"puts channels in the order {order}" in why(stated)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([v1.Resize((20, 30))], Crop("squash", 1.0)),
        ([v1.Resize((40, 40)), v1.CenterCrop(20)], Crop("squash", 0.5, (40, 40))),
        ([v1.Resize(20)], "keeps the image's ratio, and nothing is cropped"),
        ([v1.CenterCrop(20)], "not one resize followed by one crop"),
        ([v1.Resize(20), v1.CenterCrop(20), v1.Resize((30, 30))], "not one resize followed by one crop"),
        ([v1.Resize(20, max_size=30), v1.CenterCrop(20)], "does more than resize and crop the image"),
        ([v1.Resize(20), v1.CenterCrop(20), v1.RandomHorizontalFlip(1.0)], "does more than resize and crop the image"),
        ([v1.Resize(20), v1.RandomCrop(20)], "is drawn at random"),
        ([v1.Resize(20), v1.FiveCrop(10)], "its crop is not central"),
    ],
)
def test_resize_and_crop(steps: list[Any], expected: Crop | str) -> None:
    found = spec(steps).crop
    if isinstance(expected, Crop):
        assert value(found) == expected
    else:
        assert expected in why(found)


def test_the_spec_of_every_timm_configuration_transforms_like_timm() -> None:
    """Values and pixels: the spec's own transform against the one it was read from."""
    image = Image.fromarray(raw_image(1, 301, 457))
    compared = 0
    for config in configs():
        if config["input_size"][1] > 400 or config["crop_mode"] == "border":
            continue
        pipeline = create_transform(**config)
        assert torch.allclose(spec(pipeline).transform()(image), pipeline(image), atol=2e-6), config
        compared += 1
    assert compared > 30


def test_the_spec_of_every_classification_preset_transforms_like_the_preset() -> None:
    image = Image.fromarray(raw_image(2, 300, 420))
    compared = 0
    for name in models.list_models(module=models):
        for weight in models.get_model_weights(name):
            preset = weight.transforms()
            assert torch.allclose(spec(preset).transform()(image), preset(image), atol=2e-6 / min(preset.std)), weight
            compared += 1
    assert compared > 90


@st.composite
def evaluations(draw: st.DrawFn) -> Any:
    """Resize, crop and normalise in the ways that people write them."""
    module = draw(st.sampled_from([v1, v2]))
    modes = [v1.InterpolationMode.BILINEAR, v1.InterpolationMode.BICUBIC, v1.InterpolationMode.NEAREST]
    mode, edge, crop = draw(st.sampled_from(modes)), draw(st.integers(24, 40)), draw(st.integers(8, 24))
    size = edge if draw(st.booleans()) else (edge, draw(st.integers(24, 40)))
    geometry = [module.Resize(size, interpolation=mode, antialias=True), module.CenterCrop(crop)]
    constants = st.lists(st.floats(0.1, 1.0), min_size=3, max_size=3)
    value_steps = [module.ToTensor(), module.Normalize(draw(constants), draw(constants))]
    order = draw(st.sampled_from(list(itertools.permutations([0, 1]))))
    halves = [geometry, value_steps]
    if order != (0, 1):  # resizing tensors after normalising them rounds differently: crop alone may follow
        halves = [geometry[:1], [*value_steps, geometry[1]]]
    return module.Compose([*halves[0], module.Compose(halves[1])])


@settings(max_examples=60, deadline=None)
@given(evaluations(), st.integers(20, 60), st.integers(20, 60), st.integers(0, 99))
def test_the_spec_transforms_like_the_pipeline_it_was_read_from(pipeline: Any, height: int, width: int, seed: int) -> None:
    image = Image.fromarray(raw_image(seed, height, width))
    assert torch.allclose(spec(pipeline).transform()(image), pipeline(image), atol=1e-5)


def test_an_albumentations_pipeline() -> None:
    A = pytest.importorskip("albumentations", reason="reads albumentations' own objects")
    ToTensorV2 = pytest.importorskip("albumentations.pytorch", reason="reads albumentations' own objects").ToTensorV2
    found = spec(A.Compose([A.Resize(20, 30), A.Normalize(), ToTensorV2()]))
    assert (value(found.scale), value(found.mean), value(found.std)) == (1 / 255, MEAN, STD)
    assert value(found.antialias) is False
    assert (value(found.size), value(found.crop), value(found.layout)) == ((20, 30), Crop("squash", 1.0), "NCHW")
    image = raw_image(4, 20, 30)
    output = A.Compose([A.Resize(20, 30), A.Normalize(), ToTensorV2()])(image=image)["image"]
    assert torch.allclose(found.apply(torch.from_numpy(image.transpose(2, 0, 1))), output, atol=1e-5)
    down = spec(A.Compose([A.SmallestMaxSize(41), A.CenterCrop(20, 20)])).crop
    assert value(down) == Crop("center", 20 / 41, (41,), "down")


def test_a_kornia_sequence_takes_floats() -> None:
    K = pytest.importorskip("kornia.augmentation", reason="reads kornia's own objects")
    sequence = K.ImageSequential(K.Normalize(torch.tensor(MEAN), torch.tensor(STD)))
    found = spec(sequence)
    assert (value(found.raw_dtype), value(found.scale), value(found.layout)) == ("float32", 1.0, "NCHW")
    image = torch.rand(2, 3, 5, 5)
    assert torch.allclose(found.apply(image), sequence(image), atol=1e-5)


def test_processors_of_transformers() -> None:
    transformers = pytest.importorskip("transformers", reason="reads transformers' own objects")
    compared = 0
    for name in ("ViT", "CLIP", "ConvNext", "EfficientNet", "Levit", "Beit", "MobileViT", "Vivit", "Siglip"):
        processor = getattr(transformers, f"{name}ImageProcessor")()
        found = spec(processor)
        colour = np.full((500, 400, 3), (200, 120, 30), np.uint8)
        images: Any = [[colour] * 2] if name == "Vivit" else colour
        output = processor(images, return_tensors="pt")["pixel_values"]
        height, width = output.shape[-2:]
        middle = output[..., height // 2, width // 2].reshape(-1, 3)[0]  # a small image is padded with zeros
        assert_same(middle.numpy(), found.affine().apply(np.array([200.0, 120.0, 30.0])))
        assert (height, width) == value(found.size), name
        assert steps_of(processor)[0].where == f"transformers {type(processor).__name__}, step 1"
        compared += 1
    assert compared == 9


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0.1, 2.0), min_size=6, max_size=6), st.integers(0, 2), st.integers(0, 99))
def test_the_derived_constants_do_what_the_steps_do(numbers: list[float], kind: int, seed: int) -> None:
    tail = [v2.Normalize(numbers[3:], numbers[:3]), v2.Normalize([0.5], [2.0]), v2.ToDtype(torch.float64)][kind]
    pipeline = v2.Compose([v1.ToTensor(), v2.Normalize(numbers[:3], numbers[3:]), tail])
    image = raw_image(seed)
    applied = spec(pipeline).apply(torch.from_numpy(image.transpose(2, 0, 1)))
    assert torch.allclose(applied.double(), pipeline(Image.fromarray(image)).double(), atol=2e-3, rtol=1e-4)
