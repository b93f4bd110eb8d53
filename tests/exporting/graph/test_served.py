from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tare.exporting.graph.options import GraphOptions
from tare.exporting.graph.served import ServedGraph
from tare.networks.stored.trained import open_trained
from tests.tiny_run import MEAN, STD, tiny_run


@pytest.fixture
def raw() -> torch.Tensor:
    return torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_both_layouts_give_the_same_probabilities_and_logits(tmp_path: Path, raw: torch.Tensor) -> None:
    model = open_trained(tiny_run(tmp_path)).model
    first = ServedGraph(model, GraphOptions("NCHW"))(raw)
    last = ServedGraph(model, GraphOptions("NHWC"))(raw.permute(0, 2, 3, 1).contiguous())
    assert isinstance(first, tuple)
    for mine, other in zip(first, last, strict=True):
        assert torch.allclose(mine, other, atol=1e-6)
    assert torch.allclose(first[0].sum(dim=1), torch.ones(2))
    assert torch.allclose(first[1], model.logits(raw), atol=1e-6)


def test_the_network_receives_what_the_formula_says(tmp_path: Path, raw: torch.Tensor) -> None:
    graph = ServedGraph(open_trained(tiny_run(tmp_path)).model, GraphOptions("NCHW", "logits"))
    unit = raw.numpy().astype(np.float64) / 255
    mean, std = (np.array(values).reshape(1, 3, 1, 1) for values in (MEAN, STD))
    expected = graph.network(torch.from_numpy((unit - mean) / std).float())
    assert torch.allclose(graph(raw), expected, atol=1e-5)


def test_with_the_strategy_sample_every_image_is_normalised_by_its_own_moments(tmp_path: Path, raw: torch.Tensor) -> None:
    graph = ServedGraph(open_trained(tiny_run(tmp_path, "sample")).model, GraphOptions("NCHW", "logits"))
    dimmed = (raw // 2).to(torch.uint8) * 2
    assert torch.allclose(graph(dimmed), graph(dimmed // 2), atol=1e-3)  # half the contrast is the same image
    unit = raw.numpy().astype(np.float64) / 255
    own = (unit - unit.mean(axis=(2, 3), keepdims=True)) / unit.std(axis=(2, 3), keepdims=True)
    assert torch.allclose(graph(raw), graph.network(torch.from_numpy(own).float()), atol=1e-4)


@pytest.mark.parametrize(
    ("options", "names", "dynamic"),
    [
        (GraphOptions(), ("probabilities", "logits"), {0: "N"}),
        (GraphOptions("NHWC", "logits", True), ("logits",), {0: "N", 1: "H", 2: "W"}),
        (GraphOptions("NCHW", "probabilities", True), ("probabilities",), {0: "N", 2: "H", 3: "W"}),
    ],
)
def test_outputs_and_axes_are_named(options: GraphOptions, names: tuple[str, ...], dynamic: dict[int, str]) -> None:
    assert options.names == names
    assert options.dynamic == dynamic
