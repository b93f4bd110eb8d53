from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tare.cli.main import app
from tare.errors import TareError
from tare.input_spec.spec import InputSpec


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["spec", *map(str, arguments)])


def test_plain_words_say_what_raw_255_becomes() -> None:
    result = run("timm:resnet50")
    assert result.exit_code == 0
    assert "raw 255 reaches the network as 2.2489" in result.output
    assert "key 'mean'" in result.output


def test_json_has_the_schema_and_is_read_back(tmp_path: Path) -> None:
    result = run("timm:resnet50", "--json", "--out", tmp_path / "new" / "spec.json")
    document = json.loads(result.stdout)
    assert document["schema"] == "tare.spec/2"
    assert {"channels", "scale", "mean", "std", "affine", "size", "interpolation", "crop", "origin"} <= set(document)
    assert json.loads((tmp_path / "new" / "spec.json").read_text()) == document
    again = tmp_path / "again.json"
    assert run(tmp_path / "new" / "spec.json", "--against", "timm:resnet50", "--out", again).exit_code == 0
    assert json.loads(again.read_text())["mean"] == document["mean"]


@pytest.mark.parametrize("form", ["timm", "hf"])
def test_other_formats_are_written_and_read_back(tmp_path: Path, form: str) -> None:
    path = tmp_path / "other.json"
    assert run("timm:resnet50", "--format", form, "--out", path).exit_code == 0
    assert run(path, "--against", "timm:resnet50").exit_code == 0


def test_a_crop_that_the_other_library_rounds_otherwise_is_said(tmp_path: Path) -> None:
    said = "note: the middle of a crop that falls between two pixels is rounded to even here, and transformers rounds it down"
    path = tmp_path / "other.json"
    assert said in " ".join(run("timm:resnet50", "--format", "hf", "--out", path).stderr.split())
    back = run(path, "--format", "timm")
    assert "is rounded down here, and timm rounds it to even" in " ".join(back.stderr.split())
    assert "note" not in run(path, "--format", "hf").stderr
    assert "note" not in run("timm:resnet50", "--format", "timm").stderr


def test_against_another_network_says_how_far_apart_they_are() -> None:
    result = run("timm:vit_base_patch16_clip_224.openai", "--against", "timm:resnet50")
    assert result.exit_code == 1
    assert "different: a raw value reaches the two networks up to 0.4941 input std apart" in result.output
    document = json.loads(run("catalog:caffe", "--against", "timm:resnet50", "--json").stdout)
    assert (document["equivalent"], document["distance"], document["schema"]) == (False, None, "tare.spec-difference/1")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("tim:resnet18",), r"did you mean timm:resnet18\?"),
        (("hf:no/such",), "allow --online"),
        (("catalog:caffe", "--format", "timm"), "expected channels RGB or L"),
        (("catalog:cifar10", "--format", "hf"), "expected a known size"),
        (("timm:resnet18", "--against", "nothing"), "which does not exist"),
        (("catalog:imagenet", "--against", "catalog:mnist"), ""),
    ],
)
def test_what_cannot_be_is_one_line(arguments: tuple[str, ...], message: str) -> None:
    result = run(*arguments)
    if not message:  # one channel against three is a difference, not a failure
        assert result.exit_code == 1
        return
    assert isinstance(result.exception, TareError)
    with pytest.raises(TareError, match=message):
        raise result.exception
    assert "\n" not in str(result.exception)


def test_the_help_has_examples_and_the_exit_codes() -> None:
    text = " ".join(run("--help").output.split())
    assert "Examples: tare spec timm:resnet50" in text
    assert "exit code 0" in text


def test_the_file_of_a_transferred_model_is_read(tmp_path: Path) -> None:
    spec = InputSpec.of([0.5] * 3, [0.5] * 3, size=(8, 8), raw_dtype="uint8")
    (tmp_path / "tare.json").write_text(json.dumps({"schema": "tare.model/1", "spec": spec.to_json()}))
    assert "raw 255 reaches the network as 1.0000" in run(tmp_path).output
