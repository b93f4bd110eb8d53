"""Pipelines that map values, and those that change them by the image or by their place, which are written here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps
from torchvision import transforms as T  # noqa: N812 (as everyone writes it)

from tare.pipelines.call import call_of
from tare.pipelines.observation import Observation
from tare.pipelines.trial import observe

NORMALIZE = T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
CROP = T.Compose([T.Resize(235), T.CenterCrop(224)])


def seen(pipeline: Callable[[Any], Any]) -> Observation:
    return observe(call_of(pipeline)[0])


def of_unit(change: Callable[[torch.Tensor], torch.Tensor]) -> T.Compose:
    """A pipeline that changes unit values ``(3, 224, 224)`` before they are normalised."""
    return T.Compose([CROP, T.ToTensor(), change, NORMALIZE])


def mean(x: torch.Tensor) -> torch.Tensor:
    return x.mean((1, 2), keepdim=True)


def local(x: torch.Tensor) -> torch.Tensor:
    blurred = T.functional.gaussian_blur(x, [31, 31], [10.0, 10.0])
    std = T.functional.gaussian_blur((x - blurred) ** 2, [31, 31], [10.0, 10.0]).sqrt()
    return torch.where(std > 1e-3, (x - blurred) / std.clamp_min(1e-3), NORMALIZE(x))


BY_CONTENT = {
    "autocontrast": T.Compose([CROP, T.Lambda(ImageOps.autocontrast), T.ToTensor(), NORMALIZE]),
    "always autocontrast": T.Compose([CROP, T.RandomAutocontrast(p=1.0), T.ToTensor(), NORMALIZE]),
    "equalised": T.Compose([CROP, T.RandomEqualize(p=1.0), T.ToTensor(), NORMALIZE]),
    "autocontrast after a flip": T.Compose([T.RandomHorizontalFlip(), T.Lambda(ImageOps.autocontrast), T.ToTensor(), NORMALIZE]),
    "contrast about its mean": of_unit(lambda x: (x - mean(x)) * 3 + mean(x)),
    "without contrast": of_unit(lambda x: (x - mean(x)) * 0 + mean(x)),
    "z-score but for one colour": T.Compose(
        [CROP, T.ToTensor(), lambda x: (x - x.mean()) / x.std() if x.std((1, 2)).max() > 1e-3 else NORMALIZE(x)]
    ),
    "local contrast": T.Compose([CROP, T.ToTensor(), local]),
    "high pass": of_unit(lambda x: x - T.functional.gaussian_blur(x, [31, 31], [10.0, 10.0]) + mean(x)),
    "channels turned if textured": of_unit(lambda x: x.flip(0) if x.std((1, 2)).max() > 0.01 else x),
}
ALIKE = {
    "usual": of_unit(lambda x: x),
    "flipped": T.Compose([T.RandomResizedCrop(224), T.RandomHorizontalFlip(), T.ToTensor(), NORMALIZE]),
    "erased": T.Compose([CROP, T.ToTensor(), NORMALIZE, T.RandomErasing(1.0)]),
    "turned": T.Compose([CROP, T.RandomRotation(45), T.ToTensor(), NORMALIZE]),
    "moved": T.Compose([CROP, T.RandomAffine(20, (0.2, 0.2), (0.5, 1.2)), T.ToTensor(), NORMALIZE]),
    "autocontrast now and then": T.Compose([CROP, T.RandomAutocontrast(0.5), T.ToTensor(), NORMALIZE]),
    "padded": T.Compose([T.Resize(100), T.Pad(60), T.ToTensor(), NORMALIZE]),
    "blurred": T.Compose([T.Lambda(lambda x: x.filter(ImageFilter.GaussianBlur(8))), CROP, T.ToTensor(), NORMALIZE]),
    "sharpened": T.Compose([T.Lambda(lambda x: x.filter(ImageFilter.UnsharpMask(4, 150, 0))), CROP, T.ToTensor(), NORMALIZE]),
    "small": T.Compose([T.Resize((32, 32)), T.ToTensor(), NORMALIZE]),
    "tiny": T.Compose([T.Resize((8, 8)), T.ToTensor(), NORMALIZE]),
    "clamped": of_unit(lambda x: x.clamp(0.1, 0.8)),
    "grey": T.Compose([T.Grayscale(3), CROP, T.ToTensor(), NORMALIZE]),
    "drawn": T.Compose([T.ColorJitter(0.4, 0.4), CROP, T.ToTensor(), NORMALIZE]),
}


@pytest.mark.parametrize("name", BY_CONTENT)
def test_what_depends_on_the_rest_of_the_image_is_seen(name: str) -> None:
    assert seen(BY_CONTENT[name]).by_content


@pytest.mark.parametrize("name", ALIKE)
def test_a_map_of_values_with_any_geometry_is_one(name: str) -> None:
    found = seen(ALIKE[name])
    assert (found.by_content, found.uneven, found.scrambled) == (False, False, False)


def test_places_that_are_mapped_in_another_way_are_seen() -> None:
    def upper(x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x[:, :100] * 0.23 + 0.45, x[:, 100:]], dim=1)

    found = seen(of_unit(upper))
    assert found.uneven
    assert found.affine is None


def test_channels_that_were_reshaped_in_place_of_moved_are_seen() -> None:
    def reshaped(image: Image.Image) -> torch.Tensor:
        pixels: NDArray[np.float32] = np.array(CROP(image)).astype(np.float32)
        result: torch.Tensor = NORMALIZE(torch.from_numpy(pixels).reshape(3, 224, 224) / 255)
        return result

    found = seen(reshaped)
    assert found.scrambled
    assert found.affine is None
    assert not found.grey
    assert not found.by_content
