"""Weights as a safetensors file."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
from safetensors.torch import load
from torch import nn

from tare.exporting.formats.safetensors import weights_bytes

STATED = {f"tare.{key}": f'ü {key} "quoted"' for key in "abcdefghij"}


def trained() -> Any:
    torch.manual_seed(0)
    return SimpleNamespace(model=SimpleNamespace(network=SimpleNamespace(module=nn.Linear(3, 2))))


def test_the_same_weights_and_statements_are_the_same_bytes() -> None:
    assert len({weights_bytes(trained(), STATED) for _ in range(20)}) == 1


def test_tensors_and_statements_come_back() -> None:
    content = weights_bytes(trained(), STATED)
    loaded = load(content)
    own = trained().model.network.module.state_dict()
    assert all(torch.equal(loaded[key], value) for key, value in own.items())
    assert set(loaded) == set(own)
    assert all(value in content.decode(errors="replace").replace('\\"', '"') for value in STATED.values())
