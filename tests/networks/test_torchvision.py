from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torchvision

from tare.errors import ModelError
from tare.input_spec.spec import Known
from tare.networks.loading import load_network
from tare.networks.torchvision import torchvision_model


def test_a_name_or_its_weights_build_the_model_and_state_its_input() -> None:
    for name in ("mobilenet_v3_small", "MobileNet_V3_Small_Weights.IMAGENET1K_V1"):
        network = load_network(f"torchvision:{name}", "none", seed=1)
        assert type(network.module).__name__ == "MobileNetV3"
        assert network.head == "classifier.3"
        assert isinstance(network.spec.mean, Known)
        assert network.spec.mean.value == (0.485, 0.456, 0.406)
        assert "MobileNet_V3_Small_Weights.IMAGENET1K_V1" in network.spec.mean.origin


def test_pretrained_weights_are_torchvisions_where_they_are_cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    made = torchvision.models.mobilenet_v3_small()
    url = torchvision.models.MobileNet_V3_Small_Weights.DEFAULT.url
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    torch.save(made.state_dict(), tmp_path / "hub" / "checkpoints" / url.rpartition("/")[2])
    network = load_network("torchvision:mobilenet_v3_small")
    assert torch.equal(network.module.state_dict()["features.0.0.weight"], made.state_dict()["features.0.0.weight"])


def test_weights_that_cannot_be_had_are_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr("torchvision.models.get_model", offline)
    with pytest.raises(ModelError, match=r"the weights of torchvision:resnet18, .* found no route to host; connect once"):
        torchvision_model("resnet18", pretrained=True)


@pytest.mark.parametrize("name", ["resnet19", "fasterrcnn_resnet50_fpn", "ResNet18_Weights.NONE"])
def test_what_is_no_classifier_of_torchvision_is_refused(name: str) -> None:
    with pytest.raises(ModelError, match=r"a classifier that torchvision knows, found .*; (did you mean|see)"):
        torchvision_model(name, pretrained=False)


def test_second_classifiers_that_answer_in_training_only_are_taken_off() -> None:
    module, _ = torchvision_model("googlenet", pretrained=False)
    assert module.train()(torch.rand(2, 3, 64, 64)).shape == (2, 1000)


def test_a_network_without_a_linear_classifier_is_refused() -> None:
    with pytest.raises(ModelError, match=r"no nn.Linear in torchvision:squeezenet1_1"):
        load_network("torchvision:squeezenet1_1", "none")
