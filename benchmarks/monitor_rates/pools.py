"""Real samples below $TARE_DATA, reduced to figures once; and the faults that they are served with."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.monitor_rates.services import Pool
from tare.monitoring.evidence.figures import Taking, figures_of, thinned
from tare.samples.decode import decode_noted
from tare.samples.sound.wav import decode_wav

Doubles = NDArray[np.float64]
Fault = Callable[[Doubles, float], Doubles]

_SAMPLES = 4000
_TOPS = {"uint8": 255.0, "uint16": 65535.0, "float64": 0.0}

#: What goes wrong: raw values and the top of their range to other raw values; the top is 0 for numbers without a range.
FAULTS: dict[str, Fault] = {
    "gain 0.9": lambda raw, _: raw * 0.9,
    "offset 0.05": lambda raw, top: np.clip(raw + 0.05 * top, 0, top),
    "channels swapped": lambda raw, _: raw[..., ::-1],
    "dead channel": lambda raw, _: raw * (np.arange(raw.shape[-1]) > 0),
    "12 bits in 16": lambda raw, _: np.floor(raw / 16),
}


class Samples:
    """Real samples of one kind: blocks ``(1, P, C)`` of raw values."""

    def __init__(self, name: str, blocks: list[NDArray[Any]], channels: tuple[str, ...], dtype: str) -> None:
        self.name, self.blocks, self.dtype = name, blocks, dtype
        top, rows = _TOPS[dtype], blocks[0].shape[1] == 1
        low, high = (0.0, top) if top else (min(map(np.min, blocks)), max(map(np.max, blocks)))
        self.taking = Taking(channels, dtype, (float(low),) * len(channels), (float(high),) * len(channels), rows=rows)

    def figures(self, fault: Fault | None = None) -> Doubles:
        """The figures of all samples, with a fault; values are rounded as the dtype has them."""
        return np.concatenate([figures_of(self.served(block, fault), self.taking) for block in self.blocks])

    def served(self, block: NDArray[Any], fault: Fault | None) -> NDArray[Any]:
        """One block with a fault, in its own dtype."""
        if fault is None:
            return block
        changed = fault(block.astype(np.float64), _TOPS[self.dtype])
        return np.round(changed).astype(block.dtype) if block.dtype.kind in "iu" else changed

    def pool(self) -> Pool:
        """The figures of all samples without a fault."""
        return Pool(self.name, self.taking, self.figures())


def digits() -> Samples:
    """The 1,797 digits of scikit-learn, as 8-bit images."""
    from sklearn.datasets import load_digits

    images = np.round(load_digits().images * 15.9375).astype(np.uint8)
    return Samples("digits", [image.reshape(1, -1, 1) for image in images], ("grey",), "uint8")


def real(root: Path) -> Iterator[Samples]:
    """Photographs, X-rays, recordings and a table."""
    photos = list(_members(root / "cifar10-test.tar.gz", ".jpg"))[:: max(1, 10_000 // _SAMPLES)]
    yield Samples(
        "photographs", [decode_noted(data, "rgb").values.reshape(1, -1, 3) for data in photos], ("red", "green", "blue"), "uint8"
    )
    with np.load(root / "pneumoniamnist.npz") as archive:
        rays = np.concatenate([archive[name] for name in ("train_images", "val_images", "test_images")])
    yield Samples("X-rays", [image.reshape(1, -1, 1) for image in rays], ("grey",), "uint8")
    spoken = (decode_wav(data) for data in _members(root / "fsdd.tar.gz", ".wav"))
    yield Samples("speech", [thinned(each.reshape(1, -1, 1).astype(np.float64)) for each in spoken], ("c0",), "float64")
    white = next(data for name, data in _named(root / "tabular-1d.tar.gz") if name.endswith("winequality-white.csv"))
    rows = np.loadtxt(io.BytesIO(white), delimiter=",")[:, :11]
    yield Samples("table", [row.reshape(1, 1, -1) for row in rows], tuple(f"c{c}" for c in range(11)), "float64")


def sixteen_bits(samples: Samples) -> Samples:
    """The same 8-bit samples as 16-bit ones that fill their range."""
    blocks = [block.astype(np.uint16) * 257 for block in samples.blocks]
    return Samples(f"{samples.name}, 16 bits", blocks, samples.taking.channels, "uint16")


def _members(archive: Path, suffix: str) -> Iterator[bytes]:
    return (data for name, data in _named(archive) if name.endswith(suffix))


def _named(archive: Path) -> Iterator[tuple[str, bytes]]:
    """The files of an archive in alphabetical order."""
    with tarfile.open(archive) as tar:
        for member in sorted(tar.getmembers(), key=lambda each: each.name):
            file = tar.extractfile(member) if member.isfile() and not Path(member.name).name.startswith(".") else None
            if file is not None:
                yield member.name, file.read()
