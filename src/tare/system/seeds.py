"""Seeds derived from several numbers, such as (seed, epoch), and generators that are seeded for a while."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


def derived(*parts: int) -> int:
    """Mix non-negative integers into one 32-bit seed (numpy's SeedSequence).

    Torch's CPU generator uses the low 32 bits of a seed alone: ``(seed << 32) + epoch`` would drop the seed.
    """
    return int(np.random.SeedSequence(parts).generate_state(1)[0])


def seed_all(seed: int) -> None:
    """Seed the generators of Python, NumPy and torch."""
    import torch

    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed the generators of Python, NumPy and torch, and leave them as they were."""
    import torch

    kept = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=[]):
        seed_all(seed)
        try:
            yield
        finally:
            random.setstate(kept[0])
            np.random.set_state(kept[1])
