"""What is fed equals the library's own pixels where a spec states resize and crop apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms._presets import ImageClassification

import tare
from tare.datasets.image_batches import evaluation_transform
from tare.exporting.graph.served import ResizeAndCrop
from tare.input_spec.geometry import Geometry
from tare.input_spec.spec import InputSpec
from tare.measuring.as_seen import stated_geometry
from tare.networks.loading import load_network
from tare.networks.stated_images import network_geometry
from tare.networks.stated_spec import with_spec
from tare.predicting.api import predict
from tests.tiny_run import CLASSES, save_photo, tiny_run

SIZES = ((61, 90), (90, 61), (47, 111), (64, 64))
PRESETS = [{"crop_size": 40, "resize_size": size} for size in (41, 43, 46, 47)]


def photos(root: Path) -> list[Image.Image]:
    return [Image.open(save_photo(root / f"{i}.png", i, *size)).convert("RGB") for i, size in enumerate(SIZES)]


def fed(spec: InputSpec, image: Image.Image) -> np.ndarray[Any, Any]:
    """By the geometry that `--as-seen` and a network with this spec both get."""
    seen, _ = stated_geometry(spec)
    network = with_spec(load_network("timm:test_resnet", "none"), spec)
    assert network_geometry(network, None, None, None)[0] == seen
    pixels = evaluation_transform(seen)(image)
    assert pixels.dtype == torch.uint8
    return pixels.numpy().astype(np.float64) / 255


@pytest.mark.parametrize("sizes", PRESETS)
def test_torchvisions_presets(tmp_path: Path, sizes: dict[str, int]) -> None:
    preset = ImageClassification(**sizes)
    mean, std = (np.array(values).reshape(3, 1, 1) for values in (preset.mean, preset.std))
    for image in photos(tmp_path):
        theirs = preset(image).numpy() * std + mean
        assert np.abs(fed(tare.read_spec(preset), image) - theirs).max() < 1e-6


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("CLIPImageProcessor", {"size": {"shortest_edge": 45}, "crop_size": {"height": 40, "width": 40}}),
        ("ConvNextImageProcessor", {"size": {"shortest_edge": 40}, "crop_pct": 0.9}),
        ("LevitImageProcessor", {"size": {"shortest_edge": 40}, "crop_size": {"height": 40, "width": 40}}),
    ],
)
def test_processors_of_transformers(tmp_path: Path, name: str, options: dict[str, Any]) -> None:
    transformers = pytest.importorskip("transformers")
    slow = getattr(transformers, f"{name}Pil", None) or getattr(transformers, name)
    processor = slow(**options)
    spec = tare.read_spec(processor)
    mean, std = (np.array(getattr(processor, f"image_{what}")).reshape(3, 1, 1) for what in ("mean", "std"))
    for image in photos(tmp_path):
        given = np.asarray(processor(image, return_tensors="np")["pixel_values"][0], np.float64)
        assert np.abs(fed(spec, image) - (given * std + mean)).max() < 2e-6


@pytest.mark.parametrize("offset", ["even", "down"])
@pytest.mark.parametrize("resize", [(43,), (46,), (51, 47)])
def test_a_graph_that_resizes_does_the_same(tmp_path: Path, resize: tuple[int, ...], offset: str) -> None:
    geometry = Geometry((40, 40), "bilinear", 0.9, "center" if len(resize) == 1 else "squash", resize, offset)
    outside, inside = evaluation_transform(geometry), ResizeAndCrop(geometry)
    for image in photos(tmp_path):
        raw = torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1)[None]
        assert torch.equal(inside(raw)[0], outside(image))


def test_a_run_keeps_the_edge_and_a_stated_size_or_crop_replaces_it(tmp_path: Path) -> None:
    geometry = Geometry((32, 32), "bilinear", 32 / 37, "center", (37,), "down")
    run = tiny_run(tmp_path, geometry=geometry)
    assert tare.load_model(run / "model").geometry == geometry
    assert len(predict(run, tmp_path / "data" / "val")) == len(CLASSES)
    assert stated_geometry(run)[0] == geometry
    network = with_spec(load_network("timm:test_resnet", "none"), run)
    assert network_geometry(network, 48, None, None)[0].resize is None
    assert network_geometry(network, None, None, 1.0)[0].resize is None
