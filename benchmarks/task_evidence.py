"""Source against target statistics for tasks other than classes, fine-tuned: ``python -m benchmarks.task_evidence``.

Each transfer is repeated under both strategies; the seed draws split, head and order, so the two are paired by seed.

- wine: a network trained on the quality of red wines, whose mean and std are the source's, is fine-tuned to that of white wines.
- plants: MobileNetV1-0.25 with ImageNet's weights (x / 127.5 - 1) and a convolution on top answers for each pixel of a satellite
  photo whether it is a plant: where the excess green 2 G - R - B, averaged over 9 x 9 pixels, is above 8; pixels
  within 2 of this limit are left out.
- genes: a network trained on seven functions of 1,500 genes of yeast, from its own mean and std, is fine-tuned to six other
  functions of 300 other genes (a fourteenth is too rare). Needs the package river, which holds the data (Elisseeff and Weston
  2002).
- xrays: a small convolutional network trained on the clothes of Fashion-MNIST is fine-tuned to 200 chest X-rays of
  PneumoniaMNIST, with or without pneumonia, drawn by the seed, and scored on its validation images.

Needs ``$TARE_DATA`` but for genes. Prints a row a transfer: the mean figure under each strategy, and the paired difference with
Student's interval.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image

import tare
from tare.normalisation.names import Strategy
from tare.statistics.intervals import mean_interval

_PLAIN: dict[str, Any] = {"workers": 0, "device": "cpu", "overwrite": True}
_SIZE = 96
#: The genes that the source of genes is trained on; the others follow them.
_GENES = 1500
_COMPARED: tuple[Strategy, ...] = ("source", "target")
_NET = """
import sys

import torch
from torch import nn

sys.path.insert(0, {data!r})
from mobilenet_v1_025 import mobilenet_v1_025
from safetensors.torch import load_file


class Pixels(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = mobilenet_v1_025()
        self.body.load_state_dict(load_file({weights!r}))
        self.body.head = nn.Identity()
        self.body.blocks = self.body.blocks[:11]  # an eighth of the edge and wider
        self.head = nn.Conv2d(128, 2, 1)

    def forward(self, images):
        small = self.head(self.body.forward_features(images))
        return nn.functional.interpolate(small, size=images.shape[2:], mode="bilinear")
"""


_SMALL = """
from torch import nn


def small_cnn(num_classes=10, in_chans=1):
    widths = [in_chans, 16, 32, 32, 64]
    blocks = [
        nn.Sequential(nn.Conv2d(before, after, 3, stride, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU())
        for before, after, stride in zip(widths, widths[1:], (1, 2, 1, 2))
    ]
    return nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, num_classes))
"""


def wine(data: Path, folder: Path) -> Callable[[Strategy, int], float]:
    """Red wines as the source of a regression of the quality of 300 white wines."""
    with tarfile.open(data / "tabular-1d.tar.gz") as archive:
        for colour in ("red", "white"):
            member = archive.extractfile(f"wine/winequality-{colour}.csv")
            assert member is not None  # noqa: S101 - part of the archive
            (folder / f"{colour}.csv").write_bytes(member.read())
    lines = (folder / "white.csv").read_text().splitlines()
    chosen = np.random.default_rng(0).permutation(len(lines))[:300]
    (folder / "few.csv").write_text("\n".join(lines[row] for row in chosen) + "\n")
    how: dict[str, Any] = {"label": "11", "task": "regression", **_PLAIN}
    red = tare.transfer(
        "tare:mlp", folder / "red.csv", out=folder / "red", protocol="scratch", strategy="target", epochs=20, lr=3e-3, **how
    )

    def figure(strategy: Strategy, seed: int) -> float:
        run = tare.transfer(
            str(red.out), folder / "few.csv", out=folder / "run", strategy=strategy, epochs=20, lr=1e-3, seed=seed, **how
        )
        return run.evaluation.headline.value.estimate

    return figure


def plants(data: Path, folder: Path) -> Callable[[Strategy, int], float]:
    """ImageNet as the source of a segmentation of satellite photos."""
    with tarfile.open(data / "rsscn7-98.tar") as archive:
        for member in sorted(archive.getmembers(), key=lambda each: each.name):
            file = archive.extractfile(member)
            if file is not None and member.name.lower().endswith((".jpg", ".png")):
                _scene(Image.open(file).convert("RGB"), folder / "photos", member.name.replace("/", "_"))
    net = folder / "net.py"
    net.write_text(_NET.format(data=str(data), weights=str(data / "mobilenet_v1_025_imagenet.safetensors")))

    def figure(strategy: Strategy, seed: int) -> float:
        run = tare.transfer(
            f"{net}:Pixels", folder / "photos", out=folder / "run", weights="none", mean=(0.5,), std=(0.5,), strategy=strategy,
            ignore=255, class_names="other,plants", size=_SIZE, epochs=6, lr=1e-3, batch_size=8, seed=seed, **_PLAIN,
        )  # fmt: skip
        return run.evaluation.headline.value.estimate

    return figure


def genes(data: Path, folder: Path) -> Callable[[Strategy, int], float]:
    """Seven functions of yeast's genes as the source of seven others."""
    del data
    found = importlib.util.find_spec("river")
    if found is None or found.origin is None:
        raise SystemExit("genes are in the package river: pip install river")
    packed = (Path(found.origin).parent / "datasets" / "yeast.csv.gz").read_bytes()
    heading, *lines = gzip.decompress(packed).decode().splitlines()
    names = heading.split(",")
    labels = [name for name in names if name.startswith("Class")]
    chosen = np.random.default_rng(0).permutation(len(lines) - _GENES)[:300] + _GENES
    for name, rows, taught in (("many", range(_GENES), labels[:7]), ("few", chosen, labels[7:13])):
        kept = [place for place, column in enumerate(names) if column in taught or column not in labels]
        table = [names, *(lines[row].split(",") for row in rows)]
        (folder / f"{name}.csv").write_text("\n".join(",".join(row[place] for place in kept) for row in table) + "\n")
    how: dict[str, Any] = {"task": "multi-label", **_PLAIN}
    many = tare.transfer(
        "tare:mlp", folder / "many.csv", out=folder / "many", protocol="scratch", strategy="target", epochs=15, lr=3e-3,
        label=",".join(labels[:7]), **how,
    )  # fmt: skip

    def figure(strategy: Strategy, seed: int) -> float:
        run = tare.transfer(
            str(many.out), folder / "few.csv", out=folder / "run", strategy=strategy, epochs=20, lr=1e-3, seed=seed,
            label=",".join(labels[7:13]), **how,
        )  # fmt: skip
        return run.evaluation.headline.value.estimate

    return figure


def xrays(data: Path, folder: Path) -> Callable[[Strategy, int], float]:
    """Clothes as the source of X-rays, of which few are learnt."""
    net = folder / "small_cnn.py"
    net.write_text(_SMALL)
    how: dict[str, Any] = {"augmentation": "none", "size": 28, "batch_size": 32, **_PLAIN}
    clothes = tare.transfer(
        f"{net}:small_cnn", data / "fashion_test.npz", out=folder / "clothes", weights="none", protocol="scratch",
        strategy="target", epochs=4, lr=3e-3, array="x", label="y", **{**how, "batch_size": 128},
    )  # fmt: skip
    with np.load(data / "pneumoniamnist.npz") as arrays:
        whole = {name: arrays[name] for name in arrays.files if not name.startswith("test")}

    def figure(strategy: Strategy, seed: int) -> float:
        drawn = np.random.default_rng(seed).permutation(len(whole["train_labels"]))[:200]
        few = {name: values[drawn] if name.startswith("train") else values for name, values in whole.items()}
        np.savez(folder / "few.npz", **few)
        run = tare.transfer(
            f"{net}:small_cnn", folder / "few.npz", out=folder / "run", weights=str(clothes.out), strategy=strategy, epochs=8,
            lr=1e-3, seed=seed, **how,
        )  # fmt: skip
        return run.evaluation.headline.value.estimate

    return figure


def _scene(photo: Image.Image, root: Path, name: str) -> None:
    from scipy.ndimage import uniform_filter

    red, green, blue = np.moveaxis(np.asarray(photo, np.float64), -1, 0)
    index = uniform_filter(2 * green - red - blue, 9)
    mask = np.where(np.abs(index - 8) < 2, 255, index > 8).astype(np.uint8)
    for part, image in (("images", photo), ("masks", Image.fromarray(mask))):
        (root / part).mkdir(parents=True, exist_ok=True)
        image.save(root / part / f"{Path(name).stem}.png")


_TRANSFERS: dict[str, tuple[str, Callable[[Path, Path], Callable[[Strategy, int], float]]]] = {
    "wine": ("R2", wine),
    "plants": ("mIoU", plants),
    "genes": ("mAP", genes),
    "xrays": ("accuracy", xrays),
}


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--only", choices=tuple(_TRANSFERS))
    options = parser.parse_args()
    data = Path(os.environ["TARE_DATA"])
    print("| transfer | figure | source | target | target - source (95%) |\n|---|---|---|---|---|")
    for name, (what, made) in _TRANSFERS.items():
        if options.only not in (None, name):
            continue
        with TemporaryDirectory() as folder:
            figure = made(data, Path(folder))
            pairs = np.array([[figure(strategy, seed) for strategy in _COMPARED] for seed in range(options.seeds)])
        gap = mean_interval(list(pairs[:, 1] - pairs[:, 0]))
        means = " | ".join(f"{value:.3f}" for value in pairs.mean(axis=0))
        print(f"| {name} | {what} | {means} | {gap.estimate:+.3f} ({gap.low:+.3f} to {gap.high:+.3f}) |", flush=True)


if __name__ == "__main__":
    main()
