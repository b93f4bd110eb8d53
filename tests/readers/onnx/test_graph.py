"""ONNX models: tare's metadata, the normalisation at a graph's front, and files that lie."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from tare.errors import SpecError
from tare.input_spec.affine import Affine
from tare.input_spec.spec import InputSpec, Known, Unknown
from tare.readers.table import read_spec

onnx = pytest.importorskip("onnx", reason="reads and writes ONNX models")

from onnx import TensorProto, helper  # noqa: E402
from onnx.reference import ReferenceEvaluator  # noqa: E402

from tare.readers.onnx.graph import read_onnx  # noqa: E402
from tests.readers.graphs import initializer, model, saved, with_eye  # noqa: E402

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
node = helper.make_node


def column(values: Any) -> Any:
    return np.asarray(values).reshape(1, -1, 1, 1)


def zscore(mean: Any = MEAN, std: Any = STD, **options: Any) -> Any:
    """(image - mean) / std in front of a convolution."""
    nodes = [node("Sub", ["image", "mean"], ["centred"]), node("Div", ["centred", "std"], ["scaled"])]
    constants = [initializer("mean", column(mean)), initializer("std", column(std))]
    return with_eye(nodes, constants, [1, 3, 8, 10], "scaled", **options)


def bytes_in(mean: Any = MEAN, std: Any = STD, **options: Any) -> Any:
    """Raw bytes, channels last, as a phone gives them."""
    nodes = [
        node("Cast", ["image"], ["float"], to=TensorProto.FLOAT),
        node("Transpose", ["float"], ["planes"], perm=[0, 3, 1, 2]),
        node("Div", ["planes", "largest"], ["unit"]),
        node("Sub", ["unit", "mean"], ["centred"]),
        node("Mul", ["centred", "inverse"], ["scaled"]),
    ]
    constants = [initializer("largest", 255.0), initializer("mean", column(mean)), initializer("inverse", 1 / column(std))]
    return with_eye(nodes, constants, ["N", 8, 10, 3], "scaled", kind=TensorProto.UINT8, **options)


def why(stated: Any) -> str:
    assert isinstance(stated, Unknown), stated
    return stated.reason


def test_floats_that_are_z_scored(tmp_path: Path) -> None:
    path = saved(tmp_path / "model.onnx", zscore())
    spec = read_onnx(path)
    assert spec.affine().distance(Affine.of_normalisation(MEAN, STD, 1.0), high=1.0) < 1e-6
    assert isinstance(spec.mean, Known)
    assert spec.mean.origin == f"{path}, Sub, Div at the graph's front"
    assert (spec.require("layout"), spec.require("size"), spec.require("raw_dtype")) == ("NCHW", (8, 10), "float32")
    assert isinstance(spec.crop, Unknown)


def test_bytes_channels_last(tmp_path: Path) -> None:
    spec = read_spec(f"onnx:{saved(tmp_path / 'model.onnx', bytes_in())}")
    assert spec.equivalent(InputSpec.of(MEAN, STD, raw_dtype="uint8"), 1e-5)
    assert (spec.require("layout"), spec.require("dtype"), spec.require("scale")) == ("NHWC", "uint8", 1 / 255)
    assert read_spec(tmp_path / "model.onnx").equivalent(spec)


def test_without_normalisation_nothing_is_known(tmp_path: Path) -> None:
    spec = read_onnx(saved(tmp_path / "model.onnx", with_eye([], [], [1, 3, 8, 8], "image")))
    assert "it expects input that is already normalised" in why(spec.mean)
    assert spec.require("size") == (8, 8)


def test_tares_metadata_come_first(tmp_path: Path) -> None:
    stated = InputSpec.of(MEAN, STD, size=(8, 10), raw_dtype="uint8")
    metadata = {"tare.spec": json.dumps(stated.to_json())}
    for made in (
        bytes_in(metadata=metadata),
        zscore(metadata=metadata),
        with_eye([], [], [1, 3, 8, 8], "image", metadata=metadata),
    ):
        assert read_onnx(saved(tmp_path / "model.onnx", made)).fields() == stated.fields()


def test_metadata_that_the_graph_contradicts_are_refused_with_both_numbers(tmp_path: Path) -> None:
    metadata = {"tare.spec": json.dumps(InputSpec.of((0.5,) * 3, (0.5,) * 3, raw_dtype="uint8").to_json())}
    path = saved(tmp_path / "model.onnx", bytes_in(metadata=metadata))
    with pytest.raises(SpecError, match=r"raw 255 becomes 1\.0000 by tare\.spec and 2\.2489 by the graph"):
        read_onnx(path)


def test_the_pixel_format_of_the_metadata_names_the_channels(tmp_path: Path) -> None:
    spec = read_onnx(saved(tmp_path / "model.onnx", zscore(metadata={"Image.BitmapPixelFormat": "Bgr8"})))
    assert spec.require("channels") == "BGR"


def test_channels_taken_apart_and_joined(tmp_path: Path) -> None:
    """Inception's transform_input: each channel on its own, then concatenated."""
    nodes: list[Any] = []
    constants = [initializer("axis", [1], np.int64)]
    for index in range(3):
        constants += [initializer(f"i{index}", index, np.int64), initializer(f"a{index}", STD[index] / 0.5)]
        constants += [initializer(f"b{index}", (MEAN[index] - 0.5) / 0.5)]
        nodes += [
            node("Gather", ["image", f"i{index}"], [f"g{index}"], axis=1),
            node("Unsqueeze", [f"g{index}", "axis"], [f"u{index}"]),
            node("Mul", [f"u{index}", f"a{index}"], [f"m{index}"]),
            node("Add", [f"m{index}", f"b{index}"], [f"c{index}"]),
        ]
    nodes += [node("Concat", ["c0", "c1", "c2"], ["all"], axis=1)]
    spec = read_onnx(saved(tmp_path / "model.onnx", with_eye(nodes, constants, [1, 3, 8, 8], "all")))
    expected = Affine((0, 1, 2), tuple(s / 0.5 for s in STD), tuple((m - 0.5) / 0.5 for m in MEAN))
    assert spec.affine().distance(expected, high=3.0) < 1e-6


@pytest.mark.parametrize("how", ["gather", "slice", "split"])
def test_reversed_channels_are_bgr(tmp_path: Path, how: str) -> None:
    constants = [initializer("order", [2, 1, 0], np.int64), initializer("mean", column([103.9, 116.8, 123.7]))]
    constants += [initializer(name, [value], np.int64) for name, value in (("s", -1), ("e", -(2**62)), ("x", 1), ("t", -1))]
    turned = {
        "gather": [node("Gather", ["image", "order"], ["bgr"], axis=1)],
        "slice": [node("Slice", ["image", "s", "e", "x", "t"], ["bgr"])],
        "split": [node("Split", ["image"], ["r", "g", "b"], axis=1), node("Concat", ["b", "g", "r"], ["bgr"], axis=1)],
    }[how]
    made = with_eye([*turned, node("Sub", ["bgr", "mean"], ["out0"])], constants, [1, 3, 8, 8], "out0", opset=13)
    spec = read_onnx(saved(tmp_path / "model.onnx", made))
    assert (spec.require("channels"), spec.require("scale")) == ("BGR", 1.0)
    assert spec.require("mean") == pytest.approx((103.9, 116.8, 123.7))


@pytest.mark.parametrize("turns_first", [True, False])
@pytest.mark.parametrize("order", [(2, 1, 0), (1, 2, 0), (0, 2, 1), (1, 0), (3, 2, 1, 0), (2, 0, 3, 1)])
@pytest.mark.parametrize("alike", [True, False])
def test_constants_stand_at_their_channels_or_are_unknown(
    order: tuple[int, ...], alike: bool, turns_first: bool, tmp_path: Path
) -> None:
    """An order of channels without a name gives no places to constants that differ."""
    count = len(order)
    mean, std = np.linspace(0.1, 0.4, count), np.linspace(0.5, 2.0, count)
    mean, std = (np.full(count, 0.3), np.full(count, 0.5)) if alike else (mean, std)
    constants = [initializer("order", order, np.int64), initializer("mean", column(mean)), initializer("std", column(std))]
    turn, steps = ["Gather"], ["Sub", "Div"]
    nodes, last = [], "image"
    for index, op in enumerate(turn + steps if turns_first else steps + turn):
        options: dict[str, Any] = {"axis": 1} if op == "Gather" else {}
        nodes.append(node(op, [last, {"Gather": "order", "Sub": "mean", "Div": "std"}[op]], [f"t{index}"], **options))
        last = f"t{index}"
    made = with_eye(nodes, constants, [1, count, 4, 4], last, channels=count)
    spec = read_onnx(saved(tmp_path / "model.onnx", made))
    if order == (2, 1, 0):
        colour = np.arange(1.0, count + 1)
        fed = np.broadcast_to(colour.reshape(1, -1, 1, 1), (1, count, 4, 4)).astype(np.float32)
        outputs: Any = ReferenceEvaluator(made).run(None, {"image": fed})
        assert spec.require("channels") == "BGR"
        assert spec.affine_from("float32").apply(colour) == pytest.approx(outputs[0][0, :, 0, 0], rel=1e-5)
        return
    assert f"puts channels in the order {order}" in why(spec.channels)
    if alike:
        assert (spec.require("mean"), spec.require("std")) == (pytest.approx((0.3,) * count), pytest.approx((0.5,) * count))
    else:
        for stated in (spec.scale, spec.mean, spec.std):
            assert f"puts channels in the order {order}" in why(stated)


@pytest.mark.parametrize(("shape", "taken"), [([1, 4, 8, 8], [0, 1, 2]), ([1, 3, 8, 8], [0]), ([1, 3, 8, 8], [1, 0])])
def test_a_part_of_the_channels_is_no_whole_input(shape: list[int | str], taken: list[int], tmp_path: Path) -> None:
    constants = [initializer("taken", taken, np.int64), initializer("mean", 0.5)]
    nodes = [node("Gather", ["image", "taken"], ["part"], axis=1), node("Sub", ["part", "mean"], ["x"])]
    spec = read_onnx(saved(tmp_path / "model.onnx", with_eye(nodes, constants, shape, "x", channels=len(taken))))
    for stated in (spec.channels, spec.scale, spec.mean, spec.std):
        assert f"takes {len(taken)} of the image's {shape[1]} channels" in why(stated)


def test_a_grey_image_that_is_repeated_is_one_channel(tmp_path: Path) -> None:
    constants = [initializer("zeros", [0, 0, 0], np.int64), initializer("mean", 0.5)]
    nodes = [node("Gather", ["image", "zeros"], ["three"], axis=1), node("Sub", ["three", "mean"], ["x"])]
    spec = read_onnx(saved(tmp_path / "model.onnx", with_eye(nodes, constants, [1, 1, 8, 8], "x")))
    assert (spec.require("channels"), spec.require("mean")) == ("L", (0.5,))


def test_batch_norm_and_dequantisation(tmp_path: Path) -> None:
    constants = [
        initializer(name, value) for name, value in (("w", [1, 2, 3]), ("b", [0, 1, 0]), ("m", MEAN), ("v", np.square(STD)))
    ]
    constants += [initializer("q", 1 / 255), initializer("zero", 0, np.uint8)]
    nodes = [node("DequantizeLinear", ["image", "q", "zero"], ["unit"])]
    nodes += [node("BatchNormalization", ["unit", "w", "b", "m", "v"], ["normal"], epsilon=0.0)]
    made = with_eye(nodes, constants, [1, 3, 8, 8], "normal", kind=TensorProto.UINT8)
    found = read_onnx(saved(tmp_path / "model.onnx", made)).affine()
    expected = [w * (0.5 - m) / s + b for w, b, m, s in zip((1, 2, 3), (0, 1, 0), MEAN, STD, strict=True)]
    assert found.apply(np.full(3, 127.5)) == pytest.approx(expected, abs=1e-5)


@st.composite
def fronts(draw: st.DrawFn) -> Any:
    """A chain of the operators that exporters put in front, on bytes or floats, channels first or last."""
    last = draw(st.booleans())
    is_bytes = draw(st.booleans())
    axis = 3 if last else 1
    nodes = [node("Cast", ["image"], ["t0"], to=TensorProto.FLOAT)]
    constants: list[Any] = []
    numbers = st.floats(0.1, 3.0)
    for index in range(draw(st.integers(1, 5))):
        source, target, constant = f"t{index}", f"t{index + 1}", f"k{index}"
        op = draw(st.sampled_from(["Add", "Sub", "Mul", "Div", "Reverse", "Sub from", "Resize", "Transpose"]))
        values = np.asarray(draw(st.lists(numbers, min_size=3, max_size=3)), np.float32)
        shape = [3 if each == axis else 1 for each in range(4)]
        trailing = values.reshape(shape[draw(st.integers(0, axis)) if draw(st.booleans()) else 0 :])
        constants.append(initializer(constant, draw(st.sampled_from([trailing, values[0], values[:1]]))))
        if op == "Reverse":
            constants[-1] = initializer(constant, [2, 1, 0], np.int64)
            nodes.append(node("Gather", [source, constant], [target], axis=axis))
        elif op == "Resize":
            nodes.append(node("Identity", [source], [target]))
        elif op == "Transpose":
            order = draw(st.sampled_from([[0, 3, 1, 2], [0, 2, 3, 1], [0, 1, 3, 2]]))
            nodes.append(node("Transpose", [source], [target], perm=order))
            axis = order.index(axis)
        elif op == "Sub from":
            nodes.append(node("Sub", [constant, source], [target]))
        else:
            nodes.append(node(op, [source, constant], [target]))
    count = len(nodes)
    order = {1: [0, 1, 2, 3], 2: [0, 2, 1, 3], 3: [0, 3, 1, 2]}[axis]
    nodes.append(node("Transpose", [f"t{count - 1}"], ["planes"], perm=order))
    shape_in: list[int | str] = [1, 5, 7, 3] if last else [1, 3, 5, 7]
    return (
        with_eye(nodes, constants, shape_in, "planes", kind=TensorProto.UINT8 if is_bytes else TensorProto.FLOAT),
        last,
        is_bytes,
    )


@settings(max_examples=150, deadline=None)
@given(fronts(), st.integers(0, 99))
def test_the_map_does_what_the_graph_does(
    tmp_path_factory: pytest.TempPathFactory, made: tuple[Any, bool, bool], seed: int
) -> None:
    graph, last, is_bytes = made
    path = saved(tmp_path_factory.mktemp("onnx") / "model.onnx", graph)
    image = np.random.default_rng(seed).integers(0, 256, (1, 5, 7, 3) if last else (1, 3, 5, 7)).astype(np.uint8)
    fed = image if is_bytes else image.astype(np.float32)
    outputs: Any = ReferenceEvaluator(graph).run(None, {"image": fed})
    output = outputs[0]
    spec = read_onnx(path)
    if isinstance(spec.mean, Unknown):  # nothing but a change of order, or values upside down
        assert any(text in spec.mean.reason for text in ("already normalised", "invert values"))
        return
    raw = image[0] if last else image[0].transpose(1, 2, 0)
    affine = spec.affine() if is_bytes else spec.affine_from("float32")
    made_of = affine.apply(raw.astype(np.float64))
    reached = np.sort(output[0].reshape(3, -1), axis=1)  # transposes may exchange height and width
    assert np.allclose(reached, np.sort(made_of.reshape(-1, 3).T, axis=1), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(
    ("nodes", "constants", "message"),
    [
        ([node("Relu", ["image"], ["x"])], [], "a Relu stands before the first layer with weights, and is no affine map"),
        ([node("ReduceMean", ["image"], ["m"]), node("Sub", ["image", "m"], ["x"])], [], "a ReduceMean stands"),
        ([node("Mul", ["image", "image"], ["x"])], [], "combines two tensors that both come from the image"),
        ([node("Div", ["k", "image"], ["x"])], [initializer("k", 1.0)], "divides by the image"),
        ([node("Sub", ["image", "k"], ["x"])], [initializer("k", np.zeros((8, 8)))], "not one number per channel"),
        ([node("Sub", ["image", "k"], ["x"])], [initializer("k", np.zeros((1, 3, 8, 8)))], "not one number per channel"),
        ([node("Sub", ["image", "k"], ["x"])], [initializer("k", np.zeros(1 << 17))], "too large for a mean or std"),
        ([node("Sub", ["image", "nobody"], ["x"])], [], "'nobody' is not a constant"),
        ([node("Neg", ["image"], ["x"])], [], "invert values"),
        ([node("Sub", ["image", "k"], ["x"], domain="com.evil")], [initializer("k", 1.0)], "is no affine map"),
        ([node("Cast", ["image"], ["x"], to=TensorProto.INT64)], [], "rounds values to integers"),
    ],
)
def test_what_is_no_map_per_channel_is_unknown_with_its_reason(
    tmp_path: Path, nodes: list[Any], constants: list[Any], message: str
) -> None:
    spec = read_onnx(saved(tmp_path / "model.onnx", with_eye(nodes, constants, [1, 3, 8, 8], "x")))
    assert message in why(spec.mean)


class Deployed(nn.Module):
    """A network with its normalisation inside: bytes, channels last, as a server gets them."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(MEAN).reshape(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(STD).reshape(1, 3, 1, 1))
        self.body = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU())

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        planes = images.permute(0, 3, 1, 2).flip(1)
        return self.body((planes.float() / 255 - self.mean) / self.std)  # type: ignore[no-any-return, operator]


@pytest.mark.parametrize("dynamo", [False, True])
@pytest.mark.filterwarnings("ignore")
def test_what_torch_exports_is_read(tmp_path: Path, dynamo: bool) -> None:
    pytest.importorskip("onnxscript", reason="torch's exporter needs it")
    path = tmp_path / "model.onnx"
    options: dict[str, Any] = {"external_data": False, "verbose": False} if dynamo else {}
    torch.onnx.export(Deployed().eval(), (torch.zeros(1, 8, 10, 3, dtype=torch.uint8),), str(path), dynamo=dynamo, **options)
    spec = read_onnx(path)
    assert spec.equivalent(InputSpec.of(MEAN, STD, channels="BGR", raw_dtype="uint8"), 1e-5)
    assert (spec.require("layout"), spec.require("size"), spec.require("dtype")) == ("NHWC", (8, 10), "uint8")


def test_two_first_layers_that_disagree(tmp_path: Path) -> None:
    nodes = [node("Sub", ["image", "k"], ["x"]), node("Conv", ["image", "eye"], ["other"])]
    spec = read_onnx(saved(tmp_path / "model.onnx", with_eye(nodes, [initializer("k", 0.5)], [1, 3, 8, 8], "x")))
    assert "receive differently scaled images" in why(spec.mean)


def test_two_images_are_not_guessed_between(tmp_path: Path) -> None:
    made = zscore()
    made.graph.input.append(helper.make_tensor_value_info("other", TensorProto.FLOAT, [1, 3, 8, 8]))
    assert "nothing says which one is the image" in why(read_onnx(saved(tmp_path / "model.onnx", made)).mean)
    made.graph.input[1].CopyFrom(helper.make_tensor_value_info("tokens", TensorProto.INT64, [1, 12]))
    assert isinstance(read_onnx(saved(tmp_path / "model.onnx", made)).mean, Known)


def test_data_outside_the_file_are_not_read(tmp_path: Path) -> None:
    made = zscore()
    outside = {"save_as_external_data": True, "location": "weights.bin", "size_threshold": 0}
    onnx.save_model(made, str(tmp_path / "model.onnx"), **outside)
    assert "is stored outside the file" in why(read_onnx(tmp_path / "model.onnx").mean)


def test_constants_folded_from_constants(tmp_path: Path) -> None:
    flat = helper.make_tensor("flat", TensorProto.FLOAT, [3], MEAN)
    nodes = [
        node("Constant", [], ["m"], value=flat),
        node("Constant", [], ["axes"], value_ints=[1, 2]),
        node("Constant", [], ["s"], value_float=0.25),
        node("Unsqueeze", ["m", "axes"], ["mean"]),
        node("Sub", ["image", "mean"], ["x0"]),
        node("Div", ["x0", "s"], ["x"]),
    ]
    spec = read_onnx(saved(tmp_path / "model.onnx", with_eye(nodes, [], [1, 3, 8, 8], "x")))
    assert spec.require("mean") == pytest.approx(MEAN)
    assert spec.require("std") == (0.25,) * 3


@pytest.mark.parametrize(
    ("mean", "std", "message"),
    [
        (MEAN, (0.0, 1.0, 1.0), "divides by zero"),
        ((float("nan"), 0, 0), STD, "finite constants at the graph's front"),
        ((float("inf"), 0, 0), STD, "finite constants at the graph's front"),
    ],
)
def test_constants_that_cannot_be_are_one_line(tmp_path: Path, mean: Any, std: Any, message: str) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        read_onnx(saved(tmp_path / "model.onnx", zscore(mean, std)))
    assert "\n" not in str(caught.value)


SEVENTH = initializer("k", [7], np.int64)


def lying(**changes: Any) -> Any:
    made = zscore()
    tensor = made.graph.initializer[0]
    for name, value in changes.items():
        if name == "dims":
            tensor.dims[:] = value
        else:
            setattr(tensor, name, value)
    return made


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lying(dims=[1, 3, 1, 1000]), "values of the constant 'mean' that fit its type and shape"),
        (lying(raw_data=b"\x00"), "values of the constant 'mean' that fit its type and shape"),
        (lying(data_type=99), "values of the constant 'mean' that fit its type and shape"),
        (lying(data_type=8), "values of the constant 'mean' that fit its type and shape|finite"),
        (model([node("Transpose", ["image"], ["out"], perm=[0, 0, 1, 7])], [], [1, 3, 8, 8]), "is no permutation"),
        (model([node("Gather", ["image"], ["out"], axis=1)], [], [1, 3, 8, 8]), "a valid ONNX graph"),
        (model([node("Sub", ["image"], ["out"])], [], [1, 3, 8, 8]), "a valid ONNX graph"),
        (
            model([node("Gather", ["image", "k"], ["out"], axis=1)], [initializer("k", [7], np.int64)], [1, 3, 8, 8]),
            "a valid ONNX",
        ),
        (model([], [], [1, 3, 8, 8]), "found no node"),
        (zscore(metadata={"tare.spec": "{}"}), "with schema"),
        (zscore(metadata={"tare.spec": "[" * 100_000}), "expected JSON under tare.spec"),
        (zscore(metadata={"tare.spec": "NaN"}), "with schema"),
    ],
)
def test_files_that_lie(tmp_path: Path, made: Any, message: str) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        read_onnx(saved(tmp_path / "model.onnx", made))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


def test_huge_and_negative_shapes_cost_nothing(tmp_path: Path) -> None:
    huge = lying(dims=[1 << 40, 3, 1 << 40])
    assert "too large" in why(read_onnx(saved(tmp_path / "model.onnx", huge)).mean)
    assert "too large" in why(read_onnx(saved(tmp_path / "model.onnx", lying(dims=[-1, 3]))).mean)
    made = with_eye([], [], [1, 1 << 50, 1 << 50, 8], "image")
    with pytest.raises(SpecError, match="expected a valid 'size'"):
        read_onnx(saved(tmp_path / "model.onnx", made))


def test_a_graph_that_refers_to_what_comes_later_ends(tmp_path: Path) -> None:
    nodes = [node("Sub", ["b", "image"], ["a"]), node("Sub", ["a", "k"], ["b"])]
    spec = read_onnx(saved(tmp_path / "model.onnx", with_eye(nodes, [initializer("k", 1.0)], [1, 3, 8, 8], "b")))
    assert "'b' is not a constant" in why(spec.mean)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400), st.integers(0, 2000))
def test_bytes_that_are_no_model(tmp_path_factory: pytest.TempPathFactory, noise: bytes, at: int) -> None:
    path = tmp_path_factory.mktemp("noise") / "model.onnx"
    whole = zscore().SerializeToString()
    for content in (noise, whole[:at], whole[:at] + noise + whole[at + len(noise) :]):
        path.write_bytes(content)
        assert "\n" not in outcome(path)


def outcome(path: Path) -> str:
    """What reading a file comes to: nothing else than a specification or one line."""
    try:
        return read_onnx(path).describe().replace("\n", " ")
    except SpecError as error:
        return str(error)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="a readable ONNX file"):
        read_spec(f"onnx:{tmp_path}/none.onnx")
    with pytest.raises(SpecError, match="a readable ONNX file"):
        read_spec(f"onnx:{tmp_path}")


@pytest.mark.parametrize(
    ("shape", "layout", "count", "size"),
    [
        (["N", 28, 28, 1], "NHWC", 1, (28, 28)),
        (["N", 224, 224, 3], "NHWC", 3, (224, 224)),
        (["N", 3, 224, 224], "NCHW", 3, (224, 224)),
        (["N", 1, 28, 28], "NCHW", 1, (28, 28)),
    ],
)
def test_a_graph_without_a_convolution_has_its_channels_on_the_axis_of_a_usual_number(
    tmp_path: Path, shape: list[Any], layout: str, count: int, size: tuple[int, int]
) -> None:
    found = read_onnx(saved(tmp_path / "model.onnx", flattened(shape)))
    assert (found.require("layout"), found.require("size")) == (layout, size)
    assert len(found.require("mean")) == count
    assert all(str(value) == "0.0" for value in found.require("mean"))


def test_a_graph_without_a_convolution_whose_axes_tell_nothing_is_unknown(tmp_path: Path) -> None:
    found = read_onnx(saved(tmp_path / "model.onnx", flattened(["N", 8, 16, 24])))
    assert "does not say which of its axes holds the channels" in why(found.mean)
    assert "any may hold the channels" in why(found.layout)
    assert isinstance(found.size, Unknown)


def flattened(shape: list[Any]) -> Any:
    """A perceptron on pixels, as exporters of TensorFlow write it."""
    number = int(np.prod(shape[1:]))
    nodes = [
        node("Mul", ["image", "scale"], ["unit"]),
        node("Reshape", ["unit", "row"], ["flat"]),
        node("MatMul", ["flat", "weight"], ["answer"]),
    ]
    constants = [
        initializer("scale", 1 / 255),
        initializer("row", [-1, number], np.int64),
        initializer("weight", np.zeros((number, 2))),
    ]
    return model(nodes, constants, shape)


def test_batch_norm_in_training_mode_is_unknown(tmp_path: Path) -> None:
    names = ("w", [1, 1, 1]), ("b", [0, 0, 0]), ("m", MEAN), ("v", np.square(STD))
    nodes = [node("BatchNormalization", ["image", "w", "b", "m", "v"], ["normal", "m1", "v1"], training_mode=1)]
    made = with_eye(nodes, [initializer(name, value) for name, value in names], [1, 3, 8, 8], "normal")
    assert "is in training mode" in why(read_onnx(saved(tmp_path / "model.onnx", made)).mean)
