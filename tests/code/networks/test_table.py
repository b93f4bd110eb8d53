"""What the index says of networks; the libraries themselves are the references where they are installed."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys

import numpy as np
import pytest

from tare.code.networks.expected import CLIP, HALVES, IMAGENET, UNIT, Constants, Expected
from tare.code.networks.index import index
from tare.code.networks.keras import MODES, mode_of
from tare.code.networks.published import published
from tare.code.networks.table import expected, expected_of


def found(library: str, name: str, weights: str | None = None) -> Expected:
    expectation = expected(library, name, weights=weights)
    assert expectation is not None
    return expectation


def constants(library: str, name: str, weights: str | None = None) -> Constants:
    known = found(library, name, weights).constants
    assert known is not None
    return known


def test_every_weights_of_timm_have_the_constants_that_timm_states() -> None:
    timm = pytest.importorskip("timm")
    if timm.__version__.partition("+")[0] != index()["timm"]["version"]:
        pytest.skip("the index was made with another timm")
    wrong = []
    for name in timm.list_models(pretrained=True):
        config = timm.get_pretrained_cfg(name)
        known = found("timm", name)
        stated = (tuple(config.mean), tuple(config.std)), config.input_size[1:], config.crop_pct, config.interpolation
        if (known.constants, known.size, known.crop, known.interpolation) != stated:
            wrong.append(name)
    assert wrong == []


def test_a_bare_name_of_timm_means_its_weights_by_default() -> None:
    timm = pytest.importorskip("timm")
    if timm.__version__.partition("+")[0] != index()["timm"]["version"]:
        pytest.skip("the index was made with another timm")
    for name in timm.list_models():
        config = timm.get_pretrained_cfg(name)
        assert constants("timm", name) == (tuple(config.mean), tuple(config.std)), name
        assert found("timm", name).name == (f"{name}.{config.tag}" if config.tag else name)


def test_names_of_timm_may_have_a_prefix_or_be_of_an_earlier_version() -> None:
    for name in (
        "hf_hub:timm/vit_base_patch16_224.augreg_in21k",
        "hf-hub:timm/vit_base_patch16_224.augreg_in21k",
        "vit_base_patch16_224_in21k",
    ):
        assert found("timm", name).name == "vit_base_patch16_224.augreg_in21k"
    assert found("transformers", "timm/resnet50.a1_in1k").name == "resnet50.a1_in1k"
    assert constants("timm", "beit_base_patch16_224_in22k") == HALVES
    assert expected("timm", "resnet50", tag="tv_in1k") == found("timm", "resnet50.tv_in1k")


@pytest.mark.parametrize("name", ["efficientnet_b1", "tf_efficientnet_b8", "tf_efficientnetv2_b3"])
def test_a_bare_name_whose_weights_changed_allows_both_constants(name: str) -> None:
    known = found("timm", name)
    assert known.accepts(*HALVES)
    assert known.accepts(*IMAGENET)
    assert "timm 0." in known.notes[0]
    assert not found("timm", known.name).accepts(*IMAGENET)


def test_every_weights_of_torchvision_have_the_constants_of_their_transforms() -> None:
    torchvision = pytest.importorskip("torchvision")
    if torchvision.__version__.partition("+")[0] != index()["torchvision"]["version"]:
        pytest.skip("the index was made with another torchvision")
    for builder in torchvision.models.list_models():
        enum = torchvision.models.get_model_weights(builder)
        for member in {*enum}:
            preset = member.transforms()
            known = found("torchvision", builder, member.name)
            assert known == found("torchvision", f"{enum.__name__}.{member.name}")
            if hasattr(preset, "mean"):
                assert known.constants == (tuple(preset.mean), tuple(preset.std))
        if "DEFAULT" in enum.__members__:
            assert found("torchvision", builder).name == f"{enum.__name__}.{enum['DEFAULT'].name}"
            assert found("torchvision", builder, "DEFAULT") == found("torchvision", builder)


def test_detectors_of_torchvision_normalise_inside() -> None:
    assert found("torchvision", "fasterrcnn_resnet50_fpn").inside == "normalisation"
    assert found("torchvision", "fasterrcnn_resnet50_fpn").range == "unit"
    assert found("torchvision", "fasterrcnn_resnet50_fpn").inner == IMAGENET
    assert found("torchvision", "ssdlite320_mobilenet_v3_large").inner == HALVES
    assert found("torchvision", "deeplabv3_resnet50").inside == "nothing"


def test_special_weights_of_torchvision() -> None:
    features = constants("torchvision", "vgg16", "VGG16_Weights.IMAGENET1K_FEATURES")
    assert features.std == (1 / 255,) * 3
    assert constants("torchvision", "EfficientNet_V2_L_Weights.IMAGENET1K_V1") == HALVES
    assert constants("torchvision", "inception_v3") == IMAGENET
    assert "transform_input" in found("torchvision", "inception_v3").notes[0]
    assert constants("torchvision", "quantized_resnet50") == IMAGENET


def test_every_application_of_keras_is_fed_what_its_preprocess_input_makes() -> None:
    os.environ.setdefault("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras")
    if keras.__version__ != index()["keras"]["version"]:
        pytest.skip("the index was made with another keras")
    raw = np.random.default_rng(0).uniform(0, 255, (2, 2, 3))
    for name, (module, mode, _) in index()["keras"]["applications"].items():
        function = importlib.import_module(f"keras.src.applications.{module}").preprocess_input
        known = found("keras", name)
        assert known.constants is not None
        values = raw[..., ::-1] if known.order == "BGR" else raw
        ours = (values / 255 - known.constants.mean) / known.constants.std
        np.testing.assert_allclose(ours, function(raw.copy(), data_format="channels_last"), atol=1e-9)
        assert mode_of(module) == (mode or "none")
        assert (known.inside == "nothing") == (mode is not None)


def test_applications_of_keras_that_scale_inside_are_fed_raw_values() -> None:
    for name in ("EfficientNetB0", "EfficientNetV2S", "MobileNetV3Small", "ConvNeXtTiny", "RegNetX002", "ResNetRS50"):
        assert found("keras", name).range == "raw"
        assert found("keras", name).inside != "nothing"
    assert found("keras", "MobileNetV3Small").inner == HALVES
    assert found("keras", "ConvNeXtTiny").inner == IMAGENET
    assert found("keras", "RegNetX002").inside == "scaling"
    assert [mode_of(module) for module in ("resnet50", "resnet_v2", "efficientnet", "densenet", "nothing")] == [
        "caffe",
        "tf",
        "none",
        "torch",
        None,
    ]
    assert set(MODES) == {"caffe", "tf", "torch", "none"}


def test_processors_of_transformers_have_the_constants_of_their_class() -> None:
    transformers = pytest.importorskip("transformers")
    for name in ("ViT", "CLIP", "ConvNext", "DeiT", "Beit", "Segformer", "Siglip", "Detr"):
        processor = getattr(transformers, f"{name}ImageProcessor")()
        for suffix in ("ImageProcessor", "ImageProcessorFast", "FeatureExtractor"):
            assert constants("transformers", f"{name}{suffix}") == (tuple(processor.image_mean), tuple(processor.image_std))
    assert found("transformers", "MobileViTImageProcessor").order == "BGR"
    for name in ("Pix2Struct", "LayoutLMv2", "PPLCNet", "Vivit"):
        assert expected("transformers", f"{name}ImageProcessor") is None
    assert expected("transformers", "AutoImageProcessor") is None


@pytest.mark.parametrize(
    ("library", "name", "weights", "wanted"),
    [
        ("transformers", "google/vit-base-patch16-224-in21k", None, HALVES),
        ("transformers", "facebook/deit-base-distilled-patch16-224", None, IMAGENET),
        ("transformers", "microsoft/swinv2-tiny-patch4-window8-256", None, IMAGENET),
        ("transformers", "openai/clip-vit-base-patch32", None, CLIP),
        ("transformers", "google/siglip-base-patch16-224", None, HALVES),
        ("transformers", "apple/mobilevit-small", None, UNIT),
        ("transformers", "laion/CLIP-ViT-H-14-laion2B-s32B-b79K", None, CLIP),
        ("transformers", "laion/CLIP-ViT-L-14-laion2B-s32B-b82K", None, HALVES),
        ("open_clip", "ViT-B-32", "laion2b_s34b_b79k", CLIP),
        ("open_clip", "ViT-L-14", "laion2b_s32b_b82k", HALVES),
        ("open_clip", "ViT-H-14-CLIPA-336", "datacomp1b", IMAGENET),
        ("clip", "ViT-B/32", None, CLIP),
        ("segmentation_models_pytorch", "resnet34", "imagenet", IMAGENET),
        ("segmentation_models_pytorch", "efficientnet-b3", "advprop", HALVES),
        ("segmentation_models_pytorch", "xception", None, HALVES),
        ("segmentation_models_pytorch", "tu-vit_base_patch16_224", None, HALVES),
        ("pretrainedmodels", "se_resnext50_32x4d", None, IMAGENET),
        ("pretrainedmodels", "inceptionv4", None, HALVES),
        ("efficientnet_pytorch", "efficientnet-b0", None, IMAGENET),
        ("ultralytics", "yolov8n.pt", None, UNIT),
        ("lpips", "vgg", None, HALVES),
        ("torch.hub", "facebookresearch/dinov2:dinov2_vits14", None, IMAGENET),
        ("torch.hub", "ultralytics/yolov5:yolov5s", None, UNIT),
        ("tensorflow_hub", "https://tfhub.dev/google/imagenet/mobilenet_v2_100_224/feature_vector/5", None, UNIT),
    ],
)
def test_documented_networks(library: str, name: str, weights: str | None, wanted: Constants) -> None:
    assert constants(library, name, weights) == wanted
    assert found(library, name, weights).origin


def test_backbones_of_segmentation_models_are_fed_as_their_libraries_say() -> None:
    assert found("segmentation_models", "resnet34").range == "raw"
    assert (found("segmentation_models", "vgg16").range, found("segmentation_models", "vgg16").order) == ("centred", "BGR")
    assert found("segmentation_models", "inceptionv3").range == "signed"
    assert constants("segmentation_models", "efficientnetb3") == IMAGENET


def test_x_ray_networks_are_fed_1024_levels_on_either_side() -> None:
    mean, std = constants("torchxrayvision", "densenet121-res224-all")
    assert [(value - mean[0]) / std[0] for value in (0.0, 1.0)] == [-1024, 1024]


def test_networks_that_normalise_themselves_are_fed_raw_values() -> None:
    for library, name in (("facenet_pytorch", "MTCNN"), ("segment_anything", "vit_b")):
        assert found(library, name).range == "raw"
        assert found(library, name).inside == "normalisation"
    assert found("segment_anything", "vit_b").inner == IMAGENET
    assert expected("segment_anything", "vit_x") is None


def test_learners_of_fastai_normalise_themselves() -> None:
    known = found("fastai", "resnet34")
    assert (known.constants, known.inside, known.inner) == (UNIT, "normalisation", IMAGENET)
    assert known.accepts(*IMAGENET)
    assert not known.accepts(*HALVES)
    assert "timm" in known.origin
    assert expected("fastai", "mine") is None


def test_audio_networks_have_no_constants_of_images() -> None:
    for name in ("facebook/wav2vec2-base", "openai/whisper-tiny", "MIT/ast-finetuned-audioset-10-10-0.4593"):
        known = found("transformers", name)
        assert (known.constants, known.order, known.range) == (None, "", "unknown")
        assert known.notes


@pytest.mark.parametrize(
    ("library", "names"),
    [
        ("timm", ["resnet51", "resnet50.nothing", ""]),
        ("torchvision", ["resnet51", "ResNet50_Weights.V9"]),
        ("keras", ["ResNet51"]),
        ("transformers", ["somebody/finetuned", "google/bert"]),
        ("open_clip", ["mine"]),
        ("clip", ["mine.pt"]),
        ("segmentation_models_pytorch", ["mine", "tu-mine"]),
        ("segmentation_models", ["mine"]),
        ("pretrainedmodels", ["bninception", "mine"]),
        ("efficientnet_pytorch", ["mine"]),
        ("facenet_pytorch", ["mine"]),
        ("torch.hub", ["somebody/mine:net"]),
        ("nobody", ["resnet50"]),
    ],
)
def test_what_nobody_states_is_not_known(library: str, names: list[str]) -> None:
    assert [expected(library, name) for name in names] == [None] * len(names)


def test_networks_may_be_named_as_elsewhere_in_tare() -> None:
    assert expected_of("timm:resnet50") == expected("timm", "resnet50")
    assert expected_of("torchvision:VGG16_Weights.IMAGENET1K_V1") == expected("torchvision", "vgg16")
    assert expected_of("keras:VGG16") == expected("keras", "VGG16")
    assert expected_of("hf:openai/clip-vit-base-patch32") == expected("transformers", "openai/clip-vit-base-patch32")
    assert [expected_of(name) for name in ("net.py:small", "resnet50", "tare:mlp", "")] == [None] * 4


def test_published_constants_differ_and_the_well_known_ones_come_first() -> None:
    known = published()
    assert known[0].name == "imagenet"
    assert len({(each.mean, each.std) for each in known}) == len(known)
    for each in known:
        assert len(each.mean) == len(each.std) in {1, 3}
        assert all(0 < value < 1 for value in (*each.mean, *each.std)), each
    assert {"cifar10", "cifar100", "mnist", "svhn", "stl10", "clip", "inception"} <= {each.name for each in known}


def test_a_look_up_loads_no_heavy_library() -> None:
    program = (
        "import sys; from tare.code.networks.table import expected;"
        "expected('timm', 'resnet50'); expected('transformers', 'ViTImageProcessor');"
        "print([name for name in ('numpy', 'torch', 'timm', 'yaml') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.strip() == "[]"
