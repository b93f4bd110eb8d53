"""What is compared with what."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import tare
from benchmarks import (
    made_data,
    rows_accelerator,
    rows_code,
    rows_drift,
    rows_fields,
    rows_inputs,
    rows_monitor,
    rows_parts,
    rows_peers,
    rows_scaling,
    rows_study,
    rows_training,
)
from benchmarks.fold_rows import folding
from benchmarks.harness import Result, Row, Setting, compared
from benchmarks.identify_rows import identifying
from benchmarks.usage_errors import telling_mistakes
from benchmarks.watch_rows import watching
from tare.sources.files.image_folder import walk_files
from tare.system.engines.local import ordered_map


def decoding(setting: Setting) -> Iterator[Result]:
    """A JPEG folder against nothing but decoding, with the same decoder, threads and chunks; as grey, against Pillow."""
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
        yield compared(
            f"JPEG folder as grey, {name}",
            partial(_greyed, files, setting.workers),
            partial(tare.measure, folder, workers=setting.workers, channels="grey", max_skipped=1.0),
            setting,
            ratio_of="decoding and grey of Pillow / measure",
        )


def forum_recipe(setting: Setting) -> Iterator[Result]:
    """A JPEG folder against the loop that forums recommend: ImageFolder, ToTensor, mean and std of each image."""
    for name, folder in _photos(setting, few=setting.quick):
        yield compared(
            f"JPEG folder, {name}",
            partial(_forum, folder, setting.workers),
            partial(tare.measure, folder, workers=setting.workers, channels="rgb", max_skipped=1.0),
            setting,
            ratio_of="DataLoader recipe / measure",
            goal=">= 10",
            rounds=3,
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


def start_up(setting: Setting) -> Iterator[Result]:
    """Starting the interpreter alone against starting it for tare."""
    bare = _command([sys.executable, "-c", "pass"])
    imported = _command([sys.executable, "-c", "import tare"])
    helped = _command([str(Path(sys.executable).with_name("tare")), "--help"])
    yield compared("import tare", imported, bare, setting, ratio_of="with it / bare interpreter")
    yield compared("tare --help", helped, bare, setting, ratio_of="with it / bare interpreter")


ROWS = (
    Row("decoding", decoding),
    Row("forum", forum_recipe),
    *rows_peers.ROWS,
    Row("tables", tables),
    *rows_drift.ROWS,
    *rows_code.ROWS,
    *rows_scaling.ROWS,
    *rows_inputs.ROWS,
    *rows_parts.ROWS,
    *rows_fields.ROWS,
    *rows_monitor.ROWS,
    *rows_training.ROWS,
    Row("fold", folding),
    Row("identify", identifying),
    Row("watch", watching),
    *rows_accelerator.ROWS,
    *rows_study.ROWS,
    Row("start", start_up),
    Row("mistakes", telling_mistakes),
)


def _photos(setting: Setting, *, few: bool = False) -> Iterator[tuple[str, Path]]:
    yield "made", made_data.jpeg_folder(setting.scratch / ("few photos" if few else "photos"), 16 if few else 128)
    public = setting.data / "hymenoptera" if setting.data else None
    if public and public.is_dir() and not few:
        yield "hymenoptera", public / "val" if setting.quick else public


def _decoded(files: list[str], workers: int) -> None:
    import simplejpeg

    def decode(chunk: list[str]) -> None:
        for file in chunk:
            with open(file, "rb", buffering=0) as stream:
                simplejpeg.decode_jpeg(stream.read(), "RGB")

    for _ in ordered_map(decode, (files[i : i + 64] for i in range(0, len(files), 64)), workers):
        pass


def _greyed(files: list[str], workers: int) -> None:
    from PIL import Image

    def decode(chunk: list[str]) -> None:
        for file in chunk:
            with Image.open(file) as image:
                image.convert("L")

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
        std += pixels.std(2).sum(0)  # tare: ignore[TARE009] - the recipe that tare is compared with
        number += images.size(0)
    return mean / number, std / number


def _polars(path: Path) -> Any:
    import polars as pl

    scan = pl.scan_csv(path) if path.suffix == ".csv" else pl.scan_parquet(path)
    return scan.select(pl.all().mean().name.suffix("_mean"), pl.all().std(ddof=0).name.suffix("_std")).collect()


def _command(arguments: list[str]) -> Callable[[], object]:
    environment = {**os.environ, "COLUMNS": "80"}
    return lambda: subprocess.run(arguments, env=environment, capture_output=True, check=True)  # noqa: S603
