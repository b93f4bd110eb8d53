"""The shipped networks answer for digits that they were not trained on."""

from __future__ import annotations

import numpy as np
import torch

from tare.normalisation.input_layer import InputLayer
from tare.normalisation.strategies import normalisation
from tare.studying.demo.networks import FILE, SHIPPED, dataset0, shipped


def test_every_shipped_network_knows_digits_that_it_never_saw() -> None:
    train, other = dataset0()
    assert len(other.labels) == 300
    assert not {image.tobytes() for image in train.values} & {image.tobytes() for image in other.values}
    for seed in range(SHIPPED):
        source = shipped(seed)
        fed = InputLayer(normalisation("source", 1, source=source.constants))(other.tensor())
        with torch.no_grad():
            right = np.asarray(source.module(fed).argmax(dim=1)) == other.labels
        assert right.mean() > 0.94


def test_the_networks_differ_and_their_file_is_small() -> None:
    first, second = (shipped(seed).module.state_dict()["head.weight"] for seed in (0, 1))
    assert not torch.equal(first, second)
    assert FILE.stat().st_size < 500_000
