from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tare.datasets.archives import unlabelled_array
from tare.datasets.opening import open_labelled
from tare.errors import DataError
from tare.sources.options import Options
from tests.datasets.reading import opened, value


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


def test_labels_of_another_length_a_pickle_and_damage_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((3, 40)), y=np.zeros(2))
    with pytest.raises(DataError, match=r"a label for every sample, found labels \(2, 1\) for samples \(3, 40\)"):
        opened(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", x=np.array([{}, []], dtype=object), y=np.zeros(2))
    with pytest.raises(DataError, match=r"a \.npz archive of numbers, found .*Object arrays cannot be loaded"):
        opened(tmp_path / "b.npz")
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2):
        with zipfile.ZipFile(tmp_path / "d.npz", "w", method) as archive:
            archive.write(tmp_path / "a.npz", "x.npy")
        whole = (tmp_path / "d.npz").read_bytes()
        entry = whole.index(b"PK\x01\x02")
        flipped = whole[:60] + bytes(byte ^ 90 for byte in whole[60:90]) + whole[90:]
        locked = whole[:6] + b"\x01" + whole[7 : entry + 8] + b"\x01" + whole[entry + 9 :]
        foreign = whole[:8] + b"a" + whole[9 : entry + 10] + b"a" + whole[entry + 11 :]
        for damaged in (flipped, locked, foreign):
            (tmp_path / "d.npz").write_bytes(damaged)
            with pytest.raises(DataError, match=r"of numbers, found .*d\.npz"):
                opened(tmp_path / "d.npz", array="x", label="x")
            with pytest.raises(DataError, match=r"of numbers, found .*d\.npz"):
                unlabelled_array(str(tmp_path / "d.npz"), "x", None)
    (tmp_path / "c.npz").write_bytes(b"PK\x03\x04 nonsense")
    with pytest.raises(DataError, match=r"a \.npz archive of numbers, found"):
        opened(tmp_path / "c.npz")
