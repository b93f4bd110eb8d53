"""What a source hands out: a sample, or the typed reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One sample: raw values with the channel axis last, ``(H, W, C)`` for an image, and the label where there is one."""

    path: str
    values: NDArray[Any]
    label: str | None = None


@dataclass(frozen=True, slots=True, order=True)
class Skipped:
    """One input that gave no sample, and why.

    ``foreign`` marks files that never claimed to be samples (a README among photos): they are listed, but do not count
    towards the share of unreadable samples.
    """

    path: str
    reason: str
    foreign: bool = False
