"""Forecasts of a series whose level moves, by three normalisations: ``python -m benchmarks.forecasts``.

96 hours of bicycles hired (UCI bike sharing, 2011 and 2012) answer the next 24. ``tare:cnn1d`` is trained on the first half of
the two years and scored on the second, whose mean is higher: under the training half's mean and std (target), each window's own
(sample), and each window's own with the answers mapped back (``--forecast``). A seed draws validation split, weights and order.

Needs ``$TARE_DATA``. Prints the mean R2 of each, and differences to target, paired by seed, with Student's interval.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

import tare
from benchmarks.marks import insert
from tare.statistics.intervals import mean_interval

_SEEN, _AHEAD, _EVERY = 96, 24, 12
_WAYS: dict[str, dict[str, Any]] = {
    "`target`": {"strategy": "target"},
    "`sample`": {"strategy": "sample"},
    "`sample` with `--forecast`": {"strategy": "sample", "forecast": "c0"},
}


def _windows(series: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    starts = range(0, len(series) - _SEEN - _AHEAD, _EVERY)
    seen = np.stack([series[first : first + _SEEN] for first in starts])[..., None]
    return seen, np.stack([series[first + _SEEN : first + _SEEN + _AHEAD] for first in starts])


def _save(data: Path, folder: Path) -> tuple[Path, Path]:
    with tarfile.open(data / "tabular-1d.tar.gz") as archive:
        member = archive.extractfile("bike/Bike-Sharing-Dataset/hour.csv")
        assert member is not None  # noqa: S101 - part of the archive
        hired = pl.read_csv(io.BytesIO(member.read()))["cnt"].to_numpy().astype(np.float64)
    halves = np.array_split(hired, 2)
    for name, half in zip(("train", "test"), halves, strict=True):
        seen, ahead = _windows(half)
        np.savez(folder / f"{name}.npz", **{f"x_{name}": seen, f"y_{name}": ahead})  # type: ignore[arg-type]
    print(f"bicycles an hour: mean {halves[0].mean():.0f} in the first half, {halves[1].mean():.0f} in the second")
    return folder / "train.npz", folder / "test.npz"


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the table between its marks in this page")
    options = parser.parse_args()
    with TemporaryDirectory() as made:
        folder = Path(made)
        train, test = _save(Path(os.environ["TARE_DATA"].split(os.pathsep)[0]), folder)
        found: dict[str, list[float]] = {name: [] for name in _WAYS}
        for seed in range(options.seeds):
            for name, options in _WAYS.items():
                tare.transfer(
                    "tare:cnn1d", train, out=folder / "run", test=test, task="regression", protocol="scratch", epochs=15, lr=3e-3,
                    augmentation="none", seed=seed, workers=0, device="cpu", overwrite=True, **options,
                )  # fmt: skip
                found[name].append(json.loads((folder / "run" / "test.json").read_text())["r2"]["estimate"])
    lines = ["| normalisation | R2 of the second half | difference to `target` (95%) |\n|---|---|---|"]
    base = np.array(found["`target`"])
    for name, values in found.items():
        gap = mean_interval(list(np.array(values) - base))
        said = "" if name == "`target`" else f"{gap.estimate:+.3f} ({gap.low:+.3f} to {gap.high:+.3f})"
        lines.append(f"| {name} | {np.mean(values):.3f} | {said} |")
    print("\n".join(lines))
    if options.write is not None:
        insert(options.write, "forecasts", "\n".join(lines))


if __name__ == "__main__":
    main()
