"""``python -m benchmarks.monitor_rates.remembered [--write docs/monitor.md]``: accuracy by what batch norm remembers, label-free.

MobileNetV1-0.25 answers 100 photographs of ImageNet, which arrive changed. The constants under which they look to its first batch
norm as its training did take the place of those that it was trained with. The data lie under the folder that TARE_DATA names.
"""

from __future__ import annotations

import argparse
import csv
import os
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from benchmarks.marks import insert_between
from tare.identifying.fingerprint.views import prepared
from tare.identifying.served import remembered
from tare.input_spec.geometry import Geometry
from tare.networks.network import Network
from tare.networks.stated_images import network_geometry
from tare.networks.stored.source import source_network
from tare.statistics.intervals import Interval

#: Gain and offset of all channels, in unit values.
CHANGES = ((1.0, 0.0), (0.4, 0.0), (0.2, 0.0), (0.5, 0.3), (0.3, 0.6), (0.15, 0.1))
_NETWORK, _OWN = "mobilenet_v1_025", (0.5, 0.5, 0.5)


def main() -> None:
    """Measure, print, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        text = "\n".join(table(Path(os.environ["TARE_DATA"].partition(os.pathsep)[0]), Path(scratch)))
    print(text)
    if given.write is not None:
        insert_between(given.write, text, "<!-- remembered -->", "<!-- /remembered -->")


def table(root: Path, scratch: Path) -> Iterator[str]:
    """The table as Markdown, a line at a time."""
    network = source_network(f"{root / f'{_NETWORK}.py'}:{_NETWORK}", str(root / f"{_NETWORK}_imagenet.safetensors"), 0)
    geometry, _ = network_geometry(network, 224, None, None)
    images, classes = _photographs(root, scratch)
    yield (
        "Top 1 and top 5 of 100 photographs that arrive changed. Intervals (95%) are the expected error. Nothing is proposed "
        "where the memory shows no change beyond it.\n"
    )
    yield "| change | gain recovered | offset recovered | with the change | with the recovered constants | with the true ones |"
    yield "|---|---|---|---|---|---|"
    for gain, offset in CHANGES:
        arriving = [np.round(255 * np.clip(gain * image / 255 + offset, 0, 1)).astype(np.uint8) for image in images]
        folder = _saved(arriving, scratch / f"{gain:g}-{offset:g}")
        found = remembered(network, folder, _OWN, _OWN, geometry)
        mean, std = ([each.estimate for each in part] for part in found.constants(_OWN, _OWN))
        true = ([gain * 0.5 + offset] * 3, [gain * 0.5] * 3)
        before, after = (_accuracy(network, geometry, arriving, classes, *each) for each in ((_OWN, _OWN), true))
        mended = _accuracy(network, geometry, arriving, classes, mean, std) if found.shown else "nothing proposed"
        one = (_told(found.together.gain), _told(found.together.offset))
        told = " | ".join(one if found.together.held else ("each channel its own",) * 2)
        yield f"| {gain:g} x + {offset:g} | {told} | {before} | {mended} | {after} |"


def _told(found: Interval) -> str:
    return f"{found.estimate:.3f} ({found.low:.3f} to {found.high:.3f})"


def _photographs(root: Path, scratch: Path) -> tuple[list[NDArray[np.uint8]], NDArray[np.int64]]:
    """The photographs, reduced to a shorter edge of 256 pixels, and their classes."""
    with tarfile.open(root / "imagenet100.tar") as archive:
        archive.extractall(scratch / "all", filter="data")
    with (root / "imagenet100_index.csv").open(encoding="utf-8") as file:
        classes = {row["file"]: int(row["class_index"]) for row in csv.DictReader(file)}
    files = sorted(path for path in (scratch / "all").rglob("*") if path.name in classes)
    return [_reduced(Image.open(path).convert("RGB")) for path in files], np.array([classes[path.name] for path in files])


def _reduced(image: Image.Image) -> NDArray[np.uint8]:
    share = 256 / min(image.size)
    return np.asarray(image.resize((round(image.width * share), round(image.height * share))), np.uint8)


def _saved(images: Sequence[NDArray[np.uint8]], folder: Path) -> Path:
    folder.mkdir()
    for place, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{place:03d}.png", compress_level=1)
    return folder


def _accuracy(
    network: Network,
    geometry: Geometry,
    images: Sequence[NDArray[np.uint8]],
    classes: NDArray[np.int64],
    mean: Sequence[float],
    std: Sequence[float],
) -> str:
    unit = torch.stack([each.whole for each in prepared(images, geometry)]).float()
    fed = (unit - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]
    with torch.inference_mode():
        first = network.module.eval()(fed).topk(5).indices.numpy()
    return f"{np.mean(first[:, 0] == classes):.0%}, {np.mean((first == classes[:, None]).any(axis=1)):.0%}"


if __name__ == "__main__":
    main()
