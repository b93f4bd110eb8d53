from __future__ import annotations

import io
import tarfile
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import TensorDataset

from tare.datasets.opening import open_labelled, open_samples
from tare.errors import DataError
from tare.sources.options import Options
from tests.datasets.reading import opened, value
from tests.encoding import packed


def png(colour: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (6, 5), (colour, 0, 0)).save(buffer, "PNG")
    return buffer.getvalue()


def wav(path: Path, level: int) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(np.full(40, level, np.int16).tobytes())


def test_a_manifest_names_files_and_labels(tmp_path: Path) -> None:
    for index in range(3):
        (tmp_path / f"{index}.png").write_bytes(png(index))
    (tmp_path / "list.csv").write_text("path,label\n" + "".join(f"{i}.png,{'ab'[i % 2]}\n" for i in range(3)))
    samples = opened(tmp_path / "list.csv")
    assert (samples.kind, samples.labels) == ("image", ("a", "b", "a"))
    assert value(samples, 2)[0, 0, 0] == 2


def listed(folder: Path, table: str) -> Path:
    for index in range(4):
        place = folder / "ab"[index % 2] / f"{index}.png"
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(png(index))
    (folder / "list.csv").write_text(table)
    return folder / "list.csv"


def test_the_stated_column_of_a_manifest_holds_the_labels_whatever_its_folders_are(tmp_path: Path) -> None:
    rows = "".join(f"{'ab'[i % 2]}/{i}.png,{'xy'[i // 2]},one\n" for i in range(4))
    path = listed(tmp_path, f"Path,Species,Site\n{rows}")
    assert opened(path, label="Species").labels == ("x", "x", "y", "y")
    assert opened(path, label="Site").labels == ("one",) * 4
    assert opened(path, pattern="([ab])/").labels == ("a", "b", "a", "b")
    with pytest.raises(DataError, match="one of the columns Path, Species, Site, found 'genus' for --label; choose among them"):
        opened(path, label="genus")


def test_a_manifest_with_columns_of_unknown_meaning_does_not_take_its_folders_for_classes(tmp_path: Path) -> None:
    rows = "".join(f"{'ab'[i % 2]}/{i}.png,{20 + i}.5\n" for i in range(4))
    with pytest.raises(DataError, match=r"a column of classes, found age beside the paths in .*; name it: --label age; or take"):
        opened(listed(tmp_path, f"path,age\n{rows}"))
    only_paths = "".join(f"{'ab'[i % 2]}/{i}.png\n" for i in range(4))
    assert opened(listed(tmp_path, f"path\n{only_paths}")).labels == ("a", "b", "a", "b")


def test_columns_of_0_and_1_beside_paths_are_a_multi_label_task(tmp_path: Path) -> None:
    rows = "".join(f"{'ab'[i % 2]}/{i}.png,1,{i % 2}\n" for i in range(4))
    found = opened(listed(tmp_path, f"path,cat,dog\n{rows}"))
    assert found.columns == ("cat", "dog")
    assert found.texts == (("1", "0"), ("1", "1"), ("1", "0"), ("1", "1"))


def test_a_stated_label_is_refused_where_no_column_can_be_named(tmp_path: Path) -> None:
    listed(tmp_path, "")
    (tmp_path / "list.csv").unlink()
    with pytest.raises(DataError, match=r"options that fit .*, found label; leave it out"):
        opened(tmp_path, label="species")


def test_recordings_get_their_label_from_their_name_and_others_are_left_out(tmp_path: Path) -> None:
    for digit in range(2):
        for speaker in ("theo", "jackson"):
            wav(tmp_path / f"{digit}_{speaker}_0.wav", 100 * digit)
    samples = opened(tmp_path, pattern=r"(\d)_theo_")
    assert (samples.kind, samples.labels) == ("signal", ("0", "1"))
    assert value(samples, 1).shape == (40, 1)
    with pytest.raises(DataError, match=r"expected a regular expression for --label-pattern, found '\(': .*; correct it"):
        opened(tmp_path, pattern="(")
    with pytest.raises(DataError, match="expected a label for every sample, found none in"):
        opened(tmp_path, pattern="nobody")


def test_images_that_share_a_key_of_an_archive_are_told(tmp_path: Path) -> None:
    members = [
        (f"{k}.{view}", data) for k in range(4) for view, data in (("a.png", png(k)), ("b.png", png(k + 9)), ("cls", b"x"))
    ]
    packed(tmp_path / "two.tar", members)
    (remark,) = opened(tmp_path / "two.tar").remarks
    assert remark.startswith("4 of 8 samples are further ones of a key, such as '0.a.png' and '0.b.png'")
    packed(tmp_path / "one.tar", [member for member in members if ".b." not in member[0]])
    assert opened(tmp_path / "one.tar").remarks == ()


def test_the_folders_of_an_archive_are_labels_below_the_one_that_holds_all(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for index, name in enumerate(("set/ants/0.png", "set/bees/1.png", "set/ants/2.png")):
            info = tarfile.TarInfo(name)
            data = png(index)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    samples = opened(tmp_path / "a.tar")
    assert samples.labels == ("ants", "bees", "ants")
    assert value(samples, 1)[0, 0, 0] == 1


def test_a_torch_dataset_is_read_by_index() -> None:
    data = TensorDataset(torch.zeros(2, 3, 8, 9, dtype=torch.uint8), torch.tensor([1, 0]))
    samples = opened(data)
    assert samples.labels == ("1", "0")
    assert value(samples, 1).shape == (8, 9, 3)


def test_samples_without_label_are_counted(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,label\n1,a\n2,\n3,b\n")
    with pytest.raises(DataError, match=r"a label for every sample, found 1 of 3 samples without one"):
        opened(tmp_path / "a.csv")


@pytest.mark.parametrize("opening", [open_labelled, open_samples])
def test_a_table_has_no_axes_to_state(opening: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y,label\n" + "1,2,a\n3,4,b\n" * 4)
    with pytest.raises(DataError, match=r"options that fit .*a table, found --layout; leave it out"):
        opening(tmp_path / "a.csv", Options(layout="NHWC"), "label")
