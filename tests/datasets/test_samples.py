from __future__ import annotations

import io
import tarfile
import wave
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image
from torch.utils.data import TensorDataset

from tare.datasets.samples import LabelledSamples, open_labelled
from tare.errors import DataError
from tare.samples.records import Skipped
from tare.sources.options import Options


def opened(data: Any, label: str | None = None, pattern: str | None = None, **options: Any) -> LabelledSamples:
    return open_labelled(data, Options(**options), label, pattern)[0]


def value(samples: LabelledSamples, index: int) -> np.ndarray[Any, Any]:
    read = samples.read(index)
    assert not isinstance(read, Skipped)
    return read


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


def test_an_archive_with_training_and_validation_arrays_gives_both(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (6, 8, 7), dtype=np.uint8)
    np.savez(tmp_path / "a.npz", train_images=images, train_labels=[[0], [1]] * 3, val_images=images[:2], val_labels=[[0], [1]])
    train, val = open_labelled(tmp_path / "a.npz", Options())
    assert val is not None
    assert (train.kind, len(train), len(val)) == ("image", 6, 2)
    assert train.labels == ("0", "1") * 3
    np.testing.assert_array_equal(value(train, 4), images[4][..., None])


@pytest.mark.parametrize(
    ("shape", "dtype", "kind", "sample"),
    [
        ((4, 9, 8), "uint8", "image", (9, 8, 1)),
        ((4, 9, 8, 3), "uint8", "image", (9, 8, 3)),
        ((4, 3, 9, 8), "float32", "image", (9, 8, 3)),
        ((4, 50), "float32", "signal", (50, 1)),
        ((4, 2, 50), "float32", "signal", (50, 2)),
        ((4, 11), "float64", "vector", (11,)),
    ],
)
def test_arrays_are_what_their_axes_say(tmp_path: Path, shape: Any, dtype: str, kind: str, sample: Any) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros(shape, dtype), y=np.arange(4) % 2)
    samples = opened(tmp_path / "a.npz")
    assert (samples.kind, value(samples, 0).shape) == (kind, sample)


def test_arrays_are_chosen_by_name(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", signal=np.zeros((4, 50), "f4"), gesture=[1, 1, 2, 2])
    assert opened(tmp_path / "a.npz", label="gesture", array="signal").labels == ("1", "1", "2", "2")
    with pytest.raises(
        DataError, match=r"expected samples and labels in .*, found the arrays gesture, signal; name them: --array"
    ):
        opened(tmp_path / "a.npz")


@pytest.mark.parametrize("kind", ["csv", "tsv", "semicolons", "parquet"])
def test_a_table_learns_its_label_column_from_the_others(tmp_path: Path, kind: str) -> None:
    table = pl.DataFrame({"acid": [0.1, 0.2, 0.3], "label": ["red", "white", "red"], "sugar": [1, 2, None]})
    path = tmp_path / {"tsv": "a.tsv", "parquet": "a.parquet"}.get(kind, "a.csv")
    if kind == "parquet":
        table.write_parquet(path)
    else:
        table.write_csv(path, separator={"tsv": "\t", "semicolons": ";"}.get(kind, ","))
    samples = opened(path)
    assert (samples.kind, samples.labels, samples.channel_names) == ("vector", ("red", "white", "red"), ("acid", "sugar"))
    np.testing.assert_array_equal(value(samples, 1), [0.2, 2.0])
    assert np.isnan(value(samples, 2)[1])


def test_a_table_without_header_has_its_label_by_number(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1,0.5,0.25\n2,0.75,1\n")
    samples = opened(tmp_path / "a.csv", label="0")
    assert samples.labels == ("1", "2")
    np.testing.assert_array_equal(value(samples, 1), [0.75, 1.0])


def test_a_column_of_text_and_a_column_that_is_not_there_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("label,size,colour\n1,2,red\n")
    with pytest.raises(DataError, match=r"columns of numbers, found text in 'colour' .*; choose others with --columns"):
        opened(tmp_path / "a.csv")
    with pytest.raises(DataError, match=r"one of the columns label, size, colour, found 'age' for --label"):
        opened(tmp_path / "a.csv", label="age")


def test_a_manifest_names_files_and_labels(tmp_path: Path) -> None:
    for index in range(3):
        (tmp_path / f"{index}.png").write_bytes(png(index))
    (tmp_path / "list.csv").write_text("path,label\n" + "".join(f"{i}.png,{'ab'[i % 2]}\n" for i in range(3)))
    samples = opened(tmp_path / "list.csv")
    assert (samples.kind, samples.labels) == ("image", ("a", "b", "a"))
    assert value(samples, 2)[0, 0, 0] == 2


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


def test_labels_of_another_length_a_pickle_and_damage_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((3, 40)), y=np.zeros(2))
    with pytest.raises(DataError, match=r"one label a sample, found labels \(2, 1\) for samples \(3, 40\)"):
        opened(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", x=np.array([{}, []], dtype=object), y=np.zeros(2))
    with pytest.raises(DataError, match=r"a \.npz archive of numbers, found .*Object arrays cannot be loaded"):
        opened(tmp_path / "b.npz")
    (tmp_path / "c.npz").write_bytes(b"PK\x03\x04 nonsense")
    with pytest.raises(DataError, match=r"a \.npz archive of numbers, found"):
        opened(tmp_path / "c.npz")
    (tmp_path / "d.parquet").write_bytes(b"PAR1 nonsense")
    with pytest.raises(DataError, match="a readable table, found"):
        opened(tmp_path / "d.parquet")
