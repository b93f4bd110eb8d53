from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from tare.datasets.image_batches import evaluation_transform
from tare.errors import SpecError
from tare.exporting.graph.resize import EXACT, GRAPH_INTERPOLATIONS
from tare.exporting.graph.served import ResizeAndCrop
from tare.input_spec.geometry import Geometry

# Pillow 13 begins with the columns of those more than twice as high as wide.
SIZES = ((40, 52), (61, 33), (32, 32), (200, 31), (17, 90), (35, 36), (150, 61), (91, 40))


def both(geometry: Geometry, height: int, width: int, channels: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    """The same random image resized in the graph and by Pillow, as int ``(C, H, W)``."""
    pixels = np.random.default_rng(height * width).integers(0, 256, (height, width, channels), dtype=np.uint8)
    inside = ResizeAndCrop(geometry)(torch.from_numpy(pixels).permute(2, 0, 1)[None])[0]
    outside = evaluation_transform(geometry)(Image.fromarray(pixels[..., 0] if channels == 1 else pixels))
    return inside.int(), outside.int()


@pytest.mark.parametrize("interpolation", sorted(EXACT))
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_the_bytes_are_pillows_own(interpolation: str, height: int, width: int) -> None:
    inside, outside = both(Geometry((32, 32), interpolation, 0.875), height, width)
    assert torch.equal(inside, outside)


@pytest.mark.parametrize(
    "geometry",
    [
        Geometry((32, 48), "bicubic", 0.9),
        Geometry((48, 32), "bilinear", 1.0),
        Geometry((32, 32), "bicubic", 0.8, "squash"),
        Geometry((24, 40), "bilinear", 1.0, "squash"),
        Geometry((32, 32), "bilinear", 1.2),
        Geometry((33, 33), "bicubic", 0.93),
    ],
)
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_every_way_to_crop_is_that_of_validation(geometry: Geometry, height: int, width: int) -> None:
    inside, outside = both(geometry, height, width)
    assert torch.equal(inside, outside)


def test_grey_images_have_one_channel() -> None:
    inside, outside = both(Geometry((32, 32), "bicubic", 0.875), 50, 70, channels=1)
    assert inside.shape == (1, 32, 32)
    assert torch.equal(inside, outside)


@pytest.mark.parametrize("interpolation", sorted(set(GRAPH_INTERPOLATIONS) - EXACT))
def test_what_is_not_exact_is_close(interpolation: str) -> None:
    shares = []
    for height, width in SIZES:
        inside, outside = both(Geometry((32, 32), interpolation, 0.875), height, width)
        shares.append(float((inside != outside).double().mean()))
        if interpolation == "hamming":
            assert int((inside - outside).abs().max()) <= 1
    assert np.mean(shares) < 0.02


@pytest.mark.parametrize(
    ("geometry", "message"),
    [
        (
            Geometry((32, 32), "bilinear", 1.0, "border"),
            "a crop mode that --with-resize supports: center or squash, found 'border'",
        ),
        (
            Geometry((32, 32), "nearest-exact"),
            "an interpolation that --with-resize supports: nearest, bilinear, .*found 'nearest-exact'",
        ),
    ],
)
def test_what_is_not_built_is_refused(geometry: Geometry, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        ResizeAndCrop(geometry)
