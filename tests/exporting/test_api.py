from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np
import pytest
import timm
import torch
from packaging.version import Version
from PIL import Image
from safetensors.torch import load_file, save_file

import tare
from tare.datasets.image_batches import evaluation_transform
from tare.errors import MissingDependencyError, ModelError, OutputError, SpecError, TareError
from tare.exporting import parity
from tare.exporting.api import export
from tare.exporting.formats import torchscript as torchscript_file
from tare.exporting.inputs import ExportFormat
from tare.exporting.parity import ParityError
from tare.input_spec.geometry import Geometry
from tare.input_spec.spec import InputSpec
from tare.networks.stored.directory import load_model
from tare.networks.stored.trained import open_trained
from tare.predicting.api import predict
from tests.tiny_run import CLASSES, FACTORY, MEAN, STD, save_photo, tiny_run


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return tiny_run(tmp_path)


def raw(count: int, height: int = 32, width: int = 32) -> torch.Tensor:
    return torch.randint(0, 256, (count, 3, height, width), dtype=torch.uint8, generator=torch.Generator().manual_seed(count))


def answers(path: Path, form: str, images: torch.Tensor) -> list[np.ndarray[Any, Any]]:
    """What a graph answers, run by its own library alone."""
    if form == "onnx":
        runtime = pytest.importorskip("onnxruntime")
        session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        return list(session.run(None, {session.get_inputs()[0].name: images.numpy()}))
    module = torch.jit.load(path) if form == "torchscript" else torch.export.load(path).module()  # type: ignore[no-untyped-call]
    with torch.no_grad():
        given = module(images)
    return [part.numpy() for part in (given if isinstance(given, tuple | list) else (given,))]


def metadata_of(path: Path, form: str) -> dict[str, str]:
    if form == "onnx":
        onnx = pytest.importorskip("onnx")
        return {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    keys: dict[str, Any] = {"tare.spec": "", "tare.model_spec": "", "tare.labels": ""}
    if form == "torchscript":
        torch.jit.load(path, _extra_files=keys)  # type: ignore[no-untyped-call]
    else:
        torch.export.load(path, extra_files=keys)
    return {key: str(value, "utf-8") if isinstance(value, bytes) else value for key, value in keys.items()}


@pytest.mark.parametrize("form", ["onnx", "torchscript", "pt2"])
def test_a_graph_answers_raw_bytes_as_the_network_does_in_batches_of_any_size(
    run: Path, tmp_path: Path, form: ExportFormat
) -> None:
    if form == "onnx":
        pytest.importorskip("onnxruntime")
        pytest.importorskip("onnxscript")
    out = tmp_path / f"model.{form}"
    made = export(run, form, out, layout="NCHW")
    assert made.parity is not None
    assert made.parity.logits is not None
    assert made.parity.logits <= 1e-4
    assert made.parity.batches == (1, 2, 5)
    model = open_trained(run).model
    for count in (1, 2, 5):
        probabilities, logits = answers(out, form, raw(count))
        expected = model.logits(raw(count))
        assert np.allclose(logits, expected.numpy(), atol=1e-4)
        assert np.allclose(probabilities, expected.softmax(dim=1).numpy(), atol=1e-5)
    stated = metadata_of(out, form)
    spec = InputSpec.from_json(json.loads(stated["tare.spec"]))
    assert spec.affine().scale == (1.0,) * 3
    assert spec.require("layout") == "NCHW"
    assert InputSpec.from_json(json.loads(stated["tare.model_spec"])).require("mean") == MEAN
    assert json.loads(stated["tare.labels"]) == list(CLASSES)


@pytest.mark.long
@pytest.mark.parametrize(("form", "strategy"), [("torchscript", "source"), ("pt2", "sample")])
def test_with_resize_an_image_of_any_size_is_answered_as_predict_does(tmp_path: Path, form: ExportFormat, strategy: str) -> None:
    run = tiny_run(tmp_path, strategy)
    out = tmp_path / "model"
    made = export(run, form, out, with_resize=True, output="probabilities")
    assert made.size is None
    assert made.parity is not None
    assert (made.parity.resize_levels, made.parity.resize_share) == (0, 0.0)
    for seed, (height, width) in enumerate([(40, 52), (70, 33), (33, 120), (90, 40)]):
        path = save_photo(tmp_path / f"{seed}.png", seed, height, width)
        images = torch.from_numpy(np.array(Image.open(path)))[None]
        (given,) = answers(out, form, images)
        expected = dict(predict(run, path, top=3)[0].ranks)
        assert given[0].tolist() == pytest.approx([expected[name] for name in CLASSES], abs=1e-5)


@pytest.mark.long
@pytest.mark.parametrize("strategy", ["source", "sample"])
@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
def test_onnx_with_resize_in_both_layouts(tmp_path: Path, layout: Any, strategy: str) -> None:
    pytest.importorskip("onnxruntime")
    run = tiny_run(tmp_path, strategy, geometry=Geometry((32, 48), "bicubic", 0.875))
    out = tmp_path / "model.onnx"
    made = export(run, "onnx", out, with_resize=True, layout=layout)
    assert made.made_by is not None
    assert made.made_by["exporter"] == "torch.export"
    model = open_trained(run).model
    transform = evaluation_transform(model.geometry)
    for count, height, width in ((1, 60, 45), (2, 33, 101), (5, 120, 50)):
        images = raw(count, height, width)
        sized = torch.stack([transform(Image.fromarray(image.permute(1, 2, 0).numpy())) for image in images])
        given = answers(out, "onnx", images.permute(0, 2, 3, 1).contiguous() if layout == "NHWC" else images)
        assert np.allclose(given[1], model.logits(sized).numpy(), atol=1e-4)


def test_onnx_names_its_axes_and_states_its_opset(run: Path, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    made = export(run, "onnx", tmp_path / "model.onnx", output="logits")
    assert made.made_by is not None
    graph = onnx.load(tmp_path / "model.onnx")
    onnx.checker.check_model(graph, full_check=True)
    assert {entry.domain: entry.version for entry in graph.opset_import}[""] == made.made_by["opset"]
    axes = [dim.dim_param or dim.dim_value for dim in graph.graph.input[0].type.tensor_type.shape.dim]
    assert axes == ["N", 32, 32, 3]
    assert [output.name for output in graph.graph.output] == ["logits"]
    assert tare.read_spec(tmp_path / "model.onnx").equivalent(InputSpec.of([0] * 3, [1] * 3, scale=1.0, raw_dtype="uint8"))


def test_a_network_that_cannot_be_recorded_is_traced_for_onnx(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxruntime")
    from tare.exporting.formats import onnx as onnx_file

    def fails(*_: Any) -> Any:
        raise ModelError("a network that torch.export can record", "made to fail", "nothing")

    monkeypatch.setattr(onnx_file, "exported_program", fails)
    made = export(run, "onnx", tmp_path / "model.onnx", layout="NCHW")
    assert made.made_by is not None
    assert made.made_by["exporter"] == "trace"
    model = open_trained(run).model
    for count in (1, 5):
        assert np.allclose(answers(tmp_path / "model.onnx", "onnx", raw(count))[1], model.logits(raw(count)), atol=1e-4)


UNKNOWN = """
import torch


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 4, 3)
        self.head = torch.nn.Linear(4, 3)

    def forward(self, values):
        held = self.conv(values).mean((2, 3))
        return self.head(held) + torch.special.bessel_j0(held).sum()


def net(num_classes=3):
    return Net()
"""


def test_a_network_that_onnx_cannot_hold_is_refused_in_one_line_without_colours(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnxruntime")
    (tmp_path / "nets.py").write_text(UNKNOWN)
    factory = f"{tmp_path / 'nets.py'}:net"
    run = tiny_run(tmp_path, reference=factory)
    with pytest.raises(ModelError, match="bessel") as caught:
        export(run, "onnx", tmp_path / "model.onnx", factory=factory)
    assert "\x1b" not in str(caught.value)
    assert capfd.readouterr().out == ""


@pytest.mark.skipif(Version(timm.__version__) < Version("1.0.27"), reason="an older timm does not read safetensors there")
def test_timm_loads_the_folder(run: Path, tmp_path: Path) -> None:
    made = export(run, "timm", tmp_path / "out")
    loaded = timm.create_model(f"local-dir:{tmp_path / 'out'}", pretrained=True).eval()
    config = timm.data.resolve_model_data_config(loaded)
    assert tuple(config["mean"]) == MEAN
    assert tuple(config["std"]) == STD
    assert made.parity is not None
    assert "## How to load it" in (tmp_path / "out" / "README.md").read_text()


def test_transformers_loads_processor_and_network_offline(run: Path, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    made = export(run, "hf", tmp_path / "out")
    assert made.notes == ()
    processor = transformers.AutoImageProcessor.from_pretrained(tmp_path / "out", local_files_only=True)
    network = transformers.AutoModelForImageClassification.from_pretrained(tmp_path / "out", local_files_only=True).eval()
    assert [network.config.id2label[index] for index in range(3)] == list(CLASSES)
    image = Image.open(save_photo(tmp_path / "1.png", 1))
    model = open_trained(run).model
    sized = evaluation_transform(model.geometry)(image)[None]
    pixels = processor(image, return_tensors="pt")["pixel_values"]
    mean, std = (np.array(values).reshape(1, 3, 1, 1) for values in (MEAN, STD))
    assert np.abs(pixels.numpy() - (sized.numpy() / 255 - mean) / std).max() < 2e-6
    with torch.no_grad():
        assert torch.allclose(network(pixel_values=pixels).logits, model.logits(sized), atol=1e-4)
    assert tare.read_spec(f"hf:{tmp_path / 'out'}").require("std") == STD


def test_a_network_of_a_python_file_gets_a_processor_and_that_is_said(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    (tmp_path / "nets.py").write_text(FACTORY)
    factory = f"{tmp_path / 'nets.py'}:net"
    run = tiny_run(tmp_path, reference=factory)
    made = export(run, "hf", tmp_path / "out", factory=factory)
    assert "loads the processor but not the network" in made.notes[0]
    assert made.parity is not None
    assert made.parity.logits is not None
    assert made.parity.logits <= 1e-4
    with pytest.raises(Exception, match="not-a-network-of-timm"):  # rather than another network with random weights
        transformers.AutoModelForImageClassification.from_pretrained(tmp_path / "out", local_files_only=True)
    assert tare.load_model(tmp_path / "out", factory).classes == CLASSES
    with pytest.raises(ModelError, match="a network that timm knows"):
        export(run, "timm", tmp_path / "other", factory=factory)


@pytest.mark.parametrize("name", ["out", "out.safetensors"])
def test_safetensors_hold_the_same_bits_and_state_the_networks_input(run: Path, tmp_path: Path, name: str) -> None:
    export(run, "safetensors", tmp_path / name)
    path = tmp_path / name / "model.safetensors" if name == "out" else tmp_path / name
    own = open_trained(run).model.network.module.state_dict()
    loaded = load_file(path)
    assert loaded.keys() == own.keys()
    assert all(torch.equal(loaded[key], own[key]) for key in own)
    assert tare.read_spec(path).require("mean") == MEAN
    if name == "out":
        assert tare.load_model(tmp_path / name).normalisation.std == STD


@pytest.mark.parametrize("strategy", ["sample", "percentile"])
@pytest.mark.parametrize("form", ["hf", "timm"])
def test_what_a_format_cannot_state_is_refused(tmp_path: Path, form: ExportFormat, strategy: str) -> None:
    run = tiny_run(tmp_path, strategy)
    with pytest.raises(ModelError, match=rf"a fixed mean and std, .* found the strategy '{strategy}'.* use --format onnx"):
        export(run, form, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("strategy", ["percentile", "log1p", "sample-percentile"])
def test_a_graph_holds_the_whole_map_of_a_strategy(tmp_path: Path, strategy: str) -> None:
    run = tiny_run(tmp_path, strategy)
    export(run, "torchscript", tmp_path / "out.pt")
    model = load_model(run / "model")
    assert model.normalisation.strategy == strategy
    images = torch.randint(0, 256, (3, 32, 32, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    expected = model.logits(images.permute(0, 3, 1, 2)).softmax(dim=1)
    given = torch.jit.load(tmp_path / "out.pt")(images)[0]  # type: ignore[no-untyped-call]
    torch.testing.assert_close(given, expected, atol=1e-5, rtol=0)


def test_a_graph_that_answers_otherwise_is_refused_and_nothing_is_left(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parity, "TOLERANCE", -1.0)
    before = sorted(tmp_path.iterdir())
    for form in ("torchscript", "timm"):
        with pytest.raises(ParityError, match=r"a difference of .*nothing was written"):
            export(run, form, tmp_path / "out")
    assert sorted(tmp_path.iterdir()) == before


def test_an_earlier_export_survives_a_failure(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export(run, "torchscript", tmp_path / "out")
    content = (tmp_path / "out").read_bytes()
    with pytest.raises(OutputError, match="exists; name another, or use --overwrite"):
        export(run, "torchscript", tmp_path / "out")
    monkeypatch.setattr(parity, "TOLERANCE", -1.0)
    with pytest.raises(ParityError, match="a difference of"):
        export(run, "torchscript", tmp_path / "out", overwrite=True)
    assert (tmp_path / "out").read_bytes() == content
    monkeypatch.undo()
    assert export(run, "torchscript", tmp_path / "out", overwrite=True, output="logits").outputs == ("logits",)


def test_the_runs_own_model_is_never_replaced(run: Path) -> None:
    before = {path: path.read_bytes() for path in (run / "model").iterdir()}
    for form, place in (("hf", "model"), ("safetensors", "model/model.safetensors")):
        with pytest.raises(OutputError, match=r"an output of its own, found .*, a part of a (run|model directory)"):
            export(run, cast(ExportFormat, form), run / place, overwrite=True)
    assert {path: path.read_bytes() for path in (run / "model").iterdir()} == before


def test_a_full_disk_is_one_line_and_leaves_nothing(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, _: bytes) -> int:
        raise OSError(28, "No space left on device", str(self))

    monkeypatch.setattr(Path, "write_bytes", full)
    for form in ("torchscript", "safetensors"):
        with pytest.raises(OutputError, match="No space left on device"):
            export(run, form, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "run"]


def test_weights_that_are_no_numbers_are_refused(run: Path, tmp_path: Path) -> None:
    path = run / "model" / "model.safetensors"
    weights = load_file(path)
    weights["conv1.0.weight"][:] = float("nan")
    save_file(weights, path)
    with pytest.raises(ModelError, match="weights are all finite, found"):
        export(run, "torchscript", tmp_path / "out")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"format": "tflite"}, "one of --format: onnx, torchscript, .* found 'tflite'"),
        ({"format": "pt2", "layout": "CHW"}, "one of --layout: NHWC or NCHW, found 'CHW'"),
        ({"format": "pt2", "output": "labels"}, "one of --output: both, probabilities or logits, found 'labels'"),
        ({"format": "hf", "with_resize": True}, "found them with 'hf', which holds no graph"),
        ({"format": "pt2", "opset": 20}, "--opset of 18 to 24 with --format onnx"),
        ({"format": "onnx", "opset": 7}, "--opset of 18 to 24 with --format onnx"),
    ],
)
def test_options_that_cannot_be_are_refused_before_any_work(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        export(tmp_path / "absent", out=tmp_path / "out", **options)


def test_what_onnx_needs_is_named(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingDependencyError, match=r"the package 'onnx' for --format onnx, .*pip install 'tare\[onnx\]'"):
        export(run, "onnx", tmp_path / "out")


@pytest.mark.parametrize("form", get_args(ExportFormat))
def test_a_foreign_directory_is_refused_for_every_format(tmp_path: Path, form: ExportFormat) -> None:
    if form == "onnx":
        pytest.importorskip("onnxruntime")
    (tmp_path / "photos").mkdir()
    with pytest.raises(TareError, match="a run or model directory"):
        export(tmp_path / "photos", form, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_without_the_runs_data_made_images_are_compared_and_that_is_said(tmp_path: Path) -> None:
    run = tiny_run(tmp_path, with_data=False)
    made = export(run, "torchscript", tmp_path / "out")
    assert any(note.startswith("compared on 8 made images") for note in made.notes)
    assert torchscript_file.NOTE in made.notes


def test_the_users_terminal_stays_quiet(run: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for form in ("torchscript", "pt2"):
            export(run, form, tmp_path / form)
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err == ""
