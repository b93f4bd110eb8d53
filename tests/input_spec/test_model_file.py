from __future__ import annotations

from pathlib import Path

from tare.input_spec.model_file import model_file


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
