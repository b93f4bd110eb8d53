"""A spec that says BGR or 0..255 is really fed so, by every way into a network."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import nn

from tare.advising.fed_network import fed_network
from tare.datasets.options import LabelOptions
from tare.errors import SpecError
from tare.input_spec.geometry import RowGeometry
from tare.input_spec.spec import Crop, InputSpec, Known, Unknown
from tare.networks.inputs import NetworkOptions
from tare.networks.loading import load_network
from tare.networks.stated_images import scaled
from tare.networks.stated_spec import constants_by_data_channel, with_spec
from tare.networks.stored.source import source_network
from tare.normalisation.applied import Normalisation
from tare.normalisation.input_layer import InputLayer
from tare.normalisation.strategies import Constants
from tare.studying.tasks.folder import folder_task
from tare.training.options import Training
from tare.transferring.api import transfer
from tare.transferring.plan import built_network
from tests.tiny_run import FACTORY, save_photo, tiny_number_run

CAFFE = InputSpec.of([103.939, 116.779, 123.68], [1.0, 1.0, 1.0], scale=1.0, channels="BGR", size=(32, 32), raw_dtype="uint8")


@pytest.fixture
def factory(tmp_path: Path) -> str:
    (tmp_path / "nets.py").write_text("import torch\n" + FACTORY)
    return f"{tmp_path / 'nets.py'}:net"


def raw(count: int = 4, size: int = 32) -> torch.Tensor:
    return torch.randint(0, 256, (count, 3, size, size), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


def source(mean: tuple[float, ...], std: tuple[float, ...]) -> InputLayer:
    return InputLayer(Normalisation("source", mean, std))


def first_layer(module: nn.Module) -> nn.Conv2d:
    return next(layer for layer in module.modules() if isinstance(layer, nn.Conv2d))


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.floats(-2, 2), min_size=3, max_size=3),
    st.lists(st.floats(0.05, 4), min_size=3, max_size=3),
    st.sampled_from([1.0, 1 / 255, 1 / 127.5, 2 / 255, 0.017]),
    st.sampled_from(["RGB", "BGR"]),
)
def test_the_tensor_is_the_one_of_the_specs_own_map(mean: list[float], std: list[float], scale: float, channels: str) -> None:
    factor = 255 * scale
    spec = InputSpec.of([m * factor for m in mean], [s * factor for s in std], scale=scale, channels=channels, raw_dtype="uint8")
    order, u0, s0 = constants_by_data_channel(spec)
    fed = source(u0, s0)(raw())[:, list(order)]  # as a first layer in the spec's order sees it
    expected = spec.apply(raw().double() / 255)
    assert torch.allclose(fed.double(), expected, rtol=1e-5, atol=1e-5)


def test_a_network_that_takes_bgr_on_0_to_255_answers_as_the_spec_says(factory: str) -> None:
    plain = load_network(factory, "none")
    stated = with_spec(plain, CAFFE)
    mean, std = stated.spec.require("mean"), stated.spec.require("std")
    assert mean == pytest.approx((123.68 / 255, 116.779 / 255, 103.939 / 255))
    assert std == pytest.approx((1 / 255,) * 3)
    fed = source(mean, std)(raw())
    expected = CAFFE.apply(raw())
    assert expected.abs().max() > 100
    assert torch.equal(first_layer(stated.module).weight, first_layer(plain.module).weight.flip(1))
    ours, theirs = first_layer(stated.module)(fed), first_layer(plain.module)(expected)
    assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-3)
    assert torch.allclose(stated.module(fed), plain.module(expected), rtol=1e-4, atol=1e-3)
    assert "the spec states BGR" in stated.notes[-1]
    assert stated.spec.require("size") == (32, 32)


@pytest.mark.parametrize("reference", ["timm:test_resnet", "timm:test_vit", "timm:test_efficientnet"])
def test_the_exchange_of_channels_is_exact_for_other_first_layers(reference: str) -> None:
    plain = load_network(reference, "none")
    stated = with_spec(plain, replace(CAFFE, size=plain.spec.size))
    images = torch.randn(2, 3, *plain.spec.require("size"), generator=torch.Generator().manual_seed(0))
    assert torch.allclose(stated.module.eval()(images.flip(1)), plain.module.eval()(images), rtol=1e-4, atol=1e-5)
    assert stated.module.state_dict().keys() == plain.module.state_dict().keys()


def test_the_same_constants_stay_to_the_last_digit(factory: str) -> None:
    spec = InputSpec.of((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), raw_dtype="uint8")
    network = with_spec(load_network(factory, "none"), spec)
    assert network.spec.require("mean") == (0.485, 0.456, 0.406)
    assert network.spec.require("std") == (0.229, 0.224, 0.225)
    assert network.notes == load_network(factory, "none").notes


def test_what_a_spec_does_not_state_stays_as_it_was() -> None:
    plain = load_network("timm:test_resnet", "none")
    network = with_spec(plain, InputSpec(crop=Known(Crop("squash", 1.0), "user")))
    assert network.spec.require("mean") == plain.spec.require("mean")
    assert network.spec.require("crop") == Crop("squash", 1.0)
    assert network.spec.size == plain.spec.size


@pytest.mark.parametrize(
    ("spec", "mean", "message"),
    [
        (CAFFE, (0.5,), "--mean that agrees with --spec, found 0.5, but the spec states 0.485.* leave one of them out"),
        (CAFFE, (0.5, 0.5), "--mean that agrees with --spec"),
        (InputSpec.of([0.5], [0.5], raw_dtype="uint8"), None, "a spec of 3 channels, as .* takes, found 1"),
        (replace(CAFFE, scale=Known(2.0, "x"), raw_dtype=Unknown("x")), None, "says what raw values are, found a scale of 2"),
        (replace(CAFFE, scale=Known(-1.0, "x")), None, "a positive scale"),
        (replace(CAFFE, channels=Unknown("nobody")), None, "a stated channels"),
    ],
)
def test_contradictions_and_what_is_missing_are_refused(
    factory: str, spec: InputSpec, mean: tuple[float, ...] | None, message: str
) -> None:
    with pytest.raises(SpecError, match=message):
        with_spec(load_network(factory, "none"), spec, mean, None if mean is None else (1 / 255,))


def test_the_same_said_twice_is_no_contradiction(factory: str) -> None:
    spec = InputSpec.of((0.5,) * 3, (0.25,) * 3, raw_dtype="uint8")
    assert with_spec(load_network(factory, "none"), spec, (0.5,), (0.25, 0.25, 0.25)).spec.require("std") == (0.25,) * 3


def test_every_way_in_takes_the_spec(factory: str, tmp_path: Path) -> None:
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(CAFFE.to_json()))
    for index in range(4):
        save_photo(tmp_path / "data" / "ab"[index % 2] / f"{index}.png", index)
    stated = with_spec(load_network(factory, "none"), CAFFE)
    expected = stated.module(source(stated.spec.require("mean"), stated.spec.require("std"))(raw()))
    stated_by_file = NetworkOptions(factory, weights="none", spec=str(path))
    ways = [
        built_network(stated_by_file, Training(protocol="probe"), None),
        fed_network(NetworkOptions(factory, weights="none", spec=path), 0).network,
    ]
    for network in ways:
        fed = source(network.spec.require("mean"), network.spec.require("std"))(raw())
        assert torch.allclose(network.module(fed), expected, rtol=1e-5, atol=1e-4)
    given = folder_task(LabelOptions(str(tmp_path / "data")), (factory,), "none", spec=str(path)).given
    assert given is not None
    pretrained = given(factory)
    assert pretrained.constants is not None
    fed = source(pretrained.constants.mean, pretrained.constants.std)(raw())
    assert torch.allclose(pretrained.module(fed), expected, rtol=1e-5, atol=1e-4)


def test_a_transfer_under_a_spec_ships_a_network_for_rgb_with_unit_constants(factory: str, tmp_path: Path) -> None:
    for part in ("train", "val"):
        for index in range(4):
            save_photo(tmp_path / "data" / part / "ab"[index % 2] / f"{index}.png", index)
    run = transfer(factory, tmp_path / "data", out=tmp_path / "run", weights="none", spec=CAFFE, protocol="probe", workers=0)
    assert run.normalisation.mean == pytest.approx((123.68 / 255, 116.779 / 255, 103.939 / 255))
    weights = load_file(tmp_path / "run" / "model" / "model.safetensors")
    plain = load_network(factory, "none")
    assert np.array_equal(weights["0.weight"].numpy(), first_layer(plain.module).weight.flip(1).detach().numpy())
    document = json.loads((tmp_path / "run" / "model" / "tare.json").read_text())
    assert document["spec"]["channels"] == "RGB"


def test_a_scale_moves_a_clip_with_the_constants() -> None:
    clipped = Constants((0.1,), (0.5,), "a run", clip=((0.1, 0.6),))
    spec = InputSpec.of([0.1], [0.5], raw_dtype="uint8", clip=[25.5, 153])
    constants, moved = scaled(clipped, spec, 1 / 255, "float32")  # 0..255 that are stored as floats
    assert constants is not None
    raw = np.array([[0.0], [50.0], [200.0]])
    assert moved.input_map().apply(raw) == pytest.approx(spec.input_map().apply(raw))
    assert constants.convention().input_map().apply(raw) == pytest.approx(spec.input_map().apply(raw))


def test_a_spec_that_names_the_columns_of_a_run_in_other_places_is_refused(tmp_path: Path) -> None:
    run = tiny_number_run(tmp_path, RowGeometry(("p", "q", "r"), "float64"))
    network = source_network(str(run), "pretrained", 0)
    for channels, refused in (("r,p,q", True), ("p,q,r", False), ("P,Q,R", False)):
        spec = InputSpec.of((1, 2, 3), (1, 2, 4), scale=1.0, channels=channels, raw_dtype="float64", layout="NC")
        if refused:
            with pytest.raises(SpecError, match="the same channels in one order in both"):
                with_spec(network, spec)
        else:
            assert with_spec(network, spec).spec.require("mean") == (1, 2, 3)
