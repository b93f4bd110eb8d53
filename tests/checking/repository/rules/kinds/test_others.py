"""Images of -1..1 that are brought back and normalised for the network just before it."""

# ruff: noqa: E501 (a program a line)

from __future__ import annotations

import pytest

from tests.checking.repository.rules.kinds.maps.programs import codes

HEAD = (
    "from torch import nn\nfrom torchvision import models\nfrom torchvision.datasets import ImageFolder\nfrom torch.utils.data import DataLoader\n"
    "val = T.Compose([T.ToTensor(), T.Normalize([.5] * 3, [.5] * 3)])\n"
)
NET = "net = models.vgg16(weights='DEFAULT').features\n"
LOOP = "for x, y in DataLoader(ImageFolder('d', val)):\n    net({})\n"
CLASS = (
    "class Loss(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.vgg = models.vgg16(weights='DEFAULT').features\n"
    "        self.n = T.Normalize({})\n    def forward(self, a):\n        return self.vgg({})\nloss = Loss()\n"
    "for x, y in DataLoader(ImageFolder('d', val)):\n    loss(x)\n"
)


@pytest.mark.parametrize(
    "text",
    [
        f"{NET}n = T.Normalize(MEAN, STD)\n{LOOP.format('n((x + 1) / 2)')}",
        f"{NET}{LOOP.format('(x * 0.5 + 0.5 - TM) / TS')}",
        f"{NET}{LOOP.format('T.functional.normalize(x * 0.5 + 0.5, MEAN, STD)')}",
        CLASS.format("MEAN, STD", "self.n(a * 0.5 + 0.5)"),
    ],
)
def test_the_networks_own_constants_just_before_it_are_right(text: str) -> None:
    assert codes(HEAD + text) == []


@pytest.mark.parametrize(
    "text",
    [
        NET + LOOP.format("x"),
        f"{NET}n = T.Normalize([.48, .46, .41], [.3, .3, .3])\n{LOOP.format('n((x + 1) / 2)')}",
        CLASS.format("[.5] * 3, [.5] * 3", "self.n(a * 0.5 + 0.5)"),
        f"{NET}other = T.Compose([T.ToTensor(), T.Normalize(MEAN, STD)]) if 0 else None\n{LOOP.format('x')}",
    ],
)
def test_without_them_the_pipelines_constants_are_found(text: str) -> None:
    assert "TARE005" in codes(HEAD + text)


def test_a_network_that_gets_the_difference_of_both_is_found() -> None:
    assert codes(f"{HEAD}{NET}n = T.Normalize(MEAN, STD)\n{LOOP.format('n(x)')}") != []
