from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from tare.input_spec.geometry import RowGeometry, SignalGeometry
from tare.predicting.number_inputs import number_inputs, tensor_of
from tare.samples.records import Skipped
from tests.signals import save_wav, tone

ROWS = RowGeometry(("size", "weight"))
SIGNALS = SignalGeometry(8, (0.5,))


def read(takes: SignalGeometry | RowGeometry, *words: Path | str, channels: int | None = None) -> dict[str, Any]:
    """Each sample by its name: its values, or the reason why there are none."""
    count = channels or (1 if isinstance(takes, SignalGeometry) else len(takes.columns))
    made = {item.name: tensor_of(item, takes, count) for item in number_inputs(takes, [os.fspath(word) for word in words])}
    return {name: value.reason if isinstance(value, Skipped) else value.tolist() for name, value in made.items()}


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet", "arrow"])
def test_columns_are_found_by_name_in_any_order_beside_others(tmp_path: Path, suffix: str) -> None:
    table = pl.DataFrame({"label": ["a", "b"], "weight": [0.5, 0.25], "more": [9, 9], "size": [3, 4]})
    for path in (tmp_path / f"t.{suffix}", tmp_path / f"T.{suffix.upper()}"):
        if suffix == "parquet":
            table.write_parquet(path)
        elif suffix == "arrow":
            table.write_ipc(path)
        else:
            table.write_csv(path, separator="\t" if suffix == "tsv" else ",")
        assert read(ROWS, path) == {f"{path}[0]": [3.0, 0.5], f"{path}[1]": [4.0, 0.25]}


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
def test_columns_of_other_names_are_not_taken_by_their_places(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"t.{suffix}"
    table = pl.DataFrame({"height": [3.0, 4.0], "weight": [0.5, 0.25]})
    (table.write_parquet if suffix == "parquet" else table.write_ipc)(path)
    (reason,) = read(ROWS, path).values()
    assert "'size'" in reason


@pytest.mark.parametrize("line", ["1,2,7\n", "1,2\n"])
def test_a_table_without_header_goes_by_position_with_or_without_its_label(tmp_path: Path, line: str) -> None:
    (tmp_path / "t.csv").write_text(line)
    assert read(RowGeometry(("c0", "c1")), tmp_path / "t.csv") == {f"{tmp_path / 't.csv'}[0]": [1.0, 2.0]}


def test_columns_that_somebody_called_as_nobody_would_go_by_name(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("c1,c0\n1,2\n")
    assert read(RowGeometry(("c0", "c1")), tmp_path / "t.csv") == {f"{tmp_path / 't.csv'}[0]": [2.0, 1.0]}


def test_a_label_that_stood_first_may_be_absent(tmp_path: Path) -> None:
    takes = RowGeometry(("c1", "c2"))
    (tmp_path / "with.csv").write_text("5,1,2\n")
    (tmp_path / "without.csv").write_text("1,2\n")
    assert list(read(takes, tmp_path / "with.csv", tmp_path / "without.csv").values()) == [[1.0, 2.0]] * 2


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("size,height\n1,2\n", "a table without the column 'weight'"),
        ("size,weight\n1,heavy\n", "text in 'weight'"),
        ("", "empty"),
    ],
)
def test_a_table_that_does_not_fit_is_one_answer_that_says_why(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    ((name, found),) = read(ROWS, tmp_path / "t.csv").items()
    assert name == str(tmp_path / "t.csv")
    assert reason in found


def test_a_missing_value_is_an_answer_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("size,weight\n1,2\n1,\n3,inf\n")
    found = list(read(ROWS, tmp_path / "t.csv").values())
    assert found == [[1.0, 2.0], *["1 of 2 values are missing, NaN or infinite"] * 2]


def test_recordings_are_cut_and_padded_as_in_validation(tmp_path: Path) -> None:
    short, long = (save_wav(tmp_path / f"{n}.wav", tone(0.3, n, 0)) for n in (4, 10))
    found = read(SIGNALS, tmp_path)
    assert list(found) == [str(long), str(short)]
    assert found[str(short)][0][:2] == found[str(short)][0][-2:] == [0.5, 0.5]
    np.testing.assert_allclose(found[str(long)][0], tone(0.3, 10, 0)[1:9], atol=1 / 32768)


def test_what_is_no_recording_says_so(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("no sound")
    save_wav(tmp_path / "two.wav", np.zeros((9, 2)))
    (tmp_path / "t.csv").write_text("1,2\n")
    found = read(SIGNALS, *(tmp_path / name for name in ("text.wav", "two.wav", "t.csv", "absent.wav")))
    reasons = " | ".join(map(str, found.values()))
    assert len(found) == 4
    for part in (
        "not an image",
        "2 channels, but the network takes 1",
        "a table: save its signals as an array",
        "No such file",
    ):
        assert part in reasons


@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_rows_of_an_array_are_samples_of_the_kind_the_network_takes(tmp_path: Path, suffix: str) -> None:
    values = np.arange(24.0).reshape(3, 8)
    path = tmp_path / f"a.{suffix}"
    np.save(path, values) if suffix == "npy" else np.savez(path, x=values, y=np.zeros(3))
    takes = SignalGeometry(8, (0.5,), "float64")
    assert read(takes, path) == {f"{path}[{row}]": [values[row].tolist()] for row in range(3)}
    assert read(RowGeometry(tuple("abcdefgh")), path) == {f"{path}[{row}]": values[row].tolist() for row in range(3)}


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"x": np.zeros((2, 8)), "z": np.zeros((2, 8))}, "2 arrays that could hold samples"),
        ({"x": np.zeros((2, 9, 9, 3), np.uint8)}, "a image per sample"),
        ({"x": np.zeros((2, 8), np.uint8)}, "uint8 values, but the network was trained on float64"),
        ({"x": np.array([[{}]])}, "allow_pickle=False"),
    ],
)
def test_an_array_that_does_not_fit_says_why(tmp_path: Path, arrays: dict[str, Any], reason: str) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    found = read(SignalGeometry(8, (0.5,), "float64"), tmp_path / "a.npz")
    assert all(reason in said for said in found.values())


def test_whole_numbers_are_no_recordings_and_may_be_rows_of_a_table(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.ones((1, 8), np.int16))
    (refused,) = read(SignalGeometry(8, (0.5,), "float32"), tmp_path / "a.npy").values()
    assert refused == "int16 values, but the network was trained on float32"
    assert read(SignalGeometry(8, (0.5,), "float64"), tmp_path / "a.npy") == {f"{tmp_path / 'a.npy'}[0]": [[1.0] * 8]}


def test_a_signal_of_its_own_moments_is_padded_with_nothing(tmp_path: Path) -> None:
    path = save_wav(tmp_path / "a.wav", tone(0.3, 6, 0))
    (item,) = number_inputs(SignalGeometry(8, None), [str(path)])
    value = tensor_of(item, SignalGeometry(8, None), 1)
    assert isinstance(value, torch.Tensor)
    assert value.isnan().tolist() == [[True, *[False] * 6, True]]


def test_signals_of_hdf5_are_named_by_file_and_array(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py", reason="reads HDF5 (pip install 'tare[science]')")
    values = np.random.default_rng(0).normal(size=(3, 64, 2)).astype(np.float32)
    with h5py.File(tmp_path / "all.h5", "w") as file:
        file["signals"], file["labels"] = values, np.arange(3)
    takes = SignalGeometry(64, (0.0, 0.0))
    items = number_inputs(takes, [f"{tmp_path}/all.h5#signals"])
    assert [item.name.rpartition("#")[2] for item in items] == ["signals[0]", "signals[1]", "signals[2]"]
    for item, expected in zip(items, values, strict=True):
        np.testing.assert_array_equal(item.read(), expected)
