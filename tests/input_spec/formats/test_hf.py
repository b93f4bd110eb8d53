from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tare.errors import SpecError
from tare.input_spec.formats.hf_classes import CONFIGURED, NEVER_CROPPED, OWN_RESIZE, UNFIXED, class_of
from tare.input_spec.spec import Crop, InputSpec, Known, Unknown

CLIP: dict[str, Any] = {
    "image_processor_type": "CLIPImageProcessor",
    "do_resize": True,
    "size": {"shortest_edge": 224},
    "resample": 3,
    "do_center_crop": True,
    "crop_size": {"height": 224, "width": 224},
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_std": [0.26862954, 0.26130258, 0.27577711],
}
CONVNEXT = {"image_processor_type": "ConvNextImageProcessor", "do_center_crop": False}
VIVIT, EFFICIENTNET = "VivitImageProcessor", "EfficientNetImageProcessor"


def read(**changes: Any) -> InputSpec:
    return InputSpec.from_hf({**CLIP, **changes}, "file")


def affine(spec: InputSpec, raw: float) -> list[float]:
    found = spec.affine()
    return [a * raw + b for a, b in zip(found.scale, found.shift, strict=True)]


def test_every_field_says_which_key_or_class_states_it() -> None:
    spec = read()
    assert spec.mean == Known((0.48145466, 0.4578275, 0.40821073), "file, key 'image_mean'")
    assert spec.interpolation == Known("bicubic", "file, key 'resample'")
    assert spec.size == Known((224, 224), "file, keys 'size' and 'crop_size' as CLIP takes them")
    assert spec.require("crop") == Crop("center", 1.0, (224,), "down")
    for name in ("channels", "raw_dtype", "layout", "dtype", "antialias"):
        field = getattr(spec, name)
        assert isinstance(field, Known)
        assert "CLIPImageProcessor" in field.origin


def test_an_absent_key_has_the_default_of_its_class_and_says_so() -> None:
    spec = InputSpec.from_hf({"feature_extractor_type": "ViTFeatureExtractor", "size": 384}, "file")
    assert spec.size == Known((384, 384), "file, keys 'size' and 'crop_size' as ViT takes them")
    assert isinstance(spec.mean, Known)
    assert spec.mean.value == (0.5, 0.5, 0.5)
    assert "what ViTImageProcessor takes for 'image_mean'" in spec.mean.origin
    assert InputSpec.from_hf({"feature_extractor_type": "ViTFeatureExtractor", "size": 384, "image_mean": None}, "file") == spec


@pytest.mark.parametrize(
    ("changes", "low", "high"),
    [
        ({}, (0 - 0.48145466) / 0.26862954, (1 - 0.48145466) / 0.26862954),
        ({"do_rescale": False}, (0 - 0.48145466) / 0.26862954, (255 - 0.48145466) / 0.26862954),
        ({"do_normalize": False}, 0.0, 1.0),
        ({"do_rescale": False, "do_normalize": False}, 0.0, 255.0),
        ({"rescale_factor": 1 / 127.5, "image_mean": 1.0, "image_std": 1.0}, -1.0, 1.0),
        ({"image_processor_type": VIVIT, "rescale_factor": 1 / 127.5, "image_mean": 0, "image_std": 1}, -1.0, 1.0),
        ({"image_processor_type": VIVIT, "offset": False, "image_mean": 0, "image_std": 1}, 0.0, 1.0),
        (
            {"image_processor_type": EFFICIENTNET, "rescale_offset": True, "rescale_factor": 1 / 127.5,
             "image_mean": 0, "image_std": 0.5},
            -4.0, 4.0,
        ),
        ({"image_processor_type": EFFICIENTNET, "include_top": False, "image_mean": 0.5, "image_std": 0.5}, -1, 1),
        ({"image_processor_type": "MobileViTImageProcessor"}, 0.0, 1.0),
    ],
)  # fmt: skip
def test_what_raw_0_and_255_become(changes: dict[str, Any], low: float, high: float) -> None:
    spec = read(**changes)
    assert affine(spec, 0)[0] == pytest.approx(low)
    assert affine(spec, 255)[0] == pytest.approx(high)


def test_channels_reversed_after_normalising_carry_their_constants_along() -> None:
    spec = read(image_processor_type="TvpImageProcessor", do_flip_channel_order=True, pad_size=None)
    assert spec.channels == Known("BGR", "file, key 'do_flip_channel_order'")
    assert isinstance(spec.mean, Known)
    assert spec.mean.value == tuple(CLIP["image_mean"][::-1])
    assert read(image_processor_type="TvpImageProcessor", do_flip_channel_order=False).require("channels") == "RGB"


@pytest.mark.parametrize(
    ("changes", "size", "crop"),
    [
        ({**CONVNEXT, "size": {"shortest_edge": 224}, "crop_pct": 0.875}, (224, 224),
         Crop("center", 0.875, (256,), "down")),
        ({**CONVNEXT, "image_processor_type": "ConvNextFeatureExtractor", "size": 224, "crop_pct": 0.95}, (224, 224),
         Crop("center", 0.95, (235,), "down")),
        ({**CONVNEXT, "size": {"shortest_edge": 384}}, (384, 384), Crop("squash", 1.0)),
        ({**CONVNEXT, "size": {"shortest_edge": 383}}, (383, 383),
         Crop("center", 0.875, (437,), "down")),
        ({**CONVNEXT, "size": {"shortest_edge": 224}, "do_center_crop": True, "crop_size": 200}, (200, 200),
         Crop("center", 200 / 256, (256,), "down")),
        ({**CONVNEXT, "size": {"shortest_edge": 400}, "do_center_crop": True, "crop_size": 300}, (300, 300),
         Crop("squash", 0.75, (400, 400), "down")),
        ({"image_processor_type": "SegformerImageProcessor", "size": [64, 48], "crop_size": 40}, (64, 48), Crop("squash", 1.0)),
        ({"image_processor_type": "LevitImageProcessor", "size": [64, 48], "crop_size": 40}, (40, 40),
         Crop("squash", 40 / 64, (64, 48), "down")),
        ({"image_processor_type": "PoolFormerImageProcessor", "size": [64, 48], "crop_pct": 0.9, "crop_size": 40}, (40, 40),
         Crop("squash", 40 / 71, (71, 53), "down")),
        ({"image_processor_type": "VivitImageProcessor", "size": [64, 48], "crop_size": 90}, (90, 90),
         Crop("squash", 90 / 64, (64, 48), "down")),
        ({"image_processor_type": "DPTImageProcessor", "size": [70, 42], "ensure_multiple_of": 14, "do_center_crop": False},
         (70, 42), Crop("squash", 1.0)),
        ({"image_processor_type": "LevitImageProcessor"}, (224, 224), Crop("center", 224 / 256, (256,), "down")),
        ({"image_processor_type": "PoolFormerImageProcessor", "crop_pct": 0.9}, (224, 224),
         Crop("center", 224 / 248, (248,), "down")),
        ({"image_processor_type": "PoolFormerImageProcessor", "crop_pct": None, "size": {"shortest_edge": 240}}, (224, 224),
         Crop("center", 224 / 240, (240,), "down")),
        ({"size": 256}, (224, 224), Crop("center", 224 / 256, (256,), "down")),
        ({"size": {"height": 256, "width": 300}}, (224, 224), Crop("squash", 224 / 256, (256, 300), "down")),
        ({"size": [256, 300], "do_center_crop": False}, (256, 300), Crop("squash", 1.0)),
        ({"crop_size": 200}, (200, 200), Crop("center", 200 / 224, (224,), "down")),
    ],
)  # fmt: skip
def test_size_and_crop_as_the_class_takes_its_keys(changes: dict[str, Any], size: tuple[int, int], crop: Crop) -> None:
    spec = read(**changes)
    assert spec.require("size") == size
    assert spec.require("crop") == crop


@pytest.mark.parametrize(
    ("changes", "size", "reason"),
    [
        ({"image_processor_type": VIVIT, "size": [64, 48], "crop_size": 91}, (91, 91), "where differs by backend"),
        ({"image_processor_type": "VivitImageProcessor", "size": 56, "do_center_crop": False}, None, "depends on the image"),
        ({"image_processor_type": "LlavaImageProcessor", "do_pad": True}, None, "to a square before it resizes"),
        ({"image_processor_type": "Sapiens2ImageProcessor", "do_pad": True}, None, "ratio kept"),
        ({"size": {"shortest_edge": 57}, "crop_size": 70}, (70, 70), "where differs by backend"),
        ({**CONVNEXT, "size": {"shortest_edge": 57}, "do_center_crop": True, "crop_size": 40}, (40, 40), "no single crop"),
        ({**CONVNEXT, "size": {"shortest_edge": 57}, "do_center_crop": True, "crop_size": 70}, (70, 70), "no single crop"),
        ({"image_processor_type": "SegformerImageProcessor"}, None, "depends on the image"),
        ({"image_processor_type": "DPTImageProcessor", "size": 384}, None, "one backend of DPT crops"),
        ({"image_processor_type": "DPTImageProcessor", "size": 384, "ensure_multiple_of": 14, "do_center_crop": False}, None,
         "multiples of 14"),
        ({"image_processor_type": "DPTImageProcessor", "size": 384, "size_divisor": 14, "do_center_crop": False, "do_pad": True},
         None, "pads to 'size_divisor'"),
        ({"image_processor_type": "PoolFormerImageProcessor", "size": {"longest_edge": 60}}, None, "depends on the image"),
        ({"image_processor_type": "PoolFormerImageProcessor", "size": {"shortest_edge": 60}, "do_center_crop": False}, None,
         "depends on the image"),
    ],
)  # fmt: skip
def test_a_geometry_that_is_not_fixed_is_unknown(changes: dict[str, Any], size: tuple[int, int] | None, reason: str) -> None:
    spec = read(**changes)
    assert (spec.size.value if isinstance(spec.size, Known) else None) == size
    assert isinstance(spec.crop, Unknown)
    assert reason in spec.crop.reason


def test_the_nearest_pixel_is_that_under_the_centre() -> None:
    spec = read(resample=0)
    assert spec.require("interpolation") == "nearest-exact"
    assert spec.to_hf()["resample"] == replace(spec, interpolation=Known("nearest", "images")).to_hf()["resample"] == 0


@pytest.mark.parametrize("stem", sorted(NEVER_CROPPED))
def test_a_class_that_never_crops_takes_the_size_it_resizes_to(stem: str) -> None:
    stated = {"image_processor_type": f"{stem}ImageProcessor", "size": {"height": 64, "width": 48}, "crop_size": 41}
    assert read(**stated, do_grayscale=False).require("size") == (64, 48)


def test_geometry_is_that_of_the_installed_classes() -> None:
    transformers = pytest.importorskip("transformers")
    image = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
    crop = {"do_center_crop": True, "crop_size": {"height": 40, "width": 42}}
    for stem in ("Segformer", "ConvNext", "ViT", "CLIP", "Levit", "PoolFormer", "Siglip", "RTDetr"):
        for size in ({"shortest_edge": 58}, {"height": 64, "width": 48}):
            config = {**CLIP, **crop, "size": size, "image_processor_type": f"{stem}ImageProcessor"}
            try:
                spec = InputSpec.from_hf(config, "file")
                made = getattr(transformers, f"{stem}ImageProcessor").from_dict(config)(image, return_tensors="np")
            except (SpecError, ValueError):
                continue  # a size that the class does not take
            if isinstance(spec.size, Known):
                assert made["pixel_values"].shape[-2:] == spec.size.value, (stem, size)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"do_center_crop": False}, "crops nothing: the size depends on the image"),
        ({"size": {"longest_edge": 800}}, "the size depends on the image"),
        ({"size": {"shortest_edge": 800, "longest_edge": 1333}}, "the size depends on the image"),
        ({"size": {"max_height": 8, "max_width": 9}}, "the size depends on the image"),
        ({"image_processor_type": "DetrImageProcessor"}, "within a shortest and a longest edge"),
        ({"image_processor_type": "GotOcr2ImageProcessor", "crop_to_patches": True}, "sets 'crop_to_patches'"),
        ({"do_pad": True, "pad_size": {"height": 9, "width": 9}}, "pads to 'pad_size'"),
        ({"do_resize": False, "do_center_crop": False}, "does not resize"),
        (
            {"image_processor_type": "FutureImageProcessor"},
            "names the class 'FutureImageProcessor', and what it does is not known",
        ),
        ({"image_processor_type": None, "feature_extractor_type": None}, "does not state image_processor_type"),
        ({"do_magic": True}, "sets 'do_magic', and what it does is not known"),
    ],
)
def test_what_the_keys_do_not_fix_is_unknown_with_the_reason(changes: dict[str, Any], reason: str) -> None:
    field = read(**changes).size
    assert isinstance(field, Unknown)
    assert reason in field.reason


def test_of_an_unknown_class_only_the_constants_that_the_file_writes_out_are_stated() -> None:
    spec = read(image_processor_type="FutureImageProcessor")
    known = {name for name, field in spec.fields().items() if isinstance(field, Known)}
    assert known == {"mean", "std"}
    with pytest.raises(SpecError, match="names the class 'FutureImageProcessor'"):
        spec.affine()


def test_a_switch_that_is_off_or_concerns_labels_changes_nothing() -> None:
    assert read(do_magic=False, do_reduce_labels=True).fields() == read().fields()


def test_a_processor_within_a_processor_is_found() -> None:
    nested = InputSpec.from_hf({"image_processor": CLIP, "tokenizer": {}}, "file")
    assert nested.equivalent(read())
    assert isinstance(nested.mean, Known)
    assert nested.mean.origin == "file, image_processor, key 'image_mean'"


def test_a_wrapped_timm_configuration_is_read_as_timm() -> None:
    config = {"architecture": "resnet18", "pretrained_cfg": {"mean": [0.5] * 3, "std": [0.5] * 3, "input_size": [3, 64, 64]}}
    assert InputSpec.from_hf(config).require("size") == (64, 64)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image_mean": "0.5"}, r"a valid 'mean' \(file, key 'image_mean'\), found '0.5'"),
        ({"image_mean": [float("nan")] * 3}, "not a finite number"),
        ({"image_std": 0}, "a std is positive"),
        ({"rescale_factor": True}, "a valid 'scale'"),
        ({"do_resize": "yes"}, "expected true or false for 'do_resize' of file, found 'yes'"),
        ({"size": "big"}, "expected a size .*found 'big'"),
        ({"size": {"height": 0, "width": 9}}, "height and width are positive integers"),
        ({"size": True}, "expected a size"),
        ({"crop_size": {"shortest_edge": 9}}, "expected height and width as 'crop_size'"),
        ({"resample": 9}, "expected a resize filter 0 to 5"),
        ({"image_processor_type": "ConvNextImageProcessor", "crop_pct": 0}, "a 'crop_pct' above 0"),
        ({"image_processor_type": "ConvNextImageProcessor", "crop_pct": "x"}, "a 'crop_pct' in file"),
        ({"image_processor_type": "ConvNextImageProcessor", "size": {"height": 9, "width": 9}}, "a 'shortest_edge' in 'size'"),
    ],
)
def test_a_malformed_configuration_is_one_line(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        read(**changes)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("document", [None, [], "x", {}, {"architectures": ["ViT"]}])
def test_a_document_that_is_no_processor_is_refused(document: Any) -> None:
    with pytest.raises(SpecError, match="expected an image processor's configuration in file"):
        InputSpec.from_hf(document, "file")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9), lambda v: st.lists(v, max_size=4), max_leaves=6
)


@given(
    st.sampled_from(sorted(CONFIGURED | OWN_RESIZE | set(UNFIXED))), st.dictionaries(st.sampled_from(sorted(CLIP)), json_values)
)
def test_any_json_is_read_or_refused_in_one_line(stem: str, config: dict[str, Any]) -> None:
    message = ""
    try:
        spec = InputSpec.from_hf({**config, "image_processor_type": f"{stem}ImageProcessor"}, "file")
    except SpecError as error:
        message = str(error)
    assert "\n" not in message
    if not message:
        assert InputSpec.from_json(json.loads(json.dumps(spec.to_json()))).affine_if_known() == spec.affine_if_known()


@pytest.mark.parametrize(
    "crop", [Crop("squash", 1.0), Crop("squash", 0.5, (128, 96), "down"), Crop("center", 0.8, (80,), "down"), Crop("none", 1.0)]
)
def test_what_is_written_is_read_back(crop: Crop) -> None:
    spec = InputSpec.of(
        [0.1, 0.2, 0.3], [0.4, 0.5, 0.6], scale=1 / 127.5, size=(64, 48), interpolation="lanczos", crop=crop, raw_dtype="uint8"
    )
    back = InputSpec.from_hf(json.loads(json.dumps(spec.to_hf())))
    assert back.equivalent(spec)
    assert back.require("crop") == crop
    assert back.require("interpolation") == "lanczos"
    if crop.mode != "none":
        assert back.require("size") == (64, 48)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"channels": Known("BGR", "x")}, "expected channels RGB, .* a preprocessor_config.json can state, found 'BGR'"),
        ({"channels": Known("L", "x")}, "found 'L'"),
        ({"layout": Known("NHWC", "x")}, "expected layout NCHW"),
        ({"crop": Known(Crop("border", 1.0), "x")}, "expected a shorter edge, or height and width"),
        ({"std": Unknown("nobody")}, "expected a known std to write a preprocessor_config.json"),
        ({"interpolation": Unknown("nobody")}, "expected a known interpolation"),
    ],
)
def test_what_a_processor_cannot_state_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        replace(read(), **changes).to_hf()


def test_transformers_itself_makes_the_same_of_what_is_written() -> None:
    pytest.importorskip("transformers", reason="the extra 'readers' is not installed")
    from benchmarks.conformance.results import distance, noise, tensor
    from transformers import CLIPImageProcessor

    spec = read(size={"shortest_edge": 71}, crop_size={"height": 64, "width": 48})
    written = spec.to_hf()
    values = tensor(noise(97, 132))
    made = CLIPImageProcessor(**{key: value for key, value in written.items() if key != "image_processor_type"})(values)
    assert distance(spec.transform()(values), made["pixel_values"][0]) < 1e-6


def test_the_defaults_are_those_of_the_installed_transformers() -> None:
    transformers = pytest.importorskip("transformers", reason="the extra 'readers' is not installed")
    from tare.input_spec.formats.hf_classes import library

    if library() != f"transformers {transformers.__version__}":
        pytest.skip("another version than the defaults were read from")
    from benchmarks.hf_processors import defaults_of as own
    from transformers import CLIPImageProcessor, ConvNextImageProcessor

    from tare.input_spec.formats.hf_classes import defaults_of

    assert defaults_of("CLIP") == own(CLIPImageProcessor)
    assert defaults_of("ConvNext") == own(ConvNextImageProcessor)


@pytest.mark.parametrize(
    "name", ["CLIPImageProcessor", "CLIPImageProcessorFast", "CLIPImageProcessorPil", "CLIPFeatureExtractor"]
)
def test_all_names_of_a_class_mean_it(name: str) -> None:
    assert class_of(name) == "CLIP"


def test_no_class_stands_in_two_tables() -> None:
    assert not CONFIGURED & set(UNFIXED)
    assert not OWN_RESIZE & (CONFIGURED | set(UNFIXED))
    assert class_of(None) is class_of("Image") is class_of(["CLIP"]) is None


@pytest.mark.parametrize(
    ("stem", "switch", "fields"),
    [
        ("ViT", "do_normalize", {"mean", "std"}),
        ("ViT", "do_rescale", {"scale", "mean", "std", "raw_dtype"}),
        ("CLIP", "do_center_crop", {"size", "crop"}),
        ("ViT", "do_resize", {"size", "crop", "interpolation", "antialias"}),
        ("ViT", "do_center_crop", set()),
    ],
)
def test_a_switch_that_is_null_is_unknown_where_its_class_switches_on(stem: str, switch: str, fields: set[str]) -> None:
    """transformers 5 takes it for off, fast processors of transformers 4 for the class's default."""
    plain = InputSpec.from_hf({"image_processor_type": f"{stem}ImageProcessor"}, "file")
    spec = InputSpec.from_hf({"image_processor_type": f"{stem}ImageProcessor", switch: None}, "file")
    for name in ("mean", "std", "scale", "size", "crop", "channels", "interpolation", "raw_dtype", "antialias"):
        found = getattr(spec, name)
        if name in fields:
            assert isinstance(found, Unknown)
            assert f"null for {switch!r}" in found.reason
        else:
            assert found == getattr(plain, name)
