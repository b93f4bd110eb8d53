from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torchvision.transforms import v2

from tare.errors import SpecError
from tare.input_spec.fields import LAYOUTS
from tare.input_spec.spec import SCHEMA, Crop, InputSpec, Known, Unknown
from tare.parts.normaliser import Normaliser

positive = st.floats(1e-3, 1e3)
origins = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)


def stated(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.builds(Known, values, origins), st.builds(Unknown, origins))


specs = st.builds(
    InputSpec,
    channels=stated(st.sampled_from(["RGB", "BGR", "L"])),
    scale=stated(positive),
    mean=stated(st.tuples(*[st.floats(-5, 5)] * 3)),
    std=stated(st.tuples(*[st.floats(1e-3, 20)] * 3)),
    size=stated(st.tuples(st.integers(1, 999), st.integers(1, 999))),
    interpolation=stated(st.sampled_from(["bilinear", "bicubic"])),
    crop=stated(st.builds(Crop, st.sampled_from(["center", "squash"]), st.floats(0.1, 1.0))),
    extra=st.dictionaries(st.sampled_from(["future", "x-note"]), st.integers()),
)


def imagenet(**changes: Any) -> InputSpec:
    values: dict[str, Any] = {
        "channels": Known("RGB", "test"),
        "scale": Known(1 / 255, "test"),
        "mean": Known((0.485, 0.456, 0.406), "test"),
        "std": Known((0.229, 0.224, 0.225), "test"),
    }
    return InputSpec(**(values | changes))


@given(specs)
def test_json_round_trips_with_origins_reasons_and_unknown_keys(spec: InputSpec) -> None:
    assert InputSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


def test_a_field_nobody_stated_is_unknown_and_null() -> None:
    spec = InputSpec()
    document = spec.to_json()
    for name in (f.name for f in fields(InputSpec) if f.name != "extra"):
        assert isinstance(getattr(spec, name), Unknown)
        assert document[name] is None
        assert document["origin"][name] == {"unknown": "nobody stated it"}
    assert document["affine"] is None


def test_an_unknown_field_that_is_needed_says_why_it_is_unknown() -> None:
    spec = imagenet(mean=Unknown("config.json has no key 'mean'"))
    with pytest.raises(
        SpecError, match=r"expected a stated mean .*, found it is unknown: config\.json has no key 'mean'; state it"
    ):
        spec.affine()


@pytest.mark.parametrize("name", ["mean", "std", "scale", "channels"])
def test_the_canonical_map_needs_all_four_fields(name: str) -> None:
    with pytest.raises(SpecError, match=f"a stated {name} of the network's input"):
        imagenet(**{name: Unknown("gone")}).affine()


def test_two_ways_to_say_one_thing_are_equivalent() -> None:
    raw = imagenet(
        scale=Known(1.0, "test"),
        mean=Known(tuple(255 * m for m in (0.485, 0.456, 0.406)), "test"),
        std=Known(tuple(255 * s for s in (0.229, 0.224, 0.225)), "test"),
    )
    assert imagenet().equivalent(raw)
    assert raw.equivalent(imagenet())


@given(
    st.tuples(*[st.floats(-2, 2)] * 3),
    st.tuples(*[st.floats(0.05, 2)] * 3),
    st.floats(1e-3, 1e3),
    st.sampled_from([1 / 255, 1.0]),
    st.sampled_from(["RGB", "BGR"]),
)
def test_scaling_everything_that_is_stated_says_the_same(
    mean: tuple[float, ...], std: tuple[float, ...], factor: float, scale: float, channels: str
) -> None:
    spec = InputSpec.of(mean, std, scale=scale, channels=channels, raw_dtype="uint8")
    same = InputSpec.of(
        [factor * m for m in mean], [factor * s for s in std], scale=factor * scale, channels=channels, raw_dtype="uint8"
    )
    assert spec.equivalent(same, tolerance=1e-9)
    assert same.equivalent(spec, tolerance=1e-9)
    turned = InputSpec.of(mean[::-1], std[::-1], scale=scale, channels="BGR" if channels == "RGB" else "RGB", raw_dtype="uint8")
    assert not spec.equivalent(turned, tolerance=1e9)


@given(st.sampled_from([0, 1, 2]), st.sampled_from([-1, 1]), st.floats(1e-5, 10.0))
def test_the_tolerance_of_equivalence_is_in_units_of_input_std(channel: int, sign: int, moved: float) -> None:
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    other = tuple(m + sign * moved * std[channel] * (c == channel) for c, m in enumerate(mean))
    spec, shifted = InputSpec.of(mean, std, raw_dtype="uint8"), InputSpec.of(other, std, raw_dtype="uint8")
    assert spec.equivalent(shifted, tolerance=moved * (1 + 1e-6))
    assert not spec.equivalent(shifted, tolerance=moved * (1 - 1e-6))
    assert not spec.equivalent(shifted)


def test_another_std_or_another_order_is_not_equivalent() -> None:
    assert not imagenet().equivalent(imagenet(std=Known((0.229, 0.224, 0.226), "test")))
    assert not imagenet().equivalent(imagenet(channels=Known("BGR", "test")))


def test_the_affine_map_is_written_out_for_readers_of_the_json() -> None:
    affine = imagenet(channels=Known("BGR", "test")).to_json()["affine"]
    assert affine["order"] == [2, 1, 0]
    assert affine["a"][0] == pytest.approx(1 / 255 / 0.229)
    assert affine["b"][0] == pytest.approx(-0.485 / 0.229)


@pytest.mark.parametrize("document", [[], None, "spec", {}, {"schema": "tare.spec/3"}, {"schema": "tare.stats/1"}])
def test_another_document_is_refused(document: Any) -> None:
    with pytest.raises(SpecError, match=r"expected a JSON object with schema 'tare\.spec/2', found .*; write it with"):
        InputSpec.from_json(document)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("mean", [], "not a list of one number per channel"),
        ("mean", ["0.5"], "not a finite number"),
        ("mean", [float("nan")], "not a finite number"),
        ("mean", [True], "not a finite number"),
        ("mean", 0.5, "not a list"),
        ("std", [0.0], "a std is positive"),
        ("std", [-0.2], "a std is positive"),
        ("std", [1e-320], "a std below 1e-100 cannot be used"),
        ("scale", 0, "a scale of zero leaves nothing"),
        ("scale", 1e308, r"a number beyond 1e\+100"),
        ("crop", {"mode": "center", "fraction": 1e-320}, "a crop's fraction is positive"),
        ("scale", float("inf"), "not a finite number"),
        ("size", [224], "two integers"),
        ("size", [0, 224], "height and width are positive integers"),
        ("size", [224.0, 224], "height and width are positive integers"),
        ("channels", 3, "not a text"),
        ("interpolation", [], "not one of nearest"),
        ("crop", {"mode": "center"}, "fraction"),
        ("crop", [], "list indices"),
    ],
)
def test_a_malformed_field_is_named_with_its_value_and_the_reason(name: str, value: Any, reason: str) -> None:
    with pytest.raises(SpecError, match=f"expected a valid '{name}' in the spec, found .*{reason}.*; correct it"):
        InputSpec.from_json({"schema": SCHEMA, name: value})


def test_a_field_without_an_origin_says_that_it_came_from_the_file() -> None:
    spec = InputSpec.from_json({"schema": SCHEMA, "mean": [0.5], "origin": "nonsense"})
    assert spec.mean == Known((0.5,), "spec file")
    assert spec.std == Unknown("the spec file does not state it")


def test_a_file_that_is_not_there_or_not_json_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"expected a readable JSON spec file, found .*nothing\.json.*; check the path"):
        InputSpec.load(tmp_path / "nothing.json")
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    with pytest.raises(SpecError, match=r"expected a readable JSON spec file, found .*broken\.json"):
        InputSpec.load(broken)


def test_a_deeply_nested_file_is_refused_without_a_crash(tmp_path: Path) -> None:
    deep = tmp_path / "deep.json"
    deep.write_text("[" * 100_000)
    with pytest.raises(SpecError, match="expected a readable JSON spec file"):
        InputSpec.load(deep)


def test_a_file_round_trips(tmp_path: Path) -> None:
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(imagenet().to_json()))
    assert InputSpec.load(path) == imagenet()


def stated_spec(**others: Any) -> InputSpec:
    return InputSpec.of((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), **{"raw_dtype": "uint8"} | others)


@pytest.mark.parametrize("channels", ["RGB", "BGR"])
@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("kind", ["uint8", "uint16", "float32", "float64"])
def test_apply_is_the_formula_for_every_layout_order_and_dtype(channels: str, layout: Any, kind: str) -> None:
    rng = np.random.default_rng(3)
    stored = "uint16" if kind == "uint16" else "uint8"
    raw = rng.integers(0, 65536 if kind == "uint16" else 256, (2, 5, 4, 3))
    unit = raw / (65535 if kind == "uint16" else 255)
    ordered = unit[..., ::-1] if channels == "BGR" else unit
    expected = (ordered - np.array((0.485, 0.456, 0.406))) / np.array((0.229, 0.224, 0.225))
    given_values = torch.from_numpy((unit if kind.startswith("float") else raw).astype(kind))
    given_values = given_values.permute(0, 3, 1, 2) if layout == "NCHW" else given_values
    got = stated_spec(channels=channels, raw_dtype=stored).apply(given_values, layout)
    assert got.dtype == (torch.float64 if kind == "float64" else torch.float32)
    got = got.permute(0, 2, 3, 1) if layout == "NCHW" else got
    np.testing.assert_allclose(got.numpy(), expected, rtol=0, atol=2e-6 if kind != "float64" else 1e-12)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_layout_that_a_spec_states_is_that_of_the_values(layout: str) -> None:
    spec = InputSpec.of((0.0, 10.0, 100.0), (1.0, 2.0, 4.0), scale=1.0, raw_dtype="float32", layout=layout)
    values = torch.randn([3] * len(layout), generator=torch.Generator().manual_seed(0))  # as many samples as channels
    assert torch.equal(spec.apply(values), Normaliser.from_spec(spec)(values))
    assert torch.equal(spec.apply(values[0]), spec.apply(values[:1])[0])
    other = replace(spec, layout=Unknown("nobody said it"))
    assert torch.equal(other.apply(values, layout), spec.apply(values))


@pytest.mark.parametrize("each", [None, {"kind": "minmax", "over": "channel", "eps": 0.0}])
@pytest.mark.parametrize("kind", ["int32", "int64", "uint32"])
def test_integers_that_floats_do_not_hold_are_mapped_in_float64(kind: str, each: Any) -> None:
    mean, start = 0.0 if each else 2.0**24, 2**24
    spec = InputSpec.of((mean, mean), (2.0, 2.0), scale=1.0, raw_dtype=kind, layout="NCT", channels="a,b", per_sample=each)
    raw = start + np.array([[[0, 1, 3], [5, 6, 9]]])
    fed = spec.apply(torch.from_numpy(raw.astype(kind)))
    expected = [[[0, 1 / 3, 1], [0, 0.25, 1]]] if each else (raw - start).tolist()
    assert fed.dtype == torch.float32
    np.testing.assert_allclose(fed.numpy(), np.array(expected) / 2, rtol=1e-7)


def test_floats_of_a_spec_whose_raw_values_are_floats_are_raw() -> None:
    spec = InputSpec.of((10.0,), (2.0,), scale=1.0, raw_dtype="float32")
    assert spec.apply(torch.full((1, 1, 1, 1), 12.0)).item() == 1.0
    assert spec.apply(torch.full((1, 1, 1, 1), 12, dtype=torch.int16)).item() == 1.0


def test_a_caffe_network_subtracts_from_0_to_255_whatever_it_is_handed() -> None:
    spec = InputSpec.of((103.939, 116.779, 123.68), (1, 1, 1), scale=1.0, channels="BGR", raw_dtype="uint8")
    red = torch.zeros(3, 1, 1, dtype=torch.uint8)
    red[0] = 200
    expected = torch.tensor([-103.939, -116.779, 200 - 123.68])
    torch.testing.assert_close(spec.apply(red).flatten(), expected)
    torch.testing.assert_close(spec.apply(red / 255).flatten(), expected)


def test_floats_are_refused_where_nobody_says_whether_they_are_raw() -> None:
    with pytest.raises(SpecError, match="a stated raw_dtype of the network's input, found it is unknown: gone; state raw_dtype"):
        imagenet(raw_dtype=Unknown("gone")).apply(torch.zeros(1, 3, 2, 2))


@pytest.mark.parametrize("shape", [(1, 4, 2, 2), (3,), (2, 2, 3)])
def test_another_number_of_channels_is_refused_with_the_shape(shape: tuple[int, ...]) -> None:
    with pytest.raises(SpecError, match=r"expected 3 channels on axis -3 of NCHW, found the shape .*; state the layout"):
        stated_spec().apply(torch.zeros(shape))


@pytest.mark.parametrize("image", ["pil", "tensor"])
@pytest.mark.parametrize("channels", ["RGB", "BGR"])
def test_the_transform_is_resize_crop_and_apply(image: str, channels: str) -> None:
    spec = stated_spec(channels=channels, size=(24, 24), interpolation="bilinear", crop=Crop("center", 0.8))
    pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    made: Any = Image.fromarray(pixels) if image == "pil" else torch.from_numpy(pixels).permute(2, 0, 1)
    geometry = v2.Compose(
        [v2.Resize([30], antialias=True), v2.CenterCrop([24, 24]), v2.PILToTensor() if image == "pil" else v2.Identity()]
    )
    got = spec.transform()(made)
    assert type(got) is torch.Tensor
    torch.testing.assert_close(got, spec.apply(geometry(made)), rtol=0, atol=1e-6)


def test_the_training_transform_crops_at_random_and_normalises_alike() -> None:
    spec = stated_spec(size=(8, 8), interpolation="bilinear", crop=Crop("center", 1.0))
    got = spec.transform(train=True)(Image.new("RGB", (30, 20), (255, 0, 0)))
    assert got.shape == (3, 8, 8)
    assert got[0].unique().item() == pytest.approx(2.2489, abs=1e-4)


def test_a_grey_network_gets_one_channel() -> None:
    spec = InputSpec.of((0.1307,), (0.3081,), size=(4, 4), interpolation="nearest", crop=Crop("squash", 1.0), raw_dtype="uint8")
    assert spec.transform()(Image.new("RGB", (9, 9), (255, 255, 255))).shape == (1, 4, 4)


@pytest.mark.parametrize("channels", ["RGB", "BGR"])
def test_what_surrounds_an_image_is_zero_at_the_networks_input(channels: str) -> None:
    spec = stated_spec(channels=channels, size=(24, 24), interpolation="bilinear", crop=Crop("border", 1.0))
    got = spec.transform()(Image.new("RGB", (40, 10), (200, 10, 90)))
    assert got[:, 0].abs().max() < 0.01  # less than one level of 255
    assert got[:, 12].abs().min() > 0.1


def test_a_border_that_no_image_can_hold_has_the_nearest_colour() -> None:
    spec = InputSpec.of((-0.5, 0.5, 2.0), (1.0, 1.0, 1.0), raw_dtype="uint8", size=(8, 8), interpolation="bilinear")
    assert spec.border() == (0.0, 0.5, 1.0)
    spec = replace(spec, crop=Known(Crop("border", 1.0), "test"))
    assert spec.transform()(Image.new("RGB", (8, 2)))[:, 0, 0].tolist() == pytest.approx([0.5, 0.0, -1.0], abs=0.01)


@pytest.mark.parametrize(
    "image",
    [
        Image.fromarray(np.full((9, 9), 4000, np.uint16)),
        Image.fromarray(np.full((9, 9), 0.5, np.float32)),
        Image.new("LAB", (9, 9)),
        torch.full((3, 9, 9), 4000, dtype=torch.uint16),
        torch.full((3, 9, 9), 200.0),
    ],
    ids=["uint16", "float", "LAB", "tensor of uint16", "tensor of float32"],
)
@pytest.mark.parametrize("train", [False, True])
def test_an_image_of_more_than_8_bits_is_refused_by_the_transform(image: Any, train: bool) -> None:
    """Pillow and torchvision would cut it to 0..255."""
    see = stated_spec(size=(8, 8), interpolation="bilinear", crop=Crop("center", 1.0)).transform(train=train)
    with pytest.raises(SpecError, match="an 8-bit image, grey or in colours, found"):
        see(image)


def test_a_tensor_of_unit_values_is_an_image_as_it_is_to_torchvision() -> None:
    see = stated_spec(size=(8, 8), interpolation="bilinear", crop=Crop("center", 1.0)).transform()
    raw = torch.arange(192, dtype=torch.uint8).reshape(3, 8, 8)
    torch.testing.assert_close(see(raw / 255), see(raw), atol=1e-5, rtol=0)


def test_a_transform_needs_a_size_and_says_why_it_is_unknown() -> None:
    with pytest.raises(SpecError, match="a stated size of the network's input, found it is unknown: nobody stated it"):
        stated_spec().transform()


def test_the_description_says_what_255_becomes_who_says_so_and_what_is_unknown() -> None:
    words = stated_spec(size=(224, 224), interpolation="bicubic", crop=Crop("center", 0.875), origin="cfg.json").describe()
    assert "raw 255 reaches the network as 2.2489" in words
    assert "224 x 224 px, centre crop after the shorter edge is 256, bicubic interpolation" in words
    assert "from      cfg.json: channels, scale, mean, std" in words
    assert "unknown   antialias, layout, dtype: nobody stated it" in words


def test_a_description_of_nothing_is_possible() -> None:
    assert "unknown   channels, scale" in InputSpec().describe()


@pytest.mark.parametrize("write", [InputSpec.to_timm, InputSpec.to_hf, InputSpec.to_torchvision, InputSpec.transform])
def test_no_library_is_told_a_part_of_a_convention(write: Callable[[InputSpec], Any]) -> None:
    crop = {"mode": "center", "fraction": 0.875}
    others: dict[str, Any] = {
        "raw_dtype": "uint8",
        "size": [32, 32],
        "interpolation": "bilinear",
        "antialias": True,
        "crop": crop,
    }
    kinds: tuple[tuple[dict[str, Any], str], ...] = (
        ({"clip": [50, 200]}, r"values are clipped to \[50, 200\]"),
        ({"value_map": "log1p"}, "values pass through log1p"),
        ({"per_sample": {"kind": "zscore", "over": "channel"}}, "each sample is normalised by its own values"),
    )
    for more, reason in kinds:
        with pytest.raises(SpecError, match=f"a shift and a scale per channel, found {reason}"):
            write(InputSpec.of((0.5,) * 3, (0.5,) * 3, **others, **more))
    write(InputSpec.of((0.5,) * 3, (0.5,) * 3, **others, clip=[0, 255], value_map="identity"))  # neither changes a byte


def test_means_and_stds_of_different_number_are_refused() -> None:
    with pytest.raises(SpecError, match="one mean and one std per channel, found 3 means and 1 stds"):
        imagenet(std=Known((0.2,), "test")).affine()


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    large = tmp_path / "large.json"
    with large.open("wb") as file:
        file.truncate(1 << 25)
    with pytest.raises(SpecError, match="a JSON file of at most 16777216 bytes, found 33554432"):
        InputSpec.load(large)


@pytest.mark.parametrize("value", [float("inf"), [float("nan")], {"a": [1, float("-inf")]}])
def test_an_unknown_field_that_json_cannot_hold_is_refused(value: Any) -> None:
    with pytest.raises(SpecError, match=r"fields that tare does not know, found NaN or Infinity in one of 'more'"):
        InputSpec.from_json({"schema": SCHEMA, "more": value})


@pytest.mark.parametrize("mean", [(0.485, 0.456, 0.406), (0.5,)])
def test_codes_under_constants_of_unit_floats_are_refused(mean: tuple[float, ...]) -> None:
    spec = InputSpec.of(mean, [0.25] * len(mean), scale=1.0, raw_dtype="float32")
    codes = torch.full((1, len(mean), 4, 4), 200, dtype=torch.uint8)
    with pytest.raises(SpecError, match=r"floats in \[0, 1\], as the mean and std of the spec are, found uint8 up to 200"):
        spec.apply(codes)
    assert torch.isfinite(spec.apply(codes / 255)).all()
    assert torch.isfinite(spec.apply(torch.ones_like(codes))).all()  # 0 and 1 may be a mask
    assert float(InputSpec.of([127.5], [127.5], scale=1.0, raw_dtype="float32").apply(codes[:, :1]).max()) == pytest.approx(
        200 / 127.5 - 1
    )
