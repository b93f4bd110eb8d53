"""Which check ``tare check`` is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tare.checking.inputs import CheckRequest
from tare.checking.linting.inputs import CheckCommand, CodeRequest
from tare.errors import SpecError


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("plain").mkdir()
    Path("processor").mkdir()
    Path("processor/preprocessor_config.json").write_text("{}")
    Path("config.json").write_text("{}")


def asked(*paths: str, **options: Any) -> Any:
    return CheckCommand(paths=paths, **options).asked()


@pytest.mark.parametrize("path", ["train.py:val", "package.module:val", "processor", "config.json", "args.yaml"])
def test_a_pipeline_and_a_configuration_beside_a_network_are_checked_by_themselves(path: str) -> None:
    request = asked(path, model="timm:resnet18", stage="train", seed=3)
    assert request == CheckRequest(pipeline=path, model="timm:resnet18", stage="train", seed=3)


@pytest.mark.parametrize("paths", [(".",), ("train.py",), ("processor",), ("config.json",), ("plain", "processor")])
def test_files_and_folders_are_read(paths: tuple[str, ...]) -> None:
    assert asked(*paths, select=["TARE010"]) == CodeRequest(paths=paths, select=["TARE010"])


@pytest.mark.parametrize("paths", [("plain",), ("train.py",), ("plain", "processor")])
def test_a_network_stated_beside_files_is_that_of_all_of_them(paths: tuple[str, ...]) -> None:
    assert asked(*paths, model="timm:resnet18") == CodeRequest(paths=paths, model="timm:resnet18")


def test_a_folder_with_code_is_read_although_it_has_a_configuration() -> None:
    assert asked("processor", model="timm:resnet18").pipeline == "processor"
    Path("processor/train.py").write_text("")
    assert isinstance(asked("processor", model="timm:resnet18"), CodeRequest)


def test_a_file_with_a_colon_in_its_name_is_a_file() -> None:
    Path("a.py:b").write_text("")
    assert isinstance(asked("a.py:b"), CodeRequest)


@pytest.mark.parametrize(
    ("paths", "options", "message"),
    [
        (("train.py:val",), {}, "one of --model and --spec, or --mean and --std"),
        (("train.py:val", "."), {"model": "timm:resnet18"}, "one FILE.py:NAME by itself"),
        (("train.py:val",), {"model": "timm:resnet18", "select": ["TARE010"]}, "files are read, found --select|pipeline is run"),
        (("train.py:val",), {"model": "timm:resnet18", "fix": True}, "found --fix; leave it out"),
        ((".",), {"stage": "train"}, "found --stage; name FILE.py:NAME"),
        (("plain",), {"mean": [0.5], "std": [0.5]}, "found --mean; name FILE.py:NAME"),
        ((".",), {"fix": True, "watch": True}, "one of --watch, --fix"),
        ((".",), {"write_baseline": True, "diff": True}, "one of --write-baseline, --diff"),
        ((".",), {"fail_on": "note"}, "one of --fail-on"),
    ],
)
def test_options_that_do_not_belong_are_refused(paths: tuple[str, ...], options: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        asked(*paths, **options)


def test_the_difference_of_fixes_is_asked_for_with_or_without_fix() -> None:
    for options in ({"diff": True}, {"fix": True, "diff": True}):
        assert isinstance(asked(".", **options), CodeRequest)
