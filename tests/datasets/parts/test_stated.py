"""The parts of a dataset that a column or the names of shards state are kept apart in training, and told in measuring."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from PIL import Image

import tare
from tare.datasets.held_out.opening import open_test
from tare.datasets.options import LabelOptions
from tare.datasets.parts.folders import folders_below
from tare.datasets.parts.names import parts_beside
from tare.datasets.split import Split, open_split
from tare.errors import DataError

#: Images of each part: the mean tells them apart.
PARTS = {"train": 8, "validation": 4, "test": 6}
LEVEL = {"train": 40, "validation": 120, "test": 200}
WORDS = [part for part, number in PARTS.items() for _ in range(number)]
LABELS = [("cat", "dog")[place % 2] for place in range(len(WORDS))]


def encoded(part: str) -> bytes:
    held = io.BytesIO()
    Image.fromarray(np.full((4, 4, 3), LEVEL[part], np.uint8)).save(held, "PNG")
    return held.getvalue()


def manifest(folder: Path) -> Path:
    for place, part in enumerate(WORDS):
        (folder / f"{place:02}.png").write_bytes(encoded(part))
    rows = [f"{place:02}.png,{label},{part}" for place, (label, part) in enumerate(zip(LABELS, WORDS, strict=True))]
    (folder / "list.csv").write_text("\n".join(["path,label,split", *rows]))
    return folder / "list.csv"


def table(folder: Path) -> Path:
    rows = [f"{LEVEL[part] / 255},{label},{part.upper()}" for label, part in zip(LABELS, WORDS, strict=True)]
    (folder / "rows.csv").write_text("\n".join(["level,label,Set", *rows]))
    return folder / "rows.csv"


def images_of(part: str) -> pl.DataFrame:
    number = PARTS[part]
    return pl.DataFrame({"image": [encoded(part)] * number, "label": LABELS[:number], "split": [part] * number})


def one_parquet(folder: Path) -> Path:
    pl.concat([images_of(part) for part in PARTS]).write_parquet(folder / "all.parquet")
    return folder / "all.parquet"


def parquets(folder: Path) -> Path:
    (folder / "data").mkdir()
    for part in PARTS:
        images_of(part).drop("split").write_parquet(folder / "data" / f"{part}-00000-of-00001.parquet")
    return folder / "data"


def hub(folder: Path) -> Path:
    """As the Hugging Face library writes images, whose cells name files of their own."""
    (folder / "data").mkdir()
    for part, number in PARTS.items():
        cells = [{"bytes": encoded(part), "path": f"{place:03}.png"} for place in range(number)]
        frame = pl.DataFrame({"image": cells, "label": LABELS[:number]})
        frame.write_parquet(folder / "data" / f"{part}-00000-of-00001.parquet", row_group_size=3)
    return folder / "data"


def shards(folder: Path) -> Path:
    (folder / "shards").mkdir()
    for part, number in PARTS.items():
        for shard in range(2):
            with tarfile.open(folder / "shards" / f"set_{part}_{shard:03}.tar", "w") as tar:
                for place in range(shard, number, 2):
                    for ending, data in ((".png", encoded(part)), (".cls", LABELS[place // 2].encode())):
                        member = tarfile.TarInfo(f"{place:03}{ending}")
                        member.size = len(data)
                        tar.addfile(member, io.BytesIO(data))
    return folder / "shards"


def nested(folder: Path) -> Path:
    for shard in shards(folder).iterdir():
        _, part, number = shard.stem.split("_")
        (folder / "nested" / "wds" / part).mkdir(parents=True, exist_ok=True)
        shard.rename(folder / "nested" / "wds" / part / f"{number}.tar")
    return folder / "nested" / "wds" / "*" / "*.tar"


def compressed(folder: Path) -> Path:
    for shard in shards(folder).iterdir():
        shard.with_suffix(".tar.gz").write_bytes(gzip.compress(shard.read_bytes()))
        shard.unlink()
    return folder / "shards"


def levels(files: Any) -> list[int]:
    return [
        round(float(np.asarray(file.samples.read(file.index)).flat[0]) * (255 if file.samples.kind == "vector" else 1))
        for file in files
    ]


def split_of(place: Path) -> Split:
    return open_split(LabelOptions(place), 0, "vector" if place.name == "rows.csv" else "image")


@pytest.mark.parametrize("made", [manifest, table, one_parquet, parquets, hub, shards, nested, compressed])
def test_training_validation_and_test_are_those_stated(made: Any, tmp_path: Path) -> None:
    place = made(tmp_path)
    split = split_of(place)
    assert levels(split.train) == [40] * 8
    assert levels(split.val) == [120] * 4
    assert len({file.path for file in (*split.train, *split.val)}) == 12
    assert any("8 train, 4 val, 6 test; those of test are left out" in remark for remark in split.remarks)
    assert levels(open_test(place, LabelOptions(place), split).files) == [200] * 6


@pytest.mark.parametrize("made", [manifest, table, one_parquet, parquets, hub, shards, nested, compressed])
def test_measuring_all_says_that_the_parts_are_counted_as_one(made: Any, tmp_path: Path) -> None:
    stats = tare.measure(made(tmp_path))
    told = [
        remark
        for remark in stats.extra["remarks"]
        if "counted as one; a network is trained with those of train alone" in remark.replace("TRAIN", "train")
    ]
    assert len(told) == 1
    assert stats.mean[0] * 255 == pytest.approx((8 * 40 + 4 * 120 + 6 * 200) / 18)
    if "tare measure " in told[0]:
        alone = tare.measure(told[0].partition("tare measure ")[2].strip("'"))
        assert alone.mean[0] * 255 == pytest.approx(40)


def test_parts_without_validation_hold_out_a_share_of_training(tmp_path: Path) -> None:
    place = manifest(tmp_path)
    place.write_text(place.read_text().replace(",validation", ",test"))
    split = split_of(place)
    assert (len(split.train), len(split.val)) == (6, 2)
    assert {*levels(split.train), *levels(split.val)} == {40}


@pytest.mark.parametrize("words", [("0", "1"), ("val", "test"), ("train", "train"), ("a", "b")])
def test_other_words_state_no_parts(words: tuple[str, str], tmp_path: Path) -> None:
    place = manifest(tmp_path)
    first, second = words
    text = place.read_text().replace(",train", f",{first}")
    place.write_text(text.replace(",validation", f",{second}").replace(",test", f",{second}"))
    split = split_of(place)
    assert len(split.train) + len(split.val) == 18
    told = [remark for remark in split.remarks if "the column 'split' holds" in remark]
    assert [*told] == tare.measure(place).extra.get("remarks", [])
    held = {"0": ["codes"], "a": ["the words 'a' and 'b'"], "val": ["the words 'val' and 'test'"], "train": []}[first]
    parts = "and all rows are counted as one: parts are stated by train, val and test"
    assert told == [f"the column 'split' holds {each}, {parts}" for each in held]


def test_a_test_of_the_other_parts_is_refused(tmp_path: Path) -> None:
    place = manifest(tmp_path)
    split = split_of(place)
    place.write_text(place.read_text().replace(",test", ",validation"))
    with pytest.raises(DataError, match=r"test data of one part, found others by the column 'split'"):
        open_test(place, LabelOptions(place), split)


@pytest.mark.parametrize("word", ["a", ""])
def test_a_word_that_is_no_part_beside_train_is_refused_in_training_and_told_in_measuring(word: str, tmp_path: Path) -> None:
    place = manifest(tmp_path)
    place.write_text(place.read_text().replace(",test", f",{word}"))
    with pytest.raises(
        DataError, match=rf"the words train, val and test for parts that the column 'split' states, found '{word}'"
    ):
        split_of(place)
    rows = "rows of no part" if word == "" else repr(word)
    assert f"train, validation and {rows} are counted as one" in tare.measure(place).extra["remarks"][0]


def test_a_row_without_a_path_is_no_sample(tmp_path: Path) -> None:
    place = manifest(tmp_path)
    place.write_text(place.read_text().replace("00.png", ""))
    assert levels(split_of(place).train) == [40] * 7


def test_several_samples_a_row_are_refused(tmp_path: Path) -> None:
    place = manifest(tmp_path)
    pages = [Image.fromarray(np.full((4, 4, 3), level, np.uint8)) for level in (1, 2)]
    pages[0].save(tmp_path / "00.gif", save_all=True, append_images=pages[1:])
    text = place.read_text().replace("00.png", "00.gif")
    place.write_text(text)
    assert len(split_of(place).train) == 8  # the first frame, as in any folder


@pytest.mark.parametrize("kind", ["arrow", "hugging face"])
def test_tables_in_memory_state_parts_in_a_column(kind: str) -> None:
    frame = pl.concat([images_of(part) for part in PARTS])
    data: Any = pa.table(
        {"image": pa.array(frame["image"].to_list(), pa.binary()), **frame.drop("image").to_dict(as_series=False)}
    )
    if kind == "hugging face":
        data = pytest.importorskip("datasets", reason="the hf extra is not installed").Dataset(data)
    split = open_split(LabelOptions(data, label="label"), 0)
    assert (levels(split.train), levels(split.val)) == ([40] * 8, [120] * 4)
    assert "counted as one" in tare.measure(data).extra["remarks"][0]


def test_a_folder_of_tables_states_parts_in_a_column(tmp_path: Path) -> None:
    for place in range(2):
        pl.concat([images_of(part) for part in PARTS]).write_parquet(tmp_path / f"{place}.parquet")
    split = split_of(tmp_path)
    assert (levels(split.train), levels(split.val)) == ([40] * 16, [120] * 8)


def test_codes_of_parts_that_are_taken_for_a_feature_are_told(tmp_path: Path) -> None:
    place = table(tmp_path)
    text = place.read_text().replace("Set", "partition")
    for code, part in enumerate(PARTS):
        text = text.replace(part.upper(), str(code))
    place.write_text(text)
    assert "the column 'partition' is taken for a feature: parts are stated by train, val and test" in split_of(place).remarks


def test_files_that_state_no_part_beside_others_are_left_out_and_told(tmp_path: Path) -> None:
    place = parquets(tmp_path)
    images_of("test").drop("split").write_parquet(place / "extra-00000-of-00001.parquet")
    split = split_of(place)
    assert (levels(split.train), levels(split.val)) == ([40] * 8, [120] * 4)
    assert any(remark.endswith("those of test and 6 of files that state none are left out") for remark in split.remarks)
    assert "other files" in tare.measure(place).extra["remarks"][0]


@pytest.mark.parametrize("values", [[0.5, 1.5] * 9, [[1.0], [2.0]] * 9, [1, 2] * 9])
def test_columns_of_such_a_name_that_are_no_text_state_nothing(values: list[Any], tmp_path: Path) -> None:
    frame = pl.DataFrame({"x": np.arange(18.0), "phase": values, "label": LABELS})
    frame.write_parquet(tmp_path / "a.parquet")
    assert len(open_split(LabelOptions(tmp_path / "a.parquet"), 0, "vector").train) == 14
    assert "counted as one" not in str(tare.measure(tmp_path / "a.parquet").extra)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_the_column_whose_words_are_parts_is_taken(ending: str, tmp_path: Path) -> None:
    frame = pl.DataFrame({"x": np.arange(18.0), "set": ["A", "B"] * 9, "label": LABELS, "split": WORDS})
    getattr(frame, f"write_{ending}")(tmp_path / f"a.{ending}")
    split = open_split(LabelOptions(tmp_path / f"a.{ending}"), 0, "vector")
    assert (len(split.train), len(split.val)) == (8, 4)
    labelled = open_split(LabelOptions(tmp_path / f"a.{ending}", label="split"), 0, "vector")
    assert labelled.classes == ("test", "train", "validation")


def test_parts_are_chosen_before_labels_by_a_pattern(tmp_path: Path) -> None:
    place = manifest(tmp_path)
    split = open_split(LabelOptions(place, label_pattern=r"\d([01])\.png$"), 0)
    assert (levels(split.train), levels(split.val)) == ([40] * 2, [120] * 2)


def marked(folder: Path, **marks: list[Any]) -> Path:
    columns = {"x": np.arange(18.0), "y2": np.arange(18.0) % 5, "label": LABELS}
    pl.DataFrame({**columns, **marks}).write_csv(folder / "rows.csv")
    return folder / "rows.csv"


def test_marks_state_parts_and_are_no_features(tmp_path: Path) -> None:
    place = marked(tmp_path, is_valid=[word == "validation" for word in WORDS], is_test=[int(word == "test") for word in WORDS])
    split = open_split(LabelOptions(place), 0, "vector")
    assert (len(split.train), len(split.val), split.channel_names) == (8, 4, ("x", "y2"))
    assert any("the column 'is_valid' with the column 'is_test'" in remark for remark in split.remarks)
    assert len(open_test(place, LabelOptions(place), split).files) == 6
    assert "counted as one" in tare.measure(place).extra["remarks"][0]


def test_rows_that_are_not_marked_for_training_are_never_trained_on(tmp_path: Path) -> None:
    split = open_split(LabelOptions(marked(tmp_path, is_train=[int(word == "train") for word in WORDS])), 0, "vector")
    assert len(split.train) + len(split.val) == 8


def test_rows_marked_twice_are_refused(tmp_path: Path) -> None:
    valid, test = [[word in (part, "test") for word in WORDS] for part in ("validation", "test")]
    expected = "the same part of each row by the column 'is_valid' with the column 'is_test', found 'val and test' in "
    with pytest.raises(DataError, match=expected):
        open_split(LabelOptions(marked(tmp_path, is_valid=valid[:12] + test[12:], is_test=test)), 0, "vector")


def stated_twice(folder: Path, **columns: list[Any]) -> Path:
    return marked(folder, split=WORDS, **columns)


@pytest.mark.parametrize(
    ("column", "values", "found"),
    [
        ("is_valid", [place < 3 for place in range(18)], "'train and val'"),
        ("is_valid", [place == 8 for place in range(18)], "'val and not val'"),
        ("is_test", [place == 8 for place in range(18)], "'val and test'"),
        ("set", ["tr"] * 8 + ["te"] * 10, "'val and test'"),
    ],
)
def test_columns_that_state_other_parts_are_refused_with_both_named(
    column: str, values: list[Any], found: str, tmp_path: Path
) -> None:
    place = stated_twice(tmp_path, **{column: values})
    expected = f"the same part of each row by the column 'split' with the column '{column}', found {found} in "
    with pytest.raises(DataError, match=expected):
        open_split(LabelOptions(place), 0, "vector")
    told = tare.measure(place).extra["remarks"][0]
    assert f"column 'split' with the column '{column}'" in told
    assert found in told


def test_columns_that_agree_state_the_parts_together(tmp_path: Path) -> None:
    valid = ["yes" if word == "validation" else "" if word == "test" else "no" for word in WORDS]
    short = [{"train": "TR", "validation": "va", "test": "te"}[word] for word in WORDS]
    place = stated_twice(tmp_path, is_valid=valid, set=short)
    split = open_split(LabelOptions(place), 0, "vector")
    assert (len(split.train), len(split.val)) == (8, 4)
    named = "the column 'split' with the column 'set' with the column 'is_valid'"
    assert any(f"parts by {named}" in remark for remark in split.remarks)


def test_short_words_state_parts_where_all_words_are_parts(tmp_path: Path) -> None:
    short = [{"train": "tr", "validation": "va", "test": "te"}[word] for word in WORDS]
    split = open_split(LabelOptions(marked(tmp_path, split=short)), 0, "vector")
    assert (len(split.train), len(split.val)) == (8, 4)
    assert "tr, va and te are counted as one" in tare.measure(tmp_path / "rows.csv").extra["remarks"][0]
    split = open_split(LabelOptions(marked(tmp_path, set=["tr", "us"] * 9)), 0, "vector")
    assert (len(split.train) + len(split.val), [each for each in split.remarks if "parts" in each]) == (18, [])


@pytest.mark.parametrize("words", [("t", "f"), ("Y", "N"), ("True", "False"), ("yes", "no")])
def test_words_of_marks_state_parts(words: tuple[str, str], tmp_path: Path) -> None:
    place = marked(tmp_path, is_valid=[words[word != "validation"] for word in WORDS])
    split = open_split(LabelOptions(place), 0, "vector")
    assert (len(split.train), len(split.val)) == (14, 4)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("words", [(True, False), (1, 0), ("t", "f")])
def test_blank_marks_are_refused_in_training_and_told_in_measuring(words: tuple[Any, Any], ending: str, tmp_path: Path) -> None:
    valid = [None if word == "test" else words[word != "validation"] for word in WORDS]
    frame = pl.DataFrame({"x": np.arange(18.0), "is_valid": valid, "label": LABELS})
    place = tmp_path / f"rows.{ending}"
    getattr(frame, f"write_{ending}")(place)
    with pytest.raises(DataError, match="for parts that the column 'is_valid' states, found '' beside 'train'"):
        open_split(LabelOptions(place), 0, "vector")
    told = "column 'is_valid': train, val and rows of no part are counted as one"
    assert any(told in remark for remark in tare.measure(place).extra["remarks"])


@pytest.mark.parametrize(
    ("values", "held"),
    [
        (["maybe", "no"] * 9, "the words 'maybe' and 'no'"),
        (["yes", None] * 9, "the word 'yes'"),
        ([1, None] * 9, "codes"),
    ],
)
def test_marks_of_other_words_are_told(values: list[Any], held: str, tmp_path: Path) -> None:
    place = marked(tmp_path, is_valid=values)
    told = f"the column 'is_valid' holds {held}, and all rows are counted as one: parts are stated by train, val and test"
    split = open_split(LabelOptions(place), 0, "vector")
    assert told in split.remarks
    assert split.channel_names == ("x", "y2")
    measured = [remark for remark in tare.measure(place).extra["remarks"] if "parts are stated by" in remark]
    assert len(measured) == 1


def test_marks_of_other_words_beside_a_split_are_told(tmp_path: Path) -> None:
    split = open_split(LabelOptions(stated_twice(tmp_path, is_valid=["maybe", "no"] * 9)), 0, "vector")
    assert len(split.train) == 8
    assert "the column 'is_valid' is not read: parts are stated by train, val and test" in split.remarks


def test_codes_beside_arrays_of_an_archive_are_told_in_training(tmp_path: Path) -> None:
    place = tmp_path / "a.npz"
    np.savez(place, x=np.arange(36.0).reshape(18, 2), y=np.arange(18) % 2, split=np.arange(18) % 3)
    split = open_split(LabelOptions(place, array="x", label="y"), 0, "vector")
    assert any("the column 'split' holds codes" in remark for remark in split.remarks)


def test_a_mark_of_most_rows_says_something_else_and_is_told(tmp_path: Path) -> None:
    place = marked(tmp_path, is_valid=[1] * 15 + [0] * 3)
    split = open_split(LabelOptions(place), 0, "vector")
    assert len(split.train) + len(split.val) == 18
    assert any("the column 'is_valid'" in remark and "train, val and test" in remark for remark in split.remarks)
    assert any("the column 'is_valid' is taken for a feature" in remark for remark in tare.measure(place).extra["remarks"])


def test_the_names_of_class_labels_state_parts() -> None:
    datasets = pytest.importorskip("datasets", reason="the hf extra is not installed")
    features = datasets.Features(
        {"image": datasets.Value("binary"), "label": datasets.Value("string"), "split": datasets.ClassLabel(names=[*PARTS])}
    )
    frame = pl.concat([images_of(part) for part in PARTS]).to_dict(as_series=False)
    data = datasets.Dataset.from_dict({**frame, "split": [[*PARTS].index(word) for word in WORDS]}, features=features)
    split = open_split(LabelOptions(data, label="label"), 0)
    assert (levels(split.train), levels(split.val)) == ([40] * 8, [120] * 4)


def test_codes_beside_images_are_told(tmp_path: Path) -> None:
    pl.concat([images_of(part) for part in PARTS]).with_columns(split=pl.Series([0, 1, 2] * 6)).write_parquet(
        tmp_path / "a.parquet"
    )
    told = "the column 'split' holds codes, and all rows are counted as one"
    assert any(told in remark for remark in open_split(LabelOptions(tmp_path / "a.parquet"), 0).remarks)
    assert any(told in remark for remark in tare.measure(tmp_path / "a.parquet").extra["remarks"])


def test_masks_of_a_test_are_never_trained_on(tmp_path: Path) -> None:
    for place in range(12):
        part = ("train", "train", "test")[place % 3]
        for kind in ("images", "masks"):
            (tmp_path / kind / part).mkdir(parents=True, exist_ok=True)
            values = np.arange(64).reshape(8, 8) % 2 if kind == "masks" else np.full((8, 8, 3), LEVEL[part])
            Image.fromarray(values.astype(np.uint8)).save(tmp_path / kind / part / f"{place}.png")
    split = open_split(LabelOptions(tmp_path, task="segmentation"), 0)
    assert {*levels_of_files(split)} == {40}
    assert any("8 train, 4 test; those of test are left out" in remark for remark in split.remarks)


def test_folders_of_parts_are_found_however_deep_they_lie(tmp_path: Path) -> None:
    for part in ("train", "val"):
        for place in ("cat", "dog"):
            (tmp_path / "data" / "v1" / "photos" / part / place).mkdir(parents=True)
    found = folders_below(tmp_path)
    assert found is not None
    assert (found.level, found.names) == (3, ["train", "val"])
    assert folders_below(tmp_path / "data" / "v1" / "photos" / "train") is None


def levels_of_files(split: Split) -> list[int]:
    return [round(float(np.asarray(file.read("rgb")).flat[0])) for file in (*split.train, *split.val)]


@pytest.mark.parametrize(
    ("names", "parts"),
    [
        (["train2017", "val2017"], ["train", "val"]),
        (["train", "test1"], ["train", "test"]),
        (["trainA", "testA", "testB"], ["train", "test"]),
        (["photos_train_lmdb", "photos_val_lmdb"], ["train", "val"]),
        (["train_station", "test_tube"], []),
        (["dev1", "dev2"], []),
        (["train", "bus", "car"], ["train"]),
        (["val", "test"], ["val", "test"]),
        (["data_256", "test_256", "val_256"], ["test", "val", "train"]),
        (["data_256", "test_256"], []),
        (["training_set", "testing_set"], ["train", "test"]),
        (["Training Data", "Testing Data"], ["train", "test"]),
        (["trainval", "test"], ["train", "test"]),
        (["train_val", "test"], ["train", "test"]),
        (["trainimages", "testimages"], ["train", "test"]),
        (["imagesTr", "imagesTs", "labelsTr"], ["train", "test"]),
        (["TR", "TS"], []),
        (["trainers", "testers"], []),
    ],
)
def test_folders_are_parts_beside_each_other(names: list[str], parts: list[str]) -> None:
    assert [*parts_beside(names).values()] == parts


def test_names_of_shards_and_columns_that_state_two_parts_of_a_sample_are_refused(tmp_path: Path) -> None:
    for part in ("train", "test"):
        words = pl.Series("split", ["train", part] * (PARTS[part] // 2))
        images_of(part).with_columns(words).write_parquet(tmp_path / f"{part}-0.parquet")
    with pytest.raises(DataError, match=r"same part of each sample by the names .* found test and train in 3 of 14; correct"):
        split_of(tmp_path)


def test_a_list_is_followed_against_the_folders_of_its_files_which_is_told(tmp_path: Path) -> None:
    rows = ["path,label,split"]
    for place in range(16):
        folder = tmp_path / ("train" if place < 12 else "test")
        folder.mkdir(exist_ok=True)
        (folder / f"{place}.png").write_bytes(encoded("train"))
        rows.append(f"{folder.name}/{place}.png,{'ab'[place % 2]},{'test' if place < 4 else 'train'}")
    (tmp_path / "list.csv").write_text("\n".join(rows))
    split = open_split(LabelOptions(tmp_path / "list.csv"), 0)
    assert len(split.train) + len(split.val) == 12
    (told,) = [each for each in split.remarks if "is followed" in each]
    assert "8 of 16, such as one of train by its folder and test by the column" in told
