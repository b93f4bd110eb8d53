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
from tare.networks.building.hub.modules import Classifier, as_called
from tare.networks.loading import load_network
from tare.networks.network import with_head
from tare.networks.stored.folded import fold_to
from tare.networks.stored.inputs import FoldRequest
from tare.transferring.result import TransferRun
from tests.labelled_images import dark_and_light
from tests.transferring.test_tasks import scenes

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


@pytest.mark.parametrize("kind", ["vit", "resnet", "convnext"])
def test_a_network_that_is_folded_as_it_came_keeps_its_classifier_and_the_names_of_its_classes(
    tmp_path: Path, data: Path, kind: str
) -> None:
    folder = directory(tmp_path / kind, kind)
    network = load_network(f"hf:{folder}").module
    fold_to(FoldRequest(f"hf:{folder}", takes="uint8", out=tmp_path / "folded"))
    folded = tare.load_model(tmp_path / "folded")
    raw = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    constants = [torch.tensor(values).reshape(1, 3, 1, 1) for values in (MEAN, STD)]
    with torch.no_grad():
        expected = network((raw / 255 - constants[0]) / constants[1])
        assert expected.shape == (2, len(folded.classes))
        assert torch.allclose(folded.network.module(raw), expected, atol=1e-4)
    assert {answer.label for answer in tare.predict(tmp_path / "folded", data / "val")} <= {*folded.classes}


def test_a_folded_network_without_names_of_classes_says_so(tmp_path: Path, data: Path) -> None:
    fold_to(FoldRequest("timm:test_resnet", weights="none", mean=(0.5,), std=(0.25,), out=tmp_path / "folded"))
    with pytest.raises(ModelError, match="a network with the names of its classes, found none in"):
        tare.predict(tmp_path / "folded", data / "val")


def test_another_size_is_fed_with_interpolated_positions(tmp_path: Path, data: Path) -> None:
    run = run_of(f"hf:{directory(tmp_path / 'vit')}", data, tmp_path / "run", size=48)
    assert run.load().geometry.size == (48, 48)


def test_a_network_for_more_channels_answers_and_is_stored(tmp_path: Path) -> None:
    folder = directory(tmp_path / "net")
    adapted = load_network(f"hf:{folder}", channels=4)
    assert adapted.module(torch.zeros(1, 4, 32, 32)).shape == (1, 5)
    assert adapted.module.model.config.num_channels == 4  # type: ignore[union-attr]


def test_a_model_of_a_users_factory_is_called_by_position() -> None:
    wrapped = as_called(_vit().eval())
    assert wrapped(torch.zeros(1, 3, 32, 32)).shape == (1, 5)
    other = torch.nn.Linear(2, 2)
    assert as_called(other) is other


BARE: dict[str, Callable[[], Any]] = {
    "vit": lambda: transformers.ViTModel(transformers.ViTConfig(**_TOWER)),
    "dinov2": lambda: transformers.Dinov2Model(
        transformers.Dinov2Config(**{key: value for key, value in _TOWER.items() if key != "intermediate_size"})
    ),
    "clip": lambda: transformers.CLIPVisionModel(transformers.CLIPVisionConfig(**_TOWER)),
    "siglip": lambda: transformers.SiglipVisionModel(transformers.SiglipVisionConfig(**_TOWER)),
    "convnext": lambda: transformers.ConvNextModel(
        transformers.ConvNextConfig(hidden_sizes=[8, 8, 16, 16], depths=[1] * 4, image_size=32)
    ),
    "swin": lambda: transformers.SwinModel(
        transformers.SwinConfig(image_size=32, patch_size=4, embed_dim=8, depths=[1, 1], num_heads=[1, 2], window_size=4)
    ),
}


def bare(folder: Path, model: Any) -> Path:
    """A backbone without a head, beside a processor that states its input."""
    model.eval().save_pretrained(folder)
    transformers.ViTImageProcessor(size={"height": 32, "width": 32}, image_mean=MEAN, image_std=STD).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("kind", BARE)
def test_a_backbone_gets_a_new_head_and_its_run_is_a_directory_of_transformers(tmp_path: Path, data: Path, kind: str) -> None:
    torch.manual_seed(0)
    backbone = BARE[kind]()
    folder = bare(tmp_path / "bare", backbone)
    network = load_network(f"hf:{folder}")
    assert not network.head_trained
    held = dict(network.module.model.base_model.named_parameters())  # type: ignore[union-attr]
    for name, weight in backbone.named_parameters():
        if not name.startswith("pooler"):  # a classifier of transformers has none
            same = [value for key, value in held.items() if key.endswith(name.removeprefix("vision_model."))]
            assert any(value.shape == weight.shape and torch.equal(value, weight) for value in same), name
    run = run_of(f"hf:{folder}", data, tmp_path / "run")
    model = transformers.AutoModelForImageClassification.from_pretrained(run.model_dir, local_files_only=True).eval()
    images = torch.rand(2, 3, 32, 32)
    with torch.inference_mode():
        fed = (images - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
        assert torch.allclose(model(pixel_values=fed).logits, run.load().logits(images), atol=1e-5)


def test_a_backbone_that_transformers_has_no_classifier_for_gets_a_head_of_its_own(tmp_path: Path, data: Path) -> None:
    dinov3 = pytest.importorskip("transformers.models.dinov3_vit")
    torch.manual_seed(0)
    backbone = dinov3.modeling_dinov3_vit.DINOv3ViTModel(dinov3.configuration_dinov3_vit.DINOv3ViTConfig(**_TOWER))
    folder = bare(tmp_path / "bare", backbone)
    run = run_of(f"hf:{folder}", data, tmp_path / "run")
    images = torch.rand(2, 3, 32, 32)
    head = run.load().network.classifier
    with torch.inference_mode():
        fed = (images - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
        expected = head(backbone(pixel_values=fed).pooler_output)
        assert torch.allclose(expected, run.load().logits(images), atol=1e-5)
    assert not (run.model_dir / "config.json").exists()  # AutoModel would load it without its weights
    with pytest.raises(ModelError, match=r"a network that a class of transformers holds whole, found hf:.*use --format onnx"):
        tare.export(run.out, "hf", tmp_path / "hf")
    assert tare.export(run.out, "torchscript", tmp_path / "x.pt").parity is not None


def _segformer(labels: int = 7) -> Any:
    config = transformers.SegformerConfig(
        hidden_sizes=[8, 8, 16, 16], depths=[1] * 4, num_attention_heads=[1, 1, 2, 2], decoder_hidden_size=16, num_labels=labels
    )
    return transformers.SegformerForSemanticSegmentation(config)


@pytest.mark.parametrize("stored", ["segmenter", "classifier"])
def test_segformer_learns_masks_and_its_run_is_a_directory_of_transformers(tmp_path: Path, stored: str) -> None:
    torch.manual_seed(0)
    whole = _segformer()
    made = whole if stored == "segmenter" else transformers.SegformerForImageClassification(whole.config)
    folder = bare(tmp_path / "net", made)
    run = tare.transfer(
        f"hf:{folder}", scenes(tmp_path / "data"), ignore=255, class_names="ground,square", epochs=1, batch_size=4, workers=0,
        device="cpu", out=tmp_path / "run",
    )  # fmt: skip
    model = transformers.AutoModelForSemanticSegmentation.from_pretrained(run.model_dir, local_files_only=True).eval()
    assert model.config.id2label == {0: "ground", 1: "square"}
    images = torch.rand(2, 3, 32, 32)
    with torch.inference_mode():
        fed = (images - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
        coarse = model(pixel_values=fed).logits
        assert tuple(coarse.shape) == (2, 2, 8, 8)
        fine = torch.nn.functional.interpolate(coarse, (32, 32), mode="bilinear", align_corners=False)
        assert torch.allclose(fine, run.load().logits(images), atol=1e-5)
    exported = tare.export(run.out, "hf", tmp_path / "hf")
    assert exported.parity is not None
    assert "AutoModelForSemanticSegmentation" in (tmp_path / "hf" / "README.md").read_text()
    assert tare.predict(run.out, tmp_path / "data" / "images")[0].error is None


def test_a_segmenter_keeps_its_body_when_it_gets_another_head(tmp_path: Path) -> None:
    folder = bare(tmp_path / "net", _segformer())
    network = load_network(f"hf:{folder}")
    assert (network.dense, network.head, network.head_trained) == (True, "model.decode_head.classifier", True)
    other = with_head(network, 3, seed=1)
    assert tuple(other.module.eval()(torch.zeros(1, 3, 64, 48)).shape) == (1, 3, 64, 48)


def test_what_takes_no_images_is_refused_with_its_kind(tmp_path: Path) -> None:
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    transformers.YolosConfig(**sizes).save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="a detector"):
        load_network(f"hf:{tmp_path}")


_OWN = """
from pathlib import Path

import torch
from transformers import PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import ImageClassifierOutput

Path({ran!r}).touch()


class Config(PretrainedConfig):
    model_type = "unheard-of"


class Model(PreTrainedModel):
    config_class = Config

    def __init__(self, config):
        super().__init__(config)
        self.first = torch.nn.Conv2d(3, 4, 3)
        self.classifier = torch.nn.Linear(4, 2)
        self.post_init()

    def forward(self, pixel_values):
        return ImageClassifierOutput(logits=self.classifier(self.first(pixel_values).mean(dim=(2, 3))))
"""


def own_code(folder: Path, ran: Path) -> Path:
    """A repository with a network of its own, and a trace of its having been run."""
    from safetensors.torch import save_file

    folder.mkdir()
    (folder / "own.py").write_text(_OWN.format(ran=str(ran)))
    brought = {"AutoConfig": "own.Config", "AutoModelForImageClassification": "own.Model"}
    (folder / "config.json").write_text(json.dumps({"model_type": "unheard-of", "auto_map": brought, "architectures": ["Model"]}))
    shapes = {"first.weight": (4, 3, 3, 3), "first.bias": (4,), "classifier.weight": (2, 4), "classifier.bias": (2,)}
    tensors = {name: torch.randn(shape) for name, shape in shapes.items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    transformers.ViTImageProcessor(size={"height": 32, "width": 32}, image_mean=MEAN, image_std=STD).save_pretrained(folder)
    return folder


def test_code_of_a_repository_is_run_only_when_asked_and_never_by_its_run_alone(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    ran = tmp_path / "ran"
    folder = own_code(tmp_path / "net", ran)
    with pytest.raises(ModelError, match=r"which brings its own Python code \(auto_map\); read this code; --trust-remote-code"):
        load_network(f"hf:{folder}")
    assert not ran.exists()
    run = run_of(f"hf:{folder}", data, tmp_path / "run", trust_remote_code=True)
    assert f"the code that hf:{folder} brings was run: --trust-remote-code" in run.notes
    ran.unlink()
    with pytest.raises(ModelError, match=r"--model hf:.* --trust-remote-code"):
        tare.predict(run.out, data / "val")
    with pytest.raises(ModelError, match=r"--trust-remote-code"):
        tare.predict(run.out, data / "val", factory=f"hf:{folder}")
    assert not ran.exists()
    answers = tare.predict(run.out, data / "val", factory=f"hf:{folder}", trust_remote_code=True)
    assert all(answer.error is None for answer in answers)


def test_a_trusted_directory_brings_its_own_code_alone(tmp_path: Path) -> None:
    brought = {"AutoConfig": "configuration.Config", "AutoModelForImageClassification": "someone/else--modeling.Model"}
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "unheard-of", "auto_map": brought}))
    with pytest.raises(ModelError, match=r"found auto_map with code of the repository 'someone/else'; copy that code"):
        load_network(f"hf:{tmp_path}", "none", trusted=True)


def test_weights_that_lack_a_part_are_refused_and_never_drawn_in_silence(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = directory(tmp_path / "net")
    tensors = load_file(folder / "model.safetensors")
    del tensors["vit.embeddings.cls_token"]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"found 1 tensors without one, the first 'vit.embeddings.cls_token'"):
        load_network(f"hf:{folder}")


def test_a_known_network_that_brings_code_is_refused_too_and_so_are_pickled_weights(tmp_path: Path) -> None:
    folder = directory(tmp_path / "net")
    (folder / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    config = json.loads((folder / "config.json").read_text())
    own = {"AutoConfig": "own.Config", "AutoModelForImageClassification": "own.Model"}
    (folder / "config.json").write_text(json.dumps({**config, "auto_map": own}))
    with pytest.raises(ModelError, match="trust-remote-code"):
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


def test_fold_and_identify_run_code_of_a_repository_only_when_asked(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    ran = tmp_path / "ran"
    source = f"hf:{own_code(tmp_path / 'net', ran)}"
    with pytest.raises(ModelError, match=r"--trust-remote-code runs it"):
        fold_to(FoldRequest(source=source, out=tmp_path / "folded"))
    checkpoint = tmp_path / "net" / "model.safetensors"
    with pytest.raises(ModelError, match=r"--trust-remote-code runs it"):
        tare.identify(model=source, checkpoint=checkpoint, data=data / "train")
    assert not ran.exists()
    folded = fold_to(FoldRequest(source=source, out=tmp_path / "folded", trust_remote_code=True)).folded
    assert folded.verification.network_error < 1e-5
    with pytest.raises(ModelError, match="no batch norm"):
        tare.identify(model=source, checkpoint=checkpoint, data=data / "train", trust_remote_code=True)
    assert ran.exists()
