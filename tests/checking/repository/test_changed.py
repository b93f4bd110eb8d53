"""Programs that change in place what reaches a network: the right ones have no finding, and their wrong twins have one."""

from __future__ import annotations

import pytest

from tare.checking.repository.api import examined
from tare.code.files.document import Document

BEGIN = """
import torch
from PIL import Image
from torch.utils.data import DataLoader
from torchvision import models, transforms as T
from torchvision.datasets import ImageFolder
RIGHT = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
HALF = ([0.5, 0.5, 0.5], [0.5, 0.5, 0.5])
B = [T.Resize(256), T.CenterCrop(224), T.ToTensor()]
M, S = torch.tensor(RIGHT[0]).view(3, 1, 1), torch.tensor(RIGHT[1]).view(3, 1, 1)
net = models.resnet50(weights="IMAGENET1K_V2")
"""
END = """
for x, y in DataLoader(ImageFolder("d", val)):
    net(x)
"""


def codes(program: str) -> list[str]:
    """What is found in a program."""
    return [each.code for each in examined([Document("a.py", "python", BEGIN + program)])]


#: Each program with the constants that it gives a network in the place of ``IT``.
PIPELINES = {
    "an alias": "steps = [*B]\nmore = steps\nmore.append(T.Normalize(*IT))\nval = T.Compose(steps)",
    "a function": "def add(s): s.append(T.Normalize(*IT))\nsteps = [*B]\nadd(steps)\nval = T.Compose(steps)",
    "after Compose": "steps = [*B]\nval = T.Compose(steps)\nsteps.append(T.Normalize(*IT))",
    "transforms": "val = T.Compose([*B])\nval.transforms.append(T.Normalize(*IT))",
    "del": "steps = [*B, T.Normalize(*HALF)]\ndel steps[-1]\nsteps.append(T.Normalize(*IT))\nval = T.Compose(steps)",
    "update": "c = dict(m=HALF)\nc.update(m=IT)\nval = T.Compose([*B, T.Normalize(*c['m'])])",
    "a class": "class C: m = HALF\nC.m = IT\nval = T.Compose([*B, T.Normalize(*C.m)])",
    "break": "for n, m in [('a', IT), ('b', HALF)]:\n    if n == 'a': break\nval = T.Compose([*B, T.Normalize(*m)])",
}


@pytest.mark.parametrize("way", PIPELINES)
def test_a_pipeline_is_judged_by_what_it_is_in_the_end(way: str) -> None:
    assert codes(PIPELINES[way].replace("IT", "RIGHT") + END) == []
    assert codes(PIPELINES[way].replace("IT", "HALF") + END) == ["TARE005"]


FEEDS = {
    "an alias": "for x, y in DataLoader(ImageFolder('d', T.Compose(B))):\n    z = x\n    z -= M\n    z /= S\n    net(x)",
    "a hook": "net.register_forward_pre_hook(lambda m, a: ((a[0] - M) / S,))\nval = T.Compose(B)" + END,
    "a forward": "old = net.forward\nnet.forward = lambda x: old((x - M) / S)\nval = T.Compose(B)" + END,
    "collate_fn": (
        "def coll(b): return (torch.stack([i for i, _ in b]) - M) / S, 0\n"
        "for x, y in DataLoader(ImageFolder('d', T.Compose(B)), collate_fn=coll):\n    net(x)"
    ),
    "transform": (
        "d = ImageFolder('d', T.Compose(B))\nd.transform = T.Compose([*B, T.Normalize(*RIGHT)])\n"
        "for x, y in DataLoader(d):\n    net(x)"
    ),
    "a helper": "def f(b): b['x'] = (b['x'] - M) / S\nfor x, y in DataLoader(ImageFolder('d', T.Compose(B))):\n"
    "    b = {'x': x}\n    f(b)\n    net(b['x'])",
}


@pytest.mark.parametrize("way", FEEDS)
def test_what_is_normalised_on_the_way_to_a_network_is_no_finding(way: str) -> None:
    assert codes(FEEDS[way]) == []


def test_without_it_the_image_is_found_raw() -> None:
    assert codes("val = T.Compose(B)" + END) == ["TARE004"]
