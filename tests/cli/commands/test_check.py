"""``tare check`` and ``tare rule``: exit codes, formats, and one line for whatever is unusable."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tare.input_spec.spec import InputSpec, Known, PerSample
from tests.cli.test_main import run

MODEL = ("--mean", "0.485", "--mean", "0.456", "--mean", "0.406", "--std", "0.229", "--std", "0.224", "--std", "0.225")
CODE = """
import sys, warnings
from torchvision import transforms as t
print("a module that prints")
warnings.warn("a module that warns")
right = t.Compose([t.Resize(64), t.ToTensor(), t.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])
plain = t.ToTensor()
def talks(image):
    print("talking")
    return plain(image)
def leaves(image):
    sys.exit(0)
def made():
    sys.exit(0)
class Leaving:
    @property
    def transforms(self):
        sys.exit(0)
    def __call__(self, image):
        return image
leaving = Leaving()
def refuses(image):
    raise ValueError("two\\nlines")
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "train.py").write_text(CODE)
    return tmp_path / "train.py"


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "500")


def test_clean_is_0_and_findings_are_1(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "check", f"{file}:right", *MODEL)
    assert (code, out.splitlines()) == (0, [f"no findings in {file}:right (eval) for InputSpec"])
    code, out, _ = run(capsys, "check", f"{file}:plain", *MODEL)
    assert code == 1
    assert out.startswith("TARE004 error: values of [0, 1] reach the network without normalisation")
    assert "  remedy: add a Normalize" in out


def test_what_is_not_judged_is_said_and_2(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    each: dict[str, Any] = {"per_sample": Known(PerSample("zscore"), "made")}
    spec = replace(InputSpec.of((0.0,) * 3, (1.0,) * 3, raw_dtype="uint8"), **each)
    (tmp_path / "spec.json").write_text(json.dumps(spec.to_json()))
    said = "values: for spec.json each sample is normalised by its own values (zscore)"
    words = ("check", f"{file}:right", "--spec", str(tmp_path / "spec.json"))
    code, out, _ = run(capsys, *words)
    assert code == 2
    assert f"not judged: {said}".replace("spec.json", str(tmp_path / "spec.json")) in out
    assert "nothing found in what was judged" in out
    assert "::warning title=not judged::values" in run(capsys, *words, "--format", "github")[1]
    log = json.loads(run(capsys, *words, "--format", "sarif")[1])
    assert "not judged: values" in log["runs"][0]["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]
    assert json.loads(run(capsys, *words, "--json")[1])["clean"] is False


def test_what_users_print_does_not_get_into_the_json(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "check", f"{file}:talks", *MODEL, "--json")
    assert code == 1
    assert json.loads(out)["schema"] == "tare.check/1"
    assert "a module that prints" in err
    assert "talking" in err


@pytest.mark.parametrize("name", ["leaves", "made", "leaving"])
def test_code_that_ends_the_program_is_not_judged_and_2(file: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    code, out, err = run(capsys, "check", f"{file}:{name}", *MODEL)
    assert (code, out) == (2, "")
    assert "SystemExit: 0" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("name", ["json", "github", "sarif"])
def test_formats(file: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    code, out, _ = run(capsys, "check", f"{file}:plain", *MODEL, "--format", name)
    assert code == 1
    if name == "github":
        assert out.startswith("::error title=TARE004,file=")
    else:
        assert json.loads(out)["$schema" if name == "sarif" else "schema"]


def test_a_spec_file_and_a_processor_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec, config = tmp_path / "spec.json", tmp_path / "preprocessor_config.json"
    assert run(capsys, "spec", "timm:vit_tiny_patch16_224.augreg_in21k", "--out", str(spec))[0] == 0
    config.write_text(json.dumps({"image_processor_type": "ViTImageProcessor", "image_mean": [0.485, 0.456, 0.406]}))
    code, out, _ = run(capsys, "check", str(config), "--spec", str(spec))
    assert code == 1
    assert "TARE010" in out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "a readable JSON"),
        ("[" * 100_000, "a readable JSON"),
        ('{"image_mean": NaN, "do_normalize": true, "image_processor_type": "ViTImageProcessor"}', "mean"),
        ('{"a": 1}', "a JSON document that states a network's input"),
        ("3", "a JSON document that states a network's input"),
    ],
)
def test_malformed_configurations_are_2(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, message: str) -> None:
    (tmp_path / "config.json").write_text(text)
    assert_unusable(run(capsys, "check", str(tmp_path / "config.json"), *MODEL), message)


def test_unusable_pipelines_are_2(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "broken.py").write_text("def f(:\n")
    (tmp_path / "model.pkl").write_bytes(pickle.dumps({"a": 1}))
    for name, message in {
        f"{file}:refuses": "ValueError: two lines",
        f"{file}:rigth": "did you mean right",
        f"{tmp_path}/broken.py:f": "SyntaxError",
        f"{tmp_path}/missing.py:f": "does not exist",
        f"{tmp_path}/model.pkl": "name FILE.py:NAME to run a pipeline",
        str(file): "name FILE.py:NAME to run a pipeline",
        str(tmp_path): "name FILE.py:NAME to run a pipeline",
    }.items():
        assert_unusable(run(capsys, "check", name, *MODEL), message)


def test_a_model_is_asked_for(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert_unusable(run(capsys, "check", f"{file}:right"), "one of --model and --spec, or --mean and --std")
    assert_unusable(run(capsys, "check", f"{file}:right", "--mean", "0.5"), "both --mean and --std")
    assert_unusable(run(capsys, "check", f"{file}:right", "--model", "timm:resnet5O"), "timm")
    assert_unusable(run(capsys, "check", f"{file}:right", *MODEL, "--data", str(file.parent / "nowhere")), "nowhere")


def assert_unusable(result: tuple[int, str, str], message: str) -> None:
    code, out, err = result
    assert (code, out) == (2, "")
    errors = [line for line in err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert message in errors[0]
    assert "Traceback" not in err


def test_rules_are_listed_and_told(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "rule")
    assert code == 0
    assert "TARE003  error    normalised-twice" in out
    code, out, _ = run(capsys, "rule", "TARE003")
    assert code == 0
    assert "One Normalize is in the dataset, another in the collate function" in out
    code, out, _ = run(capsys, "rule", "--json")
    assert json.loads(out)["schema"] == "tare.rules/1"
    assert_unusable(run(capsys, "rule", "TARE99"), "did you mean TARE")
