"""Every command that opens data, on every way in which data state their parts: kept apart, told or refused.

A format that is added to the table of formats, or a command to the table of commands, fails here until it is in the matrix.
"""

from __future__ import annotations

import ast
import gzip
import io
import json
import sqlite3
import struct
import tarfile
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image

import tare
from tare.cli.entries import ENTRIES
from tare.datasets.held_out.opening import open_test
from tare.datasets.options import LabelOptions
from tare.datasets.parts.names import says_parts
from tare.datasets.split import open_split
from tare.errors import TareError
from tare.identifying.probes import read_probes
from tare.sources.opening import FORMATS
from tare.studying.execution.running import told
from tare.studying.plan import requested_plan

#: Samples of each part; a level tells the parts apart.
PARTS = {"train": 40, "val": 12, "test": 20}
LEVEL = {"train": 40, "val": 120, "test": 200}
WORDS = [part for part, number in PARTS.items() for _ in range(number)]
LABELS = [("cat", "dog")[place % 2] for place in range(len(WORDS))]
DRAWN = np.random.default_rng(0)
IMAGES = [np.clip(LEVEL[part] + DRAWN.integers(-30, 31, (8, 8, 3)), 0, 255).astype(np.uint8) for part in WORDS]
VALUES = np.stack(IMAGES)[:, :1, 0, 0] / 255 + DRAWN.normal(0, 0.1, (len(WORDS), 2))

#: Types of Arrow that every library knows.
OLDEST = pl.CompatLevel.oldest()

NETWORKS = """
from torch import nn


def images():
    return nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 10))


def rows():
    return nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 4))


def scored(mean, std):
    return 0.5
"""


def encoded(values: Any) -> bytes:
    held = io.BytesIO()
    Image.fromarray(values).save(held, "PNG")
    return held.getvalue()


def frame(kind: str, column: str = "split") -> pl.DataFrame:
    """All samples in a table: with the words of their parts, or marks of validation and test."""
    samples = {"a": VALUES[:, 0], "b": VALUES[:, 1]} if kind == "rows" else {"image": [*map(encoded, IMAGES)]}
    if column == "marks":
        marked = {f"is_{part}": [word == part for word in WORDS] for part in ("valid", "test")}
        marked["is_valid"] = [word == "val" for word in WORDS]
        return pl.DataFrame({**samples, "label": LABELS, **marked})
    return pl.DataFrame({**samples, "label": LABELS, column: WORDS})


def in_files(folder: Path, name: Callable[[int, str, str], str]) -> Path:
    """Each image in a file, named by its place, part and label."""
    for place, (part, label) in enumerate(zip(WORDS, LABELS, strict=True)):
        file = folder / name(place, part, label)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(encoded(IMAGES[place]))
    return folder


def csv_rows(folder: Path) -> Path:
    frame("rows").write_csv(folder / "rows.csv")
    return folder / "rows.csv"


def tsv_marks(folder: Path) -> Path:
    frame("rows", "marks").write_csv(folder / "rows.tsv", separator="\t")
    return folder / "rows.tsv"


def csv_list(folder: Path) -> Path:
    in_files(folder / "photos", lambda place, _, __: f"{place:03}.png")
    paths = [f"photos/{place:03}.png" for place in range(len(WORDS))]
    pl.DataFrame({"path": paths, "label": LABELS, "dataset": WORDS}).write_csv(folder / "list.csv")
    return folder / "list.csv"


def txt_list(folder: Path) -> Path:
    in_files(folder / "photos", lambda place, part, label: f"{part}/{label}/{place:03}.png")
    (folder / "list.txt").write_text("\n".join(sorted(str(each) for each in (folder / "photos").rglob("*.png"))))
    return folder / "list.txt"


def parquet_rows(folder: Path) -> Path:
    frame("rows", "marks").write_parquet(folder / "rows.parquet")
    return folder / "rows.parquet"


def parquet_images(folder: Path) -> Path:
    frame("images").write_parquet(folder / "images.parquet")
    return folder / "images.parquet"


def hub(folder: Path) -> Path:
    (folder / "repo" / "data").mkdir(parents=True)
    (folder / "repo" / "README.md").write_text("# Data\n")
    for part in PARTS:
        of_part = frame("images").filter(pl.col("split") == part).drop("split")
        of_part.write_parquet(folder / "repo" / "data" / f"{part}-00000-of-00001.parquet")
    return folder / "repo"


def saved_to_disk(folder: Path) -> Path:
    for part in PARTS:
        (folder / "saved" / part).mkdir(parents=True)
        of_part = frame("images").filter(pl.col("split") == part).drop("split")
        of_part.write_ipc_stream(folder / "saved" / part / "data-00000-of-00001.arrow", compat_level=OLDEST)
        state = {"_data_files": [{"filename": "data-00000-of-00001.arrow"}]}
        (folder / "saved" / part / "state.json").write_text(json.dumps(state))
        (folder / "saved" / part / "dataset_info.json").write_text("{}")
    (folder / "saved" / "dataset_dict.json").write_text(json.dumps({"splits": [*PARTS]}))
    return folder / "saved"


def arrow_images(folder: Path) -> Path:
    frame("images").write_ipc_stream(folder / "images.arrow", compat_level=OLDEST)
    return folder / "images.arrow"


def feather_rows(folder: Path) -> Path:
    frame("rows").write_ipc(folder / "rows.feather")
    return folder / "rows.feather"


def json_lines(folder: Path) -> Path:
    frame("rows").write_ndjson(folder / "rows.jsonl")
    return folder / "rows.jsonl"


def sqlite(kind: str) -> Callable[[Path], Path]:
    def made(folder: Path) -> Path:
        table = frame(kind)
        with sqlite3.connect(folder / "data.sqlite") as database:
            database.execute(f"CREATE TABLE samples ({', '.join(table.columns)})")
            marks = ", ".join("?" * table.width)
            database.executemany(f"INSERT INTO samples VALUES ({marks})", table.rows())  # noqa: S608
        database.close()
        return folder / "data.sqlite"

    return made


def duckdb(folder: Path) -> Path:
    library = pytest.importorskip("duckdb")
    table = frame("rows").to_arrow()
    with library.connect(str(folder / "data.duckdb")) as database:
        database.register("shown", table)
        database.execute("CREATE TABLE samples AS SELECT * FROM shown")
    return folder / "data.duckdb"


def excel(folder: Path) -> Path:
    pytest.importorskip("fastexcel")
    pytest.importorskip("xlsxwriter")
    frame("rows").write_excel(folder / "rows.xlsx")
    return folder / "rows.xlsx"


def npz_keras(folder: Path) -> Path:
    arrays: dict[str, Any] = {}
    for part in ("train", "test"):
        chosen = [place for place, word in enumerate(WORDS) if (word == "test") == (part == "test")]
        arrays |= {f"x_{part}": np.stack(IMAGES)[chosen], f"y_{part}": np.array([place % 2 for place in chosen])}
    np.savez(folder / "keras.npz", **arrays)
    return folder / "keras.npz"


def npz_medmnist(folder: Path) -> Path:
    arrays: dict[str, Any] = {}
    for part in PARTS:
        chosen = [place for place, word in enumerate(WORDS) if word == part]
        labels = np.array([[place % 2] for place in chosen])
        arrays |= {f"{part}_images": np.stack(IMAGES)[chosen], f"{part}_labels": labels}
    np.savez(folder / "medmnist.npz", **arrays)
    return folder / "medmnist.npz"


def npz_split(folder: Path) -> Path:
    np.savez(folder / "split.npz", x=VALUES, y=np.array(LABELS), split=np.array(WORDS))
    return folder / "split.npz"


def npy_shards(folder: Path) -> Path:
    for part in PARTS:
        np.save(folder / f"{part}.npy", np.stack([image for image, word in zip(IMAGES, WORDS, strict=True) if word == part]))
    return folder / "*.npy"


def idx(folder: Path) -> Path:
    for name, part in (("train", "train"), ("t10k", "test")):
        values = np.stack([image[..., 0] for image, word in zip(IMAGES, WORDS, strict=True) if word == part])
        (folder / f"{name}-images-idx3-ubyte").write_bytes(struct.pack(">HBB3I", 0, 8, 3, *values.shape) + values.tobytes())
    return folder / "*-images-idx3-ubyte"


def hdf5_groups(folder: Path) -> Path:
    with pytest.importorskip("h5py").File(folder / "data.h5", "w") as file:
        for part in PARTS:
            file[f"{part}/x"] = np.stack([image for image, word in zip(IMAGES, WORDS, strict=True) if word == part])
    return folder / "data.h5"


def hdf5_split(folder: Path) -> str:
    with pytest.importorskip("h5py").File(folder / "data.h5", "w") as file:
        file["x"], file["y"], file["split"] = np.stack(IMAGES), np.array(LABELS, "S3"), np.array(WORDS, "S5")
    return f"{folder / 'data.h5'}#x"


def zarr_groups(folder: Path) -> Path:
    root = pytest.importorskip("zarr").open_group(str(folder / "data.zarr"), mode="w", zarr_format=2)
    for part in PARTS:
        values = np.stack([image for image, word in zip(IMAGES, WORDS, strict=True) if word == part])
        root.create_array(f"{part}/x", data=values)
    return folder / "data.zarr"


def zarr_split(folder: Path) -> str:
    root = pytest.importorskip("zarr").open_group(str(folder / "data.zarr"), mode="w", zarr_format=2)
    for name, values in (("x", np.stack(IMAGES)), ("y", np.arange(len(WORDS)) % 2), ("split", np.array(WORDS, "S5"))):
        root.create_array(name, data=values)
    return f"{folder / 'data.zarr'}#x"


def zarr_folder(folder: Path) -> Path:
    zarr = pytest.importorskip("zarr")
    for part in PARTS:
        values = np.stack([image for image, word in zip(IMAGES, WORDS, strict=True) if word == part])
        zarr.create_array(str(folder / "stores" / f"{part}.zarr"), data=values, zarr_format=2)
    return folder / "stores"


def mat(folder: Path) -> Path:
    scipy = pytest.importorskip("scipy.io")
    chosen = {f"{part}X": np.stack([image for image, word in zip(IMAGES, WORDS, strict=True) if word == part]) for part in PARTS}
    scipy.savemat(folder / "data.mat", chosen)
    return folder / "data.mat"


def safetensors(folder: Path) -> Path:
    library = pytest.importorskip("safetensors.numpy")
    chosen = {part: np.stack([image for image, word in zip(IMAGES, WORDS, strict=True) if word == part]) for part in PARTS}
    library.save_file(chosen, folder / "data.safetensors")
    return folder / "data.safetensors"


def torch_file(folder: Path) -> Path:
    torch = pytest.importorskip("torch")
    chosen = {part: np.stack([image for image, word in zip(IMAGES, WORDS, strict=True) if word == part]) for part in PARTS}
    torch.save({part: torch.from_numpy(values) for part, values in chosen.items()}, folder / "data.pt")
    return folder / "data.pt"


def add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))


def tar_folders(folder: Path) -> Path:
    """An archive as imagenette's, of folders train and val with a folder a class."""
    with tarfile.open(folder / "photos.tar", "w") as tar:
        for place, (part, label) in enumerate(zip(WORDS, LABELS, strict=True)):
            add(tar, f"photos/{part}/{label}/{place:03}.png", encoded(IMAGES[place]))
    return folder / "photos.tar"


def tgz_folders(folder: Path) -> Path:
    (folder / "photos.tgz").write_bytes(gzip.compress(tar_folders(folder).read_bytes()))
    return folder / "photos.tgz"


def tar_shards(folder: Path) -> Path:
    (folder / "shards").mkdir()
    for part in PARTS:
        with tarfile.open(folder / "shards" / f"{part}-000.tar", "w") as tar:
            for place, word in enumerate(WORDS):
                if word == part:
                    add(tar, f"{place:03}.png", encoded(IMAGES[place]))
                    add(tar, f"{place:03}.cls", LABELS[place].encode())
    return folder / "shards"


def record_of(values: dict[str, bytes]) -> bytes:
    """A record of a TFRecord file that holds a ``tf.train.Example`` of bytes."""
    import google_crc32c

    def field(number: int, data: bytes) -> bytes:
        size, length = len(data), b""
        while size > 127:
            length, size = length + bytes([size & 127 | 128]), size >> 7
        return bytes([number << 3 | 2]) + length + bytes([size]) + data

    def summed(data: bytes) -> bytes:
        value = int(google_crc32c.value(data))
        return struct.pack("<I", ((value >> 15 | value << 17) + 0xA282EAD8) & 0xFFFFFFFF)

    entries = (field(1, name.encode()) + field(2, field(1, field(1, data))) for name, data in values.items())
    body = field(1, b"".join(field(1, entry) for entry in entries))
    head = struct.pack("<Q", len(body))
    return head + summed(head) + body + summed(body)


def tfrecords(folder: Path) -> Path:
    pytest.importorskip("google_crc32c")
    for part in PARTS:
        chosen = [place for place, word in enumerate(WORDS) if word == part]
        data = (record_of({"image": encoded(IMAGES[place]), "label": LABELS[place].encode()}) for place in chosen)
        (folder / f"pets-{part}.tfrecord-00000-of-00001").write_bytes(b"".join(data))
    return folder / "*.tfrecord*"


def tfrecord_split(folder: Path) -> Path:
    pytest.importorskip("google_crc32c")
    features = ("image", "label", "split")
    rows = zip(map(encoded, IMAGES), map(str.encode, LABELS), map(str.encode, WORDS), strict=True)
    (folder / "all.tfrecord").write_bytes(b"".join(record_of(dict(zip(features, row, strict=True))) for row in rows))
    return folder / "all.tfrecord"


def lmdb(folder: Path) -> Path:
    library = pytest.importorskip("lmdb")
    (folder / "lsun").mkdir()
    for part in PARTS:
        with library.open(str(folder / "lsun" / f"church_{part}_lmdb"), map_size=1 << 22) as store, store.begin(write=True) as to:
            for place, word in enumerate(WORDS):
                if word == part:
                    to.put(f"{place:03}".encode(), encoded(IMAGES[place]))
    return folder / "lsun" / "*" / "data.mdb"


def image_folder(folder: Path) -> Path:
    return in_files(folder / "photos", lambda place, part, label: f"{part}/{label}/{place:03}.png")


def image_folder_by_year(folder: Path) -> Path:
    return in_files(folder / "coco", lambda place, part, _: f"{part}2017/{place:03}.png")


def image_folder_by_class(folder: Path) -> Path:
    return in_files(folder / "photos", lambda place, part, label: f"{label}/{part}/{place:03}.png")


def image_folder_inside(folder: Path) -> Path:
    return in_files(folder / "outer", lambda place, part, label: f"photos/{part}/{label}/{place:03}.png").parent / "outer"


def pattern(folder: Path) -> Path:
    return image_folder(folder) / "*" / "*" / "*.png"


def recordings(folder: Path) -> Path:
    for place, (part, label) in enumerate(zip(WORDS, LABELS, strict=True)):
        file = folder / "sounds" / part / label / f"{place:03}.wav"
        file.parent.mkdir(parents=True, exist_ok=True)
        with wave.open(str(file), "wb") as sound:
            sound.setparams((1, 2, 8000, 0, "NONE", ""))
            sound.writeframes((LEVEL[part] * np.random.default_rng(place).integers(-99, 99, 800)).astype("<i2").tobytes())
    return folder / "sounds"


def volumes(folder: Path) -> Path:
    nibabel = pytest.importorskip("nibabel")
    for place, (part, label) in enumerate(zip(WORDS, LABELS, strict=True)):
        file = folder / "scans" / part / label / f"{place:03}.nii"
        file.parent.mkdir(parents=True, exist_ok=True)
        nibabel.save(nibabel.Nifti1Image(IMAGES[place].astype(np.int16), np.eye(4)), str(file))
    return folder / "scans"


#: What states parts, and the kind of its samples.
MADE: dict[str, tuple[str, Callable[[Path], Path | str]]] = {
    "csv rows": ("rows", csv_rows),
    "tsv marks": ("rows", tsv_marks),
    "csv list": ("images", csv_list),
    "txt list": ("images", txt_list),
    "parquet marks": ("rows", parquet_rows),
    "parquet images": ("images", parquet_images),
    "hub": ("images", hub),
    "save_to_disk": ("images", saved_to_disk),
    "arrow images": ("images", arrow_images),
    "feather rows": ("rows", feather_rows),
    "jsonl": ("rows", json_lines),
    "sqlite rows": ("rows", sqlite("rows")),
    "sqlite images": ("images", sqlite("images")),
    "duckdb": ("rows", duckdb),
    "excel": ("rows", excel),
    "npz keras": ("images", npz_keras),
    "npz medmnist": ("images", npz_medmnist),
    "npz split": ("rows", npz_split),
    "npy": ("images", npy_shards),
    "idx": ("images", idx),
    "hdf5 groups": ("images", hdf5_groups),
    "hdf5 split": ("images", hdf5_split),
    "zarr groups": ("images", zarr_groups),
    "zarr split": ("images", zarr_split),
    "zarr stores": ("images", zarr_folder),
    "mat": ("images", mat),
    "safetensors": ("images", safetensors),
    "pt": ("images", torch_file),
    "tar folders": ("images", tar_folders),
    "tgz folders": ("images", tgz_folders),
    "tar shards": ("images", tar_shards),
    "tfrecords": ("images", tfrecords),
    "tfrecord split": ("images", tfrecord_split),
    "lmdb": ("images", lmdb),
    "image folder": ("images", image_folder),
    "image folder by year": ("images", image_folder_by_year),
    "image folder by class": ("images", image_folder_by_class),
    "image folder inside": ("images", image_folder_inside),
    "image pattern": ("images", pattern),
    "wav": ("signals", recordings),
    "nifti": ("volumes", volumes),
}

#: A file name of each format, and how its parts are stated above.
STATED = {
    "x.png": "image folder", "x.wav": "wav", "x.tar": "tar folders", "x.parquet": "parquet images", "x.arrow": "arrow images",
    "x.npy": "npy", "x.npz": "npz split", "x.csv": "csv rows", "x-idx3-ubyte": "idx", "x.h5": "hdf5 split", "x.txt": "txt list",
    "x.zarr": "zarr split", "x.lmdb": "lmdb", "x.tfrecord": "tfrecord split", "x.mat": "mat", "x.safetensors": "safetensors",
    "x.pt": "pt", "x.jsonl": "jsonl", "x.sqlite": "sqlite rows", "x.duckdb": "duckdb", "x.xlsx": "excel", "x.flac": "wav",
    "x.mp4": "wav", "x.nii": "nifti", "x.dcm": "nifti", "x.bsq": "nifti",
}  # fmt: skip


@pytest.fixture
def network(tmp_path: Path) -> Path:
    (tmp_path / "nets").mkdir()
    (tmp_path / "nets" / "networks.py").write_text(NETWORKS)
    return tmp_path / "nets" / "networks.py"


def model(kind: str, network: Path) -> dict[str, Any]:
    if kind not in ("images", "rows"):
        pytest.skip("no network for these samples here")
    channels = 3 if kind == "images" else 2
    size = {"size": 8} if kind == "images" else {}
    return {"model": f"{network}:{kind}", "weights": "none", "mean": (0.5,) * channels, "std": (0.2,) * channels, **size}


def measured(place: Any, *_: Any) -> Any:
    return tare.measure(place).extra.get("remarks", [])


def compared(place: Any, *_: Any) -> Any:
    return tare.compare(place, place).notes


def drifted(place: Any, *_: Any) -> Any:
    notes = tare.drift(place, place, workers=1).notes
    assert len([note for note in notes if said(note)]) == 2, notes
    return notes


def referred(place: Any, *_: Any) -> Any:
    return tare.Reference.of(place, workers=1).remarks


def advised(place: Any, kind: str, network: Path) -> Any:
    return tare.advise(data=place, **model(kind, network)).notes


def advised_without_labels(place: Any, kind: str, network: Path) -> Any:
    return tare.advise(data=place, labels=False, **model(kind, network)).notes


def explained(place: Any, kind: str, network: Path) -> Any:
    return tare.explain(data=place, **model(kind, network)).notes


def identified(place: Any, *_: Any) -> Any:
    return read_probes(place, "rgb", 16, 0).notes


def studied(place: Any, kind: str, network: Path) -> Any:
    stated = model(kind, network)
    if kind == "images":
        pytest.skip("a network of a file states no size")
    keys = {"data": str(place), "networks": [stated["model"]], "weights": "none", "mean": stated["mean"], "std": stated["std"]}
    notes = told(requested_plan("folder", keys))
    assert "every seed of a study splits" in " ".join(notes)
    return notes


def evaluated(place: Any, _: str, network: Path) -> Any:
    return told(requested_plan("evaluate", {"data": str(place), "evaluate": f"{network}:scored", "mean": [0.5], "std": [0.2]}))


def transferred(place: Any, kind: str, *_: Any) -> Any:
    """The remarks of the split, whose training samples must be of the training part."""
    of = {"images": "image", "rows": "vector", "signals": "signal", "volumes": "volume"}[kind]
    split = open_split(LabelOptions(place), 0, of)  # type: ignore[arg-type]
    assert {*split.classes} <= {"cat", "dog", "0", "1"}
    if kind != "rows":
        levels = [float(np.mean(file.read("stored"))) for file in split.train]  # type: ignore[arg-type]
        assert max(levels) < 160 or kind == "signals"
    assert len(split.train) <= PARTS["train"] + (PARTS["val"] if "keras" in str(place) else 0)
    assert len(split.train) + len(split.val) <= PARTS["train"] + PARTS["val"]
    return ["parts by themselves"]


def held_out(place: Any, kind: str, *_: Any) -> Any:
    of = {"images": "image", "rows": "vector", "signals": "signal", "volumes": "volume"}[kind]
    split = open_split(LabelOptions(place), 0, of)  # type: ignore[arg-type]
    test = open_test(place, LabelOptions(place), split)
    assert len(test.files) == PARTS["test"]
    assert test.remarks or place.suffix == ".npz"
    return ["parts by themselves"]


COMMANDS: dict[str, Callable[..., Any]] = {
    "measure": measured,
    "compare": compared,
    "drift": drifted,
    "monitor": referred,
    "advise": advised,
    "advise without labels": advised_without_labels,
    "explain": explained,
    "identify": identified,
    "study": studied,
    "study --evaluate": evaluated,
    "transfer": transferred,
    "transfer --test": held_out,
}
#: Commands that open no data of which several samples become one figure, and why.
OTHERS = {
    "demo": "it makes its own data",
    "spec": "it reads what a network states",
    "check": "it measures by tare.measure",
    "rule": "it shows a text",
    "report": "it reads a run",
    "predict": "each sample is answered by itself",
    "export": "it compares answers sample by sample",
    "fold": "it rewrites a network",
    "respec": "it rewrites a network",
}


#: A store that holds several arrays is refused until one is named.
ARCHIVES = {"npz keras", "npz medmnist", "npz split"}
SEVERAL = ARCHIVES | {"hdf5 groups", "zarr groups", "mat", "safetensors", "pt"}
#: Data in which these commands find no labels or images, or none that they take, whatever their parts.
TABLES = {"feather rows", "jsonl", "sqlite rows", "duckdb", "excel"}
UNFIT = {
    "identify": TABLES | {"csv rows", "tsv marks", "parquet marks", "wav", "nifti"},
    "study --evaluate": {"nifti"},
    "advise": {"idx"},
    "advise without labels": ARCHIVES | {"idx"},
    "explain": ARCHIVES | {"idx"},
    "transfer": TABLES | {"hub", "save_to_disk", "npy", "idx", "lmdb", "hdf5 split", "zarr split", "zarr stores"},
    "study": TABLES,
}
#: Parts that training could not keep apart.
REFUSED = {"image folder by year", "image folder by class", "image folder inside"}
#: Of these a test names the folder of the test.
FOLDERS = {"image folder", "wav", "nifti"}


def may_refuse(command: str, stated: str) -> bool:
    """Whether a refusal is the right answer; any other one would hide what becomes of the parts."""
    if command == "transfer --test":
        return stated in FOLDERS or may_refuse("transfer", stated)
    archives = ARCHIVES if command in ("transfer", "study", "advise", "advise without labels", "explain") else set()
    return stated in (SEVERAL - archives) | UNFIT.get(command, set()) | (REFUSED if command == "transfer" else set())


def said(note: str) -> bool:
    """Whether a note tells of parts, or that what is read is one."""
    return says_parts(note.removeprefix("reference: ")) or "left out of" in note or "train/ and val/ of" in note


#: Commands and ways that `make test` goes through; `make test-long` goes through all.
SHORT = {"measure", "transfer", "transfer --test", "study"}, {"csv rows", "arrow images", "tar folders"}
CELLS = [
    pytest.param(command, stated, marks=() if command in SHORT[0] or stated in SHORT[1] else pytest.mark.long)
    for command in COMMANDS
    for stated in MADE
]


@pytest.mark.parametrize(("command", "stated"), CELLS)
def test_parts_are_kept_apart_told_or_refused(command: str, stated: str, tmp_path: Path, network: Path) -> None:
    (tmp_path / "data").mkdir()
    kind, made = MADE[stated]
    place = made(tmp_path / "data")
    try:
        notes = [*COMMANDS[command](place, kind, network)]
    except TareError as error:
        if not may_refuse(command, stated):
            raise AssertionError(f"refused for another reason: {error}") from error
        return
    assert any(map(said, notes)), notes


def test_every_format_states_parts_in_the_matrix() -> None:
    first = {name: next(number for number, each in enumerate(FORMATS) if each.pattern.search(name)) for name in STATED}
    assert {*first.values()} == {*range(len(FORMATS))}
    assert {*STATED.values()} <= MADE.keys()


def test_every_command_is_in_the_matrix() -> None:
    covered = {name.split()[0] for name in COMMANDS} | OTHERS.keys()
    assert covered == {entry.name for entry in ENTRIES}


def test_no_command_opens_data_elsewhere() -> None:
    """Whoever opens a source asks for its parts: only the folders of sources and datasets know how to open one without."""
    root = Path(tare.__file__).parent
    for path in root.rglob("*.py"):
        if path.relative_to(root).parts[0] in ("sources", "datasets"):
            continue
        names = [
            alias.name
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        ]
        assert "open_source" not in names, f"{path}: open_pooled"
