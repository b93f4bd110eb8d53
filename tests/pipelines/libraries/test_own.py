"""``tare.Normaliser`` read as steps."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torchvision.transforms import v2

import tare
from tare.checking.api import check
from tare.input_spec.fields import Known
from tare.parts.normaliser import Normaliser
from tare.pipelines.walk import steps_of
from tests.pipelines.reading import MEAN, STD, kinds, reason


def test_a_normaliser_in_a_pipeline_is_read_as_its_steps() -> None:
    pipeline = v2.Compose([v2.ToImage(), Normaliser(MEAN, STD, raw_dtype="uint8", channels="BGR")])
    assert kinds(pipeline) == ["convert", "to_dtype", "order", "normalize"]
    assert steps_of(pipeline)[-1].values["mean"] == MEAN
    assert kinds(Normaliser(MEAN, STD, raw_dtype="float32")) == ["normalize"]


@pytest.mark.parametrize("others", [{"raw_dtype": "uint16"}, {"raw_dtype": "uint8", "clip": [9.0, 99.0]}])
def test_what_no_steps_say_is_not_read(others: dict[str, Any]) -> None:
    made = Normaliser(MEAN, STD, **others)
    assert kinds(made) == ["opaque"]
    assert reason(made)


def test_check_judges_a_pipeline_that_ends_in_a_normaliser() -> None:
    steps = [v2.Resize(235, v2.InterpolationMode.BICUBIC), v2.CenterCrop(224), v2.ToImage()]
    right = check(v2.Compose([*steps, Normaliser(MEAN, STD, raw_dtype="uint8")]), "timm:resnet18")
    assert [finding.code for finding in right.findings] == []
    wrong = check(v2.Compose([*steps, Normaliser((0.5,) * 3, (0.5,) * 3, raw_dtype="uint8")]), "timm:resnet18")
    assert wrong.findings


def test_a_network_states_the_normaliser_inside() -> None:
    class Network(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.front = Normaliser((0.5,), (0.2,), raw_dtype="uint16", clip=[0.0, 4095.0])

        def forward(self, samples: torch.Tensor) -> torch.Tensor:
            fed: torch.Tensor = self.front(samples)
            return fed

    found = tare.read_spec(Network())
    assert found.raw_dtype == Known("uint16", "layer 'front' of the Network, tare.Normaliser")
    assert found.input_map() == Network().front.spec.input_map()
