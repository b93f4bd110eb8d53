from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import tare
from tare.datasets.augmentation import Mixing, check_policy, paired_transform, training_transform
from tare.datasets.options import Augmentation, Augmenting
from tare.errors import SpecError
from tests.images import random_rgb

POLICIES: tuple[Augmentation, ...] = ("basic", "trivialaugment", "randaugment")


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("kind", ["RGB", "L", "deep"])
def test_every_policy_takes_every_kind_of_image(policy: Augmentation, kind: str) -> None:
    pixels = random_rgb(0, 40, 50)
    channels = 3 if kind == "RGB" else 1
    image = torch.rand(1, 40, 50) if kind == "deep" else Image.fromarray(pixels).convert(kind)
    varied = training_transform((24, 24), "bilinear", Augmenting(augmentation=policy, erasing=0.5), (0.5,) * channels)
    for seed in range(40):
        torch.manual_seed(seed)
        values = varied(image)
        assert values.shape == (channels, 24, 24)
        assert values.dtype == (torch.float32 if kind == "deep" else torch.uint8)


def test_what_is_erased_or_comes_from_outside_has_the_colour_that_becomes_zero() -> None:
    white = Image.fromarray(np.full((40, 40, 3), 255, dtype=np.uint8))
    varied = training_transform((32, 32), "bilinear", Augmenting(augmentation="basic", erasing=1.0), (0.2, 0.4, 0.6))
    torch.manual_seed(0)
    values = varied(white)
    assert {tuple(pixel) for pixel in values.flatten(1).T.tolist()} == {(255, 255, 255), (51, 102, 153)}


@pytest.mark.parametrize("policy", ["trivialaugment", "randaugment"])
@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.linspace(500, 3000, 192), "float32 values from 500 to 3000"),
        (np.linspace(-1000, 2000, 192), "float32 values from -1000 to 2000"),
        (np.linspace(0, 1, 256), "4 channels"),
    ],
)
def test_a_policy_that_would_cut_values_off_is_refused(policy: Augmentation, values: Any, said: str) -> None:
    """Torchvision's operations on colours cut floats to [0, 1]: Hounsfield units became an image of ones."""
    images = values.astype("float32").reshape(1, 8, 8, -1)
    stats = tare.measure(images, layout="NHWC")
    with pytest.raises(SpecError, match=f"for --augmentation {policy}, found {said}; use --augmentation basic"):
        check_policy(Augmenting(augmentation=policy), stats)
    check_policy(Augmenting(augmentation="basic"), stats)


@pytest.mark.parametrize("values", [random_rgb(0, 8, 8), random_rgb(0, 8, 8).astype("uint16"), random_rgb(0, 8, 8) / 255])
def test_a_policy_takes_integers_with_a_range_and_floats_in_it(values: Any) -> None:
    check_policy(Augmenting(augmentation="trivialaugment"), tare.measure(values[None], layout="NHWC"))


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (6, 3, 8, 8), dtype=torch.uint8, generator=generator), torch.tensor([0, 1, 2, 0, 1, 2])


@pytest.mark.parametrize("augmenting", [Augmenting(mixup=0.5), Augmenting(cutmix=1.0), Augmenting(mixup=0.5, cutmix=1.0)])
def test_mixing_is_a_function_of_seed_epoch_batch_and_process(augmenting: Augmenting) -> None:
    images, labels = batch()
    torch.manual_seed(7)
    before = torch.get_rng_state()
    first = Mixing(augmenting, 3, seed=1)(images, labels, epoch=2, batch=3)
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(8)
    again = Mixing(augmenting, 3, seed=1)(images, labels, epoch=2, batch=3)
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
    places = [(2, 4, 0), (3, 3, 0), (2, 3, 1)]
    others = [Mixing(augmenting, 3, seed=1)(images, labels, *place) for place in places]
    assert any(not torch.equal(first[1], other[1]) for other in others)


@pytest.mark.parametrize("augmenting", [Augmenting(mixup=1.0), Augmenting(cutmix=1.0)])
def test_labels_are_mixed_as_the_images_are(augmenting: Augmenting) -> None:
    images, labels = batch()
    mixed, shares = Mixing(augmenting, 3, seed=0)(images, labels, 0, 0)
    assert shares.shape == (6, 3)
    assert torch.allclose(shares.sum(dim=1), torch.ones(6))
    unit, other = images.float() / 255, (images.float() / 255).roll(1, 0)
    own = float(shares[1, 1])
    if augmenting.mixup:
        assert torch.allclose(mixed, own * unit + (1 - own) * other, atol=1e-6)
    else:
        taken = (mixed == unit).all(dim=1)
        assert float(taken[1].float().mean()) == pytest.approx(own, abs=1e-6)


def test_nothing_is_mixed_where_nothing_is_asked_for() -> None:
    images, labels = batch()
    same = Mixing(Augmenting(), 3, 0)(images, labels, 0, 0)
    assert same[0] is images
    assert same[1] is labels


@pytest.mark.parametrize("kind", ["RGB", "deep"])
def test_the_image_of_a_pair_is_cropped_and_flipped_as_one_without_a_mask(kind: str) -> None:
    pixels = random_rgb(0, 40, 50)
    image = torch.rand(1, 40, 50) if kind == "deep" else Image.fromarray(pixels)
    alone, pair = training_transform((24, 24), "bilinear", Augmenting()), paired_transform((24, 24), "bilinear")
    for seed in range(20):
        torch.manual_seed(seed)
        expected = alone(image)
        torch.manual_seed(seed)
        varied, _ = pair(image, np.zeros((40, 50), np.uint8))
        assert torch.equal(varied, expected)
