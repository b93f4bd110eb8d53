from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from tare.exporting.graph.options import GraphOptions
from tare.exporting.statement import graph_spec, metadata, model_spec
from tare.input_spec.fields import Known
from tare.input_spec.spec import InputSpec, Unknown
from tare.networks.stored.trained import open_trained
from tests.tiny_run import CLASSES, MEAN, STD, tiny_run


def test_the_graph_takes_raw_values_as_they_are(tmp_path: Path) -> None:
    spec = graph_spec(open_trained(tiny_run(tmp_path)), GraphOptions("NHWC"))
    affine = spec.affine()
    assert (affine.scale, affine.shift) == ((1.0,) * 3, (0.0,) * 3)
    assert spec.require("layout") == "NHWC"
    assert spec.require("raw_dtype") == spec.require("dtype") == "uint8"
    assert spec.require("size") == (32, 32)
    assert spec.require("crop").fraction == 0.9


def test_with_resize_any_size_goes(tmp_path: Path) -> None:
    spec = graph_spec(open_trained(tiny_run(tmp_path)), GraphOptions("NCHW", with_resize=True))
    assert spec.size == Unknown("any height and width: the graph resizes and crops itself")
    assert spec.require("crop").mode == "none"


def test_the_network_inside_is_stated_too(tmp_path: Path) -> None:
    trained = open_trained(tiny_run(tmp_path))
    stated = metadata(trained, graph_spec(trained, GraphOptions()))
    inside = InputSpec.from_json(json.loads(stated["tare.model_spec"]))
    assert inside.require("mean") == MEAN
    assert inside.require("std") == STD
    assert json.loads(stated["tare.labels"]) == list(CLASSES)
    assert json.loads(stated["tare.strategy"]) == {"strategy": "source", "per_sample": False}


def test_a_network_that_normalises_each_sample_is_stated_as_in_its_directory(tmp_path: Path) -> None:
    """After each sample's own moments nothing is subtracted: who uses the file's statement needs the 0 and the 1."""
    trained = open_trained(tiny_run(tmp_path, "sample"))
    spec = model_spec(trained)
    assert isinstance(spec.size, Known)
    assert (spec.mean, spec.std) == (trained.model.spec().mean, trained.model.spec().std)
    assert set(spec.require("mean")) == {0.0}
    assert set(spec.require("std")) == {1.0}
    values = torch.rand(2, 3, *spec.size.value, generator=torch.Generator().manual_seed(0)).mul(255).byte()
    assert spec.apply(values).std(dim=(2, 3), correction=0).flatten().tolist() == pytest.approx([1.0] * 6)
    assert spec.require("scale") == 1.0  # nothing is scaled after each sample's z-score
    assert spec.require("per_sample").kind == "zscore"
