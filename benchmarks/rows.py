"""What is compared with what."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import tare
from benchmarks import made_data, rows_study, rows_training
from benchmarks.fold_rows import folding
from benchmarks.harness import Result, Row, Setting, compared
from benchmarks.identify_rows import identifying
from benchmarks.watch_rows import watching
from tare.engines.local import ordered_map
from tare.sources.image_folder import walk_files

_ARRAYS: tuple[tuple[str, tuple[int, ...]], ...] = (("NHWC", (0, 1, 2)), ("NCHW", (0, 2, 3)))


def decoding(setting: Setting) -> Iterator[Result]:
    """A JPEG folder against nothing but decoding, with the same decoder, threads and chunks."""
    for name, folder in _photos(setting):
        files = [file for file in walk_files(folder) if file.endswith((".jpg", ".jpeg", ".JPEG"))]
        yield compared(
            f"JPEG folder, {name}",
            partial(_decoded, files, setting.workers),
            partial(tare.measure, folder, workers=setting.workers, channels="rgb", max_skipped=1.0),
            setting,
            ratio_of="bare decoding / measure",
            goal=">= 0.9",
        )


def forum_recipe(setting: Setting) -> Iterator[Result]:
    """A JPEG folder against the loop that forums recommend: ImageFolder, ToTensor, mean and std of each image."""
    for name, folder in _photos(setting):
        yield compared(
            f"JPEG folder, {name}",
            partial(_forum, folder, setting.workers),
            partial(tare.measure, folder, workers=setting.workers, channels="rgb", max_skipped=1.0),
            setting,
            ratio_of="DataLoader recipe / measure",
            goal=">= 10",
            rounds=3,
        )


def arrays(setting: Setting) -> Iterator[Result]:
    """uint8 images in memory against NumPy in float64."""
    for layout, axes in _ARRAYS:
        images = made_data.byte_images(1000 if setting.quick else 4000, first=layout == "NCHW")
        yield compared(
            f"uint8 {layout}",
            partial(_numpy_moments, images, axes),
            partial(tare.measure, images, layout=layout, workers=setting.workers),
            setting,
            ratio_of="NumPy float64 / measure",
            goal=">= 20",
        )


def standard_scaler(setting: Setting) -> Iterator[Result]:
    """uint8 images in memory against scikit-learn's streaming scaler."""
    images = made_data.byte_images(1000 if setting.quick else 4000, first=False)
    yield compared(
        "uint8 NHWC",
        lambda: _scaled(images),
        lambda: tare.measure(images, layout="NHWC", workers=setting.workers),
        setting,
        ratio_of="StandardScaler.partial_fit / measure",
        goal=">= 8",
    )


def tables(setting: Setting) -> Iterator[Result]:
    """Numeric files against polars' mean and std over the same file, read lazily with all its threads."""
    rows = 200_000 if setting.quick else 1_000_000
    for kind in ("csv", "parquet"):
        path = setting.scratch / f"{rows}.{kind}"
        if not path.exists():
            frame = made_data.table(rows)
            frame.write_csv(path) if kind == "csv" else frame.write_parquet(path)
        yield compared(
            f"{kind.upper()} of {rows:,} rows",
            partial(_polars, path),
            partial(tare.measure, path, workers=setting.workers),
            setting,
            ratio_of="polars mean and std / measure",
            goal=">= 1",
        )


def memory(setting: Setting) -> Iterator[Result]:
    """Peak resident memory of ``tare measure`` in its own process, on ten times the data over once."""
    small = 2_000
    for kind in ("npy", "parquet"):
        paths = [_sized(setting.scratch, kind, small * factor) for factor in (1, 10)]
        peaks = [[_peak(path) for path in paths] for _ in range(3)]
        once, tenfold = (statistics.median(column) for column in zip(*peaks, strict=True))
        ratios = tuple(b / a for a, b in peaks)
        sizes = " and ".join(f"{path.stat().st_size / 1e6:.0f}" for path in paths)
        yield Result(f".{kind} of {sizes} MB", "peak RSS at 10x / at 1x", ratios, tenfold, once, "MB", "<= 1.2")


def start_up(setting: Setting) -> Iterator[Result]:
    """Starting the interpreter alone against starting it for tare."""
    bare = _command([sys.executable, "-c", "pass"])
    imported = _command([sys.executable, "-c", "import tare"])
    helped = _command([str(Path(sys.executable).with_name("tare")), "--help"])
    yield compared("import tare", imported, bare, setting, ratio_of="with it / bare interpreter")
    yield compared("tare --help", helped, bare, setting, ratio_of="with it / bare interpreter")


def two_workers(setting: Setting) -> Iterator[Result]:
    """What a second worker brings, as stored and after resize and crop."""
    folder = made_data.jpeg_folder(setting.scratch / "photos", 128)
    for name, seen in (("as stored", None), ("as seen at 224", 224)):
        yield compared(
            f"JPEG folder, {name}",
            partial(tare.measure, folder, workers=1, as_seen=seen),
            partial(tare.measure, folder, workers=2, as_seen=seen),
            setting,
            ratio_of="1 worker / 2 workers",
        )


ROWS = (
    Row("decoding", decoding),
    Row("forum", forum_recipe),
    Row("arrays", arrays),
    Row("scaler", standard_scaler),
    Row("tables", tables),
    Row("memory", memory),
    Row("start", start_up),
    Row("workers", two_workers),
    Row("watch", watching),
    Row("fold", folding),
    Row("identify", identifying),
    *rows_training.ROWS,
    *rows_study.ROWS,
)


def _photos(setting: Setting) -> Iterator[tuple[str, Path]]:
    yield "made", made_data.jpeg_folder(setting.scratch / "photos", 128)
    public = setting.data / "hymenoptera" if setting.data else None
    if public and public.is_dir():
        yield "hymenoptera", public / "val" if setting.quick else public


def _decoded(files: list[str], workers: int) -> None:
    import simplejpeg

    def decode(chunk: list[str]) -> None:
        for file in chunk:
            with open(file, "rb", buffering=0) as stream:
                simplejpeg.decode_jpeg(stream.read(), "RGB")

    for _ in ordered_map(decode, (files[i : i + 64] for i in range(0, len(files), 64)), workers):
        pass


def _forum(folder: Path, workers: int) -> Any:
    import torch
    from torch.utils.data import DataLoader
    from torchvision.datasets import ImageFolder
    from torchvision.transforms import ToTensor

    mean, std, number = torch.zeros(3), torch.zeros(3), 0
    for images, _ in DataLoader(ImageFolder(str(folder), ToTensor()), batch_size=1, num_workers=workers):
        pixels = images.view(images.size(0), images.size(1), -1)
        mean += pixels.mean(2).sum(0)
        std += pixels.std(2).sum(0)
        number += images.size(0)
    return mean / number, std / number


def _numpy_moments(images: NDArray[np.uint8], axes: tuple[int, ...]) -> Any:
    unit = images / 255.0
    return unit.mean(axis=axes), unit.std(axis=axes)


def _scaled(images: NDArray[np.uint8]) -> Any:
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler()
    for start in range(0, len(images), 256):
        scaler.partial_fit(images[start : start + 256].reshape(-1, 3))
    return scaler.mean_, scaler.scale_


def _polars(path: Path) -> Any:
    import polars as pl

    scan = pl.scan_csv(path) if path.suffix == ".csv" else pl.scan_parquet(path)
    return scan.select(pl.all().mean().name.suffix("_mean"), pl.all().std(ddof=0).name.suffix("_std")).collect()


def _sized(scratch: Path, kind: str, images: int) -> Path:
    path = scratch / f"{images}.{kind}"
    if path.exists():
        return path
    if kind == "npy":
        np.save(path, np.resize(made_data.byte_images(500, first=False), (images, 64, 64, 3)))
    else:
        made_data.write_repeated(path, images * 240)  # many chunks even at once the size: memory fills up before it is flat
    return path


def _peak(path: Path) -> float:
    """Peak resident memory in MB of a process that measures ``path``; getrusage would count its parent's, too."""
    program = (
        f"import tare; tare.measure({str(path)!r}, workers=2);"
        "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603
    return int(done.stdout) / 1e3


def _command(arguments: list[str]) -> Callable[[], object]:
    environment = {**os.environ, "COLUMNS": "80"}
    return lambda: subprocess.run(arguments, env=environment, capture_output=True, check=True)  # noqa: S603
