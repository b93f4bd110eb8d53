from __future__ import annotations

from pathlib import Path

import pytest

from tare.errors import OutputError
from tare.input_spec.model_file import check_no_part, model_file


def test_a_run_its_model_directory_and_the_file_itself_name_the_same_file(tmp_path: Path) -> None:
    file = tmp_path / "run" / "model" / "tare.json"
    file.parent.mkdir(parents=True)
    file.write_text("{}")
    assert {model_file(path) for path in (file, file.parent, file.parent.parent)} == {file}


def test_a_directory_that_is_a_model_is_itself_meant_and_not_a_folder_in_it(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    for folder in (tmp_path, tmp_path / "model"):
        (folder / "tare.json").write_text("{}")
    assert model_file(tmp_path) == tmp_path / "tare.json"


def test_other_paths_name_none(tmp_path: Path) -> None:
    other = tmp_path / "config.json"
    other.write_text("{}")
    (tmp_path / "tare.json").mkdir()
    for path in (other, tmp_path, tmp_path / "absent", tmp_path / "absent" / "tare.json", Path("timm:resnet18")):
        assert model_file(path) is None


def test_files_of_runs_models_and_studies_are_no_outputs_and_others_are(tmp_path: Path) -> None:
    parts = {
        "run": ("run.json", "metrics.csv", "report.html", "checkpoints/last.ckpt", "model-last/config.json"),
        "exported": ("tare.json", "model.safetensors"),
        "study": ("plan.json", "cells/a.json", "results.parquet"),
    }
    others = ("run/mine.html", "run/mine.csv", "exported/mine.json", "study/report.html", "other/plan.json", "free/cells/a")
    for name in others:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    for folder, names in parts.items():
        for name in names:
            (tmp_path / folder / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / folder / name).touch()
    (tmp_path / "link").symlink_to(tmp_path / "run" / "run.json")
    for refused in ("link", "run/model-last", *(f"{folder}/{name}" for folder, names in parts.items() for name in names)):
        with pytest.raises(OutputError, match=r"an output of its own, found '.*', a part of a (run|model directory|study); name"):
            check_no_part(tmp_path / refused)
    for free in others:
        check_no_part(tmp_path / free)
    check_no_part(tmp_path / "absent.json")
