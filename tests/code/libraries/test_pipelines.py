"""The steps of pipelines, as the tables of libraries read them, against the libraries themselves where they are at hand."""

from __future__ import annotations

import pytest

from tare.code.interpreter.values import Call
from tare.code.libraries.pipelines import is_container, variants
from tests.code.interpreted import run

HEAD = "from torchvision import transforms as T\nimport albumentations as A\nimport kornia.augmentation as K\n"


def steps(code: str) -> list[list[str]]:
    """The steps of each variant of the last pipeline: ``~`` stands for random."""
    call = _last(code)
    return [[f"{'~' * step.random}{step.name}:{step.kind}" for step in each.steps] for each in variants(call, call)]


def _last(code: str) -> Call:
    return [each for each in run(a=HEAD + code).log if is_container(each)][-1]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("T.Compose([T.Resize(9), T.ToTensor()])", ["Resize:geometric", "ToTensor:to_tensor"]),
        ("T.Compose([T.Compose([T.ToTensor()]), T.RandomCrop(9)])", ["ToTensor:to_tensor", "~RandomCrop:geometric"]),
        ("T.Compose([mine()])", ["():opaque"]),
        ("import lib\nT.Compose([lib.mine()])", ["mine:opaque"]),
        ("T.Compose([T.RandomHorizontalFlip(p=1)])", ["RandomHorizontalFlip:geometric"]),
        ("T.Compose([T.RandomHorizontalFlip(0)])", ["RandomHorizontalFlip:identity"]),
        ("T.Compose([T.RandomRotation(0)])", ["RandomRotation:geometric"]),
        ("T.Compose([T.RandomRotation((0, 9))])", ["~RandomRotation:geometric"]),
        ("T.Compose([T.ColorJitter()])", ["ColorJitter:photometric"]),
        ("T.Compose([T.ColorJitter(hue=0.1)])", ["~ColorJitter:photometric"]),
        ("T.Compose([T.GaussianBlur(3, sigma=1.0)])", ["GaussianBlur:photometric"]),
        ("T.Compose([T.RandomApply([T.ColorJitter(0.1)], p=0.3)])", ["~ColorJitter:photometric"]),
        ("T.Compose([T.RandomApply([T.ToTensor()])])", ["RandomApply:opaque"]),
        ("T.Compose([T.RandomResizedCrop(9, scale=(1, 1), ratio=(1, 1))])", ["RandomResizedCrop:geometric"]),
        ("T.Compose([T.RandomResizedCrop(9, **options)])", ["RandomResizedCrop:opaque"]),
        ("A.Compose([A.Resize(9, 9), A.Normalize()])", ["Resize:geometric", "Normalize:normalize"]),
        ("A.Compose([A.Normalize(p=0.5)])", ["Normalize:opaque"]),
        ("A.Compose([A.OneOf([A.Blur(), A.CLAHE()], p=1)])", ["~Blur:photometric", "~CLAHE:photometric"]),
        (
            "import torch.nn as nn\nnn.Sequential(T.Resize(9), T.ConvertImageDtype(x))",
            ["Resize:geometric", "ConvertImageDtype:to_float"],
        ),
        ("x = [T.ToTensor()]\nx.insert(0, T.Resize(9))\nT.Compose(x)", ["Resize:geometric", "ToTensor:to_tensor"]),
    ],
)
def test_steps_are_read_in_order(code: str, expected: list[str]) -> None:
    assert steps(code) == [expected]


def test_a_branch_each_is_a_variant_each() -> None:
    code = "def f(train):\n    ops = [T.Resize(9)]\n    if train:\n        ops.append(T.RandomCrop(9))\n    return T.Compose(ops)"
    assert steps(code) == [["Resize:geometric", "~RandomCrop:geometric"], ["Resize:geometric"]]


def test_branches_that_exclude_each_other_are_not_combined() -> None:
    code = (
        "def f(a):\n    x = T.Resize(9) if a else T.Resize(8)\n    y = T.CenterCrop(9) if a else T.FiveCrop(8)\n"
        "    return T.Compose([x, y])"
    )
    assert sorted(steps(code)) == [["Resize:geometric", "CenterCrop:geometric"], ["Resize:geometric", "FiveCrop:geometric"]]


def test_albumentations_defaults_are_those_of_the_library() -> None:
    library = pytest.importorskip("albumentations", reason="the library itself is the reference")
    from tare.code.libraries import albumentations

    step = library.Normalize()
    assert (tuple(step.mean), tuple(step.std), step.max_pixel_value) == (
        albumentations.MEAN,
        albumentations.STD,
        albumentations.MAX_VALUE,
    )


def test_probabilities_by_default_are_those_of_torchvision() -> None:
    transforms = pytest.importorskip("torchvision.transforms", reason="the library itself is the reference")
    from tare.code.libraries.torchvision import STEPS

    random = ("RandomHorizontalFlip", "RandomVerticalFlip", "RandomErasing", "RandomPerspective", "RandomInvert")
    for name in random:
        (variant,) = variants(call := _last(f"T.Compose([T.{name}()])"), call)
        assert variant.steps[0].random is (0 < getattr(transforms, name)().p < 1)
        assert name in STEPS
