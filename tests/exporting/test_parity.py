from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tare.exporting.graph.options import GraphOptions
from tare.exporting.graph.served import ServedGraph
from tare.exporting.parity import BATCHES, Outputs, ParityError, check_graph, graph_batches, loaded, reference
from tare.exporting.probe_images import probe_images, split_of
from tare.networks.stored.trained import TrainedModel, open_trained
from tests.tiny_run import tiny_run


@pytest.fixture
def trained(tmp_path: Path) -> TrainedModel:
    return open_trained(tiny_run(tmp_path))


@pytest.mark.parametrize("with_resize", [False, True])
@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
def test_batches_of_one_two_and_five_are_compared(trained: TrainedModel, with_resize: bool, layout: str) -> None:
    options = GraphOptions(layout, "both", with_resize)  # type: ignore[arg-type]
    batches = graph_batches(trained, options, probe_images(trained, split_of(trained)))
    assert {len(batch) for batch in batches} == set(BATCHES)
    assert {batch.shape[options.layout.index("C")] for batch in batches} == {3}
    assert (batches[0].shape[options.layout.index("H")] == 32) != with_resize


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            lambda parts: [part + np.float32(2e-4) for part in parts],
            "within 0.0001 of PyTorch's, found a difference of 0.0002 in made",
        ),
        (lambda parts: [np.full_like(part, np.nan) for part in parts], "found a difference of nan in made"),
        (lambda parts: [part[:, :1] for part in parts], r"an output of shape \(1, 3\), found \(1, 1\) in made"),
    ],
)
def test_a_file_that_answers_otherwise_is_refused(trained: TrainedModel, wrong: object, message: str) -> None:
    options = GraphOptions()
    graph = ServedGraph(trained.model, options)
    batches = graph_batches(trained, options, probe_images(trained, None))

    def run(images: NDArray[np.uint8]) -> Outputs:
        right = reference(graph, options, torch.from_numpy(images))
        return wrong(right)  # type: ignore[operator,no-any-return]

    with pytest.raises(ParityError, match=message):
        check_graph(run, "made", graph, options, batches)


def test_the_largest_difference_is_reported(trained: TrainedModel) -> None:
    options = GraphOptions()
    graph = ServedGraph(trained.model, options)
    batches = graph_batches(trained, options, probe_images(trained, None))

    def run(images: NDArray[np.uint8]) -> Outputs:
        probabilities, logits = reference(graph, options, torch.from_numpy(images))
        return [probabilities, logits + np.float32(5e-5)]

    parity = check_graph(run, "made", graph, options, batches)
    assert parity.logits == pytest.approx(5e-5, rel=0.05)
    assert parity.probabilities == 0.0
    assert parity.to_json()["tolerance"] == 1e-4


def test_a_file_that_cannot_be_loaded_or_run_is_refused_in_one_line(trained: TrainedModel, tmp_path: Path) -> None:
    def fails(*_: object) -> Outputs:
        raise RuntimeError("Traceback of TorchScript:\n  forward\nRuntimeError: output with shape [1] does not match\n")

    options = GraphOptions()
    graph = ServedGraph(trained.model, options)
    batches = graph_batches(trained, options, probe_images(trained, None))
    with pytest.raises(
        ParityError, match=r"an answer of made to images of shape \(1, 32, 32, 3\), found RuntimeError: Runt"
    ) as found:
        check_graph(fails, "made", graph, options, batches)
    assert "\n" not in str(found.value)
    with pytest.raises(ParityError, match="a file that made loads, found RuntimeError"):
        loaded(fails, tmp_path / "x", "made")  # type: ignore[arg-type]
