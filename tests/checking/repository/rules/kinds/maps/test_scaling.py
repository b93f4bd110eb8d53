"""An image that a pipeline has normalised, and that a Normalize gets again."""

# ruff: noqa: E501 (a program a line)

from __future__ import annotations

import pytest

from tests.checking.repository.rules.kinds.maps.programs import RAW, codes

DONE = "t = T.Compose([T.ToTensor(), T.Normalize(MEAN, STD)])\n"
HALVES = "t = T.Compose([T.ToTensor(), T.Normalize([0.5] * 3, [0.5] * 3)])\n"
AGAIN = "norm = T.Normalize(MEAN, STD)\n"
NET = (
    "class Net(torch.nn.Module):\n    def __init__(self, inside=True):\n        super().__init__()\n        self.inside = inside\n"
    "        self.body = torchvision.models.resnet18(weights='DEFAULT')\n        self.norm = T.Normalize(MEAN, STD)\n"
    "    def forward(self, x):\n        if self.inside:\n            x = self.norm(x)\n        return self.body(x)\n"
)
LOOP = "for x, y in torch.utils.data.DataLoader(torchvision.datasets.ImageFolder('d', t), 8):\n    net(x)\n"

WRONG = {
    "by a module": f"{DONE}{NET.replace('if self.inside', 'if True')}net = Net()\n{LOOP}",
    "by itself": f"{DONE}{AGAIN}x = norm(t(Image.open(p)))",
    "by other constants": f"{HALVES}{AGAIN}x = norm(t(Image.open(p)))",
    "in front of a network": f"{HALVES}net = torch.nn.Sequential(T.Normalize(MEAN, STD), torchvision.models.resnet18(weights='DEFAULT'))\n"
    "y = net(t(Image.open(p))[None])",
    "after arithmetic": f"{AGAIN}x = norm((T.ToTensor()(Image.open(p)) - TM) / TS)",
    "of one number": f"{DONE}norm = T.Normalize((0.5,), (0.5,))\nx = norm(t(Image.open(p)))",
    "Albumentations": f"import albumentations as A\nt = A.Compose([A.Normalize()])\n{RAW}x = (x / 255 - M) / S\ny = t(image=x)['image']",
}
RIGHT = {
    "once": f"t = T.Compose([T.ToTensor()])\n{NET.replace('if self.inside', 'if True')}net = Net()\n{LOOP}",
    "undone": f"{DONE}inv = T.Normalize([-m / s for m, s in zip(MEAN, STD)], [1 / s for s in STD])\nx = inv(t(Image.open(p)))",
    "undone and done otherwise": f"{DONE}inv = T.Normalize([-m / s for m, s in zip(MEAN, STD)], [1 / s for s in STD])\n"
    "norm = T.Normalize([0.5] * 3, [0.5] * 3)\ny = norm(inv(t(Image.open(p))))",
    "brought back by hand": f"{HALVES}{AGAIN}x = t(Image.open(p))\ny = norm((x + 1) / 2)\nz = norm(x * 0.5 + 0.5)",
    "brought back": f"{HALVES}{AGAIN}back = T.Normalize([-1] * 3, [2] * 3)\ny = norm(back(t(Image.open(p))))",
    "from one range to the other": f"{HALVES}to = T.Normalize([2 * m - 1 for m in MEAN], [2 * s for s in STD])\ny = to(t(Image.open(p)))",
    "a module that is told not to": f"{DONE}{NET}net = Net(False)\n{LOOP}",
    "one of two branches": "import argparse\nargs = argparse.ArgumentParser().parse_args()\nif args.inside:\n"
    f"    t = T.Compose([T.ToTensor()])\nelse:\n    t = T.Compose([T.ToTensor(), T.Normalize(MEAN, STD)])\n{AGAIN}"
    "x = t(Image.open(p))\nif args.inside:\n    x = norm(x)",
}


@pytest.mark.parametrize("case", WRONG)
def test_an_image_that_is_normalised_again(case: str) -> None:
    assert "TARE003" in codes(WRONG[case])


@pytest.mark.parametrize("case", RIGHT)
def test_an_image_that_is_normalised_once(case: str) -> None:
    assert [code for code in codes(RIGHT[case]) if code == "TARE003"] == []
