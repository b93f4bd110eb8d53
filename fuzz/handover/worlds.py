"""All worlds; each module of one has ``WORLDS``."""

from __future__ import annotations

from collections.abc import Sequence

from fuzz.handover import pictures, rasters, signals, tables, volumes
from fuzz.handover.matrix import World


def worlds() -> Sequence[World]:
    """The worlds, in the order of their rows."""
    return (*tables.WORLDS, *signals.WORLDS, *pictures.WORLDS, *rasters.WORLDS, *volumes.WORLDS)
