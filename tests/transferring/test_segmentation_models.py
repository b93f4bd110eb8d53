"""Networks of segmentation_models_pytorch, from a real folder of masks to an export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import tare
from tests.transferring.test_tasks import scenes

pytest.importorskip("segmentation_models_pytorch", reason="the segmentation extra is not installed")

_NET = """
import segmentation_models_pytorch as smp


def unet():
    return smp.Unet("resnet18", encoder_weights=None, decoder_channels=(16, 8, 8, 8, 8), classes=5)
"""


def test_a_unet_learns_masks_and_its_export_gives_the_same_numbers(tmp_path: Path) -> None:
    factory = f"{tmp_path / 'net.py'}:unet"
    (tmp_path / "net.py").write_text(_NET)
    how: dict[str, Any] = {"epochs": 6, "lr": 0.01, "batch_size": 4, "workers": 0, "device": "cpu", "size": 64}
    run = tare.transfer(
        factory, scenes(tmp_path / "data", 12), weights="none", protocol="scratch", strategy="target", ignore=255,
        class_names="ground,square", out=tmp_path / "run", **how,
    )  # fmt: skip
    assert run.evaluation.headline.value.estimate > 0.5
    answers = tare.predict(run.out, tmp_path / "data" / "images", factory=factory)
    assert all(answer.error is None for answer in answers)
    made = tare.export(run.out, "torchscript", tmp_path / "x.pt", factory=factory)
    assert made.parity is not None
    pixels = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
    shares = torch.jit.load(tmp_path / "x.pt")(torch.from_numpy(pixels))[0]  # type: ignore[no-untyped-call]
    own = run.load(factory).logits(torch.from_numpy(pixels).permute(0, 3, 1, 2)).softmax(dim=1)
    assert torch.allclose(shares.float(), own, atol=1e-5)
