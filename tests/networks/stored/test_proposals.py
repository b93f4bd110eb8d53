from __future__ import annotations

from pathlib import Path

import pytest
import timm
import torch
import torchvision
from safetensors.torch import save_file
from torch import nn

from tare.errors import ModelError
from tare.networks.stored.proposals import names_of, proposed, the_one, unbuilt


def saved(folder: Path, module: nn.Module, suffix: str = ".safetensors") -> Path:
    path = folder / f"weights{suffix}"
    if suffix == ".safetensors":
        save_file(module.state_dict(), path)
    else:
        torch.save({"state_dict": {f"module.{name}": value for name, value in module.state_dict().items()}}, path)
    return path


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_a_librarys_network_is_found_by_its_tensors_whatever_its_classes(tmp_path: Path, suffix: str) -> None:
    path = saved(tmp_path, timm.create_model("test_resnet", num_classes=7), suffix)
    assert the_one(path)[0] == "timm:test_resnet"


def test_networks_of_the_same_names_and_other_shapes_are_told_apart(tmp_path: Path) -> None:
    found = proposed(saved(tmp_path, torchvision.models.mobilenet_v3_small()))
    assert [one.reference for one in found] == ["torchvision:mobilenet_v3_small"]


def test_older_files_without_step_counters_fit_too(tmp_path: Path) -> None:
    state = {k: v for k, v in timm.create_model("test_resnet").state_dict().items() if not k.endswith("num_batches_tracked")}
    save_file(state, tmp_path / "old.safetensors")
    assert the_one(tmp_path / "old.safetensors")[0] == "timm:test_resnet"


def test_networks_whose_first_layers_differ_are_listed(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"with the same tensors but other first layers: timm:efficientnet_b0, timm:tf_eff"):
        the_one(saved(tmp_path, timm.create_model("efficientnet_b0")))


def test_other_tensors_are_refused_with_their_shapes(tmp_path: Path) -> None:
    path = saved(tmp_path, nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten(), nn.Linear(8, 2)))
    with pytest.raises(ModelError, match=r"4 tensors in 'weights.safetensors', first .*, which fit none of them; name the arch"):
        the_one(path)


def test_the_index_has_the_names_that_the_installed_libraries_build() -> None:
    from tare.networks.stored.proposals import _index

    for reference in ("timm:resnet50", "timm:vit_small_patch16_224", "torchvision:densenet121", "timm:convnext_tiny"):
        assert reference in _index()[names_of(unbuilt(reference).state_dict())]
