"""Images of -1..1 that are brought back and normalised for the network just before it."""

# ruff: noqa: E501 (a program a line)

from __future__ import annotations

import pytest

from tare.checking.repository.api import examined
from tare.code.files.document import Document
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


IMAGENET, HALVES = "[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]", "[.5] * 3, [.5] * 3"
TIMM = (
    "import timm\nfrom torchvision import transforms as T\nfrom torchvision.datasets import ImageFolder\nfrom torch.utils.data import DataLoader\n"
    "{}t = T.Compose([T.ToTensor(), T.Normalize({})])\nfor x, y in DataLoader(ImageFolder('d', t)):\n    net(x)\n"
)
VIT = "net = timm.create_model('vit_base_patch16_224', pretrained=True{})\n"
USE = "import conf\nconf.use({})\n" + VIT.format("")
CONF = f"MEAN, STD = {IMAGENET}\ndef use(m, s):\n    global MEAN, STD\n    MEAN, STD = m, s\n"
PARSED = (
    "import argparse\np = argparse.ArgumentParser()\np.add_argument('--model', default='{}')\na = p.parse_args(['--model', '{}'])\n"
    "net = timm.create_model(a.model, pretrained=True)\n"
)


def found(code: str, **more: str) -> list[str]:
    """The codes that are found in a program with other files."""
    texts = {"main": code, **more}
    return [each.code for each in examined([Document(f"{name}.py", "python", text) for name, text in texts.items()])]


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ((USE.format(HALVES), "conf.MEAN, conf.STD"), (USE.format(IMAGENET), "conf.MEAN, conf.STD")),
        (
            (PARSED.format("vit_base_patch16_224", "resnet50"), IMAGENET),
            (PARSED.format("resnet50", "vit_base_patch16_224"), IMAGENET),
        ),
        (
            (f"M, S = {IMAGENET}\nglobals().update(M=[.5] * 3, S=[.5] * 3)\n{VIT.format('')}", "M, S"),
            (f"M, S = {HALVES}\nglobals().update(M={IMAGENET[:21]}, S={IMAGENET[23:]})\n{VIT.format('')}", "M, S"),
        ),
        ((VIT.format(", checkpoint_path='own.pth'"), IMAGENET), (VIT.format(", checkpoint_path=''"), IMAGENET)),
        (
            (VIT.format(f", pretrained_cfg_overlay=dict(file='own.pth', mean={IMAGENET[:21]}, std={IMAGENET[23:]})"), IMAGENET),
            (VIT.format(", pretrained_cfg_overlay=dict(file='vit.pth')"), IMAGENET),
        ),
    ],
)
def test_constants_that_are_replaced_are_not_those_of_before(right: tuple[str, str], wrong: tuple[str, str]) -> None:
    assert found(TIMM.format(*right), conf=CONF) == []
    assert found(TIMM.format(*wrong), conf=CONF) == ["TARE005"]


LOADED = (
    "import torch\nfrom torchvision import transforms as T, models\nfrom torchvision.datasets import ImageFolder\nfrom torch.utils.data import DataLoader\n"
    "net = models.resnet50(weights='DEFAULT')\nto = T.ToTensor()\nM, S = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1), torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)\n"
)
COLLATED = "def put(b): return (torch.stack([x for x, _ in b]) - M) / S, None\nl = DataLoader(ImageFolder('d', to))\n{}for x, y in l:\n    net(x)\n"
TAKEN = "def f(p):\n    steps = [to, {}]\n    x = Image.open(p).convert('RGB')\n    while steps:\n        x = steps.pop(0)(x)\n    return net(x[None])\n"


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (COLLATED.format("l.collate_fn = put\n"), COLLATED.format("l.prefetch_factor = 4\n")),
        (TAKEN.format("T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])"), TAKEN.format("T.RandomErasing()")),
    ],
)
def test_what_the_network_gets_is_followed_through_loaders_and_lists(right: str, wrong: str) -> None:
    assert found(f"{LOADED}from PIL import Image\n{right}") == []
    assert found(f"{LOADED}from PIL import Image\n{wrong}") == ["TARE004"]
