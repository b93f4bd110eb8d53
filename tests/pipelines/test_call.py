"""Images in the form that each pipeline wants, and the one image in whatever it returns."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision.transforms as v1
from PIL import Image
from torchvision.models.optical_flow import Raft_Small_Weights
from torchvision.models.video import R3D_18_Weights
from torchvision.transforms import v2

from tare.errors import PipelineError, SpecError
from tare.pipelines.call import call_of, one_image, own_generators_seeded
from tare.pipelines.probe import Probe

RAW = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
CHW = np.moveaxis(RAW, -1, 0)


def _wants(kind: type) -> Any:
    def pipeline(image: Any) -> Any:
        if not isinstance(image, kind):
            raise TypeError(f"not a {kind.__name__}")
        return image

    return pipeline


def from_path(path: str) -> Any:
    return np.asarray(Image.open(Path(path)))


@pytest.mark.parametrize(
    ("pipeline", "form", "expected"),
    [
        (v1.ToTensor(), "PIL image", CHW / np.float32(255)),
        (v2.ToImage(), "PIL image", CHW),
        (_wants(Image.Image), "PIL image", RAW),
        (_wants(np.ndarray), "uint8 array", RAW),
        (_wants(torch.Tensor), "uint8 tensor", CHW),
        (lambda x: torch.nn.functional.relu(x) if x.is_floating_point() else x.is_nothing, "unit float tensor", CHW / 255),
        (from_path, "path of a file", RAW),
        ([v1.ToTensor(), v1.Normalize((0.0,), (0.5,))], "PIL image", CHW / 255 * 2),
        (lambda images: images[0].is_what if isinstance(images, list) else images, "PIL image", RAW),
    ],
)
def test_the_form_is_found_and_the_image_comes_back(pipeline: Any, form: str, expected: Any) -> None:
    call, found = call_of(pipeline)
    assert found == form
    np.testing.assert_allclose(call(RAW), expected, rtol=1e-6)


@pytest.mark.parametrize("weights", [R3D_18_Weights.DEFAULT, Raft_Small_Weights.DEFAULT])
def test_clips_and_pairs_of_frames(weights: Any) -> None:
    call, _ = call_of(weights.transforms())
    assert call(np.zeros((256, 320, 3), np.uint8)).shape[0] == 3


def test_albumentations_takes_a_keyword() -> None:
    albumentations = pytest.importorskip("albumentations", reason="albumentations is not installed")
    call, form = call_of(albumentations.Compose([albumentations.HorizontalFlip(p=1)]))
    assert form == "uint8 array"
    np.testing.assert_array_equal(call(RAW), RAW[:, ::-1])


def test_processors_of_transformers_return_pixel_values() -> None:
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    call, form = call_of(transformers.ViTImageProcessor(do_resize=False, image_mean=[0.0] * 3, image_std=[1.0] * 3))
    assert form == "PIL image"
    np.testing.assert_allclose(call(RAW), CHW / 255, atol=1e-6)


def test_a_processor_that_returns_the_batch_itself_is_read_too() -> None:
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    processor = transformers.IdeficsImageProcessor()
    expected = processor(Image.fromarray(RAW), return_tensors="pt")[0].numpy()
    call, form = call_of(processor)
    assert form == "PIL image"
    np.testing.assert_allclose(call(RAW), expected, atol=1e-6)


@pytest.mark.parametrize(
    "wrapped",
    [
        torch.from_numpy(CHW.copy())[None],
        np.stack([CHW, CHW * 0]),
        {"pixel_values": CHW[None]},
        {"image": CHW},
        (CHW, 3),
        [[CHW]],
        torch.from_numpy(CHW.copy()).requires_grad_(False),
    ],
)
def test_the_image_is_found_in_batches_mappings_and_tuples(wrapped: Any) -> None:
    np.testing.assert_array_equal(one_image(wrapped), CHW)


def test_bfloat16_has_no_array_and_is_read_all_the_same() -> None:
    assert one_image(torch.ones(3, 4, 4, dtype=torch.bfloat16)).dtype == np.float32


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (None, "it returned an object of type NoneType, not an image"),
        ("a string", "it returned an object of type str, not an image"),
        ([], "it returned an object of type list, not an image"),
        ([[1, 2], [3]], "it returned an object of type int, not an image"),
        ({"label": 3}, r"keys \['label'\], none of them"),
        (np.zeros(5), r"an array of shape \(5,\), not one image"),
        (np.zeros((2, 7, 8, 9)), r"an array of shape \(2, 7, 8, 9\), not one image"),
        (np.zeros((0, 4, 4)), r"an array of shape \(0, 4, 4\)"),
        (np.array([["a", "b"]]), "an array of text, not of numbers"),
        (np.array([[None, 1]]), "an array of object, not of numbers"),
    ],
)
def test_what_is_no_image_is_refused_with_its_kind(result: Any, message: str) -> None:
    with pytest.raises(PipelineError, match=message):
        one_image(result)


def test_a_pipeline_that_raises_is_one_line() -> None:
    def pipeline(_: Any) -> Any:
        raise ZeroDivisionError("first line\nsecond line")

    with pytest.raises(PipelineError, match="found ZeroDivisionError: first line second line; run the pipeline on one image"):
        call_of(pipeline)


@pytest.mark.parametrize("probe", [Probe(), Probe(channels=2, axes="T")])
def test_a_pipeline_that_ends_the_program_or_changes_the_directory(probe: Probe) -> None:
    def leaving(_: Any) -> Any:
        sys.exit(0)

    def moving(image: Any) -> Any:
        os.chdir("/")
        return image

    with pytest.raises(PipelineError, match="found SystemExit: 0; run the pipeline on one image"):
        call_of(leaving, probe)
    before = Path.cwd()
    call_of(moving, probe)
    assert Path.cwd() == before


def test_the_reason_is_that_of_the_usual_form() -> None:
    with pytest.raises(PipelineError, match="not a dict"):
        call_of(_wants(dict))


def test_something_that_cannot_be_called_is_no_pipeline() -> None:
    with pytest.raises(SpecError, match="a pipeline that can be called with an image, found int"):
        call_of(3)


def test_a_pipeline_that_fails_for_one_draw_in_many_is_run_again() -> None:
    runs = iter([*[False, True, True] * 20])

    def pipeline(image: Any) -> Any:
        if not isinstance(image, Image.Image):
            raise TypeError("a PIL image")
        if not next(runs):
            raise ValueError("bits must be between 1 and 8")
        return np.asarray(image, np.float32).transpose(2, 0, 1)

    call, form = call_of(pipeline)
    assert form == "PIL image"
    assert [call(np.full((8, 8, 3), 7, np.uint8)).shape for _ in range(6)] == [(3, 8, 8)] * 6


def test_the_generators_of_an_albumentations_pipeline_are_seeded_and_given_back() -> None:
    albumentations = pytest.importorskip("albumentations", reason="albumentations is not installed")
    pipeline = albumentations.Compose([albumentations.RandomBrightnessContrast(p=1.0)])
    image = np.full((8, 8, 3), 120, np.uint8)
    own = pipeline.py_random.getstate()
    drawn = []
    for _ in range(2):
        with own_generators_seeded(pipeline, 3):
            drawn.append([int(pipeline(image=image)["image"][0, 0, 0]) for _ in range(4)])
    assert drawn[0] == drawn[1]
    assert len(set(drawn[0])) > 1
    assert pipeline.py_random.getstate() == own
    with own_generators_seeded(lambda x: x, 3):
        pass
