"""The datasets between which advice is tried out, as samples in memory; those whose files are absent are left out."""

from __future__ import annotations

import io
import os
import wave
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tare.studying.tasks.digits import load_digits
from tare.studying.tasks.samples import Samples

_SIGNAL = 4096


def found(name: str) -> Path:
    """A file or folder below one of the folders that TARE_DATA names. Raises :class:`FileNotFoundError` if there is none."""
    for root in os.environ.get("TARE_DATA", "").split(os.pathsep):
        for path in (Path(root) / name, *Path(root).glob(f"*/{name}")):
            if root and path.exists():
                return path
    raise FileNotFoundError(name)


@cache
def digits(first: int, last: int) -> Samples:
    """scikit-learn's digits ``first`` to ``last``; both halves ship with it."""
    early, late = load_digits()
    return replace(early if last < 5 else late, name=f"digits {first}-{last}")


@cache
def mnist(first: int = 0, last: int = 9) -> Samples:
    """MNIST's test split, some of its digits."""
    return _folders("mnist-test", f"mnist {first}-{last}", tuple(map(str, range(first, last + 1))), "L", 28)


@cache
def fashion() -> Samples:
    """Fashion-MNIST's test split."""
    with np.load(found("fashion_test.npz")) as arrays:
        return Samples("fashion", arrays["x"][..., None], arrays["y"].astype(np.int64))


@cache
def pneumonia() -> Samples:
    """Chest X-rays, all splits together: tasks split anew."""
    with np.load(found("pneumoniamnist.npz")) as arrays:
        values, labels = (
            np.concatenate([arrays[f"{p}_{what}"] for p in ("train", "val", "test")]) for what in ("images", "labels")
        )
    return Samples("pneumonia", values[..., None], labels[:, 0].astype(np.int64))


@cache
def cifar(number: int, side: int = 32, count: int | None = None) -> Samples:
    """CIFAR-10's test split, five of its classes in alphabetical order: the first five or the last; enlarged to ``side``."""
    classes = ("airplane", "automobile", "bird", "cat", "deer"), ("dog", "frog", "horse", "ship", "truck")
    return _folders("cifar10-test", f"cifar {'AB'[number]}", classes[number], "RGB", side, count)


@cache
def hymenoptera(side: int = 96) -> Samples:
    """Ants and bees, both splits together."""
    parts = [_folders(f"hymenoptera/{part}", part, ("ants", "bees"), "RGB", side) for part in ("train", "val")]
    values, labels = (np.concatenate([getattr(part, what) for part in parts]) for what in ("values", "labels"))
    return Samples("hymenoptera", values, labels)


@cache
def satellite(side: int = 96) -> Samples:
    """RSSCN7's 98 satellite photos, seven classes."""
    root = found("rsscn7-98/rsscn7")
    return _folders("rsscn7-98/rsscn7", "satellite", tuple(sorted(p.name for p in root.iterdir() if p.is_dir())), "RGB", side)


@cache
def spoken(speakers: Sequence[str]) -> Samples:
    """Spoken digits at 8 kHz, 16 bits as unit floats -1..1, cut or filled with zeros to half a second."""
    files = sorted(path for path in found("fsdd/recordings").glob("*.wav") if path.stem.split("_")[1] in speakers)
    values = np.zeros((len(files), _SIGNAL, 1), np.float32)
    for row, path in enumerate(files):
        with wave.open(io.BytesIO(path.read_bytes())) as sound:
            heard = np.frombuffer(sound.readframes(_SIGNAL), "<i2").astype(np.float32) / 32768
        values[row, : len(heard), 0] = heard
    return Samples(f"spoken by {', '.join(speakers)}", values, np.array([int(path.name[0]) for path in files], np.int64))


@cache
def gestures(year: int) -> Samples:
    """GunPoint: the same two gestures by the same actors, recorded in 2003 and in 2018 with other positions in pixels."""
    with np.load(found("gunpoint_by_group.npz")) as arrays:
        values, labels = arrays["x"].astype(np.float32), arrays["gun1_point2"].astype(np.int64) - 1
        chosen = arrays["oldyoung_label"] == (2 if year == 2018 else 1)
    return Samples(f"gestures of {year}", values[chosen][..., None], labels[chosen])


@cache
def wine(colour: str) -> Samples:
    """Eleven measurements of a wine; is its quality at least 6?"""
    table = np.loadtxt(found(f"wine/winequality-{colour}.csv"), delimiter=",")
    return Samples(f"{colour} wine", table[:, :-1].astype(np.float32), (table[:, -1] >= 6).astype(np.int64))


def _folders(root: str, name: str, classes: Sequence[str], mode: str, side: int, count: int | None = None) -> Samples:
    """Images of one folder a class, shorter edge resized to ``side`` and the middle cut out; ``count`` of each class."""
    values: list[NDArray[np.uint8]] = []
    labels: list[int] = []
    for label, kind in enumerate(classes):
        for path in list(_images(found(root), kind))[:count]:
            values.append(_squared(path, mode, side))
            labels.append(label)
    stacked = np.stack(values)
    return Samples(name, stacked if stacked.ndim == 4 else stacked[..., None], np.array(labels, np.int64))


def _images(root: Path, kind: str) -> Iterator[Path]:
    folder = next((path for path in (root / kind, root / "test" / kind) if path.is_dir()), None)
    if folder is None:
        folder = next(path for path in root.rglob(kind) if path.is_dir())
    return (path for path in sorted(folder.iterdir()) if path.suffix in (".png", ".jpg", ".jpeg"))


def _squared(path: Path, mode: str, side: int) -> NDArray[np.uint8]:
    with Image.open(path) as opened:
        image = opened.convert(mode)
    if image.size == (side, side):
        return np.asarray(image)
    scale = side / min(image.size)
    image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BILINEAR)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return np.asarray(image.crop((left, top, left + side, top + side)))


Loader = Callable[[], Samples]
