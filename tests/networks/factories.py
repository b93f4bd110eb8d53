from __future__ import annotations

import torch
from torch import nn

FACTORY = """
from torch import nn

def net(classes=10):
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, classes))

def headless():
    return nn.Conv2d(3, 4, 3)

def needs(width):
    return net()

def breaks():
    raise RuntimeError("no such layer")

def leaves():
    raise SystemExit(0)

def elsewhere():
    import os
    os.chdir("/")
    return net()

def number():
    return 3
"""


def same(left: nn.Module, right: nn.Module) -> bool:
    return all(torch.equal(a, b) for a, b in zip(left.state_dict().values(), right.state_dict().values(), strict=True))
