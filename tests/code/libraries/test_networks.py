"""Networks that calls make, and whether their weights are pretrained."""

from __future__ import annotations

import pytest

from tare.code.libraries.networks import Network, networks_of
from tests.code.interpreted import run

HEAD = "import timm, torch\nfrom torchvision import models\nimport tensorflow as tf\n"


def networks(code: str) -> list[Network]:
    return [network for call in run(a=HEAD + code).log for network in networks_of(call)]


@pytest.mark.parametrize(
    ("code", "name", "pretrained", "scaling"),
    [
        ("models.resnet50(pretrained=True)", "resnet50", True, "constants"),
        ("models.resnet50(True)", "resnet50", True, "constants"),
        ("models.resnet50(weights='DEFAULT')", "resnet50", True, "constants"),
        ("models.resnet50(weights=models.ResNet50_Weights.IMAGENET1K_V2)", "resnet50", True, "constants"),
        ("models.resnet50()", "resnet50", False, "constants"),
        ("models.resnet50(weights=None)", "resnet50", False, "constants"),
        ("models.resnet50(weights=w)", "resnet50", None, "constants"),
        ("models.vgg16(weights=models.VGG16_Weights.IMAGENET1K_FEATURES)", "vgg16", True, None),
        ("models.detection.fasterrcnn_resnet50_fpn(pretrained=True)", "fasterrcnn_resnet50_fpn", True, None),
        ("models.get_model('resnet18', weights='DEFAULT')", "resnet18", True, "constants"),
        ("timm.create_model('resnet50.a1_in1k', pretrained=True)", "resnet50.a1_in1k", True, "constants"),
        ("timm.create_model('resnet50')", "resnet50", False, "constants"),
        ("tf.keras.applications.VGG16()", "VGG16", True, "caffe"),
        ("tf.keras.applications.vgg16.VGG16(weights='imagenet')", "VGG16", True, "caffe"),
        ("tf.keras.applications.MobileNetV2(weights=None)", "MobileNetV2", False, "signed"),
        ("tf.keras.applications.DenseNet121()", "DenseNet121", True, "torch"),
        ("tf.keras.applications.EfficientNetB0()", "EfficientNetB0", True, "inside"),
        ("torch.hub.load('pytorch/vision:v0.10.0', 'resnet18', pretrained=True)", "resnet18", True, "constants"),
    ],
)
def test_a_network_is_known_by_its_call(code: str, name: str, pretrained: bool | None, scaling: str | None) -> None:
    (found,) = networks(code)
    assert (found.name, found.pretrained, found.scaling) == (name, pretrained, scaling)


def test_a_name_of_several_branches_is_a_network_each() -> None:
    code = "def f(a):\n    name = 'resnet18' if a else 'resnet34'\n    return timm.create_model(name, pretrained=True)"
    assert [(each.name, [str(one) for one in each.decisions]) for each in networks(code)] == [
        ("resnet18", ["a"]),
        ("resnet34", ["not a"]),
    ]


@pytest.mark.parametrize(
    "code", ["models.resnet.BasicBlock()", "models.list_models()", "timm.create_model(name)", "timm.list_models()"]
)
def test_what_is_no_network_is_none(code: str) -> None:
    assert networks(code) == []
