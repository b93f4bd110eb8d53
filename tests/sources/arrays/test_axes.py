from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import tare
from tare.errors import DataError
from tare.samples.records import Sample
from tare.sources.opening import open_source
from tare.sources.options import Options
from tare.statistics.dataset_stats import summarise
from tare.statistics.state import DatasetState


def tiles(folder: Path, shape: tuple[int, ...], dtype: str, number: int = 5) -> list[np.ndarray]:
    """Write arrays of one shape whose means differ, so that counting other samples gives another standard error."""
    rng = np.random.default_rng(0)
    made = [rng.normal(100 + 10 * k, 5, shape).astype(dtype) for k in range(number)]
    for k, values in enumerate(made):
        np.save(folder / f"{k}.npy", values)
    return made


def one_by_one(samples: list[np.ndarray]) -> tuple[tuple[float, ...], ...]:
    """Mean, std and their errors where each array ``(..., C)`` is one sample."""
    stats = summarise(DatasetState.of([Sample(str(k), values) for k, values in enumerate(samples)]), "x", "1")
    return tuple((c.mean, c.std, c.mean_se, c.std_se) for c in stats.channels)


@pytest.mark.parametrize(
    ("shape", "dtype", "layout"),
    [
        ((16, 18, 4), "uint16", "HWC"),
        ((16, 18, 3), "float32", "HWC"),
        ((16, 16, 3), "uint8", "HWC"),
        ((4, 16, 18), "uint16", "CHW"),
        ((2, 16, 18), "float64", "CHW"),
        ((16, 16, 13), "uint16", "HWC"),
        ((16, 18), "uint8", "HW"),
        ((16, 16), "float32", "HW"),
    ],
)
@pytest.mark.parametrize("stated", [False, True])
def test_each_file_of_a_folder_is_one_sample_and_the_layout_is_named(
    shape: tuple[int, ...], dtype: str, layout: str, stated: bool, tmp_path: Path
) -> None:
    made = tiles(tmp_path, shape, dtype)
    last = [np.moveaxis(values, 0, -1) if layout == "CHW" else values if "C" in layout else values[..., None] for values in made]
    measured = tare.measure(tmp_path, layout=layout if stated else None, workers=2)
    assert measured.samples == 5
    found = [(c.mean, c.std, c.mean_se, c.std_se) for c in measured.channels]
    np.testing.assert_allclose(found, one_by_one(last), rtol=1e-9)
    remarks = measured.extra.get("remarks", [])
    expected = f"layout {layout} assumed for shapes such as {shape}: each file is one sample; --layout states another"
    assert remarks == ([] if stated else [expected])


@pytest.mark.parametrize(
    ("shapes", "dtype"),
    [
        ([(40, 6), (40, 6)], "float32"),
        ([(500,), (500,)], "float32"),
        ([(500, 100, 3), (123, 100, 3)], "float32"),
        ([(13, 16, 16), (13, 16, 16)], "uint16"),
        ([(3, 16, 3), (3, 16, 3)], "uint8"),
        ([(16, 18, 4), (16, 18)], "uint8"),
        ([(3, 4, 5, 6, 7), (3, 4, 5, 6, 7)], "uint8"),
    ],
)
def test_files_that_may_be_one_sample_or_many_are_asked_for(shapes: list[tuple[int, ...]], dtype: str, tmp_path: Path) -> None:
    for k, shape in enumerate(shapes):
        np.save(tmp_path / f"{k}.npy", np.ones(shape, dtype))
    with pytest.raises(DataError, match=r"or without N for one sample a file: HWC|measure each kind by itself"):
        open_source(tmp_path)


@pytest.mark.parametrize(("layout", "samples"), [("NTC", 623), ("TC", None), ("HWC", 2)])
def test_a_stated_layout_says_whether_a_file_is_one_sample_or_many(layout: str, samples: int | None, tmp_path: Path) -> None:
    for k, number in enumerate((500, 123)):
        np.save(tmp_path / f"{k}.npy", np.random.default_rng(k).normal(size=(number, 10, 3)))
    if samples is None:
        with pytest.raises(DataError, match="an array of 3 axes for layout NTC, found shape"):
            tare.measure(tmp_path, layout=layout)
    else:
        assert tare.measure(tmp_path, layout=layout).samples == samples


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_a_single_array_is_one_sample_if_the_layout_has_no_n(name: str, order: str, tmp_path: Path) -> None:
    values = np.asarray(np.random.default_rng(0).integers(0, 4000, (16, 16, 4), dtype=np.uint16), order=order)  # type: ignore[call-overload]
    np.save(tmp_path / "a.npy", values)
    np.savez(tmp_path / "a.npz", values)
    for source in (tmp_path / name, values):
        with pytest.raises(DataError, match="or without N for one sample a file: HWC, CHW, HW"):
            tare.measure(source)
        measured = tare.measure(source, layout="HWC")
        assert measured.samples == 1
        assert measured.mean == pytest.approx(values.reshape(-1, 4).mean(axis=0) / 65535)


def test_what_is_assumed_of_one_array_is_said_too() -> None:
    assert tare.measure(np.zeros((5, 28, 28), np.uint8)).extra["remarks"] == [
        "layout NHW assumed for shape (5, 28, 28): 5 samples along the first axis; --layout states another"
    ]
    assert tare.measure(np.zeros((5, 3))).extra["remarks"] == [
        "layout NC assumed for shape (5, 3): 5 rows of 3 columns; --layout states another"
    ]
    assert "remarks" not in tare.measure(np.zeros((5, 28, 28), np.uint8), layout="NHW").extra


def test_several_shards_of_images_are_still_many_samples(tmp_path: Path) -> None:
    for k in range(2):
        np.save(tmp_path / f"{k}.npy", np.full((7, 8, 8, 3), k, np.uint8))
    assert tare.measure(tmp_path).samples == 14
    assert open_source(tmp_path, Options()).remarks[0].startswith("layout NHWC assumed for shapes such as (7, 8, 8, 3)")
