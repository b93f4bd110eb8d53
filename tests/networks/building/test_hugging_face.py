from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import tare
from tare.errors import ModelError
from tare.networks.building.hugging_face import Classifier, as_classifier
from tare.networks.loading import load_network
from tare.networks.stored.folded import fold_to
from tare.networks.stored.inputs import FoldRequest
from tare.transferring.result import TransferRun
from tests.labelled_images import dark_and_light

transformers = pytest.importorskip("transformers")

_TOWER: dict[str, Any] = {
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "image_size": 32,
    "patch_size": 8,
}
_TEXT = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32, "vocab_size": 20}


def _vit() -> Any:
    return transformers.ViTForImageClassification(transformers.ViTConfig(**_TOWER, num_labels=5))


def _dinov2() -> Any:
    options = {key: value for key, value in _TOWER.items() if key != "intermediate_size"}
    return transformers.Dinov2ForImageClassification(transformers.Dinov2Config(**options, num_labels=5))


def _convnext() -> Any:
    config = transformers.ConvNextConfig(hidden_sizes=[8, 8, 16, 16], depths=[1] * 4, num_labels=5, image_size=32)
    return transformers.ConvNextForImageClassification(config)


def _resnet() -> Any:
    config = transformers.ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic", num_labels=5)
    return transformers.ResNetForImageClassification(config)


def _siglip() -> Any:
    config = transformers.SiglipConfig(vision_config=_TOWER, text_config=_TEXT, num_labels=5)
    return transformers.SiglipForImageClassification(config)


KINDS: dict[str, Callable[[], Any]] = {
    "vit": _vit, "dinov2": _dinov2, "convnext": _convnext, "resnet": _resnet, "siglip": _siglip,
}  # fmt: skip
MEAN, STD = [0.4, 0.5, 0.6], [0.2, 0.25, 0.3]


def directory(folder: Path, kind: str = "vit") -> Path:
    """A small network of transformers with random weights, beside a processor that states its input."""
    torch.manual_seed(0)
    KINDS[kind]().eval().save_pretrained(folder)
    transformers.ViTImageProcessor(size={"height": 32, "width": 32}, image_mean=MEAN, image_std=STD).save_pretrained(folder)
    return folder


def run_of(model: str, data: Path, out: Path, **options: Any) -> TransferRun:
    return tare.transfer(model, data, out=out, **{"protocol": "probe", "workers": 0, "device": "cpu", **options})


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return dark_and_light(tmp_path / "data")


@pytest.mark.parametrize("kind", KINDS)
def test_it_answers_as_transformers_does_and_states_what_its_processor_states(tmp_path: Path, kind: str) -> None:
    folder = directory(tmp_path / kind, kind)
    network = load_network(f"hf:{folder}")
    own = transformers.AutoModelForImageClassification.from_pretrained(folder, local_files_only=True).eval()
    images = torch.randn(2, 3, 32, 32)
    with torch.inference_mode():
        assert torch.equal(network.module(images), own(pixel_values=images).logits)
    assert (network.spec.require("mean"), network.spec.require("std")) == (tuple(MEAN), tuple(STD))
    assert network.classifier.out_features == 5
    assert network.head_trained


def test_weights_can_be_drawn_or_come_from_a_file_that_transformers_wrote(tmp_path: Path) -> None:
    folder = directory(tmp_path / "net")
    drawn = [load_network(f"hf:{folder}", "none", seed=seed) for seed in (1, 1, 2)]
    first, second, other = (each.classifier.weight for each in drawn)
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
    assert not drawn[0].head_trained
    stored, given = load_network(f"hf:{folder}"), load_network(f"hf:{folder}", str(folder / "model.safetensors"))
    assert all(
        torch.equal(left, right) for left, right in zip(stored.module.parameters(), given.module.parameters(), strict=True)
    )


@pytest.mark.parametrize("kind", ["vit", "resnet"])
def test_a_run_is_a_directory_of_transformers_that_gives_the_answers_of_predict(tmp_path: Path, data: Path, kind: str) -> None:
    run = run_of(f"hf:{directory(tmp_path / kind, kind)}", data, tmp_path / "run")
    folder = run.out / "model"
    assert json.loads((folder / "config.json").read_text())["id2label"] == dict(zip("01", run.load().classes, strict=True))
    model = transformers.AutoModelForImageClassification.from_pretrained(folder, local_files_only=True).eval()
    chosen: dict[str, Any] = {"backend": "pil"} if int(transformers.__version__.split(".")[0]) >= 5 else {"use_fast": False}
    processor = transformers.AutoImageProcessor.from_pretrained(folder, local_files_only=True, **chosen)
    rng = np.random.default_rng(0)
    paths = [tmp_path / f"{name}.png" for name in "ab"]
    for path in paths:
        Image.fromarray(rng.integers(0, 256, (50, 40, 3), dtype=np.uint8)).save(path)
    with torch.inference_mode():
        fed = torch.cat([processor(Image.open(path), return_tensors="pt")["pixel_values"] for path in paths])
        shares = model(pixel_values=fed).logits.softmax(dim=1).numpy()
    answers = {Path(one.path).name: one for one in tare.predict(run.out, paths, workers=1)}
    for path, share in zip(paths, shares, strict=True):
        assert answers[path.name].probability == pytest.approx(share.max(), abs=1e-5)
        assert answers[path.name].label == model.config.id2label[int(share.argmax())]


def test_a_run_is_loaded_again_folded_and_exported(tmp_path: Path, data: Path) -> None:
    run = run_of(f"hf:{directory(tmp_path / 'vit')}", data, tmp_path / "run")
    model = run.load()
    assert isinstance(model.network.module, Classifier)
    made = tare.export(run.out, out=tmp_path / "exported", format="hf")
    assert made.parity is not None
    fold_to(FoldRequest(str(run.out), out=tmp_path / "folded"))
    folded = tare.load_model(tmp_path / "folded")
    raw = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    assert torch.allclose(folded.network.module(raw / 255), model.logits(raw), atol=1e-4)


def test_another_size_is_fed_with_interpolated_positions(tmp_path: Path, data: Path) -> None:
    run = run_of(f"hf:{directory(tmp_path / 'vit')}", data, tmp_path / "run", size=48)
    assert run.load().geometry.size == (48, 48)


def test_a_network_for_more_channels_answers_and_is_stored(tmp_path: Path) -> None:
    folder = directory(tmp_path / "net")
    adapted = load_network(f"hf:{folder}", channels=4)
    assert adapted.module(torch.zeros(1, 4, 32, 32)).shape == (1, 5)
    assert adapted.module.model.config.num_channels == 4  # type: ignore[union-attr]


def test_a_model_of_a_users_factory_is_called_by_position() -> None:
    wrapped = as_classifier(_vit().eval())
    assert wrapped(torch.zeros(1, 3, 32, 32)).shape == (1, 5)
    other = torch.nn.Linear(2, 2)
    assert as_classifier(other) is other


def test_what_is_no_classifier_of_images_is_refused_with_its_kind(tmp_path: Path) -> None:
    transformers.ASTConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32).save_pretrained(
        tmp_path
    )
    with pytest.raises(ModelError, match="a network for sound"):
        load_network(f"hf:{tmp_path}")


def test_code_of_a_repository_and_pickled_weights_are_refused(tmp_path: Path) -> None:
    folder = directory(tmp_path / "net")
    (folder / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    config = json.loads((folder / "config.json").read_text())
    own = {"AutoConfig": "own.Config", "AutoModelForImageClassification": "own.Model"}
    for changed in ({"auto_map": own}, {"auto_map": own, "model_type": "unheard-of"}):
        (folder / "config.json").write_text(json.dumps({**config, **changed}))
        with pytest.raises(ModelError):
            load_network(f"hf:{folder}")
    assert not (tmp_path / "ran").exists()
    (folder / "config.json").write_text(json.dumps(config))
    torch.save(_vit().state_dict(), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="safetensors"):
        load_network(f"hf:{folder}")


def test_a_name_that_is_nowhere_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="expected a directory or a repository of transformers"):
        load_network(f"hf:{tmp_path / 'nothing'}")
