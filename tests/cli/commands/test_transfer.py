from __future__ import annotations

import inspect
import json
import shlex
from dataclasses import fields
from html import unescape
from pathlib import Path
from typing import Any

import pytest

import tare
import tare.transferring.protocols
from tare.cli.main import app
from tare.cli.start import main
from tare.errors import DataError
from tare.transferring.inputs import TransferRequest
from tests.labelled_images import dark_and_light

#: Each option with a value that is not its default, and what the function is to get.
GIVEN: dict[str, tuple[list[str], Any]] = {
    "model": (["--model", "timm:m"], "timm:m"),
    "out": (["--out", "o"], Path("o")),
    "weights": (["--weights", "w.pth"], "w.pth"),
    "size": (["--size", "64"], 64),
    "interpolation": (["--interpolation", "nearest"], "nearest"),
    "crop": (["--crop", "0.5"], 0.5),
    "length": (["--length", "4000"], 4000),
    "strategy": (["--strategy", "auto"], "auto"),
    "window": (["--window", "ct-lung"], [-1350.0, 150.0]),
    "mean": (["--mean", "0.1,0.2"], [0.1, 0.2]),
    "std": (["--std", "0.3"], [0.3]),
    "spec": (["--spec", "spec.json"], "spec.json"),
    "source_stats": (["--source-stats", "s.json"], Path("s.json")),
    "label": (["--label", "y"], "y"),
    "label_pattern": (["--label-pattern", "([a-z]+)_"], "([a-z]+)_"),
    "array": (["--array", "x"], "x"),
    "layout": (["--layout", "NTC"], "NTC"),
    "class_names": (["--class-names", "a,b"], "a,b"),
    "test": (["--test", "kept"], "kept"),
    "allow_remote": (["--allow-remote"], True),
    "forecast": (["--forecast", "c0,c1"], "c0,c1"),
    "ignore": (["--ignore", "255"], 255),
    "task": (["--task", "regression"], "regression"),
    "bands": (["--bands", "B04,B03", "--bands", "2"], ["B04", "B03", "2"]),
    "in_channels": (["--in-channels", "13"], 13),
    "frames": (["--frames", "8"], 8),
    "stride": (["--stride", "4"], 4),
    "protocol": (["--protocol", "scratch"], "scratch"),
    "head_epochs": (["--head-epochs", "3"], 3),
    "freeze": (["--freeze", "stem"], "stem"),
    "batchnorm": (["--batchnorm", "frozen"], "frozen"),
    "bn_prior": (["--bn-prior", "16"], 16.0),
    "epochs": (["--epochs", "7"], 7),
    "batch_size": (["--batch-size", "5"], 5),
    "optimizer": (["--optimizer", "sgd"], "sgd"),
    "lr": (["--lr", "0.5"], 0.5),
    "weight_decay": (["--weight-decay", "0.25"], 0.25),
    "head_lr_factor": (["--head-lr-factor", "9"], 9.0),
    "layer_decay": (["--layer-decay", "0.75"], 0.75),
    "warm_up": (["--warm-up", "0.2"], 0.2),
    "scale": (["--scale", "1/4095"], 1 / 4095),
    "allow": (["--allow", "TARE050,TARE052", "--allow", "TARE031"], ["TARE050", "TARE052", "TARE031"]),
    "accumulate": (["--accumulate", "4"], 4),
    "grad_clip": (["--grad-clip", "1.5"], 1.5),
    "ema": (["--ema", "0.9"], 0.9),
    "patience": (["--patience", "2"], 2),
    "label_smoothing": (["--label-smoothing", "0.1"], 0.1),
    "class_weights": (["--class-weights", "balanced"], "balanced"),
    "augmentation": (["--augmentation", "randaugment"], "randaugment"),
    "mixup": (["--mixup", "0.4"], 0.4),
    "cutmix": (["--cutmix", "1"], 1.0),
    "erasing": (["--erasing", "0.2"], 0.2),
    "seed": (["--seed", "8"], 8),
    "device": (["--device", "cpu"], "cpu"),
    "devices": (["--devices", "2"], 2),
    "precision": (["--precision", "bf16-mixed"], "bf16-mixed"),
    "compile": (["--compile"], True),
    "workers": (["--workers", "0"], 0),
    "tracker": (["--tracker", "tensorboard", "--tracker", "wandb"], ["tensorboard", "wandb"]),
    "max_skipped": (["--max-skipped", "0.5"], 0.5),
    "overwrite": (["--overwrite"], True),
    "trust_remote_code": (["--trust-remote-code"], True),
    "resume": (["--resume"], True),
}


#: What an option needs beside it.
BESIDE = {
    "window": ["--strategy", "window"],
    "mean": ["--std", "0.5"],
    "std": ["--mean", "0.5"],
    "bn_prior": ["--protocol", "probe", "--batchnorm", "reestimate"],
}


class Recorder:
    def __init__(self) -> None:
        self.keywords: dict[str, Any] = {}

    def __call__(self, request: TransferRequest) -> None:
        self.keywords = {entry.name: getattr(request, entry.name) for entry in fields(request)}
        raise DataError("nothing", "everything", "stop here")


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    made = Recorder()
    monkeypatch.setattr(tare.transferring.protocols, "transferred", made)
    return made


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(lambda: app(["transfer", *arguments]))
    return int(caught.value.code or 0)


@pytest.mark.parametrize("name", GIVEN)
def test_every_option_reaches_the_function(name: str, recorder: Recorder) -> None:
    words, value = GIVEN[name]
    needed = [word for other in ("model", "out") if other != name for word in GIVEN[other][0]]
    assert run("photos", *needed, *words, *BESIDE.get(name, [])) == 2
    assert recorder.keywords[name] == value
    assert type(recorder.keywords[name]) is type(value)
    assert recorder.keywords["data"] == "photos"


@pytest.mark.parametrize("name", GIVEN)
def test_every_option_reaches_the_function_from_a_file(name: str, recorder: Recorder, tmp_path: Path) -> None:
    words, value = GIVEN[name]
    beside = dict(zip((each[2:] for each in BESIDE.get(name, [])[::2]), BESIDE.get(name, [])[1::2], strict=True))
    given = words[1] if len(words) == 2 else [word for word in words[1::2] if name in ("allow", "bands", "tracker")] or True
    document = {"model": "timm:m", "out": "o", "data": "photos", **beside, name.replace("_", "-"): given}
    file = tmp_path / "run.yaml"
    file.write_text(json.dumps(document))
    assert run("--config", str(file)) == 2
    assert recorder.keywords[name] == value
    assert type(recorder.keywords[name]) is type(value)
    assert recorder.keywords["data"] == "photos"


def test_the_command_line_wins_over_the_file(recorder: Recorder, tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text("model: timm:m\ndata: photos\nout: o\nepochs: 3\nlr: 0.5\nmean: [0.1, 0.2]\nstd: [0.3, 0.4]\n")
    assert run("others", "--config", str(file), "--epochs", "4", "--mean", "0.7") == 2
    assert [recorder.keywords[name] for name in ("data", "epochs", "lr", "mean", "std")] == ["others", 4, 0.5, [0.7], [0.3, 0.4]]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("epoch: 3", "did you mean epochs"),
        ("epochs: 2.5", "--epochs"),
        ("epochs: 0", "--epochs"),
        ("protocol: prob", "prob"),
        ("mean: 0.5", "both --mean and --std"),
        ("compile: 1", "true or false for compile"),
        ("data: !!python/name:os.system ''", "a readable YAML file of options"),
    ],
)
def test_a_file_is_refused_as_the_command_line_is(
    line: str, message: str, recorder: Recorder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(f"model: timm:m\nout: o\n{line}\n" + ("" if line.startswith("data") else "data: photos\n"))
    assert run("--config", str(file)) == 2
    assert message in " ".join(capsys.readouterr().err.split())
    assert not recorder.keywords


def test_a_run_is_repeated_from_the_file_that_it_writes(tmp_path: Path) -> None:
    data = dark_and_light(tmp_path / "data")
    options = ["--weights", "none", "--size", "32", "--workers", "0", "--device", "cpu", "--epochs", "1", "--mean", "0.5,0.4,0.3"]
    first, again = tmp_path / "first", tmp_path / "again"
    asked = ["transfer", str(data), "--model", "timm:test_resnet", "--out", str(first), *options, "--std", "0.25"]
    app(asked, standalone_mode=False)
    app(["transfer", "--config", str(first / "config.yaml"), "--out", str(again)], standalone_mode=False)
    weights = [(folder / "model" / "model.safetensors").read_bytes() for folder in (first, again)]
    assert weights[0] == weights[1]
    assert (first / "config.yaml").read_text() == (again / "config.yaml").read_text()


def test_the_command_and_the_function_have_the_same_options_and_defaults(recorder: Recorder) -> None:
    run("photos", "--model", "m", "--out", "o")
    own = {name: entry.default for name, entry in SIGNATURE.items() if entry.default is not inspect.Parameter.empty}
    given = {name: recorder.keywords[name] for name in own if name != "reporter"}
    assert given == {name: value for name, value in own.items() if name != "reporter"}
    assert set(recorder.keywords) == set(SIGNATURE) == {*GIVEN, "data", "reporter", "config"}


SIGNATURE = inspect.signature(tare.transfer).parameters


def test_help_groups_the_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    text = capsys.readouterr().out
    for panel in ("The network", "Normalisation", "What is trained", "How it is trained", "Augmentation", "The run"):
        assert panel in text


def test_a_run_prints_what_it_gave_and_writes_its_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = dark_and_light(tmp_path / "data")
    (data / "train" / "dark").rename(data / "train" / "<b>dark")
    (data / "val" / "dark").rename(data / "val" / "<b>dark")
    out = tmp_path / "run"
    options = ["--weights", "none", "--size", "32", "--workers", "0", "--device", "cpu", "--epochs", "1", "--lr", "1e-6"]
    words = ["transfer", str(data), "--model", "timm:test_resnet", "--out", str(out), *options]
    monkeypatch.setattr("sys.argv", ["tare", *words])
    app(words, standalone_mode=False)
    printed = capsys.readouterr().out
    assert "95% interval" in printed
    assert f"report: {out / 'report.html'}" in printed
    page = (out / "report.html").read_text()
    assert "&lt;b&gt;dark" in page
    assert "<b>dark" not in page
    assert json.loads((out / "evaluation.json").read_text())["classes"][0]["name"] == "<b>dark"
    assert shlex.join(["tare", *words]) in unescape(page).replace(" \\\n  ", " ")
    monkeypatch.setattr("sys.argv", ["tare", *words, "--resume"])
    app([*words, "--resume"], standalone_mode=False)
    assert (out / "report.html").read_text() == page
