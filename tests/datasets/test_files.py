from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tare.datasets.files import LabelledFiles, coloured, read_recording
from tare.datasets.options import LabelOptions
from tare.datasets.split import open_split, read_split
from tare.measuring.one_pass import measure_state, stats_of
from tare.samples.records import Skipped
from tare.statistics.state import DatasetState
from tests.datasets.reading import class_folders


def test_the_listed_files_are_a_source_with_labels(tmp_path: Path) -> None:
    split = read_split(class_folders(tmp_path, {"a": 5, "b": 5}), seed=0)
    source = LabelledFiles("training", split.train)
    records = [source.read_item(file) for chunk in source.chunks() for file in chunk]
    assert [record.label for record in records if not isinstance(record, Skipped)] == [str(f.label) for f in split.train]


def test_colours_are_converted_as_pillow_does() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    grey = np.asarray(Image.fromarray(pixels).convert("L"))
    np.testing.assert_array_equal(coloured(pixels, "grey")[..., 0], grey)
    np.testing.assert_array_equal(coloured(grey[..., None], "rgb"), np.asarray(Image.fromarray(grey).convert("RGB")))
    assert coloured(pixels, "stored") is pixels


def test_flac_recordings_are_read_as_wav_files_are(tmp_path: Path) -> None:
    soundfile = pytest.importorskip("soundfile", reason="writes FLAC (pip install 'tare[audio]')")
    values = np.round(np.sin(np.arange(800) / 9) * 2**14).astype(np.int16)
    for name in ("a.wav", "a.flac"):
        soundfile.write(tmp_path / name, values, 8000)
    one, other = (read_recording(str(tmp_path / name)) for name in ("a.wav", "a.flac"))
    assert not isinstance(one, Skipped)
    assert not isinstance(other, Skipped)
    assert np.array_equal(one, other)
    assert other.shape == (800, 1)
    (tmp_path / "b.flac").write_bytes(b"fLaC nothing")
    assert isinstance(read_recording(str(tmp_path / "b.flac")), Skipped)


def test_rows_that_follow_each_other_are_one_record_with_the_statistics_of_single_ones(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(5, 2, (100, 3))
    values[7, 1] = np.nan
    (tmp_path / "t.csv").write_text(
        "a,b,c,kind\n" + "".join(f"{a},{b},{c},{'xy'[i % 2]}\n" for i, (a, b, c) in enumerate(values))
    )
    split = open_split(LabelOptions(tmp_path / "t.csv", label="kind"), 0, "vector")
    source = LabelledFiles("training", split.train, channel_names=("a", "b", "c"))
    together, single = measure_state(source, 1), DatasetState.of(source.read_item(file) for file in split.train)
    assert max(len(list(source.read(chunk))) for chunk in source.chunks()) <= 3
    assert together.skipped == single.skipped
    ours, theirs = (stats_of(state, source).channels for state in (together, single))
    for one, other in zip(ours, theirs, strict=True):
        assert (one.mean, one.std, one.std_se, one.count) == pytest.approx(
            (other.mean, other.std, other.std_se, other.count), rel=1e-14
        )
