"""Coverage and cost of stopping early, over seeded repeats; prints one line per population.

    TARE_DATA=FOLDER python benchmarks/sampling_coverage.py [REPEATS]

``ratio`` is the number of samples read over what an oracle needs who knows the true between-sample variances: the smallest
fixed n whose simultaneous normal intervals (Bonferroni over all means and stds, finite population correction) are within
the tolerance. ``coverage`` is the share of repeats in which all intervals hold the true figures at once. The folder must
hold ``cifar10-test``; without it the synthetic populations are run alone.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from tare.measuring import stopping as sampling
from tare.measuring.random_order import RandomOrder
from tare.measuring.stopping import BLOCK, Sampled, StoppingRule, sample_until
from tare.samples.records import Sample
from tare.sources.files.image_folder import open_image_folder
from tare.statistics.histogram import LEVELS
from tare.statistics.moments import Moments
from tare.statistics.sums import image_sums

_LEVEL = np.arange(256)


@dataclass(frozen=True)
class Population:
    """Exact sums of every sample: counts ``(N,)``, sums and sums of squares ``(N, C)``, in units of ``1 / scale``."""

    name: str
    n: NDArray[np.int64]
    s: NDArray[np.int64]
    q: NDArray[np.int64]
    scale: float

    @property
    def channels(self) -> int:
        """Number of channels C."""
        return self.s.shape[1]

    def truth(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """True means and stds ``(2C,)`` in unit values, and the between-sample std of each."""
        n, s, q = self.n[:, None].astype(float), self.s * self.scale, self.q * self.scale**2
        m = s.sum(0) / n.sum()
        v = q.sum(0) / n.sum() - m * m
        e, f = s - m * n, q - 2 * m * s + (m * m - v) * n
        spread = np.concatenate([e.std(0), f.std(0) / (2 * np.sqrt(v))]) / n.mean()
        return np.concatenate([m, np.sqrt(v)]), spread

    def oracle(self, tolerance: float) -> int:
        """Fixed sample size that someone who knows the spreads would choose."""
        z = stats.norm.ppf(1 - 0.05 / (4 * self.channels))
        size = (z * self.truth()[1].max() / tolerance) ** 2
        return math.ceil(size / (1 + size / len(self.n)))

    def drawn(self, seed: int, total: int) -> Iterator[list[Moments]]:
        """States of blocks in random order; a total beyond the population's size repeats it, copy after copy."""
        order = RandomOrder(total, seed)
        for start in range(0, total, BLOCK):
            i = order.block(start, start + BLOCK) % len(self.n)
            yield [Moments.of_integer_samples(self.n[i], self.s[i, c], self.q[i, c], 0.0, 1.0) for c in range(self.channels)]

    def sampled(self, tolerance: float, seed: int, total: int | None = None) -> Sampled:
        """One run of the rule."""
        total = total or len(self.n)
        return sample_until(self.drawn(seed, total), StoppingRule(tolerance), total, self.scale)


def images(name: str, folder: Path) -> Population:
    """All images of a folder, by their histograms."""
    source = open_image_folder(folder)
    records = (record for chunk in source.chunks() for record in source.read(chunk))
    levels = np.stack([_levels(record.values) for record in records if isinstance(record, Sample)])
    return Population(name, levels[:, 0].sum(axis=1), levels @ _LEVEL, levels @ (_LEVEL * _LEVEL), 1 / 255)


def _levels(values: NDArray[np.uint8]) -> NDArray[np.int64]:
    """How often each level of each channel occurs, ``(C, 256)``."""
    levels = np.zeros((values.shape[-1], LEVELS), np.int64)
    image_sums(values, levels)
    return levels


def synthetic(kind: str, size: int = 100_000, channels: int = 3) -> Population:
    """Samples of 64 values whose means and stds are drawn per sample and channel.

    Independent channels are the hardest case for intervals that are to hold at once.
    """
    rng = np.random.default_rng(1)
    shape = (size, channels)
    if kind == "normal":
        mean, std = 0.5 + 0.12 * rng.standard_normal(shape), np.abs(0.2 + 0.05 * rng.standard_normal(shape))
    elif kind == "skewed":
        mean, std = 0.1 * rng.gamma(1.0, 1.0, shape), 0.05 * rng.gamma(4.0, 1.0, shape)
    elif kind == "heavy":
        mean = 0.1 * np.exp(0.8 * rng.standard_normal(shape))
        std = 0.5 * mean
    else:  # three samples in a hundred are white pages
        white = rng.random(shape) < 0.03
        mean, std = np.where(white, 1.0, 0.3 + 0.05 * rng.standard_normal(shape)), np.where(white, 0.0, 0.1)
    std = np.maximum(std, 1e-3)  # rounded sums of a constant sample may contradict each other
    scale = 1e-4
    s, q = np.rint(64 * mean / scale), np.rint(64 * (mean**2 + std**2) / scale**2)
    return Population(kind, np.full(size, 64), s.astype(np.int64), q.astype(np.int64), scale)


def report(population: Population, tolerance: float, repeats: int) -> None:
    """Run the rule with seeds 0, 1, ... and print coverage and cost."""
    truth, oracle = population.truth()[0], population.oracle(tolerance)
    read, held = [], []
    for seed in range(repeats):
        result = population.sampled(tolerance, seed)
        found = [c.mean * population.scale for c in result.channels] + [c.std * population.scale for c in result.channels]
        widths = [w.mean for w in result.half_widths] + [w.std for w in result.half_widths]
        held.append(np.all(np.abs(np.array(found) - truth) <= np.array(widths)))
        read.append(result.samples)
    ratio = np.array(read) / oracle
    print(
        f"{population.name:8} tol {tolerance:<5} oracle {oracle:6} read {np.mean(read):8.1f} "
        f"({np.mean(read) / len(population.n):.2%}, at most {max(read) / len(population.n):.2%}) "
        f"ratio mean {ratio.mean():.2f} max {ratio.max():.2f} coverage {np.mean(held):.3f}",
        flush=True,
    )


def main() -> None:
    """Print every line."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    folder = Path(os.environ.get("TARE_DATA", "")) / "cifar10-test"
    if folder.is_dir():
        cifar = images("cifar10", folder)
        for tolerance in (0.03, 0.02):
            report(cifar, tolerance, repeats)
        report(cifar, 0.01, repeats // 5)
    for kind, tolerance in (("normal", 0.02), ("skewed", 0.02), ("rare", 0.02)):
        report(synthetic(kind), tolerance, repeats)
    report(synthetic("heavy"), 0.03, repeats // 5)
    with patch.multiple(sampling, _UPPER_95=0.0, _SHARE_OF_ERROR=1.0):  # the rule of Chow and Robbins as it stands
        report(replace(synthetic("skewed"), name="plain"), 0.02, repeats)
    normal = synthetic("normal")
    for total in (10**5, 10**7):
        read = [normal.sampled(0.02, seed, total).samples for seed in range(min(repeats, 100))]
        print(f"normal   tol 0.02  of {total:8} samples: read {np.mean(read):.1f} (se {np.std(read) / math.sqrt(len(read)):.1f})")


if __name__ == "__main__":
    main()
