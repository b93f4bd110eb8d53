from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from tare.errors import OutputError
from tare.exporting.job import check_place


def test_a_free_place_is_fine_even_below_folders_that_are_not_there(tmp_path: Path) -> None:
    check_place(tmp_path / "new" / "deep" / "model.onnx", is_folder=False, overwrite=False)
    assert list(tmp_path.iterdir()) == []


def test_what_exists_is_replaced_only_if_asked(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"\x08\x09\x12\x04tare")
    with pytest.raises(OutputError, match=r"a new output, found '.*model\.onnx' exists; name another, or use --overwrite"):
        check_place(tmp_path / "model.onnx", is_folder=False, overwrite=False)
    check_place(tmp_path / "model.onnx", is_folder=False, overwrite=True)


@pytest.mark.parametrize("name", ["thesis.txt", "weights.pt", "data.npz", "short", "model.onnx", "w.safetensors"])
def test_a_file_that_is_no_export_is_never_replaced(tmp_path: Path, name: str) -> None:
    if name == "weights.pt":
        torch.save({"a": torch.zeros(2)}, tmp_path / name)
    elif name == "data.npz":
        np.savez(tmp_path / name, a=np.zeros(2))
    elif name == "w.safetensors":
        save_file({"a": torch.zeros(2)}, tmp_path / name, metadata={"format": "pt"})
    else:
        (tmp_path / name).write_text("a b" if name == "short" else "a thesis of many words, and of one figure")
    with pytest.raises(OutputError, match=r"an exported file to overwrite, found .* holds something else; name another"):
        check_place(tmp_path / name, is_folder=False, overwrite=True)


def test_a_foreign_folder_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    check_place(tmp_path / "photos", is_folder=True, overwrite=True)
    (tmp_path / "photos" / "1.jpg").write_text("")
    with pytest.raises(OutputError, match=r"an exported folder to overwrite, found .*photos' holds something else"):
        check_place(tmp_path / "photos", is_folder=True, overwrite=True)
    (tmp_path / "photos" / "tare.json").write_text("{}")
    with pytest.raises(OutputError, match=r"an exported folder to overwrite that holds nothing else, found '1\.jpg'"):
        check_place(tmp_path / "photos", is_folder=True, overwrite=True)
    (tmp_path / "photos" / "1.jpg").rename(tmp_path / "1.jpg")
    check_place(tmp_path / "photos", is_folder=True, overwrite=True)


def test_a_file_does_not_replace_a_folder_nor_a_folder_a_file(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="a file to overwrite, found the folder"):
        check_place(tmp_path / "folder", is_folder=False, overwrite=True)
    with pytest.raises(OutputError, match="a folder to overwrite, found the file"):
        check_place(tmp_path / "file", is_folder=True, overwrite=True)


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"a place that can be written, found .*is a file"):
        check_place(tmp_path / "file" / "model.onnx", is_folder=False, overwrite=False)
