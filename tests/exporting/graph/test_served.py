from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tare.exporting.graph.options import GraphOptions
from tare.exporting.graph.served import ServedGraph
from tare.input_spec.geometry import SignalGeometry
from tare.networks.stored.trained import open_trained
from tare.normalisation.applied import Normalisation
from tests.tiny_run import MEAN, MORE, STD, tiny_number_run, tiny_run


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


@pytest.mark.parametrize("strategy", ["sample", "sample-percentile", "bounds"])
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_signal_with_a_missing_value_is_not_answered(tmp_path: Path, strategy: str, bad: float) -> None:
    """As `tare predict` refuses it: NaN marks padding inside, and infinity would be cut to the end of a clip."""
    chosen = (
        {"sample-percentile": replace(MORE[strategy], mean=(0.0,) * 2, std=(1.0,) * 2, clip=((0.0, 1.0),) * 2)}
        if (strategy in MORE)
        else {"bounds": Normalisation("bounds", (0.0,) * 2, (1.0,) * 2, clip=((-2.0, 2.0),) * 2)}
    )
    pad = (0.0,) * 2 if strategy == "bounds" else None
    model = open_trained(tiny_number_run(tmp_path, SignalGeometry(20, pad), "sample" if pad is None else "target")).model
    model = replace(model, normalisation=chosen.get(strategy, model.normalisation))
    signals = torch.randn(3, 30, 2, generator=torch.Generator().manual_seed(0))
    graph = ServedGraph(model, GraphOptions("NTC", with_resize=True))
    whole = graph(signals)
    signals[1, 15, 0] = bad
    for given, before in zip(graph(signals), whole, strict=True):
        assert given[1].isnan().all()
        assert torch.equal(given[[0, 2]], before[[0, 2]])
        assert not before.isnan().any()
