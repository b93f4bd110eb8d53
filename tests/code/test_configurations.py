"""Constants and networks in configurations of the formats that are in use; each text is written as its library writes it."""

from __future__ import annotations

import json

import pytest

from tare.code.configurations import Named, Stated, named_in, stated_in
from tare.code.files.configuration.reading import configuration
from tare.code.files.configuration.value import Configuration
from tare.code.files.document import Document
from tare.code.networks.expected import CLIP, HALVES, IMAGENET


def read(text: str, name: str = "a.yaml") -> Configuration:
    found = configuration(Document(name, "configuration", text))
    assert isinstance(found, Configuration), found
    return found


def stated(text: str, name: str = "a.yaml") -> Stated:
    (found,) = stated_in(read(text, name))
    return found


def named(text: str, name: str = "a.yaml") -> Named:
    (found,) = named_in(read(text, name))
    return found


def test_a_processor_of_transformers() -> None:
    document = {"image_processor_type": "CLIPImageProcessor", "image_mean": list(CLIP.mean), "image_std": list(CLIP.std)}
    found = stated(json.dumps(document, indent=2), "preprocessor_config.json")
    assert (found.format, found.order, found.constants) == ("transformers", "RGB", CLIP)
    assert found.mean_value.place.line == 3
    halves = {"image_mean": [1.0] * 3, "image_std": [1.0] * 3, "rescale_factor": 1 / 127.5}
    constants = stated(json.dumps(halves), "a.json").constants
    assert constants is not None
    assert constants.equal(*HALVES)
    assert stated_in(read(json.dumps({**document, "do_normalize": False}), "a.json")) == ()
    raw = stated(json.dumps({"image_mean": [0.5], "image_std": [0.5], "do_rescale": False}), "a.json")
    assert raw.scale == 1.0


DETECTRON = "MODEL:\n  PIXEL_MEAN: [103.53, 116.28, 123.675]\n  PIXEL_STD: [57.375, 57.12, 58.395]\n"


def test_detectron2() -> None:
    found = stated(DETECTRON)
    assert (found.format, found.scale, found.order) == ("detectron2", 1.0, "BGR")
    assert found.constants is not None
    assert found.constants.equal(IMAGENET.mean[::-1], IMAGENET.std[::-1])
    assert stated(DETECTRON + "INPUT:\n  FORMAT: RGB\n").order == "RGB"


@pytest.mark.parametrize(
    "text",
    [
        "img_norm_cfg: {mean: [123.675, 116.28, 103.53], std: [58.395, 57.12, 57.375], to_rgb: true}",
        "train_pipeline:\n- type: Normalize\n  mean: [123.675, 116.28, 103.53]\n  std: [58.395, 57.12, 57.375]\n  to_rgb: true\n",
        "data_preprocessor:\n  mean: [123.675, 116.28, 103.53]\n  std: [58.395, 57.12, 57.375]\n  bgr_to_rgb: true\n",
    ],
)
def test_openmmlab(text: str) -> None:
    found = stated(text)
    assert (found.format, found.scale, found.order) == ("openmmlab", 1.0, "RGB")
    assert found.constants is not None
    assert found.constants.equal(*IMAGENET)
    assert stated(text.replace("true", "false")).order == "BGR"


@pytest.mark.parametrize(
    ("more", "scale"),
    [
        ("scale: 1.0/255.0", 1 / 255),
        ("is_scale: true", 1 / 255),
        ("is_scale: false", 1.0),
        ("order: hwc", 1 / 255),
        ("scale: 0.5", 0.5),
        ("scale: a/b", None),
    ],
)
def test_paddle(more: str, scale: float | None) -> None:
    found = stated(f"ops:\n- NormalizeImage:\n    mean: [0.485, 0.456, 0.406]\n    std: [0.229, 0.224, 0.225]\n    {more}\n")
    assert (found.format, found.scale) == ("paddle", scale)


def test_albumentations_and_torchvision() -> None:
    found = stated("_target_: albumentations.Normalize\nmean: [0.5, 0.5, 0.5]\nstd: [0.5, 0.5, 0.5]\nmax_pixel_value: 1.0\n")
    assert (found.format, found.scale) == ("albumentations", 1.0)
    assert stated("__class_fullname__: albumentations.Normalize\nmean: [0.5]\nstd: [0.5]\n").scale == 1 / 255
    assert stated("_target_: torchvision.transforms.Normalize\nmean: [0.5]\nstd: [0.5]\n").format == "torchvision"


def test_timm() -> None:
    text = (
        "model: vit_base_patch16_224\npretrained: true\nmean: [0.485, 0.456, 0.406]\nstd: [0.229, 0.224, 0.225]\ncrop_pct: 0.9\n"
    )
    assert (stated(text).format, stated(text).constants) == ("timm", IMAGENET)
    network = named(text)
    assert (network.pretrained, network.value.place.line) == (True, 1)
    assert [each.constants for each in network.expected] == [HALVES]


def test_what_an_alias_repeats_is_stated_once() -> None:
    assert len(stated_in(read("a: &a {mean: [0.5], std: [0.5], model: resnet50}\nb: *a\nc:\n  <<: *a\n  d: 1\n"))) == 1


def test_tables_of_toml_state_their_own_constants() -> None:
    text = "[[steps]]\nmean = [0.5]\nstd = [0.5]\n[[steps]]\nmean = [0.4]\nstd = [0.4]\n"
    assert [each.mean_value.place.line for each in stated_in(read(text, "a.toml"))] == [2, 5]


@pytest.mark.parametrize(
    ("text", "mean"),
    [
        ("img_mean: [0.5, 0.4, 0.3]\nimg_std: [0.1, 0.2, 0.3]", (0.5, 0.4, 0.3)),
        ("normalize:\n  MEAN: 0.5\n  STD: [0.1, 0.2, 0.3]", (0.5,)),
        ("rgb_means: [1, 2, 3]\nrgb_stds: [1, 2, 3]", (1.0, 2.0, 3.0)),
        ("mean: 0.485, 0.456, 0.406\nstd: 0.229, 0.224, 0.225", (0.485, 0.456, 0.406)),
        ("mean: '[0.485, 0.456, 0.406]'\nstd: (0.229, 0.224, 0.225)", (0.485, 0.456, 0.406)),
        ("mean_rgb: [1]\nstd_rgb: [1]", (1.0,)),
    ],
)
def test_plain_keys_say_nothing_of_the_scale(text: str, mean: tuple[float, ...]) -> None:
    found = stated(text)
    assert (found.format, found.scale, found.order, found.constants, found.mean) == ("plain", None, "", None, mean)


@pytest.mark.parametrize(
    "text",
    [
        "mean: [0.5]",
        "std: [0.5]",
        "mean: [0.1, 0.2]\nstd: [1, 2, 3]",
        "mean: a\nstd: b",
        "mean: ${data.mean}\nstd: ${data.std}",
        "meaning: 1\nstding: 2",
        "mean: [a]\nstd: [1]",
        "mean: 1-2\nstd: 1-2",
        "mean: true\nstd: true",
        "mean:\nstd:",
        "img_mean: 1\nstd: 1",
        "accuracy:\n  mean: 0.9\n  std: 0.1",
    ],
)
def test_other_things_state_no_constants(text: str) -> None:
    assert stated_in(read(text)) == ()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("backbone: resnet50", ["resnet50.a1_in1k", "ResNet50_Weights.IMAGENET1K_V2"]),
        ("model:\n  name: vit_base_patch16_224", ["vit_base_patch16_224.augreg2_in21k_ft_in1k"]),
        ("_target_: timm.create_model\nmodel_name: resnet50", ["resnet50.a1_in1k"]),
        ("_target_: torchvision.models.vgg16\nweights: IMAGENET1K_FEATURES", ["VGG16_Weights.IMAGENET1K_FEATURES"]),
        ("model_id: google/vit-base-patch16-224", ["google/vit-base-patch16-224"]),
    ],
)
def test_networks_are_found_by_the_libraries_that_know_them(text: str, names: list[str]) -> None:
    assert [each.name for each in named(text).expected] == names


@pytest.mark.parametrize(
    "text", ["model: mine", "backbone: {depth: 50}", "name: resnet50", "model: 3", "_target_: torchvision.models.mine"]
)
def test_other_words_name_no_network(text: str) -> None:
    assert named_in(read(text)) == ()
