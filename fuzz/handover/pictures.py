"""Images in colours: files, archives, tables and arrays of them, and tiles whose bands are named as colours."""

from __future__ import annotations

import importlib
import io
import json
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fuzz.handover.commands import tare
from fuzz.handover.matrix import Answer, Chain, Telling, Told, World

_NUMBER, _EDGE = 30, 16
#: How a run is trained: quickly, and to the same weights every time.
TRAINING = ("--protocol", "scratch", "--epochs", "1", "--batch-size", "16", "--workers", "0", "--device", "cpu")
_LABELS = ("ant", "bee", "cow")
COLOURS = ("red", "green", "blue")
#: Networks of two layers for as many channels as a name says.
NETWORKS = """
import torch
from torch import nn


def _net(channels):
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(channels, 6, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(24, 3))


def net3():
    return _net(3)


def net4():
    return _net(4)
"""
_SIZE = ("--size", str(_EDGE), "--interpolation", "bilinear", "--crop", "1")


@dataclass(frozen=True)
class Images:
    """Images ``(N, H, W, C)``, the name of each channel, and the label of each image."""

    values: NDArray[Any]
    names: tuple[str, ...]
    labels: tuple[str, ...]

    @property
    def folders(self) -> tuple[int, ...]:
        """The places of the images in the order of folders, one a class, of files with their numbers."""
        return tuple(sorted(range(len(self.labels)), key=lambda place: (self.labels[place], place)))

    def channels(self, order: Sequence[int]) -> Images:
        """The channels at these places."""
        return replace(self, values=self.values[..., list(order)], names=tuple(self.names[place] for place in order))


def draw(generator: np.random.Generator) -> Images:
    """Images of 8 bits whose classes differ in their colours."""
    classes = np.arange(_NUMBER) % len(_LABELS)
    levels = generator.uniform(40, 160, (len(_LABELS), 3))[classes][:, None, None, :]
    values = np.clip(levels + generator.integers(-30, 30, (_NUMBER, _EDGE, _EDGE, 3)), 0, 255).astype(np.uint8)
    return Images(values, COLOURS, tuple(_LABELS[place] for place in classes))


def _png(values: NDArray[Any], kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(values[..., 0] if values.shape[-1] == 1 else values).save(buffer, kind)
    return buffer.getvalue()


def _folder(
    ending: str = ".png", kind: str = "PNG", change: Callable[[NDArray[Any]], NDArray[Any]] = lambda values: values
) -> Callable[[Path, Images], Told]:
    def write(folder: Path, images: Images) -> Told:
        for place, label in enumerate(images.labels):
            file = folder / "data" / label / f"{place:04}{ending}"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(_png(change(images.values[place]), kind))
        return Told(folder / "data", samples=images.folders)

    return write


def _opaque(values: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate([values, np.full_like(values[..., :1], 255)], axis=-1)


def _tar(folder: Path, images: Images, *, with_labels: bool = False) -> Told:
    with tarfile.open(folder / "data.tar", "w") as archive:
        for place, label in enumerate(images.labels):
            name = f"{place:04}" if with_labels else f"{label}/{place:04}"
            for ending, data in ((".png", _png(images.values[place])), *(((".cls", label.encode()),) if with_labels else ())):
                member = tarfile.TarInfo(f"{name}{ending}")
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
    return Told(folder / "data.tar")


def _cells(images: Images) -> Any:
    import pyarrow as pa

    cells = [_png(values) for values in images.values]
    return pa.table({"image": pa.array(cells, pa.binary()), "label": list(images.labels)})


def _parquet(folder: Path, images: Images) -> Told:
    from pyarrow import parquet

    parquet.write_table(_cells(images), folder / "data.parquet", row_group_size=7)
    return Told(folder / "data.parquet")


def _arrow(folder: Path, images: Images) -> Told:
    from pyarrow import feather

    feather.write_feather(_cells(images), folder / "data.arrow", compression="uncompressed")
    return Told(folder / "data.arrow")


def _class_labels(names: Sequence[str]) -> Callable[[Path, Images], Told]:
    """As the Hugging Face hub keeps them: cells with bytes, and labels as numbers of these names."""

    def write(folder: Path, images: Images) -> Told:
        import pyarrow as pa
        from pyarrow import parquet

        cells = [{"bytes": _png(values), "path": None} for values in images.values]
        cell = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
        table = pa.table({"image": pa.array(cells, cell), "label": [names.index(label) for label in images.labels]})
        features = {"image": {"_type": "Image"}, "label": {"names": list(names), "_type": "ClassLabel"}}
        stated = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
        parquet.write_table(stated, folder / "data.parquet")
        return Told(folder / "data.parquet")

    return write


def _saved(names: Sequence[str]) -> Callable[[Path, Images], Told]:
    def write(folder: Path, images: Images) -> Told:
        datasets: Any = importlib.import_module("datasets")
        datasets.disable_progress_bars()
        features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=list(names))})
        columns = {"image": [Image.fromarray(values) for values in images.values], "label": list(images.labels)}
        datasets.Dataset.from_dict(columns, features=features).save_to_disk(str(folder / "data"))
        return Told(folder / "data")

    return write


def _manifest(folder: Path, images: Images) -> Told:
    _folder()(folder, images)
    rows = [f"data/{label}/{place:04}.png,{label}" for place, label in enumerate(images.labels)]
    (folder / "list.csv").write_text("\n".join(["path,label", *rows]) + "\n")
    return Told(folder / "list.csv")


def _npz(change: Callable[[NDArray[Any]], NDArray[Any]] = lambda values: values) -> Callable[[Path, Images], Told]:
    def write(folder: Path, images: Images) -> Told:
        np.savez(folder / "data.npz", x=change(images.values), y=np.array(images.labels))
        return Told(folder / "data.npz")

    return write


def _hdf5(folder: Path, images: Images) -> Told:
    import h5py

    with h5py.File(folder / "data.h5", "w") as file:
        file["x"] = images.values
    return Told(folder / "data.h5")


def _zarr(folder: Path, images: Images) -> Told:
    import zarr

    array = zarr.create_array(
        store=str(folder / "data.zarr"), shape=images.values.shape, chunks=images.values.shape, dtype=images.values.dtype
    )
    array[...] = images.values
    return Told(folder / "data.zarr")


def tiles(change: Callable[[Images], Images] = lambda images: images, **more: Any) -> Callable[[Path, Images], Told]:
    """Georeferenced tiles, whose bands have names; empty ones are not written. ``more`` is of the profile."""

    def write(folder: Path, images: Images) -> Told:
        import rasterio

        changed = change(images)
        _, height, width, count = changed.values.shape
        place_on_earth = {"crs": "EPSG:32632", "transform": rasterio.transform.Affine(10, 0, 5e5, 0, -10, 5e6)}
        profile = {"driver": "GTiff", "height": height, "width": width, "count": count, "dtype": changed.values.dtype.name}
        for place, label in enumerate(changed.labels):
            file = folder / "data" / label / f"{place:04}.tif"
            file.parent.mkdir(parents=True, exist_ok=True)
            with rasterio.open(file, "w", **profile, photometric="MINISBLACK", **place_on_earth, **more) as raster:
                raster.write(np.moveaxis(changed.values[place], -1, 0))
                raster.descriptions = changed.names
        return Told(folder / "data", samples=changed.folders)

    return write


def called(names: Sequence[str], order: Sequence[int] = (0, 1, 2)) -> Callable[[Images], Images]:
    """Channels in this order under these names."""
    return lambda images: replace(images.channels(order), names=tuple(names))


#: That channels have names on one side alone, or are paired by their places.
BY_PLACE = r"by their places|without names"

TELLINGS = (
    Telling("PNG", _folder()),
    Telling("BMP", _folder(".bmp", "BMP"), same=True),
    Telling("TIFF", _folder(".tif", "TIFF"), same=True),
    Telling("PNG without an ending", _folder(""), same=True),
    Telling("PNG, opaque", _folder(change=_opaque), same=True),
    Telling("tar", _tar, same=True),
    Telling("WebDataset", lambda folder, images: _tar(folder, images, with_labels=True), same=True),
    Telling("Parquet of images", _parquet, ("pyarrow",), same=True),
    Telling("Arrow of images", _arrow, ("pyarrow",), same=True),
    Telling("Parquet of the hub", _class_labels(_LABELS), ("pyarrow",), same=True),
    Telling("Parquet of the hub, labels in another order", _class_labels(("cow", "ant", "bee")), ("pyarrow",), same=True),
    Telling("Hugging Face folder", _saved(("bee", "cow", "ant")), ("datasets",)),
    Telling("CSV of paths", _manifest),
    Telling("npz, NHWC", _npz(), same=True),
    Telling("npz, NCHW", _npz(lambda values: np.moveaxis(values, -1, 1)), same=True),
    Telling("npz of 16-bit integers", _npz(lambda values: values.astype(np.uint16)), back=False),
    Telling("npz of 64-bit integers", _npz(lambda values: values.astype(np.int64)), back=False),
    Telling("npz of shares", _npz(lambda values: (values / 255).astype(np.float32)), back=False),
    Telling("HDF5", _hdf5, ("h5py",), same=True, back=False),
    Telling("Zarr", _zarr, ("zarr",), same=True, back=False),
    Telling("tiles", tiles(), ("rasterio",), same=True),
    Telling("tiles, bands without names", tiles(called(("", "", ""))), ("rasterio",), same=True),
    Telling("tiles of blue, green, red", tiles(called(COLOURS[::-1], (2, 1, 0))), ("rasterio",), same=True),
    Telling("tiles of blue, red, green, some of no data", tiles(called(("Blue", "Red", "Green"), (2, 0, 1)), nodata=255),
            ("rasterio",), same=True),
    Telling("tiles of B04, B03, B02", tiles(called(("B04", "B03", "B02"))), ("rasterio",), back=False),
    Telling("tiles of B02, B03, B04", tiles(called(("B02", "B03", "B04"), (2, 1, 0))), ("rasterio",),
            remark=BY_PLACE, back=False),
    Telling("tiles of four bands", tiles(lambda images: replace(images, values=_opaque(images.values), names=(*COLOURS, "nir"))),
            ("rasterio",), back=False),
)  # fmt: skip


def network(folder: Path, channels: int) -> str:
    """A file of networks, and the one for so many channels."""
    place = folder / "networks.py"
    place.write_text(NETWORKS)
    return f"{place}:net{channels}"


@dataclass(frozen=True)
class Run:
    """A run of ``tare transfer``, and what built its network."""

    place: Path
    built: str


def trained(told: Told, folder: Path) -> Run:
    """A run of the images, with the statistics of their own."""
    return train(told, folder, 3)


def train(told: Told, folder: Path, channels: int, *more: str | Path) -> Run:
    """A run of images of so many channels."""
    built = network(folder, channels)
    given = ("--model", built, "--weights", "none", "--augmentation", "none", *TRAINING, *_SIZE, "--out", folder / "run")
    tare("transfer", told.data, *told.options, *given, *(more or ("--strategy", "target")))
    return Run(folder / "run", built)


def predicted(run: Run, told: Told, folder: Path) -> Answer:
    """What a run says of each image, by its place in the truth."""
    del folder
    said = tare("predict", run.place, told.data, "--model", run.built, "--top", "3", "--json")
    figures: dict[str, Any] = {}
    for place, row in enumerate(said.document["predictions"]):
        name = f"image {place if told.samples is None else told.samples[place]}"
        if row["error"] is not None:
            figures[name] = "an error"
        for each in row["ranks"] or ():
            figures[f"{name}, {each['label']}"] = each["probability"]
    return Answer(figures, said.both)


def drifted(run: Run, told: Told, folder: Path) -> Answer:
    """How far the values of each channel are from those of training, by its name in training."""
    del folder
    said = tare("drift", run.place, told.data, "--json")
    return Answer({each["channel"]: each["wasserstein"] for each in said.document["distances"]}, said.both)


CHAINS = (
    Chain("transfer, predict", trained, predicted, ("CSV of paths", "Hugging Face folder"), atol=1e-5),
    Chain("transfer, drift", trained, drifted, ("npz*",), ("first samples", "second samples", "first columns"), atol=1e-9),
)

WORLDS = (World("images", draw, TELLINGS, CHAINS),)
