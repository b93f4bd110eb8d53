from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch.autograd import forward_ad
from torchvision import tv_tensors
from torchvision.transforms import v2

from tare.errors import SpecError, StrategyError
from tare.input_spec.fields import Crop, Known
from tare.input_spec.spec import InputSpec, PerSample
from tare.normalisation.strategies import Constants, normalisation
from tare.parts.normaliser import Normaliser
from tests.made_stats import stacked, stated_stats

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
TORCHVISION = v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)])


def raw(*shape: int, kind: torch.dtype = torch.uint8, high: int = 256) -> torch.Tensor:
    return torch.randint(0, high, shape, generator=torch.Generator().manual_seed(0)).to(kind)


@pytest.fixture
def layer() -> Normaliser:
    return Normaliser(MEAN, STD, raw_dtype="uint8")


def close(found: torch.Tensor, expected: Any, atol: float = 2e-6) -> None:
    torch.testing.assert_close(found, torch.as_tensor(np.asarray(expected), dtype=found.dtype), rtol=0, atol=atol)


@pytest.mark.parametrize("shape", [(4, 3, 9, 7), (3, 9, 7), (0, 3, 9, 7), (1, 3, 1, 1)])
def test_bytes_become_what_torchvision_makes_of_them(layer: Normaliser, shape: tuple[int, ...]) -> None:
    fed = layer(raw(*shape))
    assert fed.shape == shape
    close(fed, TORCHVISION(raw(*shape)))


def test_any_memory_order_gives_the_same_numbers(layer: Normaliser) -> None:
    images = raw(4, 3, 8, 6)
    expected = TORCHVISION(images)
    close(layer(images.contiguous(memory_format=torch.channels_last)), expected)
    close(layer(images[::2, :, ::2, 1:]), expected[::2, :, ::2, 1:])
    close(layer(images.permute(0, 1, 3, 2)), expected.permute(0, 1, 3, 2))


SHAPES = {
    "NCHW": (2, 3, 4, 5), "NHWC": (2, 4, 5, 3), "NCTHW": (2, 3, 2, 4, 5), "NTCHW": (2, 2, 3, 4, 5), "NTHWC": (2, 2, 4, 5, 3),
    "NCDHW": (2, 3, 2, 4, 5), "NDHWC": (2, 2, 4, 5, 3), "NCT": (2, 3, 7), "NTC": (2, 7, 3), "NC": (2, 3),
}  # fmt: skip


@pytest.mark.parametrize("layout", SHAPES)
@pytest.mark.parametrize("kind", ["uint8", "uint16", "int16", "float32", "float64", "int64", "bool"])
@pytest.mark.parametrize("channels", ["RGB", "BGR"])
def test_every_layout_and_raw_type_is_what_the_specification_says(layout: str, kind: str, channels: str) -> None:
    spec = InputSpec.of((0.4, 0.5, 0.6), (0.2, 0.3, 0.1), raw_dtype=kind, layout=layout, channels=channels)
    values = raw(*SHAPES[layout], kind=getattr(torch, kind), high=2 if kind == "bool" else 200)
    axis = layout.index("C")
    expected = np.moveaxis(spec.input_map().apply(np.moveaxis(values.numpy().astype(np.float64), axis, -1)), -1, axis)
    fed = Normaliser.from_spec(spec)(values)
    assert fed.dtype == torch.float32
    np.testing.assert_allclose(fed.numpy(), expected, rtol=2e-6, atol=2e-6)
    np.testing.assert_allclose(Normaliser.from_spec(spec)(values[0]).numpy(), expected[0], rtol=2e-6, atol=2e-6)


def test_twelve_bits_in_uint16_keep_their_own_scale() -> None:
    made = Normaliser((0.5,), (0.25,), raw_dtype="uint16", scale=1 / 4095, bits=12)
    close(made(torch.tensor([[[[0, 4095]]]], dtype=torch.uint16)), [[[[-2.0, 2.0]]]])


def test_large_integers_and_times_lose_no_digits() -> None:
    for kind in (torch.int64, torch.float64):
        made = Normaliser((1.7e9,), (2.0,), raw_dtype=str(kind).removeprefix("torch."), layout="NC")
        close(made(torch.tensor([[1_700_000_001], [1_699_999_998]]).to(kind)), [[0.5], [-1.0]])


EXTRAS: dict[str, dict[str, Any]] = {
    "clip": {"clip": [20.0, 180.0]},
    "clip per channel": {"clip": [[0.0, 100.0], [20.0, 120.0], [30.0, 200.0]]},
    "map": {"value_map": "log1p"},
    "map and clip": {"value_map": "sqrt", "clip": [1.0, 12.0]},
    "z-score": {"per_sample": {"kind": "zscore", "over": "channel", "eps": 1e-5}},
    "min-max": {"per_sample": {"kind": "minmax", "over": "sample"}},
    "percentile": {"per_sample": {"kind": "percentile", "over": "channel", "low": 2.0, "high": 98.0}},
}


def extra(name: str) -> Normaliser:
    stated: dict[str, Any] = {key: PerSample(**each) if key == "per_sample" else each for key, each in EXTRAS[name].items()}
    return Normaliser((0.1, 0.2, 0.3), (1.0, 2.0, 3.0), raw_dtype="uint8", scale=1.0, **stated)


@pytest.mark.parametrize("name", EXTRAS)
def test_clip_map_and_per_sample_conventions_are_those_of_the_specification(name: str) -> None:
    made, images = extra(name), raw(3, 3, 8, 9)
    close(made(images), made.spec.apply(images), atol=1e-5)
    close(made(images[0]), made.spec.apply(images[0]), atol=1e-5)


@pytest.mark.parametrize("name", ["affine", *EXTRAS])
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")
def test_compiled_traced_and_exported_layers_give_the_same_numbers(layer: Normaliser, name: str) -> None:
    made, images, others = layer if name == "affine" else extra(name), raw(3, 3, 8, 9), 255 - raw(3, 3, 8, 9)
    expected = made(others)
    torch._dynamo.reset()
    close(torch.compile(made, backend="eager", fullgraph=True)(others), expected, atol=1e-5)
    close(torch.jit.trace(made, images)(others), expected, atol=1e-5)  # type: ignore[no-untyped-call]
    free = {0: torch.export.Dim("N"), 2: torch.export.Dim("H"), 3: torch.export.Dim("W")}
    free = free if not name.startswith(("percentile", "z-score", "min")) else {0: torch.export.Dim("N")}
    exported = torch.export.export(made, (images,), dynamic_shapes=(free,)).module()
    close(exported(others[:2]), expected[:2], atol=1e-5)


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_an_onnx_graph_gives_the_same_numbers(layer: Normaliser, tmp_path: Path) -> None:
    runtime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    for made in (layer, extra("clip per channel"), extra("map and clip")):
        path = tmp_path / "layer.onnx"
        program = torch.onnx.export(made, (raw(2, 3, 8, 9),), dynamo=True, verbose=False)
        assert program is not None
        program.save(path)
        session = runtime.InferenceSession(path)
        (found,) = session.run(None, {session.get_inputs()[0].name: (255 - raw(2, 3, 8, 9)).numpy()})
        close(made(255 - raw(2, 3, 8, 9)), found, atol=1e-5)


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("channels", ["RGB", "BGR"])
def test_a_scripted_layer_gives_the_same_numbers_and_refuses_the_same(channels: str) -> None:
    made = Normaliser(MEAN, STD, raw_dtype="uint8", clip=[10.0, 200.0], channels=channels)
    script: Any = torch.jit.script
    scripted = script(made)
    close(scripted(raw(2, 3, 5, 4)), made(raw(2, 3, 5, 4)))
    close(scripted(raw(3, 5, 4)), made(raw(3, 5, 4)))
    close(script(torch.nn.Sequential(made, torch.nn.Identity()))(raw(3, 5, 4)), made(raw(3, 5, 4)))
    with pytest.raises(torch.jit.Error, match="expected raw values of type uint8"):
        scripted(raw(2, 3, 5, 4).float())
    with pytest.raises(torch.jit.Error, match="expected 3 channels on axis -3"):
        scripted(raw(2, 1, 5, 4))
    with pytest.raises(SpecError, match=r"values pass through log1p; use torch\.jit\.trace"):
        script(extra("map"))


def test_other_raw_types_and_channels_are_refused(layer: Normaliser) -> None:
    with pytest.raises(SpecError, match="raw values of type uint8, as this Normaliser states, found float32"):
        layer(raw(2, 3, 5, 4) / 255)
    with pytest.raises(SpecError, match="found uint16"):
        layer(raw(2, 3, 5, 4, kind=torch.uint16))
    with pytest.raises(SpecError, match=r"3 channels on axis -3 of NCHW.*\(2, 1, 5, 4\)"):
        layer(raw(2, 1, 5, 4))
    with pytest.raises(SpecError, match="3 channels on axis -3 of NCHW"):
        layer(raw(2, 2, 3, 5, 4))
    torch._dynamo.reset()
    with pytest.raises(SpecError, match="found float32"):
        torch.compile(layer, backend="eager")(raw(2, 3, 5, 4) / 255)


def test_floating_types_pass_as_one() -> None:
    made = Normaliser(MEAN, STD, raw_dtype="float32")
    values = raw(2, 3, 5, 4) / 256
    for kind in (torch.float64, torch.float16, torch.bfloat16):
        close(made(values.to(kind)), made(values), atol=0)


def test_float_input_is_left_as_it_was_and_has_a_gradient() -> None:
    made = Normaliser(MEAN, STD, raw_dtype="float32")
    values = (raw(2, 3, 5, 4) / 255).requires_grad_()
    before = values.detach().clone()
    made(values).sum().backward()
    assert torch.equal(values.detach(), before)
    assert values.grad is not None
    close(values.grad[0, :, 0, 0], [1 / s for s in STD], atol=1e-5)


def test_it_is_a_step_of_torchvision_and_leaves_masks_boxes_and_labels_alone(layer: Normaliser) -> None:
    assert isinstance(layer, v2.Transform)
    image, mask = tv_tensors.Image(raw(3, 8, 6)), tv_tensors.Mask(raw(8, 6))
    boxes = tv_tensors.BoundingBoxes([[0, 1, 2, 3]], format="XYXY", canvas_size=(8, 6))
    steps = v2.Compose([v2.RandomHorizontalFlip(1.0), layer])
    fed, out = steps(image, {"mask": mask, "boxes": boxes, "label": 3, "vector": torch.ones(3)})
    assert isinstance(fed, tv_tensors.Image)
    close(fed.as_subclass(torch.Tensor), TORCHVISION(image.flip(-1)))
    assert torch.equal(out["mask"], mask.flip(-1))
    assert out["mask"].dtype == torch.uint8
    assert isinstance(out["boxes"], tv_tensors.BoundingBoxes)
    assert out["label"] == 3
    assert torch.equal(out["vector"], torch.ones(3))
    assert isinstance(layer(tv_tensors.Video(raw(2, 3, 8, 6))), tv_tensors.Video)


@pytest.mark.parametrize("thing", [np.zeros((3, 4, 4), np.uint8), {"label": 3}, tv_tensors.Mask(raw(4, 4))])
def test_what_holds_no_image_is_refused_and_not_handed_on(layer: Normaliser, thing: Any) -> None:
    with pytest.raises(SpecError, match="a tensor, or an image of Pillow or torchvision"):
        layer(thing)


def test_images_of_pillow_are_taken_and_palettes_refused(layer: Normaliser) -> None:
    pixels = raw(8, 6, 3)
    fed = layer(Image.fromarray(pixels.numpy()))
    assert isinstance(fed, tv_tensors.Image)
    close(fed.as_subclass(torch.Tensor), TORCHVISION(pixels.permute(2, 0, 1)))
    deep = Image.fromarray(np.array([[0, 65535]], np.uint16))
    close(Normaliser((0.5,), (0.5,), raw_dtype="uint16")(deep).as_subclass(torch.Tensor), [[[-1.0, 1.0]]])
    with pytest.raises(SpecError, match="mode P"):
        layer(Image.new("P", (4, 4)))
    with pytest.raises(SpecError, match="3 channels"):
        layer(Image.new("L", (4, 4)))
    with pytest.raises(SpecError, match="channels before height"):
        Normaliser(MEAN, STD, raw_dtype="uint8", layout="NHWC")(Image.new("RGB", (4, 4)))


@pytest.mark.parametrize("kind", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", ["RGB", "BGR"])
def test_the_inverse_gives_the_raw_values_back(kind: str, channels: str) -> None:
    made = Normaliser(MEAN, STD, raw_dtype=kind, channels=channels)
    values = raw(2, 3, 5, 4, kind=getattr(torch, kind), high=200)
    back = made.inverse()(made(values))
    np.testing.assert_allclose(
        back.numpy(), values.numpy().astype(np.float32), rtol=1e-5, atol=1e-2 if kind == "uint16" else 1e-4
    )


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.floats(-1.5, 1.5), st.floats(0.01, 1.9)), min_size=1, max_size=5), st.integers(0, 2**31))
def test_a_layer_and_its_inverse_undo_each_other(constants: list[tuple[float, float]], seed: int) -> None:
    mean, std = zip(*constants, strict=True)
    made = Normaliser(mean, std, raw_dtype="float64", layout="NC", dtype="float64")
    values = torch.rand((7, len(mean)), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    close(made.inverse()(made(values)), values, atol=1e-9)
    close(made.inverse().inverse()(values), made(values), atol=1e-9)


@pytest.mark.parametrize(
    ("name", "why"),
    [("clip", "clipped to"), ("map", "log1p"), ("z-score", "by its own values")],
)
def test_what_cannot_be_undone_says_why(name: str, why: str) -> None:
    with pytest.raises(SpecError, match=why):
        extra(name).inverse()


def test_a_clip_that_never_binds_can_be_undone() -> None:
    made = Normaliser(MEAN, STD, raw_dtype="uint8", clip=[0.0, 255.0])
    close(made.inverse()(made(raw(1, 3, 4, 4))), raw(1, 3, 4, 4), atol=1e-4)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_the_output_follows_a_move_and_the_constants_keep_their_digits(layer: Normaliser, kind: torch.dtype) -> None:
    moved = copy.deepcopy(layer).to(kind)
    fed = moved(raw(2, 3, 5, 4))
    assert fed.dtype == kind
    torch.testing.assert_close(fed, layer(raw(2, 3, 5, 4)).to(kind), rtol=torch.finfo(kind).eps, atol=1e-6)
    assert moved.mean.tolist() == list(MEAN)
    assert torch.equal(moved.float()(raw(2, 3, 5, 4)), layer(raw(2, 3, 5, 4)))
    assert layer.dtype == torch.float32


def test_the_state_goes_round_and_a_copy_is_a_copy(layer: Normaliser) -> None:
    other = Normaliser((0.1, 0.2, 0.3), (0.5, 0.6, 0.7), raw_dtype="uint8")
    twin = copy.deepcopy(other)
    other.load_state_dict(layer.state_dict())
    assert torch.equal(other(raw(2, 3, 5, 4)), layer(raw(2, 3, 5, 4)))
    assert other.spec.require("mean") == MEAN
    assert not torch.equal(twin(raw(2, 3, 5, 4)), layer(raw(2, 3, 5, 4)))
    stream = io.BytesIO()
    torch.save(layer.state_dict(), stream)
    stream.seek(0)
    assert torch.equal(pickle.loads(pickle.dumps(layer))(raw(2, 3, 5, 4)), layer(raw(2, 3, 5, 4)))  # noqa: S301 - our own bytes
    twin.load_state_dict(torch.load(stream, weights_only=True))
    assert torch.equal(twin(raw(2, 3, 5, 4)), layer(raw(2, 3, 5, 4)))


def test_a_loaded_clip_is_that_of_the_specification() -> None:
    made, other = (Normaliser((0.5,), (0.2,), raw_dtype="uint8", clip=[0.0, high]) for high in (99.0, 200.0))
    made.load_state_dict(other.state_dict())
    assert made.spec.input_map() == other.spec.input_map()
    assert torch.equal(made(raw(1, 1, 9, 9)), other(raw(1, 1, 9, 9)))


@pytest.mark.parametrize("channels", ["RGB", "BGR"])
@pytest.mark.parametrize("kind", ["uint8", "float32"])
def test_a_network_made_without_memory_takes_its_state(channels: str, kind: str) -> None:
    stated: Any = {"raw_dtype": kind, "channels": channels, "scale": 1 / 255}
    with torch.device("meta"):
        networks = [torch.nn.Sequential(Normaliser(MEAN, STD, **stated)) for _ in range(2)]
    expected = Normaliser((0.1, 0.2, 0.3), (0.5, 0.6, 0.7), **stated)
    state, values = torch.nn.Sequential(expected).state_dict(), raw(2, 3, 5, 4).to(getattr(torch, kind))
    networks[0].load_state_dict(state, assign=True)
    networks[1].to_empty(device="cpu").load_state_dict(state)
    for network in networks:
        assert torch.equal(network(values), expected(values))


@pytest.mark.parametrize("recorded", ["nothing", "trace", "export", "compile"])
def test_constants_that_a_library_puts_into_a_layer_without_memory_count(recorded: str) -> None:
    """As transformers does: other buffers get memory with anything in it, and torch's loading is not called."""
    expected = Normaliser(MEAN, STD, raw_dtype="float32", channels="BGR")
    with torch.device("meta"):
        layer = Normaliser(MEAN, STD, raw_dtype="float32", channels="BGR")
    state = expected.state_dict()
    for name, buffer in layer._buffers.items():
        if buffer is not None:
            layer._buffers[name] = state.get(name, torch.zeros_like(buffer, device="cpu"))
    values = raw(2, 3, 5, 4).float()
    made: Any = layer
    if recorded == "trace":
        made = torch.jit.trace(layer, (values,))  # type: ignore[no-untyped-call]
    elif recorded == "export":
        made = torch.export.export(layer, (values,)).module()
    elif recorded == "compile":
        made = torch.compile(layer, backend="eager")
    close(made(values), expected(values))


def test_the_state_of_other_raw_values_is_not_loaded(layer: Normaliser) -> None:
    with pytest.raises(RuntimeError, match="state of a Normaliser with scale"):
        Normaliser(MEAN, STD, raw_dtype="uint16").load_state_dict(layer.state_dict())


def test_it_works_inside_a_network_that_is_moved_saved_and_loaded() -> None:
    network = torch.nn.Sequential(Normaliser(MEAN, STD, raw_dtype="uint8"), torch.nn.Conv2d(3, 4, 3)).half().float()
    other = torch.nn.Sequential(Normaliser((0.1,) * 3, (0.2,) * 3, raw_dtype="uint8"), torch.nn.Conv2d(3, 4, 3))
    other.load_state_dict(network.state_dict())
    assert torch.equal(other(raw(2, 3, 5, 4)), network(raw(2, 3, 5, 4)))
    on_meta = copy.deepcopy(network).to("meta")
    assert on_meta(torch.empty(2, 3, 5, 4, dtype=torch.uint8, device="meta")).shape == (2, 4, 3, 2)


def test_what_it_is_stands_in_its_repr(layer: Normaliser) -> None:
    text = repr(Normaliser(MEAN, STD, raw_dtype="uint8", clip=[0.0, 200.0], value_map="log1p"))
    for word in ("0.485", "0.225", "raw_dtype='uint8'", "layout='NCHW'", "channels='RGB'", "log1p", "[0.0, 200.0]", "float32"):
        assert word in text
    assert "clip" not in repr(layer)


def test_a_specification_without_a_layout_needs_one() -> None:
    spec = InputSpec.of(MEAN, STD, raw_dtype="uint8")
    with pytest.raises(SpecError, match="stated layout"):
        Normaliser.from_spec(spec)
    close(
        Normaliser.from_spec(spec, layout="NHWC")(raw(2, 5, 4, 3)),
        TORCHVISION(raw(2, 5, 4, 3).permute(0, 3, 1, 2)).permute(0, 2, 3, 1),
    )
    with pytest.raises(SpecError, match="a stated raw_dtype"):
        Normaliser.from_spec(InputSpec.of(MEAN, STD, scale=1.0, layout="NCHW"))


def test_a_network_that_normalises_inside_is_not_given_a_second_one() -> None:
    spec = InputSpec.of(MEAN, STD, raw_dtype="uint8", layout="NCHW")
    with pytest.raises(SpecError, match="the model applies it"):
        Normaliser.from_spec(replace(spec, extra={"inside": "the model applies it"}))
    with pytest.raises(SpecError, match="takes floats"):
        Normaliser.from_spec(replace(spec, dtype=Known("uint8", "test")))


@pytest.mark.parametrize(
    ("mean", "std", "others", "match"),
    [
        ((0.5, 0.5, 0.5), (0.1, 0.0, 0.1), {}, "0 of channel 'green'"),
        ((0.5, 0.5), (0.1, -1.0), {"channels": "near,far"}, "channel 'far'"),
        ((0.5, float("nan"), 0.5), (0.1, 0.1, 0.1), {}, "finite constants.*'green'"),
        ((0.5,), (float("inf"),), {}, "finite constants.*'grey'"),
        ((0.5, 0.5, 0.5), (0.1,), {}, "3 means and 1 stds"),
        ((0.5, 0.5, 0.5), (0.1,) * 3, {"channels": "L"}, "channels"),
        ((123.7, 116.3, 103.5), (58.4, 57.1, 57.4), {}, r"unit values.*0\.\.255.*divide them by 255"),
        ((0.5,), (0.1,), {"raw_dtype": "uint9"}, "did you mean"),
        ((0.5,), (0.1,), {"layout": "CHW"}, "layout"),
        ((0.5,), (0.1,), {"clips": [0, 1]}, "did you mean clip"),
        ("half", (0.1,), {}, "numbers as mean"),
        (0.5, 0.1, {}, "numbers as mean"),
    ],
)
def test_constants_that_cannot_be_used_are_refused(mean: Any, std: Any, others: dict[str, Any], match: str) -> None:
    with pytest.raises(SpecError, match=match):
        Normaliser(mean, std, **{"raw_dtype": "uint8", **others})


def test_constants_of_code_values_are_taken_with_their_scale() -> None:
    made = Normaliser([m * 255 for m in MEAN], [s * 255 for s in STD], raw_dtype="uint8", scale=1.0)
    close(made(raw(2, 3, 5, 4)), TORCHVISION(raw(2, 3, 5, 4)))


@pytest.mark.parametrize("strategy", ["source", "target", "match", "blend", "none"])
def test_statistics_and_a_strategy_make_the_layer_that_the_strategy_states(strategy: Any) -> None:
    images = raw(12, 3, 8, 8).numpy()
    stats, seen = stacked(images.transpose(0, 2, 3, 1)), stated_stats((0.48, 0.45, 0.4), (0.28, 0.27, 0.28))
    made = Normaliser.from_stats(stats, strategy, source=(MEAN, STD), source_stats=seen)
    chosen = normalisation(
        strategy, 3, source=Constants(MEAN, STD, ""), target=stats, source_seen=Constants(seen.mean, seen.std, "")
    )
    assert made.spec.require("mean") == pytest.approx(chosen.mean)
    assert made.spec.require("std") == pytest.approx(chosen.std)
    if strategy == "target":
        fed = made(torch.from_numpy(images))
        close(fed.mean((0, 2, 3)), [0.0] * 3, atol=1e-5)
        close(fed.std((0, 2, 3), correction=0), [1.0] * 3, atol=1e-5)


def test_the_source_may_be_a_specification_and_what_lacks_is_named() -> None:
    stats = stacked(raw(4, 8, 8, 3).numpy())
    spec = InputSpec.of(MEAN, STD, raw_dtype="uint8")
    assert Normaliser.from_stats(stats, "source", source=spec).spec.require("mean") == pytest.approx(MEAN)
    with pytest.raises(StrategyError, match="the source's mean and std"):
        Normaliser.from_stats(stats, "source")
    with pytest.raises(SpecError, match="did you mean target"):
        Normaliser.from_stats(stats, "targets")  # type: ignore[arg-type]
    with pytest.raises(SpecError, match="type of raw values"):
        Normaliser.from_stats(stated_stats(MEAN, STD))


def test_a_source_of_channels_in_other_places_or_of_other_integers_is_refused() -> None:
    stats = stacked(raw(4, 8, 8, 3).numpy())
    bgr = InputSpec.of(MEAN, STD, channels="BGR", raw_dtype="uint8", layout="NCHW")
    for strategy in ("source", "blend"):
        with pytest.raises(SpecError, match="in the order of the statistics, red, green, blue, found 'blue' where 'red' is"):
            Normaliser.from_stats(stats, strategy, source=bgr)
    deep = InputSpec.of(MEAN, STD, channels="RGB", raw_dtype="uint16", layout="NCHW")
    with pytest.raises(SpecError, match="a source of uint8 values, as the statistics are of, found constants of uint16"):
        Normaliser.from_stats(stats, "source", source=deep)
    turned = replace(stats, channels=stats.channels[::-1])
    with pytest.raises(SpecError, match="'blue' where 'red' is"):
        Normaliser.from_stats(stats, "match", source=(MEAN, STD), source_stats=turned)


def test_each_sample_by_its_own_values_stays_finite_for_a_constant_image() -> None:
    made = Normaliser.from_stats(stacked(raw(4, 8, 8, 3).numpy()), "sample")
    fed = made(torch.cat([raw(1, 3, 8, 8), torch.full((1, 3, 8, 8), 200, dtype=torch.uint8)]))
    close(fed[0].std((1, 2), correction=0), [1.0] * 3, atol=1e-4)
    close(fed[1], torch.zeros(3, 8, 8), atol=1e-4)


def test_statistics_of_a_constant_channel_name_it() -> None:
    images = raw(4, 8, 8, 3).numpy()
    images[..., 2] = 9
    with pytest.raises(SpecError, match="0 of channel 'blue'"):
        Normaliser.from_stats(stacked(images))


def test_a_source_that_is_no_constants_is_refused() -> None:
    stats = stacked(raw(4, 8, 8, 3).numpy())
    with pytest.raises(SpecError, match="a mean and a std, or an InputSpec, as source, found int"):
        Normaliser.from_stats(stats, "source", source=3)


def test_bands_keep_the_names_of_the_statistics() -> None:
    made = Normaliser.from_stats(stacked(raw(4, 8, 8, 5).numpy()))
    assert made.spec.require("channels") == "c0,c1,c2,c3,c4"
    assert Normaliser.from_stats(stacked(raw(4, 8, 8, 3).numpy())).spec.require("channels") == "RGB"
    columns = replace(stated_stats((1.0, 2.0, 3.0), (1.0, 1.0, 1.0)), dtype="float64")
    assert Normaliser.from_stats(columns, layout="NC").spec.require("channels") == "c0,c1,c2"


def test_videos_of_another_layout_are_given_as_tensors() -> None:
    made = Normaliser(MEAN, STD, raw_dtype="uint8", layout="NTHWC")
    with pytest.raises(SpecError, match="as images of torchvision have them"):
        made(tv_tensors.Video(raw(2, 3, 8, 6)))


#: Ways to give a layer the constants of another: into its state, past autograd, as other memory, as other tensors.
CHANGES: dict[str, Callable[[Normaliser, str, torch.Tensor], Any]] = {
    "state_dict": lambda layer, name, new: layer.state_dict()[name].copy_(new),
    "data.copy_": lambda layer, name, new: getattr(layer, name).data.copy_(new),
    "data =": lambda layer, name, new: setattr(getattr(layer, name), "data", new.clone()),
    "buffer =": lambda layer, name, new: setattr(layer, name, new.clone()),
}


@pytest.mark.parametrize("change", CHANGES)
def test_constants_that_are_changed_where_they_lie_count_on_every_path(change: str) -> None:
    layer = Normaliser((0.5,) * 3, (0.25,) * 3, raw_dtype="uint8")
    new = Normaliser((0.1, 0.2, 0.3), (0.25, 0.5, 1.0), raw_dtype="uint8")
    values = torch.randint(0, 256, (2, 3, 6, 8), dtype=torch.uint8)
    layer(values)
    for name, buffer in new.state_dict().items():
        CHANGES[change](layer, name, buffer)
    for each in (values[:, :, ::2], values, values.transpose(2, 3)):
        torch.testing.assert_close(layer(each), new(each))
    script: Any = torch.jit.script
    torch.testing.assert_close(script(layer)(values), new(values))
    torch.testing.assert_close(layer.inverse()(layer(values)), new.inverse()(new(values)))


@pytest.mark.parametrize("change", CHANGES)
def test_constants_that_are_changed_where_they_lie_are_those_of_what_is_recorded_next(change: str) -> None:
    layer = Normaliser((0.5,) * 3, (0.25,) * 3, raw_dtype="uint8")
    new = Normaliser((0.1, 0.2, 0.3), (0.25, 0.5, 1.0), raw_dtype="uint8")
    values = torch.randint(0, 256, (2, 3, 6, 8), dtype=torch.uint8)
    compiled: Any = torch.compile(layer, backend="eager")
    torch.testing.assert_close(compiled(values), layer(values))
    for name, buffer in new.state_dict().items():
        CHANGES[change](layer, name, buffer)
    trace: Any = torch.jit.trace
    torch.testing.assert_close(trace(layer, values, check_trace=False)(values), new(values))
    torch.testing.assert_close(torch.export.export(layer, (values,)).module()(values), new(values))
    torch.testing.assert_close(compiled(values), new(values))


def test_constants_of_inference_mode_that_are_changed_count_and_serve_calls_with_gradients() -> None:
    with torch.inference_mode():
        layer = Normaliser((0.0,), (1.0,), raw_dtype="float32", layout="NC")
        layer.mean.fill_(5.0)
        close(layer(torch.zeros(1, 1)), [[-5.0]])
    values = torch.zeros(1, 1, requires_grad=True)
    layer(values).sum().backward()
    assert values.grad is not None
    close(values.grad, [[1.0]])


def test_a_tensor_in_the_place_of_one_that_is_gone_counts() -> None:
    """A new tensor often has the address, and so the id, of the one that was freed before."""
    images = raw(1, 3, 4, 8)[..., ::2]
    expected = Normaliser((0.1, 0.2, 0.3), STD, raw_dtype="uint8")(images)
    for _ in range(50):
        layer = Normaliser(MEAN, STD, raw_dtype="uint8")
        layer(images)
        layer.mean = torch.tensor([0.9, 0.9, 0.9], dtype=torch.float64)
        layer.mean = torch.tensor([0.1, 0.2, 0.3], dtype=torch.float64)
        close(layer(images), expected)


def test_constants_on_a_device_are_never_read_to_be_compared() -> None:
    """To read a number is to wait for the device; meta tensors refuse it."""
    layer = Normaliser(MEAN, STD, raw_dtype="uint8", clip=((0, 200),) * 3).to("meta")
    assert layer(torch.zeros(2, 3, 4, 4, dtype=torch.uint8, device="meta")).is_meta
    layer.mean.data = torch.zeros(3, dtype=torch.float64, device="meta")
    assert layer(torch.zeros(2, 3, 4, 4, dtype=torch.uint8, device="meta")).is_meta


def test_constants_that_are_learnt_get_gradients_at_every_call() -> None:
    layer = Normaliser((0.5,), (0.25,), raw_dtype="uint8")
    layer.mean.requires_grad_()
    for _ in range(2):
        fed = layer(torch.zeros(1, 1, 1, 2, dtype=torch.uint8))
        close(torch.autograd.grad(fed.sum(), layer.mean)[0], [-8.0])
    copy.deepcopy(layer)


@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("options", [{}, {"pre_dispatch": True}], ids=["dispatched", "before dispatch"])
def test_a_graph_of_operations_normalises_what_it_is_fed(
    layer: Normaliser, memory: torch.memory_format, options: dict[str, Any]
) -> None:
    from torch.fx.experimental.proxy_tensor import make_fx

    images = raw(2, 3, 8, 6).contiguous(memory_format=memory)
    layer.mean.data.fill_(0.25)
    graph = make_fx(layer, **options)(images)
    for each in (images, images.flip(0), images * 0):
        close(graph(each), layer(each))
    assert type(layer.factor) is torch.Tensor


def test_transforms_of_functions_and_modes_that_record_see_the_operations(layer: Normaliser) -> None:
    from torch.utils._python_dispatch import TorchDispatchMode

    names: list[str] = []

    class Recorded(TorchDispatchMode):  # type: ignore[no-untyped-call]
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            names.append(str(func))
            return func(*args, **(kwargs or {}))

    images = raw(2, 3, 8, 6)
    expected = layer(images)
    close(torch.func.vmap(layer)(images), expected)
    close(torch.func.functionalize(layer)(images), expected)
    with Recorded():  # type: ignore[no-untyped-call]
        close(layer(images), expected)
    assert "aten.mul_.Tensor" in names
    mapped = Normaliser(MEAN, STD, raw_dtype="uint8", per_sample=PerSample("percentile", "channel", 1e-6, 1.0, 99.0))
    close(torch.func.vmap(mapped)(images), mapped(images))
    floats = Normaliser(MEAN, STD, raw_dtype="float32")
    with forward_ad.dual_level():
        floats.mean = forward_ad.make_dual(floats.mean, torch.ones_like(floats.mean))  # type: ignore[no-untyped-call]
        tangent = forward_ad.unpack_dual(floats(torch.zeros(1, 3, 2, 2))).tangent  # type: ignore[no-untyped-call]
    close(tangent[0, :, 0, 0], [-1 / each for each in STD])


def test_a_layer_without_storage_takes_a_state() -> None:
    """Deferred initialisation: built on meta, given memory, then loaded."""
    with torch.device("meta"):
        layer = Normaliser((0.5,) * 3, (0.25,) * 3, raw_dtype="uint8")
    made = layer.to_empty(device="cpu")
    made.scale.fill_(6.9e-310)
    new = Normaliser((0.1, 0.2, 0.3), (0.25,) * 3, raw_dtype="uint8")
    made.load_state_dict(new.state_dict())
    values = torch.randint(0, 256, (2, 3, 6, 8), dtype=torch.uint8)
    torch.testing.assert_close(made(values), new(values))
    with pytest.raises(RuntimeError, match="expected the state of a Normaliser with scale"):
        made.load_state_dict(Normaliser((0.1,) * 3, (0.25,) * 3, raw_dtype="uint8", scale=1.0).state_dict())


def test_a_changed_scale_or_clip_is_in_the_specification_too() -> None:
    layer = Normaliser(MEAN, STD, raw_dtype="uint8", clip=((0, 200),) * 3)
    x = raw(2, 5, 4, 3).permute(0, 3, 1, 2)
    layer.scale.fill_(1 / 127.5)
    assert layer.spec.require("scale") == 1 / 127.5
    torch.testing.assert_close(layer.spec.apply(x), layer(x))
    layer.clip = None
    torch.testing.assert_close(layer.spec.apply(x), layer(x))
    torch.testing.assert_close(layer.inverse()(layer(x)), x.float(), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("channels", ["blue,green,red", "B,G,R", "Blue,red,green"])
def test_names_of_colours_in_another_order_are_none_of_pictures(channels: str) -> None:
    spec = InputSpec.of(MEAN, STD, channels=channels, raw_dtype="uint8", layout="NCHW", size=(4, 4))
    layer, picture = Normaliser.from_spec(spec), Image.new("RGB", (4, 4), (200, 120, 40))
    for call in (
        lambda: layer(picture),
        lambda: layer(tv_tensors.Image(torch.zeros(3, 4, 4, dtype=torch.uint8))),
        layer.to_torchvision,
        layer.to_timm,
        lambda: replace(spec, interpolation=Known("bilinear", ""), crop=Known(Crop("center", 1.0), "")).transform(),
    ):
        with pytest.raises(SpecError, match=r"channels in the order of (a picture|pictures), red, green, blue, found"):
            call()
    array = torch.zeros(1, 3, 4, 4, dtype=torch.uint8)  # which has the order that its user gives it
    assert layer(array).shape == array.shape
