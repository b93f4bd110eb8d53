"""Every mistake of usage is told in one line before a large library is loaded, as the command itself would tell it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from benchmarks.usage_errors import CASES, HEAVY, Case, Told, made_place, telling_mistakes, told, told_together

from tare.cli.entries import ENTRIES
from tare.cli.preflight import places, requests
from tare.cli.preflight.names import check_published
from tare.comparing.inputs import CompareRequest
from tare.comparing.sides import check_options, stats_from
from tare.errors import DataError, MissingDependencyError, TareError
from tare.exporting.formats.format import WeightsFormat
from tare.exporting.formats.table import FORMATS
from tare.exporting.inputs import ExportRequest
from tare.identifying.inputs import IdentifyRequest
from tare.measuring.inputs import MeasureRequest
from tare.networks.loading import load_network
from tare.networks.stored.source import source_network
from tare.networks.stored.trained import open_trained
from tare.networks.weights import read_state_dict
from tare.readers.inputs import SpecRequest
from tare.readers.table import PREFIXES, read_spec
from tare.sources.files.image_folder import open_image_folder
from tare.sources.opening import open_source
from tare.statistics.dataset_stats import DatasetStats
from tare.studying.inputs import StudyCommand
from tare.studying.plan import requested_plan
from tare.studying.tasks.task import TASKS


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_place(tmp_path_factory.mktemp("place"))


#: A pipeline that loads a library, which is no mistake that is told in time.
LOADING = Case("check", "a pipeline that is none", ("torch_user.py:pipe", "--model", "catalog:imagenet"))


@pytest.fixture(scope="module")
def results(place: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[Case, Told]:
    (place / "torch_user.py").write_text("import torch\n", encoding="utf-8")
    found = told_together([*CASES, LOADING], place, tmp_path_factory.mktemp("told"))
    (place / "torch_user.py").unlink()
    return {each.case: each for each in found}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.command}: {case.kind}")
def test_it_is_told_in_one_line_before_a_large_library_is_loaded(case: Case, results: dict[Case, Told]) -> None:
    result = results[case]
    assert (result.code, result.loaded) == (2, ()), result.said
    assert "Traceback" not in result.said
    assert "rror" in result.said


def test_a_mistake_leaves_nothing_behind(place: Path, results: dict[Case, Told]) -> None:
    assert len(results) == len(CASES) + 1
    assert sorted(path.name for path in place.iterdir() if not path.name.startswith((".", "__pycache__"))) == [
        "file", "photos", "pipe.py", "run", "table.csv", "taken", "weights.pth",
    ]  # fmt: skip


def test_what_is_loaded_would_be_seen(results: dict[Case, Told]) -> None:
    assert set(results[LOADING].loaded) & set(HEAVY)
    assert not results[LOADING].is_cheap


def test_a_process_of_its_own_tells_the_same(place: Path, results: dict[Case, Told]) -> None:
    case = next(case for case in CASES if case.command == "transfer")
    alone, together = told(case, place), results[case]
    assert (alone.code, alone.said, alone.loaded) == (together.code, together.said, together.loaded)


def test_every_command_has_its_mistakes() -> None:
    assert {case.command for case in CASES} == {entry.name for entry in ENTRIES}


def message(function: Callable[[], object]) -> str:
    with pytest.raises(TareError) as caught:
        function()
    return f"{type(caught.value).__name__}: {caught.value}"


PAIRS: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
    "data": (lambda: places.check_data("nothing/"), lambda: open_source("nothing/")),
    "labelled data": (lambda: places.check_labelled("nothing/"), lambda: open_image_folder(Path("nothing/"))),
    "statistics": (lambda: places.check_statistics("no.json"), lambda: DatasetStats.load(Path("no.json"))),
    "weights": (lambda: places.check_weights("no.pth"), lambda: read_state_dict(Path("no.pth"))),
    "run": (lambda: places.check_run(Path("no")), lambda: open_trained(Path("no"))),
    "spec": (lambda: places.check_spec("no.json"), lambda: read_spec("no.json")),
    "spec named like the catalog": (lambda: places.check_spec("imagenet"), lambda: read_spec("imagenet")),
    "catalog": (lambda: places.check_spec("catalog:imagnet"), lambda: read_spec("catalog:imagnet")),
    "options of measuring": (
        lambda: requests.preflight(CompareRequest("cifar10", "catalog:mnist", columns=["a"])),
        lambda: check_options(("cifar10", "catalog:mnist"), {"columns": ["a"]}),
    ),
    "name of published statistics": (lambda: check_published("cifar11"), lambda: stats_from("cifar11")),
    "no name of published statistics": (lambda: check_published("qqqq"), lambda: stats_from("qqqq")),
    "timm spec": (lambda: places.check_spec("timm:resnet81"), lambda: read_spec("timm:resnet81")),
    "timm tag": (lambda: places.check_spec("timm:resnet18.tv_in2k"), lambda: read_spec("timm:resnet18.tv_in2k")),
    "torchvision spec": (lambda: places.check_spec("torchvision:resnet81"), lambda: read_spec("torchvision:resnet81")),
    "torchvision member": (
        lambda: places.check_spec("torchvision:ResNet18_Weights.V9"), lambda: read_spec("torchvision:ResNet18_Weights.V9"),
    ),
    "torchvision weights": (lambda: places.check_spec("torchvision:ResNt.V1"), lambda: read_spec("torchvision:ResNt.V1")),
    "timm": (lambda: places.check_network("timm:resnet81"), lambda: load_network("timm:resnet81", "none")),
    "torchvision": (lambda: places.check_network("torchvision:resnet81"), lambda: load_network("torchvision:resnet81", "none")),
    "tare": (lambda: places.check_network("tare:mpl"), lambda: load_network("tare:mpl", "none")),
    "no network": (lambda: places.check_network("resnet18"), lambda: source_network("resnet18", "none", 0)),
    "file of a network": (lambda: places.check_network("no.py:net"), lambda: load_network("no.py:net", "none")),
    "directory of a network": (lambda: places.check_network("photos"), lambda: source_network("photos", "none", 0)),
}  # fmt: skip


@pytest.mark.parametrize("kind", PAIRS)
def test_it_says_what_the_command_itself_would_say(kind: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    early, late = PAIRS[kind]
    assert message(early) == message(late)


@pytest.mark.parametrize("text", ["timm:./model", "timm:local-dir:model", "hf:model", "model", "clay.json#a"])
def test_what_a_reader_takes_is_not_refused(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model").mkdir()
    config = {"pretrained_cfg": {"mean": [0.5] * 3, "std": [0.5] * 3, "input_size": [3, 8, 8]}}
    (tmp_path / "model" / "config.json").write_text(json.dumps(config))
    bands = {"band_order": ["x"], "bands": {"mean": {"x": 1.0}, "std": {"x": 2.0}}}
    (tmp_path / "clay.json").write_text(json.dumps({"a": bands, "b": bands}))
    monkeypatch.chdir(tmp_path)
    assert read_spec(text).require("std")
    places.check_spec(text)


def test_a_checkpoint_without_a_network_is_not_refused(tmp_path: Path) -> None:
    checkpoint = tmp_path / "weights.safetensors"
    checkpoint.touch()
    requests.preflight(IdentifyRequest(checkpoint=checkpoint, data=str(tmp_path)))


@pytest.mark.parametrize(
    "keys",
    [
        {"strategies": ["source", "sorce"]}, {"protocols": ["prob"]}, {"batchnorm": ["evl"]}, {"networks": ["cnn-bach"]},
        {"shifts": ["gian:0.5"]},
    ],
)  # fmt: skip
def test_a_plan_is_refused_as_the_study_would(keys: dict[str, Any]) -> None:
    early = message(lambda: requests.preflight(StudyCommand(plan="digits", out=Path("new"), **keys)))
    assert early == message(lambda: requested_plan("digits", keys))


def test_constants_here_are_those_of_the_tasks() -> None:
    assert tuple(PREFIXES) == places.PREFIXES
    assert {name: task.known for name, task in TASKS.items()} == requests.STUDIES
    folders = {name: form.suffix or None for name, form in FORMATS.items() if isinstance(form, WeightsFormat)}
    assert folders == requests.FOLDERS


@pytest.mark.parametrize(
    "text", ["-", "a/*.png", "shards-{0..3}.tar", "s3://bucket/data", "hf:dataset", "nothing[0-9].png", "zip://a.zip::b"]
)
def test_what_may_be_anything_is_left_to_the_command(text: str) -> None:
    places.check_data(text)
    places.check_labelled(text)


def asked(command: str, **stated: Any) -> object:
    kinds: dict[str, Any] = {"export": ExportRequest, "measure": MeasureRequest, "study": StudyCommand, "spec": SpecRequest}
    return kinds[command](**stated)


@pytest.mark.parametrize(
    ("request_", "package", "extra"),
    [
        (asked("export", run="run", format="onnx", out="new.onnx"), "onnxscript", "onnx"),
        (asked("export", run="run", format="hf", out="new"), "transformers", "hf"),
        (asked("measure", data="photos", engine="ray"), "ray", "ray"),
        (asked("study", plan="digits", out=Path("new"), engine="ray"), "ray", "ray"),
        (asked("spec", model="keras:VGG16"), "keras", "readers"),
        (asked("spec", model="net.onnx"), "onnx", "readers"),
    ],
)
def test_a_missing_package_is_named_with_its_extra(
    request_: object, package: str, extra: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    monkeypatch.setattr(places, "find_spec", lambda name: None if name == package else object())
    said = f"expected the package {package!r} for .* it is not installed; run: pip install 'tare\\[{extra}\\]'"
    with pytest.raises(MissingDependencyError, match=said):
        requests.preflight(request_)


def test_of_several_samples_a_missing_file_is_left_to_its_row(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    places.check_samples(["absent.png"])
    places.check_samples(["absent/", "photos"])
    with pytest.raises(DataError, match="'absent/' does not exist"):
        places.check_samples(["absent/"])


def test_a_package_that_is_there_is_not_imported() -> None:
    with pytest.raises(MissingDependencyError):
        places.check_installed("no_such_package_of_tare", "ray", "nothing")
    places.check_installed("json", "ray", "nothing")


def test_a_mistake_that_loads_a_library_fails_the_benchmark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks.harness import Absent, Setting

    from benchmarks import usage_errors

    monkeypatch.setattr(usage_errors, "CASES", (Case("spec", "right", ("catalog:imagenet",)),))
    (outcome,) = telling_mistakes(Setting(tmp_path, None, True, 1))
    assert isinstance(outcome, Absent)
    assert outcome.failure
