from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest
from torchvision.models import ResNet50_Weights

import tare
from tare.errors import SpecError, TareError
from tare.input_spec.spec import InputSpec, Known
from tare.readers.table import DOCUMENTS, OBJECTS, PREFIXES, SUFFIXES, read_spec

CLIP = {"image_processor_type": "CLIPImageProcessor"}
TIMM = {"mean": [0.5] * 3, "std": [0.25] * 3, "input_size": [3, 64, 64], "interpolation": "bilinear", "crop_pct": 1.0}
SPEC = InputSpec.of([0.5] * 3, [0.25] * 3, size=(64, 64), raw_dtype="uint8")


def written(path: Path, document: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
    return path


def test_every_reader_of_the_tables_exists() -> None:
    for reader in [*PREFIXES.values(), *SUFFIXES.values(), *(entry[1] for entry in (*DOCUMENTS, *OBJECTS))]:
        module, _, function = reader.partition(":")
        assert callable(getattr(importlib.import_module(module), function)), reader


def test_a_spec_is_itself() -> None:
    assert read_spec(SPEC) is SPEC
    assert tare.read_spec is read_spec


@pytest.mark.parametrize(
    ("document", "size"),
    [
        (SPEC.to_json(), (64, 64)),
        ({"schema": "tare.model/1", "spec": SPEC.to_json()}, (64, 64)),
        (TIMM, (64, 64)),
        ({"architecture": "resnet18", "pretrained_cfg": TIMM}, (64, 64)),
        (CLIP, (224, 224)),
        ({"image_processor": CLIP}, (224, 224)),
    ],
)
def test_a_json_document_is_read_by_what_it_is(tmp_path: Path, document: dict[str, Any], size: tuple[int, int]) -> None:
    path = written(tmp_path / "any.json", document)
    assert read_spec(str(path)).require("size") == read_spec(path).require("size") == read_spec(document).require("size") == size


@pytest.mark.parametrize(
    ("name", "document"),
    [
        ("tare.json", {"schema": "tare.model/1", "spec": SPEC.to_json()}),
        ("model/tare.json", {"schema": "tare.model/1", "spec": SPEC.to_json()}),
        ("config.json", {"architecture": "resnet18", "pretrained_cfg": TIMM}),
        ("preprocessor_config.json", CLIP),
        ("processor_config.json", {"image_processor": CLIP}),
    ],
)
def test_a_directory_is_read_by_what_is_in_it(tmp_path: Path, name: str, document: dict[str, Any]) -> None:
    written(tmp_path / name, document)
    assert isinstance(read_spec(tmp_path).size, Known)
    if "tare" not in name:
        assert isinstance(read_spec(f"hf:{tmp_path}").size, Known)


def test_names_of_libraries_are_read_offline() -> None:
    assert read_spec("timm:resnet18").require("mean") == (0.485, 0.456, 0.406)
    spec = read_spec("torchvision:resnet50")
    assert isinstance(spec.mean, Known)
    assert "ResNet50_Weights.IMAGENET1K_V2, the default weights of resnet50" in spec.mean.origin
    assert read_spec("torchvision:ResNet50_Weights.IMAGENET1K_V1").require("crop").resize == (256,)
    assert read_spec("catalog:caffe").require("channels") == "BGR"
    assert read_spec("catalog:audioset").require("raw_dtype") == "float32"


def test_objects_of_libraries_are_read() -> None:
    import timm

    assert read_spec(timm.create_model("resnet18")).require("mean") == (0.485, 0.456, 0.406)
    assert read_spec(ResNet50_Weights.DEFAULT).require("size") == (224, 224)
    assert read_spec(ResNet50_Weights.DEFAULT.transforms()).require("size") == (224, 224)


def test_a_processor_object_is_read() -> None:
    transformers = pytest.importorskip("transformers", reason="the extra 'readers' is not installed")
    spec = read_spec(transformers.CLIPImageProcessor(size={"shortest_edge": 250}))
    assert spec.require("crop").resize == (250,)
    assert spec.equivalent(read_spec(CLIP))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("tim:resnet18", r"found 'tim:resnet18'; did you mean timm:resnet18\?"),
        ("torchvison:resnet18", r"did you mean torchvision:resnet18\?"),
        ("qq:x", "expected a prefix timm, .*found 'qq:x'"),
        ("timm:resnet1", r"expected a network that timm knows, found 'resnet1'; did you mean timm:resnet18"),
        ("timm:resnet18.nothing", r"did you mean timm:resnet18\."),
        ("timm:", "expected a network that timm knows, found ''"),
        ("torchvision:resnet5", r"did you mean torchvision:resnet50"),
        ("torchvision:ResNet50_Weights", r"name a member, such as torchvision:ResNet50_Weights\.DEFAULT"),
        ("torchvision:ResNet50_Weights.V9", "expected a member of ResNet50_Weights, found 'V9'; it has IMAGENET1K_V1"),
        ("torchvision:ResNet5_Weights.V1", r"did you mean torchvision:ResNet"),
        ("catalog:cifr10", "did you mean cifar10"),
        ("cifar10", "found 'cifar10', a name in the catalog; write catalog:cifar10"),
        ("nothing.json", "found 'nothing.json', which does not exist"),
        ("\0", "which does not exist"),
        ("x" * 5000, "which does not exist"),
        ("hf:no/such", "in the local cache, found none, and the network is not used; allow --online"),
        ("hf:../x y", "expected a directory, a file or a repository ID"),
        (None, "expected something that states a network's input, found a NoneType"),
        (3.5, "found a float"),
        ({}, "expected a JSON document that states a network's input, found the mapping with no keys"),
        ({"lr": 0.1}, "with the keys lr"),
    ],
)
def test_what_cannot_be_read_is_one_line(model: Any, message: str) -> None:
    with pytest.raises(TareError, match=message) as caught:
        read_spec(model)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "expected a readable JSON spec file"),
        ("[" * 200_000, "expected a readable JSON spec file"),
        ("null", "found .* with a NoneType"),
        ("[1, 2]", "with a list"),
        ('{"schema": "tare.spec/2", "mean": [NaN]}', "not a finite number"),
        ('{"schema": "tare.model/1"}', "expected a tare.json with a spec"),
        ('{"schema": "tare.model/1", "spec": 3}', "expected a JSON object with schema 'tare.spec/2'"),
        ('{"image_mean": {"a": 1}, "image_processor_type": "ViTImageProcessor"}', "a valid 'mean'"),
        ('{"pretrained_cfg": []}', "expected a mapping as pretrained_cfg"),
        ('{"image_processor": ' * 500 + "1" + "}" * 500, "expected"),
    ],
)
def test_a_hostile_file_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "hostile.json"
    path.write_text(text)
    with pytest.raises(SpecError, match=message) as caught:
        read_spec(path)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    with path.open("wb") as file:
        file.truncate((1 << 24) + 1)
    with pytest.raises(SpecError, match="expected a JSON file of at most 16777216 bytes"):
        read_spec(path)


def test_a_directory_or_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "weights.pth").touch()
    for name in (tmp_path, f"hf:{tmp_path}"):
        with pytest.raises(SpecError, match=r"expected a directory with tare\.json, .*, found none in"):
            read_spec(name)
    with pytest.raises(SpecError, match=r"weights\.pth"):
        read_spec(tmp_path / "weights.pth")


AST = {"feature_extractor_type": "ASTFeatureExtractor", "mean": -4.27, "std": 4.57, "num_mel_bins": 128, "max_length": 1024}
OPEN_CLIP = {"model_cfg": {"vision_cfg": {"image_size": 224}}, "preprocess_cfg": {"mean": [0.5] * 3, "std": [0.5] * 3}}
PLANS = {"plans_name": "p", "configurations": {"2d": {"normalization_schemes": ["NoNormalization"]}}}
INTENSITIES = {"0": {"mean": 40.0, "std": 20.0, "percentile_00_5": -100.0, "percentile_99_5": 200.0}}
FINGERPRINT = {"foreground_intensity_properties_per_channel": INTENSITIES}


@pytest.mark.parametrize(
    ("file", "document", "prefixes"),
    [
        ("preprocessor_config.json", AST, ("hf",)),
        ("processor_config.json", {"feature_extractor": AST, "processor_class": "P"}, ("hf",)),
        ("preprocessor_config.json", {"feature_extractor": AST}, ("hf",)),
        ("preprocessor_config.json", CLIP, ("hf",)),
        ("processor_config.json", {"image_processor": CLIP, "feature_extractor": AST}, ("hf",)),
        ("processor_config.json", {"feature_extractor": {"feature_extractor_type": "CLIPFeatureExtractor"}}, ("hf",)),
        ("preprocessor_config.json", {"do_normalize": True, "image_std": [0.5] * 3}, ("hf",)),
        ("config.json", {"architecture": "resnet18", "pretrained_cfg": TIMM}, ("hf", "timm", "timm:local-dir")),
        ("open_clip_config.json", OPEN_CLIP, ("hf",)),
        ("plans.json", PLANS, ("hf", "nnunet")),
        ("nnUNetPlans.json", PLANS, ("nnunet",)),
        ("dataset_fingerprint.json", FINGERPRINT, ("nnunet",)),
        ("tare.json", {"schema": "tare.model/1", "spec": SPEC.to_json()}, ("hf", "timm")),
        ("model/tare.json", {"schema": "tare.model/1", "spec": SPEC.to_json()}, ("hf",)),
    ],
)
def test_every_way_to_name_the_same_thing_gives_the_same_answer(
    tmp_path: Path, file: str, document: dict[str, Any], prefixes: tuple[str, ...]
) -> None:
    path = written(tmp_path / file, document)
    written(tmp_path / "dataset.json", {"channel_names": {"0": "CT"}})
    names = [f"{before}{place}" for before in ("", *(f"{p}:" for p in prefixes)) for place in (tmp_path, path)]
    names = [name for name in names if not name.startswith("timm:local-dir") or name.endswith(str(tmp_path))]
    read = {name: read_spec(name).to_json() for name in names}
    assert all(each == read[str(path)] for each in read.values())
    assert read_spec(path).to_json() == read_spec(tmp_path).to_json() == read[str(path)]
    assert any(read[str(path)][name] is not None for name in ("mean", "std", "size", "per_sample"))


def test_the_configuration_beside_a_transferred_model_is_the_models(tmp_path: Path) -> None:
    stated = InputSpec.of([0.4], [0.2], raw_dtype="uint16", size=(32, 32))
    written(tmp_path / "run/model/tare.json", {"schema": "tare.model/1", "spec": stated.to_json()})
    grey = {**TIMM, "mean": [0.4], "std": [0.2], "input_size": [1, 32, 32]}
    written(tmp_path / "run/model/config.json", {"architecture": "resnet18", "pretrained_cfg": grey})
    for name in ("run", "run/model", "run/model/tare.json", "run/model/config.json"):
        for prefix in ("", "hf:", "timm:"):
            assert read_spec(f"{prefix}{tmp_path / name}").raw_dtype == stated.raw_dtype, (prefix, name)


def test_the_file_that_states_an_input_decides_not_the_first(tmp_path: Path) -> None:
    written(tmp_path / "preprocessor_config.json", {"processor_class": "Florence"})
    written(tmp_path / "config.json", {"model_type": "vit"})
    written(tmp_path / "processor_config.json", {"image_processor": CLIP})
    assert read_spec(tmp_path).to_json() == read_spec(f"hf:{tmp_path}").to_json()
    assert read_spec(tmp_path).require("size") == (224, 224)


def test_extractor_objects_are_read_as_their_files(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers", reason="the extra 'readers' is not installed")
    for thing in (transformers.ASTFeatureExtractor(), transformers.CLIPImageProcessor()):
        thing.save_pretrained(tmp_path / type(thing).__name__)
        file = read_spec(tmp_path / type(thing).__name__)
        for name in ("mean", "std", "scale", "size", "raw_dtype"):
            assert getattr(getattr(read_spec(thing), name), "value", None) == getattr(getattr(file, name), "value", None), name


def test_a_cached_repository_is_read_as_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = pytest.importorskip("huggingface_hub")
    written(tmp_path / "preprocessor_config.json", {"processor_class": "P"})
    written(tmp_path / "processor_config.json", {"feature_extractor": AST})
    monkeypatch.setattr(
        hub, "try_to_load_from_cache", lambda _, file: str(tmp_path / file) if (tmp_path / file).is_file() else None
    )
    assert read_spec("hf:owner/name").require("mean") == read_spec(tmp_path).require("mean")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("check.py", "other code is read by `tare check FILE.py:NAME`"),
        ("net.pth", r"weights state no input: name the network \(timm:NAME"),
        ("net.PT", "weights state no input"),
        ("net.engine", "a compiled engine states no input: name the ONNX"),
        ("net.h5", "save the Keras model as .keras"),
        ("one.png", "data are measured by `tare measure .*one.png`"),
        ("net.xyz", "name timm:NAME, torchvision:NAME"),
    ],
)
def test_a_path_that_no_reader_takes_says_what_fits(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(SpecError, match=message) as caught:
        read_spec(tmp_path / name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ((), "a folder of data is measured by `tare measure`"),
        (("a.onnx", "b.txt"), r"name .*a\.onnx$"),
        (("a.onnx", "b.keras"), r"name one of its files: a\.onnx, b\.keras$"),
        (("net.pth",), "weights state no input"),
        (("0.png", "1.png"), "data are measured by `tare measure"),
    ],
)
def test_a_directory_without_a_configuration_says_what_fits(tmp_path: Path, names: tuple[str, ...], message: str) -> None:
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(SpecError, match=message) as caught:
        read_spec(tmp_path)
    assert "\n" not in str(caught.value)
