from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tare
from tare.datasets.opening import open_labelled
from tare.errors import DataError
from tare.measuring.one_pass import measure_state
from tare.samples.records import Sample, Skipped
from tare.sources.opening import open_source
from tare.sources.options import Options
from tare.sources.tables import csv_table
from tare.sources.tables.number_parser import parse_rows
from tare.sources.tables.records import NUMBER_ROWS
from tests.encoding import encoded, packed
from tests.sources.reading import assert_moments, samples, skipped, state_of

NUMBERS = np.random.default_rng(0).normal([0, 5, 1e9], [1, 100, 1], (3000, 3))
FRAME = pl.DataFrame(NUMBERS, schema=["a", "b", "c"])
IMAGES = np.random.default_rng(0).integers(0, 256, (70, 5, 6, 3), dtype=np.uint8)


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("header", [True, False])
def test_csv_agrees_with_polars(tmp_path: Path, separator: str, header: bool) -> None:
    path = tmp_path / "a.csv"
    FRAME.write_csv(path, separator=separator, include_header=header)
    source = open_source(path)
    assert source.channel_names == (("a", "b", "c") if header else ("c0", "c1", "c2"))
    assert_moments(state_of(source), NUMBERS)


def test_csv_in_many_blocks_and_compressed_gives_every_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_table, "_BLOCK", 5000)
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(FRAME.write_csv().replace("\n", "\r\n").encode()))
    assert_moments(state_of(open_source(path)), NUMBERS)


def test_columns_of_text_are_listed_and_named_ones_are_measured(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", 'name,x,y\n"a, ""b""\nc",1,2\nd,3,4\n')
    stats = tare.measure(path)
    assert [channel.name for channel in stats.channels] == ["x", "y"]
    assert stats.mean == (2.0, 3.0)
    assert [(item.path, item.foreign) for item in stats.skipped] == [(f"{path}:name", True)]
    assert "column of text" in stats.skipped[0].reason
    assert tare.measure(path, columns="y").mean == (3.0,)
    assert tare.measure(path, columns=["y", "x"]).mean == (3.0, 2.0)


@pytest.mark.parametrize(("columns", "message"), [(("name",), "numbers in column 'name'"), (("z",), "'z'")])
def test_a_column_that_cannot_be_measured_is_refused(tmp_path: Path, columns: tuple[str, ...], message: str) -> None:
    with pytest.raises(DataError, match=message):
        open_source(written(tmp_path / "a.csv", "name,x\na,1\n"), Options(columns=columns))


@pytest.mark.parametrize("kind", ["csv", "tsv", "parquet", "arrow"])
def test_a_column_of_labels_is_no_channel(tmp_path: Path, kind: str) -> None:
    frame, place = pl.DataFrame({"y": [0, 1, 1], "a": [1.0, 2.0, 6.0], "name": ["p", "q", "r"]}), tmp_path / f"t.{kind}"
    if kind in ("csv", "tsv"):
        frame.write_csv(place, separator="," if kind == "csv" else "\t")
    elif kind == "parquet":
        frame.write_parquet(place)
    else:
        frame.write_ipc(place)
    assert open_source(str(place)).channel_names == ("y", "a")
    source = open_source(str(place), Options(label="y,name"))
    assert source.channel_names == ("a",)
    state = state_of(source)
    assert {item.path.rpartition(":")[2]: item.reason for item in state.skipped} == dict.fromkeys(
        ("y", "name"), "the column of labels"
    )
    assert_moments(state, np.array([[1.0], [2.0], [6.0]]))
    with pytest.raises(DataError, match=r"one of the columns y, a, name, found 'z' for --label"):
        open_source(str(place), Options(label="z"))


def test_missing_cells_count_as_nan(tmp_path: Path) -> None:
    stats = tare.measure(written(tmp_path / "a.csv", 'x,y\n1,NA\n,4\n"3",5.5\n'), exclude_nan=True)
    assert stats.mean == (2.0, 4.75)
    assert [channel.nan for channel in stats.channels] == [1, 1]


def test_nan_is_never_left_out_silently(tmp_path: Path) -> None:
    stats = tare.measure(written(tmp_path / "a.csv", "x,y\n1,1\nnan,2\n"))
    assert np.isnan(stats.mean[0])
    assert np.isnan(stats.std[0])
    assert (stats.channels[0].nan, stats.channels[0].count) == (1, 1)
    assert stats.mean[1] == 1.5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "at least one line"),
        ("a,b\n", "only a header"),
        ("a,a\n1,2\n", "names that differ"),
        ("x\ny\nz\n", "only text"),
        ("a,b\n1,2\n3\n", "2 cells in every line"),
        ("a,b\n1,2\n3,4,5\n", "2 cells in every line"),
        ("a,b\n1,2\r3,4\n", "a CSV file, found .*new-line character"),
        ("a\n" + "9" * 100_000 + "\n", "two whole lines within 64 KiB"),
        ("a" * 100_000 + "\n1\n", "two whole lines within 64 KiB"),
    ],
)
def test_an_unusable_csv_is_refused_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        state_of(open_source(written(tmp_path / "a.csv", text)))


def test_a_word_far_down_a_column_of_numbers_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "x\n" + "1\n" * 200_000 + "oops\n")
    with pytest.raises(DataError, match="'oops'"):
        tare.measure(path)


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1), st.sampled_from(["%r", "%.17g", "%.3e", "%.5f", "%d"])
)
def test_numbers_are_read_as_python_reads_them(values: list[float], form: str) -> None:
    texts = [form % value for value in values]
    data = "".join(text + "\n" for text in texts).encode()
    out, unsure = np.empty((1, len(texts))), np.empty((len(texts), 4), np.int64)
    rows, doubts, ragged = parse_rows(np.frombuffer(data, np.uint8), ord(","), np.array([0]), out, unsure)
    assert (rows, ragged) == (len(texts), -1)
    for start, end, column, row in unsure[:doubts]:
        assert data[start:end].decode() == texts[row]
        out[column, row] = float(texts[row])
    assert out[0].tolist() == [float(text) for text in texts]


@given(st.integers(0, 10**19 - 1), st.integers(-22, 0))
def test_up_to_nineteen_digits_are_rounded_correctly(mantissa: int, exponent: int) -> None:
    text = f"{mantissa}e{exponent}"
    out, unsure = np.empty((1, 1)), np.empty((1, 4), np.int64)
    _, doubts, _ = parse_rows(np.frombuffer(f"{text}\n".encode(), np.uint8), ord(","), np.array([0]), out, unsure)
    assert doubts == 0
    assert out[0, 0] == float(text)


@pytest.mark.parametrize("group", [500, 100_000])
def test_parquet_agrees_with_numpy_whatever_its_row_groups(tmp_path: Path, group: int) -> None:
    path = tmp_path / "a.parquet"
    FRAME.with_columns(i=pl.int_range(3000), t=pl.lit("text"), f=pl.lit(True)).write_parquet(path, row_group_size=group)
    source = open_source(path)
    assert source.channel_names == ("a", "b", "c", "i", "f")
    assert_moments(state_of(source), np.column_stack([NUMBERS, np.arange(3000), np.ones(3000)]))
    assert skipped(source) == [Skipped(f"{path}:t", "a column of large_string", foreign=True)]


@pytest.mark.parametrize(
    ("sizes", "chunks"),
    [
        ([30_000, 30_000, 30_000, 10], [(0, 3, 90_000), (3, 4, 10)]),
        ([70_000, 200_000, 5], [(0, 1, 70_000), (1, 2, 200_000), (2, 3, 5)]),
        ([0, 60_000, 0, 210_000, 0], [(0, 3, 60_000), (3, 4, 210_000)]),
    ],
)
def test_small_row_groups_are_read_together(tmp_path: Path, sizes: list[int], chunks: list[tuple[int, int, int]]) -> None:
    values = np.random.default_rng(3).normal(5, 2, sum(sizes))
    path, start = tmp_path / "a.parquet", 0
    with pq.ParquetWriter(path, pa.schema([("x", pa.float64())])) as writer:
        for size in sizes:
            writer.write_table(pa.table({"x": values[start : start + size]}))
            start += size
    source = open_source(path)
    assert list(source.chunks()) == chunks
    assert_moments(state_of(source), values[:, None])
    assert measure_state(source, 2) == measure_state(source, 1)


def test_large_row_groups_are_cut(tmp_path: Path) -> None:
    values = np.random.default_rng(4).normal(5, 2, NUMBER_ROWS + 1)
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"x": values}), path)
    source = open_source(path)
    assert [source.chunk_length(chunk) for chunk in source.chunks()] == [NUMBER_ROWS, 1]
    assert_moments(state_of(source), values[:, None])


@pytest.mark.parametrize("rows", [5000, NUMBER_ROWS + 1])
def test_a_damaged_page_is_refused_in_one_line(tmp_path: Path, rows: int) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"x": np.random.default_rng(5).normal(5, 2, rows)}), path, use_dictionary=False, compression="zstd")
    content = bytearray(path.read_bytes())
    content[60:3000] = bytes(2940)
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"a complete Parquet file") as caught:
        tare.measure(path)
    assert "\n" not in str(caught.value)


def test_parquet_without_rows_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"x": pa.array([], pa.float64())}), path)
    with pytest.raises(DataError, match=r"at least one readable sample"):
        tare.measure(path)


def test_parquet_nulls_count_as_nan(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pl.DataFrame({"x": [1, None, 3], "y": [0.5, float("nan"), None]}).write_parquet(path)
    stats = tare.measure(path, exclude_nan=True)
    assert stats.mean == (2.0, 0.5)
    assert [channel.nan for channel in stats.channels] == [1, 2]


def test_vectors_give_a_channel_a_component(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    table = pa.table({"state": pa.FixedSizeListArray.from_arrays(pa.array(NUMBERS.ravel()), 3)})
    pq.write_table(table, path)
    source = open_source(path, Options(columns=("state",)))
    assert source.channel_names == ("state[0]", "state[1]", "state[2]")
    assert_moments(state_of(source), NUMBERS)


STATES = np.random.default_rng(1).normal([0, 5], [1, 100], (3000, 2))


def episodes(kind: str = "list") -> pa.Table:
    """A table like those of robots: lists of numbers beside columns that count rows and time."""
    lists = {
        "list": pa.array(STATES.tolist(), pa.list_(pa.float64())),
        "large": pa.array(STATES.tolist(), pa.large_list(pa.float64())),
        "fixed": pa.FixedSizeListArray.from_arrays(pa.array(STATES.ravel()), 2),
    }
    counts = {"timestamp": np.arange(3000) / 30, "frame_index": np.arange(3000), "index": np.arange(3000)}
    return pa.table({"observation.state": lists[kind], **counts, "next.reward": NUMBERS[:, 0]})


@pytest.mark.parametrize("form", ["parquet", "several groups", "folder", "arrow", "memory"])
@pytest.mark.parametrize("kind", ["list", "large", "fixed"])
def test_lists_are_measured_by_dimension_and_columns_that_count_are_named(tmp_path: Path, kind: str, form: str) -> None:
    table, path = episodes(kind), tmp_path / "a.parquet"
    place: Any = path
    if form in ("parquet", "several groups"):
        pq.write_table(table, path, row_group_size=10_000 if form == "parquet" else 700)
    elif form == "folder":
        for k in range(3):
            pq.write_table(table.slice(1000 * k, 1000), tmp_path / f"{k}.parquet")
        place = tmp_path
    elif form == "arrow":
        place = tmp_path / "a.arrow"
        with pa.ipc.new_file(place, table.schema) as writer:
            writer.write_table(table)
    else:
        place = table
    stats = tare.measure(place)
    assert [channel.name for channel in stats.channels] == ["observation.state[0]", "observation.state[1]", "next.reward"]
    values = np.column_stack([STATES, NUMBERS[:, 0]])
    np.testing.assert_allclose(stats.mean, values.mean(axis=0), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(stats.std, values.std(axis=0), rtol=1e-9)
    remark = "left out as columns that count rows or time: timestamp, frame_index, index; they are taken where columns are named"
    assert (stats.extra["remarks"], stats.skipped) == ([remark], ())
    assert [channel.name for channel in tare.measure(place, columns=["index"]).channels] == ["index"]


def test_lists_of_different_lengths_are_left_out_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"tokens": [[1], [1, 2]], "x": [1.0, 2.0]}), path)
    (left_out,) = tare.measure(path).skipped
    assert (left_out.path, left_out.foreign) == (f"{path}:tokens", True)
    assert "of different lengths" in left_out.reason
    with pytest.raises(DataError, match="lists of different lengths, or none"):
        tare.measure(path, columns=["tokens"])
    rows = [[1.0, 2.0]] * 100
    for odd in ([1.0], None):
        pq.write_table(pa.table({"action": pa.array([*rows, odd], pa.list_(pa.float64()))}), path)
        with pytest.raises(DataError, match="a list of 2 numbers in every row of 'action', found 1 other rows"):
            tare.measure(path)


def test_a_csv_leaves_out_columns_that_count_too_unless_there_are_no_others(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", ",id,x\n0,7,1.5\n1,8,2.5\n")
    stats = tare.measure(path)
    assert (stats.mean, stats.extra["remarks"][0]) == (
        (2.0,),
        "left out as columns that count rows or time: '', id; they are taken where columns are named",
    )
    assert tare.measure(written(path, "index\n1\n2\n")).mean == (1.5,)


def image_table(images: Any = IMAGES) -> pa.Table:
    cells = [{"bytes": encoded(image, "PNG"), "path": f"{i}.png"} for i, image in enumerate(images)]
    features = {"info": {"features": {"label": {"names": ["ant", "bee"], "_type": "ClassLabel"}}}}
    schema = pa.schema([("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])), ("label", pa.int64())])
    columns = {"image": cells, "label": [i % 2 for i in range(len(images))]}
    return pa.table(columns, schema=schema).replace_schema_metadata({"huggingface": json.dumps(features)})


@pytest.mark.parametrize("kind", ["parquet", "file", "stream", "memory"])
def test_image_bytes_in_the_hugging_face_layout_with_class_names(tmp_path: Path, kind: str) -> None:
    table = image_table()
    path: Any = tmp_path / ("a.parquet" if kind == "parquet" else "a.arrow")
    if kind == "parquet":
        pq.write_table(table, path, row_group_size=30)
    elif kind == "memory":
        path = table
    else:
        writer = pa.ipc.new_file if kind == "file" else pa.ipc.new_stream
        with pa.OSFile(str(path), "wb") as sink, writer(sink, table.schema) as out:
            out.write_table(table, max_chunksize=13)
    source = open_source(path)
    found = samples(source)
    assert [sample.label for sample in found] == ["ant", "bee"] * 35
    np.testing.assert_array_equal([sample.values for sample in found], IMAGES)
    assert_moments(state_of(source), IMAGES.reshape(-1, 3))


def test_bad_cells_are_skipped_with_their_reason() -> None:
    cells = [encoded(IMAGES[0], "PNG"), None, b"", b"no image", encoded(IMAGES[1], "PNG")[:-50]]
    stats = tare.measure(pa.table({"img": pa.array(cells, pa.binary())}), max_skipped=1)
    np.testing.assert_allclose(stats.mean, IMAGES[0].reshape(-1, 3).mean(axis=0) / 255)
    assert [item.reason[:11] for item in sorted(stats.skipped)] == ["the cell ho", "the file is", "not an imag", "damaged PNG"]
    assert len(stats.unreadable) == 4


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow"])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_damaged_file_is_refused_in_one_line(tmp_path: Path, name: str, share: float) -> None:
    path = tmp_path / name
    FRAME.write_parquet(path) if name.endswith("parquet") else FRAME.write_ipc(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(DataError) as caught:
        state_of(open_source(path))
    assert "\n" not in str(caught.value)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    FRAME.write_parquet(path)
    with pytest.raises(DataError, match="'nope'"):
        open_source(path, Options(columns=("nope",)))
    with pytest.raises(DataError, match="column of numbers"):
        open_source(pa.table({"t": ["a"]}))


def test_tables_in_memory_of_any_library() -> None:
    assert_moments(state_of(open_source(FRAME)), NUMBERS)
    assert_moments(state_of(open_source(FRAME.to_arrow())), NUMBERS)


def test_a_hugging_face_dataset_keeps_its_class_names() -> None:
    datasets = pytest.importorskip("datasets", reason="the hf extra is not installed")
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["ant", "bee"])})
    rows = {"image": [{"bytes": encoded(image, "PNG"), "path": None} for image in IMAGES], "label": [0, 1] * 35}
    data = datasets.Dataset.from_dict(rows, features=features)
    assert [sample.label for sample in samples(open_source(data))] == ["ant", "bee"] * 35
    assert_moments(state_of(open_source(data)), IMAGES.reshape(-1, 3))
    assert_moments(state_of(open_source(data.select(range(10, 20)))), IMAGES[10:20].reshape(-1, 3))
    with pytest.raises(DataError, match="one split"):
        open_source(datasets.DatasetDict(train=data))
    assert open_source(data).remarks == ()
    (remark,) = open_source(data.with_transform(lambda batch: batch)).remarks
    assert "the transform of the dataset is not applied" in remark


@pytest.mark.parametrize(
    ("options", "told"), [({"mode": "L"}, ["the mode 'L' that the column 'image' states is not applied"]), ({}, [])]
)
def test_a_mode_that_a_column_of_images_is_cast_to_is_said_not_to_be_applied(options: dict[str, str], told: list[str]) -> None:
    datasets = pytest.importorskip("datasets", reason="reads Hugging Face datasets (pip install 'tare[hf]')")
    images = [{"bytes": encoded(np.full((4, 4, 3), level, np.uint8), "PNG"), "path": None} for level in (10, 30)]
    data = datasets.Dataset.from_dict({"image": images}).cast_column("image", datasets.Image(**options))
    stats = tare.measure(data)
    assert len(stats.channels) == 3
    assert [remark[: len(each)] for remark, each in zip(stats.extra.get("remarks", []), told, strict=True)] == told


def test_columns_that_the_format_of_a_dataset_hides_are_left_out() -> None:
    datasets = pytest.importorskip("datasets", reason="reads Hugging Face datasets (pip install 'tare[hf]')")
    rows = {"a": [1.0, 2.0], "b": [3.0, 5.0], "label": [0, 1]}
    data = datasets.Dataset.from_dict(rows).with_format("numpy", columns=["b"])
    stats = tare.measure(data)
    assert (stats.mean, stats.extra["remarks"]) == ((4.0,), ["left out columns that the format of the dataset hides: a, label"])
    assert [channel.name for channel in tare.measure(data, columns=["a", "b"]).channels] == ["a", "b"]
    images = {"depth": [encoded(IMAGES[0], "PNG")] * 9, "image": [encoded(IMAGES[1], "PNG")] * 9}
    cast = datasets.Dataset.from_dict(images).cast_column("depth", datasets.Image()).cast_column("image", datasets.Image())
    shown = cast.add_column("kind", ["ant", "bee", "ant"] * 3).with_format(None, columns=["image"])
    assert open_labelled(shown, Options(), "kind")[0].labels[:2] == ("ant", "bee")
    assert tare.measure(shown).mean == pytest.approx(IMAGES[1].mean(axis=(0, 1)) / 255)


def test_an_unreadable_image_has_the_name_of_its_row_and_its_label(tmp_path: Path) -> None:
    cells = [encoded(image, "PNG") for image in IMAGES]
    cells[50] = b"\x89PNG junk"
    table = pl.DataFrame({"image": cells, "label": [str(place % 2) for place in range(len(cells))]})
    table.write_parquet(tmp_path / "a.parquet", row_group_size=30)
    (bad,) = tare.measure(tmp_path / "a.parquet", max_skipped=0.5).unreadable
    assert bad.path == f"{tmp_path / 'a.parquet'}[50]"
    samples, _ = open_labelled(tmp_path / "a.parquet", Options(), "label")
    read = samples.read(50)
    assert isinstance(read, Skipped)
    assert (read.path, len(samples), samples.labels[49:52]) == (bad.path, 70, ("1", "0", "1"))
    packed(tmp_path / "a.tar", [(f"{place % 2}/{place:02}.png", cell) for place, cell in enumerate(cells)])
    shards, _ = open_labelled(tmp_path / "a.tar", Options())
    assert (len(shards), isinstance(shards.read(50), Skipped), shards.labels[50]) == (70, True, "0")


def test_a_second_column_of_images_is_told(tmp_path: Path) -> None:
    cells = [encoded(image, "PNG") for image in IMAGES[:3]]
    pq.write_table(pa.table({"image": cells, "mask": cells, "depth": cells}), tmp_path / "a.parquet")
    (remark,) = open_source(str(tmp_path / "a.parquet")).remarks
    assert "columns of files, 'image', is measured; --columns measures others: 'mask', 'depth'" in remark


@pytest.mark.parametrize("rows", [1, 7, 1000])
def test_images_in_parquet_are_the_same_by_index(tmp_path: Path, rows: int) -> None:
    cells = [{"bytes": encoded(image, "PNG"), "path": None} for image in IMAGES]
    pq.write_table(pa.table({"image": cells, "label": range(70)}), tmp_path / "a.parquet", row_group_size=rows)
    found = open_source(tmp_path / "a.parquet")
    assert_moments(state_of(found), IMAGES.reshape(-1, 3))
    indexed = found.indexed()
    assert indexed is not None
    assert indexed.number == 70
    for index in (69, 0, 33):
        (record,) = indexed.read(index)
        assert isinstance(record, Sample)
        np.testing.assert_array_equal(record.values, IMAGES[index])
        assert record.label == str(index)
    assert tare.measure(tmp_path / "a.parquet", tolerance=1e-9).channels == tare.measure(tmp_path / "a.parquet").channels


def test_the_names_of_rows_of_pandas_are_no_channel(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas", reason="makes the table")
    table = pandas.DataFrame({"a": [1.0, 2.0], "b": [3.0, 5.0]}, index=pandas.Index([100, 200], name="k"))
    table.to_parquet(tmp_path / "a.parquet")
    for data in (table, tmp_path / "a.parquet"):
        stats = tare.measure(data)
        assert stats.mean == (1.5, 4.0)
        assert stats.extra["remarks"] == [
            "left out as columns that count rows or time: k; they are taken where columns are named"
        ]
    assert tare.measure(tmp_path / "a.parquet", columns=["k"]).mean == (150.0,)


def test_the_first_row_that_is_no_number_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = "".join(f"{k},{'' if k in (7, 90) else k}\n" for k in range(100))
    place = written(tmp_path / "a.csv", f"a,b\n{rows}")
    pl.read_csv(place).write_parquet(tmp_path / "a.parquet")
    for path, workers in ((place, 1), (place, 2), (tmp_path / "a.parquet", 1)):
        assert tare.measure(path, workers=workers).extra["remarks"][0].endswith("a.csv[7]'" if path == place else "[7]'")
    monkeypatch.setattr(csv_table, "_HEAD", 64)
    monkeypatch.setattr(csv_table, "_BLOCK", 64)
    assert "[7]'" in tare.measure(place, workers=1).extra["remarks"][0]  # the later row is in a block whose place is not known
