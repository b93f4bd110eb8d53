"""Statistics of a dataset: what other libraries compute over the same samples, with as many threads, and the physical limits.

Every peer's figures are compared with ours before it is timed: a row is about equal results.
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import tare
from benchmarks import made_data
from benchmarks.harness import Outcome, Result, Row, Setting, compared, guarded, peer

Moments = tuple[NDArray[np.float64] | Sequence[float], NDArray[np.float64] | Sequence[float]]


def arrays(setting: Setting) -> Iterator[Outcome]:
    """uint8 images in memory: mean and std of each channel in unit values, one thread on either side unless a row says more."""
    images = made_data.byte_images(500 if setting.quick else 4000, first=False)
    measured = partial(tare.measure, images, layout="NHWC", workers=1)
    rows: tuple[tuple[str, str, Callable[[NDArray[np.uint8]], Any], str], ...] = (
        ("numpy", "NumPy float64", _numpy, ">= 20"),
        ("sklearn", "StandardScaler.partial_fit", _scaler, ">= 8"),
        ("keras", "Keras Normalization.adapt", _keras, ">= 1"),
        ("cv2", "cv2.meanStdDev of each image", _opencv, ""),
        ("numpy", "copy in memory", lambda values: values.copy(), ""),
    )
    for module, name, function, goal in rows:
        yield from peer(name, [module], partial(_array_row, name, function, images, measured, setting, goal))
    numpy = partial(_numpy, axes=(0, 2, 3))
    for kind, planes in _planes(setting):
        for workers, threads in ((1, ""), (setting.workers, f", {setting.workers} threads")):
            measured = partial(tare.measure, planes, layout="NCHW", workers=workers)
            goal = ">= 20" if threads else ""
            yield from _array_row("NumPy float64", numpy, planes, measured, setting, goal, f"NCHW{kind}{threads}")


def words(setting: Setting) -> Iterator[Outcome]:
    """The same images as 16-bit values, 11 bits in use, signed and unsigned, one thread on either side."""
    rng = np.random.default_rng(0)
    pixels = made_data.byte_images(500 if setting.quick else 4000, first=False)
    deep = pixels.astype(np.uint16) * 8 + rng.integers(0, 8, pixels.shape, np.uint16)
    for name, values in (("uint16", deep), ("int16", deep.astype(np.int16) - 1024)):
        for layout, axes in (("NHWC", (0, 1, 2)), ("NCHW", (0, 2, 3))):
            images = values if layout == "NHWC" else np.ascontiguousarray(np.moveaxis(values, -1, 1))
            theirs, ours = (
                partial(_numpy, images, axes=axes, scale=65535.0 if name == "uint16" else 1.0),
                partial(tare.measure, images, layout=layout, workers=1),
            )
            _same(theirs(), ours())
            setup = f"{name} {layout}, {images.nbytes // 10**6} MB"
            goal = ">= 10" if layout == "NHWC" else ""
            yield compared(setup, theirs, ours, setting, ratio_of="NumPy float64 / measure", goal=goal, rounds=5)


def _planes(setting: Setting) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Images with channels first: made ones and, where they are at hand, pieces of photographs."""
    count = 500 if setting.quick else 4000
    yield "", made_data.byte_images(count, first=True)
    public = setting.data / "hymenoptera" if setting.data else None
    if public and public.is_dir():
        yield " of photos", np.ascontiguousarray(np.concatenate(list(islice(_tiles(public), count))))


def _tiles(folder: Path) -> Iterator[NDArray[np.uint8]]:
    """Pieces of 64 x 64 pixels of every photograph, ``(1, 3, 64, 64)``."""
    import simplejpeg

    for file in sorted(folder.rglob("*.jpg")):
        try:
            image = np.moveaxis(simplejpeg.decode_jpeg(file.read_bytes(), "RGB"), -1, 0)
        except ValueError:
            continue
        for y in range(0, image.shape[1] - 63, 64):
            for x in range(0, image.shape[2] - 63, 64):
                yield image[None, :, y : y + 64, x : x + 64]


def folders(setting: Setting) -> Iterator[Outcome]:
    """A folder of JPEGs of one size, read by one thread."""
    folder = made_data.jpeg_folder(setting.scratch / "photos", 128)
    few = made_data.jpeg_folder(setting.scratch / "few photos", 16) if setting.quick else folder
    modules = ["datumaro"]
    yield from peer("Datumaro", modules, lambda: _folder_row("Datumaro image statistics", _datumaro, few, setting))
    yield from peer("NumPy", ["PIL"], lambda: _folder_row("Pillow, NumPy float64", _pillow, few, setting))


def shards(setting: Setting) -> Iterator[Outcome]:
    """A WebDataset tar of JPEGs: the library's own reading and decoding with NumPy sums, and nothing but decoding."""
    folder = made_data.jpeg_folder(setting.scratch / "photos", 128)
    path = setting.scratch / "photos.tar"
    if not path.exists():
        with tarfile.open(path, "w") as archive:
            for index, file in enumerate(sorted(folder.rglob("*.jpg"))[: 16 if setting.quick else 128]):
                archive.add(file, f"{index:05}.jpg")
    measured = partial(tare.measure, path, workers=1, channels="rgb")

    def bare() -> Iterator[Result]:
        yield compared("tar of JPEGs", partial(_tar_decoded, path), measured, setting, ratio_of="bare decoding / measure")

    def webdataset() -> Iterator[Result]:
        _same(_webdataset(path), measured())
        yield compared(
            "tar of JPEGs", partial(_webdataset, path), measured, setting, ratio_of="webdataset, NumPy / measure", rounds=3
        )

    yield from guarded("bare decoding of a tar", bare)
    yield from peer("webdataset", ["webdataset"], webdataset)


ROWS = (Row("arrays", arrays), Row("words", words), Row("folder peers", folders), Row("shards", shards))


def _array_row(  # noqa: PLR0917 - a row of a table
    name: str,
    function: Callable[[NDArray[np.uint8]], Any],
    images: NDArray[np.uint8],
    measured: Callable[[], Any],
    setting: Setting,
    goal: str,
    layout: str = "NHWC",
) -> Iterator[Result]:
    if name != "copy in memory":
        _same(function(images), measured())
    yield compared(
        f"uint8 {layout}, {images.nbytes // 10**6} MB",
        lambda: function(images),
        measured,
        setting,
        ratio_of=f"{name} / measure",
        goal=goal,
        rounds=5,
    )


def _folder_row(name: str, function: Callable[[Path], Moments], folder: Path, setting: Setting) -> Iterator[Result]:
    measured = partial(tare.measure, folder, workers=1, channels="rgb")
    _same(function(folder), measured())
    yield compared("JPEG folder, made", partial(function, folder), measured, setting, ratio_of=f"{name} / measure", rounds=3)


def _same(found: Moments, stats: Any) -> None:
    """Raise unless both give the same mean and std, to a thousandth of the std: some accumulate in float32."""
    for theirs, ours in ((found[0], stats.mean), (found[1], stats.std)):
        worst = np.abs((np.asarray(theirs, float).ravel() - ours) / stats.std).max()
        if not worst < 2e-3:  # decoders differ, too: Pillow's and simplejpeg's libraries round differently
            raise ArithmeticError(f"its figures differ from ours by {worst:.2g} std: {theirs}, ours {ours}")


def _numpy(images: NDArray[Any], axes: tuple[int, ...] = (0, 1, 2), scale: float = 255.0) -> Moments:
    unit = images / scale
    return unit.mean(axis=axes), unit.std(axis=axes)


def _scaler(images: NDArray[np.uint8]) -> Moments:
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler()
    for start in range(0, len(images), 256):
        scaler.partial_fit(images[start : start + 256].reshape(-1, 3))
    return scaler.mean_ / 255, scaler.scale_ / 255


def _keras(images: NDArray[np.uint8]) -> Moments:
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        layer = keras.layers.Normalization(axis=-1)
        layer.adapt(images)
        mean, variance = (np.asarray(value.detach().cpu()).ravel() for value in (layer.mean, layer.variance))
    finally:
        torch.set_num_threads(threads)
    return mean / 255, np.sqrt(variance) / 255


def _opencv(images: NDArray[np.uint8]) -> Moments:
    """All images as one tall picture: the fastest moments that we know of, without a histogram."""
    import cv2

    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        mean, std = cv2.meanStdDev(images.reshape(-1, images.shape[2], 3))
    finally:
        cv2.setNumThreads(threads)
    return mean.ravel() / 255, std.ravel() / 255


def _datumaro(folder: Path) -> Moments:
    data, operations = import_module("datumaro"), import_module("datumaro.components.operations")
    files = enumerate(sorted(folder.rglob("*.jpg")))
    items = [data.DatasetItem(id=str(index), media=data.Image.from_file(path=str(file))) for index, file in files]
    found = operations.compute_image_statistics(data.Dataset.from_iterable(items, media_type=data.Image))["subsets"]["default"]
    return np.array(found["image mean (RGB)"]) / 255, np.array(found["image std (RGB)"]) / 255


def _pillow(folder: Path) -> Moments:
    from PIL import Image

    return _pooled(np.asarray(Image.open(file).convert("RGB")) for file in folder.rglob("*.jpg"))


def _webdataset(path: Path) -> Moments:
    stream = import_module("webdataset").WebDataset(str(path), shardshuffle=False, empty_check=False)
    samples = stream.decode("rgb8").to_tuple("jpg")
    return _pooled(image for (image,) in samples)


def _pooled(images: Iterator[NDArray[np.uint8]] | Any) -> Moments:
    """Sums and sums of squares in float64, as careful people write it."""
    total, squares, number = np.zeros(3), np.zeros(3), 0
    for image in images:
        unit = image / 255.0
        total += unit.sum(axis=(0, 1))
        squares += (unit * unit).sum(axis=(0, 1))
        number += unit.shape[0] * unit.shape[1]
    mean = total / number
    return mean, np.sqrt(squares / number - mean**2)


def _tar_decoded(path: Path) -> None:
    import simplejpeg

    with tarfile.open(path) as archive:
        for member in archive:
            stream = archive.extractfile(member)
            if stream is not None:
                simplejpeg.decode_jpeg(stream.read(), "RGB")
