"""Seeds derived from several numbers, such as (seed, epoch), so that different numbers give different seeds."""

from __future__ import annotations

import numpy as np


def derived(*parts: int) -> int:
    """Mix non-negative integers into one 32-bit seed (numpy's SeedSequence).

    Torch's CPU generator uses the low 32 bits of a seed alone: ``(seed << 32) + epoch`` would drop the seed.
    """
    return int(np.random.SeedSequence(parts).generate_state(1)[0])
